//! The breaking-change checklist: each item with a verdict and what decided it.
//!
//! The seed's eight come first, always; kinds that it does not name follow where they are declared. A verdict that data decides
//! is decided on a copy of the source's rows.

use anyhow::Result;
use postgres::Client;

use super::change::Change;
use crate::numbers::thousands;
use crate::pg::at_fault;
use crate::pg::error::{Told, without_values};
use crate::sql::{Operation, TableName, nature, render};

pub(super) struct Check {
    pub(super) name: &'static str,
    /// `yes`, `no`, `only with data`, `not judged`.
    pub(super) verdict: &'static str,
    /// The query or the trial and its outcome, or why none is needed.
    pub(super) decided_by: String,
}

/// What came of an operation that was tried on a copy.
pub(super) enum Tried {
    Done,
    Refused {
        sqlstate: String,
        message: String,
    },
    /// There is no SQL of ours for it, or for what it needs.
    NoSql,
    /// No row can stand in its way: what it is about comes empty with the same change.
    NoRow,
}

pub(super) const FOREIGN_KEY: &str = "foreign key";

const EIGHT: [&str; 8] = [
    "column rename",
    "column delete",
    "type change",
    "not null added",
    "unique added",
    FOREIGN_KEY,
    "table rename",
    "table delete",
];

/// Makes one operation after the other, each in a transaction of its own; new types first, for new columns may be of them.
/// Gives what came of each, in the order of the operations.
pub(super) fn attempt(client: &mut Client, operations: &[Operation]) -> Result<Vec<Tried>> {
    let is_type = |operation: &Operation| matches!(operation, Operation::CreateEnum { .. });
    for operation in operations.iter().filter(|operation| is_type(operation)) {
        try_one(client, operation)?;
    }
    operations
        .iter()
        .map(|operation| match operation {
            operation if is_type(operation) => Ok(Tried::NoRow),
            operation => untried(operation, operations).map_or_else(|| try_one(client, operation), Ok),
        })
        .collect()
}

/// What need not or cannot be tried, because it needs something that the change itself brings and we have no SQL for.
fn untried(operation: &Operation, operations: &[Operation]) -> Option<Tried> {
    use Operation as O;
    let is_new =
        |table: &TableName| operations.iter().any(|of| matches!(of, O::CreateTable { table: new, .. } if new == table));
    let comes_empty = |on: &TableName, name: &String| {
        let comes = |of: &Operation| matches!(of, O::AddColumn { table, column, default: None, .. } if (table, column) == (on, name));
        operations.iter().any(comes)
    };
    match operation {
        O::AddForeignKey { table, columns, to, .. } if is_new(table) || is_new(to) => {
            let empty = is_new(table) || columns.iter().any(|column| comes_empty(table, column));
            Some(if empty { Tried::NoRow } else { Tried::NoSql })
        }
        O::AddColumn { data_type, .. } => {
            let unknown = |of: &Operation| match of {
                O::CreateEnum { name, values } => {
                    values.is_empty() && [name.name.clone(), name.quoted()].contains(&data_type.replace("[]", ""))
                }
                _ => false,
            };
            operations.iter().any(unknown).then_some(Tried::NoSql)
        }
        _ => None,
    }
}

fn try_one(client: &mut Client, operation: &Operation) -> Result<Tried> {
    let Ok(statements) = render::forward(std::slice::from_ref(operation)) else { return Ok(Tried::NoSql) };
    client.batch_execute("BEGIN").told("opening a transaction to try the change")?;
    for statement in statements {
        client.batch_execute("SAVEPOINT tried").told("trying the declared change")?;
        let Err(error) = client.batch_execute(&statement) else { continue };
        let Some(found) = error.as_db_error() else { return Err(error).told("trying the declared change") };
        client.batch_execute("ROLLBACK TO SAVEPOINT tried").told("looking at the rows at fault")?;
        let sqlstate = found.code().code().to_owned();
        let message = match at_fault::find(client, &statement, found, true) {
            Some(rows) => format!("{rows} (SQLSTATE {sqlstate})"),
            None => without_values(&error),
        };
        client.batch_execute("ROLLBACK").told("ending the trial")?;
        return Ok(Tried::Refused { sqlstate, message });
    }
    client.batch_execute("COMMIT").told("trying the declared change")?;
    Ok(Tried::Done)
}

