//! What a test file claims, read from its text: its tests, which declared operation each is about, and misuse that makes a
//! test prove nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_ast::ast::{BindingPattern, CallExpression, Expression};
use oxc_ast_visit::Visit;
use oxc_span::GetSpan;

use super::parse;
use super::schema::{called, text_argument};
use super::skeleton;
use crate::failure::Failure;
use crate::sql::Operation;

/// The tests of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Names of claims, in the file's order.
    pub claims: Vec<String>,
    pub controls: Vec<String>,
    /// Declared operation, as text → the claims about it.
    pub of: BTreeMap<String, Vec<String>>,
}

/// Something that makes a test prove nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

/// Reads a test file. Errors: it does not parse; a test's name is no plain text; a test is skipped or singled out; an
/// operation has no claim.
pub fn claims(path: &Path, text: &str, operations: &[Operation]) -> Result<Claims> {
    let found = read(path, text)?;
    if let Some(misuse) = found.refused.first() {
        return Err(
            Failure::step(format!("{}:{}:{}: {}", path.display(), misuse.line, misuse.column, misuse.message)).into()
        );
    }
    let mut claims = Claims::default();
    for name in found.tests {
        if name.starts_with("control:") { claims.controls.push(name) } else { claims.claims.push(name) }
    }
    let mut missing = Vec::new();
    for operation in operations {
        let about: Vec<String> = claims.claims.iter().filter(|name| is_about(name, operation)).cloned().collect();
        if about.is_empty() {
            missing.push(operation.to_string());
        }
        claims.of.insert(operation.to_string(), about);
    }
    if !missing.is_empty() {
        let mut failure = Failure::step(format!("`{}` has no test for a declared operation", path.display()));
        for operation in &missing {
            failure = failure.detail(operation);
        }
        return Err(failure.hint("name a test after the operation, as `test('<operation>: what holds', …)`").into());
    }
    Ok(claims)
}

/// Matchers for promises that are given a query builder, which bun does not take for a promise, so that
/// `await expect(db.insert(…)).rejects.toThrow()` fails whatever the database says. Errors: the file does not parse.
pub fn lint(path: &Path, text: &str) -> Result<Vec<Misuse>> {
    Ok(read(path, text)?.builders)
}

/// Lines of tests that a person still has to write. Errors: the file does not parse.
pub fn unwritten(path: &Path, text: &str) -> Result<Vec<usize>> {
    Ok(read(path, text)?.unwritten)
}

/// The operation's own text, or its table and its columns as words.
fn is_about(name: &str, operation: &Operation) -> bool {
    let words: BTreeSet<&str> = name.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').collect();
    let named = |wanted: &[&str]| {
        wanted.iter().all(|part| {
            part.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').all(|word| words.contains(word))
        })
    };
    name.contains(&operation.to_string())
        || match operation {
            Operation::AddColumn { table, column, .. }
            | Operation::DropColumn { table, column }
            | Operation::ChangeType { table, column, .. }
            | Operation::SetNotNull { table, column }
            | Operation::DropNotNull { table, column }
            | Operation::SetDefault { table, column, .. }
            | Operation::DropDefault { table, column } => named(&[&table.name, column]),
            Operation::RenameColumn { table, from, to } => named(&[&table.name, from, to]),
            Operation::RenameTable { table, to } => named(&[&table.name, to]),
            Operation::CreateTable { table, .. } | Operation::DropTable { table } => named(&[&table.name]),
            Operation::AddUnique { table, columns, .. } | Operation::AddForeignKey { table, columns, .. } => {
                let columns = columns.iter().map(String::as_str);
                named(&std::iter::once(table.name.as_str()).chain(columns).collect::<Vec<_>>())
            }
            // Whoever writes SQL of one's own says in one's own words what it does.
            Operation::Custom { .. } => true,
            _ => false,
        }
}

struct Found {
    tests: Vec<String>,
    refused: Vec<Misuse>,
    builders: Vec<Misuse>,
    unwritten: Vec<usize>,
}

fn read(path: &Path, text: &str) -> Result<Found> {
    let allocator = Allocator::default();
    let program = parse::program(&allocator, path, text)?;
    let mut reader = Reader {
        text,
        builders: BTreeMap::new(),
        found: Found { tests: Vec::new(), refused: Vec::new(), builders: Vec::new(), unwritten: Vec::new() },
    };
    reader.visit_program(program);
    Ok(reader.found)
}

