//! SQL conditions and defaults as text: the columns that one names, and the few forms whose meaning is certain.
//!
//! Invariant: what is not one of those forms proves nothing; nobody computes SQL here.

use super::catalog::Table;
use super::facts::{Facts, Verdict};
use super::finding::DecidedBy;
use crate::sql::TableName;
use crate::sql::names::quote;

/// A piece of SQL: names as PostgreSQL stores them, literals as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Literal(String),
    Sign(char),
}

impl Token {
    fn is(&self, word: &str) -> bool {
        matches!(self, Token::Name(name) if name == word)
    }
}

pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let quoted = matches!(first, '\'' | '"');
        let length = if quoted {
            let mut end = 1;
            loop {
                match rest[end..].find(first) {
                    Some(at) if rest[end + at + 1..].starts_with(first) => end += at + 2,
                    Some(at) => break end + at + 1,
                    None => break rest.len(),
                }
            }
        } else if first.is_alphanumeric() || first == '_' {
            let part = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || (c == '.' && first.is_ascii_digit());
            rest.find(|c: char| !part(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (piece, after) = rest.split_at(length);
        match first {
            '\'' => found.push(Token::Literal(piece.to_owned())),
            '"' => found.push(Token::Name(piece.trim_matches('"').replace("\"\"", "\""))),
            digit if digit.is_ascii_digit() => found.push(Token::Literal(piece.to_owned())),
            letter if letter.is_alphabetic() || letter == '_' => found.push(Token::Name(piece.to_lowercase())),
            space if space.is_whitespace() => {}
            sign => found.push(Token::Sign(sign)),
        }
        rest = after;
    }
    found
}

/// Where the parenthesis that opens at `open` closes.
fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn bare(mut tokens: &[Token]) -> &[Token] {
    while tokens.first() == Some(&Token::Sign('(')) && closing(tokens, 0) == Some(tokens.len() - 1) {
        tokens = &tokens[1..tokens.len() - 1];
    }
    tokens
}

/// The parts that must all hold; one where anything but AND joins them.
fn parts(tokens: &[Token]) -> Vec<&[Token]> {
    let tokens = bare(tokens);
    let (mut depth, mut from, mut found) = (0, 0, Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth -= 1,
            Token::Name(word) if depth == 0 && matches!(word.as_str(), "or" | "between") => return vec![tokens],
            Token::Name(word) if depth == 0 && word == "and" => {
                found.push(bare(&tokens[from..at]));
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(bare(&tokens[from..]));
    found
}

/// `a`, `t.a`, `s.t.a`: the column, and what stands behind it.
fn leading_column(tokens: &[Token]) -> Option<(&str, &[Token])> {
    match tokens {
        [Token::Name(_), Token::Sign('.'), rest @ ..] => leading_column(rest),
        [Token::Name(column), rest @ ..] => Some((column, rest)),
        _ => None,
    }
}

/// Whether rows that pass the condition have no NULL in the column: only `… IS NOT NULL`, alone or joined by AND, says so.
#[must_use]
pub(super) fn proves_not_null(expression: &str, column: &str) -> bool {
    parts(&tokens(expression)).into_iter().any(|part| match leading_column(part) {
        Some((name, [is, not, null])) => name == column && is.is("is") && not.is("not") && null.is("null"),
        _ => false,
    })
}

/// The table's columns that an expression names; more than it uses, where a function or a type has a column's name.
#[must_use]
pub(super) fn columns(expression: &str, table: &Table) -> Vec<String> {
    let tokens = tokens(expression);
    let mut found: Vec<String> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let qualifies = matches!(tokens.get(at + 1), Some(Token::Sign('.')));
        if let Token::Name(name) = token
            && !qualifies
            && table.columns.contains_key(name)
            && !found.contains(name)
        {
            found.push(name.clone());
        }
    }
    found
}

/// Without `::type`, which a server adds to what it shows.
fn without_casts(tokens: &[Token]) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        let [Token::Sign(':'), Token::Sign(':'), cast @ ..] = rest else {
            found.push(first.clone());
            rest = after;
            continue;
        };
        let words = cast.iter().take_while(|token| {
            matches!(token, Token::Sign('.'))
                || matches!(token, Token::Name(name) if !matches!(name.as_str(), "and" | "or" | "is" | "in" | "not"))
        });
        rest = &cast[words.count()..];
        if let [Token::Sign('('), Token::Literal(_), Token::Sign(')'), after @ ..] = rest {
            rest = after;
        }
        while let [Token::Sign('['), Token::Sign(']'), after @ ..] = rest {
            rest = after;
        }
    }
    found
}

