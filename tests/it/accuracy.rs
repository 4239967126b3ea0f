//! How often the review is right: over the whole corpus, without a database and with the one that each case describes, beside squawk.
//!
//! What counts: a finding of at least a warning. A dangerous migration needs one of its own hazards, a safe one must have none of any kind,
//! one that is safe with its data needs none once the data are asked, and what nobody can judge must be said to be not judged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use xtask::pg::server::Server;
use xtask::process::environment;
use xtask::process::tools::{self, Postgres, Wanted};
use xtask::review::set::{Before, Report, Set, Source, Transaction};
use xtask::review::{Asked, DecidedBy, Severity, review};

use crate::corpus::case::{self, Case, Label, Runs, Variant};
use crate::corpus::{self, squawk};

const WORKERS: usize = 2;

/// How a case came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Right,
    Missed,
    FalseAlarm,
}

/// With the data that the case describes, with its other data, or with no database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    Without,
    Live(Variant),
}

pub fn set(case: &Case, major: Option<u32>, before: Before) -> Set {
    let transaction = match case.runs {
        Runs::Drizzle => Transaction::Set,
        Runs::Psql => Transaction::Own,
    };
    let files = case
        .files
        .iter()
        .map(|(name, text)| Source { path: PathBuf::from(name), text: text.clone(), transaction })
        .collect();
    Set { files, before, pending: true, major, ..Set::default() }
}

pub fn without_database(case: &Case, major: u32) -> Report {
    let history = std::iter::once(case::base()).chain(case.schema.iter().cloned()).collect();
    review(&set(case, Some(major), Before::Files(history)), None)
}

pub fn live(case: &Case, server: &Server, name: &str, variant: Variant) -> Report {
    drop(case::prepared(server, name, case, variant));
    let mut client = server.connect(name).unwrap();
    client.batch_execute("ANALYZE; SET default_transaction_read_only = on").unwrap();
    let report = review(
        &set(case, None, Before::Unknown),
        Some(Asked { client: &mut client, name: "production".to_owned(), instead_of: None }),
    );
    client.close().unwrap();
    server.drop_database(name).unwrap();
    report
}

fn outcome(case: &Case, sight: Sight, report: &Report) -> Outcome {
    let counted: Vec<_> = report.findings.iter().filter(|finding| finding.severity >= Severity::Warning).collect();
    let of_its_own = counted.iter().any(|finding| case.hazards.iter().any(|id| id == finding.id));
    let dangerous = match (case.label, sight) {
        (Label::Dangerous, _) | (Label::Data, Sight::Without | Sight::Live(Variant::OtherData)) => true,
        (Label::Safe, _) | (Label::Data, Sight::Live(Variant::Data)) => false,
        (Label::Unjudgeable, _) => {
            let said = counted.iter().any(|finding| matches!(finding.decided_by, DecidedBy::NotJudged(_)));
            return if said { Outcome::Right } else { Outcome::Missed };
        }
    };
    match (dangerous, of_its_own, counted.is_empty()) {
        (true, false, _) => Outcome::Missed,
        (false, _, false) => Outcome::FalseAlarm,
        _ => Outcome::Right,
    }
}

fn told(case: &Case, sight: Sight, outcome: Outcome, report: &Report) -> String {
    let mut text = format!("{outcome:?} {sight:?} tests/corpus/{} ({:?} {:?})", case.path, case.label, case.hazards);
    for finding in &report.findings {
        let _ = write!(
            text,
            "\n    {:?} {} {}:{} {} [{}]",
            finding.severity, finding.id, finding.line, finding.column, finding.title, finding.decided_by
        );
    }
    text
}

type Score = BTreeMap<(Label, Outcome), usize>;

/// The counts, and the cases that came out wrong.
fn judged(
    cases: &[Case],
    sights: impl Fn(&Case) -> Vec<Sight>,
    report: &(dyn Fn(&Case, Sight) -> Report + Sync),
) -> (Score, Vec<String>) {
    let runs: Vec<(&Case, Sight)> =
        cases.iter().flat_map(|case| sights(case).into_iter().map(move |sight| (case, sight))).collect();
    let (next, results) = (AtomicUsize::new(0), Mutex::new((Score::new(), Vec::new())));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((case, sight)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let report = report(case, *sight);
                    let outcome = outcome(case, *sight, &report);
                    let mut results = results.lock().unwrap();
                    *results.0.entry((case.label, outcome)).or_default() += 1;
                    if outcome != Outcome::Right {
                        results.1.push(told(case, *sight, outcome, &report));
                    }
                }
            });
        }
    });
    let (score, mut wrong) = results.into_inner().unwrap();
    wrong.sort();
    (score, wrong)
}