struct Reader<'s, 'a> {
    text: &'s str,
    /// Constants that hold something, by name; a later one of the same name wins, as the nearest mostly is.
    builders: BTreeMap<&'a str, &'a Expression<'a>>,
    found: Found,
}

impl<'a> Reader<'_, 'a> {
    fn misuse(&self, offset: u32, message: impl Into<String>) -> Misuse {
        let (line, column) = parse::position(self.text, offset as usize);
        Misuse { line, column, message: message.into() }
    }

    fn test(&mut self, call: &'a CallExpression<'a>) {
        let path = path_of(&call.callee);
        let Some((first, modifiers)) = path.split_first() else { return };
        if !matches!(*first, "test" | "it" | "describe" | "xtest" | "xit" | "xdescribe") {
            return;
        }
        // `test.each(…)` and `test.if(…)` give the function that is called with the name.
        let refused = ["skip", "only", "todo", "failing", "if", "skipIf", "todoIf", "each"];
        let modifier = modifiers.iter().find(|name| refused.contains(name)).copied();
        if let Some(modifier) = modifier.or(first.starts_with('x').then_some("skip")) {
            let misuse = self.misuse(
                call.span.start,
                format!("`{first}.{modifier}` has no place in the test of a change: each claim runs, by one name"),
            );
            self.found.refused.push(misuse);
        } else if *first != "describe" {
            match text_argument(call) {
                Some(name) => self.found.tests.push(name.split_whitespace().collect::<Vec<_>>().join(" ")),
                None => {
                    let misuse = self.misuse(call.span.start, "the test's name is not a plain text");
                    self.found.refused.push(misuse);
                }
            }
        }
    }

    fn matcher(&mut self, expression: &'a Expression<'a>) {
        let Expression::CallExpression(call) = expression.get_inner_expression() else { return };
        let Some(argument) = call.arguments.first().and_then(|argument| argument.as_expression()) else { return };
        if call.callee.is_specific_id("expect") && self.is_builder(argument, 0) {
            let misuse = self.misuse(
                argument.span().start,
                "bun takes a query builder for no promise, so this fails whatever the database says: end it in `.execute()`",
            );
            self.found.builders.push(misuse);
        }
    }

    fn is_builder(&self, expression: &'a Expression<'a>, depth: usize) -> bool {
        match expression.get_inner_expression() {
            Expression::Identifier(id) if depth < 8 => {
                self.builders.get(id.name.as_str()).is_some_and(|value| self.is_builder(value, depth + 1))
            }
            Expression::CallExpression(call) => {
                let last = called(call);
                let ends = matches!(last, "then" | "catch" | "finally" | "transaction")
                    || (last == "execute" && call.arguments.is_empty());
                !ends && starts_query(expression)
            }
            _ => false,
        }
    }
}

/// Whether one of the calls of a chain starts a query: `x.insert(t)`, `x.execute(sql)`.
fn starts_query<'a>(expression: &'a Expression<'a>) -> bool {
    let mut expression = expression;
    loop {
        expression = match expression.get_inner_expression() {
            Expression::CallExpression(call) => {
                let Expression::StaticMemberExpression(member) = call.callee.get_inner_expression() else {
                    return false;
                };
                let starts = [
                    "insert",
                    "update",
                    "delete",
                    "select",
                    "selectDistinct",
                    "execute",
                    "findFirst",
                    "findMany",
                    "$count",
                ];
                if starts.contains(&member.property.name.as_str()) && is_database(&member.object) {
                    return true;
                }
                &member.object
            }
            Expression::StaticMemberExpression(member) => &member.object,
            _ => return false,
        };
    }
}

fn is_database<'a>(object: &'a Expression<'a>) -> bool {
    match object.get_inner_expression() {
        Expression::Identifier(id) => matches!(id.name.as_str(), "db" | "tx" | "trx" | "database" | "inner"),
        // `db.query.users`, `db.with(…)`
        Expression::StaticMemberExpression(member) => is_database(&member.object),
        Expression::CallExpression(call) => match call.callee.get_inner_expression() {
            Expression::StaticMemberExpression(member) => is_database(&member.object),
            _ => false,
        },
        _ => false,
    }
}

