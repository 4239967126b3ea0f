//! The review against PostgreSQL: random plausible migrations are reviewed with the database, then really run on a copy of it, and
//! whatever one says and the other denies is a mistake of the review.
//!
//! A migration is its seed. Without more the first [`COUNT`] are tried, a minute; with `DIFFERENTIAL_SECONDS` as many as that time allows,
//! each longer run another search. `DIFFERENTIAL_SEED` begins where an earlier failure was, and `DIFFERENTIAL_ALL` goes on after the first disagreement and tells all.

mod alter;
mod judge;
mod names;
mod writer;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use xtask::pg::server::Server;
use xtask::process::environment;
use xtask::process::tools::{self, Wanted};
use xtask::review::set::{Before, Report, Set, Source, Transaction};
use xtask::review::{Asked, review};

use crate::corpus;
use crate::corpus::case::{self, Case, Label, Runs, Variant};
use crate::corpus::confirm::Seen;

const TEMPLATE: &str = "differential";
const MORE: &str = include_str!("differential/more.sql");
const WORKERS: usize = 2;
const COUNT: u64 = 130;

fn case(sql: &str, one: bool) -> Case {
    let header = format!("-- label: safe\n-- why: generated\n-- runs: {}\n", if one { "drizzle" } else { "psql" });
    let case = case::parse("generated/migration.sql", &(header + sql)).unwrap();
    assert_eq!((case.label, case.runs == Runs::Drizzle), (Label::Safe, one));
    case
}

fn reviewed(server: &Server, database: &str, sql: &str, one: bool) -> Report {
    let transaction = if one { Transaction::Set } else { Transaction::Own };
    let source = Source { path: PathBuf::from("migration.sql"), text: sql.to_owned(), transaction };
    let set = Set { files: vec![source], before: Before::Unknown, pending: true, ..Set::default() };
    let mut client = server.connect(database).unwrap();
    client.batch_execute("SET default_transaction_read_only = on").unwrap();
    review(&set, Some(Asked { client: &mut client, name: "production".to_owned(), instead_of: None }))
}

/// What the review and the run of one migration do not agree on.
fn disagreements(server: &Server, database: &str, seed: u64) -> Vec<String> {
    let (sql, one) = writer::Writer::new(seed).migration();
    server.clone_database(TEMPLATE, database).unwrap();
    let report = reviewed(server, database, &sql, one);
    let seen = Seen::of(server, database, &case(&sql, one), Variant::Data);
    server.drop_database(database).unwrap();
    judge::disagreements(&sql, &report, &seen)
}

#[test]
#[ignore = "minutes: cargo xtask test --full"]
fn what_the_review_says_of_random_migrations_is_what_a_database_does_with_them() {
    let number = |name: &str| environment::var(name).and_then(|text| text.parse().ok());
    let first = number("DIFFERENTIAL_SEED").unwrap_or(1);
    let (seconds, last) = match number("DIFFERENTIAL_SECONDS") {
        Some(seconds) => (Duration::from_secs(seconds), u64::MAX),
        None => (Duration::MAX, first + COUNT),
    };
    let all = environment::var("DIFFERENTIAL_ALL").is_some();
    let begun = Instant::now();
    let server = corpus::server(&tools::postgres(&Wanted::default()).unwrap());
    server.create_database(TEMPLATE).unwrap();
    server.connect(TEMPLATE).unwrap().batch_execute(&(case::base() + MORE)).unwrap();
    let next = AtomicU64::new(first);
    let (count, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (server, next, count, wrong) = (&server, &next, &count, &wrong);
            scope.spawn(move || {
                while begun.elapsed() < seconds && (all || wrong.lock().unwrap().is_empty()) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last {
                        break;
                    }
                    let found = disagreements(server, &format!("migration {worker}"), seed);
                    count.fetch_add(1, Ordering::Relaxed);
                    wrong
                        .lock()
                        .unwrap()
                        .extend(found.into_iter().map(|text| format!("DIFFERENTIAL_SEED={seed}: {text}")));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    eprintln!("{} migrations, next DIFFERENTIAL_SEED={}", count.load(Ordering::Relaxed), next.load(Ordering::Relaxed));
    assert!(count.load(Ordering::Relaxed) > 0);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
