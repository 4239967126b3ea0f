//! H94: who may see and change which rows: row security, policies, privileges, owners, functions with the rights of their owner.

use crate::review::definition::words;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::sql::TableName;
use crate::sql::action::{Action, unquoted};
use crate::sql::statements::Statement;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H94",
    title: "who may see which rows changes",
    class: Class::Access,
    danger: "Rows vanish for running code without an error, or everybody gets them. With row security and no policy, every role but the \
             owner, superusers and those with BYPASSRLS sees no row. REVOKE makes statements fail at once (42501); PUBLIC is every role \
             that can connect. ENABLE and FORCE ROW LEVEL SECURITY, OWNER and policies take ACCESS EXCLUSIVE, for an instant.",
    decided: Some("whether row security is on, which policies and which other roles with privileges there are"),
    safe: "policies first and then ENABLE, in one transaction, tried as the role that the code connects as; GRANT to single roles",
    aka: &[
        (
            "squawk",
            &[
                "ban-create-policy",
                "ban-drop-policy",
                "ban-alter-policy-condition",
                "ban-alter-policy-roles",
                "ban-alter-row-level-security",
                "ban-revoke",
                "ban-alter-function-options",
            ],
        ),
        ("pg-schema-diff", &["AUTHZ_UPDATE"]),
        ("safe-migrate", &["restrictive-policy", "overbroad-grant"]),
        ("migrationpilot", &["MP057", "MP079", "MP085"]),
    ],
    judge,
};

/// How far around a statement about a function its counterpart is looked for.
const NEAR: usize = 20;

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::RowSecurity { table, enable, force: false } => security(site, table, *enable),
        Action::RowSecurity { table, enable, force: true } => forced(site, table, *enable),
        Action::Policy { table, name, verb, restrictive } => policy(site, table, name, verb, *restrictive),
        Action::Grant { on, to_public, .. } => grant(site, on, *to_public),
        Action::Revoke { on, .. } => revoke(site, on),
        Action::Owner { kind, name } if kind != "table" || !site.facts.is_new(name, site.at.file) => {
            let what = format!("{kind} {name} gets another owner, who may do everything with it");
            site.find(Draft::new(Severity::Note, what).remedy("migrations run as a role that may still alter it"));
        }
        Action::CreateRoutine { kind, name, .. } => definer(site, kind, name),
        _ => {}
    }
}

fn security(site: &mut Site<'_, '_>, table: &TableName, enable: bool) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let known = site.facts.security(table);
    if let Some(known) = known.as_ref().filter(|known| known.enabled == enable) {
        let state = if known.enabled { "on" } else { "off" };
        site.find(Draft::new(Severity::Note, format!("row security of {table} is {state} already")).on(table));
        return;
    }
    if !enable {
        site.find(
            Draft::new(Severity::Warning, format!("row security of {table} goes: each role with a privilege gets every row"))
                .lock(table, Lock::AccessExclusive)
                .remedy("look at who holds privileges on it before"),
        );
        return;
    }
    let policies = policies_of(site, table);
    let open: Vec<String> = policies.iter().filter(|policy| lets_all(policy)).flat_map(|policy| roles(policy)).collect();
    let everybody = open.iter().any(|role| role == "public");
    let forced = known.as_ref().is_some_and(|known| known.forced);
    let others = if everybody { Some(0) } else { site.facts.readers_beside(table, &open) };
    let there = known.and_then(|known| known.policies);
    let (severity, what) = match (others, there) {
        (Some(0), _) if !forced || everybody => (Severity::Note, "no other role with a privilege loses a row"),
        (None, _) if !open.is_empty() => (Severity::Note, "a policy of these files lets its roles see every row"),
        (Some(1..), Some(0)) if policies.is_empty() => {
            (Severity::Error, "there is no policy, so that every role but its owner sees no row")
        }
        _ if policies.is_empty() && there.is_none_or(|count| count == 0) => {
            (Severity::Warning, "without a policy every role but its owner sees no row")
        }
        _ => (Severity::Warning, "rows outside the policies vanish for running code"),
    };
    let by = match others.filter(|_| !everybody) {
        Some(count) => site.facts.decided(&format!("{count} other roles with privileges"), None),
        None => DecidedBy::Static(String::new()),
    };
    let mut draft = Draft::new(severity, format!("row security of {table} is switched on: {what}"))
        .lock(table, Lock::AccessExclusive)
        .by(by);
    if severity > Severity::Note {
        draft = draft.remedy("policies for each role that the code connects as, in the same transaction; try them with SET ROLE").sql([
            format!("CREATE POLICY <name> ON {} FOR ALL TO <the code's role> USING (true) WITH CHECK (true);", table.quoted()),
            format!("ALTER TABLE {} ENABLE ROW LEVEL SECURITY;", table.quoted()),
            "-- narrow the policy in a later migration, deployed separately".to_owned(),
        ]);
    }
    site.find(draft);
}

