//! What single statements do, read off squawk's syntax tree.
//!
//! Invariant: nothing disappears. What has no variant of its own is [`Action::Other`] with its kind, and what runs SQL that
//! cannot be read from here is [`Action::Dynamic`]; neither may be taken for harmless.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::TableName;

/// What a statement does; names are unquoted, a missing schema is `public`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    AddColumn(AddColumn),
    RenameColumn {
        table: TableName,
        from: String,
        to: String,
    },
    DropColumn {
        table: TableName,
        column: String,
    },
    RenameTable {
        table: TableName,
        to: String,
    },
    DropTable {
        table: TableName,
        cascade: bool,
    },
    CreateTable {
        table: TableName,
    },
    AddUnique {
        table: TableName,
        name: Option<String>,
        columns: Vec<String>,
        using_index: bool,
        nulls_not_distinct: bool,
    },
    AddForeignKey {
        table: TableName,
        columns: Vec<String>,
        to: TableName,
        to_columns: Vec<String>,
        not_valid: bool,
    },
    /// `check`, `primary key`, `exclude`.
    AddConstraint {
        table: TableName,
        kind: String,
        name: Option<String>,
    },
    DropConstraint {
        table: TableName,
        name: String,
    },
    RenameConstraint {
        table: TableName,
        from: String,
        to: String,
    },
    SetNotNull {
        table: TableName,
        column: String,
    },
    DropNotNull {
        table: TableName,
        column: String,
    },
    SetDefault {
        table: TableName,
        column: String,
    },
    DropDefault {
        table: TableName,
        column: String,
    },
    ChangeType {
        table: TableName,
        column: String,
        data_type: String,
        /// How the old value becomes the new one, where it is written down.
        using: Option<String>,
    },
    CreateIndex {
        table: TableName,
        name: Option<String>,
        unique: bool,
        concurrently: bool,
    },
    DropIndex {
        name: TableName,
    },
    CreateView {
        name: TableName,
    },
    DropView {
        name: TableName,
    },
    CreateType {
        name: TableName,
    },
    DropType {
        name: TableName,
    },
    AddEnumValue {
        name: TableName,
        value: String,
    },
    RenameEnumValue {
        name: TableName,
        from: String,
        to: String,
    },
    AlterType {
        name: TableName,
    },
    /// CREATE, ALTER or DROP POLICY.
    Policy {
        table: TableName,
        name: String,
    },
    /// ENABLE or DISABLE ROW LEVEL SECURITY.
    RowSecurity {
        table: TableName,
        enable: bool,
    },
    /// BEGIN, COMMIT, ROLLBACK, SAVEPOINT: breaks drizzle-orm's one transaction.
    Transaction,
    /// DO, EXECUTE, CALL: runs SQL that is not readable from here.
    Dynamic,
    Other {
        kind: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddColumn {
    pub table: TableName,
    pub column: String,
    pub data_type: String,
    pub not_null: bool,
    pub default: Option<String>,
    /// Inline constraints beyond NOT NULL and DEFAULT: `unique`, `references`, `check`, `generated`, `primary key`.
    pub others: Vec<String>,
}

impl Action {
    /// The tables that it works on.
    #[must_use]
    pub fn tables(&self) -> Vec<&TableName> {
        match self {
            Action::AddColumn(added) => vec![&added.table],
            Action::AddForeignKey { table, to, .. } => vec![table, to],
            Action::RenameColumn { table, .. }
            | Action::DropColumn { table, .. }
            | Action::RenameTable { table, .. }
            | Action::DropTable { table, .. }
            | Action::CreateTable { table }
            | Action::AddUnique { table, .. }
            | Action::AddConstraint { table, .. }
            | Action::DropConstraint { table, .. }
            | Action::RenameConstraint { table, .. }
            | Action::SetNotNull { table, .. }
            | Action::DropNotNull { table, .. }
            | Action::SetDefault { table, .. }
            | Action::DropDefault { table, .. }
            | Action::ChangeType { table, .. }
            | Action::Policy { table, .. }
            | Action::RowSecurity { table, .. }
            | Action::CreateIndex { table, .. } => vec![table],
            Action::DropIndex { name } | Action::CreateView { name } | Action::DropView { name } => vec![name],
            Action::CreateType { .. }
            | Action::DropType { .. }
            | Action::AddEnumValue { .. }
            | Action::RenameEnumValue { .. }
            | Action::AlterType { .. }
            | Action::Transaction
            | Action::Dynamic
            | Action::Other { .. } => Vec::new(),
        }
    }
}

pub(super) fn actions(node: &SyntaxNode) -> Vec<Action> {
    match node.kind() {
        SyntaxKind::ALTER_TABLE => {
            let table = table(node);
            let found: Vec<Action> = node
                .children()
                .filter(|child| {
                    child.kind() != SyntaxKind::TABLE_RELATION_NAME && child.kind() != SyntaxKind::IF_EXISTS
                })
                .map(|child| table_action(&table, &child))
                .collect();
            if found.is_empty() { vec![unknown(node)] } else { found }
        }
        SyntaxKind::DROP_TABLE => {
            let cascade = has_token(node, SyntaxKind::CASCADE_KW);
            named(node, SyntaxKind::TABLE_NAME_REF).map(|table| Action::DropTable { table, cascade }).collect()
        }
        SyntaxKind::DROP_VIEW | SyntaxKind::DROP_MATERIALIZED_VIEW => {
            named(node, SyntaxKind::VIEW_REF).map(|name| Action::DropView { name }).collect()
        }
        SyntaxKind::DROP_INDEX => named(node, SyntaxKind::INDEX_REF).map(|name| Action::DropIndex { name }).collect(),
        SyntaxKind::CREATE_TABLE => {
            named(node, SyntaxKind::TABLE_NAME).take(1).map(|table| Action::CreateTable { table }).collect()
        }
        SyntaxKind::CREATE_VIEW | SyntaxKind::CREATE_MATERIALIZED_VIEW => {
            named(node, SyntaxKind::VIEW).take(1).map(|name| Action::CreateView { name }).collect()
        }
        SyntaxKind::CREATE_INDEX => vec![Action::CreateIndex {
            table: table(node),
            name: child(node, SyntaxKind::INDEX).map(|index| path(&index).name),
            unique: has_token(node, SyntaxKind::UNIQUE_KW),
            concurrently: has_token(node, SyntaxKind::CONCURRENTLY_KW),
        }],
        SyntaxKind::CREATE_TYPE => {
            named(node, SyntaxKind::TYPE_NAME).take(1).map(|name| Action::CreateType { name }).collect()
        }
        SyntaxKind::DROP_TYPE => named(node, SyntaxKind::TYPE_NAME_REF).map(|name| Action::DropType { name }).collect(),
        SyntaxKind::CREATE_POLICY | SyntaxKind::ALTER_POLICY | SyntaxKind::DROP_POLICY => {
            let name = child(node, SyntaxKind::POLICY).or_else(|| child(node, SyntaxKind::POLICY_REF));
            vec![Action::Policy { table: table(node), name: name.map(|name| path(&name).name).unwrap_or_default() }]
        }
        SyntaxKind::ALTER_TYPE => {
            named(node, SyntaxKind::TYPE_NAME_REF).take(1).map(|name| alter_type(name, node)).collect()
        }
        SyntaxKind::BEGIN
        | SyntaxKind::COMMIT_TRANSACTION
        | SyntaxKind::COMMIT_PREPARED
        | SyntaxKind::ROLLBACK_TRANSACTION
        | SyntaxKind::ROLLBACK_PREPARED
        | SyntaxKind::ROLLBACK_TO_SAVEPOINT
        | SyntaxKind::SAVEPOINT_CREATE
        | SyntaxKind::RELEASE_SAVEPOINT
        | SyntaxKind::PREPARE_TRANSACTION
        | SyntaxKind::SET_TRANSACTION => vec![Action::Transaction],
        SyntaxKind::DO | SyntaxKind::EXECUTE | SyntaxKind::CALL => vec![Action::Dynamic],
        _ => vec![unknown(node)],
    }
}

fn table_action(table: &TableName, node: &SyntaxNode) -> Action {
    let table = table.clone();
    let column = || names(node, SyntaxKind::COLUMN_NAME_REF).into_iter().next().unwrap_or_default();
    let constraint = || names(node, SyntaxKind::CONSTRAINT_NAME_REF).into_iter().next().unwrap_or_default();
    match node.kind() {
        SyntaxKind::ADD_COLUMN => Action::AddColumn(add_column(table, node)),
        SyntaxKind::DROP_COLUMN => Action::DropColumn { table, column: column() },
        SyntaxKind::RENAME_COLUMN => {
            let to = names(node, SyntaxKind::COLUMN_NAME).into_iter().next().unwrap_or_default();
            Action::RenameColumn { table, from: column(), to }
        }
        SyntaxKind::TABLE_RENAME_TO => Action::RenameTable { table, to: path(node).name },
        SyntaxKind::RENAME_CONSTRAINT => {
            let to = names(node, SyntaxKind::CONSTRAINT_NAME).into_iter().next().unwrap_or_default();
            Action::RenameConstraint { table, from: constraint(), to }
        }
        SyntaxKind::DROP_CONSTRAINT => Action::DropConstraint { table, name: constraint() },
        SyntaxKind::ADD_CONSTRAINT => add_constraint(table, node),
        SyntaxKind::ALTER_COLUMN => {
            let option = node.children().last();
            match option.as_ref().map(SyntaxNode::kind) {
                Some(SyntaxKind::SET_NOT_NULL) => Action::SetNotNull { table, column: column() },
                Some(SyntaxKind::DROP_NOT_NULL) => Action::DropNotNull { table, column: column() },
                Some(SyntaxKind::SET_DEFAULT) => Action::SetDefault { table, column: column() },
                Some(SyntaxKind::DROP_DEFAULT) => Action::DropDefault { table, column: column() },
                Some(SyntaxKind::SET_TYPE) => {
                    let data_type = option.as_ref().and_then(type_text).unwrap_or_default();
                    let using = option.and_then(|option| after_using(&option));
                    Action::ChangeType { table, column: column(), data_type, using }
                }
                _ => unknown(option.as_ref().unwrap_or(node)),
            }
        }
        SyntaxKind::ENABLE_RLS => Action::RowSecurity { table, enable: true },
        SyntaxKind::DISABLE_RLS => Action::RowSecurity { table, enable: false },
        _ => unknown(node),
    }
}

fn alter_type(name: TableName, node: &SyntaxNode) -> Action {
    let values = |kind: SyntaxKind| -> Option<Vec<String>> {
        let found = child(node, kind)?;
        Some(
            found.children().filter(|part| part.kind() == SyntaxKind::LITERAL).filter_map(|part| text(&part)).collect(),
        )
    };
    match (values(SyntaxKind::ADD_VALUE).as_deref(), values(SyntaxKind::RENAME_VALUE).as_deref()) {
        (Some([value]), _) => Action::AddEnumValue { name, value: value.clone() },
        (_, Some([from, to])) => Action::RenameEnumValue { name, from: from.clone(), to: to.clone() },
        _ => Action::AlterType { name },
    }
}

/// A plain string literal's value.
fn text(node: &SyntaxNode) -> Option<String> {
    let literal = node.text().to_string();
    Some(literal.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"))
}

fn add_column(table: TableName, node: &SyntaxNode) -> AddColumn {
    let mut found = AddColumn {
        table,
        column: names(node, SyntaxKind::COLUMN_NAME).into_iter().next().unwrap_or_default(),
        data_type: type_text(node).unwrap_or_default(),
        not_null: false,
        default: None,
        others: Vec::new(),
    };
    for part in node.children() {
        let kind = words(part.kind());
        match part.kind() {
            SyntaxKind::NOT_NULL_CONSTRAINT => found.not_null = true,
            SyntaxKind::DEFAULT_CONSTRAINT => {
                found.default = part.children().last().map(|expression| expression.text().to_string());
            }
            SyntaxKind::NULL_CONSTRAINT => {}
            _ if kind.ends_with(" constraint") => found.others.push(kind.trim_end_matches(" constraint").to_owned()),
            _ => {}
        }
    }
    found
}

fn add_constraint(table: TableName, node: &SyntaxNode) -> Action {
    let Some(constraint) = node.children().next() else { return unknown(node) };
    match constraint.kind() {
        SyntaxKind::UNIQUE_CONSTRAINT => Action::AddUnique {
            table,
            name: names(&constraint, SyntaxKind::CONSTRAINT_NAME).into_iter().next(),
            columns: names(&constraint, SyntaxKind::COLUMN_NAME_REF),
            using_index: child(&constraint, SyntaxKind::USING_INDEX_NAME).is_some(),
            nulls_not_distinct: words_of(&constraint).contains("nulls not distinct"),
        },
        SyntaxKind::FOREIGN_KEY_CONSTRAINT => {
            let lists: Vec<Vec<String>> = constraint
                .children()
                .filter(|child| child.kind() == SyntaxKind::FOREIGN_KEY_COLUMN_LIST)
                .map(|list| names(&list, SyntaxKind::COLUMN_NAME_REF))
                .collect();
            Action::AddForeignKey {
                table,
                columns: lists.first().cloned().unwrap_or_default(),
                to: named(&constraint, SyntaxKind::TABLE_NAME_REF)
                    .next()
                    .unwrap_or_else(|| TableName::new("public", "")),
                to_columns: lists.get(1).cloned().unwrap_or_default(),
                not_valid: child(&constraint, SyntaxKind::NOT_VALID).is_some(),
            }
        }
        kind => Action::AddConstraint {
            table,
            kind: words(kind).trim_end_matches(" constraint").to_owned(),
            name: names(&constraint, SyntaxKind::CONSTRAINT_NAME).into_iter().next(),
        },
    }
}

fn unknown(node: &SyntaxNode) -> Action {
    Action::Other { kind: words(node.kind()) }
}

/// `DROP_SEQUENCE` as `drop sequence`.
fn words(kind: SyntaxKind) -> String {
    format!("{kind:?}").to_lowercase().replace('_', " ")
}

fn words_of(node: &SyntaxNode) -> String {
    node.text().to_string().to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|child| child.kind() == kind)
}

fn has_token(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.descendants_with_tokens().any(|element| element.kind() == kind)
}

fn table(node: &SyntaxNode) -> TableName {
    named(node, SyntaxKind::TABLE_NAME_REF).next().unwrap_or_else(|| TableName::new("public", ""))
}

pub(super) fn named(node: &SyntaxNode, kind: SyntaxKind) -> impl Iterator<Item = TableName> {
    node.descendants().filter(move |child| child.kind() == kind).map(|child| path(&child))
}

/// The names of all parts of one kind below a node, in order.
pub(super) fn names(node: &SyntaxNode, kind: SyntaxKind) -> Vec<String> {
    named(node, kind).map(|name| name.name).collect()
}

/// The identifiers of a dotted path; the last is the name, the one before it the schema.
fn path(node: &SyntaxNode) -> TableName {
    let skipped = [SyntaxKind::WHITESPACE, SyntaxKind::COMMENT, SyntaxKind::DOT];
    let parts: Vec<String> = node
        .descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| !skipped.contains(&token.kind()))
        .map(|token| unquoted(token.text()))
        .collect();
    let name = parts.last().cloned().unwrap_or_default();
    let schema =
        parts.len().checked_sub(2).and_then(|at| parts.get(at)).filter(|_| node.kind() != SyntaxKind::TABLE_RENAME_TO);
    TableName::new(schema.map_or("public", String::as_str), &name)
}

/// An identifier as PostgreSQL stores it.
#[must_use]
pub(crate) fn unquoted(identifier: &str) -> String {
    match identifier.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => identifier.to_lowercase(),
    }
}

/// The expression after USING.
fn after_using(node: &SyntaxNode) -> Option<String> {
    let parts = node.descendants_with_tokens().skip_while(|part| part.kind() != SyntaxKind::USING_KW).skip(1);
    let tokens = parts.filter_map(|part| part.into_token()).filter(|token| token.kind() != SyntaxKind::COMMENT);
    let text: String = tokens.map(|token| token.text().to_owned()).collect();
    (!text.is_empty()).then(|| text.trim().to_owned())
}

fn type_text(node: &SyntaxNode) -> Option<String> {
    let found = node
        .children()
        .find(|child| format!("{:?}", child.kind()).ends_with("_TYPE") && child.kind() != SyntaxKind::SET_TYPE);
    found.map(|child| child.text().to_string())
}
