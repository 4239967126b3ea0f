//! Statements about rows, storage and settings.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::tree::{child, filter, first, has, name, named, names, nobody, says, text};
use super::{cascade, unknown};
use crate::sql::action::{Action, Rows};

use SyntaxKind as K;

/// A statement that reads or writes rows: what the parts of its WITH write first, then itself.
pub(super) fn rows(node: &SyntaxNode) -> Vec<Action> {
    let mut found = Vec::new();
    for with in node.descendants().filter(|part| part.kind() == K::WITH_TABLE) {
        for part in with.children() {
            if matches!(part.kind(), K::UPDATE | K::DELETE | K::INSERT | K::MERGE) {
                found.push(written(&part));
            }
        }
    }
    found.push(written(node));
    found
}

fn written(node: &SyntaxNode) -> Action {
    let target = || {
        let part = node.children().find(|child| matches!(child.kind(), K::RELATION_NAME | K::RELATION_NAME_REF));
        part.and_then(|part| first(&part, K::RELATION_NAME_REF))
    };
    match node.kind() {
        K::UPDATE => match target() {
            Some(table) => Action::Update { table, columns: assignments(node), filter: filter(node) },
            None => unknown(node),
        },
        K::DELETE => match target() {
            Some(table) => Action::Delete { table, filter: filter(node) },
            None => unknown(node),
        },
        K::INSERT => match target() {
            Some(table) => Action::Insert {
                table,
                columns: child(node, K::COLUMN_TARGET_LIST)
                    .map(|list| names(&list, K::COLUMN_NAME_REF))
                    .unwrap_or_default(),
                rows: inserted(node),
            },
            None => unknown(node),
        },
        K::MERGE => first(node, K::TABLE_NAME_REF).map_or_else(|| unknown(node), |table| Action::Merge { table }),
        _ => Action::Select { calls: calls(node) },
    }
}

fn assignments(node: &SyntaxNode) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for list in child(node, K::SET_CLAUSE).iter().flat_map(SyntaxNode::children) {
        for set in list.children() {
            let columns: Vec<String> = names(&set, K::COLUMN_TARGET);
            let values: Vec<String> =
                set.descendants().filter(|part| part.kind() == K::SET_EXPR).map(|part| text(&part)).collect();
            for (place, column) in columns.into_iter().enumerate() {
                found.push((column, values.get(place).cloned().unwrap_or_default()));
            }
        }
    }
    found
}

fn inserted(node: &SyntaxNode) -> Rows {
    if has(node, K::DEFAULT_VALUES) {
        return Rows::Values(1);
    }
    let list = child(node, K::VALUES).and_then(|values| child(&values, K::ROW_LIST));
    list.map_or(Rows::Query, |list| Rows::Values(list.children().filter(|row| row.kind() == K::ROW).count()))
}

/// Names of the functions that are called anywhere in it.
fn calls(node: &SyntaxNode) -> Vec<String> {
    let calls = node.descendants().filter(|part| part.kind() == K::CALL_EXPR);
    let called = calls.filter_map(|call| {
        let name = call.children().next()?;
        Some(text(&name).rsplit('.').next().unwrap_or_default().to_lowercase())
    });
    called.collect()
}

pub(super) fn maintenance(node: &SyntaxNode) -> Vec<Action> {
    let tables = || named(node, K::TABLE_NAME_REF);
    match node.kind() {
        K::TRUNCATE => vec![Action::Truncate { tables: tables().collect(), cascade: cascade(node) }],
        K::LOCK => {
            let mode = child(node, K::LOCK_MODE_CLAUSE).map(|clause| {
                let words = text(&clause).to_uppercase();
                let words: Vec<&str> = words.split_whitespace().filter(|word| !["IN", "MODE"].contains(word)).collect();
                words.join(" ")
            });
            let mode = mode.unwrap_or_else(|| "ACCESS EXCLUSIVE".to_owned());
            vec![Action::LockTable { tables: named(node, K::RELATION_NAME_REF).collect(), mode }]
        }
        K::COPY => vec![Action::Copy { table: tables().next(), from: has(node, K::COPY_FROM) }],
        K::REINDEX => {
            let Some(target) = node.children().find(|part| format!("{:?}", part.kind()).starts_with("REINDEX_TARGET_"))
            else {
                return Vec::new();
            };
            let what = format!("{:?}", target.kind()).trim_start_matches("REINDEX_TARGET_").to_lowercase();
            let named = target.children().next().map(|part| super::tree::path(&part));
            let concurrently = says(&target, K::CONCURRENTLY_KW) || text(node).to_lowercase().contains("(concurrently");
            vec![Action::Reindex { what, name: named, concurrently }]
        }
        K::VACUUM => {
            let full = says(node, K::FULL_KW)
                || child(node, K::VACUUM_OPTION_LIST).is_some_and(|list| text(&list).to_lowercase().contains("full"));
            storage(tables().collect(), if full { "vacuum full" } else { "vacuum" })
        }
        K::ANALYZE => storage(tables().collect(), "analyze"),
        K::CLUSTER => storage(tables().collect(), "cluster"),
        _ => storage(Vec::new(), "checkpoint"),
    }
}

fn storage(tables: Vec<crate::sql::TableName>, kind: &str) -> Vec<Action> {
    if tables.is_empty() {
        return vec![Action::Storage { table: None, kind: kind.to_owned() }];
    }
    tables.into_iter().map(|table| Action::Storage { table: Some(table), kind: kind.to_owned() }).collect()
}

pub(super) fn set(node: &SyntaxNode) -> Vec<Action> {
    let local = has(node, K::LOCAL_SCOPE);
    if let Some(zone) = child(node, K::SET_TIME_ZONE) {
        let value = zone.children().last().map(|value| text(&value)).unwrap_or_default();
        return vec![Action::Set { name: "timezone".to_owned(), value: plain(&value), local }];
    }
    let Some(set) = child(node, K::SET_CONFIG) else {
        return Vec::new();
    };
    let value = child(&set, K::TO_CONFIG_VALUE).map(|to| {
        let words = text(&to);
        plain(words.trim_start_matches('=').trim_start_matches("TO").trim_start_matches("to"))
    });
    let named = name(&set, K::CONFIG_PARAMETER_REF).unwrap_or_else(|| nobody().name);
    vec![Action::Set { name: named, value: value.unwrap_or_default(), local }]
}

fn plain(value: &str) -> String {
    value.trim().trim_matches('\'').to_owned()
}
