//! Whether a piece of SQL inside TypeScript uses a table or a column: by its words, without comments and string literals.

/// The names that a verdict needs.
pub(super) struct Wanted<'a> {
    pub table: &'a str,
    pub column: Option<&'a str>,
    /// Names of the schema's other tables.
    pub others: Vec<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Uses,
    /// The column's name without any table's: a fragment.
    Possible,
    No,
}

/// `interpolates` tells that the table itself is spliced in (`${users}`).
pub(super) fn judge(text: &str, wanted: &Wanted<'_>, interpolates: bool) -> Verdict {
    let words = words(text);
    let is = |word: &Word, name: &str| if word.quoted { word.text == name } else { word.text.to_lowercase() == name };
    let mentions = |name: &str| words.iter().any(|word| is(word, name));
    let table = interpolates || mentions(wanted.table);
    let Some(column) = wanted.column else { return if table { Verdict::Uses } else { Verdict::No } };
    let other_qualifier = |word: &Word| {
        word.qualifier.as_ref().is_some_and(|name| name != wanted.table && wanted.others.contains(&name.as_str()))
    };
    let used = words.iter().any(|word| is(word, column) && !other_qualifier(word));
    match (used, table) {
        (false, _) => Verdict::No,
        (true, true) => Verdict::Uses,
        (true, false) if wanted.others.iter().any(|other| mentions(other)) => Verdict::No,
        (true, false) => Verdict::Possible,
    }
}

/// Whether a plain string is meant as SQL.
pub(super) fn looks_like_sql(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '*').filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().to_lowercase();
    let rest: Vec<String> = words.map(str::to_lowercase).collect();
    let has = |word: &str| rest.iter().any(|other| other == word);
    match first.as_str() {
        "select" => has("from"),
        "insert" | "merge" => has("into"),
        "update" => has("set"),
        "delete" => has("from"),
        "with" => has("as") && has("select"),
        "alter" | "create" | "drop" | "truncate" => has("table") || has("index") || has("view") || has("trigger"),
        "copy" | "lock" | "comment" => rest.len() > 2,
        _ => false,
    }
}

struct Word {
    text: String,
    quoted: bool,
    qualifier: Option<String>,
}

fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut after_dot = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (taken, word) = if let Some(after) = rest.strip_prefix("--") {
            (2 + after.find('\n').unwrap_or(after.len()), None)
        } else if let Some(after) = rest.strip_prefix("/*") {
            (2 + after.find("*/").map_or(after.len(), |at| at + 2), None)
        } else if let Some(after) = rest.strip_prefix('\'') {
            (1 + after.find('\'').map_or(after.len(), |at| at + 1), None)
        } else if let Some(after) = rest.strip_prefix('"') {
            let end = after.find('"').unwrap_or(after.len());
            ((end + 2).min(rest.len()), Some((after[..end].to_owned(), true)))
        } else if c.is_alphabetic() || c == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
            (end, Some((rest[..end].to_owned(), false)))
        } else {
            (c.len_utf8(), None)
        };
        if let Some((text, quoted)) = word {
            let qualifier = after_dot.then(|| words.last().map(|word| word.text.clone())).flatten();
            words.push(Word { text, quoted, qualifier });
            after_dot = false;
        } else {
            after_dot = c == '.';
        }
        rest = &rest[taken..];
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str) -> Verdict {
        judge(text, &Wanted { table: "users", column: Some("email"), others: vec!["invites"] }, false)
    }

    #[test]
    fn only_the_column_of_this_table_counts() {
        assert_eq!(verdict("select id, EMAIL from users"), Verdict::Uses);
        assert_eq!(verdict("select u.\"email\" from \"users\" u join invites i on true"), Verdict::Uses);
        assert_eq!(verdict("select email from invites"), Verdict::No);
        assert_eq!(verdict("select invites.email from users, invites"), Verdict::No);
        assert_eq!(verdict("select 'email' from users -- email\n/* email */"), Verdict::No);
        assert_eq!(verdict("select email_sent, \"Email\" from users"), Verdict::No);
        assert_eq!(verdict("lower(email)"), Verdict::Possible);
    }

    #[test]
    fn prose_is_not_sql() {
        assert!(looks_like_sql("\n  SELECT email\n  FROM users"));
        for prose in ["Your email", "Update your email", "select an email", "Delete user", "with love"] {
            assert!(!looks_like_sql(prose), "{prose}");
        }
    }
}
