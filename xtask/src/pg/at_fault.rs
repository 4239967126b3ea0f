//! Which rows a refused statement stumbles over: how many of how many, counted by a question that the statement itself gives.
//!
//! Invariant: counts and names come back, never a value; the question that would show values is kept apart, for a person at a
//! terminal. What gives no such question, or fails when it is asked, is not counted: no number is better than a wrong one.

use std::fmt;

use anyhow::Result;
use postgres::error::DbError;
use postgres::{Client, GenericClient};
use serde::{Deserialize, Serialize};

use super::error::Told;
use crate::numbers::thousands;
use crate::sql::TableName;
use crate::sql::action::{ConstraintKind, CreateIndex, unquoted};
use crate::sql::names::{literal, quote};
use crate::sql::statements::{self, Action};

/// The rows at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtFault {
    pub fault: Fault,
    pub table: TableName,
    /// Columns, or the expressions of an index.
    pub columns: Vec<String>,
    pub rows: i64,
    /// How many rows the table has.
    pub of: i64,
    pub values: Values,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    Missing,
    /// How many values occur more than once.
    Duplicate(i64),
    /// The table that is referred to.
    Orphan(TableName),
    /// The constraint's name, where it has one.
    Check(Option<String>),
    /// The type that cannot hold them.
    Uncastable(String),
    TooLong(String),
    NotInEnum(String),
}

/// How the values are read from a database that is as before the migration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// What is shown, e.g. `title`; the key of the rows where the value itself is missing.
    pub what: String,
    /// Gives one column of distinct texts.
    pub select: String,
    /// Where only a try tells: fails for a value (`$1`) that is at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<String>,
}

/// The question for one statement: rows at fault, and the number of values where that is another one.
struct Question {
    fault: Fault,
    table: TableName,
    columns: Vec<String>,
    count: String,
    values: Values,
}

/// Asks in the state right before the statement. `client` is inside a transaction that is rolled back afterwards; `copy`: on a
/// throw-away database, where a function of the session's own may be made.
pub fn find(client: &mut Client, statement: &str, error: &DbError, copy: bool) -> Option<AtFault> {
    client.batch_execute("SAVEPOINT at_fault").ok()?;
    let found = ask(client, statement, error, copy);
    client.batch_execute("ROLLBACK TO SAVEPOINT at_fault").ok()?;
    found.ok().flatten().filter(|found| found.rows > 0)
}

/// How many values are tried where only a try tells.
const TRIED: usize = 10_000;

/// Distinct values at fault, at most `limit`, and whether there may be more. `client` is inside a transaction.
pub fn read(client: &mut Client, values: &Values, limit: usize) -> Result<(Vec<String>, bool)> {
    let most = if values.attempt.is_some() { TRIED } else { limit + 1 };
    let rows = client.query(&format!("{} LIMIT {most}", values.select), &[]).told("reading the values at fault")?;
    let mut more = values.attempt.is_some() && rows.len() == TRIED;
    let mut found = Vec::new();
    for row in rows {
        let value: String = row.get(0);
        if let Some(attempt) = &values.attempt {
            client.batch_execute("SAVEPOINT attempt").told("trying a value")?;
            let tried = client.query_one(attempt, &[&value]);
            client.batch_execute("ROLLBACK TO SAVEPOINT attempt").told("trying a value")?;
            match tried {
                Ok(_) => continue,
                Err(error) if error.code().is_some_and(|code| code.code().starts_with("22")) => {}
                Err(error) => return Err(error).told("trying a value"),
            }
        }
        if found.len() == limit {
            more = true;
            break;
        }
        found.push(value);
    }
    Ok((found, more))
}

