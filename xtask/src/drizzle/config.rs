//! `drizzle.config.ts`, evaluated by bun: it is a program, so reading it as text would guess.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::project::Project;
use crate::failure::Failure;

/// What we need of it; credentials are not taken along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub path: PathBuf,
    /// The migrations folder; absolute.
    pub out: PathBuf,
    /// Files, folders or globs, relative to the package.
    pub schema: Vec<String>,
    pub dialect: String,
    pub casing: Option<String>,
    pub migrations_schema: String,
    pub migrations_table: String,
}

/// The names that drizzle-kit 0.31 looks for, in its order.
const NAMES: &[&str] = &["drizzle.config.ts", "drizzle.config.json", "drizzle.config.js"];

#[derive(Deserialize)]
struct Raw {
    out: Option<String>,
    schema: Option<OneOrMore>,
    dialect: Option<String>,
    casing: Option<String>,
    migrations_schema: Option<String>,
    migrations_table: Option<String>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct OneOrMore(Vec<String>);

const SCRIPT: &str = r#"
const [path] = args;
try {
  const config = (await import(path)).default;
  if (config === null || typeof config !== "object") throw new Error("it has no default export that is an object");
  const { out, schema, dialect, casing, migrations } = config;
  const list = schema === undefined ? null : Array.isArray(schema) ? schema : [schema];
  answer({ value: { out, schema: list, dialect, casing, migrations_schema: migrations?.schema, migrations_table: migrations?.table } });
} catch (error) {
  answer({ error: told(error, path) });
}
process.exit(0);
"#;

/// The configuration of a package, if there is one.
#[must_use]
pub fn path(package: &Path) -> Option<PathBuf> {
    NAMES.iter().map(|name| package.join(name)).find(|path| path.is_file())
}

/// Evaluates the configuration of the package.
///
/// Errors (usage): there is none, it throws, it is not for PostgreSQL, or it names no schema.
pub fn load(project: &Project) -> Result<Config> {
    let path = path(&project.package).ok_or_else(|| {
        Failure::usage(format!("no `drizzle.config.ts` in `{}`", project.relative(&project.package)))
            .hint("set `db_package` in the workflow file to the folder that holds it")
    })?;
    let name = project.relative(&path);
    let value = project
        .script(SCRIPT, &[&path.to_string_lossy()])?
        .map_err(|error| error.failure(project, &format!("`{name}` cannot be evaluated")))?;
    let raw: Raw = serde_json::from_value(value).with_context(|| format!("reading `{name}`"))?;
    checked(project, path, raw).map_err(|problem| Failure::usage(format!("`{name}` {problem}")).into())
}

fn checked(project: &Project, path: PathBuf, raw: Raw) -> std::result::Result<Config, String> {
    let dialect = raw.dialect.ok_or("names no `dialect`: write `dialect: \"postgresql\"`")?;
    if dialect != "postgresql" {
        return Err(format!("is for another database than PostgreSQL: {dialect}"));
    }
    let schema = raw.schema.map(|list| list.0).filter(|list| !list.is_empty()).ok_or("names no `schema` files")?;
    Ok(Config {
        path,
        out: absolute(project, &raw.out.unwrap_or_else(|| "drizzle".to_owned())),
        schema,
        dialect,
        casing: raw.casing,
        migrations_schema: raw.migrations_schema.unwrap_or_else(|| "drizzle".to_owned()),
        migrations_table: raw.migrations_table.unwrap_or_else(|| "__drizzle_migrations".to_owned()),
    })
}

/// `./drizzle` of the package, without the dot.
fn absolute(project: &Project, out: &str) -> PathBuf {
    let joined = project.package.join(out);
    joined.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: serde_json::Value) -> std::result::Result<Config, String> {
        let project = Project::new("/r", "/r/packages/db", "/bun");
        checked(&project, "/r/packages/db/drizzle.config.ts".into(), serde_json::from_value(json).unwrap())
    }

    #[test]
    fn what_is_left_out_has_the_defaults_of_drizzle_kit() {
        let config =
            check(serde_json::json!({ "dialect": "postgresql", "schema": ["./src/*.ts"], "out": "./migrations" }))
                .unwrap();
        assert_eq!(config.out, PathBuf::from("/r/packages/db/migrations"));
        assert_eq!(
            (config.migrations_schema.as_str(), config.migrations_table.as_str()),
            ("drizzle", "__drizzle_migrations")
        );
    }

    #[test]
    fn another_dialect_is_refused() {
        assert!(check(serde_json::json!({ "dialect": "mysql", "schema": ["a.ts"] })).unwrap_err().contains("mysql"));
    }
}
