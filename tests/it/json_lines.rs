//! What a run prints for programs is what the README's table says, key by key.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::harness::{Repo, noting, shell, step};
use crate::sample::project;

/// The words in backticks of each row below `heading`, cell by cell.
pub fn table(heading: &str) -> Vec<Vec<Vec<String>>> {
    let readme = std::fs::read_to_string(project().join("README.md")).unwrap();
    let section = readme.split_once(&format!("\n## {heading}\n")).expect(heading).1;
    let rows = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    rows.skip(2).map(|row| row.trim_matches('|').split('|').map(words).collect()).collect()
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

fn set(words: &[String]) -> BTreeSet<String> {
    words.iter().cloned().collect()
}

#[test]
fn every_object_of_a_run_has_the_keys_that_the_readme_says() {
    let rows = table("JSON");
    let documented: BTreeMap<&str, &Vec<Vec<String>>> =
        rows.iter().map(|row| (row[0].first().map_or("", String::as_str), row)).collect();
    let repo = Repo::new();
    let asks = step("asks", &["a"], "uses = \"docs.read\"\nwith = { documents = [\"package.json\"] }");
    let a = shell("a", &[], "true", "inputs = [\"in.txt\"]");
    repo.write("in.txt", "one");
    repo.workflow("asks", &[a.clone(), asks].concat());
    repo.workflow("fails", &[a, shell("b", &["a"], "exit 3", ""), noting("c", &["b"])].concat());
    let mut seen = BTreeSet::new();
    let mut run = |workflow: &str, code: i32| {
        let done = repo.xtask(&["run", workflow, "--json"]).run().expect(code);
        let objects: Vec<Value> = done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for object in &objects {
            assert_eq!(object["schema"], "1.0", "{object}");
            let event = object["event"].as_str().unwrap_or_default();
            let row = documented.get(event).unwrap_or_else(|| panic!("`{event}` is not in the README"));
            let mut wanted = set(&row[1]);
            wanted.insert("schema".to_owned());
            wanted.extend((!event.is_empty()).then(|| "event".to_owned()));
            assert_eq!(keys(object), wanted, "{object}");
            seen.insert(event.to_owned());
        }
        objects
    };
    let waits = run("asks", 3);
    let last = waits.last().unwrap();
    assert_eq!(keys(&last["next"]), set(&documented[""][2]), "{last}");
    assert_eq!((&last["next"]["step"], &last["next"]["kind"]), (&"asks".into(), &"attestation".into()));

    run("fails", 1);
    repo.write("in.txt", "two");
    let fails = run("fails", 1);
    let stopped = fails.last().unwrap();
    let held = &stopped["held"][0];
    let outcomes = ["done", "ended", "held", "error"].map(str::to_owned);
    assert_eq!(set(&documented["stopped"][2]), &keys(held) | &set(&outcomes), "{stopped}");
    assert_eq!((&stopped["outcome"], &held["step"], &held["exit"]), (&"held".into(), &"b".into(), &1.into()));

    // Where a database is, `connection.rs` sees it.
    seen.insert("note".to_owned());
    assert_eq!(seen, documented.keys().map(|event| (*event).to_owned()).collect(), "the README says more than is said");
}
