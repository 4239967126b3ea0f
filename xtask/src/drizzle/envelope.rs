//! `generate --output json` of drizzle-kit 1.x: no terminal, the answers given as hints, one JSON line that tells what came of it.
//!
//! Invariant: the line is believed where it names a failure. That a migration was made is seen in the folder, by the caller.

use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use super::hints::{self, Question};
use super::project::Project;
use crate::failure::Failure;
use crate::process::{Output, Run, escapes};
use crate::sql::Operation;

/// What drizzle-kit says (1.0.0-rc.5, `skills/drizzle/generate.md` in the package).
#[derive(Debug, Deserialize)]
struct Envelope {
    status: String,
    #[serde(default)]
    unresolved: Vec<Question>,
    error: Option<Value>,
}

/// Runs `generate` to its end and gives what it printed. `command` makes it with further arguments.
///
/// Errors (step): a question that no declared operation answers, no change, anything that drizzle-kit calls an error.
pub(super) fn run(
    project: &Project,
    declared: &[Operation],
    command: impl Fn(&[&str]) -> Result<Run>,
) -> Result<String> {
    let folder = tempfile::tempdir().context("a folder for the hints")?;
    let file = folder.path().join("hints.json");
    let hints = serde_json::to_string(&hints::of(declared)).context("describing the hints")?;
    fs::write(&file, hints).context("writing the hints")?;
    let output = command(&["--output", "json", "--hints-file", &file.to_string_lossy()])?.run()?;
    let said = escapes::plain(&project.mask.apply(&format!("{}\n{}", output.stderr, output.stdout)));
    match envelope(&output.stdout) {
        Some(envelope) => judged(&envelope, &output, &said)?,
        None => return Err(unsound(&format!("it ended with exit code {}", output.code()), &said).into()),
    }
    Ok(said)
}

/// The last line that is an envelope.
fn envelope(stdout: &str) -> Option<Envelope> {
    stdout.lines().rev().find_map(|line| serde_json::from_str(line.trim()).ok())
}

fn judged(envelope: &Envelope, output: &Output, said: &str) -> std::result::Result<(), Failure> {
    match envelope.status.as_str() {
        "ok" if output.success() => Ok(()),
        "ok" => Err(unsound(&format!("it ended with exit code {}", output.code()), said)),
        "no_changes" => Err(super::generate::no_change()),
        "missing_hints" => {
            let questions = envelope.unresolved.iter().map(Question::in_words).collect::<Vec<_>>();
            Err(super::generate::undeclared(questions.join("\n")))
        }
        status => {
            let text = |key: &str| envelope.error.as_ref().and_then(|error| error[key].as_str());
            let code = text("code").unwrap_or(status);
            let kind = text("kind").map(|kind| format!(" ({kind})")).unwrap_or_default();
            let failure = unsound(&format!("{code}{kind}"), said);
            Err(match code {
                "check_error" => {
                    failure.hint("run `cargo xtask db-change inventory` to see what is wrong with the folder")
                }
                _ => failure,
            })
        }
    }
}

fn unsound(problem: &str, said: &str) -> Failure {
    // The envelope is told by then, what bun says of the script is no news, and a line may be as long as a schema.
    let noise = |line: &&str| line.is_empty() || line.starts_with(['{', '$']) || line.starts_with("error: script ");
    let lines = said.lines().map(str::trim_end).filter(|line| !noise(line));
    let told = lines.take(6).map(|line| line.chars().take(300).collect::<String>()).collect::<Vec<_>>();
    Failure::step(format!("drizzle-kit made no sound migration: {problem}")).detail(told.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As drizzle-kit 1.0.0-rc.5 printed it for a column that may have been renamed.
    const ASKS: &str = "some noise\n{\"status\":\"missing_hints\",\"unresolved\":[{\"type\":\"rename_or_create\",\"kind\":\"column\",\"entity\":[\"public\",\"users\",\"email_address\"]}]}\n";

    #[test]
    fn a_question_without_a_hint_is_told_with_the_column_it_is_about() {
        let envelope = envelope(ASKS).unwrap();
        assert_eq!(envelope.status, "missing_hints");
        let expected = "is column public.users.email_address created or renamed from another column?";
        assert_eq!(envelope.unresolved[0].in_words(), expected);
    }
}