/// `test.skip` as [`test`, `skip`]; `test.each(rows)` as [`test`, `each`].
fn path_of<'a>(callee: &'a Expression<'a>) -> Vec<&'a str> {
    match callee.get_inner_expression() {
        Expression::Identifier(id) => vec![id.name.as_str()],
        Expression::StaticMemberExpression(member) => {
            let mut path = path_of(&member.object);
            path.extend((!path.is_empty()).then_some(member.property.name.as_str()));
            path
        }
        Expression::CallExpression(call) => path_of(&call.callee).into_iter().collect::<Vec<_>>(),
        Expression::TaggedTemplateExpression(tagged) => path_of(&tagged.tag),
        _ => Vec::new(),
    }
}

impl<'a> Visit<'a> for Reader<'_, 'a> {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        match kind {
            AstKind::VariableDeclarator(variable) => {
                if let (BindingPattern::BindingIdentifier(id), Some(init)) = (&variable.id, &variable.init) {
                    self.builders.insert(id.name.as_str(), init);
                }
            }
            AstKind::CallExpression(call) if call.callee.is_specific_id(skeleton::MARK) => {
                self.found.unwritten.push(parse::position(self.text, call.span.start as usize).0);
            }
            AstKind::CallExpression(call) => self.test(call),
            AstKind::StaticMemberExpression(member)
                if matches!(member.property.name.as_str(), "rejects" | "resolves") =>
            {
                self.matcher(&member.object);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::TableName;

    fn rename() -> Operation {
        Operation::RenameColumn {
            table: TableName::new("public", "users"),
            from: "email".to_owned(),
            to: "email_address".to_owned(),
        }
    }

    fn refusal(text: &str) -> String {
        Failure::from_error(&claims(Path::new("t.test.ts"), text, &[rename()]).unwrap_err()).render()
    }

    #[test]
    fn claims_are_matched_to_operations_by_text_or_by_their_names() {
        let text = "describe('x', () => {\r\n  test('rename column users.email → email_address: holds', () => {});\r\n  it(`users: email_address replaces email`, () => {});\r\n  test('control: users.email email_address', () => {});\r\n});";
        let found = claims(Path::new("t.test.ts"), text, &[rename()]).unwrap();
        assert_eq!(found.claims.len(), 2);
        assert_eq!(found.of[&rename().to_string()].len(), 2);
        assert_eq!(found.controls.len(), 1);
    }

    #[test]
    fn an_operation_without_a_claim_is_named_and_a_control_is_no_claim() {
        let text = refusal(
            "// test('users.email email_address')\ntest('control: users.email email_address', () => {}); test('users.email_addresses email', () => {});",
        );
        assert!(text.contains("rename column users.email → email_address"), "{text}");
    }

    #[test]
    fn skipped_singled_out_and_unnamed_tests_are_refused_with_their_place() {
        for (text, part) in [
            ("test.only('a', () => {});", "1:1: `test.only`"),
            ("\n describe.skip('a', () => {});", "2:2: `describe.skip`"),
            ("test.each([1])('a %d', () => {});", "`test.each`"),
            ("test.skipIf(true)('a', () => {});", "`test.skipIf`"),
            ("test(`a ${b}`, () => {});", "not a plain text"),
            ("test('a', () => {", "is not valid TypeScript"),
        ] {
            assert!(refusal(text).contains(part), "{text}: {}", refusal(text));
        }
    }

    #[test]
    fn a_builder_handed_to_a_promise_matcher_is_found() {
        let lint = |text: &str| {
            super::lint(Path::new("t.test.ts"), text).unwrap().iter().map(|misuse| misuse.line).collect::<Vec<_>>()
        };
        assert_eq!(lint("await expect(db.insert(users).values({})).rejects.toThrow();"), [1]);
        assert_eq!(lint("const q = db.select().from(users).where(x);\nawait expect(q).resolves.toEqual([]);"), [2]);
        assert_eq!(lint("await expect(db.execute(sql`x`)).rejects.toThrow();"), [1]);
        for fine in [
            "await expect(db.insert(users).values({}).execute()).rejects.toThrow();",
            "await expect(db.execute(sql`x`).execute()).rejects.toThrow();",
            "await expect(users.get({ id })).rejects.toThrow();",
            "expect(async () => { await db.insert(users).values({}); }).toThrow();",
            "const gone = users.delete(1); await expect(gone).rejects.toThrow();",
            "// expect(db.insert(users)).rejects",
        ] {
            assert!(lint(fine).is_empty(), "{fine}");
        }
    }
}
