//! H38: a constraint or a default goes that running code relies on.

use crate::review::catalog::{Constraint, Kind};
use crate::review::condition;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::sql::TableName;
use crate::sql::action::{Action, ConstraintKind};
use crate::sql::names::{quote, quoted_list};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H38",
    title: "a constraint or a default goes",
    class: Class::BreaksCode,
    danger: "ON CONFLICT (columns) fails at once when the unique constraint behind it goes, and INSERTs that leave a column out get another value, or \
             fail, when its default changes. What a constraint kept out may come in from then on. ACCESS EXCLUSIVE, for an instant.",
    decided: None,
    safe: "take the use out of the code first, and drop it one release later",
    aka: &[
        ("squawk", &["ban-drop-constraint", "ban-drop-not-null", "ban-drop-default", "ban-set-default"]),
        ("strong_migrations", &["change_column_default"]),
        ("atlas", &["CD101"]),
        ("pgfence", &["drop-constraint", "drop-not-null"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let action = site.action;
    match action {
        Action::DropConstraint { table, name, .. } if !site.facts.is_new(table, site.at.file) => {
            drop_constraint(site, table, name);
        }
        Action::DropNotNull { table, column } if !ours(site, table, column) => {
            let known = site.facts.column(table, column);
            if known.is_none_or(|column| column.not_null) {
                site.find(
                    Draft::new(
                        Severity::Note,
                        format!("{table}.{column} may hold NULL from now on: readers meet one once a program writes it"),
                    )
                    .lock(table, Lock::AccessExclusive)
                    .remedy("deploy readers that expect NULL before anything writes it"),
                );
            }
        }
        Action::SetDefault { table, column, default } if !ours(site, table, column) => {
            set_default(site, table, column, default);
        }
        Action::DropDefault { table, column } if !ours(site, table, column) => drop_default(site, table, column),
        _ => {}
    }
}

/// Whether the reviewed files made the column, so that no running code knows it.
fn ours(site: &mut Site<'_, '_>, table: &TableName, column: &str) -> bool {
    site.facts.is_new(table, site.at.file)
        || site.facts.column(table, column).is_some_and(|column| column.in_database.is_none())
}

fn unique_gone(site: &mut Site<'_, '_>, table: &TableName, what: &str, columns: &[String]) {
    let list = columns.join(", ");
    site.find(
        Draft::new(
            Severity::Warning,
            format!("drops {what} of {table}: ON CONFLICT ({list}) of running code fails, and duplicates can come in"),
        )
        .lock(table, Lock::AccessExclusive)
        .remedy("take ON CONFLICT out of the code first, or keep another unique index over the same columns")
        .sql([format!("CREATE UNIQUE INDEX CONCURRENTLY ON {} ({});", table.quoted(), quoted_list(columns))]),
    );
}

fn drop_constraint(site: &mut Site<'_, '_>, table: &TableName, name: &str) {
    let Some(facts) = site.facts.table(table) else { return unknown(site, table, name) };
    let Some(constraint) = facts.constraints.get(name) else {
        if !facts.known {
            unknown(site, table, name);
        }
        return;
    };
    if constraint.added.is_some() {
        return;
    }
    let Constraint { kind, columns, expression, .. } = constraint;
    match kind {
        Kind::Unique | Kind::PrimaryKey => {
            if facts.unique_over(columns, name) || site.unique_again(table, columns) {
                return;
            }
            if *kind == Kind::PrimaryKey && key_again(site, table) {
                return note(site, table, &format!("the primary key of {table} moves away from {}: ON CONFLICT over it fails", columns.join(", ")));
            }
            let what = if *kind == Kind::Unique { "unique constraint" } else { "primary key" };
            unique_gone(site, table, &format!("{what} {name}"), columns);
        }
        Kind::ForeignKey => {
            if again(site, table, columns.first().map_or("", String::as_str), |action| matches!(action, Action::AddForeignKey { columns: added, .. } if added == columns)) {
                return;
            }
            site.find(
                Draft::new(
                    Severity::Warning,
                    format!("drops foreign key {name} of {table}: rows without a parent can come in, and its ON DELETE no longer runs"),
                )
                .lock(table, Lock::AccessExclusive)
                .remedy("make the code keep the references, and delete what hangs on a deleted row, before it goes"),
            );
        }
        Kind::Check | Kind::NotNull | Kind::Exclude => {
            let implied = expression.as_deref().is_some_and(|expression| {
                facts.columns.iter().any(|(column, found)| {
                    found.not_null && condition::proves_not_null(expression, column) && !expression.to_lowercase().contains(" and ")
                })
            });
            let back = again(site, table, name, |action| {
                matches!(action, Action::AddConstraint { name: Some(added), kind: ConstraintKind::Check | ConstraintKind::Exclude, .. } if added == name)
            });
            if !implied && !back {
                note(site, table, &format!("drops constraint {name} of {table}: what it kept out may come in from now on"));
            }
        }
    }
}

fn note(site: &mut Site<'_, '_>, table: &TableName, title: &str) {
    site.find(
        Draft::new(Severity::Note, title)
            .lock(table, Lock::AccessExclusive)
            .remedy("deploy readers that expect it before anything writes it"),
    );
}

fn unknown(site: &mut Site<'_, '_>, table: &TableName, name: &str) {
    // What is put back under its name was most likely of its kind before.
    let check = |action: &Action| matches!(action, Action::AddConstraint { name: Some(added), kind: ConstraintKind::Check, .. } if added == name);
    let back = site.scene.later(table, site.at).any(|(later, action)| later.file == site.at.file && check(action));
    if back {
        return note(site, table, &format!("replaces constraint {name} of {table}: what only one of the two kept out may be there, or come in"));
    }
    site.find(
        Draft::new(
            Severity::Warning,
            format!("drops constraint {name} of {table}: ON CONFLICT of running code fails if it is a unique one"),
        )
        .lock(table, Lock::AccessExclusive)
        .by(DecidedBy::NotJudged(format!("what {name} of {table} says is not known")))
        .remedy("look what it guarantees, and whether running code relies on it"),
    );
}

/// Whether a later statement of the same transaction puts it back.
fn again(site: &Site<'_, '_>, table: &TableName, part: &str, is: impl Fn(&Action) -> bool) -> bool {
    site.scene.later_of(table, part, site.at).any(|(later, action)| site.joined(site.at, later) && is(action))
}

fn key_again(site: &Site<'_, '_>, table: &TableName) -> bool {
    let is = |action: &Action| matches!(action, Action::AddConstraint { kind: ConstraintKind::PrimaryKey, .. });
    site.scene.later(table, site.at).any(|(later, action)| site.joined(site.at, later) && is(action))
}

/// The default of before, where it is known: `Some(None)` for none.
fn default_of(site: &mut Site<'_, '_>, table: &TableName, column: &str) -> Option<Option<String>> {
    let found = site.facts.column(table, column)?;
    if found.data_type.is_empty() {
        return None;
    }
    let serial = found.data_type.to_lowercase().contains("serial");
    Some(found.default.or_else(|| serial.then(|| "nextval(…)".to_owned())))
}

fn set_default(site: &mut Site<'_, '_>, table: &TableName, column: &str, default: &str) {
    let dropped = site.scene.earlier_of(table, column, site.at).any(|(earlier, action)| {
        matches!(action, Action::DropDefault { column: of, .. } if of == column) && site.joined(earlier, site.at)
    });
    // Judged where it was dropped.
    if dropped {
        return;
    }
    let before = default_of(site, table, column);
    let title = match before {
        Some(Some(old)) if condition::same(&old, default) => return,
        Some(None) => {
            return note(site, table, &format!("{table}.{column} gets a default: INSERTs that leave it out no longer give NULL"));
        }
        Some(Some(_)) => format!("changes the default of {table}.{column}: INSERTs of running code that leave it out get another value"),
        None => format!("sets the default of {table}.{column}: INSERTs of running code that leave it out may get another value"),
    };
    site.find(
        Draft::new(Severity::Warning, title)
            .lock(table, Lock::AccessExclusive)
            .remedy("let the code write the column itself before its default changes"),
    );
}

fn drop_default(site: &mut Site<'_, '_>, table: &TableName, column: &str) {
    let before = default_of(site, table, column);
    let set = site.scene.later_of(table, column, site.at).find_map(|(later, action)| match action {
        Action::SetDefault { column: of, default, .. } if of == column && site.joined(site.at, later) => Some(default.clone()),
        _ => None,
    });
    let goes = site.scene.later_of(table, column, site.at).any(|(later, action)| {
        let gone = matches!(action, Action::DropColumn { column: of, .. } if of == column);
        // Identity gives a value in the default's place.
        let identity = matches!(action, Action::Identity { column: of, change, .. } if of == column && change == "add");
        (gone || identity) && site.joined(site.at, later)
    });
    if goes || before == Some(None) {
        return;
    }
    let not_null = site.facts.column(table, column).is_some_and(|column| column.not_null);
    let words = match (set, before) {
        (Some(new), Some(Some(old))) if condition::same(&old, &new) => return,
        (Some(_), _) => "get another value",
        (None, _) if not_null => "fail, for it must not be NULL",
        (None, _) => "give NULL",
    };
    site.find(
        Draft::new(
            Severity::Warning,
            format!("drops the default of {table}.{column}: INSERTs of running code that leave it out {words}"),
        )
        .lock(table, Lock::AccessExclusive)
        .remedy("let the code write the column itself before its default goes")
        .sql([format!("-- after the code writes it: ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT;", table.quoted(), quote(column))]),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::finding::Severity;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    fn severity(sql: &str) -> Option<Severity> {
        let before = "CREATE TABLE t (id serial PRIMARY KEY, email text NOT NULL UNIQUE, role text NOT NULL DEFAULT 'member', CONSTRAINT c CHECK (role <> ''));";
        let found = found(sql, Transaction::Set, Before::Files(vec![before.to_owned()]));
        found.iter().filter(|finding| finding.id == "H38").map(|finding| finding.severity).max()
    }

    #[test]
    fn warns_of_what_breaks_statements_and_takes_note_of_what_only_lets_more_in() {
        assert_eq!(severity("ALTER TABLE t DROP CONSTRAINT t_email_key"), Some(Severity::Warning));
        assert_eq!(severity("ALTER TABLE t DROP CONSTRAINT t_pkey"), Some(Severity::Warning));
        assert_eq!(severity("ALTER TABLE t ALTER role DROP DEFAULT"), Some(Severity::Warning));
        assert_eq!(severity("ALTER TABLE t ALTER role SET DEFAULT 'guest'"), Some(Severity::Warning));
        assert_eq!(severity("ALTER TABLE t DROP CONSTRAINT c"), Some(Severity::Note));
        assert_eq!(severity("ALTER TABLE t ALTER role DROP NOT NULL"), Some(Severity::Note));
    }

    #[test]
    fn what_comes_back_in_the_same_transaction_is_not_lost() {
        assert_eq!(severity("ALTER TABLE t DROP CONSTRAINT t_email_key; ALTER TABLE t ADD UNIQUE (email)"), None);
        assert_eq!(severity("ALTER TABLE t ALTER role DROP DEFAULT; ALTER TABLE t ALTER role SET DEFAULT 'member'"), None);
        fires("H38", "ALTER TABLE users DROP CONSTRAINT users_email_key");
        silent("H38", "ALTER TABLE t ADD COLUMN a int DEFAULT 1; ALTER TABLE t ALTER a DROP DEFAULT");
    }
}
