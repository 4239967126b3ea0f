//! Walks one file and collects the uses of the changed table or column, each with the declaration that holds it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use oxc_ast::AstKind;
use oxc_ast::ast::{
    BindingPattern, CallExpression, Declaration, ExportDefaultDeclarationKind, Expression, ForStatementLeft,
    ObjectPropertyKind, Statement, TSType, TemplateLiteral, VariableDeclarator,
};
use oxc_ast_visit::Visit;
use oxc_span::{GetSpan, Span};

use super::expressions::EACH;
use super::schema::text_of;
use super::sql_text::{self, Verdict, Wanted};
use super::types::{Project, Scope, Taken, Ty, declaration, names, with_context};
use super::usages::How;

/// A use inside one top-level declaration.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub span: Span,
    pub how: How,
    pub certain: bool,
    pub enclosing: Option<String>,
}

/// What one file holds.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub hits: Vec<Hit>,
    pub exported: BTreeSet<String>,
    /// Top-level name → the names it mentions.
    pub mentions: BTreeMap<String, BTreeSet<String>>,
}

pub(super) fn walk(project: &Project<'_>, module: usize) -> Walked {
    let mut walker = Walker {
        project,
        module,
        scopes: vec![Scope::new()],
        pushed: Vec::new(),
        contextual: HashMap::new(),
        tagged: HashSet::new(),
        declaration: None,
        member: None,
        functions: 0,
        out: Walked::default(),
    };
    for statement in &project.modules[module].program.body {
        walker.top(statement);
    }
    walker.out
}

struct Walker<'p, 'a> {
    project: &'p Project<'a>,
    module: usize,
    scopes: Vec<Scope>,
    pushed: Vec<Span>,
    /// Start of a function that is handed to a call → what its parameters get.
    contextual: HashMap<u32, Vec<Ty>>,
    /// Starts of templates that belong to a tag.
    tagged: HashSet<u32>,
    declaration: Option<String>,
    /// The key of an exported object (`{ get: … }`) that holds what is walked.
    member: Option<(Span, String)>,
    functions: usize,
    out: Walked,
}

