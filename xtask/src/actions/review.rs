//! `review`: findings in the generated SQL, decided by live data where they can be; errors are accepted by name or mended.

use anyhow::Result;

use super::change::Change;
use super::generate::Migration;
use super::world::World;
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::sql::review::{self, DecidedBy, Finding, Severity};
use crate::sql::statements::{self, Action};
use crate::sql::{Operation, TableName};
use crate::state::Evidence;

pub(super) fn review(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let migration = Migration::of(context)?;
    let mut client = world.read_source()?;
    let sql = migration.sql()?;
    let mut findings = review::review(&sql, Some(&mut client))?;
    findings.extend(undeclared(&sql, &change.operations));
    let breaking = change.operations.iter().filter(|operation| operation.is_breaking()).count();
    if breaking > 1 {
        return Err(Failure::step(format!("{breaking} breaking operations in one migration"))
            .hint("never more than one: split the change and run them one after the other")
            .into());
    }
    let named: Vec<(String, &Finding)> = findings.iter().map(|finding| (name(finding, &findings), finding)).collect();
    let errors: Vec<&(String, &Finding)> =
        named.iter().filter(|(_, finding)| finding.severity == Severity::Error).collect();
    let accepted =
        |name: &str| context.accepted().into_iter().find(|word| word.finding == name && word.digest == migration.hash);
    let count = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let summary = match findings.len() {
        0 => "no finding".to_owned(),
        _ => [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")]
            .map(|(severity, word)| (count(severity), word))
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}{}", if *count == 1 { "" } else { "s" }))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let lines: Vec<String> = named.iter().map(|(name, finding)| line(name, finding, &migration)).collect();
    let evidence = Evidence::new(summary)
        .proven("migration", migration.hash.clone())
        .proven(
            "findings",
            named
                .iter()
                .map(|(name, finding)| format!("{name} {}", finding.title).into())
                .collect::<Vec<toml::Value>>(),
        )
        .proven(
            "accepted",
            errors
                .iter()
                .filter(|(name, _)| accepted(name).is_some())
                .map(|(name, _)| name.clone().into())
                .collect::<Vec<toml::Value>>(),
        )
        .info("lines", lines.iter().cloned().map(Into::into).collect::<Vec<toml::Value>>());
    let open: Vec<(String, String)> = errors
        .iter()
        .filter(|(name, _)| accepted(name).is_none())
        .map(|(name, finding)| (name.clone(), text(finding, &migration)))
        .collect();
    if open.is_empty() {
        return Ok(Outcome::Passed(evidence));
    }
    Ok(Outcome::Accept { findings: open, digest: migration.hash, evidence })
}

/// What the file does beyond the declared operations and what follows from them: a hand has been at it, or the wrong file is
/// under review. Such a statement may be right, and then somebody says so.
fn undeclared(sql: &str, operations: &[Operation]) -> Vec<Finding> {
    let statements = statements::parse(sql).statements;
    let extra = statements.into_iter().filter(|statement| {
        statement.actions.is_empty() || statement.actions.iter().any(|action| !is_declared(action, operations))
    });
    extra
        .map(|statement| Finding {
            id: "undeclared".to_owned(),
            class: "intent".to_owned(),
            severity: Severity::Error,
            title: "does what nobody declared".to_owned(),
            line: statement.line,
            column: statement.column,
            statement: statement.text,
            lock: None,
            blocks: None,
            decided_by: DecidedBy::Static,
            remedy: "take it out, declare it, or accept it by name".to_owned(),
        })
        .collect()
}

fn is_declared(action: &Action, operations: &[Operation]) -> bool {
    // Renaming a column, drizzle-kit makes what is named after it, or reads it, anew.
    let follows = |table: Option<&TableName>| {
        let renamed = |operation: &Operation| {
            matches!(operation, Operation::RenameColumn { .. }) && table.is_none_or(|table| table == operation.table())
        };
        operations.iter().any(renamed)
    };
    match action {
        Action::AddColumn(added) => operations.iter().any(|operation| {
            matches!(operation, Operation::AddColumn { table, column, .. } if (table, column) == (&added.table, &added.column))
        }),
        Action::RenameColumn { table, from, to } => {
            operations.contains(&Operation::RenameColumn { table: table.clone(), from: from.clone(), to: to.clone() })
        }
        Action::AddUnique { table, .. }
        | Action::AddConstraint { table, .. }
        | Action::DropConstraint { table, .. }
        | Action::RenameConstraint { table, .. }
        | Action::CreateIndex { table, .. } => follows(Some(table)),
        // A key of another table may refer to the column.
        Action::AddForeignKey { table, to, .. } => follows(Some(table)) || follows(Some(to)),
        Action::DropIndex { .. } | Action::CreateView { .. } | Action::DropView { .. } => follows(None),
        _ => false,
    }
}

/// `H10`, or `H10:3` where the rule fires more than once.
fn name(finding: &Finding, all: &[Finding]) -> String {
    let once = all.iter().filter(|other| other.id == finding.id).count() == 1;
    if once { finding.id.clone() } else { format!("{}:{}", finding.id, finding.line) }
}

fn line(name: &str, finding: &Finding, migration: &Migration) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    format!("{severity} {name} {}", text(finding, migration))
}

fn text(finding: &Finding, migration: &Migration) -> String {
    let decided = match &finding.decided_by {
        DecidedBy::Static => "static".to_owned(),
        DecidedBy::Live(how) => format!("live: {how}"),
        DecidedBy::NotJudged(why) => format!("not judged: {why}"),
    };
    let lock = finding.lock.as_deref().map(|lock| format!("; takes {lock}")).unwrap_or_default();
    format!("{} ({decided}{lock})   {}:{}", finding.title, migration.shown, finding.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_a_rename_is_declared_and_everything_else_is_named() {
        let rename = Operation::RenameColumn {
            table: TableName::new("public", "users"),
            from: "email".to_owned(),
            to: "email_address".to_owned(),
        };
        let made = r#"DROP VIEW "public"."active_users";--> statement-breakpoint
ALTER TABLE "users" RENAME COLUMN "email" TO "email_address";--> statement-breakpoint
ALTER TABLE "users" DROP CONSTRAINT "users_email_unique";--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_email_address_unique" UNIQUE("email_address");--> statement-breakpoint
CREATE VIEW "public"."active_users" AS (select "id", "email_address" from "users");"#;
        assert_eq!(undeclared(made, std::slice::from_ref(&rename)), []);
        for more in [
            "DELETE FROM users;",
            "UPDATE users SET name = '';",
            r#"ALTER TABLE "workouts" ADD COLUMN "x" text;"#,
            r#"ALTER TABLE "workouts" DROP CONSTRAINT "workouts_pkey";"#,
            "DO $$ BEGIN END $$;",
            "TRUNCATE users;",
        ] {
            let found = undeclared(&format!("{made}\n{more}"), std::slice::from_ref(&rename));
            assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [6], "{more}");
        }
    }
}
