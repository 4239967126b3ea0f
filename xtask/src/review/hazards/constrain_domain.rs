//! H40: a domain gets a constraint, or comes with one.

use crate::review::facts::Verdict;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::weighed::LATER;
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H40",
    title: "a domain has a constraint",
    class: Class::MayFail,
    danger: "ALTER DOMAIN … ADD CONSTRAINT reads each table with a column of the domain under SHARE, which stops writers of all of them, and the first \
             value outside fails it; NOT VALID leaves them alone. A new column of a constrained domain is computed for each row.",
    decided: Some("how many values are outside, and how large the tables are"),
    safe: "ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in a later transaction",
    aka: &[
        ("squawk", &["ban-alter-domain-with-add-constraint", "ban-create-domain-with-constraint"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::CreateDomain { name, checked: true } => site.find(
            Draft::new(
                Severity::Note,
                format!("domain {name} has a constraint: a column of it is checked for each row when it is added, and whenever it changes"),
            )
            .remedy("a CHECK of the table can be NOT VALID, and is dropped and replaced for one table alone"),
        ),
        Action::AlterDomain { name, adds_constraint: true, not_valid: false } => constrain(site, name),
        _ => {}
    }
}

/// What stands between the parentheses of CHECK.
fn condition(statement: &str) -> Option<String> {
    let at = statement.to_lowercase().find("check")?;
    let rest = statement.get(at..)?;
    let inner = rest.get(rest.find('(')? + 1..rest.rfind(')')?)?.trim();
    Some(inner.to_owned()).filter(|inner| !inner.is_empty())
}

/// The condition about a column: VALUE is what the domain calls it.
fn over(condition: &str, column: &str) -> String {
    let (mut out, mut word, mut quoted) = (String::new(), String::new(), None);
    for c in condition.chars().chain(std::iter::once('\0')) {
        if quoted.is_none() && (c.is_alphanumeric() || c == '_') {
            word.push(c);
            continue;
        }
        out.push_str(if word.eq_ignore_ascii_case("value") && quoted.is_none() { column } else { &word });
        word.clear();
        match quoted {
            Some(open) if open == c => quoted = None,
            None if matches!(c, '\'' | '"') => quoted = Some(c),
            _ => {}
        }
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

fn constrain(site: &mut Site<'_, '_>, domain: &TableName) {
    let mut users = site.facts.columns_of_type(domain);
    users.retain(|(table, _)| !site.facts.is_new(table, site.at.file));
    if users.is_empty() {
        if site.facts.asked().is_none() {
            site.find(
                Draft::new(Severity::Warning, format!("adds a constraint to domain {domain}: each table with a column of it is read while its writers wait"))
                    .by(DecidedBy::NotJudged(format!("which columns are of {domain} is not known")))
                    .remedy("add it NOT VALID, and validate it in a later transaction"),
            );
        }
        return;
    }
    let condition = condition(&site.statement.text);
    for (table, column) in users {
        let rows = match &condition {
            Some(condition) => {
                let test = format!("NOT ({})", over(condition, &quote(&column)));
                site.facts.rows_such(&table, &quote(&column), &test, "values that it refuses")
            }
            None => site.facts.nulls(&table, std::slice::from_ref(&column)),
        };
        let words = match rows {
            Verdict::Harmful(..) => "there are values outside, so it fails",
            Verdict::Clear(_) => "all rows are read while writers wait",
            Verdict::Open(_) => "all rows are read while writers wait, and one value outside fails it",
        };
        let weight = site.facts.weight(&table);
        let (severity, decided) = rows.with(weight);
        let check = condition.as_deref().unwrap_or("VALUE IS NOT NULL");
        let name = quote(&format!("{}_check", domain.name));
        site.find(
            Draft::new(severity, format!("adds a constraint to domain {domain}, which {table}.{column} has: {words}"))
                .lock(&table, Lock::Share)
                .scans(true)
                .by(decided)
                .remedy("add it NOT VALID, correct the values, and validate it in a later transaction")
                .sql([
                    format!("ALTER DOMAIN {} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID;", domain.quoted()),
                    LATER.to_owned(),
                    format!("ALTER DOMAIN {} VALIDATE CONSTRAINT {name};", domain.quoted()),
                ]),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_where_tables_are_read_and_not_on_not_valid() {
        fires("H40", "ALTER DOMAIN slug ADD CONSTRAINT c CHECK (VALUE <> '')");
        fires("H40", "CREATE DOMAIN slug AS text CHECK (VALUE <> '')");
        silent("H40", "ALTER DOMAIN slug ADD CONSTRAINT c CHECK (VALUE <> '') NOT VALID");
        silent("H40", "CREATE DOMAIN slug AS text");
    }

    #[test]
    fn value_is_the_column_and_a_text_that_says_so_is_not() {
        let sql = "ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE <> 'value' AND length(value) > 1)";
        assert_eq!(over(&condition(sql).unwrap(), "\"c\""), "\"c\" <> 'value' AND length(\"c\") > 1");
    }
}
