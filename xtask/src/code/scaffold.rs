//! Writes the test of a change before the change: claims that are red on the base by an assertion and green afterwards, and
//! a control that passes on both sides.
//!
//! The same file loads in both trees: new names are reached through SQL and through the schema's namespace, never by import.
//! Each test runs in a transaction that is rolled back, so that nothing stays in the database, whatever fails.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Result;

use super::samples::{self, Sample};
use super::schema::{SchemaSource, Table};
use super::skeleton;
use crate::failure::{Failure, Kind};
use crate::sql::names::{literal, quote};
use crate::sql::{Operation, TableName};

/// How the test reaches the code under test, as import specifiers.
#[derive(Clone, Debug)]
pub struct Imports {
    /// Exports the database.
    pub db: String,
    /// Under this name.
    pub name: String,
    /// Export the tables; several, with blanks between them, where no one module exports all.
    pub schema: String,
    /// Exports `describe`, `expect` and `test`: `bun:test`, `vitest`.
    pub runner: String,
}

/// The runner that is taken where nothing else is said.
pub const BUN: &str = "bun:test";

/// The text of the test file. `schema` is the one before the change, `tables` are those of it that the change touches.
///
/// What no test can be derived for gets a place where a person writes it. Errors: a table that the schema files do not have.
pub fn scaffold(
    title: &str,
    operations: &[Operation],
    tables: &[TableName],
    schema: &SchemaSource,
    imports: &Imports,
) -> Result<String> {
    let mut writer = Writer { schema, makers: String::new(), made: BTreeSet::new(), open: Vec::new(), operations };
    let mut tests = String::new();
    for operation in operations {
        tests.push_str(&match writer.tests(operation) {
            Ok(text) => text,
            Err(error) => skeleton::place(operation, &writer.left_to_a_person(error)?),
        });
    }
    for table in tables {
        let gone = |operation: &Operation| matches!(operation, Operation::DropTable { table: of } if of == table);
        if !operations.iter().any(gone) {
            match writer.control(table) {
                Ok(text) => tests.push_str(&text),
                Err(error) => drop(writer.left_to_a_person(error)?),
            }
        }
    }
    let mut text = HEAD.replace("{runner}", &single(&imports.runner));
    text = text.replace("{database}", &database(imports)).replace("{schema}", &imported(&imports.schema));
    text = text.replace("{spread}", &spread(&imports.schema));
    let used = |name: &str| tests.contains(name) || writer.makers.contains(name);
    PARTS.iter().filter(|(name, _)| used(name)).for_each(|(_, part)| text.push_str(part));
    text.push_str(&writer.makers);
    let _ = write!(text, "\ndescribe({}, () => {{\n{}}});\n", single(title), tests.trim_start_matches('\n'));
    Ok(text)
}

use super::scaffold_parts::{ACTIONS, DEFAULTS, INDEXES, PRESENT, TYPES, VIEWS};

/// What every test file begins with.
const HEAD: &str = include_str!("scaffold.ts");

/// Reads of the catalog that only some kinds of change need.
const PARTS: &[(&str, &str)] = &[
    ("present(", PRESENT),
    ("defaultOf(", DEFAULTS),
    ("typeOf(", TYPES),
    ("indexesOf(", INDEXES),
    ("actionsOf(", ACTIONS),
    ("viewOf(", VIEWS),
    ("unwritten(", skeleton::PART),
];

fn database(imports: &Imports) -> String {
    let name = if imports.name == "db" { "db".to_owned() } else { format!("{} as db", imports.name) };
    format!("import {{ {name} }} from {};", single(&imports.db))
}

/// The modules' names in the test: `schema`, or one each that is spread into it.
fn modules(schema: &str) -> Vec<(String, &str)> {
    let all: Vec<&str> = schema.split_whitespace().collect();
    let name = |index: usize| if all.len() == 1 { "schema".to_owned() } else { format!("tables{}", index + 1) };
    all.iter().enumerate().map(|(index, module)| (name(index), *module)).collect()
}

fn imported(schema: &str) -> String {
    let import = |(name, module): (String, &str)| format!("import * as {name} from {};", single(module));
    modules(schema).into_iter().map(import).collect::<Vec<_>>().join("\n")
}

fn spread(schema: &str) -> String {
    let names: Vec<String> = modules(schema).into_iter().map(|(name, _)| format!("...{name}")).collect();
    if names.len() < 2 { String::new() } else { format!("const schema = {{ {} }};\n", names.join(", ")) }
}

