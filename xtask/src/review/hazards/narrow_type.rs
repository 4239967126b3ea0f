//! H52: values that the new type cannot hold.

use crate::review::condition;
use crate::review::facts::Verdict;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::retype::Retype;
use crate::review::types::{self, Fit};
use crate::sql::names::{literal, quote};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H52",
    title: "values may not fit the new type",
    class: Class::MayFail,
    danger: "A value that the new type cannot hold fails it; an explicit cast to a shorter varchar cuts without an error, a smaller scale rounds, a date \
             loses the time of day. Out of text, and into an enum, PostgreSQL casts nothing without USING, even in an empty table; a default that has \
             no cast to the new type fails it as well.",
    decided: Some("how many values do not fit"),
    safe: "look at the values first, correct them, or fill a new column whose losses can be compared",
    aka: &[("drizzle-migration-lint", &["alter-column-type"])],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Some(retype) = Retype::read(site) else { return };
    if retype.makes_enum_again(site) {
        return;
    }
    let labels = retype.labels(site);
    if refused(site, &retype, labels.is_some()) {
        return;
    }
    let (verdict, what) = match (retype.using, &retype.casts) {
        (Some(using), None) => computed(site, &retype, using),
        _ => cast(site, &retype, labels.as_deref()),
    }
    .unwrap_or_else(|| (Verdict::none(""), String::new()));
    if matches!(verdict, Verdict::Clear(DecidedBy::Static(_))) {
        return;
    }
    let (verdict, what) = match empties(site, &retype) {
        Some(nulls) if !matches!(verdict, Verdict::Harmful(..)) => (nulls, "become NULL, in a column that is NOT NULL".to_owned()),
        _ if !matches!(verdict, Verdict::Harmful(..))
            && let Some(values) = wiped(site, &retype) =>
        {
            (values, "are lost: USING makes each of them NULL".to_owned())
        }
        _ => (verdict, what),
    };
    let (table, column) = (retype.table, retype.column);
    let words = match &verdict {
        Verdict::Harmful(..) => format!("there are values that {what}"),
        Verdict::Clear(_) => "each value fits".to_owned(),
        Verdict::Open(_) => format!("values may be there that {what}"),
    };
    let severity = verdict.severity(Severity::Note);
    site.find(
        Draft::new(severity, format!("changes {table}.{column} {}: {words}", retype.words()))
            .lock(table, Lock::AccessExclusive)
            .by(verdict.decided())
            .remedy("correct the values first, or fill a new column and compare before the old one goes"),
    );
}

/// What PostgreSQL refuses even where no row is there.
fn refused(site: &mut Site<'_, '_>, retype: &Retype<'_>, of_enum: bool) -> bool {
    let Some(from) = retype.from() else { return false };
    let (table, column) = (retype.table, retype.column);
    let from_enum = types::named(from).is_some_and(|name| site.facts.enumeration(&name).is_some());
    let needs_using = types::needs_using(from, retype.to, of_enum) || from_enum && types::is_no_text(retype.to);
    let default = retype.known.as_ref().and_then(|column| column.default.as_deref());
    let (title, sql) = if needs_using && retype.using.is_none() {
        let cast = format!(
            "ALTER TABLE {} ALTER COLUMN {} SET DATA TYPE {} USING {}::{};",
            table.quoted(),
            quote(column),
            retype.to,
            quote(column),
            retype.to
        );
        (format!("changes {table}.{column} {}: PostgreSQL refuses it without USING, even in an empty table", retype.words()), vec![cast])
    } else if needs_using && default.is_some_and(|default| !default.eq_ignore_ascii_case("null")) {
        let (sql, name) = (table.quoted(), quote(column));
        let again = default.and_then(condition::constant).unwrap_or_else(|| "…".to_owned());
        let steps = vec![
            format!("ALTER TABLE {sql} ALTER COLUMN {name} DROP DEFAULT;"),
            format!("{};", site.statement.text),
            format!("ALTER TABLE {sql} ALTER COLUMN {name} SET DEFAULT {again};"),
        ];
        (format!("changes {table}.{column} {}: PostgreSQL refuses it, its default cannot be cast", retype.words()), steps)
    } else {
        return false;
    };
    site.find(
        Draft::new(Severity::Error, title)
            .lock(table, Lock::AccessExclusive)
            .by(DecidedBy::Static(format!("no cast from {from} to {} is made by assignment", retype.to)))
            .remedy("say with USING how a value is converted, and drop a default before that cannot follow")
            .sql(sql),
    );
    true
}

/// USING NULL: whatever is there is gone.
fn wiped(site: &mut Site<'_, '_>, retype: &Retype<'_>) -> Option<Verdict> {
    let using = retype.using?.trim().to_lowercase();
    (using == "null" || using.starts_with("null::")).then_some(())?;
    let found = site.facts.values(retype.table, retype.column);
    matches!(found, Verdict::Harmful(..)).then_some(found)
}

/// Rows that USING gives no value where the column must have one.
fn empties(site: &mut Site<'_, '_>, retype: &Retype<'_>) -> Option<Verdict> {
    let using = retype.using.filter(|_| retype.casts.is_none() && retype.known.as_ref().is_some_and(|column| column.not_null))?;
    let found = site.facts.rows_such(retype.table, using, &format!("({using}) IS NULL"), "values that become NULL");
    matches!(found, Verdict::Harmful(..)).then_some(found)
}