fn forced(site: &mut Site<'_, '_>, table: &TableName, enable: bool) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let off = site.facts.security(table).is_some_and(|known| !known.enabled);
    let (severity, what) = match (off, enable) {
        (true, _) => (Severity::Note, "which changes nothing while row security is off"),
        (false, true) => (Severity::Warning, "so that rows outside the policies vanish for the owner too"),
        (false, false) => (Severity::Warning, "so that the owner gets every row"),
    };
    let verb = if enable { "forced" } else { "not forced" };
    site.find(
        Draft::new(severity, format!("row security of {table} is {verb} on its owner, {what}"))
            .lock(table, Lock::AccessExclusive)
            .remedy(if off { "" } else { "code that connects as the owner is tried under the policies first" }),
    );
}

fn policy(site: &mut Site<'_, '_>, table: &TableName, name: &str, verb: &str, restrictive: bool) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let known = site.facts.security(table);
    let off = known.as_ref().is_some_and(|known| !known.enabled);
    let switched = site.facts.session.secured(table);
    let (severity, what) = match verb {
        _ if off => (Severity::Note, "has no effect while row security is off"),
        "create" if restrictive => (Severity::Warning, "takes rows away from those who see them now"),
        "create" if !switched && lets_all(&site.statement.text) => (Severity::Warning, "shows every row to its roles"),
        "create" => (Severity::Note, "shows its rows to its roles"),
        "drop" => (Severity::Warning, "shows no row any more: rows vanish, or what it forbade is allowed"),
        _ => (Severity::Warning, "shows other rows, or to others"),
    };
    let verb = match verb {
        "create" => "new",
        "drop" => "dropped",
        _ => "altered",
    };
    site.find(
        Draft::new(severity, format!("the {verb} policy {name} of {table} {what}"))
            .lock(table, Lock::AccessExclusive)
            .remedy(if severity > Severity::Note { "try it with SET ROLE as the role that the code connects as" } else { "" }),
    );
}

