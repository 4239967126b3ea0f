//! What a step's work says goes through the mask here, once, before any of it is written, shown or asked: its evidence, its
//! question, its failure.

use anyhow::Result;

use super::{Host, Outcome};
use crate::failure::Failure;
use crate::process::Mask;
use crate::state::Evidence;

/// The outcome of a step's work without the secrets of the run.
pub(super) fn outcome(outcome: Result<Outcome>, host: &dyn Host) -> Result<Outcome> {
    let mask = host.mask();
    if mask.is_empty() {
        return outcome;
    }
    Ok(match outcome.map_err(|error| of_failure(Failure::from_error(&error), &mask))? {
        Outcome::Passed(evidence) => Outcome::Passed(of_evidence(evidence, &mask)),
        Outcome::Skipped(reason) => Outcome::Skipped(mask.apply(&reason)),
        Outcome::Edit { message, details, evidence } => Outcome::Edit {
            message: mask.apply(&message),
            details: of_lines(details, &mask),
            evidence: of_evidence(evidence, &mask),
        },
        Outcome::Decide { values, details, failure, evidence } => Outcome::Decide {
            values: values.into_iter().map(|(name, value)| (name, mask.apply(&value))).collect(),
            details: of_lines(details, &mask),
            failure: failure.map(|failure| of_failure(failure, &mask)),
            evidence: of_evidence(evidence, &mask),
        },
        Outcome::Outdated { step, failure } => Outcome::Outdated { step, failure: of_failure(failure, &mask) },
        Outcome::Accept { findings, digest, evidence } => Outcome::Accept {
            findings: findings.into_iter().map(|(name, text)| (name, mask.apply(&text))).collect(),
            digest,
            evidence: of_evidence(evidence, &mask),
        },
        Outcome::Attest { text, details, digest, evidence } => Outcome::Attest {
            text: mask.apply(&text),
            details: of_lines(details, &mask),
            digest,
            evidence: of_evidence(evidence, &mask),
        },
    })
}

/// A failure that is shown or written.
pub(super) fn failure(error: &anyhow::Error, host: &dyn Host) -> Failure {
    of_failure(Failure::from_error(error), &host.mask())
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
