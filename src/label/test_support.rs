//! What the tests of several modules need.

use std::collections::BTreeMap;

use ab_glyph::{OutlineCurve, point};

use super::fonts::{Glyph, LabelFonts};
use super::{ErrorCorrection, LabelContent, LabelSpec, SizeMm};

/// A cylinder's URL: 25 characters of prefix and 29 of code.
pub(super) const URL: &str = "HTTPS://PINGMA.EXAMPLE/C/0123456789ABCDEFGHJKMNPQRSTVW";

/// A label with all three lines of text.
pub(super) fn content() -> LabelContent<'static> {
    LabelContent {
        url: URL,
        typed_code: "7K3M9PQ2-G",
        registration_code: Some("32A01000001"),
        owner_name: "南通平安燃气有限公司",
    }
}

/// A label at the resolution of a label printer.
pub(super) fn spec(width_mm: u16) -> LabelSpec {
    LabelSpec {
        size_mm: SizeMm::new(width_mm).unwrap(),
        error_correction: ErrorCorrection::M,
        resolution_dpi: 300,
    }
}

/// A font whose glyphs are all rectangles, so that tests do not depend on installed fonts.
pub(super) fn square_fonts() -> LabelFonts {
    let ascii: String = (' '..='~').collect();
    square_fonts_with(&format!("{ascii}…南通平安燃气有限公司瓶码责任"))
}

/// A font that only has the given characters.
pub(super) fn square_fonts_with(characters: &str) -> LabelFonts {
    LabelFonts::from_glyphs(characters.chars().map(|c| (c, rectangle(c))).collect::<BTreeMap<_, _>>())
}

fn rectangle(c: char) -> Glyph {
    let (advance_em, bottom) = if c.is_ascii() { (0.6, 0.0) } else { (1.0, 0.12) };
    let top = if c.is_ascii() { -0.73 } else { -0.88 };
    let corners = [(0.0, bottom), (0.0, top), (advance_em, top), (advance_em, bottom), (0.0, bottom)];
    let curves = match c {
        ' ' => Vec::new(),
        _ => corners
            .windows(2)
            .map(|pair| OutlineCurve::Line(point(pair[0].0, pair[0].1), point(pair[1].0, pair[1].1)))
            .collect(),
    };
    Glyph { advance_em, curves }
}

/// Reads the modules back from the path of the symbol in an SVG label.
pub(super) fn symbol_of_svg(svg: &str) -> Vec<Vec<bool>> {
    let line = svg.lines().find(|line| line.contains("crispEdges")).unwrap();
    let path = line.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
    let mut bars = Vec::new();
    for bar in path.split('z').filter(|bar| !bar.is_empty()) {
        let (start, length) = bar.strip_prefix('M').unwrap().split_once('h').unwrap();
        let (x, y) = start.split_once(' ').unwrap();
        let (length, rest) = length.split_once('v').unwrap();
        assert_eq!(rest, format!("1h-{length}"));
        let number = |text: &str| text.parse::<usize>().unwrap();
        bars.push((number(x), number(y), number(length)));
    }
    // The finder patterns touch all edges, so the longest extent is the side.
    let side = bars.iter().map(|(x, _, length)| x + length).max().unwrap();
    let mut rows = vec![vec![false; side]; side];
    for (x, y, length) in bars {
        rows[y][x..x + length].fill(true);
    }
    rows
}
