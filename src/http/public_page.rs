//! The page behind the QR code: what anybody may know about a cylinder, for people at the stove. Rendered here, without
//! scripts, without personal data, with nothing from elsewhere.
//!
//! The last four characters of the serial number are kept back: they answer the stamp challenge, and who has a copied
//! label must not learn them here.

use askama::Template;
use chrono::{Datelike, NaiveDate};

use crate::domain::cylinder::CylinderStatus;
use crate::gate::rule::Lang;

/// What stands in the one `<style>` of the page.
pub(super) const STYLE: &str = include_str!("../../templates/public_cylinder.css");

/// The `Content-Security-Policy` that the page needs: nothing but its own style, which is named by its hash. Whoever
/// changes the style is told the new hash by a test.
pub const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'sha256-oKyM/jszVDKscArd4ukbYsVtIkcb2Cl2R2gt8Gw/dQk='; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a code turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A cylinder that may be used.
    Lawful,
    /// A cylinder that must not be used.
    NotLawful,
    /// No code of ours, or one without a cylinder.
    UnknownCode,
    /// The right shape, but a tag that none of our keys made.
    ForgedCode,
}

/// What the public may know about a cylinder. What is `None` is shown as not on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicCylinder {
    /// Why it must not be used: sentences in the language of the page; may be empty.
    pub reasons: Vec<String>,
    /// Warnings: sentences in the language of the page; may be empty.
    pub notes: Vec<String>,
    /// 使用登记代码
    pub registration_code: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// 气瓶编号, whole; the page shows it without its end.
    pub serial_no: String,
    /// A day in the month of manufacture: the one date that steel always carries.
    pub manufactured_on: Option<NaiveDate>,
    /// How it stands.
    pub status: CylinderStatus,
    /// 产权单位
    pub owner_name: Option<String>,
    /// 充装单位 of the last fill.
    pub filler_name: Option<String>,
    /// The day of the last fill.
    pub filled_on: Option<NaiveDate>,
    /// Gas filled in at the last fill, in grams.
    pub net_g: Option<i32>,
    /// The last day before the inspection is overdue.
    pub inspection_due_on: Option<NaiveDate>,
    /// The last day of its life.
    pub life_ends_on: Option<NaiveDate>,
    /// Whether it is insured on the day of the look-up.
    pub insured: Option<bool>,
}

/// Whom to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The number to dial, e.g. `12315`.
    pub phone: String,
    /// The authority that answers for the cylinder.
    pub authority: Option<String>,
}

/// All that the page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicPage {
    /// In which language.
    pub lang: Lang,
    /// What the code turned out to be.
    pub verdict: Verdict,
    /// The cylinder. Without one no page says that anything is lawful; of an unknown or forged code none is shown.
    pub cylinder: Option<PublicCylinder>,
    /// The short form of the code, e.g. `7K3M9PQ2-X`. Anything of another shape is not shown: this page must not carry
    /// a stranger's text.
    pub code_typed: Option<String>,
    /// Whom to call.
    pub complaint: Complaint,
    /// Today.
    pub looked_up_on: NaiveDate,
    /// The address of the page in the other language.
    pub other_lang_url: String,
}

impl PublicPage {
    /// The page as HTML.
    ///
    /// # Errors
    /// Writing failed, which a string never does.
    pub fn render(&self) -> Result<String, askama::Error> {
        let words = Words::of(self.lang);
        let (verdict, cylinder) = match (self.verdict, &self.cylinder) {
            (Verdict::Lawful | Verdict::NotLawful, Some(cylinder)) => (self.verdict, Some(cylinder)),
            (Verdict::Lawful, None) => (Verdict::UnknownCode, None),
            (verdict, _) => (verdict, None),
        };
        let code = self.code_typed.as_deref().filter(|code| is_short_code(code));
        View {
            page: self,
            words,
            other: Words::of(match self.lang {
                Lang::Zh => Lang::En,
                Lang::En => Lang::Zh,
            }),
            style: STYLE,
            verdict: match verdict {
                Verdict::Lawful => &words.lawful,
                Verdict::NotLawful => &words.not_lawful,
                Verdict::UnknownCode => &words.unknown,
                Verdict::ForgedCode => &words.forged,
            },
            icon: verdict,
            code,
            cylinder,
            check: cylinder.map(|cylinder| self.check(cylinder, code)).unwrap_or_default(),
            record: cylinder.map(|cylinder| self.record(cylinder)).unwrap_or_default(),
            line: if self.complaint.phone == "12315" { words.line_12315 } else { words.line },
            dial: dial(&self.complaint.phone),
            looked_up: day(self.lang, self.looked_up_on),
        }
        .render()
    }

