//! The packages of a repo, and who manages them: by the lock file and the workspaces of the root's manifest.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::code::imports;
use crate::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    Bun,
    Pnpm,
    Npm,
}

/// One package of the repo.
#[derive(Clone, Debug)]
pub struct Package {
    /// From the root; empty for the root itself.
    pub folder: PathBuf,
    pub manifest: Value,
    /// Its source files, from the root, without those of packages inside it.
    pub sources: Vec<PathBuf>,
}

impl Manager {
    /// By the lock file. Errors: none, or one of a manager that is not known here.
    pub fn of(root: &Path) -> Result<(Manager, &'static str)> {
        let known = [
            ("bun.lock", Manager::Bun),
            ("bun.lockb", Manager::Bun),
            ("pnpm-lock.yaml", Manager::Pnpm),
            ("package-lock.json", Manager::Npm),
        ];
        if let Some((lock, manager)) = known.into_iter().find(|(lock, _)| root.join(lock).is_file()) {
            return Ok((manager, lock));
        }
        let failure = match root.join("yarn.lock").is_file() {
            true => Failure::usage("yarn is not supported yet: the base commit's packages could not be installed"),
            false => Failure::usage("no lock file in the root: the base commit's packages could not be installed"),
        };
        Err(failure.hint("commit the lock file of bun, pnpm or npm (`bun install` writes `bun.lock`)").into())
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Manager::Bun => "bun",
            Manager::Pnpm => "pnpm",
            Manager::Npm => "npm",
        }
    }

    #[must_use]
    pub fn install(self) -> &'static str {
        match self {
            Manager::Bun => "bun install --frozen-lockfile",
            Manager::Pnpm => "pnpm install --frozen-lockfile",
            Manager::Npm => "npm ci",
        }
    }

    /// A script of the package in whose folder it is typed, with arguments.
    #[must_use]
    pub fn run(self, script: &str, arguments: &str) -> String {
        let script = quoted(script);
        match (self, arguments) {
            (_, "") => format!("{} run {script}", self.name()),
            (Manager::Npm, arguments) => format!("npm run {script} -- {arguments}"),
            (_, arguments) => format!("{} run {script} {arguments}", self.name()),
        }
    }

    /// The same, typed in the root.
    #[must_use]
    pub fn run_in(self, folder: &Path, script: &str) -> String {
        let option = match self {
            _ if folder.as_os_str().is_empty() => return self.run(script, ""),
            Manager::Bun => "run --cwd",
            Manager::Pnpm => "--dir",
            Manager::Npm => "--prefix",
        };
        let verb = if self == Manager::Bun { "" } else { "run " };
        format!("{} {option} {} {verb}{}", self.name(), quoted(&folder.to_string_lossy()), quoted(script))
    }

    /// The scripts of this name in all packages; those that fail do not keep others from running.
    #[must_use]
    pub fn run_in_all(self, script: &str) -> String {
        match self {
            Manager::Bun => format!("bun run --filter '*' {script}"),
            Manager::Pnpm => format!("pnpm --recursive --no-bail run {script}"),
            Manager::Npm => format!("npm run {script} --workspaces --include-workspace-root --if-present"),
        }
    }

    /// A program of the installed packages.
    #[must_use]
    pub fn exec(self) -> &'static str {
        match self {
            Manager::Bun => "bunx",
            Manager::Pnpm => "pnpm exec",
            Manager::Npm => "npx",
        }
    }
}

fn quoted(word: &str) -> String {
    if word.contains(char::is_whitespace) { format!("'{word}'") } else { word.to_owned() }
}

impl Package {
    #[must_use]
    pub fn name(&self) -> &str {
        self.manifest["name"].as_str().unwrap_or_default()
    }

    pub fn scripts(&self) -> impl Iterator<Item = (&str, &str)> {
        let scripts = self.manifest["scripts"].as_object().into_iter().flatten();
        scripts.filter_map(|(name, text)| Some((name.as_str(), text.as_str()?)))
    }

    #[must_use]
    pub fn depends_on(&self, name: &str) -> bool {
        ["dependencies", "devDependencies", "peerDependencies"]
            .iter()
            .any(|kind| self.manifest[*kind][name].is_string())
    }

    /// Test files, from the root.
    pub fn tests(&self) -> impl Iterator<Item = &PathBuf> {
        self.sources.iter().filter(|file| is_test(file))
    }

    /// As a person types it: `.` for the root.
    #[must_use]
    pub fn shown(&self) -> String {
        shown(&self.folder)
    }
}

/// A folder in a sentence.
#[must_use]
pub fn in_words(folder: &Path) -> String {
    if folder.as_os_str().is_empty() { "the root".to_owned() } else { folder.display().to_string() }
}

/// `1 file`, `2 files`
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A path from the root as it stands in the workflow file.
#[must_use]
pub fn shown(path: &Path) -> String {
    if path.as_os_str().is_empty() { ".".to_owned() } else { path.display().to_string() }
}

