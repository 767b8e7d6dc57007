//! The fonts of the labels: which ones are used, and the glyphs they provide.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use ab_glyph::{Font, FontRef, FontVec, OutlineCurve, Point, VariableFont, point};
use fontdb::{Database, Family, ID, Query, Style, Weight};
use thiserror::Error;

/// Font families with simplified Chinese glyphs, best first. A collection such as
/// `NotoSansCJK-Regular.ttc` holds one family per region; only the families here draw characters
/// the way they are written in mainland China.
const CJK_FAMILIES: &[&str] = &[
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "HarmonyOS Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
    "Droid Sans Fallback",
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "SimSun",
    "AR PL UMing CN",
    "AR PL SungtiL GB",
    "AR PL UKai CN",
    "AR PL KaitiM GB",
];

/// Font families for the Latin lines when the Chinese font has no Latin letters or is missing.
const LATIN_FAMILIES: &[&str] =
    &["Noto Sans", "Source Sans 3", "Liberation Sans", "DejaVu Sans", "Arial", "Helvetica"];

/// A font that draws these can write the name of a Chinese gas company.
const CJK_PROBE: &str = "瓶码燃气有限责任公司";
/// A font that draws these can write the codes.
const LATIN_PROBE: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";

/// Why the configured font cannot be used.
#[derive(Debug, Error)]
pub enum FontError {
    /// The file is missing or cannot be read.
    #[error("the label font {} cannot be read", path.display())]
    Unreadable {
        /// The configured file.
        path: PathBuf,
        /// What the operating system reported.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a font, is damaged, or draws neither Chinese nor Latin characters.
    #[error(
        "the label font {} is not a usable TrueType or OpenType font with Chinese or Latin glyphs",
        path.display()
    )]
    Unusable {
        /// The configured file.
        path: PathBuf,
    },
}

/// The way a line of the label is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextStyle {
    /// Bold, for the code that people read aloud and type.
    Bold,
    /// Regular, for everything else.
    Regular,
}

/// The shape and the width of one character, in ems; y points down and is 0 on the baseline.
#[derive(Debug, Clone, Default)]
pub(super) struct Glyph {
    /// The distance to the origin of the next glyph, in ems.
    pub(super) advance_em: f32,
    /// The closed outline; empty for a space.
    pub(super) curves: Vec<OutlineCurve>,
}

impl Glyph {
    /// The glyph of an unknown font: no outline, and a width that suits most fonts.
    fn estimated(c: char) -> Self {
        // The CJK blocks and their full-width punctuation start at U+2E80.
        let advance_em = if c >= '\u{2E80}' { 1.0 } else { 0.6 };
        Self { advance_em, curves: Vec::new() }
    }
}

/// Something that draws characters.
pub(super) trait GlyphSource: Send + Sync {
    /// The glyph for `c`, unless the source has none.
    fn glyph(&self, c: char) -> Option<Glyph>;
}

impl GlyphSource for FontVec {
    fn glyph(&self, c: char) -> Option<Glyph> {
        font_glyph(self, c)
    }
}

impl GlyphSource for BTreeMap<char, Glyph> {
    fn glyph(&self, c: char) -> Option<Glyph> {
        self.get(&c).cloned()
    }
}

/// The fonts labels are printed with. Load them once and keep them: a Chinese font takes about
/// 20 MB of memory, and rendering does not touch the file again.
///
/// The default has no font at all.
#[derive(Default)]
pub struct LabelFonts {
    /// The bold glyphs of the ASCII characters. Only these are taken from the bold font, because
    /// keeping a second Chinese font in memory for ten characters would be a waste.
    bold: Option<BTreeMap<char, Glyph>>,
    /// The regular fonts; the first one that has a character draws it.
    regular: Vec<Box<dyn GlyphSource>>,
    /// The PostScript names of the fonts in use, for the log.
    names: Vec<String>,
}

impl fmt::Debug for LabelFonts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabelFonts").field("names", &self.names).finish_non_exhaustive()
    }
}

impl LabelFonts {
    /// Loads the fonts: from the `configured` file if there is one, otherwise the best that is
    /// installed on this machine.
    ///
    /// A machine without any font is not an error, since a label is useful without text. A
    /// configured file that cannot be used is one.
    ///
    /// # Errors
    ///
    /// If the configured file cannot be read or is not a usable font.
    pub fn find(configured: Option<&Path>) -> Result<Self, FontError> {
        let mut database = Database::new();
        let Some(path) = configured else {
            database.load_system_fonts();
            return Ok(Self::choose(&database));
        };
        database
            .load_font_file(path)
            .map_err(|source| FontError::Unreadable { path: path.to_owned(), source })?;
        let fonts = Self::choose(&database);
        if fonts.is_empty() {
            return Err(FontError::Unusable { path: path.to_owned() });
        }
        Ok(fonts)
    }

    /// Whether Chinese characters can be printed. Without them, characters that the fonts lack are
    /// left out of the labels.
    #[must_use]
    pub fn has_cjk(&self) -> bool {
        self.regular.iter().any(|font| draws(font.as_ref(), CJK_PROBE))
    }

