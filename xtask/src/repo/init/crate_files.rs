//! The thin crate and what makes `cargo xtask` find it: a workspace, an alias, a line for git.
//!
//! Invariant: a file that exists is never rewritten. What it lacks is an addition, with the exact text, that a person allows.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::Table;

use super::plan::Step;
use crate::failure::Failure;

/// Where the library comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The folder of the library's crate; absolute.
    Path(PathBuf),
    Git {
        url: String,
        rev: Option<String>,
    },
}

impl Source {
    /// `PATH`, or `URL#REV`. Errors: a folder without the library.
    pub fn parse(text: &str) -> Result<Source> {
        if text.contains("://") || text.starts_with("git@") {
            let (url, rev) = text.rsplit_once('#').map_or((text, None), |(url, rev)| (url, Some(rev.to_owned())));
            return Ok(Source::Git { url: url.to_owned(), rev });
        }
        let path = Path::new(text).canonicalize().unwrap_or_else(|_| PathBuf::from(text));
        let is_library = |path: &Path| {
            fs::read_to_string(path.join("Cargo.toml")).is_ok_and(|text| text.contains("name = \"xtask\""))
        };
        let places = [path.clone(), path.join("xtask")];
        let found = places.into_iter().find(|path| is_library(path)).ok_or_else(|| {
            Failure::usage(format!("`{text}` is not this library: no crate `xtask` in it"))
                .hint("give a clone of this project, or the url of its repository: --source URL#REVISION")
        })?;
        Ok(Source::Path(found))
    }

    fn dependency(&self) -> String {
        let value = |text: &str| toml::Value::from(text).to_string();
        match self {
            Source::Path(path) => format!("path = {}", value(&path.to_string_lossy())),
            Source::Git { url, rev: None } => format!("git = {}", value(url)),
            Source::Git { url, rev: Some(rev) } => format!("git = {}, rev = {}", value(url), value(rev)),
        }
    }
}

/// Dependencies without debug information: the first build is what one waits for.
const PROFILE: &str = "
[profile.dev]
debug = \"line-tables-only\"

[profile.dev.package.\"*\"]
debug = false
";

const MAIN: &str = "\
//! `cargo xtask`: takes schema changes through `workflows/db-change.toml`. All of it is in the library.

fn main() -> std::process::ExitCode {
    db_change::run()
}
";

fn alias(package: &str) -> String {
    format!("xtask = \"run --quiet --package {package} --bin xtask --\"")
}

/// The crate's folder and package: its own, or a free place beside one that the repo has already.
fn place(root: &Path, name: &str) -> (&'static str, String) {
    let package = format!("{name}-xtask");
    let taken = fs::read_to_string(root.join("xtask/Cargo.toml"))
        .is_ok_and(|text| !text.contains(&format!("name = \"{package}\"")));
    (if taken { "db-xtask" } else { "xtask" }, package)
}

pub(super) fn steps(root: &Path, name: &str, source: &Source) -> Result<Vec<Step>> {
    let (folder, package) = place(root, name);
    let manifest = format!(
        "[package]\nname = \"{package}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[[bin]]\nname = \"xtask\"\npath = \"src/main.rs\"\n\n[dependencies]\ndb-change = {{ package = \"xtask\", {} }}\n",
        source.dependency()
    );
    Ok(vec![
        Step::new(root, &format!("{folder}/Cargo.toml"), manifest),
        Step::new(root, &format!("{folder}/src/main.rs"), MAIN.to_owned()),
        workspace(root, folder)?,
        cargo_config(root, &package)?,
        ignored(root),
    ])
}

fn read_table(root: &Path, name: &str) -> Result<Option<(String, Table)>> {
    let Ok(text) = fs::read_to_string(root.join(name)) else { return Ok(None) };
    let table = toml::from_str(&text).map_err(|error: toml::de::Error| {
        Failure::usage(format!("`{name}` is not TOML: {}", error.message())).hint("mend it; cargo reads it too")
    })?;
    Ok(Some((text, table)))
}

fn workspace(root: &Path, folder: &str) -> Result<Step> {
    let name = "Cargo.toml";
    let own = format!("[workspace]\nmembers = [\"{folder}\"]\nresolver = \"3\"\n{PROFILE}");
    let Some((text, table)) = read_table(root, name)? else { return Ok(Step::new(root, name, own)) };
    let Some(workspace) = table.get("workspace").and_then(toml::Value::as_table) else {
        let added = format!("\n[workspace]\nmembers = [\"{folder}\"]\n");
        return Ok(Step::addition(name, &text, format!("{}\n{added}", text.trim_end()), "at its end", &added));
    };
    let members: Vec<&str> = workspace
        .get("members")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_str)
        .collect();
    let covers =
        |pattern: &&&str| **pattern == folder || glob::Pattern::new(pattern).is_ok_and(|glob| glob.matches(folder));
    if members.iter().find(covers).is_some() {
        return Ok(Step::there(name));
    }
    let added = format!("\"{folder}\",");
    let merged = insert_member(&text, folder).context("finding `members` of the workspace")?;
    Ok(Step::addition(name, &text, merged, "in `members` of `[workspace]`", &added))
}

