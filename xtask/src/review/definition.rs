//! The text of a view or a routine: whether a new one gives what the old one gave.
//!
//! Invariant: two texts are the same only where nothing but white space, case, comments and hints to the planner differs. Where a text
//! cannot be taken apart, it is another one.

use super::scan::{self, Kind};

/// What a new definition under an old name means for those who use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Same,
    /// A view with more columns at its end, over the same rows.
    Wider,
    /// A view may not lose, rename or retype a column: PostgreSQL refuses it (42P16).
    Refused,
    Other,
}

/// The words of a statement, folded to lower case; what is quoted and what stands in brackets is one word.
#[must_use]
pub fn words(statement: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut depth) = (String::new(), 0_usize);
    let mut end = |word: &mut String| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    for piece in scan::pieces(statement) {
        let text = &statement[piece.span];
        match piece.kind {
            Kind::LineComment | Kind::BlockComment if depth == 0 => end(&mut word),
            Kind::LineComment | Kind::BlockComment => {}
            Kind::Quoted => word.push_str(text),
            Kind::Code => {
                for c in text.chars() {
                    match c {
                        '(' => depth += 1,
                        ')' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    if depth > 0 && c.is_whitespace() {
                        if !word.ends_with([' ', '(', ',']) {
                            word.push(' ');
                        }
                    } else if c.is_whitespace() || c == ';' {
                        end(&mut word);
                    } else if c == '(' && depth == 1 {
                        end(&mut word);
                        word.push(c);
                    } else {
                        word.extend(c.to_lowercase());
                    }
                    if depth == 0 && matches!(c, ')' | ',') {
                        end(&mut word);
                    }
                }
            }
        }
    }
    end(&mut word);
    words
}

/// Without `OR REPLACE` and what only the planner reads.
fn meant(statement: &str) -> Vec<String> {
    let mut left = words(statement).into_iter().peekable();
    let mut kept = Vec::new();
    while let Some(word) = left.next() {
        match word.as_str() {
            "or" if kept.len() == 1 && left.peek().is_some_and(|next| next == "replace") => drop(left.next()),
            "parallel" | "cost" | "rows" => drop(left.next()),
            _ => kept.push(word),
        }
    }
    kept
}

/// Whether two CREATE FUNCTION, or PROCEDURE, say the same.
#[must_use]
pub fn same_routine(old: &str, new: &str) -> bool {
    meant(old) == meant(new)
}

/// What stands between the quotes behind AS: a routine's body as the catalog keeps it.
#[must_use]
pub fn body(statement: &str) -> Option<String> {
    let words = words(statement);
    let quoted = words.windows(2).find(|pair| pair[0] == "as").map(|pair| pair[1].as_str())?;
    if let Some(plain) = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return Some(plain.replace("''", "'"));
    }
    let tag = quoted.get(..quoted[1..].find('$')? + 2).filter(|tag| tag.starts_with('$'))?;
    Some(quoted.strip_prefix(tag)?.strip_suffix(tag)?.to_owned())
}

/// The columns that a trigger's function sets from others of the same row, where it does nothing but that.
#[must_use]
pub fn copies(function: &str) -> Option<Vec<(String, String)>> {
    let body = body(function)?.to_lowercase();
    let inner = body.trim().trim_end_matches(';').strip_prefix("begin")?.strip_suffix("end")?;
    let mut statements: Vec<&str> = inner.split(';').map(str::trim).filter(|part| !part.is_empty()).collect();
    if statements.pop()?.split_whitespace().collect::<Vec<_>>() != ["return", "new"] {
        return None;
    }
    let plain = |side: &str| {
        let name = side.trim().strip_prefix("new.")?;
        name.chars().all(|c| c.is_alphanumeric() || c == '_').then(|| name.to_owned())
    };
    statements.into_iter().map(|part| part.split_once(":=").and_then(|(to, from)| plain(to).zip(plain(from)))).collect()
}

/// A view's query, and whether it stands alone: without a list of columns and options, which may say something else.
#[must_use]
pub fn query(statement: &str) -> Option<(String, bool)> {
    let pieces = scan::pieces(statement);
    let mut depth = 0_usize;
    for piece in pieces.iter().filter(|piece| piece.kind == Kind::Code) {
        let code = &statement[piece.span.clone()];
        let mut from = 0;
        for (at, c) in code.char_indices().chain([(code.len(), ' ')]) {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if !c.is_alphanumeric() && c != '_' {
                if depth <= usize::from(c == '(') && code[from..at].eq_ignore_ascii_case("as") {
                    let head = words(&statement[..piece.span.start + from]);
                    let alone = !head.iter().any(|word| word.starts_with('(') || word == "with" || word == "recursive");
                    let rest = statement[piece.span.start + at..].trim().trim_end_matches(';').trim().to_owned();
                    return Some((rest, alone));
                }
                from = at + c.len_utf8();
            }
        }
    }
    None
}

