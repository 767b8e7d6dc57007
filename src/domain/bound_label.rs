//! The label on a cylinder, and what is owed before it counts.

use serde::{Deserialize, Serialize};

use super::label_code::LabelId;

crate::words! {
    /// Whether the bound label is good.
    pub enum LabelStatus {
        /// On the cylinder.
        Bound => "bound",
        /// Three wrong answers: no more fills until it is replaced.
        Suspended => "suspended",
        /// Replaced or void, for ever.
        Revoked => "revoked",
    }
}

/// The label that belongs to a cylinder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundLabel {
    /// Which.
    pub id: LabelId,
    /// The key of its tag.
    pub key_id: char,
    /// Whether it is good.
    pub status: LabelStatus,
    /// Wrong answers to stamp challenges in a row.
    pub wrong_answers: u8,
    /// Whether an answer is still owed.
    pub challenged: bool,
}

/// Wrong answers to stamp challenges that suspend a label.
pub const WRONG_ANSWERS_ALLOWED: u8 = 3;

impl BoundLabel {
    /// A label that nobody was asked about yet.
    pub fn fresh(id: LabelId, key_id: char) -> Self {
        Self { id, key_id, status: LabelStatus::Bound, wrong_answers: 0, challenged: false }
    }

    /// The label in this one's place. The answer that is owed stays owed: a fresh label is no answer. So do the wrong ones
    /// that were given, unless they suspended this one: then the new one has three tries again.
    #[must_use]
    pub fn replaced(&self, id: LabelId, key_id: char) -> Self {
        let spent = self.wrong_answers >= WRONG_ANSWERS_ALLOWED;
        let wrong_answers = if spent { 0 } else { self.wrong_answers };
        Self { challenged: self.challenged, wrong_answers, ..Self::fresh(id, key_id) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_label_forgets_neither_the_question_nor_the_wrong_answers() {
        let id = |text: &str| text.parse::<LabelId>().unwrap();
        let first = BoundLabel::fresh(id("7K3M9PQ2"), '0');
        assert_eq!(first.replaced(id("8K3M9PQ2"), '1'), BoundLabel::fresh(id("8K3M9PQ2"), '1'));
        for (wrong_answers, kept) in [(1, 1), (2, 2), (3, 0), (200, 0)] {
            let asked = BoundLabel {
                wrong_answers,
                challenged: true,
                status: LabelStatus::Suspended,
                ..first.clone()
            };
            let next = asked.replaced(id("8K3M9PQ2"), '1');
            assert_eq!(
                (next.challenged, next.wrong_answers, next.status),
                (true, kept, LabelStatus::Bound),
                "{wrong_answers}"
            );
        }
    }
}