    /// What can be compared with the label and the steel.
    fn check<'a>(&self, cylinder: &'a PublicCylinder, code: Option<&'a str>) -> Vec<Fact<'a>> {
        let terms = &Words::of(self.lang).terms;
        let registration = cylinder.registration_code.as_deref();
        let made = cylinder.manufactured_on.map(|on| month(self.lang, on));
        vec![
            Fact::new(terms.code, code.map_or(Value::None, |code| Value::Code(code.to_owned()))),
            Fact::new(
                terms.registration_code,
                registration.map_or(Value::None, |code| Value::Code(grouped(code))),
            ),
            Fact::new(terms.model, cylinder.model.clone().map_or(Value::None, Value::Code)),
            Fact::new(terms.serial_no, Value::WithoutEnd(without_end(&cylinder.serial_no))),
            Fact::new(terms.manufactured, made.map_or(Value::None, Value::Text)),
        ]
    }

    /// What is on record.
    fn record<'a>(&self, cylinder: &'a PublicCylinder) -> Vec<Fact<'a>> {
        let Words { terms, statuses, overdue, life_ended, insured, .. } = Words::of(self.lang);
        let name = |name: &'a Option<String>| name.as_deref().map_or(Value::None, Value::Name);
        let date = |on: Option<NaiveDate>| on.map_or(Value::None, |on| Value::Date(on, day(self.lang, on)));
        let is_over = |on: Option<NaiveDate>| on.is_some_and(|on| on < self.looked_up_on);
        let (status, stands_well) = match cylinder.status {
            CylinderStatus::InService => (statuses.in_service, true),
            CylinderStatus::Lost => (statuses.lost, false),
            CylinderStatus::Blacklisted => (statuses.blacklisted, false),
            CylinderStatus::Seized => (statuses.seized, false),
            CylinderStatus::Scrapped => (statuses.scrapped, false),
        };
        let status = if stands_well {
            Fact::new(terms.status, Value::Text(status.to_owned()))
        } else {
            Fact { term: terms.status, value: Value::Text(String::new()), flag: Some(status) }
        };
        let insured = cylinder.insured.map(|yes| if yes { insured.0 } else { insured.1 });
        vec![
            status,
            Fact::new(terms.owner, name(&cylinder.owner_name)),
            Fact::new(terms.filler, name(&cylinder.filler_name)),
            Fact::new(terms.filled, date(cylinder.filled_on)),
            Fact::new(terms.net, cylinder.net_g.map_or(Value::None, |net_g| Value::Text(kilograms(net_g)))),
            Fact {
                flag: is_over(cylinder.inspection_due_on).then_some(*overdue),
                ..Fact::new(terms.inspection_due, date(cylinder.inspection_due_on))
            },
            Fact {
                flag: is_over(cylinder.life_ends_on).then_some(*life_ended),
                ..Fact::new(terms.life_ends, date(cylinder.life_ends_on))
            },
            Fact::new(terms.insured, insured.map_or(Value::None, |word| Value::Text(word.to_owned()))),
        ]
    }
}

/// What the template reads.
#[derive(Template)]
#[template(path = "public_cylinder.html")]
struct View<'a> {
    page: &'a PublicPage,
    words: &'static Words,
    other: &'static Words,
    style: &'static str,
    verdict: &'static VerdictWords,
    icon: Verdict,
    code: Option<&'a str>,
    cylinder: Option<&'a PublicCylinder>,
    check: Vec<Fact<'a>>,
    record: Vec<Fact<'a>>,
    line: &'static str,
    dial: Option<String>,
    looked_up: String,
}

/// A line of a table.
struct Fact<'a> {
    term: &'static str,
    value: Value<'a>,
    flag: Option<&'static str>,
}

impl<'a> Fact<'a> {
    fn new(term: &'static str, value: Value<'a>) -> Self {
        Self { term, value, flag: None }
    }
}

enum Value<'a> {
    Text(String),
    /// As registered, which is Chinese in both languages.
    Name(&'a str),
    Code(String),
    WithoutEnd(String),
    Date(NaiveDate, String),
    None,
}

