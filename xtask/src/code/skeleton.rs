//! A test that a person has to write: a named place for it, which cannot be taken for a claim before that.
//!
//! Invariant: it throws what is no assertion and no database's error, so that `red_green` never counts it as red, and
//! `claims::unwritten` finds it by its call.

use super::scaffold::{single, test};
use crate::sql::Operation;

/// The function that marks what is not written yet.
pub(super) const MARK: &str = "unwritten";

pub(super) const PART: &str = r"
/** Marks a test that is not written yet: it is neither red nor green. */
function unwritten(what: string): never {
  throw new Error(`this test is not written yet: ${what}`);
}
";

/// A place for the test of an operation, and why it is not derived.
pub(super) fn place(operation: &Operation, why: &str) -> String {
    let (name, example) = match operation {
        Operation::Custom { .. } => (
            "what it does can be seen",
            "    // A function or a trigger: write a row, and expect what only the trigger makes of it.\n    // A data migration: count the rows of before (other tests write new ones) that it should have changed, and expect none.\n",
        ),
        _ => ("what it changes can be seen", ""),
    };
    let body = format!(
        "    // Expect here what is true after the change and false before it, then take the last line out.\n{example}    const found = await rows(tx, sql`select 1 as one`);\n    expect(found).toHaveLength(1);\n    unwritten({});\n",
        single(why)
    );
    test(&format!("{operation}: {name}"), &body)
}
