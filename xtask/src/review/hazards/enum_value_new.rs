//! H71: readers meet an enum value that they do not know.

use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::sql::action::Action;
use crate::sql::names::literal;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H71",
    title: "a new enum value reaches old readers",
    class: Class::BreaksCode,
    danger: "Nothing is locked or written. Once a row holds the value, code of before reads a text that its list of values has not, and it \
             cannot be taken out of the type again. It sorts where it was placed, by default last.",
    decided: None,
    safe: "deploy the readers that know the value before the first writer",
    aka: &[("squawk", &["ban-add-enum-value", "require-enum-value-ordering"]), ("eugene", &["W13"])],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::AddEnumValue { name, value, .. } = site.action else { return };
    let known = site.facts.enumeration(name);
    if known.is_some_and(|known| known.made.is_some() || known.values.contains(value)) {
        return;
    }
    site.find(
        Draft::new(Severity::Note, format!("code of before does not know the value {} of {name}", literal(value)))
            .remedy("deploy the readers that know it before anything writes it"),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_type_that_was_there_and_not_on_a_new_one() {
        fires("H71", "ALTER TYPE mood ADD VALUE 'ok'");
        silent("H71", "CREATE TYPE mood AS ENUM ('bad'); ALTER TYPE mood ADD VALUE 'ok'");
    }
}
