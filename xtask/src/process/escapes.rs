//! Escape sequences in what a child prints (ECMA-48, 5.4: parameters, then one final character; commands up to BEL or ST).

/// Text as it reads on the screen: escape sequences and carriage returns are left out, and what follows one that has no end.
#[must_use]
pub fn plain(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(&rest[..at]);
        let after = sequence(&rest.as_bytes()[at..]).map(|length| rest.ceil_char_boundary(at + length));
        rest = &rest[after.unwrap_or(rest.len())..];
    }
    out.push_str(rest);
    out.retain(|character| character != '\r');
    out
}

/// The length of the escape sequence at the beginning; none where it has no end.
pub(super) fn sequence(text: &[u8]) -> Option<usize> {
    let end = |ends: &dyn Fn(usize) -> bool| (2..text.len()).find(|at| ends(*at)).map(|at| at + 1);
    match text.get(1)? {
        b'[' => end(&|at| (0x40..=0x7E).contains(&text[at])),
        b']' => end(&|at| text[at] == 7 || (text[at] == b'\\' && text[at - 1] == 0x1B)),
        _ => Some(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_titles_and_cursor_moves_are_not_read() {
        assert_eq!(plain("\u{1b}[2K\u{1b}[33m❯ \u{1b}[39m\u{1b}[1m~\u{1b}[0m é\r\n"), "❯ ~ é\n");
        assert_eq!(plain("\u{1b}]0;a title\u{7}b\u{1b}]0;c\u{1b}\\d"), "bd");
        assert_eq!(plain("\u{1b}é\u{1b}7a\u{1b}[3"), "a");
    }
}