/// `rows` are those of the largest table that is touched. Where nothing was tried, nothing had to be.
pub(super) fn all(change: &Change, tried: &[Tried], rows: i64) -> Vec<Check> {
    let mut checks: Vec<Check> = EIGHT
        .iter()
        .map(|name| Check { name, verdict: "no", decided_by: "not among the declared operations".to_owned() })
        .collect();
    for (place, operation) in change.operations.iter().enumerate() {
        let Some(name) = item(operation) else { continue };
        let (verdict, decided_by) = judge(operation, tried.get(place), rows);
        let check = Check { name, verdict, decided_by };
        match checks.iter_mut().find(|known| known.name == name) {
            // The worse of two operations on one item stands.
            Some(known) if rank(check.verdict) >= rank(known.verdict) => *known = check,
            Some(_) => {}
            None => checks.push(check),
        }
    }
    checks
}

fn rank(verdict: &str) -> usize {
    ["no", "not judged", "only with data", "yes"].iter().position(|known| *known == verdict).unwrap_or_default()
}

/// The item of the list that an operation falls under; new objects fall under none.
fn item(operation: &Operation) -> Option<&'static str> {
    use Operation as O;
    Some(match operation {
        O::RenameColumn { .. } => EIGHT[0],
        O::DropColumn { .. } => EIGHT[1],
        O::ChangeType { .. } => EIGHT[2],
        O::SetNotNull { .. } | O::AddColumn { not_null: true, default: None, .. } => EIGHT[3],
        O::AddUnique { .. } | O::AddIndex { unique: true, .. } => EIGHT[4],
        O::AddForeignKey { .. } | O::DropForeignKey { .. } => EIGHT[5],
        O::RenameTable { .. } => EIGHT[6],
        O::DropTable { .. } => EIGHT[7],
        O::AddCheck { .. } => "check added",
        O::DropEnumValue { .. } | O::RenameEnumValue { .. } | O::DropEnum { .. } => "enum value",
        O::ChangeView { .. } | O::DropView { .. } => "view",
        O::EnableRowSecurity { .. }
        | O::DisableRowSecurity { .. }
        | O::CreatePolicy { .. }
        | O::ChangePolicy { .. }
        | O::DropPolicy { .. } => "who sees rows",
        O::Custom { .. } => "SQL of one's own",
        _ => return None,
    })
}

fn judge(operation: &Operation, tried: Option<&Tried>, rows: i64) -> (&'static str, String) {
    let counted = thousands(rows);
    match tried {
        Some(Tried::Refused { message, .. }) => ("yes", format!("tried on a copy: {message}")),
        _ if nature::is_breaking(operation) => ("yes", format!("declared: {}", nature::lane(operation).1)),
        Some(Tried::NoSql) => ("not judged", "there is no SQL of ours to try it with".to_owned()),
        Some(Tried::NoRow) => ("no", "it comes with the change: no row is there yet".to_owned()),
        Some(Tried::Done) | None if rows == 0 => ("no", "there is no row that could stand in the way".to_owned()),
        Some(Tried::Done) => ("only with data", format!("tried on a copy of {counted} rows: none stands in the way")),
        None => ("not judged", "it was not tried".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::testing::Scratch;

    #[test]
    fn what_needs_a_new_object_is_not_taken_for_refused_by_the_rows() {
        let (_scratch, mut client) = Scratch::with(
            "create table users (id integer primary key, boss_id integer); insert into users values (1, 7)",
        );
        let users = TableName::new("public", "users");
        let add = |column: &str, data_type: &str| Operation::AddColumn {
            table: users.clone(),
            column: column.to_owned(),
            data_type: data_type.to_owned(),
            not_null: false,
            default: None,
        };
        let key = |column: &str| Operation::AddForeignKey {
            table: users.clone(),
            name: None,
            columns: vec![column.to_owned()],
            to: users.beside("teams"),
            to_columns: vec!["id".to_owned()],
            on_delete: None,
            on_update: None,
            replaces: false,
        };
        let operations = [
            add("plan", "plan"),
            add("mood", "mood"),
            add("team_id", "integer"),
            key("team_id"),
            key("boss_id"),
            Operation::CreateTable { table: users.beside("teams"), columns: Vec::new() },
            Operation::CreateEnum { name: users.beside("plan"), values: vec!["it's free".to_owned()] },
            Operation::CreateEnum { name: users.beside("mood"), values: Vec::new() },
        ];
        let tried = attempt(&mut client, &operations).unwrap();
        let words: Vec<&str> = operations.iter().zip(&tried).map(|(of, tried)| judge(of, Some(tried), 1).0).collect();
        assert_eq!(
            words,
            ["only with data", "not judged", "only with data", "no", "not judged", "not judged", "no", "no"]
        );
    }
}
