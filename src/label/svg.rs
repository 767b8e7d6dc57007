//! Labels as SVG.

use std::fmt;

use ab_glyph::{OutlineCurve, Point};

use super::fonts::{LabelFonts, TextStyle};
use super::layout::{Layout, Line, WIDTH};
use super::symbol::{QUIET_ZONE_MODULES, Symbol, dark_runs};
use super::{LabelContent, LabelError, LabelSpec, SizeMm};

/// The fonts a viewer should try when the server had none to draw the text with.
const FALLBACK_FAMILIES: &str =
    "Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, sans-serif";

/// Renders a label as an SVG document whose physical size is that of `spec`.
///
/// The text is drawn as outlines, so that the label prints the same on machines without the font.
/// Only when `fonts` is empty is it left to the viewer.
///
/// # Errors
///
/// If the URL cannot be encoded for a label of that size.
pub fn render_svg(
    content: &LabelContent<'_>,
    spec: LabelSpec,
    fonts: &LabelFonts,
) -> Result<String, LabelError> {
    let size_mm = spec.size_mm;
    let symbol = Symbol::for_label(content.url, spec.error_correction, size_mm)?;
    let module = f32::from(WIDTH) / f32::from(symbol.side_with_quiet_zone());
    let layout = Layout::new(content, size_mm, module * f32::from(symbol.side()), fonts);
    let with_outlines = !fonts.is_empty();
    Ok(Document { content, size_mm, symbol, module, layout, with_outlines }.to_string())
}

/// A label ready to be written.
struct Document<'a> {
    content: &'a LabelContent<'a>,
    size_mm: SizeMm,
    symbol: Symbol,
    /// The side of a module in layout units.
    module: f32,
    layout: Layout,
    with_outlines: bool,
}

impl fmt::Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width_mm = self.size_mm.as_mm();
        let height = self.layout.height;
        // One unit is as many micrometres as the label has millimetres.
        let height_um = u32::from(height) * u32::from(width_mm);
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width_mm}mm" height="{}.{:03}mm" viewBox="0 0 {WIDTH} {height}" role="img">"#,
            height_um / 1000,
            height_um % 1000,
        )?;
        self.write_title(f)?;
        writeln!(f, r##"<rect width="{WIDTH}" height="{height}" fill="#fff"/>"##)?;
        self.write_symbol(f)?;
        for line in &self.layout.lines {
            if self.with_outlines {
                write_outlines(f, line)?;
            } else {
                write_text(f, line)?;
            }
        }
        writeln!(f, "</svg>")
    }
}

impl Document<'_> {
    fn write_title(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<title>{}", Escaped(self.content.typed_code))?;
        if let Some(code) = self.content.registration_code {
            write!(f, ", {}", Escaped(code))?;
        }
        writeln!(f, ", {}</title>", Escaped(self.content.owner_name))
    }

    /// Writes the symbol as one path of horizontal bars, in coordinates of modules. Merging the
    /// modules of a row leaves no seams between them on printers that smooth edges.
    fn write_symbol(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = Number(self.module * f32::from(QUIET_ZONE_MODULES));
        write!(
            f,
            r#"<path transform="translate({offset} {offset}) scale({:.5})" shape-rendering="crispEdges" d=""#,
            self.module
        )?;
        for (y, row) in self.symbol.rows().enumerate() {
            for run in dark_runs(row) {
                write!(f, "M{} {y}h{}v1h-{}z", run.start, run.length, run.length)?;
            }
        }
        writeln!(f, r#""/>"#)
    }
}

/// Writes a line of text as one path.
fn write_outlines(f: &mut fmt::Formatter<'_>, line: &Line) -> fmt::Result {
    write!(f, r#"<path d=""#)?;
    let mut contour: Option<Contour> = None;
    for curve in &line.curves {
        let (from, to) = ends(curve);
        let start = match &contour {
            Some(open) if open.at == from => open.start,
            other => {
                let close = if other.is_some() { "Z" } else { "" };
                write!(f, "{close}M{}", Pair(from))?;
                from
            }
        };
        match *curve {
            // The line that closes a contour needs no coordinates.
            OutlineCurve::Line(_, end) if end == start => {
                write!(f, "Z")?;
                contour = None;
                continue;
            }
            OutlineCurve::Line(_, end) => write!(f, "L{}", Pair(end))?,
            OutlineCurve::Quad(_, c, end) => write!(f, "Q{} {}", Pair(c), Pair(end))?,
            OutlineCurve::Cubic(_, c, d, end) => {
                write!(f, "C{} {} {}", Pair(c), Pair(d), Pair(end))?;
            }
        }
        contour = Some(Contour { start, at: to });
    }
    writeln!(f, r#""/>"#)
}

/// A contour that is being written.
struct Contour {
    start: Point,
    at: Point,
}

/// The first and the last point of a curve.
fn ends(curve: &OutlineCurve) -> (Point, Point) {
    match *curve {
        OutlineCurve::Line(from, to)
        | OutlineCurve::Quad(from, _, to)
        | OutlineCurve::Cubic(from, _, _, to) => (from, to),
    }
}

/// Writes a line of text for the viewer to set in a font of its own.
fn write_text(f: &mut fmt::Formatter<'_>, line: &Line) -> fmt::Result {
    let weight = match line.style {
        TextStyle::Bold => "bold",
        TextStyle::Regular => "normal",
    };
    // The length keeps a font that is wider than estimated from leaving the label.
    writeln!(
        f,
        r#"<text x="{}" y="{}" font-family="{FALLBACK_FAMILIES}" font-size="{}" font-weight="{weight}" text-anchor="middle" textLength="{}" lengthAdjust="spacingAndGlyphs">{}</text>"#,
        WIDTH / 2,
        Number(line.baseline),
        Number(line.em),
        Number(line.width),
        Escaped(&line.text),
    )
}

/// A coordinate pair of a path.
struct Pair(Point);

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Number(self.0.x), Number(self.0.y))
    }
}

