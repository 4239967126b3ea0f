//! Column types as text: which change costs nothing, which writes the table anew, which values may not survive it.
//!
//! Costs are those measured on PostgreSQL 15 (a wider or no limit, binary coercible types: catalog only) and documented for ALTER TABLE
//! and CREATE CAST. Invariant: an unknown type is never taken for a cheap one.

use crate::sql::TableName;

/// A type's name as PostgreSQL's `format_type` spells it, without its arguments, and the arguments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    pub base: String,
    pub arguments: Vec<i64>,
    pub array: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the catalog.
    Free,
    /// Free where the session's time zone is UTC, else the table is written anew.
    DependsOnTimeZone,
    /// The table is written anew.
    Rewrites,
    /// The current type is not known.
    Unknown,
}

/// Which values of the old type the new one cannot hold, as a condition on the column `c`; `None` where each fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    Always,
    /// Those for which the condition holds fail, or lose something.
    Unless(String),
    /// No condition is known: only the cast itself tells.
    OnlyTheCastTells,
    /// PostgreSQL refuses it without USING.
    NeedsUsing,
}

#[must_use]
pub fn parse(text: &str) -> Type {
    let lower = text.trim().to_lowercase().replace('"', "");
    let lower = lower.strip_prefix("pg_catalog.").or(lower.strip_prefix("public.")).unwrap_or(&lower).to_owned();
    let array = lower.ends_with(']') || lower.ends_with(" array");
    let lower = lower.trim_end_matches(|c: char| c == '[' || c == ']' || c.is_ascii_digit() && array).trim().to_owned();
    let lower = lower.strip_suffix(" array").map_or(lower.clone(), str::to_owned);
    let (before, arguments, after) = match (lower.find('('), lower.rfind(')')) {
        (Some(open), Some(close)) if open < close => (&lower[..open], &lower[open + 1..close], &lower[close + 1..]),
        _ => (lower.as_str(), "", ""),
    };
    let words: Vec<&str> = before.split_whitespace().chain(after.split_whitespace()).collect();
    let base = match words.join(" ").as_str() {
        "int" | "int4" | "serial" | "serial4" => "integer",
        "int8" | "bigserial" | "serial8" => "bigint",
        "int2" | "smallserial" | "serial2" => "smallint",
        "bool" => "boolean",
        "varchar" | "char varying" => "character varying",
        "char" | "bpchar" => "character",
        "decimal" | "dec" => "numeric",
        "float8" | "float" => "double precision",
        "float4" => "real",
        "timestamptz" => "timestamp with time zone",
        "timestamp" => "timestamp without time zone",
        "timetz" => "time with time zone",
        "time" => "time without time zone",
        "varbit" => "bit varying",
        other => other,
    }
    .to_owned();
    let arguments = arguments.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    Type { base, arguments, array }
}

