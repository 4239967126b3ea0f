//! Secrets never reach a log, the terminal or the state: every text that came out of a child goes through here first.
//!
//! They are found in every form in which they travel ([`super::forms`]), also where a line break or an escape sequence of a
//! terminal stands in the middle of one, and in a stream wherever its pieces were cut ([`super::stream`]).

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

use super::escapes;
use super::forms::{self, Form};

pub use super::forms::percent_encoded;

const HIDDEN: &[u8] = b"***";
/// A line break in a shorter form is a coincidence.
const WRAPPED: usize = 8;

/// The texts to hide.
#[derive(Clone, Default)]
pub struct Mask {
    forms: Vec<Form>,
    finder: OnceLock<Option<AhoCorasick>>,
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask of {} forms", self.forms.len())
    }
}

/// A text without what a terminal does not show, and where each of its bytes stood.
struct Visible {
    bytes: Vec<u8>,
    places: Vec<usize>,
    /// Where an escape sequence begins that has no end yet.
    open: Option<usize>,
}

impl Mask {
    /// Hides `secret` in all its forms.
    pub fn add(&mut self, secret: &str) {
        for form in forms::of(secret) {
            if !self.forms.contains(&form) {
                self.forms.push(form);
            }
        }
        self.finder = OnceLock::new();
    }

    /// Hides what another mask hides as well.
    pub fn extend(&mut self, other: &Mask) {
        self.forms.extend(other.forms.iter().filter(|form| !self.forms.contains(form)).cloned().collect::<Vec<_>>());
        self.finder = OnceLock::new();
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        if self.is_empty() { text.to_owned() } else { self.hide(text.as_bytes(), &visible(text.as_bytes())) }
    }

    /// A piece of a stream that ends at `end`, which [`Mask::settled`] gave.
    pub(super) fn piece(&self, text: &[u8]) -> String {
        self.hide(text, &visible(text))
    }

    /// Up to where a text that goes on can be masked: not into what may become a secret, a sequence or a character.
    pub(super) fn settled(&self, text: &[u8]) -> usize {
        let seen = visible(text);
        let begun = |from: usize| {
            let tail = &seen.bytes[from..];
            self.forms.iter().any(|form| form.text.len() > tail.len() && form.text.as_bytes().starts_with(tail))
        };
        let longest = self.forms.iter().map(|form| form.text.len()).max().unwrap_or_default();
        let first = seen.bytes.len().saturating_sub(longest);
        let open = (first..seen.bytes.len()).find(|from| begun(*from)).map(|from| seen.places[from]);
        let mut end = [open, seen.open].into_iter().flatten().min().unwrap_or(text.len());
        // Nor may it end inside a match that began before.
        for found in self.ranges(&seen) {
            if found.start < end && end < found.end {
                end = found.start;
            }
        }
        let rest = text[..end].iter().rev().take(3).position(|byte| byte & 0xC0 != 0x80);
        match rest.map(|back| end - back - 1) {
            // The first byte of a character says how long it is.
            Some(lead) if end == text.len() && lead + width(text[lead]) > end => lead,
            _ => end,
        }
    }

    fn hide(&self, text: &[u8], seen: &Visible) -> String {
        let mut out = Vec::with_capacity(text.len());
        let mut from = 0;
        for found in self.ranges(seen) {
            out.extend_from_slice(&text[from..found.start]);
            out.extend_from_slice(HIDDEN);
            // The lines of a text stay as many as they were.
            out.extend(text[found.clone()].iter().filter(|byte| **byte == b'\n'));
            from = found.end;
        }
        out.extend_from_slice(&text[from..]);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// What is to be hidden, in order and apart from each other.
    fn ranges(&self, seen: &Visible) -> Vec<Range<usize>> {
        let make = || AhoCorasick::new(self.forms.iter().map(|form| form.text.as_bytes())).ok();
        let Some(finder) = self.finder.get_or_init(make) else { return Vec::new() };
        let mut all: Vec<Range<usize>> = Vec::new();
        for found in finder.find_overlapping_iter(&seen.bytes) {
            let (mut from, mut to) = (found.start(), found.end());
            let whole = |from: usize, to: usize| seen.places[to - 1] - seen.places[from] == to - 1 - from;
            if to - from < WRAPPED && !whole(from, to) {
                continue;
            }
            if self.forms[found.pattern().as_usize()].within_base64 {
                let letter = |at: usize| seen.bytes[at].is_ascii_alphanumeric() || b"+/-_=".contains(&seen.bytes[at]);
                while from > 0 && letter(from - 1) && whole(from - 1, from + 1) {
                    from -= 1;
                }
                while to < seen.bytes.len() && letter(to) && whole(to - 1, to + 1) {
                    to += 1;
                }
            }
            all.push(seen.places[from]..seen.places[to - 1] + 1);
        }
        all.sort_by_key(|range| range.start);
        let mut apart: Vec<Range<usize>> = Vec::new();
        for range in all {
            match apart.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        apart
    }
}

/// How many bytes a character has, by its first.
fn width(lead: u8) -> usize {
    match lead {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 1,
    }
}

/// Leaves out line breaks and escape sequences.
fn visible(text: &[u8]) -> Visible {
    let mut seen =
        Visible { bytes: Vec::with_capacity(text.len()), places: Vec::with_capacity(text.len()), open: None };
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            0x1B => match escapes::sequence(&text[at..]) {
                Some(length) => at += length,
                None => {
                    seen.open = Some(at);
                    break;
                }
            },
            b'\r' | b'\n' => at += 1,
            byte => {
                seen.bytes.push(byte);
                seen.places.push(at);
                at += 1;
            }
        }
    }
    seen
}

#[cfg(test)]
#[path = "mask_tests.rs"]
mod tests;
