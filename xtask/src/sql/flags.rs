//! Operations as people write them at a command line: `--rename users.email=users.email_address`.

use anyhow::Result;

use super::TableName;
use super::operation::Operation;
use crate::failure::Failure;

/// How a flag's value is read.
pub type Read = fn(&str) -> Option<Operation>;

/// Each flag with its form, an example, and how it is read.
pub const FLAGS: &[(&str, &str, &str, Read)] = &[
    ("rename", "table.old=table.new", "users.email=users.email_address", rename_column),
    ("add", "table.column=type [not null] [default SQL]", "users.phone=text", add_column),
    ("drop-column", "table.column", "exercises.equipment", |text| {
        column(text).map(|(table, column)| Operation::DropColumn { table, column })
    }),
    ("retype", "table.column=type", "sessions.duration_minutes=bigint", |text| {
        let (name, to) = pair(text)?;
        column(name).map(|(table, column)| Operation::ChangeType { table, column, from: None, to: to.to_owned() })
    }),
    ("not-null", "table.column", "workouts.description", |text| {
        column(text).map(|(table, column)| Operation::SetNotNull { table, column })
    }),
    ("nullable", "table.column", "users.name", |text| {
        column(text).map(|(table, column)| Operation::DropNotNull { table, column })
    }),
    ("set-default", "table.column=SQL", "sessions.duration_minutes=45", |text| {
        let (name, default) = pair(text)?;
        column(name).map(|(table, column)| Operation::SetDefault { table, column, default: default.to_owned() })
    }),
    ("drop-default", "table.column", "sessions.duration_minutes", |text| {
        column(text).map(|(table, column)| Operation::DropDefault { table, column })
    }),
    ("unique", "table.column[,column]", "workouts.title", |text| {
        let (table, columns) = columns(text)?;
        Some(Operation::AddUnique { table, name: None, columns, nulls_not_distinct: false, replaces: false })
    }),
    ("check", "table.name[=SQL]", "sessions.long_enough", |text| {
        let (name, expression) = pair(text).map_or((text, None), |(name, sql)| (name, Some(sql.to_owned())));
        column(name).map(|(table, name)| Operation::AddCheck { table, name, expression, replaces: false })
    }),
    (
        "foreign-key",
        "table.column[,column]=table.column[,column] [on delete ACTION] [on update ACTION]",
        "invites.email=users.email on delete cascade",
        foreign_key,
    ),
    ("index", "table.column[,column]", "workouts.title", |text| {
        let (table, columns) = columns(text)?;
        Some(Operation::AddIndex { table, name: None, columns, unique: false, definition: None, replaces: false })
    }),
    ("create-table", "table", "goals", |text| Some(Operation::CreateTable { table: name(text)?, columns: Vec::new() })),
    ("drop-table", "table", "invites", |text| Some(Operation::DropTable { table: name(text)? })),
    ("rename-table", "old=new", "sessions=bookings", |text| {
        let (old, new) = pair(text)?;
        let (table, to) = (name(old)?, name(new)?);
        (table.schema == to.schema && table != to).then_some(Operation::RenameTable { table, to: to.name })
    }),
    ("add-value", "enum=value", "user_role=owner", |text| {
        let (of, value) = pair(text)?;
        Some(Operation::AddEnumValue { name: name(of)?, value: value.to_owned() })
    }),
    ("drop-value", "enum=value", "muscle_group=core", |text| {
        let (of, value) = pair(text)?;
        Some(Operation::DropEnumValue { name: name(of)?, value: value.to_owned() })
    }),
    ("rename-value", "enum.old=enum.new", "muscle_group.core=muscle_group.trunk", |text| {
        let (old, new) = pair(text)?;
        let ((of, from), (same, to)) = (column(old)?, column(new)?);
        (of == same && from != to).then_some(Operation::RenameEnumValue { name: of, from, to })
    }),
    ("create-enum", "enum", "plan", |text| Some(Operation::CreateEnum { name: name(text)?, values: Vec::new() })),
    ("drop-enum", "enum", "muscle_group", |text| Some(Operation::DropEnum { name: name(text)? })),
    ("create-view", "view", "recent_sessions", |text| {
        Some(Operation::CreateView { view: name(text)?, definition: None })
    }),
    ("change-view", "view", "active_users", |text| Some(Operation::ChangeView { view: name(text)?, definition: None })),
    ("drop-view", "view", "active_users", |text| Some(Operation::DropView { view: name(text)? })),
];

