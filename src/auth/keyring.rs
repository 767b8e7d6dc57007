//! The keys of the service: those behind the tags on cylinders and those behind access tokens.
//!
//! **Label keys** are for ever: a tag that was printed is checked against its key as long as the cylinder lives.
//! There is room for 32 of them, one for each character of the alphabet. Whoever loses the file turns every
//! label in the city into a stranger's: it belongs into the backup, apart from the database's.
//!
//! **Token keys** are not: a token lives ten minutes. A key that was replaced verifies for another hour, then
//! it is worthless to a thief as well.
//!
//! Several processes may share the file. Each sees what another rotated after [`Keyring::reload`]: rotate at one
//! and reload the others at once, or restart them.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

pub use super::key_file::KeyFileError;
use super::key_file::{self, KeyFile, LabelEntry, Section, TokenEntry};
use crate::clock::IdGen;
use crate::domain::instant::Instant;
use crate::domain::label_code::{ALPHABET, LabelCode, LabelId, TAG_LENGTH, base32};

/// What the tag of a label is made over, before its id and key id. Never change it: tags are printed.
const LABEL_DOMAIN: &[u8] = b"pingma label 1";
/// What the key for fingerprints is derived with. Never change it: retries are told by them.
const FINGERPRINT_DOMAIN: &[u8] = b"pingma fingerprint 1";
/// Bytes of a label key.
const LABEL_KEY_BYTES: usize = 32;
/// Characters of a token key's id.
const TOKEN_KEY_ID_LENGTH: usize = 16;
/// How long a token key verifies after another took its place: several times as long as any token lives.
const TOKEN_KEY_GRACE_S: i64 = 3600;
/// Token keys in the file; more come together only if somebody rotates them every few minutes.
const MAX_TOKEN_KEYS: usize = 16;

/// Why the keys can't be had or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file is missing, open to others, broken …
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// Every character of the alphabet names a label key already.
    #[error("all {} ids of label keys are in use; label keys are never taken away", ALPHABET.len())]
    NoLabelKeyIdLeft,
    /// The token keys of the last hour fill the file.
    #[error(
        "the token key was rotated {MAX_TOKEN_KEYS} times within an hour; wait until old ones are of no use"
    )]
    TooManyTokenKeys,
    /// The cryptographic library gave up.
    #[error("no key could be made")]
    Crypto,
}

/// The keys in use, shared by all threads; the file behind them.
pub struct Keyring {
    path: PathBuf,
    keys: ArcSwap<Keys>,
    changing: Mutex<()>,
}

struct Keys {
    labels: Ring<LabelKey>,
    tokens: Ring<Arc<TokenKey>>,
    fingerprints: hmac::Key,
    generation: u64,
}

/// At least one key.
struct Ring<K> {
    active: K,
    others: Vec<K>,
}

impl<K> Ring<K> {
    fn find(&self, wanted: impl Fn(&K) -> bool) -> Option<&K> {
        std::iter::once(&self.active).chain(&self.others).find(|key| wanted(key))
    }
}

struct LabelKey {
    id: char,
    key: hmac::Key,
}

impl LabelKey {
    fn code(&self, id: &LabelId) -> LabelCode {
        let key_id = self.id;
        let message = [LABEL_DOMAIN, id.as_str().as_bytes(), key_id.to_string().as_bytes()].concat();
        let tag = base32(hmac::sign(&self.key, &message).as_ref(), TAG_LENGTH);
        LabelCode { id: id.clone(), key_id, tag }
    }
}

/// A key that signs tokens, in the forms that `jsonwebtoken` takes.
pub(super) struct TokenKey {
    /// The `kid` of its tokens.
    pub(super) id: String,
    /// For signing.
    pub(super) encoding: EncodingKey,
    /// For verifying.
    pub(super) decoding: DecodingKey,
    /// From when on it verifies nothing anymore; `None` while it is active.
    pub(super) until: Option<Instant>,
}