/// `members = [` with one more at its beginning; a workspace without the key gets it.
fn insert_member(text: &str, folder: &str) -> Option<String> {
    let section = text.find("[workspace]")?;
    let rest = &text[section..];
    let end = rest[1..].find("\n[").map_or(rest.len(), |at| at + 1);
    let members = rest[..end].find("members").and_then(|at| Some(at + rest[at..end].find('[')? + 1));
    let (at, added) = match members {
        Some(at) => {
            let behind = &rest[at..];
            let indent: String = behind.chars().take_while(|c| c.is_whitespace()).collect();
            let added = match behind.trim_start().starts_with(']') {
                true => format!("\"{folder}\""),
                false if indent.contains('\n') => format!("{indent}\"{folder}\","),
                false => format!("\"{folder}\", "),
            };
            (section + at, added)
        }
        None => (section + rest.find('\n').map_or(rest.len(), |at| at + 1), format!("members = [\"{folder}\"]\n")),
    };
    Some(format!("{}{added}{}", &text[..at], &text[at..]))
}

fn cargo_config(root: &Path, package: &str) -> Result<Step> {
    let name = if root.join(".cargo/config").is_file() { ".cargo/config" } else { ".cargo/config.toml" };
    let line = alias(package);
    let Some((text, table)) = read_table(root, name)? else {
        return Ok(Step::new(root, name, format!("[alias]\n{line}\n")));
    };
    let aliases = table.get("alias").and_then(toml::Value::as_table);
    let known = aliases.and_then(|aliases| aliases.get("xtask"));
    let wanted = toml::from_str::<Table>(&line).ok().and_then(|mut table| table.remove("xtask"));
    if known.is_some() && known == wanted.as_ref() {
        return Ok(Step::there(name));
    }
    if known.is_some() {
        let why = "it has an alias `xtask` already: give one of the two another name";
        return Ok(Step::conflict(name, why, &format!("[alias]\n{line}\n")));
    }
    let head = text.lines().position(|text| text.trim() == "[alias]");
    let merged = match head {
        Some(at) => {
            let mut lines: Vec<&str> = text.lines().collect();
            lines.insert(at + 1, &line);
            lines.join("\n") + "\n"
        }
        None => format!("{}\n\n[alias]\n{line}\n", text.trim_end()),
    };
    let (place, added) = match head {
        Some(_) => ("under `[alias]`", format!("{line}\n")),
        None => ("at its end", format!("[alias]\n{line}\n")),
    };
    Ok(Step::addition(name, &text, merged, place, &added))
}

fn ignored(root: &Path) -> Step {
    let name = ".gitignore";
    let Ok(text) = fs::read_to_string(root.join(name)) else { return Step::new(root, name, "/target\n".to_owned()) };
    if text.lines().any(|line| line.trim().trim_matches('/') == "target" || line.trim() == "**/target") {
        return Step::there(name);
    }
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    Step::addition(name, &text, format!("{text}{end}/target\n"), "at its end", "/target\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(name: &str, text: &str, of: impl Fn(&Path) -> Step) -> Option<String> {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(".cargo")).unwrap();
        fs::write(root.path().join(name), text).unwrap();
        of(root.path()).merged().map(str::to_owned)
    }

    #[test]
    fn what_exists_is_added_to_and_what_is_there_stays() {
        let member = |text: &str| merged("Cargo.toml", text, |root| workspace(root, "xtask").unwrap());
        assert_eq!(member("[workspace]\nmembers = [\"a\"]\n").unwrap(), "[workspace]\nmembers = [\"xtask\", \"a\"]\n");
        assert_eq!(member("[workspace]\nmembers = [\n  \"xt*\",\n]\n"), None);
        assert_eq!(
            member("[workspace]\nmembers = [\n  \"a\",\n]\n").unwrap(),
            "[workspace]\nmembers = [\n  \"xtask\",\n  \"a\",\n]\n"
        );
        let package = "[package]\nname = \"tool\"\n";
        assert_eq!(member(package).unwrap(), format!("{package}\n[workspace]\nmembers = [\"xtask\"]\n"));
        assert_eq!(
            member("[workspace]\nresolver = \"3\"\n\n[profile.dev]\n").unwrap(),
            "[workspace]\nmembers = [\"xtask\"]\nresolver = \"3\"\n\n[profile.dev]\n"
        );

        let config = |text: &str| merged(".cargo/config.toml", text, |root| cargo_config(root, "own-xtask").unwrap());
        let line = alias("own-xtask");
        assert_eq!(config("[alias]\nb = \"build\"\n").unwrap(), format!("[alias]\n{line}\nb = \"build\"\n"));
        assert_eq!(config("[build]\njobs = 1\n").unwrap(), format!("[build]\njobs = 1\n\n[alias]\n{line}\n"));
        assert_eq!(
            (config(&format!("[alias]\n{line}\n")), config("[alias]\nxtask = \"run -p other\"\n")),
            (None, None)
        );

        let git = |text: &str| merged(".gitignore", text, ignored);
        assert_eq!(git("node_modules").unwrap(), "node_modules\n/target\n");
        assert_eq!(git("target/\n"), None);
    }

    #[test]
    fn a_source_is_a_folder_with_the_library_or_a_revision() {
        let rev = Source::parse("https://example.com/db-change.git#0123abc").unwrap();
        assert_eq!(rev.dependency(), "git = \"https://example.com/db-change.git\", rev = \"0123abc\"");
        assert!(
            matches!(Source::parse(&format!("{}/..", env!("CARGO_MANIFEST_DIR"))).unwrap(), Source::Path(path) if path.ends_with("xtask"))
        );
        assert!(Source::parse("/nowhere").is_err());
    }
}