pub(super) struct Writer<'a> {
    pub(super) schema: &'a SchemaSource,
    pub(super) operations: &'a [Operation],
    pub(super) makers: String,
    pub(super) made: BTreeSet<String>,
    /// Tables whose maker is being written: a table that needs itself can't be filled.
    pub(super) open: Vec<String>,
}

impl Writer<'_> {
    /// Why a test has to be written by hand; any other error stays one.
    fn left_to_a_person(&mut self, error: anyhow::Error) -> Result<String> {
        self.open.clear();
        match error.downcast::<Failure>() {
            Ok(failure) if failure.kind == Kind::Step => Ok(failure.message),
            Ok(failure) => Err(failure.into()),
            Err(error) => Err(error),
        }
    }

    pub(super) fn add_column(
        &mut self,
        operation: &Operation,
        table: &TableName,
        column: &str,
        data_type: &str,
        not_null: bool,
        default: bool,
    ) -> Result<String> {
        let make = self.maker(table)?;
        let (place, column_text) = (place(table), single(column));
        let mut text = in_schema(operation, self.table(table)?, column, None);
        let present = format!("    expect(await columnsOf(tx, {place})).toContain({column_text});\n");
        let (relation, identifier) = (table_sql(table), column_sql(column));
        let sample = match self.new_key(table, column) {
            Some(_) => self.row_to_refer_to(table, column)?.map(samples::equal),
            None => samples::of_type(data_type, &self.schema.enums),
        };
        match sample {
            Some(Sample { value, comparison }) => {
                let sample = comparison.replace("{column}", &identifier);
                text += &test(
                    &format!("{operation}: a value round-trips"),
                    &format!(
                        "{present}    const value = {value};\n    await {make}(tx, {{ [{column_text}]: value }});\n    const [found] = await rows(tx, sql`select count(*)::int as count from {relation} where {sample}`);\n    expect(found?.count).toBeGreaterThan(0);\n"
                    ),
                );
            }
            None => {
                text += &test(
                    &format!("{operation}: has its type"),
                    &format!(
                        "{present}    const [found] = await rows(\n      tx,\n      sql`select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = {}::regclass and attname = {}`,\n    );\n    expect(found?.type).toBe({});\n",
                        escaped(&literal(&table.quoted())),
                        escaped(&literal(column)),
                        single(data_type)
                    ),
                );
            }
        }
        let refused = format!(
            "{present}    await {make}(tx);\n    expect(await outcome(tx, sql`update {relation} set {identifier} = null`)).toBe('23502');\n"
        );
        match (not_null, default) {
            (true, _) => text += &test(&format!("{operation}: null is refused"), &refused),
            (false, false) => {
                text += &test(
                    &format!("{operation}: may be left out"),
                    &format!(
                        "{present}    const row = await {make}(tx);\n    expect(row[{column_text}]).toBeNull();\n"
                    ),
                );
            }
            (false, true) => {}
        }
        if default {
            text += &test(
                &format!("{operation}: is filled when left out"),
                &format!(
                    "{present}    const row = await {make}(tx, {{}}, [{column_text}]);\n    expect(row[{column_text}] ?? null).not.toBeNull();\n"
                ),
            );
        }
        Ok(text)
    }

    pub(super) fn rename_column(
        &mut self,
        operation: &Operation,
        table: &TableName,
        from: &str,
        to: &str,
    ) -> Result<String> {
        let make = self.maker(table)?;
        let relation = table_sql(table);
        let (old, new) = (column_sql(from), column_sql(to));
        let mut text = in_schema(operation, self.table(table)?, to, Some(from));
        let present = format!("    expect(await columnsOf(tx, {})).toContain({});\n", place(table), single(to));
        let missing = || Failure::usage(format!("column `{table}.{from}` is not in the schema files"));
        let column = self.table(table)?.column(from).ok_or_else(missing)?;
        // A reference's value is another row's: it can't be chosen here.
        let sample = if column.references.is_none() { samples::of_column(column, &self.schema.enums) } else { None };
        text += &match sample {
            Some(Sample { value, comparison }) => test(
                &format!("{operation}: the new name holds the value"),
                &format!(
                    "{present}    const value = {value};\n    await {make}(tx, {{ [{}]: value, [{}]: value }});\n    const [found] = await rows(tx, sql`select count(*)::int as count from {relation} where {}`);\n    expect(found?.count).toBeGreaterThan(0);\n",
                    single(from),
                    single(to),
                    comparison.replace("{column}", &new)
                ),
            ),
            None => test(
                &format!("{operation}: the new name can be read"),
                &format!(
                    "{present}    expect(await outcome(tx, sql`select {new} from {relation}`)).toBe('accepted');\n"
                ),
            ),
        };
        text += &test(
            &format!("{operation}: the old name is gone"),
            &format!("    expect(await outcome(tx, sql`select {old} from {relation}`)).toBe('42703');\n"),
        );
        Ok(text)
    }

    fn control(&mut self, table: &TableName) -> Result<String> {
        let make = self.maker(table)?;
        Ok(test(
            &format!("control: {table} can be written and read"),
            &format!(
                "    await {make}(tx);\n    const relation = sql`${{sql.identifier({})}}.${{sql.identifier({})}}`;\n    const [found] = await rows(tx, sql`select count(*)::int as count from ${{relation}}`);\n    expect(found?.count).toBeGreaterThan(0);\n",
                single(&table.schema),
                self.name_now(table)
            ),
        ))
    }

    pub(super) fn table(&self, name: &TableName) -> Result<&Table> {
        let table = self.schema.table(name);
        Ok(table.ok_or_else(|| Failure::usage(format!("table `{name}` is not in the schema files")))?)
    }

    /// An expression for the name that a table has on the database that the test meets.
    pub(super) fn name_now(&self, table: &TableName) -> String {
        let renamed = self.operations.iter().find_map(|operation| match operation {
            Operation::RenameTable { table: of, to } if of == table => Some(to),
            _ => None,
        });
        match renamed {
            Some(to) => {
                format!("await present(tx, {}, [{}, {}])", single(&table.schema), single(&table.name), single(to))
            }
            None => single(&table.name),
        }
    }
}

