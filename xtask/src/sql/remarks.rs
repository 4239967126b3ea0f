//! What squawk-linter says to a file, on the tree that was read already.
//!
//! Invariant: a rule that gives up takes nothing else with it; the caller runs this where a panic is an answer.

use std::ops::Range;

use squawk_linter::{Linter, Rule};
use squawk_syntax::{Parse, SourceFile, SyntaxKind, SyntaxNode};

use super::read::tree;

/// One remark of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub rule: Rule,
    /// Bytes in the file.
    pub span: Range<usize>,
    pub message: String,
    pub help: Option<String>,
    /// The column that it is about, where it is about one.
    pub column: Option<String>,
}

/// Runs rules; a comment `squawk-ignore` in the file counts, as with squawk itself.
#[must_use]
pub fn remarks(parse: &Parse<SourceFile>, text: &str, rules: &[Rule]) -> Vec<Remark> {
    if rules.is_empty() {
        return Vec::new();
    }
    let violations = Linter::from(rules.iter().copied()).lint(parse, text);
    let root = parse.syntax_node();
    let remark = |violation: squawk_linter::Violation| {
        let range = violation.text_range;
        let column = root.covering_element(range).ancestors().find_map(|node| column(&node));
        let span = usize::from(range.start())..usize::from(range.end());
        Remark { rule: violation.code, span, message: violation.message, help: violation.help, column }
    };
    violations.into_iter().map(remark).collect()
}

fn column(node: &SyntaxNode) -> Option<String> {
    use SyntaxKind as K;
    match node.kind() {
        K::COLUMN | K::ADD_COLUMN => tree::name(node, K::COLUMN_NAME),
        K::ALTER_COLUMN => tree::name(node, K::COLUMN_NAME_REF),
        _ => None,
    }
}
