//! Writes `@migration …` and `@breaking-change …` lines into the doc comment above a table's definition.
//!
//! Only lines are added: what stands in the comment, its indentation and the file's line ends stay as they are, and a line
//! that is there already is not written again.

use std::path::Path;

use anyhow::Result;
use oxc_allocator::Allocator;

use super::{parse, schema};
use crate::failure::Failure;

/// The text with `lines` (without ` * `) in the doc comment of the exported constant. Errors: no such constant, or a text
/// that doesn't parse.
pub fn annotate(path: &Path, text: &str, export: &str, lines: &[String]) -> Result<String> {
    let place = place(path, text, export)?;
    let missing: Vec<&String> = lines.iter().filter(|line| !place.has(line)).collect();
    if missing.is_empty() {
        return Ok(text.to_owned());
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let line_start =
        text[..place.comment.as_ref().map_or(place.statement, |comment| comment.0)].rfind('\n').map_or(0, |at| at + 1);
    let indent: String = text[line_start..].chars().take_while(|c| *c == ' ' || *c == '\t').collect();
    let added: String = missing.iter().map(|line| format!("{indent} * {}{end}", line.replace("*/", "* /"))).collect();
    Ok(match place.comment {
        None => {
            format!("{}/**{end}{added}{indent} */{end}{indent}{}", &text[..place.statement], &text[place.statement..])
        }
        Some((start, stop)) => {
            let comment = &text[start..stop];
            let body = comment.trim_start_matches("/**").trim_end_matches("*/");
            let written = if comment.contains('\n') {
                // The last line may hold text before `*/`.
                let (kept, last) = body.rsplit_once('\n').unwrap_or((body, ""));
                let last = last.trim().trim_start_matches('*').trim();
                let last = if last.is_empty() { String::new() } else { format!("{indent} * {last}{end}") };
                format!("/**{}\n{last}{added}{indent} */", kept)
            } else {
                let own = body.trim();
                let own = if own.is_empty() { String::new() } else { format!("{indent} * {own}{end}") };
                format!("/**{end}{own}{added}{indent} */")
            };
            format!("{}{written}{}", &text[..start], &text[stop..])
        }
    })
}

/// Whether every line stands in the doc comment of the exported constant.
pub fn check(path: &Path, text: &str, export: &str, lines: &[String]) -> Result<bool> {
    let place = place(path, text, export)?;
    Ok(lines.iter().all(|line| place.has(line)))
}

struct Place {
    statement: usize,
    /// Bytes of the doc comment.
    comment: Option<(usize, usize)>,
    /// Its lines, without stars.
    lines: Vec<String>,
}

impl Place {
    fn has(&self, line: &str) -> bool {
        self.lines.iter().any(|have| have == line.replace("*/", "* /").trim())
    }
}

fn place(path: &Path, text: &str, export: &str) -> Result<Place> {
    let allocator = Allocator::default();
    let program = parse::program(&allocator, path, text)?;
    let found = schema::top_constants(program).into_iter().find(|(name, _, _)| *name == export);
    let missing = || Failure::step(format!("`{}` defines no constant `{export}`", path.display()));
    let statement = found.ok_or_else(missing)?.2.start;
    let mut before = program.comments.iter().map(|comment| (comment.span.start as usize, comment.span.end as usize));
    let comment = before.rfind(|(_, stop)| *stop <= statement).filter(|(start, stop)| {
        let comment = &text[*start..*stop];
        comment.starts_with("/**") && comment.len() > 4 && text[*stop..statement].trim().is_empty()
    });
    let inner = comment.map_or("", |(start, stop)| &text[start + 3..stop - 2]);
    let lines = inner.lines().map(|line| line.trim().trim_start_matches('*').trim().to_owned()).collect();
    Ok(Place { statement, comment, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "users.ts";

    fn twice(text: &str, lines: &[&str]) -> String {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let path = Path::new(FILE);
        assert!(!check(path, text, "users", &lines).unwrap());
        let once = annotate(path, text, "users", &lines).unwrap();
        assert!(check(path, &once, "users", &lines).unwrap());
        assert_eq!(annotate(path, &once, "users", &lines).unwrap(), once, "a second time changes nothing");
        once
    }

    const M: &str = "@migration 0007 - renamed email";

    #[test]
    fn a_comment_is_made_where_there_is_none() {
        let text = "import x from 'y';\n\n// of the team\nexport const users = pgTable('users', {});\n";
        let expected = text.replace(
            "export const",
            "/**\n * @migration 0007 - renamed email\n * @breaking-change - b\n */\nexport const",
        );
        assert_eq!(twice(text, &[M, "@breaking-change - b"]), expected);
    }

    #[test]
    fn a_comment_of_one_line_grows_and_a_longer_one_keeps_its_lines() {
        let one = "/** People. */\r\nexport const users = pgTable('users', {});\r\n";
        assert_eq!(
            twice(one, &[M]),
            "/**\r\n * People.\r\n * @migration 0007 - renamed email\r\n */\r\nexport const users = pgTable('users', {});\r\n"
        );
        let long = "/**\n * People.\n *\n *   - kept\n */\nexport const users = 1;";
        assert_eq!(
            twice(long, &[M]),
            "/**\n * People.\n *\n *   - kept\n * @migration 0007 - renamed email\n */\nexport const users = 1;"
        );
        let tight = "/** A\n *  B */\nexport const users = 1;";
        assert_eq!(twice(tight, &[M]), "/** A\n * B\n * @migration 0007 - renamed email\n */\nexport const users = 1;");
    }

    #[test]
    fn another_tables_comment_and_a_string_are_not_touched() {
        let text = "/** @migration 0007 - renamed email */\nexport const teams = 1;\nconst s = '/** x */';\nexport const users = 1;";
        assert!(twice(text, &[M]).starts_with(
            "/** @migration 0007 - renamed email */\nexport const teams = 1;\nconst s = '/** x */';\n/**\n"
        ));
        assert!(annotate(Path::new(FILE), text, "gone", &[M.to_owned()]).is_err());
    }
}
