//! The reviewed files, read: every action with its place, in which transaction it runs, and what comes before and after it on a table.
//!
//! Looking back and ahead goes by table, so that a file of ten thousand statements costs no more than ten thousand times one.

use std::cell::OnceCell;
use std::ops::Range;

use rustc_hash::FxHashMap as HashMap;

use super::advisory;
use super::named;
use super::set::{Set, Transaction};
use super::types::{self, Type};
use crate::sql::TableName;
use crate::sql::action::{Action, Control};
use crate::sql::guard::{self, Guarded, Remarks};
use crate::sql::statements::Parsed;

/// One action's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    pub file: usize,
    pub statement: usize,
    pub action: usize,
}

pub struct Scene {
    pub files: Vec<File>,
    by_table: HashMap<TableName, OnTable>,
    /// Where views, functions, domains and other objects are made, by name.
    made: HashMap<TableName, Vec<At>>,
    /// Where a view, a trigger or a schema of this bare name comes or goes, or something takes the name.
    called: HashMap<String, Vec<At>>,
    /// The first of which nobody knows what it makes.
    opaque: Option<At>,
    /// Where tables are made, by each of their columns; looked up first when somebody asks.
    with_column: OnceCell<HashMap<String, Vec<At>>>,
}

/// The actions on a table, in order; what is looked up among them is found out first when somebody asks.
#[derive(Default)]
struct OnTable {
    all: Vec<At>,
    by_part: OnceCell<HashMap<String, Vec<At>>>,
    by_type: OnceCell<HashMap<Type, Vec<At>>>,
}

pub struct File {
    pub parsed: Result<Parsed, String>,
    /// Of squawk-linter's rules.
    pub remarks: Remarks,
    /// Who opens the transactions.
    pub transaction: Transaction,
    /// For each statement the transaction that it runs in.
    pub transactions: Vec<Span>,
}

/// A transaction, and whether anything else can be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub number: usize,
    /// A block, so that what refuses one fails, and locks outlive the statement.
    pub block: bool,
}

impl Scene {
    #[must_use]
    pub fn read(set: &Set) -> Scene {
        let mut scene = Scene {
            files: Vec::new(),
            by_table: HashMap::default(),
            made: HashMap::default(),
            called: HashMap::default(),
            opaque: None,
            with_column: OnceCell::new(),
        };
        let mut number = 0;
        let mut open = false;
        let texts: Vec<&str> = set.files.iter().map(|source| source.text.as_str()).collect();
        for (source, (guarded, remarks)) in set.files.iter().zip(guard::remarked(&texts, advisory::rules())) {
            let parsed = match guarded {
                Guarded::Parsed(parsed) => Ok(parsed),
                Guarded::NotParsed { why } => Err(why),
            };
            if source.transaction != Transaction::Set || scene.files.is_empty() {
                number += 1;
                open = source.transaction != Transaction::Own;
            }
            let mut transactions = Vec::new();
            for statement in parsed.iter().flat_map(|parsed| &parsed.statements) {
                let control = statement.actions.iter().find_map(|action| match action {
                    Action::Transaction(control) => Some(*control),
                    _ => None,
                });
                if !open {
                    number += 1;
                }
                match control {
                    Some(Control::Begin) => open = true,
                    Some(Control::Commit | Control::Rollback) => {
                        transactions.push(Span { number, block: true });
                        open = source.transaction == Transaction::Message;
                        number += usize::from(open);
                        continue;
                    }
                    _ => {}
                }
                transactions.push(Span { number, block: open });
            }
            let file = scene.files.len();
            for (place, statement) in parsed.iter().flat_map(|parsed| &parsed.statements).enumerate() {
                for (action, found) in statement.actions.iter().enumerate() {
                    let at = At { file, statement: place, action };
                    for table in found.tables() {
                        scene.by_table.entry(table.clone()).or_default().all.push(at);
                    }
                    if let Action::CreateView { name, .. }
                    | Action::CreateRoutine { name, .. }
                    | Action::CreateDomain { name, .. }
                    | Action::CreateOther { name, .. } = found
                    {
                        scene.made.entry(name.clone()).or_default().push(at);
                    }
                    if let Some(name) = taken(found) {
                        scene.called.entry(name.to_owned()).or_default().push(at);
                    }
                    if scene.opaque.is_none() && is_opaque(found) {
                        scene.opaque = Some(at);
                    }
                }
            }
            scene.files.push(File { parsed, remarks, transaction: source.transaction, transactions });
        }
        scene
    }

