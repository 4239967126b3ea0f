//! H06: rows are written or deleted, many in one statement, or values that nobody gets back.

use rustc_hash::FxHashMap as HashMap;

use crate::numbers::thousands;
use crate::review::affected::{self, Affected};
use crate::review::facts::{SMALL_ROWS, Verdict, by_rows};
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::scene::{At, Scene};
use crate::review::seeds;
use crate::sql::TableName;
use crate::sql::action::{Action, Rows};
use crate::sql::names::quote;
use crate::sql::parts::{self, Pin};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H06",
    title: "many rows are written in one statement",
    class: Class::DataLoss,
    danger: "Each written row stays locked until the transaction ends, and whoever updates one waits; a whole table at once leaves as many \
             dead rows, as much WAL, and replicas behind. What DELETE takes and UPDATE overwrites is gone. ROW EXCLUSIVE on the table.",
    decided: Some("how many rows the statement writes, and how many values it overwrites"),
    safe: "write in batches over a range of the key, each in its own transaction, outside of the migration",
    aka: &[
        ("pgfence", &["update-in-migration", "delete-without-where"]),
        ("bytebase", &["STATEMENT_WHERE_REQUIRE_UPDATE_DELETE", "STATEMENT_AFFECTED_ROW_LIMIT", "STATEMENT_DML_DRY_RUN"]),
        ("strong_migrations", &["backfilling data"]),
        ("migrationpilot", &["MP011", "MP067"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let action = site.action;
    let (Action::Update { table, .. }
    | Action::Delete { table, .. }
    | Action::Insert { table, .. }
    | Action::Merge { table }
    | Action::Copy { table: Some(table), from: true }) = action
    else {
        return;
    };
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    match action {
        Action::Update { columns, filter, .. } => update(site, table, columns, filter.as_deref()),
        Action::Delete { filter, .. } => delete(site, table, filter.as_deref()),
        Action::Insert { columns, rows: Rows::Values(_), .. } => values(site, table, columns),
        Action::Insert { .. } => insert(site, table),
        Action::Merge { .. } => merge(site, table),
        _ => {
            let decided = DecidedBy::NotJudged("how many rows the file holds is not known here".to_owned());
            find(site, Severity::Warning, format!("copies rows from a file into {table}"), table, decided, Vec::new());
        }
    }
}

fn find(
    site: &mut Site<'_, '_>,
    severity: Severity,
    title: String,
    table: &TableName,
    decided: DecidedBy,
    sql: Vec<String>,
) {
    site.find(
        Draft::new(severity, title)
            .lock(table, Lock::RowExclusive)
            .by(decided)
            .remedy("write in batches over a range of the key, each in its own transaction, outside of the migration")
            .sql(sql),
    );
}

fn update(site: &mut Site<'_, '_>, table: &TableName, columns: &[(String, String)], filter: Option<&str>) {
    let known = site.facts.table(table);
    // A test may speak of a table that is joined.
    let own = filter.filter(|_| parts::target(&site.statement.text).is_some_and(|target| !target.joined));
    if let Some((known, filter)) = known.as_ref().zip(own)
        && affected::pinned(known, filter).is_some_and(|rows| rows <= SMALL_ROWS)
        && !(site.in_block() && in_pieces(site, table, filter))
    {
        return;
    }
    if let Some(filter) = own.filter(|_| !site.in_block())
        && in_pieces(site, table, filter)
    {
        let decided = DecidedBy::Static("other statements write other ranges of the same key".to_owned());
        find(site, Severity::Note, format!("updates {table} in batches"), table, decided, Vec::new());
        return;
    }
    // What is written or tested may speak of other tables, or by an alias.
    let alone = parts::target(&site.statement.text).is_some_and(|target| !target.joined && target.alias.is_none());
    let sql = if alone { in_batches(site, table, &assignments(columns), filter) } else { Vec::new() };
    for (column, value) in columns {
        if let Some((severity, values, decided)) = overwritten(site, table, column, value, filter) {
            let title = format!("overwrites {} values of {table}.{column}", thousands(values));
            let saved = format!("CREATE TABLE {} AS SELECT * FROM {};", quote(&format!("{}_before", table.name)), table.quoted());
            find(site, severity, title, table, decided, std::iter::once(saved).chain(sql.clone()).collect());
            return;
        }
    }
    let every = if filter.is_none() { "every row" } else { "all matching rows" };
    let (severity, decided) = match affected::rows(site, table, filter) {
        Affected::Rows { count, decided, .. } => (by_rows(count), decided),
        Affected::Open(decided) => (Severity::Warning, decided),
    };
    find(site, severity, format!("updates {every} of {table} in one statement"), table, decided, sql);
}

fn assignments(columns: &[(String, String)]) -> String {
    columns.iter().map(|(column, value)| format!("{} = {value}", quote(column))).collect::<Vec<_>>().join(", ")
}

/// Values that a constant takes the place of: any by NULL, other ones where no filter chose them.
fn overwritten(
    site: &mut Site<'_, '_>,
    table: &TableName,
    column: &str,
    value: &str,
    filter: Option<&str>,
) -> Option<(Severity, i64, DecidedBy)> {
    site.facts.column(table, column).filter(|known| known.in_database.is_some())?;
    let target = parts::target(&site.statement.text).filter(|target| !target.joined && target.alias.is_none())?;
    drop(target);
    let name = quote(column);
    let wipes = value.trim().eq_ignore_ascii_case("null");
    let constant = || parts::tests(&format!("x = {value}")).is_some_and(|tests| matches!(tests.as_slice(), [one] if one.pin.is_some()));
    let condition = match filter {
        Some(filter) if wipes => format!("{name} IS NOT NULL AND ({filter})"),
        None if wipes => format!("{name} IS NOT NULL"),
        None if constant() => format!("{name} IS DISTINCT FROM {value}"),
        _ => return None,
    };
    match site.facts.such(table, &[column.to_owned()], &condition, "values that are overwritten") {
        Verdict::Harmful(values, decided) => Some((if wipes { Severity::Error } else { Severity::Warning }, values, decided)),
        _ => None,
    }
}

/// Whether this file updates the table over several ranges of one key.
fn in_pieces(site: &mut Site<'_, '_>, table: &TableName, filter: &str) -> bool {
    let Some(known) = site.facts.table(table) else { return false };
    let Some(key) = affected::ranged(&known, filter) else { return false };
    let at = site.at;
    let pieces = site.facts.session.pieces.entry(table.clone()).or_insert_with(|| pieces(site.scene, table, at.file));
    pieces.get(&key).is_some_and(|others| others.iter().any(|other| *other != at))
}

/// The UPDATEs of the file that hold a key to a few values, by key.
fn pieces(scene: &Scene, table: &TableName, file: usize) -> HashMap<String, Vec<At>> {
    let mut found: HashMap<String, Vec<At>> = HashMap::default();
    for (place, action) in scene.in_file(table, file) {
        let Action::Update { filter: Some(filter), .. } = action else { continue };
        for test in parts::tests(filter).unwrap_or_default() {
            match test.pin {
                Some(Pin::Range { column, width }) if width <= SMALL_ROWS => found.entry(column).or_default().push(place),
                _ => {}
            }
        }
    }
    found
}

fn in_batches(site: &mut Site<'_, '_>, table: &TableName, set: &str, filter: Option<&str>) -> Vec<String> {
    let key = site.facts.table(table).map(|known| known.primary_key()).unwrap_or_default();
    let [key] = key.as_slice() else { return Vec::new() };
    let key = quote(key);
    let filter = filter.map(|filter| format!(" AND ({filter})")).unwrap_or_default();
    vec![
        format!("UPDATE {} SET {set} WHERE {key} BETWEEN 1 AND 5000{filter};", table.quoted()),
        format!("-- committed; then the next 5,000 of {key}, up to its highest value"),
    ]
}

fn delete(site: &mut Site<'_, '_>, table: &TableName, filter: Option<&str>) {
    let affected = affected::rows(site, table, filter);
    let lost = if filter.is_none() { Severity::Error } else { Severity::Warning };
    let (severity, decided) = match affected {
        Affected::Rows { count: 0, exact: true, decided } => (Severity::Note, decided),
        Affected::Rows { count, decided, exact } => (by_rows(count).max(if exact { lost } else { Severity::Warning }), decided),
        Affected::Open(decided) => (Severity::Warning, decided),
    };
    let which = if filter.is_none() { "every row" } else { "the matching rows" };
    let cascade = site.facts.referrers(table, true).unwrap_or_default();
    let with = if cascade.is_empty() {
        String::new()
    } else {
        let names: Vec<String> = cascade.iter().map(ToString::to_string).collect();
        format!(", and with them rows of {} (ON DELETE CASCADE)", names.join(", "))
    };
    let filter = filter.map(|filter| format!(" WHERE {filter}")).unwrap_or_default();
    let alone = parts::target(&site.statement.text).is_some_and(|target| !target.joined && target.alias.is_none());
    let sql = if !alone { Vec::new() } else { vec![
        format!("CREATE TABLE {} AS SELECT * FROM {}{filter};", quote(&format!("{}_deleted", table.name)), table.quoted()),
        format!("-- looked at, and in batches of 5,000: DELETE FROM {}{filter};", table.quoted()),
    ]};
    find(site, severity, format!("deletes {which} of {table}{with}"), table, decided, sql);
}

fn values(site: &mut Site<'_, '_>, table: &TableName, columns: &[String]) {
    let Some((severity, key, decided)) = seeds::collision(site, table, columns) else { return };
    let title = format!("inserts rows into {table} whose {key} may be there already");
    let sql = format!("{} ON CONFLICT DO NOTHING;", site.statement.text);
    site.find(
        Draft::new(severity, title)
            .lock(table, Lock::RowExclusive)
            .by(decided)
            .remedy("say what is to happen to a key that is there: ON CONFLICT … DO NOTHING or DO UPDATE")
            .sql([sql]),
    );
}

fn insert(site: &mut Site<'_, '_>, table: &TableName) {
    let origin = parts::origin(&site.statement.text).unwrap_or_default();
    let mut all_new = !origin.tables.is_empty();
    for source in &origin.tables {
        all_new &= site.facts.is_new(source, site.at.file);
    }
    if all_new || origin.rows.is_some() {
        return;
    }
    let (severity, decided) = match site.facts.given(origin.query.as_deref(), &site.statement.text, table) {
        Affected::Rows { count, decided, .. } => (by_rows(count), decided),
        Affected::Open(decided) => (Severity::Warning, decided),
    };
    find(site, severity, format!("inserts the rows of a query into {table} in one statement"), table, decided, Vec::new());
}

fn merge(site: &mut Site<'_, '_>, table: &TableName) {
    let origin = parts::origin(&site.statement.text).unwrap_or_default();
    let few = origin.rows.is_some_and(|rows| i64::try_from(rows).is_ok_and(|rows| rows <= SMALL_ROWS));
    if few && !origin.deletes {
        return;
    }
    let (severity, decided) = match site.facts.given(None, &site.statement.text, table) {
        Affected::Rows { count, decided, .. } => (by_rows(count), decided),
        Affected::Open(decided) => (Severity::Warning, decided),
    };
    let (severity, verb) = if origin.deletes { (severity.max(Severity::Warning), "deletes") } else { (severity, "writes") };
    find(site, severity, format!("merges into {table} and {verb} what matches, in one statement"), table, decided, Vec::new());
}

#[cfg(test)]
mod tests {
    use crate::review::finding::{Finding, Severity};
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_on_many_rows_and_not_on_new_tables_or_a_few() {
        fires("H06", "UPDATE users SET a = 1");
        fires("H06", "DELETE FROM users WHERE id = 1");
        fires("H06", "INSERT INTO log SELECT * FROM users");
        fires("H06", "WITH gone AS (DELETE FROM users RETURNING *) SELECT 1");
        fires("H06", "MERGE INTO t USING users u ON t.id = u.id WHEN MATCHED THEN UPDATE SET a = 1");
        fires("H06", "COPY users FROM '/tmp/x'");
        fires("H06", "CREATE TABLE o (id int PRIMARY KEY); UPDATE users SET a = 1 FROM o WHERE o.id = 17");
        silent("H06", "CREATE TABLE t (a int); INSERT INTO t SELECT a FROM users; UPDATE t SET a = 2; DELETE FROM t");
        silent("H06", "INSERT INTO t (a) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM t)");
        silent("H06", "COPY users TO '/tmp/x'");
    }

    fn batches(sql: &str, transaction: Transaction) -> Vec<Finding> {
        let before = Before::Files(vec!["CREATE TABLE t (id int PRIMARY KEY, a int)".to_owned()]);
        let mut found = found(sql, transaction, before);
        found.retain(|finding| finding.id == "H06" && finding.severity > Severity::Note);
        found
    }

    #[test]
    fn batches_are_none_where_one_transaction_holds_them_all() {
        let sql = "UPDATE t SET a = 1 WHERE id BETWEEN 1 AND 9000; UPDATE t SET a = 1 WHERE id BETWEEN 9001 AND 18000; \
                   UPDATE t SET a = 1 WHERE id > 18000";
        assert_eq!(batches(sql, Transaction::Own), []);
        assert_eq!(batches(sql, Transaction::Set).len(), 3);
        assert_eq!(batches("UPDATE t SET a = 1 WHERE id = 17", Transaction::Set), []);
        assert_eq!(batches("UPDATE t SET a = 1 WHERE id BETWEEN 1 AND 90000", Transaction::Own).len(), 1);
    }
}
