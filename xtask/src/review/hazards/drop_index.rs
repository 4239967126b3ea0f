//! H62: an index goes, and with it what found or guarded rows by it.

use crate::review::catalog::{Index, Kind};
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::indexes;
use crate::review::lock::Lock;
use crate::sql::TableName;
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H62",
    title: "an index is dropped",
    class: Class::Lock,
    danger: "ACCESS EXCLUSIVE on the table, for an instant. Queries that used the index read the whole table from then on; a unique index \
             was a rule, and ON CONFLICT over its columns fails without it. An index behind a constraint cannot be dropped alone.",
    decided: Some("how often the index was used since the statistics began, and how large the table is"),
    safe: "see that pg_stat_user_indexes counts no use on any server, then DROP INDEX CONCURRENTLY in no transaction",
    aka: &[
        ("squawk", &["require-concurrent-index-deletion", "ban-drop-index"]),
        ("strong_migrations", &["remove_index"]),
        ("atlas", &["PG102"]),
        ("pg-schema-diff", &["INDEX_DROPPED"]),
        ("pg-migration-lint", &["PGM002"]),
        ("migrationpilot", &["MP009"]),
    ],
    judge,
};

/// So long must the statistics be kept before "never used" means something: a job of the week runs in it.
const DAYS: i64 = 7;

fn judge(site: &mut Site<'_, '_>) {
    let Action::DropIndex { name, concurrently, if_exists, .. } = site.action else { return };
    let lock = if *concurrently { Lock::ShareUpdateExclusive } else { Lock::AccessExclusive };
    let Some(table) = indexes::table_of(name, site.facts) else {
        let asked = site.facts.asked().map(str::to_owned);
        let why = match asked {
            Some(_) if *if_exists => return,
            Some(asked) => format!("no index {name} in {asked}"),
            None => format!("the table of {name} is not known"),
        };
        return site.find(
            Draft::new(Severity::Warning, format!("drops index {name}: what used it reads whole tables from then on"))
                .by(DecidedBy::NotJudged(why))
                .remedy("look up in pg_stat_user_indexes whether it is used, and drop it CONCURRENTLY"),
        );
    };
    let known = site.facts.look(&table, |facts| {
        let index = facts.indexes.get(&name.name).cloned()?;
        let other = if index.expressions || index.filter.is_some() {
            None
        } else {
            indexes::stands_in(facts, &name.name, &index.columns).map(str::to_owned)
        };
        let apart = indexes::keeps_apart(facts, &name.name, &index.columns).is_some();
        let constraint = facts.constraints.get(&name.name).filter(|constraint| {
            matches!(constraint.kind, Kind::PrimaryKey | Kind::Unique | Kind::Exclude)
        });
        Some((index, other, apart, constraint.is_some()))
    });
    let Some((index, other, apart, constrained)) = known.flatten() else {
        let (severity, _) = site.facts.weight(&table);
        return site.find(
            Draft::new(severity, format!("drops index {name} of {table}: what used it reads the whole table from then on"))
                .lock(&table, lock)
                .by(DecidedBy::NotJudged(format!("what {name} covers is not known"))),
        );
    };
    if index.added || site.facts.is_new(&table, site.at.file) {
        return;
    }
    if constrained {
        return site.find(
            Draft::new(Severity::Error, format!("drops index {name}, which a constraint of {table} stands on: refused (2BP01)"))
                .lock(&table, lock)
                .remedy("drop the constraint, if its rule may go: its index goes with it")
                .sql([format!("ALTER TABLE {} DROP CONSTRAINT {};", table.quoted(), crate::sql::names::quote(&name.name))]),
        );
    }
    let (severity, title, decided) = if !index.valid {
        (Severity::Note, format!("drops index {name} of {table}, which is invalid and finds nothing"), DecidedBy::Static(String::new()))
    } else if index.unique && !apart {
        let columns = index.columns.join(", ");
        let title = format!("drops the unique index {name}: {table} ({columns}) may hold equal values, and ON CONFLICT over it fails");
        (Severity::Warning, title, DecidedBy::Static(String::new()))
    } else if let Some(other) = other {
        (Severity::Note, format!("drops index {name} of {table}: {other} begins with the same columns"), DecidedBy::Static(String::new()))
    } else {
        used(site, name, &table, &index)
    };
    let sql = (!concurrently)
        .then(|| indexes::beside_the_migration(site, &format!("DROP INDEX CONCURRENTLY {}", name.quoted())));
    site.find(
        Draft::new(severity, title)
            .lock(&table, lock)
            .by(decided)
            .remedy("drop it when no server has used it for a while; CONCURRENTLY keeps nobody waiting")
            .sql(sql.into_iter().flatten()),
    );
}

/// Whether queries use it, as far as the server counts.
fn used(site: &mut Site<'_, '_>, name: &TableName, table: &TableName, index: &Index) -> (Severity, String, DecidedBy) {
    let columns = index.columns.join(", ");
    let slow = format!("drops index {name}: what looks up {table} by {columns} reads the whole table from then on");
    let (severity, decided) = site.facts.weight(table);
    let sql = "
select coalesce(s.idx_scan, 0), (extract(epoch from now() - coalesce(d.stats_reset, pg_catalog.pg_postmaster_start_time())) / 86400)::bigint
from pg_catalog.pg_stat_user_indexes s, pg_catalog.pg_stat_database d
where s.schemaname = $1 and s.indexrelname = $2 and d.datname = current_database()";
    let answer = site.facts.live.as_mut().and_then(|live| live.rows(sql, &[&name.schema, &name.name]));
    let Some(row) = answer.as_ref().and_then(|rows| rows.first()) else { return (severity, slow, decided) };
    let (scans, days): (i64, i64) = (row.get(0), row.get(1));
    let counted = site.facts.decided(&format!("{scans} uses in {days} days, {}", decided.detail()), None);
    if scans == 0 && days >= DAYS {
        let title = format!("drops index {name} of {table}, which this server has not used; others count for themselves");
        return (Severity::Note, title, counted);
    }
    (severity, slow, counted)
}

#[cfg(test)]
mod tests {
    use crate::review::finding::Severity;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_on_an_index_that_was_there_and_not_on_one_of_the_file_itself() {
        fires("H62", "DROP INDEX users_email_idx");
        silent("H62", "CREATE INDEX i ON users (a); DROP INDEX i");
    }

    #[test]
    fn one_that_another_repeats_is_a_note_and_one_behind_a_constraint_an_error() {
        let before = "CREATE TABLE t (a int, b int, CONSTRAINT t_b UNIQUE (b)); CREATE INDEX i ON t (a); CREATE INDEX j ON t (a, b)";
        let severity = |sql: &str| {
            let found = found(sql, Transaction::Own, Before::Files(vec![before.to_owned()]));
            found.iter().find(|finding| finding.id == "H62").map(|finding| finding.severity)
        };
        assert_eq!(severity("DROP INDEX i"), Some(Severity::Note));
        assert_eq!(severity("DROP INDEX j"), Some(Severity::Warning));
        assert_eq!(severity("DROP INDEX t_b"), Some(Severity::Error));
    }
}
