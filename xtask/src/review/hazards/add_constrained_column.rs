//! H25: a column comes with a CHECK, a key or a reference of its own, or with a type that restricts its values.

use crate::review::added;
use crate::review::facts::{Question, Verdict};
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::sql::TableName;
use crate::sql::action::Column;
use crate::sql::names::{quote, quoted_list};
use crate::sql::parts;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H25",
    title: "a column is added with a constraint",
    class: Class::MayFail,
    danger: "Under the ACCESS EXCLUSIVE lock of ADD COLUMN a CHECK is tried on each row, UNIQUE builds an index, a domain with a rule \
             writes the table anew (measured on 15), and REFERENCES with a default looks each row up, with SHARE ROW EXCLUSIVE on the \
             other table. REFERENCES without a default looks at none. A default that breaks the rule fails on the first row, one that must be unique on the second.",
    decided: Some("how large the table is, and whether the default satisfies the rule"),
    safe: "add the plain column; then the CHECK or the foreign key NOT VALID and validated later, the key over an index built concurrently",
    aka: &[
        ("squawk", &["adding-foreign-key-constraint", "disallowed-unique-constraint", "constraint-missing-not-valid"]),
        ("strong_migrations", &["add_reference"]),
        ("migrationpilot", &["MP005", "MP030"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Some(column) = added::column(site) else { return };
    if let Some(check) = &column.check {
        checked(site, column, check);
    }
    if column.unique || column.primary_key {
        unique(site, column);
    }
    if let Some((parent, columns)) = &column.references {
        referring(site, column, parent, columns);
    }
    domain(site, column);
}

/// The harm of the scan and the one that rows do, as one.
fn both(site: &mut Site<'_, '_>, column: &Column, rows: Verdict) -> (Severity, DecidedBy) {
    let rewrites = added::rewrites(site, column);
    let (weight, decided) = site.facts.weight(&column.table);
    // What writes each row anyway is told of by another.
    let (weight, decided) = if rewrites { (Severity::Note, decided) } else { (weight, decided) };
    let of_rows = rows.severity(Severity::Note);
    if of_rows >= weight { (of_rows, rows.decided()) } else { (weight, decided) }
}

fn find(site: &mut Site<'_, '_>, column: &Column, found: (Severity, DecidedBy), title: String, sql: Vec<String>) {
    let plain = format!("ALTER TABLE {} ADD COLUMN {} {}", column.table.quoted(), quote(&column.column), column.data_type);
    let default = column.default.as_ref().map(|default| format!(" DEFAULT {default}")).unwrap_or_default();
    let required = if column.not_null && added::default(column).is_some() { " NOT NULL" } else { "" };
    site.find(
        Draft::new(found.0, title)
            .lock(&column.table, Lock::AccessExclusive)
            .scans(true)
            .by(found.1)
            .remedy("add the plain column first, and the rule in steps that do not hold the table")
            .sql(std::iter::once(format!("{plain}{default}{required};")).chain(sql)),
    );
}

fn checked(site: &mut Site<'_, '_>, column: &Column, check: &str) {
    let (table, name) = (&column.table, &column.column);
    let value = added::default(column).unwrap_or("NULL").to_owned();
    let names = parts::tests(check).unwrap_or_default().into_iter().flat_map(|test| test.names);
    let mut columns: Vec<String> = Vec::new();
    for other in names.filter(|other| other != name) {
        if site.facts.column(table, &other).is_some() && !columns.contains(&other) {
            columns.push(other);
        }
    }
    let sql = |in_database: &TableName, _: &[String]| {
        format!(
            "SELECT count(*) FROM (SELECT *, ({value})::{} AS {} FROM {}) AS {} WHERE NOT ({check})",
            column.data_type,
            quote(name),
            in_database.quoted(),
            quote(&table.name)
        )
    };
    // A volatile default may give other values than those asked for.
    let rows = if added::rewrites(site, column) {
        Verdict::Open(DecidedBy::NotJudged("the values are computed when the statement runs".to_owned()))
    } else {
        site.facts.rows(&Question { table, columns: &columns, sql: &sql, unit: "rows that break the CHECK" })
    };
    let words = if matches!(rows, Verdict::Harmful(..)) { "which its value does not satisfy" } else { "which is tried on each row" };
    let found = both(site, column, rows);
    let constraint = quote(&format!("{}_{name}_check", table.name));
    let sql = vec![
        format!("ALTER TABLE {} ADD CONSTRAINT {constraint} CHECK ({check}) NOT VALID;", table.quoted()),
        "-- a later migration, deployed separately:".to_owned(),
        format!("ALTER TABLE {} VALIDATE CONSTRAINT {constraint};", table.quoted()),
    ];
    find(site, column, found, format!("adds column {table}.{name} with a CHECK, {words}"), sql);
}

fn unique(site: &mut Site<'_, '_>, column: &Column) {
    let (table, name) = (&column.table, &column.column);
    let rewrites = added::rewrites(site, column);
    let clear = || Verdict::Clear(DecidedBy::Static("the rows hold NULL".to_owned()));
    let rows = match (added::default(column), rewrites) {
        (Some(_), false) => match site.facts.any(table) {
            Verdict::Harmful(1, decided) => Verdict::Clear(decided),
            rows => rows,
        },
        // Whether a value comes twice is not known, and for the usual ones as good as impossible.
        _ => clear(),
    };
    let words = match &rows {
        Verdict::Harmful(..) => "all rows get the same default: fails",
        Verdict::Open(_) => "fails if there are two rows, which get the same default",
        Verdict::Clear(_) => "its index is built while nobody reads or writes",
    };
    if rewrites && matches!(rows, Verdict::Clear(_)) {
        return;
    }
    let found = both(site, column, rows);
    let key = if column.primary_key { "PRIMARY KEY" } else { "UNIQUE" };
    let index = quote(&format!("{}_{name}_key", table.name));
    let sql = vec![
        "-- outside of a transaction:".to_owned(),
        format!("CREATE UNIQUE INDEX CONCURRENTLY {index} ON {} ({});", table.quoted(), quote(name)),
        "-- a later migration, deployed separately:".to_owned(),
        format!("ALTER TABLE {} ADD CONSTRAINT {index} {key} USING INDEX {index};", table.quoted()),
    ];
    find(site, column, found, format!("adds column {table}.{name} {key}: {words}"), sql);
}

fn referring(site: &mut Site<'_, '_>, column: &Column, parent: &TableName, columns: &[String]) {
    let (table, name) = (&column.table, &column.column);
    let Some(default) = added::default(column) else { return };
    let known = site.facts.table(parent);
    let key = if columns.is_empty() { known.as_ref().map(|known| known.primary_key()).unwrap_or_default() } else { columns.to_vec() };
    let there = known.filter(|known| known.written.is_none()).and_then(|known| known.in_database.clone());
    let rows = match (there, key.as_slice()) {
        (Some(there), [key]) => {
            let sql = |in_database: &TableName, _: &[String]| {
                format!(
                    "SELECT count(*) FROM {} WHERE NOT EXISTS (SELECT 1 FROM {} AS parent WHERE parent.{} = ({default}))",
                    in_database.quoted(),
                    there.quoted(),
                    quote(key)
                )
            };
            site.facts.rows(&Question { table, columns: &[], sql: &sql, unit: "rows without a parent" })
        }
        _ => Verdict::Open(DecidedBy::NotJudged(format!("whether {parent} has the default cannot be asked"))),
    };
    let words = if matches!(rows, Verdict::Harmful(..)) {
        format!("with a default that {parent} does not have: fails")
    } else {
        format!("with a default and REFERENCES {parent}: each row is looked up")
    };
    let found = both(site, column, rows);
    let constraint = quote(&format!("{}_{name}_fkey", table.name));
    let to = if columns.is_empty() { String::new() } else { format!(" ({})", quoted_list(columns)) };
    let rules = if column.reference_rules.is_empty() { String::new() } else { format!(" {}", column.reference_rules) };
    let sql = vec![
        format!(
            "ALTER TABLE {} ADD CONSTRAINT {constraint} FOREIGN KEY ({}) REFERENCES {}{to}{rules} NOT VALID;",
            table.quoted(),
            quote(name),
            parent.quoted()
        ),
        "-- a later migration, deployed separately:".to_owned(),
        format!("ALTER TABLE {} VALIDATE CONSTRAINT {constraint};", table.quoted()),
    ];
    find(site, column, found, format!("adds column {table}.{name} {words}"), sql);
}

fn domain(site: &mut Site<'_, '_>, column: &Column) {
    let (table, name) = (&column.table, &column.column);
    let (severity, decided) = match site.facts.restricted(&column.data_type) {
        Some(false) => return,
        Some(true) => site.facts.weight(table),
        None => {
            let why = format!("whether {} is a domain with a rule is not known", column.data_type);
            (Severity::Note, DecidedBy::NotJudged(why))
        }
    };
    site.find(
        Draft::new(severity, format!("adds column {table}.{name} of type {}, whose rule is tried on each row, which writes the table anew", column.data_type))
            .lock(table, Lock::AccessExclusive)
            .rewrites(true)
            .by(decided)
            .remedy("add it with the type under the domain, and the rule as a CHECK NOT VALID that is validated later"),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_where_each_row_is_looked_at_and_not_where_none_is() {
        fires("H25", "ALTER TABLE users ADD COLUMN a int CHECK (a > 0)");
        fires("H25", "ALTER TABLE users ADD COLUMN a text UNIQUE");
        fires("H25", "ALTER TABLE users ADD COLUMN a int DEFAULT 1 REFERENCES teams (id)");
        fires("H25", "CREATE DOMAIN p AS int CHECK (VALUE > 0); ALTER TABLE users ADD COLUMN a p");
        silent("H25", "ALTER TABLE users ADD COLUMN a int REFERENCES teams (id)");
        silent("H25", "ALTER TABLE users ADD COLUMN a uuid DEFAULT gen_random_uuid() UNIQUE");
        silent("H25", "CREATE TYPE p AS ENUM ('a'); ALTER TABLE users ADD COLUMN a p DEFAULT 'a' NOT NULL");
        silent("H25", "CREATE TABLE t (a int); ALTER TABLE t ADD COLUMN b int UNIQUE CHECK (b > 0)");
    }
}
