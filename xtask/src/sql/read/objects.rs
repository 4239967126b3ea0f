//! Views, types, routines, triggers, policies, privileges and what else is neither a table nor a row.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::table::labels;
use super::tree::{child, first, has, last, name, named, nobody, path, says, text, words};
use super::{cascade, if_exists};
use crate::sql::TableName;
use crate::sql::action::Action;

use SyntaxKind as K;

pub(super) fn object(node: &SyntaxNode) -> Vec<Action> {
    let kind = words(node.kind());
    match kind.split_once(' ') {
        Some(("create", what)) => create(node, what),
        Some(("drop", what)) => drop(node, what),
        Some(("alter", what)) => alter(node, what),
        _ => match node.kind() {
            K::REFRESH => {
                let concurrently = says(node, K::CONCURRENTLY_KW);
                named(node, K::VIEW_REF).map(|name| Action::RefreshView { name, concurrently }).collect()
            }
            K::GRANT | K::REVOKE => privilege(node),
            _ => Vec::new(),
        },
    }
}

fn create(node: &SyntaxNode, what: &str) -> Vec<Action> {
    let replace = has(node, K::OR_REPLACE);
    match node.kind() {
        K::CREATE_VIEW | K::CREATE_MATERIALIZED_VIEW => {
            let materialized = node.kind() == K::CREATE_MATERIALIZED_VIEW;
            first(node, K::VIEW).map(|name| Action::CreateView { name, materialized, replace }).into_iter().collect()
        }
        K::CREATE_TYPE => {
            let variants = node.descendants().filter(|part| part.kind() == K::VARIANT);
            let labels = variants.flat_map(|variant| labels(&variant)).collect();
            first(node, K::TYPE_NAME).map(|name| Action::CreateType { name, labels }).into_iter().collect()
        }
        K::CREATE_DOMAIN => {
            let checked = has(node, K::CHECK_CONSTRAINT) || has(node, K::NOT_NULL_CONSTRAINT);
            first(node, K::DOMAIN).map(|name| Action::CreateDomain { name, checked }).into_iter().collect()
        }
        K::CREATE_FUNCTION | K::CREATE_PROCEDURE => {
            let found = first(node, K::FUNCTION_NAME).or_else(|| first(node, K::PROCEDURE_NAME));
            let kind = what.to_owned();
            let options = child(node, K::FUNC_OPTION_LIST);
            let volatile = !options.is_some_and(|list| has(&list, K::IMMUTABLE) || has(&list, K::STABLE));
            found.map(|name| Action::CreateRoutine { kind, name, replace, volatile }).into_iter().collect()
        }
        K::CREATE_TRIGGER => {
            let (table, name) = (on(node), name(node, K::TRIGGER).unwrap_or_default());
            vec![Action::CreateTrigger { table, name, constraint: says(node, K::CONSTRAINT_KW) }]
        }
        K::CREATE_POLICY => policy(node, what_verb(node)),
        K::CREATE_PUBLICATION | K::CREATE_SUBSCRIPTION => replication(node),
        K::CREATE_ROLE | K::CREATE_USER | K::CREATE_GROUP | K::CREATE_DATABASE | K::CREATE_TABLESPACE => {
            vec![Action::Server { kind: format!("create {what}") }]
        }
        _ => {
            let named = node.children().find(|part| !matches!(part.kind(), K::OR_REPLACE | K::IF_NOT_EXISTS | K::TEMP));
            named.map(|part| Action::CreateOther { kind: what.to_owned(), name: path(&part) }).into_iter().collect()
        }
    }
}

fn drop(node: &SyntaxNode, what: &str) -> Vec<Action> {
    let (cascade, if_exists) = (cascade(node), if_exists(node));
    match node.kind() {
        K::DROP_VIEW | K::DROP_MATERIALIZED_VIEW => {
            let materialized = node.kind() == K::DROP_MATERIALIZED_VIEW;
            named(node, K::VIEW_REF).map(|name| Action::DropView { name, materialized, cascade }).collect()
        }
        K::DROP_INDEX => {
            let concurrently = says(node, K::CONCURRENTLY_KW);
            named(node, K::INDEX_REF).map(|name| Action::DropIndex { name, concurrently, cascade, if_exists }).collect()
        }
        K::DROP_TYPE => named(node, K::TYPE_NAME_REF).map(|name| Action::DropType { name, cascade }).collect(),
        K::DROP_TRIGGER => {
            vec![Action::DropTrigger { table: on(node), name: name(node, K::TRIGGER_REF).unwrap_or_default() }]
        }
        K::DROP_POLICY => policy(node, what_verb(node)),
        K::DROP_PUBLICATION | K::DROP_SUBSCRIPTION => replication(node),
        _ => {
            let skipped = [K::IF_EXISTS, K::CASCADE, K::RESTRICT, K::ON_RELATION, K::ON_TABLE];
            let mut parts: Vec<SyntaxNode> = node.children().filter(|part| !skipped.contains(&part.kind())).collect();
            if let [list] = parts.as_slice()
                && format!("{:?}", list.kind()).ends_with("_LIST")
            {
                parts = list.children().collect();
            }
            let name = |part: &SyntaxNode| {
                let named = part.children().find(|part| format!("{:?}", part.kind()).ends_with("_NAME_REF"));
                path(&named.unwrap_or_else(|| part.clone()))
            };
            parts
                .iter()
                .map(|part| Action::DropOther { kind: what.to_owned(), name: name(part), cascade, if_exists })
                .collect()
        }
    }
}

