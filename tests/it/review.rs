//! `cargo xtask review` through the program itself: on any files, in any folder, with and without git, a workflow file, a database.

mod accepted;
mod database;
mod programs;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use xtask::process::Run;

use crate::harness::Done;

/// A folder that is no repo, on a machine without any other program.
struct Folder {
    folder: TempDir,
    env: BTreeMap<String, String>,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        let folder = Folder { folder: tempfile::tempdir().unwrap(), env: BTreeMap::new() };
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn review(&self, args: &[&str]) -> Done {
        let mut run =
            Run::new(env!("CARGO_BIN_EXE_xtask"), self.folder.path()).args(["review"]).args(args.iter().copied());
        run.env.clone_from(&self.env);
        let output = run.env("PATH", "/nowhere").env("XDG_CACHE_HOME", "/nowhere").run().unwrap();
        Done { code: output.code(), stdout: output.stdout, stderr: output.stderr }
    }

    #[track_caller]
    fn found(&self, args: &[&str]) -> Vec<String> {
        found(&self.review(&[args, &["--format", "json"]].concat()))
    }
}

/// `file:line id severity`, with `accepted` where it is; without notes on statements.
#[track_caller]
fn found(done: &Done) -> Vec<String> {
    let report = json(done);
    let word = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        let accepted = if finding["accepted"].is_null() { "" } else { " accepted" };
        format!("{}:{} {} {}{accepted}", text("file"), finding["line"], text("id"), text("severity"))
    };
    let counts = |finding: &&Value| finding["severity"] != "note" || finding["id"] == "suppression";
    report["findings"].as_array().unwrap().iter().filter(counts).map(word).collect()
}

#[track_caller]
fn json(done: &Done) -> Value {
    serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{}\n{}", done.stdout, done.stderr))
}

#[track_caller]
fn files(done: &Done) -> Vec<String> {
    let report = json(done);
    report["files"].as_array().unwrap().iter().map(|file| file["file"].as_str().unwrap().to_owned()).collect()
}

const RENAME: &str = "ALTER TABLE users RENAME COLUMN email TO mail;\n";

#[test]
fn each_format_is_alone_on_stdout_and_says_the_same_findings() {
    let folder = Folder::new(&[("a b/ä.sql", &format!("SELECT 1;\n{RENAME}DROP TABLE old;\n"))]);
    let ran = |format: &str| folder.review(&["a b", "--format", format]).expect(1);
    let text = ran("text").says(&["1 error that nobody accepted", "-- db-change: accept H10 reason"]);
    assert!(text.stdout.starts_with("error[H10]: renames column users.email to mail"), "{}", text.stdout);
    assert!(text.stdout.contains("\n  --> a b/ä.sql:2:1\n") && text.stdout.contains("statements: 1 error, 1 warning"));

    assert_eq!(found(&ran("json")), ["a b/ä.sql:2 H10 error", "a b/ä.sql:3 H01 warning"]);

    let schema = include_str!("../sarif/schema.json").replace("{2}]?$", r"{2}\\]?$");
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let sarif = json(&ran("sarif"));
    let wrong: Vec<String> = validator.iter_errors(&sarif).map(|error| error.to_string()).collect();
    assert_eq!(wrong, [""; 0]);
    let rules = &sarif["runs"][0]["tool"]["driver"]["rules"];
    assert_eq!(rules[0]["shortDescription"]["text"], "a table is dropped");
    assert!(rules[0]["properties"]["aka"].as_array().unwrap().contains(&"squawk: ban-drop-table".into()), "{rules}");
    let uri = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "a%20b/%C3%A4.sql");

    let github = ran("github");
    let commands: Vec<&str> =
        github.stdout.lines().filter_map(|line| line.split_once(" file=")).map(|(c, _)| c).collect();
    assert_eq!(
        commands.iter().filter(|command| **command != "::notice").collect::<Vec<_>>(),
        [&"::error", &"::warning"]
    );
    assert!(github.stdout.contains("::error file=a b/ä.sql,line=2,"), "{}", github.stdout);
}

