//! Where the schema files define tables, views and enums, and what each is called in code and in the database.
//!
//! Understood: `pgTable`, `pgSchema(…).table`, views, columns as an object or as a callback's object, spread column sets,
//! names left out. Anything else in the place of columns makes the table `opaque`: it has columns that were not read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Result;
use oxc_allocator::Allocator;
use oxc_ast::ast::{
    Argument, ArrowFunctionBody, BindingPattern, CallExpression, Declaration, Expression, ObjectExpression,
    ObjectPropertyKind, Program, Statement,
};
use oxc_span::GetSpan;

use super::parse;
use crate::sql::TableName;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaSource {
    pub tables: Vec<Table>,
    pub enums: Vec<Enum>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The exported constant.
    pub export: String,
    pub name: TableName,
    pub kind: Kind,
    pub columns: Vec<Column>,
    /// Some of its columns could not be read.
    pub opaque: bool,
    pub file: PathBuf,
    /// Bytes of the whole statement, from `export` on.
    pub span: Range<usize>,
    pub line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Table,
    View,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub property: String,
    /// The database's name; the property's where none is written.
    pub name: String,
    /// Whether the database's name is written.
    pub named: bool,
    /// The function that makes it: `text`, `varchar`, `userRole`.
    pub builder: String,
    /// `varchar('x', { length: 20 })`
    pub length: Option<u32>,
    pub not_null: bool,
    /// The database or Drizzle fills it when it is left out.
    pub filled: bool,
    pub array: bool,
    /// `users.id` of `.references(() => users.id)`.
    pub references: Option<(String, String)>,
}

/// `export const userRole = pgEnum('user_role', ['admin', …])`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enum {
    pub export: String,
    pub name: String,
    pub labels: Vec<String>,
}

impl SchemaSource {
    #[must_use]
    pub fn table(&self, name: &TableName) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == *name)
    }

    #[must_use]
    pub fn by_export(&self, export: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.export == export)
    }
}

impl Table {
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Reads all schema files together: column sets and `pgSchema` objects may stand in another file than the table.
pub fn read(files: &[PathBuf]) -> Result<SchemaSource> {
    let texts = files.iter().map(|file| parse::read(file)).collect::<Result<Vec<_>>>()?;
    let allocator = Allocator::default();
    let mut constants = BTreeMap::new();
    let mut programs = Vec::new();
    for (file, text) in files.iter().zip(&texts) {
        let program = parse::program(&allocator, file, text)?;
        constants.extend(top_constants(program).into_iter().map(|(name, value, _)| (name, value)));
        programs.push((file, text, program));
    }
    let mut source = SchemaSource::default();
    for (file, text, program) in programs {
        for (name, value, span) in top_constants(program) {
            let reader = Reader { constants: &constants };
            source.tables.extend(reader.table(name, value, file, span, text));
            source.enums.extend(reader.enumeration(name, value));
        }
    }
    Ok(source)
}

/// Top-level `const`s with the bytes of their whole statement.
pub(super) fn top_constants<'a>(program: &'a Program<'a>) -> Vec<(&'a str, &'a Expression<'a>, Range<usize>)> {
    let mut found = Vec::new();
    for statement in &program.body {
        let declaration = match statement {
            Statement::ExportDeclaration(export) => &export.declaration,
            other => match other.as_declaration() {
                Some(declaration) => declaration,
                None => continue,
            },
        };
        let Declaration::VariableDeclaration(variables) = declaration else { continue };
        let span = statement.span();
        for declarator in &variables.declarations {
            if let (BindingPattern::BindingIdentifier(id), Some(init)) = (&declarator.id, &declarator.init) {
                found.push((id.name.as_str(), init.get_inner_expression(), span.start as usize..span.end as usize));
            }
        }
    }
    found
}

/// The names of the calls of a chain, outermost last, and the innermost call: `text('a').notNull()` gives `text`, [`notNull`].
pub(super) fn chain<'a>(
    expression: &'a Expression<'a>,
) -> Option<(&'a CallExpression<'a>, Vec<&'a CallExpression<'a>>)> {
    let Expression::CallExpression(call) = expression.get_inner_expression() else { return None };
    let mut call: &CallExpression<'a> = call;
    let mut outer = Vec::new();
    while let Expression::StaticMemberExpression(member) = call.callee.get_inner_expression()
        && let Expression::CallExpression(inner) = member.object.get_inner_expression()
    {
        outer.push(call);
        call = inner;
    }
    outer.reverse();
    Some((call, outer))
}

/// The called name: `f` of `f()`, `m` of `x.m()`.
pub(super) fn called<'a>(call: &'a CallExpression<'a>) -> &'a str {
    match call.callee.get_inner_expression() {
        Expression::Identifier(id) => id.name.as_str(),
        Expression::StaticMemberExpression(member) => member.property.name.as_str(),
        _ => "",
    }
}

pub(super) fn text_argument<'a>(call: &'a CallExpression<'a>) -> Option<&'a str> {
    text_of(call.arguments.first()?.as_expression()?)
}

