//! What PostgreSQL refuses whatever the rows are, because of what a table or a column is: generated, an identity, a partition, of a type
//! that cannot be indexed. Each with its SQLSTATE, as seen on PostgreSQL 15.
//!
//! Invariant: only what is certain; an unknown table or type refuses nothing.

use super::catalog::{Column, Kind, Table};
use super::hazard::Site;
use super::partitions::Bounds;
use super::{condition, missing, partitions, types};
use crate::sql::TableName;
use crate::sql::action::{Action, ConstraintKind, Generated};
use crate::sql::parts;

pub(super) struct Refusal {
    /// `users.id is an identity column`
    pub why: String,
    pub code: &'static str,
    pub table: TableName,
}

pub(super) fn refusal(site: &mut Site<'_, '_>) -> Option<Refusal> {
    of_column(site)
        .or_else(|| of_partition(site))
        .or_else(|| of_bounds(site))
        .or_else(|| of_key(site))
        .or_else(|| of_index(site))
        .or_else(|| of_type(site))
        .or_else(|| of_others(site))
}

fn refused(table: &TableName, code: &'static str, why: String) -> Option<Refusal> {
    Some(Refusal { why, code, table: table.clone() })
}

/// What an identity and a generated column do not allow.
fn of_column(site: &mut Site<'_, '_>) -> Option<Refusal> {
    if let Action::Update { table, columns, .. } = site.action {
        let known = site.facts.table(table)?;
        let generated = |name: &str| {
            let of = known.columns.get(name).and_then(|column| column.generated);
            matches!(of, Some(Generated::Stored | Generated::Virtual))
        };
        let (name, _) =
            columns.iter().find(|(name, value)| generated(name) && !value.trim().eq_ignore_ascii_case("default"))?;
        return refused(table, "428C9", format!("{table}.{name} is a generated column"));
    }
    let (Action::SetDefault { table, column, .. }
    | Action::DropDefault { table, column }
    | Action::DropNotNull { table, column }
    | Action::Identity { table, column, .. }
    | Action::Expression { table, column, .. }) = site.action
    else {
        return None;
    };
    let known = site.facts.table(table)?;
    let found = known.columns.get(column)?;
    let identity = found.generated == Some(Generated::Identity);
    let name = format!("{table}.{column}");
    let if_exists = site.statement.text.to_lowercase().contains("if exists");
    match site.action {
        Action::SetDefault { .. } | Action::DropDefault { .. } if identity => {
            refused(table, "42601", format!("{name} is an identity column"))
        }
        Action::SetDefault { .. } | Action::DropDefault { .. } if found.generated.is_some() => {
            refused(table, "42601", format!("{name} is a generated column"))
        }
        Action::DropNotNull { .. } if identity => refused(table, "42601", format!("{name} is an identity column")),
        Action::DropNotNull { .. } if known.primary_key().contains(column) => {
            refused(table, "42P16", format!("{name} is in a primary key"))
        }
        Action::Identity { change, .. } => match change.as_str() {
            "add" => no_new_identity(table, &name, found, identity),
            "drop" if identity || if_exists || !known.known => None,
            _ if identity || !known.known => None,
            _ => refused(table, "55000", format!("{name} is no identity column")),
        },
        Action::Expression { drop: true, .. }
            if found.generated != Some(Generated::Stored) && known.known && !if_exists =>
        {
            refused(table, "55000", format!("{name} is no stored generated column"))
        }
        _ => None,
    }
}

fn no_new_identity(table: &TableName, name: &str, found: &Column, identity: bool) -> Option<Refusal> {
    if identity {
        return refused(table, "55000", format!("{name} is an identity column already"));
    }
    let whole = ["smallint", "integer", "bigint"].contains(&types::parse(&found.data_type).base.as_str());
    match found {
        Column { not_null: false, .. } => refused(table, "55000", format!("{name} is not NOT NULL")),
        Column { default: Some(_), .. } => refused(table, "55000", format!("{name} has a default")),
        _ if !whole && !found.data_type.is_empty() => refused(table, "22023", format!("{name} is no whole number")),
        _ => None,
    }
}

