//! drizzle-kit's rename questions: reading them off the screen, and the one answer that the declared operations allow.
//!
//! Invariant: the default answer ("create column") drops a column with its data, so nothing is ever answered by default.

use crate::sql::{Operation, TableName};

/// A question as it stands on the screen now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// The question's own line.
    pub(super) text: String,
    pub(super) subject: Option<Subject>,
    pub(super) options: Vec<Choice>,
    /// Index of the option that is marked.
    pub(super) marked: usize,
}

/// What a question is about: a `column` or a `policy` of a table, a `table`, an `enum`, a `view`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) table: Option<String>,
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Create(String),
    Rename { from: String, to: String },
}

/// The last question in a text without escape sequences; `None` while it is not drawn to its end.
pub(super) fn read(screen: &str) -> Option<Question> {
    let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
    let at = lines.iter().rposition(|line| asks(line))?;
    let text = lines[at].trim().to_owned();
    let mut options = Vec::new();
    let mut marked = None;
    for line in lines[at + 1..].iter().take_while(|line| !line.is_empty()) {
        let (mark, rest) = match line.strip_prefix("❯ ") {
            Some(rest) => (true, rest),
            None => (false, line.strip_prefix("  ")?),
        };
        if mark {
            marked = Some(options.len());
        }
        options.push(choice(rest)?);
    }
    let subject = subject(&text);
    Some(Question { text, subject, options, marked: marked? })
}

/// `Is email column in users table created or renamed from another column?`
fn subject(text: &str) -> Option<Subject> {
    let rest = text.strip_prefix("Is ")?;
    let (what, kind) = rest.strip_suffix('?')?.split_once(" created or renamed from another ")?;
    let (name, table) = match what.strip_suffix(" table").and_then(|inner| inner.split_once(&format!(" {kind} in "))) {
        Some((name, table)) => (name, Some(table.to_owned())),
        None => (what.strip_suffix(&format!(" {kind}"))?, None),
    };
    Some(Subject { kind: kind.to_owned(), name: name.to_owned(), table })
}

/// Whether a line is a question of this kind, be it about a column, a table, an enum or anything else.
pub(super) fn asks(line: &str) -> bool {
    line.starts_with("Is ") && line.contains(" created or renamed from another ")
}

fn choice(line: &str) -> Option<Choice> {
    if let Some(rest) = line.strip_prefix("+ ") {
        return Some(Choice::Create(before_label(rest, " create ")?));
    }
    let names = before_label(line.strip_prefix("~ ")?, " rename ")?;
    let (from, to) = names.split_once(" › ")?;
    Some(Choice::Rename { from: from.to_owned(), to: to.to_owned() })
}

fn before_label(text: &str, label: &str) -> Option<String> {
    text.rsplit_once(label).map(|(name, _)| name.trim_end().to_owned())
}

/// The option that the declared operations call for.
///
/// Errors: what was asked and not declared, as a text.
pub(super) fn answer(question: &Question, declared: &[Operation]) -> Result<usize, String> {
    let undeclared = |why: &str| Err(format!("{}: {why}", question.text));
    let Some(subject) = &question.subject else { return undeclared("no declared operation is about this") };
    let found = declared.iter().find_map(|operation| choice_of(operation, subject));
    let Some(wanted) = found else {
        return undeclared(&format!("neither a rename nor a new {} of this name is declared", subject.kind));
    };
    match (question.options.iter().position(|option| *option == wanted), &wanted) {
        (Some(index), _) => Ok(index),
        (None, Choice::Rename { from, .. }) => {
            undeclared(&format!("the declared rename from `{from}` is not among the options"))
        }
        (None, Choice::Create(_)) => undeclared("there is no option to create it"),
    }
}

