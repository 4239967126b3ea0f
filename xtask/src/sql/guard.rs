//! Reading a file that anybody may have written: the parser may give up, run long, or nest deeper than a stack.
//!
//! Invariant: what comes back is either the whole file, read, or the reason why it was not. Nothing ends the program.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use squawk_linter::Rule;
use squawk_syntax::SourceFile;

use super::remarks::{self, Remark};
use super::statements::{self, Parsed};

/// Reserved, and used as far as a file needs it.
const STACK: usize = 256 << 20;
/// Ten thousand statements take a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(2);
/// No SQL of a person nests as deep; the parser calls itself for each level.
const DEEPEST: usize = 500;
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
    let none = Ok(Vec::new());
    let depth = depth(text);
    if depth > DEEPEST {
        return (Guarded::NotParsed { why: format!("nested {depth} levels deep, over {DEEPEST}") }, none);
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
        let parsed = match reader.results.recv_timeout(PATIENCE) {
            Ok(parsed) => parsed,
            // It works on in the background; the next file gets another.
            Err(RecvTimeoutError::Timeout) => return not_parsed(too_long()),
            Err(RecvTimeoutError::Disconnected) => return not_parsed(GAVE_UP.to_owned()),
        };
        let Some(parsed) = parsed else {
            *slot = Some(reader);
            return not_parsed(GAVE_UP.to_owned());
        };
        let remarks = match reader.remarks.recv_timeout(PATIENCE) {
            Ok(remarks) => remarks.ok_or_else(|| "one of them gave up".to_owned()),
            Err(RecvTimeoutError::Timeout) => return (Guarded::Parsed(parsed), Err(too_long())),
            Err(RecvTimeoutError::Disconnected) => return (Guarded::Parsed(parsed), Err(GAVE_UP.to_owned())),
        };
        *slot = Some(reader);
        (Guarded::Parsed(parsed), remarks)
    })
}

fn too_long() -> String {
    format!("took more than {} s", PATIENCE.as_secs())
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
