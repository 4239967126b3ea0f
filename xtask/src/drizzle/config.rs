//! `drizzle.config.ts`, evaluated by bun: it is a program, so reading it as text would guess.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::project::Project;
use crate::failure::Failure;
use crate::pg::url::DatabaseUrl;

/// What we need of it; of the credentials only which database they are for.
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
    /// Where drizzle-kit would go with it, in the environment in which it was read; none where that cannot be told.
    pub place: Option<Place>,
}

/// A database, as far as two of them are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Place {
    pub host: String,
    pub port: u16,
    pub database: String,
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
    place: Option<Place>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct OneOrMore(Vec<String>);

const SCRIPT: &str = r#"
const [path] = args;
function placeOf(credentials) {
  try {
    if (typeof credentials?.url === "string") {
      const url = new URL(credentials.url);
      const [host, database] = [decodeURIComponent(url.hostname), decodeURIComponent(url.pathname.slice(1))];
      return { host: host.replace(/^\[|\]$/g, ""), port: Number(url.port || 5432), database };
    }
    const { host, port, database } = credentials;
    return typeof host === "string" && typeof database === "string" ? { host, port: Number(port ?? 5432), database } : null;
  } catch {
    return null;
  }
}
try {
  const config = (await import(path)).default;
  if (config === null || typeof config !== "object") throw new Error("it has no default export that is an object");
  const { out, schema, dialect, casing, migrations } = config;
  const list = schema === undefined ? null : Array.isArray(schema) ? schema : [schema];
  answer({ value: { out, schema: list, dialect, casing, migrations_schema: migrations?.schema, migrations_table: migrations?.table, place: placeOf(config.dbCredentials) } });
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

impl Config {
    /// Refuses where drizzle-kit would go to another database than `url`'s: it takes its credentials from this file alone.
    pub fn require_place(&self, url: &DatabaseUrl) -> Result<()> {
        let local =
            |host: &str| if ["127.0.0.1", "::1"].contains(&host) { "localhost" } else { host }.to_ascii_lowercase();
        let meant = format!("`{}` on {}:{}", url.database, url.host, url.port);
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let found = match &self.place {
            Some(place)
                if local(&place.host) == local(&url.host)
                    && place.port == url.port
                    && place.database == url.database =>
            {
                return Ok(());
            }
            Some(place) => format!("`{}` on {}:{}", place.database, place.host, place.port),
            None => "a database that cannot be told".to_owned(),
        };
        Err(Failure::refused(format!("`{name}` would migrate another database than the one that is meant"))
            .detail(format!("its `dbCredentials` lead to {found}, although `DATABASE_URL` was set to {meant}"))
            .detail("nothing was run")
            .hint(format!("write `dbCredentials: {{ url: process.env.DATABASE_URL ?? '' }}` in {name}"))
            .into())
    }
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
        place: raw.place,
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
