//! What the catalog of tables does not hold: how views and routines are defined, who may see which rows, and what is replicated.
//!
//! Witnesses in one order: the reviewed files until here, then the database that may be asked, then the files before. Invariant: what
//! nobody knows is `None`, and not the default of PostgreSQL.

use rustc_hash::FxHashMap as HashMap;

use super::facts::Facts;
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::statements::Statement;

/// What the statements said so far.
#[derive(Default)]
pub struct Behaviour {
    /// Whether all that ran before the reviewed files was read.
    pub history: bool,
    definitions: HashMap<TableName, String>,
    tables: HashMap<TableName, Said>,
    roles: Vec<String>,
}

#[derive(Clone, Default)]
struct Said {
    secured: Option<bool>,
    forced: Option<bool>,
    published: bool,
    identity: Option<String>,
}

/// Who sees which rows of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    pub enabled: bool,
    pub forced: bool,
    /// In the database, before the reviewed files.
    pub policies: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replication {
    pub published: bool,
    /// `default`, `full`, `nothing`, `index`.
    pub identity: String,
    /// Whether a database said so.
    pub live: bool,
}

/// How a name was defined before this statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Defined {
    Unknown,
    /// There was nothing of this name.
    New,
    Text(String),
    /// The database has it.
    Live,
}

impl Behaviour {
    #[must_use]
    pub fn after(history: bool) -> Behaviour {
        Behaviour { history, ..Behaviour::default() }
    }

    /// Takes note of what a statement says.
    pub fn take(&mut self, statement: &Statement) {
        for action in &statement.actions {
            match action {
                Action::CreateView { name, .. } | Action::CreateRoutine { name, .. } => {
                    self.definitions.insert(name.clone(), statement.text.clone());
                }
                Action::DropView { name, .. } | Action::DropOther { name, .. } => drop(self.definitions.remove(name)),
                Action::RowSecurity { table, enable, force } => {
                    let said = self.tables.entry(table.clone()).or_default();
                    *(if *force { &mut said.forced } else { &mut said.secured }) = Some(*enable);
                }
                Action::ReplicaIdentity { table, identity } => {
                    self.tables.entry(table.clone()).or_default().identity = Some(identity.clone());
                }
                Action::Publication { verb, tables, .. } if verb != "drop" && !drops_tables(statement) => {
                    for table in tables {
                        self.tables.entry(table.clone()).or_default().published = true;
                    }
                }
                Action::RenameTable { table, to } => {
                    if let Some(said) = self.tables.remove(table) {
                        self.tables.insert(table.beside(to), said);
                    }
                }
                Action::DropTable { table, .. } => drop(self.tables.remove(table)),
                Action::Server { kind } if matches!(kind.as_str(), "create role" | "create user" | "create group") => {
                    self.roles.extend(role(&statement.text));
                }
                _ => {}
            }
        }
    }
}

/// `ALTER PUBLICATION … DROP TABLE`
#[must_use]
pub fn drops_tables(statement: &Statement) -> bool {
    super::definition::words(&statement.text).iter().skip(3).any(|word| word == "drop")
}

/// The role that CREATE ROLE makes.
#[must_use]
pub fn role(statement: &str) -> Option<String> {
    super::definition::words(statement).get(2).map(|name| crate::sql::action::unquoted(name))
}

const SECURITY: &str = "
select c.relrowsecurity, c.relforcerowsecurity, (select count(*) from pg_catalog.pg_policy p where p.polrelid = c.oid)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2";

const READERS: &str = "
select count(distinct x.grantee) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  cross join lateral pg_catalog.aclexplode(c.relacl) x left join pg_catalog.pg_roles r on r.oid = x.grantee
where n.nspname = $1 and c.relname = $2 and x.grantee <> c.relowner and coalesce(r.rolname, 'public') <> all ($3)
  and not coalesce(r.rolsuper or r.rolbypassrls, false)";

