//! The rows of a scaffolded test: functions that insert one valid row, whatever of the change the database has already.

use std::fmt::Write as _;

use anyhow::Result;

use super::samples;
use super::scaffold::{Writer, by_hand, capital, single};
use super::schema::Column;
use crate::sql::{Operation, TableName};

impl Writer<'_> {
    /// A function of the test file that inserts one valid row, and first the rows that it refers to. Gives its name.
    pub(super) fn maker(&mut self, name: &TableName) -> Result<String> {
        let table = self.table(name)?.clone();
        let function = format!("make{}", capital(&table.export));
        if self.made.contains(&function) {
            return Ok(function);
        }
        if table.opaque {
            return Err(by_hand(format!("not all columns of `{name}` can be read from the schema files")).into());
        }
        if self.open.contains(&function) {
            return Err(by_hand(format!("a row of `{name}` needs a row of `{name}` first")).into());
        }
        self.open.push(function.clone());
        let mut values = Vec::new();
        for column in &table.columns {
            let demanded = self.demanded(name, column)?;
            if demanded.is_none() && (!column.not_null || column.filled) {
                continue;
            }
            let value = match (demanded, &column.references) {
                (Some(value), _) => value,
                (None, Some((export, property))) => self.parent(name, export, property)?,
                (None, None) => {
                    let sample = samples::of_column(column, &self.schema.enums);
                    let why = || {
                        by_hand(format!("no value is known for `{name}.{}` of type `{}`", column.name, column.builder))
                    };
                    sample.ok_or_else(why)?.value
                }
            };
            for name in self.names_of(name, &column.name) {
                values.push((name, value.clone()));
            }
        }
        for operation in self.operations {
            if let Operation::AddColumn { table: of, column, data_type, not_null: true, .. } = operation
                && of == name
            {
                let why = || by_hand(format!("no value is known for `{name}.{column}` of type `{data_type}`"));
                let value = match self.new_key(name, column) {
                    Some(_) => self.row_to_refer_to(name, column)?,
                    None => samples::of_type(data_type, &self.schema.enums).map(|sample| sample.value),
                };
                values.push((column.clone(), value.ok_or_else(why)?));
            }
        }
        self.open.pop();
        let values: String = values.iter().map(|(name, value)| format!("    [{}]: {value},\n", single(name))).collect();
        let _ = write!(
            self.makers,
            "\nasync function {function}(tx: Transaction, given: Record<string, SQL> = {{}}, left: string[] = []): Promise<Row> {{\n  const values: Record<string, SQL> = {{\n{values}    ...given,\n  }};\n  for (const name of left) delete values[name];\n  return insert(tx, {}, {}, values);\n}}\n",
            single(&name.schema),
            self.name_now(name)
        );
        self.made.insert(function.clone());
        Ok(function)
    }

    pub(super) fn parent(&mut self, child: &TableName, export: &str, property: &str) -> Result<String> {
        let parent = self.schema.by_export(export).cloned();
        let unknown =
            || by_hand(format!("`{child}` refers to `{export}.{property}`, which is not in the schema files"));
        let parent = parent.ok_or_else(unknown)?;
        let column = parent.columns.iter().find(|column| column.property == property).ok_or_else(unknown)?.name.clone();
        let make = self.maker(&parent.name)?;
        let names = self.names_of(&parent.name, &column);
        let read: Vec<String> = names.iter().map(|name| format!("parent[{}]", single(name))).collect();
        Ok(format!("sql`${{await {make}(tx).then((parent) => {})}}`", read.join(" ?? ")))
    }

    /// The value that a new rule asks for: a row to refer to, a text that both types can read, anything where null was allowed.
    fn demanded(&mut self, table: &TableName, column: &Column) -> Result<Option<String>> {
        if let Some((to, _)) = self.new_key(table, &column.name).map(|(to, key)| (to.clone(), key.to_owned())) {
            // A row of its own table is not there yet: null refers to nothing.
            if to == *table && !column.not_null {
                return Ok(None);
            }
            let why = || by_hand(format!("`{table}.{}` refers to `{to}`, which is new itself", column.name));
            return match self.row_to_refer_to(table, &column.name)? {
                None if column.not_null => Err(why().into()),
                value => Ok(value),
            };
        }
        for operation in self.operations {
            match operation {
                Operation::ChangeType { table: of, column: name, to, .. } if of == table && *name == column.name => {
                    return Ok(samples::of_both(to));
                }
                Operation::SetNotNull { table: of, column: name } if of == table && *name == column.name => {
                    if let Some((export, property)) = &column.references {
                        return self.parent(table, export, property).map(Some);
                    }
                    return Ok(samples::of_column(column, &self.schema.enums).map(|sample| sample.value));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// What a key that the change brings lets a column refer to: a table, and one of its columns.
    pub(super) fn new_key(&self, table: &TableName, column: &str) -> Option<(&TableName, &str)> {
        self.operations.iter().find_map(|operation| match operation {
            Operation::AddForeignKey { table: of, columns, to, to_columns, replaces: false, .. }
                if of == table && columns.len() == 1 && columns[0] == column =>
            {
                Some((to, to_columns.first()?.as_str()))
            }
            _ => None,
        })
    }

    /// The value of a row that such a key accepts; none where the table that it refers to is new itself.
    pub(super) fn row_to_refer_to(&mut self, table: &TableName, column: &str) -> Result<Option<String>> {
        let Some((to, key)) = self.new_key(table, column).map(|(to, key)| (to.clone(), key.to_owned())) else {
            return Ok(None);
        };
        let Some(parent) = self.schema.table(&to).cloned() else { return Ok(None) };
        let property = parent.column(&key).map_or(key, |column| column.property.clone());
        self.parent(table, &parent.export, &property).map(Some)
    }

    /// A column under all the names that it has in one of the two trees.
    fn names_of(&self, table: &TableName, column: &str) -> Vec<String> {
        let renamed = self.operations.iter().find_map(|operation| match operation {
            Operation::RenameColumn { table: of, from, to } if of == table && from == column => Some(to.clone()),
            _ => None,
        });
        std::iter::once(column.to_owned()).chain(renamed).collect()
    }
}