pub(super) fn by_hand(message: String) -> Failure {
    Failure::step(message).hint("write the test file by hand: one test for each declared operation, named after it")
}

/// The claim that the schema files have the column. Columns without a written name are named by drizzle's `casing`, which
/// only the database's claims see.
pub(super) fn in_schema(operation: &Operation, table: &Table, to: &str, from: Option<&str>) -> String {
    if table.columns.iter().any(|column| !column.named) {
        return String::new();
    }
    let mut body = format!(
        "  const names = columnsInSchema({});\n  expect(names).toContain({});\n",
        single(&table.export),
        single(to)
    );
    if let Some(from) = from {
        let _ = writeln!(body, "  expect(names).not.toContain({});", single(from));
    }
    format!("\n  test({}, () => {{\n{}  }});\n", single(&format!("{operation}: the schema has it")), indented(&body))
}

pub(super) fn test(name: &str, body: &str) -> String {
    format!("\n  test({}, () =>\n    rolledBack(async (tx) => {{\n{}    }}));\n", single(name), indented(body))
}

fn indented(body: &str) -> String {
    body.lines().map(|line| format!("  {line}\n")).collect()
}

pub(super) fn place(table: &TableName) -> String {
    format!("{}, {}", single(&table.schema), single(&table.name))
}

pub(super) fn table_sql(table: &TableName) -> String {
    escaped(&table.quoted())
}

pub(super) fn column_sql(column: &str) -> String {
    escaped(&quote(column))
}

/// As text inside a template literal.
pub(super) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('`', "\\`").replace("${", "\\${")
}

/// As a single-quoted string.
pub(super) fn single(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r");
    format!("'{text}'")
}

