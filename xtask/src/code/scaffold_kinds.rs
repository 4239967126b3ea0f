//! The claims of each kind of change: red on the base by an assertion, green once it is made.

use anyhow::Result;

use super::samples;
use super::scaffold::{Writer, by_hand, column_sql, escaped, place, single, table_sql, test};
use super::schema::Table;
use crate::sql::names::{TableName, literal, quote};
use crate::sql::{NewColumn, Operation};

impl Writer<'_> {
    pub(super) fn tests(&mut self, operation: &Operation) -> Result<String> {
        use Operation as O;
        match operation {
            O::AddColumn { table, column, data_type, not_null, default } => {
                self.add_column(operation, table, column, data_type, *not_null, default.is_some())
            }
            O::RenameColumn { table, from, to } => self.rename_column(operation, table, from, to),
            O::DropColumn { table, column } => {
                let known = self.table(table)?;
                let named = known.columns.iter().all(|column| column.named);
                let export = single(&known.export);
                let read = format!("select {} from {}", column_sql(column), table_sql(table));
                let mut text = gives(operation, "the column is gone", &read, "42703");
                if named {
                    text += &format!(
                        "\n  test({}, () => {{\n    expect(columnsInSchema({export})).not.toContain({});\n  }});\n",
                        single(&format!("{operation}: the schema does without it")),
                        single(column)
                    );
                }
                Ok(text)
            }
            O::ChangeType { table, column, to, .. } => self.change_type(operation, table, column, to),
            O::SetNotNull { table, column } => self.null(operation, table, column, "null is refused", "23502"),
            O::DropNotNull { table, column } => self.null(operation, table, column, "null is taken", "accepted"),
            O::SetDefault { table, column, default } => Ok(test(
                &format!("{operation}: it is the default"),
                &format!(
                    "    expect(await defaultOf(tx, {}, {})).toBe(await asDefault(tx, {}, {}, {}));\n",
                    place(table),
                    single(column),
                    place(table),
                    single(column),
                    single(default)
                ),
            )),
            O::DropDefault { table, column } => Ok(test(
                &format!("{operation}: it has none"),
                &format!("    expect(await defaultOf(tx, {}, {})).toBeNull();\n", place(table), single(column)),
            )),
            // A second row of the same may have been refused before.
            O::AddUnique { replaces: true, .. } => {
                Err(by_hand(format!("no test can be derived for `{operation}`")).into())
            }
            O::AddUnique { table, columns, .. } => self.unique(operation, table, columns),
            O::AddIndex { table, name, columns, unique, replaces, .. } => {
                let mut text = match name.as_ref().filter(|_| !*replaces) {
                    // Another index may have the same columns already.
                    Some(name) => gives(
                        operation,
                        "the index is there",
                        &escaped(&format!("select {}::regclass", literal(&table.beside(name).quoted()))),
                        "accepted",
                    ),
                    None => test(
                        &format!("{operation}: the index is there"),
                        &format!(
                            "    expect(await indexesOf(tx, {})).toContain({});\n",
                            place(table),
                            single(&columns.join(","))
                        ),
                    ),
                };
                if *unique && self.table(table)?.column(&columns[0]).is_some() {
                    text += &self.unique(operation, table, columns)?;
                }
                Ok(text)
            }
            O::AddCheck { table, name, expression, .. } => {
                Ok(self.check(operation, table, name, expression.as_deref()))
            }
            O::AddForeignKey { .. } => self.foreign_key(operation),
            O::DropUnique { table, name } | O::DropCheck { table, name } | O::DropForeignKey { table, name } => {
                Ok(counts(operation, "it is gone", &constraint_count(table, name), 0))
            }
            O::DropIndex { table, name } => Ok(gives(
                operation,
                "it is gone",
                &escaped(&format!("select {}::regclass", literal(&table.beside(name).quoted()))),
                "42P01",
            )),
            O::CreateTable { table, columns } => self.create_table(operation, table, columns),
            O::DropTable { table } => {
                Ok(gives(operation, "the table is gone", &format!("select 1 from {}", table_sql(table)), "42P01"))
            }
            O::RenameTable { table, to } => {
                let now = table.beside(to);
                Ok(gives(operation, "the new name is there", &format!("select 1 from {}", table_sql(&now)), "accepted")
                    + &gives(
                        operation,
                        "the old name is gone",
                        &format!("select 1 from {}", table_sql(table)),
                        "42P01",
                    ))
            }
            O::CreateEnum { name, .. } => Ok(gives(
                operation,
                "the type is there",
                &format!("select null::{}", escaped(&name.quoted())),
                "accepted",
            )),
            O::DropEnum { name } => {
                Ok(gives(operation, "the type is gone", &format!("select null::{}", escaped(&name.quoted())), "42704"))
            }
            O::AddEnumValue { name, value } => {
                Ok(gives(operation, "the value is taken", &label(name, value), "accepted"))
            }
            O::DropEnumValue { name, value } => {
                Ok(gives(operation, "the value is refused", &label(name, value), "22P02"))
            }
            O::RenameEnumValue { name, from, to } => {
                Ok(gives(operation, "the new value is taken", &label(name, to), "accepted")
                    + &gives(operation, "the old value is refused", &label(name, from), "22P02"))
            }
            O::ChangeView { view, definition: Some(definition) } => Ok(test(
                &format!("{operation}: it is defined so"),
                &format!(
                    "    expect(await viewOf(tx, {})).toBe(await asView(tx, {}));\n",
                    single(&view.quoted()),
                    single(definition)
                ),
            )),
            O::CreateView { view, .. } => {
                Ok(gives(operation, "it can be read", &format!("select 1 from {}", table_sql(view)), "accepted"))
            }
            O::DropView { view } => {
                Ok(gives(operation, "it is gone", &format!("select 1 from {}", table_sql(view)), "42P01"))
            }
            O::CreatePolicy { table, name } => Ok(counts(operation, "it is there", &policy_count(table, name), 1)),
            O::DropPolicy { table, name } => Ok(counts(operation, "it is gone", &policy_count(table, name), 0)),
            O::EnableRowSecurity { table } => Ok(counts(operation, "it is on", &secured(table), 1)),
            O::DisableRowSecurity { table } => Ok(counts(operation, "it is off", &secured(table), 0)),
            O::ChangeView { .. } | O::ChangePolicy { .. } | O::Custom { .. } | O::Other { .. } => {
                Err(by_hand(format!("no test can be derived for `{operation}`")).into())
            }
        }
    }

    fn change_type(&mut self, operation: &Operation, table: &TableName, column: &str, to: &str) -> Result<String> {
        let make = self.maker(table)?;
        let (relation, identifier) = (table_sql(table), column_sql(column));
        let mut text = test(
            &format!("{operation}: it has the type"),
            &format!(
                "    expect(await typeOf(tx, {}, {})).toBe(await asType(tx, {}));\n",
                place(table),
                single(column),
                single(to)
            ),
        );
        let only_there = match to.trim().to_lowercase().as_str() {
            "bigint" => Some("3000000000".to_owned()),
            "integer" => Some("100000".to_owned()),
            _ => None,
        };
        if let Some(value) = only_there {
            text += &test(
                &format!("{operation}: a value of the new type round-trips"),
                &format!(
                    "    await {make}(tx);\n    expect(await outcome(tx, sql`update {relation} set {identifier} = {value}`)).toBe('accepted');\n    const [found] = await rows(tx, sql`select count(*)::int as count from {relation} where {identifier} = {value}`);\n    expect(found?.count).toBeGreaterThan(0);\n"
                ),
            );
        }
        Ok(text)
    }

    fn null(
        &mut self,
        operation: &Operation,
        table: &TableName,
        column: &str,
        what: &str,
        code: &str,
    ) -> Result<String> {
        let make = self.maker(table)?;
        Ok(test(
            &format!("{operation}: {what}"),
            &format!(
                "    await {make}(tx);\n    expect(await outcome(tx, sql`update {} set {} = null`)).toBe('{code}');\n",
                table_sql(table),
                column_sql(column)
            ),
        ))
    }

    fn unique(&mut self, operation: &Operation, table: &TableName, columns: &[String]) -> Result<String> {
        let make = self.maker(table)?;
        let given = self.values_of(table, columns)?;
        let same: String = columns.iter().map(|column| format!("{0}: given[{0}]!, ", single(column))).collect();
        Ok(test(
            &format!("{operation}: a second row of the same is refused"),
            &format!(
                "    const given: Record<string, SQL> = {{ {given} }};\n    await {make}(tx, given);\n    expect(await attempt(tx, (inner) => {make}(inner, {{ {same}}}))).toBe('23505');\n"
            ),
        ))
    }

    fn check(&mut self, operation: &Operation, table: &TableName, name: &str, expression: Option<&str>) -> String {
        let there = counts(operation, "it is there", &constraint_count(table, name), 1);
        let Some((column, value)) = expression.and_then(violation) else { return there };
        let Ok(make) = self.maker(table) else { return there };
        there
            + &test(
                &format!("{operation}: what breaks it is refused"),
                &format!(
                    "    await {make}(tx);\n    expect(await outcome(tx, sql`update {} set {} = {value}`)).toBe('23514');\n",
                    table_sql(table),
                    column_sql(&column)
                ),
            )
    }

    fn foreign_key(&mut self, operation: &Operation) -> Result<String> {
        let Operation::AddForeignKey { table, columns, to, on_delete, on_update, replaces, .. } = operation else {
            return Ok(String::new());
        };
        let mut text = String::new();
        if *replaces {
            let letter = |action: &Option<String>| match action.as_deref() {
                Some("cascade") => "c",
                Some("restrict") => "r",
                Some("set null") => "n",
                Some("set default") => "d",
                _ => "a",
            };
            text += &test(
                &format!("{operation}: this is what becomes of its rows"),
                &format!(
                    "    expect(await actionsOf(tx, {}, {})).toEqual(['{}', '{}']);\n",
                    place(table),
                    single(&columns.join(",")),
                    letter(on_delete),
                    letter(on_update)
                ),
            );
            return Ok(text);
        }
        let make = self.maker(table)?;
        let [column] = columns.as_slice() else {
            return Err(by_hand(format!("no row is known that `{operation}` refuses")).into());
        };
        let value = match self.table(table)?.column(column) {
            Some(known) => {
                samples::of_column(known, &self.schema.enums)
                    .ok_or_else(|| by_hand(format!("no value is known for `{table}.{column}`")))?
                    .value
            }
            None => self.new_value(table, column)?,
        };
        Ok(test(
            &format!("{operation}: a row that refers to nothing is refused"),
            &format!(
                "    await {make}(tx);\n    const value = {};\n    expect(await outcome(tx, sql`update {} set {} = ${{value}}`)).toBe('23503');\n    expect(await outcome(tx, sql`select 1 from {}`)).toBe('accepted');\n",
                value,
                table_sql(table),
                column_sql(column),
                table_sql(to)
            ),
        ))
    }

    fn create_table(&mut self, operation: &Operation, table: &TableName, columns: &[NewColumn]) -> Result<String> {
        let mut text = gives(operation, "it can be read", &format!("select 1 from {}", table_sql(table)), "accepted");
        let mut values = String::new();
        for column in columns.iter().filter(|column| column.required) {
            let value = match column.references.as_ref().and_then(|place| place.rsplit_once('.')) {
                Some((parent, key)) => {
                    let parent = TableName::from(parent.to_owned());
                    if self.schema.table(&parent).is_none() {
                        return Ok(text);
                    }
                    let make = self.maker(&parent)?;
                    format!("sql`${{await {make}(tx).then((parent) => parent[{}])}}`", single(key))
                }
                None => match samples::of_type(&column.data_type, &self.schema.enums) {
                    Some(sample) => sample.value,
                    None => return Ok(text),
                },
            };
            values += &format!("[{}]: {value}, ", single(&column.name));
        }
        if !columns.is_empty() {
            text += &test(
                &format!("{operation}: a row can be written"),
                &format!(
                    "    const values: Record<string, SQL> = {{ {values}}};\n    expect(await attempt(tx, (inner) => insert(inner, {}, values))).toBe('accepted');\n    const [found] = await rows(tx, sql`select count(*)::int as count from pg_class where oid = to_regclass({})`);\n    expect(found?.count).toBe(1);\n",
                    place(table),
                    escaped(&literal(&table.quoted()))
                ),
            );
        }
        Ok(text)
    }

    /// `'email': sql…` for each column, as the inside of an object.
    fn values_of(&mut self, table: &TableName, columns: &[String]) -> Result<String> {
        let known: Table = self.table(table)?.clone();
        let mut text = String::new();
        for name in columns {
            let value = match known.column(name) {
                Some(column) => match &column.references {
                    Some((export, property)) => self.parent(table, export, property)?,
                    None => {
                        let sample = samples::of_column(column, &self.schema.enums);
                        sample.ok_or_else(|| by_hand(format!("no value is known for `{table}.{name}`")))?.value
                    }
                },
                None => self.new_value(table, name)?,
            };
            text += &format!("{}: {value}, ", single(name));
        }
        Ok(text.trim_end_matches(", ").to_owned())
    }

    /// A value for a column that the change itself adds.
    fn new_value(&self, table: &TableName, name: &str) -> Result<String> {
        let added = self.operations.iter().find_map(|operation| match operation {
            Operation::AddColumn { table: of, column, data_type, .. } if of == table && column == name => {
                Some(data_type)
            }
            _ => None,
        });
        let sample = added.and_then(|data_type| samples::of_type(data_type, &self.schema.enums));
        Ok(sample.ok_or_else(|| by_hand(format!("no value is known for `{table}.{name}`")))?.value)
    }
}

