//! A file of SQL as code, quoted texts and comments, and where its statements begin and end.
//!
//! Invariant: the pieces are the file, whole and in order. What only looks like a comment (in a string, a quoted name, a dollar quote, a
//! block comment) is none. Rules: PostgreSQL 17 docs, 4.1; a line comment ends at `\n` and at `\r` (its scan.l).

use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Code,
    /// A string, a quoted name or a dollar quote.
    Quoted,
    /// `-- …`, without the end of its line.
    LineComment,
    BlockComment,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub kind: Kind,
    pub span: Range<usize>,
}

/// The file in pieces.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece> {
    let bytes = text.as_bytes();
    let (mut out, mut at, mut code) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        let Some((kind, end)) = special(bytes, at) else {
            at += 1;
            continue;
        };
        if code < at {
            out.push(Piece { kind: Kind::Code, span: code..at });
        }
        out.push(Piece { kind, span: at..end });
        (at, code) = (end, end);
    }
    if code < bytes.len() {
        out.push(Piece { kind: Kind::Code, span: code..bytes.len() });
    }
    out
}

/// What begins at this byte, and where it ends; an open quote reaches to the end of the file.
fn special(bytes: &[u8], at: usize) -> Option<(Kind, usize)> {
    let rest = &bytes[at..];
    match rest[0] {
        b'\'' => Some((Kind::Quoted, at + quoted(rest, b'\'', has_escapes(bytes, at)))),
        b'"' => Some((Kind::Quoted, at + quoted(rest, b'"', false))),
        b'$' => dollar(bytes, at).map(|end| (Kind::Quoted, end)),
        b'-' if rest.starts_with(b"--") => {
            let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
            Some((Kind::LineComment, at + length))
        }
        b'/' if rest.starts_with(b"/*") => Some((Kind::BlockComment, at + block(rest))),
        _ => None,
    }
}

/// `E'…'`, where a backslash takes the next byte with it.
fn has_escapes(bytes: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|place| bytes[place]);
    matches!(before(1), Some(b'e' | b'E')) && !before(2).is_some_and(in_name)
}

fn quoted(rest: &[u8], quote: u8, escapes: bool) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' if escapes => at += 2,
            byte if byte == quote && rest.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn block(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (2, 1);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    rest.len()
}

/// `$tag$ … $tag$`; `$1` and `a$b` are none.
fn dollar(bytes: &[u8], at: usize) -> Option<usize> {
    if at > 0 && in_name(bytes[at - 1]) {
        return None;
    }
    let name = bytes[at + 1..].iter().take_while(|byte| in_name(**byte) && **byte != b'$').count();
    let tag = bytes.get(at..at + name + 2).filter(|tag| tag.ends_with(b"$") && !tag[1].is_ascii_digit())?;
    let body = at + tag.len();
    let end = bytes[body..].windows(tag.len()).position(|window| window == tag);
    Some(end.map_or(bytes.len(), |end| body + end + tag.len()))
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

/// From each statement's first byte to behind its `;`. One in brackets ends nothing (`CREATE RULE … DO (…; …)`).
#[must_use]
pub fn statements(text: &str, pieces: &[Piece]) -> Vec<Range<usize>> {
    let (mut out, mut start, mut end, mut depth) = (Vec::new(), None, 0, 0_usize);
    for piece in pieces {
        match piece.kind {
            Kind::LineComment | Kind::BlockComment => continue,
            Kind::Quoted => {
                start.get_or_insert(piece.span.start);
                end = piece.span.end;
            }
            Kind::Code => {
                let code = &text.as_bytes()[piece.span.clone()];
                for (at, byte) in code.iter().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace()) {
                    let at = piece.span.start + at;
                    end = at + 1;
                    match byte {
                        b'(' => depth += 1,
                        b')' => depth = depth.saturating_sub(1),
                        b';' if depth == 0 => {
                            out.extend(start.take().map(|start| start..end));
                            continue;
                        }
                        _ => {}
                    }
                    start.get_or_insert(at);
                }
            }
        }
    }
    out.extend(start.map(|start| start..end));
    out
}

/// A statement without comments, and with one space where there was any white space outside of quotes; two that differ only so are one.
#[must_use]
pub fn normalised(statement: &str) -> String {
    let mut out = String::new();
    let mut gap = false;
    for piece in pieces(statement) {
        let text = &statement[piece.span];
        match piece.kind {
            Kind::LineComment | Kind::BlockComment => gap = true,
            Kind::Quoted => push(&mut out, &mut gap, text),
            Kind::Code => {
                for part in text.split_inclusive(|c: char| c.is_ascii_whitespace()) {
                    let word = part.trim_ascii();
                    if !word.is_empty() {
                        push(&mut out, &mut gap, word);
                    }
                    gap |= word.len() < part.len();
                }
            }
        }
    }
    out.trim_end_matches([';', ' ']).to_owned()
}

fn push(out: &mut String, gap: &mut bool, text: &str) {
    if std::mem::take(gap) && !out.is_empty() {
        out.push(' ');
    }
    out.push_str(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comments(text: &str) -> Vec<&str> {
        let pieces = pieces(text);
        assert_eq!(pieces.iter().map(|piece| &text[piece.span.clone()]).collect::<String>(), text);
        pieces.into_iter().filter(|piece| piece.kind == Kind::LineComment).map(|piece| &text[piece.span]).collect()
    }

    #[test]
    fn what_only_looks_like_a_comment_is_none() {
        let none = [
            "SELECT '-- a', 'it''s -- b'",
            r"SELECT E'\' -- c'",
            "SELECT \"x\"\"-- d\"",
            "DO $$ -- e\n$$",
            "DO $ä1$ $$ -- f\n $ä1$",
            "/* /* */ -- g\n */",
            "SELECT '-- open",
        ];
        for text in none {
            assert_eq!(comments(text), [""; 0], "{text}");
        }
        let one =
            [r"SELECT '\' -- x", "SELECT a$b$ -- x", "SELECT $1 -- x", "SELECT date'1' -- x", "SELECT 'a' -- x\r DROP"];
        for text in one {
            assert_eq!(comments(text), ["-- x"], "{text}");
        }
    }

    #[test]
    fn a_statement_reaches_from_its_first_word_to_its_semicolon() {
        let text = "-- a\nSELECT ';'; /* ; */ ;\n CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);x -- y\n";
        let shown: Vec<&str> = statements(text, &pieces(text)).into_iter().map(|span| &text[span]).collect();
        assert_eq!(shown, ["SELECT ';';", "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);", "x"]);
    }

    #[test]
    fn white_space_and_comments_are_no_difference_but_in_quotes_they_are() {
        assert_eq!(normalised("ALTER  TABLE -- why\n\t\"a  b\"\r\n;"), "ALTER TABLE \"a  b\"");
        assert_ne!(normalised("SELECT 'a  b'"), normalised("SELECT 'a b'"));
        assert_ne!(normalised("SELECT a b"), normalised("SELECT ab"));
    }
}
