//! How the tests of a repo are run, where they lie, and by which specifiers they reach the database and the tables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::found::{Report, relative};
use super::packages::{Manager, Package, counted, is_test, shown};
use crate::code::entry::{self, Database, Import};
use crate::code::imports::Graph;
use crate::code::runner::TEST;

/// Everything about tests that goes into the workflow file.
pub struct Tests {
    pub command: String,
    /// `.` or `package`.
    pub place: &'static str,
    /// `bun:test` or `vitest`.
    pub module: &'static str,
    pub folder: PathBuf,
    pub database_module: String,
    pub database_name: String,
    pub schema_module: String,
    /// Whether the database package has tests of its own.
    pub any: bool,
}

pub(super) fn look(
    root: &Path,
    manager: Manager,
    packages: &[Package],
    db: &Path,
    graph: &Graph,
    schema: &[PathBuf],
    report: &mut Report,
) -> Result<Tests> {
    let package = packages.iter().find(|package| package.folder == db);
    let own: Vec<&PathBuf> = package.into_iter().flat_map(Package::tests).collect();
    let folder = folder(db, &own);
    let vitest = uses_vitest(root, packages, db, &own)?;
    let place = place(root, packages, vitest);
    let (module, command) = match vitest {
        true => (
            "vitest",
            format!("{} vitest run {{{{files}}}} --reporter=junit --outputFile={{{{junit}}}}", manager.exec()),
        ),
        false => ("bun:test", TEST.to_owned()),
    };
    let place_shown = if place == "." { "in the root" } else { "in each package" };
    report.found("tests", format!("{module}, {place_shown}; {} in {}", counted(own.len(), "file"), shown(&folder)));
    if own.is_empty() {
        report
            .missing("tests of the database", "`db-tests` is off, and a breaking change needs tests of other packages");
    }

    let sources: Vec<PathBuf> = package
        .into_iter()
        .flat_map(|package| &package.sources)
        .filter(|file| !is_test(file))
        .map(|file| root.join(file))
        .collect();
    let made = entry::databases(&sources)?;
    // The one that most files import.
    let importers = |made: &&Database| graph.imports.values().filter(|targets| targets.contains(&made.file)).count();
    let database = made.iter().max_by_key(importers);
    let beside = beside(root, &folder, &own)?;
    let style = style(root, package)?;
    let (database_module, database_name) = match database {
        Some(found) => {
            let uses = |import: &Import| import.names.contains(&found.name);
            let module = specifier(graph, root, &folder, &beside, &found.file, &style, uses);
            report.found("database in code", format!("`{}` from `{module}` ({})", found.name, found.driver));
            (module, found.name.clone())
        }
        None => {
            report.missing(
                "the database in code",
                "no module exports what `drizzle(…)` gives: set `database_module` and `database_name`",
            );
            ("set-me".to_owned(), "db".to_owned())
        }
    };
    let modules = schema_modules(graph, database, schema);
    let all: Vec<String> =
        modules.iter().map(|file| specifier(graph, root, &folder, &beside, file, &style, |_| true)).collect();
    let schema_module = all.join(" ");
    report.found("tables in code", format!("`{}`", all.join("`, `")));
    Ok(Tests { command, place, module, folder, database_module, database_name, schema_module, any: !own.is_empty() })
}

/// Where most tests of the package lie.
fn folder(db: &Path, own: &[&PathBuf]) -> PathBuf {
    let mut counts: BTreeMap<&Path, usize> = BTreeMap::new();
    for folder in own.iter().filter_map(|file| file.parent()) {
        *counts.entry(folder).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or_else(|| db.join("tests"), |(folder, _)| folder.to_owned())
}

/// By what the tests import; where there are none, or the names are global, by the dependencies.
fn uses_vitest(root: &Path, packages: &[Package], db: &Path, own: &[&PathBuf]) -> Result<bool> {
    let others = packages.iter().flat_map(Package::tests);
    for file in own.iter().copied().chain(others) {
        let imports = entry::imports(&root.join(file))?;
        if let Some(import) = imports.iter().find(|import| ["vitest", "bun:test"].contains(&import.from.as_str())) {
            return Ok(import.from == "vitest");
        }
    }
    let mut near = packages.iter().filter(|package| package.folder == db || package.folder.as_os_str().is_empty());
    Ok(near.any(|package| package.depends_on("vitest")))
}

/// A runner whose settings lie in the packages is called there.
fn place(root: &Path, packages: &[Package], vitest: bool) -> &'static str {
    let tested: Vec<&Package> = packages.iter().filter(|package| package.tests().next().is_some()).collect();
    let has =
        |package: &Package, names: &[&str]| names.iter().any(|name| root.join(&package.folder).join(name).exists());
    if vitest {
        let from_root = packages.first().is_some_and(|package| package.depends_on("vitest"));
        let own = ["vitest.config.ts", "vitest.config.mts", "vitest.config.js", "vite.config.ts"];
        let inside = tested.iter().any(|package| !package.folder.as_os_str().is_empty() && has(package, &own));
        return if from_root && !inside { "." } else { "package" };
    }
    let inside = tested.iter().any(|package| !package.folder.as_os_str().is_empty() && has(package, &["bunfig.toml"]));
    if inside { "package" } else { "." }
}