    #[must_use]
    pub fn action(&self, at: At) -> Option<&Action> {
        self.files.get(at.file)?.parsed.as_ref().ok()?.statements.get(at.statement)?.actions.get(at.action)
    }

    /// The line of its statement.
    #[must_use]
    pub fn line(&self, at: At) -> usize {
        let parsed = self.files.get(at.file).and_then(|file| file.parsed.as_ref().ok());
        parsed.and_then(|parsed| parsed.statements.get(at.statement)).map_or(0, |statement| statement.line)
    }

    /// The text of its statement.
    #[must_use]
    pub fn text(&self, at: At) -> Option<&str> {
        let parsed = self.files.get(at.file)?.parsed.as_ref().ok()?;
        parsed.statements.get(at.statement).map(|statement| statement.text.as_str())
    }

    /// All actions with their places.
    pub fn all(&self) -> impl Iterator<Item = (At, &Action)> {
        self.files.iter().enumerate().flat_map(|(file, read)| {
            let statements = read.parsed.iter().flat_map(|parsed| &parsed.statements).enumerate();
            statements.flat_map(move |(place, statement)| {
                let actions = statement.actions.iter().enumerate();
                actions.map(move |(action, found)| (At { file, statement: place, action }, found))
            })
        })
    }

    #[must_use]
    pub fn span(&self, at: At) -> Span {
        let found = self.files.get(at.file).and_then(|file| file.transactions.get(at.statement));
        found.copied().unwrap_or(Span { number: 0, block: true })
    }

    #[must_use]
    pub fn same_transaction(&self, one: At, other: At) -> bool {
        let (one, other) = (self.span(one), self.span(other));
        one.number == other.number && one.block
    }

