//! How the keys lie on disk: one JSON file that only its owner can read.
//!
//! The file is never changed in place: a new one is written beside it, forced to the disk, and takes its name.
//! Who reads it finds the old one or the new one, never half of one. Who writes it holds a lock on a third file
//! next to it (`<name>.lock`, empty, stays there), so that two processes don't undo each other's change.
//!
//! ```json
//! {
//!   "version": 1,
//!   "label_keys": { "active": "0", "keys": [{ "id": "0", "secret": "<base64>", "created_at": "…" }] },
//!   "token_keys": { "active": "…", "keys": [{ "id": "…", "pkcs8": "<base64>", "created_at": "…" }] }
//! }
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use crate::domain::instant::Instant;
use crate::files::{beside, private, sync_directory};

/// The largest file that is read. Thirty-two label keys and sixteen token keys take 7 kB.
const MAX_BYTES: usize = 64 * 1024;
/// The form of the file that this code writes and reads.
pub(super) const VERSION: u32 = 1;

/// Why the key file can't be used. Never repeats what is in it.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The operating system said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// There is none where one has to be.
    #[error(
        "the key file {} does not exist. Without it no label can be checked and none of this database's codes can be made \
         again: put the file back from its backup, or name its place with --key-file or PINGMA_KEY_FILE",
        .0.display()
    )]
    Missing(PathBuf),
    /// Others than its owner may read or write it.
    #[error("{} is open to others than its owner (mode {mode:o}): run chmod 600 on it", path.display())]
    TooOpen {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is not what this server wrote.
    #[error("{} is not a key file: {reason}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong, without any of the content.
        reason: String,
    },
}

/// The whole file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    pub(super) version: u32,
    pub(super) label_keys: Section<LabelEntry>,
    pub(super) token_keys: Section<TokenEntry>,
}

/// The keys of one kind.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section<K> {
    /// The id of the one that makes new tags or tokens; the others only verify.
    pub(super) active: String,
    pub(super) keys: Vec<K>,
}

/// A key that makes the tags of labels.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelEntry {
    /// One character of the label alphabet.
    pub(super) id: String,
    /// 32 bytes.
    #[serde(serialize_with = "expose")]
    pub(super) secret: SecretString,
    pub(super) created_at: Instant,
}

/// A key that signs tokens.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenEntry {
    /// The `kid` of the tokens.
    pub(super) id: String,
    /// An Ed25519 key in PKCS#8.
    #[serde(serialize_with = "expose")]
    pub(super) pkcs8: SecretString,
    pub(super) created_at: Instant,
    /// When another key took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retired_at: Option<Instant>,
}

/// The one place where a secret is written down.
fn expose<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

/// Reads the file; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<KeyFile>, KeyFileError> {
    let io = |source| KeyFileError::Io { path: path.to_owned(), source };
    let malformed = |reason: String| KeyFileError::Malformed { path: path.to_owned(), reason };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(malformed("it is not a regular file".to_owned()));
    }
    refuse_too_open(path, &metadata)?;
    // One byte more than allowed, to notice; all at once, so that no half-grown copies stay in memory.
    let mut content = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    file.take(u64::try_from(MAX_BYTES + 1).unwrap_or(u64::MAX)).read_to_end(&mut content).map_err(io)?;
    if content.len() > MAX_BYTES {
        return Err(malformed(format!("it has more than {MAX_BYTES} bytes")));
    }
    // Not serde's own words: they may quote a secret that stands in the wrong place.
    let keys: KeyFile = serde_json::from_slice(&content).map_err(|error| {
        malformed(format!("line {}, column {} is not understood", error.line(), error.column()))
    })?;
    if keys.version != VERSION {
        return Err(malformed(format!("version {VERSION} is expected")));
    }
    Ok(Some(keys))
}

