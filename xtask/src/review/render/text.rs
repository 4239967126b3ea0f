//! For people: what it is, the lines it is about, what it takes and why, the way out. 80 columns but for SQL, which is there to be copied.
//!
//! Carries no colour; `report/terminal` paints what it prints.

use std::collections::HashMap;
use std::fmt::Write;

use annotate_snippets::{AnnotationKind, Group, Renderer, Snippet};

use super::excerpt::{Excerpt, Lines};
use super::{acceptance, said, shown, summary, visible};
use crate::report::terminal::{WIDTH, wrapped};
use crate::review::{Finding, Report, Severity, Source};

/// The whole report: what nobody accepted at length (notes in a line), what somebody did in a line each, and the count.
#[must_use]
pub fn text(report: &Report, files: &[Source]) -> String {
    let mut out = String::new();
    let mut lines: Vec<Lines<'_>> = files.iter().map(|source| Lines::new(&source.text)).collect();
    let mut more = alike(report);
    for finding in &report.findings {
        let Some((source, lines)) = files.get(finding.file).zip(lines.get_mut(finding.file)) else { continue };
        if finding.accepted.is_some() || finding.severity == Severity::Note {
            match kind(finding).map(|kind| more.remove(&kind)) {
                None => line(&mut out, finding, source, 0),
                Some(Some(count)) => line(&mut out, finding, source, count - 1),
                Some(None) => {}
            }
            continue;
        }
        whole(&mut out, finding, source, lines.excerpt(finding));
    }
    apart(&mut out);
    if let Some(asked) = &report.asked {
        let asked = format!("asked {}: {} ms", visible(asked), report.asking.as_millis());
        out.push_str(&wrapped(&asked, WIDTH, ""));
    }
    let _ = writeln!(out, "{}", summary(report));
    out
}

type Kind<'a> = (usize, &'a str);

/// Notes of one rule on one file, which differ in the column alone.
fn kind(finding: &Finding) -> Option<Kind<'_>> {
    let plain = finding.accepted.is_none() && finding.severity == Severity::Note;
    finding.rule.as_deref().filter(|_| plain).map(|rule| (finding.file, rule))
}

fn alike(report: &Report) -> HashMap<Kind<'_>, usize> {
    let mut counts = HashMap::new();
    report.findings.iter().filter_map(kind).for_each(|kind| *counts.entry(kind).or_default() += 1);
    counts
}

fn whole(out: &mut String, finding: &Finding, source: &Source, excerpt: Option<Excerpt>) {
    apart(out);
    let title = format!("{}[{}]: {}", finding.severity.word(), finding.id, visible(&finding.title));
    hanging(out, &title);
    let place = format!("{}:{}:{}", visible(&shown(&source.path)), finding.line, finding.column);
    let _ = writeln!(out, "  --> {place}");
    if let Some(excerpt) = excerpt {
        // The path stands above: a line of the frame would cut a long one.
        let snippet = Snippet::source(excerpt.text.as_str())
            .line_start(excerpt.first)
            .fold(false)
            .annotation(AnnotationKind::Primary.span(excerpt.caret.clone()));
        let drawn = Renderer::plain()
            .term_width(WIDTH)
            .render(&[Group::with_level(annotate_snippets::Level::NOTE).element(snippet)]);
        drawn.lines().for_each(|line| {
            let _ = writeln!(out, "{}", line.trim_end());
        });
        if excerpt.more > 0 {
            let _ = writeln!(out, "  … and {} more of the statement", super::counted(excerpt.more, "line"));
        }
    }
    for said in said(finding) {
        out.push_str(&wrapped(&visible(&said), WIDTH, "  "));
    }
    for line in finding.sql.iter().flat_map(|sql| sql.lines()) {
        let _ = writeln!(out, "    {}", visible(line));
    }
    out.push('\n');
}

/// `note[H45]: 0003_x.sql:12:1: …`
fn line(out: &mut String, finding: &Finding, source: &Source, more: usize) {
    let accepted = acceptance(finding);
    let word = if accepted.is_some() { "accepted" } else { finding.severity.word() };
    let accepted = accepted.map_or(String::new(), |accepted| format!(" ({accepted})"));
    let place = format!("{}:{}:{}", shown(&source.path), finding.line, finding.column);
    let more =
        if more > 0 { format!(" (and at {} of this file)", super::counted(more, "more place")) } else { String::new() };
    hanging(out, &visible(&format!("{word}[{}]: {place}: {}{accepted}{more}", finding.id, finding.title)));
}

/// An empty line, where there is text and no empty line yet.
fn apart(out: &mut String) {
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push('\n');
    }
}

