//! Passwords: what a new one must look like, its hash, and the check of one against its hash.
//!
//! Every function here that hashes takes some 20 ms and 19 MiB on purpose: call it on a blocking thread, and
//! let only a few run at once.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error as HashError, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};

use crate::clock::IdGen;
use crate::domain::said::said;
use crate::domain::value::{ValueCode, ValueError};

/// Memory of one hash.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// Threads.
const LANES: u32 = 1;
/// Random bytes that make equal passwords hash differently.
const SALT_BYTES: usize = 16;
/// Bytes of a hash.
const HASH_BYTES: usize = 32;
/// The hash of a text that nobody knows, in the form and at the cost of a real one.
const DUMMY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$S8P/SNBSllPMm13xHM4BBw$gcUsdiw+OaPh9DqW7Z9I44ZaaHK1FlW38gpNpmSN2+I";
/// The most that a stored hash may ask for, so that a damaged row can't eat the machine.
const MOST: (u32, u32, u32) = (256 * 1024, 16, 8);

/// Why a password could not be hashed or checked. Never says anything about the password itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// What is stored is not a hash that this server would have made.
    #[error("the stored password hash is not an argon2id hash within bounds")]
    StoredHash,
    /// The hash function gave up, usually for want of memory.
    #[error("password hashing failed: {0}")]
    Hashing(HashError),
}