/// A statement that is accepted on one side only.
fn gives(operation: &Operation, what: &str, query: &str, code: &str) -> String {
    test(&format!("{operation}: {what}"), &format!("    expect(await outcome(tx, sql`{query}`)).toBe('{code}');\n"))
}

/// A count of the catalog.
fn counts(operation: &Operation, what: &str, query: &str, expected: usize) -> String {
    test(
        &format!("{operation}: {what}"),
        &format!("    const [found] = await rows(tx, sql`{query}`);\n    expect(found?.count).toBe({expected});\n"),
    )
}

fn constraint_count(table: &TableName, name: &str) -> String {
    // A name is cut as PostgreSQL cuts it.
    escaped(&format!(
        "select count(*)::int as count from pg_constraint where conrelid = to_regclass({}) and conname = {}::name",
        literal(&table.quoted()),
        literal(name)
    ))
}

fn policy_count(table: &TableName, name: &str) -> String {
    escaped(&format!(
        "select count(*)::int as count from pg_policy where polrelid = to_regclass({}) and polname = {}",
        literal(&table.quoted()),
        literal(name)
    ))
}

fn secured(table: &TableName) -> String {
    escaped(&format!(
        "select count(*)::int as count from pg_class where oid = to_regclass({}) and relrowsecurity",
        literal(&table.quoted())
    ))
}

fn label(name: &TableName, value: &str) -> String {
    escaped(&format!("select {}::{}", literal(value), name.quoted()))
}

/// A column and a value that a simple comparison refuses: `"sessions"."duration_minutes" > 0`.
fn violation(expression: &str) -> Option<(String, String)> {
    let words: Vec<&str> = expression.split_whitespace().collect();
    let [left, sign, number] = words.as_slice() else { return None };
    let number: i64 = number.parse().ok()?;
    let column = left.rsplit('.').next()?.trim_matches('"').to_owned();
    if left.contains('(') || quote(&column).is_empty() {
        return None;
    }
    let value = match *sign {
        ">" | "<>" => number,
        ">=" => number - 1,
        "<" => number,
        "<=" => number + 1,
        _ => return None,
    };
    Some((column, value.to_string()))
}
