//! The review: without a database against squawk's own program on the same files, its text against itself on a tenth of the statements,
//! and with a database against the time that its answers take.

use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Place;
use super::figure::{Pair, cpu_seconds};
use super::resume::put;
use crate::failure::Failure;
use crate::pg::server::{Server, Settings};
use crate::process::tools::{self, Wanted};
use crate::process::{Run, fetch, interrupt, places};

const FILES: usize = 1000;
const ROUNDS: usize = 11;

/// What a file of ten does to the tables of number `n`: each a kind of statement that both programs have something to say about.
fn ten(n: usize) -> [String; 10] {
    [
        format!(
            "CREATE TABLE \"made_{n}\" (\"id\" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \"label\" varchar(40))"
        ),
        format!("ALTER TABLE \"users_{n}\" ADD COLUMN \"nick_{n}\" text"),
        format!("ALTER TABLE \"users_{n}\" ADD COLUMN \"rank_{n}\" integer NOT NULL"),
        format!("CREATE UNIQUE INDEX \"users_{n}_mail\" ON \"users_{n}\" (\"mail\")"),
        format!("CREATE INDEX CONCURRENTLY \"orders_{n}_placed\" ON \"orders_{n}\" (\"placed_at\")"),
        format!("ALTER TABLE \"orders_{n}\" ALTER COLUMN \"note\" TYPE varchar(64)"),
        format!(
            "ALTER TABLE \"orders_{n}\" ADD CONSTRAINT \"orders_{n}_user\" FOREIGN KEY (\"user_id\") REFERENCES \"users_{n}\" (\"id\")"
        ),
        format!("ALTER TABLE \"users_{n}\" RENAME COLUMN \"mail\" TO \"email\""),
        format!("ALTER TABLE \"orders_{n}\" DROP COLUMN \"legacy\""),
        format!("DROP TABLE \"old_{n}\""),
    ]
}

fn statements(numbers: std::ops::Range<usize>) -> String {
    numbers.flat_map(ten).fold(String::new(), |mut text, statement| {
        let _ = writeln!(text, "{statement};");
        text
    })
}

pub(super) fn many_files(place: &Place) -> Result<Pair> {
    let folder = place.scratch.path().join("review-files");
    for n in 0..FILES {
        put(&folder.join(format!("{n:04}.sql")), statements(n..n + 1))?;
    }
    let paths: Vec<String> = (0..FILES).map(|n| format!("{n:04}.sql")).collect();
    against_squawk(place, &folder, &paths, &format!("{FILES} files of 10 statements"))
}

pub(super) fn one_file(place: &Place) -> Result<Pair> {
    let folder = place.scratch.path().join("review-file");
    put(&folder.join("all.sql"), statements(0..FILES))?;
    against_squawk(place, &folder, &["all.sql".to_owned()], &format!("one file of {} statements", FILES * 10))
}

fn against_squawk(place: &Place, folder: &Path, paths: &[String], what: &str) -> Result<Pair> {
    let squawk = fetch::squawk(&places::cache())?;
    let ours = Run::new(&place.program, folder).args(["review", "--format", "json"]).args(paths);
    let peer = Run::new(squawk, folder).args(["--reporter", "json"]).args(paths);
    let mut pair = Pair { unit: "ms CPU", ..Pair::default() };
    for _ in 0..ROUNDS {
        if interrupt::requested() {
            break;
        }
        pair.ours.push(spent(&ours)? * 1000.0);
        pair.peer.push(spent(&peer)? * 1000.0);
    }
    pair.what = format!("`review --format json` of {what}");
    pair.against = format!("squawk {} with `--reporter json`, its own program without node", fetch::SQUAWK_VERSION);
    Ok(pair)
}

/// The text is linear: ten times the statements, ten times the time, and a tenth of that for whatever else.
pub(super) fn text(place: &Place) -> Result<Pair> {
    let folder = place.scratch.path().join("review-text");
    put(&folder.join("all.sql"), statements(0..FILES))?;
    put(&folder.join("tenth.sql"), statements(0..FILES / 10))?;
    let review = |file: &str| Run::new(&place.program, &folder).args(["review", file]);
    let (all, tenth) = (review("all.sql"), review("tenth.sql"));
    let mut pair = Pair { unit: "ms CPU", ..Pair::default() };
    for _ in 0..ROUNDS {
        if interrupt::requested() {
            break;
        }
        pair.ours.push(spent(&all)? * 1000.0);
        pair.peer.push(spent(&tenth)? * 1000.0);
    }
    pair.what = format!("`review` as text of one file of {} statements", FILES * 10);
    pair.against = format!("the same of {} statements", FILES);
    Ok(pair)
}

/// The CPU-seconds of a program that may find something.
fn spent(run: &Run) -> Result<f64> {
    cpu_seconds(|| {
        let mut command = run.command();
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        match status.with_context(|| format!("starting `{}`", run.display()))?.code() {
            Some(0 | 1) => Ok(()),
            _ => Err(Failure::step(format!("`{}` failed in `{}`", run.display(), run.cwd.display())).into()),
        }
    })
}

/// Ten tables of some 100 MB, two statements about each.
const TABLES: usize = 10;
const ROWS: usize = 700_000;
const LIVE_ROUNDS: usize = 5;

pub(super) fn live(place: &Place) -> Result<Pair> {
    let folder = place.scratch.path().join("review-live");
    let server =
        Server::start(&tools::postgres(&Wanted::default())?, &Settings { on_disk: true, ..Settings::default() })?;
    server.create_database("large")?;
    let mut client = server.connect("large")?;
    let (mut sql, mut bytes) = (String::new(), 0);
    for n in 0..TABLES {
        client.batch_execute(&format!(
            "create table t_{n} as select g as id, g % 1000 as owner, repeat('x', 100) as label from generate_series(1, {ROWS}) g"
        ))?;
        bytes += client.query_one(&format!("select pg_total_relation_size('t_{n}')"), &[])?.get::<_, i64>(0);
        let _ = writeln!(
            sql,
            "ALTER TABLE t_{n} ALTER COLUMN owner SET NOT NULL;\nALTER TABLE t_{n} ALTER COLUMN label TYPE varchar(50);"
        );
    }
    client.batch_execute("analyze")?;
    put(&folder.join("live.sql"), &sql)?;
    let url = server.url("large");
    let run =
        Run::new(&place.program, &folder).args(["review", "--format", "json", "--database-url", &url, "live.sql"]);
    let mut pair = Pair { unit: "ms", ..Pair::default() };
    for _ in 0..LIVE_ROUNDS {
        if interrupt::requested() {
            break;
        }
        let begun = Instant::now();
        let output = run.run()?;
        let took = begun.elapsed().as_secs_f64();
        let report: Value = serde_json::from_str(&output.stdout).context("reading the review's JSON")?;
        let asking = report["asking_seconds"].as_f64().context("the review asked nothing")?;
        pair.ours.push((took - asking) * 1000.0);
        pair.peer.push(asking * 1000.0);
    }
    pair.what = format!(
        "what `review` of {} statements takes besides waiting for a database of {} MB",
        2 * TABLES,
        bytes / 1_000_000
    );
    pair.against = "waiting for its answers".to_owned();
    Ok(pair)
}
