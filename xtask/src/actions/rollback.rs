//! The rollback: written from the declared operations, and proven on copies the way a person would run it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use super::change::Change;
use super::generate::Migration;
use super::mapping::mapping;
use super::shadow::Database;
use super::world::World;
use crate::digest;
use crate::drizzle::rollback::{self, Derived};
use crate::drizzle::rollback_file;
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::pg::checksum::{self, Checksums};
use crate::pg::fingerprint::Fingerprint;
use crate::pg::migrations::{self, Applied};
use crate::pg::{synthetic, url};
use crate::process::{Output, Run};
use crate::sql::TableName;
use crate::sql::names::literal;
use crate::state::{Evidence, durable};

const MEND: &str = "edit the rollback file and run `cargo xtask db-change`; it is proven again";

/// Where its rollback stands.
pub(super) fn path(migration: &Migration) -> PathBuf {
    migration.place().rollback()
}

pub(super) fn write(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let migration = Migration::of(context)?;
    let path = path(&migration);
    let (before, after) = migration.snapshots(world, context)?;
    let known = rollback::Migration {
        operations: &change.operations,
        before: &before,
        after: &after,
        tag: &migration.tag,
        layout: migration.place().layout(),
        hash: &migration.hash,
        when: migration.when,
        migrations_table: world.migrations_table()?,
        sql: &migration.sql()?,
    };
    let derived = rollback::derive(&known);
    let shown = path.strip_prefix(&world.root).unwrap_or(&path).display().to_string();
    let derived = match derived {
        Derived::Sql(derived) => Some(derived.text),
        Derived::NotDerivable(reason) if is_unwritten(&path) => {
            durable::write(&path, rollback_file::frame(&known).as_bytes())?;
            return Ok(Outcome::Edit {
                message: format!("The rollback cannot be derived: {reason}. Write the inverse into {shown}."),
                details: vec![
                    "what stands around its place keeps it safe on the wrong database, and a second time".to_owned(),
                    "the next steps prove it like a derived one".to_owned(),
                ],
                evidence: Evidence::default(),
            });
        }
        Derived::NotDerivable(_) if guards_another(&path, &migration.hash) => {
            return Ok(Outcome::Edit {
                message: format!("{shown} takes back another text of the migration: see that its inverse still fits."),
                details: vec![format!("then write the hash of this one into its guards: {}", migration.hash)],
                evidence: Evidence::default(),
            });
        }
        Derived::NotDerivable(_) => None,
    };
    let ours = context.evidence("rollback-write").ok().and_then(|evidence| evidence.proven.get("rollback").cloned());
    let there = fs::read(&path).ok().map(digest::of);
    let mine = is_unwritten(&path) || there.as_deref() == ours.as_ref().and_then(toml::Value::as_str);
    let by_hand = match derived {
        // A file that a person wrote or edited is theirs; it is proven like any other.
        Some(sql) if mine => {
            durable::write(&path, sql.as_bytes())?;
            false
        }
        Some(sql) => there != Some(digest::of(sql)),
        None => true,
    };
    let text = fs::read(&path).with_context(|| format!("reading `{shown}`"))?;
    let how = if by_hand { "by hand" } else { "derived" };
    Ok(Outcome::Passed(
        Evidence::new(format!("{}, {how}", migration.place().rollback_name()))
            .proven("rollback", digest::of(&text))
            .proven("migration", migration.row())
            .info("file", path.display().to_string())
            .info("shown", shown),
    ))
}

/// Not there, or without the inverse that a person has to write.
fn is_unwritten(path: &Path) -> bool {
    fs::read_to_string(path).map_or(!path.exists(), |text| text.contains(rollback_file::UNWRITTEN))
}

/// A file in our form, whose guard lets no other migration through than one that is no more.
fn guards_another(path: &Path, hash: &str) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_once(rollback_file::GUARD).is_some_and(|(_, guarded)| !guarded.starts_with(&literal(hash)))
}

