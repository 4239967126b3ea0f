//! H35: an exclusion constraint is added over the rows that are there.

use crate::review::condition::{self, Token};
use crate::review::facts::{Question, Verdict};
use crate::review::finding::{Class, DecidedBy};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::weighed::called;
use crate::sql::TableName;
use crate::sql::action::{Action, ConstraintKind};
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H35",
    title: "an exclusion constraint is added over existing rows",
    class: Class::MayFail,
    danger: "Its index is built under ACCESS EXCLUSIVE, and two rows that conflict fail it. There is no CONCURRENTLY, no USING INDEX and no NOT \
             VALID for it.",
    decided: Some("how many pairs of rows conflict, and how large the table is"),
    safe: "at a quiet hour with a lock_timeout, or on a new table that the rows are copied to",
    aka: &[
        ("strong_migrations", &["add_exclusion_constraint"]),
        ("eugene", &["E8"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::AddConstraint { table, kind: ConstraintKind::Exclude, name, expression, .. } = site.action else {
        return;
    };
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let whole = !site.statement.text.to_lowercase().contains("where");
    let pairs = expression.as_deref().filter(|_| whole).and_then(pairs);
    let rows = match pairs {
        Some(pairs) => conflicts(site, table, &pairs),
        None => Verdict::Open(DecidedBy::NotJudged("only its build tells which rows conflict".to_owned())),
    };
    let words = match rows {
        Verdict::Harmful(..) => "there are rows that conflict, so it fails",
        Verdict::Clear(_) => "its index is built while nobody reads or writes",
        Verdict::Open(_) => "its index is built while nobody reads or writes, and two rows that conflict fail it",
    };
    let weight = site.facts.weight(table);
    let (severity, decided) = rows.with(weight);
    let name = called(name.as_ref(), table, &[], "excl");
    site.find(
        Draft::new(severity, format!("adds EXCLUDE {name} to {table}: {words}"))
            .lock(table, Lock::AccessExclusive)
            .scans(true)
            .by(decided)
            .remedy("resolve the conflicts first; run it at a quiet hour with a lock_timeout"),
    );
}

/// `(room WITH =, during WITH &&)`: columns with their operators, where there is nothing else.
fn pairs(list: &str) -> Option<Vec<(String, String)>> {
    let tokens = condition::tokens(list);
    let [Token::Sign('('), inner @ .., Token::Sign(')')] = tokens.as_slice() else { return None };
    inner
        .split(|token| *token == Token::Sign(','))
        .map(|part| match part {
            [Token::Name(column), Token::Name(with), signs @ ..] if with == "with" && !signs.is_empty() => {
                let sign = |token: &Token| if let Token::Sign(sign) = token { Some(*sign) } else { None };
                Some((column.clone(), signs.iter().map(sign).collect::<Option<String>>()?))
            }
            _ => None,
        })
        .collect()
}

fn conflicts(site: &mut Site<'_, '_>, table: &TableName, pairs: &[(String, String)]) -> Verdict {
    let columns: Vec<String> = pairs.iter().map(|(column, _)| column.clone()).collect();
    let sql = |table: &TableName, columns: &[String]| {
        let tests: Vec<String> = columns
            .iter()
            .zip(pairs)
            .map(|(column, (_, operator))| format!("a.{0} {operator} b.{0}", quote(column)))
            .collect();
        let table = table.quoted();
        format!(
            "SELECT count(*) FROM {table} a JOIN {table} b ON (a.tableoid, a.ctid) < (b.tableoid, b.ctid) AND {}",
            tests.join(" AND ")
        )
    };
    site.facts.rows(&Question { table, columns: &columns, sql: &sql, unit: "pairs that conflict" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_table_that_was_there() {
        fires("H35", "ALTER TABLE a ADD CONSTRAINT e EXCLUDE USING gist (b WITH &&)");
        silent("H35", "CREATE TABLE a (b int4range); ALTER TABLE a ADD CONSTRAINT e EXCLUDE USING gist (b WITH &&)");
    }

    #[test]
    fn columns_and_operators_are_read_and_expressions_are_not_guessed() {
        let expected = vec![("room".to_owned(), "=".to_owned()), ("during".to_owned(), "&&".to_owned())];
        assert_eq!(pairs("(room WITH =, \"during\" WITH &&)"), Some(expected));
        assert_eq!(pairs("(lower(name) WITH =)"), None);
    }
}