pub(super) fn capital(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::code::{claims, schema};

    fn users() -> TableName {
        TableName::new("public", "users")
    }

    fn source(text: &str) -> SchemaSource {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("schema.ts");
        std::fs::write(&file, text).unwrap();
        schema::read(&[file]).unwrap()
    }

    const SCHEMA: &str = "export const role = pgEnum('role', [\"it's\", 'b']);
export const teams = pgTable('teams', { id: uuid('id').primaryKey().defaultRandom(), slug: varchar('slug', { length: 8 }).notNull() });
export const users = pgTable('users', {
  id: uuid('id').primaryKey().defaultRandom(), email: text('email').notNull(), role: role('role').notNull(),
  teamId: uuid('team_id').notNull().references(() => teams.id), note: text('note'), at: timestamp('at').notNull().defaultNow(),
});";

    fn text(operations: &[Operation]) -> Result<String> {
        scaffold("it's a change", operations, &[users()], &source(SCHEMA), &imports())
    }

    fn imports() -> Imports {
        Imports {
            db: "@/db".to_owned(),
            schema: "@/db/schema".to_owned(),
            runner: "bun:test".to_owned(),
            name: "db".to_owned(),
        }
    }

    #[test]
    fn the_file_parses_claims_every_operation_and_passes_its_own_lint() {
        let add = |column: &str, data_type: &str, not_null, default: Option<&str>| Operation::AddColumn {
            table: users(),
            column: column.to_owned(),
            data_type: data_type.to_owned(),
            not_null,
            default: default.map(str::to_owned),
        };
        let operations = [
            Operation::RenameColumn { table: users(), from: "email".to_owned(), to: "e`mail ${x} \"ü'".to_owned() },
            add("phone", "text", false, None),
            add("level", "integer", true, Some("1")),
            add("place", "geometry(point)", false, None),
        ];
        let text = text(&operations).unwrap();
        let path = Path::new("t.test.ts");
        let claims = claims::claims(path, &text, &operations).unwrap();
        assert!(claims.of.values().all(|about| about.len() >= 2), "{:?}", claims.of);
        assert_eq!(claims.controls, ["control: users can be written and read"]);
        assert!(claims::lint(path, &text).unwrap().is_empty());
    }

    #[test]
    fn rows_have_what_the_table_needs_under_the_old_and_the_new_name() {
        let text = text(&[Operation::RenameColumn {
            table: users(),
            from: "email".to_owned(),
            to: "email_address".to_owned(),
        }])
        .unwrap();
        for part in [
            "['email']: sql`${crypto.randomUUID()}`",
            "['email_address']: sql`${crypto.randomUUID()}`",
            "['slug']: sql`${crypto.randomUUID().slice(0, 8)}`",
            "['role']: sql.raw('\\'it\\'\\'s\\'')",
            "['team_id']: sql`${await makeTeams(tx).then((parent) => parent['id'])}`",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("['note']") && !text.contains("['at']"));
        assert!(text.find("function makeTeams").unwrap() < text.find("function makeUsers").unwrap());
    }

    #[test]
    fn a_column_that_refers_to_rows_is_given_a_row_that_is_there() {
        let key = |table: &str, column: &str, to: &str| Operation::AddForeignKey {
            table: TableName::new("public", table),
            name: None,
            columns: vec![column.to_owned()],
            to: TableName::new("public", to),
            to_columns: vec!["id".to_owned()],
            on_delete: None,
            on_update: None,
            replaces: false,
        };
        let add = |not_null| Operation::AddColumn {
            table: users(),
            column: "club_id".to_owned(),
            data_type: "uuid".to_owned(),
            not_null,
            default: None,
        };
        let team = "await makeTeams(tx).then((parent) => parent['id'])";
        let nullable = text(&[add(false), key("users", "club_id", "teams")]).unwrap();
        assert!(nullable.contains(&format!("const value = sql`${{{team}}}`;")), "{nullable}");
        assert!(nullable.contains("toBe('23503')"));
        let required = text(&[add(true), key("users", "club_id", "teams")]).unwrap();
        assert!(required.contains(&format!("['club_id']: sql`${{{team}}}`")), "{required}");
        let new = Operation::CreateTable { table: TableName::new("public", "clubs"), columns: Vec::new() };
        let of_new = text(&[new, add(false), key("users", "club_id", "clubs")]).unwrap();
        assert!(of_new.contains("has its type") && !of_new.contains("a value round-trips"), "{of_new}");
        let itself = text(&[key("users", "note", "users")]).unwrap();
        assert!(!itself.contains("['note']:"), "{itself}");

        let schema = SCHEMA.replace("uuid('team_id').notNull()", "uuid('team_id')");
        let not_null = [Operation::SetNotNull { table: users(), column: "team_id".to_owned() }];
        let text = scaffold("t", &not_null, &[users()], &source(&schema), &imports()).unwrap();
        assert!(text.contains(&format!("['team_id']: sql`${{{team}}}`")), "{text}");
    }

    #[test]
    fn what_no_test_can_be_derived_for_is_left_to_a_person_and_found_until_it_is_written() {
        let path = Path::new("t.test.ts");
        let custom = Operation::Custom { what: "lower case".to_owned(), tables: vec![users()], writes: Vec::new() };
        let written = text(std::slice::from_ref(&custom)).unwrap();
        assert!(written.contains("test('custom SQL: lower case: what it does can be seen'"), "{written}");
        assert_eq!(claims::claims(path, &written, &[custom]).unwrap().controls.len(), 1);
        assert_eq!(claims::unwritten(path, &written).unwrap().len(), 1);
        assert_eq!(
            claims::unwritten(path, &written.replace("    unwritten(", "    void (")).unwrap(),
            [] as [usize; 0]
        );
        let add = Operation::AddColumn {
            table: users(),
            column: "place".to_owned(),
            data_type: "geometry".to_owned(),
            not_null: true,
            default: None,
        };
        assert!(text(&[add]).unwrap().contains("unwritten('no value is known for `users.place` of type `geometry`')"));
    }
}