/// The schema-qualified name of a type that is none of PostgreSQL's own, as far as the text tells.
#[must_use]
pub fn named(text: &str) -> Option<TableName> {
    let text = text.trim().trim_end_matches("[]");
    if text.is_empty() || text.contains('(') || text.contains(' ') && !text.contains('"') {
        return None;
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(quoted) = rest.strip_prefix('"') {
        let end = quoted.find('"')?;
        parts.push(quoted[..end].to_owned());
        rest = quoted[end + 1..].trim_start_matches('.');
    }
    parts.extend(rest.split('.').filter(|part| !part.is_empty()).map(str::to_lowercase));
    match parts.as_slice() {
        [name] => Some(TableName::new("public", name)),
        [schema, name] => Some(TableName::new(schema, name)),
        _ => None,
    }
}

/// What a change costs. `using`: the expression, where one is written and more than the column itself.
#[must_use]
pub fn change(from: Option<&str>, to: &str, using: bool) -> Change {
    let Some(from) = from.filter(|from| !from.is_empty()) else { return Change::Unknown };
    let (from, to) = (parse(from), parse(to));
    if from == to && !using {
        return Change::Free;
    }
    // Elements of arrays are converted one by one, even where their types are stored alike.
    if using || from.array || to.array {
        let only_the_limit_goes = from.array && to.array && from.base == to.base && to.arguments.is_empty();
        return if !using && only_the_limit_goes { Change::Free } else { Change::Rewrites };
    }
    let limits = |from: &Type, to: &Type| match (from.arguments.first(), to.arguments.first()) {
        (_, None) => true,
        (Some(from), Some(to)) => to >= from,
        (None, Some(_)) => false,
    };
    let free = match (from.base.as_str(), to.base.as_str()) {
        ("character varying", "character varying") | ("bit varying", "bit varying") => limits(&from, &to),
        ("character varying", "text") => true,
        ("text", "character varying") => to.arguments.is_empty(),
        ("cidr", "inet") => true,
        ("numeric", "numeric") => match (from.arguments.as_slice(), to.arguments.as_slice()) {
            (_, []) => true,
            ([from_precision, from_scale @ ..], [to_precision, to_scale @ ..]) => {
                to_precision >= from_precision && to_scale.first().unwrap_or(&0) == from_scale.first().unwrap_or(&0)
            }
            ([], _) => false,
        },
        (one, other) if one == other && (one.starts_with("time") || one == "interval") => limits(&from, &to),
        ("timestamp without time zone", "timestamp with time zone")
        | ("timestamp with time zone", "timestamp without time zone")
            if limits(&from, &to) =>
        {
            return Change::DependsOnTimeZone;
        }
        _ => false,
    };
    if free { Change::Free } else { Change::Rewrites }
}

/// Families of PostgreSQL's own types: between two of them nothing is assigned by itself, save that all become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Text,
    Number,
    Boolean,
    Time,
    Json,
    Uuid,
    Network,
    Bytes,
    Bits,
}

/// Whether it is a type of PostgreSQL's own, of those that are often met.
#[must_use]
pub fn is_own(base: &str) -> bool {
    family(base).is_some()
}

fn family(base: &str) -> Option<Family> {
    let found = match base {
        "text" | "character varying" | "character" => Family::Text,
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" => Family::Number,
        "boolean" => Family::Boolean,
        "json" | "jsonb" => Family::Json,
        "uuid" => Family::Uuid,
        "inet" | "cidr" | "macaddr" | "macaddr8" => Family::Network,
        "bytea" => Family::Bytes,
        "bit" | "bit varying" => Family::Bits,
        "date" | "interval" => Family::Time,
        time if time.starts_with("time with") || time.starts_with("timestamp with") => Family::Time,
        _ => return None,
    };
    Some(found)
}

/// Whether a change surely needs USING: no cast is made by assignment (PostgreSQL docs, ALTER TABLE, SET DATA TYPE). `of_enum`: the new type is an enum.
#[must_use]
pub fn needs_using(from: &str, to: &str, of_enum: bool) -> bool {
    let (from, to) = (parse(from), parse(to));
    if from == to {
        return false;
    }
    match (family(&from.base), family(&to.base)) {
        (_, Some(Family::Text)) if !to.array => false,
        (Some(_), Some(_)) if from.array != to.array => true,
        (Some(one), Some(other)) => one != other,
        (Some(_), None) => of_enum,
        (None, _) => of_enum && from.base != to.base,
    }
}

/// Whether it is one of PostgreSQL's own, and none that all becomes by assignment.
#[must_use]
pub fn is_no_text(text: &str) -> bool {
    let of = parse(text);
    family(&of.base).is_some_and(|family| family != Family::Text || of.array)
}

