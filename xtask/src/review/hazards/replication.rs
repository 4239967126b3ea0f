//! H95: what subscribers get, and whether the rows of a published table can be told apart.

use crate::review::catalog::Kind;
use crate::review::definition::words;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::sql::TableName;
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H95",
    title: "a published table loses what identifies its rows",
    class: Class::BreaksCode,
    danger: "UPDATE and DELETE on a published table fail (55000) without a replica identity, which is the primary key unless something else \
             is said. With FULL each old row is written to the log as a whole. A table that leaves a publication stops changing at its \
             subscribers, without an error. REPLICA IDENTITY takes ACCESS EXCLUSIVE, for an instant.",
    decided: Some("whether the table is published, and what identifies its rows"),
    safe: "a new unique index over columns that are NOT NULL, REPLICA IDENTITY USING INDEX, and then the old key may go",
    aka: &[("squawk", &["ban-replica-identity"]), ("pg-schema-diff", &["CORRECTNESS"]), ("migrationpilot", &["MP055"])],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::ReplicaIdentity { table, identity } => identified(site, table, identity),
        Action::DropConstraint { table, name, .. } => key_dropped(site, table, name),
        Action::Publication { verb, name, tables } => published(site, verb, name, tables),
        _ => {}
    }
}

fn identified(site: &mut Site<'_, '_>, table: &TableName, identity: &str) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let known = site.facts.replication(table);
    let published = known.as_ref().map(|known| known.published);
    let by = match &known {
        Some(known) if known.live => site.facts.decided("its publications", None),
        Some(_) => DecidedBy::Static(String::new()),
        None => DecidedBy::NotJudged("whether it is published".to_owned()),
    };
    let key = site.facts.table(table).filter(|facts| facts.known).map(|facts| !facts.primary_key().is_empty());
    let (severity, what) = match (identity, published, key) {
        ("full", ..) => (Severity::Note, "whole: each UPDATE and DELETE writes the old row to the log"),
        ("nothing", Some(true), _) => (Severity::Error, "by nothing: it is published, so UPDATE and DELETE fail at once"),
        ("nothing", Some(false), _) => (Severity::Note, "by nothing, which matters once it is published"),
        ("nothing", None, _) => (Severity::Warning, "by nothing: where it is published, UPDATE and DELETE fail at once"),
        ("default", Some(true), Some(false)) => {
            (Severity::Error, "by its primary key, and it has none: it is published, so UPDATE and DELETE fail at once")
        }
        ("default", None, Some(false)) => {
            (Severity::Warning, "by its primary key, and it has none: where it is published, UPDATE and DELETE fail at once")
        }
        ("default", ..) => (Severity::Note, "by its primary key"),
        _ => (Severity::Note, "by an index"),
    };
    let mut draft = Draft::new(severity, format!("rows of {table} are identified {what}")).lock(table, Lock::AccessExclusive).by(by);
    if severity > Severity::Note {
        draft = draft
            .remedy("choose an index that identifies the rows, or FULL")
            .sql([format!("ALTER TABLE {} REPLICA IDENTITY USING INDEX <a unique index over NOT NULL columns>;", table.quoted())]);
    }
    site.find(draft);
}

fn key_dropped(site: &mut Site<'_, '_>, table: &TableName, name: &str) {
    let key = site.facts.table(table).and_then(|facts| facts.constraints.get(name).map(|found| found.kind));
    if key != Some(Kind::PrimaryKey) || site.facts.is_new(table, site.at.file) {
        return;
    }
    let Some(known) = site.facts.replication(table).filter(|known| known.published && known.identity == "default") else {
        return;
    };
    let again = site.scene.later(table, site.at).any(|(at, action)| {
        site.scene.same_transaction(at, site.at)
            && match action {
                Action::AddConstraint { kind, .. } => *kind == crate::sql::action::ConstraintKind::PrimaryKey,
                Action::ReplicaIdentity { identity, .. } => identity != "nothing" && identity != "default",
                _ => false,
            }
    });
    if again {
        return;
    }
    let by = if known.live { site.facts.decided("its publications", None) } else { DecidedBy::Static(String::new()) };
    site.find(
        Draft::new(Severity::Error, format!("drops the primary key of {table}, which is published: UPDATE and DELETE fail at once"))
            .lock(table, Lock::AccessExclusive)
            .by(by)
            .remedy("say what identifies the rows before the key goes")
            .sql([format!("ALTER TABLE {} REPLICA IDENTITY FULL;", table.quoted())]),
    );
}

