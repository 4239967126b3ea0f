//! `--answers FILE`: words prepared beforehand, each given once, when its step asks.
//!
//! A file is nobody at a terminal: a gate that is a person's opens only for an entry with a signature, which binds the very
//! question that it answers.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Deserialize;

use super::open::Repo;
use crate::engine::answers::{self, Saying, Word};
use crate::engine::runner::unknown_step;
use crate::engine::view::NextView;
use crate::engine::{adoption, person};
use crate::failure::Failure;
use crate::repo::{git, signature};
use crate::report::terminal::print;
use crate::state::model::Witness;
use crate::state::{RunFolder, State};
use crate::workflow::Loaded;
use crate::workflow::validate::RESERVED;

const EXAMPLE: &str = "[[answer]] step = \"impact\", option = 2, reason = \"…\"; [[attest]] step, by, note; [[accept]] finding, reason; each with an optional signature";

/// What has not been said yet.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswersFile {
    #[serde(skip)]
    path: PathBuf,
    #[serde(default)]
    answer: Vec<Answer>,
    #[serde(default)]
    attest: Vec<Attest>,
    #[serde(default)]
    accept: Vec<Accept>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    step: String,
    option: usize,
    reason: String,
    signature: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attest {
    step: String,
    by: String,
    note: String,
    signature: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accept {
    finding: String,
    reason: String,
    signature: Option<String>,
}

/// A run whose questions are answered.
pub(super) struct Asked<'a> {
    pub repo: &'a Repo,
    pub loaded: &'a Loaded,
    pub folder: &'a RunFolder,
    pub state: &'a mut State,
}

impl AnswersFile {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read `{}`: {error}", path.display())))?;
        let file: AnswersFile = toml::from_str(&text).map_err(|error| {
            Failure::usage(format!("`{}` does not hold answers", path.display()))
                .detail(error.to_string())
                .hint(format!("write {EXAMPLE}"))
        })?;
        Ok(AnswersFile { path: path.to_owned(), ..file })
    }

    /// Errors: an answer to a step that the workflow does not have.
    pub(super) fn check(&self, loaded: &Loaded) -> Result<()> {
        let steps = self.answer.iter().map(|word| &word.step).chain(self.attest.iter().map(|word| &word.step));
        for step in steps {
            if step != RESERVED && loaded.step(step).is_none() {
                let failure =
                    unknown_step(loaded, step).detail(format!("an answer to it is in `{}`", self.path.display()));
                return Err(failure.into());
            }
        }
        Ok(())
    }

    /// Says what the file has for this question; false where it has nothing.
    pub(super) fn say(&mut self, asked: &mut Asked<'_>, next: &NextView) -> Result<bool> {
        let person = git::person(&asked.repo.root);
        let by_step = |step: &String| *step == next.step;
        match next.kind {
            "decision" if !next.findings.is_empty() => {
                let (said, left): (Vec<_>, Vec<_>) =
                    self.accept.drain(..).partition(|word| next.findings.contains(&word.finding));
                self.accept = left;
                for word in &said {
                    let findings = std::slice::from_ref(&word.finding);
                    let saying = Saying::Accept(findings);
                    let witness = asked.witness(&next.step, saying, &word.reason, word.signature.as_deref())?;
                    let Asked { loaded, folder, state, .. } = asked;
                    answers::accept(
                        loaded,
                        folder,
                        state,
                        findings,
                        &Word { by: &person, text: &word.reason, witness },
                    )?;
                    self.told(&format!("{}: accepted {}", next.step, word.finding));
                }
                Ok(!said.is_empty())
            }
            "decision" => {
                let Some(found) = self.answer.iter().position(|word| by_step(&word.step)) else { return Ok(false) };
                let word = self.answer.remove(found);
                let saying = Saying::Answer(word.option);
                let witness = asked.witness(&next.step, saying, &word.reason, word.signature.as_deref())?;
                let Asked { loaded, folder, state, .. } = asked;
                let said = Word { by: &person, text: &word.reason, witness };
                answers::answer(loaded, folder, state, &word.step, word.option, &said)?;
                self.told(&format!("{}: option {}", word.step, word.option));
                Ok(true)
            }
            "attestation" => {
                let Some(found) = self.attest.iter().position(|word| by_step(&word.step)) else { return Ok(false) };
                let word = self.attest.remove(found);
                let saying = Saying::Attest(&word.by);
                let witness = asked.witness(&next.step, saying, &word.note, word.signature.as_deref())?;
                let Asked { loaded, folder, state, .. } = asked;
                answers::attest(loaded, folder, state, &word.step, &Word { by: &word.by, text: &word.note, witness })?;
                self.told(&format!("{}: attested by {}", word.step, word.by));
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// As [`AnswersFile::say`], for the question about a workflow file that has changed.
    pub(super) fn say_workflow(&mut self, asked: &mut Asked<'_>, current: &Loaded) -> Result<bool> {
        let Some(found) = self.answer.iter().position(|word| word.step == RESERVED) else { return Ok(false) };
        let word = self.answer.remove(found);
        let text = adoption::to_sign(asked.state, current, word.option, &word.reason);
        let witness = asked.verified(&text, word.signature.as_deref())?;
        let person = git::person(&asked.repo.root);
        let said = Word { by: &person, text: &word.reason, witness };
        adoption::answer(asked.loaded, current, asked.folder, asked.state, word.option, &said)?;
        self.told(&format!("{RESERVED}: option {}", word.option));
        Ok(true)
    }

    fn told(&self, word: &str) {
        print(&format!("{word}   (from {})\n", self.path.display()));
    }

    /// What nobody asked for, for the person who wrote it.
    pub(super) fn left(&self) -> Vec<String> {
        let answers = self.answer.iter().map(|word| format!("{} {}", word.step, word.option));
        let attests = self.attest.iter().map(|word| word.step.clone());
        answers.chain(attests).chain(self.accept.iter().map(|word| word.finding.clone())).collect()
    }
}

impl Asked<'_> {
    fn witness(&self, step: &str, saying: Saying<'_>, text: &str, signature: Option<&str>) -> Result<Option<Witness>> {
        // Without one, the refusal of a gate that needs it says more than a question that cannot be found.
        if signature.is_none() || !person::needed_for(self.loaded, self.state, step) {
            return Ok(None);
        }
        let text = answers::to_sign(self.loaded, self.state, step, saying, text)?;
        self.verified(&text, signature)
    }

    fn verified(&self, text: &str, signature: Option<&str>) -> Result<Option<Witness>> {
        let Some(armoured) = signature else { return Ok(None) };
        let State { base, signers, .. } = &*self.state;
        let principal = signature::verify(&self.repo.root, base, signers, text, armoured)?;
        Ok(Some(Witness::Signature { principal, signature: armoured.to_owned() }))
    }
}
