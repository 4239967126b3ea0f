//! Rows never reach a log: what database programs and drivers quote of them in their errors is left out, line by line.
//!
//! Covered: PostgreSQL's DETAIL and CONTEXT (psql, pg_restore), the fields in which postgres.js and drizzle-orm repeat them or a
//! statement's parameters, and messages of class 22 and 23. What a test prints of its own accord is the repo's own affair.

use std::sync::LazyLock;

use regex::Regex;

/// `params: a@b.c,Ann`, `detail: "Key (email)=(…) already exists."`, `psql:f:3: DETAIL:  Failing row contains (…)`.
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(\s*[-+]?\s*(?:params|parameters|args|detail|where)\s*:|.*\b(?:DETAIL|CONTEXT|PARAMETERS):)(.*)$")
        .ok()
});
/// `invalid input syntax for type integer: "x"`, `value "x" is out of range`.
static QUOTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"((?:invalid input (?:syntax|value) for [^:"]*:|out of range:|\bvalue) )\\?"[^"]*""#).ok()
});
static ROW: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(Failing row contains|Key \([^)]*\)=).*$").ok());

const LEFT_OUT: &str = "***";

/// Filters one stream; a list that is opened on one line is left out to its end.
#[derive(Debug, Default)]
pub struct Rows {
    /// The end of the list that is open.
    open: Option<char>,
}

impl Rows {
    /// The line without rows; nothing where it lies inside of a list.
    pub fn apply(&mut self, line: &str) -> String {
        let (text, ending) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
        if let Some(end) = self.open {
            if text.trim_start().starts_with(end) {
                self.open = None;
            }
            return String::new();
        }
        if let Some(found) = FIELD.as_ref().and_then(|field| field.captures(text)) {
            let value = found[2].trim();
            if value.is_empty() {
                return line.to_owned();
            }
            self.open = match value {
                "[" => Some(']'),
                "{" => Some('}'),
                _ => None,
            };
            return format!("{} {LEFT_OUT}{ending}", &found[1]);
        }
        let replaced = |pattern: &LazyLock<Option<Regex>>, text: &str, by: &str| match pattern.as_ref() {
            Some(pattern) => pattern.replace_all(text, by).into_owned(),
            None => text.to_owned(),
        };
        let text = replaced(&ROW, text, "${1} ***");
        format!("{}{ending}", replaced(&QUOTED, &text, "${1}\"***\""))
    }

    /// A whole text without rows.
    #[must_use]
    pub fn without(text: &str) -> String {
        let mut rows = Rows::default();
        text.split_inclusive('\n').map(|line| rows.apply(line)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_database_errors_quote_is_left_out_and_the_rest_stays() {
        let text = "\
error: Failed query: insert into \"users\" (\"email\") values ($1)
params: anna@x.de,Anna
 params: [
  \"anna@x.de\", \"Anna\"
],
      detail: \"Key (email)=(anna@x.de) already exists.\",
      code: \"23505\"
psql:f.sql:3: ERROR:  duplicate key value violates unique constraint \"u\"
DETAIL:  Key (email)=(anna@x.de) already exists.
CONTEXT:  COPY users, line 3, column email: \"anna@x.de\"
PostgresError: invalid input syntax for type integer: \"anna@x.de\"
PostgresError: null value; Failing row contains (1, anna@x.de).
  async queryWithCache(queryString, params, query) {
Received: \"accepted\"
+ params: ]
";
        let told = Rows::without(text);
        assert!(!told.to_lowercase().contains("anna"), "{told}");
        for kept in [
            "insert into \"users\" (\"email\") values ($1)\nparams: ***\n params: ***\n      detail: ***\n      code: \"23505\"\n",
            "duplicate key value violates unique constraint \"u\"\nDETAIL: ***\nCONTEXT: ***\n",
            "for type integer: \"***\"\n",
            "(queryString, params, query) {\nReceived: \"accepted\"\n",
        ] {
            assert!(told.contains(kept), "{kept} in {told}");
        }
    }
}