/// A number with two decimals, which is 0.4 µm on a label 40 mm wide, without trailing zeros.
struct Number(f32);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.2}", self.0);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Text that is safe in XML content and attributes. Characters that XML 1.0 cannot represent, not
/// even escaped, are left out.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\t' | '\n' | '\r' => f.write_char(' ')?,
                '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => {}
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::ErrorCorrection;
    use crate::label::test_support::{URL, content, spec, square_fonts, square_fonts_with, symbol_of_svg};

    fn render(content: &LabelContent<'_>, width_mm: u16, fonts: &LabelFonts) -> String {
        render_svg(content, spec(width_mm), fonts).unwrap()
    }

    #[test]
    fn the_size_is_in_millimetres_at_both_bounds() {
        for width_mm in [15, 150] {
            let svg = render(&content(), width_mm, &square_fonts());
            assert!(svg.contains(&format!(r#" width="{width_mm}mm""#)), "{svg}");
            let height = attribute(&svg, "height").strip_suffix("mm").unwrap().to_owned();
            let view_box = attribute(&svg, "viewBox");
            let units: f64 = view_box.rsplit(' ').next().unwrap().parse().unwrap();
            let height_mm: f64 = height.parse().unwrap();
            assert!((height_mm - units * f64::from(width_mm) / 1000.0).abs() < 1e-9);
        }
    }

    fn attribute(svg: &str, name: &str) -> String {
        let start = svg.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
        svg[start..].split('"').next().unwrap().to_owned()
    }

    #[test]
    fn the_symbol_is_one_crisp_path_of_the_encoded_modules() {
        let svg = render(&content(), 40, &square_fonts());
        assert_eq!(svg.matches("crispEdges").count(), 1);
        let size_mm = SizeMm::new(40).unwrap();
        let symbol = Symbol::for_label(URL, ErrorCorrection::M, size_mm).unwrap();
        let expected: Vec<_> = symbol.rows().map(<[bool]>::to_vec).collect();
        assert_eq!(symbol_of_svg(&svg), expected);
    }

    #[test]
    fn text_is_drawn_as_outlines() {
        let svg = render(&content(), 40, &square_fonts());
        assert!(!svg.contains("<text"), "{svg}");
        // The symbol and three lines.
        assert_eq!(svg.matches("<path").count(), 4);
        // Ten characters, each a closed rectangle.
        let code = svg.lines().filter(|line| line.starts_with("<path")).nth(1).unwrap();
        assert_eq!(code.matches('M').count(), 10);
        assert_eq!(code.matches('Z').count(), 10);
        assert_eq!(code.matches('L').count(), 30);
    }

    #[test]
    fn without_any_font_the_text_is_left_to_the_viewer() {
        let svg = render(&content(), 40, &LabelFonts::default());
        assert_eq!(svg.matches("<text").count(), 3);
        assert!(svg.contains(">7K3M9PQ2-G</text>"), "{svg}");
        assert!(svg.contains(">南通平安燃气有限公司</text>"), "{svg}");
    }

    #[test]
    fn a_font_without_chinese_prints_the_other_lines() {
        let fonts = square_fonts_with("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
        let svg = render(&content(), 40, &fonts);
        assert_eq!(svg.matches("<path").count(), 3);
        assert!(!svg.contains("<text"), "{svg}");
        // The title still says whose cylinder it is.
        assert!(svg.contains("<title>7K3M9PQ2-G, 32A01000001, 南通平安燃气有限公司</title>"));
    }

    #[test]
    fn everything_written_is_escaped() {
        let content = LabelContent {
            typed_code: "<1>",
            registration_code: Some("\"2\" '3'"),
            owner_name: "A&B \u{1}<script>\u{FFFF}",
            ..content()
        };
        for fonts in [square_fonts(), LabelFonts::default()] {
            let svg = render(&content, 40, &fonts);
            let title = "<title>&lt;1&gt;, &quot;2&quot; &#39;3&#39;, A&amp;B &lt;script&gt;</title>";
            assert!(svg.contains(title), "{svg}");
            assert!(!svg.contains("<script"), "{svg}");
            assert!(!svg.contains(['\u{1}', '\u{FFFF}']), "{svg}");
        }
        let svg = render(&content, 40, &LabelFonts::default());
        assert!(svg.contains(">A&amp;B &lt;script&gt;</text>"), "{svg}");
    }

    #[test]
    fn numbers_are_short() {
        let texts = [0.0, 12.0, 100.0, 0.5, 1.256, -3.1].map(|n| Number(n).to_string());
        assert_eq!(texts, ["0", "12", "100", "0.5", "1.26", "-3.1"]);
    }

    #[test]
    fn rendering_is_reproducible() {
        let once = render(&content(), 40, &square_fonts());
        assert_eq!(once, render(&content(), 40, &square_fonts()));
    }
}
