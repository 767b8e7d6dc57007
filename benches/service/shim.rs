//! A slow disk: `slow_fsync.c`, compiled here and preloaded into whoever is to wait for it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Compiles it into a folder.
pub fn compile(into: &Path) -> Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/service/slow_fsync.c");
    let library = into.join("slow_fsync.so");
    let done = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .status()
        .context("cc")?;
    if !done.success() {
        bail!("slow_fsync.c could not be compiled");
    }
    Ok(library)
}

/// A command that runs with it, if there is one.
pub fn preload(command: &mut Command, library: Option<&Path>) {
    if let Some(library) = library {
        command.env("LD_PRELOAD", library);
    }
}
