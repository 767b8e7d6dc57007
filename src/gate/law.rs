//! The clauses that the rules rest on. A quote is the clause's own text; where that was not read there is none.

use super::rule::Citation;

const LAW: &str = "中华人民共和国特种设备安全法";
const METROLOGY_LAW: &str = "中华人民共和国计量法";
const GAS_REGULATION: &str = "城镇燃气管理条例";
const NATIONAL_PLAN: &str = "安委〔2023〕3号 全国城镇燃气安全专项整治工作方案";
const NANTONG: &str = "通政办发〔2021〕67号 关于进一步加强城镇燃气安全监管工作的实施意见";
const YUNNAN: &str = "云南省城镇燃气安全排查整治工作实施细则";
const TSG_23: &str = "TSG 23—2021 气瓶安全技术规程";

const fn quoted(document: &'static str, clause: &'static str, quote: &'static str) -> Citation {
    Citation { document, clause, quote: Some(quote) }
}

const fn named(document: &'static str, clause: &'static str) -> Citation {
    Citation { document, clause, quote: None }
}

pub(super) const QUALIFIED_PEOPLE: Citation = quoted(
    LAW,
    "第十四条",
    "特种设备安全管理人员、检测人员和作业人员应当按照国家有关规定取得相应资格，方可从事相关工作。",
);
pub(super) const NO_SCRAPPED: Citation =
    quoted(LAW, "第三十二条第二款", "禁止使用国家明令淘汰和已经报废的特种设备。");
pub(super) const REGISTRATION: Citation = quoted(
    LAW,
    "第三十三条",
    "特种设备使用单位应当在特种设备投入使用前或者投入使用后三十日内，向负责特种设备安全监督管理的部门办理使用登记，取得使用登记证书。",
);
pub(super) const APPLY_FOR_INSPECTION: Citation = quoted(
    LAW,
    "第四十条第一款",
    "特种设备使用单位应当按照安全技术规范的要求，在检验合格有效期届满前一个月向特种设备检验机构提出定期检验要求。",
);
pub(super) const NO_OVERDUE: Citation =
    quoted(LAW, "第四十条第三款", "未经定期检验或者检验不合格的特种设备，不得继续使用。");
pub(super) const DESIGN_LIFE: Citation = named(LAW, "第四十八条");
pub(super) const USE_PAST_DESIGN_LIFE: Citation = quoted(
    LAW,
    "第四十八条第二款",
    "达到设计使用年限可以继续使用的，应当按照安全技术规范的要求通过检验或者安全评估，并办理使用登记证书变更，方可继续使用。",
);
pub(super) const LICENSE_TO_FILL: Citation = named(LAW, "第四十九条第一款");
pub(super) const STAFF_TO_FILL: Citation =
    quoted(LAW, "第四十九条第一款第一项", "有与充装和管理相适应的管理人员和技术人员");
pub(super) const PRE_FILL_CHECK: Citation = quoted(
    LAW,
    "第四十九条第二款",
    "充装单位应当建立充装前后的检查、记录制度，禁止对不符合安全技术规范要求的移动式压力容器和气瓶进行充装。",
);
pub(super) const CHECKS_AND_RECORDS: Citation =
    quoted(LAW, "第四十九条第二款", "充装单位应当建立充装前后的检查、记录制度");
pub(super) const FILLER_REGISTERS: Citation = named(LAW, "第四十九条第三款");
pub(super) const SUPPLY_ONLY_SOUND: Citation =
    quoted(LAW, "第四十九条第三款", "气瓶充装单位应当向气体使用者提供符合安全技术规范要求的气瓶");
pub(super) const SEIZURE: Citation = named(LAW, "第六十一条");
pub(super) const PENALTY_NO_CHECK: Citation = named(LAW, "第八十五条第一款");
pub(super) const UNLICENSED_FILLING: Citation = named(LAW, "第八十五条第二款");
pub(super) const UNQUALIFIED_PEOPLE: Citation = named(LAW, "第八十六条");
pub(super) const SEIZED_UNTOUCHED: Citation = named(LAW, "第九十五条第二款");
pub(super) const SUPERVISORY_CHECKS: Citation = named("特种设备安全监督检查办法", "第二十五条");

pub(super) const CALIBRATION: Citation =
    quoted(METROLOGY_LAW, "第九条", "未按照规定申请检定或者检定不合格的，不得使用。");
pub(super) const FAIR_MEASURE: Citation = quoted(
    "中华人民共和国消费者权益保护法",
    "第十条第二款",
    "有权获得质量保障、价格合理、计量正确等公平交易条件",
);

pub(super) const LICENSE_TO_SELL: Citation = named(GAS_REGULATION, "第十五条");
pub(super) const OWN_ONLY: Citation = quoted(GAS_REGULATION, "第十八条第七项", "擅自为非自有气瓶充装燃气");
pub(super) const NO_SALE_OF_OTHERS: Citation = named(GAS_REGULATION, "第十八条第八项");
pub(super) const DELIVERY_STAFF: Citation = named(GAS_REGULATION, "第二十四条");

pub(super) const CERTIFIED_OPERATORS: Citation =
    quoted(NATIONAL_PLAN, "二(一)3", "特种设备作业人员无从业资格证书的，要依法责令限期改正");
