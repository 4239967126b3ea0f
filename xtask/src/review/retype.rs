//! One change of a column's type, with all that its hazards ask: from what to what, what USING does, and what it costs here.
//!
//! Invariant: where the old type is not known, the change is not taken for a cheap one.

use super::catalog::{Column, Kind};
use super::hazard::Site;
use super::surroundings::is_utc;
use super::types::{self, Change, casts};
use crate::sql::TableName;
use crate::sql::action::Action;

pub(super) struct Retype<'s> {
    pub table: &'s TableName,
    pub column: &'s str,
    pub to: &'s str,
    pub using: Option<&'s str>,
    pub collation: Option<&'s str>,
    pub known: Option<Column>,
    /// USING casts the column, to nothing but the new type or through other types.
    pub casts: Option<Vec<String>>,
}

/// What it costs, with the reason where a time zone decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    Free(&'static str),
    Rewrites(String),
    /// It depends on the session's time zone.
    Zone,
    Unknown,
}

impl<'s> Retype<'s> {
    /// `None` for anything else, and for a table or a column of the reviewed files.
    pub(super) fn read(site: &mut Site<'s, '_>) -> Option<Retype<'s>> {
        let Action::ChangeType { table, column, data_type, using, collation } = site.action else { return None };
        if site.facts.is_new(table, site.at.file) {
            return None;
        }
        let known = site.facts.column(table, column);
        if known.as_ref().is_some_and(|column| column.in_database.is_none()) {
            return None;
        }
        Some(Retype {
            table,
            column,
            to: data_type,
            using: using.as_deref(),
            collation: collation.as_deref(),
            casts: using.as_deref().and_then(|using| casts(using, column)),
            known,
        })
    }

    pub(super) fn from(&self) -> Option<&str> {
        self.known.as_ref().map(|column| column.data_type.as_str()).filter(|of| !of.is_empty())
    }

    /// `integer to bigint`
    pub(super) fn words(&self) -> String {
        match self.from() {
            Some(from) => format!("from {from} to {}", self.to),
            None => format!("to {}", self.to),
        }
    }

    /// USING does more than to name the column with its new type.
    fn computes(&self) -> bool {
        let to = types::parse(self.to);
        match (self.using, &self.casts) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(_), Some(casts)) => casts.iter().any(|of| types::parse(of) != to),
        }
    }

    pub(super) fn cost(&self, site: &mut Site<'_, '_>) -> Cost {
        match types::change(self.from(), self.to, self.computes()) {
            Change::Free => Cost::Free("both are stored alike"),
            Change::Unknown => Cost::Unknown,
            Change::Rewrites => Cost::Rewrites(String::new()),
            Change::DependsOnTimeZone if site.facts.major.is_some_and(|major| major < 12) => {
                Cost::Rewrites(String::new())
            }
            Change::DependsOnTimeZone => match site.facts.time_zone() {
                Some(zone) if is_utc(&zone) => Cost::Free("the session is at UTC"),
                Some(zone) => Cost::Rewrites(format!("the session's time zone is {zone}, not UTC")),
                None => Cost::Zone,
            },
        }
    }

    /// Indexes over the column by name.
    pub(super) fn indexes(&self, site: &mut Site<'_, '_>) -> Vec<String> {
        let facts = site.facts.table(self.table).unwrap_or_default();
        let over =
            facts.indexes.of(self.column).filter(|(_, index)| index.columns.iter().any(|name| name == self.column));
        over.map(|(name, _)| name.clone()).collect()
    }

    /// Foreign keys of the column, which are checked anew.
    pub(super) fn foreign_keys(&self, site: &mut Site<'_, '_>) -> Vec<String> {
        let facts = site.facts.table(self.table).unwrap_or_default();
        let over = facts.constraints.of(self.column).filter(|(_, constraint)| {
            constraint.kind == Kind::ForeignKey && constraint.columns.iter().any(|name| name == self.column)
        });
        over.map(|(name, _)| name.clone()).collect()
    }

    /// The labels of the new type, where it is an enum and they are known.
    pub(super) fn labels(&self, site: &mut Site<'_, '_>) -> Option<Vec<String>> {
        let of = site.facts.enumeration(&types::named(self.to)?)?;
        Some(of.values).filter(|values| !values.is_empty())
    }

    /// An enum that is made again with other values, in place of the one or beside it: told as that.
    pub(super) fn makes_enum_again(&self, site: &mut Site<'_, '_>) -> bool {
        let mut of = |text: &str| types::named(text).and_then(|name| site.facts.enumeration(&name));
        let Some(new) = of(self.to).filter(|new| new.made.is_some()) else { return false };
        new.before.is_some() || self.from().and_then(of).is_some()
    }
}
