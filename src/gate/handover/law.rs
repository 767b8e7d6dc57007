//! The places that more than one of these rules rests on.

use crate::gate::rule::Citation;

/// The label follows the cylinder.
pub(super) const TRACING: Citation = Citation {
    document: "安委〔2023〕3号 全国城镇燃气安全专项整治工作方案",
    clause: "三(三)2",
    quote: Some("通过电子标签或二维码等信息技术手段，加强气瓶的跟踪追溯管理"),
};

/// Every cylinder is followed to its user.
pub(super) const TO_THE_USER: Citation = Citation {
    document: "通政办发〔2021〕67号 关于进一步加强城镇燃气安全监管工作的实施意见",
    clause: "三(四)",
    quote: Some("形成对每个气瓶从充装、配送到用户全流程追踪"),
};

/// One cylinder, one code, one stamp.
pub(super) const ONE_CODE: Citation = Citation {
    document: "通政办发〔2021〕67号 关于进一步加强城镇燃气安全监管工作的实施意见",
    clause: "三(五)",
    quote: Some("严格执行“一瓶一码一印”的信息化充装，严禁使用通用码、口袋码"),
};

/// No use after the inspection was due.
pub(super) const INSPECTION: Citation = Citation {
    document: "中华人民共和国特种设备安全法",
    clause: "第四十条第三款",
    quote: Some("未经定期检验或者检验不合格的特种设备，不得继续使用。"),
};