const REPLICATION: &str = "
select case c.relreplident when 'd' then 'default' when 'f' then 'full' when 'n' then 'nothing' else 'index' end,
  exists (select from pg_catalog.pg_publication_tables t join pg_catalog.pg_publication p on p.pubname = t.pubname
    where t.schemaname = n.nspname and t.tablename = c.relname and (p.pubupdate or p.pubdelete))
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2";

impl Facts<'_> {
    fn said(&self, table: &TableName) -> Said {
        self.behaviour.tables.get(table).cloned().unwrap_or_default()
    }

    /// As the database calls it, where one may be asked.
    fn asked_name(&mut self, table: &TableName) -> Option<TableName> {
        self.live.as_ref()?;
        self.look(table, |table| table.in_database.clone())?
    }

    pub fn security(&mut self, table: &TableName) -> Option<Security> {
        let said = self.said(table);
        let asked = self.asked_name(table).and_then(|name| {
            let rows = self.live.as_mut()?.rows(SECURITY, &[&name.schema, &name.name])?;
            rows.first().map(|row| (row.get::<_, bool>(0), row.get::<_, bool>(1), row.get::<_, i64>(2)))
        });
        let off = (self.behaviour.history && self.table(table).is_some()).then_some(false);
        let enabled = said.secured.or(asked.map(|asked| asked.0)).or(off)?;
        let forced = said.forced.or(asked.map(|asked| asked.1)).or(off)?;
        Some(Security { enabled, forced, policies: asked.map(|asked| asked.2) })
    }

    /// How many roles but its owner and those hold a privilege on a table; `None` where nobody was asked.
    pub fn readers_beside(&mut self, table: &TableName, roles: &[String]) -> Option<i64> {
        let name = self.asked_name(table)?;
        let rows = self.live.as_mut()?.rows(READERS, &[&name.schema, &name.name, &roles])?;
        rows.first().map(|row| row.get(0))
    }

    pub fn replication(&mut self, table: &TableName) -> Option<Replication> {
        let said = self.said(table);
        let asked = self.asked_name(table).and_then(|name| {
            let rows = self.live.as_mut()?.rows(REPLICATION, &[&name.schema, &name.name])?;
            rows.first().map(|row| (row.get::<_, String>(0), row.get::<_, bool>(1)))
        });
        let known = asked.is_some() || said.published || self.behaviour.history;
        let published = said.published || asked.as_ref().is_some_and(|asked| asked.1);
        let live = asked.is_some();
        let identity = said.identity.or(asked.map(|asked| asked.0)).unwrap_or_else(|| "default".to_owned());
        known.then_some(Replication { published, identity, live })
    }

    /// The statement that made a routine or a view, where a file did.
    #[must_use]
    pub fn definition(&self, name: &TableName) -> Option<&str> {
        self.behaviour.definitions.get(name).map(String::as_str)
    }

    /// How a view or a routine was defined until here. `count`: the query that says how many of this name there are.
    pub fn defined(&mut self, name: &TableName, count: &str) -> Defined {
        if let Some(text) = self.behaviour.definitions.get(name) {
            return Defined::Text(text.clone());
        }
        if let Some(live) = &mut self.live {
            let rows = live.rows(count, &[&name.schema, &name.name]);
            let number = rows.and_then(|rows| rows.first().map(|row| row.get::<_, i64>(0)));
            return match number {
                Some(0) => Defined::New,
                Some(_) => Defined::Live,
                None => Defined::Unknown,
            };
        }
        if self.behaviour.history { Defined::New } else { Defined::Unknown }
    }

    /// Whether a role is there; `None` where nobody knows.
    pub fn has_role(&mut self, role: &str) -> Option<bool> {
        if self.behaviour.roles.iter().any(|known| known == role) {
            return Some(true);
        }
        let sql = "select count(*) from pg_catalog.pg_roles where rolname = $1";
        let rows = self.live.as_mut()?.rows(sql, &[&role])?;
        rows.first().map(|row| row.get::<_, i64>(0) > 0)
    }
}
