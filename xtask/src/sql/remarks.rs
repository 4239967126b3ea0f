//! What squawk-linter says to a file.
//!
//! Each rule walks the whole tree: the rules are shown only the statements that have a word which one of them looks for, in a copy of the
//! file where the others are blank. Invariant: they say the same of that copy as of the file, at the same places.
//! A rule may give up: the caller runs this where a panic is an answer.

use std::ops::Range;

use squawk_lexer::TokenKind;
use squawk_linter::{Linter, Rule};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::read::tree;
use super::statements::Statement;

/// One remark of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub rule: Rule,
    /// Bytes in the file.
    pub span: Range<usize>,
    pub message: String,
    pub help: Option<String>,
    /// The column that it is about, where it is about one.
    pub column: Option<String>,
}

/// What rules are shown of a part of a file.
pub struct Extract {
    text: String,
    /// Where the part begins.
    from: usize,
    rules: Vec<Rule>,
}

impl Extract {
    /// `text` begins at a byte of the file, the statements are those in it.
    ///
    /// A comment `squawk-ignore` counts, as with squawk itself: a text that has one is shown as it is.
    #[must_use]
    pub fn of(text: &str, from: usize, statements: &[Statement], rules: &[Rule]) -> Extract {
        let whole = || Extract { text: text.to_owned(), from, rules: rules.to_vec() };
        if rules.is_empty() || says_ignore(text) {
            return whole();
        }
        let mut shown = String::with_capacity(text.len());
        let mut found = Words::default();
        for statement in statements {
            let (start, end) = (statement.start - from, statement.end - from);
            let (Some(between), Some(own)) = (text.get(shown.len()..start), text.get(start..end)) else {
                return whole();
            };
            let words = Words::of(own);
            shown.push_str(between);
            if rules.iter().any(|rule| words.concern(*rule)) {
                shown.push_str(own);
                found = found.and(words);
            } else {
                shown.extend(std::iter::repeat_n(' ', own.len()));
            }
        }
        shown.push_str(text.get(shown.len()..).unwrap_or_default());
        Extract { text: shown, from, rules: rules.iter().copied().filter(|rule| found.concern(*rule)).collect() }
    }

    #[must_use]
    pub fn remarks(self) -> Vec<Remark> {
        if self.rules.is_empty() {
            return Vec::new();
        }
        let parse = SourceFile::parse(&self.text);
        let violations = Linter::from(self.rules).lint(&parse, &self.text);
        let root = parse.syntax_node();
        let remark = |violation: squawk_linter::Violation| {
            let range = violation.text_range;
            let column = root.covering_element(range).ancestors().find_map(|node| column(&node));
            let span = self.from + usize::from(range.start())..self.from + usize::from(range.end());
            Remark { rule: violation.code, span, message: violation.message, help: violation.help, column }
        };
        violations.into_iter().map(remark).collect()
    }
}

/// Whether rules may have been told to keep silent, also about other parts of the file.
#[must_use]
pub fn says_ignore(text: &str) -> bool {
    text.contains("squawk-ignore")
}

fn column(node: &SyntaxNode) -> Option<String> {
    use SyntaxKind as K;
    match node.kind() {
        K::COLUMN | K::ADD_COLUMN => tree::name(node, K::COLUMN_NAME),
        K::ALTER_COLUMN => tree::name(node, K::COLUMN_NAME_REF),
        _ => None,
    }
}

/// Which of the words that rules look for a text has, one bit each.
#[derive(Clone, Copy, Default)]
struct Words(u16);

impl Words {
    const INT: u16 = 1;
    const SMALLINT: u16 = 1 << 1;
    const SERIAL: u16 = 1 << 2;
    const SMALLSERIAL: u16 = 1 << 3;
    const OTHER_SERIAL: u16 = 1 << 4;
    const VARCHAR: u16 = 1 << 5;
    const CHAR: u16 = 1 << 6;
    const TIMESTAMP: u16 = 1 << 7;
    const CREATE: u16 = 1 << 8;
    const TABLE: u16 = 1 << 9;
    /// Of statements other than CREATE TABLE that name columns to be filled.
    const FILLS: u16 = 1 << 10;
    /// A name of which PostgreSQL keeps only the beginning, or one that is spelled with escapes.
    const LONG: u16 = 1 << 11;

    fn of(text: &str) -> Words {
        let (mut words, mut at) = (0, 0);
        for token in squawk_lexer::tokenize(text) {
            let end = at + token.len as usize;
            let own = text.get(at..end).unwrap_or_default();
            words |= match token.kind {
                TokenKind::QuotedIdent { uescape: true, .. } => u16::MAX,
                TokenKind::Ident => Words::word(own),
                TokenKind::QuotedIdent { .. } => Words::word(own.trim_matches('"')),
                _ => 0,
            };
            at = end;
        }
        Words(words)
    }

    fn word(word: &str) -> u16 {
        let mut lower = [0; 11];
        let Some(lower) = lower.get_mut(..word.len()) else {
            return if word.len() > 63 { Words::LONG } else { 0 };
        };
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        match &*lower {
            b"int" | b"integer" | b"int4" => Words::INT,
            b"smallint" | b"int2" => Words::SMALLINT,
            b"serial" | b"serial4" => Words::SERIAL,
            b"smallserial" | b"serial2" => Words::SMALLSERIAL,
            b"bigserial" | b"serial8" => Words::OTHER_SERIAL,
            b"varchar" | b"varying" => Words::VARCHAR,
            b"char" | b"character" | b"nchar" | b"bpchar" => Words::CHAR,
            b"timestamp" => Words::TIMESTAMP,
            b"create" => Words::CREATE,
            b"table" => Words::TABLE,
            b"insert" | b"update" | b"merge" | b"view" | b"into" => Words::FILLS,
            _ => 0,
        }
    }