/// Up → down, down again, up again; up → new rows → down; down where the migration never was.
pub(super) fn prove(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let migration = Migration::of(context)?;
    let file = path(&migration);
    // Read once: what is proven is what was read here, whoever edits the file meanwhile.
    let text = fs::read(&file).with_context(|| format!("reading `{}`", file.display()))?;
    let sql = migration.sql()?;
    let proof = Proof { world, context, change: &change, text: &text, sql: &sql };
    context.say("down on a migrated copy");
    let before = world.clone_of_base(context)?;
    let (was, sums) = proof.state(&before)?;
    let was = Before { schema: was, sums, books: proof.books(&before)? };
    let sums = &was.sums;
    world.drop_database(context, &before)?;
    let up = world.clone_of_rehearsed(context)?;
    let (up_print, up_sums) = proof.state_after(&up, sums)?;
    let started = Instant::now();
    proof.down(&up)?;
    let recovery = started.elapsed().as_secs_f64();
    proof.same("up → down", &up, &was)?;
    context.say("down a second time, which must change nothing");
    proof.refuses("a second time", &up, &was)?;
    context.say(&format!("up again, with {}", world.shown("migrate")));
    world.migrate(context, world.work(&context.log_of("up-again"))?, &up.name)?;
    let (again, again_sums) = proof.state_after(&up, sums)?;
    let mut differences = up_print.difference(&again);
    differences.extend(checksum::compare(&up_sums, &again_sums, &proof.anew())?);
    fail_on("up → down → up", &differences)?;
    context.say("down after new rows were written");
    let (written, table) = proof.with_new_rows(sums)?;
    context.say("down where the migration never was");
    let elsewhere = world.clone_of_base(context)?;
    proof.refuses("on a database without the migration", &elsewhere, &was)?;
    for database in [&up, &elsewhere] {
        world.drop_database(context, database)?;
    }
    let restore: f64 = context.proven("backup", "restore_seconds")?;
    Ok(Outcome::Passed(
        Evidence::new(format!("up → down → up, schema and data equal; {recovery:.2} s"))
            .proven("rollback", digest::of(&text))
            .proven("schema", was.schema.digest())
            .proven("new_rows_survive", format!("{written} rows of {table}"))
            .info("recovery_seconds", recovery)
            .info("restore_seconds", restore),
    ))
}

/// A database before the migration.
struct Before {
    schema: Fingerprint,
    sums: Checksums,
    books: Vec<Applied>,
}

struct Proof<'a> {
    world: &'a World<'a>,
    context: &'a StepContext<'a>,
    change: &'a Change,
    text: &'a [u8],
    /// The migration's.
    sql: &'a str,
}