/// Over more lines where one is too short, all but the first further in.
fn hanging(out: &mut String, text: &str) {
    let text = wrapped(text, WIDTH, "  ");
    out.push_str(text.strip_prefix("  ").unwrap_or(&text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::render::testing::{accepted, finding, report, source};

    const SQL: &str = "ALTER TABLE \"users\" ADD COLUMN \"x\" text;\nALTER TABLE \"users\"\n\tADD CONSTRAINT \"users_email_key\" UNIQUE (\"email\");\n\
        CREATE TABLE t (a int,\nb int,\nc int,\nd int,\ne int,\nf int,\ng int);\n";

    #[test]
    fn a_finding_shows_its_lines_its_lock_what_decided_it_and_the_way_out() {
        let mut second = finding("H21", Severity::Error, SQL, "ALTER TABLE \"users\"\n");
        (second.line, second.column) = (3, 2);
        let all = vec![
            accepted(finding("H10", Severity::Error, SQL, "ALTER TABLE")),
            second,
            finding("H40", Severity::Note, SQL, "CREATE TABLE"),
        ];
        let shown = text(&report(all, vec![3]), &[source("packages/db/drizzle/0007_unique_email.sql", SQL)]);
        assert_eq!(shown, include_str!("testing.txt"));
    }

    #[test]
    fn notes_of_one_rule_are_one_line_for_each_file_with_their_number() {
        let note = |file: usize, rule: Option<&str>| {
            let mut note = finding("H104", Severity::Note, SQL, "CREATE TABLE");
            (note.file, note.rule) = (file, rule.map(str::to_owned));
            note
        };
        let all = vec![
            note(0, Some("a")),
            note(0, Some("b")),
            note(0, Some("a")),
            note(0, Some("a")),
            note(0, None),
            note(0, None),
            note(1, Some("a")),
        ];
        let shown = text(&report(all, vec![3, 3]), &[source("a.sql", SQL), source("b.sql", SQL)]);
        assert_eq!(shown.matches("note[H104]").count(), 5, "{shown}");
        assert_eq!(shown.replace("\n  ", " ").matches("(and at 2 more places of this file)").count(), 1, "{shown}");
        assert!(shown.contains("7 notes"), "{shown}");
    }

    #[test]
    fn of_a_long_statement_only_some_lines_are_shown_and_the_rest_is_counted() {
        let long = finding("H40", Severity::Warning, SQL, "CREATE TABLE");
        let mut inside = long.clone();
        (inside.line, inside.column) = (10, 1);
        let shown = text(&report(vec![long, inside], vec![3]), &[source("a.sql", SQL)]);
        let (first, second) =
            shown.split_once("warning[H40]: ").and_then(|(_, rest)| rest.split_once("warning[H40]")).unwrap();
        assert!(
            first.contains("9 | f int") && !first.contains("g int") && first.contains("and 1 line more"),
            "{shown}"
        );
        assert!(
            second.contains(" 8 | e int") && second.contains("10 | g int") && second.contains("and 4 lines more"),
            "{shown}"
        );
    }

    #[test]
    fn nothing_in_a_file_moves_the_terminal_or_makes_a_line_wider() {
        let sql = format!("SELECT '\x1b[2J\u{202e}表{}'; DROP TABLE {}\r;", "x".repeat(3000), "y".repeat(500));
        let all = ["SELECT", "DROP"].map(|statement| {
            let mut finding = finding("H21", Severity::Error, &sql, statement);
            finding.title = format!("gone\x07 {}", "z".repeat(200));
            finding.sql.clear();
            finding
        });
        let shown = text(&report(all.into(), vec![2]), &[source("a\x1b.sql", &sql)]);
        assert!(shown.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= WIDTH), "{shown}");
        assert!(!shown.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{shown:?}");
        assert!(shown.contains("\\u{1b}[2J") && shown.contains("; DROP TABLE yy"), "{shown}");
    }

    #[test]
    fn a_place_that_is_not_in_the_file_costs_the_excerpt_alone() {
        let mut nowhere = finding("undeclared", Severity::Error, SQL, "CREATE TABLE");
        (nowhere.line, nowhere.column, nowhere.span) = (99, 7, 0..0);
        let shown = text(&report(vec![nowhere], vec![3]), &[source("a.sql", SQL)]);
        assert!(shown.contains("--> a.sql:99:7\n  takes"), "{shown}");
    }

    #[test]
    fn ten_times_the_findings_take_ten_times_as_long() {
        // CPU time of this thread alone, whatever runs beside it.
        let spent = || {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            std::time::Duration::try_from(now).unwrap().as_secs_f64()
        };
        let took = |number: usize| {
            let sql = "ALTER TABLE \"users\" ADD UNIQUE (\"email\"); ".repeat(number);
            let step = sql.len() / number;
            let model = finding("H21", Severity::Error, &sql, "ALTER");
            let at = |n: usize| Finding { column: 1 + n * step, span: n * step..(n + 1) * step - 1, ..model.clone() };
            let (report, files) = (report((0..number).map(at).collect(), vec![number]), [source("a.sql", &sql)]);
            let mut times: Vec<_> = (0..5)
                .map(|_| {
                    let begun = spent();
                    assert!(text(&report, &files).len() > number * 100);
                    spent() - begun
                })
                .collect();
            times.sort_by(f64::total_cmp);
            times[2]
        };
        // Other tests share the processor's cache: the best of three is what it costs.
        let ratio = (0..3).map(|_| took(1000) / took(100)).fold(f64::MAX, f64::min);
        assert!(ratio <= 11.0, "{ratio}");
    }
}
