//! Verbs and flags. Each doc line is the help text.

mod declared;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use declared::Declared;

/// Takes a Drizzle schema change from idea to deployed, in an order that cannot be skipped.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 80, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start, or go on with, the schema change on this branch
    #[command(
        after_help = "Example: cargo xtask db-change start --title \"Rename email\" --rename users.email=users.email_address"
    )]
    DbChange(Box<DbChange>),
    /// Run another workflow of this repo: workflows/NAME.toml
    #[command(after_help = "Example: cargo xtask run release-check")]
    Run {
        name: String,
        #[command(flatten)]
        go: Go,
    },
    /// Look at the workflow file
    Workflow {
        #[command(subcommand)]
        verb: WorkflowVerb,
    },
    /// Judge migrations of any program: what loses data, breaks code, fails on the rows, makes others wait
    #[command(next_line_help = true, after_help = REVIEW)]
    Review(Review),
    /// Adopt an existing repo: the workflow file, a thin crate, an alias, a baseline
    #[command(after_help = "Example: cargo xtask init ../shop --dry-run")]
    Init(Init),
    /// List the tools that are needed, where they were found, and what to do if one is missing
    Doctor,
    /// Take the sample repo through the whole workflow; nothing to set up
    #[command(after_help = "Example: cargo xtask demo --change phone")]
    Demo(Demo),
    /// Run the tests of this project
    Test {
        /// The long matrices too
        #[arg(long)]
        full: bool,
    },
    /// Print completions for a shell
    #[command(after_help = COMPLETIONS)]
    Completions { shell: Shell },
    /// Run the benchmarks of this project, as ratios against named peers
    Bench { name: Option<String> },
    /// Not built yet
    #[command(
        hide = true,
        name = "rollback",
        alias = "backup",
        alias = "deploy",
        alias = "stats",
        alias = "verify",
        alias = "hooks"
    )]
    NotBuilt {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
}