    /// Whether no font was found at all.
    pub(super) fn is_empty(&self) -> bool {
        self.regular.is_empty()
    }

    /// The glyph for `c`, or `None` if no font has it. Without any font the widths are estimated.
    pub(super) fn glyph(&self, c: char, style: TextStyle) -> Option<Glyph> {
        if self.is_empty() {
            return Some(Glyph::estimated(c));
        }
        let bold = match style {
            TextStyle::Bold => self.bold.as_ref().and_then(|bold| bold.glyph(c)),
            TextStyle::Regular => None,
        };
        bold.or_else(|| self.regular.iter().find_map(|font| font.glyph(c)))
    }

    /// Picks the fonts to use from those in the database.
    fn choose(database: &Database) -> Self {
        let mut fonts = Self::default();
        let chinese = find_face(database, CJK_FAMILIES, CJK_PROBE);
        let mut latin = chinese.filter(|&id| face_draws(database, id, LATIN_PROBE));
        if let Some(id) = chinese {
            fonts.add_regular(database, id);
        }
        if latin.is_none() {
            latin = find_face(database, LATIN_FAMILIES, LATIN_PROBE);
            if let Some(id) = latin {
                fonts.add_regular(database, id);
            }
        }
        if let Some(id) = latin {
            fonts.add_bold(database, id);
        }
        tracing::info!(fonts = ?fonts.names, "label fonts chosen");
        fonts
    }

    fn add_regular(&mut self, database: &Database, id: ID) {
        let font = database.with_face_data(id, |data, index| {
            let mut font = FontVec::try_from_vec_and_index(data.to_vec(), index).ok()?;
            set_weight(&mut font, Weight::NORMAL);
            Some(font)
        });
        if let Some(font) = font.flatten() {
            self.regular.push(Box::new(font));
            self.names.extend(database.face(id).map(|face| face.post_script_name.clone()));
        }
    }

    /// Takes the bold ASCII glyphs from the family of the face `regular`.
    fn add_bold(&mut self, database: &Database, regular: ID) {
        let Some(id) = bold_of(database, regular) else {
            return;
        };
        let glyphs = database.with_face_data(id, |data, index| {
            let mut font = FontRef::try_from_slice_and_index(data, index).ok()?;
            set_weight(&mut font, Weight::BOLD);
            let glyphs = (' '..='~').filter_map(|c| Some((c, font_glyph(&font, c)?)));
            Some(glyphs.collect::<BTreeMap<_, _>>())
        });
        if let Some(glyphs) = glyphs.flatten() {
            self.bold = Some(glyphs);
            self.names.extend(database.face(id).map(|face| face.post_script_name.clone()));
        }
    }

    /// Fonts made by a test.
    #[cfg(test)]
    pub(super) fn from_glyphs(regular: BTreeMap<char, Glyph>) -> Self {
        Self { regular: vec![Box::new(regular)], ..Self::default() }
    }
}

/// The best upright regular face that draws all of `probe`: one of the `families` in their order,
/// else any other.
fn find_face(database: &Database, families: &[&str], probe: &str) -> Option<ID> {
    let named = families.iter().filter_map(|family| {
        database.query(&Query { families: &[Family::Name(family)], ..Query::default() })
    });
    let mut others: Vec<_> = database.faces().collect();
    // The order of the database is that of the directory, so sort to always choose the same font.
    others.sort_by_key(|face| {
        let slanted = face.style != Style::Normal;
        (slanted, face.weight.0.abs_diff(Weight::NORMAL.0), face.post_script_name.as_str())
    });
    let others = others.iter().map(|face| face.id);
    named.chain(others).find(|&id| face_draws(database, id, probe))
}

/// The face of the same family that is closest to bold; the same face if it is the only one.
fn bold_of(database: &Database, regular: ID) -> Option<ID> {
    let (family, _) = database.face(regular)?.families.first()?;
    let families = [Family::Name(family)];
    database.query(&Query { families: &families, weight: Weight::BOLD, ..Query::default() })
}

/// Sets the weight of a variable font, whose default is often the thinnest. No effect on others.
fn set_weight(font: &mut impl VariableFont, weight: Weight) {
    font.set_variation(b"wght", f32::from(weight.0));
}

fn face_draws(database: &Database, id: ID, probe: &str) -> bool {
    let drawn = database.with_face_data(id, |data, index| {
        let font = FontRef::try_from_slice_and_index(data, index).ok()?;
        // Bitmap fonts have glyphs without outlines.
        Some(probe.chars().all(|c| font_glyph(&font, c).is_some_and(|g| !g.curves.is_empty())))
    });
    drawn.flatten().unwrap_or(false)
}

fn draws(source: &dyn GlyphSource, probe: &str) -> bool {
    probe.chars().all(|c| source.glyph(c).is_some())
}

