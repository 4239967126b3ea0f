//! A labelled migration of `tests/corpus`, read strictly: what the file does not say in the known form is an error with its
//! line, so that no label and no observation is ever skipped silently.
//!
//! The header is the first lines of the file, `-- key: value`. The rest is the migration as it would stand in a repo; a line
//! `-- file: NAME` begins the next file of the same pending set.

use std::fs;
use std::path::{Path, PathBuf};

use xtask::pg::server::Server;

use super::observation::Observation;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    Dangerous,
    Safe,
    /// Safe with the case's `data`, dangerous with its `other data`.
    Data,
    Unjudgeable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// All files of the set in one transaction, as drizzle-orm's `migrate` does it.
    Drizzle,
    /// As `psql -v ON_ERROR_STOP=1 -f`: each statement by itself unless the file says `BEGIN`.
    Psql,
}

#[derive(Clone, Debug)]
pub struct Case {
    /// Below `tests/corpus`: `add_column/not_null.sql`.
    pub path: String,
    pub label: Label,
    /// At least one must be found when it is dangerous (with the dangerous data); none may count when it is safe.
    pub hazards: Vec<String>,
    /// Advisory ids that the case shows and that make nothing dangerous.
    pub notes: Vec<String>,
    pub why: String,
    pub runs: Runs,
    /// What exists before, beyond `base.sql`.
    pub schema: Vec<String>,
    pub data: Vec<String>,
    pub other_data: Vec<String>,
    pub observe: Vec<Observation>,
    pub observe_other: Vec<Observation>,
    /// The files of the pending set in order; one of them unless the body says otherwise.
    pub files: Vec<(String, String)>,
    /// The lowest and the highest major that it is valid on.
    pub postgres: (u32, u32),
}

/// Which rows a database for a case gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    Data,
    OtherData,
}

impl Case {
    #[must_use]
    pub fn topic(&self) -> &str {
        self.path.split('/').next().unwrap()
    }

    #[must_use]
    pub fn valid_on(&self, major: u32) -> bool {
        (self.postgres.0..=self.postgres.1).contains(&major)
    }

    #[must_use]
    pub fn variants(&self) -> &'static [Variant] {
        if self.label == Label::Data { &[Variant::Data, Variant::OtherData] } else { &[Variant::Data] }
    }

    #[must_use]
    pub fn observations(&self, variant: Variant) -> &[Observation] {
        if variant == Variant::Data { &self.observe } else { &self.observe_other }
    }

    /// The rows of a variant, as SQL.
    #[must_use]
    pub fn rows(&self, variant: Variant) -> &[String] {
        if variant == Variant::Data { &self.data } else { &self.other_data }
    }
}

#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus")
}

/// `base.sql`: what exists before each case.
#[must_use]
pub fn base() -> String {
    fs::read_to_string(folder().join("base.sql")).unwrap()
}

/// Every case, sorted by path; panics with all errors at once.
#[must_use]
pub fn all() -> Vec<Case> {
    let (mut cases, mut errors) = (Vec::new(), Vec::new());
    let mut paths: Vec<PathBuf> =
        glob::glob(&format!("{}/*/*.sql", folder().display())).unwrap().map(Result::unwrap).collect();
    paths.sort();
    for path in paths {
        let name = path.strip_prefix(folder()).unwrap().display().to_string();
        match parse(&name, &fs::read_to_string(&path).unwrap()) {
            Ok(case) => cases.push(case),
            Err((line, message)) => errors.push(format!("tests/corpus/{name}:{line}: {message}")),
        }
    }
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    cases
}

const TEMPLATE: &str = "corpus";

/// Loads `base.sql` on a server, once; the databases of the cases are copies of it.
pub fn prepare_template(server: &Server) {
    server.create_database(TEMPLATE).unwrap();
    server.connect(TEMPLATE).unwrap().batch_execute(&base()).unwrap();
}

/// A database named `name` with what the case finds there, after [`prepare_template`]; its URL.
#[must_use]
pub fn prepared(server: &Server, name: &str, case: &Case, variant: Variant) -> String {
    server.clone_database(TEMPLATE, name).unwrap();
    let mut client = server.connect(name).unwrap();
    for sql in case.schema.iter().chain(case.rows(variant)) {
        if let Err(error) = client.batch_execute(sql) {
            panic!("tests/corpus/{}: `{sql}`: {error}: {:?}", case.path, error.as_db_error());
        }
    }
    server.url(name)
}

