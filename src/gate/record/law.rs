//! The places that more than one of these rules rests on.

use crate::gate::rule::Citation;

/// No filling without checks before and after it, and records of both.
pub(super) const CHECKS_AND_RECORDS: Citation = Citation {
    document: "中华人民共和国特种设备安全法",
    clause: "第四十九条第二款",
    quote: Some("充装单位应当建立充装前后的检查、记录制度"),
};

/// The cylinder is recognized by machine at the filling.
pub(super) const RECOGNITION: Citation = Citation {
    document: "安委〔2023〕3号 全国城镇燃气安全专项整治工作方案",
    clause: "三(三)2",
    quote: Some("全面推行“一瓶一码”气瓶充装追溯赋码建档和充装自动识别"),
};

/// The scale fills only what was checked. The standard's text was not at hand.
pub(super) const CONTROL: Citation = Citation {
    document: "GB/T 38059-2019 气瓶射频识别（RFID）应用 充装控制管理要求",
    clause: "4.1.2",
    quote: None,
};

/// One cylinder, one code, one stamp.
pub(super) const ONE_CODE: Citation = Citation {
    document: "通政办发〔2021〕67号 关于进一步加强城镇燃气安全监管工作的实施意见",
    clause: "三(五)",
    quote: Some("严格执行“一瓶一码一印”的信息化充装，严禁使用通用码、口袋码"),
};

/// The rules of the filling station. The code's text was not at hand.
pub(super) const FILLING_CODE: Citation = Citation {
    document: "TSG 23—2021 气瓶安全技术规程",
    clause: "第8章 充装使用",
    quote: None,
};
