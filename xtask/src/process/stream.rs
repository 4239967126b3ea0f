//! What a child prints, masked while it comes: in whole lines, or in pieces where a line has no end.
//!
//! Invariant: the result does not depend on where the reads were cut, and what is held back has a limit.

use super::Mask;

/// Longer lines are handed on in pieces.
const LONGEST_LINE: usize = 64 * 1024;
/// No secret is as long, with whatever stands in its middle; beyond that nothing is waited for.
const MOST_HELD: usize = 4 * LONGEST_LINE;

#[derive(Debug)]
pub struct Stream {
    mask: Mask,
    held: Vec<u8>,
}

impl Stream {
    #[must_use]
    pub fn new(mask: Mask) -> Self {
        Stream { mask, held: Vec::new() }
    }

    /// Takes what was read; gives the text that is complete by now.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.held.extend_from_slice(bytes);
        let lines = self.held.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let waits = lines == 0 && self.held.len() < LONGEST_LINE;
        if waits {
            return String::new();
        }
        let settled = self.mask.settled(&self.held);
        let end = match self.held[..settled].iter().rposition(|byte| *byte == b'\n') {
            Some(at) => at + 1,
            None if self.held.len() >= MOST_HELD => self.held.len(),
            None if self.held.len() >= LONGEST_LINE => settled,
            None => return String::new(),
        };
        let rest = self.held.split_off(end);
        let piece = self.mask.piece(&self.held);
        self.held = rest;
        piece
    }

    /// What is left when nothing more comes.
    pub fn finish(&mut self) -> String {
        let left = std::mem::take(&mut self.held);
        self.mask.piece(&left)
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }
}
