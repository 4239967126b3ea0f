//! What an expression is (see [`super::types`]): Drizzle's query chains, calls of the repo's own functions, patterns.

use std::collections::BTreeMap;

use oxc_ast::ast::{
    ArrowFunctionExpression, BindingPattern, CallExpression, ChainElement, Expression, ObjectPropertyKind,
    StaticMemberExpression,
};

use super::schema::text_of;
use super::types::{DEPTH, Project, Scope, Taken, Ty, with_context};

/// Methods that give rows of the kind they were called on.
const SAME: &[&str] = &[
    "where",
    "orderBy",
    "limit",
    "offset",
    "groupBy",
    "having",
    "set",
    "values",
    "for",
    "as",
    "execute",
    "prepare",
    "all",
    "get",
    "onConflictDoNothing",
    "onConflictDoUpdate",
    "$dynamic",
    "findFirst",
    "findMany",
    "find",
    "findLast",
    "filter",
    "at",
    "slice",
    "sort",
    "toSorted",
    "reverse",
    "toReversed",
    "concat",
    "flat",
    "pop",
    "shift",
    "catch",
    "finally",
];
/// Methods that hand each row to a function.
pub(super) const EACH: &[&str] = &[
    "map",
    "flatMap",
    "forEach",
    "filter",
    "find",
    "findLast",
    "findIndex",
    "some",
    "every",
    "then",
    "sort",
    "toSorted",
];

impl<'a> Project<'a> {
    pub(super) fn expression(
        &self,
        module: usize,
        expression: &'a Expression<'a>,
        scopes: &mut Vec<Scope>,
        depth: usize,
    ) -> Ty {
        if depth > DEPTH {
            return Ty::Unknown;
        }
        match expression {
            Expression::TSAsExpression(cast) => match self.ty(module, &cast.type_annotation, depth + 1) {
                Ty::Unknown | Ty::Other => self.expression(module, &cast.expression, scopes, depth + 1),
                known => known,
            },
            Expression::TSSatisfiesExpression(e) => self.expression(module, &e.expression, scopes, depth + 1),
            Expression::TSNonNullExpression(e) => self.expression(module, &e.expression, scopes, depth + 1),
            Expression::AwaitExpression(e) => self.expression(module, &e.argument, scopes, depth + 1).unwrapped(),
            Expression::ChainExpression(e) => match &e.expression {
                ChainElement::CallExpression(call) => self.call(module, call, scopes, depth),
                ChainElement::TSNonNullExpression(e) => self.expression(module, &e.expression, scopes, depth + 1),
                ChainElement::StaticMemberExpression(member) => self.static_member(module, member, scopes, depth),
                ChainElement::ComputedMemberExpression(member) => {
                    self.expression(module, &member.object, scopes, depth + 1).unwrapped()
                }
                ChainElement::PrivateFieldExpression(_) => Ty::Unknown,
            },
            Expression::Identifier(id) => self.name(module, id.name.as_str(), scopes, depth),
            Expression::StaticMemberExpression(member) => self.static_member(module, member, scopes, depth),
            Expression::ComputedMemberExpression(member) => {
                let object = self.expression(module, &member.object, scopes, depth + 1).unwrapped();
                match text_of(&member.expression) {
                    Some(key) => self.member(object, key, depth),
                    None => object,
                }
            }
            Expression::CallExpression(call) => self.call(module, call, scopes, depth),
            Expression::LogicalExpression(e) => {
                let left = self.expression(module, &e.left, scopes, depth + 1);
                left.or(self.expression(module, &e.right, scopes, depth + 1))
            }
            Expression::ConditionalExpression(e) => {
                let left = self.expression(module, &e.consequent, scopes, depth + 1);
                left.or(self.expression(module, &e.alternate, scopes, depth + 1))
            }
            Expression::ArrayExpression(array) => {
                let first = array.elements.iter().find_map(|element| element.as_expression());
                first.map_or(Ty::Unknown, |first| self.expression(module, first, scopes, depth + 1))
            }
            Expression::ObjectExpression(object) => {
                let mut map = BTreeMap::new();
                for property in &object.properties {
                    match property {
                        ObjectPropertyKind::ObjectProperty(property) => {
                            let Some(key) = property.key.static_name() else { continue };
                            map.insert(key.into_owned(), self.expression(module, &property.value, scopes, depth + 1));
                        }
                        ObjectPropertyKind::SpreadProperty(spread) => {
                            match self.expression(module, &spread.argument, scopes, depth + 1) {
                                Ty::Row => return Ty::Row,
                                Ty::Object(inner) => map.extend(inner),
                                _ => {}
                            }
                        }
                    }
                }
                Ty::Object(map)
            }
            Expression::ArrowFunctionExpression(function) => self.arrow(module, function, &[], scopes, depth),
            Expression::FunctionExpression(function) => {
                self.function(module, &function.params, function.return_type.as_deref(), depth)
            }
            Expression::StringLiteral(_)
            | Expression::TemplateLiteral(_)
            | Expression::NumericLiteral(_)
            | Expression::BooleanLiteral(_)
            | Expression::NullLiteral(_)
            | Expression::BinaryExpression(_)
            | Expression::UnaryExpression(_)
            | Expression::RegExpLiteral(_) => Ty::Other,
            _ => Ty::Unknown,
        }
    }

