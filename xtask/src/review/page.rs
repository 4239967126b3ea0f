//! `docs/hazards.md`: the hazards as a page, made from their declarations.

use std::fmt::Write as _;

use super::finding::Class;
use super::hazard::Hazard;
use super::hazards::CATALOGUE;

const HEAD: &str = "# Hazards of a migration

What `cargo xtask review`, and the review step of `cargo xtask db-change`, look for in the SQL of a migration. This page is made from the
declarations in `xtask/src/review/hazards/`: change those, and make it anew with `UPDATE_DOCS=1 cargo test -p xtask --lib review::page`.

## How much a finding counts

| severity | meaning |
| --- | --- |
| error | the harm is proven: the data say so, or PostgreSQL refuses the statement for certain |
| warning | harm is possible: the size or the data are not known, or code that nobody can check may break; also what could not be judged |
| note | harmless here, or good to know; never counts |

A database that may be asked (`--database-url`) moves a finding: what its data rule out becomes a note with the numbers, what they prove an error.
Each finding says what it was decided by: `static` (the statement and the files before it), `live` (a question to the database), `trial` (the
statement, run on a copy), or `not judged` with the reason and what to run.

To accept one, write why above the statement: `-- db-change: accept H60 reason=\"…\"`.

## What kind of harm
";

/// Each class with what it means, in the order of the page.
const CLASSES: [(Class, &str, &str); 7] = [
    (Class::DataLoss, "data loss", "rows or values are gone, and no migration brings them back"),
    (Class::BreaksCode, "breaks code", "code that runs with the schema of before fails, or cannot write"),
    (Class::MayFail, "may fail", "the statement fails on rows that are there, or in the transaction that it runs in"),
    (Class::Lock, "lock", "others wait while a table is read, written anew or locked"),
    (Class::Access, "behaviour", "statements go on and do, see or allow something else"),
    (Class::Advisory, "advice", "nothing harms now"),
    (Class::NotJudged, "not judged", "what it does cannot be read from the file"),
];

/// The page as it stands in `docs/hazards.md`.
#[must_use]
pub fn text() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n| class | meaning |\n| --- | --- |\n");
    for (_, name, meaning) in CLASSES {
        let _ = writeln!(page, "| {name} | {meaning} |");
    }
    page.push_str("\n## All\n\n| id | hazard | class |\n| --- | --- | --- |\n");
    for hazard in CATALOGUE {
        let (id, title, class) = (hazard.id, hazard.title, name(hazard.class));
        let _ = writeln!(page, "| [{id}](#{}) | {title} | {class} |", id.to_lowercase());
    }
    for hazard in CATALOGUE {
        section(&mut page, hazard);
    }
    page
}

fn name(class: Class) -> &'static str {
    CLASSES.iter().find(|(known, ..)| *known == class).map_or(class.word(), |(_, name, _)| name)
}

fn section(page: &mut String, hazard: &Hazard) {
    let _ = write!(
        page,
        "\n## {}\n\n**{}** ({})\n\n{}\n\n",
        hazard.id,
        sentence(hazard.title),
        name(hazard.class),
        hazard.danger
    );
    let decided =
        hazard.decided.map_or_else(|| "the statement alone".to_owned(), |question| format!("the data: {question}"));
    let _ = writeln!(page, "- Decided by {decided}.");
    let _ = writeln!(page, "- Safe way: {}.", hazard.safe.trim_end_matches('.'));
    let others: Vec<String> = hazard
        .aka
        .iter()
        .map(|(peer, rules)| {
            let rules: Vec<String> = rules.iter().map(|rule| format!("`{rule}`")).collect();
            format!("{peer} {}", rules.join(", "))
        })
        .collect();
    if !others.is_empty() {
        let _ = writeln!(page, "- Elsewhere: {}.", others.join("; "));
    }
}

/// With a capital letter in front, unless it is a word of SQL or a name already.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::process::environment;

    #[test]
    fn the_page_is_what_the_declarations_say() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/hazards.md");
        if environment::var("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, super::text()).unwrap();
        }
        let file = std::fs::read_to_string(path).unwrap_or_default();
        assert!(file == super::text(), "make it anew: UPDATE_DOCS=1 cargo test -p xtask --lib review::page");
    }
}