fn font_glyph(font: &impl Font, c: char) -> Option<Glyph> {
    let id = font.glyph_id(c);
    // Glyph 0 is the font's "missing character" box.
    if id.0 == 0 {
        return None;
    }
    let units_per_em = font.units_per_em()?;
    let to_em = |p: Point| point(p.x / units_per_em, -p.y / units_per_em);
    let outline = font.outline(id).map(|outline| outline.curves).unwrap_or_default();
    Some(Glyph {
        advance_em: font.h_advance_unscaled(id) / units_per_em,
        curves: outline.iter().map(|curve| map_points(curve, to_em)).collect(),
    })
}

/// The curve with every point replaced by its image under `map`.
pub(super) fn map_points(curve: &OutlineCurve, map: impl Fn(Point) -> Point) -> OutlineCurve {
    match *curve {
        OutlineCurve::Line(a, b) => OutlineCurve::Line(map(a), map(b)),
        OutlineCurve::Quad(a, b, c) => OutlineCurve::Quad(map(a), map(b), map(c)),
        OutlineCurve::Cubic(a, b, c, d) => OutlineCurve::Cubic(map(a), map(b), map(c), map(d)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_shareable<T: Send + Sync>() {}

    #[test]
    fn fonts_can_be_shared_between_threads() {
        assert_shareable::<LabelFonts>();
    }

    #[test]
    fn a_missing_configured_font_is_an_error_that_names_it() {
        let error = LabelFonts::find(Some(Path::new("/nowhere/label.otf"))).unwrap_err();
        assert!(matches!(error, FontError::Unreadable { .. }), "{error:?}");
        assert!(error.to_string().contains("/nowhere/label.otf"), "{error}");
    }

    #[test]
    fn a_broken_configured_font_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("broken.ttf");
        for content in [&b"this is not a font"[..], b"\0\x01\0\0\0\0\0\0\0\0\0\0", b"OTTO"] {
            std::fs::write(&path, content).unwrap();
            let error = LabelFonts::find(Some(&path)).unwrap_err();
            assert!(matches!(error, FontError::Unusable { .. }), "{error:?}");
            assert!(error.to_string().contains("broken.ttf"), "{error}");
        }
    }

    #[test]
    fn a_directory_or_an_empty_file_is_not_a_font() {
        let directory = tempfile::tempdir().unwrap();
        assert!(LabelFonts::find(Some(directory.path())).is_err());
        let path = directory.path().join("empty.ttf");
        std::fs::write(&path, b"").unwrap();
        assert!(LabelFonts::find(Some(&path)).is_err());
    }

    #[test]
    fn a_database_without_fonts_gives_no_fonts() {
        let fonts = LabelFonts::choose(&Database::new());
        assert!(fonts.is_empty());
        assert!(!fonts.has_cjk());
    }

    #[test]
    fn without_fonts_widths_are_estimated() {
        let fonts = LabelFonts::default();
        let latin = fonts.glyph('A', TextStyle::Bold).unwrap();
        let chinese = fonts.glyph('瓶', TextStyle::Regular).unwrap();
        assert!(latin.advance_em < chinese.advance_em);
        assert!(latin.curves.is_empty() && chinese.curves.is_empty());
    }

    #[test]
    fn chinese_glyphs_are_recognised() {
        let latin = LATIN_PROBE.chars().map(|c| (c, Glyph::estimated(c)));
        let chinese = CJK_PROBE.chars().map(|c| (c, Glyph::estimated(c)));
        assert!(!LabelFonts::from_glyphs(latin.collect()).has_cjk());
        assert!(LabelFonts::from_glyphs(chinese.collect()).has_cjk());
    }

    #[test]
    fn a_character_without_glyph_has_none() {
        let fonts = LabelFonts::from_glyphs(BTreeMap::from([('A', Glyph::estimated('A'))]));
        assert!(fonts.glyph('A', TextStyle::Bold).is_some());
        assert!(fonts.glyph('瓶', TextStyle::Regular).is_none());
    }

    /// Depends on the machine, so it only checks what must hold for whatever was found.
    #[test]
    fn the_installed_fonts_have_outlines_and_widths() {
        let fonts = LabelFonts::find(None).unwrap();
        let wanted = if fonts.has_cjk() { CJK_PROBE } else { LATIN_PROBE };
        for c in wanted.chars().filter(|_| !fonts.is_empty()) {
            let glyph = fonts.glyph(c, TextStyle::Regular).unwrap();
            assert!(!glyph.curves.is_empty(), "{c}");
            assert!(glyph.advance_em > 0.0 && glyph.advance_em < 2.0, "{c}");
        }
    }

    #[test]
    fn a_configured_collection_is_used_through_its_simplified_chinese_face() {
        let path = Path::new("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc");
        if !path.exists() {
            eprintln!("skipped: {} is not installed", path.display());
            return;
        }
        let fonts = LabelFonts::find(Some(path)).unwrap();
        assert!(fonts.has_cjk());
        // The only weight of the file also serves as the bold one.
        assert_eq!(fonts.names, ["NotoSansCJKsc-Regular", "NotoSansCJKsc-Regular"]);
    }
}
