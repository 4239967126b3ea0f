//! Reading a file that anybody may have written: the parser may give up, run long, or nest deeper than a stack.
//!
//! Invariant: what comes back is either the whole file, read, or the reason why it was not. Nothing ends the program.

use std::cell::RefCell;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::slice;
use std::sync::Once;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use squawk_lexer::TokenKind;
use squawk_linter::Rule;
use squawk_syntax::{SourceFile, SyntaxNode};

use super::remarks::{self, Extract, Remark};
use super::statements::{self, Parsed, Reading};

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
/// Bytes of a long file that are read at once: their tree fits a processor's cache, that of ten thousand statements takes 40 MB.
const PART: usize = 32 << 10;
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

/// A file that a reader is given.
struct Task {
    text: String,
    parts: Vec<Range<usize>>,
    rules: &'static [Rule],
}

/// Files are handed over several at once: a thousand small ones cost more in waking threads than in reading. First what was read of each
/// comes back, then the remarks.
struct Reader {
    tasks: Sender<Vec<Task>>,
    results: Receiver<Vec<Option<Parsed>>>,
    remarks: Receiver<Vec<Option<Vec<Remark>>>>,
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
    let task = |parts| Task { text: text.to_owned(), parts, rules };
    let read = parts(text, PART).and_then(|parts| handed_over(vec![task(parts)], patience(text.len())));
    let only = read.and_then(|mut read| read.pop().ok_or_else(|| GAVE_UP.to_owned()));
    only.unwrap_or_else(|why| (Guarded::NotParsed { why }, Ok(Vec::new())))
}

/// `None` where not all of them came to an end.
fn together(texts: &[&str], rules: &'static [Rule]) -> Option<Vec<(Guarded, Remarks)>> {
    let task = |text: &&str| Some(Task { text: (*text).to_owned(), parts: parts(text, PART).ok()?, rules });
    let tasks: Vec<Task> = texts.iter().map(task).collect::<Option<_>>()?;
    let length = texts.iter().map(|text| text.len()).sum();
    handed_over(tasks, patience(length)).ok().filter(|read| read.iter().all(|(_, remarks)| remarks.is_ok()))
}

