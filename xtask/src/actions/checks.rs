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
use crate::sql::{Operation, nature, render};

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
    /// There is no SQL of ours for it.
    NoSql,
}

const EIGHT: [&str; 8] = [
    "column rename",
    "column delete",
    "type change",
    "not null added",
    "unique added",
    "foreign key",
    "table rename",
    "table delete",
];

/// Makes one operation after the other, each in a transaction of its own.
pub(super) fn attempt(client: &mut Client, operations: &[Operation]) -> Result<Vec<Tried>> {
    operations.iter().map(|operation| try_one(client, operation)).collect()
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
        O::SetNotNull { .. } | O::AddColumn { not_null: true, .. } => EIGHT[3],
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
        Some(Tried::Done) | None if rows == 0 => ("no", "there is no row that could stand in the way".to_owned()),
        Some(Tried::Done) => ("only with data", format!("tried on a copy of {counted} rows: none stands in the way")),
        None => ("not judged", "it was not tried".to_owned()),
    }
}
