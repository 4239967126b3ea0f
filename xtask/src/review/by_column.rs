//! What a table has by name, constraints and indexes, found again by a column that it is about.
//!
//! Invariant: whatever names a column is among those found by it; more may be, so who asks looks at each. Asking costs what is found, not
//! what the table has.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap as HashMap;

/// Something about columns.
pub trait AboutColumns {
    fn columns(&self) -> &[String];
    fn columns_mut(&mut self) -> &mut Vec<String>;
    /// A text that may name more of them.
    fn text(&self) -> Option<&str>;
}

/// By name, in the order of the names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByColumn<T> {
    /// In boxes: a map keeps room for eleven from its first on, and most tables have one or two.
    all: BTreeMap<String, Box<T>>,
    /// Names by the first word of a column. Those that are gone or have changed stay.
    words: HashMap<String, BTreeSet<String>>,
}

impl<T> Default for ByColumn<T> {
    fn default() -> Self {
        ByColumn { all: BTreeMap::new(), words: HashMap::default() }
    }
}

impl<T> ByColumn<T> {
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        self.all.get(name).map(|part| &**part)
    }

    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &T)> {
        self.all.iter().map(|(name, part)| (name, &**part))
    }

    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.all.keys()
    }

    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.all.values().map(|part| &**part)
    }
}

impl<T: AboutColumns> ByColumn<T> {
    pub fn insert(&mut self, name: String, part: T) {
        let texts = part.columns().iter().map(String::as_str).chain(part.text());
        for word in texts.flat_map(words) {
            self.words.entry(word).or_default().insert(name.clone());
        }
        self.all.insert(name, Box::new(part));
    }

    pub fn remove(&mut self, name: &str) -> Option<T> {
        self.all.remove(name).map(|part| *part)
    }

    /// For changes that leave the columns as they are.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.all.get_mut(name).map(|part| &mut **part)
    }

    /// Those that may be about a column.
    pub fn of<'t>(&'t self, column: &str) -> Box<dyn Iterator<Item = (&'t String, &'t T)> + 't> {
        match words(column).next() {
            None => Box::new(self.iter()),
            Some(word) => {
                let names = self.words.get(&word).into_iter().flatten();
                Box::new(names.filter_map(|name| self.all.get_key_value(name).map(|(name, part)| (name, &**part))))
            }
        }
    }

    fn names_of(&self, column: &str) -> Vec<String> {
        let about = self.of(column).filter(|(_, part)| part.columns().iter().any(|of| of == column));
        about.map(|(name, _)| name.clone()).collect()
    }

    /// Takes out all that a column takes with it.
    pub fn drop_column(&mut self, column: &str) {
        for name in self.names_of(column) {
            self.all.remove(&name);
        }
    }

    pub fn rename_column(&mut self, from: &str, to: &str) {
        for name in self.names_of(from) {
            let Some(mut part) = self.all.remove(&name) else { continue };
            part.columns_mut().iter_mut().filter(|column| *column == from).for_each(|column| to.clone_into(column));
            self.insert(name, *part);
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{Constraint, Kind};
    use super::*;

    fn check(columns: &[&str], expression: Option<&str>) -> Constraint {
        Constraint {
            kind: Kind::Check,
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            expression: expression.map(str::to_owned),
            valid: true,
            references: None,
            added: None,
        }
    }

    #[test]
    fn ten_thousand_others_are_not_looked_at_for_one_column() {
        let mut all = ByColumn::default();
        for number in 0..10_000 {
            all.insert(format!("k_{number}"), check(&[], Some(&format!("\"C {number}\" IS NOT NULL"))));
            all.insert(format!("u_{number}"), check(&[&format!("d_{number}")], None));
        }
        let found =
            |all: &ByColumn<Constraint>, column: &str| all.of(column).map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(found(&all, "d_17"), ["u_17"]);
        all.rename_column("d_17", "e");
        assert_eq!((found(&all, "e"), found(&all, "d_18")), (vec!["u_17".to_owned()], vec!["u_18".to_owned()]));
        all.drop_column("e");
        assert!(found(&all, "e").is_empty() && found(&all, "C 9").contains(&"k_9".to_owned()));
    }
}