#[must_use]
pub fn is_test(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    [".test.", ".spec."].iter().any(|mark| name.contains(mark))
}

/// The root and every workspace of it. Errors: no manifest, or one that is not JSON.
pub fn all(root: &Path) -> Result<Vec<Package>> {
    let manifest = manifest(root, Path::new(""))?.ok_or_else(|| {
        Failure::usage(format!("`{}` has no `package.json`", root.display()))
            .hint("give the folder of the repo whose schema this is for: cargo xtask init DIR")
    })?;
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    let (keep, drop): (Vec<String>, Vec<String>) =
        patterns(root, &manifest)?.into_iter().partition(|pattern| !pattern.starts_with('!'));
    for pattern in keep {
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/').to_owned();
        let absolute = format!("{}/{pattern}", glob::Pattern::escape(&root.to_string_lossy()));
        let found = glob::glob(&absolute).with_context(|| format!("the workspace pattern `{pattern}`"))?;
        let inside = found.flatten().filter_map(|path| Some(path.strip_prefix(root).ok()?.to_owned()));
        folders.extend(inside.filter(|path| !path.iter().any(|part| part == "node_modules")));
    }
    let dropped: Vec<glob::Pattern> = drop
        .iter()
        .filter_map(|pattern| glob::Pattern::new(pattern.trim_start_matches(['!', '.', '/'])).ok())
        .collect();
    let mut packages = vec![Package { folder: PathBuf::new(), manifest, sources: Vec::new() }];
    for folder in folders.into_iter().filter(|folder| !dropped.iter().any(|pattern| pattern.matches_path(folder))) {
        if let Some(manifest) = self::manifest(root, &folder)? {
            packages.push(Package { folder, manifest, sources: Vec::new() });
        }
    }
    for file in imports::files(root)? {
        let Ok(file) = file.strip_prefix(root).map(Path::to_owned) else { continue };
        if imports::is_source(&file) {
            let home = packages.iter_mut().filter(|package| file.starts_with(&package.folder));
            if let Some(package) = home.max_by_key(|package| package.folder.components().count()) {
                package.sources.push(file);
            }
        }
    }
    Ok(packages)
}

fn manifest(root: &Path, folder: &Path) -> Result<Option<Value>> {
    let path = root.join(folder).join("package.json");
    let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
    let value = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("`{}` is not JSON: {error}", folder.join("package.json").display()))
            .hint("mend it; package managers read it too")
    })?;
    Ok(Some(value))
}

/// `workspaces` of the manifest (a list, or an object with `packages`), and `packages` of `pnpm-workspace.yaml`.
fn patterns(root: &Path, manifest: &Value) -> Result<Vec<String>> {
    let listed = manifest.get("workspaces").map(|found| found.get("packages").unwrap_or(found));
    let listed = listed.and_then(Value::as_array).into_iter().flatten();
    let mut found: Vec<String> = listed.filter_map(|pattern| pattern.as_str().map(str::to_owned)).collect();
    let Ok(text) = fs::read_to_string(root.join("pnpm-workspace.yaml")) else { return Ok(found) };
    // A list of texts is all that stands there under `packages`.
    let mut inside = false;
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let item = line.trim_start().strip_prefix("- ").map(|item| item.split(" #").next().unwrap_or(item));
        match item {
            Some(item) if inside => found.push(item.trim().trim_matches(['"', '\'']).to_owned()),
            Some(_) => {}
            None => inside = line.starts_with("packages:"),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_of_bun_and_pnpm_are_found_and_sources_go_to_the_nearest_package() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("package.json", r#"{ "workspaces": { "packages": ["apps/*"] } }"#);
        write("pnpm-workspace.yaml", "packages:\n  - 'libs/**' # all\n  - \"!libs/old\"\nother:\n  - x\n");
        for folder in ["apps/web", "libs/store", "libs/old"] {
            write(&format!("{folder}/package.json"), "{}");
        }
        write("libs/store/src/a.test.ts", "");
        write("tool.ts", "");
        let packages = all(root.path()).unwrap();
        let seen: Vec<_> = packages.iter().map(|package| (package.shown(), package.sources.len())).collect();
        assert_eq!(seen, [(".".to_owned(), 1), ("apps/web".to_owned(), 0), ("libs/store".to_owned(), 1)]);
        assert_eq!(packages[2].tests().count(), 1);
    }

    #[test]
    fn a_script_is_called_as_its_manager_calls_it() {
        assert_eq!(Manager::Npm.run("gen", "--name {{name}}"), "npm run gen -- --name {{name}}");
        assert_eq!(Manager::Pnpm.run("gen", "--name {{name}}"), "pnpm run gen --name {{name}}");
        assert_eq!(Manager::Bun.run_in(Path::new("packages/db"), "seed"), "bun run --cwd packages/db seed");
        assert_eq!(Manager::Pnpm.run_in(Path::new("packages/db"), "seed"), "pnpm --dir packages/db run seed");
    }
}
