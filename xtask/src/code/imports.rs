//! Which file imports which, in a whole repo: relative imports, `paths` of tsconfig, and the repo's own packages by their
//! `exports`. From it: the tests that a changed file can reach.
//!
//! An import of the repo's own code that cannot be resolved is kept by name, so that "no test is affected" is never said on
//! the strength of a hole in the graph.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_ast_visit::Visit;
use serde_json::Value;

use super::parse;
use super::schema::text_of;

/// Folders that hold no source of the repo.
const IGNORED: &[&str] = &["node_modules", "dist", "build", "out", "coverage", "target"];

#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub root: PathBuf,
    /// File → the files it imports; absolute paths.
    pub imports: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// (file, specifier) of imports that look like the repo's own and lead nowhere.
    pub unresolved: Vec<(PathBuf, String)>,
    /// Files that could not be parsed.
    pub unparsed: Vec<PathBuf>,
    packages: BTreeMap<String, Package>,
    /// Folder → path patterns of its tsconfig.
    paths: BTreeMap<PathBuf, Vec<(String, Vec<PathBuf>)>>,
}

#[derive(Clone, Debug)]
struct Package {
    folder: PathBuf,
    manifest: Value,
}

/// Reads all source files under `root`.
pub fn build(root: &Path) -> Result<Graph> {
    let root = root.canonicalize().with_context(|| format!("reading `{}`", root.display()))?;
    let files = files(&root)?;
    let mut graph = Graph { root: root.clone(), ..Graph::default() };
    for file in &files {
        match file.file_name().and_then(|name| name.to_str()) {
            Some("package.json") => graph.add_package(file),
            Some(name) if name.starts_with("tsconfig") && name.ends_with(".json") => graph.add_paths(file),
            _ => {}
        }
    }
    for file in files.into_iter().filter(|file| is_source(file)) {
        let Some(specifiers) = specifiers(&file)? else {
            graph.unparsed.push(file.clone());
            graph.imports.insert(file, BTreeSet::new());
            continue;
        };
        let mut targets = BTreeSet::new();
        for specifier in specifiers {
            match graph.resolve(&file, &specifier) {
                Some(target) => {
                    targets.insert(target);
                }
                None if graph.is_own(&file, &specifier) => graph.unresolved.push((file.clone(), specifier)),
                None => {}
            }
        }
        graph.imports.insert(file, targets);
    }
    Ok(graph)
}

/// All files under a folder but those of dependencies, build results, hidden folders and plain names in the root's `.gitignore`.
pub fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let ignored = std::fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
    let plain = |line: &&str| !line.is_empty() && !line.starts_with(['#', '!']) && !line.contains(['*', '?', '[']);
    let ignored: BTreeSet<&str> =
        ignored.lines().map(str::trim).filter(plain).map(|line| line.trim_end_matches('/')).collect();
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading `{}`", folder.display()))? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let from_root = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            let out = ignored.contains(name.as_str())
                || ignored.contains(from_root.as_str())
                || ignored.contains(format!("/{from_root}").as_str());
            let kind = entry.file_type()?;
            if kind.is_dir() && !out && !name.starts_with('.') && !IGNORED.contains(&name.as_str()) {
                folders.push(path);
            } else if kind.is_file() && !out {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

pub fn is_source(file: &Path) -> bool {
    file.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| parse::ENDINGS.contains(&ending))
}

/// Test files (by glob, relative to the root) that import a changed file, directly or through others, or are one.
///
/// Errors: a glob that is none.
pub fn affected_tests(graph: &Graph, changed: &[PathBuf], test_globs: &[String]) -> Result<Vec<PathBuf>> {
    let globs = test_globs.iter().map(|text| glob::Pattern::new(text)).collect::<Result<Vec<_>, _>>()?;
    let reached = graph.reaching(changed);
    let is_test = |file: &&PathBuf| {
        let relative = file.strip_prefix(&graph.root).unwrap_or(file);
        globs.iter().any(|glob| glob.matches_path(relative))
    };
    Ok(reached.iter().filter(is_test).cloned().collect())
}