/// Whether this is a label id with its check character, `7K3M9PQ2-X`.
fn is_short_code(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase();
    text.split_once('-').is_some_and(|(id, check)| {
        id.len() == 8
            && id.chars().all(plain)
            && check.len() == 1
            && check.chars().all(|c| plain(c) || "*~$=".contains(c))
    })
}

/// Groups of four, the last of two to five, which is how people compare numbers. What has marks or characters of its own
/// is left as it is.
fn grouped(code: &str) -> String {
    if !code.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return code.to_owned();
    }
    let mut text = String::with_capacity(code.len() + code.len() / 4);
    for (i, c) in code.chars().enumerate() {
        if i > 0 && i % 4 == 0 && code.len() - i > 1 {
            text.push(' ');
        }
        text.push(c);
    }
    text
}

/// The serial number with a dot for each of its last four letters and digits: the answer to the stamp challenge.
fn without_end(serial_no: &str) -> String {
    let kept = serial_no.chars().filter(|c| c.is_alphanumeric()).count().saturating_sub(4);
    let mut seen = 0;
    let masked = serial_no.chars().map(|c| {
        seen += usize::from(c.is_alphanumeric());
        if c.is_alphanumeric() && seen > kept { '•' } else { c }
    });
    masked.collect()
}

/// `14.90 kg`, rounded half up.
fn kilograms(mass_g: i32) -> String {
    let sign = if mass_g < 0 { "-" } else { "" };
    let tens = (mass_g.unsigned_abs() + 5) / 10;
    format!("{sign}{}.{:02} kg", tens / 100, tens % 100)
}

fn day(lang: Lang, on: NaiveDate) -> String {
    match lang {
        Lang::Zh => format!("{}年{}月{}日", on.year(), on.month(), on.day()),
        Lang::En => on.format("%-d %B %Y").to_string(),
    }
}

fn month(lang: Lang, on: NaiveDate) -> String {
    match lang {
        Lang::Zh => format!("{}年{}月", on.year(), on.month()),
        Lang::En => on.format("%B %Y").to_string(),
    }
}

/// What a phone dials: the digits, and a leading plus.
pub(super) fn dial(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let plus = if phone.trim_start().starts_with('+') { "+" } else { "" };
    (!digits.is_empty()).then(|| format!("{plus}{digits}"))
}

/// Every word of the page in one language.
pub(super) struct Words {
    /// The language tag.
    pub(super) tag: &'static str,
    /// The name of the language, in itself.
    pub(super) language: &'static str,
    /// The link to the page in this language, in this language.
    pub(super) switch: &'static str,
    pub(super) service: &'static str,
    pub(super) title: &'static str,
    pub(super) colon: &'static str,
    pub(super) stop: &'static str,
    pub(super) lawful: VerdictWords,
    not_lawful: VerdictWords,
    unknown: VerdictWords,
    forged: VerdictWords,
    reasons: &'static str,
    meaning: &'static str,
    code_asked: &'static str,
    steps: &'static str,
    notes: &'static str,
    check_how: &'static str,
    record: &'static str,
    terms: Terms,
    statuses: Statuses,
    none: &'static str,
    end_kept_back: &'static str,
    overdue: &'static str,
    life_ended: &'static str,
    /// Yes and no.
    insured: (&'static str, &'static str),
    pub(super) complain: &'static str,
    pub(super) call: &'static str,
    pub(super) line: &'static str,
    pub(super) line_12315: &'static str,
    pub(super) authority: &'static str,
    pub(super) tell: &'static str,
    pub(super) smell: &'static str,
    /// Ends where the number follows.
    pub(super) smell_do: &'static str,
    about: &'static str,
    limits: [&'static str; 3],
    looked_up: &'static str,
}

pub(super) struct VerdictWords {
    class: &'static str,
    pub(super) word: &'static str,
    /// What to do, where the word itself doesn't say it.
    order: Option<&'static str>,
    summary: &'static str,
    /// What it means, and what to try before believing it.
    meaning: Option<(&'static str, &'static str)>,
    steps: Option<[&'static str; 3]>,
    /// Over what can be compared, and below it: what a difference means.
    check: Option<(&'static str, &'static str)>,
}

struct Terms {
    code: &'static str,
    registration_code: &'static str,
    model: &'static str,
    serial_no: &'static str,
    manufactured: &'static str,
    status: &'static str,
    owner: &'static str,
    filler: &'static str,
    filled: &'static str,
    net: &'static str,
    inspection_due: &'static str,
    life_ends: &'static str,
    insured: &'static str,
}

struct Statuses {
    in_service: &'static str,
    lost: &'static str,
    blacklisted: &'static str,
    seized: &'static str,
    scrapped: &'static str,
}

impl Words {
    pub(super) fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::Zh => &ZH,
            Lang::En => &EN,
        }
    }
}

