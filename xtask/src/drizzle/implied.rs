//! Names of constraints and indexes that the schema files do not give.
//!
//! drizzle-kit 1.x makes them up by another rule than 0.x, and leaves a name as it was when a table or column gets another one. For
//! it the two are the same (1.0.0-rc.5: `nameExplicit` false on both sides), so that two databases which differ in nothing else do.

use std::collections::BTreeSet;

use serde_json::Value;

use super::snapshot::{self, NAMES, Snapshot};
use crate::sql::TableName;
use crate::sql::names::quote;

/// Statements that give the names of `to` to a database which is called as `from` says.
#[must_use]
pub fn renames(from: &Snapshot, to: &Snapshot) -> Vec<String> {
    let (mut away, mut back) = (Vec::new(), Vec::new());
    for (table, map, key) in named_otherwise(from).union(&named_otherwise(to)) {
        let (old, new) = (from.name_in_database(table, map, key), to.name_in_database(table, map, key));
        let Some(value) = from.map("tables").get(table).filter(|_| old != new) else { continue };
        let on = snapshot::named(table, value);
        // By way of a name that nobody has: one may be called as another was.
        let between = format!("implied name {}", away.len());
        let rename = |old: &str, new: &str| match map.as_str() {
            "indexes" => {
                format!("ALTER INDEX {} RENAME TO {};", TableName::new(&on.schema, old).quoted(), quote(new))
            }
            _ => format!("ALTER TABLE {} RENAME CONSTRAINT {} TO {};", on.quoted(), quote(old), quote(new)),
        };
        away.push(rename(old, &between));
        back.push(rename(&between, new));
    }
    away.append(&mut back);
    away
}

fn named_otherwise(snapshot: &Snapshot) -> BTreeSet<(String, String, String)> {
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let mut found = BTreeSet::new();
    for (table, maps) in members(snapshot.0.get(NAMES).unwrap_or(&Value::Null)) {
        for (map, keys) in members(&maps) {
            found.extend(members(&keys).into_iter().map(|(key, _)| (table.clone(), map.clone(), key)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_names_that_differ_are_given_and_none_stands_in_the_way_of_another() {
        let snapshot = |unique: &str, other: &str| {
            let mut snapshot = Snapshot::empty();
            snapshot.0["tables"]["public.users"] = json!({ "name": "users", "schema": "" });
            snapshot.0[NAMES] = json!({ "public.users": {
                "uniqueConstraints": { "users_email_unique": unique, "users_name_unique": other },
                "primaryKey": { "id": "users_pkey" },
            } });
            snapshot
        };
        assert_eq!(renames(&snapshot("a", "b"), &snapshot("a", "b")), [] as [&str; 0]);
        let expected = [
            r#"ALTER TABLE "public"."users" RENAME CONSTRAINT "a" TO "implied name 0";"#,
            r#"ALTER TABLE "public"."users" RENAME CONSTRAINT "b" TO "implied name 1";"#,
            r#"ALTER TABLE "public"."users" RENAME CONSTRAINT "implied name 0" TO "b";"#,
            r#"ALTER TABLE "public"."users" RENAME CONSTRAINT "implied name 1" TO "a";"#,
        ];
        assert_eq!(renames(&snapshot("a", "b"), &snapshot("b", "a")), expected);
    }
}
