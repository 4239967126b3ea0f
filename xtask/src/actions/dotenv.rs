//! `.env` files, as far as one name's value goes.

/// The last value that `text` gives to `name`.
#[must_use]
pub(super) fn value(text: &str, name: &str) -> Option<String> {
    all(text).into_iter().rev().find_map(|(key, value)| (key == name).then_some(value))
}

/// Every name with its value, in order; quotes and `export` as in a shell, `#` after a space is a comment.
#[must_use]
pub(super) fn all(text: &str) -> Vec<(String, String)> {
    let of_line = |line: &str| {
        let line = line.trim().trim_start_matches("export ").trim_start();
        let (key, value) = line.split_once('=').filter(|(key, _)| !key.starts_with('#'))?;
        Some((key.trim_end().to_owned(), unquoted(value.trim())))
    };
    text.lines().filter_map(of_line).collect()
}

fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote) {
            return inner.split(quote).next().unwrap_or_default().to_owned();
        }
    }
    value.split(" #").next().unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn quotes_comments_and_export_are_understood_and_the_last_line_wins() {
        let text = "A=first\n# A=commented\nexport A=\"p#ss word\" # said\nB='x' \nC=plain # said\nAB=other";
        assert_eq!(value(text, "A").as_deref(), Some("p#ss word"));
        assert_eq!(value(text, "B").as_deref(), Some("x"));
        assert_eq!(value(text, "C").as_deref(), Some("plain"));
        assert_eq!(value(text, "D"), None);
    }
}