const ZH_STEPS: [&str; 3] = [
    "不要使用这只气瓶；如已接上灶具，请立即关紧瓶阀。",
    "将气瓶放在通风处，远离明火和热源；不要自行拆卸瓶阀或倾倒残液。",
    "保留标签照片、供气单位名称和付款凭证，拨打下方电话投诉举报。",
];

const EN_STEPS: [&str; 3] = [
    "Do not use this cylinder. If it is already connected, close its valve now.",
    "Keep it in a well-ventilated place, away from flames and heat. Do not take off the valve or pour out what is left.",
    "Keep a photo of the label, the name of the supplier and the receipt, and report it on the number below.",
];

static ZH: Words = Words {
    tag: "zh-CN",
    language: "中文",
    switch: "查看中文页面",
    service: "瓶码",
    title: "液化石油气瓶公开查询",
    colon: "：",
    stop: "。",
    lawful: VerdictWords {
        class: "lawful",
        word: "可以使用",
        order: None,
        summary: "登记记录显示，这只气瓶可以合法使用。使用前，请先核对瓶上钢印。",
        meaning: None,
        steps: None,
        check: Some((
            "使用前，请先核对",
            "有一项不一致，就不要使用，并请投诉举报：标签可能是从别的气瓶上复制来的，这是作弊的迹象。",
        )),
    },
    not_lawful: VerdictWords {
        class: "not-lawful",
        word: "请勿使用",
        order: None,
        summary: "登记记录显示，这只气瓶目前不得使用。",
        meaning: None,
        steps: Some([
            ZH_STEPS[0],
            ZH_STEPS[1],
            "要求供气单位更换合格的气瓶；对方拒绝更换的，拨打下方电话投诉举报。",
        ]),
        check: Some((
            "核对标签与钢印",
            "如有不一致，标签可能是从别的气瓶上复制来的，这是作弊的迹象，请在投诉举报时一并说明。",
        )),
    },
    unknown: VerdictWords {
        class: "unknown",
        word: "查无此码",
        order: Some("请勿使用这只气瓶"),
        summary: "本服务没有与此码对应的气瓶记录。",
        meaning: Some((
            "此码不是本服务发放的，或者没有对应的气瓶档案。这只气瓶可能未经登记，来源不明，无法确认是否合法。",
            "标签脏污、网址输错，也会查不到。可擦净标签重新扫码；仍查不到的，请勿使用。",
        )),
        steps: Some(ZH_STEPS),
        check: None,
    },
    forged: VerdictWords {
        class: "forged",
        word: "此码系伪造",
        order: Some("请勿使用这只气瓶"),
        summary: "此码未通过防伪校验，不是本服务发放的瓶码。",
        meaning: Some((
            "此码的格式与真码相同，但不是本服务发放的，标签可能是私自印制的。气瓶可能不合法，来源和安全状况无法确认。",
            "如果网址是手工输入的，请先检查有无输错。扫码得到这一结果的，请勿使用，并尽快举报。",
        )),
        steps: Some(ZH_STEPS),
        check: None,
    },
    reasons: "不得使用的原因",
    meaning: "这说明什么",
    code_asked: "所查瓶码",
    steps: "现在怎么办",
    notes: "提醒",
    check_how: "请与气瓶上的标签、钢印逐项核对：",
    record: "登记信息",
    terms: Terms {
        code: "瓶码编号",
        registration_code: "使用登记代码",
        model: "型号",
        serial_no: "气瓶编号",
        manufactured: "制造年月",
        status: "状态",
        owner: "产权单位",
        filler: "最近充装单位",
        filled: "充装日期",
        net: "充装量（净重）",
        inspection_due: "检验有效期至",
        life_ends: "设计使用年限至",
        insured: "气瓶保险",
    },
    statuses: Statuses {
        in_service: "在用",
        lost: "已报失",
        blacklisted: "已列入黑名单",
        seized: "已被查封、扣押",
        scrapped: "已报废",
    },
    none: "无记录",
    end_kept_back: "末四位不公开",
    overdue: "已超期",
    life_ended: "已到期",
    insured: ("已投保", "未投保"),
    complain: "投诉举报",
    call: "拨打",
    line: "投诉举报电话",
    line_12315: "市场监管投诉举报热线",
    authority: "监管部门",
    tell: "请说明：瓶码编号和钢印内容、供气单位名称、购买时间和地点。",
    smell: "闻到燃气味怎么办",
    smell_do: "立即关紧瓶阀，打开门窗；不要开关任何电器，不要动用明火；撤到室外安全处，再拨打 ",
    about: "关于本页",
    limits: [
        "本页显示登记、充装和检验记录，反映查询当日的登记状态，不能证明气瓶本身完好无损。",
        "瓶码可能被复制，本页不能证明您面前的气瓶就是登记的那一只，请以瓶上钢印为准。",
        "本页不含个人信息。",
    ],
    looked_up: "查询日期",
};