impl Proof<'_> {
    /// Schema and data, without the migrator's own table.
    fn state(&self, database: &Database) -> Result<(Fingerprint, Checksums)> {
        let print = self.world.fingerprint(self.context, &database.name)?;
        let mut client = self.world.connect(self.context, &database.name)?;
        Ok((print, checksum::take(&mut client, &[self.world.migrations_table()?])?))
    }

    fn state_after(&self, database: &Database, before: &Checksums) -> Result<(Fingerprint, Checksums)> {
        let print = self.world.fingerprint(self.context, &database.name)?;
        let mut client = self.world.connect(self.context, &database.name)?;
        let skip = [self.world.migrations_table()?];
        Ok((print, checksum::take_after(&mut client, &skip, before, &mapping(self.change, self.sql))?))
    }

    /// What the migration fills by itself may come out otherwise each time: a default that is random, rows with keys of their own.
    fn anew(&self) -> checksum::Mapping {
        let once = mapping(self.change, self.sql);
        let rewritten_tables = once.rewritten_tables.iter().map(|table| once.table(table)).collect();
        checksum::Mapping { changed_columns: once.new_columns, rewritten_tables, ..checksum::Mapping::default() }
    }

    /// Runs the file as the seed's runbook runs it: `psql $DATABASE_URL < file`.
    fn psql(&self, database: &Database) -> Result<Output> {
        let url = url::exact(&database.url)?;
        let mut run = Run::new(self.world.postgres()?.tool("psql"), &self.world.root).arg("-X").arg("-q");
        run.env = url.libpq_env();
        run.mask = url.mask();
        run.stdin = Some(self.text.to_vec());
        run.timeout = self.context.timeout;
        run.log = Some(self.context.log.clone());
        run.run()
    }

    fn down(&self, database: &Database) -> Result<()> {
        let output = self.psql(database)?;
        if output.success() {
            return Ok(());
        }
        Err(Failure::step("the rollback fails on a migrated copy").detail(output.tail(8)).hint(MEND).into())
    }

    /// The database is as before the migration: schema, data, and the migrator's books.
    fn same(&self, what: &str, database: &Database, was: &Before) -> Result<()> {
        let Before { schema, sums, books } = was;
        let (now, now_sums) = self.state(database)?;
        let mut differences = schema.difference(&now);
        differences.extend(checksum::compare(sums, &now_sums, &checksum::Mapping::default())?);
        let now = self.books(database)?;
        let hash = &Migration::of(self.context)?.hash;
        if now.iter().any(|row| row.hash == *hash) {
            let table = self.world.migrations_table()?;
            differences.push(format!("{table} still says that the migration is applied"));
        } else if !migrations::agree(books, &now) {
            let table = self.world.migrations_table()?;
            differences.push(format!("{table} has {} earlier migrations, and had {}", now.len(), books.len()));
        }
        fail_on(what, &differences)
    }

    /// What the migrator's table says is applied.
    fn books(&self, database: &Database) -> Result<Vec<Applied>> {
        let table = self.world.migrations_table()?;
        let mut client = self.world.connect(self.context, &database.name)?;
        Ok(migrations::applied(&mut client, &table.schema, &table.name)?.unwrap_or_default())
    }

    /// The rollback ends with an error and leaves the database as it was.
    fn refuses(&self, when: &str, database: &Database, was: &Before) -> Result<()> {
        let output = self.psql(database)?;
        if output.success() {
            return Err(Failure::step(format!("the rollback succeeds {when}, where it must refuse")).hint(MEND).into());
        }
        self.same(&format!("down {when}"), database, was)
    }

    /// Rows written after the migration are still there after the rollback.
    fn with_new_rows(&self, before: &Checksums) -> Result<(i64, String)> {
        let mapping = mapping(self.change, self.sql);
        let kept = |table: &&TableName| !mapping.dropped_tables.contains(*table);
        let main = self.change.main_table().filter(kept).or_else(|| self.change.tables.iter().find(kept));
        let Some(old) = main else { return Ok((0, "no table that was there before".to_owned())) };
        let table = mapping.table(old);
        let database = self.world.clone_of_rehearsed(self.context)?;
        let mut client = self.world.connect(self.context, &database.name)?;
        let written = 5;
        synthetic::insert_rows(&mut client, &table, written)?;
        drop(client);
        self.down(&database)?;
        let (_, now) = self.state(&database)?;
        let rows = |sums: &Checksums| sums.tables.get(old).map_or(0, |sum| sum.rows);
        self.world.drop_database(self.context, &database)?;
        if rows(&now) != rows(before) + written {
            return Err(Failure::step(format!(
                "`{table}` has {} rows after the rollback, expected: {}",
                rows(&now),
                rows(before) + written
            ))
            .hint(MEND)
            .into());
        }
        Ok((written, table.to_string()))
    }
}

fn fail_on(what: &str, differences: &[String]) -> Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::step(format!("{what}: the database is not as it was"))
        .detail(differences.join("\n"))
        .hint(MEND)
        .into())
}
