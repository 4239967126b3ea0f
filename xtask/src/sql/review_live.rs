//! Counts that decide a finding, asked of a database that is still as before the migration.
//!
//! Invariant: only counts come back, never values. Names that the file itself changed are led back to those the database knows; what
//! does not exist there, or cannot be asked, is unknown with its reason.

use postgres::Client;

use super::TableName;
use super::names::quote;
use super::statements::Action;

pub(super) enum Answer {
    Count(i64),
    Unknown(String),
}

pub(super) struct Live<'a> {
    client: Option<&'a mut Client>,
    /// Columns that the file renamed so far: table, new name, old name.
    renamed: Vec<(TableName, String, String)>,
    /// Tables that the file renamed so far: new, old.
    tables: Vec<(TableName, TableName)>,
    created: Vec<TableName>,
    added: Vec<(TableName, String)>,
}

type Known<T> = Result<T, String>;

impl<'a> Live<'a> {
    pub(super) fn new(client: Option<&'a mut Client>) -> Self {
        Live { client, renamed: Vec::new(), tables: Vec::new(), created: Vec::new(), added: Vec::new() }
    }

    /// Takes note of an action that later ones build on.
    pub(super) fn passed(&mut self, action: &Action) {
        match action {
            Action::RenameColumn { table, from, to } => self.renamed.push((table.clone(), to.clone(), from.clone())),
            Action::RenameTable { table, to } => self.tables.push((TableName::new(&table.schema, to), table.clone())),
            Action::CreateTable(create) => self.created.push(create.table.clone()),
            Action::AddColumn(added) => self.added.push((added.table.clone(), added.column.clone())),
            _ => {}
        }
    }

    /// Whether the file itself created the table: it has no rows and no readers.
    pub(super) fn is_new(&self, table: &TableName) -> bool {
        self.created.contains(table)
    }

    pub(super) fn rows(&mut self, table: &TableName) -> Answer {
        let table = self.old_table(table);
        self.count(&table, &[], &format!("SELECT count(*) FROM {}", table.quoted()))
    }

    pub(super) fn values(&mut self, table: &TableName, column: &str) -> Answer {
        self.of_column(table, column, "IS NOT NULL")
    }

    pub(super) fn nulls(&mut self, table: &TableName, column: &str) -> Answer {
        self.of_column(table, column, "IS NULL")
    }

    fn of_column(&mut self, table: &TableName, column: &str, test: &str) -> Answer {
        self.columns(table, &[column.to_owned()]).map_or_else(Answer::Unknown, |(table, columns)| {
            let sql = format!("SELECT count(*) FROM {} WHERE {} {test}", table.quoted(), quote(&columns[0]));
            self.count(&table, &columns, &sql)
        })
    }

    /// How many values (or combinations) occur more than once.
    pub(super) fn duplicates(&mut self, table: &TableName, columns: &[String], nulls_are_equal: bool) -> Answer {
        self.columns(table, columns).map_or_else(Answer::Unknown, |(table, columns)| {
            let list = columns.iter().map(|column| quote(column)).collect::<Vec<_>>();
            let filter = if nulls_are_equal {
                "true".to_owned()
            } else {
                list.iter().map(|column| format!("{column} IS NOT NULL")).collect::<Vec<_>>().join(" AND ")
            };
            let list = list.join(", ");
            let sql = format!(
                "SELECT count(*) FROM (SELECT 1 FROM {} WHERE {filter} GROUP BY {list} HAVING count(*) > 1) d",
                table.quoted()
            );
            self.count(&table, &columns, &sql)
        })
    }

    /// How many rows have no parent (MATCH SIMPLE: a NULL in the key exempts the row).
    pub(super) fn orphans(
        &mut self,
        table: &TableName,
        columns: &[String],
        to: &TableName,
        to_columns: &[String],
    ) -> Answer {
        if to_columns.len() != columns.len() {
            return Answer::Unknown("the referenced columns are not named".to_owned());
        }
        let child = self.columns(table, columns);
        let parent = self.columns(to, to_columns);
        let ((child, columns), (parent, to_columns)) = match (child, parent) {
            (Ok(child), Ok(parent)) => (child, parent),
            (Err(reason), _) | (_, Err(reason)) => return Answer::Unknown(reason),
        };
        if let Answer::Unknown(reason) = self.count(&parent, &to_columns, "SELECT 0::bigint") {
            return Answer::Unknown(reason);
        }
        let filled =
            columns.iter().map(|column| format!("c.{} IS NOT NULL", quote(column))).collect::<Vec<_>>().join(" AND ");
        let pairs = columns
            .iter()
            .zip(&to_columns)
            .map(|(column, to)| format!("p.{} = c.{}", quote(to), quote(column)))
            .collect::<Vec<_>>()
            .join(" AND ");
        let sql = format!(
            "SELECT count(*) FROM {} c WHERE {filled} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {pairs})",
            child.quoted(),
            parent.quoted()
        );
        self.count(&child, &columns, &sql)
    }