/// Reads one flag's value.
pub fn read(flag: &str, text: &str) -> Result<Operation> {
    let (_, form, example, read) = FLAGS
        .iter()
        .find(|(name, ..)| *name == flag)
        .ok_or_else(|| Failure::usage(format!("`--{flag}` declares nothing")))?;
    read(text).ok_or_else(|| {
        Failure::usage(format!("`{text}` is not what `--{flag}` takes"))
            .hint(format!("write it as {form}: --{flag} {example:?}"))
            .into()
    })
}

fn pair(text: &str) -> Option<(&str, &str)> {
    let (left, right) = text.split_once('=')?;
    let (left, right) = (left.trim(), right.trim());
    (!left.is_empty() && !right.is_empty()).then_some((left, right))
}

fn name(text: &str) -> Option<TableName> {
    let text = text.trim();
    (!text.is_empty() && !text.starts_with('.') && !text.ends_with('.')).then(|| TableName::from(text.to_owned()))
}

fn column(text: &str) -> Option<(TableName, String)> {
    let (table, column) = text.trim().rsplit_once('.')?;
    Some((name(table)?, Some(column.to_owned()).filter(|column| !column.is_empty())?))
}

fn columns(text: &str) -> Option<(TableName, Vec<String>)> {
    let (table, list) = column(text)?;
    let columns: Vec<String> = list.split(',').map(|column| column.trim().to_owned()).collect();
    columns.iter().all(|column| !column.is_empty()).then_some((table, columns))
}

fn rename_column(text: &str) -> Option<Operation> {
    let (old, new) = pair(text)?;
    let ((table, from), (same, to)) = (column(old)?, column(new)?);
    (table == same && from != to).then_some(Operation::RenameColumn { table, from, to })
}

fn add_column(text: &str) -> Option<Operation> {
    let (place, definition) = pair(text)?;
    let (table, column) = column(place)?;
    let lower = definition.to_lowercase();
    let (rest, default) = match lower.find(" default ") {
        Some(at) => (&definition[..at], Some(definition[at + " default ".len()..].trim().to_owned())),
        None => (definition, None),
    };
    let not_null = rest.trim().to_lowercase().ends_with(" not null");
    let data_type = if not_null { &rest.trim()[..rest.trim().len() - " not null".len()] } else { rest };
    let data_type = data_type.trim().to_owned();
    (!data_type.is_empty()).then_some(Operation::AddColumn { table, column, data_type, not_null, default })
}

fn foreign_key(text: &str) -> Option<Operation> {
    let (from, rest) = pair(text)?;
    let (table, columns_of) = columns(from)?;
    let lower = rest.to_lowercase();
    let ends = [lower.find(" on delete "), lower.find(" on update ")];
    let end = ends.iter().flatten().min().copied().unwrap_or(rest.len());
    let (to, to_columns) = columns(&rest[..end])?;
    let action = |event: &str| -> Option<String> {
        let (_, after) = lower.split_once(&format!(" on {event} "))?;
        let text = after.split(" on ").next()?.trim().to_owned();
        Some(text).filter(|action| action != "no action")
    };
    let (on_delete, on_update) = (action("delete"), action("update"));
    let known = |action: &Option<String>| {
        action.as_deref().is_none_or(|action| ["cascade", "restrict", "set null", "set default"].contains(&action))
    };
    (columns_of.len() == to_columns.len() && known(&on_delete) && known(&on_update)).then_some(
        Operation::AddForeignKey {
            table,
            name: None,
            columns: columns_of,
            to,
            to_columns,
            on_delete,
            on_update,
            replaces: false,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_reads_its_own_example_and_refuses_an_empty_value() {
        for (flag, _, example, _) in FLAGS {
            assert!(read(flag, example).is_ok(), "{flag}");
            assert!(read(flag, "").is_err() && read(flag, ".").is_err(), "{flag}");
        }
    }

    #[test]
    fn a_column_is_read_with_its_type_its_default_and_whether_it_may_be_null() {
        let words = |flag: &str, text: &str| read(flag, text).unwrap().to_string();
        assert_eq!(
            words("add", "users.rank=integer not null default 1"),
            "add column users.rank (integer, not null, default 1)"
        );
        assert_eq!(words("add", "app.users.rank=varchar(20)"), "add column app.users.rank (varchar(20), nullable)");
        assert_eq!(
            words("foreign-key", "a.x,y=b.x,y on update cascade on delete set null"),
            "add foreign key a(x, y) → b(x, y) on delete set null on update cascade"
        );
        assert!(read("foreign-key", "a.x=b.x,y").is_err() && read("foreign-key", "a.x=b.x on delete explode").is_err());
        assert!(read("rename", "users.email=people.email").is_err());
    }
}