#[derive(Clone, Debug, Args)]
pub struct Review {
    /// Files, folders or globs [default: the migrations folder of the workflow file]
    pub paths: Vec<PathBuf>,
    /// Only what this range of git adds or changes: `origin/main...HEAD`
    #[arg(long, value_name = "A..B")]
    pub changed: Option<String>,
    /// Accept what this file lists: findings from before the first review
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write all that is found now into that file, and accept it
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    pub write_baseline: Option<PathBuf>,
    /// Ask the rows of this database, read-only [default: the workflow's `[target.production]`, where its variable is set]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// How to say what was found, on stdout
    #[arg(long, value_enum, default_value_t = ReviewFormat::Text)]
    pub format: ReviewFormat,
    /// Explain a hazard, by its id or by what another linter calls it
    #[arg(long, value_name = "ID", exclusive = true)]
    pub explain: Option<String>,
    /// List the hazards
    #[arg(long, exclusive = true)]
    pub list: bool,
    /// The server's major version, where no database is asked
    #[arg(long, value_name = "N", hide = true)]
    pub pg_version: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReviewFormat {
    Text,
    Json,
    Sarif,
    Github,
}

const REVIEW: &str = "\
Needs no workflow file, git or database. Folders of Drizzle, Prisma, Flyway,
sqlx, Diesel, golang-migrate, dbmate and goose are known by their layout: order,
transaction, way back. Other files are taken as `psql -f` runs them.

One statement is accepted where it stands, all of a kind in the workflow file:
  -- db-change: accept H10 until=2027-01-31 reason=\"deployed together\"
  [[accept]] with rule, scope, reason, until

Exit code 1: an error that nobody accepted; 2: nothing to review, or bad input;
6: the database cannot be asked.

Example: cargo xtask review db/migrations
         cargo xtask review --changed origin/main...HEAD --format github
         cargo xtask review --explain H10";

const COMPLETIONS: &str = "\
Examples:
  cargo xtask completions bash > ~/.cargo-xtask.bash
      and in ~/.bashrc: source ~/.cargo-xtask.bash
  cargo xtask completions zsh > ~/.cargo-xtask.zsh
      and in ~/.zshrc, after compinit: source ~/.cargo-xtask.zsh
  cargo xtask completions fish > ~/.config/fish/conf.d/cargo-xtask.fish";

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// The workflow whose verbs these are.
pub const DB_CHANGE: &str = "db-change";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DbChange {
    #[command(flatten)]
    pub go: Go,
    /// Whose run is meant: another workflow of this repo, started by `run NAME`
    #[arg(long, global = true, value_name = "NAME", default_value = DB_CHANGE)]
    pub workflow: String,
    #[command(subcommand)]
    pub verb: Option<ChangeVerb>,
}

/// How far to go, and how to say what happens.
#[derive(Clone, Debug, Args)]
pub struct Go {
    /// Run what is missing up to this step
    #[arg(long, value_name = "STEP")]
    pub to: Option<String>,
    /// Try this step alone, in a copy of the work tree; nothing of it counts
    #[arg(long, value_name = "STEP", conflicts_with = "to")]
    pub only: Option<String>,
    /// How many steps may run at once [default: the number of cores, at most 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Words prepared beforehand, as TOML; each is given once, when its step asks
    #[arg(long, value_name = "FILE", conflicts_with = "only")]
    pub answers: Option<PathBuf>,
    /// One JSON object a line on stdout
    #[arg(long)]
    pub json: bool,
}

/// What shows that a person says it, where a gate is a person's and nobody is at a terminal.
#[derive(Clone, Debug, Args)]
pub struct Signing {
    /// Sign the word with this SSH key
    #[arg(long, value_name = "KEYFILE", conflicts_with = "signature")]
    pub sign: Option<PathBuf>,
    /// A signature made elsewhere, of what `--to-sign` prints
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// Print what has to be signed (`ssh-keygen -Y sign -n db-change`), and say nothing yet
    #[arg(long, conflicts_with_all = ["sign", "signature"])]
    pub to_sign: bool,
}

#[derive(Debug, Subcommand)]
pub enum ChangeVerb {
    /// Declare the change, then go on as far as possible
    #[command(next_line_help = true, after_help = START)]
    Start(Start),
    /// Prove a migration that is committed already: a colleague's, or one from before this workflow
    #[command(after_help = ADOPT)]
    Adopt {
        /// Its name in the journal [default: the oldest of this branch without a receipt]
        tag: Option<String>,
        #[command(flatten)]
        go: Go,
    },
    /// Show phases and steps, and what is next
    Status(Shown),
    /// Show what would run, what would be skipped and what waits, with every command; runs nothing
    Plan(Shown),
    /// Say why a step is as it is: what was proven, or what changed since
    #[command(after_help = "Example: cargo xtask db-change why rehearse")]
    Why {
        step: String,
        #[command(flatten)]
        shown: Shown,
    },
    /// Print the logs of a step
    #[command(after_help = "Example: cargo xtask db-change logs api-tests --follow")]
    Logs(Logs),
    /// List the runs of this work tree
    Runs(Shown),
    /// Find what is wrong with the migrations: journal, files, snapshots, database, schema
    #[command(after_help = INVENTORY)]
    Inventory(Inventory),
    /// Answer the decision of a step
    #[command(
        after_help = "Example: cargo xtask db-change answer impact 2 --reason \"small internal app, one instance\""
    )]
    Answer {
        step: String,
        option: usize,
        /// Goes into the record and the report
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// Record that you did what no machine can check
    #[command(after_help = "Example: cargo xtask db-change attest read-docs --by Ada --note \"read them all\"")]
    Attest {
        step: String,
        #[arg(long)]
        by: String,
        #[arg(long)]
        note: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// Accept findings of the review, by name
    #[command(
        after_help = "Example: cargo xtask db-change accept H10 --reason \"code and database are deployed together\""
    )]
    Accept {
        #[arg(required = true)]
        findings: Vec<String>,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// Print the report of the run
    #[command(after_help = "Example: cargo xtask db-change report --format md > summary.md")]
    Report {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// End the run without finishing it; nothing is deleted
    #[command(after_help = "Example: cargo xtask db-change abort --reason \"superseded by another change\"")]
    Abort {
        #[arg(long)]
        reason: String,
    },
}

#[derive(Clone, Debug, Args)]
pub struct Start {
    /// A few words; names the run, the test file and the migration
    #[arg(long)]
    pub title: Option<String>,
    #[command(flatten)]
    pub declared: Declared,
    /// Read the operations from a TOML file
    #[arg(long, value_name = "FILE")]
    pub change: Option<PathBuf>,
    #[command(flatten)]
    pub go: Go,
}

#[derive(Clone, Debug, Args)]
pub struct Logs {
    pub step: String,
    /// Go on while the step is at work
    #[arg(long)]
    pub follow: bool,
    /// Show the values over which the migration failed, read anew from the source; at a terminal only
    #[arg(long, conflicts_with_all = ["follow", "json"])]
    pub show_values: bool,
    /// One JSON object a line on stdout
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
pub struct Inventory {
    /// The migrations folder; no workflow file, database, bun or git is needed
    #[arg(long, value_name = "DIR")]
    pub migrations: Option<PathBuf>,
    /// Compare with this database, read-only [default: DATABASE_URL, if it answers]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    #[command(flatten)]
    pub shown: Shown,
}

const START: &str = "\
At a terminal, with nothing declared and the schema files as they were, it asks.

Example: cargo xtask db-change start --title \"Rename email\" --rename users.email=users.email_address
         cargo xtask db-change start --change rename.toml
         cargo xtask db-change start --custom \"tidy titles\" --touches workouts --writes workouts.title";

const ADOPT: &str = "\
It is compared with the commit before the one that brought it. Where the
database has it already, it is proven on synthetic rows, and the report says so.
The base branch is `main` or `master`; another: `base_branch` in `[vars]`.

Example: cargo xtask db-change adopt 0007_rename_email";

const INVENTORY: &str = "\
Problems (exit code 1):
  out_of_order              a database that has a later one never gets it
  duplicate_index           two migrations, or a file beside one, with one index
  missing_sql               in the journal, but its file is not there
  missing_snapshot          drizzle-kit has lost what the schema was after it
  branched_snapshots        its snapshot does not follow the one before it
  edited_after_apply        not what the database has applied any more
  would_be_skipped          older than the newest applied one: never applied
  schema_without_migration  the schema files hold what no migration has
  table_not_exported        a table that drizzle-kit does not see

What needs a database, bun or a chain of snapshots and has none is listed as
\"not judged\", with the reason; the exit code stays 0.

Example, in CI: cargo xtask db-change inventory --migrations packages/db/drizzle";

#[derive(Clone, Copy, Debug, Args)]
pub struct Shown {
    /// One JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    Text,
    Md,
    Json,
    Html,
}

#[derive(Debug, Subcommand)]
pub enum WorkflowVerb {
    /// Find everything that is wrong with a workflow file, before anything runs
    Check { name: Option<String> },
    /// Print a workflow as a Mermaid flowchart
    #[command(after_help = "Example: cargo xtask workflow graph release-check > graph.mmd")]
    Graph { name: Option<String> },
    /// Print the JSON Schema of workflow files, for editors
    Schema,
}

#[derive(Debug, Args)]
pub struct Init {
    /// The top of the repo
    pub dir: PathBuf,
    /// Write nothing, and print every file
    #[arg(long)]
    pub dry_run: bool,
    /// Where the repo finds this library: a clone, or URL#REVISION [default: this clone]
    #[arg(long, value_name = "PATH_OR_GIT")]
    pub source: Option<String>,
    /// The configuration of Drizzle, where there are several
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Also add the lines that are shown to files that exist
    #[arg(long)]
    pub merge: bool,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Which of the two changes to play
    #[arg(long, value_enum, default_value_t = Change::Rename)]
    pub change: Change,
    /// Only prepare the folder and keep its database up until Ctrl-C, for driving the workflow by hand
    #[arg(long)]
    pub serve: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Change {
    /// A breaking change: users.email becomes users.email_address
    Rename,
    /// An additive change: users gets a nullable phone
    Phone,
}
