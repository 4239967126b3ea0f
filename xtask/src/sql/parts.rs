//! The parts of one statement that a question to the database is made of: the tests in its WHERE, where its rows come from, what an
//! expression calls, which columns a view shows.
//!
//! Invariant: what is not found as expected is `None`, so that nobody counts less than the statement touches.

use squawk_lexer::TokenKind;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::TableName;
use super::action::unquoted;
use super::guard::tree;
use super::read::tree::{child, has, name, named, path, text};

use SyntaxKind as K;

/// One of the conditions that are all to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    pub text: String,
    /// Names in it that may be columns.
    pub names: Vec<String>,
    pub pin: Option<Pin>,
}

/// How a test holds a column to constants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// One of so many values.
    Values { column: String, count: usize },
    /// Whole numbers of a range of this width.
    Range { column: String, width: i64 },
    /// Everything on one side of a value.
    Side { column: String },
}

/// Where the rows of INSERT and MERGE come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The query, where it can stand alone.
    pub query: Option<String>,
    pub tables: Vec<TableName>,
    /// Where the text tells: at most so many.
    pub rows: Option<usize>,
    /// VALUES, each in its parentheses.
    pub values: Vec<String>,
    pub on_conflict: bool,
    /// MERGE … THEN DELETE.
    pub deletes: bool,
}

/// What UPDATE and DELETE look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    pub alias: Option<String>,
    /// FROM or USING: the filter may speak of other tables.
    pub joined: bool,
}

/// The columns of a view of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    All,
    Columns(Vec<String>),
}

/// The conditions of a filter that are joined by AND.
#[must_use]
pub fn tests(filter: &str) -> Option<Vec<Test>> {
    tree(&format!("SELECT 1 WHERE {filter}"), |root| {
        let clause = root.descendants().find(|part| part.kind() == K::WHERE_CLAUSE)?;
        let mut open: Vec<SyntaxNode> = clause.children().collect();
        let mut found = Vec::new();
        while let Some(node) = open.pop() {
            let parts: Vec<SyntaxNode> = node.children().collect();
            match (node.kind(), parts.as_slice()) {
                (K::PAREN_EXPR, [inner]) => open.push(inner.clone()),
                (K::BIN_EXPR, [left, right]) if operator(&node, left, right) == "AND" => {
                    open.extend([right.clone(), left.clone()]);
                }
                _ => found.push(Test { text: text(&node), names: names_in(&node), pin: pin(&node, &parts) }),
            }
        }
        (!found.is_empty()).then_some(found)
    })?
}

fn names_in(node: &SyntaxNode) -> Vec<String> {
    named(node, K::NAME_REF).map(|name| name.name).collect()
}

/// What stands between two parts.
fn operator(node: &SyntaxNode, left: &SyntaxNode, right: &SyntaxNode) -> String {
    let begin = usize::from(left.text_range().end() - node.text_range().start());
    let end = usize::from(right.text_range().start() - node.text_range().start());
    node.text().to_string().get(begin..end).unwrap_or_default().trim().to_uppercase()
}

fn pin(node: &SyntaxNode, parts: &[SyntaxNode]) -> Option<Pin> {
    let column = column(parts.first()?)?;
    match (node.kind(), parts) {
        (K::BETWEEN_EXPR, [left, low, high]) if operator(node, left, low) == "BETWEEN" => {
            let number = |part: &SyntaxNode| text(part).parse::<i64>().ok();
            let width = number(high)?.checked_sub(number(low)?)?.saturating_add(1).max(0);
            Some(Pin::Range { column, width })
        }
        (K::BIN_EXPR, [left, right]) => match operator(node, left, right).as_str() {
            "=" if constant(right) => Some(Pin::Values { column, count: 1 }),
            "IN" if matches!(right.kind(), K::TUPLE_EXPR | K::PAREN_EXPR)
                && right.children().all(|part| constant(&part)) =>
            {
                Some(Pin::Values { column, count: right.children().count() })
            }
            "<" | "<=" | ">" | ">=" if constant(right) => Some(Pin::Side { column }),
            _ => None,
        },
        _ => None,
    }
}

