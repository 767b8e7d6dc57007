//! The pages for people that show no cylinder: the front page with its form for typing a code, and what is said where a
//! look-up could not be made. They look like the page behind the QR code, and like it they bring no scripts.

use askama::Template;

use super::public_page::{CONTENT_SECURITY, Complaint, STYLE, Verdict, Words, dial};
use crate::domain::said::Lang;
use crate::error::Class;

/// What a page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// What this service is.
    Front,
    /// What was typed is no code.
    Mistyped,
    /// There is no such page.
    NoPage,
    /// Too many look-ups.
    TooMany,
    /// The look-up can't be made now.
    Unavailable,
}

impl Notice {
    /// The notice for an error of a look-up.
    pub fn of(class: Class) -> Self {
        match class {
            Class::TooMany => Self::TooMany,
            Class::NotFound => Self::NoPage,
            _ => Self::Unavailable,
        }
    }
}

/// All that such a page says.
#[derive(Debug)]
pub struct NoticePage {
    /// In which language.
    pub lang: Lang,
    /// What.
    pub notice: Notice,
    /// Seconds to wait before another try.
    pub retry_after_s: Option<i64>,
    /// Whom to call.
    pub complaint: Complaint,
    /// The address of the page in the other language.
    pub other_lang_url: String,
}

impl NoticePage {
    /// The page as HTML.
    ///
    /// # Errors
    /// Writing failed, which a string never does.
    pub fn render(&self) -> Result<String, askama::Error> {
        let words = Words::of(self.lang);
        let (own, lang, other) = match self.lang {
            Lang::Zh => (&ZH, "zh", Lang::En),
            Lang::En => (&EN, "en", Lang::Zh),
        };
        View {
            page: self,
            words,
            other: Words::of(other),
            style: STYLE,
            own,
            lang,
            notice: match self.notice {
                Notice::Front => &own.front,
                Notice::Mistyped => &own.mistyped,
                Notice::NoPage => &own.no_page,
                Notice::TooMany => &own.too_many,
                Notice::Unavailable => &own.unavailable,
            },
            is_front: self.notice == Notice::Front,
            wait: self.retry_after_s.map(|wait_s| own.wait.replace("{}", &wait_s.to_string())),
            line: if self.complaint.phone == "12315" { words.line_12315 } else { words.line },
            dial: dial(&self.complaint.phone),
        }
        .render()
    }
}

/// The `Content-Security-Policy` of these pages: as that of the public page, and the form may be sent, to us.
pub fn content_security() -> String {
    CONTENT_SECURITY.replace("form-action 'none'", "form-action 'self'")
}

/// What the template reads.
#[derive(Template)]
#[template(path = "public_notice.html")]
struct View<'a> {
    page: &'a NoticePage,
    words: &'static Words,
    other: &'static Words,
    style: &'static str,
    own: &'static OwnWords,
    lang: &'static str,
    notice: &'static NoticeWords,
    is_front: bool,
    wait: Option<String>,
    line: &'static str,
    dial: Option<String>,
}