/// Whether values of a column can surely never be compared with the key that they refer to (seen on PostgreSQL 15: whole numbers refer to
/// any number, others to none but their like).
#[must_use]
pub fn never_equal(one: &str, other: &str) -> bool {
    let (one, other) = (parse(one), parse(other));
    let whole = |of: &Type| ["smallint", "integer", "bigint"].contains(&of.base.as_str());
    if one.base == "numeric" && whole(&other) && !one.array && !other.array {
        return true;
    }
    match (family(&one.base), family(&other.base)) {
        (Some(a), Some(b)) => a != b || one.array != other.array,
        _ => false,
    }
}

/// The types that USING casts the bare column to, one after the other: none for the column itself; `None` for any other expression.
#[must_use]
pub fn casts(using: &str, column: &str) -> Option<Vec<String>> {
    let using = using.trim();
    if let Some(inner) = using.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'))
        && !inner.contains(['(', ')'])
    {
        return casts(inner, column);
    }
    let lower = using.to_lowercase();
    let (bare, of) = match (lower.strip_prefix("cast"), lower.find(" as ")) {
        (Some(rest), Some(at)) if rest.trim_start().starts_with('(') && using.ends_with(')') => {
            let open = using.find('(')? + 1;
            (using.get(open..at)?, vec![using.get(at + 4..using.len() - 1)?.trim().to_owned()])
        }
        _ => {
            let mut parts = using.split("::");
            (parts.next()?, parts.map(|part| part.trim().to_owned()).collect())
        }
    };
    let name = bare.trim().rsplit('.').next()?;
    let words = |of: &String| !of.is_empty() && !of.contains(['+', '-', '*', '/', '|', '=', '\'', '<', '>']);
    (crate::sql::action::unquoted(name) == column && of.iter().all(words)).then_some(of)
}