fn column(node: &SyntaxNode) -> Option<String> {
    matches!(node.kind(), K::NAME_REF | K::FIELD_EXPR).then(|| path(node).name)
}

fn constant(node: &SyntaxNode) -> bool {
    let is = |node: &SyntaxNode| node.kind() == K::LITERAL && !text(node).eq_ignore_ascii_case("null");
    is(node) || node.kind() == K::CAST_EXPR && node.children().next().is_some_and(|inner| is(&inner))
}

/// The alias of the target and whether other tables take part; `None` for what is no single UPDATE or DELETE.
#[must_use]
pub fn target(statement: &str) -> Option<Target> {
    tree(statement, |root| {
        let node = root.children().find(|part| matches!(part.kind(), K::UPDATE | K::DELETE))?;
        if has(&node, K::WITH_CLAUSE) {
            return None;
        }
        let alias =
            child(&node, K::OPTIONAL_AS_ALIAS).map(|alias| path(&child(&alias, K::TABLE_ALIAS).unwrap_or(alias)).name);
        Some(Target { alias, joined: has(&node, K::FROM_CLAUSE) || has(&node, K::USING_CLAUSE) })
    })?
}

/// Functions that make rows of what they are given.
const MANY: [&str; 8] = [
    "generate_series",
    "unnest",
    "generate_subscripts",
    "string_to_table",
    "regexp_split_to_table",
    "regexp_matches",
    "json_populate_recordset",
    "jsonb_populate_recordset",
];

/// Where the rows of an INSERT or a MERGE come from.
#[must_use]
pub fn origin(statement: &str) -> Option<Origin> {
    tree(statement, |root| {
        let node = root.children().find(|part| matches!(part.kind(), K::INSERT | K::MERGE))?;
        let with: Vec<String> = named(&node, K::CTE_NAME).map(|name| name.name).collect();
        let source = if node.kind() == K::MERGE {
            child(&node, K::USING_ON_CLAUSE)?.children().next()?
        } else {
            node.children().find(|part| {
                matches!(part.kind(), K::SELECT | K::VALUES | K::COMPOUND_SELECT | K::PAREN_SELECT | K::TABLE)
            })?
        };
        let common = child(&node, K::WITH_CLAUSE);
        let tables = std::iter::once(&source)
            .chain(&common)
            .flat_map(|part| named(part, K::RELATION_NAME_REF))
            .filter(|table| !with.contains(&table.name))
            .collect();
        Some(Origin {
            query: (node.kind() == K::INSERT && with.is_empty()).then(|| text(&source)),
            tables,
            rows: rows(&source),
            values: if source.kind() == K::VALUES { row_texts(&source) } else { Vec::new() },
            on_conflict: has(&node, K::ON_CONFLICT_CLAUSE),
            deletes: node.descendants().any(|part| part.kind() == K::MERGE_DELETE),
        })
    })?
}

fn row_texts(values: &SyntaxNode) -> Vec<String> {
    let list = child(values, K::ROW_LIST);
    list.iter().flat_map(SyntaxNode::children).filter(|row| row.kind() == K::ROW).map(|row| text(&row)).collect()
}

/// How many rows a source has, where its text tells.
fn rows(source: &SyntaxNode) -> Option<usize> {
    match source.kind() {
        K::VALUES => Some(row_texts(source).len()),
        K::PAREN_SELECT | K::PAREN_FROM_ITEM => rows(&source.children().next()?),
        K::SELECT if !has(source, K::FROM_CLAUSE) => {
            let many = source.descendants().filter(|part| part.kind() == K::CALL_EXPR).any(|call| {
                let called = call.children().next().map(|name| path(&name).name).unwrap_or_default();
                MANY.contains(&called.as_str()) || called.contains("_each") || called.contains("_elements")
            });
            (!many).then_some(1)
        }
        _ => None,
    }
}

