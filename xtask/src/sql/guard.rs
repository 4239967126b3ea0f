//! Reading a file that anybody may have written: the parser may give up, run long, or nest deeper than a stack.
//!
//! Invariant: what comes back is either the whole file, read, or the reason why it was not. Nothing ends the program.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use squawk_syntax::{SourceFile, SyntaxNode};

use super::statements::{self, Parsed};

/// Reserved, and used as far as a file needs it.
const STACK: usize = 256 << 20;
/// Ten thousand statements take a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(2);
/// No SQL of a person nests as deep; the parser calls itself for each level.
const DEEPEST: usize = 500;
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
    let depth = depth(text);
    if depth > DEEPEST {
        return Guarded::NotParsed { why: format!("nested {depth} levels deep, over {DEEPEST}") };
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
    if depth(text) > DEEPEST {
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

/// How deep brackets nest, at most: an upper bound, read in one pass.
fn depth(text: &str) -> usize {
    let (mut now, mut deepest) = (0usize, 0usize);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' => now += 1,
            b')' | b']' => now = now.saturating_sub(1),
            b';' => now = 0,
            _ => {}
        }
        deepest = deepest.max(now);
    }
    deepest
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
}
