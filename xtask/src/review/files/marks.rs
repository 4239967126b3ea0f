//! What a file says to the program that runs it: its part forward, its part back, whether it wants a transaction.
//!
//! Invariant: a text that is read keeps every byte's place; what is not run is spaces.

use std::ops::Range;

use crate::review::scan::{self, Kind};

/// goose's comments begin a line (pressly/goose, internal/sqlparser).
fn goose(line: &str) -> Option<String> {
    line.strip_prefix("--")?.trim().strip_prefix("+goose ").map(|words| words.trim().to_lowercase())
}

#[must_use]
pub(super) fn is_goose(text: &str) -> bool {
    text.lines().any(|line| goose(line).as_deref() == Some("up"))
}

/// Whether no transaction is opened; each statement is then sent by itself.
#[must_use]
pub(super) fn goose_outside(text: &str) -> bool {
    text.lines().any(|line| goose(line).as_deref() == Some("no transaction"))
}

/// `up`, `down`, and what stands behind it (amacneil/dbmate, pkg/dbmate/migration.go).
fn dbmate(line: &str) -> Option<(&str, &str)> {
    let words = line.strip_prefix("--")?.trim_start().strip_prefix("migrate:")?;
    let (way, options) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    matches!(way, "up" | "down").then_some((way, options))
}

#[must_use]
pub(super) fn is_dbmate(text: &str) -> bool {
    text.lines().any(|line| dbmate(line).is_some_and(|(way, _)| way == "up"))
}

#[must_use]
pub(super) fn dbmate_outside(text: &str) -> bool {
    let outside = |(way, options): (&str, &str)| {
        way == "up" && options.split_whitespace().any(|option| option == "transaction:false")
    };
    text.lines().filter_map(dbmate).any(outside)
}

/// The part that is run forward.
#[must_use]
pub(super) fn goose_up(text: &str) -> String {
    forward(text, |line| match goose(line).as_deref() {
        Some("up") => Some(true),
        Some("down") => Some(false),
        _ => None,
    })
}

#[must_use]
pub(super) fn dbmate_up(text: &str) -> String {
    forward(text, |line| dbmate(line).map(|(way, _)| way == "up"))
}

/// From a line that turns it off to one that turns it on, nothing is left.
fn forward(text: &str, turns: impl Fn(&str) -> Option<bool>) -> String {
    let (mut on, mut at, mut back) = (true, 0, Vec::new());
    for line in text.split_inclusive('\n') {
        on = turns(line.trim_end_matches(['\n', '\r'])).unwrap_or(on);
        if !on {
            back.push(at..at + line.len());
        }
        at += line.len();
    }
    without(text, &back)
}

/// Commands of psql that change nothing in a database: `\set ON_ERROR_STOP on`, `\connect` of a dump. Others stay, and are no SQL.
const HARMLESS: &[&str] = &[
    "a",
    "c",
    "connect",
    "conninfo",
    "d",
    "dt",
    "echo",
    "encoding",
    "errverbose",
    "o",
    "out",
    "pset",
    "qecho",
    "restrict",
    "set",
    "t",
    "timing",
    "unrestrict",
    "unset",
    "warn",
    "x",
];

/// A script of psql's as the server sees it: without its own harmless commands, and without the rows behind a COPY.
#[must_use]
pub(super) fn psql(text: &str) -> String {
    let mut gone: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    // Where the rows of a COPY were, the pieces behind it begin anew.
    while let Some(rows) = rows_of_copy(text, from) {
        gone.extend(commands(text, from, rows.start));
        from = rows.end;
        gone.push(rows);
    }
    gone.extend(commands(text, from, text.len()));
    without(text, &gone)
}

