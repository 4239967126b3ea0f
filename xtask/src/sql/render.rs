//! Forward SQL of ours for declared operations: tried on a clone while there is no migration yet, never shipped.

use super::names::{literal, quote, quoted_list};
use super::operation::Operation;

/// The statements of all operations, in order; `Err` names the operation that has no SQL of its own.
pub fn forward(operations: &[Operation]) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for operation in operations {
        all.extend(statements(operation).ok_or_else(|| format!("there is no SQL of ours for: {operation}"))?);
    }
    Ok(all)
}

/// Views that read a renamed column go on working: PostgreSQL keeps them by attribute number, with the old output name.
fn statements(operation: &Operation) -> Option<Vec<String>> {
    use Operation as O;
    let alter = |rest: String| {
        let table = operation.table().map(super::TableName::quoted).unwrap_or_default();
        Some(vec![format!("ALTER TABLE {table} {rest}")])
    };
    let column = |column: &str, rest: &str| alter(format!("ALTER COLUMN {} {rest}", quote(column)));
    let constraint = |name: &Option<String>| name.as_ref().map(|name| format!("CONSTRAINT {} ", quote(name)));
    match operation {
        O::AddColumn { column, data_type, not_null, default, .. } => {
            let default = default.as_ref().map(|default| format!(" DEFAULT {default}")).unwrap_or_default();
            let not_null = if *not_null { " NOT NULL" } else { "" };
            alter(format!("ADD COLUMN {} {data_type}{default}{not_null}", quote(column)))
        }
        O::DropColumn { column, .. } => alter(format!("DROP COLUMN {} CASCADE", quote(column))),
        O::RenameColumn { from, to, .. } => alter(format!("RENAME COLUMN {} TO {}", quote(from), quote(to))),
        O::ChangeType { column: name, to, .. } => {
            column(name, &format!("SET DATA TYPE {to} USING {}::text::{to}", quote(name)))
        }
        O::SetNotNull { column: name, .. } => column(name, "SET NOT NULL"),
        O::DropNotNull { column: name, .. } => column(name, "DROP NOT NULL"),
        O::SetDefault { column: name, default, .. } => column(name, &format!("SET DEFAULT {default}")),
        O::DropDefault { column: name, .. } => column(name, "DROP DEFAULT"),
        O::AddUnique { name, columns, nulls_not_distinct, replaces: false, .. } => {
            let nulls = if *nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
            let name = constraint(name).unwrap_or_default();
            alter(format!("ADD {name}UNIQUE{nulls} ({})", quoted_list(columns)))
        }
        O::AddCheck { name, expression: Some(expression), replaces, .. } => {
            let (name, drop) =
                (quote(name), if *replaces { format!("DROP CONSTRAINT {}, ", quote(name)) } else { String::new() });
            alter(format!("{drop}ADD CONSTRAINT {name} CHECK ({expression})"))
        }
        O::AddForeignKey { name, columns, to, to_columns, on_delete, on_update, replaces, .. } => {
            let drop = match (replaces, name) {
                (true, Some(name)) => format!("DROP CONSTRAINT {}, ", quote(name)),
                (true, None) => return None,
                (false, _) => String::new(),
            };
            let actions: String = [("DELETE", on_delete), ("UPDATE", on_update)]
                .iter()
                .filter_map(|(event, action)| Some(format!(" ON {event} {}", action.as_ref()?)))
                .collect();
            alter(format!(
                "{drop}ADD {}FOREIGN KEY ({}) REFERENCES {} ({}){actions}",
                constraint(name).unwrap_or_default(),
                quoted_list(columns),
                to.quoted(),
                quoted_list(to_columns)
            ))
        }
        O::DropUnique { name, .. } | O::DropCheck { name, .. } | O::DropForeignKey { name, .. } => {
            alter(format!("DROP CONSTRAINT {}", quote(name)))
        }
        O::AddIndex { table, columns, unique, definition: None, replaces: false, .. } => {
            let unique = if *unique { "UNIQUE " } else { "" };
            Some(vec![format!("CREATE {unique}INDEX ON {} ({})", table.quoted(), quoted_list(columns))])
        }
        O::DropIndex { table, name } => Some(vec![format!("DROP INDEX {}", table.beside(name).quoted())]),
        O::DropTable { table } => Some(vec![format!("DROP TABLE {} CASCADE", table.quoted())]),
        O::RenameTable { to, .. } => alter(format!("RENAME TO {}", quote(to))),
        O::CreateEnum { name, values } if !values.is_empty() => {
            let labels = values.iter().map(|value| literal(value)).collect::<Vec<_>>().join(", ");
            Some(vec![format!("CREATE TYPE {} AS ENUM ({labels})", name.quoted())])
        }
        O::AddEnumValue { name, value } => {
            Some(vec![format!("ALTER TYPE {} ADD VALUE {}", name.quoted(), literal(value))])
        }
        O::RenameEnumValue { name, from, to } => {
            Some(vec![format!("ALTER TYPE {} RENAME VALUE {} TO {}", name.quoted(), literal(from), literal(to))])
        }
        O::ChangeView { view, definition: Some(definition) } => Some(vec![
            format!("DROP VIEW {} CASCADE", view.quoted()),
            format!("CREATE VIEW {} AS {definition}", view.quoted()),
        ]),
        O::DropView { view } => Some(vec![format!("DROP VIEW {} CASCADE", view.quoted())]),
        O::EnableRowSecurity { .. } => alter("ENABLE ROW LEVEL SECURITY".to_owned()),
        O::DisableRowSecurity { .. } => alter("DISABLE ROW LEVEL SECURITY".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{TableName, statements};

    fn users() -> TableName {
        TableName::new("public", "Us\"ers")
    }

    #[test]
    fn names_are_quoted_and_parts_come_in_the_order_of_the_grammar() {
        let add = Operation::AddColumn {
            table: users(),
            column: "rank".into(),
            data_type: "integer".into(),
            not_null: true,
            default: Some("0".into()),
        };
        let rename = Operation::RenameColumn { table: users(), from: "a b".into(), to: "c".into() };
        let key = Operation::AddForeignKey {
            table: users(),
            name: Some("k".into()),
            columns: vec!["a".into()],
            to: TableName::new("app", "t"),
            to_columns: vec!["id".into()],
            on_delete: Some("set null".into()),
            on_update: None,
            replaces: true,
        };
        let expected = [
            r#"ALTER TABLE "public"."Us""ers" ADD COLUMN "rank" integer DEFAULT 0 NOT NULL"#,
            r#"ALTER TABLE "public"."Us""ers" RENAME COLUMN "a b" TO "c""#,
            r#"ALTER TABLE "public"."Us""ers" DROP CONSTRAINT "k", ADD CONSTRAINT "k" FOREIGN KEY ("a") REFERENCES "app"."t" ("id") ON DELETE set null"#,
        ];
        assert_eq!(forward(&[add, rename, key]).unwrap(), expected);
        for text in expected {
            assert_eq!(statements::parse(text).errors, []);
        }
        assert!(forward(&[Operation::Other { table: users(), what: "move".into() }]).is_err());
    }
}
