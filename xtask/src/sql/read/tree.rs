//! Small questions to squawk's syntax tree: names, texts, words.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::sql::TableName;
use crate::sql::action::unquoted;

pub(crate) fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|child| child.kind() == kind)
}

pub(crate) fn has(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.children().any(|child| child.kind() == kind)
}

/// Whether one of the node's own words is this one.
pub(crate) fn says(node: &SyntaxNode, word: SyntaxKind) -> bool {
    node.children_with_tokens().any(|element| element.kind() == word)
}

/// The names of all parts of one kind below a node, in order.
pub(crate) fn named(node: &SyntaxNode, kind: SyntaxKind) -> impl Iterator<Item = TableName> {
    below(node, kind).map(|child| path(&child))
}

fn below(node: &SyntaxNode, kind: SyntaxKind) -> impl Iterator<Item = SyntaxNode> {
    node.descendants().filter(move |child| child.kind() == kind)
}

pub(crate) fn first(node: &SyntaxNode, kind: SyntaxKind) -> Option<TableName> {
    named(node, kind).next()
}

pub(crate) fn names(node: &SyntaxNode, kind: SyntaxKind) -> Vec<String> {
    below(node, kind).map(|child| last(&child)).collect()
}

pub(crate) fn name(node: &SyntaxNode, kind: SyntaxKind) -> Option<String> {
    below(node, kind).next().map(|child| last(&child))
}

pub(crate) fn nobody() -> TableName {
    TableName::new("public", "")
}

/// The table that an ALTER TABLE, a CREATE INDEX and the like is about.
pub(crate) fn table(node: &SyntaxNode) -> TableName {
    first(node, SyntaxKind::TABLE_NAME_REF).unwrap_or_else(nobody)
}

/// What may stand in a path beside its names.
const NO_NAME: [SyntaxKind; 5] =
    [SyntaxKind::WHITESPACE, SyntaxKind::COMMENT, SyntaxKind::DOT, SyntaxKind::ONLY_KW, SyntaxKind::STAR];

/// The last identifier of a dotted path.
pub(crate) fn last(node: &SyntaxNode) -> String {
    only(node).unwrap_or_else(|| path(node).name)
}

/// The identifier of a path without dots.
fn only(node: &SyntaxNode) -> Option<String> {
    let token = node.first_token().filter(|token| token.text_range() == node.text_range())?;
    (!NO_NAME.contains(&token.kind())).then(|| unquoted(token.text()))
}

/// The identifiers of a dotted path; the last is the name, the one before it the schema.
pub(crate) fn path(node: &SyntaxNode) -> TableName {
    if let Some(name) = only(node) {
        return TableName { schema: "public".to_owned(), name };
    }
    let mut schema = None;
    let mut last = None;
    for token in node.descendants_with_tokens().filter_map(|element| element.into_token()) {
        if !NO_NAME.contains(&token.kind()) {
            schema = last.replace(unquoted(token.text()));
        }
    }
    TableName::new(schema.as_deref().unwrap_or("public"), last.as_deref().unwrap_or_default())
}

/// The text of a node without its comments.
pub(crate) fn text(node: &SyntaxNode) -> String {
    let mut out = String::new();
    for token in node.descendants_with_tokens().filter_map(|element| element.into_token()) {
        if token.kind() != SyntaxKind::COMMENT {
            out.push_str(token.text());
        }
    }
    out.trim().to_owned()
}

/// A plain string literal's value.
pub(crate) fn literal(node: &SyntaxNode) -> Option<String> {
    let text = node.text().to_string();
    Some(text.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"))
}

/// `DROP_SEQUENCE` as `drop sequence`.
pub(crate) fn words(kind: SyntaxKind) -> String {
    format!("{kind:?}").to_lowercase().replace('_', " ")
}

/// The part that is a type.
pub(crate) fn type_text(node: &SyntaxNode) -> Option<String> {
    let found = node.children().find(|child| {
        use SyntaxKind as K;
        let known = matches!(child.kind(), K::PATH_TYPE | K::ARRAY_TYPE | K::VARCHAR_TYPE | K::TIME_TYPE);
        known || (child.kind() != K::SET_TYPE && format!("{:?}", child.kind()).ends_with("_TYPE"))
    });
    found.map(|child| text(&child))
}

/// What stands in FROM, anywhere below; the names of WITH are none.
pub(crate) fn reads(node: &SyntaxNode) -> Vec<TableName> {
    let (mut found, mut with) = (Vec::new(), Vec::new());
    for part in node.descendants() {
        match part.kind() {
            SyntaxKind::RELATION_FROM_ITEM => found.extend(first(&part, SyntaxKind::RELATION_NAME_REF)),
            SyntaxKind::WITH_TABLE => with.extend(name(&part, SyntaxKind::CTE_NAME)),
            _ => {}
        }
    }
    found.retain(|table| !with.contains(&table.name));
    found.dedup();
    found
}

/// What stands in WHERE.
pub(crate) fn filter(node: &SyntaxNode) -> Option<String> {
    let clause = child(node, SyntaxKind::WHERE_CLAUSE)?;
    Some(clause.children().map(|part| text(&part)).collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
}
