//! The flags of `start` that declare operations: one for each kind, read by [`flags`], in the order in which they were typed.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::sql::{Operation, TableName, flags};

/// Flags as typed: name and value.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    flags: Vec<(String, String)>,
    custom: Option<String>,
    touches: Vec<String>,
    writes: Vec<String>,
}

impl Declared {
    /// The operations that they declare.
    pub fn operations(&self) -> anyhow::Result<Vec<Operation>> {
        let mut found =
            self.flags.iter().map(|(flag, text)| flags::read(flag, text)).collect::<anyhow::Result<Vec<_>>>()?;
        found.extend(self.custom.as_ref().map(|what| Operation::Custom {
            what: what.clone(),
            tables: self.touches.iter().cloned().map(TableName::from).collect(),
            writes: self.writes.clone(),
        }));
        Ok(found)
    }
}

const CUSTOM: [(&str, &str, &str); 3] = [
    ("custom", "WHAT", "SQL of your own (a function, a trigger, data), in a few words"),
    ("touches", "TABLE", "With --custom: a table that it reads or writes"),
    ("writes", "TABLE.COLUMN", "With --custom: a column whose values it changes"),
];

impl Args for Declared {
    fn augment_args(command: Command) -> Command {
        let command = flags::FLAGS.iter().fold(command, |command, (name, form, example, _)| {
            let help = format!("{}: {example}", words(name));
            command.arg(Arg::new(*name).long(*name).value_name(*form).action(ArgAction::Append).help(help))
        });
        CUSTOM.iter().fold(command, |command, (name, value, help)| {
            let arg = Arg::new(*name).long(*name).value_name(*value).help(*help);
            command.arg(if *name == "custom" {
                arg.action(ArgAction::Set)
            } else {
                arg.action(ArgAction::Append).value_delimiter(',').requires("custom")
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// `rename-table` as a person says it.
fn words(flag: &str) -> String {
    match flag {
        "rename" => "Rename a column".to_owned(),
        "add" => "Add a column".to_owned(),
        "retype" => "Change a column's type".to_owned(),
        "not-null" => "Forbid null".to_owned(),
        "nullable" => "Allow null".to_owned(),
        "unique" => "Add a unique constraint".to_owned(),
        "check" => "Add a check".to_owned(),
        "foreign-key" => "Add a foreign key, or change what becomes of its rows".to_owned(),
        "index" => "Add an index".to_owned(),
        flag => {
            let mut chars = flag.chars().map(|c| if c == '-' { ' ' } else { c });
            chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
        }
    }
}

impl FromArgMatches for Declared {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut found: Vec<(usize, String, String)> = Vec::new();
        for (name, ..) in flags::FLAGS {
            let values = matches.get_many::<String>(name).into_iter().flatten();
            let places = matches.indices_of(name).into_iter().flatten();
            found.extend(places.zip(values).map(|(at, value)| (at, (*name).to_owned(), value.clone())));
        }
        found.sort();
        let all = |name: &str| matches.get_many::<String>(name).into_iter().flatten().cloned().collect();
        Ok(Declared {
            flags: found.into_iter().map(|(_, name, value)| (name, value)).collect(),
            custom: matches.get_one::<String>("custom").cloned(),
            touches: all("touches"),
            writes: all("writes"),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
