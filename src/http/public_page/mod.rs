//! The page behind the QR code: what anybody may know about a cylinder, for people at the stove. Rendered here, without
//! scripts, without personal data, with nothing from elsewhere.
//!
//! The last four characters of the serial number are kept back: they answer the stamp challenge, and who has a copied
//! label must not learn them here.

mod format;
#[cfg(test)]
mod tests;
mod view;
mod words;

use askama::Template as _;
use chrono::NaiveDate;

pub(super) use self::format::{dial, kilograms};
pub(super) use self::view::STYLE;
use self::view::View;
pub(super) use self::words::Words;
use crate::domain::cylinder::CylinderStatus;
use crate::domain::said::Lang;

/// The `Content-Security-Policy` that the page needs: nothing but its own style, which is named by its hash. Whoever
/// changes the style is told the new hash by a test.
pub const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'sha256-iyqT0KlFyhzTXlVrEmx8CVgyVh0uDxFIP5WUOOc+FBo='; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a code turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A cylinder that may be used.
    Lawful,
    /// A lawful cylinder of which something should be asked first.
    Caution,
    /// A cylinder that cannot be judged now.
    Unjudged,
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
    /// The short form of the code, e.g. `7K3M9PQ2-G`, or the whole of it. Anything of another shape is not shown: this page
    /// must not carry a stranger's text.
    pub code_shown: Option<String>,
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
        View::of(self).render()
    }
}