fn published(site: &mut Site<'_, '_>, verb: &str, name: &str, tables: &[TableName]) {
    let words = words(&site.statement.text);
    let says = |word: &str| words.iter().skip(3).any(|found| found == word);
    if verb == "drop" || verb == "alter" && (says("drop") || says("set")) {
        let what = if verb == "drop" { "goes" } else { "is altered" };
        site.find(
            Draft::new(Severity::Warning, format!("publication {name} {what}: subscribers miss changes, without an error"))
                .remedy("look at pg_replication_slots and at the subscribers first; they refresh their subscription afterwards"),
        );
        return;
    }
    let bare: String = site.statement.text.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let listed = bare.split("publish='").nth(1).and_then(|rest| rest.split('\'').next());
    let rows_change = listed.is_none_or(|listed| listed.contains("update") || listed.contains("delete"));
    if !rows_change {
        return;
    }
    for table in tables {
        joins(site, name, table);
    }
    if tables.is_empty() && (says("all") || says("tables")) {
        whole(site, name);
    }
}

/// One table of a publication.
fn joins(site: &mut Site<'_, '_>, name: &str, table: &TableName) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let facts = site.facts.table(table).filter(|facts| facts.known);
    let identity = site.facts.replication(table);
    let other = identity.as_ref().map_or("default", |known| &known.identity);
    let (severity, what) = match (facts.map(|facts| !facts.primary_key().is_empty()), other) {
        (Some(true), "default") | (_, "full" | "index") => return,
        (Some(false), "default") | (_, "nothing") => {
            (Severity::Error, "it has no replica identity, so that UPDATE and DELETE fail at once")
        }
        _ => (Severity::Warning, "without a primary key UPDATE and DELETE fail at once"),
    };
    let by = if identity.is_some() { DecidedBy::Static(String::new()) } else { DecidedBy::NotJudged(format!("the key of {table} is not known")) };
    site.find(
        Draft::new(severity, format!("publishes {table} in {name}: {what}"))
            .on(table)
            .by(by)
            .remedy("give it a primary key or another replica identity first")
            .sql([format!("ALTER TABLE {} REPLICA IDENTITY FULL;", table.quoted())]),
    );
}

/// All tables, of the database or of a schema.
fn whole(site: &mut Site<'_, '_>, name: &str) {
    let sql = "
select count(*) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema' and (c.relreplident = 'n'
  or c.relreplident = 'd' and not exists (select from pg_catalog.pg_index x where x.indrelid = c.oid and x.indisprimary))";
    let rows = site.facts.live.as_mut().and_then(|live| live.rows(sql, &[]));
    let count = rows.and_then(|rows| rows.first().map(|row| row.get::<_, i64>(0)));
    let (severity, by) = match count {
        Some(0) => (Severity::Note, site.facts.decided("0 tables without a replica identity", None)),
        Some(count) => (Severity::Error, site.facts.decided(&format!("{count} tables without a replica identity"), None)),
        None => (Severity::Warning, DecidedBy::NotJudged("which tables have no primary key".to_owned())),
    };
    site.find(
        Draft::new(severity, format!("publication {name} takes every table: on one without a replica identity UPDATE and DELETE fail"))
            .by(by)
            .remedy("give each table a primary key or another replica identity, or name the tables"),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::finding::Severity;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_on_a_table_that_was_there_and_not_on_one_of_the_file_itself() {
        fires("H95", "ALTER TABLE users REPLICA IDENTITY NOTHING");
        fires("H95", "DROP PUBLICATION feed");
        fires("H95", "CREATE PUBLICATION feed FOR TABLE users");
        silent("H95", "CREATE PUBLICATION feed FOR TABLE users WITH (publish = 'insert')");
        silent("H95", "CREATE TABLE t (a int); CREATE PUBLICATION feed FOR TABLE t");
    }

    #[test]
    fn the_key_of_a_published_table_may_go_only_for_another() {
        let before = |more: &str| Before::Files(vec![format!("CREATE TABLE t (id int PRIMARY KEY); {more}")]);
        let severity = |sql: &str, before: Before| {
            let found = found(sql, Transaction::Set, before);
            found.into_iter().find(|finding| finding.id == "H95").map(|finding| finding.severity)
        };
        let drop = "ALTER TABLE t DROP CONSTRAINT t_pkey;";
        assert_eq!(severity(drop, before("CREATE PUBLICATION feed FOR TABLE t")), Some(Severity::Error));
        assert_eq!(severity(drop, before("")), None);
        let full = format!("{drop} ALTER TABLE t REPLICA IDENTITY FULL;");
        assert_ne!(severity(&full, before("CREATE PUBLICATION feed FOR TABLE t")), Some(Severity::Error));
    }
}
