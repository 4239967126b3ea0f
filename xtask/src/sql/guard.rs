//! Reading a file that anybody may have written: the parser may give up, run long, or nest deeper than a stack.
//!
//! Invariant: what comes back is either the whole file, read, or the reason why it was not. Nothing ends the program.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use squawk_lexer::TokenKind;
use squawk_syntax::{SourceFile, SyntaxNode};

use super::statements::{self, Parsed};

/// Reserved, and used as far as a file needs it.
const STACK: usize = 256 << 20;
/// Ten thousand statements take a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(2);
/// No SQL of a person nests as deep; the parser calls itself for each level.
const DEEPEST: usize = 500;
/// Nor does it write an expression as long; each word may be a level too.
const LONGEST: usize = 10_000;
const NAME: &str = "sql-reader";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guarded {
    Parsed(Parsed),
    NotParsed { why: String },
}

struct Reader {
    texts: Sender<String>,
    results: Receiver<Option<Parsed>>,
}

thread_local! {
    static READER: RefCell<Option<Reader>> = const { RefCell::new(None) };
}

/// Reads a file on a thread that may be left behind.
#[must_use]
pub fn guarded(text: &str) -> Guarded {
    if let Some(why) = too_deep(text) {
        return Guarded::NotParsed { why };
    }
    READER.with_borrow_mut(|slot| {
        let reader = match slot.take().map_or_else(Reader::start, Ok) {
            Ok(reader) => reader,
            Err(error) => return Guarded::NotParsed { why: format!("no thread could be started: {error}") },
        };
        if reader.texts.send(text.to_owned()).is_err() {
            return Guarded::NotParsed { why: "the parser gave up".to_owned() };
        }
        match reader.results.recv_timeout(PATIENCE) {
            Ok(Some(parsed)) => {
                *slot = Some(reader);
                Guarded::Parsed(parsed)
            }
            Ok(None) | Err(RecvTimeoutError::Disconnected) => {
                *slot = Some(reader);
                Guarded::NotParsed { why: "the parser gave up".to_owned() }
            }
            // It works on in the background; the next file gets another.
            Err(RecvTimeoutError::Timeout) => {
                Guarded::NotParsed { why: format!("took more than {} s", PATIENCE.as_secs()) }
            }
        }
    })
}

/// Reads the syntax tree of a statement, or of a part of one, in the same way.
pub fn tree<T: Send>(text: &str, read: impl FnOnce(&SyntaxNode) -> T + Send) -> Option<T> {
    if too_deep(text).is_some() {
        return None;
    }
    quiet();
    thread::scope(|scope| {
        let reader = thread::Builder::new().name(NAME.to_owned()).stack_size(STACK);
        let reader = reader.spawn_scoped(scope, || {
            let parse = SourceFile::parse(text);
            parse.errors().is_empty().then(|| read(&parse.syntax_node()))
        });
        reader.ok()?.join().ok()?
    })
}

impl Reader {
    fn start() -> std::io::Result<Reader> {
        quiet();
        let (texts, incoming) = channel::<String>();
        let (outgoing, results) = channel();
        thread::Builder::new().name(NAME.to_owned()).stack_size(STACK).spawn(move || {
            for text in incoming {
                let parsed = panic::catch_unwind(AssertUnwindSafe(|| statements::parse(&text))).ok();
                if outgoing.send(parsed).is_err() {
                    return;
                }
            }
        })?;
        Ok(Reader { texts, results })
    }
}

/// A panic there is an answer, and nothing to print.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().name() != Some(NAME) {
                before(info);
            }
        }));
    });
}

/// Why a text is not given to the parser, which calls itself for each bracket and for most links of a chain (`NOT NOT …`,
/// `a OR b OR …`): its stack would not hold them, and a stack that overflows ends the program.
fn too_deep(text: &str) -> Option<String> {
    // For each open bracket, how many tokens lie on the way to this place: those of the list's other elements do not.
    let (mut before, mut now) = (Vec::new(), 0usize);
    for token in squawk_lexer::tokenize(text) {
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => continue,
            TokenKind::OpenParen | TokenKind::OpenBracket => before.push(now),
            TokenKind::CloseParen | TokenKind::CloseBracket => now = before.pop().unwrap_or(now),
            TokenKind::Comma => now = before.last().copied().unwrap_or(0),
            TokenKind::Semi => {
                before.clear();
                now = 0;
            }
            _ => {}
        }
        now += 1;
        if before.len() > DEEPEST {
            return Some(format!("brackets are nested more than {DEEPEST} levels deep"));
        }
        if now > LONGEST {
            return Some(format!("one expression has more than {LONGEST} words"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nests_too_deep_is_not_parsed_and_the_next_file_is() {
        let deep = format!("SELECT {}1{};", "(".repeat(100_000), ")".repeat(100_000));
        assert!(matches!(guarded(&deep), Guarded::NotParsed { why } if why.contains("nested")));
        assert!(matches!(guarded("SELECT 1;"), Guarded::Parsed(parsed) if parsed.statements.len() == 1));
    }

    /// What the parser calls itself for, and what makes a tree deep, without a bracket: as long as is let through.
    #[test]
    fn chains_without_brackets_do_not_end_the_program() {
        let chains = [
            ("SELECT ", "NOT ", 1, "true"),
            ("SELECT ", "@ ", 1, "1"),
            ("SELECT 1", " OR 1", 2, ""),
            ("SELECT 1", "::int", 3, ""),
            ("SELECT a", ".a", 2, ""),
            ("SELECT 1", " UNION SELECT 1", 3, ""),
            ("SELECT ", "CASE WHEN ", 2, "1"),
            ("SELECT ", "CASE 1 WHEN 1 THEN ", 5, "1"),
            ("SELECT * FROM a", " JOIN a", 2, ""),
            ("", "EXPLAIN ", 1, "SELECT 1"),
            ("", "PREPARE p AS ", 3, "SELECT 1"),
            ("", "CREATE RULE r AS ON SELECT TO t DO ", 9, "SELECT 1"),
        ];
        for (head, link, words, tail) in chains {
            let text = |links: usize| format!("{head}{}{tail};", link.repeat(links));
            assert_eq!(too_deep(&text(LONGEST / words - 8)), None, "{link}");
            let _ = guarded(&text(LONGEST / words - 8));
            assert!(too_deep(&text(LONGEST / words + 8)).is_some(), "{link}");
        }
        let list = format!("INSERT INTO t VALUES {}(1, 'a');", "(1, 'a'), ".repeat(LONGEST));
        assert_eq!(too_deep(&list), None);
    }
}
