//! Whether a default is computed once or for each row.
//!
//! A call decides: PostgreSQL keeps one value for all rows where no function in the expression is volatile (PostgreSQL docs, ALTER TABLE,
//! Notes; CREATE FUNCTION: volatile is the default). An SQL function that is inlined counts by its body, which is not read here: such a one
//! that forgot to say IMMUTABLE is warned of without need. Invariant: a function that nobody knows is not taken for a cheap one.

use super::catalog::Source;
use super::facts::Facts;
use super::types;
use crate::sql::{TableName, parts};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Computed {
    Once,
    /// For each row, because of this function.
    Each(String),
    /// Nobody knows this function.
    Unknown(String),
}

/// PostgreSQL's own, and those of its extensions for keys, that are declared VOLATILE (pg_proc.dat of PostgreSQL 18; uuid-ossp and pgcrypto's SQL).
const VOLATILE: [&str; 20] = [
    "gen_random_uuid",
    "uuidv4",
    "uuidv7",
    "random",
    "random_normal",
    "clock_timestamp",
    "timeofday",
    "nextval",
    "currval",
    "lastval",
    "setval",
    "set_config",
    "pg_sleep",
    "uuid_generate_v1",
    "uuid_generate_v1mc",
    "uuid_generate_v4",
    "gen_random_bytes",
    "gen_salt",
    "lo_create",
    "setseed",
];

/// PostgreSQL's own that are IMMUTABLE or STABLE and stand in defaults (pg_proc.dat).
const ONCE: [&str; 56] = [
    "now",
    "transaction_timestamp",
    "statement_timestamp",
    "current_setting",
    "current_schema",
    "current_database",
    "current_user",
    "session_user",
    "pg_current_xact_id",
    "txid_current",
    "timezone",
    "date_trunc",
    "date_part",
    "extract",
    "age",
    "make_date",
    "make_time",
    "make_timestamp",
    "make_timestamptz",
    "make_interval",
    "to_char",
    "to_date",
    "to_number",
    "to_timestamp",
    "to_json",
    "to_jsonb",
    "to_tsvector",
    "json_build_object",
    "json_build_array",
    "jsonb_build_object",
    "jsonb_build_array",
    "array_to_json",
    "row_to_json",
    "lower",
    "upper",
    "initcap",
    "trim",
    "btrim",
    "ltrim",
    "rtrim",
    "left",
    "right",
    "substr",
    "substring",
    "replace",
    "concat",
    "concat_ws",
    "format",
    "md5",
    "encode",
    "decode",
    "abs",
    "round",
    "floor",
    "coalesce",
    "nullif",
];

/// PostgreSQL's own types that are written as one word and are no domains.
const PLAIN: [&str; 43] = [
    "integer",
    "bigint",
    "smallint",
    "boolean",
    "text",
    "numeric",
    "real",
    "double precision",
    "character varying",
    "character",
    "bytea",
    "uuid",
    "json",
    "jsonb",
    "xml",
    "date",
    "time without time zone",
    "time with time zone",
    "timestamp without time zone",
    "timestamp with time zone",
    "interval",
    "money",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "bit",
    "bit varying",
    "tsvector",
    "tsquery",
    "int4range",
    "int8range",
    "numrange",
    "daterange",
    "tsrange",
    "tstzrange",
];

impl Facts<'_> {
    /// How often a default is computed when a column comes to a table with rows.
    pub fn computed(&mut self, default: &str) -> Computed {
        let Some(calls) = parts::calls(default) else { return Computed::Unknown("the default".to_owned()) };
        let mut computed = Computed::Once;
        for (schema, name) in calls {
            match self.volatile(schema.as_deref(), &name) {
                Some(true) => return Computed::Each(format!("{name}()")),
                Some(false) => {}
                None => computed = Computed::Unknown(format!("{name}()")),
            }
        }
        computed
    }

    fn volatile(&mut self, schema: Option<&str>, name: &str) -> Option<bool> {
        let made = self.catalog.volatile(&TableName::new(schema.unwrap_or("public"), name));
        if schema.is_none_or(|schema| schema == "pg_catalog") || made.is_none() {
            let own = |list: &[&str]| list.contains(&name);
            if own(&VOLATILE) {
                return Some(true);
            }
            if own(&ONCE) && schema.is_none_or(|schema| schema == "pg_catalog") {
                return Some(false);
            }
        }
        match made {
            Some(made) => made,
            None => self.live.as_mut()?.volatile(schema, name),
        }
    }

    /// Whether a type is a domain that restricts its values.
    pub fn restricted(&mut self, data_type: &str) -> Option<bool> {
        let base = types::parse(data_type).base;
        let own = PLAIN.contains(&base.as_str()) || base.contains("serial");
        let Some(name) = types::named(data_type).filter(|_| !own) else { return Some(false) };
        if let Some(known) = self.catalog.restricted(&name) {
            return Some(known);
        }
        if self.look_enum(&name, |_| ()).is_some() {
            return Some(false);
        }
        self.live.as_mut()?.restricted(data_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::catalog::{Catalog, Nothing, Place};
    use crate::sql::statements;

    fn facts(history: &str) -> Facts<'static> {
        let mut catalog = Catalog::default();
        for statement in statements::parse(history).statements {
            let place = Place { file: None, statement: 0, line: 1 };
            statement.actions.iter().for_each(|action| catalog.apply(action, place, &mut Nothing));
        }
        let settings = std::collections::HashMap::new();
        let (behaviour, session) = (Default::default(), Default::default());
        Facts {
            catalog,
            behaviour,
            live: None,
            before: None,
            major: None,
            rows: Default::default(),
            pending: false,
            session,
            settings,
        }
    }

    #[test]
    fn a_default_is_computed_for_each_row_where_a_function_in_it_is_volatile() {
        let mut facts = facts(
            "CREATE FUNCTION code() RETURNS text LANGUAGE sql AS 'x'; CREATE FUNCTION app.zone() RETURNS text LANGUAGE sql IMMUTABLE AS 'x'; \
             CREATE FUNCTION other(int) RETURNS text LANGUAGE sql STABLE AS 'x'; CREATE FUNCTION other(text) RETURNS text LANGUAGE sql AS 'x'",
        );
        for (default, expected) in [
            ("'a'", Computed::Once),
            ("'{}'::jsonb", Computed::Once),
            ("CURRENT_DATE + 365", Computed::Once),
            ("timezone('utc', now())", Computed::Once),
            ("app.zone()", Computed::Once),
            ("('x' || gen_random_uuid())", Computed::Each("gen_random_uuid()".into())),
            ("public.uuid_generate_v4()", Computed::Each("uuid_generate_v4()".into())),
            ("code()", Computed::Each("code()".into())),
            ("other(1)", Computed::Unknown("other()".into())),
            ("other.zone()", Computed::Unknown("zone()".into())),
        ] {
            assert_eq!(facts.computed(default), expected, "{default}");
        }
    }
}