#[cfg(unix)]
fn refuse_too_open(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyFileError::TooOpen { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn refuse_too_open(_: &Path, _: &fs::Metadata) -> Result<(), KeyFileError> {
    Ok(())
}

/// The right to write the file, from [`lock`] on until it is dropped.
pub(super) struct Lock {
    path: PathBuf,
    _held: File,
}

/// Waits until nobody else writes the file.
pub(super) fn lock(path: &Path) -> Result<Lock, KeyFileError> {
    let beside = beside(path, ".lock");
    let io = |source| KeyFileError::Io { path: beside.clone(), source };
    let file = private(OpenOptions::new().create(true).truncate(false)).open(&beside).map_err(io)?;
    file.lock().map_err(io)?;
    Ok(Lock { path: path.to_owned(), _held: file })
}

impl Lock {
    /// Reads the file; what it says stays true as long as the lock is held.
    pub(super) fn read(&self) -> Result<Option<KeyFile>, KeyFileError> {
        read(&self.path)
    }

    /// Replaces the file, or makes it. Afterwards it is on the disk.
    pub(super) fn write(&self, keys: &KeyFile) -> Result<(), KeyFileError> {
        let beside = beside(&self.path, ".new");
        let io = |source| KeyFileError::Io { path: beside.clone(), source };
        let mut content = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
        serde_json::to_writer_pretty(&mut *content, keys).map_err(|error| io(error.into()))?;
        content.push(b'\n');
        // What a crash left behind. Nobody else is writing: we hold the lock.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        let mut file = private(OpenOptions::new().create_new(true)).open(&beside).map_err(io)?;
        file.write_all(&content).and_then(|()| file.sync_all()).map_err(io)?;
        fs::rename(&beside, &self.path).and_then(|()| sync_directory(&self.path)).map_err(io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &str = r#"{
      "version": 1,
      "label_keys": { "active": "0", "keys": [
        { "id": "0", "secret": "c2VjcmV0", "created_at": "2026-11-21T08:00:00Z" }
      ] },
      "token_keys": { "active": "K", "keys": [
        { "id": "K", "pkcs8": "cGtjczg=", "created_at": "2026-11-21T08:00:00Z" }
      ] }
    }"#;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }
        fn path(&self) -> PathBuf {
            self.0.path().join("keys.json")
        }
        fn with(content: &str, mode: u32) -> Self {
            let folder = Self::new();
            fs::write(folder.path(), content).unwrap();
            chmod(&folder.path(), mode);
            folder
        }
        fn error(&self) -> KeyFileError {
            read(&self.path()).err().unwrap()
        }
    }

    #[cfg(unix)]
    fn chmod(path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(not(unix))]
    fn chmod(_: &Path, _: u32) {}

    #[test]
    fn reads_what_it_writes() {
        let folder = Folder::with(CONTENT, 0o600);
        let keys = read(&folder.path()).unwrap().unwrap();
        let other = Folder::new();
        assert!(read(&other.path()).unwrap().is_none());
        lock(&other.path()).unwrap().write(&keys).unwrap();
        let again = read(&other.path()).unwrap().unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), serde_json::to_string(&keys).unwrap());
        assert_eq!(again.label_keys.keys[0].secret.expose_secret(), "c2VjcmV0");
    }

    #[cfg(unix)]
    #[test]
    fn it_is_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::with(CONTENT, 0o600);
        lock(&folder.path()).unwrap().write(&read(&folder.path()).unwrap().unwrap()).unwrap();
        let mode = fs::metadata(folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o660, 0o644] {
            chmod(&folder.path(), mode);
            assert!(matches!(folder.error(), KeyFileError::TooOpen { mode: found, .. } if found == mode));
        }
        chmod(&folder.path(), 0o400);
        assert!(read(&folder.path()).is_ok(), "a file that is mounted read-only");
    }

    #[test]
    fn what_is_not_understood_is_refused_and_not_quoted() {
        for (from, to) in [
            ("\"version\": 1", "\"version\": 2"),
            ("\"version\": 1", "\"version\": 1, \"note\": \"s3cr3t\""),
            ("\"id\": \"0\"", "\"id\": \"0\", \"s3cr3t\": 1"),
            ("\"2026-11-21T08:00:00Z\" }\n      ] },", "\"s3cr3t\" }\n      ] },"),
            ("\"version\": 1", "\"version\": \"s3cr3t\""),
            ("{\n", ""),
        ] {
            let content = CONTENT.replacen(from, to, 1);
            assert_ne!(content, CONTENT);
            let error = Folder::with(&content, 0o600).error();
            assert!(matches!(error, KeyFileError::Malformed { .. }), "{error}");
            assert!(!error.to_string().contains("s3cr3t"), "{error}");
        }
    }

    #[test]
    fn a_huge_file_is_not_read() {
        let huge = format!("{CONTENT}{}", " ".repeat(MAX_BYTES));
        assert!(Folder::with(&huge, 0o600).error().to_string().contains("more than 65536 bytes"));
    }

    #[test]
    fn what_a_crash_left_behind_does_not_disturb() {
        let folder = Folder::with(CONTENT, 0o600);
        fs::write(beside(&folder.path(), ".new"), "half a fi").unwrap();
        let lock = lock(&folder.path()).unwrap();
        lock.write(&lock.read().unwrap().unwrap()).unwrap();
        assert!(lock.read().unwrap().is_some());
        assert!(!beside(&folder.path(), ".new").exists());
    }

    #[test]
    fn one_writer_at_a_time() {
        let folder = Folder::with(CONTENT, 0o600);
        let held = lock(&folder.path()).unwrap();
        let other = File::open(beside(&folder.path(), ".lock")).unwrap();
        assert!(other.try_lock().is_err());
        drop(held);
        assert!(other.try_lock().is_ok());
    }
}