impl Keyring {
    /// Opens the key file, or makes one with fresh keys if there is none. Of two processes that start together
    /// one makes it and the other opens it.
    ///
    /// A service that has printed labels already should [`load`](Self::load) instead: a file that is gone, say
    /// because a volume wasn't mounted, must not be replaced by new keys in silence.
    pub fn load_or_create(path: &Path, ids: &dyn IdGen, now: Instant) -> Result<Self, KeyringError> {
        if let Some(file) = key_file::read(path)? {
            return Self::new(path, &file);
        }
        let lock = key_file::lock(path)?;
        if let Some(file) = lock.read()? {
            return Self::new(path, &file);
        }
        let file = fresh(ids, now)?;
        let keyring = Self::new(path, &file)?;
        lock.write(&file)?;
        Ok(keyring)
    }

    /// Opens the key file; [`KeyFileError::Missing`] if there is none.
    pub fn load(path: &Path) -> Result<Self, KeyringError> {
        Self::new(path, &key_file::read(path)?.ok_or_else(|| KeyFileError::Missing(path.to_owned()))?)
    }

    fn new(path: &Path, file: &KeyFile) -> Result<Self, KeyringError> {
        let keys = Keys::of(path, file, 0)?;
        Ok(Self { path: path.to_owned(), keys: ArcSwap::from_pointee(keys), changing: Mutex::new(()) })
    }

