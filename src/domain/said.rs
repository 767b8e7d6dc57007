//! What people are told, in both languages.

use std::borrow::Cow;
use std::fmt;

/// A language of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// 简体中文
    #[default]
    Zh,
    /// English.
    En,
}

/// A text in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// 简体中文
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

impl Words {
    /// The text in a language.
    pub fn get(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            Lang::En => self.en,
        }
    }
}

/// A text in both languages that may have been put together just now. Logs and commands show the English one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    zh: Cow<'static, str>,
    en: Cow<'static, str>,
}

/// A text in both languages.
pub fn said(zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Said {
    Said { zh: zh.into(), en: en.into() }
}

/// That one of these words is expected.
pub fn one_of(words: &[&str]) -> Said {
    said(format!("应为以下之一：{}", words.join("、")), format!("one of {}", words.join(", ")))
}

impl Said {
    /// The text in a language.
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.en.is_empty()
    }

    /// The same behind other words.
    pub fn after(&self, zh: &str, en: &str) -> Self {
        said(format!("{zh}{}", self.zh), format!("{en}{}", self.en))
    }

    /// The same, said of a member.
    pub fn of(&self, member: &str) -> Self {
        self.after(&format!("{member}："), &format!("{member}: "))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}
