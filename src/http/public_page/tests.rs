//! What the page says and what it never says.

use super::format::{dial, grouped, is_code, kilograms};
use super::words::Words;
use super::*;
use crate::domain::cylinder::without_end;
use crate::domain::said::Lang;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const LANGS: [Lang; 2] = [Lang::Zh, Lang::En];
const VERDICTS: [Verdict; 6] = [
    Verdict::Lawful,
    Verdict::Caution,
    Verdict::Unjudged,
    Verdict::NotLawful,
    Verdict::UnknownCode,
    Verdict::ForgedCode,
];

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn cylinder() -> PublicCylinder {
    PublicCylinder {
        reasons: vec!["此瓶没有使用登记".into()],
        notes: vec!["距下次检验不足 30 天".into()],
        registration_code: Some("320600100123".into()),
        model: Some("YSP35.5".into()),
        serial_no: "A-2305-67891".into(),
        manufactured_on: Some(date(2023, 5, 1)),
        status: CylinderStatus::InService,
        owner_name: Some("海州市平安燃气有限公司".into()),
        filler_name: Some("海州市平安燃气有限公司城东充装站".into()),
        filled_on: Some(date(2026, 6, 3)),
        net_g: Some(14_900),
        inspection_due_on: Some(date(2026, 7, 31)),
        life_ends_on: Some(date(2031, 5, 31)),
        insured: Some(true),
    }
}

fn page(lang: Lang, verdict: Verdict) -> PublicPage {
    PublicPage {
        lang,
        verdict,
        cylinder: Some(cylinder()),
        code_shown: Some("7K3M9PQ2-G".into()),
        complaint: Complaint {
            phone: "12315".into(), authority: Some("海州市市场监督管理局".into())
        },
        looked_up_on: date(2026, 6, 15),
        other_lang_url: "/C/7K3M9PQ2?lang=x&y=1".into(),
    }
}

#[test]
fn a_date_in_a_sentence_does_not_break_at_a_hyphen() {
    let mut page = page(Lang::Zh, Verdict::NotLawful);
    let cylinder = page.cylinder.as_mut().unwrap();
    cylinder.reasons = vec!["检验有效期 2025-06-30 已过，报告 R-2025-06-300 <b>".into()];
    cylinder.notes = vec!["2026-07-31".into()];
    let html = page.render().unwrap();
    assert!(html.contains("<li>检验有效期 <time>2025-06-30</time> 已过"), "{html}");
    assert!(html.contains("&#60;b&#62;</li>") && html.contains("<li><time>2026-07-31</time></li>"), "{html}");
    assert!(html.contains("time {\n  white-space: nowrap;\n}"));
}

fn render(lang: Lang, verdict: Verdict) -> String {
    page(lang, verdict).render().unwrap()
}

fn render_cylinder(lang: Lang, cylinder: PublicCylinder) -> String {
    PublicPage { cylinder: Some(cylinder), ..page(lang, Verdict::NotLawful) }.render().unwrap()
}

const IN_BOTH: [&str; 12] = [
    "7K3M9PQ2-G",
    "3206 0010 0123",
    "YSP35.5",
    "A-2305-6••••",
    "海州市平安燃气有限公司<",
    "城东充装站",
    "14.90 kg",
    "tel:12315",
    "tel:119",
    "海州市市场监督管理局",
    "此瓶没有使用登记",
    "距下次检验不足 30 天",
];

#[test]
fn nothing_is_missing_in_either_language() {
    let zh = "气瓶码,使用登记代码,气瓶编号,制造年月,2023年5月,2026年6月3日,2026年7月31日,2031年5月31日,在用,已投保,\
              2026年6月15日";
    let en = "Label code,Registration code,Serial number,Manufactured,May 2023,3 June 2026,31 July 2026,31 May 2031,\
              In service,Insured,15 June 2026";
    for (lang, facts) in [(Lang::Zh, zh), (Lang::En, en)] {
        for verdict in [Verdict::Lawful, Verdict::NotLawful] {
            let html = render(lang, verdict);
            for fact in facts.split(',').chain(IN_BOTH) {
                assert!(html.contains(fact), "{lang:?} {fact}\n{html}");
            }
            assert!(!html.contains(Words::of(lang).none));
        }
    }
}