fn grant(site: &mut Site<'_, '_>, on: &[TableName], to_public: bool) {
    let file = site.at.file;
    let new = !on.is_empty() && on.iter().all(|table| site.facts.is_new(table, file));
    let what = match on {
        [] => "what it names".to_owned(),
        [one] => one.to_string(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    };
    let draft = match (to_public, new) {
        (false, true) => return,
        (false, false) => Draft::new(Severity::Note, format!("gives privileges on {what}")),
        (true, _) => Draft::new(
            if new { Severity::Note } else { Severity::Warning },
            format!("gives privileges on {what} to PUBLIC, which is every role that can connect"),
        )
        .remedy("give them to the roles that need them"),
    };
    site.find(draft);
}

fn revoke(site: &mut Site<'_, '_>, on: &[TableName]) {
    let file = site.at.file;
    if !on.is_empty() && on.iter().all(|table| site.facts.is_new(table, file)) {
        return;
    }
    let text = site.statement.text.to_lowercase();
    let here = site.at.statement;
    let made = statements(site).iter().take(here).rev().take(NEAR).flat_map(|statement| &statement.actions).any(
        |action| matches!(action, Action::CreateRoutine { name, replace: false, .. } if text.contains(&name.name.to_lowercase())),
    );
    if on.is_empty() && text.contains("function") && made {
        return;
    }
    let what = on.first().map_or_else(|| "what it names".to_owned(), ToString::to_string);
    site.find(
        Draft::new(Severity::Warning, format!("takes privileges on {what} away: statements of the role fail at once"))
            .remedy("look in the logs and statistics for what the role still does; deploy code that does without it first"),
    );
}

fn definer(site: &mut Site<'_, '_>, kind: &str, name: &TableName) {
    let words = words(&site.statement.text);
    if !words.windows(2).any(|pair| matches!(pair, [one, two] if one == "security" && two == "definer")) {
        return;
    }
    let mentioned = name.name.to_lowercase();
    let closed = statements(site).iter().skip(site.at.statement).take(NEAR).any(|statement| {
        let text = statement.text.to_lowercase();
        matches!(statement.actions.as_slice(), [Action::Revoke { .. }]) && text.contains(&mentioned) && text.contains("public")
    });
    let path = words.iter().any(|word| word.starts_with("search_path"));
    // Nobody can call a trigger's function (PostgreSQL docs, 43.10), so EXECUTE is no way in.
    let closed = closed || words.windows(2).any(|pair| matches!(pair, [one, two] if one == "returns" && (two == "trigger" || two == "event_trigger")));
    let severity = if closed && path { Severity::Note } else { Severity::Warning };
    let called = if closed { "" } else { ", for every role unless EXECUTE is revoked" };
    let lacks = if path { "" } else { ", and its names are looked up where the caller says" };
    site.find(
        Draft::new(severity, format!("{kind} {name} runs with the rights of its owner{called}{lacks}"))
            .remedy("set its search_path, and let only the roles call it that need it")
            .sql([
                "-- behind it, in the same transaction:".to_owned(),
                format!("REVOKE ALL ON {} {} FROM PUBLIC;", kind.to_uppercase(), name.quoted()),
            ]),
    );
}

fn statements<'s>(site: &Site<'s, '_>) -> &'s [Statement] {
    site.scene.files[site.at.file].parsed.as_ref().map_or(&[], |parsed| &parsed.statements)
}

/// The texts of the permissive policies that the same transaction makes for a table.
fn policies_of(site: &Site<'_, '_>, table: &TableName) -> Vec<String> {
    let around = site.scene.earlier(table, site.at).chain(site.scene.later(table, site.at));
    let made = around.filter(|(at, action)| {
        matches!(action, Action::Policy { verb, restrictive: false, .. } if verb == "create")
            && site.scene.same_transaction(*at, site.at)
    });
    let text = |at: crate::review::scene::At| {
        let parsed = site.scene.files[at.file].parsed.as_ref().ok()?;
        Some(parsed.statements.get(at.statement)?.text.clone())
    };
    made.filter_map(|(at, _)| text(at)).collect()
}

/// A permissive policy for all statements under which no row is hidden.
fn lets_all(policy: &str) -> bool {
    let words = words(policy);
    let behind = |word: &str| words.iter().position(|found| found == word).and_then(|at| words.get(at + 1));
    let for_all = behind("for").is_none_or(|what| what == "all");
    let checked = behind("check").is_none_or(|check| check == "(true)");
    for_all && checked && behind("using").is_some_and(|using| using == "(true)") && !words.iter().any(|word| word == "restrictive")
}

/// To whom a policy is.
fn roles(policy: &str) -> Vec<String> {
    let words = words(policy);
    let Some(to) = words.iter().position(|word| word == "to") else { return vec!["public".to_owned()] };
    let listed = words[to + 1..].iter().take_while(|word| !matches!(word.as_str(), "using" | "with"));
    listed.map(|role| unquoted(role.trim_end_matches(','))).collect()
}

#[cfg(test)]
mod tests {
    use crate::review::finding::Severity;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_on_a_table_that_was_there_and_not_on_one_of_the_file_itself() {
        for sql in [
            "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
            "DROP POLICY p ON users",
            "GRANT SELECT ON users TO PUBLIC",
            "REVOKE SELECT ON users FROM app",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS $$ SELECT 1 $$",
        ] {
            fires("H94", sql);
        }
        silent("H94", "CREATE TABLE t (a int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; GRANT SELECT ON t TO app");
        silent("H94", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$; REVOKE ALL ON FUNCTION f() FROM PUBLIC");
    }

    #[test]
    fn row_security_is_a_note_only_beside_a_policy_that_hides_nothing() {
        let severity = |policy: &str| {
            let sql = format!("ALTER TABLE users ENABLE ROW LEVEL SECURITY; {policy}");
            let found = found(&sql, Transaction::Set, Before::Unknown);
            found.into_iter().find(|finding| finding.id == "H94").map(|finding| finding.severity)
        };
        assert_eq!(severity("CREATE POLICY p ON users TO app USING (true) WITH CHECK (true)"), Some(Severity::Note));
        for hides in [
            "",
            "CREATE POLICY p ON users TO app USING (country = 'DE')",
            "CREATE POLICY p ON users FOR SELECT TO app USING (true)",
            "CREATE POLICY p ON users AS RESTRICTIVE TO app USING (true)",
            "CREATE POLICY p ON users TO app USING (true) WITH CHECK (false)",
        ] {
            assert_eq!(severity(hides), Some(Severity::Warning), "{hides}");
        }
    }

    #[test]
    fn a_role_that_only_sounds_like_public_is_one_role() {
        let found = found("GRANT SELECT ON users TO publisher", Transaction::Set, Before::Unknown);
        assert!(found.iter().all(|finding| finding.severity == Severity::Note), "{found:#?}");
    }
}