/// How a view changes, by its two statements.
#[must_use]
pub fn view(old: &str, new: &str) -> Change {
    let (Some((old, true)), Some((new, true))) = (query(old), query(new)) else {
        return if meant(old) == meant(new) { Change::Same } else { Change::Other };
    };
    let (old, new) = (bare(&old), bare(&new));
    if old == new {
        return Change::Same;
    }
    let (Some((old, old_rest)), Some((new, new_rest))) = (list(&old), list(&new)) else { return Change::Other };
    // A star, a DISTINCT or a set-returning function tells nothing by its text.
    if old.iter().chain(&new).any(|column| column.contains(['*', '(']) || column.starts_with("distinct ")) {
        return Change::Other;
    }
    if new.len() < old.len() {
        return Change::Refused;
    }
    if old_rest == new_rest && new.starts_with(&old) { Change::Wider } else { Change::Other }
}

/// The words of a query that may stand in brackets.
fn bare(query: &str) -> Vec<String> {
    let found = words(query);
    match found.as_slice() {
        [one] if one.starts_with('(') => words(one.trim_start_matches('(').trim_end_matches(')')),
        _ => found,
    }
}

/// What a SELECT selects, and what follows.
fn list(query: &[String]) -> Option<(Vec<String>, &[String])> {
    let (first, rest) = query.split_first()?;
    let end = rest.iter().position(|word| word == "from")?;
    let columns = rest[..end].join(" ");
    let columns = columns.split(',').map(|column| column.trim().to_owned()).collect();
    (first == "select").then_some((columns, &rest[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_with_a_column_more_at_its_end_is_the_old_one_and_more() {
        let old = "CREATE VIEW a AS SELECT id, email FROM users WHERE age >= 18";
        for (new, change) in [
            ("CREATE OR REPLACE VIEW a AS\n select id,email\nfrom users where age >= 18;", Change::Same),
            ("CREATE OR REPLACE VIEW a AS (SELECT id, email FROM users WHERE age >= 18)", Change::Same),
            ("CREATE OR REPLACE VIEW a AS SELECT id, email, x FROM users WHERE age >= 18", Change::Wider),
            ("CREATE OR REPLACE VIEW a AS SELECT id FROM users WHERE age >= 18", Change::Refused),
            ("CREATE OR REPLACE VIEW a AS SELECT id, email FROM users WHERE age >= 21", Change::Other),
            ("CREATE OR REPLACE VIEW a AS SELECT email, id, x FROM users WHERE age >= 18", Change::Other),
            ("CREATE OR REPLACE VIEW a AS SELECT id, email, unnest(x) FROM users WHERE age >= 18", Change::Other),
            ("CREATE OR REPLACE VIEW a AS SELECT id, email, \"X\" FROM users WHERE age >= 18", Change::Wider),
            ("CREATE OR REPLACE VIEW a (b, c) AS SELECT id, email FROM users WHERE age >= 18", Change::Other),
            ("CREATE OR REPLACE VIEW a AS TABLE users", Change::Other),
        ] {
            assert_eq!(view(old, new), change, "{new}");
        }
    }

    #[test]
    fn a_function_that_copies_columns_does_nothing_else() {
        let copied =
            |body: &str| copies(&format!("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"));
        assert_eq!(copied("BEGIN NEW.b := NEW.a; RETURN NEW; END"), Some(vec![("b".to_owned(), "a".to_owned())]));
        for body in [
            "BEGIN NEW.b := f(NEW.a); RETURN NEW; END",
            "BEGIN NEW.b := NEW.a; RETURN NULL; END",
            "BEGIN IF NEW.a IS NULL THEN RAISE 'x'; END IF; RETURN NEW; END",
            "BEGIN DELETE FROM t; RETURN NEW; END",
        ] {
            assert_eq!(copied(body), None, "{body}");
        }
    }

    #[test]
    fn a_function_is_the_same_where_only_a_hint_to_the_planner_differs() {
        let old = "CREATE FUNCTION net(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT $1 / 1.19 $$;";
        let new = "create or replace function net(numeric) returns numeric language sql immutable parallel safe as $$ SELECT $1 / 1.19 $$";
        assert!(same_routine(old, new));
        assert!(!same_routine(old, &new.replace("1.19", "1.07")));
        assert!(!same_routine(old, &new.replace("immutable", "immutable security definer")));
    }
}
