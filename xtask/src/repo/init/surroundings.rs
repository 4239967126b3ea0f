//! What stands around the database package: the API, the apps, documents, the type check and the seed. Each may be missing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::found::Report;
use super::packages::{Manager, Package, shown};
use super::scripts;
use crate::code::imports::Graph;

pub struct Surroundings {
    /// The package with the procedures, if there is one, and whether it has tests.
    pub api: Option<(PathBuf, bool)>,
    /// Globs of its procedures.
    pub procedures: Vec<String>,
    /// Other packages without pages that use the database and have tests.
    pub tested: Vec<PathBuf>,
    /// Folders in which uses of the database are looked for, without the API's; each with whether it has `.tsx` files.
    pub roots: Vec<(String, bool)>,
    /// Globs of components.
    pub components: Vec<String>,
    /// Top folders that hold packages (the database's first), and where their manifests lie.
    pub tops: Vec<String>,
    pub manifests: Vec<String>,
    pub documents: Vec<String>,
    pub typecheck: Option<String>,
    pub seed: Option<String>,
}

/// What packages that serve requests are called.
const API: &[&str] = &["api", "server", "backend", "rpc", "trpc", "service", "services", "functions"];
/// Where such packages keep their procedures.
const PROCEDURES: &[&str] = &["procedures", "routers", "router", "routes", "handlers", "resolvers", "controllers"];
const TYPECHECK: &[&str] = &["typecheck", "type-check", "check-types", "check:types", "types:check", "tsc", "types"];
const SEED: &[&str] = &["seed", "db:seed", "seed:db", "database:seed"];

pub(super) fn look(
    root: &Path,
    manager: Manager,
    packages: &[Package],
    db: &Path,
    graph: &Graph,
    report: &mut Report,
) -> Result<Surroundings> {
    let others: Vec<&Package> =
        packages.iter().filter(|package| package.folder != db && !package.folder.as_os_str().is_empty()).collect();
    let has_pages =
        |package: &Package| package.sources.iter().any(|file| file.extension().is_some_and(|ending| ending == "tsx"));
    let uses_db = |package: &Package| {
        let targets = package.sources.iter().filter_map(|file| graph.imports.get(&graph.root.join(file))).flatten();
        targets.into_iter().any(|target| target.starts_with(graph.root.join(db)))
    };
    let serving: Vec<&Package> =
        others.iter().copied().filter(|package| uses_db(package) && !has_pages(package)).collect();
    let called = |package: &&&Package| {
        let words = package.folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        words.split(['-', '_', '.']).any(|word| API.contains(&word))
    };
    let api = serving.iter().find(called).or_else(|| serving.first()).copied();
    let tested: Vec<PathBuf> = serving
        .iter()
        .filter(|package| api.is_none_or(|api| api.folder != package.folder) && package.tests().next().is_some())
        .map(|package| package.folder.clone())
        .collect();
    let api_tested = api.is_some_and(|api| api.tests().next().is_some());
    match api {
        Some(api) if api_tested => report.found("API package", api.shown()),
        Some(api) => {
            report.found("API package", api.shown());
            report
                .missing("tests of the API", format!("{} has none: `api-tests` and `api-suite` are off", api.shown()));
        }
        None => report.missing(
            "an API package",
            "no other package uses the database without having pages: `api-tests` and `api-suite` are off",
        ),
    }

    let roots = roots(packages, db, api);
    let components = components(root, packages);
    report.found("apps", if components.is_empty() { "no components".to_owned() } else { components.join(", ") });
    let documents = documents(root)?;
    match documents.is_empty() {
        true => report.missing("conventions", "no document about the database: `read-docs` is off"),
        false => report.found("conventions", documents.join(", ")),
    }
    let typecheck = typecheck(manager, packages, db);
    match &typecheck {
        Some(command) => report.found("type check", command.clone()),
        None => report.missing("a type check", "no script is called `typecheck` or runs `tsc`: `typecheck` is off"),
    }
    let seed = named(packages, db, SEED).map(|(folder, name)| manager.run_in(&folder, &name));
    match &seed {
        Some(command) => report.found("seed", command.clone()),
        None => report.missing("a seed", "no script is called `seed`: `seed` is off"),
    }
    let (tops, manifests) = tops(packages, db);
    Ok(Surroundings {
        procedures: api.map(|api| procedures(root, api)).unwrap_or_default(),
        api: api.map(|api| (api.folder.clone(), api_tested)),
        tested,
        roots,
        components,
        tops,
        manifests,
        documents,
        typecheck,
        seed,
    })
}

fn top(folder: &Path) -> String {
    folder.components().next().map_or_else(String::new, |part| part.as_os_str().to_string_lossy().into_owned())
}

/// The first folders of a single package's sources.
fn own_tops(package: &Package) -> BTreeSet<String> {
    package.sources.iter().filter(|file| file.components().count() > 1).map(|file| top(file)).collect()
}

fn roots(packages: &[Package], db: &Path, api: Option<&Package>) -> Vec<(String, bool)> {
    let pages = |folder: &str| {
        let files = packages.iter().flat_map(|package| &package.sources).filter(|file| file.starts_with(folder));
        files.into_iter().any(|file| file.extension().is_some_and(|ending| ending == "tsx"))
    };
    let mut found: BTreeSet<String> = BTreeSet::new();
    if db.as_os_str().is_empty() {
        found.extend(packages.first().map(own_tops).unwrap_or_default());
    }
    let apart = |package: &&Package| package.folder == *db || api.is_some_and(|api| api.folder == package.folder);
    let shared: BTreeSet<String> = packages.iter().filter(apart).map(|package| top(&package.folder)).collect();
    for package in packages.iter().skip(1).filter(|package| !apart(package)) {
        let top = top(&package.folder);
        found.insert(if shared.contains(&top) { package.shown() } else { top });
    }
    found.into_iter().map(|folder| (folder.clone(), pages(&folder))).collect()
}

