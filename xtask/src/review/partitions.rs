//! Which rows a partition takes: its bounds as a condition, and whether a CHECK already says as much.
//!
//! Invariant: what is not read for certain (several columns, expressions, hashes) is no condition and no proof.

use super::catalog::{Kind, Table};
use crate::sql::action::unquoted;

/// A partition's bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bounds {
    Range { from: Vec<String>, to: Vec<String> },
    List(Vec<String>),
    Default,
    Other,
}

#[must_use]
pub fn bounds(text: &str) -> Bounds {
    let upper = text.to_uppercase();
    if upper.trim() == "DEFAULT" {
        return Bounds::Default;
    }
    let lists = lists(text);
    match lists.as_slice() {
        [from, to] if upper.contains("FROM") => Bounds::Range { from: from.clone(), to: to.clone() },
        [values] if upper.contains("VALUES IN") => Bounds::List(values.clone()),
        _ => Bounds::Other,
    }
}

/// What stands in each pair of outer parentheses, split at its commas.
fn lists(text: &str) -> Vec<Vec<String>> {
    let (mut found, mut depth, mut quoted, mut part) = (Vec::<Vec<String>>::new(), 0, false, String::new());
    for c in text.chars() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => {
                depth += 1;
                if depth == 1 {
                    found.push(Vec::new());
                    continue;
                }
            }
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',' && !quoted) {
            if let Some(list) = found.last_mut()
                && !part.trim().is_empty()
            {
                list.push(std::mem::take(&mut part).trim().to_owned());
            }
            part.clear();
        } else {
            part.push(c);
        }
    }
    found
}

/// The strategy of a partition key and its one column: `RANGE (at)`; `None` for several and for expressions.
#[must_use]
pub fn key(text: &str) -> Option<(String, String)> {
    let (strategy, list) = text.split_once('(')?;
    let column = list.trim_end().strip_suffix(')')?.trim();
    let plain = column.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(column);
    let simple = !plain.is_empty() && plain.chars().all(|c| c.is_alphanumeric() || c == '_');
    simple.then(|| (strategy.trim().to_lowercase(), unquoted(column)))
}

/// The rows that belong to a partition, as SQL over a column (already quoted).
#[must_use]
pub fn inside(bounds: &Bounds, column: &str) -> Option<String> {
    match bounds {
        Bounds::Range { from, to } => {
            let ([from], [to]) = (from.as_slice(), to.as_slice()) else { return None };
            let mut tests = vec![format!("{column} IS NOT NULL")];
            if !from.eq_ignore_ascii_case("minvalue") {
                tests.push(format!("{column} >= {from}"));
            }
            if !to.eq_ignore_ascii_case("maxvalue") {
                tests.push(format!("{column} < {to}"));
            }
            Some(tests.join(" AND "))
        }
        Bounds::List(values) => {
            let is_null = |value: &&String| value.eq_ignore_ascii_case("null");
            let values_only: Vec<&str> = values.iter().filter(|value| !is_null(value)).map(String::as_str).collect();
            let mut tests = Vec::new();
            if !values_only.is_empty() {
                tests.push(format!("{column} IN ({})", values_only.join(", ")));
            }
            if values.iter().any(|value| is_null(&value)) {
                tests.push(format!("{column} IS NULL"));
            }
            Some(tests.join(" OR "))
        }
        Bounds::Default | Bounds::Other => None,
    }
}

/// Whether two partitions take the same rows, as SQL over constants of the key's type; `None` where that is not read for certain.
#[must_use]
pub fn overlap(one: &Bounds, other: &Bounds, of: &str) -> Option<String> {
    match (one, other) {
        (Bounds::Range { from, to }, Bounds::Range { from: other_from, to: other_to }) => {
            let below = |from: &[String], to: &[String]| {
                let ([from], [to]) = (from, to) else { return None };
                let open = from.eq_ignore_ascii_case("minvalue") || to.eq_ignore_ascii_case("maxvalue");
                Some(if open { "true".to_owned() } else { format!("({from})::{of} < ({to})::{of}") })
            };
            Some(format!("{} AND {}", below(from, other_to)?, below(other_from, to)?))
        }
        (Bounds::List(values), Bounds::List(others)) => {
            let plain = |values: &[String]| {
                !values.is_empty() && values.iter().all(|value| !value.eq_ignore_ascii_case("null"))
            };
            let cast = |values: &[String]| {
                values.iter().map(|value| format!("({value})::{of}")).collect::<Vec<_>>().join(", ")
            };
            (plain(values) && plain(others)).then(|| format!("ARRAY[{}] && ARRAY[{}]", cast(values), cast(others)))
        }
        _ => None,
    }
}