#[test]
fn what_is_not_on_record_is_said_to_be_so() {
    let bare = PublicCylinder {
        reasons: Vec::new(),
        notes: Vec::new(),
        registration_code: None,
        model: None,
        serial_no: "1".into(),
        manufactured_on: None,
        status: CylinderStatus::InService,
        owner_name: None,
        filler_name: None,
        filled_on: None,
        net_g: None,
        inspection_due_on: None,
        life_ends_on: None,
        insured: None,
    };
    for lang in LANGS {
        let html = render_cylinder(lang, bare.clone());
        assert_eq!(html.matches(Words::of(lang).none).count(), 10);
        assert!(!html.contains("id=\"reasons\"") && !html.contains("id=\"notes\""));
    }
}

#[test]
fn every_verdict_is_said_in_the_title_and_in_the_band() {
    for lang in LANGS {
        let words = Words::of(lang);
        let all = [
            &words.lawful,
            &words.caution,
            &words.unjudged,
            &words.not_lawful,
            &words.unknown,
            &words.forged,
        ];
        for (verdict, expected) in VERDICTS.into_iter().zip(all) {
            let html = render(lang, verdict);
            assert!(html.contains(&format!("<title>{} ", expected.word)), "{html}");
            assert!(html.contains(&format!("class=\"verdict {}\"", expected.class)));
            for other in all.iter().filter(|other| other.word != expected.word) {
                assert!(!html.contains(&format!("<h2>{}", other.word)));
            }
        }
    }
}

#[test]
fn nothing_is_lawful_without_a_record() {
    for lang in LANGS {
        for verdict in VERDICTS {
            let html = PublicPage { cylinder: None, ..page(lang, verdict) }.render().unwrap();
            assert!(!html.contains(Words::of(lang).lawful.word), "{verdict:?}");
            assert!(!html.contains("id=\"record\""));
        }
    }
}

#[test]
fn an_unknown_or_forged_code_is_explained_and_shows_no_record() {
    let unknown =
        ["此码不是本服务发放的，或者没有对应的气瓶档案", "This code was not issued by this service, or"];
    let forged = ["此码未通过防伪校验", "This code failed verification"];
    for (verdict, texts) in [(Verdict::UnknownCode, unknown), (Verdict::ForgedCode, forged)] {
        let orders = ["请勿使用这只气瓶", "Do not use this cylinder"];
        for ((lang, text), order) in LANGS.into_iter().zip(texts).zip(orders) {
            let html = render(lang, verdict);
            for said in [text, order, "7K3M9PQ2-G", "tel:12315", "tel:119", "<a href=\"/?lang="] {
                assert!(html.contains(said), "{said}\n{html}");
            }
            for kept_back in ["id=\"record\"", "id=\"check\"", "id=\"reasons\"", "平安燃气"] {
                assert!(!html.contains(kept_back), "{kept_back}");
            }
        }
    }
}

#[test]
fn everything_is_escaped() {
    let evil = "<b>&\"'";
    let some = Some(evil.to_owned());
    let cylinder = PublicCylinder {
        reasons: vec![evil.into()],
        notes: vec![evil.into()],
        registration_code: some.clone(),
        model: some.clone(),
        serial_no: format!("{evil}1234"),
        owner_name: some.clone(),
        filler_name: some.clone(),
        ..cylinder()
    };
    for lang in LANGS {
        let html = PublicPage {
            cylinder: Some(cylinder.clone()),
            code_shown: some.clone(),
            complaint: Complaint { phone: evil.into(), authority: some.clone() },
            other_lang_url: format!("/?{evil}"),
            ..page(lang, Verdict::NotLawful)
        }
        .render()
        .unwrap();
        assert!(!html.contains(evil), "{html}");
        // The letter of the serial number is not among its last four.
        assert_eq!(html.matches("&#60;b&#62;&#38;&#34;&#39;").count(), 11, "{html}");
    }
}

#[test]
fn a_strangers_text_is_not_shown_as_a_code() {
    for bad in [
        "",
        "拨打400-1",
        "7K3M9PQ2",
        "7K3M9PQ2-GG",
        "7k3m9pq2-g",
        "7K3M9PQ2-瓶",
        "7K3M9PQ2-*",
        "CALL 400-1",
        "7K3M9PQ21ABCDEFGHJKMNPQRST-WX",
    ] {
        let page = PublicPage { code_shown: Some(bad.into()), ..page(Lang::Zh, Verdict::UnknownCode) };
        assert!(!page.render().unwrap().contains(Words::of(Lang::Zh).code_asked), "{bad}");
    }
    for good in ["7K3M9PQ2-G", "00000000-0", "ZZZZZZZZ-Z", "7K3M9PQ21ABCDEFGHJKMNPQRSTVWX"] {
        assert!(is_code(good), "{good}");
    }
}

