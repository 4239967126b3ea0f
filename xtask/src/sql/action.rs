//! What single statements do.
//!
//! Invariant: nothing disappears. What has no variant of its own is [`Action::Other`] with its kind, and what runs SQL that
//! cannot be read from here is [`Action::Dynamic`]; neither may be taken for harmless. Read off the syntax tree in `read/`.

use super::TableName;

/// What a statement does; names are unquoted, a missing schema is `public`; expressions are texts as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    AddColumn(Column),
    RenameColumn {
        table: TableName,
        from: String,
        to: String,
    },
    DropColumn {
        table: TableName,
        column: String,
        cascade: bool,
    },
    RenameTable {
        table: TableName,
        to: String,
    },
    DropTable {
        table: TableName,
        cascade: bool,
        if_exists: bool,
    },
    CreateTable(CreateTable),
    AddUnique {
        table: TableName,
        name: Option<String>,
        columns: Vec<String>,
        using_index: Option<String>,
        nulls_not_distinct: bool,
    },
    AddForeignKey {
        table: TableName,
        name: Option<String>,
        columns: Vec<String>,
        to: TableName,
        to_columns: Vec<String>,
        /// `ON DELETE CASCADE DEFERRABLE`, as it is written; empty where nothing is said.
        rules: String,
        not_valid: bool,
    },
    AddConstraint {
        table: TableName,
        kind: ConstraintKind,
        name: Option<String>,
        columns: Vec<String>,
        /// Of a check; the elements of an exclusion.
        expression: Option<String>,
        not_valid: bool,
        using_index: Option<String>,
    },
    ValidateConstraint {
        table: TableName,
        name: String,
    },
    DropConstraint {
        table: TableName,
        name: String,
        cascade: bool,
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
        default: String,
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
        collation: Option<String>,
    },
    /// ADD, SET or DROP of GENERATED … AS IDENTITY: `add`, `set`, `drop`.
    Identity {
        table: TableName,
        column: String,
        change: String,
    },
    /// SET or DROP EXPRESSION of a generated column.
    Expression {
        table: TableName,
        column: String,
        drop: bool,
    },
    /// SET STATISTICS, STORAGE, COMPRESSION.
    ColumnOption {
        table: TableName,
        column: String,
        option: String,
    },
    CreateIndex(CreateIndex),
    DropIndex {
        name: TableName,
        concurrently: bool,
        cascade: bool,
        if_exists: bool,
    },
    /// `what`: index, table, schema, database, system.
    Reindex {
        what: String,
        name: Option<TableName>,
        concurrently: bool,
    },
    CreateView {
        name: TableName,
        materialized: bool,
        replace: bool,
    },
    DropView {
        name: TableName,
        materialized: bool,
        cascade: bool,
    },
    RefreshView {
        name: TableName,
        concurrently: bool,
    },
    /// Enum, composite, range.
    CreateType {
        name: TableName,
        /// Of an enum, in order.
        labels: Vec<String>,
    },
    DropType {
        name: TableName,
        cascade: bool,
    },
    AddEnumValue {
        name: TableName,
        value: String,
        if_not_exists: bool,
        placed: bool,
    },
    RenameEnumValue {
        name: TableName,
        from: String,
        to: String,
    },
    AlterType {
        name: TableName,
    },
    CreateDomain {
        name: TableName,
        checked: bool,
    },
    AlterDomain {
        name: TableName,
        adds_constraint: bool,
        not_valid: bool,
    },
    /// Anything else that comes: `schema`, `sequence`, `extension` …
    CreateOther {
        kind: String,
        name: TableName,
    },
    CreateRoutine {
        kind: String,
        name: TableName,
        replace: bool,
        /// Neither IMMUTABLE nor STABLE.
        volatile: bool,
    },
    /// Anything else that goes: `schema`, `function`, `sequence` …
    DropOther {
        kind: String,
        name: TableName,
        cascade: bool,
        if_exists: bool,
    },
    /// A new name for what is no table and no column: `view`, `index`, `type`, `schema` …
    RenameOther {
        kind: String,
        name: TableName,
        to: String,
    },
    SetSchema {
        kind: String,
        name: TableName,
        to: String,
    },
    Truncate {
        tables: Vec<TableName>,
        cascade: bool,
    },
    /// `columns`: each with the text of its new value.
    Update {
        table: TableName,
        columns: Vec<(String, String)>,
        filter: Option<String>,
    },
    Delete {
        table: TableName,
        filter: Option<String>,
    },
    Insert {
        table: TableName,
        columns: Vec<String>,
        rows: Rows,
    },
    Merge {
        table: TableName,
    },
    Copy {
        table: Option<TableName>,
        from: bool,
    },
    /// A query, and the functions that it calls.
    Select {
        calls: Vec<String>,
    },
    CreateTrigger {
        table: TableName,
        name: String,
        constraint: bool,
    },
    DropTrigger {
        table: TableName,
        name: String,
    },
    /// `name`: none for ALL and USER.
    SetTrigger {
        table: TableName,
        name: Option<String>,
        enable: bool,
    },
    /// `bounds`: `FOR VALUES FROM ('2029-01-01') TO ('2030-01-01')`, `DEFAULT`.
    AttachPartition {
        table: TableName,
        partition: TableName,
        bounds: String,
    },
    DetachPartition {
        table: TableName,
        partition: TableName,
        concurrently: bool,
    },
    Inherit {
        table: TableName,
        parent: TableName,
        no: bool,
    },
    LockTable {
        tables: Vec<TableName>,
        mode: String,
    },
    /// `vacuum`, `vacuum full`, `cluster`, `cluster on`, `set logged`, `set unlogged`, `set tablespace`, `set access method`, `analyze`, `checkpoint`.
    Storage {
        table: Option<TableName>,
        kind: String,
    },
    TableOption {
        table: TableName,
        kind: String,
    },
    Policy {
        table: TableName,
        name: String,
        verb: String,
        restrictive: bool,
    },
    /// ENABLE or DISABLE ROW LEVEL SECURITY; `force`: FORCE or NO FORCE.
    RowSecurity {
        table: TableName,
        enable: bool,
        force: bool,
    },
    Grant {
        on: Vec<TableName>,
        to_public: bool,
        what: String,
    },
    Revoke {
        on: Vec<TableName>,
        what: String,
    },
    Owner {
        kind: String,
        name: TableName,
    },
    /// `default`, `full`, `nothing`, `index`.
    ReplicaIdentity {
        table: TableName,
        identity: String,
    },
    Publication {
        verb: String,
        name: String,
        tables: Vec<TableName>,
    },
    Subscription {
        verb: String,
        name: String,
    },
    AlterExtension {
        name: String,
    },
    /// ALTER SYSTEM, ROLE, DATABASE, DEFAULT PRIVILEGES: more than this database's schema.
    Server {
        kind: String,
    },
    Set {
        name: String,
        value: String,
        local: bool,
    },
    Reset {
        name: String,
    },
    Comment,
    Transaction(Control),
    /// DO, EXECUTE, CALL: runs SQL that is not readable from here.
    Dynamic,
    Other {
        kind: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstraintKind {
    Check,
    PrimaryKey,
    Exclude,
    /// A constraint of its own since PostgreSQL 18.
    NotNull,
    Other,
}

impl ConstraintKind {
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            ConstraintKind::Check => "check",
            ConstraintKind::PrimaryKey => "primary key",
            ConstraintKind::Exclude => "exclude",
            ConstraintKind::NotNull => "not null",
            ConstraintKind::Other => "table",
        }
    }
}

