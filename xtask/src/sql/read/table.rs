//! Tables, their columns, constraints and indexes.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::tree::{child, first, has, last, literal, name, named, names, nobody, says, table, text, type_text, words};
use super::{cascade, if_exists, tree, unknown};
use crate::sql::TableName;
use crate::sql::action::{Action, Column, ConstraintKind, CreateIndex, CreateTable, Generated};

use SyntaxKind as K;

pub(super) fn alter(node: &SyntaxNode) -> Vec<Action> {
    let table = table(node);
    let parts = || node.children().filter(|child| !matches!(child.kind(), K::TABLE_RELATION_NAME | K::IF_EXISTS));
    // Mostly one, where a vector that grows takes room for four.
    let mut found = Vec::with_capacity(parts().count());
    found.extend(parts().map(|part| table_action(&table, &part)));
    found
}

fn table_action(table: &TableName, node: &SyntaxNode) -> Action {
    let table = table.clone();
    let column = || name(node, K::COLUMN_NAME_REF).unwrap_or_default();
    let constraint = || name(node, K::CONSTRAINT_NAME_REF).unwrap_or_default();
    let other = || first(node, K::TABLE_NAME_REF).unwrap_or_else(nobody);
    let storage = |kind: &str| Action::Storage { table: Some(table.clone()), kind: kind.to_owned() };
    match node.kind() {
        K::ADD_COLUMN => Action::AddColumn(declared(table, node)),
        K::DROP_COLUMN => Action::DropColumn { table, column: column(), cascade: cascade(node) },
        K::RENAME_COLUMN => {
            Action::RenameColumn { table, from: column(), to: name(node, K::COLUMN_NAME).unwrap_or_default() }
        }
        // Its last identifier: the words before it are no part of a path.
        K::TABLE_RENAME_TO => Action::RenameTable { table, to: last(node) },
        K::RENAME_CONSTRAINT => Action::RenameConstraint {
            table,
            from: constraint(),
            to: name(node, K::CONSTRAINT_NAME).unwrap_or_default(),
        },
        K::DROP_CONSTRAINT => Action::DropConstraint { table, name: constraint(), cascade: cascade(node) },
        K::VALIDATE_CONSTRAINT => Action::ValidateConstraint { table, name: constraint() },
        K::ADD_CONSTRAINT => {
            node.children().next().map_or_else(|| unknown(node), |constraint| added(&table, &constraint))
        }
        K::ALTER_COLUMN => alter_column(table, column(), node),
        K::ENABLE_RLS | K::DISABLE_RLS => {
            Action::RowSecurity { table, enable: node.kind() == K::ENABLE_RLS, force: false }
        }
        K::FORCE_RLS | K::NO_FORCE_RLS => {
            Action::RowSecurity { table, enable: node.kind() == K::FORCE_RLS, force: true }
        }
        K::ENABLE_TRIGGER | K::DISABLE_TRIGGER | K::ENABLE_ALWAYS_TRIGGER | K::ENABLE_REPLICA_TRIGGER => {
            let enable = node.kind() != K::DISABLE_TRIGGER;
            Action::SetTrigger { table, name: name(node, K::TRIGGER_REF), enable }
        }
        K::ATTACH_PARTITION => {
            Action::AttachPartition { table, partition: other(), bounds: bounds(node).unwrap_or_default() }
        }
        K::DETACH_PARTITION => {
            Action::DetachPartition { table, partition: other(), concurrently: has(node, K::DETACH_CONCURRENTLY) }
        }
        K::INHERIT_TABLE | K::NO_INHERIT_TABLE => {
            Action::Inherit { table, parent: other(), no: node.kind() == K::NO_INHERIT_TABLE }
        }
        K::SET_LOGGED => storage("set logged"),
        K::SET_UNLOGGED => storage("set unlogged"),
        K::SET_TABLESPACE => storage("set tablespace"),
        K::SET_ACCESS_METHOD => storage("set access method"),
        K::CLUSTER_ON => storage("cluster on"),
        K::SET_OPTIONS | K::RESET_OPTIONS | K::SET_WITHOUT_OIDS | K::SET_WITHOUT_CLUSTER => {
            Action::TableOption { table, kind: words(node.kind()) }
        }
        K::OWNER_TO => Action::Owner { kind: "table".to_owned(), name: table },
        K::REPLICA_IDENTITY => {
            let word = ["full", "nothing", "default"]
                .into_iter()
                .find(|word| text(node).to_lowercase().ends_with(word))
                .unwrap_or("index");
            Action::ReplicaIdentity { table, identity: word.to_owned() }
        }
        K::SET_SCHEMA => Action::SetSchema {
            kind: "table".to_owned(),
            name: table,
            to: name(node, K::SCHEMA_REF).unwrap_or_default(),
        },
        _ => unknown(node),
    }
}