#[test]
fn the_answer_to_the_stamp_challenge_is_kept_back() {
    for (serial_no, shown) in
        [("A-2305-67891", "A-2305-6••••"), ("123-45 号6", "123-•• ••"), ("123", "•••"), ("", "")]
    {
        assert_eq!(without_end(serial_no), shown);
    }
    for lang in LANGS {
        assert!(!render(lang, Verdict::Lawful).contains("7891"));
    }
}

#[test]
fn the_language_can_be_switched() {
    for verdict in VERDICTS {
        for (lang, own, other) in [(Lang::Zh, "zh-CN", "en"), (Lang::En, "en", "zh-CN")] {
            let html = render(lang, verdict);
            assert!(html.contains(&format!("<html lang=\"{own}\">")));
            let link = format!("href=\"/C/7K3M9PQ2?lang=x&#38;y=1\" hreflang=\"{other}\" lang=\"{other}\"");
            assert_eq!(html.matches(&link).count(), 2, "{html}");
        }
    }
}

#[test]
fn what_has_ended_is_marked_from_the_day_after() {
    let days = [(date(2026, 7, 31), 0), (date(2026, 8, 1), 1), (date(2031, 5, 31), 1), (date(2031, 6, 1), 2)];
    for (looked_up_on, marks) in days {
        let html = PublicPage { looked_up_on, ..page(Lang::Zh, Verdict::Lawful) }.render().unwrap();
        assert_eq!(html.matches("<strong>").count(), marks, "{looked_up_on}");
    }
}

#[test]
fn a_bad_standing_is_marked() {
    use CylinderStatus::{Blacklisted, InService, Lost, Scrapped, Seized};
    for (status, marks) in [(InService, 0), (Lost, 1), (Blacklisted, 1), (Seized, 1), (Scrapped, 1)] {
        let html = render_cylinder(Lang::Zh, PublicCylinder { status, ..cylinder() });
        assert_eq!(html.matches("<strong>").count(), marks, "{status:?}");
    }
}

#[test]
fn the_fullest_page_is_small_and_brings_nothing_with_it() {
    let long = |characters: usize| "瓶".repeat(characters);
    let cylinder = PublicCylinder {
        reasons: vec![long(200); 20],
        notes: vec![long(200); 10],
        model: Some(long(64)),
        serial_no: long(32),
        owner_name: Some(long(120)),
        filler_name: Some(long(120)),
        ..cylinder()
    };
    for lang in LANGS {
        for verdict in VERDICTS {
            let page = PublicPage { cylinder: Some(cylinder.clone()), ..page(lang, verdict) };
            let html = page.render().unwrap();
            assert!(html.len() <= 50_000, "{}", html.len());
            for never in ["<script", " style=", " onclick=", "http:", "https:", "url(", "@import", " src="] {
                assert!(!html.contains(never), "{never}");
            }
        }
    }
}

#[test]
fn the_policy_names_the_style() {
    let html = render(Lang::Zh, Verdict::UnknownCode);
    let (_, rest) = html.split_once("<style>").unwrap();
    let (style, _) = rest.split_once("</style>").unwrap();
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, style.as_bytes()));
    assert!(CONTENT_SECURITY.contains(&format!("style-src 'sha256-{hash}';")), "sha256-{hash}");
    assert_eq!(html.matches("<style").count(), 1);
}

#[test]
fn codes_masses_and_numbers_are_written_for_people() {
    for (code, expected) in [
        ("320600100123", "3206 0010 0123"),
        ("32A01000001", "32A0 1000 001"),
        ("320600100", "3206 00100"),
        ("3206", "3206"),
        ("瓶苏A00123(26)", "瓶苏A00123(26)"),
        ("", ""),
    ] {
        assert_eq!(grouped(code), expected);
    }
    let masses = [(14_900, "14.90"), (14_905, "14.91"), (0, "0.00"), (49_504, "49.50"), (-20, "-0.02")];
    for (mass_g, expected) in masses {
        assert_eq!(kilograms(mass_g), format!("{expected} kg"));
    }
    assert_eq!(dial(" +86 (512) 123-45").as_deref(), Some("+8651212345"));
    assert_eq!(dial("无"), None);
}
