//! The repo's test runner: bun, vitest or any other that writes JUnit. How it is called, for which files, and in which folder.
//!
//! Invariant: results name files from the tree's root, wherever the runner ran.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::process::Command;

/// How tests are run where the workflow file says nothing else.
pub const TEST: &str = "bun test {{files}} --reporter=junit --reporter-outfile={{junit}}";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// `{{files}}` stands for files and folders, `{{junit}}` for the report.
    pub command: Command,
    /// Whether each package's tests are run in the package's own folder; else all in the tree's root.
    pub per_package: bool,
}

/// What one call of the runner is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Where it runs, from the tree's root; empty for the root.
    pub(super) folder: PathBuf,
    /// `./x` as seen from there.
    pub(super) files: Vec<String>,
}

impl Runner {
    /// The call as a person types it: without the report, which is ours.
    #[must_use]
    pub fn shown(&self, files: &[String]) -> String {
        self.command.without(|word| word.to_lowercase().contains("junit")).fill("files", files).shown()
    }

    pub(super) fn call(&self, files: &[String], report: &Path) -> Command {
        self.command.fill("files", files).fill("junit", &[report.to_string_lossy().into_owned()])
    }

    /// The calls that these targets (`./packages/db/`, `./packages/db/tests/x.test.ts`) need, in their order.
    pub(super) fn parts(&self, root: &Path, targets: &[String]) -> Vec<Part> {
        if !self.per_package {
            return vec![Part { folder: PathBuf::new(), files: targets.to_vec() }];
        }
        let mut order: Vec<PathBuf> = Vec::new();
        let mut files: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for target in targets {
            let path: PathBuf = Path::new(target).components().filter(|part| part.as_os_str() != ".").collect();
            let package = path.ancestors().find(|above| root.join(above).join("package.json").is_file());
            let package = package.unwrap_or(Path::new("")).to_owned();
            if !order.contains(&package) {
                order.push(package.clone());
            }
            files.entry(package.clone()).or_default().push(path.strip_prefix(&package).unwrap_or(&path).to_owned());
        }
        let part = |folder: PathBuf| {
            let inside = files.get(&folder).cloned().unwrap_or_default();
            // The package itself: all of its tests, its files among them.
            let whole = inside.iter().any(|file| file.as_os_str().is_empty());
            let named = inside.iter().map(|file| format!("./{}", file.display()));
            let files = if whole { Vec::new() } else { named.collect() };
            Part { folder, files }
        };
        order.into_iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(text: &str, per_package: bool) -> Runner {
        Runner { command: Command::parse(text).unwrap(), per_package }
    }

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_report_is_asked_for_and_not_shown() {
        let vitest = runner("pnpm exec vitest run {{files}} --reporter=junit --outputFile={{junit}}", true);
        assert_eq!(vitest.shown(&list(&["./a.test.ts"])), "pnpm exec vitest run ./a.test.ts");
        let words = vitest.call(&list(&["./a", "./b"]), Path::new("/t/j.xml"));
        assert_eq!(words.words()[4..], ["./a", "./b", "--reporter=junit", "--outputFile=/t/j.xml"]);
    }

    #[test]
    fn each_package_is_called_for_its_own_files_and_a_whole_package_for_all() {
        let root = tempfile::tempdir().unwrap();
        for package in ["packages/db", "packages/api"] {
            std::fs::create_dir_all(root.path().join(package)).unwrap();
            std::fs::write(root.path().join(package).join("package.json"), "{}").unwrap();
        }
        let targets = list(&["./packages/db/tests/a.test.ts", "./packages/api/", "./packages/api/src/b.test.ts"]);
        let parts = runner("vitest", true).parts(root.path(), &targets);
        let seen: Vec<_> = parts.iter().map(|part| (part.folder.to_str().unwrap(), part.files.join(" "))).collect();
        assert_eq!(seen, [("packages/db", "./tests/a.test.ts".to_owned()), ("packages/api", String::new())]);
        assert_eq!(
            runner("bun", false).parts(root.path(), &targets),
            [Part { folder: PathBuf::new(), files: targets }]
        );
    }
}