impl<'a> Walker<'_, 'a> {
    fn top(&mut self, statement: &'a Statement<'a>) {
        let exported = matches!(statement, Statement::ExportDeclaration(_) | Statement::ExportDefaultDeclaration(_));
        if let Statement::ExportNamedDeclaration(export) = statement {
            self.out.exported.extend(export.specifiers.iter().map(|specifier| specifier.local.name().to_string()));
        }
        let name = match (declaration(statement), statement) {
            (Some(Declaration::FunctionDeclaration(function)), _) => function.id.as_ref().map(|id| id.name.to_string()),
            (Some(Declaration::ClassDeclaration(class)), _) => class.id.as_ref().map(|id| id.name.to_string()),
            (Some(Declaration::VariableDeclaration(variables)), _) => {
                variables.declarations.iter().find_map(|variable| match &variable.id {
                    BindingPattern::BindingIdentifier(id) => Some(id.name.to_string()),
                    _ => None,
                })
            }
            (_, Statement::ExportDefaultDeclaration(default)) => Some(match &default.declaration {
                ExportDefaultDeclarationKind::FunctionDeclaration(function) => {
                    function.id.as_ref().map_or("default".to_owned(), |id| id.name.to_string())
                }
                _ => "default".to_owned(),
            }),
            _ => None,
        };
        if let (true, Some(name)) = (exported, &name) {
            self.out.exported.insert(name.clone());
        }
        self.declaration = name;
        self.visit_statement(statement);
        self.declaration = None;
    }

    fn hit(&mut self, span: Span, how: How, certain: bool) {
        let project = self.project;
        let (start, path) = (span.start as usize, &project.modules[self.module].path);
        let known = self.out.hits.iter().any(|hit| hit.span == span);
        if known || (*path == project.table_file && project.table.span.contains(&start)) {
            return;
        }
        let enclosing = match (&self.declaration, &self.member) {
            (Some(name), Some((_, key))) => Some(format!("{name}.{key}")),
            (name, _) => name.clone(),
        };
        self.out.hits.push(Hit { span, how, certain, enclosing });
    }

    fn ty(&mut self, expression: &'a Expression<'a>) -> Ty {
        self.project.expression(self.module, expression, &mut self.scopes, 0)
    }

    fn push(&mut self, span: Span) {
        self.scopes.push(Scope::new());
        self.pushed.push(span);
    }

    fn bind(&mut self, pattern: &'a BindingPattern<'a>, ty: Ty) {
        let mut taken = Taken::new();
        let mut scope = self.scopes.pop().unwrap_or_default();
        self.project.bind(pattern, ty, &mut scope, &mut taken);
        self.scopes.push(scope);
        for (span, certain) in taken {
            self.hit(span, How::Destructure, certain);
        }
    }

    fn parameters(&mut self, start: u32, params: &'a oxc_ast::ast::FormalParameters<'a>) {
        let own = self.project.parameters(self.module, params, 0);
        let given = self.contextual.remove(&start).unwrap_or_default();
        for (param, ty) in params.items.iter().zip(with_context(own, &given)) {
            self.bind(&param.pattern, ty);
        }
    }

    fn variable(&mut self, variable: &'a VariableDeclarator<'a>) {
        let annotated =
            variable.type_annotation.as_deref().map(|ty| self.project.ty(self.module, &ty.type_annotation, 0));
        if let (Some(ty), Some(init)) = (&annotated, &variable.init) {
            self.expect(init, ty);
        }
        match (annotated, &variable.init) {
            (Some(ty), _) => self.bind(&variable.id, ty),
            (None, Some(init)) => {
                let ty = self.ty(init);
                self.bind(&variable.id, ty);
            }
            // The loop variable of a `for … of` has its type already.
            (None, None) => {
                if let (BindingPattern::BindingIdentifier(id), Some(scope)) = (&variable.id, self.scopes.last_mut()) {
                    scope.entry(id.name.to_string()).or_insert(Ty::Unknown);
                }
            }
        }
    }

    fn call(&mut self, call: &'a CallExpression<'a>) {
        let arguments = || call.arguments.iter().filter_map(|argument| argument.as_expression());
        if let Expression::StaticMemberExpression(member) = call.callee.get_inner_expression() {
            let receiver = self.ty(&member.object);
            let method = member.property.name.as_str();
            if EACH.contains(&method) {
                let element = receiver.clone().unwrapped();
                for argument in arguments() {
                    self.contextual.insert(
                        argument.span().start,
                        vec![
                            element.clone(),
                            if method.ends_with("ort") || method == "toSorted" { element.clone() } else { Ty::Other },
                        ],
                    );
                }
            }
            if receiver.unwrapped() == Ty::Row {
                for argument in arguments() {
                    match method {
                        "values" | "set" => self.expect(argument, &Ty::Row),
                        "onConflictDoUpdate" => self.expect_under(argument, &["set"]),
                        "findFirst" | "findMany" => self.expect_under(argument, &["columns", "where", "orderBy"]),
                        _ => {}
                    }
                }
            }
        }
        // `pgTable('x', {…}, (table) => …)`: the callback gets the table that is being defined.
        if matches!(super::schema::called(call), "pgTable" | "table" | "pgView") {
            for argument in arguments() {
                self.contextual.insert(argument.span().start, vec![Ty::Other]);
            }
        }
        if let Ty::Function(params, _) = self.ty(&call.callee) {
            for (argument, ty) in arguments().zip(params) {
                self.expect(argument, &ty);
                if let Ty::Function(given, _) = ty {
                    self.contextual.insert(argument.span().start, given);
                }
            }
        }
    }

    /// Notes the keys of an object that is written where a row is expected.
    fn expect(&mut self, expression: &'a Expression<'a>, expected: &Ty) {
        match (expression.get_inner_expression(), expected) {
            (Expression::ObjectExpression(object), Ty::Row | Ty::Object(_)) => {
                for property in &object.properties {
                    let ObjectPropertyKind::ObjectProperty(property) = property else { continue };
                    let Some(key) = property.key.static_name() else { continue };
                    match expected {
                        Ty::Row if self.project.property.as_deref() == Some(&*key) => {
                            self.hit(property.key.span(), How::Key, true)
                        }
                        Ty::Object(map) => {
                            if let Some(inner) = map.get(&*key).cloned() {
                                self.expect(&property.value, &inner);
                            }
                        }
                        _ => {}
                    }
                }
            }
            (Expression::ArrayExpression(array), Ty::Row) => {
                for element in array.elements.iter().filter_map(|element| element.as_expression()) {
                    self.expect(element, expected);
                }
            }
            (other, Ty::Row) => {
                if let (Ty::Object(map), Some(property)) = (self.ty(other).unwrapped(), &self.project.property)
                    && map.contains_key(property)
                {
                    self.hit(other.span(), How::Key, true);
                }
            }
            _ => {}
        }
    }

    fn expect_under(&mut self, argument: &'a Expression<'a>, keys: &[&str]) {
        let map = keys.iter().map(|key| ((*key).to_owned(), Ty::Row)).collect();
        self.expect(argument, &Ty::Object(map));
    }

    fn member_use(&mut self, object: &'a Expression<'a>, name: &str, span: Span) {
        if self.project.property.as_deref() != Some(name) {
            return;
        }
        match self.ty(object).unwrapped() {
            Ty::Table | Ty::Row => self.hit(span, How::Member, true),
            Ty::Unknown => self.hit(span, How::Member, false),
            _ => {}
        }
    }

    fn sql(&mut self, text: &str, expressions: &'a [Expression<'a>], span: Span) {
        let interpolates = expressions.iter().any(|expression| self.ty(expression) == Ty::Table);
        let project = self.project;
        let table = project.table.name.name.as_str();
        let others = project.schema.tables.iter().map(|table| table.name.name.as_str()).filter(|name| *name != table);
        let column = project.property.as_ref().and(project.column.as_deref());
        let wanted = Wanted { table, column, others: others.collect() };
        match sql_text::judge(text, &wanted, interpolates) {
            Verdict::Uses => self.hit(span, How::Sql, true),
            Verdict::Possible => self.hit(span, How::Sql, false),
            Verdict::No => {}
        }
    }

    fn template(&mut self, template: &'a TemplateLiteral<'a>, tagged: bool) {
        // A splice is a gap between words, never a part of one.
        let text = template.quasis.iter().map(|quasi| quasi.value.raw.as_str()).collect::<Vec<_>>().join(" ? ");
        if tagged || sql_text::looks_like_sql(&text) {
            self.sql(&text, &template.expressions, template.span);
        }
    }

    fn table_use(&mut self, ty: &Ty, span: Span) {
        if self.project.property.is_none() && *ty == Ty::Table {
            self.hit(span, How::Table, true);
        }
    }
}

