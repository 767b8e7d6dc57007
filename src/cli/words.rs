//! What the command line says of a cylinder, in the language that was asked for. Machines get the stable words (`--json`).

use crate::app::public::Standing;
use crate::domain::event::{Decision, EventData};
use crate::domain::finding::Severity;
use crate::domain::said::{Lang, Words};

const fn words(zh: &'static str, en: &'static str) -> Words {
    Words { zh, en }
}

/// The answer of `pingma check`.
pub(super) fn standing(standing: Standing, lang: Lang) -> &'static str {
    let answer = match standing {
        Standing::Lawful | Standing::Caution => {
            words("可以：就气瓶本身而言", "ALLOWED as far as the cylinder goes")
        }
        Standing::Unjudged => words("无法判定：服务器时钟不准", "CANNOT BE JUDGED: the clock is wrong"),
        Standing::NotLawful => words("禁止", "REFUSED"),
    };
    answer.get(lang)
}

/// How bad a finding is.
pub(super) fn severity(severity: Severity, lang: Lang) -> &'static str {
    match (severity, lang) {
        (Severity::Warn, Lang::Zh) => "提示",
        (Severity::Hold, Lang::Zh) => "扣留",
        (Severity::Refuse, Lang::Zh) => "禁止",
        (_, Lang::En) => severity.as_str(),
    }
}

/// That the last fill is held.
pub(super) fn held(lang: Lang) -> &'static str {
    words(
        "扣留    fill.held  最近一次充装未放行，不得出站",
        "hold    fill.held  the last fill is held: not to leave the station",
    )
    .get(lang)
}

/// What a look at the cylinder alone leaves out.
pub(super) fn left_to_the_gate(lang: Lang) -> &'static str {
    words(
        "未核对：距上次充装的时间与流转、称重、外观、充装单位和人员，由充装前检查判定",
        "not looked at: when it was filled last and where it was since, its weight and looks, the station and who fills; \
         the check before filling judges them",
    )
    .get(lang)
}

/// What happened.
pub(super) fn event(data: &EventData, lang: Lang) -> &'static str {
    let name = match data {
        EventData::Registered(_) => words("建档贴码", "registered"),
        EventData::LabelBound(_) => words("换贴新码", "label bound"),
        EventData::LabelRevoked(_) => words("气瓶码作废", "label revoked"),
        EventData::FillChecked(check) => match check.decision {
            Decision::Allowed => words("充装前检查：可以", "fill check: allowed"),
            Decision::Challenged => words("充装前检查：核对钢印", "fill check: challenged"),
            Decision::Refused => words("充装前检查：禁止", "fill check: refused"),
        },
        EventData::FillRecorded(_) => words("充装", "filled"),
        EventData::FillRefused(_) => words("充装记录被拒", "fill refused"),
        EventData::Reweighed(_) => words("复称", "reweighed"),
        EventData::Inspected(_) => words("定期检验", "inspected"),
        EventData::LifeExtended(_) => words("延长使用年限", "life extended"),
        EventData::Scrapped(_) => words("报废", "scrapped"),
        EventData::HandedOver(_) => words("交付用户", "handed over"),
        EventData::HandoverRefused(_) => words("交付被拒", "handover refused"),
        EventData::Returned(_) => words("回收", "returned"),
        EventData::Emptied(_) => words("倒空残液", "emptied"),
        EventData::Lost(_) => words("报失", "lost"),
        EventData::Recovered(_) => words("找回", "recovered"),
        EventData::OwnerChanged(_) => words("变更产权单位", "owner changed"),
        EventData::Seized(_) => words("查封扣押", "seized"),
        EventData::Blacklisted(_) => words("列入黑名单", "blacklisted"),
        EventData::Unblacklisted(_) => words("移出黑名单", "unblacklisted"),
    };
    name.get(lang)
}
