//! Bytes that are nearly good: one of several good texts with some bytes changed, dropped, doubled or put in.

use super::chance::Chance;

/// What breaks readers more often than other bytes do.
const SPICE: [&str; 16] =
    ["\"", "\\", "{", "}", "[", "]", "\0", "\u{fffd}", "１", "é", "-", "1e999", "null", "\\ud800", ".", "="];

/// Altered good bytes; one time in twenty nothing but noise.
pub fn noise(chance: &mut Chance, good: &[&str]) -> Vec<u8> {
    if chance.one_in(20) {
        let length = chance.below(120);
        return (0..length).map(|_| chance.bits().to_le_bytes()[0]).collect();
    }
    let mut bytes = chance.of(good).as_bytes().to_vec();
    for _ in 0..=chance.below(3) {
        alter(chance, &mut bytes);
    }
    bytes
}

fn alter(chance: &mut Chance, bytes: &mut Vec<u8>) {
    let at = chance.below(bytes.len() + 1);
    let end = (at + 1 + chance.below(8)).min(bytes.len());
    match chance.below(5) {
        0 => bytes[at..end].fill(chance.bits().to_le_bytes()[0]),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        3 => drop(bytes.splice(at..at, chance.of(&SPICE).bytes())),
        _ => bytes.truncate(at),
    }
}
