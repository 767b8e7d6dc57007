//! The code on a cylinder: its alphabet, its parts, and what a scanner or a finger may hand in.
//!
//! `HTTPS://<HOST>/C/` + 29 characters of Crockford base32: 8 label id, 1 key id, 20 tag. The tag is made and
//! checked where the keys are (`auth::keyring`); this file only knows the form.

use crate::domain::said::said;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use super::steel::spelled;
use super::value::{ValueCode, ValueError};

/// Crockford's base32 alphabet: no I, L, O, U.
pub const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a label id.
pub const ID_LENGTH: usize = 8;
/// Characters of a tag (100 bits).
pub const TAG_LENGTH: usize = 20;
/// Characters of a whole code.
pub const CODE_LENGTH: usize = ID_LENGTH + 1 + TAG_LENGTH;

fn in_alphabet(text: &str) -> bool {
    text.bytes().all(|b| ALPHABET.contains(&b))
}

/// Writes the first `length` groups of five bits of `bytes` in Crockford base32.
pub fn base32(bytes: &[u8], length: usize) -> String {
    let bit = |index: usize| bytes.get(index / 8).map_or(0, |byte| (byte >> (7 - index % 8)) & 1);
    (0..length)
        .filter_map(|char_index| {
            let value = (0..5).fold(0u8, |acc, k| (acc << 1) | bit(char_index * 5 + k));
            ALPHABET.get(usize::from(value)).map(|b| char::from(*b))
        })
        .collect()
}

/// The eight characters that name a label. Never used twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct LabelId(String);

impl LabelId {
    /// From five random bytes.
    pub fn from_random(bytes: [u8; 5]) -> Self {
        Self(base32(&bytes, ID_LENGTH))
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id and its ISO 7064 MOD 37,36 check character, as printed for typing: `7K3M9PQ2-G`.
    pub fn typed(&self) -> String {
        format!("{}-{}", self.0, check_character(&self.0))
    }
}

impl fmt::Display for LabelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LabelId {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.len() == ID_LENGTH && in_alphabet(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ValueError::new(
                ValueCode::BadFormat,
                said(
                    "标签编号为 8 个 Crockford base32 字符",
                    "a label id has 8 characters of Crockford base32",
                ),
            ))
        }
    }
}

impl<'de> Deserialize<'de> for LabelId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(ValueError::through_serde)
    }
}

/// A code of the right shape. Whether its tag is ours only the keys can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelCode {
    /// Which label.
    pub id: LabelId,
    /// Which key made the tag, one character of the alphabet.
    pub key_id: char,
    /// The tag.
    pub tag: String,
}

impl LabelCode {
    /// The address that the QR carries, all in upper case so that the symbol stays in alphanumeric mode.
    pub fn url(&self, public_url: &str) -> String {
        format!("{}/C/{self}", public_url.trim_end_matches('/').to_ascii_uppercase())
    }
}

impl fmt::Display for LabelCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.id, self.key_id, self.tag)
    }
}

impl FromStr for LabelCode {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wrong = || {
            ValueError::new(
                ValueCode::BadFormat,
                said("应为 29 个 Crockford base32 字符", "29 characters of Crockford base32 are expected"),
            )
        };
        if text.len() != CODE_LENGTH || !in_alphabet(text) {
            return Err(wrong());
        }
        let (id, rest) = text.split_at(ID_LENGTH);
        let (key_id, tag) = rest.split_at(1);
        Ok(Self { id: id.parse()?, key_id: key_id.chars().next().ok_or_else(wrong)?, tag: tag.to_owned() })
    }
}

crate::words! {
    /// How a code came in.
    pub enum Entry {
        /// By a camera or a scan gun.
        Scanned => "scanned",
        /// By hand: less trust, recorded as such.
        Typed => "typed",
    }
}

/// What was handed in, by its shape alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scan {
    /// A whole code with a tag still to be checked.
    Code(LabelCode),
    /// A typed label id with the right check character.
    Typed(LabelId),
    /// Not a code of ours: another QR, garbage, a mistyped id. Cut at 200 characters.
    Foreign(String),
}

impl Scan {
    /// Reads what a scanner or a person handed in, after [`normalize`]. The short form counts only when typed, and only a
    /// finger that typed is forgiven an I, L or O.
    pub fn read(text: &str, entry: Entry) -> Self {
        let code = normalize(text);
        let whole = if entry == Entry::Typed { crockford(&code) } else { code.clone() };
        if let Ok(code) = whole.parse::<LabelCode>() {
            return Self::Code(code);
        }
        if entry == Entry::Typed
            && let Some(id) = read_typed(&code)
        {
            return Self::Typed(id);
        }
        Self::Foreign(text.chars().filter(|c| !c.is_control()).take(200).collect())
    }
}

