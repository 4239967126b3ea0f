//! What the scripts of the packages do with drizzle-kit: which one makes migrations, which one applies them, and which only
//! pass the word on without a terminal.
//!
//! Invariant: a command that is written into the workflow file leaves drizzle-kit its terminal, or the report says that none does.

use std::fs;
use std::path::{Path, PathBuf};

use super::packages::{Manager, Package, in_words};

/// A script that calls drizzle-kit itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direct {
    pub name: String,
    /// The folder of the package that has it, from the root.
    pub folder: PathBuf,
    /// Where drizzle-kit runs then: `cd` moves it.
    pub kit: PathBuf,
    /// What follows `--config`, from the root.
    pub config: Option<PathBuf>,
    /// Whether something comes after drizzle-kit, so that arguments would go there.
    pub chained: bool,
}

/// How migrations are made or applied here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    pub command: String,
    /// Where it runs, from the root.
    pub folder: PathBuf,
    /// In words, for the report.
    pub how: String,
}

/// Programs that run other packages' scripts side by side, and take the terminal away from them.
const WITHOUT_TERMINAL: &[&str] = &["turbo", "nx", "lerna"];

/// The parts of a script between `&&`, `;` and the like, as words.
fn parts(text: &str) -> Vec<Vec<&str>> {
    let mut parts = vec![Vec::new()];
    for word in text.split_whitespace() {
        let ends = word.ends_with(';');
        if ["&&", "||", ";", "|", "&"].contains(&word) {
            parts.push(Vec::new());
            continue;
        }
        if let Some(part) = parts.last_mut() {
            part.push(word.trim_end_matches(';').trim_matches(['"', '\'']));
        }
        if ends {
            parts.push(Vec::new());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Whether a word is this program: by name, by path, or with a version.
fn is_program(word: &str, program: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    name.split('@').next() == Some(program)
}

/// Whether the script gives its work to a program that has no terminal for it.
#[must_use]
pub fn without_terminal(text: &str) -> Option<&'static str> {
    for part in parts(text) {
        if let Some(program) = WITHOUT_TERMINAL.iter().find(|name| part.iter().any(|word| is_program(word, name))) {
            return Some(program);
        }
        let filters = part.iter().any(|word| ["--filter", "-F"].iter().any(|flag| word.starts_with(flag)));
        if filters && part.first() == Some(&"bun") {
            return Some("bun run --filter");
        }
        let all = part.iter().any(|word| ["-r", "--recursive", "--workspaces"].contains(word));
        if all && part.first().is_some_and(|first| ["pnpm", "npm"].contains(first)) {
            return Some("a run over all packages");
        }
    }
    None
}

/// The scripts that call `drizzle-kit VERB` themselves.
#[must_use]
pub fn direct(packages: &[Package], verb: &str) -> Vec<Direct> {
    let mut found = Vec::new();
    for package in packages {
        for (name, text) in package.scripts() {
            let parts = parts(text);
            let mut kit = package.folder.clone();
            for (position, part) in parts.iter().enumerate() {
                if let ["cd", folder] = part[..] {
                    kit = super::found::joined(&kit, folder);
                }
                let at = part.windows(2).position(|two| is_program(two[0], "drizzle-kit") && two[1] == verb);
                let Some(at) = at else { continue };
                let config = option(&part[at..], "--config").map(|path| super::found::joined(&kit, path));
                let chained = position + 1 < parts.len();
                let (name, folder) = (name.to_owned(), package.folder.clone());
                found.push(Direct { name, folder, kit: kit.clone(), config, chained });
                break;
            }
        }
    }
    found
}

fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| *word == name || word.starts_with(&format!("{name}=")))?;
    words[at].split_once('=').map(|(_, value)| value).or_else(|| words.get(at + 1).copied())
}

