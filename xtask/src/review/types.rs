//! Column types as text: which change costs nothing, which writes the table anew, which values may not survive it.
//!
//! Costs are those measured on PostgreSQL 15 (a wider or no limit, binary coercible types: catalog only) and documented for ALTER TABLE
//! and CREATE CAST. Invariant: an unknown type is never taken for a cheap one.

use crate::sql::TableName;

/// A type's name as PostgreSQL's `format_type` spells it, without its arguments, and the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    let lower = lower.strip_prefix("pg_catalog.").unwrap_or(&lower).to_owned();
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
    if using || from.array != to.array {
        return Change::Rewrites;
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

/// Which values do not fit, as SQL over the column named `c` (already quoted).
#[must_use]
pub fn fit(from: Option<&str>, to: &str, using: Option<&str>, c: &str) -> Fit {
    let Some(from) = from.filter(|from| !from.is_empty()) else { return Fit::OnlyTheCastTells };
    let (from, to) = (parse(from), parse(to));
    // `USING c::varchar(2)` cuts where an assignment would refuse: the same values are at stake.
    let only_a_cast = using.is_none_or(|using| {
        let cast: String = using.chars().filter(|c| !c.is_whitespace() && *c != '"').collect::<String>().to_lowercase();
        let bare: String = c.replace('"', "").to_lowercase();
        cast.starts_with(&format!("{bare}::")) || cast.starts_with(&format!("cast({bare}as")) || cast == bare
    });
    if from.array || to.array {
        return if from == to { Fit::Always } else { Fit::OnlyTheCastTells };
    }
    if !only_a_cast {
        return Fit::OnlyTheCastTells;
    }
    let text = |base: &str| matches!(base, "text" | "character varying" | "character");
    let whole = |base: &str| match base {
        "smallint" => Some((i64::from(i16::MIN), i64::from(i16::MAX))),
        "integer" => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
        "bigint" => Some((i64::MIN, i64::MAX)),
        _ => None,
    };
    match (from.base.as_str(), to.base.as_str()) {
        (one, other) if text(one) && text(other) => match (to.arguments.first(), from.arguments.first()) {
            (Some(limit), from_limit) if from_limit.is_none_or(|from| from > limit) => {
                Fit::Unless(format!("char_length({c}) > {limit}"))
            }
            _ if other == "character" && to.arguments.is_empty() => Fit::Unless(format!("char_length({c}) > 1")),
            _ => Fit::Always,
        },
        (one, other) if let (Some((from_low, from_high)), Some((low, high))) = (whole(one), whole(other)) => {
            if low <= from_low && high >= from_high {
                Fit::Always
            } else {
                Fit::Unless(format!("{c} NOT BETWEEN {low} AND {high}"))
            }
        }
        (one, "numeric") if whole(one).is_some() || one == "numeric" => match to.arguments.as_slice() {
            [] => Fit::Always,
            [precision, scale @ ..] => {
                let scale = scale.first().copied().unwrap_or(0);
                let already = one == "numeric"
                    && matches!(from.arguments.as_slice(), [p, s @ ..] if p - s.first().unwrap_or(&0) <= precision - scale && *s.first().unwrap_or(&0) <= scale);
                if already {
                    Fit::Always
                } else {
                    Fit::Unless(format!(
                        "{c} <> round({c}::numeric, {scale}) OR abs({c}) >= 10::numeric ^ {}",
                        precision - scale
                    ))
                }
            }
        },
        ("numeric" | "real" | "double precision", other) if whole(other).is_some() => {
            let (low, high) = whole(other).unwrap_or_default();
            Fit::Unless(format!("{c} NOT BETWEEN {low} AND {high} OR {c} <> trunc({c})"))
        }
        ("real", "double precision") => Fit::Always,
        ("timestamp with time zone" | "timestamp without time zone", "date") => {
            Fit::Unless(format!("{c} <> {c}::date::timestamp"))
        }
        ("date", "timestamp without time zone" | "timestamp with time zone")
        | ("timestamp without time zone", "timestamp with time zone")
        | ("timestamp with time zone", "timestamp without time zone")
        | ("cidr", "inet")
        | ("json", "jsonb")
        | ("jsonb", "json") => Fit::Always,
        (one, other) if one == other && from.arguments == to.arguments => Fit::Always,
        (_, other) if text(other) && to.arguments.is_empty() => Fit::Always,
        // Out of text nothing is cast by itself.
        (one, _) if text(one) && using.is_none() => Fit::NeedsUsing,
        (one, other) if text(one) && whole(other).is_some() => {
            Fit::Unless(format!("{c}::text !~ '^\\s*[-+]?[0-9]{{1,9}}\\s*$'"))
        }
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
        ] {
            assert_eq!(change(Some(from), to, false), expected, "{from} to {to}");
        }
        assert_eq!(change(None, "text", false), Change::Unknown);
    }

    #[test]
    fn the_values_at_stake_are_a_condition() {
        let fits = |from: &str, to: &str, using: Option<&str>| fit(Some(from), to, using, "\"c\"");
        assert_eq!(fits("integer", "bigint", None), Fit::Always);
        assert_eq!(fits("text", "varchar(5)", None), Fit::Unless("char_length(\"c\") > 5".into()));
        assert_eq!(fits("varchar(9)", "varchar(5)", Some("c::varchar(5)")), fits("varchar(9)", "varchar(5)", None));
        assert_eq!(fits("varchar(5)", "varchar(9)", None), Fit::Always);
        assert_eq!(fits("text", "integer", None), Fit::NeedsUsing);
        assert!(matches!(fits("text", "integer", Some("\"c\"::integer")), Fit::Unless(_)));
        assert_eq!(fits("text", "integer", Some("length(c)")), Fit::OnlyTheCastTells);
        assert_eq!(fits("numeric(10,2)", "numeric(12,2)", None), Fit::Always);
        assert!(matches!(fits("numeric(10,2)", "numeric(10,1)", None), Fit::Unless(_)));
    }
}
