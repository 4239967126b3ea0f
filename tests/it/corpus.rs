//! The labelled migrations of `tests/corpus`, each confirmed by a real database: what its header says must be seen there.
//!
//! Adding one: a file in a folder of its topic; `case` says what its header holds, `observation` what can be stated.
//! `CORPUS=topic/name` confirms only the paths that hold this text.

pub mod case;
pub mod confirm;
pub mod observation;
pub mod snapshot;
pub mod squawk;
pub mod trace;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use xtask::pg::server::{Server, Settings};
use xtask::process::environment;
use xtask::process::tools::{self, Postgres, Wanted};

use case::{Case, Label};

/// Parallel workers would count what they read elsewhere.
const SETTINGS: [(&str, &str); 3] =
    [("max_parallel_workers_per_gather", "0"), ("max_parallel_maintenance_workers", "0"), ("wal_level", "logical")];

const WORKERS: usize = 2;

/// A server for the cases, with what they all start from.
pub fn server(postgres: &Postgres) -> Server {
    let extra = SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let server = Server::start(postgres, &Settings { extra, ..Settings::default() }).unwrap();
    case::prepare_template(&server);
    server
}

fn confirmed_on(postgres: &Postgres) {
    let start = Instant::now();
    let only = environment::var("CORPUS").unwrap_or_default();
    let cases: Vec<Case> =
        case::all().into_iter().filter(|case| case.valid_on(postgres.major) && case.path.contains(&only)).collect();
    let runs: Vec<_> =
        cases.iter().flat_map(|case| case.variants().iter().map(move |variant| (case, *variant))).collect();
    assert!(!runs.is_empty());
    let server = server(postgres);
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some((case, variant)) = runs.get(place) else { break };
                    let name = format!("case {place}");
                    let found = confirm::confirm(&server, &name, case, *variant);
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    let (count, seconds) = (runs.len(), start.elapsed().as_secs());
    eprintln!("PostgreSQL {}: {} cases, {count} runs, {seconds} s", postgres.version, cases.len());
    assert!(wrong.is_empty(), "PostgreSQL {} contradicts {}:\n{}", postgres.version, wrong.len(), wrong.join("\n"));
}

#[test]
fn a_database_confirms_every_label_of_the_corpus() {
    confirmed_on(&tools::postgres(&Wanted::default()).unwrap());
}

#[test]
#[ignore = "fetches another PostgreSQL, a minute: cargo xtask test --full"]
fn the_newest_major_confirms_every_label_too() {
    let bin = xtask::process::fetch::postgres(&xtask::process::places::cache()).unwrap();
    let newest = tools::postgres(&Wanted { pg_bin: Some(bin), major: None }).unwrap();
    assert!(newest.major >= 18, "{newest:?}");
    confirmed_on(&newest);
}

#[test]
fn the_corpus_is_big_balanced_and_covers_the_catalogue() {
    let cases = case::all();
    assert!(cases.len() >= 170, "{}", cases.len());
    let mut labels: BTreeMap<Label, usize> = BTreeMap::new();
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    let mut topics: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        *labels.entry(case.label).or_default() += 1;
        *topics.entry(case.topic()).or_default() += 1;
        for id in case.hazards.iter().chain(&case.notes) {
            *ids.entry(id).or_default() += 1;
        }
    }
    eprintln!("{labels:?}\n{topics:?}\n{ids:?}");
    let missing: Vec<&&str> = SHOWN.iter().filter(|id| !ids.contains_key(**id)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

/// The hazards that SQL alone can show. Without a case: H84 (what else runs at that moment), H100 (drift), H102 (free disk).
const SHOWN: &[&str] = &[
    "H01", "H02", "H03", "H04", "H05", "H06", "H10", "H11", "H12", "H13", "H20", "H21", "H22", "H23", "H24", "H25",
    "H26", "H27", "H30", "H31", "H32", "H33", "H34", "H35", "H36", "H37", "H38", "H39", "H40", "H50", "H51", "H52",
    "H53", "H60", "H61", "H62", "H63", "H64", "H65", "H66", "H70", "H71", "H72", "H80", "H81", "H82", "H83", "H85",
    "H90", "H91", "H92", "H93", "H94", "H95", "H96", "H101", "H103", "H104",
];

#[test]
fn a_header_with_an_unknown_key_or_without_a_label_is_refused_with_its_line() {
    let read = |text: &str| case::parse("topic/name.sql", text).map(|case| case.label);
    let good = "-- label: safe\n-- why: so\n-- runs: psql\nSELECT 1;\n";
    assert_eq!(read(good), Ok(Label::Safe));
    let unknown = read(&good.replace("-- why", "-- wyh")).unwrap_err();
    assert_eq!(unknown, (2, "unknown key `wyh`".to_owned()));
    assert_eq!(read(&good.replace("-- label: safe\n", "")).unwrap_err(), (1, "no label".to_owned()));
    assert!(read(&good.replace("safe", "dangerous")).is_err(), "a danger that nobody can see");
}