fn ask(client: &mut Client, statement: &str, error: &DbError, copy: bool) -> Result<Option<AtFault>> {
    let parsed = statements::parse(statement);
    let mut question = None;
    for action in parsed.statements.iter().flat_map(|statement| &statement.actions) {
        question = question_of(client, statement, action, error, copy)?;
        if question.is_some() {
            break;
        }
    }
    if question.is_none() && error.code().code() == "23503" {
        question = known_key(client, error)?;
    }
    let Some(Question { fault, table, columns, count, values }) = question else { return Ok(None) };
    let row = client.query_one(&count, &[]).told("counting the rows at fault")?;
    let fault = match fault {
        Fault::Duplicate(_) => Fault::Duplicate(row.get(1)),
        other => other,
    };
    let all = format!("SELECT count(*) FROM {}", table.quoted());
    let of = client.query_one(&all, &[]).told("counting the rows")?.get(0);
    Ok(Some(AtFault { fault, table, columns, rows: row.get(0), of, values }))
}

fn question_of(
    client: &mut Client,
    statement: &str,
    action: &Action,
    error: &DbError,
    copy: bool,
) -> Result<Option<Question>> {
    Ok(match (error.code().code(), action) {
        ("23502", Action::AddColumn(added)) if error.column() == Some(added.column.as_str()) => {
            Some(missing(client, &added.table, &added.column, "true")?)
        }
        ("23502", Action::SetNotNull { table, column }) => {
            Some(missing(client, table, column, &format!("{} IS NULL", quote(column)))?)
        }
        ("23502", Action::AddConstraint { table, kind: ConstraintKind::PrimaryKey, .. }) => match error.column() {
            Some(column) => Some(missing(client, table, column, &format!("{} IS NULL", quote(column)))?),
            None => None,
        },
        ("23505", Action::AddUnique { table, columns, nulls_not_distinct, .. }) if !columns.is_empty() => {
            let list: Vec<String> = columns.iter().map(|column| quote(column)).collect();
            Some(duplicates(table, columns.clone(), &list, "true", *nulls_not_distinct))
        }
        ("23505", Action::AddConstraint { table, .. }) => {
            key_of(error).map(|key| duplicates(table, vec![key.to_owned()], &[key.to_owned()], "true", false))
        }
        ("23505", Action::CreateIndex(CreateIndex { table, unique: true, .. })) => {
            let equal = statement.to_uppercase().contains("NULLS NOT DISTINCT");
            let filter = filter_of(statement).unwrap_or("true");
            key_of(error).map(|key| duplicates(table, vec![key.to_owned()], &[key.to_owned()], filter, equal))
        }
        ("23503", Action::AddForeignKey { table, columns, to, to_columns, .. }) => {
            let to_columns = if to_columns.is_empty() { primary_key(client, to)? } else { to_columns.clone() };
            (columns.len() == to_columns.len()).then(|| orphans(table, columns, to, &to_columns))
        }
        ("23514", Action::AddConstraint { table, kind: ConstraintKind::Check, .. }) => {
            check_of(statement, error.constraint()).map(|check| broken(table, error.constraint(), check))
        }
        (code, Action::ChangeType { table, column, data_type, .. }) if code == "42804" || code.starts_with("22") => {
            uncastable(client, statement, (table, column, data_type), code, copy)?
        }
        _ => None,
    })
}

fn missing(client: &mut Client, table: &TableName, column: &str, filter: &str) -> Result<Question> {
    let key = primary_key(client, table)?;
    let shown = if key.is_empty() { vec!["ctid".to_owned()] } else { key };
    let list = shown.iter().map(|column| quote(column)).collect::<Vec<_>>().join(", ");
    let from = table.quoted();
    Ok(Question {
        fault: Fault::Missing,
        table: table.clone(),
        columns: vec![column.to_owned()],
        count: format!("SELECT count(*) FROM {from} WHERE {filter}"),
        values: Values {
            what: format!("{} of the rows", shown.join(", ")),
            select: format!("SELECT DISTINCT concat_ws(', ', {list}) FROM {from} WHERE {filter}"),
            attempt: None,
        },
    })
}

