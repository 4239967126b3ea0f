//! Squawk's syntax tree read as actions: one function per kind of statement.
//!
//! Invariant: a statement whose parts are not found as expected is [`Action::Other`], not something smaller.

pub(crate) mod tree;

mod block;
mod data;
mod objects;
mod table;

use squawk_syntax::{SyntaxKind, SyntaxNode};

use self::tree::{has, name, words};
use super::action::{Action, Control};
use crate::sql::TableName;

pub(super) fn actions(node: &SyntaxNode) -> Vec<Action> {
    use SyntaxKind as K;
    let found = match node.kind() {
        K::ALTER_TABLE => table::alter(node),
        K::CREATE_TABLE | K::CREATE_TABLE_AS | K::SELECT_INTO => table::create(node),
        K::DROP_TABLE => table::drop(node),
        K::CREATE_INDEX => vec![table::index(node)],
        K::TRUNCATE | K::LOCK | K::COPY | K::VACUUM | K::ANALYZE | K::CLUSTER | K::CHECKPOINT | K::REINDEX => {
            data::maintenance(node)
        }
        K::UPDATE
        | K::DELETE
        | K::INSERT
        | K::MERGE
        | K::SELECT
        | K::COMPOUND_SELECT
        | K::VALUES
        | K::TABLE
        | K::PAREN_SELECT => data::rows(node),
        K::BEGIN
        | K::COMMIT_TRANSACTION
        | K::COMMIT_PREPARED
        | K::ROLLBACK_TRANSACTION
        | K::ROLLBACK_PREPARED
        | K::ROLLBACK_TO_SAVEPOINT
        | K::SAVEPOINT_CREATE
        | K::RELEASE_SAVEPOINT
        | K::PREPARE_TRANSACTION
        | K::SET_TRANSACTION => vec![Action::Transaction(control(node.kind()))],
        K::DO => block::block(node),
        K::EXECUTE | K::CALL => vec![Action::Dynamic],
        K::SET => data::set(node),
        K::RESET => {
            vec![Action::Reset { name: name(node, K::CONFIG_PARAMETER_REF).unwrap_or_else(|| "all".to_owned()) }]
        }
        K::COMMENT_ON => vec![Action::Comment],
        _ => objects::object(node),
    };
    if found.is_empty() { vec![unknown(node)] } else { found }
}

/// What stands in FROM, anywhere below; definitions of tables and indexes hold no query.
pub(super) fn reads(node: &SyntaxNode) -> Vec<TableName> {
    use SyntaxKind as K;
    match node.kind() {
        K::ALTER_TABLE | K::CREATE_TABLE | K::CREATE_INDEX | K::DROP_TABLE => Vec::new(),
        _ => tree::reads(node),
    }
}

fn control(kind: SyntaxKind) -> Control {
    match kind {
        SyntaxKind::BEGIN => Control::Begin,
        SyntaxKind::COMMIT_TRANSACTION => Control::Commit,
        SyntaxKind::ROLLBACK_TRANSACTION => Control::Rollback,
        SyntaxKind::SAVEPOINT_CREATE => Control::Savepoint,
        SyntaxKind::RELEASE_SAVEPOINT => Control::Release,
        SyntaxKind::ROLLBACK_TO_SAVEPOINT => Control::RollbackTo,
        _ => Control::Other,
    }
}

fn unknown(node: &SyntaxNode) -> Action {
    Action::Other { kind: words(node.kind()) }
}

fn cascade(node: &SyntaxNode) -> bool {
    has(node, SyntaxKind::CASCADE)
}

fn if_exists(node: &SyntaxNode) -> bool {
    has(node, SyntaxKind::IF_EXISTS)
}
