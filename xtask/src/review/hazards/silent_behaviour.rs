//! H92: the same statements of running code do something else: triggers, rules, replaced views and functions.

use serde_json::Value;

use crate::review::behaviour::Defined;
use crate::review::definition::{self, Change};
use crate::review::facts::Facts;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::types::{self, Fit};
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H92",
    title: "a trigger, a view or a function changes what running code does",
    class: Class::Access,
    danger: "Code goes on without an error and gets something else: a trigger fires or no longer fires, a view or a function of the same \
             name gives other results. DISABLE TRIGGER ALL suspends foreign keys too. CREATE, ENABLE and DISABLE TRIGGER take SHARE ROW \
             EXCLUSIVE, DROP TRIGGER and CREATE OR REPLACE VIEW take ACCESS EXCLUSIVE, each for an instant.",
    decided: Some("whether the view or the function gives what it gave before"),
    safe: "make it under a new name, let the code move, and drop the old one; try triggers with what the code that runs writes",
    aka: &[
        ("squawk", &["ban-drop-trigger", "ban-disable-trigger", "ban-replace-view-function"]),
        ("pg-migration-lint", &["PGM020"]),
        ("migrationpilot", &["MP064", "MP090"]),
    ],
    judge,
};

const ROUTINES: &str = "select count(*) from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace where n.nspname = $1 and p.proname = $2";
const VIEWS: &str = "select count(*) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2 and c.relkind = 'v'";

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::CreateTrigger { table, name, .. } => created(site, table, name),
        Action::DropTrigger { table, name } => dropped(site, table, name),
        Action::SetTrigger { table, name, enable } => switched(site, table, name.as_deref(), *enable),
        Action::CreateOther { kind, name } if kind == "rule" => {
            let words = definition::words(&site.statement.text);
            let to = words.iter().position(|word| word == "to").and_then(|at| words.get(at + 1));
            let table = to.and_then(|table| types::named(table));
            if table.is_some_and(|table| site.facts.is_new(&table, site.at.file)) {
                return;
            }
            site.find(
                Draft::new(Severity::Warning, format!("rule {name} rewrites what running code asks for"))
                    .remedy("a trigger or a view is seen by those who read the schema; a rule is not"),
            );
        }
        Action::CreateView { name, materialized: false, replace: true } => view(site, name),
        Action::CreateRoutine { kind, name, replace: true, .. } => routine(site, kind, name),
        _ => {}
    }
}

fn created(site: &mut Site<'_, '_>, table: &TableName, name: &str) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let known = |action: &Action| matches!(action, Action::DropTrigger { name: dropped, .. } if dropped == name);
    let replaces = site.scene.earlier_of(table, name, site.at).any(|(at, action)| at.file == site.at.file && known(action));
    let verb = if replaces { "replaces" } else { "creates" };
    if fills_new_columns(site, table) {
        let what = format!("{verb} trigger {name} on {table}: it fills columns that these files add, and nothing else");
        site.find(Draft::new(Severity::Note, what).lock(table, Lock::ShareRowExclusive));
        return;
    }
    site.find(
        Draft::new(
            Severity::Warning,
            format!("{verb} trigger {name} on {table}: it runs in each write of running code, and may refuse it"),
        )
        .lock(table, Lock::ShareRowExclusive)
        .remedy("run the trigger with what the code of today writes; deploy the code that expects it first"),
    );
}

/// Expand and contract: each write of the old code sets the new column too, and none can fail by it.
fn fills_new_columns(site: &mut Site<'_, '_>, table: &TableName) -> bool {
    let words = definition::words(&site.statement.text);
    let called = words.iter().position(|word| word == "function" || word == "procedure").and_then(|at| words.get(at + 1));
    let copied = called
        .and_then(|called| types::named(called))
        .and_then(|called| site.facts.definition(&called).and_then(definition::copies));
    let Some(facts) = site.facts.table(table) else { return false };
    copied.is_some_and(|copied| {
        copied.iter().all(|(to, from)| match (facts.columns.get(to), facts.columns.get(from)) {
            (Some(to), Some(from)) => {
                let fit = types::fit(Some(&from.data_type), &to.data_type, false, "c");
                to.in_database.is_none() && to.generated.is_none() && fit == Fit::Always
                    && (!to.not_null || from.not_null)
            }
            _ => false,
        })
    })
}

fn dropped(site: &mut Site<'_, '_>, table: &TableName, name: &str) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let again = |action: &Action| matches!(action, Action::CreateTrigger { name: made, .. } if made == name);
    if site.scene.later_of(table, name, site.at).any(|(at, action)| at.file == site.at.file && again(action)) {
        return;
    }
    site.find(
        Draft::new(Severity::Warning, format!("drops trigger {name} of {table}: what it filled in or checked is not any more"))
            .lock(table, Lock::AccessExclusive)
            .remedy("deploy code that does without it first; switch it off for a release, so that it can come back")
            .sql([format!("ALTER TABLE {} DISABLE TRIGGER {};", table.quoted(), quote(name))]),
    );
}