/// What a reader makes of files, or why it came to no end.
fn handed_over(tasks: Vec<Task>, patience: Duration) -> Result<Vec<(Guarded, Remarks)>, String> {
    READER.with_borrow_mut(|slot| {
        let reader = slot.take().map_or_else(Reader::start, Ok);
        let reader = reader.map_err(|error| format!("no thread could be started: {error}"))?;
        reader.tasks.send(tasks).map_err(|_| GAVE_UP.to_owned())?;
        // Where it takes too long, it works on in the background; the next file gets another.
        let why = |error| match error {
            RecvTimeoutError::Timeout => format!("took more than {} s", patience.as_secs()),
            RecvTimeoutError::Disconnected => GAVE_UP.to_owned(),
        };
        let parsed = reader.results.recv_timeout(patience).map_err(why)?;
        let guarded = |parsed: Option<Parsed>| {
            parsed.map_or_else(|| Guarded::NotParsed { why: GAVE_UP.to_owned() }, Guarded::Parsed)
        };
        let parsed = parsed.into_iter().map(guarded);
        Ok(match reader.remarks.recv_timeout(patience).map_err(why) {
            Ok(remarks) => {
                *slot = Some(reader);
                let said = |remarks: Option<Vec<Remark>>| remarks.ok_or_else(|| "one of them gave up".to_owned());
                parsed.zip(remarks.into_iter().map(said)).collect()
            }
            Err(why) => parsed.map(|parsed| (parsed, Err(why.clone()))).collect(),
        })
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
        let (saying, remarks) = channel();
        thread::Builder::new().name(NAME.to_owned()).stack_size(STACK).spawn(move || {
            for tasks in incoming {
                let tried = |task: &Task| {
                    let read = AssertUnwindSafe(|| read(&task.text, &task.parts, task.rules));
                    panic::catch_unwind(read).ok().unzip()
                };
                let (parsed, extracts): (Vec<_>, Vec<_>) = tasks.iter().map(tried).unzip();
                if outgoing.send(parsed).is_err() {
                    return;
                }
                let said = |extracts: Option<Vec<Extract>>| {
                    let all = || extracts.into_iter().flatten().flat_map(Extract::remarks).collect();
                    panic::catch_unwind(AssertUnwindSafe(all)).ok()
                };
                if saying.send(extracts.into_iter().map(said).collect()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Reader { tasks, results, remarks })
    }
}

/// Reads a file part by part; where something in it is no SQL, or its rules are told something, as a whole.
fn read(text: &str, parts: &[Range<usize>], rules: &[Rule]) -> (Parsed, Vec<Extract>) {
    let whole = 0..text.len();
    if parts.len() > 1 && remarks::says_ignore(text) {
        return read(text, slice::from_ref(&whole), rules);
    }
    let mut reading = Reading::of(text);
    let (mut all, mut extracts) = (Parsed::default(), Vec::new());
    for part in parts {
        let own = &text[part.clone()];
        let parse = SourceFile::parse(own);
        let parsed = statements::read(&parse, &mut reading, part.start);
        if parts.len() > 1 && !parsed.errors.is_empty() {
            return read(text, slice::from_ref(&whole), rules);
        }
        extracts.push(Extract::of(own, part.start, &parsed.statements, rules));
        all.statements.extend(parsed.statements);
        all.errors.extend(parsed.errors);
    }
    (all, extracts)
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

/// Why a text is not given to the parser.
pub(super) fn too_deep(text: &str) -> Option<String> {
    parts(text, usize::MAX).err()
}

/// A text in parts of whole statements, of this length at least but for the last; or why it is not given to the parser, which calls itself
/// for each bracket and for most links of a chain (`NOT NOT …`, `a OR b OR …`): its stack would not hold them, and a stack that overflows
/// ends the program.
fn parts(text: &str, length: usize) -> Result<Vec<Range<usize>>, String> {
    let (mut found, mut begin, mut end) = (Vec::new(), 0, 0);
    // For each open bracket, how many tokens lie on the way to this place: those of the list's other elements do not.
    let (mut before, mut now) = (Vec::new(), 0usize);
    for token in squawk_lexer::tokenize(text) {
        end += token.len as usize;
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => continue,
            TokenKind::OpenParen | TokenKind::OpenBracket => before.push(now),
            TokenKind::CloseParen | TokenKind::CloseBracket => now = before.pop().unwrap_or(now),
            TokenKind::Comma => now = before.last().copied().unwrap_or(0),
            TokenKind::Semi => {
                if before.is_empty() && end - begin >= length {
                    found.push(begin..end);
                    begin = end;
                }
                before.clear();
                now = 0;
            }
            _ => {}
        }
        now += 1;
        if before.len() > DEEPEST {
            return Err(format!("brackets are nested more than {DEEPEST} levels deep"));
        }
        if now > LONGEST {
            return Err(format!("one expression has more than {LONGEST} words"));
        }
    }
    if begin < text.len() || found.is_empty() {
        found.push(begin..text.len());
    }
    Ok(found)
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
    fn a_file_read_in_parts_says_what_it_says_as_a_whole() {
        let rules = crate::review::advisory::rules();
        let files = [
            "-- one\nCREATE TABLE a (b int); -- two\n\n/* three */ DROP TABLE c;--> statement-breakpoint\n;;\nSELECT ';' ; -- é\nSELECT 1",
            "CREATE RULE r AS ON INSERT TO a DO (SELECT 1; SELECT 2); CREATE TABLE d (e serial, e serial);",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END; DROP TABLE x;",
            "DO $$ BEGIN PERFORM 1; END $$; CREATE TABLE a (b int); -- squawk-ignore-file prefer-bigint-over-int",
            "SELECT 1; SELEC 2; ALTER TABLE a ADD b int; SELECT (1; SELECT 2); SELECT 3;",
            "BEGIN; CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT 1; COMMIT; \\copy a from 'b'\nSELECT 1;",
            "",
            " -- nothing",
        ];
        for text in files {
            let said = |length| {
                let (parsed, extracts) = read(text, &parts(text, length).unwrap(), rules);
                (parsed, extracts.into_iter().flat_map(Extract::remarks).collect::<Vec<Remark>>())
            };
            assert_eq!(said(1), said(usize::MAX), "{text}");
        }
        assert_eq!(parts(files[0], 1).unwrap().len(), 6);
        assert_eq!(parts(files[1], 1).unwrap().len(), 2);
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