fn duplicates(
    table: &TableName,
    columns: Vec<String>,
    keys: &[String],
    filter: &str,
    nulls_are_equal: bool,
) -> Question {
    let list = keys.join(", ");
    // A whole list of an index as one expression: `ROW(a, b) IS NOT NULL` holds where every part is there.
    let filled = if nulls_are_equal { "true".to_owned() } else { format!("ROW({list}) IS NOT NULL") };
    let from = format!("FROM {} WHERE ({filter}) AND {filled} GROUP BY {list} HAVING count(*) > 1", table.quoted());
    Question {
        fault: Fault::Duplicate(0),
        table: table.clone(),
        values: Values {
            what: columns.join(", "),
            select: format!("SELECT concat_ws(', ', {list}) {from}"),
            attempt: None,
        },
        columns,
        count: format!("SELECT coalesce(sum(n), 0)::bigint, count(*) FROM (SELECT count(*) AS n {from}) d"),
    }
}

fn orphans(table: &TableName, columns: &[String], to: &TableName, to_columns: &[String]) -> Question {
    let all = |part: &dyn Fn(&String) -> String| columns.iter().map(part).collect::<Vec<_>>();
    // MATCH SIMPLE: a NULL in the key exempts the row.
    let filled = all(&|column| format!("c.{} IS NOT NULL", quote(column))).join(" AND ");
    let pairs = columns.iter().zip(to_columns).map(|(column, to)| format!("p.{} = c.{}", quote(to), quote(column)));
    let pairs = pairs.collect::<Vec<_>>().join(" AND ");
    let list = all(&|column| format!("c.{}", quote(column))).join(", ");
    let from = format!(
        "FROM {} c WHERE {filled} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {pairs})",
        table.quoted(),
        to.quoted()
    );
    Question {
        fault: Fault::Orphan(to.clone()),
        table: table.clone(),
        columns: columns.to_vec(),
        count: format!("SELECT count(*) {from}"),
        values: Values {
            what: columns.join(", "),
            select: format!("SELECT DISTINCT concat_ws(', ', {list}) {from}"),
            attempt: None,
        },
    }
}

fn broken(table: &TableName, name: Option<&str>, check: &str) -> Question {
    let from = format!("FROM {} t WHERE NOT ({check})", table.quoted());
    Question {
        fault: Fault::Check(name.map(str::to_owned)),
        table: table.clone(),
        columns: Vec::new(),
        count: format!("SELECT count(*) {from}"),
        values: Values {
            what: "row".to_owned(),
            select: format!("SELECT DISTINCT to_jsonb(t)::text {from}"),
            attempt: None,
        },
    }
}

fn uncastable(
    client: &mut Client,
    statement: &str,
    (table, column, data_type): (&TableName, &str, &str),
    code: &str,
    copy: bool,
) -> Result<Option<Question>> {
    let (from, name) = (table.quoted(), quote(column));
    let select = |filter: &str| format!("SELECT DISTINCT {name}::text FROM {from} WHERE {filter}");
    let question = |fault: Fault, count: String, select: String, attempt: Option<String>| Question {
        fault,
        table: table.clone(),
        columns: vec![column.to_owned()],
        count,
        values: Values { what: column.to_owned(), select, attempt },
    };
    let using = using_of(statement, column);
    if let Some(length) = length_of(data_type).filter(|_| using.is_none() && code == "22001") {
        // Spaces beyond the length are cut in silence (PostgreSQL docs, 8.3).
        let filter = format!("rtrim(substr({name}::text, {}), ' ') <> ''", length + 1);
        let fault = Fault::TooLong(data_type.to_owned());
        return Ok(Some(question(fault, format!("SELECT count(*) FROM {from} WHERE {filter}"), select(&filter), None)));
    }
    let kind = "SELECT typtype = 'e' FROM pg_catalog.pg_type WHERE oid = pg_catalog.to_regtype($1)";
    let is_enum = client.query_opt(kind, &[&data_type]).told("looking at the new type")?;
    if is_enum.is_some_and(|row| row.get(0)) {
        let labels = "SELECT enumlabel::text FROM pg_catalog.pg_enum WHERE enumtypid = pg_catalog.to_regtype($1) ORDER BY enumsortorder";
        let labels = client.query(labels, &[&data_type]).told("reading the values of the new type")?;
        let labels = labels.iter().map(|row| literal(row.get(0))).collect::<Vec<_>>().join(", ");
        let filter = format!("{name}::text NOT IN ({labels})");
        let fault = Fault::NotInEnum(data_type.to_owned());
        return Ok(Some(question(fault, format!("SELECT count(*) FROM {from} WHERE {filter}"), select(&filter), None)));
    }
    if !copy {
        return Ok(None);
    }
    let cast = format!("({})::{data_type}", using.unwrap_or(&name));
    let make = format!(
        "CREATE FUNCTION pg_temp.fits(r {from}) RETURNS boolean LANGUAGE plpgsql AS $fits$
         BEGIN PERFORM {cast} FROM (SELECT r.*) q; RETURN true;
         EXCEPTION WHEN data_exception THEN RETURN false; END $fits$"
    );
    client.batch_execute(&make).told("preparing to try each value")?;
    let of = "SELECT pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute
              WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2 AND NOT attisdropped";
    let old: String = client.query_one(of, &[&from, &column]).told("looking at the old type")?.get(0);
    let attempt = format!("SELECT ({cast})::text FROM (SELECT $1::text::{old} AS {name}) q");
    let count = format!("SELECT count(*) FROM {from} r WHERE NOT pg_temp.fits(r)");
    Ok(Some(question(
        Fault::Uncastable(data_type.to_owned()),
        count,
        select(&format!("{name} IS NOT NULL")),
        Some(attempt),
    )))
}