fn switched(site: &mut Site<'_, '_>, table: &TableName, name: Option<&str>, enable: bool) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let other = |at, action: &Action| {
        matches!(action, Action::SetTrigger { name: of, enable: on, .. } if of.as_deref() == name && *on != enable)
            && site.scene.same_transaction(at, site.at)
    };
    let earlier = site.scene.earlier_of(table, name.unwrap_or_default(), site.at).any(|(at, action)| other(at, action));
    if enable && earlier {
        return;
    }
    let again = site.scene.later_of(table, name.unwrap_or_default(), site.at).any(|(at, action)| other(at, action));
    let words = definition::words(&site.statement.text);
    let all = name.is_none() && words.windows(2).any(|pair| matches!(pair, [one, two] if one == "trigger" && two == "all"));
    let which = name.map_or_else(|| if all { "all triggers" } else { "the triggers of users" }.to_owned(), |name| format!("trigger {name}"));
    let (severity, what) = match (enable, all, again) {
        (true, ..) => (Severity::Warning, format!("switches {which} of {table} on: they run in each write again")),
        (false, true, false) => (
            Severity::Error,
            format!("switches {which} of {table} off and leaves it so: its foreign keys are not enforced any more"),
        ),
        (false, true, true) => (
            Severity::Warning,
            format!("switches {which} of {table} off: rows written until they are on again are checked by no foreign key"),
        ),
        (false, false, _) => (Severity::Warning, format!("switches {which} of {table} off: what they do is left out")),
    };
    let back = format!("ALTER TABLE {} ENABLE TRIGGER {};", table.quoted(), name.map_or(if all { "ALL".to_owned() } else { "USER".to_owned() }, quote));
    let mut draft = Draft::new(severity, what).lock(table, Lock::ShareRowExclusive);
    if !enable {
        draft = draft.remedy("switch off for one session alone, or on again in the same transaction; check foreign keys afterwards");
        if !again {
            draft = draft.sql([back]);
        }
    }
    site.find(draft);
}

fn view(site: &mut Site<'_, '_>, name: &TableName) {
    let text = &site.statement.text;
    let (change, by) = match site.facts.defined(name, VIEWS) {
        Defined::New => return,
        Defined::Text(old) => (definition::view(&old, text), DecidedBy::Static(String::new())),
        Defined::Live => replaced_view(site.facts, name, text),
        Defined::Unknown => {
            (Change::Other, DecidedBy::NotJudged("whether there is such a view, and how it is defined".to_owned()))
        }
    };
    let (severity, what) = match change {
        Change::Same => (Severity::Note, "gives what it gave before"),
        Change::Wider => (Severity::Note, "gives the same rows with more columns"),
        Change::Refused => (Severity::Error, "is refused: a view cannot lose, rename or retype a column"),
        Change::Other => (Severity::Warning, "may give other rows or values under the same name"),
    };
    let mut draft = Draft::new(severity, format!("the replaced view {name} {what}")).lock(name, Lock::AccessExclusive).by(by);
    if severity > Severity::Note {
        draft = draft.remedy("make a view under a new name, let the code move to it, and drop the old one in a later migration");
    }
    site.find(draft);
}

/// Two queries with one plan give the same rows; what they give of them are their columns.
fn replaced_view(facts: &mut Facts<'_>, name: &TableName, text: &str) -> (Change, DecidedBy) {
    let unknown = || DecidedBy::NotJudged("the two queries could not be compared".to_owned());
    let (Some((query, true)), Some(live)) = (definition::query(text), facts.live.as_mut()) else {
        return (Change::Other, unknown());
    };
    let old = live.rows("select pg_catalog.pg_get_viewdef(format('%I.%I', $1::text, $2::text)::regclass)", &[&name.schema, &name.name]);
    let old = old.and_then(|rows| rows.first().and_then(|row| row.get::<_, Option<String>>(0)));
    let old = old.and_then(|old| live.planned(old.trim().trim_end_matches(';')));
    let (Some(old), Some(new)) = (old, live.planned(&query)) else { return (Change::Other, unknown()) };
    let change = if !new.columns.starts_with(&old.columns) {
        Change::Refused
    } else if old.plan == new.plan {
        Change::Same
    } else if holds(&old.plan, &new.plan, true) {
        Change::Wider
    } else {
        Change::Other
    };
    (change, facts.decided("the plans of both queries", None))
}

/// Whether a plan does the same as another, and gives all that it gives: at its top first and in order.
fn holds(old: &Value, new: &Value, top: bool) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let part = |(key, old): (&String, &Value)| {
                let Some(new) = new.get(key) else { return false };
                match (key.as_str(), old, new) {
                    ("Output", Value::Array(old), Value::Array(new)) if top => new.starts_with(old),
                    ("Output", Value::Array(old), Value::Array(new)) => old.iter().all(|column| new.contains(column)),
                    ("Plan", ..) => holds(old, new, true),
                    _ => holds(old, new, false),
                }
            };
            old.len() == new.len() && old.iter().all(part)
        }
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| holds(old, new, top))
        }
        _ => old == new,
    }
}

