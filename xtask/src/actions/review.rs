//! `review`: findings in the generated SQL, decided by live data where they can be; errors are accepted by name or mended.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::change::Change;
use super::contradiction::Claim;
use super::generate::Migration;
use super::schema::history_of;
use super::world::World;
use crate::digest;
use crate::drizzle::{Snapshot, migrate};
use crate::engine::{Outcome, StepContext};
use crate::review::{
    self, Asked, Before, Class, Day, DecidedBy, Finding, Report, Set, Severity, Source, Transaction, accept, comment,
};
use crate::sql::action::Action;
use crate::sql::statements::Statement;
use crate::sql::{Operation, TableName, intent, statements};
use crate::state::Evidence;

pub(super) fn review(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let migration = Migration::of(context)?;
    let sql = migration.sql()?;
    let (before, _) = migration.snapshots(world, context)?;
    let (report, set) = judged(world, &change, &migration, &before)?;
    let ours = set.files.len() - 1;
    let mut findings: Vec<Finding> = report.findings.into_iter().filter(|finding| finding.file == ours).collect();
    findings.extend(undeclared(&sql, ours, &change.operations, &before));
    let today = Day::today();
    comment::accept([(ours, &set.files[ours])], &mut findings, &today);
    let paths: Vec<_> = set.files.iter().map(|source| source.path.clone()).collect();
    accept::accept(world.loaded, &paths, &mut findings, &today).iter().for_each(|line| context.say(line));
    super::declare::one_breaking(&change.operations)?;
    let findings = findings;
    // An acceptance is about what the SQL does; the comments that accept something are no part of that.
    let content = digest::of(comment::content(&sql).as_bytes());
    let by_name =
        |name: &str| context.accepted().into_iter().find(|word| word.finding == name && word.digest == content);
    let named: Vec<(String, &Finding)> = findings.iter().map(|finding| (name(finding, &findings), finding)).collect();
    let (accepted, open): (Vec<_>, Vec<_>) = named
        .iter()
        .filter(|(_, finding)| finding.severity == Severity::Error)
        .partition(|(name, finding)| finding.accepted.is_some() || by_name(name).is_some());
    let evidence = Evidence::new(summary(&findings, accepted.len()))
        .proven("migration", migration.hash.clone())
        .proven(
            "findings",
            named
                .iter()
                .map(|(name, finding)| format!("{name} {}", finding.title).into())
                .collect::<Vec<toml::Value>>(),
        )
        .proven("accepted", accepted.iter().map(|(name, _)| name.clone().into()).collect::<Vec<toml::Value>>())
        .info(
            "claims",
            toml::Value::try_from(findings.iter().flat_map(claims).collect::<Vec<Claim>>())
                .context("describing the findings")?,
        )
        .info(
            "lines",
            named.iter().map(|(name, finding)| line(name, finding, &migration).into()).collect::<Vec<toml::Value>>(),
        );
    if open.is_empty() {
        return Ok(Outcome::Passed(evidence));
    }
    let open = open.iter().map(|(name, finding)| (name.clone(), text(finding, &migration))).collect();
    Ok(Outcome::Accept { findings: open, digest: content, evidence })
}

/// The migration behind those that the asked database has not run yet, as one transaction of drizzle-orm. The database is production,
/// where that may be read, else the source of the copies; one that has this migration already cannot say what the rows were before it.
fn judged(world: &World<'_>, change: &Change, migration: &Migration, before: &Snapshot) -> Result<(Report, Set)> {
    let (config, history) = history_of(world)?;
    let mut asked = world.read_production()?;
    if asked.is_none() && !change.applied {
        asked = Some((world.source_name().to_owned(), world.read_source()?));
    }
    let mut waiting = Vec::new();
    let mut current = false;
    if let Some((_, client)) = &mut asked {
        let applied = migrate::applied(client, &config)?;
        let pending = history.pending(&applied);
        let skipped = history.skipped(&applied);
        let ours = pending.iter().position(|entry| entry.tag == migration.tag);
        current = ours.is_some();
        waiting = pending[..ours.unwrap_or(0)].iter().filter(|entry| !skipped.contains(entry)).copied().collect();
    }
    let mut files = Vec::new();
    for path in waiting.iter().map(|entry| history.sql_path(entry)).chain([migration.file.clone()]) {
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))?;
        let path = path.strip_prefix(&world.root).map_or(path.clone(), Into::into);
        files.push(Source { path, text, transaction: Transaction::Set });
    }
    let production = world.production();
    // Said for want of the real ones.
    let rows =
        production.filter(|(name, _)| asked.as_ref().is_none_or(|(of, _)| of != name)).map(|(_, target)| &target.rows);
    let rows =
        rows.into_iter().flatten().map(|(table, rows)| (table.clone(), i64::try_from(*rows).unwrap_or(i64::MAX)));
    let before = Before::Snapshot(Box::new(before.clone()));
    let set = Set { files, before, pending: true, major: None, rows: rows.collect() };
    let asked = asked.as_mut().filter(|_| current).map(|(name, client)| {
        let instead_of =
            production.map(|(production, _)| production.to_owned()).filter(|production| production != name);
        Asked { client, name: name.clone(), instead_of }
    });
    Ok((review::review(&set, asked), set))
}