/// Which rows a partition takes.
fn bounds(node: &SyntaxNode) -> Option<String> {
    let kinds =
        [K::PARTITION_DEFAULT, K::PARTITION_FOR_VALUES_FROM, K::PARTITION_FOR_VALUES_IN, K::PARTITION_FOR_VALUES_WITH];
    node.descendants().find(|part| kinds.contains(&part.kind())).map(|part| text(&part))
}

fn alter_column(table: TableName, column: String, node: &SyntaxNode) -> Action {
    let Some(option) = node.children().last() else { return unknown(node) };
    match option.kind() {
        K::SET_NOT_NULL => Action::SetNotNull { table, column },
        K::DROP_NOT_NULL => Action::DropNotNull { table, column },
        K::SET_DEFAULT => {
            let default = option.children().last().map(|value| text(&value)).unwrap_or_default();
            Action::SetDefault { table, column, default }
        }
        K::DROP_DEFAULT => Action::DropDefault { table, column },
        K::SET_TYPE => {
            let data_type = type_text(&option).unwrap_or_default();
            let using = child(&option, K::USING_EXPR).and_then(|using| using.children().last()).map(|part| text(&part));
            Action::ChangeType { table, column, data_type, using, collation: collation(&option) }
        }
        K::ADD_GENERATED => Action::Identity { table, column, change: "add".to_owned() },
        K::DROP_IDENTITY => Action::Identity { table, column, change: "drop".to_owned() },
        K::SET_GENERATED_OPTIONS | K::SET_GENERATED | K::RESTART => {
            Action::Identity { table, column, change: "set".to_owned() }
        }
        K::SET_EXPRESSION | K::DROP_EXPRESSION => {
            Action::Expression { table, column, drop: option.kind() == K::DROP_EXPRESSION }
        }
        K::SET_STATISTICS | K::SET_STORAGE | K::SET_COMPRESSION => {
            Action::ColumnOption { table, column, option: words(option.kind()) }
        }
        _ => unknown(&option),
    }
}

fn collation(node: &SyntaxNode) -> Option<String> {
    child(node, K::COLLATE).map(|collate| last(&collate))
}

/// A column as ADD COLUMN and CREATE TABLE write it.
fn declared(table: TableName, node: &SyntaxNode) -> Column {
    let mut found = Column {
        table,
        column: name(node, K::COLUMN_NAME).unwrap_or_default(),
        data_type: type_text(node).unwrap_or_default(),
        not_null: false,
        default: None,
        unique: false,
        primary_key: false,
        check: None,
        references: None,
        reference_rules: String::new(),
        generated: None,
        collation: collation(node),
        if_not_exists: has(node, K::IF_NOT_EXISTS),
    };
    for part in node.children() {
        match part.kind() {
            K::NOT_NULL_CONSTRAINT => found.not_null = true,
            K::DEFAULT_CONSTRAINT => found.default = part.children().last().map(|value| text(&value)),
            K::UNIQUE_CONSTRAINT => found.unique = true,
            K::PRIMARY_KEY_CONSTRAINT => found.primary_key = true,
            K::CHECK_CONSTRAINT => found.check = expression(&part),
            K::REFERENCES_CONSTRAINT => {
                let to = first(&part, K::TABLE_NAME_REF).unwrap_or_else(nobody);
                found.references = Some((to, names(&part, K::COLUMN_NAME_REF)));
                found.reference_rules = rules(&part);
            }
            K::GENERATED_CONSTRAINT => {
                let stored = part.descendants().any(|part| part.kind() == K::STORED);
                let identity = has(&part, K::GENERATED_IDENTITY);
                found.generated = Some(match (identity, stored) {
                    (true, _) => Generated::Identity,
                    (false, true) => Generated::Stored,
                    (false, false) => Generated::Virtual,
                });
            }
            _ => {}
        }
    }
    found
}

