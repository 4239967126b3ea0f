//! A sequence that is told which number comes next: whether that number is taken.

use super::definition;
use super::facts::{Question, Verdict};
use super::finding::{DecidedBy, Severity};
use super::hazard::{Draft, Site};
use super::types;
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::quote;

const OWNER: &str = "
select tn.nspname::text, t.relname::text, a.attname::text from pg_catalog.pg_class s join pg_catalog.pg_namespace n on n.oid = s.relnamespace
  join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = s.oid and d.deptype in ('a', 'i')
    and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjsubid > 0
  join pg_catalog.pg_class t on t.oid = d.refobjid join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
where n.nspname = $1 and s.relname = $2 and s.relkind = 'S'";

/// `ALTER SEQUENCE … RESTART`
pub(super) fn restarted(site: &mut Site<'_, '_>) {
    let words = definition::words(&site.statement.text);
    let Some(restart) = words.iter().position(|word| word == "restart") else { return };
    let Some(name) = words[2..restart].iter().find(|word| !matches!(word.as_str(), "if" | "exists")) else { return };
    let Some(name) = types::named(name) else { return };
    let made =
        site.scene.files[site.at.file].parsed.iter().flat_map(|parsed| &parsed.statements).take(site.at.statement);
    let new = |action: &Action| matches!(action, Action::CreateOther { kind, name: made } if kind == "sequence" && *made == name);
    if made.flat_map(|statement| &statement.actions).any(new) {
        return;
    }
    let next = words[restart + 1..].iter().find(|word| *word != "with").and_then(|number| number.parse().ok());
    let taken = taken(site, &name, next.unwrap_or(1));
    let severity = taken.severity(Severity::Note);
    let mut draft = Draft::new(severity, format!("sequence {name} starts again: it gives numbers that rows may have"))
        .by(taken.decided());
    if severity > Severity::Note {
        draft = draft.remedy("set it behind the highest number in use").sql([format!(
            "SELECT setval({}, (SELECT max(<its column>) FROM <its table>));",
            crate::sql::names::literal(&name.quoted())
        )]);
    }
    site.find(draft);
}

/// How many rows hold a number that will come.
fn taken(site: &mut Site<'_, '_>, name: &TableName, next: i64) -> Verdict {
    let Some(live) = site.facts.live.as_mut() else {
        return Verdict::Open(DecidedBy::NotJudged("which numbers are in use was not asked".to_owned()));
    };
    let owner = live.rows(OWNER, &[&name.schema, &name.name]);
    let owner = owner.as_ref().and_then(|rows| rows.first());
    let Some((table, column)) = owner.map(|row| (TableName::new(row.get(0), row.get(1)), row.get::<_, String>(2)))
    else {
        return Verdict::Open(DecidedBy::NotJudged("which column it numbers is not known".to_owned()));
    };
    let sql = |table: &TableName, columns: &[String]| {
        format!("SELECT count(*) FROM {} WHERE {} >= {next}", table.quoted(), quote(&columns[0]))
    };
    site.facts.rows(&Question { table: &table, columns: &[column], sql: &sql, unit: "rows with such a number" })
}
