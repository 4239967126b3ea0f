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
use squawk_syntax::{SourceFile, SyntaxNode};

use super::cut::{Cut, cuts, too_deep};
use super::remarks::{self, Remark};
use super::statements::{self, Parsed, Reading};

/// Reserved, and used as far as a file needs it.
const STACK: usize = 256 << 20;
/// Ten thousand statements, a megabyte, take a tenth of a second: this, and as much again for each 100 kB, is for a machine that has
/// other things to do too.
const PATIENCE: Duration = Duration::from_secs(2);
const SHARE: usize = 100_000;
/// Bytes of a long file that are read at once: their tree fits a processor's cache, that of ten thousand statements takes 40 MB.
const PART: usize = 32 << 10;
/// Bytes that nest in any stack, so that they are worth no thread of their own.
const SHORT: usize = 240;
const NAME: &str = "sql-reader";
const GAVE_UP: &str = "the reader gave up";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guarded {
    Parsed(Parsed),
    NotParsed { why: String },
}

/// What the linter's rules said, or why they did not.
pub type Remarks = Result<Vec<Remark>, String>;

/// What a reader makes of a file.
type Read = (Parsed, Vec<Remark>);

/// A file that a reader is given.
struct Task {
    text: String,
    cuts: Vec<Cut>,
    rules: &'static [Rule],
}

/// Files are handed over several at once: a thousand small ones cost more in waking threads than in reading.
struct Reader {
    tasks: Sender<Vec<Task>>,
    results: Receiver<Vec<Option<Read>>>,
}

thread_local! {
    static READER: RefCell<Option<Reader>> = const { RefCell::new(None) };
}

/// Reads a file on a thread that may be left behind.
#[must_use]
pub fn guarded(text: &str) -> Guarded {
    one(text, &[]).0
}

/// The same of many, and what rules of the linter say to each.
#[must_use]
pub fn remarked(texts: &[&str], rules: &'static [Rule]) -> Vec<(Guarded, Remarks)> {
    let mut found = Vec::with_capacity(texts.len());
    let mut rest = texts;
    while !rest.is_empty() {
        let mut length = 0;
        let fits = rest.iter().take_while(|text| {
            length += text.len();
            length <= PART
        });
        let (group, others) = rest.split_at(fits.count().max(1));
        // What is alone is tried once; of several that were too much, each again for itself.
        let read = if group.len() > 1 { together(group, rules) } else { None };
        found.extend(read.unwrap_or_else(|| group.iter().map(|text| one(text, rules)).collect()));
        rest = others;
    }
    found
}

fn one(text: &str, rules: &'static [Rule]) -> (Guarded, Remarks) {
    match alone(text, rules) {
        Ok((parsed, remarks)) => (Guarded::Parsed(parsed), Ok(remarks)),
        // It may have been the rules.
        Err(why) if !rules.is_empty() => (one(text, &[]).0, Err(why)),
        Err(why) => (Guarded::NotParsed { why }, Ok(Vec::new())),
    }
}

fn alone(text: &str, rules: &'static [Rule]) -> Result<Read, String> {
    let task = Task { text: text.to_owned(), cuts: cuts(text, PART, rules)?, rules };
    handed_over(vec![task], patience(text.len()))?.pop().flatten().ok_or_else(|| GAVE_UP.to_owned())
}

/// `None` where not all of them came to an end.
fn together(texts: &[&str], rules: &'static [Rule]) -> Option<Vec<(Guarded, Remarks)>> {
    let task = |text: &&str| Some(Task { text: (*text).to_owned(), cuts: cuts(text, PART, rules).ok()?, rules });
    let tasks: Vec<Task> = texts.iter().map(task).collect::<Option<_>>()?;
    let length = texts.iter().map(|text| text.len()).sum();
    let read = handed_over(tasks, patience(length)).ok()?;
    read.into_iter().map(|read| read.map(|(parsed, remarks)| (Guarded::Parsed(parsed), Ok(remarks)))).collect()
}

