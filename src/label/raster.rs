//! Labels as PNG.

use ab_glyph::{OutlineCurve, Point, point};
use ab_glyph_rasterizer as rasterizer;
use image::{GrayImage, Luma};

use super::fonts::{LabelFonts, map_points};
use super::layout::{Layout, WIDTH};
use super::symbol::{Symbol, dark_runs};
use super::{LabelContent, LabelError, LabelSpec};

const WHITE: u8 = 0xFF;
const BLACK: u8 = 0x00;

/// The fewest pixels per module that scanners decode reliably.
const MIN_MODULE_PX: u16 = 2;
/// The widest image, in pixels: 150 mm at 600 dpi, with room to spare. It keeps the memory that
/// one label takes below 100 MB; at 300 dpi the largest takes 10 MB.
const MAX_WIDTH_PX: u16 = 4096;

/// Micrometres per inch.
const INCH_UM: u64 = 25_400;

/// Renders a label as an 8-bit grayscale PNG that states its resolution, so that it prints in the
/// size of `spec`.
///
/// A module is a whole number of pixels, which keeps its edges sharp. The symbol may therefore be
/// a little smaller than in the SVG, and its quiet zone wider. Without any font the label consists
/// of the symbol only.
///
/// # Errors
///
/// If the URL cannot be encoded for a label of that size, or the resolution does not suit it.
pub fn render_png(
    content: &LabelContent<'_>,
    spec: LabelSpec,
    fonts: &LabelFonts,
) -> Result<Vec<u8>, LabelError> {
    let symbol = Symbol::for_label(content.url, spec.error_correction, spec.size_mm)?;
    let width_px = width_px(spec)?;
    let module_px = width_px / symbol.side_with_quiet_zone();
    if module_px < MIN_MODULE_PX {
        return Err(unsuitable_resolution(spec));
    }
    let unit_px = f32::from(width_px) / f32::from(WIDTH);
    let symbol_px = module_px * symbol.side();
    let layout = if fonts.is_empty() {
        Layout::symbol_only()
    } else {
        Layout::new(content, spec.size_mm, f32::from(symbol_px) / unit_px, fonts)
    };

    let height_px = scaled(layout.height, width_px).ok_or_else(|| unsuitable_resolution(spec))?;
    let mut drawing = Drawing::white(width_px, height_px);
    drawing.draw_symbol(&symbol, width_px, module_px);
    let outlines = layout.lines.iter().flat_map(|line| &line.curves);
    drawing.draw_outlines(outlines, width_px, unit_px);
    drawing.encode(spec.resolution_dpi)
}

/// The width of the image, to the nearest pixel.
fn width_px(spec: LabelSpec) -> Result<u16, LabelError> {
    let width_um = u64::from(spec.size_mm.as_mm()) * 1000;
    let width_px = (width_um * u64::from(spec.resolution_dpi) + INCH_UM / 2) / INCH_UM;
    u16::try_from(width_px).ok().filter(|&px| px <= MAX_WIDTH_PX).ok_or_else(|| unsuitable_resolution(spec))
}

fn unsuitable_resolution(spec: LabelSpec) -> LabelError {
    LabelError::UnsuitableResolution { width_mm: spec.size_mm.as_mm(), resolution_dpi: spec.resolution_dpi }
}

/// A length in layout units as pixels, rounded up so that nothing is cut off.
fn scaled(units: u16, width_px: u16) -> Option<u16> {
    let px = (u32::from(units) * u32::from(width_px)).div_ceil(u32::from(WIDTH));
    u16::try_from(px).ok()
}

/// The drawing, one byte of gray per pixel.
struct Drawing(GrayImage);

impl Drawing {
    fn white(width_px: u16, height_px: u16) -> Self {
        Self(GrayImage::from_pixel(u32::from(width_px), u32::from(height_px), Luma([WHITE])))
    }

    /// Draws the symbol in the middle of the square at the top.
    fn draw_symbol(&mut self, symbol: &Symbol, width_px: u16, module_px: u16) {
        let margin = usize::from((width_px - module_px * symbol.side()) / 2);
        let module = usize::from(module_px);
        let mut lines = self.0.chunks_exact_mut(usize::from(width_px)).skip(margin);
        for row in symbol.rows() {
            for line in lines.by_ref().take(module) {
                for run in dark_runs(row) {
                    let start = margin + usize::from(run.start) * module;
                    let length = usize::from(run.length) * module;
                    if let Some(bar) = line.get_mut(start..start + length) {
                        bar.fill(BLACK);
                    }
                }
            }
        }
    }