/// The words of these pages alone.
struct OwnWords {
    front: NoticeWords,
    mistyped: NoticeWords,
    no_page: NoticeWords,
    too_many: NoticeWords,
    unavailable: NoticeWords,
    /// With `{}` for the seconds.
    wait: &'static str,
    again: &'static str,
    reload: &'static str,
    /// To the front page.
    home: &'static str,
    typed: &'static str,
    label: &'static str,
    hint: &'static str,
    submit: &'static str,
    where_printed: &'static str,
    finding: [&'static str; 3],
    about: &'static str,
    service: [&'static str; 3],
}

struct NoticeWords {
    word: &'static str,
    summary: &'static str,
    /// What to do until the look-up works again; the form is shown where there is nothing of the kind.
    again: Option<&'static str>,
}

static ZH: OwnWords = OwnWords {
    front: NoticeWords {
        word: "这只气瓶合法吗？",
        summary: "扫描气瓶标签上的二维码，即可查看它能否使用、由谁充装、何时到期检验。无需登录，免费查询。",
        again: None,
    },
    mistyped: NoticeWords {
        word: "气瓶码有误",
        summary: "输入的内容不是气瓶码，或者有字符输错。请对照标签逐个核对，重新输入。",
        again: None,
    },
    no_page: NoticeWords {
        word: "没有这个页面",
        summary: "网址可能不完整。请重新扫码，或在下方输入气瓶码。",
        again: None,
    },
    too_many: NoticeWords {
        word: "查询过于频繁",
        summary: "您所在的网络查询次数过多，本次没有查询。这不代表气瓶有问题，也不代表气瓶合法。",
        again: Some("稍候片刻，重新打开本页即可。查到结果之前，请先不要使用这只气瓶。"),
    },
    unavailable: NoticeWords {
        word: "暂时无法查询",
        summary: "服务出现故障，本次没有查询。这不代表气瓶有问题，也不代表气瓶合法。",
        again: Some("请过几分钟重新打开本页。查到结果之前，请先不要使用这只气瓶。"),
    },
    wait: "请在 {} 秒后重试。",
    again: "现在怎么办",
    reload: "重新查询",
    home: "首页",
    typed: "输入气瓶码查询",
    label: "气瓶码",
    hint: "二维码下方的 9 位字符，例如 7K3M9PQ2‑G；不分大小写，横线可以不输。也可以输入二维码中的完整网址。",
    submit: "查询",
    where_printed: "气瓶码在哪里",
    finding: [
        "气瓶的标签上有一个二维码，紧挨着它的下面一行就是气瓶码。",
        "使用登记代码、气瓶编号（钢印号）都不是气瓶码，不能在此查询。",
        "没有标签，或者标签已经看不清的气瓶，请勿使用，并向供气单位或下方电话反映。",
    ],
    about: "关于本服务",
    service: [
        "瓶码是液化石油气瓶的质量安全追溯服务：一瓶一码，充装、检验、配送都有记录，记录不能删改。",
        "本服务向社会公众公开气瓶的登记、充装和检验情况，不公开个人信息。",
        "气瓶码可能被复制，查询结果请与瓶上钢印核对。",
    ],
};

static EN: OwnWords = OwnWords {
    front: NoticeWords {
        word: "Is this cylinder lawful?",
        summary: "Scan the QR code on the cylinder’s label to see whether it may be used, who filled it, and when its \
                  inspection is due. Free of charge, and without an account.",
        again: None,
    },
    mistyped: NoticeWords {
        word: "That is not a label code",
        summary: "What you typed is no label code, or one of its characters is wrong. Compare it with the label and type \
                  it again.",
        again: None,
    },
    no_page: NoticeWords {
        word: "There is no such page",
        summary: "The address may be incomplete. Scan the label again, or type its code below.",
        again: None,
    },
    too_many: NoticeWords {
        word: "Too many look-ups",
        summary: "Too many look-ups came from your network, so this one was not made. That says nothing against the \
                  cylinder, and nothing for it.",
        again: Some("Wait a moment and open this page again. Until then, do not use the cylinder."),
    },
    unavailable: NoticeWords {
        word: "No look-up at the moment",
        summary: "The service has a fault, so this look-up was not made. That says nothing against the cylinder, and \
                  nothing for it.",
        again: Some("Open this page again in a few minutes. Until then, do not use the cylinder."),
    },
    wait: "Try again in {} seconds.",
    again: "What to do now",
    reload: "Look it up again",
    home: "Front page",
    typed: "Look up a code by hand",
    label: "Label code",
    hint: "The 9 characters below the QR code, for instance 7K3M9PQ2‑G, in capitals or not, with the hyphen or without. \
           The whole address in the QR code will do as well.",
    submit: "Look up",
    where_printed: "Where to find the code",
    finding: [
        "There is a QR code on the cylinder’s label; the line right below it is the label code.",
        "The registration code and the serial number stamped on the steel are other numbers and can’t be looked up here.",
        "Do not use a cylinder without a label or with one that can’t be read; tell the supplier, or call the number below.",
    ],
    about: "About this service",
    service: [
        "Pingma traces LPG cylinders: one cylinder, one code. Filling, inspection and delivery are on record, and the \
         record can’t be changed.",
        "It shows the public how cylinders were registered, filled and inspected. It shows no personal data.",
        "A code can be copied: compare the result with the stamp on the steel.",
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Notice; 5] =
        [Notice::Front, Notice::Mistyped, Notice::NoPage, Notice::TooMany, Notice::Unavailable];

    fn render(lang: Lang, notice: Notice) -> String {
        let page = NoticePage {
            lang,
            notice,
            retry_after_s: (notice == Notice::TooMany).then_some(17),
            complaint: Complaint {
                phone: "12315".into(), authority: Some("海州市市场监督管理局".into())
            },
            other_lang_url: "?lang=x&y=1".into(),
        };
        page.render().unwrap()
    }

    #[test]
    fn every_page_says_what_it_is_and_whom_to_call() {
        for (lang, tag) in [(Lang::Zh, "zh-CN"), (Lang::En, "en")] {
            for notice in ALL {
                let html = render(lang, notice);
                for said in [
                    &format!("<html lang=\"{tag}\">"),
                    "tel:12315",
                    "tel:119",
                    "海州市市场监督管理局",
                    "?lang=x&#38;y=1",
                ] {
                    assert!(html.contains(said), "{notice:?} {said}\n{html}");
                }
                let no_look_up = matches!(notice, Notice::TooMany | Notice::Unavailable);
                assert_eq!(html.contains("<form action=\"/C/\" method=\"get\">"), !no_look_up, "{notice:?}");
                assert_eq!(html.contains(" 17 "), notice == Notice::TooMany);
                assert!(!html.contains(Words::of(lang).lawful.word), "{notice:?} calls nothing lawful");
            }
        }
    }

    #[test]
    fn the_pages_are_small_and_bring_nothing_with_them() {
        for lang in [Lang::Zh, Lang::En] {
            for notice in ALL {
                let html = render(lang, notice);
                assert!(html.len() <= 50_000, "{}", html.len());
                for never in
                    ["<script", " style=", " onclick=", "http:", "https:", "url(", "@import", " src="]
                {
                    assert!(!html.contains(never), "{never}");
                }
                assert!(html.contains(&format!("<style>{STYLE}</style>")));
            }
        }
        assert!(
            content_security().contains("form-action 'self'")
                && !content_security().contains("form-action 'none'")
        );
    }
}