/// What a reader makes of files, `None` where it gave up, or why it came to no end.
fn handed_over(tasks: Vec<Task>, patience: Duration) -> Result<Vec<Option<Read>>, String> {
    READER.with_borrow_mut(|slot| {
        let reader = slot.take().map_or_else(Reader::start, Ok);
        let reader = reader.map_err(|error| format!("no thread could be started: {error}"))?;
        reader.tasks.send(tasks).map_err(|_| GAVE_UP.to_owned())?;
        // Where it takes too long, it works on in the background; the next file gets another.
        let read = reader.results.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("took more than {} s", patience.as_secs()),
            RecvTimeoutError::Disconnected => GAVE_UP.to_owned(),
        })?;
        *slot = Some(reader);
        Ok(read)
    })
}

fn patience(length: usize) -> Duration {
    PATIENCE.saturating_mul(u32::try_from(1 + length / SHARE).unwrap_or(u32::MAX))
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
        let (tasks, incoming) = channel::<Vec<Task>>();
        let (outgoing, results) = channel();
        thread::Builder::new().name(NAME.to_owned()).stack_size(STACK).spawn(move || {
            for tasks in incoming {
                let tried = |task: &Task| panic::catch_unwind(AssertUnwindSafe(|| read(task))).ok();
                if outgoing.send(tasks.iter().map(tried).collect()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Reader { tasks, results })
    }
}

/// Reads a file cut by cut; where something in it is no SQL, as a whole.
fn read(task: &Task) -> Read {
    let text = task.text.as_str();
    let is_cut = !matches!(task.cuts.as_slice(), [only] if only.shown.is_empty());
    let mut reading = Reading::of(text);
    let (mut all, mut remarks) = (Parsed::default(), Vec::new());
    for cut in &task.cuts {
        let (begin, first) = (reading, all.statements.len());
        for (own, rules) in cut.texts(text) {
            reading = begin;
            let parse = SourceFile::parse(&own);
            let parsed = statements::read(&parse, &mut reading, cut.range.start);
            if is_cut && !parsed.errors.is_empty() {
                return read(&Task {
                    text: text.to_owned(),
                    cuts: vec![Cut::whole(text, task.rules)],
                    rules: task.rules,
                });
            }
            remarks.extend(remarks::remarks(&parse, &own, cut.range.start, rules));
            all.statements.extend(parsed.statements);
            all.errors.extend(parsed.errors);
        }
        all.statements[first..].sort_by_key(|statement| statement.start);
    }
    (all, remarks)
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::sql::cut::LONGEST;

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
    fn a_file_read_in_cuts_says_what_it_says_as_a_whole() {
        let rules = crate::review::advisory::rules();
        let files = [
            "-- one\nCREATE TABLE a (b int); -- two\n\n/* three */ DROP TABLE c;--> statement-breakpoint\n;;\nSELECT ';' ; -- é\nSELECT 1",
            "CREATE RULE r AS ON INSERT TO a DO (SELECT 1; SELECT 2); CREATE TABLE d (e serial, e serial);",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END; DROP TABLE x;",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC SELECT 1; INSERT INTO a (b, b) VALUES (1, 2); SELECT 2; END;",
            "DO $$ BEGIN PERFORM 1; END $$; CREATE TABLE a (b int); -- squawk-ignore-file prefer-bigint-over-int",
            "SELECT 1; SELEC 2; ALTER TABLE a ADD b int; SELECT (1; SELECT 2); SELECT 3;",
            "BEGIN; CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT 1; COMMIT; \\copy a from 'b'\nSELECT 1;",
            "",
            " -- nothing",
        ];
        let same = |text: &str| {
            let said = |cuts| read(&Task { text: text.to_owned(), cuts, rules });
            for length in [1, usize::MAX] {
                assert_eq!(said(cuts(text, length, rules).unwrap()), said(vec![Cut::whole(text, rules)]), "{text}");
            }
        };
        files.into_iter().for_each(same);
        let inside = |folder: &Path| folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
        let corpus = inside(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus"));
        let paths = corpus.iter().filter(|path| path.is_dir()).flat_map(|folder| inside(folder));
        let texts: Vec<String> = paths.map(|path| fs::read_to_string(path).unwrap()).collect();
        texts.iter().for_each(|text| same(text));
        let valid: Vec<&str> =
            texts.iter().map(String::as_str).filter(|text| SourceFile::parse(text).errors().is_empty()).collect();
        assert!(valid.len() > 300, "{} of {}", valid.len(), texts.len());
        same(&valid.join(";\n"));
        assert_eq!(cuts(files[0], 1, &[]).unwrap().len(), 6);
        assert_eq!(cuts(files[1], 1, &[]).unwrap().len(), 2);
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
