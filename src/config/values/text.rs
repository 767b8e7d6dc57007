//! Short texts for the public page.

use super::Value;

/// A telephone number as it is shown to the public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone(pub(in crate::config) String);

impl Phone {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Phone {
    fn allowed() -> String {
        "a telephone number: 3 to 20 digits, blanks, hyphens, parentheses, + in front".to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        let number = text.strip_prefix('+').unwrap_or(text);
        let good = (3..=20).contains(&text.len())
            && number.chars().any(|c| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || " -()".contains(c));
        good.then(|| Self(text.to_owned()))
    }
}

/// A line of text of at most 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Line {
    fn allowed() -> String {
        "a line of at most 100 characters".to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        (text.chars().count() <= 100).then(|| Self(text.to_owned()))
    }
}