fn components(root: &Path, packages: &[Package]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for package in packages {
        let pages: Vec<&PathBuf> =
            package.sources.iter().filter(|file| file.extension().is_some_and(|ending| ending == "tsx")).collect();
        if pages.is_empty() {
            continue;
        }
        let source = package.folder.join("src");
        let in_source = root.join(&source).is_dir() && pages.iter().all(|file| file.starts_with(&source));
        let inside = if in_source { "src/**/*.tsx" } else { "**/*.tsx" };
        let parent = package.folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        found.insert(match parent {
            Some(parent) => format!("{}/*/{inside}", parent.display()),
            None if package.folder.as_os_str().is_empty() => inside.to_owned(),
            None => format!("{}/{inside}", package.shown()),
        });
    }
    found.into_iter().collect()
}

fn procedures(root: &Path, api: &Package) -> Vec<String> {
    let source = api.folder.join("src");
    let base = if root.join(&source).is_dir() { "/src" } else { "" };
    let folder = root.join(&api.folder).join(base.trim_start_matches('/'));
    let kept = PROCEDURES.iter().find(|name| folder.join(name).is_dir());
    let inside = kept.map(|name| format!("/{name}")).unwrap_or_default();
    vec![format!("{{{{api_package}}}}{base}{inside}/**/*.ts")]
}

/// Rules of editors and documents for people that speak of the database.
fn documents(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let about = |text: &str| {
        let text = text.to_lowercase();
        ["drizzle", "migration", "database schema"].iter().any(|word| text.contains(word))
    };
    for pattern in [".cursor/rules/*.mdc", "CONTRIBUTING.md", "AGENTS.md", "CLAUDE.md", "docs/**/*.md"] {
        let files = glob::glob(&format!("{}/{pattern}", glob::Pattern::escape(&root.to_string_lossy())))?;
        for path in files.flatten().filter(|path| path.is_file()) {
            if std::fs::read_to_string(&path).is_ok_and(|text| about(&text)) {
                found.push(path.strip_prefix(root).unwrap_or(&path).display().to_string());
            }
        }
    }
    Ok(found)
}

/// A script of one of these names: of the root, else of the database package.
fn named(packages: &[Package], db: &Path, names: &[&str]) -> Option<(PathBuf, String)> {
    let near = [Path::new(""), db];
    near.iter().find_map(|folder| {
        let package = packages.iter().find(|package| package.folder == **folder)?;
        let has = |name: &&&str| package.scripts().any(|(script, _)| script == **name);
        Some((package.folder.clone(), (*names.iter().find(has)?).to_owned()))
    })
}

fn typecheck(manager: Manager, packages: &[Package], db: &Path) -> Option<String> {
    let root = packages.first()?;
    let runs_compiler = |text: &str| text.split_whitespace().any(|word| ["tsc", "tsgo", "vue-tsc"].contains(&word));
    let by_name = |package: &Package| {
        let named = TYPECHECK.iter().find_map(|name| package.scripts().find(|(script, _)| script == name));
        let checks = |text: &str| runs_compiler(text) && text.contains("noEmit");
        named
            .or_else(|| package.scripts().find(|(_, text)| checks(text)))
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
    };
    if let Some((name, text)) = by_name(root) {
        // turbo stops at the first package that fails, and would hide new errors behind old ones.
        let all = scripts::without_terminal(&text) == Some("turbo") && !text.contains("--continue");
        return Some(manager.run(&name, if all { "--continue" } else { "" }));
    }
    let others: Vec<(PathBuf, String)> =
        packages.iter().skip(1).filter_map(|package| Some((package.folder.clone(), by_name(package)?.0))).collect();
    match others.as_slice() {
        [] => {}
        [(folder, name)] => return Some(manager.run_in(folder, name)),
        [(_, first), rest @ ..] if rest.iter().all(|(_, name)| name == first) => {
            return Some(manager.run_in_all(first));
        }
        several => {
            return several.iter().find(|(folder, _)| folder == db).map(|(folder, name)| manager.run_in(folder, name));
        }
    }
    root.depends_on("typescript").then(|| format!("{} tsc --noEmit", manager.exec()))
}

fn tops(packages: &[Package], db: &Path) -> (Vec<String>, Vec<String>) {
    let mut order: Vec<String> = Vec::new();
    let mut manifests = vec!["*.json".to_owned()];
    let folders = std::iter::once(db).chain(packages.iter().map(|package| package.folder.as_path()));
    for folder in folders.filter(|folder| !folder.as_os_str().is_empty()) {
        let top = top(folder);
        let manifest = match folder.components().count() {
            1 => format!("{}/*.json", shown(folder)),
            2 => format!("{top}/*/*.json"),
            _ => format!("{}/*.json", shown(folder)),
        };
        if !order.contains(&top) {
            order.push(top);
        }
        if !manifests.contains(&manifest) {
            manifests.push(manifest);
        }
    }
    if db.as_os_str().is_empty() {
        order.extend(packages.first().map(own_tops).unwrap_or_default());
    }
    (order, manifests)
}
