//! The QR symbol as a matrix of modules.

use qrcode::bits::Bits;
use qrcode::types::QrError;
use qrcode::{Color, EcLevel, QrCode, Version};

use super::{ErrorCorrection, LabelError, SizeMm};

/// The white border that scanners need around the symbol, in modules (ISO/IEC 18004, 9.1).
pub(super) const QUIET_ZONE_MODULES: u16 = 4;

/// The smallest module that ordinary label printers and phone cameras handle, in micrometres:
/// three dots of a 300 dpi printer.
const MIN_MODULE_UM: u32 = 250;

/// The last version of the QR standard, 177 × 177 modules.
const MAX_VERSION: u8 = 40;

/// An encoded QR symbol, without its quiet zone.
#[derive(Debug)]
pub(super) struct Symbol {
    side_modules: u16,
    dark: Vec<bool>,
}

impl Symbol {
    /// Encodes `url` into the smallest symbol that holds it, and checks that a label `size_mm` wide
    /// has room for its modules.
    pub(super) fn for_label(url: &str, level: ErrorCorrection, size_mm: SizeMm) -> Result<Self, LabelError> {
        let symbol = Self::encode(url, level)?;
        let modules = symbol.side_with_quiet_zone();
        let width_mm = size_mm.as_mm();
        if u32::from(modules) * MIN_MODULE_UM > u32::from(width_mm) * 1000 {
            return Err(LabelError::TooDense { modules, width_mm });
        }
        Ok(symbol)
    }

    /// Encodes `url` as one alphanumeric segment.
    ///
    /// `QrCode::new` would switch to numeric mode for a run of digits. Forcing the mode gives all
    /// codes of one length the same version, so that all labels of a print run look alike.
    fn encode(url: &str, level: ErrorCorrection) -> Result<Self, LabelError> {
        if url.is_empty() {
            return Err(LabelError::EmptyUrl);
        }
        if let Some(character) = url.chars().find(|&c| !is_alphanumeric_mode(c)) {
            return Err(LabelError::NotAlphanumeric { character });
        }
        let level = ec_level(level);
        for version in 1..=MAX_VERSION {
            match alphanumeric_bits(url, version, level) {
                Err(QrError::DataTooLong) => {}
                Err(other) => return Err(LabelError::Symbol(other)),
                Ok(bits) => {
                    let code = QrCode::with_bits(bits, level).map_err(LabelError::Symbol)?;
                    return Ok(Self {
                        side_modules: 17 + 4 * u16::from(version),
                        dark: code.into_colors().iter().map(|&c| c == Color::Dark).collect(),
                    });
                }
            }
        }
        Err(LabelError::Symbol(QrError::DataTooLong))
    }

    /// Modules per side, without the quiet zone.
    pub(super) fn side(&self) -> u16 {
        self.side_modules
    }

    /// Modules per side, including the quiet zone on both sides.
    pub(super) fn side_with_quiet_zone(&self) -> u16 {
        self.side_modules + 2 * QUIET_ZONE_MODULES
    }

    /// The rows from top to bottom; `true` is a dark module.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[bool]> {
        self.dark.chunks_exact(usize::from(self.side_modules))
    }
}

/// The characters of QR's alphanumeric mode (ISO/IEC 18004, table 5).
fn is_alphanumeric_mode(c: char) -> bool {
    c.is_ascii_digit() || c.is_ascii_uppercase() || " $%*+-./:".contains(c)
}

/// The data bits of `url`, or `DataTooLong` if the version does not hold them.
fn alphanumeric_bits(url: &str, version: u8, level: EcLevel) -> Result<Bits, QrError> {
    let mut bits = Bits::new(Version::Normal(i16::from(version)));
    bits.push_alphanumeric_data(url.as_bytes())?;
    bits.push_terminator(level)?;
    Ok(bits)
}

fn ec_level(level: ErrorCorrection) -> EcLevel {
    match level {
        ErrorCorrection::L => EcLevel::L,
        ErrorCorrection::M => EcLevel::M,
        ErrorCorrection::Q => EcLevel::Q,
        ErrorCorrection::H => EcLevel::H,
    }
}

/// One stretch of dark modules within a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The column of the first dark module.
    pub(super) start: u16,
    /// The number of dark modules.
    pub(super) length: u16,
}