/// A script that runs a file which calls drizzle-orm's migrator: its package's folder, its name, the file.
#[must_use]
pub fn own_migrator(root: &Path, packages: &[Package]) -> Option<(PathBuf, String, PathBuf)> {
    for package in packages {
        for (name, text) in package.scripts() {
            let words = parts(text).concat();
            let files =
                words.iter().filter(|word| [".ts", ".mts", ".js", ".mjs"].iter().any(|end| word.ends_with(end)));
            for file in files.map(|word| super::found::joined(&package.folder, word)) {
                let source = fs::read_to_string(root.join(&file)).unwrap_or_default();
                if source.contains("drizzle-orm/") && source.contains("/migrator") {
                    return Some((package.folder.clone(), name.to_owned(), file));
                }
            }
        }
    }
    None
}

/// How migrations are made: by the package's own script, so that drizzle-kit has a terminal.
#[must_use]
pub fn generate(manager: Manager, found: Option<&Direct>, kit: &Path, config: Option<&Path>) -> Way {
    match found {
        // Arguments would go to what comes last: drizzle-kit then names the migration itself.
        Some(script) if script.chained => Way {
            command: manager.run(&script.name, ""),
            folder: script.folder.clone(),
            how: format!("`{}` of {}, a chain: it takes no name", script.name, in_words(&script.folder)),
        },
        Some(script) => Way {
            command: manager.run(&script.name, "--name {{name}}"),
            folder: script.folder.clone(),
            how: format!("`{}` of {}", script.name, in_words(&script.folder)),
        },
        None => kit_itself(manager, "generate", "--name {{name}}", kit, config),
    }
}

/// drizzle-kit without a script.
#[must_use]
pub fn kit_itself(manager: Manager, verb: &str, arguments: &str, kit: &Path, config: Option<&Path>) -> Way {
    let config = config.map(|path| format!("--config={}", path.display())).unwrap_or_default();
    let words = [manager.exec(), "drizzle-kit", verb, &config, arguments];
    let command = words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ");
    Way { command, folder: kit.to_owned(), how: format!("no script calls `drizzle-kit {verb}`: called itself") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, scripts: serde_json::Value) -> Package {
        Package { folder: folder.into(), manifest: serde_json::json!({ "scripts": scripts }), sources: Vec::new() }
    }

    #[test]
    fn the_script_that_calls_drizzle_kit_is_found_whatever_stands_around_it() {
        let packages = [
            package(
                "",
                serde_json::json!({
                    "g": "cd packages/db && dotenv -e .env -- bunx drizzle-kit@0.31.11 generate",
                    "t": "turbo run db:generate",
                }),
            ),
            package(
                "packages/db",
                serde_json::json!({
                    "make": "NODE_ENV=x drizzle-kit generate --config=./kit/drizzle.config.ts && prettier --write drizzle",
                }),
            ),
        ];
        let found = direct(&packages, "generate");
        assert_eq!(
            found[0],
            Direct { name: "g".into(), folder: "".into(), kit: "packages/db".into(), config: None, chained: false }
        );
        assert_eq!(
            (found[1].config.clone(), found[1].chained),
            (Some("packages/db/kit/drizzle.config.ts".into()), true)
        );
        assert_eq!(found.len(), 2);
        let way = generate(Manager::Pnpm, Some(&found[1]), Path::new("packages/db"), None);
        assert_eq!((way.command.as_str(), way.folder.to_str().unwrap()), ("pnpm run make", "packages/db"));
    }

    #[test]
    fn a_script_without_a_terminal_is_told_from_one_that_only_goes_elsewhere() {
        for (text, program) in [
            ("turbo run db:generate", Some("turbo")),
            ("bunx nx run db:generate", Some("nx")),
            ("bun run --filter @own/db db:generate", Some("bun run --filter")),
            ("pnpm -r run db:generate", Some("a run over all packages")),
            ("bun run --cwd packages/db db:generate", None),
            ("drizzle-kit generate", None),
        ] {
            assert_eq!(without_terminal(text), program, "{text}");
        }
    }
}