pub(super) fn text_of<'a>(expression: &'a Expression<'a>) -> Option<&'a str> {
    match expression.get_inner_expression() {
        Expression::StringLiteral(text) => Some(text.value.as_str()),
        Expression::TemplateLiteral(text) if text.expressions.is_empty() => {
            text.quasis.first()?.value.cooked.as_ref().map(|text| text.as_str())
        }
        _ => None,
    }
}

struct Reader<'s, 'a> {
    constants: &'s BTreeMap<&'a str, &'a Expression<'a>>,
}

impl<'a> Reader<'_, 'a> {
    fn table(
        &self,
        export: &str,
        value: &'a Expression<'a>,
        file: &Path,
        span: Range<usize>,
        text: &str,
    ) -> Option<Table> {
        let (call, _) = chain(value)?;
        let member_of = match call.callee.get_inner_expression() {
            Expression::StaticMemberExpression(member) => match member.object.get_inner_expression() {
                Expression::Identifier(id) => Some(id.name.as_str()),
                _ => None,
            },
            _ => None,
        };
        let (schema, kind) = match (called(call), member_of) {
            ("pgTable", None) => ("public".to_owned(), Kind::Table),
            ("pgView" | "pgMaterializedView", None) => ("public".to_owned(), Kind::View),
            ("table", Some(object)) => (self.schema_name(object)?, Kind::Table),
            ("view" | "materializedView", Some(object)) => (self.schema_name(object)?, Kind::View),
            // `pgSchema('x').table(…)`, written in one go.
            ("pgSchema", None) => return self.inline_schema(export, value, file, span, text),
            _ => return None,
        };
        self.defined(export, call, schema, kind, file, span, text)
    }

    fn inline_schema(
        &self,
        export: &str,
        value: &'a Expression<'a>,
        file: &Path,
        span: Range<usize>,
        text: &str,
    ) -> Option<Table> {
        let (call, outer) = chain(value)?;
        let schema = text_argument(call)?.to_owned();
        let definition = outer.first()?;
        let kind = if called(definition) == "table" { Kind::Table } else { Kind::View };
        matches!(called(definition), "table" | "view" | "materializedView")
            .then(|| self.defined(export, definition, schema, kind, file, span, text))?
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one definition, used in one place")]
    fn defined(
        &self,
        export: &str,
        call: &'a CallExpression<'a>,
        schema: String,
        kind: Kind,
        file: &Path,
        span: Range<usize>,
        text: &str,
    ) -> Option<Table> {
        let name = TableName { schema, name: text_argument(call)?.to_owned() };
        let (columns, opaque) = match call.arguments.get(1).and_then(Argument::as_expression) {
            Some(columns) => self.columns(columns, 0),
            None => (Vec::new(), kind == Kind::View),
        };
        let line = parse::position(text, span.start).0;
        Some(Table { export: export.to_owned(), name, kind, columns, opaque, file: file.to_owned(), span, line })
    }

    fn schema_name(&self, object: &str) -> Option<String> {
        let (call, _) = chain(self.constants.get(object)?)?;
        (called(call) == "pgSchema").then(|| text_argument(call).map(str::to_owned))?
    }

    fn columns(&self, expression: &'a Expression<'a>, depth: usize) -> (Vec<Column>, bool) {
        match expression.get_inner_expression() {
            Expression::ObjectExpression(object) => self.column_set(object, depth),
            Expression::ArrowFunctionExpression(function) => match &function.body {
                ArrowFunctionBody::FunctionBody(body) => {
                    let returned = body.statements.iter().find_map(|statement| match statement {
                        Statement::ReturnStatement(value) => value.argument.as_ref(),
                        _ => None,
                    });
                    returned.map_or((Vec::new(), true), |value| self.columns(value, depth))
                }
                body => body.as_expression().map_or((Vec::new(), true), |body| self.columns(body, depth)),
            },
            Expression::Identifier(id) if depth < 8 => match self.constants.get(id.name.as_str()) {
                Some(value) => self.columns(value, depth + 1),
                None => (Vec::new(), true),
            },
            _ => (Vec::new(), true),
        }
    }

    fn column_set(&self, object: &'a ObjectExpression<'a>, depth: usize) -> (Vec<Column>, bool) {
        let (mut columns, mut opaque) = (Vec::new(), false);
        for property in &object.properties {
            let read = match property {
                ObjectPropertyKind::ObjectProperty(property) => {
                    property.key.static_name().and_then(|key| column(&key, &property.value))
                }
                ObjectPropertyKind::SpreadProperty(spread) => {
                    let (spread, unread) = self.columns(&spread.argument, depth + 1);
                    opaque |= unread;
                    columns.extend(spread);
                    continue;
                }
            };
            opaque |= read.is_none();
            columns.extend(read);
        }
        (columns, opaque)
    }

    fn enumeration(&self, export: &str, value: &'a Expression<'a>) -> Option<Enum> {
        let (call, _) = chain(value)?;
        if !matches!(called(call), "pgEnum" | "enum") {
            return None;
        }
        let Expression::ArrayExpression(labels) = call.arguments.get(1)?.as_expression()?.get_inner_expression() else {
            return None;
        };
        let labels =
            labels.elements.iter().filter_map(|label| text_of(label.as_expression()?)).map(str::to_owned).collect();
        Some(Enum { export: export.to_owned(), name: text_argument(call)?.to_owned(), labels })
    }
}

