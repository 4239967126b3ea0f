//! H101: statements that cannot be read from the file, or that the review does not know.

use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H101",
    title: "what it does cannot be read from the file",
    class: Class::NotJudged,
    danger: "A DO block that is a program, CALL, EXECUTE and a function that is called may do anything, under any lock. No finding about them \
             would be no proof. A block of plain statements is read as these.",
    decided: None,
    safe: "write the statements out; where they depend on the data, run them on a copy first and look at what they did",
    aka: &[
        ("safe-migrate", &["opaque-dynamic-sql"]),
        ("pgsafe", &["unchecked-do-block"]),
        ("strong_migrations", &["execute"]),
        ("migrationpilot", &["MP063"]),
    ],
    judge,
};

/// Kinds without an action of their own that change nothing which running code sees. A sequence is H05's.
const HARMLESS: &[&str] =
    &["show", "listen", "unlisten", "notify", "deallocate", "alter sequence", "alter statistics", "close", "set constraints"];
/// Kinds that are harmless unless one of these words stands in them.
const MOSTLY_HARMLESS: &[(&str, &[&str])] =
    &[("explain", &["analy"]), ("alter index", &["tablespace"]), ("alter constraint", &["enforced", "inherit"])];

/// Functions of PostgreSQL that neither run text nor write anything but a sequence (PostgreSQL 17 docs, chapter 9).
const KNOWN: &[&str] = &["abs", "age", "any_value", "array", "array_agg", "array_append", "array_cat", "array_length", "array_position", "array_remove", "array_to_json", "array_to_string", "avg", "bool_and", "bool_or", "btrim", "cardinality", "ceil", "ceiling", "char_length", "clock_timestamp", "coalesce", "col_description", "concat", "concat_ws", "count", "current_database", "current_schema", "current_setting", "currval", "date", "date_part", "date_trunc", "decode", "dense_rank", "encode", "exists", "extract", "first_value", "floor", "format", "format_type", "gen_random_uuid", "generate_series", "greatest", "has_table_privilege", "initcap", "json_agg", "json_build_object", "json_object_agg", "jsonb_agg", "jsonb_array_elements", "jsonb_array_elements_text", "jsonb_build_array", "jsonb_build_object", "jsonb_each", "jsonb_object_agg", "jsonb_set", "jsonb_strip_nulls", "lag", "last_value", "lastval", "lead", "least", "left", "length", "lower", "lpad", "ltrim", "make_date", "max", "md5", "min", "mod", "nextval", "now", "nullif", "obj_description", "octet_length", "overlay", "pg_advisory_xact_lock", "pg_get_serial_sequence", "pg_relation_size", "pg_size_pretty", "pg_total_relation_size", "pg_typeof", "position", "power", "quote_ident", "quote_literal", "random", "rank", "regexp_match", "regexp_matches", "regexp_replace", "repeat", "replace", "reverse", "right", "round", "row_number", "row_to_json", "rpad", "rtrim", "setval", "sign", "split_part", "sqrt", "statement_timestamp", "string_agg", "string_to_array", "strpos", "substr", "substring", "sum", "to_char", "to_date", "to_json", "to_jsonb", "to_number", "to_regclass", "to_timestamp", "to_tsvector", "transaction_timestamp", "translate", "trim", "trunc", "txid_current", "unnest", "upper", "version"];

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::Dynamic => dynamic(site),
        // What is no statement at all has its syntax error.
        Action::Other { kind } if kind == "error" => {}
        Action::Other { kind } if !harmless(kind, &site.statement.text) => {
            site.find(
                not_judged(
                    Severity::Warning,
                    format!("{} is a statement that this review does not know", kind.to_uppercase()),
                    "no rule is about it",
                )
                .remedy("read what it does and which lock it takes in PostgreSQL's documentation, and accept it with that reason"),
            );
        }
        Action::Select { calls } => called(site, calls),
        Action::CreateOther { kind, name } if kind == "event trigger" => {
            let title = format!("event trigger {name} runs its function at each DDL statement from now on, migrations too");
            site.find(
                not_judged(Severity::Warning, title, "the body of its function")
                    .remedy("read the function; a superuser can drop it when migrations fail in it"),
            );
        }
        Action::CreateRoutine { kind, name, .. } => {
            let title = format!("what {kind} {name} does when it is called is not judged here");
            site.find(not_judged(Severity::Note, title, "its body"));
        }
        _ => {}
    }
}

