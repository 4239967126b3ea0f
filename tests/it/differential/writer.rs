//! Writes plausible migrations: names that are there, most of the time, and expressions that have the type they need.
//!
//! Left out, because only PostgreSQL itself can tell: functions and operators that do not exist or do not take these types, casts
//! between types that have none, defaults and literals that are no value of their type, random values where a
//! constraint holds them, and rows that move to another partition.

use xtask::sql::names::quote;

use super::names::{CONSTRAINTS, INDEXES, SCHEMA, TYPES};
use crate::fuzz::Dice;

pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<(String, String)>,
}

pub struct Writer {
    pub(super) dice: Dice,
    pub(super) tables: Vec<Table>,
    fresh: usize,
}

pub(super) fn is_number(data_type: &str) -> bool {
    ["integer", "bigint", "smallint", "numeric", "real", "double", "positive"]
        .iter()
        .any(|word| data_type.starts_with(word))
}

pub(super) fn is_text(data_type: &str) -> bool {
    data_type == "text" || data_type.starts_with("varchar") || data_type.starts_with("char")
}

pub(super) fn is_time(data_type: &str) -> bool {
    data_type.starts_with("timestamp") || data_type == "date"
}

impl Writer {
    pub fn new(seed: u64) -> Writer {
        let columns =
            |list: &[(&str, &str)]| list.iter().map(|(name, of)| ((*name).to_owned(), (*of).to_owned())).collect();
        let tables =
            SCHEMA.iter().map(|(name, list)| Table { name: (*name).to_owned(), columns: columns(list) }).collect();
        // Neighbouring seeds must not begin alike.
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        dice.next();
        Writer { dice, tables, fresh: 0 }
    }

    /// The migration, and whether it runs as one transaction.
    pub fn migration(mut self) -> (String, bool) {
        let one = self.dice.below(2) == 0;
        let mut statements = Vec::new();
        let block = !one && self.dice.below(5) == 0;
        for _ in 0..=self.dice.below(4) {
            self.statement(&mut statements, one || block);
        }
        if block {
            statements.insert(0, "BEGIN".to_owned());
            statements.push("COMMIT".to_owned());
        }
        (statements.join(";\n") + ";\n", one)
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.dice.below(count) == 0
    }

    pub(super) fn maybe(&mut self, count: usize, text: &str) -> String {
        if self.one_in(count) { text.to_owned() } else { String::new() }
    }

    pub(super) fn of(&mut self, choices: &[&str]) -> String {
        (*self.dice.of(choices)).to_owned()
    }

    pub(super) fn new_name(&mut self, word: &str) -> String {
        self.fresh += 1;
        let name = format!("{word}_{}", self.fresh);
        if self.one_in(12) { format!("\"New {name}\"") } else { name }
    }

    fn table(&mut self) -> usize {
        self.dice.below(self.tables.len())
    }

    pub(super) fn column(&mut self, table: usize) -> (String, String) {
        let columns = &self.tables[table].columns;
        let place = self.dice.below(columns.len());
        columns.get(place).map_or(("gone".to_owned(), "text".to_owned()), |(name, of)| (quoted(name), of.clone()))
    }

    /// As it may be spelled.
    pub(super) fn spelled(&mut self, table: usize) -> String {
        let name = self.tables[table].name.clone();
        match self.dice.below(10) {
            0 if !name.contains('.') => format!("public.{name}"),
            1 if !name.contains(['"', '.']) => format!("\"{name}\""),
            2 if !name.contains('"') => name.to_uppercase(),
            _ => name,
        }
    }

    pub(super) fn default(&mut self, data_type: &str) -> String {
        match data_type {
            _ if is_number(data_type) => {
                self.of(&["0", "1", "7", "(1 + 2)", "floor(random() * 100)", "'5'", "abs(-3)"])
            }
            _ if is_text(data_type) => {
                self.of(&["''", "'x'", "'ab'", "lower('X')", "left(md5(random()::text), 2)", "CAST('a' AS text)"])
            }
            "boolean" => self.of(&["true", "false", "'t'", "(random() > 0.5)"]),
            _ if is_time(data_type) => self.of(&[
                "now()",
                "CURRENT_TIMESTAMP",
                "'2024-01-01'",
                "clock_timestamp()",
                "(now() - interval '1 day')",
                "'now'",
            ]),
            "jsonb" | "json" => self.of(&["'{}'", "'[]'", "NULL"]),
            "uuid" => self.of(&["gen_random_uuid()", "'00000000-0000-0000-0000-000000000000'"]),
            "order_status" => self.of(&["'pending'", "'paid'::order_status"]),
            "text[]" => self.of(&["'{}'", "ARRAY[]::text[]", "ARRAY['a']"]),
            _ => "NULL".to_owned(),
        }
    }

