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
use squawk_linter::Rule;
use squawk_syntax::{SourceFile, SyntaxNode};

use super::remarks::{self, Remark};
use super::statements::{self, Parsed};

/// Reserved, and used as far as a file needs it.
const STACK: usize = 256 << 20;
/// Ten thousand statements, a megabyte, take a tenth of a second: this, and as much again for each 100 kB, is for a machine that has
/// other things to do too.
const PATIENCE: Duration = Duration::from_secs(2);
const SHARE: usize = 100_000;
/// No SQL of a person nests as deep; the parser calls itself for each level.
const DEEPEST: usize = 500;
/// Nor does it write an expression as long; each word may be a level too.
const LONGEST: usize = 10_000;
/// Bytes that nest in any stack, so that they are worth no thread of their own.
const SHORT: usize = 240;
const NAME: &str = "sql-reader";
const GAVE_UP: &str = "the parser gave up";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guarded {
    Parsed(Parsed),
    NotParsed { why: String },
}

/// What the linter's rules said, or why they did not.
pub type Remarks = Result<Vec<Remark>, String>;

struct Reader {
    texts: Sender<(String, &'static [Rule])>,
    results: Receiver<Option<Parsed>>,
    remarks: Receiver<Option<Vec<Remark>>>,
}

thread_local! {
    static READER: RefCell<Option<Reader>> = const { RefCell::new(None) };
}

/// Reads a file on a thread that may be left behind.
#[must_use]
pub fn guarded(text: &str) -> Guarded {
    remarked(text, &[]).0
}

/// The same, and what rules of the linter say to it, read off one tree.
pub fn remarked(text: &str, rules: &'static [Rule]) -> (Guarded, Remarks) {
    if let Some(why) = too_deep(text) {
        return (Guarded::NotParsed { why }, Ok(Vec::new()));
    }
    READER.with_borrow_mut(|slot| {
        let not_parsed = |why: String| (Guarded::NotParsed { why }, Ok(Vec::new()));
        let reader = match slot.take().map_or_else(Reader::start, Ok) {
            Ok(reader) => reader,
            Err(error) => return not_parsed(format!("no thread could be started: {error}")),
        };
        if reader.texts.send((text.to_owned(), rules)).is_err() {
            return not_parsed(GAVE_UP.to_owned());
        }
        let patience = patience(text);
        let parsed = match reader.results.recv_timeout(patience) {
            Ok(parsed) => parsed,
            // It works on in the background; the next file gets another.
            Err(RecvTimeoutError::Timeout) => return not_parsed(too_long(patience)),
            Err(RecvTimeoutError::Disconnected) => return not_parsed(GAVE_UP.to_owned()),
        };
        let Some(parsed) = parsed else {
            *slot = Some(reader);
            return not_parsed(GAVE_UP.to_owned());
        };
        let remarks = match reader.remarks.recv_timeout(patience) {
            Ok(remarks) => remarks.ok_or_else(|| "one of them gave up".to_owned()),
            Err(RecvTimeoutError::Timeout) => return (Guarded::Parsed(parsed), Err(too_long(patience))),
            Err(RecvTimeoutError::Disconnected) => return (Guarded::Parsed(parsed), Err(GAVE_UP.to_owned())),
        };
        *slot = Some(reader);
        (Guarded::Parsed(parsed), remarks)
    })
}

fn patience(text: &str) -> Duration {
    PATIENCE.saturating_mul(u32::try_from(1 + text.len() / SHARE).unwrap_or(u32::MAX))
}

fn too_long(patience: Duration) -> String {
    format!("took more than {} s", patience.as_secs())
}

/// Reads the syntax tree of a statement, or of a part of one, in the same way.
pub fn tree<T: Send>(text: &str, read: impl FnOnce(&SyntaxNode) -> T + Send) -> Option<T> {
    if too_deep(text).is_some() {
        return None;
    }
    let found = || {
        let parse = SourceFile::parse(text);
        parse.errors().is_empty().then(|| read(&parse.syntax_node()))
    };
    if text.len() <= SHORT {
        return panic::catch_unwind(AssertUnwindSafe(found)).ok()?;
    }
    quiet();
    thread::scope(|scope| {
        let reader = thread::Builder::new().name(NAME.to_owned()).stack_size(STACK);
        reader.spawn_scoped(scope, found).ok()?.join().ok()?
    })
}

impl Reader {
    fn start() -> std::io::Result<Reader> {
        quiet();
        let (texts, incoming) = channel::<(String, &'static [Rule])>();
        let (outgoing, results) = channel();
        let (saying, remarks) = channel();
        thread::Builder::new().name(NAME.to_owned()).stack_size(STACK).spawn(move || {
            for (text, rules) in incoming {
                let tried = panic::catch_unwind(AssertUnwindSafe(|| {
                    let parse = SourceFile::parse(&text);
                    let parsed = statements::read(&parse, &text);
                    (parse, parsed)
                }));
                let (parse, parsed) = tried.ok().unzip();
                if outgoing.send(parsed).is_err() {
                    return;
                }
                let Some(parse) = parse else { continue };
                let said = panic::catch_unwind(AssertUnwindSafe(|| remarks::remarks(&parse, &text, rules)));
                if saying.send(said.ok()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Reader { texts, results, remarks })
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
pub(super) fn too_deep(text: &str) -> Option<String> {
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
    fn what_is_read_without_a_thread_fits_a_small_stack() {
        let (not, brackets) = ("NOT ".repeat(58), SHORT / 2 - 8);
        for text in [format!("SELECT {not}1"), format!("SELECT {}1{}", "(".repeat(brackets), ")".repeat(brackets))] {
            assert!(text.len() <= SHORT);
            let reader = thread::Builder::new().stack_size(1 << 20);
            let read = reader.spawn(move || tree(&text, |root| root.descendants().count())).unwrap().join().unwrap();
            assert!(read.is_some_and(|nodes| nodes > 50), "{read:?}");
        }
    }

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
