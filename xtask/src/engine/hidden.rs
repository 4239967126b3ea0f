//! What a step's work says goes through the mask here, once, before any of it is written, shown or asked: its evidence, its
//! question, its failure.

use anyhow::Result;

use super::Outcome;
use crate::failure::Failure;
use crate::process::Mask;
use crate::state::Evidence;

/// The outcome of a step's work without the secrets of the run.
pub(super) fn outcome(outcome: Result<Outcome>, mask: &Mask) -> Result<Outcome> {
    if mask.is_empty() {
        return outcome;
    }
    Ok(match outcome.map_err(|error| failure(&error, mask))? {
        Outcome::Passed(evidence) => Outcome::Passed(of_evidence(evidence, mask)),
        Outcome::Skipped(reason) => Outcome::Skipped(mask.apply(&reason)),
        Outcome::Edit { message, details, evidence } => Outcome::Edit {
            message: mask.apply(&message),
            details: of_lines(details, mask),
            evidence: of_evidence(evidence, mask),
        },
        Outcome::Decide { values, details, failure, evidence } => Outcome::Decide {
            values: values.into_iter().map(|(name, value)| (name, mask.apply(&value))).collect(),
            details: of_lines(details, mask),
            failure: failure.map(|failure| of_failure(failure, mask)),
            evidence: of_evidence(evidence, mask),
        },
        Outcome::Outdated { step, failure } => Outcome::Outdated { step, failure: of_failure(failure, mask) },
        Outcome::Accept { findings, digest, evidence } => Outcome::Accept {
            findings: findings.into_iter().map(|(name, text)| (name, mask.apply(&text))).collect(),
            digest,
            evidence: of_evidence(evidence, mask),
        },
        Outcome::Attest { text, details, digest, evidence } => Outcome::Attest {
            text: mask.apply(&text),
            details: of_lines(details, mask),
            digest,
            evidence: of_evidence(evidence, mask),
        },
    })
}

/// A failure that is shown or written.
pub(super) fn failure(error: &anyhow::Error, mask: &Mask) -> Failure {
    of_failure(Failure::from_error(error), mask)
}

fn of_failure(failure: Failure, mask: &Mask) -> Failure {
    Failure {
        kind: failure.kind,
        message: mask.apply(&failure.message),
        details: of_lines(failure.details, mask),
        hints: of_lines(failure.hints, mask),
    }
}

fn of_evidence(evidence: Evidence, mask: &Mask) -> Evidence {
    let table = |table: toml::Table| table.into_iter().map(|(name, value)| (name, of_value(value, mask))).collect();
    Evidence { summary: mask.apply(&evidence.summary), proven: table(evidence.proven), info: table(evidence.info) }
}

fn of_value(value: toml::Value, mask: &Mask) -> toml::Value {
    match value {
        toml::Value::String(text) => toml::Value::String(mask.apply(&text)),
        toml::Value::Array(values) => {
            toml::Value::Array(values.into_iter().map(|value| of_value(value, mask)).collect())
        }
        toml::Value::Table(table) => {
            toml::Value::Table(table.into_iter().map(|(name, value)| (name, of_value(value, mask))).collect())
        }
        other => other,
    }
}

fn of_lines(lines: Vec<String>, mask: &Mask) -> Vec<String> {
    lines.iter().map(|line| mask.apply(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_outcome_carries_is_hidden() {
        let mut mask = Mask::default();
        mask.add("s3cret-word");
        let told = || "at s3cret-word".to_owned();
        let proven: toml::Table = toml::from_str("a = 's3cret-word'\nb = [{ c = 's3cret-word' }]").unwrap();
        let evidence = || Evidence { summary: told(), proven: proven.clone(), info: proven.clone() };
        let failed = || Failure::step(told()).detail(told()).hint(told());
        let outcomes = [
            Err(failed().into()),
            Err(anyhow::anyhow!(told()).context("doing it")),
            Ok(Outcome::Passed(evidence())),
            Ok(Outcome::Skipped(told())),
            Ok(Outcome::Edit { message: told(), details: vec![told()], evidence: evidence() }),
            Ok(Outcome::Decide {
                values: vec![("a".to_owned(), told())],
                details: vec![told()],
                failure: Some(failed()),
                evidence: evidence(),
            }),
            Ok(Outcome::Outdated { step: "a".to_owned(), failure: failed() }),
            Ok(Outcome::Accept {
                findings: vec![("a".to_owned(), told())],
                digest: String::new(),
                evidence: evidence(),
            }),
            Ok(Outcome::Attest { text: told(), details: vec![told()], digest: String::new(), evidence: evidence() }),
        ];
        for given in outcomes {
            let shown = match outcome(given, &mask) {
                Ok(outcome) => format!("{outcome:?}"),
                Err(error) => Failure::from_error(&error).render(),
            };
            assert!(shown.contains("at ***") && !shown.contains("s3cret"), "{shown}");
        }
    }
}
