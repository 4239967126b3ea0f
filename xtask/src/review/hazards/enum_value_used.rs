//! H70: a value is added to an enum where it cannot be added, or used before it may be.

use crate::review::catalog::Enum;
use crate::review::facts::Facts;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::scan::{Kind, pieces};
use crate::review::session::Label;
use crate::review::set::Transaction;
use crate::review::types;
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::literal;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H70",
    title: "a new enum value is used before it is committed",
    class: Class::MayFail,
    danger: "A value that ALTER TYPE … ADD VALUE adds cannot be used before its transaction has committed (55P04); since 17 it can where the \
             type is new too. Before 12 the statement is refused in a transaction. A value that is there fails it, without IF NOT EXISTS.",
    decided: None,
    safe: "ADD VALUE in a migration of its own, deployed before the one that uses the value",
    aka: &[
        ("safe-migrate", &["alter-type-add-value-txn"]),
        ("drizzle-migration-lint", &["add-enum-value"]),
        ("migrationpilot", &["MP012", "MP054"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    if let Action::AddEnumValue { name, value, if_not_exists, .. } = site.action {
        added(site, name, value, *if_not_exists);
    } else if !site.facts.session.labels.is_empty() {
        for (value, label) in written(site) {
            if is_new(site, &value, &label.of)
                && !usable(site, &label.of)
                && let Some((severity, decided)) = uses(site, &value, &label.of)
            {
                found(site, severity, decided, &value, &label);
            }
        }
    }
}

fn added(site: &mut Site<'_, '_>, name: &TableName, value: &str, if_not_exists: bool) {
    if site.in_block() && site.facts.major.is_some_and(|major| major < 12) {
        let title = format!("ALTER TYPE {name} ADD VALUE is refused in a transaction before PostgreSQL 12 (25001)");
        site.find(Draft::new(Severity::Error, title).remedy("run it by itself, before the deploy"));
    }
    let there = site.facts.has_value(name, value);
    if !if_not_exists && there == Some(true) {
        let title = format!("{name} has the value {} already: ADD VALUE fails (42710)", literal(value));
        site.find(
            Draft::new(Severity::Error, title)
                .remedy("leave it out, or say IF NOT EXISTS")
                .sql([format!("ALTER TYPE {} ADD VALUE IF NOT EXISTS {};", name.quoted(), literal(value))]),
        );
    }
}

/// Values of the open transaction that occur as literals in the statement.
fn written(site: &Site<'_, '_>) -> Vec<(String, Label)> {
    let text = &site.statement.text;
    let mut found: Vec<(String, Label)> = Vec::new();
    for piece in pieces(text).into_iter().filter(|piece| piece.kind == Kind::Quoted) {
        let inner = text[piece.span].strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let Some(value) = inner.map(|inner| inner.replace("''", "'")) else { continue };
        if let Some(label) = site.facts.session.labels.get(&value)
            && !found.iter().any(|(known, _)| *known == value)
        {
            found.push((value, label.clone()));
        }
    }
    found
}

/// IF NOT EXISTS adds no value that was there.
fn is_new(site: &mut Site<'_, '_>, value: &str, of: &TableName) -> bool {
    let added = |known: &Enum| known.added.iter().any(|(added, ..)| added == value) || known.values.is_empty();
    site.facts.look_enum(of, added).unwrap_or(true)
}

/// Since 17 a value of a type that the same transaction made may be used.
fn usable(site: &mut Site<'_, '_>, name: &TableName) -> bool {
    let Some(made) = site.facts.look_enum(name, |found| found.made).flatten() else { return false };
    let same = made == site.at.file || site.scene.files[site.at.file].transaction == Transaction::Set;
    same && site.facts.major.is_some_and(|major| major >= 17)
}

/// Whether the action makes PostgreSQL read the text as a value of the type: for sure, perhaps, or not at all.
fn uses(site: &mut Site<'_, '_>, value: &str, of: &TableName) -> Option<(Severity, DecidedBy)> {
    let spelled = literal(value);
    let says = |text: &str| text.contains(&spelled);
    let sure = Some((Severity::Error, DecidedBy::Static(String::new())));
    let perhaps = |why: &str| Some((Severity::Warning, DecidedBy::NotJudged(why.to_owned())));
    let is_of = |data_type: &str| types::named(data_type).is_some_and(|name| name == *of);
    if cast(&site.statement.text, &spelled).is_some_and(|to| to == *of) {
        return (site.at.action == 0).then_some(sure).flatten();
    }
    let column = |facts: &mut Facts<'_>, table: &TableName, column: &str| {
        match facts.column(table, column).map(|column| column.data_type) {
            Some(known) if is_of(&known) => sure.clone(),
            Some(known) if !known.is_empty() => None,
            _ => perhaps(&format!("the type of {table}.{column} is not known")),
        }
    };
    match site.action {
        Action::SetDefault { table, column: name, default } if says(default) => column(site.facts, table, name),
        Action::AddColumn(added) if added.default.as_deref().is_some_and(says) => {
            if is_of(&added.data_type) { sure } else { None }
        }
        Action::AddColumn(added) if added.check.as_deref().is_some_and(says) => {
            if is_of(&added.data_type) { sure } else { None }
        }
        Action::CreateTable(create) => {
            let default = create.columns.iter().find(|column| column.default.as_deref().is_some_and(says));
            let any = create.columns.iter().any(|column| is_of(&column.data_type));
            match default {
                Some(column) if is_of(&column.data_type) => sure,
                _ if any => perhaps("the table has a column of the type"),
                _ => None,
            }
        }
        Action::ChangeType { data_type, using: Some(using), .. } if says(using) => {
            if is_of(data_type) { sure } else { None }
        }
        Action::Update { table, columns, filter } => {
            let set = columns.iter().filter(|(_, value)| says(value));
            let mut worst = set.filter_map(|(name, _)| column(site.facts, table, name)).collect::<Vec<_>>();
            if filter.as_deref().is_some_and(says) {
                worst.extend(compared(site.facts, table, of));
            }
            worst.into_iter().max_by_key(|(severity, _)| *severity)
        }
        Action::Insert { table, .. } | Action::Delete { table, .. } | Action::Merge { table } => {
            compared(site.facts, table, of)
        }
        Action::CreateIndex(index) => compared(site.facts, &index.table, of),
        Action::AddConstraint { table, expression: Some(text), .. } if says(text) => compared(site.facts, table, of),
        Action::Select { .. } | Action::CreateView { .. } | Action::Dynamic => {
            perhaps("what the text is compared with is not known")
        }
        _ => None,
    }
}

/// In a table with a column of the type, or one that nobody knows.
fn compared(facts: &mut Facts<'_>, table: &TableName, of: &TableName) -> Option<(Severity, DecidedBy)> {
    let has = facts.look(table, |table| {
        let of_type =
            table.columns.values().any(|column| types::named(&column.data_type).is_some_and(|name| name == *of));
        of_type || !table.known
    });
    let why = format!("{table} may have a column of the type {of} that the text is read for");
    has.unwrap_or(true).then_some((Severity::Warning, DecidedBy::NotJudged(why)))
}

/// `'x'::"public"."order_status"`
fn cast(text: &str, spelled: &str) -> Option<TableName> {
    text.match_indices(spelled).find_map(|(at, _)| {
        let to = text[at + spelled.len()..].trim_start().strip_prefix("::")?.trim_start();
        let end = to.find(|c: char| !(c.is_alphanumeric() || "_.\"".contains(c))).unwrap_or(to.len());
        types::named(&to[..end])
    })
}

fn found(site: &mut Site<'_, '_>, severity: Severity, decided: DecidedBy, value: &str, label: &Label) {
    let (value, of) = (literal(value), &label.of);
    let title = format!("uses {value} of {of}, which line {} adds in the same transaction: refused (55P04)", label.line);
    let mut draft = Draft::new(severity, title)
        .by(decided)
        .remedy("add the value in a migration that is deployed before; use it in a later one, deployed separately")
        .sql([
            format!("ALTER TYPE {} ADD VALUE IF NOT EXISTS {value};", of.quoted()),
            "-- in a later migration, deployed separately:".to_owned(),
            format!("{};", site.statement.text),
        ]);
    if let Some(table) = site.action.tables().first() {
        draft = draft.on(table);
    }
    site.find(draft);
}

#[cfg(test)]
mod tests {
    use crate::review::finding::Severity;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_where_the_value_is_used_in_its_own_transaction_and_not_where_the_text_is_of_another_type() {
        let added = "ALTER TYPE mood ADD VALUE 'ok'; ";
        fires("H70", &format!("{added}ALTER TABLE t ADD COLUMN m mood DEFAULT 'ok'"));
        fires("H70", &format!("{added}UPDATE t SET m = 'ok'::mood"));
        fires("H70", &format!("{added}INSERT INTO t (m) VALUES ('ok')"));
        silent("H70", &format!("{added}ALTER TABLE t ADD COLUMN m text DEFAULT 'ok'"));
        silent("H70", &format!("{added}UPDATE t SET m = 'bad'"));
    }

    #[test]
    fn what_is_known_of_the_columns_decides() {
        let before = || Before::Files(vec!["CREATE TYPE mood AS ENUM ('bad'); CREATE TABLE t (m mood, n text)".to_owned()]);
        let worst = |sql: &str, transaction| {
            let found = found(&format!("ALTER TYPE mood ADD VALUE 'ok'; {sql}"), transaction, before());
            found.iter().filter(|finding| finding.id == "H70").map(|finding| finding.severity).max()
        };
        assert_eq!(worst("UPDATE t SET m = 'ok'", Transaction::Set), Some(Severity::Error));
        assert_eq!(worst("UPDATE t SET n = 'ok'", Transaction::Set), None);
        assert_eq!(worst("UPDATE t SET m = 'ok'", Transaction::Own), None);
        assert_eq!(worst("ALTER TYPE mood ADD VALUE 'bad'", Transaction::Own), Some(Severity::Error));
    }
}