fn argon2id() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES))
        .map_err(|error| PasswordError::Hashing(error.into()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The hash to store, as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`.
pub fn hash(password: &SecretString, ids: &dyn IdGen) -> Result<String, PasswordError> {
    let salt = ids.bytes::<SALT_BYTES>();
    let hash: PasswordHash = argon2id()?
        .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
        .map_err(PasswordError::Hashing)?;
    Ok(hash.to_string())
}

/// Whether a password is the one behind a stored hash.
pub fn verify(password: &SecretString, stored: &str) -> Result<bool, PasswordError> {
    let hash = read(stored)?;
    match argon2id()?.verify_password(password.expose_secret().as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(HashError::PasswordInvalid) => Ok(false),
        Err(error) => Err(PasswordError::Hashing(error)),
    }
}

/// Takes as long as [`verify`] and finds nobody: for a login with a name that does not exist, so that the time
/// of an answer does not tell which names do. `Ok` is always `false`.
pub fn verify_nobody(password: &SecretString) -> Result<bool, PasswordError> {
    std::hint::black_box(verify(password, DUMMY)?);
    Ok(false)
}

/// A stored hash that is complete and asks for no more than [`MOST`].
fn read(stored: &str) -> Result<PasswordHash, PasswordError> {
    let hash = PasswordHash::new(stored).map_err(|_| PasswordError::StoredHash)?;
    let params = Params::try_from(&hash).map_err(|_| PasswordError::StoredHash)?;
    let complete = hash.salt.is_some() && hash.hash.is_some();
    let bounded = params.m_cost() <= MOST.0 && params.t_cost() <= MOST.1 && params.p_cost() <= MOST.2;
    let expected = hash.algorithm == Algorithm::Argon2id.ident();
    if complete && bounded && expected { Ok(hash) } else { Err(PasswordError::StoredHash) }
}

/// Characters of a new password.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=128;
/// A name shorter than this may be part of a password: two letters are in there by accident.
const NAME_LENGTH_THAT_COUNTS: usize = 3;
/// What everybody tries first, of the allowed length, in lower case and without anything but letters and digits.
const COMMON: &[&str] = &[
    "0123456789",
    "0987654321",
    "1029384756",
    "1122334455",
    "11223344556677",
    "1212121212",
    "123123123123",
    "1231231234",
    "1234512345",
    "123456123456",
    "1234567890",
    "12345678900",
    "12345678910",
    "123456789a",
    "123456789abc",
    "123456789q",
    "12345qwert",
    "1234qwerasdf",
    "1357924680",
    "147258369a",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "5201314520",
    "520131452013",
    "9876543210",
    "a123456789",
    "a1234567890",
    "aa123456789",
    "abc123456789",
    "abcd123456",
    "abcd12345678",
    "abcdefg123",
    "abcdefghij",
    "admin12345",
    "admin123456",
    "admin888888",
    "administrator",
    "asd123456789",
    "asdfghjkl1",
    "asdfghjkl123",
    "changeme123",
    "iloveyou123",
    "iloveyou1314",
    "letmein123",
    "passw0rd123",
    "password00",
    "password01",
    "password12",
    "password123",
    "password1234",
    "passwordpassword",
    "pingma1234",
    "pingma12345",
    "pingma123456",
    "q123456789",
    "q1w2e3r4t5",
    "q1w2e3r4t5y6",
    "qazwsxedc123",
    "qazwsxedcrfv",
    "qq123456789",
    "qwe123456789",
    "qwer123456",
    "qwerasdfzxcv",
    "qwerty1234",
    "qwerty12345",
    "qwerty123456",
    "qwertyuiop",
    "qwertyuiop123",
    "welcome123",
    "woaini1314",
    "woaini1314520",
    "woaini5201314",
    "woaini520520",
    "z123456789",
    "zxcvbnm123",
    "zxcvbnm12345",
];

/// Why a new password is not accepted. The text says what is allowed and never repeats the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Fewer than 10 characters.
    #[error("a password has at least {} characters", LENGTH.start())]
    TooShort,
    /// More than 128 characters.
    #[error("a password has at most {} characters", LENGTH.end())]
    TooLong,
    /// With a line break, a tab or the like.
    #[error("a password has no control characters; letters, digits, blanks and signs of any script are fine")]
    ControlCharacter,
    /// The account's name is part of it.
    #[error("a password does not contain the user name")]
    ContainsUsername,
    /// The same character over and over.
    #[error("a password has more than one character, not the same one repeated")]
    OneCharacter,
    /// One of those that everybody tries first.
    #[error("this password is one of the most common ones; a sentence of several words is a good one")]
    Common,
}

impl WeakPassword {
    fn zh(&self) -> String {
        match self {
            Self::TooShort => format!("密码至少 {} 个字符", LENGTH.start()),
            Self::TooLong => format!("密码最多 {} 个字符", LENGTH.end()),
            Self::ControlCharacter => {
                "密码不得含有控制字符；任何文字的字母、数字、空格和符号都可以".to_owned()
            }
            Self::ContainsUsername => "密码不得包含用户名".to_owned(),
            Self::OneCharacter => "密码不得只是重复同一个字符".to_owned(),
            Self::Common => "这是最常见的密码之一，建议使用由几个词组成的句子".to_owned(),
        }
    }
}

impl From<WeakPassword> for ValueError {
    fn from(weak: WeakPassword) -> Self {
        let code = match weak {
            WeakPassword::TooShort => ValueCode::TooShort,
            WeakPassword::TooLong => ValueCode::TooLong,
            WeakPassword::ControlCharacter => ValueCode::ControlCharacter,
            WeakPassword::ContainsUsername | WeakPassword::OneCharacter | WeakPassword::Common => {
                ValueCode::BadFormat
            }
        };
        Self::new(code, said(weak.zh(), weak.to_string()))
    }
}

/// A password that may be set. It is taken as it is typed: nothing is trimmed, folded or normalized.
#[derive(Debug, Clone)]
pub struct NewPassword(SecretString);

impl NewPassword {
    /// Checks a password for the account of that name. No rules about kinds of characters: they make passwords
    /// harder to remember, not to guess.
    pub fn new(text: &str, username: &str) -> Result<Self, WeakPassword> {
        // Four bytes are the longest character; whoever sends more is not counted any further.
        let length = if text.len() > LENGTH.end() * 4 { usize::MAX } else { text.chars().count() };
        if length < *LENGTH.start() {
            return Err(WeakPassword::TooShort);
        }
        if length > *LENGTH.end() {
            return Err(WeakPassword::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(WeakPassword::ControlCharacter);
        }
        if text.chars().skip(1).eq(text.chars().take(length.saturating_sub(1))) {
            return Err(WeakPassword::OneCharacter);
        }
        let (folded, name) = (text.to_lowercase(), username.trim().to_lowercase());
        if name.chars().count() >= NAME_LENGTH_THAT_COUNTS && folded.contains(&name) {
            return Err(WeakPassword::ContainsUsername);
        }
        let letters: String = folded.chars().filter(|c| c.is_alphanumeric()).collect();
        if COMMON.contains(&letters.as_str()) {
            return Err(WeakPassword::Common);
        }
        Ok(Self(text.into()))
    }

    /// The password, for [`hash`].
    pub fn secret(&self) -> &SecretString {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededIds;
    use proptest::prelude::*;

    fn weak(text: &str, username: &str) -> WeakPassword {
        NewPassword::new(text, username).unwrap_err()
    }

    #[test]
    fn a_password_opens_its_own_hash_only() {
        let ids = SeededIds::new(1);
        let password = NewPassword::new("瓶子 in the yard", "wang.wei").unwrap();
        let stored = hash(password.secret(), &ids).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify(password.secret(), &stored).unwrap());
        assert!(!verify(&"瓶子 in the yarD".into(), &stored).unwrap());
        assert_ne!(hash(password.secret(), &ids).unwrap(), stored, "another salt");
    }

    #[test]
    fn a_hash_of_another_implementation_is_understood() {
        // From the reference implementation's own tests (argon2 test.c, version 19, argon2id).
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(verify(&"password".into(), stored).unwrap());
        assert!(!verify(&"Password".into(), stored).unwrap());
    }

    #[test]
    fn nobody_costs_what_somebody_costs() {
        let ours = hash(&"any password".into(), &SeededIds::new(1)).unwrap();
        let (ours, dummy) = (read(&ours).unwrap(), read(DUMMY).unwrap());
        assert_eq!(ours.algorithm, dummy.algorithm);
        assert_eq!(ours.version, dummy.version);
        assert_eq!(ours.params.to_string(), dummy.params.to_string());
        assert_eq!(ours.salt.unwrap().len(), dummy.salt.unwrap().len());
        assert_eq!(ours.hash.unwrap().len(), dummy.hash.unwrap().len());
        assert!(!verify_nobody(&"any password".into()).unwrap());
    }

    #[test]
    fn a_damaged_hash_is_an_error_not_a_wrong_password() {
        let salt = "c29tZXNhbHQ";
        let rest = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        for stored in [
            String::new(),
            "secret".to_owned(),
            format!("$argon2id$v=19$m=65536,t=2,p=1${salt}"),
            format!("$argon2i$v=19$m=65536,t=2,p=1${salt}${rest}"),
            format!("$argon2id$v=19$m=4294967295,t=2,p=1${salt}${rest}"),
            format!("$argon2id$v=19$m=65536,t=99,p=1${salt}${rest}"),
            format!("$argon2id$v=19$m=65536,t=2,p=99${salt}${rest}"),
        ] {
            assert_eq!(verify(&"password".into(), &stored), Err(PasswordError::StoredHash), "{stored}");
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(weak("短短的密码不够长!", ""), WeakPassword::TooShort);
        assert!(NewPassword::new("十个字符的密码就够长", "").is_ok());
        let long = "密碼".repeat(64);
        assert!(NewPassword::new(&long, "").is_ok());
        assert_eq!(weak(&format!("{long}!"), ""), WeakPassword::TooLong);
        assert_eq!(weak(&"ab".repeat(1_000_000), ""), WeakPassword::TooLong);
    }

    #[test]
    fn what_is_easily_guessed_is_refused() {
        assert_eq!(weak("correct	horse", ""), WeakPassword::ControlCharacter);
        assert_eq!(weak("aaaaaaaaaaaa", ""), WeakPassword::OneCharacter);
        assert_eq!(weak("xx Wang.Wei 12", "wang.wei"), WeakPassword::ContainsUsername);
        assert_eq!(weak("王小明的密码是这个!", "王小明"), WeakPassword::ContainsUsername);
        assert_eq!(weak("Password-123", ""), WeakPassword::Common);
        assert_eq!(weak("1234567890", ""), WeakPassword::Common);
        assert!(NewPassword::new("correct horse battery", "ho").is_ok());
        assert!(NewPassword::new("correct horse battery", "  ").is_ok());
    }

    #[test]
    fn the_list_holds_what_could_match() {
        for entry in COMMON {
            assert!(LENGTH.contains(&entry.chars().count()), "{entry}");
            assert!(entry.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{entry}");
            assert_eq!(weak(entry, ""), WeakPassword::Common);
        }
        assert!(COMMON.is_sorted());
    }

    #[test]
    fn an_error_tells_a_client_what_is_allowed() {
        let error = ValueError::from(WeakPassword::TooShort);
        assert_eq!(error.code, ValueCode::TooShort);
        assert_eq!(error.detail, said("密码至少 10 个字符", "a password has at least 10 characters"));
    }

    #[test]
    fn debug_hides_it() {
        let password = NewPassword::new("correct horse battery", "").unwrap();
        assert!(!format!("{password:?}").contains("horse"));
    }

    proptest! {
        #[test]
        fn checking_never_panics(text in any::<String>(), name in any::<String>()) {
            let _ = NewPassword::new(&text, &name);
        }
    }
}
