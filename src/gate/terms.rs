//! The words that stand in evidence, as people read them. Evidence itself keeps the stable words.

use crate::domain::said::Words;

const fn words(zh: &'static str, en: &'static str) -> Words {
    Words { zh, en }
}

const STATUS: &[(&str, Words)] =
    &[("revoked", words("已作废", "revoked")), ("suspended", words("已停用", "suspended"))];

const REASON: &[(&str, Words)] = &[
    ("none", words("没有", "none")),
    ("expired", words("已过期", "expired")),
    ("not_yet_valid", words("未到生效日", "not yet valid")),
    ("suspended", words("已暂停", "suspended")),
    ("revoked", words("已吊销", "revoked")),
    ("medium", words("不含此介质", "not for this medium")),
    ("district", words("不在许可区域", "not for this district")),
    ("unknown", words("查不到", "unknown")),
    ("closed", words("已关停", "closed")),
    ("no_operator", words("没有充装工登录", "nobody signed in")),
    ("inactive", words("账号已停用", "login disabled")),
    ("other_organization", words("不是本单位人员", "works for another organization")),
    ("calibration_expired", words("检定过期", "calibration expired")),
];

const CHECK_ITEMS: &[(&str, Words)] = &[
    ("body", words("瓶体", "body")),
    ("valve", words("瓶阀", "valve")),
    ("shroud", words("护罩", "shroud")),
    ("foot_ring", words("底座", "foot ring")),
    ("markings", words("标志", "markings")),
    ("color", words("颜色", "color")),
    ("residual_pressure", words("余压", "residual pressure")),
    ("leak", words("检漏", "leak test")),
    ("seal", words("封口", "seal")),
    ("checker_id", words("检查人", "checker")),
];

const UNFIT: &[(&str, Words)] = &[
    ("inspection_overdue", words("超期未检", "inspection overdue")),
    ("inspection_failed", words("检验不合格", "inspection failed")),
    ("life_ended", words("超过使用年限", "past its life")),
    ("scrapped", words("已报废", "scrapped")),
    ("seized", words("已查封扣押", "seized")),
    ("blacklisted", words("在黑名单上", "on the blacklist")),
    ("lost", words("已报失", "reported lost")),
    ("held", words("充装后未放行", "held back after its fill")),
    ("not_filled", words("按记录不是充好的瓶", "by the records not a filled one")),
];

const INSPECTION: &[(&str, Words)] =
    &[("overdue", words("超期未检", "overdue")), ("failed", words("检验不合格", "failed"))];

const CUSTODY: &[(&str, Words)] = &[
    ("owner", words("产权单位", "owner")),
    ("site", words("其他站点", "another site")),
    ("customer", words("用户", "customer")),
    ("agency", words("检验机构", "inspection agency")),
    ("authority", words("监管部门", "authority")),
];

const MEDIA: &[(&str, Words)] = &[("lpg", words("液化石油气", "LPG")), ("dme", words("二甲醚", "DME"))];

const OVERTAKEN: &[(&str, Words)] = &[
    ("fill.inspection-overdue", words("检验已到期", "the inspection is overdue")),
    ("fill.life-ended", words("已超过使用年限", "the cylinder is past its life")),
    ("fill.owner-closed", words("产权单位已关停或吊销", "the owner is closed or revoked")),
    ("fill.station-closed", words("本单位已关停", "the filler is closed")),
    ("fill.station-license", words("充装许可证无效", "no filling license in force")),
    ("fill.operator-certificate", words("充装工不能上岗", "the operator may not fill")),
    ("fill.scale-invalid", words("秤不能用", "the scale cannot be used")),
];

/// A word of the evidence of this name, where it is one of a closed list. Names and numbers are left as they are.
pub fn find(name: &str, word: &str) -> Option<Words> {
    let list = match name {
        "status" => STATUS,
        "reason" => REASON,
        "reasons" => UNFIT,
        "failed" | "missing" => CHECK_ITEMS,
        "inspection" => INSPECTION,
        "custody" => CUSTODY,
        "overtaken" => OVERTAKEN,
        "stamp_medium" | "scale_medium" => MEDIA,
        _ => return None,
    };
    list.iter().find(|(known, _)| *known == word).map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_is_there_once_and_in_its_language() {
        for list in [STATUS, REASON, CHECK_ITEMS, UNFIT, INSPECTION, CUSTODY, MEDIA, OVERTAKEN] {
            for (at, (word, words)) in list.iter().enumerate() {
                assert!(!words.zh.is_empty() && !words.zh.is_ascii(), "{word}");
                assert!(!words.en.is_empty() && words.en.is_ascii() && !words.en.contains('_'), "{word}");
                assert!(list.iter().skip(at + 1).all(|(other, _)| other != word), "{word} twice");
            }
        }
    }
}