fn alter(node: &SyntaxNode, what: &str) -> Vec<Action> {
    let named_thing = || {
        let part = node
            .children()
            .find(|part| format!("{:?}", part.kind()).ends_with("_REF") || part.kind() == K::FUNCTION_SIG);
        part.map_or_else(nobody, |part| match child(&part, K::FUNCTION_NAME_REF) {
            Some(name) => path(&name),
            None => path(&part),
        })
    };
    match node.kind() {
        K::ALTER_POLICY => return policy(node, what_verb(node)),
        K::ALTER_PUBLICATION | K::ALTER_SUBSCRIPTION => return replication(node),
        K::ALTER_SYSTEM | K::ALTER_DATABASE | K::ALTER_DEFAULT_PRIVILEGES => {
            return vec![Action::Server { kind: format!("alter {what}") }];
        }
        K::ALTER_EXTENSION => {
            return vec![Action::AlterExtension { name: name(node, K::EXTENSION_REF).unwrap_or_default() }];
        }
        _ => {}
    }
    if let Some(renamed) = node.children().find(|part| format!("{:?}", part.kind()).ends_with("_RENAME_TO")) {
        let to = last(&renamed.children().last().unwrap_or_else(|| renamed.clone()));
        return vec![Action::RenameOther { kind: what.to_owned(), name: named_thing(), to }];
    }
    if let Some(moved) = child(node, K::SET_SCHEMA) {
        let to = name(&moved, K::SCHEMA_REF).unwrap_or_default();
        return vec![Action::SetSchema { kind: what.to_owned(), name: named_thing(), to }];
    }
    if has(node, K::OWNER_TO) {
        return vec![Action::Owner { kind: what.to_owned(), name: named_thing() }];
    }
    match node.kind() {
        K::ALTER_TYPE => first(node, K::TYPE_NAME_REF).map(|name| alter_type(name, node)).into_iter().collect(),
        K::ALTER_DOMAIN => {
            let adds_constraint = has(node, K::ADD_CONSTRAINT) || has(node, K::SET_NOT_NULL);
            let not_valid = node.descendants().any(|part| part.kind() == K::NOT_VALID);
            vec![Action::AlterDomain { name: named_thing(), adds_constraint, not_valid }]
        }
        K::ALTER_ROLE | K::ALTER_USER | K::ALTER_GROUP => vec![Action::Server { kind: format!("alter {what}") }],
        _ => Vec::new(),
    }
}

fn alter_type(name: TableName, node: &SyntaxNode) -> Action {
    if let Some(added) = child(node, K::ADD_VALUE)
        && let [value, ..] = labels(&added).as_slice()
    {
        let placed = has(&added, K::BEFORE_VALUE) || has(&added, K::AFTER_VALUE);
        let if_not_exists = has(&added, K::IF_NOT_EXISTS);
        return Action::AddEnumValue { name, value: value.clone(), if_not_exists, placed };
    }
    if let Some(renamed) = child(node, K::RENAME_VALUE)
        && let [from, to] = labels(&renamed).as_slice()
    {
        return Action::RenameEnumValue { name, from: from.clone(), to: to.clone() };
    }
    Action::AlterType { name }
}

/// The table of a trigger or a policy.
fn on(node: &SyntaxNode) -> TableName {
    let part = node.children().find(|part| matches!(part.kind(), K::ON_RELATION | K::ON_TABLE));
    let table = part.and_then(|on| first(&on, K::RELATION_NAME_REF).or_else(|| first(&on, K::TABLE_NAME_REF)));
    table.unwrap_or_else(nobody)
}

/// The statement's first word.
fn what_verb(node: &SyntaxNode) -> String {
    words(node.kind()).split(' ').next().unwrap_or_default().to_owned()
}

fn policy(node: &SyntaxNode, verb: String) -> Vec<Action> {
    let name = name(node, K::POLICY).or_else(|| name(node, K::POLICY_REF)).unwrap_or_default();
    let restrictive =
        child(node, K::AS_POLICY_TYPE).is_some_and(|part| text(&part).to_lowercase().contains("restrictive"));
    vec![Action::Policy { table: on(node), name, verb, restrictive }]
}

fn replication(node: &SyntaxNode) -> Vec<Action> {
    let verb = what_verb(node);
    let tables = named(node, K::TABLE_NAME_REF).collect();
    let publication = name(node, K::PUBLICATION).or_else(|| name(node, K::PUBLICATION_REF));
    if let Some(name) = publication {
        return vec![Action::Publication { verb, name, tables }];
    }
    let name = name(node, K::SUBSCRIPTION).or_else(|| name(node, K::SUBSCRIPTION_REF)).unwrap_or_default();
    vec![Action::Subscription { verb, name }]
}

fn privilege(node: &SyntaxNode) -> Vec<Action> {
    let on: Vec<TableName> = child(node, K::ON_PRIVILEGE_OBJECTS_CLAUSE)
        .map(|clause| named(&clause, K::RELATION_NAME_REF).collect())
        .unwrap_or_default();
    let what = node.children().next().map(|part| text(&part)).unwrap_or_default();
    if node.kind() == K::REVOKE {
        return vec![Action::Revoke { on, what }];
    }
    let to_public = child(node, K::ROLE_REF_LIST)
        .is_some_and(|roles| text(&roles).split(',').any(|role| role.trim().eq_ignore_ascii_case("public")));
    vec![Action::Grant { on, to_public, what }]
}