fn routine(site: &mut Site<'_, '_>, kind: &str, name: &TableName) {
    let text = &site.statement.text;
    let (same, by) = match site.facts.defined(name, ROUTINES) {
        Defined::New => return,
        Defined::Text(old) => (definition::same_routine(&old, text), DecidedBy::Static(String::new())),
        Defined::Live => (same_body(site.facts, name, text), site.facts.decided("its body and options", None)),
        Defined::Unknown => (false, DecidedBy::NotJudged(format!("whether there is such a {kind}, and what it does"))),
    };
    if same {
        site.find(Draft::new(Severity::Note, format!("the replaced {kind} {name} does what it did before")).by(by));
        return;
    }
    site.find(
        Draft::new(Severity::Warning, format!("replaces {kind} {name}: whoever calls it gets what the new body gives"))
            .by(by)
            .remedy("make it under a new name, let the callers move, and drop the old one in a later migration"),
    );
}

/// Whether the only routine of this name has the same body and the same options.
fn same_body(facts: &mut Facts<'_>, name: &TableName, text: &str) -> bool {
    let sql = "
select p.prosrc, p.provolatile::text, p.proisstrict, p.prosecdef, p.proconfig is not null
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace where n.nspname = $1 and p.proname = $2";
    let rows = facts.live.as_mut().and_then(|live| live.rows(sql, &[&name.schema, &name.name]));
    let Some([row]) = rows.as_deref() else { return false };
    let words = definition::words(text);
    let says = |wanted: &[&str]| words.windows(wanted.len()).any(|part| part == wanted);
    let volatility = if says(&["immutable"]) { "i" } else if says(&["stable"]) { "s" } else { "v" };
    let strict = says(&["strict"]) || says(&["returns", "null", "on", "null", "input"]);
    definition::body(text).is_some_and(|body| body == row.get::<_, String>(0))
        && volatility == row.get::<_, String>(1)
        && strict == row.get::<_, bool>(2)
        && says(&["security", "definer"]) == row.get::<_, bool>(3)
        && says(&["set"]) == row.get::<_, bool>(4)
}

#[cfg(test)]
mod tests {
    use crate::review::finding::Severity;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_on_triggers_of_a_table_that_was_there_and_not_on_one_of_the_file_itself() {
        fires("H92", "CREATE TRIGGER a BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()");
        fires("H92", "DROP TRIGGER a ON users");
        fires("H92", "ALTER TABLE users DISABLE TRIGGER USER");
        silent("H92", "CREATE TABLE t (a int); CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()");
        silent("H92", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$");
    }

    #[test]
    fn a_trigger_that_copies_into_a_new_and_wider_column_is_a_note() {
        let severity = |data_type: &str, body: &str| {
            let before = Before::Files(vec!["CREATE TABLE t (a integer)".to_owned()]);
            let sql = format!(
                "ALTER TABLE t ADD COLUMN b {data_type}; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$;
                 CREATE TRIGGER g BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()"
            );
            found(&sql, Transaction::Set, before).into_iter().find(|finding| finding.id == "H92").map(|found| found.severity)
        };
        let copies = "BEGIN NEW.b := NEW.a; RETURN NEW; END";
        assert_eq!(severity("bigint", copies), Some(Severity::Note));
        assert_eq!(severity("smallint", copies), Some(Severity::Warning));
        assert_eq!(severity("bigint", "BEGIN NEW.a := NEW.b; RETURN NEW; END"), Some(Severity::Warning));
        assert_eq!(severity("bigint", "BEGIN RAISE 'no'; END"), Some(Severity::Warning));
    }

    #[test]
    fn all_triggers_left_off_are_an_error_and_on_again_a_warning() {
        let severity = |sql: &str| {
            let found = found(sql, Transaction::Set, Before::Unknown);
            found.iter().filter(|finding| finding.id == "H92").map(|finding| finding.severity).collect::<Vec<_>>()
        };
        let off = "ALTER TABLE users DISABLE TRIGGER ALL;";
        assert_eq!(severity(off), [Severity::Error]);
        assert_eq!(severity(&format!("{off} ALTER TABLE users ENABLE TRIGGER ALL;")), [Severity::Warning]);
        assert_eq!(severity("ALTER TABLE users DISABLE TRIGGER a"), [Severity::Warning]);
    }

    #[test]
    fn a_replaced_function_is_a_note_only_where_it_is_the_same() {
        let before = || Before::Files(vec!["CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$".to_owned()]);
        let severity = |body: &str, before: Before| {
            let sql = format!("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT {body} $$");
            found(&sql, Transaction::Set, before).iter().find(|finding| finding.id == "H92").map(|found| found.severity)
        };
        assert_eq!(severity("1", before()), Some(Severity::Note));
        assert_eq!(severity("2", before()), Some(Severity::Warning));
        assert_eq!(severity("1", Before::Unknown), Some(Severity::Warning));
        assert_eq!(severity("1", Before::Files(Vec::new())), None);
    }
}
