//! Acceptance in the file itself: `-- db-change: accept H60[, H81] [scope=file] [until=2027-01-31] reason="…"`.
//!
//! It is about the statement that it stands in or behind on the same line, else about the one that follows. Invariant: a comment that
//! begins so and cannot be read is an error, never a comment like any other.

use std::borrow::Cow;
use std::ops::Range;

use super::day::Day;
use super::render::shown;
use super::scan::{self, Kind, Piece};
use super::suppress::{self, Rule, Scope, Trouble};
use super::{Class, DecidedBy, Finding, Severity, Source};
use crate::sql::statements::Reading;

const FORM: &str =
    "write `-- db-change: accept H60 reason=\"…\"`, with `scope=file` and `until=2027-01-31` where they are meant";

/// A comment that was read.
#[derive(Debug, PartialEq, Eq)]
struct Accept {
    ids: Vec<String>,
    whole_file: bool,
    until: Option<Day>,
    reason: String,
}

/// Marks what the comments of the files accept among the findings, and adds those about the comments, in their order.
pub fn accept<'s>(files: impl IntoIterator<Item = (usize, &'s Source)>, findings: &mut Vec<Finding>, today: &Day) {
    Finding::sort(findings);
    let mut said = Vec::new();
    for (file, source) in files {
        let first = findings.partition_point(|finding| finding.file < file);
        let end = findings.partition_point(|finding| finding.file <= file);
        said.extend(of_file(file, source, &mut findings[first..end], today));
    }
    if !said.is_empty() {
        findings.append(&mut said);
        Finding::sort(findings);
    }
}

fn of_file(file: usize, source: &Source, findings: &mut [Finding], today: &Day) -> Vec<Finding> {
    if !source.text.contains("db-change:") {
        return Vec::new();
    }
    let (text, path) = (source.text.as_str(), shown(&source.path));
    let pieces = scan::pieces(text);
    let statements = scan::statements(text, &pieces);
    let (mut rules, mut places, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    let mut reading = Reading::of(text);
    for Piece { span, .. } in pieces.iter().filter(|piece| piece.kind == Kind::LineComment) {
        let Some(words) = directive(&text[span.clone()]) else { continue };
        let at = reading.position(span.start);
        match read(words) {
            Ok(accept) => {
                let scope = match accept.whole_file {
                    true => Scope::Files(vec![file]),
                    false => Scope::Statement(file, about(text, &statements, span)),
                };
                let place = format!("{path}:{}", at.0);
                rules.push(Rule { ids: accept.ids, scope, reason: accept.reason, until: accept.until, place });
                places.push((span.clone(), at));
            }
            Err(why) => wrong.push(about_comment(file, text, (span, at), Severity::Error, why, FORM)),
        }
    }
    for (number, trouble) in suppress::apply(&rules, findings, today) {
        let (severity, title, remedy) = match trouble {
            Trouble::Expired(day) => (
                Severity::Error,
                format!("what was accepted until {day} is not accepted any more"),
                "look at it again: mend the statement, or give a later day with today's reason",
            ),
            Trouble::Unused(ids) => (
                Severity::Warning,
                format!("{} is accepted here, and not found", ids.join(", ")),
                "remove it, or move it to the line above the statement that it is about",
            ),
        };
        let (span, at) = &places[number];
        wrong.push(about_comment(file, text, (span, *at), severity, title, remedy));
    }
    wrong
}

/// The text without whole lines that hold nothing but such a comment.
#[must_use]
pub fn content(text: &str) -> Cow<'_, str> {
    let mut lines: Vec<Range<usize>> = Vec::new();
    for Piece { span, .. } in scan::pieces(text).into_iter().filter(|piece| piece.kind == Kind::LineComment) {
        let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at + 1);
        let alone =
            text[start..span.start].trim_ascii().is_empty() && matches!(&text[span.end..end], "" | "\n" | "\r\n");
        if alone && directive(&text[span]).is_some_and(|words| read(words).is_ok()) {
            lines.push(start..end);
        }
    }
    if lines.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for line in lines {
        out.push_str(&text[from..line.start]);
        from = line.end;
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

/// What stands behind `-- db-change:`.
fn directive(comment: &str) -> Option<&str> {
    comment.trim_start_matches('-').trim_start().strip_prefix("db-change:").map(str::trim)
}

/// The statement that the comment is in, behind, or above; none where nothing follows.
fn about(text: &str, statements: &[Range<usize>], comment: &Range<usize>) -> Range<usize> {
    let next = statements.partition_point(|statement| statement.start < comment.start);
    let before = next.checked_sub(1).map(|before| statements[before].clone());
    let touches = |statement: &Range<usize>| {
        statement.end > comment.start || !text[statement.end..comment.start].contains(['\n', '\r'])
    };
    before.filter(touches).or_else(|| statements.get(next).cloned()).unwrap_or(text.len()..text.len())
}

fn read(words: &str) -> Result<Accept, String> {
    let mut rest = match words.split_once(char::is_whitespace) {
        Some(("accept", rest)) => rest.trim_start(),
        _ if words == "accept" => "",
        _ => {
            return Err(format!(
                "`{}` is nothing that can be said here",
                words.split_whitespace().next().unwrap_or_default()
            ));
        }
    };
    let mut accept = Accept { ids: Vec::new(), whole_file: false, until: None, reason: String::new() };
    while !rest.is_empty() {
        let (word, after) = word(rest)?;
        rest = after.trim_start();
        match word.split_once('=') {
            None => accept.ids.extend(ids(word)?),
            Some(("scope", "file")) if !accept.whole_file => accept.whole_file = true,
            Some(("until", day)) if accept.until.is_none() => {
                accept.until = Some(Day::parse(day).ok_or_else(|| format!("`{day}` is no day such as `2027-01-31`"))?);
            }
            Some(("reason", text)) if accept.reason.is_empty() => {
                let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
                text.ok_or("the reason stands in `\"`")?.trim().clone_into(&mut accept.reason);
            }
            Some(_) => return Err(format!("`{word}` is unknown, or said twice")),
        }
    }
    if accept.ids.is_empty() {
        return Err("no finding is named that is accepted".to_owned());
    }
    if accept.reason.is_empty() {
        return Err("a reason is missing".to_owned());
    }
    Ok(accept)
}

/// Up to white space outside of `"`.
fn word(text: &str) -> Result<(&str, &str), String> {
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '"';
        c.is_whitespace() && !quoted
    });
    match end {
        None if quoted => Err("a `\"` is missing at its end".to_owned()),
        end => Ok(text.split_at(end.unwrap_or(text.len()))),
    }
}

