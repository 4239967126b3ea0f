//! Broken and strange SQL: the corpus with bytes lost, doubled, moved and put in. Nothing may end the review, and no word of a file may
//! fall under the table: it is in a statement that was read, or there is a finding that says what was not.
//!
//! `FUZZ_SECONDS` is how long (three by default), `FUZZ_SEED` begins where an earlier failure was.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use squawk_lexer::{LiteralKind, TokenKind};
use xtask::process::environment;
use xtask::review::scan::{self, Kind};
use xtask::review::set::{Before, Set, Source, Transaction};
use xtask::review::{Class, Finding, Severity, review};
use xtask::sql::guard::{Guarded, guarded};

use crate::corpus::case;

/// xorshift64*, so that a seed is a whole failure.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    pub fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

const PIECES: &[&str] = &[
    "'",
    "\"",
    "$$",
    "$a$",
    "--",
    "--\n",
    "/*",
    "*/",
    ";",
    ";;",
    "(",
    ")",
    "((((",
    "))))",
    "[",
    "]",
    ",",
    ".",
    "..",
    "::",
    ":",
    "E'\\'",
    "U&'\\0041'",
    "U&\"x\"",
    "\\",
    "\0",
    "\u{feff}",
    "\u{202e}",
    "é",
    "🦀",
    "\r",
    "\r\n",
    "\t",
    " ",
    "\n",
    "0x",
    "1e",
    "1.",
    ".1",
    "$1",
    "@",
    "#",
    "?",
    "NOT ",
    "NULL",
    "ALTER TABLE ",
    "ONLY ",
    "IF EXISTS ",
    "ADD COLUMN ",
    "DROP ",
    "COLUMN ",
    "CONSTRAINT ",
    "CHECK (",
    "DEFAULT ",
    "SET ",
    "TYPE ",
    "USING ",
    "CONCURRENTLY ",
    "CASCADE",
    "SELECT ",
    "FROM ",
    "WHERE ",
    "WITH a AS (",
    "BEGIN;",
    "COMMIT;",
    "BEGIN ATOMIC ",
    "END",
    "CASE WHEN ",
    "DO $$",
    "CREATE ",
    "OR REPLACE ",
    "FUNCTION f() ",
    "RETURNS ",
    "LANGUAGE sql ",
    "INDEX ",
    "ON ",
    "UNIQUE ",
    "INSERT INTO ",
    "VALUES ",
    "COPY t FROM stdin;\n1\t2\n\\.\n",
    "\\connect x\n",
    "--> statement-breakpoint\n",
    "-- db-change: accept H60 reason=\"x\"\n",
    "-- db-change: ",
    "PARTITION OF ",
    "ARRAY[",
    "a.b.c.d",
    "pg_catalog.",
    "\"\"",
];

fn mutated(dice: &mut Dice, texts: &[String]) -> String {
    let mut characters: Vec<char> = dice.of(texts).chars().collect();
    for _ in 0..=dice.below(6) {
        let at = dice.below(characters.len() + 1);
        let end = (at + dice.below(24)).min(characters.len());
        match dice.below(6) {
            0 => drop(characters.drain(at..end)),
            1 => {
                let copied: Vec<char> = characters[at..end].to_vec();
                let to = dice.below(characters.len() + 1);
                characters.splice(to..to, copied);
            }
            2 => {
                let piece: Vec<char> = dice.of(PIECES).repeat(1 + dice.below(3)).chars().collect();
                characters.splice(at..at, piece);
            }
            3 => {
                let other: Vec<char> = dice.of(texts).chars().collect();
                let from = dice.below(other.len() + 1);
                let until = (from + dice.below(80)).min(other.len());
                characters.splice(at..at, other[from..until].to_vec());
            }
            4 => characters.truncate(at.max(1)),
            _ => {
                let piece: Vec<char> = dice.of(PIECES).chars().collect();
                characters.splice(at..end, piece);
            }
        }
        characters.truncate(20_000);
    }
    characters.into_iter().collect()
}