/// Which values do not fit, as SQL over the column named `c` (already quoted). `explicit`: USING casts the column and does no more.
#[must_use]
pub fn fit(from: Option<&str>, to: &str, explicit: bool, c: &str) -> Fit {
    let target = parse(to);
    let Some(from_text) = from.filter(|from| !from.is_empty()) else {
        // Each type has an assignment cast to text (PostgreSQL docs, CREATE CAST); what USING goes through on its way is not known.
        let any_text = !target.array
            && target.arguments.is_empty()
            && matches!(target.base.as_str(), "text" | "character varying");
        return if any_text && !explicit { Fit::Always } else { Fit::OnlyTheCastTells };
    };
    let from = parse(from_text);
    if from == target {
        return Fit::Always;
    }
    if !explicit && needs_using(from_text, to, false) {
        return Fit::NeedsUsing;
    }
    let to = target;
    if from.array || to.array {
        let wider = from.array && to.array && from.base == to.base && to.arguments.is_empty();
        return if wider { Fit::Always } else { Fit::OnlyTheCastTells };
    }
    let text = |base: &str| family(base) == Some(Family::Text);
    let whole = |base: &str| match base {
        "smallint" => Some((i64::from(i16::MIN), i64::from(i16::MAX))),
        "integer" => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
        "bigint" => Some((i64::MIN, i64::MAX)),
        _ => None,
    };
    let number = |base: &str| family(base) == Some(Family::Number);
    match (from.base.as_str(), to.base.as_str()) {
        (one, other) if text(one) && text(other) => match (to.arguments.first(), from.arguments.first()) {
            (Some(limit), from_limit) if from_limit.is_none_or(|from| from > limit) => {
                Fit::Unless(format!("char_length({c}) > {limit}"))
            }
            (None, _) if other == "character" => Fit::Unless(format!("char_length({c}) > 1")),
            _ => Fit::Always,
        },
        (_, other) if text(other) => match to.arguments.first() {
            Some(limit) => Fit::Unless(format!("char_length({c}::text) > {limit}")),
            None if other == "character" => Fit::Unless(format!("char_length({c}::text) > 1")),
            None => Fit::Always,
        },
        (one, other) if let (Some((from_low, from_high)), Some((low, high))) = (whole(one), whole(other)) => {
            if low <= from_low && high >= from_high {
                Fit::Always
            } else {
                Fit::Unless(format!("{c} NOT BETWEEN {low} AND {high}"))
            }
        }
        (one, "numeric") if number(one) => match to.arguments.as_slice() {
            [] => Fit::Always,
            [precision, scale @ ..] => {
                let scale = scale.first().copied().unwrap_or(0);
                let already = one == "numeric"
                    && matches!(from.arguments.as_slice(), [p, s @ ..] if p - s.first().unwrap_or(&0) <= precision - scale && *s.first().unwrap_or(&0) <= scale);
                if already {
                    Fit::Always
                } else {
                    Fit::Unless(format!(
                        "{c}::numeric <> round({c}::numeric, {scale}) OR abs({c}::numeric) >= 10::numeric ^ {}",
                        precision - scale
                    ))
                }
            }
        },
        (one, other)
            if number(one)
                && let Some((low, high)) = whole(other) =>
        {
            Fit::Unless(format!("{c} NOT BETWEEN {low} AND {high} OR {c} <> trunc({c})"))
        }
        ("smallint", "real" | "double precision") | ("integer" | "real", "double precision") => Fit::Always,
        ("integer" | "bigint", other @ ("real" | "double precision")) => {
            let exact: i64 = if other == "real" { 1 << 24 } else { 1 << 53 };
            Fit::Unless(format!("{c} NOT BETWEEN -{exact} AND {exact}"))
        }
        ("double precision", "real") => Fit::Unless(format!("{c} <> {c}::real::double precision")),
        ("numeric", other @ ("real" | "double precision")) => Fit::Unless(format!("{c} <> {c}::{other}::numeric")),
        ("timestamp with time zone" | "timestamp without time zone", "date") => {
            Fit::Unless(format!("{c} <> {c}::date::timestamp"))
        }
        (
            "timestamp with time zone" | "timestamp without time zone",
            "time with time zone" | "time without time zone",
        ) => Fit::Unless(format!("{c} IS NOT NULL")),
        (one, other)
            if one.starts_with("time")
                && (one == other || one.starts_with("timestamp") && other.starts_with("timestamp")) =>
        {
            match (from.arguments.first().unwrap_or(&6), to.arguments.first().unwrap_or(&6)) {
                (from, to) if to >= from => Fit::Always,
                (_, precision) => {
                    let (kind, zone) = one.split_once(' ').unwrap_or((one, ""));
                    Fit::Unless(format!("{c} <> {c}::{kind}({precision}) {zone}"))
                }
            }
        }
        ("date", "timestamp without time zone" | "timestamp with time zone")
        | ("cidr", "inet")
        | ("json", "jsonb")
        | ("jsonb", "json") => Fit::Always,
        ("bit varying", "bit varying") => match (from.arguments.first(), to.arguments.first()) {
            (_, None) => Fit::Always,
            (Some(from), Some(to)) if to >= from => Fit::Always,
            (_, Some(to)) => Fit::Unless(format!("length({c}) > {to}")),
        },
        _ => Fit::OnlyTheCastTells,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_type_are_one_type() {
        for (one, other) in [
            ("varchar(20)", "character varying(20)"),
            ("int", "INTEGER"),
            ("timestamptz", "timestamp with time zone"),
            ("timestamp(3) with time zone", "timestamp with time zone(3)"),
            ("decimal(10, 2)", "numeric(10,2)"),
            ("text[]", "text ARRAY"),
        ] {
            assert_eq!(parse(one), parse(other), "{one} {other}");
        }
        assert_eq!(named("\"public\".\"user_role\"[]"), Some(TableName::new("public", "user_role")));
        assert_eq!(named("app.Role"), Some(TableName::new("app", "role")));
    }

    #[test]
    fn what_only_the_catalog_sees_is_told_from_what_writes_the_table_anew() {
        for (from, to, expected) in [
            ("varchar(20)", "varchar(40)", Change::Free),
            ("varchar(20)", "text", Change::Free),
            ("text", "varchar", Change::Free),
            ("text", "varchar(20)", Change::Rewrites),
            ("varchar(40)", "varchar(20)", Change::Rewrites),
            ("char(4)", "char(8)", Change::Rewrites),
            ("numeric(10,2)", "numeric(12,2)", Change::Free),
            ("numeric(10,2)", "numeric(12,3)", Change::Rewrites),
            ("numeric(10,2)", "numeric", Change::Free),
            ("numeric", "numeric(10,2)", Change::Rewrites),
            ("integer", "bigint", Change::Rewrites),
            ("timestamp", "timestamptz", Change::DependsOnTimeZone),
            ("timestamp(3)", "timestamp(6)", Change::Free),
            ("user_role", "text", Change::Rewrites),
            ("cidr", "inet", Change::Free),
            ("varchar[]", "text[]", Change::Rewrites),
            ("varchar(9)[]", "varchar[]", Change::Free),
            ("mood", "public.mood", Change::Free),
        ] {
            assert_eq!(change(Some(from), to, false), expected, "{from} to {to}");
        }
        assert_eq!(change(None, "text", false), Change::Unknown);
    }

    #[test]
    fn the_values_at_stake_are_a_condition() {
        let fits = |from: &str, to: &str, explicit: bool| fit(Some(from), to, explicit, "\"c\"");
        assert_eq!(fits("integer", "bigint", false), Fit::Always);
        assert_eq!(fits("text", "varchar(5)", false), Fit::Unless("char_length(\"c\") > 5".into()));
        assert_eq!(fits("varchar(9)", "varchar(5)", true), fits("varchar(9)", "varchar(5)", false));
        assert_eq!(fits("varchar(5)", "varchar(9)", false), Fit::Always);
        assert_eq!(fits("text", "integer", false), Fit::NeedsUsing);
        assert_eq!(fits("text", "integer", true), Fit::OnlyTheCastTells);
        assert_eq!(fits("numeric(10,2)", "numeric(12,2)", false), Fit::Always);
        assert!(matches!(fits("numeric(10,2)", "numeric(10,1)", false), Fit::Unless(_)));
        assert_eq!(fits("timestamp", "timestamptz(6)", false), Fit::Always);
        assert!(matches!(fits("timestamp(6)", "timestamp(3)", false), Fit::Unless(_)));
        assert_eq!(fits("order_status", "text", false), Fit::Always);
    }

    #[test]
    fn what_nothing_assigns_needs_using_and_an_unknown_type_may_be_a_domain() {
        assert!(needs_using("text", "integer", false) && needs_using("integer", "boolean", false));
        assert!(needs_using("text", "mood", true) && needs_using("old_mood", "mood", true));
        assert!(!needs_using("text", "mood", false) && !needs_using("integer", "text", false));
        assert!(never_equal("text", "integer") && !never_equal("integer", "bigint") && !never_equal("citext", "text"));
    }

    #[test]
    fn using_that_only_casts_the_column_is_told_from_one_that_computes() {
        let of = |types: &[&str]| Some(types.iter().map(|of| (*of).to_owned()).collect::<Vec<_>>());
        assert_eq!(casts("\"role\"::\"public\".\"mood\"", "role"), of(&["\"public\".\"mood\""]));
        assert_eq!(casts("CAST(role AS varchar(3))", "role"), of(&["varchar(3)"]));
        assert_eq!(casts("(role::text::mood)", "role"), of(&["text", "mood"]));
        assert_eq!(casts("t.role", "role"), of(&[]));
        for other in
            ["lower(role)", "role::int + 1", "other::int", "left(role, 3)::varchar(3)", "role AT TIME ZONE 'UTC'"]
        {
            assert_eq!(casts(other, "role"), None, "{other}");
        }
    }
}