    /// Actions on a table after this one, nearest first.
    pub fn later<'s>(&'s self, table: &TableName, at: At) -> impl Iterator<Item = (At, &'s Action)> {
        let (_, later) = self.around(table, at);
        self.on(table, later)
    }

    /// Actions on a table before this one, in order.
    pub fn earlier<'s>(&'s self, table: &TableName, at: At) -> impl Iterator<Item = (At, &'s Action)> {
        let (earlier, _) = self.around(table, at);
        self.on(table, earlier)
    }

    /// Actions of one file on a table, in order.
    pub fn in_file<'s>(&'s self, table: &TableName, file: usize) -> impl Iterator<Item = (At, &'s Action)> {
        let all = self.by_table.get(table).map_or(&[][..], |on| on.all.as_slice());
        let range = all.partition_point(|place| place.file < file)..all.partition_point(|place| place.file <= file);
        self.on(table, range)
    }

    /// The same after this one, of those alone that name a part of the table.
    pub fn later_of<'s>(&'s self, table: &TableName, part: &str, at: At) -> impl Iterator<Item = (At, &'s Action)> {
        let all = self.of(table, part);
        self.actions(&all[all.partition_point(|place| *place <= at)..])
    }

    /// The same before this one.
    pub fn earlier_of<'s>(&'s self, table: &TableName, part: &str, at: At) -> impl Iterator<Item = (At, &'s Action)> {
        let all = self.of(table, part);
        self.actions(&all[..all.partition_point(|place| *place < at)])
    }

    /// Where columns of a type are added to a table.
    pub fn added<'s>(&'s self, table: &TableName, data_type: &Type) -> impl Iterator<Item = (At, &'s Action)> {
        let of_type = |on: &'s OnTable| {
            let by_type = on.by_type.get_or_init(|| {
                let mut found: HashMap<Type, Vec<At>> = HashMap::default();
                for (at, action) in self.actions(&on.all) {
                    if let Action::AddColumn(added) = action {
                        found.entry(types::parse(&added.data_type)).or_default().push(at);
                    }
                }
                found
            });
            by_type.get(data_type)
        };
        self.actions(self.by_table.get(table).and_then(of_type).map_or(&[], Vec::as_slice))
    }

    /// Where a view, a function, a domain or another object of this name is made after this one.
    pub fn made_later<'s>(&'s self, name: &TableName, at: At) -> impl Iterator<Item = (At, &'s Action)> {
        let all = self.made.get(name).map_or(&[][..], Vec::as_slice);
        self.actions(&all[all.partition_point(|place| *place <= at)..])
    }

    /// What came before of the views, triggers and schemas of this bare name, and of what takes it.
    pub fn called_before<'s>(&'s self, name: &str, at: At) -> impl Iterator<Item = &'s Action> {
        let all = self.called.get(name).map_or(&[][..], Vec::as_slice);
        self.actions(&all[..all.partition_point(|place| *place < at)]).map(|(_, action)| action)
    }

    /// Whether something ran before of which nobody knows what it made.
    #[must_use]
    pub fn is_opaque_before(&self, at: At) -> bool {
        self.opaque.is_some_and(|first| first < at)
    }

    /// Where tables are made that have the rarest of these columns.
    pub fn tables_with<'s>(&'s self, columns: &[&String]) -> impl Iterator<Item = (At, &'s Action)> {
        let with_column = self.with_column.get_or_init(|| {
            let mut found: HashMap<String, Vec<At>> = HashMap::default();
            for (at, action) in self.all() {
                let Action::CreateTable(create) = action else { continue };
                create.columns.iter().for_each(|column| found.entry(column.column.clone()).or_default().push(at));
            }
            found
        });
        let places = columns.iter().map(|column| with_column.get(*column).map_or(&[][..], Vec::as_slice));
        self.actions(places.min_by_key(|places| places.len()).unwrap_or_default())
    }

    fn of(&self, table: &TableName, part: &str) -> &[At] {
        let Some(on) = self.by_table.get(table) else { return &[] };
        let by_part = on.by_part.get_or_init(|| {
            let mut found: HashMap<String, Vec<At>> = HashMap::default();
            for (at, action) in self.actions(&on.all) {
                for part in named::parts(action) {
                    let places = found.entry(part.to_owned()).or_default();
                    if places.last() != Some(&at) {
                        places.push(at);
                    }
                }
            }
            found
        });
        by_part.get(part).map_or(&[], Vec::as_slice)
    }

    fn around(&self, table: &TableName, at: At) -> (Range<usize>, Range<usize>) {
        let all = self.by_table.get(table).map_or(&[][..], |on| on.all.as_slice());
        (0..all.partition_point(|place| *place < at), all.partition_point(|place| *place <= at)..all.len())
    }

    fn on<'s>(&'s self, table: &TableName, places: Range<usize>) -> impl Iterator<Item = (At, &'s Action)> + use<'s> {
        let all = self.by_table.get(table).map_or(&[][..], |on| on.all.as_slice());
        self.actions(&all[places])
    }

    fn actions<'s>(&'s self, places: &'s [At]) -> impl Iterator<Item = (At, &'s Action)> + use<'s> {
        places.iter().filter_map(|at| Some((*at, self.action(*at)?)))
    }
}

/// The bare name that a view, a trigger or a schema comes or goes with, or that something is given.
fn taken(action: &Action) -> Option<&str> {
    match action {
        Action::CreateView { name, .. } | Action::SetSchema { name, .. } => Some(&name.name),
        Action::RenameOther { to, .. } => Some(to),
        Action::CreateTrigger { name, .. } => Some(name),
        Action::DropOther { kind, name, .. } if kind == "schema" => Some(&name.name),
        _ => None,
    }
}

fn is_opaque(action: &Action) -> bool {
    match action {
        Action::Dynamic | Action::Other { .. } | Action::AlterExtension { .. } => true,
        Action::Select { calls } => !calls.is_empty(),
        Action::CreateOther { kind, .. } => kind == "extension",
        _ => false,
    }
}
