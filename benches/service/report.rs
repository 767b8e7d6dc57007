//! What was measured, as Markdown: printed after each benchmark, and written between the markers of `docs/benchmarks.md`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::machine::Machine;
use crate::plot;
use crate::results::{Demand, Measure, Results, Row};

/// Tables that have a plot, with its title.
const PLOTS: &[(&str, &str)] = &[
    ("check", "Fill checks in a second"),
    ("fsync", "Fill checks in a second, each fsync 1 ms slower"),
    ("single", "Fill checks in a second, one at a time"),
    ("reads", "Reads in a second, 16 connections, PostgreSQL"),
    ("growth", "Milliseconds per request as data grows"),
    ("labels", "Labels in a second, one at a time"),
    ("two-servers", "Fill checks in a second, two servers and one"),
];

/// Tables of figures that stand for themselves.
const FIGURES: &[&str] = &["memory"];

fn number(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn shown(value: Option<f64>) -> String {
    value.map(number).unwrap_or_default()
}

fn demanded(demand: &Demand, row: &Row) -> String {
    let (of, unit) = match demand.of {
        Measure::Ratio => ("", "×"),
        Measure::Figure => ("", row.unit.as_str()),
        Measure::P99 => ("p99 ", "ms"),
        Measure::Longest => ("longest ", "ms"),
    };
    let space = if unit == "×" { "" } else { " " };
    let mut text = String::new();
    for (sign, value) in [("≥", demand.at_least), ("≤", demand.at_most)] {
        if let Some(value) = value {
            let _ = write!(text, "{of}{sign} {value}{space}{unit}");
        }
    }
    if let Some(aim) = demand.aim {
        let _ = write!(text, " (aim {aim}{space}{unit})");
    }
    text
}

/// What a row had to reach, and whether it did.
fn verdict(row: &Row) -> String {
    let demands: Vec<String> = row.demands.iter().map(|demand| demanded(demand, row)).collect();
    let met = if row.demands.iter().all(|demand| demand.is_met(row)) { "yes" } else { "no" };
    format!("{} | {met}", demands.join(", "))
}

/// The smallest and the greatest ratio of the runs.
fn spread(row: &Row) -> String {
    let ratios = row.runs.iter().filter_map(|run| Some(run.service / run.ceiling?));
    let (least, most) = ratios.fold((f64::MAX, f64::MIN), |(a, b), ratio| (a.min(ratio), b.max(ratio)));
    format!("{} to {}", number(least), number(most))
}

/// Rows of one kind as a table.
pub fn table(rows: &[Row]) -> String {
    if rows.iter().all(|row| FIGURES.contains(&row.table.as_str())) { figures(rows) } else { ratios(rows) }
}

fn ratios(rows: &[Row]) -> String {
    let mut text = "| work | cylinders | service | ceiling | unit | ratio | in the runs | p50 ms | p99 ms | longest ms | must reach | reached |\n\
        |---|--:|--:|--:|---|--:|---|--:|--:|--:|---|---|\n"
        .to_owned();
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {}× | {} | {} | {} | {} | {} |",
            row.work,
            row.cylinders,
            shown(row.measure(Measure::Figure)),
            shown(row.median(|run| run.ceiling)),
            row.unit,
            shown(row.measure(Measure::Ratio)),
            spread(row),
            shown(row.median(|run| run.p50_ms)),
            shown(row.measure(Measure::P99)),
            shown(row.measure(Measure::Longest)),
            verdict(row)
        );
    }
    text
}

fn figures(rows: &[Row]) -> String {
    let mut text =
        "| what | cylinders | median | unit | must be | reached |\n|---|--:|--:|---|---|---|\n".to_owned();
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            row.work,
            row.cylinders,
            shown(row.measure(Measure::Figure)),
            row.unit,
            verdict(row)
        );
    }
    text
}

fn notes(rows: &[&Row]) -> String {
    let mut notes: Vec<&String> = rows.iter().flat_map(|row| &row.notes).collect();
    notes.dedup();
    notes.iter().map(|note| format!("- {note}\n")).collect()
}

/// Each ceiling, and how it was measured.
fn compared(rows: &[&Row]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for row in rows.iter().filter(|row| !row.against.is_empty()) {
        let line =
            format!("- {}: beside {}; {} runs of {} s\n", row.work, row.against, row.runs.len(), row.seconds);
        lines.push(line);
    }
    lines.concat()
}

fn machine(machine: &Machine) -> String {
    format!(
        "| | |\n|---|---|\n| processor | {} |\n| cores | {} |\n| memory | {:.0} GB |\n| kernel | {} |\n\
         | 4 KiB and fdatasync, median | {} ms |\n| PostgreSQL | {} |\n| SQLite | {} |\n",
        machine.processor,
        machine.cores,
        machine.memory_gb,
        machine.kernel,
        number(machine.fsync_ms),
        machine.postgres,
        machine.sqlite
    )
}

/// What was not reached.
fn missed(rows: &[Row]) -> String {
    let missed = rows.iter().filter(|row| !row.demands.iter().all(|demand| demand.is_met(row)));
    let lines: Vec<String> = missed.map(|row| format!("- {}: {}\n", row.table, row.work)).collect();
    if lines.is_empty() { "Nothing was missed.\n".to_owned() } else { lines.concat() }
}

/// Puts a text between the markers of a name; a page without them stays as it is.
fn fill(page: &str, name: &str, text: &str) -> Result<String> {
    let (open, close) = (format!("<!-- table:{name} -->\n"), format!("<!-- /table:{name} -->"));
    let Some((before, rest)) = page.split_once(&open) else {
        return Ok(page.to_owned());
    };
    let (_, after) = rest.split_once(&close).with_context(|| format!("{close} is missing"))?;
    Ok(format!("{before}{open}\n{}\n{close}{after}", text.trim()))
}

/// Writes everything that was kept into the documentation.
pub fn write(home: &Path, cylinders: u64) -> Result<()> {
    let results = Results::load(home, cylinders)?;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut page = std::fs::read_to_string(docs.join("benchmarks.md"))?;
    if let Some(found) = &results.machine {
        page = fill(&page, "machine", &machine(found))?;
    }
    let mut tables: Vec<&str> = results.rows.iter().map(|row| row.table.as_str()).collect();
    tables.sort_unstable();
    tables.dedup();
    for name in tables {
        let rows: Vec<Row> = results.rows.iter().filter(|row| row.table == name).cloned().collect();
        let of: Vec<&Row> = rows.iter().collect();
        page = fill(&page, name, &format!("{}\n{}{}", table(&rows), compared(&of), notes(&of)))?;
        if let Some((_, title)) = PLOTS.iter().find(|(plotted, _)| *plotted == name) {
            let picture = docs.join("images").join(format!("bench-{name}.svg"));
            if name == "growth" {
                plot::lines(&picture, title, &rows)?;
            } else {
                plot::bars(&picture, title, &rows)?;
            }
        }
    }
    page = fill(&page, "missed", &missed(&results.rows))?;
    std::fs::write(docs.join("benchmarks.md"), page)?;
    println!("docs/benchmarks.md and docs/images are written");
    Ok(())
}