/// What a declared operation says to a question; none where it is not about it.
fn choice_of(operation: &Operation, subject: &Subject) -> Option<Choice> {
    let spelled = |name: &TableName, text: &str| name.name == text || format!("{}.{}", name.schema, name.name) == text;
    let on = |table: &TableName| subject.table.as_ref().is_some_and(|text| spelled(table, text));
    let create = || Some(Choice::Create(subject.name.clone()));
    match (operation, subject.kind.as_str()) {
        (Operation::RenameColumn { table, from, to }, "column") if on(table) && *to == subject.name => {
            Some(Choice::Rename { from: from.clone(), to: to.clone() })
        }
        (Operation::AddColumn { table, column, .. }, "column") if on(table) && *column == subject.name => create(),
        (Operation::RenameTable { table, to }, "table") if spelled(&table.beside(to), &subject.name) => {
            let spelled_from =
                if subject.name == *to { table.name.clone() } else { format!("{}.{}", table.schema, table.name) };
            Some(Choice::Rename { from: spelled_from, to: subject.name.clone() })
        }
        (Operation::CreateTable { table, .. }, "table") if spelled(table, &subject.name) => create(),
        (Operation::CreateEnum { name, .. }, "enum") if spelled(name, &subject.name) => create(),
        (Operation::CreateView { view, .. }, "view") if spelled(view, &subject.name) => create(),
        (Operation::CreatePolicy { table, name }, "policy") if on(table) && *name == subject.name => create(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::escapes::plain;
    use crate::sql::TableName;

    /// As drizzle-kit 0.31.11 drew it: the first picture, then the one after a press of Down.
    const RAW: &str = "\x1b[90mReading config file\x1b[39m\r\n\x1b[?25l\r\nIs \x1b[1m\x1b[34memail_address\x1b[39m\x1b[22m column in \x1b[1m\x1b[34musers\x1b[39m\x1b[22m table created or renamed from another column?\r\n\x1b[32m❯ \x1b[39m\x1b[32m+\x1b[39m email_address         \x1b[90mcreate column\x1b[39m\r\n  \x1b[33m~\x1b[39m email › email_address \x1b[90mrename column\x1b[39m";
    const DOWN: &str = "\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K\x1b[G\r\nIs \x1b[1m\x1b[34memail_address\x1b[39m\x1b[22m column in \x1b[1m\x1b[34musers\x1b[39m\x1b[22m table created or renamed from another column?\r\n  \x1b[32m+\x1b[39m email_address         \x1b[90mcreate column\x1b[39m\r\n\x1b[33m❯ \x1b[39m\x1b[33m~\x1b[39m email › email_address \x1b[90mrename column\x1b[39m";

    fn rename(from: &str) -> Operation {
        Operation::RenameColumn {
            table: TableName::new("public", "users"),
            from: from.into(),
            to: "email_address".into(),
        }
    }

    #[test]
    fn the_question_and_the_mark_are_read_off_the_last_picture() {
        let first = read(&plain(RAW)).unwrap();
        let subject = Subject { kind: "column".into(), name: "email_address".into(), table: Some("users".into()) };
        assert_eq!(first.subject, Some(subject));
        assert_eq!(first.marked, 0);
        assert_eq!(first.options[1], Choice::Rename { from: "email".into(), to: "email_address".into() });
        assert_eq!(read(&plain(&format!("{RAW}{DOWN}"))).unwrap().marked, 1);
    }

    #[test]
    fn only_a_declared_operation_answers() {
        let question = read(&plain(RAW)).unwrap();
        assert_eq!(answer(&question, &[rename("email")]), Ok(1));
        assert!(answer(&question, &[rename("mail")]).unwrap_err().contains("not among the options"));
        assert!(answer(&question, &[]).unwrap_err().contains("neither a rename"));
        let add = |table: &str| Operation::AddColumn {
            table: TableName::new("public", table),
            column: "email_address".into(),
            data_type: "text".into(),
            not_null: false,
            default: None,
        };
        assert_eq!(answer(&question, &[add("users")]), Ok(0));
        assert!(answer(&question, &[add("invites")]).is_err());
    }

    #[test]
    fn a_question_about_a_table_is_answered_by_its_declared_rename_alone() {
        let screen = "\nIs bookings table created or renamed from another table?\n❯ + bookings            create table\n  ~ sessions › bookings rename table";
        let question = read(screen).unwrap();
        let sessions = TableName::new("public", "sessions");
        assert_eq!(
            answer(&question, &[Operation::RenameTable { table: sessions.clone(), to: "bookings".into() }]),
            Ok(1)
        );
        let create = Operation::CreateTable { table: TableName::new("public", "bookings"), columns: Vec::new() };
        assert_eq!(answer(&question, &[create]), Ok(0));
        assert!(answer(&question, &[rename("email"), Operation::DropTable { table: sessions }]).is_err());
    }

    #[test]
    fn a_half_drawn_list_is_no_question_yet() {
        assert_eq!(read("Is a column in b table created or renamed from another column?\n❯ + a  cre"), None);
        assert_eq!(read("Is a column in b table created or renamed from another column?"), None);
    }
}
