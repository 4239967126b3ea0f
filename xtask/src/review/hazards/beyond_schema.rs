//! H96: extensions, roles, the server's settings, subscriptions: more than the schema of this database.

use crate::review::behaviour::role;
use crate::review::definition::words;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::sql::action::Action;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H96",
    title: "something beyond this database's schema changes",
    class: Class::Access,
    danger: "Roles, tablespaces and ALTER SYSTEM concern every database of the cluster, and stay when this one is dropped or restored. ALTER \
             SYSTEM, CREATE DATABASE and CREATE TABLESPACE are refused in a transaction (25001), as CREATE SUBSCRIPTION is that makes a slot. \
             ALTER EXTENSION UPDATE runs scripts that nobody reviews here.",
    decided: Some("whether the role is there; which version of the extension an update would bring"),
    safe: "set up roles and settings where the servers are set up, once, and not in the migrations of one database",
    aka: &[
        (
            "squawk",
            &["ban-alter-system-options", "ban-alter-role-options", "ban-alter-database-options", "ban-alter-extension"],
        ),
        ("pg-schema-diff", &["UPGRADING_EXTENSION_VERSION"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::AlterExtension { name } => extension(site, name),
        Action::Server { kind } => server(site, kind),
        Action::Subscription { verb, name } => subscription(site, verb, name),
        _ => {}
    }
}

fn extension(site: &mut Site<'_, '_>, name: &str) {
    let words = words(&site.statement.text);
    if words.get(3).is_none_or(|word| word != "update") {
        let what = format!("extension {name} is altered: what belongs to it goes with it when it is dropped");
        site.find(Draft::new(Severity::Note, what));
        return;
    }
    let to = words.iter().position(|word| word == "to").and_then(|at| words.get(at + 1));
    let to = to.map(|version| version.trim_matches(['\'', '"']).to_owned());
    let sql = "
select e.extversion = coalesce($2, a.default_version), coalesce($2, a.default_version)
from pg_catalog.pg_extension e join pg_catalog.pg_available_extensions a on a.name = e.extname where e.extname = $1";
    let rows = site.facts.live.as_mut().and_then(|live| live.rows(sql, &[&name, &to]));
    let found = rows.as_ref().map(|rows| rows.first().map(|row| (row.get::<_, bool>(0), row.get::<_, Option<String>>(1))));
    let by = match &found {
        Some(_) => site.facts.decided("its version", None),
        None => DecidedBy::NotJudged("no database was asked for its version".to_owned()),
    };
    let (severity, what) = match found {
        None => (Severity::Note, "is updated, where the server has a newer version".to_owned()),
        Some(None) => (Severity::Error, "is updated, and is not installed".to_owned()),
        Some(Some((true, _))) => (Severity::Note, "is updated to the version that it has".to_owned()),
        Some(Some((false, to))) => {
            (Severity::Warning, format!("is updated to {}: its scripts change functions and types in use", to.unwrap_or_default()))
        }
    };
    let mut draft = Draft::new(severity, format!("extension {name} {what}")).by(by);
    if severity > Severity::Note {
        draft = draft.remedy("read the extension's notes between the two versions; update where the code was tried with it");
    }
    site.find(draft);
}

fn server(site: &mut Site<'_, '_>, kind: &str) {
    let alone = matches!(kind, "alter system" | "create database" | "create tablespace");
    if alone && site.in_block() {
        site.find(
            Draft::new(Severity::Error, format!("{} is refused in a transaction", kind.to_uppercase()))
                .remedy("take it out of the migration and run it by itself"),
        );
        return;
    }
    match kind {
        "create role" | "create user" | "create group" => new_role(site),
        "alter default privileges" => {
            let words = words(&site.statement.text);
            let wide = words.iter().any(|word| word == "public" || word == "revoke");
            let severity = if wide { Severity::Warning } else { Severity::Note };
            site.find(
                Draft::new(severity, "privileges on tables that are made from now on change, for tables of this role alone")
                    .remedy(if wide { "name the roles, and keep what the code needs" } else { "" }),
            );
        }
        _ => site.find(
            Draft::new(Severity::Warning, format!("{} concerns more than this database's schema, and other programs with it", kind.to_uppercase()))
                .remedy("do it where servers and roles are set up, not in a migration"),
        ),
    }
}

fn new_role(site: &mut Site<'_, '_>) {
    let name = role(&site.statement.text).unwrap_or_default();
    let there = site.facts.has_role(&name);
    let (severity, what) = match there {
        Some(true) => (Severity::Error, "is there already, so this is refused"),
        Some(false) => (Severity::Note, "is made for every database of the cluster"),
        None => (Severity::Warning, "is made for the whole cluster; this is refused where another database made it"),
    };
    let by = match there {
        Some(_) => site.facts.decided("its roles", None),
        None => DecidedBy::NotJudged("which roles there are was not asked".to_owned()),
    };
    let mut draft = Draft::new(severity, format!("role {name} {what}")).by(by);
    if severity > Severity::Note {
        let made = format!("DO $$ BEGIN CREATE ROLE {}; EXCEPTION WHEN duplicate_object THEN null; END $$;", quote(&name));
        draft = draft.remedy("make roles where the servers are set up, or only where they are missing").sql([made]);
    }
    site.find(draft);
}

fn subscription(site: &mut Site<'_, '_>, verb: &str, name: &str) {
    let bare: String = site.statement.text.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let no_slot = bare.contains("create_slot=false") || bare.contains("connect=false");
    let (severity, what) = match verb {
        "create" if site.in_block() && !no_slot => (Severity::Error, "makes a slot at the publisher, which is refused in a transaction"),
        "create" => (Severity::Warning, "copies rows of another server into this one"),
        "drop" if site.in_block() => (Severity::Warning, "drops its slot at the publisher, which is refused in a transaction"),
        "drop" => (Severity::Warning, "stops: rows of the publisher no longer come"),
        _ => (Severity::Warning, "takes other rows from another server than before"),
    };
    site.find(
        Draft::new(severity, format!("subscription {name} {what}"))
            .remedy("run it by itself, beside the migrations, and look at pg_stat_subscription"),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_what_is_not_of_this_database_alone() {
        for sql in [
            "ALTER SYSTEM SET work_mem = '1GB'",
            "CREATE ROLE app LOGIN",
            "ALTER ROLE app SET search_path = app",
            "ALTER EXTENSION hstore UPDATE",
            "DROP SUBSCRIPTION s",
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
        ] {
            fires("H96", sql);
        }
        silent("H96", "CREATE EXTENSION hstore; CREATE SCHEMA app; SET work_mem = '1GB'");
    }
}
