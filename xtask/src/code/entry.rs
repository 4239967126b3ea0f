//! Which module exports the database of a package, and how its tests import things: found by the parser, never assumed.

use std::path::{Path, PathBuf};

use anyhow::Result;
use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_ast::ast::{
    BindingPattern, Declaration, Expression, ImportDeclarationSpecifier, Statement, VariableDeclaration,
};
use oxc_ast_visit::Visit;

use super::parse;

/// `export const db = drizzle(…)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    pub file: PathBuf,
    /// As it is exported.
    pub name: String,
    /// `drizzle-orm/postgres-js`
    pub driver: String,
    /// The module whose namespace it is given: `import * as schema from './schema'`.
    pub schema: Option<String>,
}

/// One import of a file: the specifier, and the names (`*` for the namespace).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    pub from: String,
    pub names: Vec<String>,
}

/// The databases that these files export; files that cannot be parsed have none.
pub fn databases(files: &[PathBuf]) -> Result<Vec<Database>> {
    let mut found = Vec::new();
    for file in files {
        let text = parse::read(file)?;
        if text.contains("drizzle-orm/") {
            found.extend(database(file, &text));
        }
    }
    Ok(found)
}

fn database(file: &Path, text: &str) -> Option<Database> {
    let allocator = Allocator::default();
    let program = parse::program(&allocator, file, text).ok()?;
    let (mut driver, mut maker, mut schema) = (None, None, None);
    for statement in &program.body {
        let Statement::ImportDeclaration(import) = statement else { continue };
        let from = import.source.value.as_str();
        for specifier in import.specifiers.iter().flatten() {
            match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(one)
                    if from.starts_with("drizzle-orm/") && one.imported.name() == "drizzle" =>
                {
                    (driver, maker) = (Some(from.to_owned()), Some(one.local.name.to_string()));
                }
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(_)
                    if from.starts_with('.') || from.contains("schema") =>
                {
                    schema = Some(from.to_owned());
                }
                _ => {}
            }
        }
    }
    let (driver, maker) = (driver?, maker?);
    // Local name → exported name, of what calls the maker; a plain `db` made by a function of the file's own counts last.
    let mut made: Vec<String> = Vec::new();
    let mut exported: Vec<(String, String)> = Vec::new();
    for statement in &program.body {
        let list = match statement {
            Statement::VariableDeclaration(list) => list,
            Statement::ExportDeclaration(export) => match &export.declaration {
                Declaration::VariableDeclaration(list) => {
                    exported.extend(names(list).map(|name| (name.clone(), name)));
                    list
                }
                _ => continue,
            },
            Statement::ExportNamedDeclaration(export) => {
                let pairs =
                    export.specifiers.iter().map(|one| (one.local.name().to_string(), one.exported.name().to_string()));
                exported.extend(pairs);
                continue;
            }
            _ => continue,
        };
        for declarator in &list.declarations {
            let (BindingPattern::BindingIdentifier(name), Some(init)) = (&declarator.id, &declarator.init) else {
                continue;
            };
            let mut calls = Calls { of: &maker, found: false };
            calls.visit_expression(init);
            if calls.found {
                made.push(name.name.to_string());
            }
        }
    }
    let by_call = exported.iter().find(|(local, _)| made.contains(local));
    let by_name = || exported.iter().find(|(_, name)| ["db", "database"].contains(&name.as_str()));
    let name = by_call.or_else(by_name)?.1.clone();
    Some(Database { file: file.to_owned(), name, driver, schema })
}

fn names<'a>(list: &'a VariableDeclaration<'a>) -> impl Iterator<Item = String> + 'a {
    list.declarations.iter().filter_map(|declarator| match &declarator.id {
        BindingPattern::BindingIdentifier(name) => Some(name.name.to_string()),
        _ => None,
    })
}

struct Calls<'a> {
    of: &'a str,
    found: bool,
}

impl<'a> Visit<'a> for Calls<'_> {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        if let AstKind::CallExpression(call) = kind
            && let Expression::Identifier(callee) = &call.callee
            && callee.name == self.of
        {
            self.found = true;
        }
    }
}

/// The imports of a file; none of one that cannot be parsed.
pub fn imports(file: &Path) -> Result<Vec<Import>> {
    let text = parse::read(file)?;
    let allocator = Allocator::default();
    let Ok(program) = parse::program(&allocator, file, &text) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for statement in &program.body {
        let Statement::ImportDeclaration(import) = statement else { continue };
        let names = import.specifiers.iter().flatten().map(|specifier| match specifier {
            ImportDeclarationSpecifier::ImportSpecifier(one) => one.imported.name().to_string(),
            ImportDeclarationSpecifier::ImportDefaultSpecifier(_) => "default".to_owned(),
            ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => "*".to_owned(),
        });
        found.push(Import { from: import.source.value.to_string(), names: names.collect() });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(String, String, Option<String>)> {
        database(Path::new("db.ts"), text).map(|found| (found.name, found.driver, found.schema))
    }

    #[test]
    fn the_database_is_found_under_its_exported_name() {
        let text = "import { drizzle as make } from 'drizzle-orm/node-postgres';\nimport * as tables from './tables.js';\n\
            const pool = 1;\nconst inner = cached ?? make({ client: pool, schema: tables });\nexport { inner as store };";
        let expected = ("store".to_owned(), "drizzle-orm/node-postgres".to_owned(), Some("./tables.js".to_owned()));
        assert_eq!(found(text), Some(expected));
        let text = "import { drizzle } from 'drizzle-orm/postgres-js';\nfunction open() { return drizzle(x); }\nexport const db = open();";
        assert_eq!(found(text).unwrap().0, "db");
        assert_eq!(found("import { drizzle } from 'drizzle-orm/pglite';\nawait migrate(drizzle(x));"), None);
    }
}