    /// Reads the file again, after another process rotated a key or somebody took a stolen one out. When it
    /// fails, the keys stay as they are.
    pub fn reload(&self) -> Result<(), KeyringError> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let file = key_file::read(&self.path)?.ok_or_else(|| KeyFileError::Missing(self.path.clone()))?;
        self.swap(&file)
    }

    /// Adds a label key and makes it the active one; gives its id. Codes of the others stay good.
    pub fn rotate_label_key(&self, ids: &dyn IdGen, now: Instant) -> Result<char, KeyringError> {
        self.change(|file| {
            let used: HashSet<&str> = file.label_keys.keys.iter().map(|key| key.id.as_str()).collect();
            let mut free = ALPHABET.iter().map(|b| char::from(*b));
            let id = free.find(|id| !used.contains(id.to_string().as_str()));
            let id = id.ok_or(KeyringError::NoLabelKeyIdLeft)?;
            file.label_keys.active = id.to_string();
            file.label_keys.keys.push(label_entry(id, ids, now));
            Ok(id)
        })
    }

    /// Adds a token key and makes it the active one; gives its id. Tokens of the last one stay good until they
    /// expire; keys that are long of no use are taken out.
    pub fn rotate_token_key(&self, ids: &dyn IdGen, now: Instant) -> Result<String, KeyringError> {
        self.change(|file| {
            let entry = token_entry(ids, now)?;
            let id = entry.id.clone();
            let section = &mut file.token_keys;
            for key in &mut section.keys {
                key.retired_at.get_or_insert(now);
            }
            section.keys.retain(|key| key.retired_at.is_some_and(|at| now < useless_from(at)));
            if section.keys.len() >= MAX_TOKEN_KEYS {
                return Err(KeyringError::TooManyTokenKeys);
            }
            section.active = id.clone();
            section.keys.push(entry);
            Ok(id)
        })
    }

    /// Changes the file as it is on the disk now, which may be newer than what is in use here.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut KeyFile) -> Result<T, KeyringError>,
    ) -> Result<T, KeyringError> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = key_file::lock(&self.path)?;
        let mut file = lock.read()?.ok_or_else(|| KeyFileError::Missing(self.path.clone()))?;
        let done = change(&mut file)?;
        // Tried before it is written: what can't be loaded must not get onto the disk.
        Keys::of(&self.path, &file, 0)?;
        lock.write(&file)?;
        self.swap(&file)?;
        Ok(done)
    }

    fn swap(&self, file: &KeyFile) -> Result<(), KeyringError> {
        let generation = self.generation().wrapping_add(1);
        self.keys.store(Arc::new(Keys::of(&self.path, file, generation)?));
        Ok(())
    }

    /// A new code for a label, with the active key.
    pub fn mint(&self, id: &LabelId) -> LabelCode {
        self.keys.load().labels.active.code(id)
    }

    /// The code of a label that a certain key made, to print it again; `None` if there is no such key.
    pub fn tag(&self, id: &LabelId, key_id: char) -> Option<LabelCode> {
        self.keys.load().labels.find(|key| key.id == key_id).map(|key| key.code(id))
    }

    /// Whether a code is one that we made. Takes the same time wherever the tag differs.
    pub fn verify(&self, code: &LabelCode) -> bool {
        self.tag(&code.id, code.key_id).is_some_and(|ours| {
            constant_time::verify_slices_are_equal(ours.tag.as_bytes(), code.tag.as_bytes()).is_ok()
        })
    }

    /// A digest that says nothing of what was digested to whoever lacks the key file. Its key comes from the oldest label
    /// key, which is never taken out, so it stays the same for ever.
    pub fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.keys.load().fingerprints);
        for part in parts {
            // With its length before it, no part can pass for the end of another.
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            context.update(&length.to_be_bytes());
            context.update(part);
        }
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        bytes
    }

    /// The id of the label key that [`mint`](Self::mint) uses.
    pub fn active_label_key(&self) -> char {
        self.keys.load().labels.active.id
    }

    /// The key for new tokens.
    pub(super) fn active_token_key(&self) -> Arc<TokenKey> {
        Arc::clone(&self.keys.load().tokens.active)
    }

    /// The key of that id if it still verifies.
    pub(super) fn token_key(&self, id: &str, now: Instant) -> Option<Arc<TokenKey>> {
        let keys = self.keys.load();
        let key = keys.tokens.find(|key| key.id == id)?;
        key.until.is_none_or(|until| now < until).then(|| Arc::clone(key))
    }

    /// Another number after every change of the keys.
    pub(super) fn generation(&self) -> u64 {
        self.keys.load().generation
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.load();
        f.debug_struct("Keyring")
            .field("path", &self.path)
            .field("label_keys", &keys.labels.others.len().saturating_add(1))
            .field("active_label_key", &keys.labels.active.id)
            .field("token_keys", &keys.tokens.others.len().saturating_add(1))
            .field("active_token_key", &keys.tokens.active.id)
            .finish_non_exhaustive()
    }
}

impl Keys {
    fn of(path: &Path, file: &KeyFile, generation: u64) -> Result<Self, KeyFileError> {
        let malformed =
            |reason: &str| KeyFileError::Malformed { path: path.to_owned(), reason: reason.to_owned() };
        if file.token_keys.keys.len() > MAX_TOKEN_KEYS {
            return Err(malformed("it has too many token keys"));
        }
        let labels = ring(&file.label_keys, |entry| &entry.id, read_label_key).map_err(malformed)?;
        let tokens = ring(&file.token_keys, |entry| &entry.id, read_token_key).map_err(malformed)?;
        if tokens.active.until.is_some() || tokens.others.iter().any(|key| key.until.is_none()) {
            return Err(malformed("all token keys but the active one have to be retired"));
        }
        let fingerprints = fingerprint_key(&file.label_keys.keys).map_err(malformed)?;
        Ok(Self { labels, tokens, fingerprints, generation })
    }
}

fn ring<E, K>(
    section: &Section<E>,
    id: impl Fn(&E) -> &String,
    read: impl Fn(&E) -> Result<K, &'static str>,
) -> Result<Ring<K>, &'static str> {
    let mut seen = HashSet::new();
    let (mut active, mut others) = (None, Vec::new());
    for entry in &section.keys {
        if !seen.insert(id(entry)) {
            return Err("two keys have the same id");
        }
        let key = read(entry)?;
        if *id(entry) == section.active { active = Some(key) } else { others.push(key) }
    }
    Ok(Ring { active: active.ok_or("there is no key with the id of the active one")?, others })
}

