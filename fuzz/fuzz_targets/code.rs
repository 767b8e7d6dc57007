//! Whatever a camera reads or a person types is a code of ours, or it is not: nothing breaks, and what is read is written as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pingma::domain::label_code::{Entry, LabelCode, Scan};

fuzz_target!(|text: &str| {
    for entry in [Entry::Scanned, Entry::Typed] {
        match Scan::read(text, entry) {
            Scan::Code(code) => assert_eq!(code.to_string().parse::<LabelCode>().ok(), Some(code)),
            Scan::Typed(id) => assert_eq!(Scan::read(&id.typed(), entry), Scan::Typed(id)),
            Scan::Foreign(kept) => assert!(kept.chars().count() <= 200),
        }
    }
});
