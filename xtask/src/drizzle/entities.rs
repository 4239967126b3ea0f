//! A schema as drizzle-kit 1.x keeps it (version 9: one flat list of entities), brought into the form of version 7, so that both
//! layouts are compared by the same code.
//!
//! Invariant: no entity and no member is lost. What has no place in version 7 stands in a map of its own, under the name that
//! drizzle-kit gives to its kind, where a difference in it is seen.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::follow;
use super::snapshot::{self, Snapshot, string};
use crate::sql::TableName;

/// Brings a whole state (`id`, `prevIds`, `ddl`) into the form of version 7.
///
/// Errors: another dialect or version, a state without entities (a diff snapshot: drizzle-kit itself has to put those together).
pub(super) fn convert(state: &Value) -> Result<Snapshot, String> {
    let (dialect, version) = (string(state, "dialect"), string(state, "version"));
    if dialect != "postgres" || version != "9" {
        return Err(format!("dialect `{dialect}` version `{version}` is not supported"));
    }
    let Some(entities) = state.get("ddl").and_then(Value::as_array) else {
        return Err("it holds changes only, and not a whole schema".to_owned());
    };
    let mut snapshot = Snapshot::empty();
    snapshot.0["id"] = state["id"].clone();
    snapshot.0["prevId"] = state["prevIds"].get(0).cloned().unwrap_or_default();
    snapshot.0[snapshot::NAMES] = json!({});
    // Tables before what stands in them, columns before what leads to them.
    let rank = |entity: &Value| match string(entity, "entityType") {
        "tables" => 0,
        "columns" => 1,
        _ => 2,
    };
    let mut ordered: Vec<&Value> = entities.iter().collect();
    ordered.sort_by_key(|entity| rank(entity));
    for entity in ordered {
        place(&mut snapshot, entity).unwrap_or_else(|| keep(&mut snapshot.0, entity));
    }
    Ok(snapshot)
}

/// Puts an entity where version 7 has it; `None` where there is no such place.
fn place(snapshot: &mut Snapshot, entity: &Value) -> Option<()> {
    let name = string(entity, "name").to_owned();
    let schema = string(entity, "schema").to_owned();
    match string(entity, "entityType") {
        "tables" => {
            let mut table = members(entity, &["schema", "name"]);
            move_member(&mut table, "isRlsEnabled", "isRLSEnabled");
            table.insert("name".to_owned(), name.as_str().into());
            table.insert("schema".to_owned(), if schema == "public" { "" } else { &schema }.into());
            for map in TABLE_MAPS {
                table.insert((*map).to_owned(), json!({}));
            }
            insert(snapshot.0.get_mut("tables")?, format!("{schema}.{name}"), Value::Object(table))
        }
        "schemas" => insert(snapshot.0.get_mut("schemas")?, name.clone(), name.into()),
        "roles" => insert(snapshot.0.get_mut("roles")?, name, Value::Object(members(entity, &[]))),
        kind @ ("enums" | "views" | "sequences") => {
            let value = Value::Object(members(entity, &[]));
            insert(snapshot.0.get_mut(kind)?, format!("{schema}.{name}"), value)
        }
        _ => in_table(snapshot, entity, &TableName::new(&schema, string(entity, "table")), &name),
    }
}

/// What a table holds in version 7.
const TABLE_MAPS: &[&str] =
    &["columns", "indexes", "foreignKeys", "compositePrimaryKeys", "uniqueConstraints", "policies", "checkConstraints"];