/// Crockford: whoever types I, L or O means 1, 1 or 0, which look like them.
fn crockford(typed: &str) -> String {
    let meant = typed.chars().map(|c| match c {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    });
    meant.collect()
}

fn read_typed(code: &str) -> Option<LabelId> {
    // The check character is of another alphabet, which has I, L and O.
    let (id, check) = code.split_at_checked(ID_LENGTH)?;
    let id: LabelId = crockford(id).parse().ok()?;
    let expected = check_character(id.as_str());
    // Of a printed O or I the digit that looks like it may be typed.
    [expected.to_string(), crockford(&expected.to_string())].iter().any(|may| may == check).then_some(id)
}

/// Full-width to half-width, upper case, without blanks.
fn plain(text: &str) -> String {
    spelled(text).chars().filter(|c| !c.is_whitespace()).take(400).collect()
}

/// What an address has before its `/C/`, after the scheme, and the code behind it, without query and fragment.
fn split_address(plain: &str) -> Option<(&str, &str)> {
    let rest = plain.strip_prefix("HTTPS://").or_else(|| plain.strip_prefix("HTTP://"))?;
    let (host, code) = rest.split_once("/C/")?;
    let code = code.split(['?', '#']).next().unwrap_or_default();
    Some((host, code.trim_end_matches('/')))
}

