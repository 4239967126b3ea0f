//! `start` at a terminal with nothing declared: what the change is, asked word by word. The answers make the text of a flag,
//! so that a question declares what the command line could, and the command is shown for the next time.

use anyhow::{Context, Result};
use inquire::{Confirm, MultiSelect, Select, Text};

use super::answer::said;
use crate::actions::change::{Change, Origin};
use crate::drizzle::Snapshot;
use crate::failure::Failure;
use crate::report::terminal::print;
use crate::sql::{Operation, TableName, flags};

#[derive(Clone, Copy)]
enum Ask {
    Table(&'static str),
    /// Of the table named last.
    Column(&'static str),
    Columns(&'static str),
    Enum,
    /// Of the enum named last.
    Value,
    View,
    Text(&'static str),
    Choice(&'static str, &'static [(&'static str, &'static str)]),
}

/// A kind of change: its words, its flag, what is asked, and the flag's value with the answers in their places.
struct Kind(&'static str, &'static str, &'static [Ask], &'static str);

const TABLE: Ask = Ask::Table("Which table?");
const COLUMN: Ask = Ask::Column("Which column?");
const ON_DELETE: Ask = Ask::Choice(
    "When the row it refers to is deleted?",
    &[
        ("refuse the delete", ""),
        ("delete the row too", " on delete cascade"),
        ("set the column to null", " on delete set null"),
        ("set the column to its default", " on delete set default"),
    ],
);

const KINDS: &[Kind] = &[
    Kind(
        "Add a column",
        "add",
        &[TABLE, Ask::Text("Its name"), Ask::Text("Its type (text, integer not null default 0)")],
        "{0}.{1}={2}",
    ),
    Kind("Rename a column", "rename", &[TABLE, COLUMN, Ask::Text("Its new name")], "{0}.{1}={0}.{2}"),
    Kind("Drop a column", "drop-column", &[TABLE, COLUMN], "{0}.{1}"),
    Kind("Change a column's type", "retype", &[TABLE, COLUMN, Ask::Text("Its new type")], "{0}.{1}={2}"),
    Kind("Forbid null", "not-null", &[TABLE, COLUMN], "{0}.{1}"),
    Kind("Allow null", "nullable", &[TABLE, COLUMN], "{0}.{1}"),
    Kind("Set a default", "set-default", &[TABLE, COLUMN, Ask::Text("The default, as SQL")], "{0}.{1}={2}"),
    Kind("Drop a default", "drop-default", &[TABLE, COLUMN], "{0}.{1}"),
    Kind("Add a unique constraint", "unique", &[TABLE, Ask::Columns("Which columns?")], "{0}.{1}"),
    Kind("Add a check", "check", &[TABLE, Ask::Text("Its name"), Ask::Text("What has to hold, as SQL")], "{0}.{1}={2}"),
    Kind(
        "Add or change a foreign key",
        "foreign-key",
        &[TABLE, COLUMN, Ask::Table("Which table does it refer to?"), Ask::Column("Which column there?"), ON_DELETE],
        "{0}.{1}={2}.{3}{4}",
    ),
    Kind("Add an index", "index", &[TABLE, Ask::Columns("Which columns, in their order?")], "{0}.{1}"),
    Kind("Create a table", "create-table", &[Ask::Text("Its name")], "{0}"),
    Kind("Drop a table", "drop-table", &[TABLE], "{0}"),
    Kind("Rename a table", "rename-table", &[TABLE, Ask::Text("Its new name")], "{0}={1}"),
    Kind("Add an enum value", "add-value", &[Ask::Enum, Ask::Text("The new value")], "{0}={1}"),
    Kind("Drop an enum value", "drop-value", &[Ask::Enum, Ask::Value], "{0}={1}"),
    Kind(
        "Rename an enum value",
        "rename-value",
        &[Ask::Enum, Ask::Value, Ask::Text("Its new name")],
        "{0}.{1}={0}.{2}",
    ),
    Kind("Create an enum", "create-enum", &[Ask::Text("Its name")], "{0}"),
    Kind("Drop an enum", "drop-enum", &[Ask::Enum], "{0}"),
    Kind("Create a view", "create-view", &[Ask::Text("Its name")], "{0}"),
    Kind("Change a view", "change-view", &[Ask::View], "{0}"),
    Kind("Drop a view", "drop-view", &[Ask::View], "{0}"),
];

const OWN: &str = "SQL of my own: a function, a trigger, data";

/// None where the person would rather not say now.
pub(super) fn change(base: &Snapshot, title: Option<&str>) -> Result<Option<Change>> {
    let mut operations: Vec<Operation> = Vec::new();
    let mut command = String::new();
    loop {
        let Some((operation, flag)) = operation(base)? else { return Ok(None) };
        match operation {
            Ok(operation) => {
                print(&format!("  {operation}\n"));
                operations.push(operation);
                command.push_str(&flag);
            }
            Err(failure) => {
                print(&failure.render());
                continue;
            }
        }
        let more = said(|| Confirm::new("Anything else in this change?").with_default(false).prompt())?;
        match more {
            Some(true) => {}
            Some(false) => break,
            None => return Ok(None),
        }
    }
    let words = operations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let title = match title {
        Some(title) => title.to_owned(),
        None => {
            let asked = said(|| Text::new("A few words for it (names the run, the test, the migration)").prompt())?;
            let Some(title) = asked else { return Ok(None) };
            if title.trim().is_empty() { words } else { title.trim().to_owned() }
        }
    };
    print(&format!("the same as a command: cargo xtask db-change start --title {title:?}{command}\n"));
    Ok(Some(Change::new(title, Origin::Questions, operations)))
}

/// An operation and its flag as typed, or why the answers do not make one.
fn operation(base: &Snapshot) -> Result<Option<(std::result::Result<Operation, Failure>, String)>> {
    let possible = |ask: &Ask| !matches!(ask, Ask::Table(_) | Ask::Enum | Ask::View) || !names(base, *ask).is_empty();
    let kinds: Vec<&Kind> = KINDS.iter().filter(|Kind(_, _, asks, _)| asks.iter().all(possible)).collect();
    let words: Vec<&str> = kinds.iter().map(|Kind(words, ..)| *words).chain([OWN]).collect();
    let shown = words.clone();
    let Some(chosen) = said(move || Select::new("What kind of change?", shown).with_page_size(12).prompt())? else {
        return Ok(None);
    };
    let Some(Kind(_, flag, asks, form)) = kinds.into_iter().find(|Kind(words, ..)| *words == chosen) else {
        return Ok(custom(base)?.map(|(operation, flag)| (Ok(operation), flag)));
    };
    let mut answers: Vec<String> = Vec::new();
    let mut of = String::new();
    for ask in *asks {
        let Some(answer) = one(base, *ask, &of)? else { return Ok(None) };
        if matches!(ask, Ask::Table(_) | Ask::Enum) {
            of.clone_from(&answer);
        }
        answers.push(answer);
    }
    let text = filled(form, &answers);
    let operation = flags::read(flag, &text).map_err(|error| Failure::from_error(&error));
    Ok(Some((operation, format!(" --{flag} {text:?}"))))
}

fn filled(form: &str, answers: &[String]) -> String {
    let mut out = String::new();
    let mut rest = form;
    // An answer may hold braces of its own: each place is filled once.
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (place, behind) = after.split_once('}').unwrap_or((after, ""));
        let answer = place.parse::<usize>().ok().and_then(|place| answers.get(place));
        out.push_str(answer.map_or("", String::as_str));
        rest = behind;
    }
    out + rest
}

fn custom(base: &Snapshot) -> Result<Option<(Operation, String)>> {
    let Some(what) = said(|| Text::new("What does it do, in a few words?").prompt())? else { return Ok(None) };
    let tables = names(base, TABLE);
    let asked = said(move || MultiSelect::new("Which tables does it read or write?", tables).prompt())?;
    let Some(tables) = asked else { return Ok(None) };
    let question = "Which columns does it change? (table.column, table.* where rows come or go; empty: none)";
    let Some(writes) = said(move || Text::new(question).prompt())? else { return Ok(None) };
    let writes: Vec<String> =
        writes.split([',', ' ']).map(str::trim).filter(|place| !place.is_empty()).map(str::to_owned).collect();
    let touched = tables.iter().map(|table| format!(" --touches {table}"));
    let written = writes.iter().map(|place| format!(" --writes {place}"));
    let flag = [format!(" --custom {what:?}")].into_iter().chain(touched).chain(written).collect();
    let tables = tables.into_iter().map(TableName::from).collect();
    Ok(Some((Operation::Custom { what, tables, writes }, flag)))
}

fn one(base: &Snapshot, ask: Ask, of: &str) -> Result<Option<String>> {
    let select = |question: &'static str, names: Vec<String>| said(move || Select::new(question, names).prompt());
    let of = TableName::from(of.to_owned());
    let columns = || base.columns(&of).into_iter().map(str::to_owned).collect::<Vec<_>>();
    match ask {
        Ask::Table(question) => select(question, names(base, ask)),
        Ask::Enum => select("Which enum?", names(base, ask)),
        Ask::View => select("Which view?", names(base, ask)),
        Ask::Column(question) => select(question, columns()),
        Ask::Value => select("Which value?", base.enum_values(&of).unwrap_or_default()),
        Ask::Columns(question) => {
            let columns = columns();
            Ok(said(move || MultiSelect::new(question, columns).prompt())?.map(|chosen| chosen.join(",")))
        }
        Ask::Text(question) => Ok(said(move || Text::new(question).prompt())?.map(|text| text.trim().to_owned())),
        Ask::Choice(question, choices) => {
            let words: Vec<&str> = choices.iter().map(|(words, _)| *words).collect();
            let Some(chosen) = said(move || Select::new(question, words).prompt())? else { return Ok(None) };
            let choice = choices.iter().find(|(words, _)| *words == chosen).context("a shown option was chosen")?;
            Ok(Some(choice.1.to_owned()))
        }
    }
}

fn names(base: &Snapshot, ask: Ask) -> Vec<String> {
    match ask {
        Ask::Enum => base.names("enums"),
        Ask::View => base.names("views"),
        _ => base.tables().iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_of_the_command_line_can_be_declared_by_answers() {
        let asked: Vec<&str> = KINDS.iter().map(|Kind(_, flag, ..)| *flag).collect();
        for (flag, ..) in flags::FLAGS {
            assert!(asked.contains(flag), "{flag}");
        }
        for Kind(words, flag, asks, form) in KINDS {
            let answers: Vec<String> = asks
                .iter()
                .map(|ask| match ask {
                    Ask::Choice(_, choices) => choices[1].1.to_owned(),
                    Ask::Text(_) => "other{0}".to_owned(),
                    _ => "users".to_owned(),
                })
                .collect();
            assert!(flags::read(flag, &filled(form, &answers)).is_ok(), "{words}: {}", filled(form, &answers));
        }
        assert_eq!(filled("{0}.{1}={0}.{2}", &["a", "{2}", "c"].map(str::to_owned)), "a.{2}=a.c");
    }
}