/// What a partition has from its parent, and a partitioned table's key.
fn of_partition(site: &mut Site<'_, '_>) -> Option<Refusal> {
    let (table, column) = match site.action {
        Action::AddColumn(added) => (&added.table, added.column.as_str()),
        Action::DropColumn { table, column, .. }
        | Action::ChangeType { table, column, .. }
        | Action::RenameColumn { table, from: column, .. }
        | Action::DropNotNull { table, column } => (table, column.as_str()),
        _ => return None,
    };
    let known = site.facts.table(table)?;
    if let Some(parent) = &known.partition_of {
        let there = known.columns.contains_key(column);
        return match site.action {
            Action::AddColumn(added) if there && added.if_not_exists => None,
            Action::AddColumn(_) => refused(table, "42809", format!("{table} is a partition of {parent}")),
            Action::DropNotNull { .. } => {
                let required =
                    site.facts.look(parent, |parent| parent.columns.get(column).is_some_and(|of| of.not_null));
                required.filter(|required| *required)?;
                refused(table, "42P16", format!("{column} is NOT NULL in {parent}"))
            }
            _ if there => refused(table, "42P16", format!("{table} has {column} from {parent}")),
            _ => None,
        };
    }
    let old = site.facts.major.is_some_and(|major| major < 17);
    if let Action::AddColumn(added) = site.action
        && known.partitioned
        && old
        && added.generated == Some(Generated::Identity)
    {
        return refused(
            table,
            "42P16",
            format!("{table} is partitioned, and this has identity columns since PostgreSQL 17"),
        );
    }
    let key = known.partition_key.as_deref()?;
    let in_key = condition::columns(key, &known).iter().any(|of| of == column);
    let touches = matches!(site.action, Action::DropColumn { .. } | Action::ChangeType { .. });
    (in_key && touches)
        .then(|| refused(table, "42P16", format!("{column} is in the partition key of {table}")))
        .flatten()
}

/// A partition whose rows another one takes already.
fn of_bounds(site: &mut Site<'_, '_>) -> Option<Refusal> {
    let (parent, own, text) = match site.action {
        Action::AttachPartition { table, partition, bounds } => (table, partition, bounds),
        Action::CreateTable(create) => (create.partition_of.as_ref()?, &create.table, create.bounds.as_ref()?),
        _ => return None,
    };
    let known = site.facts.table(parent)?;
    let bounds = partitions::bounds(text);
    let still = |site: &mut Site<'_, '_>, other: &TableName| {
        let of =
            |known: &Table| known.partition_of.as_ref() == Some(parent) && known.in_database.as_ref() == Some(other);
        site.facts.look(other, of).unwrap_or(false)
    };
    if let (Bounds::Default, Some(other)) = (&bounds, &known.default_partition) {
        return (still(site, other) && other != own)
            .then(|| refused(parent, "42P17", format!("{other} is the default partition of {parent} already")))
            .flatten();
    }
    let (_, key) = partitions::key(known.partition_key.as_deref()?)?;
    let of = known.columns.get(&key).map(|column| column.data_type.clone())?;
    let others = site.facts.partitions(parent)?;
    let other = others.into_iter().find_map(|(other, text)| {
        let test = partitions::overlap(&bounds, &partitions::bounds(&text), &of)?;
        let sql = format!("SELECT ({test})::int::bigint");
        let live = site.facts.live.as_mut()?;
        let overlaps = matches!(live.count(&sql), super::live::Answer::Count { count: 1, .. });
        (overlaps && still(site, &other)).then_some(other)
    })?;
    refused(parent, "42P17", format!("{own} overlaps partition {other} of {parent}"))
}

/// A second primary key; a key of a partitioned table that does not hold the partition key.
fn of_key(site: &mut Site<'_, '_>) -> Option<Refusal> {
    let (table, columns, primary) = match site.action {
        Action::AddConstraint { table, kind: ConstraintKind::PrimaryKey, columns, .. } => {
            (table, columns.clone(), true)
        }
        Action::AddUnique { table, columns, .. } => (table, columns.clone(), false),
        Action::AddColumn(added) if added.primary_key || added.unique => {
            (&added.table, vec![added.column.clone()], added.primary_key)
        }
        Action::CreateIndex(index) if index.unique && !index.only => (&index.table, index.columns.clone(), false),
        Action::AddConstraint { table, kind: ConstraintKind::Exclude, .. } => {
            let partitioned = site.facts.look(table, |known| known.partitioned)?;
            let old = site.facts.major.is_some_and(|major| major < 17);
            return (partitioned && old)
                .then(|| {
                    refused(table, "0A000", format!("{table} is partitioned, and this has EXCLUDE since PostgreSQL 17"))
                })
                .flatten();
        }
        _ => return None,
    };
    let known = site.facts.table(table)?;
    let makes_room = |action: &Action| matches!(action, Action::DropConstraint { .. } | Action::DropColumn { .. });
    let there = |known: &Table| known.constraints.values().any(|constraint| constraint.kind == Kind::PrimaryKey);
    if primary && there(&known) && !site.statement.actions.iter().any(makes_room) {
        return refused(table, "42P16", format!("{table} has a primary key already"));
    }
    let (_, key) = partitions::key(known.partition_key.as_deref()?)?;
    let plain = !columns.is_empty() && !columns.contains(&key);
    plain
        .then(|| refused(table, "0A000", format!("{table} is partitioned by {key}, which the key does not hold")))
        .flatten()
}