/// The schema, where one is written, and the name of each function that an expression calls.
#[must_use]
pub fn calls(expression: &str) -> Option<Vec<(Option<String>, String)>> {
    if !expression.contains('(') {
        return Some(Vec::new());
    }
    tree(&format!("SELECT {expression}"), |root| {
        let calls = root.descendants().filter(|part| part.kind() == K::CALL_EXPR);
        let called = calls.map(|call| {
            let name = call.children().next()?;
            match name.children().count() {
                0 => Some((None, unquoted(&text(&name)))),
                _ => {
                    let found = path(&name);
                    Some((Some(found.schema), found.name))
                }
            }
        });
        called.collect::<Option<Vec<_>>>()
    })?
}

/// The expression of a generated column.
#[must_use]
pub fn generated(statement: &str, column: &str) -> Option<String> {
    tree(statement, |root| {
        let added = root.descendants().find(|part| {
            matches!(part.kind(), K::ADD_COLUMN | K::COLUMN) && name(part, K::COLUMN_NAME).as_deref() == Some(column)
        })?;
        let constraint = added.descendants().find(|part| part.kind() == K::GENERATED_CONSTRAINT)?;
        let skipped = [K::GENERATED_ALWAYS, K::STORED, K::VIRTUAL];
        let holder = constraint.children().last().filter(|part| part.children().count() > 0).unwrap_or(constraint);
        let expression = holder.children().find(|part| !skipped.contains(&part.kind()))?;
        Some(text(&expression))
    })?
}

/// The columns that a CREATE VIEW shows of one table, all of whose rows it shows.
#[must_use]
pub fn shown(statement: &str, of: &TableName) -> Option<Shown> {
    tree(statement, |root| {
        let view = root.children().find(|part| part.kind() == K::CREATE_VIEW)?;
        let selects: Vec<SyntaxNode> = view.descendants().filter(|part| part.kind() == K::SELECT).collect();
        let [select] = selects.as_slice() else { return None };
        let only = [K::SELECT_CLAUSE, K::FROM_CLAUSE];
        let from = child(select, K::FROM_CLAUSE)?;
        let tables: Vec<TableName> = named(&from, K::RELATION_NAME_REF).collect();
        if tables != [of.clone()]
            || has(&view, K::COLUMN_LIST)
            || select.children().any(|part| !only.contains(&part.kind()))
        {
            return None;
        }
        let list = child(&child(select, K::SELECT_CLAUSE)?, K::TARGET_LIST)?;
        let mut columns = Vec::new();
        for item in list.children() {
            match item.children().next() {
                None if text(&item).ends_with('*') => return Some(Shown::All),
                Some(plain) if item.children().count() == 1 => columns.push(column(&plain)?),
                _ => return None,
            }
        }
        Some(Shown::Columns(columns))
    })?
}