impl Graph {
    /// The files whose imports lead to one of `targets`, and the targets themselves.
    #[must_use]
    pub fn reaching(&self, targets: &[PathBuf]) -> BTreeSet<PathBuf> {
        let mut importers: BTreeMap<&PathBuf, Vec<&PathBuf>> = BTreeMap::new();
        for (file, targets) in &self.imports {
            for target in targets {
                importers.entry(target).or_default().push(file);
            }
        }
        let mut reached: BTreeSet<PathBuf> = targets.iter().map(|file| normal(&self.root.join(file))).collect();
        let mut queue: VecDeque<PathBuf> = reached.iter().cloned().collect();
        while let Some(file) = queue.pop_front() {
            for importer in importers.get(&file).into_iter().flatten() {
                if reached.insert((*importer).clone()) {
                    queue.push_back((*importer).clone());
                }
            }
        }
        reached
    }

    /// The file that an import leads to, where it is the repo's own.
    #[must_use]
    pub fn resolve(&self, from: &Path, specifier: &str) -> Option<PathBuf> {
        if specifier.starts_with('.') {
            return existing(&from.parent()?.join(specifier));
        }
        for target in self.mapped(from, specifier) {
            if let Some(file) = existing(&target) {
                return Some(file);
            }
        }
        let (name, rest) = package_name(specifier);
        let package = self.packages.get(name)?;
        let target = export(&package.manifest, rest)
            .unwrap_or_else(|| if rest.is_empty() { "index".to_owned() } else { rest.to_owned() });
        existing(&package.folder.join(&target)).or_else(|| existing(&package.folder.join("src").join(&target)))
    }

    /// A bare name that is neither mapped nor a package of the repo is a dependency.
    fn is_own(&self, from: &Path, specifier: &str) -> bool {
        let is_code = |text: &str| {
            Path::new(text).extension().is_none_or(|ending| parse::ENDINGS.iter().any(|code| ending == *code))
        };
        (specifier.starts_with('.') && is_code(specifier))
            || self.packages.contains_key(package_name(specifier).0)
            || !self.mapped(from, specifier).is_empty()
    }

    /// Where the nearest tsconfig with a fitting pattern maps a specifier to; the longest pattern wins.
    fn mapped(&self, from: &Path, specifier: &str) -> Vec<PathBuf> {
        for folder in from.ancestors().skip(1) {
            let mut best: Option<(usize, Vec<PathBuf>)> = None;
            for (pattern, targets) in self.paths.get(folder).into_iter().flatten() {
                let filled = match pattern.split_once('*') {
                    Some((start, end))
                        if specifier.len() >= start.len() + end.len()
                            && specifier.starts_with(start)
                            && specifier.ends_with(end) =>
                    {
                        Some((start.len(), &specifier[start.len()..specifier.len() - end.len()]))
                    }
                    None if pattern == specifier => Some((usize::MAX, "")),
                    _ => None,
                };
                if let Some((length, star)) =
                    filled.filter(|(length, _)| best.as_ref().is_none_or(|(best, _)| length > best))
                {
                    let fill = |target: &PathBuf| PathBuf::from(target.to_string_lossy().replacen('*', star, 1));
                    best = Some((length, targets.iter().map(fill).collect()));
                }
            }
            if let Some((_, targets)) = best {
                return targets;
            }
            if folder == self.root {
                break;
            }
        }
        Vec::new()
    }

    fn add_package(&mut self, file: &Path) {
        let manifest = std::fs::read_to_string(file).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        if let (Some(manifest), Some(folder)) = (manifest, file.parent())
            && let Some(name) = manifest["name"].as_str().map(str::to_owned)
        {
            self.packages.insert(name, Package { folder: folder.to_owned(), manifest });
        }
    }