fn summary(findings: &[Finding], accepted: usize) -> String {
    let count = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .map(|severity| (count(severity), severity.word()))
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    let accepted = if accepted > 0 { format!("; {accepted} accepted") } else { String::new() };
    if counts.is_empty() { "no finding".to_owned() } else { counts.join(", ") + &accepted }
}

/// What the file does beyond the declared operations and what follows from them: a hand has been at it, or the wrong file is
/// under review. Such a statement may be right, and then somebody says so. What Drizzle does not know it does not drop either:
/// no later comparison with the schema files would miss it.
fn undeclared(sql: &str, file: usize, operations: &[Operation], before: &Snapshot) -> Vec<Finding> {
    let statements = statements::parse(sql).statements;
    let named = intent::undeclared(operations, &statements);
    let custom = operations.iter().any(super::generate::is_custom);
    let foreign = |statement: &Statement| !custom && statement.actions.iter().any(|action| !may_go(action, before));
    statements
        .iter()
        .filter(|statement| named.contains(statement) || foreign(statement))
        .map(|statement| Finding {
            id: "undeclared",
            class: Class::Intent,
            severity: Severity::Error,
            title: "does what nobody declared".to_owned(),
            file,
            line: statement.line,
            column: statement.column,
            span: statement.start..statement.end,
            statement: statement.text.as_str().into(),
            table: None,
            lock: None,
            rewrites: false,
            scans: false,
            decided_by: DecidedBy::Static(String::new()),
            remedy: "take it out, declare it, or accept it by name".into(),
            sql: Vec::new(),
            rule: None,
            accepted: None,
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
    // Rows were asked for and found: a size alone makes nothing fail.
    let rows =
        matches!(&finding.decided_by, DecidedBy::Live(detail) if detail.contains(" ms") && !detail.contains("(0 "));
    let of_its_own = |table: Option<&TableName>| finding.table.is_none() || finding.table.as_ref() == table;
    let claim = |table: Option<&TableName>| Claim {
        id: finding.id.to_owned(),
        line: finding.line,
        table: table.cloned(),
        lock: finding.lock.map(|lock| lock.to_string()),
        rewrites: finding.rewrites && of_its_own(table),
        scans: finding.scans && of_its_own(table),
        fails: finding.class == Class::MayFail && finding.severity == Severity::Error && rows,
    };
    let parsed = statements::parse(&finding.statement).statements;
    let tables: BTreeSet<&TableName> =
        parsed.iter().flat_map(|statement| &statement.actions).flat_map(Action::tables).collect();
    if tables.is_empty() { vec![claim(None)] } else { tables.into_iter().map(|table| claim(Some(table))).collect() }
}

/// `H10`, or `H10:3` where the rule fires more than once.
fn name(finding: &Finding, all: &[Finding]) -> String {
    let once = all.iter().filter(|other| other.id == finding.id).count() == 1;
    if once { finding.id.to_owned() } else { format!("{}:{}", finding.id, finding.line) }
}

fn line(name: &str, finding: &Finding, migration: &Migration) -> String {
    let accepted = finding.accepted.as_ref();
    let accepted = accepted.map(|accepted| format!(" (accepted in {}: {})", accepted.place, accepted.reason));
    let severity = finding.severity.word();
    format!("{severity} {name} {}{}", text(finding, migration), accepted.unwrap_or_default())
}

fn text(finding: &Finding, migration: &Migration) -> String {
    let lock = finding.lock.map(|lock| format!("; takes {lock}")).unwrap_or_default();
    format!("{} ({}{lock})   {}:{}", finding.title, finding.decided_by, migration.shown, finding.line)
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
        let lines = |sql: &str| undeclared(sql, 0, &rename, &before).iter().map(|found| found.line).collect::<Vec<_>>();
        let made = "ALTER TABLE users DROP CONSTRAINT users_email_unique;\nDROP INDEX by_email;\nDROP VIEW active;\n";
        assert_eq!(lines(made), [] as [usize; 0]);
        for more in ["ALTER TABLE users DROP CONSTRAINT no_overlap;", "DROP INDEX by_hand;", "DROP VIEW by_hand;"] {
            assert_eq!(lines(&format!("{made}{more}")), [4], "{more}");
        }
    }
}