/// What stands between the parentheses of CHECK.
fn expression(check: &SyntaxNode) -> Option<String> {
    let skipped = [K::CONSTRAINT_NAME_CLAUSE, K::NOT_VALID, K::NO_INHERIT];
    check.children().find(|part| !skipped.contains(&part.kind())).map(|part| text(&part))
}

/// What a foreign key says behind the columns that it refers to.
fn rules(key: &SyntaxNode) -> String {
    let refers =
        |part: &SyntaxNode| matches!(part.kind(), K::FOREIGN_KEY_COLUMN_LIST | K::TABLE_NAME_REF | K::COLUMN_NAME_REF);
    // `SET NULL (a)` names columns too, behind what is looked for.
    let set =
        key.descendants_with_tokens().find(|element| element.kind() == K::SET_KW).map(|set| set.text_range().start());
    let ends = key.descendants().filter(refers).map(|part| part.text_range().end());
    let begin = ends.filter(|end| set.is_none_or(|set| *end <= set)).max();
    let not_valid = child(key, K::NOT_VALID).map(|part| part.text_range());
    let said = key.descendants_with_tokens().filter_map(|element| element.into_token()).filter(|token| {
        let place = token.text_range();
        begin.is_some_and(|begin| place.start() >= begin)
            && !not_valid.is_some_and(|range| range.contains_range(place))
            && !matches!(token.kind(), K::WHITESPACE | K::COMMENT)
    });
    let said = said.map(|token| token.text().to_owned()).collect::<Vec<_>>().join(" ");
    said.trim_start_matches([')', ' ']).to_owned()
}

/// A table's constraint, in ALTER TABLE as in CREATE TABLE.
fn added(table: &TableName, node: &SyntaxNode) -> Action {
    let table = table.clone();
    let called = name(node, K::CONSTRAINT_NAME);
    let not_valid = has(node, K::NOT_VALID);
    let using_index = child(node, K::USING_INDEX_NAME).and_then(|using| name(&using, K::INDEX_REF));
    let plain = |kind: ConstraintKind, columns: Vec<String>, expression: Option<String>| Action::AddConstraint {
        table: table.clone(),
        kind,
        name: called.clone(),
        columns,
        expression,
        not_valid,
        using_index: using_index.clone(),
    };
    match node.kind() {
        K::UNIQUE_CONSTRAINT => Action::AddUnique {
            columns: names(node, K::COLUMN_NAME_REF),
            nulls_not_distinct: node.descendants().any(|part| part.kind() == K::NULLS_NOT_DISTINCT),
            table,
            name: called,
            using_index,
        },
        K::FOREIGN_KEY_CONSTRAINT => {
            let lists: Vec<Vec<String>> = node
                .children()
                .filter(|child| child.kind() == K::FOREIGN_KEY_COLUMN_LIST)
                .map(|list| names(&list, K::COLUMN_NAME_REF))
                .collect();
            Action::AddForeignKey {
                table,
                name: called,
                columns: lists.first().cloned().unwrap_or_default(),
                to: first(node, K::TABLE_NAME_REF).unwrap_or_else(nobody),
                to_columns: lists.get(1).cloned().unwrap_or_default(),
                rules: rules(node),
                not_valid,
            }
        }
        K::CHECK_CONSTRAINT => plain(ConstraintKind::Check, Vec::new(), expression(node)),
        K::PRIMARY_KEY_CONSTRAINT => plain(ConstraintKind::PrimaryKey, names(node, K::COLUMN_NAME_REF), None),
        K::NOT_NULL_CONSTRAINT => plain(ConstraintKind::NotNull, names(node, K::COLUMN_NAME_REF), None),
        K::EXCLUDE_CONSTRAINT => {
            let list = child(node, K::CONSTRAINT_EXCLUSION_LIST).map(|list| text(&list));
            plain(ConstraintKind::Exclude, Vec::new(), list)
        }
        _ => plain(ConstraintKind::Other, Vec::new(), None),
    }
}

