//! Values for the rows that a scaffolded test writes: TypeScript expressions that give SQL, unique where the type has room.

use super::schema::{Column, Enum};

pub(super) struct Sample {
    /// An expression of type `SQL`.
    pub value: String,
    /// SQL (inside a template) that finds it; `{column}` stands for the column, `value` for the expression's name.
    pub comparison: String,
}

/// By a type as Drizzle's snapshot spells it: `varchar(20)`, `timestamp with time zone`, an enum's name.
pub(super) fn of_type(data_type: &str, enums: &[Enum]) -> Option<Sample> {
    let lower = data_type.trim().to_lowercase();
    if let Some(base) = lower.strip_suffix("[]") {
        let base = of_type(base, enums).map(|_| base.to_owned())?;
        return Some(equal(format!("sql.raw(\"array[]::{}[]\")", base.replace('"', "\\\""))));
    }
    let (base, length) = match lower.split_once('(') {
        Some((base, rest)) => {
            (base.trim(), rest.split([',', ')']).next().and_then(|number| number.trim().parse::<usize>().ok()))
        }
        None => (lower.as_str(), None),
    };
    let with_zone = lower.contains("with time zone");
    let value = match base {
        "text" | "citext" => text(None),
        "varchar" | "character varying" | "char" | "character" | "bpchar" => {
            text(length.or((base.starts_with("char") && base != "character varying").then_some(1)))
        }
        "uuid" => "sql`${crypto.randomUUID()}::uuid`".to_owned(),
        "smallint" | "int2" => "sql.raw(String(1 + Math.floor(Math.random() * 30_000)))".to_owned(),
        "integer" | "int" | "int4" | "bigint" | "int8" => {
            "sql.raw(String(1 + Math.floor(Math.random() * 2_000_000_000)))".to_owned()
        }
        "numeric" | "decimal" | "real" | "double precision" | "float4" | "float8" => "sql.raw('7')".to_owned(),
        "boolean" | "bool" => "sql.raw('true')".to_owned(),
        "date" => "sql.raw(\"'2024-02-29'::date\")".to_owned(),
        "interval" => "sql.raw(\"'1 day'::interval\")".to_owned(),
        "inet" => "sql.raw(\"'192.0.2.1'::inet\")".to_owned(),
        "jsonb" => "sql.raw(`'{\"key\": \"value\"}'::jsonb`)".to_owned(),
        "json" => {
            let value = "sql.raw(`'{\"key\": \"value\"}'::json`)".to_owned();
            return Some(Sample { value, comparison: "{column}::text = ${value}::text".to_owned() });
        }
        "bytea" => "sql.raw(\"'\\\\x00ff'::bytea\")".to_owned(),
        _ if base.starts_with("timestamp") && with_zone => {
            "sql.raw(\"'2024-02-29 12:34:56+00'::timestamptz\")".to_owned()
        }
        "timestamptz" => "sql.raw(\"'2024-02-29 12:34:56+00'::timestamptz\")".to_owned(),
        _ if base.starts_with("timestamp") => "sql.raw(\"'2024-02-29 12:34:56'::timestamp\")".to_owned(),
        _ if base.starts_with("time") => "sql.raw(\"'12:34:56'::time\")".to_owned(),
        _ => of_enum(enums.iter().find(|found| found.name.to_lowercase() == base.trim_matches('"'))?)?,
    };
    Some(equal(value))
}

/// By what the schema file writes: `varchar('x', { length: 20 })`, `userRole('role')`.
pub(super) fn of_column(column: &Column, enums: &[Enum]) -> Option<Sample> {
    if let Some(found) = enums.iter().find(|found| found.export == column.builder) {
        return Some(equal(of_enum(found)?));
    }
    let base = match (column.builder.as_str(), column.length) {
        ("varchar" | "char", Some(length)) => format!("{}({length})", column.builder),
        ("doublePrecision", _) => "double precision".to_owned(),
        (builder, _) => builder.to_owned(),
    };
    of_type(&if column.array { format!("{base}[]") } else { base }, enums)
}

/// A literal without a type, which both the old type and this one can read.
pub(super) fn of_both(data_type: &str) -> Option<String> {
    let lower = data_type.trim().to_lowercase();
    let base = lower.split('(').next().unwrap_or_default().trim();
    let value = match base {
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" => "7",
        "boolean" => "true",
        "date" => "2024-02-29",
        _ if base.starts_with("timestamp") => "2024-02-29 12:34:56+00",
        "text" | "varchar" | "character varying" | "char" | "character" => "a",
        "json" | "jsonb" => "{}",
        "uuid" => return Some("sql.raw(`'${crypto.randomUUID()}'`)".to_owned()),
        _ => return None,
    };
    Some(format!("sql.raw(\"'{value}'\")"))
}

pub(super) fn equal(value: String) -> Sample {
    Sample { value, comparison: "{column} = ${value}".to_owned() }
}

fn text(length: Option<usize>) -> String {
    match length {
        Some(length) if length < 36 => format!("sql`${{crypto.randomUUID().slice(0, {length})}}`"),
        _ => "sql`${crypto.randomUUID()}`".to_owned(),
    }
}

fn of_enum(found: &Enum) -> Option<String> {
    let label = crate::sql::names::literal(found.labels.first()?);
    Some(format!("sql.raw({})", super::scaffold::single(&label)))
}