/// Errors: the line and what is wrong with it.
pub fn parse(path: &str, text: &str) -> Result<Case, (usize, String)> {
    let mut case = Case {
        path: path.to_owned(),
        label: Label::Unjudgeable,
        hazards: Vec::new(),
        notes: Vec::new(),
        why: String::new(),
        runs: Runs::Psql,
        schema: Vec::new(),
        data: Vec::new(),
        other_data: Vec::new(),
        observe: Vec::new(),
        observe_other: Vec::new(),
        files: Vec::new(),
        postgres: (0, u32::MAX),
    };
    let (mut label, mut runs) = (None, None);
    let header = text.lines().take_while(|line| line.starts_with("-- ") && !line.starts_with("-- file: "));
    let mut length = 0;
    for (index, line) in header.enumerate() {
        let at = |message: String| (index + 1, message);
        length += line.len() + 1;
        let Some((key, value)) = line[3..].split_once(": ") else {
            return Err(at(format!("not `-- key: value`: `{line}`")));
        };
        let value = value.trim();
        match key {
            "label" => label = Some(read_label(value).ok_or_else(|| at(format!("not a label: `{value}`")))?),
            "hazard" => case.hazards = read_ids(value).map_err(at)?,
            "notes" => case.notes = read_ids(value).map_err(at)?,
            "why" => value.clone_into(&mut case.why),
            "runs" => runs = Some(read_runs(value).ok_or_else(|| at(format!("neither drizzle nor psql: `{value}`")))?),
            "schema" => case.schema.push(value.to_owned()),
            "data" => case.data.push(value.to_owned()),
            "other data" => case.other_data.push(value.to_owned()),
            "observe" => case.observe.push(Observation::parse(value).map_err(at)?),
            "observe other" => case.observe_other.push(Observation::parse(value).map_err(at)?),
            "postgres" => case.postgres = read_majors(value).ok_or_else(|| at(format!("not majors: `{value}`")))?,
            _ => return Err(at(format!("unknown key `{key}`"))),
        }
    }
    let first = |message: &str| (1, message.to_owned());
    case.label = label.ok_or_else(|| first("no label"))?;
    case.runs = runs.ok_or_else(|| first("no runs"))?;
    case.files = read_files(path, &text[length.min(text.len())..]);
    let complete = match case.label {
        Label::Dangerous => !case.hazards.is_empty() && !case.observe.is_empty(),
        Label::Data => !case.hazards.is_empty() && !case.observe_other.is_empty() && !case.other_data.is_empty(),
        Label::Safe => case.hazards.is_empty(),
        Label::Unjudgeable => case.hazards == ["H101"],
    };
    if !complete {
        return Err(first("the hazards, other data and observations are not those that its label needs"));
    }
    if case.label != Label::Data && !(case.other_data.is_empty() && case.observe_other.is_empty()) {
        return Err(first("only label data has other data"));
    }
    if case.why.is_empty() || case.files.is_empty() || case.files.iter().any(|(_, sql)| sql.trim().is_empty()) {
        return Err(first("no why, or no SQL"));
    }
    Ok(case)
}

fn read_label(value: &str) -> Option<Label> {
    Some(match value {
        "dangerous" => Label::Dangerous,
        "safe" => Label::Safe,
        "data" => Label::Data,
        "unjudgeable" => Label::Unjudgeable,
        _ => return None,
    })
}

fn read_runs(value: &str) -> Option<Runs> {
    Some(match value {
        "drizzle" => Runs::Drizzle,
        "psql" => Runs::Psql,
        _ => return None,
    })
}

fn read_ids(value: &str) -> Result<Vec<String>, String> {
    let is_id =
        |id: &str| id.strip_prefix('H').is_some_and(|number| number.len() >= 2 && number.parse::<u32>().is_ok());
    match value.split_whitespace().find(|id| !is_id(id)) {
        Some(id) => Err(format!("not the id of a hazard: `{id}`")),
        None => Ok(value.split_whitespace().map(str::to_owned).collect()),
    }
}

fn read_majors(value: &str) -> Option<(u32, u32)> {
    if let Some(lowest) = value.strip_prefix(">=") {
        return Some((lowest.parse().ok()?, u32::MAX));
    }
    if let Some(above) = value.strip_prefix('<') {
        return Some((0, above.parse::<u32>().ok()? - 1));
    }
    let only = value.parse().ok()?;
    Some((only, only))
}

fn read_files(path: &str, body: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in body.lines() {
        if let Some(name) = line.strip_prefix("-- file: ") {
            files.push((name.trim().to_owned(), String::new()));
            continue;
        }
        if files.is_empty() {
            files.push((path.rsplit('/').next().unwrap().to_owned(), String::new()));
        }
        let (_, sql) = files.last_mut().unwrap();
        sql.push_str(line);
        sql.push('\n');
    }
    // A body that begins with `-- file:` has nothing before it.
    files.retain(|(name, sql)| !(sql.trim().is_empty() && path.ends_with(name.as_str())));
    files
}