fn read_label_key(entry: &LabelEntry) -> Result<LabelKey, &'static str> {
    let mut characters = entry.id.chars();
    let id = match (characters.next(), characters.next()) {
        (Some(id), None) if ALPHABET.iter().any(|b| char::from(*b) == id) => id,
        _ => return Err("the id of a label key is one character of Crockford base32"),
    };
    Ok(LabelKey { id, key: label_secret(entry)? })
}

fn label_secret(entry: &LabelEntry) -> Result<hmac::Key, &'static str> {
    let secret = decode(&entry.secret).filter(|bytes| bytes.len() == LABEL_KEY_BYTES);
    let secret = secret.ok_or("the secret of a label key is 32 bytes in base64")?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &secret))
}

/// The key for fingerprints, derived from the oldest label key: no tag is made over what it is made over.
fn fingerprint_key(keys: &[LabelEntry]) -> Result<hmac::Key, &'static str> {
    let oldest = keys.iter().min_by_key(|entry| entry.created_at).ok_or("it has no label key")?;
    let derived = hmac::sign(&label_secret(oldest)?, FINGERPRINT_DOMAIN);
    Ok(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
}

fn read_token_key(entry: &TokenEntry) -> Result<Arc<TokenKey>, &'static str> {
    if entry.id.len() != TOKEN_KEY_ID_LENGTH || !entry.id.bytes().all(|b| ALPHABET.contains(&b)) {
        return Err("the id of a token key is 16 characters of Crockford base32");
    }
    let wrong = "a token key is an Ed25519 key in PKCS#8 in base64";
    let pkcs8 = decode(&entry.pkcs8).ok_or(wrong)?;
    let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| wrong)?;
    Ok(Arc::new(TokenKey {
        id: entry.id.clone(),
        encoding: EncodingKey::from_ed_der(&pkcs8),
        decoding: DecodingKey::from_ed_der(pair.public_key().as_ref()),
        until: entry.retired_at.map(useless_from),
    }))
}

fn useless_from(retired_at: Instant) -> Instant {
    retired_at.plus_seconds(TOKEN_KEY_GRACE_S)
}

fn decode(secret: &SecretString) -> Option<Zeroizing<Vec<u8>>> {
    STANDARD.decode(secret.expose_secret()).ok().map(Zeroizing::new)
}

fn fresh(ids: &dyn IdGen, now: Instant) -> Result<KeyFile, KeyringError> {
    let first = ALPHABET.first().map(|b| char::from(*b)).ok_or(KeyringError::NoLabelKeyIdLeft)?;
    let token = token_entry(ids, now)?;
    Ok(KeyFile {
        version: key_file::VERSION,
        label_keys: Section { active: first.to_string(), keys: vec![label_entry(first, ids, now)] },
        token_keys: Section { active: token.id.clone(), keys: vec![token] },
    })
}

fn label_entry(id: char, ids: &dyn IdGen, now: Instant) -> LabelEntry {
    let secret = Zeroizing::new(ids.bytes::<LABEL_KEY_BYTES>());
    LabelEntry { id: id.to_string(), secret: STANDARD.encode(secret.as_slice()).into(), created_at: now }
}