    /// Fills the outlines, which are below the symbol, with smoothed edges.
    fn draw_outlines<'a>(
        &mut self,
        outlines: impl Iterator<Item = &'a OutlineCurve>,
        width_px: u16,
        unit_px: f32,
    ) {
        let width = usize::from(width_px);
        // The text starts where the square of the symbol ends.
        let square_px = f32::from(width_px);
        let Some(text_area) = self.0.get_mut(width * width..) else {
            return;
        };
        let mut ink = rasterizer::Rasterizer::new(width, text_area.len() / width);
        let to_px = |p: Point| point(p.x * unit_px, p.y * unit_px - square_px);
        for curve in outlines {
            match map_points(curve, to_px) {
                OutlineCurve::Line(a, b) => ink.draw_line(pen(a), pen(b)),
                OutlineCurve::Quad(a, b, c) => ink.draw_quad(pen(a), pen(b), pen(c)),
                OutlineCurve::Cubic(a, b, c, d) => {
                    ink.draw_cubic(pen(a), pen(b), pen(c), pen(d));
                }
            }
        }
        ink.for_each_pixel(|index, coverage| {
            if let Some(pixel) = text_area.get_mut(index) {
                *pixel = gray(coverage);
            }
        });
    }

    fn encode(&self, resolution_dpi: u32) -> Result<Vec<u8>, LabelError> {
        let mut file = Vec::new();
        // The image crate's own encoder can't write the resolution, and a label must print in its true size.
        let mut encoder = png::Encoder::new(&mut file, self.0.width(), self.0.height());
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let pixels_per_metre = pixels_per_metre(resolution_dpi);
        encoder.set_pixel_dims(Some(png::PixelDimensions {
            xppu: pixels_per_metre,
            yppu: pixels_per_metre,
            unit: png::Unit::Meter,
        }));
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.0)?;
        writer.finish()?;
        Ok(file)
    }
}

/// The same point for the rasterizer, which has its own type.
fn pen(p: Point) -> rasterizer::Point {
    rasterizer::point(p.x, p.y)
}

/// The gray level of a pixel that is covered by ink to the given degree, 0 to 1.
fn gray(coverage: f32) -> u8 {
    let level = (f32::from(WHITE) * (1.0 - coverage.clamp(0.0, 1.0))).round();
    // A whole number from 0 to 255, so nothing is lost. The standard library has no checked
    // conversion from floating point.
    #[allow(clippy::as_conversions, reason = "bounded on the line above")]
    let level = level as u8;
    level
}

