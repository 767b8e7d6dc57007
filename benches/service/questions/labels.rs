//! Pictures of labels.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use pingma::domain::label_code::LabelCode;
use pingma::label::{ErrorCorrection, LabelContent, LabelFonts, LabelSpec, SizeMm, render_png, render_svg};

use super::Bench;
use crate::results::Measure::Ratio;
use crate::results::{Demand, Row};
use crate::server::Ask;
use crate::site::Site;

/// One at a time over HTTP, beside the encoder alone.
pub fn all(bench: &Bench) -> Result<Vec<Row>> {
    let site = bench.sqlite(bench.cylinders)?;
    let demand = [Demand::at_least(Ratio, 0.5)];
    let row = |work| bench.row("labels", work, "the encoder in process, one thread", "1/s", &demand);
    let mut rows = [(Ask::Svg, row("SVG, one at a time")), (Ask::Png, row("PNG, one at a time"))];
    let fonts = LabelFonts::find(None)?;
    for _ in 0..bench.runs {
        for (ask, row) in &mut rows {
            bench.turn(
                row,
                || site.served(*ask, 1, bench.seconds, None),
                || encoded(&site, *ask, &fonts, bench.seconds),
            )?;
        }
    }
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Pictures in a second, with what the service prints if it is asked for nothing else.
fn encoded(site: &Site, ask: Ask, fonts: &LabelFonts, seconds: u32) -> Result<f64> {
    let lines = std::fs::read_to_string(site.dir.join("codes"))?;
    let codes =
        lines.lines().take(1_000).filter_map(|line| line.split(' ').next()?.parse::<LabelCode>().ok());
    let codes: Vec<LabelCode> = codes.collect();
    let world = site.world()?;
    let owner = &world.fillers.first().context("a filler")?.name;
    let spec =
        LabelSpec { size_mm: SizeMm::new(40)?, error_correction: ErrorCorrection::M, resolution_dpi: 300 };
    let (began, length) = (Instant::now(), Duration::from_secs(u64::from(seconds)));
    let mut drawn = 0_u32;
    for code in codes.iter().cycle() {
        if began.elapsed() >= length {
            break;
        }
        let (url, typed) = (code.url("https://pingma.example"), code.id.typed());
        let registration = format!("32A0{}", code.id);
        let content = LabelContent {
            url: &url,
            typed_code: &typed,
            registration_code: Some(&registration),
            owner_name: owner,
        };
        let size = if ask == Ask::Svg {
            render_svg(&content, spec, fonts)?.len()
        } else {
            render_png(&content, spec, fonts)?.len()
        };
        std::hint::black_box(size);
        drawn += 1;
    }
    Ok(f64::from(drawn) / began.elapsed().as_secs_f64())
}