/// Whether valid checks of a table say that all its rows are inside, so that none is read.
#[must_use]
pub fn proven(table: &Table, bounds: &Bounds, column: &str) -> bool {
    let checks = table.constraints.values().filter(|constraint| constraint.valid && constraint.kind == Kind::Check);
    let said: Vec<String> = checks.filter_map(|check| check.expression.as_deref()).flat_map(parts).collect();
    let bare = column.to_lowercase();
    let has = |part: &str| said.iter().any(|said| said == part);
    let not_null = table.columns.get(column).is_some_and(|column| column.not_null) || has(&format!("{bare}isnotnull"));
    match bounds {
        Bounds::Range { from, to } => {
            let ([from], [to]) = (from.as_slice(), to.as_slice()) else { return false };
            let low = from.eq_ignore_ascii_case("minvalue") || has(&format!("{bare}>={}", plain(from)));
            let high = to.eq_ignore_ascii_case("maxvalue") || has(&format!("{bare}<{}", plain(to)));
            not_null && low && high
        }
        Bounds::List(values) => {
            let one = |value: &String| has(&format!("{bare}={}", plain(value)));
            let all = plain(&values.join(","));
            not_null
                && (values.iter().any(one) || has(&format!("{bare}in{all}")) || has(&format!("{bare}=anyarray[{all}]")))
        }
        Bounds::Default | Bounds::Other => false,
    }
}

/// The parts that AND joins, each without spaces, parentheses, quotes of names and casts.
fn parts(expression: &str) -> Vec<String> {
    let lower = expression.to_lowercase();
    if lower.contains(" or ") || lower.contains(" not ") && !lower.contains("is not null") {
        return Vec::new();
    }
    lower.split(" and ").map(plain).collect()
}

fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut out = String::new();
    let mut rest = lower.as_str();
    while let Some(at) = rest.find("::") {
        out.push_str(&rest[..at]);
        let cast = &rest[at + 2..];
        let end = cast.find([')', ']', ',', '<', '>', '=']).unwrap_or(cast.len());
        rest = &cast[end..];
    }
    out.push_str(rest);
    out.chars().filter(|c| !c.is_whitespace() && !"()\"".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::catalog::{Column, Constraint};

    #[test]
    fn bounds_are_a_condition_on_the_key() {
        let range = bounds("FOR VALUES FROM ('2029-01-01') TO (MAXVALUE)");
        assert_eq!(inside(&range, "\"at\"").unwrap(), "\"at\" IS NOT NULL AND \"at\" >= '2029-01-01'");
        assert_eq!(inside(&bounds("FOR VALUES IN ('a', NULL)"), "c").unwrap(), "c IN ('a') OR c IS NULL");
        assert_eq!(inside(&bounds("FOR VALUES FROM (1, 2) TO (3, 4)"), "c"), None);
        assert_eq!(bounds("FOR VALUES WITH (modulus 4, remainder 1)"), Bounds::Other);
        assert_eq!(key("RANGE (\"at\")"), Some(("range".to_owned(), "at".to_owned())));
        assert_eq!(key("RANGE (lower(a))"), None);
    }

    #[test]
    fn only_a_check_of_these_very_bounds_spares_the_reading() {
        let table = |check: &str, not_null: bool| {
            let mut table = Table::default();
            table.columns.insert("at".to_owned(), Box::new(Column { not_null, ..Column::default() }));
            let expression = Some(check.to_owned());
            let check = Constraint {
                kind: Kind::Check,
                columns: Vec::new(),
                expression,
                valid: true,
                references: None,
                added: None,
            };
            table.constraints.insert("c".to_owned(), check);
            table
        };
        let range = bounds("FOR VALUES FROM ('2029-01-01') TO ('2030-01-01')");
        let written = "at >= '2029-01-01' AND at < '2030-01-01'";
        let read = "((at >= '2029-01-01'::date) AND (at < '2030-01-01'::date))";
        assert!(proven(&table(written, true), &range, "at") && proven(&table(read, true), &range, "at"));
        assert!(!proven(&table(written, false), &range, "at"));
        assert!(!proven(&table("at >= '2029-01-01'", true), &range, "at"));
        assert!(!proven(&table("at >= '2029-01-01' OR at < '2030-01-01'", true), &range, "at"));
        let list = bounds("FOR VALUES IN ('a', 'b')");
        assert!(proven(&table("(at = ANY (ARRAY['a'::text, 'b'::text]))", true), &list, "at"));
    }
}
