//! The workflow file as types. `deny_unknown_fields` everywhere; names that an error will point at carry their span.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    #[schemars(with = "String")]
    pub schema: Spanned<String>,
    pub name: String,
    /// Everything that differs between repos; `{{name}}` anywhere in the file stands for its value.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub vars: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub target: BTreeMap<String, Target>,
    #[serde(default)]
    pub shadow: Option<Shadow>,
    #[serde(default)]
    pub budget: Budget,
    /// Where to look for PostgreSQL's programs before the usual places.
    #[serde(default)]
    pub pg_bin: Option<PathBuf>,
    /// Whose signatures count, in the form of `ssh-keygen`'s allowed signers; read from the base commit.
    /// [default: workflows/allowed_signers]
    #[serde(default)]
    pub allowed_signers: Option<String>,
    /// What the review may find here, and why that is all right.
    #[serde(default)]
    pub accept: Vec<Accept>,
    pub phase: Vec<Phase>,
}

/// A kind of finding that counts no more, with the reason.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// `H60`
    #[schemars(with = "String")]
    pub rule: Spanned<String>,
    /// A file, a folder or a glob, from the root of the repo. [default: everywhere]
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub scope: Option<Spanned<String>>,
    #[schemars(with = "String")]
    pub reason: Spanned<String>,
    /// The last day on which it counts: `2027-01-31`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub until: Option<Spanned<String>>,
}

/// A named real database.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub url_env: String,
    #[serde(default)]
    pub direct_url_env: Option<String>,
    pub role: Role,
    #[serde(default)]
    pub data: Option<DataClass>,
    /// Rows per table (`users = 3_000_000`) where the database itself is not to be asked.
    #[serde(default)]
    pub rows: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Development,
    Staging,
    Production,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum DataClass {
    Personal,
    Synthetic,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    #[schemars(with = "String")]
    pub provider: Spanned<String>,
    #[schemars(with = "String")]
    pub source: Spanned<String>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub scope: Option<Spanned<String>>,
}

/// What a change may cost; a step that measures compares with it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub migration: Option<Spanned<String>>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub blocked_reads: Option<Spanned<String>>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub blocked_writes: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    #[schemars(with = "String")]
    pub id: Spanned<String>,
    pub title: String,
    pub step: Vec<Step>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    #[schemars(with = "String")]
    pub id: Spanned<String>,
    pub title: String,
    /// A built-in action, as against `run`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub uses: Option<Spanned<String>>,
    /// Parameters of the action.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub with: BTreeMap<Spanned<String>, toml::Value>,
    /// An external command, as an argument vector.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub run: Option<Spanned<Vec<String>>>,
    /// `run` has one text, given to `sh -c`; captured values are not allowed in it.
    #[serde(default)]
    pub shell: bool,
    #[serde(default)]
    pub cwd: Option<String>,
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub needs: Vec<Spanned<String>>,
    #[serde(default)]
    pub lanes: Vec<Lane>,
    /// `step.value == "text"` or `!=`, on captured values.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub when: Option<Spanned<String>>,
    /// Why this repo has nothing for this step to do; it is then skipped for this reason, and everything shows it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub off: Option<Spanned<String>>,
    #[serde(default)]
    pub tree: Tree,
    #[serde(default)]
    #[schemars(with = "Vec<Precondition>")]
    pub preconditions: Vec<Spanned<Precondition>>,
    /// Globs whose contents belong to the freshness key. A folder stands for all that is in it; folders behind a link are not looked into.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// Outside state that belongs to the freshness key: `database:TARGET`, `applied:TARGET`; `production`, where it may be read.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub probes: Vec<Spanned<String>>,
    /// Names of environment values that belong to the freshness key and that a `run` step's command sees.
    #[serde(default)]
    pub env: Vec<String>,
    #[serde(default)]
    pub outputs: Vec<String>,
    #[serde(default)]
    pub expect: Expect,
    /// Why a failure that is expected counts.
    #[serde(default)]
    pub because: Option<Because>,
    /// This step must pass the command that failed there.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub green_of: Option<Spanned<String>>,
    #[serde(default)]
    pub exclusive: Vec<String>,
    #[serde(default)]
    pub capture: BTreeMap<String, Capture>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub timeout: Option<Spanned<String>>,
    #[serde(default)]
    pub retry: Option<Retry>,
    /// Who may attest or accept what this step asks; a decision says so itself.
    #[serde(default)]
    pub by: By,
    /// The question that this step may have to ask.
    #[serde(default)]
    pub decision: Option<Decision>,
}

/// Whose word opens a gate.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum By {
    #[default]
    Anyone,
    /// Someone at a terminal, or a signature of an allowed signer.
    Person,
}

impl Workflow {
    /// Where the base commit says whose signatures count.
    #[must_use]
    pub fn signers(&self) -> &str {
        self.allowed_signers.as_deref().unwrap_or("workflows/allowed_signers")
    }
}

/// How much process a change needs; ordered, so that it can be raised and never lowered.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, serde::Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    Additive,
    Guarded,
    Breaking,
}

impl std::fmt::Display for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Lane::Additive => "additive",
            Lane::Guarded => "guarded",
            Lane::Breaking => "breaking",
        })
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Tree {
    #[default]
    Work,
    Base,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    #[default]
    Pass,
    Fail,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    #[serde(default)]
    pub exit: Vec<i32>,
    /// A regular expression over both streams.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub matches: Option<Spanned<String>>,
}

/// Exactly one of the first five is given.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Precondition {
    #[serde(default)]
    pub tool: Option<String>,
    /// Goes with `tool`: `>=1.1`.
    #[serde(default)]
    pub version: Option<String>,
    #[serde(default)]
    pub env: Option<String>,
    #[serde(default)]
    pub path: Option<String>,
    /// A query on the target `on`; its first value must be true.
    #[serde(default)]
    pub sql: Option<String>,
    #[serde(default)]
    pub on: Option<String>,
    /// A glob of which at least one file must differ from the base.
    #[serde(default)]
    pub changed: Option<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    pub from: CaptureFrom,
    /// For the streams a regular expression whose first group is the value; for junit `tests`, `failures` or `skipped`.
    #[schemars(with = "String")]
    pub select: Spanned<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum CaptureFrom {
    Stdout,
    Stderr,
    Junit,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    pub count: u32,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub delay: Option<Spanned<String>>,
}

/// A question with numbered options. `{{name}}` stands for a number that the step found.
#[derive(Clone, Debug, Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    pub id: String,
    /// Who may decide; says nothing about the step's work, and stays out of its freshness.
    #[serde(default, skip_serializing)]
    pub by: By,
    pub question: String,
    /// Stands behind the options.
    #[serde(default)]
    pub ask: Option<String>,
    #[serde(rename = "option")]
    #[schemars(with = "Vec<DecisionOption>")]
    pub options: Spanned<Vec<DecisionOption>>,
}

#[derive(Clone, Debug, Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionOption {
    pub label: String,
    /// In words: what follows from choosing it.
    pub leads_to: String,
    /// `continue`, `edit`, `abort`, `not-built`, or `goto:STEP`.
    #[schemars(with = "String")]
    pub then: Spanned<String>,
}
