//! Where things are on a label.
//!
//! The unit of all coordinates is a thousandth of the label's width, so that a layout needs no
//! knowledge of millimetres or pixels. The origin is the top left corner; y points down. The QR
//! symbol with its quiet zone fills the square at the top; the lines of text follow below.

use ab_glyph::{OutlineCurve, point};

use super::fonts::{Glyph, LabelFonts, TextStyle, map_points};
use super::{LabelContent, SizeMm};

/// The width of every label, in units.
pub(super) const WIDTH: u16 = 1000;

/// The widest line of text, in units. The rest is margin for cutting the label.
const MAX_TEXT_WIDTH: f32 = 900.0;

/// The em sizes of the lines on a label large enough for them, in units.
const TYPED_CODE_EM: u16 = 122;
const REGISTRATION_CODE_EM: u16 = 76;
const OWNER_NAME_EM: u16 = 70;

/// The smallest type for a name, in micrometres per em: 5 pt (八号), the smallest size of
/// Chinese print.
const MIN_NAME_EM_UM: u16 = 1760;
/// The smallest type for a code, in micrometres per em. Capitals and digits stay legible at a
/// smaller size than Chinese characters do: this makes them 1 mm high.
const MIN_CODE_EM_UM: u16 = 1400;

/// Extra space between the characters of a code, in ems, which makes it easier to copy.
const CODE_TRACKING_EM: f32 = 0.06;

/// The vertical space between two lines and below the last one, in units. The former leaves room
/// for the tail of a Q.
const LINE_GAP: u16 = 48;
const BOTTOM_MARGIN: u16 = 80;

/// The height of capitals and digits above the baseline, in hundredths of an em.
const CAPITAL_HEIGHT: u16 = 73;
/// The height of a Chinese character above and below the baseline, in hundredths of an em.
const CJK_ASCENT: u16 = 88;
const CJK_DESCENT: u16 = 12;

/// A label's text, placed.
#[derive(Debug)]
pub(super) struct Layout {
    /// The height of the whole label, in units.
    pub(super) height: u16,
    /// The lines from top to bottom.
    pub(super) lines: Vec<Line>,
}

/// One line of text, placed.
#[derive(Debug)]
pub(super) struct Line {
    /// The characters that are printed.
    pub(super) text: String,
    /// The way the line is set.
    pub(super) style: TextStyle,
    /// The font size, in units per em.
    pub(super) em: f32,
    /// The width of the line, in units. It is centred on the label.
    pub(super) width: f32,
    /// The position of the baseline, in units.
    pub(super) baseline: f32,
    /// The outlines of all glyphs, in units. Empty without a font.
    pub(super) curves: Vec<OutlineCurve>,
}

impl Layout {
    /// Places the text of a label `size_mm` wide below a symbol whose modules take `symbol_width`
    /// units, quiet zone not included.
    pub(super) fn new(
        content: &LabelContent<'_>,
        size_mm: SizeMm,
        symbol_width: f32,
        fonts: &LabelFonts,
    ) -> Self {
        let min_name_em = min_em(MIN_NAME_EM_UM, size_mm);
        let code_em = REGISTRATION_CODE_EM.max(min_em(MIN_CODE_EM_UM, size_mm));
        let name_em = OWNER_NAME_EM.max(min_name_em);

        let mut column = Column::new();
        let code = Setting::new(content.typed_code, TextStyle::Bold, CODE_TRACKING_EM, fonts);
        // The typed code is as wide as the symbol, so that the two read as one block.
        column.push(code, TYPED_CODE_EM, symbol_width, CAPITAL_HEIGHT, 0);
        if let Some(registration_code) = content.registration_code {
            let style = TextStyle::Regular;
            let code = Setting::new(registration_code, style, CODE_TRACKING_EM, fonts);
            column.push(code, code_em, MAX_TEXT_WIDTH, CAPITAL_HEIGHT, 0);
        }
        // Only a name may be cut: a code with missing characters would be a wrong code.
        let mut name = Setting::new(content.owner_name, TextStyle::Regular, 0.0, fonts);
        name.cut_to(MAX_TEXT_WIDTH / f32::from(min_name_em), fonts);
        column.push(name, name_em, MAX_TEXT_WIDTH, CJK_ASCENT, CJK_DESCENT);
        column.finish()
    }

