//! What an expression is, as far as it matters here: the table that changes, a row of it, or something else.
//!
//! A small reading of TypeScript's types through annotations, Drizzle's query chains and imports; no checker. Arrays, promises
//! and queries of a row count as the row. `Unknown` is an answer of its own: a use found there is "possible", never certain.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use oxc_ast::ast::{
    BindingPattern, Declaration, ExportSpecifier, FormalParameters, ImportDeclarationSpecifier, Program, Statement,
    TSLiteral, TSSignature, TSType, TSTypeAnnotation, TSTypeName, TSTypeQueryExprName, TSTypeReference,
};
use oxc_span::Span;

use super::imports::Graph;
use super::schema::{SchemaSource, Table};

/// How far names are followed; beyond it the answer is `Unknown`.
pub(super) const DEPTH: usize = 24;
/// Types that hold what they are given.
const WRAPPERS: &[&str] = &[
    "Promise",
    "PromiseLike",
    "Array",
    "ReadonlyArray",
    "Partial",
    "Required",
    "Readonly",
    "NonNullable",
    "Awaited",
    "Set",
    "Iterable",
    "AsyncIterable",
    "Exclude",
    "Extract",
];

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ty {
    Unknown,
    /// Known, and neither the table nor a row of it.
    Other,
    Table,
    Row,
    Query(Box<Ty>),
    /// `.select(fields?)` before its `from`.
    Select(Option<Box<Ty>>),
    Object(BTreeMap<String, Ty>),
    Function(Vec<Ty>, Box<Ty>),
    Module(usize),
}

pub(super) type Scope = HashMap<String, Ty>;

pub(super) struct Module<'a> {
    pub path: PathBuf,
    pub text: &'a str,
    pub program: &'a Program<'a>,
}

pub(super) struct Project<'a> {
    pub modules: Vec<Module<'a>>,
    pub index: HashMap<PathBuf, usize>,
    pub graph: &'a Graph,
    pub schema: &'a SchemaSource,
    pub table: &'a Table,
    /// File of the table, in the graph's terms.
    pub table_file: PathBuf,
    /// What the changed column is called in code.
    pub property: Option<String>,
    /// What it is called in the database.
    pub column: Option<String>,
}

/// A destructured use of the changed property: where, and whether it is certain.
pub(super) type Taken = Vec<(Span, bool)>;

impl Ty {
    pub(super) fn unwrapped(self) -> Ty {
        match self {
            Ty::Query(inner) => inner.unwrapped(),
            other => other,
        }
    }

    pub(super) fn or(self, other: Ty) -> Ty {
        match (self, other) {
            (Ty::Row, _) | (_, Ty::Row) => Ty::Row,
            (Ty::Other, other) | (other, Ty::Other) => other,
            (Ty::Unknown, _) | (_, Ty::Unknown) => Ty::Unknown,
            (first, _) => first,
        }
    }
}

impl<'a> Project<'a> {
    /// A name at a module's top level, imports among them.
    pub(super) fn value(&self, module: usize, name: &str, depth: usize) -> Option<Ty> {
        if depth > DEPTH {
            return Some(Ty::Unknown);
        }
        for statement in &self.modules[module].program.body {
            if let Statement::ImportDeclaration(import) = statement {
                for specifier in import.specifiers.iter().flatten() {
                    if specifier.local().name == name {
                        let target = self.target(module, import.source.value.as_str());
                        return Some(self.imported(target, specifier, depth).unwrap_or(Ty::Unknown));
                    }
                }
            }
            if let Some(ty) =
                declaration(statement).and_then(|declaration| self.declared(module, declaration, name, depth))
            {
                return Some(ty);
            }
        }
        None
    }

    fn imported(
        &self,
        target: Option<usize>,
        specifier: &'a ImportDeclarationSpecifier<'a>,
        depth: usize,
    ) -> Option<Ty> {
        match specifier {
            ImportDeclarationSpecifier::ImportSpecifier(import) => {
                self.export(target?, &import.imported.name(), depth + 1)
            }
            ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => Some(Ty::Module(target?)),
            ImportDeclarationSpecifier::ImportDefaultSpecifier(_) => None,
        }
    }

    fn target(&self, module: usize, specifier: &str) -> Option<usize> {
        let file = self.graph.resolve(&self.modules[module].path, specifier)?;
        self.index.get(&file).copied()
    }

    /// A value that a module exports.
    pub(super) fn export(&self, module: usize, name: &str, depth: usize) -> Option<Ty> {
        self.exported(module, name, depth, &|module, name, depth| self.value(module, name, depth), &|module| {
            Some(Ty::Module(module))
        })
    }