fn token_entry(ids: &dyn IdGen, now: Instant) -> Result<TokenEntry, KeyringError> {
    let seed = Zeroizing::new(ids.bytes::<32>());
    let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_| KeyringError::Crypto)?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyringError::Crypto)?;
    Ok(TokenEntry {
        id: base32(&ids.bytes::<10>(), TOKEN_KEY_ID_LENGTH),
        pkcs8: STANDARD.encode(pkcs8.as_ref()).into(),
        created_at: now,
        retired_at: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededIds;
    use crate::domain::label_code::CODE_LENGTH;
    use proptest::prelude::*;
    use std::fs;
    use std::sync::LazyLock;

    struct Setup {
        folder: tempfile::TempDir,
        ids: SeededIds,
        now: Instant,
    }

    impl Setup {
        fn new(seed: u64) -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
                ids: SeededIds::new(seed),
                now: "2026-11-21T08:00:00Z".parse().unwrap(),
            }
        }
        fn path(&self) -> PathBuf {
            self.folder.path().join("keys.json")
        }
        fn open(&self) -> Keyring {
            Keyring::load_or_create(&self.path(), &self.ids, self.now).unwrap()
        }
        fn edit(&self, from: &str, to: &str) -> KeyringError {
            let content = fs::read_to_string(self.path()).unwrap();
            assert!(content.contains(from), "{from}");
            fs::write(self.path(), content.replacen(from, to, 1)).unwrap();
            let error = Keyring::load(&self.path()).unwrap_err();
            fs::write(self.path(), content).unwrap();
            error
        }
    }

    fn label(n: u8) -> LabelId {
        LabelId::from_random([n, 1, 2, 3, 4])
    }

    static RING: LazyLock<Keyring> = LazyLock::new(|| {
        let setup = Setup::new(7);
        let ring = setup.open();
        for _ in 0..2 {
            ring.rotate_label_key(&setup.ids, setup.now).unwrap();
        }
        ring
    });

    #[test]
    fn a_tag_never_changes() {
        // printf 'pingma label 17K3M9PQ20' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f
        let secret: Vec<u8> = (0..32).collect();
        let entry = LabelEntry {
            id: "0".to_owned(),
            secret: STANDARD.encode(secret).into(),
            created_at: Instant::from_micros(0),
        };
        let code = read_label_key(&entry).unwrap().code(&"7K3M9PQ2".parse().unwrap());
        assert_eq!(code.to_string(), "7K3M9PQ20G58R780YZEY8M8SRP6NX");
    }

    #[test]
    fn a_fingerprint_stays_the_same_when_keys_rotate_and_is_another_ring_s_to_nobody() {
        let setup = Setup::new(77);
        let ring = setup.open();
        let before = ring.fingerprint(&[b"POST", b"/a", b"{}"]);
        ring.rotate_label_key(&setup.ids, setup.now).unwrap();
        assert_eq!(ring.fingerprint(&[b"POST", b"/a", b"{}"]), before);
        assert_ne!(ring.fingerprint(&[b"POST", b"/a{}", b""]), before, "parts are apart");
        assert_ne!(ring.fingerprint(&[b"POST", b"/b", b"{}"]), before);
        assert_ne!(RING.fingerprint(&[b"POST", b"/a", b"{}"]), before, "other keys");
    }

    #[test]
    fn a_code_that_was_minted_is_ours() {
        let ring = &*RING;
        let code = ring.mint(&label(1));
        assert_eq!(code.to_string().len(), CODE_LENGTH);
        assert_eq!(code.key_id, ring.active_label_key());
        assert!(ring.verify(&code));
        assert!(ring.verify(&code.to_string().parse().unwrap()));
        assert_eq!(ring.tag(&label(1), code.key_id), Some(code));
    }

    #[test]
    fn a_code_of_no_key_or_no_length_is_not() {
        let code = RING.mint(&label(1));
        assert_eq!(RING.tag(&label(1), 'Z'), None);
        assert!(!RING.verify(&LabelCode { key_id: 'Z', ..code.clone() }));
        assert!(!RING.verify(&LabelCode { tag: String::new(), ..code.clone() }));
        assert!(!RING.verify(&LabelCode { tag: code.tag[..19].to_owned(), ..code.clone() }));
        assert!(!RING.verify(&LabelCode { tag: format!("{}0", code.tag), ..code }));
    }

    #[test]
    fn a_hundred_thousand_guesses_are_not_ours() {
        let ids = SeededIds::new(99);
        let ids: &dyn IdGen = &ids;
        let code = RING.mint(&label(1));
        for _ in 0..100_000 {
            let guess = LabelCode { tag: base32(&ids.bytes::<13>(), TAG_LENGTH), ..code.clone() };
            assert!(!RING.verify(&guess));
        }
    }

    proptest! {
        #[test]
        fn one_changed_character_is_noticed(bytes in any::<[u8; 5]>(), at in 0..CODE_LENGTH, to in 0usize..32) {
            let mut text: Vec<char> = RING.mint(&LabelId::from_random(bytes)).to_string().chars().collect();
            let other = char::from(ALPHABET[to]);
            prop_assume!(text[at] != other);
            text[at] = other;
            let code: LabelCode = text.into_iter().collect::<String>().parse().unwrap();
            prop_assert!(!RING.verify(&code));
        }
    }

    #[test]
    fn what_is_made_at_first_start_is_found_at_the_next() {
        let setup = Setup::new(1);
        assert!(matches!(
            Keyring::load(&setup.path()).unwrap_err(),
            KeyringError::File(KeyFileError::Missing(_))
        ));
        let (first, again) = (setup.open(), setup.open());
        assert_eq!(first.mint(&label(1)), again.mint(&label(1)));
        assert_eq!(first.active_token_key().id, again.active_token_key().id);
        let loaded = Keyring::load(&setup.path()).unwrap();
        assert!(loaded.verify(&first.mint(&label(1))));
    }

    #[test]
    fn processes_that_start_together_agree() {
        let setup = Setup::new(1);
        let minted: HashSet<String> = std::thread::scope(|scope| {
            let starts: Vec<_> =
                (0..16).map(|_| scope.spawn(|| setup.open().mint(&label(1)).to_string())).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert_eq!(minted.len(), 1);
    }

    #[test]
    fn old_label_keys_keep_verifying() {
        let setup = Setup::new(1);
        let ring = setup.open();
        let old = ring.mint(&label(1));
        assert_eq!(ring.rotate_label_key(&setup.ids, setup.now).unwrap(), '1');
        let new = ring.mint(&label(1));
        assert_eq!((old.key_id, new.key_id), ('0', '1'));
        assert_ne!(old.tag, new.tag);
        for ring in [&ring, &setup.open()] {
            assert!(ring.verify(&old) && ring.verify(&new));
            assert!(!ring.verify(&LabelCode { key_id: '1', ..old.clone() }));
            assert_eq!(ring.active_label_key(), '1');
        }
    }

    #[test]
    fn label_keys_run_out_and_none_is_lost() {
        let setup = Setup::new(1);
        let ring = setup.open();
        let mut codes = vec![ring.mint(&label(1))];
        for id in &ALPHABET[1..] {
            assert_eq!(ring.rotate_label_key(&setup.ids, setup.now).unwrap(), char::from(*id));
            codes.push(ring.mint(&label(1)));
        }
        let error = ring.rotate_label_key(&setup.ids, setup.now).unwrap_err();
        assert!(matches!(error, KeyringError::NoLabelKeyIdLeft));
        assert!(codes.iter().all(|code| setup.open().verify(code)));
    }

    #[test]
    fn two_processes_do_not_undo_each_other() {
        let setup = Setup::new(1);
        let (one, two) = (setup.open(), setup.open());
        one.rotate_label_key(&setup.ids, setup.now).unwrap();
        assert_eq!(two.rotate_label_key(&setup.ids, setup.now).unwrap(), '2');
        let code = two.mint(&label(1));
        assert!(!one.verify(&code), "not read yet");
        let before = one.generation();
        one.reload().unwrap();
        assert!(one.verify(&code));
        assert_ne!(one.generation(), before);
    }

    #[test]
    fn an_old_token_key_verifies_for_an_hour() {
        let setup = Setup::new(1);
        let ring = setup.open();
        let old = ring.active_token_key().id.clone();
        let new = ring.rotate_token_key(&setup.ids, setup.now).unwrap();
        assert_eq!(ring.active_token_key().id, new);
        let end = setup.now.plus_seconds(TOKEN_KEY_GRACE_S);
        for ring in [&ring, &setup.open()] {
            assert!(ring.token_key(&old, end.plus_seconds(-1)).is_some());
            assert!(ring.token_key(&old, end).is_none());
            assert!(ring.token_key(&new, end).is_some());
        }
        ring.rotate_token_key(&setup.ids, end).unwrap();
        assert!(!fs::read_to_string(setup.path()).unwrap().contains(&old), "taken out");
        assert!(ring.token_key(&new, end).is_some());
    }

    #[test]
    fn token_keys_are_not_piled_up() {
        let setup = Setup::new(1);
        let ring = setup.open();
        for _ in 1..MAX_TOKEN_KEYS {
            ring.rotate_token_key(&setup.ids, setup.now).unwrap();
        }
        let error = ring.rotate_token_key(&setup.ids, setup.now).unwrap_err();
        assert!(matches!(error, KeyringError::TooManyTokenKeys));
        assert!(Keyring::load(&setup.path()).is_ok());
        ring.rotate_token_key(&setup.ids, setup.now.plus_seconds(TOKEN_KEY_GRACE_S)).unwrap();
    }

    #[test]
    fn a_file_that_makes_no_sense_is_refused() {
        let setup = Setup::new(1);
        let ring = setup.open();
        ring.rotate_label_key(&setup.ids, setup.now).unwrap();
        ring.rotate_token_key(&setup.ids, setup.now).unwrap();
        let kid = ring.active_token_key().id.clone();
        for (from, to) in [
            (r#""active": "1""#.to_owned(), r#""active": "2""#),
            (r#""id": "1""#.to_owned(), r#""id": "0""#),
            (r#""id": "0""#.to_owned(), r#""id": "1""#),
            (r#""id": "0""#.to_owned(), r#""id": "U""#),
            (r#""id": "0""#.to_owned(), r#""id": "00""#),
            (r#""secret": ""#.to_owned(), r#""secret": "AAAA"#),
            (r#""pkcs8": ""#.to_owned(), r#""pkcs8": "AAAA"#),
            (format!(r#""active": "{kid}""#), r#""active": "0000000000000000""#),
            (format!(r#""id": "{kid}""#), r#""id": "a""#),
            (r#""retired_at""#.to_owned(), r#""removed_at""#),
        ] {
            let error = setup.edit(&from, to);
            let KeyringError::File(KeyFileError::Malformed { .. }) = error else { panic!("{from}: {error}") };
        }
        assert!(Keyring::load(&setup.path()).is_ok());
    }

    #[test]
    fn a_lost_file_is_not_replaced_behind_the_back() {
        let setup = Setup::new(1);
        let ring = setup.open();
        let code = ring.mint(&label(1));
        fs::remove_file(setup.path()).unwrap();
        assert!(ring.reload().is_err());
        assert!(ring.rotate_label_key(&setup.ids, setup.now).is_err());
        assert!(!setup.path().exists());
        assert!(ring.verify(&code), "and the keys in use stay");
    }

    #[test]
    fn no_secret_is_shown() {
        let setup = Setup::new(1);
        let ring = setup.open();
        let file: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(setup.path()).unwrap()).unwrap();
        let shown = format!("{ring:?}");
        assert!(shown.contains("active_label_key: '0'"), "{shown}");
        for secret in [&file["label_keys"]["keys"][0]["secret"], &file["token_keys"]["keys"][0]["pkcs8"]] {
            assert!(!shown.contains(secret.as_str().unwrap()));
        }
    }
}
