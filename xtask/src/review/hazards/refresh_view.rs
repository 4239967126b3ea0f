//! H93: a materialized view is computed anew.

use crate::review::facts::Facts;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::sql::TableName;
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H93",
    title: "a materialized view is refreshed",
    class: Class::Lock,
    danger: "Readers of the view wait until it is computed: ACCESS EXCLUSIVE, held until the transaction ends. CONCURRENTLY takes EXCLUSIVE, \
             which lets them read; it needs a unique index over plain columns and all rows, and a view that was filled before.",
    decided: Some("how many rows the view and the tables that it reads have; whether it has such an index"),
    safe: "a unique index on the view, and REFRESH MATERIALIZED VIEW CONCURRENTLY, outside of migrations",
    aka: &[("pgfence", &["refresh-matview"]), ("safe-migrate", &["refresh-matview"]), ("migrationpilot", &["MP033"])],
    judge,
};

const LARGEST: &str = "
with v as (select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relname = $2 and c.relkind = 'm')
select n.nspname::text, c.relname::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm') and c.oid in (select oid from v union
  select d.refobjid from pg_catalog.pg_rewrite r join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass
    and d.objid = r.oid and d.refclassid = 'pg_catalog.pg_class'::regclass where r.ev_class in (select oid from v))";

const READY: &str = "
select c.relispopulated, exists (select from pg_catalog.pg_index x where x.indrelid = c.oid and x.indisunique and x.indisvalid
  and x.indpred is null and x.indexprs is null)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2 and c.relkind = 'm'";

fn judge(site: &mut Site<'_, '_>) {
    let Action::RefreshView { name, concurrently } = site.action else { return };
    if site.facts.session.materialized(name) {
        return;
    }
    if *concurrently { beside_readers(site, name) } else { waited_for(site, name) }
}

fn waited_for(site: &mut Site<'_, '_>, name: &TableName) {
    let (severity, by) = weight(site.facts, name);
    site.find(
        Draft::new(severity, format!("refreshes {name} while its readers wait"))
            .lock(name, Lock::AccessExclusive)
            .rewrites(true)
            .by(by)
            .remedy("give it a unique index, and refresh it CONCURRENTLY and outside of the migration")
            .sql([
                format!("CREATE UNIQUE INDEX ON {} (<columns that tell its rows apart>);", name.quoted()),
                "-- a job of its own, after the migration:".to_owned(),
                format!("REFRESH MATERIALIZED VIEW CONCURRENTLY {};", name.quoted()),
            ]),
    );
}

/// The largest of the view and what it reads directly.
fn weight(facts: &mut Facts<'_>, name: &TableName) -> (Severity, DecidedBy) {
    let Some(live) = &mut facts.live else {
        return (Severity::Warning, DecidedBy::Static("how long it takes was not asked".to_owned()));
    };
    let rows = live.rows(LARGEST, &[&name.schema, &name.name]).unwrap_or_default();
    let tables = rows.iter().map(|row| TableName::new(row.get(0), row.get(1)));
    let mut volumes = Vec::new();
    for table in tables {
        match live.volume(&table) {
            Some(volume) => volumes.push((volume.weight(), volume.bytes, table, volume)),
            None => return (Severity::Warning, DecidedBy::NotJudged(format!("the size of {table} is not to be had"))),
        }
    }
    let Some((severity, _, table, volume)) = volumes.into_iter().max_by_key(|(severity, bytes, ..)| (*severity, *bytes))
    else {
        return (Severity::Warning, DecidedBy::NotJudged(format!("{name} is not in the database that was asked")));
    };
    (severity, facts.decided(&format!("{table}: {}", volume.words()), None))
}

fn beside_readers(site: &mut Site<'_, '_>, name: &TableName) {
    let unique = site.facts.table(name).is_some_and(|view| {
        view.indexes.values().any(|index| index.unique && index.valid && index.filter.is_none() && !index.expressions)
    });
    let asked = site.facts.live.as_mut().and_then(|live| live.rows(READY, &[&name.schema, &name.name]));
    let row = asked.as_ref().and_then(|rows| rows.first());
    let ready = row.map(|row| (row.get::<_, bool>(0), row.get::<_, bool>(1) || unique));
    let by = match ready {
        Some(_) => site.facts.decided("its indexes", None),
        None if unique || site.facts.behaviour.history => DecidedBy::Static(String::new()),
        None => DecidedBy::NotJudged(format!("the indexes of {name} are not known")),
    };
    let (severity, what) = match ready {
        Some((false, _)) => (Severity::Error, "is refused: the view holds nothing yet"),
        Some((true, false)) => (Severity::Error, "is refused: it has no unique index over plain columns and all rows"),
        Some((true, true)) => return,
        None if unique => return,
        None if site.facts.behaviour.history => (Severity::Error, "is refused: no unique index was made for it"),
        None => (Severity::Warning, "is refused unless it has a unique index over plain columns and all rows"),
    };
    site.find(
        Draft::new(severity, format!("REFRESH CONCURRENTLY of {name} {what}"))
            .lock(name, Lock::Exclusive)
            .by(by)
            .remedy("give the view a unique index first")
            .sql([format!("CREATE UNIQUE INDEX ON {} (<columns that tell its rows apart>);", name.quoted())]),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_view_that_was_there_and_not_on_one_of_the_file_itself() {
        fires("H93", "REFRESH MATERIALIZED VIEW totals");
        fires("H93", "REFRESH MATERIALIZED VIEW CONCURRENTLY totals");
        silent("H93", "CREATE UNIQUE INDEX a ON totals (id); REFRESH MATERIALIZED VIEW CONCURRENTLY totals");
        silent("H93", "CREATE MATERIALIZED VIEW totals AS SELECT 1 a WITH NO DATA; REFRESH MATERIALIZED VIEW totals");
    }
}