    fn name(&self, module: usize, name: &str, scopes: &[Scope], depth: usize) -> Ty {
        let local = scopes.iter().rev().find_map(|scope| scope.get(name).cloned());
        local.or_else(|| self.value(module, name, depth + 1)).unwrap_or(Ty::Unknown)
    }

    fn static_member(
        &self,
        module: usize,
        member: &'a StaticMemberExpression<'a>,
        scopes: &mut Vec<Scope>,
        depth: usize,
    ) -> Ty {
        let name = member.property.name.as_str();
        if let Expression::StaticMemberExpression(object) = member.object.get_inner_expression()
            && object.property.name == "query"
        {
            return match self.schema.by_export(name) {
                Some(table) if table.export == self.table.export => Ty::Query(Box::new(Ty::Row)),
                Some(_) => Ty::Query(Box::new(Ty::Other)),
                None => Ty::Unknown,
            };
        }
        let object = self.expression(module, &member.object, scopes, depth + 1).unwrapped();
        self.member(object, name, depth)
    }

    pub(super) fn member(&self, object: Ty, name: &str, depth: usize) -> Ty {
        match object {
            Ty::Object(map) => map.get(name).cloned().unwrap_or(Ty::Other),
            Ty::Module(module) => self.export(module, name, depth + 1).unwrap_or(Ty::Unknown),
            Ty::Unknown | Ty::Select(_) | Ty::Query(_) | Ty::Function(..) => Ty::Unknown,
            Ty::Row | Ty::Table | Ty::Other => Ty::Other,
        }
    }

    pub(super) fn arrow(
        &self,
        module: usize,
        function: &'a ArrowFunctionExpression<'a>,
        given: &[Ty],
        scopes: &mut Vec<Scope>,
        depth: usize,
    ) -> Ty {
        let params = with_context(self.parameters(module, &function.params, depth), given);
        let ret = match (&function.return_type, function.body.as_expression()) {
            (Some(ret), _) => self.ty(module, &ret.type_annotation, depth + 1),
            (None, Some(body)) => {
                let mut scope = Scope::new();
                for (param, ty) in function.params.items.iter().zip(&params) {
                    self.bind(&param.pattern, ty.clone(), &mut scope, &mut Vec::new());
                }
                scopes.push(scope);
                let ret = self.expression(module, body, scopes, depth + 1);
                scopes.pop();
                ret
            }
            (None, None) => Ty::Unknown,
        };
        Ty::Function(params, Box::new(ret))
    }