/// What changes the transaction that a file runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Begin,
    Commit,
    Rollback,
    Savepoint,
    Release,
    RollbackTo,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    Stored,
    /// Also where the word is left out: so PostgreSQL 18 reads it, and earlier ones refuse it.
    Virtual,
    Identity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    Values(usize),
    Query,
}

/// As ADD COLUMN and CREATE TABLE write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub table: TableName,
    pub column: String,
    pub data_type: String,
    pub not_null: bool,
    pub default: Option<String>,
    pub unique: bool,
    pub primary_key: bool,
    pub check: Option<String>,
    pub references: Option<(TableName, Vec<String>)>,
    /// `ON DELETE CASCADE`, as it is written behind them.
    pub reference_rules: String,
    pub generated: Option<Generated>,
    pub collation: Option<String>,
    pub if_not_exists: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTable {
    pub table: TableName,
    pub if_not_exists: bool,
    pub temporary: bool,
    pub columns: Vec<Column>,
    /// [`Action::AddUnique`], [`Action::AddForeignKey`] and [`Action::AddConstraint`] on this table.
    pub constraints: Vec<Action>,
    pub partitioned: bool,
    /// `RANGE (at)`
    pub partition_key: Option<String>,
    pub partition_of: Option<TableName>,
    /// As in [`Action::AttachPartition`].
    pub bounds: Option<String>,
    pub inherits: Vec<TableName>,
    pub from_query: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateIndex {
    pub table: TableName,
    pub name: Option<String>,
    pub unique: bool,
    pub concurrently: bool,
    pub if_not_exists: bool,
    pub only: bool,
    pub method: Option<String>,
    /// Plain columns, in order.
    pub columns: Vec<String>,
    /// Parts that are none.
    pub expressions: Vec<String>,
    pub filter: Option<String>,
    pub nulls_not_distinct: bool,
}

impl Action {
    /// The tables and views that it works on.
    #[must_use]
    pub fn tables(&self) -> Vec<&TableName> {
        match self {
            Action::AddColumn(added) => vec![&added.table],
            Action::CreateTable(create) => vec![&create.table],
            Action::CreateIndex(index) => vec![&index.table],
            Action::AddForeignKey { table, to, .. } => vec![table, to],
            Action::AttachPartition { table, partition, .. } | Action::DetachPartition { table, partition, .. } => {
                vec![table, partition]
            }
            Action::Inherit { table, parent, .. } => vec![table, parent],
            Action::RenameColumn { table, .. }
            | Action::DropColumn { table, .. }
            | Action::RenameTable { table, .. }
            | Action::DropTable { table, .. }
            | Action::AddUnique { table, .. }
            | Action::AddConstraint { table, .. }
            | Action::ValidateConstraint { table, .. }
            | Action::DropConstraint { table, .. }
            | Action::RenameConstraint { table, .. }
            | Action::SetNotNull { table, .. }
            | Action::DropNotNull { table, .. }
            | Action::SetDefault { table, .. }
            | Action::DropDefault { table, .. }
            | Action::ChangeType { table, .. }
            | Action::Identity { table, .. }
            | Action::Expression { table, .. }
            | Action::ColumnOption { table, .. }
            | Action::Update { table, .. }
            | Action::Delete { table, .. }
            | Action::Insert { table, .. }
            | Action::Merge { table }
            | Action::Copy { table: Some(table), .. }
            | Action::CreateTrigger { table, .. }
            | Action::DropTrigger { table, .. }
            | Action::SetTrigger { table, .. }
            | Action::Storage { table: Some(table), .. }
            | Action::TableOption { table, .. }
            | Action::Policy { table, .. }
            | Action::RowSecurity { table, .. }
            | Action::ReplicaIdentity { table, .. } => vec![table],
            Action::DropIndex { name, .. }
            | Action::CreateView { name, .. }
            | Action::DropView { name, .. }
            | Action::RefreshView { name, .. } => vec![name],
            Action::SetSchema { kind, name, .. } | Action::Owner { kind, name } if kind == "table" => vec![name],
            Action::Truncate { tables, .. } | Action::LockTable { tables, .. } | Action::Publication { tables, .. } => {
                tables.iter().collect()
            }
            Action::Grant { on, .. } | Action::Revoke { on, .. } => on.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// The words for a statement that drizzle-kit does not write, and that no operation stands for: `update`, `drop sequence`.
    #[must_use]
    pub fn outside(&self) -> Option<String> {
        let words = match self {
            Action::Other { kind } | Action::Server { kind } => kind.clone(),
            Action::CreateOther { kind, .. } | Action::CreateRoutine { kind, .. } => format!("create {kind}"),
            Action::DropOther { kind, .. } => format!("drop {kind}"),
            Action::RenameOther { kind, .. } | Action::SetSchema { kind, .. } | Action::Owner { kind, .. } => {
                format!("alter {kind}")
            }
            Action::Storage { kind, .. } | Action::TableOption { kind, .. } => kind.clone(),
            Action::ColumnOption { option, .. } => option.clone(),
            Action::Publication { verb, .. } => format!("{verb} publication"),
            Action::Subscription { verb, .. } => format!("{verb} subscription"),
            Action::SetTrigger { enable, .. } => {
                (if *enable { "enable trigger" } else { "disable trigger" }).to_owned()
            }
            Action::Inherit { no, .. } => (if *no { "no inherit table" } else { "inherit table" }).to_owned(),
            Action::RowSecurity { enable, force: true, .. } => {
                (if *enable { "force rls" } else { "no force rls" }).to_owned()
            }
            Action::ValidateConstraint { .. } => "validate constraint".to_owned(),
            Action::Identity { change, .. } => format!("{change} identity"),
            Action::Expression { .. } => "generated expression".to_owned(),
            Action::Reindex { .. } => "reindex".to_owned(),
            Action::RefreshView { .. } => "refresh".to_owned(),
            Action::CreateDomain { .. } => "create domain".to_owned(),
            Action::AlterDomain { .. } => "alter domain".to_owned(),
            Action::Truncate { .. } => "truncate".to_owned(),
            Action::Update { .. } => "update".to_owned(),
            Action::Delete { .. } => "delete".to_owned(),
            Action::Insert { .. } => "insert".to_owned(),
            Action::Merge { .. } => "merge".to_owned(),
            Action::Copy { .. } => "copy".to_owned(),
            Action::Select { .. } => "select".to_owned(),
            Action::CreateTrigger { .. } => "create trigger".to_owned(),
            Action::DropTrigger { .. } => "drop trigger".to_owned(),
            Action::AttachPartition { .. } => "attach partition".to_owned(),
            Action::DetachPartition { .. } => "detach partition".to_owned(),
            Action::LockTable { .. } => "lock".to_owned(),
            Action::Grant { .. } => "grant".to_owned(),
            Action::Revoke { .. } => "revoke".to_owned(),
            Action::ReplicaIdentity { .. } => "replica identity".to_owned(),
            Action::AlterExtension { .. } => "alter extension".to_owned(),
            Action::Set { .. } => "set".to_owned(),
            Action::Reset { .. } => "reset".to_owned(),
            Action::Comment => "comment on".to_owned(),
            _ => return None,
        };
        Some(words)
    }
}

/// An identifier as PostgreSQL stores it.
#[must_use]
pub(crate) fn unquoted(identifier: &str) -> String {
    match identifier.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => identifier.to_lowercase(),
    }
}
