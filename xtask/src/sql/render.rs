//! Forward SQL of ours for declared operations: tried on a clone while there is no migration yet, never shipped.

use super::operation::{Operation, quote};

/// One statement per operation, in order; `Err` names the operation that has no SQL of its own.
pub fn forward(operations: &[Operation]) -> Result<Vec<String>, String> {
    operations.iter().map(statement).collect()
}

/// Views that read a renamed column go on working: PostgreSQL keeps them by attribute number, with the old output name.
fn statement(operation: &Operation) -> Result<String, String> {
    match operation {
        Operation::AddColumn { table, column, data_type, not_null, default } => {
            let mut sql = format!("ALTER TABLE {} ADD COLUMN {} {data_type}", table.quoted(), quote(column));
            if let Some(default) = default {
                sql.push_str(&format!(" DEFAULT {default}"));
            }
            if *not_null {
                sql.push_str(" NOT NULL");
            }
            Ok(sql)
        }
        Operation::RenameColumn { table, from, to } => {
            Ok(format!("ALTER TABLE {} RENAME COLUMN {} TO {}", table.quoted(), quote(from), quote(to)))
        }
        Operation::Other { what, .. } => Err(format!("there is no SQL of ours for: {what}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::TableName;

    #[test]
    fn names_are_quoted_and_parts_come_in_the_order_of_the_grammar() {
        let table = TableName::new("public", "Us\"ers");
        let add = Operation::AddColumn {
            table: table.clone(),
            column: "rank".into(),
            data_type: "integer".into(),
            not_null: true,
            default: Some("0".into()),
        };
        let rename = Operation::RenameColumn { table: table.clone(), from: "a b".into(), to: "c".into() };
        let expected = [
            r#"ALTER TABLE "public"."Us""ers" ADD COLUMN "rank" integer DEFAULT 0 NOT NULL"#,
            r#"ALTER TABLE "public"."Us""ers" RENAME COLUMN "a b" TO "c""#,
        ];
        assert_eq!(forward(&[add, rename]).unwrap(), expected);
        assert!(forward(&[Operation::Other { table, what: "drop view v".into() }]).is_err());
    }
}