fn column<'a>(property: &str, value: &'a Expression<'a>) -> Option<Column> {
    let (call, modifiers) = chain(value)?;
    let name = text_argument(call);
    let builder = called(call);
    let has = |wanted: &[&str]| modifiers.iter().any(|call| wanted.contains(&called(call)));
    let references = modifiers.iter().find(|call| called(call) == "references").and_then(|call| referenced(call));
    Some(Column {
        property: property.to_owned(),
        name: name.unwrap_or(property).to_owned(),
        named: name.is_some(),
        builder: builder.to_owned(),
        length: length(call),
        not_null: has(&["notNull", "primaryKey"]) || builder.to_lowercase().ends_with("serial"),
        filled: builder.to_lowercase().ends_with("serial")
            || modifiers
                .iter()
                .any(|call| called(call).starts_with("default") || called(call).starts_with("generated")),
        array: has(&["array"]),
        references,
    })
}

fn referenced<'a>(call: &'a CallExpression<'a>) -> Option<(String, String)> {
    let Expression::ArrowFunctionExpression(function) = call.arguments.first()?.as_expression()? else { return None };
    let Expression::StaticMemberExpression(member) = function.body.as_expression()?.get_inner_expression() else {
        return None;
    };
    let Expression::Identifier(table) = member.object.get_inner_expression() else { return None };
    Some((table.name.as_str().to_owned(), member.property.name.as_str().to_owned()))
}

fn length<'a>(call: &'a CallExpression<'a>) -> Option<u32> {
    call.arguments.iter().filter_map(Argument::as_expression).find_map(|argument| {
        let Expression::ObjectExpression(object) = argument.get_inner_expression() else { return None };
        object.properties.iter().find_map(|property| {
            let ObjectPropertyKind::ObjectProperty(property) = property else { return None };
            let Expression::NumericLiteral(number) = &property.value else { return None };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a length is a small whole number"
            )]
            property.key.static_name().is_some_and(|key| key == "length").then_some(number.value as u32)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(files: &[(&str, &str)]) -> SchemaSource {
        let folder = tempfile::tempdir().unwrap();
        let write = |(name, text): &(&str, &str)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        read(&files.iter().map(write).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_table_has_its_names_place_and_columns() {
        let text = "// pgTable('not', {})\r\nimport { pgTable } from 'drizzle-orm/pg-core';\r\n\r\n/** Ü */\r\nexport const users = pgTable('users', {\r\n  id: uuid('id').primaryKey().defaultRandom(),\r\n  'e-mail': varchar('e mail', { length: 20 }).notNull(),\r\n  name: text(),\r\n  boss: uuid('boss').references(() => people.id, { onDelete: 'cascade' }),\r\n});\r\n";
        let source = source(&[("users.ts", text)]);
        let table = &source.tables[0];
        assert_eq!(
            (table.export.as_str(), table.name.to_string().as_str(), table.line, table.opaque),
            ("users", "users", 5, false)
        );
        assert!(
            text[table.span.clone()].starts_with("export const users") && text[table.span.clone()].ends_with("});")
        );
        assert!(table.columns[0].not_null && table.columns[0].filled);
        let mail = table.column("e mail").unwrap();
        assert_eq!(
            (mail.property.as_str(), mail.length, mail.not_null, mail.filled),
            ("e-mail", Some(20), true, false)
        );
        assert!(!table.column("name").unwrap().named);
        assert_eq!(table.column("boss").unwrap().references, Some(("people".to_owned(), "id".to_owned())));
    }

    #[test]
    fn schemas_views_enums_callbacks_and_spread_sets_are_read_across_files() {
        let shared = "export const stamps = { createdAt: timestamp('created_at').defaultNow() };\nexport const auth = pgSchema('auth');\nexport const role = pgEnum('role', ['a', 'b']);";
        let tables = "export const keys = auth.table('keys', (t) => ({ id: t.uuid('id'), ...stamps }), () => []);\nexport const active = pgView('active').as((qb) => qb.select().from(keys));\nexport const odd = pgTable('odd', makeColumns());";
        let source = source(&[("tables.ts", tables), ("shared.ts", shared)]);
        let keys = source.table(&TableName::new("auth", "keys")).unwrap();
        assert_eq!(keys.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["id", "created_at"]);
        assert_eq!(source.by_export("active").unwrap().kind, Kind::View);
        assert!(source.by_export("odd").unwrap().opaque);
        assert_eq!(source.enums[0].labels, ["a", "b"]);
    }
}
