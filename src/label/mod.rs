//! Printed labels: a cylinder's code as a QR symbol with human-readable lines below it, as SVG or
//! PNG.
//!
//! The two renderers share one layout, so that a label looks the same in both formats.
//! Rendering is a pure function of its arguments; the only thing read from outside is the font,
//! once, in [`LabelFonts::find`].

mod fonts;
mod layout;
mod raster;
mod svg;
mod symbol;

#[cfg(test)]
mod test_support;

use std::str::FromStr;

use thiserror::Error;

pub use fonts::{FontError, LabelFonts};
pub use raster::render_png;
pub use svg::render_svg;

/// What is written on one label.
#[derive(Debug, Clone, Copy)]
pub struct LabelContent<'a> {
    /// The content of the QR symbol. It must consist of the characters of QR's alphanumeric mode
    /// (upper-case letters, digits and ` $%*+-./:`), which keeps the symbol small.
    pub url: &'a str,
    /// What a person types when the symbol cannot be scanned, e.g. `7K3M9PQ2-G`. Printed largest.
    pub typed_code: &'a str,
    /// The registration code of the cylinder, e.g. `32A01000001`, if it has one.
    pub registration_code: Option<&'a str>,
    /// The owner's name. Shrunk, and in the end cut with `…`, when it is too long for the label.
    pub owner_name: &'a str,
}

/// How a label is to be made.
#[derive(Debug, Clone, Copy)]
pub struct LabelSpec {
    /// The width of the label, which is the side of the QR symbol including its quiet zone.
    pub size_mm: SizeMm,
    /// How much damage the QR symbol survives.
    pub error_correction: ErrorCorrection,
    /// Dots per inch of a PNG. An SVG has no resolution and ignores it.
    pub resolution_dpi: u32,
}

/// The width of a label in whole millimetres, within [`SizeMm::MIN_MM`]..=[`SizeMm::MAX_MM`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeMm(u16);

impl SizeMm {
    /// The narrowest label, in millimetres. Below it the text cannot be read.
    pub const MIN_MM: u16 = 15;
    /// The widest label, in millimetres. More does not fit on the curve of a cylinder.
    pub const MAX_MM: u16 = 150;

    /// Accepts a width of `width_mm` millimetres if a label can have it.
    ///
    /// # Errors
    ///
    /// If the width is out of range.
    pub fn new(width_mm: u16) -> Result<Self, SizeOutOfRange> {
        if (Self::MIN_MM..=Self::MAX_MM).contains(&width_mm) {
            Ok(Self(width_mm))
        } else {
            Err(SizeOutOfRange { width_mm })
        }
    }

    /// The width in millimetres.
    #[must_use]
    pub fn as_mm(self) -> u16 {
        self.0
    }
}

/// A label width that is not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "a label cannot be {width_mm} mm wide: the width must be {min} to {max} mm",
    min = SizeMm::MIN_MM,
    max = SizeMm::MAX_MM
)]
pub struct SizeOutOfRange {
    /// The rejected width, in millimetres.
    pub width_mm: u16,
}

/// The error correction level of the QR symbol (ISO/IEC 18004).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorCorrection {
    /// Recovers about 7 % of the symbol.
    L,
    /// Recovers about 15 % of the symbol.
    #[default]
    M,
    /// Recovers about 25 % of the symbol.
    Q,
    /// Recovers about 30 % of the symbol.
    H,
}

impl FromStr for ErrorCorrection {
    type Err = UnknownErrorCorrection;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "L" => Ok(Self::L),
            "M" => Ok(Self::M),
            "Q" => Ok(Self::Q),
            "H" => Ok(Self::H),
            other => Err(UnknownErrorCorrection(other.to_owned())),
        }
    }
}

/// A text that names no error correction level.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown error correction level {0:?}: it must be L, M, Q or H")]
pub struct UnknownErrorCorrection(pub String);

/// Why a label could not be made.
#[derive(Debug, Error)]
pub enum LabelError {
    /// There is nothing to put into the QR symbol.
    #[error("the URL of a label must not be empty")]
    EmptyUrl,
    /// The URL would force the QR symbol out of the compact alphanumeric mode.
    #[error("the URL of a label must be upper-case: {character:?} has no QR alphanumeric code")]
    NotAlphanumeric {
        /// The first character that is not allowed.
        character: char,
    },
    /// The QR encoder refused the URL, in practice because it is too long for any symbol.
    #[error("the URL of a label cannot be encoded as a QR symbol")]
    Symbol(#[source] qrcode::types::QrError),
    /// The modules would be too small to print and scan reliably.
    #[error(
        "a QR symbol of {modules} modules is too dense for a label {width_mm} mm wide: \
         use a larger label, a shorter URL or less error correction"
    )]
    TooDense {
        /// Modules per side, including the quiet zone.
        modules: u16,
        /// The width of the label in millimetres.
        width_mm: u16,
    },
    /// The image would have too few pixels for the symbol, or too many for memory.
    #[error("a label {width_mm} mm wide cannot be drawn at {resolution_dpi} dpi")]
    UnsuitableResolution {
        /// The width of the label in millimetres.
        width_mm: u16,
        /// The rejected resolution in dots per inch.
        resolution_dpi: u32,
    },
    /// The finished image could not be written as PNG.
    #[error("the label could not be encoded as PNG")]
    Png(#[from] png::EncodingError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_accepted_up_to_both_bounds_and_no_further() {
        for width_mm in [15, 16, 40, 149, 150] {
            assert_eq!(SizeMm::new(width_mm).map(SizeMm::as_mm), Ok(width_mm));
        }
        for width_mm in [0, 14, 151, u16::MAX] {
            assert_eq!(SizeMm::new(width_mm), Err(SizeOutOfRange { width_mm }));
        }
    }

    #[test]
    fn a_rejected_size_is_explained() {
        let message = SizeMm::new(14).unwrap_err().to_string();
        assert!(message.contains("14 mm"), "{message}");
        assert!(message.contains("15 to 150 mm"), "{message}");
    }

    #[test]
    fn error_correction_levels_are_read_from_their_letters() {
        assert_eq!("L".parse(), Ok(ErrorCorrection::L));
        assert_eq!("M".parse(), Ok(ErrorCorrection::M));
        assert_eq!("Q".parse(), Ok(ErrorCorrection::Q));
        assert_eq!("H".parse(), Ok(ErrorCorrection::H));
        assert_eq!(ErrorCorrection::default(), ErrorCorrection::M);
        assert!("m".parse::<ErrorCorrection>().is_err());
        assert!("".parse::<ErrorCorrection>().is_err());
    }
}