static EN: Words = Words {
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
        check: Some((
            "Compare before you use it",
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
            EN_STEPS[0],
            EN_STEPS[1],
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
        steps: Some(EN_STEPS),
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
        steps: Some(EN_STEPS),
        check: None,
    },
    reasons: "Why it must not be used",
    meaning: "What this means",
    code_asked: "Code looked up",
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

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::digest;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    const LANGS: [Lang; 2] = [Lang::Zh, Lang::En];
    const VERDICTS: [Verdict; 4] =
        [Verdict::Lawful, Verdict::NotLawful, Verdict::UnknownCode, Verdict::ForgedCode];

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
            code_typed: Some("7K3M9PQ2-X".into()),
            complaint: Complaint {
                phone: "12315".into(), authority: Some("海州市市场监督管理局".into())
            },
            looked_up_on: date(2026, 6, 15),
            other_lang_url: "/C/7K3M9PQ2?lang=x&y=1".into(),
        }
    }

    fn render(lang: Lang, verdict: Verdict) -> String {
        page(lang, verdict).render().unwrap()
    }

    fn render_cylinder(lang: Lang, cylinder: PublicCylinder) -> String {
        PublicPage { cylinder: Some(cylinder), ..page(lang, Verdict::NotLawful) }.render().unwrap()
    }

    const IN_BOTH: [&str; 12] = [
        "7K3M9PQ2-X",
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
        let zh = "瓶码编号,使用登记代码,气瓶编号,制造年月,2023年5月,2026年6月3日,2026年7月31日,2031年5月31日,在用,已投保,\
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
            let all = [&words.lawful, &words.not_lawful, &words.unknown, &words.forged];
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
                for said in [text, order, "7K3M9PQ2-X", "tel:12315", "tel:119"] {
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
                code_typed: some.clone(),
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
        for bad in ["", "拨打400-1", "7K3M9PQ2", "7K3M9PQ2-XX", "7k3m9pq2-x", "7K3M9PQ2-瓶", "CALL 400-1"]
        {
            let page = PublicPage { code_typed: Some(bad.into()), ..page(Lang::Zh, Verdict::UnknownCode) };
            assert!(!page.render().unwrap().contains(ZH.code_asked), "{bad}");
        }
        for good in ["7K3M9PQ2-X", "00000000-0", "ZZZZZZZZ-~", "7K3M9PQ2-*", "7K3M9PQ2-$", "7K3M9PQ2-="] {
            assert!(is_short_code(good), "{good}");
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
                let link =
                    format!("href=\"/C/7K3M9PQ2?lang=x&#38;y=1\" hreflang=\"{other}\" lang=\"{other}\"");
                assert_eq!(html.matches(&link).count(), 2, "{html}");
            }
        }
    }

    #[test]
    fn what_has_ended_is_marked_from_the_day_after() {
        let days =
            [(date(2026, 7, 31), 0), (date(2026, 8, 1), 1), (date(2031, 5, 31), 1), (date(2031, 6, 1), 2)];
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
                for never in
                    ["<script", " style=", " onclick=", "http:", "https:", "url(", "@import", " src="]
                {
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
}