/// The column, cast by itself or by USING.
fn cast(site: &mut Site<'_, '_>, retype: &Retype<'_>, labels: Option<&[String]>) -> Option<(Verdict, String)> {
    let column = retype.known.as_ref().and_then(|column| column.in_database.as_deref()).unwrap_or(retype.column);
    let name = quote(column);
    if let Some(labels) = labels {
        let list: Vec<String> = labels.iter().map(|label| literal(label)).collect();
        let condition = format!("{name}::text NOT IN ({})", list.join(", "));
        return Some((such(site, retype, &condition), format!("are none of the labels of {}", retype.to)));
    }
    let explicit = retype.using.is_some();
    match types::fit(retype.from(), retype.to, explicit, &name) {
        Fit::Always => None,
        Fit::Unless(condition) => Some((such(site, retype, &condition), loss(retype, explicit).to_owned())),
        Fit::OnlyTheCastTells | Fit::NeedsUsing => {
            let through: String =
                retype.casts.iter().flatten().map(|of| format!("::{of}")).collect();
            let sql = format!("{name}{through}::{}", retype.to);
            Some((tried(site, retype, &sql), format!("are no {}, so it fails", retype.to)))
        }
    }
}

/// What becomes of the values that do not fit.
fn loss(retype: &Retype<'_>, explicit: bool) -> &'static str {
    let (from, to) = (types::parse(retype.from().unwrap_or_default()), types::parse(retype.to));
    let text = |base: &str| matches!(base, "text" | "character varying" | "character");
    match (from.base.as_str(), to.base.as_str()) {
        (_, other) if text(other) && explicit => "are longer, and are cut without an error",
        (_, other) if text(other) => "are longer, so it fails",
        (from, "date") if from.starts_with("timestamp") => "lose their time of day without an error",
        (from, to) if from.starts_with("timestamp") && to.starts_with("time ") => "lose their date without an error",
        (from, _) if from.starts_with("time") => "lose digits of their seconds without an error",
        ("numeric" | "real" | "double precision", _) => "are too large, so it fails, or are rounded without an error",
        _ => "are too large, so it fails",
    }
}

/// An expression of USING: what text is cut is counted, the rest is tried.
fn computed(site: &mut Site<'_, '_>, retype: &Retype<'_>, using: &str) -> Option<(Verdict, String)> {
    let (from, to) = (types::parse(retype.from().unwrap_or_default()), types::parse(retype.to));
    let text = |of: &types::Type| matches!(of.base.as_str(), "text" | "character varying" | "character") && !of.array;
    let time = |of: &types::Type| of.base.starts_with("timestamp");
    if text(&from) && text(&to) {
        // What it makes of a value is written down; only a limit loses more.
        let limit = to.arguments.first()?;
        let column = retype.known.as_ref().and_then(|column| column.in_database.as_deref()).unwrap_or(retype.column);
        let condition = format!("char_length({}) > {limit}", quote(column));
        return Some((such(site, retype, &condition), "are longer, and are cut without an error".to_owned()));
    }
    if time(&from) && time(&to) && using.to_lowercase().contains("at time zone") {
        return None;
    }
    let verdict = tried(site, retype, &format!("({using})::{}", retype.to));
    Some((verdict, format!("USING makes no {} of, so it fails", retype.to)))
}

fn such(site: &mut Site<'_, '_>, retype: &Retype<'_>, condition: &str) -> Verdict {
    site.facts.such(retype.table, &[retype.column.to_owned()], condition, "values that do not fit")
}

/// Computes the new value of each row, as far as the expression speaks of what the database has.
fn tried(site: &mut Site<'_, '_>, retype: &Retype<'_>, expression: &str) -> Verdict {
    let open = |why: String| Verdict::Open(DecidedBy::NotJudged(why));
    let facts = site.facts.table(retype.table).unwrap_or_default();
    let mut used = condition::columns(expression, &facts);
    if !used.iter().any(|name| name == retype.column) && facts.columns.contains_key(retype.column) {
        used.push(retype.column.to_owned());
    }
    match site.facts.untouched(retype.table, &used) {
        Ok((_, names)) if names != used => open(format!("{} has columns of other names until then", retype.table)),
        Ok((name, _)) => {
            let sql = format!("SELECT count({expression}) FROM {}", name.quoted());
            site.facts.tried(&sql, &format!("a {}", retype.to))
        }
        Err(why) => open(why),
    }
}

#[cfg(test)]
mod tests {
    use crate::review::finding::Severity;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{found, silent};

    #[test]
    fn refused_is_an_error_what_may_not_fit_a_warning_and_what_always_fits_nothing() {
        let severity = |sql: &str| {
            let before = "CREATE TABLE t (a integer, b text, r text DEFAULT 'x');";
            let found = found(sql, Transaction::Set, Before::Files(vec![before.to_owned()]));
            found.iter().filter(|finding| finding.id == "H52").map(|finding| finding.severity).max()
        };
        assert_eq!(severity("ALTER TABLE t ALTER b TYPE integer"), Some(Severity::Error));
        assert_eq!(severity("CREATE TYPE m AS ENUM ('x'); ALTER TABLE t ALTER r TYPE m USING r::m"), Some(Severity::Error));
        assert_eq!(severity("CREATE TYPE m AS ENUM ('x'); ALTER TABLE t ALTER b TYPE m USING b::m"), Some(Severity::Warning));
        assert_eq!(severity("ALTER TABLE t ALTER b TYPE integer USING b::integer"), Some(Severity::Warning));
        assert_eq!(severity("ALTER TABLE t ALTER b TYPE varchar(3)"), Some(Severity::Warning));
        assert_eq!(severity("ALTER TABLE t ALTER a TYPE bigint"), None);
        silent("H52", "ALTER TABLE unknown ALTER a TYPE text");
        silent("H52", "CREATE TABLE t (a text); ALTER TABLE t ALTER a TYPE integer");
    }
}