impl<'a> Visit<'a> for Walker<'_, 'a> {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        match kind {
            AstKind::Function(function) => {
                self.functions += 1;
                if let (Some(id), Some(scope), true) = (&function.id, self.scopes.last_mut(), self.functions > 1) {
                    scope.insert(id.name.to_string(), Ty::Unknown);
                }
                self.push(function.span);
                self.parameters(function.span.start, &function.params);
            }
            AstKind::ArrowFunctionExpression(function) => {
                self.functions += 1;
                self.push(function.span);
                self.parameters(function.span.start, &function.params);
            }
            AstKind::ForOfStatement(each) => {
                self.push(each.span);
                let ty = self.ty(&each.right).unwrapped();
                if let ForStatementLeft::VariableDeclaration(variables) = &each.left
                    && let Some(variable) = variables.declarations.first()
                {
                    self.bind(&variable.id, ty);
                }
            }
            AstKind::BlockStatement(node) => self.push(node.span),
            AstKind::ForStatement(node) => self.push(node.span),
            AstKind::ForInStatement(node) => self.push(node.span),
            AstKind::CatchClause(node) => self.push(node.span),
            AstKind::VariableDeclarator(variable) => self.variable(variable),
            AstKind::CallExpression(call) => self.call(call),
            AstKind::TSSatisfiesExpression(e) => {
                let ty = self.project.ty(self.module, &e.type_annotation, 0);
                self.expect(&e.expression, &ty);
            }
            AstKind::StaticMemberExpression(member) => {
                self.member_use(&member.object, member.property.name.as_str(), member.property.span);
                if let Expression::Identifier(id) = &member.object
                    && matches!(
                        self.scopes.iter().rev().find_map(|scope| scope.get(id.name.as_str())),
                        None | Some(Ty::Module(_))
                    )
                    && let Some(Ty::Module(module)) = self.project.value(self.module, id.name.as_str(), 0)
                {
                    let ty = self.project.export(module, member.property.name.as_str(), 0).unwrap_or(Ty::Unknown);
                    self.table_use(&ty, member.property.span);
                }
            }
            AstKind::ComputedMemberExpression(member) => {
                if let Some(key) = text_of(&member.expression) {
                    self.member_use(&member.object, key, member.expression.span());
                }
            }
            AstKind::TSIndexedAccessType(access) => {
                let ty = self.project.ty(self.module, &access.object_type, 0);
                let named =
                    self.project.property.as_deref().is_some_and(|property| names(&access.index_type, property));
                if named && ty == Ty::Row {
                    self.hit(access.index_type.span(), How::Type, true);
                }
            }
            AstKind::TSTypeReference(reference) => {
                let (Some(args), Some(property)) = (&reference.type_arguments, self.project.property.as_deref()) else {
                    return;
                };
                let [row, keys, ..]: &[TSType<'a>] = &args.params else { return };
                if names(keys, property) && self.project.ty(self.module, row, 0) == Ty::Row {
                    self.hit(keys.span(), How::Type, true);
                }
            }
            AstKind::TaggedTemplateExpression(tagged) => {
                self.tagged.insert(tagged.quasi.span.start);
                let is_sql = match tagged.tag.get_inner_expression() {
                    Expression::Identifier(id) => id.name == "sql",
                    Expression::StaticMemberExpression(member) => member.property.name == "sql",
                    _ => false,
                };
                if is_sql {
                    self.template(&tagged.quasi, true);
                }
            }
            AstKind::TemplateLiteral(template) if !self.tagged.contains(&template.span.start) => {
                self.template(template, false)
            }
            AstKind::StringLiteral(text) if sql_text::looks_like_sql(text.value.as_str()) => {
                self.sql(text.value.as_str(), &[], text.span)
            }
            AstKind::IdentifierReference(id) => {
                let name = id.name.as_str();
                let local = self.scopes.iter().skip(1).any(|scope| scope.contains_key(name));
                if let (false, Some(declaration)) = (local, &self.declaration) {
                    self.out.mentions.entry(declaration.clone()).or_default().insert(name.to_owned());
                }
                if !local {
                    let ty = self.project.value(self.module, name, 0).unwrap_or(Ty::Unknown);
                    self.table_use(&ty, id.span);
                }
            }
            AstKind::ObjectProperty(property) if self.functions == 0 && self.member.is_none() => {
                self.member = property.key.static_name().map(|key| (property.span, key.into_owned()));
            }
            _ => {}
        }
    }

    fn leave_node(&mut self, kind: AstKind<'a>) {
        if matches!(kind, AstKind::Function(_) | AstKind::ArrowFunctionExpression(_)) {
            self.functions -= 1;
        }
        if self
            .member
            .as_ref()
            .is_some_and(|(span, _)| matches!(kind, AstKind::ObjectProperty(property) if property.span == *span))
        {
            self.member = None;
        }
        let scoped = matches!(
            kind,
            AstKind::Function(_)
                | AstKind::ArrowFunctionExpression(_)
                | AstKind::ForOfStatement(_)
                | AstKind::BlockStatement(_)
                | AstKind::ForStatement(_)
                | AstKind::ForInStatement(_)
                | AstKind::CatchClause(_)
        );
        if scoped && self.pushed.pop().is_some() {
            self.scopes.pop();
        }
    }
}