/// The imports of tests whose specifiers serve a file in `folder`: all of those that lie there, bare ones of others.
fn beside(root: &Path, folder: &Path, own: &[&PathBuf]) -> Result<Vec<(PathBuf, Import)>> {
    let mut found = Vec::new();
    for file in own {
        let here = file.parent() == Some(folder);
        for import in entry::imports(&root.join(file))? {
            if here || !import.from.starts_with('.') {
                found.push((root.join(file), import));
            }
        }
    }
    Ok(found)
}

/// How relative imports of the package end: `.js`, `.ts`, or not at all.
fn style(root: &Path, package: Option<&Package>) -> Result<String> {
    for file in package.into_iter().flat_map(|package| &package.sources) {
        for import in entry::imports(&root.join(file))?.into_iter().filter(|import| import.from.starts_with('.')) {
            if let Some(ending) = [".js", ".ts"].iter().find(|ending| import.from.ends_with(**ending)) {
                return Ok((*ending).to_owned());
            }
        }
    }
    Ok(String::new())
}

/// What a test in `folder` writes behind `from` to reach `file`: as the tests there do, else the relative path.
fn specifier(
    graph: &Graph,
    root: &Path,
    folder: &Path,
    beside: &[(PathBuf, Import)],
    file: &Path,
    style: &str,
    uses: impl Fn(&Import) -> bool,
) -> String {
    let leads = |(from, import): &&(PathBuf, Import)| {
        uses(import) && graph.resolve(from, &import.from).as_deref() == Some(file)
    };
    if let Some((_, import)) = beside.iter().find(leads) {
        return import.from.clone();
    }
    let file = relative(root, file);
    let common = folder.ancestors().find(|above| file.starts_with(above)).unwrap_or(Path::new(""));
    let up = folder.strip_prefix(common).map_or(0, |rest| rest.components().count());
    let start = if up == 0 { "./".to_owned() } else { "../".repeat(up) };
    let inside = file.strip_prefix(common).unwrap_or(&file).with_extension("");
    let inside = inside.display().to_string();
    let plain = if style.is_empty() { inside.strip_suffix("/index").unwrap_or(&inside) } else { &inside };
    format!("{start}{plain}{style}")
}

/// The modules that export all tables: the one that the database is given, the only schema file, or each of them.
fn schema_modules(graph: &Graph, database: Option<&Database>, schema: &[PathBuf]) -> Vec<PathBuf> {
    if let [one] = schema {
        return vec![one.clone()];
    }
    let given = database.and_then(|found| graph.resolve(&found.file, found.schema.as_deref()?));
    if let Some(given) = given {
        let reached = graph.imports.get(&given).cloned().unwrap_or_default();
        if schema.iter().all(|file| *file == given || reached.contains(file)) {
            return vec![given];
        }
    }
    let index = schema.iter().find(|file| file.file_stem().is_some_and(|stem| stem == "index"));
    index.map_or_else(|| schema.to_vec(), |index| vec![index.clone()])
}

#[cfg(test)]
mod tests {
    use super::super::found::joined;
    use super::*;

    #[test]
    fn a_specifier_is_the_relative_path_in_the_style_of_the_package() {
        let (graph, root) = (Graph::default(), Path::new("/r"));
        let of = |folder: &str, file: &str, style: &str| {
            specifier(&graph, root, Path::new(folder), &[], &root.join(file), style, |_| true)
        };
        assert_eq!(of("libs/db/tests", "libs/db/src/index.ts", ""), "../src");
        assert_eq!(of("libs/db/src", "libs/db/src/schema.ts", ".js"), "./schema.js");
        assert_eq!(of("libs/db/tests/unit", "libs/db/src/db/index.ts", ".ts"), "../../src/db/index.ts");
        assert_eq!(joined(Path::new("a"), "./b/../c"), PathBuf::from("a/c"));
    }
}