/// The resolution in the unit of the PNG format, to the nearest pixel.
fn pixels_per_metre(resolution_dpi: u32) -> u32 {
    let per_metre = (u64::from(resolution_dpi) * 1_000_000 + INCH_UM / 2) / INCH_UM;
    u32::try_from(per_metre).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::svg::render_svg;
    use crate::label::test_support::{content, spec, square_fonts, symbol_of_svg};
    use crate::label::{ErrorCorrection, SizeMm};

    const LEVELS: [ErrorCorrection; 4] =
        [ErrorCorrection::L, ErrorCorrection::M, ErrorCorrection::Q, ErrorCorrection::H];

    struct Decoded {
        width: usize,
        height: usize,
        pixels: Vec<u8>,
        pixels_per_metre: Option<(u32, u32)>,
    }

    impl Decoded {
        fn at(&self, x: usize, y: usize) -> u8 {
            self.pixels[y * self.width + x]
        }

        /// The first and the last row that has ink in the square of the symbol.
        fn symbol_bounds(&self) -> (usize, usize) {
            let has_ink = |y: &usize| (0..self.width).any(|x| self.at(x, *y) != WHITE);
            let rows: Vec<_> = (0..self.width).filter(has_ink).collect();
            (rows[0], rows[rows.len() - 1])
        }
    }

    fn decode(file: &[u8]) -> Decoded {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let info = reader.info();
        assert_eq!(info.color_type, png::ColorType::Grayscale);
        assert_eq!(info.bit_depth, png::BitDepth::Eight);
        Decoded {
            width: usize::try_from(info.width).unwrap(),
            height: usize::try_from(info.height).unwrap(),
            pixels_per_metre: info.pixel_dims.map(|dims| (dims.xppu, dims.yppu)),
            pixels,
        }
    }

    fn render(spec: &LabelSpec) -> Decoded {
        decode(&render_png(&content(), *spec, &square_fonts()).unwrap())
    }

    fn modules(spec: &LabelSpec) -> usize {
        let symbol = Symbol::for_label(content().url, spec.error_correction, spec.size_mm);
        usize::from(symbol.unwrap().side())
    }

    #[test]
    fn the_image_has_the_true_size_at_both_bounds() {
        for (width_mm, width_px) in [(15, 177), (40, 472), (150, 1772)] {
            let image = render(&spec(width_mm));
            assert_eq!(image.width, width_px);
            assert!(image.height > image.width);
            assert_eq!(image.pixels_per_metre, Some((11811, 11811)));
        }
    }

    #[test]
    fn the_quiet_zone_is_white_for_four_modules_on_each_side() {
        for width_mm in [15, 20, 33, 40, 150] {
            for error_correction in LEVELS {
                let spec = LabelSpec { error_correction, ..spec(width_mm) };
                let image = render(&spec);
                let (top, bottom) = image.symbol_bounds();
                let module = (bottom + 1 - top) / modules(&spec);
                let (left, right) = (top, bottom);
                let margin = 4 * module;
                assert!(top >= margin && left >= margin);
                assert!(image.width - 1 - right >= margin);
                for y in top - margin..=bottom + margin {
                    for x in left - margin..=right + margin {
                        let outside = x < left || x > right || y < top || y > bottom;
                        assert!(!outside || image.at(x, y) == WHITE, "{width_mm} mm: {x}, {y}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_symbol_is_crisp_and_equals_that_of_the_svg() {
        for width_mm in [15, 20, 33, 40, 150] {
            for error_correction in LEVELS {
                let spec = LabelSpec { error_correction, ..spec(width_mm) };
                let svg = render_svg(&content(), spec, &square_fonts()).unwrap();
                assert_eq!(symbol_of_png(&render(&spec), modules(&spec)), symbol_of_svg(&svg));
            }
        }
    }

    /// Reads the modules and checks that each is of one colour.
    fn symbol_of_png(image: &Decoded, side: usize) -> Vec<Vec<bool>> {
        let (top, bottom) = image.symbol_bounds();
        let extent = bottom + 1 - top;
        assert_eq!(extent % side, 0, "a module is not a whole number of pixels");
        let module = extent / side;
        let is_dark = |column: usize, row: usize| {
            let (x0, y0) = (top + column * module, top + row * module);
            let first = image.at(x0, y0);
            for y in y0..y0 + module {
                for x in x0..x0 + module {
                    assert_eq!(image.at(x, y), first);
                }
            }
            assert!(first == WHITE || first == BLACK);
            first == BLACK
        };
        (0..side).map(|row| (0..side).map(|column| is_dark(column, row)).collect()).collect()
    }

    #[test]
    fn text_is_drawn_below_the_symbol_and_inside_the_margins() {
        let image = render(&spec(40));
        let inked: Vec<_> = (image.width..image.height)
            .flat_map(|y| (0..image.width).map(move |x| (x, y)))
            .filter(|&(x, y)| image.at(x, y) != WHITE)
            .collect();
        assert!(inked.len() > 1000);
        let margin = image.width / 20 - 1;
        assert!(inked.iter().all(|&(x, _)| x >= margin && x < image.width - margin));
        assert!(inked.iter().all(|&(_, y)| y < image.height - margin));
    }

    #[test]
    fn without_any_font_there_is_only_the_symbol() {
        let file = render_png(&content(), spec(40), &LabelFonts::default()).unwrap();
        let image = decode(&file);
        assert_eq!(image.height, image.width);
    }

    #[test]
    fn unsuitable_resolutions_are_refused() {
        for resolution_dpi in [0, 1, 50, 100_000, u32::MAX] {
            let spec = LabelSpec { resolution_dpi, ..spec(15) };
            match render_png(&content(), spec, &square_fonts()) {
                Err(LabelError::UnsuitableResolution { width_mm: 15, resolution_dpi: refused }) => {
                    assert_eq!(refused, resolution_dpi);
                }
                other => panic!("{resolution_dpi}: {other:?}"),
            }
        }
    }

    #[test]
    fn coverage_becomes_gray() {
        assert_eq!([0.0, 1.0, 0.5, -0.1, 1.7].map(gray), [255, 0, 128, 255, 0]);
    }

    #[test]
    fn a_density_that_is_too_high_is_refused_in_both_formats() {
        let url = "A".repeat(400);
        let content = LabelContent { url: &url, ..content() };
        let spec = LabelSpec { size_mm: SizeMm::new(15).unwrap(), ..spec(15) };
        let png = render_png(&content, spec, &square_fonts());
        assert!(matches!(png, Err(LabelError::TooDense { .. })));
        let svg = render_svg(&content, spec, &square_fonts());
        assert!(matches!(svg, Err(LabelError::TooDense { .. })));
    }
}