/// The stretches of dark modules in one row, from left to right.
pub(super) fn dark_runs(row: &[bool]) -> impl Iterator<Item = Run> {
    let mut start: u16 = 0;
    row.chunk_by(|left, right| left == right).filter_map(move |run| {
        // A row has at most 177 modules, so the conversion never fails.
        let length = u16::try_from(run.len()).unwrap_or(u16::MAX);
        let here = Run { start, length };
        start = start.saturating_add(length);
        run.first().is_some_and(|&dark| dark).then_some(here)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::test_support::URL;

    fn side(length: usize, level: ErrorCorrection) -> u16 {
        Symbol::encode(&"A".repeat(length), level).unwrap().side()
    }

    /// Version 3 at level M holds 61 alphanumeric characters but only 42 bytes (ISO/IEC 18004,
    /// table 7), so the version proves the mode.
    #[test]
    fn a_cylinder_url_is_alphanumeric_and_fits_version_3() {
        assert_eq!(URL.len(), 54);
        assert_eq!(Symbol::encode(URL, ErrorCorrection::M).unwrap().side(), 29);
        assert_eq!(side(61, ErrorCorrection::M), 29);
        assert_eq!(side(62, ErrorCorrection::M), 33);
    }

    #[test]
    fn the_data_bits_start_with_the_alphanumeric_mode_indicator() {
        let bits = alphanumeric_bits(URL, 3, EcLevel::M).unwrap().into_bytes();
        assert_eq!(bits[0] >> 4, 0b0010);
        // Nine bits of character count follow the four bits of mode.
        let count = (u16::from(bits[0] & 0x0F) << 5) | u16::from(bits[1] >> 3);
        assert_eq!(usize::from(count), URL.len());
    }

    #[test]
    fn more_error_correction_needs_a_larger_symbol() {
        assert_eq!(side(54, ErrorCorrection::L), 29);
        assert_eq!(side(54, ErrorCorrection::Q), 33);
        assert_eq!(side(54, ErrorCorrection::H), 37);
    }

    #[test]
    fn a_long_run_of_digits_does_not_change_the_version() {
        let digits = format!("HTTPS://PINGMA.EXAMPLE/C/{}", "7".repeat(29));
        assert_eq!(Symbol::encode(&digits, ErrorCorrection::M).unwrap().side(), 29);
        assert_eq!(side(61, ErrorCorrection::M), 29);
    }

    #[test]
    fn a_url_outside_alphanumeric_mode_is_refused() {
        for (url, expected) in [("HTTPS://x/", 'x'), ("HTTPS://A/?B=1", '?'), ("瓶", '瓶')] {
            match Symbol::encode(url, ErrorCorrection::M) {
                Err(LabelError::NotAlphanumeric { character }) => assert_eq!(character, expected),
                other => panic!("{url}: {other:?}"),
            }
        }
        assert!(matches!(Symbol::encode("", ErrorCorrection::M), Err(LabelError::EmptyUrl)));
    }

    #[test]
    fn a_url_too_long_for_any_symbol_is_refused() {
        assert_eq!(side(1852, ErrorCorrection::H), 177);
        let refused = Symbol::encode(&"A".repeat(1853), ErrorCorrection::H);
        assert!(matches!(refused, Err(LabelError::Symbol(QrError::DataTooLong))));
    }

    #[test]
    fn modules_below_a_quarter_millimetre_are_refused() {
        let url = "A".repeat(400);
        let narrow = SizeMm::new(15).unwrap();
        match Symbol::for_label(&url, ErrorCorrection::H, narrow) {
            Err(LabelError::TooDense { modules, width_mm: 15 }) => assert!(modules > 60),
            other => panic!("{other:?}"),
        }
        let wide = SizeMm::new(60).unwrap();
        assert!(Symbol::for_label(&url, ErrorCorrection::H, wide).is_ok());
    }

    #[test]
    fn runs_cover_exactly_the_dark_modules() {
        let row = [true, true, false, true, false, false, true];
        let runs: Vec<_> = dark_runs(&row).map(|run| (run.start, run.length)).collect();
        assert_eq!(runs, [(0, 2), (3, 1), (6, 1)]);
        assert_eq!(dark_runs(&[false, false]).count(), 0);
        assert_eq!(dark_runs(&[]).count(), 0);
    }
}