    /// The layout of a label without text.
    pub(super) fn symbol_only() -> Self {
        Self { height: WIDTH, lines: Vec::new() }
    }
}

/// The smallest em size in units, given in micrometres.
fn min_em(em_um: u16, size_mm: SizeMm) -> u16 {
    // One unit is as many micrometres as the label has millimetres.
    em_um.div_ceil(size_mm.as_mm())
}

/// The lines placed so far.
struct Column {
    bottom: u16,
    lines: Vec<Line>,
}

impl Column {
    fn new() -> Self {
        Self { bottom: WIDTH, lines: Vec::new() }
    }

    /// Adds a line of `em` units per em, less if it would become wider than `max_width`.
    ///
    /// The line keeps the height of its full size, `ascent` and `descent` in hundredths of an em,
    /// so that labels of the same kind all have the same height whatever is written on them.
    fn push(&mut self, setting: Setting, em: u16, max_width: f32, ascent: u16, descent: u16) {
        if setting.glyphs.is_empty() {
            return;
        }
        let gap = if self.lines.is_empty() { 0 } else { LINE_GAP };
        let height = em * (ascent + descent) / 100;
        let top = self.bottom + gap;
        self.bottom = top + height;

        let em = f32::from(em).min(max_width / setting.width_em());
        let middle = f32::from(top) + f32::from(height) / 2.0;
        let baseline = middle + em * (f32::from(ascent) - f32::from(descent)) / 200.0;
        self.lines.push(setting.place(em, baseline));
    }

    fn finish(self) -> Layout {
        if self.lines.is_empty() {
            return Layout::symbol_only();
        }
        Layout { height: self.bottom + BOTTOM_MARGIN, lines: self.lines }
    }
}

/// The glyphs of a line before its size is known.
struct Setting {
    style: TextStyle,
    tracking_em: f32,
    glyphs: Vec<(char, Glyph)>,
}

impl Setting {
    /// Sets the characters of `text` that the fonts can draw.
    fn new(text: &str, style: TextStyle, tracking_em: f32, fonts: &LabelFonts) -> Self {
        let glyphs = one_line(text).chars().filter_map(|c| Some((c, fonts.glyph(c, style)?))).collect();
        Self { style, tracking_em, glyphs }
    }

    /// The width of the line in ems.
    fn width_em(&self) -> f32 {
        let advances: f32 = self.glyphs.iter().map(|(_, glyph)| self.advance_em(glyph)).sum();
        // Space follows every character but the last.
        advances - self.tracking_em
    }

    fn advance_em(&self, glyph: &Glyph) -> f32 {
        glyph.advance_em + self.tracking_em
    }

    /// Replaces the end of a line wider than `max_width_em` ems by an ellipsis.
    fn cut_to(&mut self, max_width_em: f32, fonts: &LabelFonts) {
        if self.width_em() <= max_width_em {
            return;
        }
        let ellipsis = Self::ellipsis(self.style, fonts);
        let ellipsis_em: f32 = ellipsis.iter().map(|(_, glyph)| self.advance_em(glyph)).sum();
        while self.width_em() + ellipsis_em > max_width_em || self.ends_in_space() {
            if self.glyphs.pop().is_none() {
                break;
            }
        }
        self.glyphs.extend(ellipsis);
    }

    fn ends_in_space(&self) -> bool {
        self.glyphs.last().is_some_and(|(c, _)| c.is_whitespace())
    }

    /// An ellipsis, or full stops in a font that has none.
    fn ellipsis(style: TextStyle, fonts: &LabelFonts) -> Vec<(char, Glyph)> {
        match fonts.glyph('…', style) {
            Some(glyph) => vec![('…', glyph)],
            None => "...".chars().filter_map(|c| Some((c, fonts.glyph(c, style)?))).collect(),
        }
    }