    pub(super) fn condition(&mut self, column: &str, data_type: &str) -> String {
        let tests: &[&str] = match data_type {
            _ if is_number(data_type) => &[
                "{} > 0",
                "{} >= 18",
                "{} < 1000",
                "{} BETWEEN 1 AND 100000",
                "{} <> 5",
                "{} IN (1, 2, 3)",
                "abs({}) >= 0",
                "{} > 1 OR {} IS NULL",
                "{} = -1",
            ],
            _ if is_text(data_type) => &[
                "length({}) > 0",
                "{} <> ''",
                "{} ~ '^[a-zA-Z]'",
                "{} IN ('a', 'b', 'DE')",
                "{} LIKE '%1%'",
                "char_length({}) <= 40",
                "lower({}) = {}",
                "{} = 'nobody'",
            ],
            "boolean" => &["{}", "NOT {}"],
            _ if is_time(data_type) => &[
                "{} > '2020-01-01'",
                "{} < '2099-01-01'",
                "{} IS NULL OR {} > '2024-06-01'",
                "extract(year FROM {}) = 2024",
            ],
            "order_status" => &["{} = 'pending'", "{} IN ('paid', 'shipped')", "{} <> 'refunded'", "{} = 'refunded'"],
            _ => &["{} IS NOT NULL", "{} IS NULL"],
        };
        let test = if self.one_in(5) { self.of(&["{} IS NOT NULL", "{} IS NULL"]) } else { self.of(tests) };
        test.replace("{}", column)
    }

    pub(super) fn filter(&mut self, table: usize) -> String {
        let (column, of) = self.column(table);
        let first = self.condition(&column, &of);
        if !self.one_in(4) {
            return first;
        }
        let (column, of) = self.column(table);
        let second = self.condition(&column, &of);
        format!("({first}) {} ({second})", self.of(&["AND", "OR"]))
    }

