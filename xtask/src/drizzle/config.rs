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
    /// Files, folders or globs, relative to the folder in which drizzle-kit runs.
    pub schema: Vec<String>,
    pub dialect: String,
    pub casing: Option<String>,
    pub migrations_schema: String,
    pub migrations_table: String,
    /// What tags begin with: `index`, `timestamp`, `unix`, `supabase` or `none`.
    pub prefix: String,
    /// Whether it says where the database is: with a migrator of the repo's own it may leave that out.
    pub has_place: bool,
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
pub const NAMES: &[&str] = &["drizzle.config.ts", "drizzle.config.json", "drizzle.config.js"];

#[derive(Deserialize)]
struct Raw {
    out: Option<String>,
    schema: Option<OneOrMore>,
    dialect: Option<String>,
    casing: Option<String>,
    migrations_schema: Option<String>,
    migrations_table: Option<String>,
    prefix: Option<String>,
    #[serde(default)]
    has_place: bool,
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
  answer({ value: { out, schema: list, dialect, casing, migrations_schema: migrations?.schema, migrations_table: migrations?.table, prefix: migrations?.prefix, has_place: config.dbCredentials !== undefined, place: placeOf(config.dbCredentials) } });
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
    pub fn require_place(&self, url: &DatabaseUrl, variable: &str) -> Result<()> {
        if !self.has_place {
            return Ok(());
        }
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
            .detail(format!("its `dbCredentials` lead to {found}, although `{variable}` was set to {meant}"))
            .detail("nothing was run")
            .hint(format!("write `dbCredentials: {{ url: process.env.{variable} ?? '' }}` in {name}"))
            .into())
    }
}

/// Evaluates the configuration of the package.
///
/// Errors (usage): there is none, it throws, it is not for PostgreSQL, or it names no schema.
pub fn load(project: &Project) -> Result<Config> {
    let found = project.kit.config.clone().filter(|path| path.is_file());
    let usual = || if project.kit.config.is_none() { path(&project.kit.folder) } else { None };
    let path = found.or_else(usual).ok_or_else(|| {
        let named = project.kit.config.as_ref().and_then(|path| path.file_name());
        let name = named.map_or("drizzle.config.ts".to_owned(), |name| name.display().to_string());
        let folder = project.kit.config.as_deref().and_then(Path::parent).unwrap_or(&project.kit.folder);
        Failure::usage(format!("no `{name}` in `{}`", project.relative(folder)))
            .hint("set `db_package`, or `drizzle_config`, in the workflow file to where it is")
    })?;
    let name = project.relative(&path);
    let value = project
        .script(SCRIPT, &[&path.to_string_lossy()])?
        .map_err(|error| error.failure(project, &format!("`{name}` cannot be evaluated")))?;
    let raw: Raw = serde_json::from_value(value).with_context(|| format!("reading `{name}`"))?;
    checked(project, path, raw).map_err(|problem| Failure::usage(format!("`{name}` {problem}")).into())
}

/// A url that leads nowhere and says under which name it was given.
#[must_use]
pub fn marked(name: &str) -> String {
    format!("postgresql://nobody:nothing@127.0.0.1:1/{name}.end")
}

const URL_SCRIPT: &str = r#"
const [path, ...names] = args;
try {
  const credentials = JSON.stringify((await import(path)).default?.dbCredentials ?? null);
  answer({ value: names.find((name) => credentials.includes(name + ".end")) ?? null });
} catch (error) {
  answer({ error: told(error, path) });
}
process.exit(0);
"#;

/// The name under which the configuration looks for its database, of those that `project` gives as [`marked`].
pub fn url_name(project: &Project, config: &Config, names: &[String]) -> Result<Option<String>> {
    let path = config.path.to_string_lossy();
    let args: Vec<&str> = std::iter::once(path.as_ref()).chain(names.iter().map(String::as_str)).collect();
    let name = project.relative(&config.path);
    let value = project
        .script(URL_SCRIPT, &args)?
        .map_err(|error| error.failure(project, &format!("`{name}` cannot be evaluated")))?;
    serde_json::from_value(value).with_context(|| format!("reading `{name}`"))
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
        prefix: raw.prefix.unwrap_or_else(|| "index".to_owned()),
        has_place: raw.has_place,
        place: raw.place,
    })
}

/// `./drizzle` of the package, without the dot.
fn absolute(project: &Project, out: &str) -> PathBuf {
    let joined = project.kit.folder.join(out);
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