    fn and(self, other: Words) -> Words {
        Words(self.0 | other.0)
    }

    fn has(self, one: u16) -> bool {
        self.0 & one != 0
    }

    /// Whether a rule may have something to say.
    fn concern(self, rule: Rule) -> bool {
        match rule {
            Rule::PreferBigintOverInt => self.has(Words::INT | Words::SERIAL),
            Rule::PreferBigintOverSmallint => self.has(Words::SMALLINT | Words::SMALLSERIAL),
            Rule::PreferIdentity => self.has(Words::SERIAL | Words::SMALLSERIAL | Words::OTHER_SERIAL),
            Rule::PreferTextField => self.has(Words::VARCHAR),
            Rule::BanCharField => self.has(Words::CHAR),
            Rule::PreferTimestampTz => self.has(Words::TIMESTAMP),
            Rule::IdentifierTooLong => self.has(Words::LONG),
            Rule::BanDuplicateColumnAssignments => {
                self.has(Words::FILLS) || self.has(Words::CREATE) && self.has(Words::TABLE)
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::advisory;
    use crate::sql::statements;

    #[test]
    fn the_rules_say_the_same_of_what_they_are_shown_as_of_the_whole_file() {
        let long = "n".repeat(70);
        let fires = [
            "CREATE TABLE a (b INT, c integer[], d int4, e \"int4\", f pg_catalog.int4)",
            "CREATE TABLE a (b smallint, c int2, d smallserial, e serial2)",
            "ALTER TABLE a ADD COLUMN b serial, ADD c serial4, ADD d bigserial, ADD e serial8",
            "CREATE UNLOGGED TABLE a (b varchar(3), c character varying(3), d \"varchar\"(3))",
            "ALTER TABLE a ALTER COLUMN b TYPE varchar(3), ALTER c SET DATA TYPE char(3)",
            "CREATE TABLE a (b character(3), c nchar(3), d bpchar, e national character(3), f \"char\")",
            "CREATE TABLE a (b timestamp, c timestamp without time zone, d timestamp(3))",
            &format!("ALTER TABLE a RENAME COLUMN b TO {long}"),
            &format!("DROP INDEX \"{long}\""),
            &format!("SELECT U&\"\\006E{long}\""),
            "UPDATE a SET b = 1, b = 2",
            "INSERT INTO a (b, b) VALUES (1, 2)",
            "INSERT INTO a (b) VALUES (1) ON CONFLICT (b) DO UPDATE SET c = 1, c = 2",
            "WITH w AS (INSERT INTO a (b, b) VALUES (1, 2) RETURNING b) SELECT b FROM w",
            "MERGE INTO a USING b ON a.c = b.c WHEN NOT MATCHED THEN INSERT (d, d) VALUES (1, 2)",
            "CREATE TABLE a (b text, b text)",
            "CREATE TEMP TABLE a (b, b) AS SELECT 1, 2",
            "CREATE VIEW a AS SELECT 1 AS b, 2 AS b",
            "CREATE MATERIALIZED VIEW a (b, b) AS SELECT 1, 2",
            "SELECT 1 AS b, 2 AS b INTO a",
            "CREATE SCHEMA s CREATE TABLE a (b text, b text)",
        ];
        let silent = "-- a note\nDROP TABLE x;\nCREATE INDEX i ON \"é\" (y);\n/* c */ ALTER TABLE x DROP COLUMN y;\n";
        for sql in fires {
            let text = format!("{silent}{sql};\n{silent}");
            let all = Extract { text: text.clone(), from: 0, rules: advisory::rules().to_vec() }.remarks();
            assert!(!all.is_empty(), "{sql}");
            // Squawk's rule on timestamps speaks of a quoted varchar as well, which is none.
            let expected: Vec<Remark> = all
                .into_iter()
                .filter(|remark| remark.rule != Rule::PreferTimestampTz || sql.contains("timestamp"))
                .collect();
            let extract = Extract::of(&text, 0, &statements::parse(&text).statements, advisory::rules());
            assert!(extract.text.len() == text.len() && !extract.text.contains("DROP TABLE x"), "{}", extract.text);
            assert_eq!(extract.remarks(), expected, "{sql}");
        }
        let nothing = Extract::of(silent, 0, &statements::parse(silent).statements, advisory::rules());
        assert_eq!(nothing.rules, []);
    }

    #[test]
    fn a_comment_that_silences_a_rule_is_heard_wherever_it_stands() {
        let text = "-- squawk-ignore prefer-bigint-over-int\nDROP TABLE x;\nCREATE TABLE a (b int);\n\
             -- squawk-ignore prefer-bigint-over-int\nCREATE TABLE c (b int);";
        let remarks = Extract::of(text, 0, &statements::parse(text).statements, advisory::rules()).remarks();
        assert_eq!(remarks.len(), 1, "{remarks:?}");
    }
}
