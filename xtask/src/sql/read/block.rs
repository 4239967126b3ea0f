//! DO blocks that are no programs: plain statements in a row, as drizzle-kit up to 0.25 wrote around a new type or a foreign key.
//!
//! Invariant: a block is read as its statements only where each of them runs once and in order; a variable, a condition, a loop, text that
//! is put together, or an error that is swallowed and may stand for rows, makes all of it [`Action::Dynamic`].

use squawk_syntax::ast::{AstNode, Do};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::actions;
use super::tree::{child, text};
use crate::sql::action::Action;
use crate::sql::cut;

use SyntaxKind as K;

pub(super) fn block(node: &SyntaxNode) -> Vec<Action> {
    plain(node).filter(|found| !found.is_empty()).unwrap_or_else(|| vec![Action::Dynamic])
}

fn plain(node: &SyntaxNode) -> Option<Vec<Action>> {
    let block = Do::cast(node.clone())?;
    // Between dollars the text is as it stands, and not yet known to be flat enough for the parser.
    let literal = block.body()?.syntax().text().to_string();
    let (_, inner) = literal.strip_prefix('$')?.split_once('$')?;
    if cut::too_deep(inner).is_some() {
        return None;
    }
    let body = block.plpgsql()?;
    if !body.errors().is_empty() {
        return None;
    }
    let block = child(&body.syntax(), K::PLPGSQL_BLOCK)?;
    let mut found = Vec::new();
    for part in block.children() {
        match part.kind() {
            K::PLPGSQL_BODY => {
                for statement in part.children() {
                    match statement.kind() {
                        K::PLPGSQL_EXEC_SQL_STMT => found.extend(actions(&statement.children().next()?)),
                        K::PLPGSQL_NULL_STMT => {}
                        _ => return None,
                    }
                }
            }
            K::PLPGSQL_EXCEPTION_SECTION if part.children().all(|handler| ignores_what_is_there(&handler)) => {}
            _ => return None,
        }
    }
    let readable = |action: &Action| !matches!(action, Action::Dynamic | Action::Other { .. } | Action::Transaction(_));
    found.iter().all(readable).then_some(found)
}

/// `WHEN duplicate_object THEN null`: as IF NOT EXISTS.
fn ignores_what_is_there(handler: &SyntaxNode) -> bool {
    handler.children().all(|part| match part.kind() {
        K::PLPGSQL_CONDITION => text(&part).to_lowercase().starts_with("duplicate_"),
        K::PLPGSQL_BODY => part.children().all(|statement| statement.kind() == K::PLPGSQL_NULL_STMT),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use crate::sql::TableName;
    use crate::sql::action::Action;
    use crate::sql::statements::parse;

    fn read(body: &str) -> Vec<Action> {
        parse(&format!("DO $$ {body} $$;")).statements[0].actions.clone()
    }

    #[test]
    fn a_block_of_plain_statements_is_read_as_these() {
        let mood = || Action::CreateType { name: TableName::new("public", "mood"), labels: vec!["ok".to_owned()] };
        let made = "CREATE TYPE mood AS ENUM('ok');";
        assert_eq!(read(&format!("BEGIN\n {made}\nEXCEPTION\n WHEN duplicate_object THEN null;\nEND")), [mood()]);
        assert_eq!(read(&format!("BEGIN {made} {made} END")), [mood(), mood()]);
    }

    #[test]
    fn a_block_that_is_a_program_is_not_read() {
        for body in [
            "BEGIN EXECUTE 'DROP TABLE a'; END",
            "BEGIN IF true THEN DROP TABLE a; END IF; END",
            "DECLARE a int; BEGIN DROP TABLE a; END",
            "BEGIN DROP TABLE a; EXCEPTION WHEN others THEN null; END",
            "BEGIN DROP TABLE a; EXCEPTION WHEN duplicate_object THEN DROP TABLE b; END",
            "BEGIN DROP TABLE a; PERFORM f(); END",
            "BEGIN DROP TABLE a; COMMIT; END",
            "BEGIN DROP TABLE a; BEGIN DROP TABLE b; END; END",
            "BEGIN END",
            "no program at all",
        ] {
            assert_eq!(read(body), [Action::Dynamic], "{body}");
        }
        let deep = format!("BEGIN DROP TABLE a; {}1{}; END", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(read(&deep), [Action::Dynamic]);
        assert_eq!(parse("DO LANGUAGE plpython3u $$ DROP TABLE a $$").statements[0].actions, [Action::Dynamic]);
    }
}