    pub(super) fn references(&mut self) -> String {
        let action = self.of(&["", "", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON UPDATE CASCADE"]);
        self.of(&[
            "users (id)",
            "users",
            "orders (id)",
            "users (email)",
            "invites (id)",
            "orders (reference)",
            "billing.invoices (id)",
            "products (sku)",
            "empty_table",
        ]) + &action
    }

    fn statement(&mut self, out: &mut Vec<String>, block: bool) {
        let table = self.table();
        let on = self.spelled(table);
        let (column, of) = self.column(table);
        let text = match self.dice.below(40) {
            0..=11 => {
                let mut parts = vec![self.part(table)];
                while self.one_in(4) {
                    parts.push(self.part(table));
                }
                let exists = self.maybe(10, "IF EXISTS ");
                format!("ALTER TABLE {exists}{on} {}", parts.join(", "))
            }
            12..=14 => self.index(table),
            15 => format!(
                "DROP INDEX {}{}{}",
                self.maybe(4, "CONCURRENTLY "),
                self.maybe(3, "IF EXISTS "),
                self.of(&INDEXES)
            ),
            16 => {
                let (table, name) = *self.dice.of(&CONSTRAINTS);
                let exists = self.maybe(3, "IF EXISTS ");
                format!("ALTER TABLE {table} DROP CONSTRAINT {exists}{name}{}", self.maybe(3, " CASCADE"))
            }
            17 => {
                let (table, name) = *self.dice.of(&CONSTRAINTS);
                format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
            }
            18 => {
                let name = self.new_name("kept");
                out.push(format!("ALTER TABLE {on} ADD CONSTRAINT {name} CHECK ({}) NOT VALID", self.filter(table)));
                format!("ALTER TABLE {on} VALIDATE CONSTRAINT {name}")
            }
            19 => {
                let index = self.new_name("whole");
                out.push(format!("CREATE UNIQUE INDEX {index} ON {on} ({column})"));
                let name = self.new_name("rule");
                format!(
                    "ALTER TABLE {on} ADD CONSTRAINT {name} {} USING INDEX {index}",
                    self.of(&["UNIQUE", "PRIMARY KEY"])
                )
            }
            20 => {
                let label = self.of(&["new", "on hold", "paid"]);
                out.push(format!("ALTER TYPE order_status ADD VALUE {}'{label}'", self.maybe(3, "IF NOT EXISTS ")));
                self.of(&[
                    &format!("UPDATE orders SET status = '{label}' WHERE id = 7"),
                    &format!("ALTER TABLE orders ALTER COLUMN status SET DEFAULT '{label}'"),
                    &format!(
                        "INSERT INTO orders (user_id, status, total, reference) VALUES (1, '{label}', 5, 'R-new')"
                    ),
                    "SELECT 1",
                ])
            }
            21 => self.of(&[
                "ALTER TYPE order_status RENAME VALUE 'paid' TO 'settled'",
                "ALTER TYPE order_status RENAME TO status",
                "DROP TYPE order_status",
                "DROP DOMAIN positive",
                "ALTER DOMAIN positive ADD CHECK (VALUE < 20)",
                "ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 2000)",
                "ALTER DOMAIN positive SET NOT NULL",
            ]),
            // Which partition takes a row that moves is not asked.
            22 | 23 if self.tables[table].name.starts_with("events") && column == "at" => "SELECT 1".to_owned(),
            22 | 23 => {
                let value = self.default(&of);
                let value = if value.contains("random") { "NULL".to_owned() } else { value };
                let filter = if self.one_in(6) { String::new() } else { format!(" WHERE {}", self.filter(table)) };
                out.push(format!("UPDATE {on} SET {column} = {value}{filter}"));
                if self.one_in(2) {
                    return;
                }
                format!("ALTER TABLE {on} ALTER COLUMN {column} SET NOT NULL")
            }
            24 => format!("DELETE FROM {on} WHERE {}", self.filter(table)),
            25 => self.renamed(table, &on, &column),
            26 => self.of(&[
                "DROP VIEW adults",
                "CREATE OR REPLACE VIEW adults AS SELECT id, email FROM users",
                "CREATE OR REPLACE VIEW adults AS SELECT id, email, name, age FROM users",
                "REFRESH MATERIALIZED VIEW order_totals",
                "DROP MATERIALIZED VIEW order_totals",
                "REFRESH MATERIALIZED VIEW CONCURRENTLY order_totals",
                "DROP VIEW IF EXISTS nothing_there",
            ]),
            27 => self.of(&[
                "DROP TRIGGER orders_touch ON orders",
                "ALTER TABLE orders DISABLE TRIGGER orders_touch",
                "CREATE TRIGGER users_touch BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION touch()",
                "DROP FUNCTION touch()",
                "DROP FUNCTION touch() CASCADE",
                "CREATE TRIGGER orders_touch AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION touch()",
                "DROP TRIGGER orders_touch ON users",
            ]),
            28 | 29 => self.partitions(),
            30 => format!("DROP TABLE {}{on}{}", self.maybe(3, "IF EXISTS "), self.maybe(3, " CASCADE")),
            31 => format!("TRUNCATE {on}{}", self.maybe(3, " CASCADE")),
            32..=34 => self.created(out),
            35 => {
                let (to, query) = (self.new_name("copied"), self.filter(table));
                format!("CREATE TABLE {to} AS SELECT * FROM {on} WHERE {query}")
            }
            36 if !block => format!(
                "{} {on}",
                self.of(&["VACUUM", "VACUUM FULL", "REINDEX TABLE", "ANALYZE", "REINDEX TABLE CONCURRENTLY"])
            ),
            36 => format!(
                "ALTER TABLE {on} SET {}",
                self.of(&["UNLOGGED", "LOGGED", "(fillfactor = 80)", "SCHEMA billing"])
            ),
            37 => format!(
                "ALTER TABLE {on} {}",
                self.of(&[
                    "ENABLE ROW LEVEL SECURITY",
                    "REPLICA IDENTITY FULL",
                    "ALTER COLUMN id DROP DEFAULT",
                    "ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY",
                    "ALTER COLUMN id DROP IDENTITY",
                    "ALTER COLUMN id DROP IDENTITY IF EXISTS"
                ])
            ),
            38 => format!(
                "INSERT INTO empty_table (id, name, amount) {}",
                self.of(&[
                    "VALUES (1, 'a', 2)",
                    "VALUES (1, 'a', 2), (1, 'b', 3)",
                    "SELECT id, name, age FROM users",
                    "VALUES (1, 'a', 2) ON CONFLICT DO NOTHING"
                ])
            ),
            _ => self.of(&[
                "DROP SCHEMA billing",
                "DROP SCHEMA billing CASCADE",
                "CREATE SCHEMA billing",
                "CREATE SCHEMA IF NOT EXISTS app",
                "DROP SEQUENCE orders_id_seq",
                "CREATE TYPE order_status AS ENUM ('a')",
                "LOCK TABLE users IN EXCLUSIVE MODE",
                "CREATE EXTENSION IF NOT EXISTS plpgsql",
                "DROP TABLE nothing_there",
                "ALTER TABLE IF EXISTS nothing_there ADD COLUMN a int",
                "ALTER TABLE nothing_there ADD COLUMN a int",
                "ALTER TABLE users RENAME CONSTRAINT users_email_key TO users_mail_key",
            ]),
        };
        out.push(text);
    }

    fn renamed(&mut self, table: usize, on: &str, column: &str) -> String {
        let name = self.new_name("renamed");
        if self.one_in(2) {
            let old = std::mem::take(&mut self.tables[table].name);
            self.tables[table].name = match old.split_once('.') {
                Some((schema, _)) => format!("{schema}.{name}"),
                None => name.clone(),
            };
            return format!("ALTER TABLE {on} RENAME TO {name}");
        }
        if let Some(found) = self.tables[table].columns.iter_mut().find(|(name, _)| quoted(name) == column) {
            found.0 = bare(&name);
        }
        format!("ALTER TABLE {on} RENAME COLUMN {column} TO {name}")
    }

    fn partitions(&mut self) -> String {
        let name = self.new_name("events");
        match self.dice.below(8) {
            0 => format!("CREATE TABLE {name} PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"),
            1 => format!("CREATE TABLE {name} PARTITION OF events FOR VALUES FROM ('2025-06-01') TO ('2026-06-01')"),
            2 => format!("CREATE TABLE {name} PARTITION OF events DEFAULT"),
            3 => "ALTER TABLE events ATTACH PARTITION events_old FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')"
                .to_owned(),
            4 => "ALTER TABLE events ATTACH PARTITION events_old FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')"
                .to_owned(),
            5 => "ALTER TABLE events ATTACH PARTITION events_old DEFAULT".to_owned(),
            6 => format!("ALTER TABLE events DETACH PARTITION events_2024{}", self.maybe(2, " CONCURRENTLY")),
            _ => "CREATE INDEX ON ONLY events (kind)".to_owned(),
        }
    }

    fn created(&mut self, out: &mut Vec<String>) -> String {
        let name = self.new_name("made");
        let exists = self.maybe(6, "IF NOT EXISTS ");
        let (one, two) = (self.of(&TYPES), self.of(&TYPES));
        let value = self.default(&two);
        let id = self.of(&["serial", "bigint GENERATED ALWAYS AS IDENTITY", "uuid DEFAULT gen_random_uuid()"]);
        let mut columns = format!("id {id} PRIMARY KEY, one {one}, two {two} NOT NULL DEFAULT {value}");
        if self.one_in(2) {
            let to = self.references();
            columns += &format!(", other integer REFERENCES {to}");
        }
        let table = if self.one_in(10) { self.tables[0].name.clone() } else { name.clone() };
        out.push(format!("CREATE TABLE {exists}{table} ({columns})"));
        let id_type = if id.starts_with("uuid") { "uuid" } else { "bigint" };
        let list = vec![("id".to_owned(), id_type.to_owned()), ("one".to_owned(), one), ("two".to_owned(), two)];
        self.tables.push(Table { name: table.clone(), columns: list });
        let place = self.tables.len() - 1;
        match self.dice.below(4) {
            0 => format!("ALTER TABLE {table} {}", self.part(place)),
            1 => self.index(place),
            2 => format!("INSERT INTO {table} (two) SELECT {value} FROM users WHERE id < 10"),
            _ => format!("COMMENT ON TABLE {table} IS 'new'"),
        }
    }
}

/// As SQL has it, where it is not so already.
pub(super) fn quoted(name: &str) -> String {
    if name.starts_with('"') || name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        return name.to_owned();
    }
    quote(name)
}

pub(super) fn bare(name: &str) -> String {
    name.trim_matches('"').to_owned()
}