/// Whether two defaults are the same but for casts.
#[must_use]
pub(super) fn same(one: &str, other: &str) -> bool {
    let bare_of = |text: &str| bare(&without_casts(&tokens(text))).to_vec();
    bare_of(one) == bare_of(other)
}

/// A default that is the same for each row: a literal.
#[must_use]
pub(super) fn constant(default: &str) -> Option<String> {
    match bare(&without_casts(&tokens(default))) {
        [Token::Literal(value)] => Some(value.clone()),
        [Token::Sign('-'), Token::Literal(value)] => Some(format!("-{value}")),
        [Token::Name(word)] if word == "true" || word == "false" => Some(word.clone()),
        _ => None,
    }
}

/// Whether a CHECK surely refuses a column's constant: in a list without it, or on the wrong side of a number.
#[must_use]
pub(super) fn refuses(expression: &str, column: &str, constant: &str) -> bool {
    let tokens = without_casts(&tokens(expression));
    parts(&tokens).into_iter().any(|part| {
        let Some((name, rest)) = leading_column(part) else { return false };
        if name != column {
            return false;
        }
        let number = |text: &str| text.parse::<f64>().ok();
        match rest {
            [word, Token::Sign('('), list @ .., Token::Sign(')')] if word.is("in") => {
                let plain = list.iter().all(|token| matches!(token, Token::Literal(_) | Token::Sign(',')));
                plain && !list.contains(&Token::Literal(constant.to_owned()))
            }
            [signs @ .., Token::Literal(limit)] => {
                let signs: String =
                    signs.iter().map(|token| if let Token::Sign(sign) = token { *sign } else { '?' }).collect();
                let (Some(value), Some(limit)) = (number(constant), number(limit)) else { return false };
                match signs.as_str() {
                    ">" => value <= limit,
                    ">=" => value < limit,
                    "<" => value >= limit,
                    "<=" => value > limit,
                    _ => false,
                }
            }
            _ => false,
        }
    })
}

impl Facts<'_> {
    /// Rows for which a condition in the table's present names is true.
    pub(super) fn rows_such(&mut self, table: &TableName, expression: &str, condition: &str, unit: &str) -> Verdict {
        let open = |why: String| Verdict::Open(DecidedBy::NotJudged(why));
        let used = self.table(table).map(|facts| columns(expression, &facts)).unwrap_or_default();
        match self.untouched(table, &used) {
            Ok((_, names)) if names != used => open(format!("{table} has columns of other names until then")),
            Ok((name, _)) => {
                // What qualifies a column is the table's name of now.
                let known_as = if name == *table { String::new() } else { format!(" AS {}", quote(&table.name)) };
                self.counted(
                    &name,
                    &format!("SELECT count(*) FROM {}{known_as} WHERE {condition}", name.quoted()),
                    unit,
                )
            }
            Err(why) => open(why),
        }
    }

    /// Rows that a CHECK would refuse: one that gives NULL passes.
    pub(super) fn violations(&mut self, table: &TableName, expression: &str) -> Verdict {
        self.rows_such(table, expression, &format!("NOT ({expression})"), "rows that it refuses")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_is_not_null_joined_by_and_proves_that_a_column_has_no_null() {
        for proof in
            ["c IS NOT NULL", "((\"c\" is not null))", "t.c IS NOT NULL AND (a > 0 OR b)", "(a) AND (c IS NOT NULL)"]
        {
            assert!(proves_not_null(proof, "c"), "{proof}");
        }
        for none in
            ["c IS NOT NULL OR a > 0", "d IS NOT NULL", "c > 0", "a BETWEEN 1 AND c IS NOT NULL", "NOT c IS NOT NULL"]
        {
            assert!(!proves_not_null(none, "c"), "{none}");
        }
    }

    #[test]
    fn a_default_outside_the_list_or_the_limit_is_refused_and_what_is_not_certain_is_not() {
        assert!(refuses("role IN ('guest', 'owner')", "role", "'member'"));
        assert!(refuses("(\"t\".\"seats\" > 0)", "seats", "0"));
        assert!(!refuses("role IN ('guest', 'member')", "role", "'member'"));
        assert!(!refuses("role IN ('guest', lower('Member'))", "role", "'member'"));
        assert!(!refuses("role IN ('guest') OR age > 3", "role", "'member'"));
        assert_eq!(constant("'member'::character varying(20)"), Some("'member'".to_owned()));
        assert_eq!(constant("nextval('a')"), None);
        assert!(same("'member'::text", "'member'") && !same("'member'", "'guest'"));
    }
}