/// `H60`, `H60,H81`, `H60,`
fn ids(word: &str) -> Result<Vec<String>, String> {
    let mut ids = Vec::new();
    for id in word.split(',').filter(|id| !id.is_empty()) {
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Err(format!("`{id}` is no finding's id"));
        }
        if matches!(id, "syntax" | "suppression") {
            return Err(format!("`{id}` cannot be accepted"));
        }
        ids.push(id.to_owned());
    }
    Ok(ids)
}

fn about_comment(
    file: usize,
    text: &str,
    (span, (line, column)): (&Range<usize>, (usize, usize)),
    severity: Severity,
    title: String,
    remedy: &'static str,
) -> Finding {
    Finding {
        id: "suppression",
        class: Class::Suppression,
        severity,
        title,
        file,
        line,
        column,
        span: span.clone(),
        statement: text[span.clone()].into(),
        table: None,
        lock: None,
        rewrites: false,
        scans: false,
        decided_by: DecidedBy::Static(String::new()),
        remedy: remedy.into(),
        sql: Vec::new(),
        rule: None,
        accepted: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::render::testing::{finding, source};
    use crate::sql::statements::position;

    /// H60 on every DROP; what was accepted of them, and what was said about the comments.
    fn judged(sql: &str) -> (Vec<bool>, Vec<(Severity, String)>) {
        let step = |(at, _): (usize, &str)| {
            let mut found = finding("H60", Severity::Error, &sql[at..], "DROP");
            (found.span, found.line) = (found.span.start + at..found.span.end + at, position(sql, at).0);
            found
        };
        let mut findings: Vec<Finding> = sql.match_indices("DROP").map(step).collect();
        accept([(0, &source("a.sql", sql))], &mut findings, &Day::parse("2026-06-15").unwrap());
        let (said, found): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| finding.class == Class::Suppression);
        let said = said.into_iter().map(|finding| (finding.severity, finding.title)).collect();
        (found.iter().map(|finding| finding.accepted.is_some()).collect(), said)
    }

    #[test]
    fn a_comment_accepts_the_statement_it_is_in_behind_or_above_and_no_other() {
        let comment = "-- db-change: accept H60 reason=\"it is empty\"";
        let cases = [
            (format!("DROP a;\n{comment}\n\n-- so\nDROP b;\nDROP c;"), vec![false, true, false]),
            (format!("DROP a; DROP b; {comment}\nDROP c;"), vec![false, true, false]),
            (format!("DROP a;\nDROP\n{comment}\nb;\nDROP c;"), vec![false, true, false]),
            (format!("DROP a;--> statement-breakpoint\n{comment}\r\nDROP b;"), vec![false, true]),
            (
                format!("DROP a;\nDROP b;\n{}", comment.replace("H60", "H60 scope=file until=2026-06-15")),
                vec![true, true],
            ),
        ];
        for (sql, accepted) in cases {
            assert_eq!(judged(&sql), (accepted, vec![]), "{sql}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_is_out_of_date_accepts_nothing_and_is_an_error() {
        let cases = [
            ("accept H60", "a reason is missing"),
            ("accept H60 reason=\" \"", "a reason is missing"),
            ("accept H60 reason=empty", "the reason stands in"),
            ("accept H60 reason=\"open", "a `\"` is missing"),
            ("accept reason=\"x\"", "no finding is named"),
            ("accept H60 until=2026-02-30 reason=\"x\"", "`2026-02-30` is no day"),
            ("accept H60 until=2026-06-14 reason=\"x\"", "accepted until 2026-06-14"),
            ("accept H60 scope=repo reason=\"x\"", "`scope=repo` is unknown"),
            ("accept H60 syntax reason=\"x\"", "`syntax` cannot be accepted"),
            ("accept H60;DROP reason=\"x\"", "is no finding's id"),
            ("ignore H60", "`ignore` is nothing"),
        ];
        for (words, why) in cases {
            let (accepted, said) = judged(&format!("-- db-change: {words}\nDROP b;").replace(";DROP", ";"));
            assert_eq!((accepted, said.len(), said[0].0), (vec![false], 1, Severity::Error), "{words}: {said:?}");
            assert!(said[0].1.contains(why), "{words}: {said:?}");
        }
    }

    #[test]
    fn what_accepts_nothing_is_a_warning_and_a_text_that_looks_like_a_comment_is_none() {
        let (accepted, said) = judged("-- db-change: accept H60, H81 reason=\"x\"\nDROP b;");
        assert_eq!(
            (accepted, said),
            (vec![true], vec![(Severity::Warning, "H81 is accepted here, and not found".to_owned())])
        );
        let hidden = "SELECT '\n-- db-change: accept H60 reason=\"x\"\n'; DROP a;";
        assert_eq!(judged(hidden), (vec![false], vec![]));
    }

    #[test]
    fn neither_a_broken_file_nor_a_word_about_a_comment_can_be_accepted() {
        let sql = "-- db-change: accept H60 scope=file reason=\"x\"\nDROP b;";
        let mut broken = finding("H60", Severity::Error, sql, "DROP");
        broken.class = Class::Syntax;
        let mut findings = vec![broken];
        accept([(0, &source("a.sql", sql))], &mut findings, &Day::today());
        assert!(findings.len() == 2 && findings.iter().all(|finding| finding.accepted.is_none()), "{findings:?}");
    }

    #[test]
    fn the_content_lacks_whole_lines_of_such_comments_and_nothing_else() {
        let comment = "-- db-change: accept H60 reason=\"x\"";
        let kept = [
            format!("DROP a; {comment}\n"),
            format!("SELECT '\n{comment}\n';"),
            format!("{comment}\rDROP a;\n"),
            "-- db-change: accept H60\n".to_owned(),
            "-- why\r\nDROP a;".to_owned(),
        ];
        for text in &kept {
            assert!(matches!(content(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
        assert_eq!(content(&format!("a;\r\n\t{comment}\r\n\r\nb;\n{comment}\n{comment}")), "a;\r\n\r\nb;\n");
    }
}
