//! What ALTER TABLE and CREATE INDEX do to one table.

use super::names::TYPES;
use super::writer::{Writer, bare, is_number, is_text, is_time, quoted};

impl Writer {
    /// A subcommand of ALTER TABLE.
    pub(super) fn part(&mut self, table: usize) -> String {
        let (column, of) = self.column(table);
        match self.dice.below(20) {
            0..=4 => self.add_column(table),
            5 | 6 => {
                let (behaviour, exists) = (self.maybe(3, " CASCADE"), self.maybe(4, "IF EXISTS "));
                if !self.one_in(6) {
                    self.tables[table].columns.retain(|(name, _)| quoted(name) != column);
                }
                format!("DROP COLUMN {exists}{column}{behaviour}")
            }
            7 | 8 => format!("ALTER COLUMN {column} SET NOT NULL"),
            9 => format!("ALTER COLUMN {column} DROP NOT NULL"),
            10 => {
                let value = self.default(&of);
                format!("ALTER COLUMN {column} SET DEFAULT {value}")
            }
            11 => format!("ALTER COLUMN {column} DROP DEFAULT"),
            12..=14 => self.change_type(table, &column, &of),
            _ => self.constraint(table),
        }
    }

    fn add_column(&mut self, table: usize) -> String {
        let of = self.of(&TYPES);
        let taken = self.one_in(15);
        let name = if taken { self.column(table).0 } else { self.new_name("added") };
        let exists = self.maybe(8, "IF NOT EXISTS ");
        let value = self.default(&of);
        let steady = if value.contains("random()") { "NULL".to_owned() } else { value.clone() };
        let mut text = format!("ADD COLUMN {exists}{name} ");
        text += &match self.dice.below(14) {
            0 => self.of(&["serial", "bigserial"]),
            1 => format!("integer GENERATED {} AS IDENTITY", self.of(&["ALWAYS", "BY DEFAULT"])),
            2 => {
                let (from, type_of_it) = self.column(table);
                format!("{type_of_it} GENERATED ALWAYS AS ({from}) STORED")
            }
            3 => format!("positive{}", self.of(&["", " DEFAULT 1", " NOT NULL", " NOT NULL DEFAULT 5"])),
            4 => format!("integer REFERENCES {}", self.references()),
            5 => format!("{of} UNIQUE"),
            6 => format!("{of} DEFAULT {steady} UNIQUE"),
            7 => {
                let test = self.condition(&name, &of);
                let value = if self.one_in(2) { format!(" DEFAULT {steady}") } else { String::new() };
                format!("{of}{value} CHECK ({test})")
            }
            8 => format!("{of} PRIMARY KEY"),
            9 | 10 => format!("{of} NOT NULL DEFAULT {value}"),
            11 => format!("{of} NOT NULL"),
            12 => format!("{of} DEFAULT {value}"),
            _ => of.clone(),
        };
        if !taken {
            self.tables[table].columns.push((bare(&name), of));
        }
        text
    }

    fn change_type(&mut self, table: usize, column: &str, of: &str) -> String {
        let to = if is_text(of) && self.one_in(2) {
            self.of(&["text", "varchar(100)", "varchar(12)", "varchar(255)", "char(40)", "varchar"])
        } else if is_number(of) && self.one_in(2) {
            self.of(&["bigint", "numeric(12,2)", "numeric(6,2)", "smallint", "numeric", "integer", "numeric(12,4)"])
        } else if is_time(of) && self.one_in(2) {
            self.of(&["timestamptz", "timestamp", "date", "timestamp(3)", "timestamptz(0)"])
        } else if of.starts_with("json") && self.one_in(2) {
            self.of(&["json", "jsonb", "text"])
        } else {
            self.of(&TYPES)
        };
        let using = match self.dice.below(5) {
            0 | 1 => String::new(),
            2 => format!(" USING {column}::text::{to}"),
            3 => format!(" USING NULLIF({column}::text, '')::{to}"),
            _ => format!(" USING NULL::{to}"),
        };
        let words = self.of(&["TYPE", "SET DATA TYPE"]);
        if let Some(found) = self.tables[table].columns.iter_mut().find(|(name, _)| quoted(name) == column) {
            found.1.clone_from(&to);
        }
        format!("ALTER COLUMN {column} {words} {to}{using}")
    }

    fn constraint(&mut self, table: usize) -> String {
        let name = self.new_name("rule");
        let named = if self.one_in(4) { String::new() } else { format!("CONSTRAINT {name} ") };
        let (column, of) = self.column(table);
        let not_valid = self.maybe(3, " NOT VALID");
        match self.dice.below(12) {
            0..=3 => format!("ADD {named}CHECK ({}){not_valid}", self.filter(table)),
            4 | 5 => {
                let other = self.column(table).0;
                let columns = if self.one_in(2) || other == column { column } else { format!("{column}, {other}") };
                format!("ADD {named}UNIQUE {}({columns})", self.maybe(6, "NULLS NOT DISTINCT "))
            }
            6..=8 => {
                let to = self.references();
                format!("ADD {named}FOREIGN KEY ({column}) REFERENCES {to}{not_valid}")
            }
            9 => format!("ADD {named}PRIMARY KEY ({column})"),
            10 => format!("ADD {named}EXCLUDE USING btree ({column} WITH =)"),
            _ => {
                let test = self.condition(&column, &of);
                format!("ADD {named}CHECK ({test}){not_valid}")
            }
        }
    }

    pub(super) fn index(&mut self, table: usize) -> String {
        let name = self.new_name("index");
        let (column, of) = self.column(table);
        let key = match self.dice.below(6) {
            0 if is_text(&of) => format!("lower({column})"),
            1 if is_text(&of) => format!("(left({column}, 3))"),
            2 => format!("{column} DESC NULLS LAST"),
            3 => format!("{column}, {}", self.column(table).0),
            _ => column,
        };
        let method = match of.as_str() {
            "jsonb" | "text[]" if self.one_in(2) => " USING gin".to_owned(),
            _ if self.one_in(5) && !key.contains([',', ' ']) => {
                self.of(&[" USING btree", " USING hash", " USING brin"])
            }
            _ => String::new(),
        };
        let unique = if method.is_empty() { self.maybe(3, "UNIQUE ") } else { String::new() };
        let include = if self.one_in(6) && method.is_empty() {
            format!(" INCLUDE ({})", self.column(table).0)
        } else {
            String::new()
        };
        let filter = if self.one_in(4) { format!(" WHERE {}", self.filter(table)) } else { String::new() };
        let (concurrently, exists) = (self.maybe(4, "CONCURRENTLY "), self.maybe(8, "IF NOT EXISTS "));
        let on = self.spelled(table);
        format!("CREATE {unique}INDEX {concurrently}{exists}{name} ON {on}{method} ({key}){include}{filter}")
    }
}
