//! The catalogue for people and for other programs: what an id means, and who else calls it what.

use std::fmt::Write;

use super::hazard::Hazard;
use super::hazards::CATALOGUE;
use super::render::Catalogue;
use crate::failure::Failure;
use crate::report::terminal::{WIDTH, wrapped};
use crate::workflow::diagnostic::did_you_mean;

/// Findings that are no hazard: id and meaning. Of these, only the first can be accepted.
const OTHERS: &[(&str, &str)] = &[
    ("undeclared", "a statement does what nobody declared"),
    ("syntax", "a file cannot be read"),
    ("suppression", "an acceptance that is wrong, out of date or of no use"),
];

/// All that is known of ids.
pub struct Known;

impl Catalogue for Known {
    fn aka(&self, id: &str) -> Vec<(&'static str, &'static str)> {
        let named = hazard(id).map_or(&[][..], |hazard| hazard.aka);
        named.iter().flat_map(|(program, rules)| rules.iter().map(move |rule| (*program, *rule))).collect()
    }

    fn describe(&self, id: &str) -> String {
        let other = || OTHERS.iter().find(|(other, _)| *other == id).map(|(_, meaning)| *meaning);
        hazard(id).map(|hazard| hazard.title).or_else(other).unwrap_or(id).to_owned()
    }
}

/// What can be accepted by its id.
pub fn ids() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().map(|hazard| hazard.id).chain(["undeclared"])
}

fn hazard(id: &str) -> Option<&'static Hazard> {
    CATALOGUE.iter().find(|hazard| hazard.id == id).copied()
}

/// A line for each hazard.
#[must_use]
pub fn list() -> String {
    let mut out = String::new();
    for hazard in CATALOGUE {
        let _ = writeln!(out, "{:<5}{:<14}{}", hazard.id, hazard.class.word(), hazard.title);
    }
    out
}

/// A page about one hazard, by its id or by what another program calls it.
///
/// Errors (usage): there is none.
pub fn explain(name: &str) -> Result<String, Failure> {
    let called = |hazard: &&&Hazard| hazard.aka.iter().any(|(_, rules)| rules.contains(&name));
    let found: Vec<&&Hazard> = match CATALOGUE.iter().find(|hazard| hazard.id.eq_ignore_ascii_case(name)) {
        Some(hazard) => vec![hazard],
        None => CATALOGUE.iter().filter(called).collect(),
    };
    if found.is_empty() {
        let rules = CATALOGUE.iter().flat_map(|hazard| hazard.aka).flat_map(|(_, rules)| *rules).copied();
        let failure = Failure::usage(format!("there is no hazard `{name}`"));
        let begins = |hazard: &&&Hazard| !name.is_empty() && hazard.id.to_lowercase().starts_with(&name.to_lowercase());
        let longer: Vec<String> = CATALOGUE.iter().filter(begins).map(|hazard| format!("`{}`", hazard.id)).collect();
        if !longer.is_empty() && longer.len() < 12 {
            return Err(failure
                .hint(format!("did you mean {}?", longer.join(", ")))
                .hint("all of them: cargo xtask review --list"));
        }
        let guess = did_you_mean(name, CATALOGUE.iter().map(|hazard| hazard.id).chain(rules));
        return Err(guess.into_iter().fold(failure, Failure::hint).hint("all of them: cargo xtask review --list"));
    }
    Ok(found.into_iter().map(|hazard| page(hazard)).collect::<Vec<_>>().join("\n"))
}

fn page(hazard: &Hazard) -> String {
    let title = format!("{} {} ({})", hazard.id, hazard.title, hazard.class.word());
    let mut out = wrapped(&title, WIDTH, "") + "\n";
    out += &wrapped(hazard.danger, WIDTH, "  ");
    let decided = hazard.decided.map_or("the statement alone".to_owned(), |rows| format!("the rows: {rows}"));
    out += &wrapped(&format!("decided by: {decided}"), WIDTH, "  ");
    out += &wrapped(&format!("safe way: {}", hazard.safe), WIDTH, "  ");
    if !hazard.aka.is_empty() {
        let called = |(program, rules): &(&str, &[&str])| format!("{program} {}", rules.join(" "));
        let all: Vec<String> = hazard.aka.iter().map(called).collect();
        out += &wrapped(&format!("elsewhere: {}", all.join(", ")), WIDTH, "  ");
    }
    out
}
