//! `review`: findings in the generated SQL, decided by live data where they can be; errors are accepted by name or mended.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::change::Change;
use super::contradiction::Claim;
use super::generate::Migration;
use super::world::World;
use crate::drizzle::Snapshot;
use crate::engine::{Outcome, StepContext};
use crate::sql::review::{self, DecidedBy, Finding, Severity};
use crate::sql::statements::{Action, Statement};
use crate::sql::{Operation, TableName, intent, statements};
use crate::state::Evidence;

pub(super) fn review(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let migration = Migration::of(context)?;
    // What the rows were before it, a database that has it does not tell.
    let mut client = if change.applied { None } else { Some(world.read_source()?) };
    let sql = migration.sql()?;
    let mut findings = review::review(&sql, client.as_mut())?;
    let (before, _) = migration.snapshots(world, context)?;
    findings.extend(undeclared(&sql, &change.operations, &before));
    super::declare::one_breaking(&change.operations)?;
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
        .info(
            "claims",
            toml::Value::try_from(findings.iter().flat_map(claims).collect::<Vec<Claim>>())
                .context("describing the findings")?,
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
/// under review. Such a statement may be right, and then somebody says so. What Drizzle does not know it does not drop either:
/// no later comparison with the schema files would miss it.
fn undeclared(sql: &str, operations: &[Operation], before: &Snapshot) -> Vec<Finding> {
    let statements = statements::parse(sql).statements;
    let named = intent::undeclared(operations, &statements);
    let custom = operations.iter().any(super::generate::is_custom);
    let foreign = |statement: &Statement| !custom && statement.actions.iter().any(|action| !may_go(action, before));
    statements
        .iter()
        .filter(|statement| named.contains(statement) || foreign(statement))
        .map(|statement| Finding {
            id: "undeclared".to_owned(),
            class: "intent".to_owned(),
            severity: Severity::Error,
            title: "does what nobody declared".to_owned(),
            line: statement.line,
            column: statement.column,
            statement: statement.text.clone(),
            lock: None,
            blocks: None,
            decided_by: DecidedBy::Static,
            remedy: "take it out, declare it, or accept it by name".to_owned(),
        })
        .collect()
}

/// Whether what is dropped, if anything, is an object of the schema files.
fn may_go(action: &Action, before: &Snapshot) -> bool {
    let known = |maps: &[&str], name: &str| {
        before.map("tables").iter().any(|(key, table)| {
            let names =
                maps.iter().flat_map(|map| table[*map].as_object().into_iter().flatten().map(move |(of, _)| (map, of)));
            names.into_iter().any(|(map, of)| before.name_in_database(key, map, of) == name)
        })
    };
    match action {
        Action::DropConstraint { name, .. } => {
            known(&["uniqueConstraints", "foreignKeys", "checkConstraints", "compositePrimaryKeys"], name)
        }
        Action::DropIndex { name, .. } => known(&["indexes"], &name.name),
        Action::DropView { name, .. } => before.view(name).is_some(),
        _ => true,
    }
}

/// What a finding says that the trial can confirm or deny, for each table of its statement.
fn claims(finding: &Finding) -> Vec<Claim> {
    let decided = !matches!(finding.decided_by, DecidedBy::NotJudged(_));
    let claim = |table: Option<&TableName>| Claim {
        id: finding.id.clone(),
        line: finding.line,
        table: table.cloned(),
        lock: finding.lock.clone(),
        rewrites: ["H21", "H23", "H24", "H50"].contains(&finding.id.as_str()),
        scans: ["H30", "H31"].contains(&finding.id.as_str()),
        fails: finding.class == "may_fail" && finding.severity == Severity::Error && decided,
    };
    let parsed = statements::parse(&finding.statement).statements;
    let tables: BTreeSet<&TableName> =
        parsed.iter().flat_map(|statement| &statement.actions).flat_map(Action::tables).collect();
    if tables.is_empty() { vec![claim(None)] } else { tables.into_iter().map(|table| claim(Some(table))).collect() }
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
    fn a_dropped_object_that_the_schema_files_do_not_know_does_not_ride_on_a_declared_change() {
        let mut before = Snapshot::empty();
        before.0["tables"]["public.users"] = serde_json::json!({
            "name": "users", "schema": "", "columns": {}, "uniqueConstraints": { "users_email_unique": {} },
            "indexes": { "by_email": {} },
        });
        before.0["views"]["public.active"] = serde_json::json!({ "name": "active", "schema": "public" });
        let (table, from, to) = (TableName::new("public", "users"), "email".to_owned(), "mail".to_owned());
        let rename = [Operation::RenameColumn { table, from, to }];
        let lines = |sql: &str| undeclared(sql, &rename, &before).iter().map(|found| found.line).collect::<Vec<_>>();
        let made = "ALTER TABLE users DROP CONSTRAINT users_email_unique;\nDROP INDEX by_email;\nDROP VIEW active;\n";
        assert_eq!(lines(made), [] as [usize; 0]);
        for more in ["ALTER TABLE users DROP CONSTRAINT no_overlap;", "DROP INDEX by_hand;", "DROP VIEW by_hand;"] {
            assert_eq!(lines(&format!("{made}{more}")), [4], "{more}");
        }
    }
}