fn commands(text: &str, from: usize, to: usize) -> Vec<Range<usize>> {
    let part = &text[from..to];
    if !part.contains('\\') {
        return Vec::new();
    }
    let mut at = 0;
    let mut found = Vec::new();
    let code: Vec<Range<usize>> =
        scan::pieces(part).into_iter().filter(|piece| piece.kind == Kind::Code).map(|piece| piece.span).collect();
    for line in part.split_inclusive('\n') {
        let start = at + (line.len() - line.trim_start().len());
        let word: Option<&str> = line.trim_start().strip_prefix('\\').and_then(|rest| rest.split_whitespace().next());
        let plain = || {
            let before = code.partition_point(|span| span.start <= start);
            before.checked_sub(1).is_some_and(|place| code[place].contains(&start))
        };
        if word.is_some_and(|word| HARMLESS.contains(&word)) && plain() {
            found.push(from + at..from + at + line.len());
        }
        at += line.len();
    }
    found
}

/// The lines behind `COPY … FROM stdin;`, up to `\.`.
fn rows_of_copy(text: &str, from: usize) -> Option<Range<usize>> {
    let part = &text[from..];
    if !part.contains("\n\\.") {
        return None;
    }
    let spans = scan::statements(part, &scan::pieces(part));
    let copy = spans.into_iter().find(|span| {
        // A command of psql's has no `;` at its end.
        let is_command = |line: &&str| line.trim_start().starts_with('\\');
        let statement: Vec<&str> = part[span.clone()].lines().skip_while(is_command).collect();
        let words = scan::normalised(&statement.join("\n")).to_lowercase();
        words.starts_with("copy ") && words.contains(" from stdin")
    })?;
    let start = from + copy.end + text[from + copy.end..].find('\n')? + 1;
    let mut at = start;
    for line in text[start..].split_inclusive('\n') {
        at += line.len();
        if line.trim_end() == "\\." {
            return Some(start..at);
        }
    }
    None
}

/// Without the mark of UTF-8 at its beginning, which psql and Flyway leave out, and the server takes for a word.
#[must_use]
pub(super) fn unmarked(text: &str) -> String {
    text.strip_prefix('\u{feff}').map_or_else(|| text.to_owned(), |rest| format!("   {rest}"))
}

/// The text with spaces in place of these bytes; lines stay lines.
fn without(text: &str, spans: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for span in spans {
        out.push_str(&text[at..span.start]);
        for character in text[span.clone()].chars() {
            match character {
                '\n' | '\r' => out.push(character),
                _ => out.extend(std::iter::repeat_n(' ', character.len_utf8())),
            }
        }
        at = span.end;
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_back_is_spaces_and_what_is_left_stays_where_it_was() {
        let goose = "-- +goose Up\nDROP TABLE ä;\r\n-- +goose Down\nCREATE TABLE ö (a int);\r\n";
        let dbmate =
            "--migrate:up transaction:false\nDROP TABLE ä;\n-- migrate:down\nCREATE TABLE ö;\n-- migrate:up\nSELECT 1;";
        for (text, read) in [(goose, goose_up(goose)), (dbmate, dbmate_up(dbmate))] {
            assert!(read.len() == text.len() && read.matches('\n').count() == text.matches('\n').count(), "{read:?}");
            assert!(read.find("DROP") == text.find("DROP") && !read.contains("CREATE"), "{read:?}");
        }
        assert!(dbmate_up(dbmate).ends_with("\nSELECT 1;"));
        assert!(dbmate_outside(dbmate) && !goose_outside(goose) && goose_outside("--+goose NO TRANSACTION"));
        assert!(!is_goose("  -- +goose Up") && !is_dbmate("-- migrate:update"));
    }

    #[test]
    fn psql_keeps_its_harmless_commands_and_the_rows_of_a_copy_and_nothing_else() {
        let text = "\\set ON_ERROR_STOP on\nCOPY t (a) FROM stdin;\n1\t'; DROP TABLE x;\n\\.\n\\i more.sql\nSELECT '\n\\set in a text\n';\n";
        let read = psql(text);
        assert_eq!(read.len(), text.len());
        let words: Vec<&str> = read.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(words, ["COPY t (a) FROM stdin;", "\\i more.sql", "SELECT '", "\\set in a text", "';"]);
    }
}