    fn add_paths(&mut self, file: &Path) {
        let Some(folder) = file.parent() else { return };
        let Some(config) = std::fs::read_to_string(file).ok().and_then(|text| json_with_comments(&text)) else {
            return;
        };
        let options = &config["compilerOptions"];
        let base = folder.join(options["baseUrl"].as_str().unwrap_or("."));
        for (pattern, targets) in options["paths"].as_object().into_iter().flatten() {
            let targets = targets
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(|target| normal(&base.join(target)));
            self.paths.entry(folder.to_owned()).or_default().push((pattern.clone(), targets.collect()));
        }
    }
}

fn package_name(specifier: &str) -> (&str, &str) {
    let slash = if specifier.starts_with('@') {
        specifier.match_indices('/').nth(1).map(|(at, _)| at)
    } else {
        specifier.find('/')
    };
    slash.map_or((specifier, ""), |at| (&specifier[..at], &specifier[at + 1..]))
}

/// What a package's `exports` (else `module`, `main`) gives for a path inside it.
fn export(manifest: &Value, rest: &str) -> Option<String> {
    let key = if rest.is_empty() { ".".to_owned() } else { format!("./{rest}") };
    let exports = &manifest["exports"];
    let direct = match exports {
        Value::String(_) if rest.is_empty() => condition(exports),
        Value::Object(map) if map.keys().any(|key| key.starts_with('.')) => {
            map.get(&key).and_then(condition).or_else(|| {
                map.iter().find_map(|(pattern, target)| {
                    let (start, end) = pattern.split_once('*')?;
                    let star = key.strip_prefix(start)?.strip_suffix(end)?;
                    Some(condition(target)?.replacen('*', star, 1))
                })
            })
        }
        Value::Object(_) if rest.is_empty() => condition(exports),
        _ => None,
    };
    let main = || ["module", "main", "types"].iter().find_map(|key| manifest[*key].as_str().map(str::to_owned));
    direct.or_else(|| if rest.is_empty() { main() } else { None })
}

fn condition(target: &Value) -> Option<String> {
    match target {
        Value::String(path) => Some(path.clone()),
        Value::Array(all) => all.iter().find_map(condition),
        Value::Object(map) => ["bun", "source", "development", "import", "types", "default"]
            .iter()
            .find_map(|key| condition(map.get(*key)?)),
        _ => None,
    }
}

/// A path as an import means it: as it is, with an ending, `.js` for `.ts`, or a folder's index.
fn existing(path: &Path) -> Option<PathBuf> {
    let path = normal(path);
    if path.is_file() {
        return Some(path);
    }
    let text = path.to_string_lossy().into_owned();
    let stem = [".js", ".jsx", ".mjs", ".cjs"].iter().find_map(|ending| text.strip_suffix(ending));
    let stems = [Some(text.as_str()), stem];
    let named = stems
        .into_iter()
        .flatten()
        .flat_map(|stem| parse::ENDINGS.iter().map(move |ending| format!("{stem}.{ending}")));
    let index = parse::ENDINGS.iter().map(|ending| format!("{text}/index.{ending}"));
    named.chain(index).map(PathBuf::from).find(|path| path.is_file())
}

/// Without `.` and `..`, by text.
pub(super) fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut out, component| {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
        out
    })
}

