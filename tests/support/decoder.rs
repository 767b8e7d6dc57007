//! A decoder that shares no code with the encoder: `zbarimg` from zbar, on PNG labels and on SVG labels rasterized by librsvg's
//! `rsvg-convert`.
//!
//! Where these programs are not installed the tests say so and pass, unless `PINGMA_TEST_REQUIRE_DECODER` is set.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

/// Runs a program and returns what it prints, or `None` if it is not installed.
fn run(program: &str, arguments: &[&str], file: &Path) -> Option<String> {
    let output = match Command::new(program).args(arguments).arg(file).output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let required = std::env::var_os("PINGMA_TEST_REQUIRE_DECODER").is_some();
            assert!(!required, "{program} is required but not installed");
            eprintln!("skipped: {program} is not installed");
            return None;
        }
        Err(error) => panic!("{program}: {error}"),
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {errors}", file.display());
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The content of all QR symbols in an image, or `None` without decoder.
pub fn scan(image: &Path) -> Option<String> {
    run("zbarimg", &["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"], image)
}

/// Draws an SVG as PNG, or `None` without `rsvg-convert`.
pub fn rasterize(svg: &Path, png: &Path, dpi: u32) -> Option<()> {
    let (dpi, output) = (dpi.to_string(), png.to_str().unwrap());
    let arguments = ["--dpi-x", &dpi, "--dpi-y", &dpi, "--output", output];
    run("rsvg-convert", &arguments, svg).map(drop)
}
