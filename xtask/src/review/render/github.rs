//! GitHub's annotations, one workflow command a line: docs.github.com, "Workflow commands for GitHub Actions".
//!
//! Escapes are those of its toolkit (actions/toolkit, core/src/command.ts): nothing in a file's text starts a command of its own.

use std::fmt::Write;

use super::excerpt::Lines;
use super::{acceptance, said, shown, summary, visible};
use crate::review::{Finding, Report, Severity, Source};

/// A line for each finding, and the count, which is no command. What somebody accepted is a notice.
#[must_use]
pub fn github(report: &Report, files: &[Source]) -> String {
    let mut out = String::new();
    let lines: Vec<Lines<'_>> = files.iter().map(|source| Lines::new(&source.text)).collect();
    for finding in &report.findings {
        let Some((source, lines)) = files.get(finding.file).zip(lines.get(finding.file)) else { continue };
        let command = match (&finding.accepted, finding.severity) {
            (Some(_), _) | (None, Severity::Note) => "notice",
            (None, Severity::Warning) => "warning",
            (None, Severity::Error) => "error",
        };
        let (file, title) = (property(&shown(&source.path)), property(&format!("{}: {}", finding.id, finding.title)));
        let (line, column, end) = (finding.line, finding.column, lines.last(finding));
        let message = data(&message(finding));
        let _ =
            writeln!(out, "::{command} file={file},line={line},endLine={end},col={column},title={title}::{message}");
    }
    let _ = writeln!(out, "{}", summary(report));
    out
}

fn message(finding: &Finding) -> String {
    let mut lines: Vec<String> = acceptance(finding).into_iter().chain(said(finding)).collect();
    lines.extend(finding.sql.iter().flat_map(|sql| sql.lines()).map(|line| format!("    {line}")));
    lines.iter().map(|line| visible(line)).collect::<Vec<_>>().join("\n")
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::render::testing::{accepted, finding, report, source};

    #[test]
    fn a_finding_is_one_line_whatever_is_in_its_texts() {
        let sql = "ALTER TABLE users\n ADD UNIQUE (email);";
        let mut open = finding("H21", Severity::Error, sql, "ALTER");
        open.title = "50%, or\n::error::more".to_owned();
        open.sql.truncate(1);
        let kept = accepted(finding("H10", Severity::Error, sql, "ALTER"));
        let shown = github(&report(vec![open, kept], vec![1]), &[source("a,b:c.sql", sql)]);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 3, "{shown}");
        let expected = "::error file=a%2Cb%3Ac.sql,line=1,endLine=2,col=1,title=H21%3A 50%25%2C or%0A%3A%3Aerror%3A%3Amore::takes ACCESS \
            EXCLUSIVE on users and reads all of it: reads and writes wait%0Adecided by: live";
        assert!(lines[0].starts_with(expected) && lines[0].contains("%0A    CREATE UNIQUE INDEX"), "{shown}");
        assert!(
            lines[1].starts_with("::notice ") && lines[1].contains("::accepted until 2027-01-31 in workflows/"),
            "{shown}"
        );
    }
}
