//! The page in English.

use super::{Statuses, Terms, VerdictWords, Words};

const STEPS: [&str; 3] = [
    "Do not use this cylinder. If it is already connected, close its valve now.",
    "Keep it in a well-ventilated place, away from flames and heat. Do not take off the valve or pour out what is left.",
    "Keep a photo of the label, the name of the supplier and the receipt, and report it on the number below.",
];

const COMPARE_FIRST: (&str, &str) = (
    "Compare before you use it",
    "If any of them differs, do not use the cylinder, and report it: the label may have been copied from another \
     cylinder, which is a sign of cheating.",
);

pub(super) static WORDS: Words = Words {
    tag: "en",
    language: "English",
    switch: "Read this page in English",
    service: "Pingma 瓶码",
    title: "LPG cylinder public record",
    colon: ": ",
    stop: ".",
    lawful: VerdictWords {
        class: "lawful",
        word: "Lawful to use",
        order: None,
        summary: "The record shows that this cylinder may be used. First compare the stamp on the steel.",
        meaning: None,
        steps: None,
        check: Some(COMPARE_FIRST),
    },
    caution: VerdictWords {
        class: "unknown",
        word: "Ask first",
        order: None,
        summary: "The cylinder itself is lawful, but by the notes below it may not be one that was filled for you. Ask the \
                  supplier first.",
        meaning: None,
        steps: None,
        check: Some(COMPARE_FIRST),
    },
    unjudged: VerdictWords {
        class: "unknown",
        word: "Cannot be judged now",
        order: None,
        summary: "The clock of this service is wrong, so nobody can tell now whether an inspection or a life has ended. \
                  Look again later.",
        meaning: None,
        steps: None,
        check: Some((
            "Compare label and steel",
            "If any of them differs, do not use the cylinder, and report it: the label may have been copied from another \
             cylinder, which is a sign of cheating.",
        )),
    },
    not_lawful: VerdictWords {
        class: "not-lawful",
        word: "Do not use",
        order: None,
        summary: "The record shows that this cylinder must not be used at present.",
        meaning: None,
        steps: Some([
            STEPS[0],
            STEPS[1],
            "Ask the supplier for a sound cylinder in exchange. If they refuse, report it on the number below.",
        ]),
        check: Some((
            "Compare label and steel",
            "If any of them differs, the label may have been copied from another cylinder, which is a sign of cheating. \
             Say so when you report it.",
        )),
    },
    unknown: VerdictWords {
        class: "unknown",
        word: "Unknown code",
        order: Some("Do not use this cylinder"),
        summary: "This service has no cylinder on record for this code.",
        meaning: Some((
            "This code was not issued by this service, or no cylinder belongs to it. The cylinder may be unregistered; nobody \
             can tell where it comes from or whether it is lawful.",
            "A dirty label or a mistyped address has the same effect. Wipe the label and scan it again; if the code is \
             still unknown, do not use the cylinder.",
        )),
        steps: Some(STEPS),
        check: None,
    },
    forged: VerdictWords {
        class: "forged",
        word: "Forged code",
        order: Some("Do not use this cylinder"),
        summary: "This code failed verification. It was not issued by this service.",
        meaning: Some((
            "This code looks like a real one but was not issued by this service; somebody may have printed the label \
             themselves. The cylinder may be unlawful; nobody can tell where it comes from or whether it is safe.",
            "If you typed the address, check it for mistakes first. If you scanned the label, do not use the cylinder, \
             and report it soon.",
        )),
        steps: Some(STEPS),
        check: None,
    },
    reasons: "Why it must not be used",
    meaning: "What this means",
    code_asked: "Code looked up",
    type_again: "Type the code again",
    steps: "What to do now",
    notes: "Please note",
    check_how: "Compare these with the label and with the stamp on the steel:",
    record: "On record",
    terms: Terms {
        code: "Label code",
        registration_code: "Registration code",
        model: "Model",
        serial_no: "Serial number",
        manufactured: "Manufactured",
        status: "Status",
        owner: "Owner",
        filler: "Last filled by",
        filled: "Filled on",
        net: "Gas filled (net)",
        inspection_due: "Next inspection due",
        life_ends: "End of design life",
        insured: "Insurance",
    },
    statuses: Statuses {
        in_service: "In service",
        lost: "Reported lost",
        blacklisted: "Blacklisted",
        seized: "Seized by the authorities",
        scrapped: "Scrapped",
    },
    none: "Not on record",
    end_kept_back: "last four not shown",
    overdue: "Overdue",
    life_ended: "Ended",
    insured: ("Insured", "Not insured"),
    complain: "Complaints and reports",
    call: "Dial",
    line: "Complaints hotline",
    line_12315: "Market supervision hotline",
    authority: "Authority",
    tell: "Tell them the label code, what is stamped on the steel, the supplier, and when and where you bought it.",
    smell: "If you smell gas",
    smell_do: "Close the valve and open doors and windows. Do not touch any switch or light any flame. Go outside and call ",
    about: "About this page",
    limits: [
        "It shows the registration, filling and inspection records as they stand on the day of the look-up. It does not \
         prove that the cylinder itself is undamaged.",
        "A code can be copied: this page does not prove that the cylinder in front of you is the registered one. What \
         counts is the stamp on the steel.",
        "It contains no personal data.",
    ],
    looked_up: "Looked up on",
};