    /// Centres the line on the label.
    fn place(self, em: f32, baseline: f32) -> Line {
        let width = self.width_em() * em;
        let mut x = (f32::from(WIDTH) - width) / 2.0;
        let mut curves = Vec::new();
        for (_, glyph) in &self.glyphs {
            let to_units = |p: ab_glyph::Point| point(x + p.x * em, baseline + p.y * em);
            curves.extend(glyph.curves.iter().map(|curve| map_points(curve, to_units)));
            x += self.advance_em(glyph) * em;
        }
        let text = self.glyphs.iter().map(|(c, _)| c).collect();
        Line { text, style: self.style, em, width, baseline, curves }
    }
}

/// The text with all white space and control characters turned into single spaces.
fn one_line(text: &str) -> String {
    let words: Vec<_> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::test_support::{content, square_fonts, square_fonts_with};

    const SYMBOL_WIDTH: f32 = 784.0;

    fn layout(content: &LabelContent<'_>, width_mm: u16, fonts: &LabelFonts) -> Layout {
        Layout::new(content, SizeMm::new(width_mm).unwrap(), SYMBOL_WIDTH, fonts)
    }

    fn name_line(owner_name: &str, width_mm: u16) -> Line {
        let content = LabelContent { owner_name, ..content() };
        layout(&content, width_mm, &square_fonts()).lines.pop().unwrap()
    }

    #[test]
    fn the_three_lines_are_in_order_and_do_not_overlap() {
        for width_mm in [15, 20, 40, 150] {
            let layout = layout(&content(), width_mm, &square_fonts());
            let texts: Vec<_> = layout.lines.iter().map(|line| line.text.as_str()).collect();
            assert_eq!(texts.len(), 3);
            assert_eq!(texts[..2], ["7K3M9PQ2-G", "32A01000001"]);
            let mut bottom = f32::from(WIDTH);
            for line in &layout.lines {
                let (ascent, descent) = match line.text.is_ascii() {
                    true => (0.73, 0.0),
                    false => (0.88, 0.12),
                };
                assert!(line.baseline - ascent * line.em >= bottom - 0.5, "{line:?}");
                bottom = line.baseline + descent * line.em;
            }
            assert!(bottom < f32::from(layout.height));
        }
    }

    #[test]
    fn the_typed_code_is_the_largest_and_as_wide_as_the_symbol_at_most() {
        let layout = layout(&content(), 40, &square_fonts());
        assert!(layout.lines[0].em > layout.lines[1].em);
        assert!(layout.lines[0].em > layout.lines[2].em);
        assert!(layout.lines[0].width <= SYMBOL_WIDTH + 0.1);
    }

    #[test]
    fn an_absent_registration_code_takes_no_space() {
        let with = layout(&content(), 40, &square_fonts());
        let content = LabelContent { registration_code: None, ..content() };
        let without = layout(&content, 40, &square_fonts());
        assert_eq!(without.lines.len(), 2);
        assert!(without.height < with.height);
    }

    #[test]
    fn labels_have_the_same_height_whatever_the_name() {
        let heights = ["瓶", "南通平安燃气有限公司", &"瓶".repeat(60)].map(|owner_name| {
            let content = LabelContent { owner_name, ..content() };
            layout(&content, 40, &square_fonts()).height
        });
        assert_eq!(heights[0], heights[1]);
        assert_eq!(heights[0], heights[2]);
    }

    #[test]
    fn a_name_that_fits_keeps_the_full_size() {
        let line = name_line("南通平安燃气有限公司", 40);
        assert_eq!(line.text, "南通平安燃气有限公司");
        assert_eq!(line.em, f32::from(OWNER_NAME_EM));
        assert_eq!(line.width, 10.0 * line.em);
    }

    #[test]
    fn a_long_name_shrinks_to_the_width_before_it_is_cut() {
        let name = "瓶".repeat(18);
        let line = name_line(&name, 40);
        assert_eq!(line.text, name);
        assert!(line.em < f32::from(OWNER_NAME_EM));
        assert!((line.width - MAX_TEXT_WIDTH).abs() < 0.1, "{}", line.width);
    }

    #[test]
    fn a_very_long_name_is_cut_at_the_legible_minimum() {
        for width_mm in [15, 20, 40, 60, 150] {
            let line = name_line(&"瓶".repeat(400), width_mm);
            assert!(line.text.ends_with("瓶…"), "{}", line.text);
            assert!(line.width <= MAX_TEXT_WIDTH + 0.1);
            let em_mm = line.em * f32::from(width_mm) / 1000.0;
            assert!((1.76..2.0).contains(&em_mm), "{em_mm} mm at {width_mm} mm");
        }
    }

    #[test]
    fn a_name_is_not_cut_after_a_space() {
        // The space is the last character that would fit in front of the ellipsis.
        let min_em = f32::from(min_em(MIN_NAME_EM_UM, SizeMm::new(40).unwrap()));
        let mut name = Setting::new("瓶码 燃气公司", TextStyle::Regular, 0.0, &square_fonts());
        name.cut_to(4.0, &square_fonts());
        assert_eq!(name.place(min_em, 0.0).text, "瓶码…");
    }

    #[test]
    fn a_font_without_ellipsis_cuts_with_full_stops() {
        let fonts = square_fonts_with("瓶.");
        let mut name = Setting::new(&"瓶".repeat(9), TextStyle::Regular, 0.0, &fonts);
        name.cut_to(5.0, &fonts);
        assert_eq!(name.place(40.0, 0.0).text, "瓶瓶瓶...");
    }

    #[test]
    fn codes_shrink_but_are_never_cut() {
        let code = "9".repeat(80);
        let content = LabelContent { typed_code: &code, registration_code: Some(&code), ..content() };
        let layout = layout(&content, 15, &square_fonts());
        assert_eq!(layout.lines[0].text, code);
        assert!(layout.lines[0].width <= SYMBOL_WIDTH + 0.1);
        assert_eq!(layout.lines[1].text, code);
        assert!(layout.lines[1].width <= MAX_TEXT_WIDTH + 0.1);
    }

    #[test]
    fn characters_without_glyph_are_left_out() {
        let fonts = square_fonts_with("AB-0123456789");
        let content = LabelContent { owner_name: "A瓶B码", ..content() };
        let lines = layout(&content, 40, &fonts).lines;
        assert_eq!(lines.last().unwrap().text, "AB");
    }

    #[test]
    fn a_line_that_cannot_be_printed_takes_no_space() {
        let fonts = square_fonts_with("0");
        let content =
            LabelContent { typed_code: "X", registration_code: Some("Y"), owner_name: " \n ", ..content() };
        let layout = layout(&content, 40, &fonts);
        assert!(layout.lines.is_empty());
        assert_eq!(layout.height, WIDTH);
    }

    #[test]
    fn line_breaks_and_control_characters_become_spaces() {
        assert_eq!(one_line(" A\u{7}B\r\n\t C  "), "A B C");
        assert_eq!(one_line("\0"), "");
    }

    #[test]
    fn outlines_stay_on_the_label_and_are_centred() {
        let layout = layout(&content(), 40, &square_fonts());
        for line in &layout.lines {
            let mut min = point(f32::MAX, f32::MAX);
            let mut max = point(f32::MIN, f32::MIN);
            for curve in &line.curves {
                if let OutlineCurve::Line(a, b) = curve {
                    for p in [a, b] {
                        min = point(min.x.min(p.x), min.y.min(p.y));
                        max = point(max.x.max(p.x), max.y.max(p.y));
                    }
                }
            }
            assert!(min.x >= 50.0 && max.x <= 950.0, "{min:?} {max:?}");
            assert!(min.y >= 999.0 && max.y < f32::from(layout.height), "{min:?} {max:?}");
            assert!((min.x + max.x - 1000.0).abs() < 1.0, "{min:?} {max:?}");
        }
    }
}