/// The words of a file that are neither in a statement nor in a file that was found broken.
fn unseen(text: &str, findings: &[Finding]) -> Option<String> {
    if findings.iter().any(|finding| finding.class == Class::Syntax && finding.severity == Severity::Error) {
        return None;
    }
    let Guarded::Parsed(parsed) = guarded(text) else { return Some("not parsed, and no finding".to_owned()) };
    let mut rest = String::new();
    let mut from = 0;
    for statement in &parsed.statements {
        rest.push_str(&text[from..statement.start]);
        from = statement.end;
        if statement.actions.is_empty() && !findings.iter().any(|finding| finding.line == statement.line) {
            return Some(format!("nothing is said of `{}`", statement.text));
        }
    }
    rest.push_str(&text[from..]);
    let tokens = squawk_syntax::SourceFile::parse(&rest);
    let words =
        tokens.syntax_node().children().filter(|node| node.kind() != squawk_syntax::SyntaxKind::EMPTY_STMT).count();
    (words > 0).then(|| format!("outside of all statements: `{rest}`"))
}

/// Where PostgreSQL's rules and the parser's differ on what is code, a statement could hide in what only one of them takes for a comment.
fn disagreement(text: &str) -> Option<String> {
    let mut kinds = vec![Kind::Code; text.len()];
    let mut at = 0;
    for token in squawk_lexer::tokenize(text) {
        let end = at + usize::try_from(token.len).unwrap();
        let kind = match token.kind {
            TokenKind::LineComment => Kind::LineComment,
            TokenKind::BlockComment { .. } => Kind::BlockComment,
            TokenKind::QuotedIdent { .. } => Kind::Quoted,
            TokenKind::Literal { kind } if !matches!(kind, LiteralKind::Int { .. } | LiteralKind::Numeric { .. }) => {
                Kind::Quoted
            }
            _ => Kind::Code,
        };
        // `E`, `U&` and the like stand before the quote.
        let before = if kind == Kind::Quoted { text[at..end].find(['\'', '"', '$']).unwrap_or(0) } else { 0 };
        kinds[at + before..end].fill(kind);
        at = end;
    }
    for piece in scan::pieces(text) {
        for at in piece.span.clone() {
            let hidden = |kind: Kind| kind != Kind::Code;
            if hidden(kinds[at]) != hidden(piece.kind) && !text.as_bytes()[at].is_ascii_whitespace() {
                let around = text.get(at.saturating_sub(20)..(at + 20).min(text.len())).unwrap_or_default();
                return Some(format!(
                    "byte {at} is {:?} to the parser and {:?} to PostgreSQL: {around:?}",
                    kinds[at], piece.kind
                ));
            }
        }
    }
    None
}

#[test]
fn broken_sql_ends_nothing_and_no_word_of_it_goes_unseen() {
    let number = |name: &str| environment::var(name).and_then(|text| text.parse().ok());
    let seconds: u64 = number("FUZZ_SECONDS").unwrap_or(3);
    let mut seed: u64 = number("FUZZ_SEED").unwrap_or(0x5eed);
    let texts: Vec<String> = case::all().iter().flat_map(|case| &case.files).map(|(_, text)| text.clone()).collect();
    let begun = Instant::now();
    let mut files = 0;
    while begun.elapsed() < Duration::from_secs(seconds) {
        let mut dice = Dice(seed | 1);
        let text = mutated(&mut dice, &texts);
        let transaction = *dice.of(&[Transaction::Set, Transaction::File, Transaction::Message, Transaction::Own]);
        let source = Source { path: PathBuf::from("a.sql"), text: text.clone(), transaction };
        let before = if dice.below(2) == 0 { Before::Unknown } else { Before::Files(vec![case::base()]) };
        let set = Set { files: vec![source], before, pending: true, ..Set::default() };
        let told = |what: &str| format!("FUZZ_SEED={seed}: {what}\n{text}");
        let started = Instant::now();
        let report = std::panic::catch_unwind(|| review(&set, None)).unwrap_or_else(|_| panic!("{}", told("panics")));
        assert!(started.elapsed() < Duration::from_secs(20), "{}", told("takes too long"));
        if let Some(what) = unseen(&text, &report.findings) {
            panic!("{}", told(&what));
        }
        if !report.findings.iter().any(|finding| finding.class == Class::Syntax)
            && let Some(what) = disagreement(&text)
        {
            panic!("{}", told(&what));
        }
        for finding in &report.findings {
            assert!(
                finding.span.end <= text.len() && text.is_char_boundary(finding.span.start),
                "{}",
                told(finding.id)
            );
        }
        seed = dice.next();
        files += 1;
    }
    eprintln!("{files} files in {seconds} s, next FUZZ_SEED={seed}");
    assert!(files > 0);
}
