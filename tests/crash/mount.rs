//! File systems of a test's own. Only root may mount, and not in every container.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Something mounted for as long as the value lives.
pub struct Mount {
    /// Where.
    pub path: PathBuf,
    _dir: TempDir,
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Mount {
    fn new(mount: impl FnOnce(&str) -> bool) -> Option<Self> {
        let dir = TempDir::new().expect("a temporary directory");
        let path = dir.path().join("m");
        std::fs::create_dir(&path).expect("a folder");
        mount(path.to_str()?).then_some(Self { path, _dir: dir })
    }

    /// Memory of so many kilobytes; `None` where that is not allowed.
    pub fn memory(kilobytes: usize) -> Option<Self> {
        let size = format!("size={kilobytes}k,mode=700");
        Self::new(|path| succeeds("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", path]))
    }

    /// An ext4 file system in a file that writes by itself as late as it can; `None` where that is not allowed.
    pub fn image(image: &Path) -> Option<Self> {
        let image = image.to_str()?;
        Self::new(|path| succeeds("mount", &["-t", "ext4", "-o", "loop,commit=300", image, path]))
    }

    /// The same mount for reading alone.
    pub fn read_only(&self) -> bool {
        self.path.to_str().is_some_and(|path| succeeds("mount", &["-o", "remount,ro", path]))
    }
}

/// Makes an ext4 file system in a new file.
pub fn make_image(image: &Path, megabytes: u64) -> bool {
    let file = std::fs::File::create(image).expect("a file");
    file.set_len(megabytes << 20).expect("its size");
    image.to_str().is_some_and(|image| succeeds("mkfs.ext4", &["-q", "-F", image]))
}

impl Drop for Mount {
    fn drop(&mut self) {
        if let Some(path) = self.path.to_str() {
            // Lazily if something still looks into it.
            let _ = succeeds("umount", &[path]) || succeeds("umount", &["-l", path]);
        }
    }
}