/// A type that an index of the kind cannot hold.
fn of_index(site: &mut Site<'_, '_>) -> Option<Refusal> {
    let (table, columns, method) = match site.action {
        Action::CreateIndex(index) => {
            // Another class of operators may be named.
            let plain = index.columns.iter().all(|column| !column.is_empty());
            let named = site.statement.text.to_lowercase().contains("_ops");
            if !plain || named {
                return None;
            }
            (&index.table, &index.columns, index.method.clone().unwrap_or_else(|| "btree".to_owned()))
        }
        Action::AddUnique { table, columns, .. }
        | Action::AddConstraint { table, columns, kind: ConstraintKind::PrimaryKey, .. } => {
            (table, columns, "btree".to_owned())
        }
        Action::AddColumn(added) if added.unique || added.primary_key => {
            let of = types::parse(&added.data_type);
            return (!indexable(&of, "btree"))
                .then(|| refused(&added.table, "42704", format!("no unique index can hold {}", added.data_type)))
                .flatten();
        }
        _ => return None,
    };
    let known = site.facts.table(table)?;
    if method == "hash" && columns.len() > 1 {
        return refused(table, "0A000", "a hash index holds one column".to_owned());
    }
    let (name, of) = columns.iter().find_map(|name| {
        let of = &known.columns.get(name)?.data_type;
        (!of.is_empty() && !indexable(&types::parse(of), &method)).then_some((name, of))
    })?;
    refused(table, "42704", format!("{name} is {of}, which has no operators for an index of kind {method}"))
}

/// Whether PostgreSQL has operators for it by default; what is not its own may have some.
fn indexable(of: &types::Type, method: &str) -> bool {
    let base = of.base.as_str();
    let unordered = ["json", "xml", "point", "line", "box", "path", "polygon"].contains(&base);
    match method {
        "btree" | "hash" => !unordered || of.array && base != "json" && base != "xml" && base != "point",
        "brin" if of.array => false,
        "brin" => !unordered && !["boolean", "jsonb"].contains(&base),
        "gin" => of.array || ["jsonb", "tsvector"].contains(&base) || !types::is_own(base),
        _ => true,
    }
}

/// A type change without USING of what these files made themselves (what was there before is H52's), or away from what a foreign key of
/// the column refers to.
fn of_type(site: &mut Site<'_, '_>) -> Option<Refusal> {
    let Action::ChangeType { table, column, data_type, using, .. } = site.action else { return None };
    let known = site.facts.table(table)?;
    for key in known.constraints.values().filter(|constraint| constraint.kind == Kind::ForeignKey) {
        let Some((parent, to)) = &key.references else { continue };
        let pair = key.columns.iter().zip(to).find(|(of, _)| *of == column);
        let of = pair.and_then(|(_, to)| site.facts.column(parent, to)).map(|of| of.data_type);
        if let Some(of) = of.filter(|of| types::never_equal(data_type, of)) {
            return refused(
                table,
                "42804",
                format!("{column} refers to {parent}, whose key is {of} and cannot equal {data_type}"),
            );
        }
    }
    if using.is_some() {
        return None;
    }
    let found = known.columns.get(column)?;
    let whole = ["smallint", "integer", "bigint"].contains(&types::parse(data_type).base.as_str());
    if found.generated == Some(Generated::Identity) && !whole {
        return refused(
            table,
            "22023",
            format!("{table}.{column} is an identity column, and {data_type} is no whole number"),
        );
    }
    if !site.facts.is_new(table, site.at.file) && found.in_database.is_some() {
        return None;
    }
    let of_enum = types::named(data_type).is_some_and(|name| site.facts.enumeration(&name).is_some());
    let needs = !found.data_type.is_empty() && types::needs_using(&found.data_type, data_type, of_enum);
    needs
        .then(|| {
            refused(table, "42804", format!("no cast from {} to {data_type} is made without USING", found.data_type))
        })
        .flatten()
}

fn of_others(site: &mut Site<'_, '_>) -> Option<Refusal> {
    match site.action {
        Action::ValidateConstraint { table, name } => {
            let kind =
                site.facts.look(table, |known| known.constraints.get(name).map(|constraint| constraint.kind))??;
            (!matches!(kind, Kind::Check | Kind::ForeignKey | Kind::NotNull))
                .then(|| refused(table, "42809", format!("constraint {name} is neither a check nor a foreign key")))
                .flatten()
        }
        Action::CreateTrigger { table, name, .. } => {
            let words = super::definition::words(&site.statement.text);
            let dropped =
                |action: &Action| matches!(action, Action::DropTrigger { name: dropped, .. } if dropped == name);
            let replaces = words.get(1).is_some_and(|word| word == "or");
            if replaces || site.scene.earlier(table, site.at).any(|(_, action)| dropped(action)) {
                return None;
            }
            let there = missing::trigger_there(site, table, name)?;
            there.then(|| refused(table, "42710", format!("trigger {name} is there already"))).flatten()
        }
        Action::AddColumn(added) if added.generated == Some(Generated::Stored) => {
            let known = site.facts.table(&added.table)?;
            let expression = parts::generated(&site.statement.text, &added.column)?;
            let generated = |name: &String| {
                matches!(
                    known.columns.get(name).and_then(|column| column.generated),
                    Some(Generated::Stored | Generated::Virtual)
                )
            };
            let of = condition::columns(&expression, &known).into_iter().find(generated)?;
            refused(&added.table, "42P17", format!("{of} is a generated column itself"))
        }
        _ => None,
    }
}