/// Of what must be found, how much was; of what is harmless, how much raised an alarm.
fn rates(score: &Score) -> ((usize, usize), (usize, usize)) {
    let count =
        |outcome: Outcome| score.iter().filter(|((_, of), _)| *of == outcome).map(|(_, count)| count).sum::<usize>();
    let right =
        |labels: &[Label]| labels.iter().filter_map(|label| score.get(&(*label, Outcome::Right))).sum::<usize>();
    let (missed, alarms) = (count(Outcome::Missed), count(Outcome::FalseAlarm));
    let dangerous = right(&[Label::Dangerous, Label::Data, Label::Unjudgeable]);
    let safe = right(&[Label::Safe]);
    ((dangerous, dangerous + missed), (alarms, safe + alarms))
}

pub fn chosen(major: u32) -> Vec<Case> {
    let only = environment::var("CORPUS").unwrap_or_default();
    let wanted = |case: &Case| only.split(',').any(|part| case.path.contains(part));
    case::all().into_iter().filter(|case| case.valid_on(major) && wanted(case)).collect()
}

fn all_live(postgres: &Postgres) {
    let cases = chosen(postgres.major);
    let server = corpus::server(postgres);
    let number = AtomicUsize::new(0);
    let sights = |case: &Case| case.variants().iter().map(|variant| Sight::Live(*variant)).collect();
    let (score, wrong) = judged(&cases, sights, &|case, sight| {
        let Sight::Live(variant) = sight else { unreachable!() };
        live(case, &server, &format!("judged {}", number.fetch_add(1, Ordering::Relaxed)), variant)
    });
    eprintln!("PostgreSQL {}, live: {score:?}", postgres.version);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(score.values().sum::<usize>() >= cases.len() && !cases.is_empty());
}

#[test]
fn with_its_data_every_case_is_judged_right() {
    all_live(&tools::postgres(&Wanted::default()).unwrap());
}

#[test]
#[ignore = "fetches another PostgreSQL, a minute: cargo xtask test --full"]
fn with_its_data_on_the_newest_major_every_case_is_judged_right_too() {
    let bin = xtask::process::fetch::postgres(&xtask::process::places::cache()).unwrap();
    all_live(&tools::postgres(&Wanted { pg_bin: Some(bin), major: None }).unwrap());
}

#[test]
fn without_a_database_at_most_one_danger_in_twenty_is_missed_and_one_alarm_in_fifty_is_false() {
    let cases = chosen(15);
    let (score, wrong) = judged(&cases, |_| vec![Sight::Without], &|case, _| without_database(case, 15));
    let ((found, dangerous), (alarms, safe)) = rates(&score);
    eprintln!(
        "without a database: {found} of {dangerous} found, {alarms} of {safe} false: {score:?}\n{}",
        wrong.join("\n")
    );
    assert!(found * 100 >= dangerous * 95, "{found} of {dangerous}:\n{}", wrong.join("\n"));
    assert!(alarms * 100 <= safe * 2, "{alarms} of {safe}:\n{}", wrong.join("\n"));
}

#[test]
#[ignore = "fetches squawk: cargo xtask test --full"]
fn squawk_on_the_same_files_finds_less_and_warns_of_more() {
    let cases: Vec<Case> = case::all().into_iter().filter(|case| case.valid_on(15)).collect();
    let (score, _) = judged(&cases, |_| vec![Sight::Without], &|case, _| without_database(case, 15));
    let ((found, dangerous), (alarms, safe)) = rates(&score);
    eprintln!("this review: {found} of {dangerous} found, {alarms} of {safe} false");
    let options = squawk::Options { quiet: true, transactions: true };
    let rules: BTreeMap<String, BTreeSet<String>> = squawk::rules(&cases, options);
    let flagged =
        |label: Label| cases.iter().filter(|case| case.label == label && !rules[&case.path].is_empty()).count();
    let (theirs, their_alarms) =
        (flagged(Label::Dangerous) + flagged(Label::Data) + flagged(Label::Unjudgeable), flagged(Label::Safe));
    eprintln!(
        "squawk {} without its three rules about every file: {theirs} found, {their_alarms} false",
        xtask::process::fetch::SQUAWK_VERSION
    );
    assert!(found > theirs && alarms < their_alarms);
}
