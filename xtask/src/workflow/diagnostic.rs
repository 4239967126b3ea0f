//! An error in a workflow file: the line, a caret, what is wrong, what to write.

use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::failure::Failure;

/// One thing wrong in the file.
#[derive(Debug)]
pub struct Problem {
    pub span: Option<Range<usize>>,
    pub message: String,
    /// Stands beside the caret.
    pub label: String,
    pub help: Option<String>,
}

impl Problem {
    pub fn new(span: Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Self {
        Problem { span: Some(span), message: message.into(), label: label.into(), help: None }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn of_toml(error: &toml::de::Error) -> Self {
        let message = error.message().trim().to_owned();
        let help = unknown_and_known(&message).and_then(|(unknown, known)| did_you_mean(&unknown, known.iter()));
        // The near name says more than the list of all.
        let message = match (&help, message.split_once(", expected")) {
            (Some(_), Some((unknown, _))) => unknown.to_owned(),
            _ => message,
        };
        Problem { span: error.span(), label: "here".to_owned(), message, help }
    }
}

/// serde's text for an unknown field: "unknown field `x`, expected one of `a`, `b`".
fn unknown_and_known(message: &str) -> Option<(String, Vec<String>)> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut names = message.split('`').skip(1).step_by(2).map(str::to_owned);
    Some((names.next()?, names.collect()))
}

/// `did you mean …` where a known name is near.
pub fn did_you_mean<S: AsRef<str>>(unknown: &str, known: impl Iterator<Item = S>) -> Option<String> {
    known
        .map(|name| (distance(unknown, name.as_ref()), name.as_ref().to_owned()))
        .min()
        .filter(|(distance, _)| *distance <= 1 + unknown.len() / 4)
        .map(|(_, name)| format!("did you mean `{name}`?"))
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

/// All problems of one file as one failure.
#[must_use]
pub fn failure(path: &Path, text: &str, problems: &[Problem]) -> Failure {
    let shown = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = format!("workflows/{shown}");
    let count = problems.len();
    let mut failure = Failure::usage(match count {
        1 => format!("`{name}` is not a valid workflow: {}", problems[0].message),
        _ => format!("`{name}` is not a valid workflow: {count} problems"),
    });
    let renderer = Renderer::plain();
    for problem in problems {
        let title = Level::ERROR.primary_title(&problem.message);
        let group = match &problem.span {
            Some(span) => title.element(
                Snippet::source(text)
                    .path(name.as_str())
                    .annotation(AnnotationKind::Primary.span(span.clone()).label(problem.label.as_str())),
            ),
            None => annotate_snippets::Group::with_title(title),
        };
        let rendered = renderer.render(&[group]);
        failure = failure.detail(rendered);
        if let Some(help) = &problem.help {
            failure = failure.detail(format!("help: {help}"));
        }
    }
    failure.hint("mend the file; `cargo xtask workflow check` says when nothing is wrong with it")
}