pub(super) const CLOSE_UNLICENSED_FILLER: Citation =
    quoted(NATIONAL_PLAN, "二(一)3", "对未取得许可的企业从事燃气充装的，要依法责令关停");
pub(super) const FILL_GATE: Citation = quoted(
    NATIONAL_PLAN,
    "二(一)4",
    "违规充装非自有气瓶、超期未检气瓶、不合格气瓶、超出使用年限或翻新等气瓶",
);
pub(super) const NO_DME: Citation =
    quoted(NATIONAL_PLAN, "二(一)4", "对城镇燃气充装企业在充装时非法掺混二甲醚");
pub(super) const NOT_BACK_ON_THE_MARKET: Citation =
    quoted(NATIONAL_PLAN, "二(一)4", "查处的气瓶必须移交气瓶检验机构报废处理，严禁不合格气瓶再次流入市场");
pub(super) const SEIZE_AND_BLACKLIST: Citation =
    quoted(NATIONAL_PLAN, "二(二)1", "对发现存在安全隐患的气瓶立即查封扣押，纳入产品“黑名单”");
pub(super) const DUAL_PHASE_RECALL: Citation =
    quoted(NATIONAL_PLAN, "二(二)1", "对不符合国家标准的在用“气液双相”气瓶要召回并移交检验机构报废处理");
pub(super) const DUAL_PHASE_FORBIDDEN: Citation =
    quoted(NATIONAL_PLAN, "二(四)3", "餐饮企业使用禁止使用的 50kg“气液双相”气瓶");
pub(super) const ONE_CYLINDER_ONE_CODE: Citation =
    quoted(NATIONAL_PLAN, "三(三)2", "全面推行“一瓶一码”气瓶充装追溯赋码建档和充装自动识别");
pub(super) const TRACKING_RULES: Citation = quoted(
    NATIONAL_PLAN,
    "三(三)2",
    "健全追溯赋码系统应用规则，通过电子标签或二维码等信息技术手段，加强气瓶的跟踪追溯管理",
);
pub(super) const TRACKING_BY_LABEL: Citation =
    quoted(NATIONAL_PLAN, "三(三)2", "通过电子标签或二维码等信息技术手段，加强气瓶的跟踪追溯管理");

pub(super) const WHOLE_WAY: Citation =
    quoted(NANTONG, "三(四)", "形成对每个气瓶从充装、配送到用户全流程追踪");
pub(super) const OWN_ONLY_LOCAL: Citation =
    quoted(NANTONG, "三(四)", "严格落实固定充装制度，严禁充装非自有产权气瓶");
pub(super) const NO_UNFIT: Citation =
    quoted(NANTONG, "三(四)", "严禁充装未经定期检验合格、非法改装、翻新以及报废的气瓶");
pub(super) const INSURANCE: Citation =
    quoted(NANTONG, "三(四)", "构建气瓶全流程保险制度，及时将本单位全部在用气瓶纳入保险范围");
pub(super) const CODE_AND_STAMP: Citation =
    quoted(NANTONG, "三(五)", "严格执行“一瓶一码一印”的信息化充装，严禁使用通用码、口袋码");
pub(super) const CERTIFIED_DELIVERY: Citation = quoted(
    NANTONG,
    "七(二十三)",
    "瓶装液化气送气服务人员须全部持《燃气经营企业从业人员专业培训考核合格证书》上岗",
);

pub(super) const WITHIN_THE_LICENSE: Citation = quoted(
    YUNNAN,
    "一(一)排查内容2",
    "看燃气经营企业是否存在有超出经营区域、经营范围、经营类别的行为，是否存在有无证经营或经营许可过期的情况",
);
pub(super) const CLEAR_OUT: Citation =
    quoted(YUNNAN, "一(一)整治措施2", "限期未整改完成的，坚决予以处罚和清退");
pub(super) const CLOSE_UNLICENSED: Citation =
    quoted(YUNNAN, "一(一)整治措施3", "限期未取得充装许可的，应当予以取缔");
pub(super) const CALIBRATION_WATCH: Citation =
    quoted(YUNNAN, "二(二)4", "加强城镇燃气设施中强制检定计量器具的管理");

pub(super) const NO_UNOWNED: Citation = quoted(
    "燃气安全风险隐患排查整治工作方案（市级）",
    "二(二)",
    "禁止报废钢瓶、超期未检钢瓶和非企业自有钢瓶充装使用",
);
pub(super) const NO_SHORT_WEIGHT: Citation = quoted(
    "关于开展燃气安全专项整治行动的实施方案（区级）",
    "二(三)4",
    "对冒充标识、以次充好、缺斤短两、强买强卖等损害消费者利益的行为进行查处",
);

pub(super) const TSG_FILLING: Citation = named(TSG_23, "第8章 充装使用");
pub(super) const FILLING_CONTROL: Citation =
    named("GB/T 38059-2019 气瓶射频识别（RFID）应用 充装控制管理要求", "4.1.2");
pub(super) const NOTICE_2021: Citation = named("市场监管总局2021年气瓶安全监察通知", "一(一)");
