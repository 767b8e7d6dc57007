//! Files that must be whole and on the disk, or not there at all, and that only their owner reads.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// `<path><suffix>`.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// For writing, and for the owner alone if it is made.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true)
}

/// The directory in which a file lies.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Forces a new name to the disk.
///
/// # Errors
/// The operating system.
#[cfg(unix)]
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory(path))?.sync_all()
}

/// Forces a new name to the disk, where that can be asked for.
///
/// # Errors
/// Never here.
#[cfg(not(unix))]
pub fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Forces to the disk what the file system of a file holds in memory. Through the directory: to open and close a database
/// file would drop the locks that SQLite has on it, since POSIX knows one set of locks per process and file.
///
/// # Errors
/// The operating system.
#[cfg(target_os = "linux")]
pub fn sync_file_system(of: &Path) -> io::Result<()> {
    // A database beside its link is written where the link leads.
    Ok(rustix::fs::syncfs(File::open(directory(&of.canonicalize()?))?)?)
}

/// Forces to the disk what the file system of a file holds in memory, where that can be asked for.
///
/// # Errors
/// Never here.
#[cfg(not(target_os = "linux"))]
pub fn sync_file_system(_: &Path) -> io::Result<()> {
    Ok(())
}

/// An empty file beside a place that it is to take: for its owner alone, gone again unless it is [`put`] there.
///
/// # Errors
/// The operating system.
pub fn begin(place: &Path) -> io::Result<NamedTempFile> {
    // tempfile gives it mode 0600.
    tempfile::Builder::new().prefix(".pingma-").suffix(".part").tempfile_in(directory(place))
}

/// Forces a file to the disk, then gives it its place. What lies there is replaced only if `replace` says so.
///
/// # Errors
/// There is something ([`io::ErrorKind::AlreadyExists`]), or the operating system.
pub fn put(file: NamedTempFile, place: &Path, replace: bool) -> io::Result<()> {
    // By its name: what wrote it may have had a handle of its own.
    File::open(file.path())?.sync_all()?;
    let placed = if replace { file.persist(place) } else { file.persist_noclobber(place) };
    placed.map_err(|error| error.error)?;
    sync_directory(place)
}

/// Copies a small secret file, whole or not at all.
///
/// # Errors
/// As [`put`].
pub fn copy_private(from: &Path, to: &Path, replace: bool) -> io::Result<()> {
    let mut copy = begin(to)?;
    io::copy(&mut File::open(from)?, &mut copy)?;
    put(copy, to, replace)
}
