//! Text for people: how wide, which marks, what colour. All of it goes to stderr; stdout is for data.
//!
//! Invariant: no text carries colour until it is printed, so that widths are those of what is read.

use std::borrow::Cow;
use std::io::{BufWriter, IsTerminal, StdoutLock, Write};
use std::sync::LazyLock;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::process::environment;
use crate::state::Status;

/// What a line may be wide.
pub const WIDTH: usize = 80;

/// Whether stderr may be painted and rows may move on it: a terminal, and nobody asked for plain text.
static LIVE: LazyLock<bool> = LazyLock::new(|| std::io::stderr().is_terminal() && !plain_wanted());

#[must_use]
pub fn is_live() -> bool {
    *LIVE
}

fn plain_wanted() -> bool {
    let set = |name| environment::var(name).is_some();
    set("NO_COLOR") || set("CI") || environment::var("TERM").is_none_or(|term| term == "dumb")
}

/// Readable without colour.
#[must_use]
pub fn mark(status: Status) -> char {
    match status {
        Status::Passed => '✓',
        Status::Failed | Status::Interrupted => '✗',
        Status::WaitingEdit | Status::WaitingDecision | Status::WaitingAttestation => '●',
        Status::Skipped => '–',
        Status::Running => '▸',
        Status::Stale => '~',
        Status::Pending => '·',
    }
}

/// Everything for people goes to stderr; a reader that has gone away is no reason to stop.
pub fn print(text: &str) {
    let text = if is_live() { Cow::Owned(painted(text)) } else { Cow::Borrowed(text) };
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Data for programs.
pub fn data(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Data for programs, written piece by piece.
pub fn stream(write: impl FnOnce(&mut BufWriter<StdoutLock<'_>>) -> std::io::Result<()>) {
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let _ = write(&mut out).and_then(|()| out.flush());
}

/// A page that was asked for: plain where a program may read it.
pub fn page(text: &str) {
    match std::io::stdout().is_terminal() && !plain_wanted() {
        true => data(&painted(text)),
        false => data(text),
    }
}

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const CYAN: &str = "\x1b[36m";
const BOLD: &str = "\x1b[1m";
const OFF: &str = "\x1b[0m";

/// Marks, and the words that a line begins with.
fn painted(text: &str) -> String {
    let words = [("error:", RED), ("error[", RED), ("warning[", YELLOW), ("hint:", CYAN), ("next ", BOLD)];
    let marks = [(" ✓ ", GREEN), (" ✗ ", RED), (" ● ", YELLOW)];
    let line = |line: &str| {
        let begun = words
            .iter()
            .find(|(word, _)| line.starts_with(word))
            .map(|(word, colour)| (word.trim_end_matches('['), colour));
        let mut line =
            begun.map_or(line.to_owned(), |(word, colour)| format!("{colour}{word}{OFF}{}", &line[word.len()..]));
        for (mark, colour) in marks {
            line = line.replace(mark, &format!(" {colour}{}{OFF} ", mark.trim()));
        }
        line
    };
    text.split_inclusive('\n').map(line).collect()
}

/// At most `width` columns, with an ellipsis where something was left out. Some characters take two columns.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    let text = text.lines().next().unwrap_or_default();
    if text.width() <= width {
        return text.to_owned();
    }
    let mut taken = 1;
    let fits = |character: &char| {
        taken += character.width().unwrap_or(0);
        taken <= width
    };
    text.chars().take_while(fits).chain(std::iter::once('…')).collect()
}

/// Breaks a text at words so that no line is wider than `width`.
#[must_use]
pub fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let mut out = String::new();
    for paragraph in text.lines() {
        let mut line = indent.to_owned();
        let room = width.saturating_sub(indent.chars().count());
        for word in paragraph.split_whitespace().flat_map(|word| pieces(word, room)) {
            if line.chars().count() + word.chars().count() > width && line.trim() != "" {
                out.push_str(line.trim_end());
                out.push('\n');
                line = indent.to_owned();
            }
            line.push_str(&word);
            line.push(' ');
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A word that is wider than a line goes on in the next, behind a `/` or its like where there is one.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = word.chars().collect();
    let (mut rest, mut out) = (characters.as_slice(), Vec::new());
    while rest.len() > width.max(1) {
        let line = &rest[..width.max(1)];
        let end = line.iter().rposition(|c| "/-_.=".contains(*c)).filter(|end| *end > width / 2);
        let (piece, after) = rest.split_at(end.map_or(line.len(), |end| end + 1));
        out.push(piece.iter().collect());
        rest = after;
    }
    out.push(rest.iter().collect());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_is_as_wide_as_said_whatever_is_in_it() {
        assert_eq!(cut("🚀 build passed", 9), "🚀 build…");
        assert_eq!(cut("表の列を変える", 7), "表の列…");
        assert_eq!(cut("fits", 4), "fits");
    }

    #[test]
    fn a_long_name_breaks_where_a_reader_would() {
        let lines = wrapped("see packages/db/drizzle/receipts/0007_rename_email.toml", 30, "  ");
        assert_eq!(lines, "  see packages/db/drizzle/\n  receipts/0007_rename_email.\n  toml\n");
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let text = "  migrate      ✗ rehearse   no\nerror: it says error: twice\nhint: look\nnext  go on\n";
        let shown = painted(text);
        assert_eq!(shown.matches(OFF).count(), 4, "{shown:?}");
        assert_eq!([RED, CYAN, BOLD, OFF].iter().fold(shown, |text, code| text.replace(code, "")), text);
    }
}