    /// The type as `format_type` spells it; `None` where nobody can be asked or the column is not there.
    pub(super) fn column_type(&mut self, table: &TableName, column: &str) -> Option<String> {
        let (table, columns) = self.columns(table, &[column.to_owned()]).ok()?;
        let client = self.client.as_deref_mut()?;
        let sql = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped";
        client.query_opt(sql, &[&table.quoted(), &columns[0]]).ok()?.map(|row| row.get(0))
    }

    /// Whether a default is computed anew for each row: 0 for no, 1 for yes.
    pub(super) fn volatile(&mut self, default: &str) -> Answer {
        let mut unknown = None;
        for function in functions(default) {
            // Stable: one value for the whole statement, so that no row is rewritten (PostgreSQL 11 and later).
            if ["now", "transaction_timestamp", "statement_timestamp", "current_setting", "lower", "upper", "concat"]
                .contains(&function.as_str())
            {
                continue;
            }
            if ["gen_random_uuid", "uuid_generate_v4", "random", "clock_timestamp", "timeofday", "nextval"]
                .contains(&function.as_str())
            {
                return Answer::Count(1);
            }
            let Some(client) = self.client.as_deref_mut() else {
                unknown = Some(format!("whether `{function}` is volatile"));
                continue;
            };
            let asked = client.query_one(
                "SELECT count(*), count(*) FILTER (WHERE provolatile = 'v') FROM pg_proc WHERE proname = $1",
                &[&function],
            );
            match asked.map(|row| (row.get::<_, i64>(0), row.get::<_, i64>(1))) {
                Ok((1.., 0)) => {}
                Ok((1.., _)) => return Answer::Count(1),
                _ => unknown = Some(format!("whether `{function}` is volatile")),
            }
        }
        unknown.map_or(Answer::Count(0), Answer::Unknown)
    }

    fn old_table(&self, table: &TableName) -> TableName {
        self.tables.iter().rev().find(|(new, _)| new == table).map_or_else(|| table.clone(), |(_, old)| old.clone())
    }

    /// Table and columns under the names that the database knows.
    fn columns(&self, table: &TableName, columns: &[String]) -> Known<(TableName, Vec<String>)> {
        let old_column = |column: &String| {
            if self.added.iter().any(|(added, name)| added == table && name == column) {
                return Err(format!("{table}.{column} is new in this file"));
            }
            let renamed = self.renamed.iter().rev().find(|(renamed, new, _)| renamed == table && new == column);
            Ok(renamed.map_or_else(|| column.clone(), |(_, _, old)| old.clone()))
        };
        Ok((self.old_table(table), columns.iter().map(old_column).collect::<Known<Vec<_>>>()?))
    }

    /// Runs a count once table and columns are known to exist: an error would spoil the caller's transaction.
    fn count(&mut self, table: &TableName, columns: &[String], sql: &str) -> Answer {
        let Some(client) = self.client.as_deref_mut() else {
            return Answer::Unknown("no database was asked".to_owned());
        };
        let there = "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = ANY($2) AND NOT attisdropped";
        let exists = "SELECT to_regclass($1) IS NOT NULL";
        let known = client.query_one(exists, &[&table.quoted()]).and_then(|row| {
            let exists: bool = row.get(0);
            let found: i64 = client.query_one(there, &[&table.quoted(), &columns])?.get(0);
            Ok(exists && usize::try_from(found).is_ok_and(|found| found == columns.len()))
        });
        match known {
            Ok(true) => {}
            Ok(false) => {
                return Answer::Unknown(format!("{table} with these columns is not in the database that was asked"));
            }
            Err(error) => return Answer::Unknown(failed(&error)),
        }
        client.query_one(sql, &[]).map_or_else(|error| Answer::Unknown(failed(&error)), |row| Answer::Count(row.get(0)))
    }
}

fn failed(error: &postgres::Error) -> String {
    error.code().map_or_else(
        || "the connection was lost".to_owned(),
        |code| format!("the question failed with SQLSTATE {}", code.code()),
    )
}

/// Names of the functions that an expression calls.
fn functions(expression: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut in_literal = false;
    for c in expression.chars() {
        match c {
            '\'' => {
                in_literal = !in_literal;
                word.clear();
            }
            _ if in_literal => {}
            '(' if !word.is_empty() => found.push(super::action::unquoted(&std::mem::take(&mut word))),
            c if c.is_alphanumeric() || c == '_' || c == '"' => word.push(c),
            _ => word.clear(),
        }
    }
    // `numeric(10,2)` after a cast is a type, not a call.
    found.retain(|name| {
        !["numeric", "decimal", "varchar", "char", "bit", "timestamp", "timestamptz", "time"].contains(&name.as_str())
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_outside_literals() {
        assert_eq!(functions("now()"), ["now"]);
        assert_eq!(functions("'f(x)'::text"), [] as [&str; 0]);
        assert_eq!(functions("lower(gen_random_uuid()::text)"), ["lower", "gen_random_uuid"]);
    }
}
