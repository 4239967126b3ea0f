//! What squawk-linter says to a file.
//!
//! Invariant: a statement without a word that a rule looks for gives that rule nothing to say.
//! A rule may give up: the caller runs this where a panic is an answer.

use std::ops::Range;

use squawk_lexer::TokenKind;
use squawk_linter::{Linter, Rule};
use squawk_syntax::{Parse, SourceFile, SyntaxKind, SyntaxNode};

use super::read::tree;

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

/// What rules say to a tree whose text begins at a byte of the file.
#[must_use]
pub(super) fn remarks(parse: &Parse<SourceFile>, text: &str, from: usize, rules: &[Rule]) -> Vec<Remark> {
    if rules.is_empty() {
        return Vec::new();
    }
    let violations = Linter::from(rules.to_vec()).lint(parse, text);
    let root = parse.syntax_node();
    let remark = |violation: squawk_linter::Violation| {
        let range = violation.text_range;
        let column = root.covering_element(range).ancestors().find_map(|node| column(&node));
        let span = from + usize::from(range.start())..from + usize::from(range.end());
        Remark { rule: violation.code, span, message: violation.message, help: violation.help, column }
    };
    violations.into_iter().map(remark).collect()
}

fn column(node: &SyntaxNode) -> Option<String> {
    use SyntaxKind as K;
    match node.kind() {
        K::COLUMN | K::ADD_COLUMN => tree::name(node, K::COLUMN_NAME),
        K::ALTER_COLUMN => tree::name(node, K::COLUMN_NAME_REF),
        _ => None,
    }
}

/// Which of the words that rules look for a statement has, one bit each.
#[derive(Clone, Copy, Default)]
pub(super) struct Words(u16);

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

    /// `BEGIN ATOMIC … END`
    const ATOMIC: u16 = 1 << 12;

    /// Of one token.
    pub(super) fn of(kind: TokenKind, text: &str) -> Words {
        Words(match kind {
            TokenKind::QuotedIdent { uescape: true, .. } => !Words::ATOMIC,
            TokenKind::Ident => Words::word(text),
            TokenKind::QuotedIdent { .. } => Words::word(text.trim_matches('"')) & !Words::ATOMIC,
            _ => 0,
        })
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
            b"atomic" => Words::ATOMIC,
            b"insert" | b"update" | b"merge" | b"view" | b"into" => Words::FILLS,
            _ => 0,
        }
    }

    pub(super) fn and(self, other: Words) -> Words {
        Words(self.0 | other.0)
    }

    fn has(self, one: u16) -> bool {
        self.0 & one != 0
    }

    /// Whether statements may stand in the statement, without brackets around them.
    pub(super) fn nest(self) -> bool {
        self.has(Words::ATOMIC)
    }

    /// Whether a rule may have something to say.
    pub(super) fn concern(self, rule: Rule) -> bool {
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
    use crate::sql::cut::{Cut, cuts};

    fn said(text: &str, cut: &Cut) -> Vec<Remark> {
        let texts = cut.texts(text);
        texts.iter().flat_map(|(own, rules)| remarks(&SourceFile::parse(own), own, cut.range.start, rules)).collect()
    }

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
            let all = said(&text, &Cut::whole(&text, advisory::rules()));
            assert!(!all.is_empty(), "{sql}");
            // Squawk's rule on timestamps speaks of a quoted varchar as well, which is none.
            let expected: Vec<Remark> = all
                .into_iter()
                .filter(|remark| remark.rule != Rule::PreferTimestampTz || sql.contains("timestamp"))
                .collect();
            let [cut] = &cuts(&text, usize::MAX, advisory::rules()).unwrap()[..] else { panic!("{sql}") };
            assert_eq!(cut.shown.iter().map(|place| &text[place.clone()]).collect::<Vec<_>>(), [format!("{sql};")]);
            assert_eq!(said(&text, cut), expected, "{sql}");
        }
        assert_eq!(cuts(silent, usize::MAX, advisory::rules()).unwrap(), [Cut::whole(silent, &[])]);
    }

    #[test]
    fn a_comment_that_silences_a_rule_is_heard_wherever_it_stands() {
        let text = "-- squawk-ignore prefer-bigint-over-int\nDROP TABLE x;\nCREATE TABLE a (b int);\n\
             -- squawk-ignore prefer-bigint-over-int\nCREATE TABLE c (b int);";
        let cuts = cuts(text, 1, advisory::rules()).unwrap();
        let remarks: Vec<Remark> = cuts.iter().flat_map(|cut| said(text, cut)).collect();
        assert_eq!(remarks.len(), 1, "{remarks:?}");
    }
}