fn not_judged(severity: Severity, title: String, what: &str) -> Draft {
    Draft::new(severity, title).by(DecidedBy::NotJudged(what.to_owned()))
}

fn dynamic(site: &mut Site<'_, '_>) {
    let word = site.statement.text.split_whitespace().next().unwrap_or_default().to_uppercase();
    let what = match word.as_str() {
        "DO" => "a DO block is a program: which statements it runs is seen only when it runs",
        "CALL" => "a procedure may run any statement, and commit",
        _ => "a prepared statement is run whose text is not here",
    };
    site.find(
        not_judged(Severity::Warning, what.to_owned(), "its statements depend on what is there when it runs")
            .remedy("write the statements out, or run it on a copy and look at what it did; then accept it with that reason"),
    );
}

fn called(site: &mut Site<'_, '_>, calls: &[String]) {
    let mut unknown: Vec<&str> =
        calls.iter().map(String::as_str).filter(|call| KNOWN.binary_search(call).is_err()).collect();
    // As pg_dump begins: nothing but where names are looked up.
    if site.statement.text.to_lowercase().contains("set_config('search_path'") {
        unknown.retain(|call| *call != "set_config");
    }
    unknown.sort_unstable();
    unknown.dedup();
    if unknown.is_empty() {
        return;
    }
    site.find(
        not_judged(Severity::Warning, format!("calls {}, which may do anything", unknown.join(", ")), "the body of what is called")
            .remedy("read what is called; run it on a copy and look at what it did; then accept it with that reason"),
    );
}

fn harmless(kind: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    let mostly = MOSTLY_HARMLESS.iter().find(|(known, _)| *known == kind);
    HARMLESS.contains(&kind) || mostly.is_some_and(|(_, words)| !words.iter().any(|word| text.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::KNOWN;
    use crate::review::finding::{DecidedBy, Severity};
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn what_cannot_be_read_is_a_warning_that_says_so() {
        for sql in [
            "DO $$ BEGIN EXECUTE 'x'; END $$",
            "CALL tidy(1)",
            "EXECUTE plan",
            "SELECT upgrade('users')",
            "WITH a AS (SELECT app.upgrade('users')) SELECT count(*) FROM a",
            "EXPLAIN ANALYZE DELETE FROM users",
            "LOAD 'auto_explain'",
        ] {
            let found = found(sql, Transaction::Set, Before::Unknown);
            let found = found.iter().find(|finding| finding.id == "H101").unwrap_or_else(|| panic!("{sql}"));
            assert_eq!(found.severity, Severity::Warning, "{sql}");
            assert!(matches!(found.decided_by, DecidedBy::NotJudged(_)) && !found.remedy.is_empty(), "{sql}");
        }
    }

    #[test]
    fn silent_on_functions_and_statements_that_are_known() {
        silent("H101", "SELECT setval(pg_get_serial_sequence('users', 'id'), max(id)) FROM users; SHOW work_mem");
        silent("H101", "EXPLAIN SELECT f(1); ALTER INDEX a SET (fillfactor = 70); ALTER TABLE t ALTER CONSTRAINT c DEFERRABLE");
        silent("H101", "DO $$ BEGIN CREATE TYPE a AS ENUM('b'); EXCEPTION WHEN duplicate_object THEN null; END $$");
        silent("H101", "SELECT pg_catalog.set_config('search_path', '', false)");
        fires("H101", "SELECT set_config('session_replication_role', 'replica', false)");
        fires("H101", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$");
        assert!(KNOWN.is_sorted(), "searched by halves");
    }
}
