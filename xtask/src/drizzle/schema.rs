//! The schema files as they stand, as a snapshot: `drizzle-kit/api` under bun, no database, nothing written to the repo.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use oxc_allocator::Allocator;
use oxc_ast::ast::{Argument, Declaration, Expression, Statement};
use oxc_parser::Parser;
use oxc_span::SourceType;
use serde::Deserialize;
use serde_json::Value;

use super::config::Config;
use super::inventory::{self, Problem};
use super::project::Project;
use super::snapshot::{self, Snapshot};
use crate::failure::Failure;

/// The schema files and what they say.
#[derive(Clone, Debug)]
pub struct Schema {
    pub snapshot: Snapshot,
    /// Every file that the config's `schema` matches; absolute, sorted.
    pub files: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Raw {
    snapshot: Value,
    files: Vec<PathBuf>,
}

/// Files are found as drizzle-kit 0.31 finds them (`prepareFilenames`): a file, a folder's own files, or a glob. A value exported
/// by two files counts once.
const SCRIPT: &str = r#"
import { statSync, readdirSync } from "node:fs";
import { resolve, join } from "node:path";
const { patterns, previous, casing, places } = JSON.parse(args[0]);
let at = null;
try {
  const files = new Set();
  const add = (path) => {
    if (!statSync(path).isDirectory()) files.add(path);
    else for (const name of readdirSync(path)) if (!statSync(join(path, name)).isDirectory()) files.add(join(path, name));
  };
  for (const pattern of patterns) {
    const plain = resolve(process.cwd(), pattern);
    if (statSync(plain, { throwIfNoEntry: false })) { add(plain); continue; }
    const relative = pattern.startsWith("/") ? pattern : pattern.replace(/^(\.\/)+/, "");
    const base = relative.match(/^(\.\.\/)*/)[0];
    const cwd = pattern.startsWith("/") ? "/" : resolve(process.cwd(), base);
    const inside = pattern.startsWith("/") ? pattern.slice(1) : relative.slice(base.length);
    for (const found of new Bun.Glob(inside).scanSync({ cwd, absolute: true, onlyFiles: false })) add(found);
  }
  const sorted = [...files].sort();
  if (sorted.length === 0) throw coded("no_files", "no schema files found for " + patterns.map((p) => "`" + p + "`").join(", "));
  for (const file of sorted) if (!/\.[cm]?[tj]s$/.test(file)) throw coded("no_files", "not a TypeScript or JavaScript file: " + file);
  // drizzle-kit 1.x has a module for each database, and takes no casing from its config any more.
  let api;
  const wanted = places.flatMap((place) => ["drizzle-kit/api-postgres", "drizzle-kit/api"].map((name) => [name, place]));
  for (const [name, place] of wanted) {
    let path = null;
    try { path = Bun.resolveSync(name, place); } catch (error) { continue; }
    api = await import(path);
    break;
  }
  if (!api) throw coded("not_installed", "drizzle-kit is not installed in this package");
  if (typeof api.generateDrizzleJson !== "function") throw coded("not_installed", "this drizzle-kit has no `generateDrizzleJson`: 0.31 or 1.0 is needed");
  const values = new Set();
  for (const file of sorted) {
    at = file;
    for (const value of Object.values(await import(file))) values.add(value);
  }
  at = null;
  const snapshot = await api.generateDrizzleJson(Object.fromEntries([...values].map((value, index) => ["_" + index, value])), previous ?? undefined, undefined, casing ?? undefined);
  answer({ value: { snapshot, files: sorted } });
} catch (error) {
  answer({ error: told(error, at) });
}
process.exit(0);
"#;

/// Reads the schema files; `previous_id` becomes the snapshot's `prevId`.
///
/// Errors: a file that does not compile or throws (usage, with its place), none found, drizzle-kit not installed (environment).
pub fn read(project: &Project, config: &Config, previous_id: Option<&str>) -> Result<Schema> {
    let places = [&project.package, &project.kit.folder];
    let args = serde_json::json!({ "patterns": config.schema, "previous": previous_id, "casing": config.casing, "places": places })
        .to_string();
    let value =
        project.script(SCRIPT, &[&args])?.map_err(|error| error.failure(project, "the schema files cannot be read"))?;
    let raw: Raw = serde_json::from_value(value).context("reading the snapshot of the schema files")?;
    let snapshot = snapshot::parse(&raw.snapshot.to_string())
        .map_err(|reason| Failure::environment(format!("drizzle-kit made a snapshot that we cannot use: {reason}")))?;
    Ok(Schema { snapshot, files: raw.files })
}

/// The snapshot alone.
pub fn of_schema(project: &Project, config: &Config, previous_id: Option<&str>) -> Result<Snapshot> {
    Ok(read(project, config, previous_id)?.snapshot)
}

/// Tables, enums, views and sequences that drizzle-kit does not see, because nothing that the config's `schema` matches exports
/// them. Looked for in every source file beside and below the matched ones.
pub fn not_exported(project: &Project, schema: &Schema) -> Result<Vec<Problem>> {
    let mut found = Vec::new();
    for file in source_files(&schema.files)? {
        let text = fs::read_to_string(&file).with_context(|| format!("reading `{}`", file.display()))?;
        for object in objects(&file, &text) {
            let seen = schema
                .snapshot
                .map(object.map)
                .iter()
                .any(|(key, value)| snapshot::named(key, value).name == object.name);
            if !seen {
                let message = format!(
                    "`{}` in {} is known to no file that drizzle-kit reads",
                    object.name,
                    project.relative(&file)
                );
                let remedy = "export it from a file that the config's `schema` matches: drizzle-kit sees only exports";
                found.push(inventory::problem("table_not_exported", None, message, remedy));
            }
        }
    }
    found.extend(inventory::referenced_but_not_exported(&schema.snapshot));
    Ok(found)
}

fn source_files(matched: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found: BTreeSet<PathBuf> = matched.iter().cloned().collect();
    let mut open: Vec<PathBuf> = matched.iter().filter_map(|file| Some(file.parent()?.to_owned())).collect();
    let mut done = BTreeSet::new();
    while let Some(folder) = open.pop() {
        if !done.insert(folder.clone()) {
            continue;
        }
        for entry in fs::read_dir(&folder).with_context(|| format!("reading `{}`", folder.display()))? {
            let entry = entry.with_context(|| format!("reading `{}`", folder.display()))?;
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let kind = entry.file_type().with_context(|| format!("reading `{}`", path.display()))?;
            if kind.is_dir() && name != "node_modules" && !name.starts_with('.') {
                open.push(path);
            } else if kind.is_file() && is_source(&name) {
                found.insert(path);
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// Source, and neither declarations nor a test, which may well have tables of its own.
fn is_source(name: &str) -> bool {
    let ending = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"].iter().any(|ending| name.ends_with(ending));
    ending && ![".d.ts", ".test.", ".spec."].iter().any(|part| name.contains(part))
}

/// A Drizzle object made at the top of a file.
#[derive(Debug, PartialEq, Eq)]
struct Object {
    /// The snapshot's map that holds such objects.
    map: &'static str,
    /// Its name in the database.
    name: String,
}

fn objects(file: &Path, text: &str) -> Vec<Object> {
    let allocator = Allocator::default();
    let kind = SourceType::from_path(file).unwrap_or_else(|_| SourceType::ts());
    let program = Parser::new(&allocator, text, kind).parse().program;
    let mut found = Vec::new();
    for statement in &program.body {
        let list = match statement {
            Statement::VariableDeclaration(list) => list,
            Statement::ExportDeclaration(export) => match &export.declaration {
                Declaration::VariableDeclaration(list) => list,
                _ => continue,
            },
            _ => continue,
        };
        found.extend(list.declarations.iter().filter_map(|declarator| object(declarator.init.as_ref()?)));
    }
    found
}

/// The object that a call of one of Drizzle's constructors makes, maybe with calls chained to it.
fn object(value: &Expression<'_>) -> Option<Object> {
    let mut value = value;
    loop {
        let Expression::CallExpression(call) = value else { return None };
        let constructor = match &call.callee {
            Expression::Identifier(function) => function.name.as_str(),
            Expression::StaticMemberExpression(member) => match &member.object {
                Expression::CallExpression(_) => {
                    value = &member.object;
                    continue;
                }
                // A schema of its own: `app.table(…)`.
                Expression::Identifier(_) => member.property.name.as_str(),
                _ => return None,
            },
            _ => return None,
        };
        let map = match constructor {
            "pgTable" | "table" => "tables",
            "pgEnum" | "enum" => "enums",
            "pgView" | "view" | "pgMaterializedView" | "materializedView" => "views",
            "pgSequence" | "sequence" => "sequences",
            _ => return None,
        };
        let Some(Argument::StringLiteral(name)) = call.arguments.first() else { return None };
        return Some(Object { map, name: name.value.to_string() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_whether_exported_or_not() {
        let text = r#"
            import { pgTable, pgSchema, pgView } from "drizzle-orm/pg-core";
            export const users = pgTable("users", {});
            const sessions = pgTable("sessions", {}).enableRLS();
            const app = pgSchema("app");
            const jobs = app.table("jobs", {});
            export const listed = pgView("listed").as((qb) => qb.select().from(users));
            const other = buildTable("x");
        "#;
        let found: Vec<(&str, String)> =
            objects(Path::new("users.ts"), text).into_iter().map(|object| (object.map, object.name)).collect();
        let expected = [("tables", "users"), ("tables", "sessions"), ("tables", "jobs"), ("views", "listed")];
        assert_eq!(found, expected.map(|(map, name)| (map, name.to_owned())));
    }

    #[test]
    fn a_table_in_a_file_that_the_index_forgot_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("index.ts"), "export * from './users';").unwrap();
        fs::write(folder.path().join("users.ts"), "export const users = pgTable('users', {});").unwrap();
        fs::write(folder.path().join("invites.ts"), "export const invites = pgTable('invites', {});").unwrap();
        fs::write(folder.path().join("users.test.ts"), "const t = pgTable('scratch', {});").unwrap();
        let mut snapshot = Snapshot::empty();
        snapshot.0["tables"]["public.users"] = serde_json::json!({ "name": "users", "schema": "" });
        let schema = Schema { snapshot, files: vec![folder.path().join("index.ts")] };
        let project = Project::new(folder.path(), folder.path(), "/bun");
        let found = not_exported(&project, &schema).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "`invites` in invites.ts is known to no file that drizzle-kit reads");
    }
}