fn in_table(snapshot: &mut Snapshot, entity: &Value, table: &TableName, name: &str) -> Option<()> {
    let mut value = members(entity, &["schema", "table", "nameExplicit"]);
    let map = match string(entity, "entityType") {
        "columns" => {
            column(&mut value);
            "columns"
        }
        "pks" => {
            let columns = value.get("columns")?.as_array()?;
            if let [only] = columns.as_slice()
                && entity["nameExplicit"] == false
            {
                let of_column =
                    snapshot.0["tables"].get_mut(snapshot::key(table))?["columns"].get_mut(only.as_str()?)?;
                of_column["primaryKey"] = true.into();
                snapshot.0[snapshot::NAMES][snapshot::key(table)]["primaryKey"][only.as_str()?] = name.into();
                return Some(());
            }
            "compositePrimaryKeys"
        }
        "indexes" => {
            index(&mut value);
            "indexes"
        }
        "uniques" => "uniqueConstraints",
        "checks" => "checkConstraints",
        "fks" => {
            foreign_key(&mut value, table);
            "foreignKeys"
        }
        "policies" => {
            move_member(&mut value, "roles", "to");
            "policies"
        }
        _ => return None,
    };
    // A name that the schema files do not give says nothing: drizzle-kit 1.x takes two such for the same whatever they are called,
    // and a renamed column leaves them as they were. They are told apart by what they are on.
    let implied = entity["nameExplicit"] == false;
    let standard = Value::Object(value.clone());
    let key = implied.then(|| follow::default_name(map, table, &standard)).flatten().unwrap_or_else(|| name.to_owned());
    value.insert("name".to_owned(), key.as_str().into());
    insert(snapshot.0["tables"].get_mut(snapshot::key(table))?.get_mut(map)?, key.clone(), Value::Object(value))?;
    if key != name {
        snapshot.0[snapshot::NAMES][snapshot::key(table)][map][key] = name.into();
    }
    Some(())
}

fn column(value: &mut Map<String, Value>) {
    let dimensions = value.remove("dimensions").as_ref().and_then(Value::as_u64).unwrap_or_default();
    let brackets = "[]".repeat(usize::try_from(dimensions).unwrap_or_default());
    if let Some(Value::String(data_type)) = value.get_mut("type") {
        data_type.push_str(&brackets);
    }
    value.insert("primaryKey".to_owned(), false.into());
}

fn index(value: &mut Map<String, Value>) {
    for column in value.get_mut("columns").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(column) = column.as_object_mut() else { continue };
        move_member(column, "value", "expression");
        if let Some(first) = column.remove("nullsFirst") {
            column.insert("nulls".to_owned(), if first == true { "first" } else { "last" }.into());
        }
        match column.remove("opclass") {
            // The type's own operator class is what an index has without any.
            Some(class) if class["default"] == true || class.is_null() => {}
            Some(class) => {
                column.insert("opclass".to_owned(), class.get("name").cloned().unwrap_or(class));
            }
            None => {}
        }
    }
    if value.get("with").and_then(Value::as_str) == Some("") {
        value.insert("with".to_owned(), json!({}));
    }
}

fn foreign_key(value: &mut Map<String, Value>, table: &TableName) {
    value.insert("tableFrom".to_owned(), table.name.as_str().into());
    move_member(value, "columns", "columnsFrom");
    for event in ["onUpdate", "onDelete"] {
        if let Some(Value::String(action)) = value.get_mut(event) {
            *action = action.to_lowercase();
        }
    }
}

