//! The words that stand in evidence, as people read them. Evidence itself keeps the stable words.

use super::rule::Words;

const fn words(zh: &'static str, en: &'static str) -> Words {
    Words { zh, en }
}

const STATUS: &[(&str, Words)] = &[
    ("revoked", words("已作废", "revoked")),
    ("suspended", words("已停用", "suspended")),
];

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
    ("leak", words("泄漏", "leak")),
    ("seal", words("封口", "seal")),
];

const CUSTODY: &[(&str, Words)] = &[
    ("owner", words("产权单位", "owner")),
    ("site", words("其他站点", "another site")),
    ("customer", words("用户", "customer")),
    ("agency", words("检验机构", "inspection agency")),
    ("authority", words("监管部门", "authority")),
];

const MEDIA: &[(&str, Words)] = &[("lpg", words("液化石油气", "LPG")), ("dme", words("二甲醚", "DME"))];

/// A word of the evidence of this name, where it is one of a closed list. Names and numbers are left as they are.
pub fn find(name: &str, word: &str) -> Option<Words> {
    let list = match name {
        "status" => STATUS,
        "reason" => REASON,
        "failed" | "missing" => CHECK_ITEMS,
        "custody" => CUSTODY,
        "stamp_medium" | "scale_medium" => MEDIA,
        _ => return None,
    };
    list.iter().find(|(known, _)| *known == word).map(|(_, words)| *words)
}