fn json_with_comments(text: &str) -> Option<Value> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut in_text = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if in_text => out.extend([Some(c), chars.next()].into_iter().flatten()),
            '"' => {
                in_text = !in_text;
                out.push(c);
            }
            '/' if !in_text && chars.peek() == Some(&'/') => {
                while chars.peek().is_some_and(|c| *c != '\n') {
                    chars.next();
                }
            }
            '/' if !in_text && chars.peek() == Some(&'*') => {
                let mut last = ' ';
                chars.next();
                for c in chars.by_ref() {
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
            }
            ']' | '}' if !in_text => {
                out.truncate(out.trim_end().trim_end_matches(',').len());
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    serde_json::from_str(&out).ok()
}

/// The specifiers of all imports, type imports among them; none for a file that does not parse.
fn specifiers(file: &Path) -> Result<Option<BTreeSet<String>>> {
    let text = parse::read(file)?;
    let allocator = Allocator::default();
    let Ok(program) = parse::program(&allocator, file, &text) else { return Ok(None) };
    let mut found = Specifiers(BTreeSet::new());
    found.visit_program(program);
    Ok(Some(found.0))
}

struct Specifiers(BTreeSet<String>);

impl<'a> Visit<'a> for Specifiers {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        let specifier = match kind {
            AstKind::ImportDeclaration(import) => Some(import.source.value.as_str()),
            AstKind::ExportAllDeclaration(export) => Some(export.source.value.as_str()),
            AstKind::ExportFromDeclaration(export) => Some(export.source.value.as_str()),
            AstKind::TSImportType(import) => Some(import.source.value.as_str()),
            AstKind::ImportExpression(import) => text_of(&import.source),
            AstKind::CallExpression(call) if call.callee.is_specific_id("require") => {
                super::schema::text_argument(call)
            }
            _ => None,
        };
        self.0.extend(specifier.map(str::to_owned));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repo(files: &[(&str, &str)]) -> (tempfile::TempDir, Graph) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let graph = build(folder.path()).unwrap();
        (folder, graph)
    }

    const REPO: &[(&str, &str)] = &[
        (
            "tsconfig.json",
            "{ // paths\n \"compilerOptions\": { \"paths\": { \"@/db\": [\"./packages/db/src/index.ts\"], \"@ui/*\": [\"./ui/*\",], } } }",
        ),
        (
            "packages/db/package.json",
            r#"{"name":"@own/db","exports":{".":{"types":"./src/index.ts"},"./*":"./src/*.ts"}}"#,
        ),
        ("packages/db/src/index.ts", "export * from './schema/users.js';\nexport type A = import('./types').A;"),
        ("packages/db/src/types.ts", "export type A = 1;"),
        ("packages/db/src/schema/users.ts", "export const users = 1;"),
        ("packages/db/tests/a.test.ts", "import { users } from '@/db';"),
        ("packages/api/src/users.ts", "import { users } from '@own/db'; // import './nothing'"),
        ("packages/api/src/users.test.ts", "const { get } = await import('./users');"),
        (
            "packages/api/src/other.test.ts",
            "import 'zod'; import styles from './x.css'; const s = \"import './users'\";",
        ),
        ("ui/card.tsx", "import { users } from '@own/db/schema/users';\nexport const C = () => <p>{users}</p>;"),
        ("ui/card.test.tsx", "import { C } from '@ui/card';"),
        ("node_modules/x/a.test.ts", "import '../../packages/db/src/index';"),
    ];

    #[test]
    fn tests_are_found_through_paths_packages_and_re_exports() {
        let (_folder, graph) = repo(REPO);
        let found =
            affected_tests(&graph, &["packages/db/src/schema/users.ts".into()], &["**/*.test.*".to_owned()]).unwrap();
        let names: Vec<_> =
            found.iter().map(|file| file.strip_prefix(&graph.root).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["packages/api/src/users.test.ts", "packages/db/tests/a.test.ts", "ui/card.test.tsx"]);
        assert!(graph.unresolved.is_empty() && graph.unparsed.is_empty(), "{:?}", graph.unresolved);
    }

    #[test]
    fn holes_in_the_graph_are_named() {
        let (_folder, graph) = repo(&[("a.ts", "import './gone';"), ("b.ts", "const = 1")]);
        assert_eq!(graph.unresolved[0].1, "./gone");
        assert!(graph.unparsed[0].ends_with("b.ts"));
    }
}