#[test]
fn warnings_leave_the_exit_code_and_what_is_no_input_is_told_as_that() {
    let folder = Folder::new(&[("a.sql", "DROP TABLE old;"), ("empty/readme.md", ""), ("back/1_a.down.sql", RENAME)]);
    folder.write("binary.sql", b"SELECT 1;\n\0\x01");
    folder.write("latin.sql", b"SELECT 'caf\xe9';\n");
    folder.write("wide.sql", b"\xff\xfeS\0E\0");
    folder.write("node_modules/a/b.sql", RENAME);
    folder.write("marked.sql", "\u{feff}DROP TABLE older;");
    assert_eq!(folder.found(&["[am]*.sql", "marked.sql"]), ["a.sql:1 H01 warning", "marked.sql:1 H01 warning"]);
    folder.review(&["**/b.sql"]).expect(2).says(&["no SQL file matches `**/b.sql`"]);
    let cases: &[(&[&str], &str)] = &[
        (&[], "there is no `workflows/db-change.toml`"),
        (&["empty"], "nothing to review: there is no SQL file in `empty`"),
        (&["back"], "files that take a change back"),
        (&["no.sql"], "there is no `no.sql`"),
        (&["a.sql", "x/*.sql"], "no SQL file matches `x/*.sql`"),
        (&["binary.sql"], "`binary.sql` is not a file of text: byte 11 is zero"),
        (&["latin.sql"], "byte 12 is not UTF-8"),
        (&["wide.sql"], "begins as UTF-16 does"),
        (&["--changed", "main...HEAD"], "needs a git repository"),
        (&["a.sql", "--baseline", "no"], "cannot read the baseline `no`"),
        (&["a.sql", "--database-url", "mysql://x"], "does not start with `postgres://`"),
        (&["a.sql", "--format", "xml"], "possible values: text, json, sarif, github"),
        (&["--explain", "H999"], "there is no hazard `H999`"),
        (&["a.sql", "--list"], "cannot be used with"),
    ];
    for (args, words) in cases {
        let done = folder.review(args).expect(2).says(&[words]);
        assert_eq!(done.stdout, "", "{args:?}");
    }
    let done = folder.review(&["a.sql", "--database-url", "postgres://a:secret@127.0.0.1:1/b"]).expect(6);
    assert!(!done.stderr.contains("secret") && done.stderr.contains("127.0.0.1:1"), "{}", done.stderr);
}

#[test]
fn a_file_with_a_syntax_error_is_an_error_that_nothing_accepts_and_the_others_are_still_judged() {
    let broken = "-- db-change: accept H01 scope=file reason=\"x\"\nDROP TABLE a;\nALTER TABEL users ADD x int;\n";
    let folder = Folder::new(&[("1.sql", broken), ("2.sql", RENAME)]);
    let done = folder.review(&[".", "--write-baseline", "base", "--format", "json"]).expect(1);
    let all = found(&done);
    assert!(all.contains(&"1.sql:2 H01 warning accepted".to_owned()), "{all:?}");
    assert!(all.iter().any(|word| word.starts_with("1.sql:3 syntax error")), "{all:?}");
    assert!(all.contains(&"2.sql:1 H10 error accepted".to_owned()), "{all:?}");
}

#[test]
fn each_hazard_is_explained_by_its_id_and_by_what_others_call_it() {
    let folder = Folder::new(&[]);
    let list = folder.review(&["--list"]).expect(0).stdout;
    assert!(list.lines().count() >= 20 && list.contains("H10  breaks_code   a column is renamed\n"), "{list}");
    for line in list.lines() {
        let id = line.split_whitespace().next().unwrap();
        let page = folder.review(&["--explain", id]).expect(0).stdout;
        assert!(page.starts_with(&format!("{id} ")) && page.contains("safe way: "), "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    }
    let own = folder.review(&["--explain", "h02"]).expect(0).stdout;
    assert_eq!(folder.review(&["--explain", "ban-drop-column"]).expect(0).stdout, own);
    folder.review(&["--explain", "ban-drop-colum"]).expect(2).says(&["did you mean `ban-drop-column`"]);
}