/// A key that was there already: one that is checked at COMMIT.
fn known_key(client: &mut Client, error: &DbError) -> Result<Option<Question>> {
    let (Some(schema), Some(table), Some(name)) = (error.schema(), error.table(), error.constraint()) else {
        return Ok(None);
    };
    let table = TableName::new(schema, table);
    let columns = |keys: &str, of: &str| {
        format!(
            "(SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest(c.{keys}) WITH ORDINALITY k(number, place)
              JOIN pg_catalog.pg_attribute a ON a.attrelid = c.{of} AND a.attnum = k.number)"
        )
    };
    let sql = format!(
        "SELECT n.nspname::text, p.relname::text, {}, {} FROM pg_catalog.pg_constraint c
         JOIN pg_catalog.pg_class p ON p.oid = c.confrelid JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace
         WHERE c.contype = 'f' AND c.conrelid = pg_catalog.to_regclass($1) AND c.conname = $2",
        columns("conkey", "conrelid"),
        columns("confkey", "confrelid")
    );
    let found = client.query_opt(&sql, &[&table.quoted(), &name]).told("looking for the key")?;
    Ok(found.map(|row| {
        let to = TableName::new(row.get(0), row.get(1));
        orphans(&table, &row.get::<_, Vec<String>>(2), &to, &row.get::<_, Vec<String>>(3))
    }))
}

fn primary_key(client: &mut impl GenericClient, table: &TableName) -> Result<Vec<String>> {
    let sql =
        "SELECT a.attname::text FROM pg_catalog.pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY k(number, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
               WHERE i.indisprimary AND i.indrelid = pg_catalog.to_regclass($1) ORDER BY k.place";
    let rows = client.query(sql, &[&table.quoted()]).told("looking for the primary key")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// `Key (lower(email), b)=(…) is duplicated.`: names and expressions, before the values.
fn key_of(error: &DbError) -> Option<&str> {
    let detail = error.detail()?.strip_prefix("Key (")?;
    balanced(detail).filter(|key| detail[key.len()..].starts_with(")=("))
}

/// The condition of a partial index: behind the last `WHERE` that stands outside of parentheses.
fn filter_of(statement: &str) -> Option<&str> {
    let at = word(statement, "WHERE")?;
    Some(statement[at + 5..].trim().trim_end_matches(';'))
}

/// The expression of `ALTER COLUMN … USING …`, up to the next action of the statement.
fn using_of<'a>(statement: &'a str, column: &str) -> Option<&'a str> {
    let quoted = statement.find(&quote(column));
    let at = quoted.or_else(|| statement.to_lowercase().find(&unquoted(column)))?;
    let rest = &statement[at..];
    let end = outside(rest).find(|(_, letter)| *letter == ',').map_or(rest.len(), |(at, _)| at);
    let own = &rest[..end];
    word(own, "USING").map(|at| own[at + 5..].trim().trim_end_matches(';'))
}

