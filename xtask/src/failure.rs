//! One kind of error for the person at the terminal: what happened, the evidence for it, and what to type next.
//!
//! Modules return `anyhow::Result`; whatever a user can cause or mend is a [`Failure`] inside it, and everything else that
//! reaches `main` is an internal error. The kind decides the exit code, and nothing else does.

use std::{fmt, io};

/// Why a command ended, and with it the exit code that scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A step ran and did not prove what it had to.
    Step,
    /// Bad usage, workflow or configuration.
    Usage,
    /// An edit, a decision or an attestation is missing.
    Waiting,
    /// A gate, a precondition or the order of steps says no.
    Refused,
    /// Another run, or what is left of one, is at work.
    Busy,
    /// A tool, a database or a version is not as needed.
    Environment,
    /// A bug of ours.
    Internal,
    /// Try again later.
    Temporary,
}

impl Kind {
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Step => 1,
            Kind::Usage => 2,
            Kind::Waiting => 3,
            Kind::Refused => 4,
            Kind::Busy => 5,
            Kind::Environment => 6,
            Kind::Internal => 70,
            Kind::Temporary => 75,
        }
    }
}

/// An error written for the person who reads it at 2 a.m.
///
/// Wording: lower case, no full stop, literals in backticks, the value last after `: `.
#[derive(Clone, Debug)]
pub struct Failure {
    pub kind: Kind,
    pub message: String,
    /// Indented lines below the message: the evidence.
    pub details: Vec<String>,
    /// What to do, each a sentence that ends in a command to type where there is one.
    pub hints: Vec<String>,
}

impl Failure {
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Failure { kind, message: message.into(), details: Vec::new(), hints: Vec::new() }
    }

    pub fn step(message: impl Into<String>) -> Self {
        Failure::new(Kind::Step, message)
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Failure::new(Kind::Usage, message)
    }

    pub fn refused(message: impl Into<String>) -> Self {
        Failure::new(Kind::Refused, message)
    }

    pub fn environment(message: impl Into<String>) -> Self {
        Failure::new(Kind::Environment, message)
    }

    /// Adds evidence; a text of several lines becomes several detail lines.
    #[must_use]
    pub fn detail(mut self, text: impl AsRef<str>) -> Self {
        self.details.extend(text.as_ref().lines().map(str::to_owned));
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The failure inside an `anyhow` error, or an internal error that carries its chain. A disk that is full or closed to us
    /// is the machine's matter, wherever it was met, and so is a place of ours where something else lies.
    #[must_use]
    pub fn from_error(error: &anyhow::Error) -> Self {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return failure.clone();
        }
        let named = error.chain().map(ToString::to_string).any(|text| OURS.iter().any(|name| text.contains(name)));
        let way_on = error.chain().find_map(|cause| {
            let kind = cause.downcast_ref::<io::Error>()?.kind();
            way_on(kind).or_else(|| way_back(kind).filter(|_| named))
        });
        let kind = if way_on.is_some() { Kind::Environment } else { Kind::Internal };
        let mut failure = Failure::new(kind, error.to_string());
        for cause in error.chain().skip(1) {
            failure = failure.detail(format!("because: {cause}"));
        }
        failure.hint(way_on.unwrap_or("this is a bug of ours, or a machine in a state that we did not foresee"))
    }

    /// The block printed on stderr.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = format!("error: {}\n", self.message);
        for detail in &self.details {
            out.push_str("  ");
            out.push_str(detail.trim_end());
            out.push('\n');
        }
        for hint in &self.hints {
            out.push_str("hint: ");
            out.push_str(hint);
            out.push('\n');
        }
        out
    }
}

/// How a message names a place in the folder where runs are kept, or that folder.
const OURS: &[&str] = &["/.db-change/", "/.db-change`"];

/// What a person can do where a file of ours is gone, or something else lies in its place.
fn way_back(kind: io::ErrorKind) -> Option<&'static str> {
    use io::ErrorKind::{AlreadyExists, InvalidData, InvalidFilename, IsADirectory, NotADirectory, NotFound};
    matches!(kind, AlreadyExists | InvalidData | InvalidFilename | IsADirectory | NotADirectory | NotFound)
        .then_some("it is gone, or something else lies there: move that aside (`mv`), then run the same command again")
}

/// What a person can do about a file that cannot be written.
fn way_on(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("make room there, then run the same command again; what was recorded before is as it was")
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            Some("see that you may write there, then run the same command again; what was recorded before is as it was")
        }
        _ => None,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn what_lies_in_a_place_of_ours_is_the_machines_matter_and_elsewhere_it_is_a_bug() {
        let kind_of = |kind: io::ErrorKind, doing: &str| {
            let error = Err::<(), _>(io::Error::from(kind)).context(doing.to_owned()).unwrap_err();
            Failure::from_error(&error.context("outside")).kind
        };
        let place = "reading `/a/.db-change/runs/w-1/state.toml`";
        assert_eq!(kind_of(io::ErrorKind::IsADirectory, place), Kind::Environment);
        assert_eq!(kind_of(io::ErrorKind::NotADirectory, "making `/a/.db-change`"), Kind::Environment);
        assert_eq!(kind_of(io::ErrorKind::IsADirectory, "reading `/a/b`"), Kind::Internal);
        assert_eq!(kind_of(io::ErrorKind::IsADirectory, "reading `/a/old.db-change/b`"), Kind::Internal);
        assert_eq!(kind_of(io::ErrorKind::BrokenPipe, place), Kind::Internal);
        assert_eq!(kind_of(io::ErrorKind::StorageFull, "reading `/a/b`"), Kind::Environment);
    }
}