pub(super) fn create(node: &SyntaxNode) -> Vec<Action> {
    let Some(table) = first(node, K::TABLE_NAME) else { return Vec::new() };
    let mut create = CreateTable {
        if_not_exists: has(node, K::IF_NOT_EXISTS),
        temporary: has(node, K::TEMP),
        columns: Vec::new(),
        constraints: Vec::new(),
        partitioned: has(node, K::PARTITION_BY),
        partition_key: child(node, K::PARTITION_BY).map(|by| {
            let parts: Vec<String> = by.children().map(|part| text(&part)).collect();
            parts.join(" ")
        }),
        bounds: bounds(node),
        partition_of: child(node, K::PARTITION_OF).and_then(|part| first(&part, K::TABLE_NAME_REF)),
        inherits: child(node, K::INHERITS).map(|part| named(&part, K::TABLE_NAME_REF).collect()).unwrap_or_default(),
        from_query: node.kind() != K::CREATE_TABLE,
        table: table.clone(),
    };
    for part in child(node, K::TABLE_ARG_LIST).iter().flat_map(SyntaxNode::children) {
        match part.kind() {
            K::COLUMN => create.columns.push(declared(table.clone(), &part)),
            // What a LIKE brings is not known from here.
            K::LIKE_CLAUSE => create.from_query = true,
            _ => create.constraints.push(added(&table, &part)),
        }
    }
    vec![Action::CreateTable(create)]
}

pub(super) fn drop(node: &SyntaxNode) -> Vec<Action> {
    let (cascade, if_exists) = (cascade(node), if_exists(node));
    named(node, K::TABLE_NAME_REF).map(|table| Action::DropTable { table, cascade, if_exists }).collect()
}

pub(super) fn index(node: &SyntaxNode) -> Action {
    let items: Vec<SyntaxNode> = child(node, K::PARTITION_ITEM_LIST).iter().flat_map(SyntaxNode::children).collect();
    let (mut columns, mut expressions) = (Vec::new(), Vec::new());
    for item in items {
        match item.children().next() {
            Some(part) if part.kind() == K::NAME_REF => columns.push(last(&part)),
            Some(part) => expressions.push(text(&part)),
            None => {}
        }
    }
    Action::CreateIndex(CreateIndex {
        table: table(node),
        name: child(node, K::INDEX).map(|index| last(&index)),
        unique: says(node, K::UNIQUE_KW),
        concurrently: says(node, K::CONCURRENTLY_KW),
        if_not_exists: has(node, K::IF_NOT_EXISTS),
        only: child(node, K::TABLE_RELATION_NAME).is_some_and(|relation| says(&relation, K::ONLY_KW)),
        method: child(node, K::USING_METHOD).map(|method| path_of_method(&method)),
        columns,
        expressions,
        filter: tree::filter(node),
        nulls_not_distinct: has(node, K::NULLS_NOT_DISTINCT),
    })
}

fn path_of_method(node: &SyntaxNode) -> String {
    name(node, K::ACCESS_METHOD_REF).unwrap_or_default()
}

/// The labels in an ALTER TYPE.
pub(super) fn labels(node: &SyntaxNode) -> Vec<String> {
    node.children().filter(|part| part.kind() == K::LITERAL).filter_map(|part| literal(&part)).collect()
}