    fn export_type(&self, module: usize, name: &str, depth: usize) -> Option<Ty> {
        self.exported(module, name, depth, &|module, name, depth| self.named_type(module, name, depth), &|_| None)
    }

    fn exported(
        &self,
        module: usize,
        name: &str,
        depth: usize,
        local: &dyn Fn(usize, &str, usize) -> Option<Ty>,
        namespace: &dyn Fn(usize) -> Option<Ty>,
    ) -> Option<Ty> {
        if depth > DEPTH {
            return Some(Ty::Unknown);
        }
        let renamed = |specifiers: &'a [ExportSpecifier<'a>]| {
            specifiers
                .iter()
                .find(|specifier| specifier.exported.name() == name)
                .map(|specifier| specifier.local.name())
        };
        for statement in &self.modules[module].program.body {
            let found = match statement {
                Statement::ExportNamedDeclaration(export) => {
                    renamed(&export.specifiers).and_then(|name| local(module, &name, depth + 1))
                }
                Statement::ExportFromDeclaration(export) => renamed(&export.specifiers).and_then(|name| {
                    self.exported(
                        self.target(module, export.source.value.as_str())?,
                        &name,
                        depth + 1,
                        local,
                        namespace,
                    )
                }),
                Statement::ExportAllDeclaration(export) => {
                    let target = self.target(module, export.source.value.as_str());
                    match &export.exported {
                        Some(exported) if exported.name() == name => target.and_then(namespace),
                        Some(_) => None,
                        None => target.and_then(|target| self.exported(target, name, depth + 1, local, namespace)),
                    }
                }
                _ => None,
            };
            if found.is_some() {
                return found;
            }
        }
        local(module, name, depth + 1)
    }

    fn declared(&self, module: usize, declaration: &'a Declaration<'a>, name: &str, depth: usize) -> Option<Ty> {
        match declaration {
            Declaration::FunctionDeclaration(function) if function.id.as_ref().is_some_and(|id| id.name == name) => {
                Some(self.function(module, &function.params, function.return_type.as_deref(), depth))
            }
            Declaration::ClassDeclaration(class) if class.id.as_ref().is_some_and(|id| id.name == name) => {
                Some(Ty::Other)
            }
            Declaration::VariableDeclaration(variables) => variables.declarations.iter().find_map(|variable| {
                let BindingPattern::BindingIdentifier(id) = &variable.id else { return None };
                if id.name != name {
                    return None;
                }
                let path = &self.modules[module].path;
                if *path == self.table_file && self.table.export == name {
                    return Some(Ty::Table);
                }
                if self.schema.tables.iter().any(|table| table.export == name && path.ends_with(&table.file)) {
                    return Some(Ty::Other);
                }
                if let Some(annotation) = &variable.type_annotation {
                    return Some(self.ty(module, &annotation.type_annotation, depth + 1));
                }
                Some(
                    variable
                        .init
                        .as_ref()
                        .map_or(Ty::Unknown, |init| self.expression(module, init, &mut Vec::new(), depth + 1)),
                )
            }),
            _ => None,
        }
    }

    pub(super) fn function(
        &self,
        module: usize,
        params: &'a FormalParameters<'a>,
        ret: Option<&'a TSTypeAnnotation<'a>>,
        depth: usize,
    ) -> Ty {
        let ret = ret.map_or(Ty::Unknown, |ret| self.ty(module, &ret.type_annotation, depth + 1));
        Ty::Function(self.parameters(module, params, depth), Box::new(ret))
    }

    pub(super) fn parameters(&self, module: usize, params: &'a FormalParameters<'a>, depth: usize) -> Vec<Ty> {
        let annotated = |annotation: &'a TSTypeAnnotation<'a>| self.ty(module, &annotation.type_annotation, depth + 1);
        params.items.iter().map(|param| param.type_annotation.as_deref().map_or(Ty::Unknown, annotated)).collect()
    }

    fn named_type(&self, module: usize, name: &str, depth: usize) -> Option<Ty> {
        if depth > DEPTH {
            return Some(Ty::Unknown);
        }
        for statement in &self.modules[module].program.body {
            if let Statement::ImportDeclaration(import) = statement {
                for specifier in import.specifiers.iter().flatten() {
                    if let ImportDeclarationSpecifier::ImportSpecifier(import_of) = specifier
                        && import_of.local.name == name
                    {
                        let target = self.target(module, import.source.value.as_str());
                        return target
                            .and_then(|target| self.export_type(target, &import_of.imported.name(), depth + 1));
                    }
                }
            }
            match declaration(statement) {
                Some(Declaration::TSTypeAliasDeclaration(alias)) if alias.id.name == name => {
                    return Some(self.ty(module, &alias.type_annotation, depth + 1));
                }
                Some(Declaration::TSInterfaceDeclaration(interface)) if interface.id.name == name => {
                    let own = self.members(module, &interface.body.body, depth);
                    let inherited =
                        interface.extends.iter().map(|heritage| self.type_name(module, &heritage.type_name, depth + 1));
                    return Some(inherited.fold(own, |own, base| if base == Ty::Row { Ty::Row } else { own }));
                }
                Some(Declaration::ClassDeclaration(class)) if class.id.as_ref().is_some_and(|id| id.name == name) => {
                    return Some(Ty::Other);
                }
                _ => {}
            }
        }
        None
    }

    pub(super) fn ty(&self, module: usize, ty: &'a TSType<'a>, depth: usize) -> Ty {
        if depth > DEPTH {
            return Ty::Unknown;
        }
        match ty {
            TSType::TSAnyKeyword(_) | TSType::TSUnknownKeyword(_) | TSType::TSObjectKeyword(_) => Ty::Unknown,
            TSType::TSBigIntKeyword(_)
            | TSType::TSBooleanKeyword(_)
            | TSType::TSNeverKeyword(_)
            | TSType::TSNullKeyword(_)
            | TSType::TSNumberKeyword(_)
            | TSType::TSStringKeyword(_)
            | TSType::TSSymbolKeyword(_)
            | TSType::TSUndefinedKeyword(_)
            | TSType::TSVoidKeyword(_)
            | TSType::TSLiteralType(_)
            | TSType::TSTemplateLiteralType(_)
            | TSType::TSTypePredicate(_) => Ty::Other,
            TSType::TSArrayType(array) => self.ty(module, &array.element_type, depth + 1),
            TSType::TSParenthesizedType(inner) => self.ty(module, &inner.type_annotation, depth + 1),
            TSType::TSTypeOperatorType(operator) => self.ty(module, &operator.type_annotation, depth + 1),
            TSType::TSTypeLiteral(literal) => self.members(module, &literal.members, depth),
            TSType::TSFunctionType(function) => {
                self.function(module, &function.params, Some(&function.return_type), depth)
            }
            TSType::TSUnionType(union) => {
                union.types.iter().map(|ty| self.ty(module, ty, depth + 1)).fold(Ty::Other, Ty::or)
            }
            TSType::TSIntersectionType(all) => {
                let parts: Vec<Ty> = all.types.iter().map(|ty| self.ty(module, ty, depth + 1)).collect();
                let objects =
                    parts.iter().filter_map(|ty| if let Ty::Object(map) = ty { Some(map.clone()) } else { None });
                let merged: BTreeMap<String, Ty> = objects.flatten().collect();
                match parts.into_iter().fold(Ty::Other, Ty::or) {
                    Ty::Object(_) => Ty::Object(merged),
                    other => other,
                }
            }
            TSType::TSTypeQuery(query) => match &query.expr_name {
                TSTypeQueryExprName::IdentifierReference(id) => {
                    self.value(module, id.name.as_str(), depth + 1).unwrap_or(Ty::Unknown)
                }
                TSTypeQueryExprName::QualifiedName(name) => {
                    self.qualified(module, &name.left, name.right.name.as_str(), depth)
                }
                _ => Ty::Unknown,
            },
            TSType::TSIndexedAccessType(access) => {
                match (self.ty(module, &access.object_type, depth + 1), literal(&access.index_type)) {
                    (Ty::Table, Some("$inferSelect" | "$inferInsert")) => Ty::Row,
                    (Ty::Object(map), Some(key)) => map.get(key).cloned().unwrap_or(Ty::Unknown),
                    (Ty::Row, Some(_)) => Ty::Other,
                    (found, None) => found,
                    (_, Some(_)) => Ty::Unknown,
                }
            }
            TSType::TSTypeReference(reference) => self.reference(module, reference, depth),
            _ => Ty::Unknown,
        }
    }

    fn reference(&self, module: usize, reference: &'a TSTypeReference<'a>, depth: usize) -> Ty {
        let args: &[TSType<'a>] = reference.type_arguments.as_ref().map_or(&[], |args| &args.params);
        let name = match &reference.type_name {
            TSTypeName::IdentifierReference(id) => id.name.as_str(),
            TSTypeName::QualifiedName(name) => name.right.name.as_str(),
            TSTypeName::ThisExpression(_) => return Ty::Unknown,
        };
        let first = || args.first().map_or(Ty::Unknown, |ty| self.ty(module, ty, depth + 1));
        match name {
            _ if WRAPPERS.contains(&name) => first(),
            "InferSelectModel" | "InferInsertModel" if first() == Ty::Table => Ty::Row,
            "Pick" | "Omit" => match first() {
                Ty::Row => {
                    let named = args
                        .get(1)
                        .is_some_and(|keys| self.property.as_deref().is_some_and(|property| names(keys, property)));
                    if named == (name == "Pick") { Ty::Row } else { Ty::Other }
                }
                other => other,
            },
            "ReturnType" => match first() {
                Ty::Function(_, ret) => *ret,
                _ => Ty::Unknown,
            },
            "Date" | "Buffer" | "URL" | "RegExp" | "Error" | "Uint8Array" => Ty::Other,
            _ => self.type_name(module, &reference.type_name, depth),
        }
    }

    fn type_name(&self, module: usize, name: &'a TSTypeName<'a>, depth: usize) -> Ty {
        let found = match name {
            TSTypeName::IdentifierReference(id) => self.named_type(module, id.name.as_str(), depth + 1),
            TSTypeName::QualifiedName(name) => match &name.left {
                TSTypeName::IdentifierReference(id) => match self.value(module, id.name.as_str(), depth + 1) {
                    Some(Ty::Module(target)) => self.export_type(target, name.right.name.as_str(), depth + 1),
                    _ => None,
                },
                _ => None,
            },
            TSTypeName::ThisExpression(_) => None,
        };
        found.unwrap_or(Ty::Unknown)
    }

    /// `users.$inferSelect`, `schema.users`
    fn qualified(&self, module: usize, left: &'a TSTypeName<'a>, right: &str, depth: usize) -> Ty {
        let left = match left {
            TSTypeName::IdentifierReference(id) => {
                self.value(module, id.name.as_str(), depth + 1).unwrap_or(Ty::Unknown)
            }
            TSTypeName::QualifiedName(name) => self.qualified(module, &name.left, name.right.name.as_str(), depth + 1),
            TSTypeName::ThisExpression(_) => Ty::Unknown,
        };
        match left {
            Ty::Table if right.starts_with("$infer") => Ty::Row,
            other => self.member(other, right, depth),
        }
    }

    fn members(&self, module: usize, members: &'a [TSSignature<'a>], depth: usize) -> Ty {
        let mut map = BTreeMap::new();
        for member in members {
            match member {
                TSSignature::TSPropertySignature(property) => {
                    let ty = property.type_annotation.as_deref();
                    let ty = ty.map_or(Ty::Unknown, |ty| self.ty(module, &ty.type_annotation, depth + 1));
                    map.extend(property.key.static_name().map(|key| (key.into_owned(), ty)));
                }
                TSSignature::TSMethodSignature(method) => {
                    let ty = self.function(module, &method.params, method.return_type.as_deref(), depth);
                    map.extend(method.key.static_name().map(|key| (key.into_owned(), ty)));
                }
                // `[key: string]: …` may hold anything.
                TSSignature::TSIndexSignature(_) => return Ty::Unknown,
                _ => {}
            }
        }
        Ty::Object(map)
    }
}

/// Parameter types, where an unannotated one takes what its caller hands over.
pub(super) fn with_context(params: Vec<Ty>, given: &[Ty]) -> Vec<Ty> {
    let given = given.iter().cloned().map(Some).chain(std::iter::repeat(None));
    params
        .into_iter()
        .zip(given)
        .map(|(own, given)| if own == Ty::Unknown { given.unwrap_or(own) } else { own })
        .collect()
}

pub(super) fn declaration<'a>(statement: &'a Statement<'a>) -> Option<&'a Declaration<'a>> {
    match statement {
        Statement::ExportDeclaration(export) => Some(&export.declaration),
        other => other.as_declaration(),
    }
}

fn literal<'a>(ty: &'a TSType<'a>) -> Option<&'a str> {
    match ty {
        TSType::TSLiteralType(literal) => match &literal.literal {
            TSLiteral::StringLiteral(text) => Some(text.value.as_str()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a key type (`'a' | 'b'`) names a property.
pub(super) fn names<'a>(keys: &'a TSType<'a>, property: &str) -> bool {
    match keys {
        TSType::TSUnionType(union) => union.types.iter().any(|key| names(key, property)),
        key => literal(key) == Some(property),
    }
}
