//! What must hold before a step may start. Checked only when the step is about to run, never for one that is done.

use std::path::Path;

use anyhow::Result;

use super::Host;
use crate::failure::{Failure, Kind};
use crate::repo::git;
use crate::state::State;
use crate::workflow::Step;
use crate::workflow::model::Precondition;

/// The first precondition that does not hold, as the failure to show.
pub fn check(step: &Step, state: &State, root: &Path, host: &dyn Host) -> Result<()> {
    for precondition in &step.preconditions {
        one(precondition.get_ref(), step.id.get_ref(), state, root, host)?;
    }
    Ok(())
}

fn one(precondition: &Precondition, step: &str, state: &State, root: &Path, host: &dyn Host) -> Result<()> {
    let refused = |what: String| Failure::refused(format!("step `{step}` may not start: {what}"));
    if let Some(tool) = &precondition.tool {
        let (_, version) = host.tool(tool)?;
        if let Some(wanted) = &precondition.version
            && !satisfies(&version, wanted)
        {
            return Err(Failure::environment(format!("step `{step}` needs `{tool}` {wanted}, found: {version}"))
                .hint("cargo xtask doctor")
                .into());
        }
    }
    if let Some(name) = &precondition.env
        && host.env(name).is_none()
    {
        return Err(no_env(name).into());
    }
    if let Some(path) = &precondition.path
        && !root.join(path).exists()
    {
        return Err(refused(format!("`{path}` does not exist")).into());
    }
    if let Some(query) = &precondition.sql {
        let target = precondition.on.as_deref().unwrap_or("dev");
        if !host.holds(target, query)? {
            return Err(refused(format!("on `{target}` this is not true: {query}")).into());
        }
    }
    if let Some(pattern) = &precondition.changed {
        let changed = git::changed_files(root, &state.base)?;
        let glob = glob::Pattern::new(pattern).map_err(|error| Failure::usage(format!("`{pattern}`: {error}")))?;
        if !changed.iter().any(|file| glob.matches(file)) {
            return Err(refused(format!("nothing under `{pattern}` differs from the base commit")).into());
        }
    }
    Ok(())
}

/// The failure for an environment name that has no value anywhere.
#[must_use]
pub fn no_env(name: &str) -> Failure {
    Failure::new(Kind::Environment, format!("`{name}` has no value"))
        .detail("looked in the environment, in `.env` of the repo and in `.env` of the database package")
        .hint(format!("export {name}=postgres://user:password@127.0.0.1:5432/name, or write it into `.env`"))
}

/// `>=1.1`, `=1.2.3`, `1.2` (that version or one that starts with it).
fn satisfies(version: &str, wanted: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> {
        let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        digits.split(['.', '-', '+', ' ']).map_while(|part| part.parse().ok()).collect()
    };
    match wanted.strip_prefix(">=") {
        Some(least) => numbers(version) >= numbers(least),
        None => numbers(version).starts_with(&numbers(wanted.trim_start_matches('='))),
    }
}

#[cfg(test)]
mod tests {
    use super::satisfies;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(satisfies("1.10.2", ">=1.9"));
        assert!(!satisfies("1.1.9", ">=1.2"));
        assert!(satisfies("15.18 (Debian)", "15"));
        assert!(!satisfies("16.1", "15"));
    }
}
