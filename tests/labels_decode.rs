//! Labels of every size and error correction, scanned by a decoder that shares no code with the encoder.

#[path = "support/decoder.rs"]
mod decoder;

use decoder::{rasterize, scan};
use pingma::label::{ErrorCorrection, LabelContent, LabelFonts, LabelSpec, SizeMm, render_png, render_svg};

const URL: &str = "HTTPS://PINGMA.EXAMPLE/C/0123456789ABCDEFGHJKMNPQRSTVW";
const WIDTHS_MM: [u16; 6] = [15, 20, 30, 40, 60, 100];
const LEVELS: [&str; 4] = ["L", "M", "Q", "H"];
const RESOLUTION_DPI: u32 = 300;

fn content(url: &str) -> LabelContent<'_> {
    LabelContent {
        url,
        typed_code: "7K3M9PQ2-G",
        registration_code: Some("32A01000001"),
        owner_name: "南通平安燃气有限公司",
    }
}

fn all_specs() -> impl Iterator<Item = LabelSpec> {
    WIDTHS_MM.into_iter().flat_map(|width_mm| {
        LEVELS.map(|level| LabelSpec {
            size_mm: SizeMm::new(width_mm).unwrap(),
            error_correction: level.parse::<ErrorCorrection>().unwrap(),
            resolution_dpi: RESOLUTION_DPI,
        })
    })
}

#[test]
fn png_labels_scan_at_every_size_and_level() {
    let fonts = LabelFonts::find(None).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("label.png");
    for spec in all_specs() {
        std::fs::write(&path, render_png(&content(URL), spec, &fonts).unwrap()).unwrap();
        let Some(scanned) = scan(&path) else { return };
        assert_eq!(scanned, format!("{URL}\n"), "{spec:?}");
    }
}

#[test]
fn svg_labels_scan_at_every_size_and_level() {
    let fonts = LabelFonts::find(None).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let svg = directory.path().join("label.svg");
    let png = directory.path().join("label.png");
    for spec in all_specs() {
        std::fs::write(&svg, render_svg(&content(URL), spec, &fonts).unwrap()).unwrap();
        if rasterize(&svg, &png, RESOLUTION_DPI).is_none() {
            return;
        }
        let Some(scanned) = scan(&png) else { return };
        assert_eq!(scanned, format!("{URL}\n"), "{spec:?}");
    }
}

/// Different contents give different masks, so one URL alone would not prove much.
#[test]
fn labels_scan_whatever_the_code() {
    let fonts = LabelFonts::find(None).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("label.png");
    let alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".repeat(2);
    let repeated = ["0", "7", "Z", "VG"].map(|text| text.repeat(29));
    let shifted = (0..28).map(|shift| &alphabet[shift..]);
    let spec = LabelSpec {
        size_mm: SizeMm::new(20).unwrap(),
        error_correction: ErrorCorrection::M,
        resolution_dpi: RESOLUTION_DPI,
    };
    for code in shifted.chain(repeated.iter().map(String::as_str)) {
        let url = format!("HTTPS://PINGMA.EXAMPLE/C/{}", &code[..29]);
        std::fs::write(&path, render_png(&content(&url), spec, &fonts).unwrap()).unwrap();
        let Some(scanned) = scan(&path) else { return };
        assert_eq!(scanned, format!("{url}\n"));
    }
}