/// The expression of a check: the one of this name, or the only one.
fn check_of<'a>(statement: &'a str, name: Option<&str>) -> Option<&'a str> {
    let from = name.and_then(|name| statement.find(&quote(name)).or_else(|| statement.find(name))).unwrap_or(0);
    let rest = &statement[from..];
    let at = from + word(rest, "CHECK")? + 5;
    let inside = statement[at..].trim_start().strip_prefix('(')?;
    balanced(inside)
}

/// What stands before the parenthesis that closes.
fn balanced(text: &str) -> Option<&str> {
    let mut depth = 0_i32;
    let mut within = None;
    for (at, letter) in text.char_indices() {
        match (letter, within) {
            (letter, Some(open)) if letter == open => within = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => within = Some(letter),
            ('(', None) => depth += 1,
            (')', None) if depth == 0 => return Some(&text[..at]),
            (')', None) => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Letters outside of quotes and parentheses, with their places.
fn outside(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut depth, mut within) = (0_i32, None);
    text.char_indices().filter(move |(_, letter)| {
        match (*letter, within) {
            (letter, Some(open)) if letter == open => within = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => within = Some(*letter),
            ('(', None) => depth += 1,
            (')', None) => depth -= 1,
            _ => return depth == 0,
        }
        false
    })
}

/// Where a word stands for the last time outside of quotes and parentheses.
fn word(text: &str, wanted: &str) -> Option<usize> {
    let bare: Vec<(usize, char)> = outside(text).collect();
    let edge =
        |found: Option<&(usize, char)>| found.is_none_or(|(_, letter)| !letter.is_alphanumeric() && *letter != '_');
    (0..bare.len()).rev().find_map(|start| {
        let run = bare.get(start..start + wanted.len())?;
        let same = run.iter().zip(wanted.chars()).all(|((_, letter), wanted)| letter.eq_ignore_ascii_case(&wanted));
        let whole = run.last()?.0 - run.first()?.0 == wanted.len() - 1;
        let alone =
            edge(start.checked_sub(1).and_then(|before| bare.get(before))) && edge(bare.get(start + wanted.len()));
        (same && whole && alone).then_some(run.first()?.0)
    })
}

/// `varchar(20)`, `character(3)`: 20, 3.
fn length_of(data_type: &str) -> Option<u32> {
    let (name, rest) = data_type.split_once('(')?;
    let name = name.trim().to_lowercase();
    let known = ["varchar", "character varying", "char", "character", "bpchar"].contains(&name.as_str());
    known.then(|| rest.trim_end().strip_suffix(')')?.trim().parse().ok()).flatten()
}

impl fmt::Display for AtFault {
    /// `17 of 10,000 rows of `users` without a value in `phone``
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AtFault { table, rows, of, .. } = self;
        let columns = self.columns.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ");
        write!(f, "{} of {} rows of `{table}` ", thousands(*rows), thousands(*of))?;
        match &self.fault {
            Fault::Missing => write!(f, "without a value in {columns}"),
            Fault::Duplicate(1) => write!(f, "with the same value in {columns}"),
            Fault::Duplicate(values) => {
                write!(f, "that share {} values of {columns} with others", thousands(*values))
            }
            Fault::Orphan(to) => write!(f, "whose {columns} refers to no row of `{to}`"),
            Fault::Check(Some(name)) => write!(f, "that break `{name}`"),
            Fault::Check(None) => f.write_str("that break the check"),
            Fault::Uncastable(to) => write!(f, "whose {columns} is no `{to}`"),
            Fault::TooLong(to) => write!(f, "whose {columns} is longer than `{to}` holds"),
            Fault::NotInEnum(to) => {
                write!(f, "whose {columns} is a value that `{}` does not have", to.replace('"', ""))
            }
        }
    }
}

#[cfg(test)]
#[path = "at_fault_tests.rs"]
mod tests;
