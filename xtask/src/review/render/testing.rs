//! Findings made by hand.

use std::path::PathBuf;

use crate::review::{Accepted, Class, DecidedBy, Finding, Lock, Report, Severity, Source, Transaction};
use crate::sql::TableName;

pub(in crate::review) fn source(path: &str, text: &str) -> Source {
    Source { path: PathBuf::from(path), text: text.to_owned(), transaction: Transaction::File }
}

/// About the statement that begins with `statement` and ends at its `;`.
pub(in crate::review) fn finding(id: &'static str, severity: Severity, text: &str, statement: &str) -> Finding {
    let start = text.find(statement).unwrap();
    let end = text[start..].find(';').map_or(text.len(), |end| start + end + 1);
    let (line, column) = crate::sql::statements::position(text, start);
    Finding {
        id,
        class: Class::Lock,
        severity,
        title: "a unique constraint reads the whole table while nobody may use it".to_owned(),
        file: 0,
        line,
        column,
        span: start..end,
        statement: text[start..end].into(),
        table: Some(TableName::new("public", "users")),
        lock: Some(Lock::AccessExclusive),
        rewrites: false,
        scans: true,
        decided_by: DecidedBy::Live("production (0 duplicates of 1,204,112 rows, 84 ms)".to_owned()),
        remedy: "build the index first, without keeping anybody waiting, then give the constraint that index".into(),
        sql: vec![
            "CREATE UNIQUE INDEX CONCURRENTLY \"users_email_key\" ON \"public\".\"users\" (\"email\");".to_owned(),
            "ALTER TABLE \"public\".\"users\"\n  ADD CONSTRAINT \"users_email_key\" UNIQUE USING INDEX \"users_email_key\";".to_owned(),
        ],
        rule: None,
        accepted: None,
    }
}

pub(in crate::review) fn accepted(mut finding: Finding) -> Finding {
    let (reason, place) = ("the table has 12 rows".to_owned(), "workflows/db-change.toml:80".to_owned());
    finding.accepted = Some(Accepted { reason, place, until: Some("2027-01-31".to_owned()) });
    finding
}

pub(in crate::review) fn report(findings: Vec<Finding>, statements: Vec<usize>) -> Report {
    Report { findings, statements, ..Report::default() }
}

pub(in crate::review) struct Names;

impl super::Catalogue for Names {
    fn aka(&self, _: &str) -> Vec<(&'static str, &'static str)> {
        vec![("squawk", "one"), ("eugene", "E7"), ("squawk", "two")]
    }

    fn describe(&self, id: &str) -> String {
        format!("what {id} is")
    }
}