/// Full-width to half-width, upper case, blanks and hyphens dropped, a leading address of any host taken off.
pub fn normalize(text: &str) -> String {
    let plain = plain(text);
    let code = split_address(&plain).map_or(plain.as_str(), |(_, code)| code);
    code.chars().filter(|c| !matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')).collect()
}

/// Longest host that is kept, in characters.
const MAX_HOST: usize = 100;

/// The host of the address that a code came in, if it came in one of another host than `public_url`: a code of ours on
/// somebody else's address leads customers to somebody else's page. Cut at 100 characters.
pub fn foreign_host(text: &str, public_url: &str) -> Option<String> {
    let plain = plain(text);
    let (before, _) = split_address(&plain)?;
    // As a phone reads it; what none can read is kept as it is.
    let host = host_of(&plain).unwrap_or_else(|| before.to_lowercase());
    let own = host_of(public_url).is_some_and(|own| own == host);
    (!own).then(|| host.chars().filter(|c| !c.is_control()).take(MAX_HOST).collect())
}

fn host_of(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    Some(url.host_str()?.trim_end_matches('.').to_lowercase())
}

/// The check character of ISO 7064 MOD 37,36 over digits and letters.
pub fn check_character(text: &str) -> char {
    let product = text.chars().filter_map(|c| c.to_digit(36)).fold(36, |product, value| {
        let sum = (product + value) % 36;
        (if sum == 0 { 36 } else { sum }) * 2 % 37
    });
    let check = (37 - product % 37) % 36;
    char::from_digit(check, 36).unwrap_or('0').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CODE: &str = "7K3M9PQ20ABCDEFGHJKMNPQRSTVW0";

    #[test]
    fn the_standards_own_example_of_a_check_character() {
        // ISO 7064 names "A12425GABC1234002" with the check character M (also the EIDR and GRid registries).
        assert_eq!(check_character("A12425GABC1234002"), 'M');
    }

    #[test]
    fn whatever_a_scanner_adds_is_taken_off() {
        let expected = Scan::Code(CODE.parse().unwrap());
        for text in [
            CODE.to_owned(),
            CODE.to_lowercase(),
            format!("HTTPS://PINGMA.EXAMPLE/C/{CODE}"),
            format!("http://other.host:8080/c/{CODE}/"),
            format!(" {} {} ", &CODE[..8], &CODE[8..]),
            CODE.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect(),
        ] {
            assert_eq!(Scan::read(&text, Entry::Scanned), expected, "{text}");
        }
    }

    #[test]
    fn query_and_fragment_of_an_address_are_no_part_of_the_code() {
        let expected = Scan::Code(CODE.parse().unwrap());
        for end in ["?x=1", "?lang=en#top", "#y", "/?x=1", "?u=https://other.host/C/x", "？x=1"] {
            for entry in [Entry::Scanned, Entry::Typed] {
                let text = format!("https://pingma-1.example/C/{CODE}{end}");
                assert_eq!(Scan::read(&text, entry), expected, "{text}");
            }
        }
        assert!(matches!(Scan::read(&format!("{CODE}?x=1"), Entry::Scanned), Scan::Foreign(_)));
    }

    #[test]
    fn a_host_that_is_not_ours_is_told() {
        let own = "https://pingma-1.example:8443";
        for (text, told) in [
            (format!("HTTPS://PINGMA-1.EXAMPLE:8443/C/{CODE}"), None),
            (format!("http://pingma-1.example./c/{CODE}?x=1"), None),
            (format!("https://who@pingma-1.example/C/{CODE}"), None),
            (CODE.to_owned(), None),
            ("https://evil.example/r/abc".to_owned(), None),
            (format!("https://evil.example/C/{CODE}"), Some("evil.example")),
            (format!("https://evil.example/x/C/{CODE}"), Some("evil.example")),
            (format!("https://pingma-1.example@evil.example/C/{CODE}"), Some("evil.example")),
            (
                format!("https://pingma-1.example.evil.example:80/C/{CODE}"),
                Some("pingma-1.example.evil.example"),
            ),
            (format!("ｈｔｔｐｓ：／／ｅｖｉｌ．ｅｘａｍｐｌｅ／Ｃ／{CODE}"), Some("evil.example")),
            (format!("https://气瓶.中国/C/{CODE}"), Some("xn--4qwm3q.xn--fiqs8s")),
            (format!("https://192.0.2.7/C/{CODE}"), Some("192.0.2.7")),
            (format!("https://%/C/{CODE}"), Some("%")),
        ] {
            assert_eq!(foreign_host(&text, own).as_deref(), told, "{text}");
        }
        let long = foreign_host(&format!("https://{}.example/C/{CODE}", "e".repeat(200)), own).unwrap();
        assert_eq!(long.chars().count(), 100);
    }

    #[test]
    fn a_finger_is_forgiven_what_looks_alike_and_a_camera_is_not() {
        let code = "10K3M9PQ20ABCDEFGHJKMNPQRSTV1";
        let id: LabelId = code[..8].parse().unwrap();
        for typed in [
            "IOK3M9PQ2OABCDEFGHJKMNPQRSTVL",
            "l0k3m9pq2oabcdefghjkmnpqrstvi",
            "HTTPS://X/C/LOK3M9PQ20ABCDEFGHJKMNPQRSTV1",
        ] {
            assert_eq!(Scan::read(typed, Entry::Typed), Scan::Code(code.parse().unwrap()), "{typed}");
            assert!(matches!(Scan::read(typed, Entry::Scanned), Scan::Foreign(_)), "{typed}");
        }
        let short = id.typed().replacen("10", "LO", 1);
        assert_eq!(Scan::read(&short, Entry::Typed), Scan::Typed(id));
        assert!(matches!(Scan::read("UUK3M9PQ20ABCDEFGHJKMNPQRSTV1", Entry::Typed), Scan::Foreign(_)));
    }

    #[test]
    fn an_o_or_i_in_the_checks_place_may_be_typed_as_the_digit_it_looks_like() {
        let forgiven = (0u8..=255).filter(|n| {
            let id = LabelId::from_random([*n, 1, 2, 3, 4]);
            let typed = id.typed();
            let looks_like = typed.ends_with(['O', 'I']);
            let digit = format!("{}{}", &typed[..8], crockford(&typed[9..]));
            looks_like && Scan::read(&digit, Entry::Typed) == Scan::Typed(id)
        });
        assert!(forgiven.count() > 4);
    }

    #[test]
    fn a_typed_id_needs_its_check_character_and_the_word_typed() {
        let id: LabelId = "7K3M9PQ2".parse().unwrap();
        assert_eq!(id.typed(), "7K3M9PQ2-G");
        assert_eq!(Scan::read(&id.typed(), Entry::Typed), Scan::Typed(id.clone()));
        assert_eq!(Scan::read(&id.typed().to_lowercase(), Entry::Typed), Scan::Typed(id.clone()));
        assert!(matches!(Scan::read(&id.typed(), Entry::Scanned), Scan::Foreign(_)));
        assert!(matches!(Scan::read("7K3M9PQ2", Entry::Typed), Scan::Foreign(_)));
    }

    #[test]
    fn garbage_is_foreign_and_cut() {
        let Scan::Foreign(kept) = Scan::read(&"瓶\u{7}".repeat(1000), Entry::Scanned) else { panic!() };
        assert_eq!(kept.chars().count(), 200);
        assert!(matches!(Scan::read("https://weixin.qq.com/r/abc", Entry::Scanned), Scan::Foreign(_)));
    }

    proptest! {
        #[test]
        fn one_wrong_or_swapped_character_is_noticed(bytes in any::<[u8; 5]>(), at in 0usize..8, to in 0usize..32) {
            let id = LabelId::from_random(bytes);
            let mut typed: Vec<char> = id.typed().replace('-', "").chars().collect();
            let other = char::from(ALPHABET[to]);
            // There a look-alike is forgiven, at the price of the certainty.
            prop_assume!(typed[at] != other && !matches!(typed[8], '0' | '1'));
            typed[at] = other;
            let wrong: String = typed.into_iter().collect();
            prop_assert!(matches!(Scan::read(&wrong, Entry::Typed), Scan::Foreign(_)));
        }

        #[test]
        fn reading_never_panics(text in any::<String>()) {
            Scan::read(&text, Entry::Typed);
            foreign_host(&text, "https://pingma.example");
        }
    }
}