    fn call(&self, module: usize, call: &'a CallExpression<'a>, scopes: &mut Vec<Scope>, depth: usize) -> Ty {
        let argument = call.arguments.first().and_then(|argument| argument.as_expression());
        let Expression::StaticMemberExpression(member) = call.callee.get_inner_expression() else {
            return match self.expression(module, &call.callee, scopes, depth + 1) {
                Ty::Function(_, ret) => *ret,
                // `alias(users, 'u')` is the table under another name.
                _ => match argument.map(|argument| self.expression(module, argument, scopes, depth + 1)) {
                    Some(Ty::Table) if call.callee.is_specific_id("alias") => Ty::Table,
                    _ => Ty::Unknown,
                },
            };
        };
        let method = member.property.name.as_str();
        let receiver = self.expression(module, &member.object, scopes, depth + 1);
        let first = argument.map(|argument| self.expression(module, argument, scopes, depth + 1));
        match (method, receiver, first) {
            ("select" | "selectDistinct", Ty::Unknown | Ty::Other, fields) => Ty::Select(fields.map(Box::new)),
            ("selectDistinctOn", Ty::Unknown | Ty::Other, _) => {
                let fields = call.arguments.get(1).and_then(|argument| argument.as_expression());
                Ty::Select(fields.map(|fields| Box::new(self.expression(module, fields, scopes, depth + 1))))
            }
            ("from", Ty::Select(Some(fields)), _) => Ty::Query(fields),
            ("from" | "insert" | "update" | "delete", _, Some(Ty::Table)) => Ty::Query(Box::new(Ty::Row)),
            ("from" | "insert" | "update" | "delete", Ty::Select(None) | Ty::Unknown, Some(Ty::Other)) => {
                Ty::Query(Box::new(Ty::Other))
            }
            ("returning", Ty::Query(_), Some(fields)) => Ty::Query(Box::new(fields)),
            ("returning", receiver @ Ty::Query(_), None) => receiver,
            // A join without fields gives an object by table name.
            ("innerJoin" | "leftJoin" | "rightJoin" | "fullJoin" | "crossJoin", Ty::Query(row), _) => match *row {
                Ty::Object(_) => Ty::Query(row),
                Ty::Row => Ty::Query(Box::new(Ty::Object(BTreeMap::from([(self.table.name.name.clone(), Ty::Row)])))),
                _ => Ty::Query(Box::new(Ty::Unknown)),
            },
            ("execute", Ty::Unknown, _) => match call.type_arguments.as_ref().and_then(|args| args.params.first()) {
                Some(row) => self.ty(module, row, depth + 1),
                None => Ty::Unknown,
            },
            ("map" | "flatMap" | "then", receiver, _) => match argument {
                Some(Expression::ArrowFunctionExpression(function)) => {
                    match self.arrow(module, function, &[receiver.unwrapped()], scopes, depth + 1) {
                        Ty::Function(_, ret) => *ret,
                        _ => Ty::Unknown,
                    }
                }
                _ => Ty::Unknown,
            },
            (method, receiver @ (Ty::Query(_) | Ty::Row), _) if SAME.contains(&method) => receiver,
            (method, receiver @ Ty::Object(_), _) if SAME.contains(&method) => {
                match self.member(receiver.clone(), method, depth) {
                    Ty::Function(_, ret) => *ret,
                    _ => receiver,
                }
            }
            (_, Ty::Other | Ty::Row | Ty::Table, _) => Ty::Other,
            (method, receiver, _) => match self.member(receiver, method, depth) {
                Ty::Function(_, ret) => *ret,
                _ => Ty::Unknown,
            },
        }
    }

    /// Gives each name of a pattern its type, and notes where the changed property is taken out.
    pub(super) fn bind(&self, pattern: &'a BindingPattern<'a>, ty: Ty, scope: &mut Scope, taken: &mut Taken) {
        match pattern {
            BindingPattern::BindingIdentifier(id) => {
                scope.insert(id.name.as_str().to_owned(), ty);
            }
            BindingPattern::ArrayPattern(array) => {
                let ty = ty.unwrapped();
                for element in array.elements.iter().flatten() {
                    self.bind(element, ty.clone(), scope, taken);
                }
            }
            BindingPattern::AssignmentPattern(assigned) => self.bind(&assigned.left, ty, scope, taken),
            BindingPattern::ObjectPattern(object) => {
                let ty = ty.unwrapped();
                for property in &object.properties {
                    let Some(key) = property.key.static_name() else { continue };
                    if self.property.as_deref() == Some(&*key) && matches!(ty, Ty::Row | Ty::Table | Ty::Unknown) {
                        taken.push((property.span, ty != Ty::Unknown));
                    }
                    self.bind(&property.value, self.member(ty.clone(), &key, 0), scope, taken);
                }
                if let Some(rest) = &object.rest {
                    self.bind(&rest.argument, ty, scope, taken);
                }
            }
        }
    }
}
