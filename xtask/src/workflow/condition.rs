//! `when = "step.value == 'text'"`: the one form of condition, on captured values.

use std::collections::BTreeMap;

#[derive(Debug, PartialEq, Eq)]
pub struct Condition {
    pub name: String,
    pub equal: bool,
    pub value: String,
}

#[must_use]
pub fn parse(text: &str) -> Option<Condition> {
    let (equal, (name, value)) = match text.split_once("!=") {
        Some(sides) => (false, sides),
        None => (true, text.split_once("==")?),
    };
    let value = value.trim();
    let unquoted = ['\'', '"'].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))?;
    let name = name.trim();
    name.contains('.').then(|| Condition { name: name.to_owned(), equal, value: unquoted.to_owned() })
}

impl Condition {
    /// A value that was never captured makes the condition false either way: nothing runs on an absent fact.
    #[must_use]
    pub fn holds(&self, captured: &BTreeMap<String, String>) -> bool {
        captured.get(&self.name).is_some_and(|value| (*value == self.value) == self.equal)
    }
}