/// The names that stand before a parenthesis: every function that is called is among them. `None` where one is written in a way that
/// is not read here.
#[must_use]
pub fn called(sql: &str) -> Option<Vec<String>> {
    let (mut found, mut at, mut last) = (Vec::new(), 0, None);
    for token in squawk_lexer::tokenize(sql) {
        let text = sql.get(at..at + usize::try_from(token.len).ok()?)?;
        at += text.len();
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => continue,
            TokenKind::OpenParen => found.extend(last.take()),
            TokenKind::Ident => last = Some(text.to_lowercase()),
            TokenKind::QuotedIdent { .. } => last = Some(unquoted(text)),
            _ => last = None,
        }
    }
    // A name in Unicode escapes.
    if sql.to_lowercase().contains("u&\"") {
        return None;
    }
    found.sort();
    found.dedup();
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_that_is_called_is_seen_however_it_is_written() {
        let all = |sql: &str| called(sql).map(|names| names.join(" "));
        let sql = "SELECT count(*) FROM t WHERE pg_Sleep /* x */ (1) IS NULL AND a IN (1) AND \"Odd \"\"f\" -- y\n(a)";
        assert_eq!(all(sql).unwrap(), "Odd \"f count in pg_sleep");
        assert_eq!(all("SELECT 'f(', $$g($$, a FROM t"), Some(String::new()));
        assert_eq!(all("SELECT U&\"pg\\005fsleep\"(1)"), None);
    }

    #[test]
    fn a_filter_falls_into_the_tests_that_all_must_hold() {
        let tests =
            tests("u.id BETWEEN 1 AND 5000 AND (nick IS NULL) AND (a = 1 OR b = 2) AND \"K\" IN ('x', 'y')").unwrap();
        let shown: Vec<&str> = tests.iter().map(|test| test.text.as_str()).collect();
        assert_eq!(shown, ["u.id BETWEEN 1 AND 5000", "nick IS NULL", "a = 1 OR b = 2", "\"K\" IN ('x', 'y')"]);
        assert_eq!(tests[0].pin, Some(Pin::Range { column: "id".into(), width: 5000 }));
        assert_eq!(tests[3].pin, Some(Pin::Values { column: "K".into(), count: 2 }));
        assert_eq!((&tests[1].pin, &tests[2].pin), (&None, &None));
        for open in ["id NOT BETWEEN 1 AND 5", "id <> 4", "id = other", "id NOT IN (1)", "id = NULL"] {
            assert_eq!(super::tests(open).unwrap()[0].pin, None, "{open}");
        }
        assert_eq!(super::tests("id = 4").unwrap()[0].pin, Some(Pin::Values { column: "id".into(), count: 1 }));
    }

    #[test]
    fn rows_are_counted_only_where_the_text_tells() {
        let of = |sql: &str| origin(sql).unwrap();
        assert_eq!(of("INSERT INTO t (a) VALUES (1), (2) ON CONFLICT DO NOTHING").rows, Some(2));
        assert_eq!(of("INSERT INTO t SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM t)").rows, Some(1));
        assert_eq!(of("INSERT INTO t SELECT generate_series(1, 9)").rows, None);
        let copied = of("INSERT INTO t (a) SELECT b FROM app.u JOIN v ON true");
        assert_eq!(copied.tables, [TableName::new("app", "u"), TableName::new("public", "v")]);
        assert_eq!((copied.rows, copied.query.as_deref()), (None, Some("SELECT b FROM app.u JOIN v ON true")));
        let with = of("WITH q AS (SELECT a FROM u) INSERT INTO t SELECT * FROM q");
        assert_eq!((with.query, with.tables), (None, vec![TableName::new("public", "u")]));
        let merge = of("MERGE INTO t USING (VALUES (1), (2)) AS v(id) ON t.id = v.id WHEN MATCHED THEN DELETE");
        assert_eq!((merge.rows, merge.deletes), (Some(2), true));
        assert_eq!(of("MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN UPDATE SET a = 1").rows, None);
    }

    #[test]
    fn expressions_and_views_are_read() {
        let own = |name: &str| (None, name.to_owned());
        assert_eq!(
            calls("CURRENT_DATE + app.F(now()) || \"Q\"()"),
            Some(vec![(Some("app".into()), "f".into()), own("now"), own("Q")])
        );
        let added = "ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS (b * 2) STORED, ADD COLUMN c int";
        assert_eq!((generated(added, "a").as_deref(), generated(added, "c")), (Some("b * 2"), None));
        let new = TableName::new("public", "new");
        assert_eq!(shown("CREATE VIEW old AS (SELECT * FROM new)", &new), Some(Shown::All));
        assert_eq!(
            shown("CREATE VIEW old AS SELECT id, n.a FROM new n", &new),
            Some(Shown::Columns(vec!["id".into(), "a".into()]))
        );
        for other in
            ["SELECT * FROM new WHERE a", "SELECT a AS b FROM new", "SELECT * FROM new, other", "SELECT * FROM x"]
        {
            assert_eq!(shown(&format!("CREATE VIEW old AS {other}"), &new), None, "{other}");
        }
    }
}