/// The members of an entity without its kind, without these and without those that say nothing.
fn members(entity: &Value, without: &[&str]) -> Map<String, Value> {
    let told = |(key, value): &(&String, &Value)| {
        key.as_str() != "entityType" && !without.contains(&key.as_str()) && !value.is_null()
    };
    let all = entity.as_object().into_iter().flatten();
    all.filter(told).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn move_member(map: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = map.remove(from) {
        map.insert(to.to_owned(), value);
    }
}

/// Never over another one: that would be a loss.
fn insert(map: &mut Value, key: String, value: Value) -> Option<()> {
    let map = map.as_object_mut()?;
    if map.contains_key(&key) {
        return None;
    }
    map.insert(key, value);
    Some(())
}

/// An entity that version 7 does not know, whole, in a map of its kind.
fn keep(state: &mut Value, entity: &Value) {
    let kind = format!("other {}", string(entity, "entityType"));
    // Sorted, so that the order in which its members came makes no difference.
    let sorted: BTreeMap<&String, &Value> = entity.as_object().into_iter().flatten().collect();
    let text = json!(sorted).to_string();
    state[kind][text] = entity.clone();
}

#[cfg(test)]
mod tests {
    use super::super::diff;
    use super::*;

    /// One line each, as drizzle-kit 1.0.0-rc.5 gives them (`generateDrizzleJson`).
    const RICH: &str = r#"
{"name":"app","entityType":"schemas"}
{"schema":"public","name":"a","isRlsEnabled":true,"entityType":"tables"}
{"schema":"app","name":"b","isRlsEnabled":false,"entityType":"tables"}
{"schema":"app","name":"Mood","values":["sad","ok"],"entityType":"enums"}
{"schema":"public","table":"a","name":"id","type":"serial","typeSchema":null,"notNull":true,"dimensions":0,"default":null,"generated":null,"identity":null,"entityType":"columns"}
{"schema":"public","table":"a","name":"y","type":"varchar(20)","typeSchema":null,"notNull":false,"dimensions":0,"default":null,"generated":null,"identity":null,"entityType":"columns"}
{"schema":"public","table":"a","name":"m","type":"Mood","typeSchema":"app","notNull":false,"dimensions":1,"default":null,"generated":null,"identity":null,"entityType":"columns"}
{"schema":"app","table":"b","name":"p","type":"integer","typeSchema":null,"notNull":true,"dimensions":0,"default":null,"generated":null,"identity":null,"entityType":"columns"}
{"schema":"app","table":"b","name":"q","type":"integer","typeSchema":null,"notNull":true,"dimensions":0,"default":null,"generated":null,"identity":null,"entityType":"columns"}
{"schema":"public","table":"a","name":"ui","nameExplicit":true,"columns":[{"value":"y","isExpression":false,"asc":false,"nullsFirst":false,"opclass":null}],"isUnique":true,"where":"y is not null","with":"","method":"btree","concurrently":false,"entityType":"indexes"}
{"schema":"app","table":"b","name":"b_q_a_id_fkey","nameExplicit":false,"columns":["q"],"schemaTo":"public","tableTo":"a","columnsTo":["id"],"onUpdate":"NO ACTION","onDelete":"CASCADE","entityType":"fks"}
{"schema":"app","table":"b","name":"b_pkey","columns":["p","q"],"nameExplicit":false,"entityType":"pks"}
{"schema":"public","table":"a","name":"a_pkey","columns":["id"],"nameExplicit":false,"entityType":"pks"}
{"schema":"public","table":"a","name":"a_y_key","nameExplicit":false,"columns":["y"],"nullsNotDistinct":false,"entityType":"uniques"}
{"schema":"public","table":"a","name":"ck","value":"\"y\" <> ''","entityType":"checks"}
{"schema":"public","name":"seq","incrementBy":"1","startWith":"5","cacheSize":1,"cycle":false,"entityType":"sequences"}
{"name":"reader","superuser":false,"password":null,"entityType":"roles"}
{"schema":"public","table":"a","name":"p","as":"PERMISSIVE","for":"SELECT","roles":["reader"],"using":"true","withCheck":null,"entityType":"policies"}
{"schema":"public","name":"v","definition":"select \"id\" from \"a\"","with":null,"withNoData":null,"using":null,"tablespace":null,"materialized":false,"entityType":"views"}
"#;

    fn state(lines: &str) -> Value {
        let entities: Vec<Value> = lines.trim().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        json!({ "version": "9", "dialect": "postgres", "id": "B", "prevIds": ["A"], "ddl": entities })
    }

    #[test]
    fn a_list_of_entities_becomes_what_version_7_has() {
        let snapshot = convert(&state(RICH)).unwrap();
        assert_eq!((snapshot.id(), snapshot.prev_id()), ("B", "A"));
        let a = &snapshot.0["tables"]["public.a"];
        assert_eq!((&a["schema"], &a["isRLSEnabled"]), (&json!(""), &json!(true)));
        assert_eq!(a["columns"]["id"], json!({ "name": "id", "type": "serial", "notNull": true, "primaryKey": true }));
        assert_eq!(diff::data_type(&a["columns"]["m"]), r#""app"."Mood"[]"#);
        assert_eq!(a["indexes"]["ui"]["columns"][0]["expression"], "y");
        assert_eq!(a["policies"]["p"]["to"], json!(["reader"]));
        let b = &snapshot.0["tables"]["app.b"];
        assert_eq!(b["foreignKeys"]["b_q_a_id_fk"]["onDelete"], "cascade");
        assert_eq!(b["compositePrimaryKeys"]["b_p_q_pk"]["columns"], json!(["p", "q"]));
        assert_eq!(snapshot.name_in_database("public.a", "uniqueConstraints", "a_y_unique"), "a_y_key");
        assert_eq!(snapshot.name_in_database("public.a", "indexes", "ui"), "ui");
        assert!(diff::differences(&Snapshot::empty(), &snapshot, &[]).len() > 6);
        assert_eq!(diff::differences(&snapshot, &snapshot, &[]), []);
    }

    #[test]
    fn a_name_that_the_schema_files_do_not_give_is_no_difference_and_every_other_member_is() {
        let before = convert(&state(RICH)).unwrap();
        let words = |from: &str, to: &str| {
            assert!(RICH.contains(from), "{from}");
            let after = convert(&state(&RICH.replace(from, to))).unwrap();
            diff::differences(&before, &after, &[]).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(words("a_y_key", "a_old_unique"), [] as [&str; 0]);
        for (from, to) in [
            ("\"name\":\"ui\"", "\"name\":\"uj\""),
            ("\"nullsNotDistinct\":false", "\"nullsNotDistinct\":true"),
            ("\"onDelete\":\"CASCADE\"", "\"onDelete\":\"RESTRICT\""),
            ("\"nullsFirst\":false", "\"nullsFirst\":true"),
            ("\"dimensions\":1", "\"dimensions\":2"),
            ("\"isRlsEnabled\":true", "\"isRlsEnabled\":false"),
            ("\"withCheck\":null", "\"withCheck\":\"false\""),
            ("\"password\":null", "\"password\":\"x\""),
            ("\"cycle\":false,\"entityType\"", "\"cycle\":false,\"future\":1,\"entityType\""),
            ("\"columns\":[\"id\"]", "\"columns\":[\"y\"]"),
            ("\"tablespace\":null", "\"tablespace\":\"fast\""),
        ] {
            assert_ne!(words(from, to), [] as [&str; 0], "{from}");
        }
    }

    #[test]
    fn what_version_7_does_not_know_is_a_difference_all_the_same() {
        let before = convert(&state(RICH)).unwrap();
        for line in [
            r#"{"grantor":"postgres","grantee":"reader","schema":"public","table":"a","type":"SELECT","entityType":"privileges"}"#,
            r#"{"schema":"public","table":"gone","name":"x","type":"text","entityType":"columns"}"#,
            r#"{"schema":"public","table":"a","name":"twin","nameExplicit":false,"columns":["y"],"nullsNotDistinct":true,"entityType":"uniques"}"#,
        ] {
            let after = convert(&state(&format!("{}\n{line}", RICH.trim()))).unwrap();
            assert_eq!(diff::differences(&before, &after, &[]).len(), 1, "{line}");
        }
    }

    #[test]
    fn a_diff_snapshot_or_another_version_is_not_taken_for_a_schema() {
        let mut diff = state(RICH);
        diff.as_object_mut().unwrap().remove("ddl");
        assert!(convert(&diff).unwrap_err().contains("changes only"));
        let mut old = state(RICH);
        old["version"] = "8".into();
        assert!(convert(&old).unwrap_err().contains("version `8`"));
    }
}
