//! The lines of a file around a finding, few and narrow enough to read, and the bytes under the caret.
//!
//! Invariant: what one excerpt costs does not grow with the file. Findings come in the order of the file, so a column is counted on from
//! the one before.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use super::push_visible;
use crate::review::Finding;

/// Lines of a statement that are shown.
const LINES: usize = 6;
/// Columns of a line that are shown, and how many of them before the caret.
const WIDTH: usize = 70;
const BEFORE: usize = 16;

pub(super) struct Excerpt {
    pub(super) text: String,
    /// The number of its first line.
    pub(super) first: usize,
    pub(super) caret: Range<usize>,
    /// Lines of the statement that are not shown.
    pub(super) more: usize,
}

/// A file that excerpts are taken from.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// Line, column and byte of the finding before.
    last: (usize, usize, usize),
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Lines { text, starts: std::iter::once(0).chain(ends).collect(), last: (0, 0, 0) }
    }

    /// The line, from 1, that holds a byte.
    fn line_of(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte)
    }

    /// The statement's last line.
    pub(super) fn last(&self, finding: &Finding) -> usize {
        let last = finding.span.end.checked_sub(1).filter(|_| !finding.span.is_empty()).map(|end| self.line_of(end));
        last.map_or(finding.line, |last| last.max(finding.line))
    }

    fn span(&self, line: usize) -> Option<Range<usize>> {
        let start = *self.starts.get(line.checked_sub(1)?)?;
        let end = self.starts.get(line).map_or(self.text.len(), |next| next - 1);
        let end = if self.text[start..end].ends_with('\r') { end - 1 } else { end };
        Some(start..end)
    }

    /// The byte of a line's column.
    fn byte(&mut self, line: usize, column: usize) -> Option<usize> {
        let span = self.span(line)?;
        let (from, passed) = match self.last {
            (last, at, byte) if last == line && at <= column => (byte, at),
            _ => (span.start, 1),
        };
        let rest = &self.text[from..span.end];
        let byte = rest.char_indices().nth(column.saturating_sub(passed)).map_or(span.end, |(at, _)| from + at);
        self.last = (line, column, byte);
        Some(byte)
    }

    /// Where its place is not in the file, a finding has no excerpt.
    pub(super) fn excerpt(&mut self, finding: &Finding) -> Option<Excerpt> {
        let at = self.byte(finding.line, finding.column)?;
        let (top, bottom) = match finding.span.is_empty() {
            true => (finding.line, finding.line),
            false => (self.line_of(finding.span.start), self.line_of(finding.span.end - 1)),
        };
        let (top, bottom) = (top.min(finding.line), bottom.max(finding.line).min(self.starts.len()));
        let first = if finding.line < top + LINES { top } else { finding.line - 2 };
        let last = bottom.min(first + LINES - 1);
        let mut out = Excerpt { text: String::new(), first, caret: 0..0, more: bottom + 1 - top - (last + 1 - first) };
        for line in first..=last {
            let span = self.span(line)?;
            if line == finding.line {
                let end = if finding.span.contains(&at) { finding.span.end.min(span.end) } else { span.end };
                self.marked(&mut out, &span, at..end.max(at));
            } else {
                push_cut(&mut out.text, &self.text[span], WIDTH);
            }
            out.text.push('\n');
        }
        Some(out)
    }

    /// The line of the caret: where it begins far to the right, so does what is shown.
    fn marked(&self, out: &mut Excerpt, line: &Range<usize>, caret: Range<usize>) {
        let before = &self.text[line.start..caret.start];
        let near = before.char_indices().rev().nth(BEFORE - 1).map_or(0, |(at, _)| at);
        let begin = out.text.len();
        out.text.push_str(if near > 0 { "…" } else { "" });
        push_cut(&mut out.text, &before[near..], BEFORE);
        let start = out.text.len();
        let room = WIDTH.saturating_sub(columns(&out.text[begin..]));
        push_cut(&mut out.text, &self.text[caret.clone()], room);
        out.caret = start..out.text.len();
        let left = room - columns(&out.text[start..]);
        if left > 1 {
            push_cut(&mut out.text, &self.text[caret.end..line.end], left);
        }
    }
}

fn columns(text: &str) -> usize {
    text.width()
}

/// As much of a line as there is room for, nothing in it that a terminal would obey.
fn push_cut(out: &mut String, line: &str, room: usize) {
    let (mut taken, mut fits) = (0, out.len());
    for character in line.chars() {
        let before = out.len();
        push_visible(out, character);
        taken += columns(&out[before..]);
        if taken > room {
            out.truncate(fits);
            out.push('…');
            return;
        }
        // Up to here an ellipsis has room as well.
        if taken < room {
            fits = out.len();
        }
    }
}
