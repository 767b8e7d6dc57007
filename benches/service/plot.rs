//! The pictures of the documentation: bars for the service and its ceiling, lines for growth.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use plotters::prelude::*;

use crate::results::{Measure, Row};

const SERVICE: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);
const CEILING: RGBColor = RGBColor(0xb8, 0xbe, 0xc6);
const PALETTE: [RGBColor; 4] =
    [SERVICE, RGBColor(0xd9, 0x7b, 0x1e), RGBColor(0x3a, 0x8f, 0x5a), RGBColor(0x8a, 0x4f, 0x9e)];
const FONT: &str = "sans-serif";
const WIDTH: u32 = 760;

fn drawn<T, E: std::fmt::Display>(result: std::result::Result<T, E>) -> Result<T> {
    result.map_err(|error| anyhow!("{error}"))
}

/// Two bars for each row, with their lengths beside them.
pub fn bars(file: &Path, title: &str, rows: &[Row]) -> Result<()> {
    let height = 90 + 64 * u32::try_from(rows.len())?;
    let area = SVGBackend::new(file, (WIDTH, height)).into_drawing_area();
    drawn(area.fill(&WHITE))?;
    drawn(area.titled(title, (FONT, 20)))?;
    let values = |row: &Row| {
        [(row.measure(Measure::Figure), SERVICE), (row.median(|run| run.ceiling), CEILING)]
            .into_iter()
            .filter_map(|(value, color)| Some((value?, color)))
            .collect::<Vec<_>>()
    };
    let longest = rows.iter().flat_map(values).map(|(value, _)| value).fold(f64::MIN_POSITIVE, f64::max);
    for (row, top) in rows.iter().zip((40..).step_by(64)) {
        drawn(area.draw(&Text::new(row.work.clone(), (16, top), (FONT, 14))))?;
        for ((value, color), top) in values(row).into_iter().zip((top + 18..).step_by(19)) {
            let end = 16 + length(value / longest);
            drawn(area.draw(&Rectangle::new([(16, top), (end, top + 16)], color.filled())))?;
            let label = format!("{value:.0}");
            drawn(area.draw(&Text::new(label, (end + 6, top + 2), (FONT, 13))))?;
        }
    }
    legend(&area, i32::try_from(height)? - 30)?;
    drawn(area.present())
}

/// How long a bar is, in pixels, that takes this part of the room for bars.
fn length(part: f64) -> i32 {
    let room = f64::from(WIDTH) - 110.0;
    (part * room).round().clamp(1.0, room) as i32
}

fn legend(area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, top: i32) -> Result<()> {
    for (name, color, left) in [("the service", SERVICE, 16), ("its ceiling", CEILING, 130)] {
        drawn(area.draw(&Rectangle::new([(left, top), (left + 14, top + 14)], color.filled())))?;
        drawn(area.draw(&Text::new(name, (left + 20, top + 1), (FONT, 13))))?;
    }
    Ok(())
}

/// A line of points: size of the data, milliseconds.
type Line = (String, Vec<(f64, f64)>);

/// A line for each work, from the smallest data to the largest.
fn lines_of(rows: &[Row]) -> Result<Vec<Line>> {
    let mut lines: Vec<Line> = Vec::new();
    for row in rows {
        let (work, _) = row.work.rsplit_once(", ").context("a size")?;
        let smallest = row.against.split(' ').rev().nth(1).context("a size")?.parse()?;
        let first = (smallest, row.median(|run| run.ceiling).context("a time")?);
        if lines.last().is_none_or(|(name, _)| name != work) {
            lines.push((work.to_owned(), vec![first]));
        }
        let point = (row.cylinders as f64, row.measure(Measure::Figure).context("a time")?);
        lines.last_mut().context("a line")?.1.push(point);
    }
    Ok(lines)
}

/// Time per request over the size of the data.
pub fn lines(file: &Path, title: &str, rows: &[Row]) -> Result<()> {
    let lines = lines_of(rows)?;
    let points = || lines.iter().flat_map(|(_, points)| points);
    let most = points().map(|point| point.1).fold(0.0, f64::max) * 1.15;
    let from = points().map(|point| point.0).fold(f64::MAX, f64::min);
    let to = points().map(|point| point.0).fold(0.0, f64::max);
    let area = SVGBackend::new(file, (WIDTH, 420)).into_drawing_area();
    drawn(area.fill(&WHITE))?;
    let mut chart = drawn(
        ChartBuilder::on(&area)
            .caption(title, (FONT, 20))
            .margin(12)
            .margin_right(36)
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d((from..to).log_scale(), 0.0..most),
    )?;
    drawn(
        chart
            .configure_mesh()
            .x_desc("cylinders")
            .y_desc("ms")
            .x_label_formatter(&|size| format!("{size:.0}"))
            .light_line_style(WHITE)
            .draw(),
    )?;
    for ((name, points), color) in lines.iter().zip(PALETTE.iter().cycle()) {
        let line = LineSeries::new(points.iter().copied(), color.stroke_width(2)).point_size(4);
        drawn(chart.draw_series(line))?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 14, y + 5)], color.filled()));
    }
    drawn(
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.8))
            .border_style(CEILING)
            .draw(),
    )?;
    drawn(area.present())
}
