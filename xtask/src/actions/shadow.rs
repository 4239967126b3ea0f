//! The throw-away server of a run, and the databases on it. Each is made once per process; steps work on clones.
//!
//! `source` is the restored copy of the source target (or what the migrations before this one make, with synthetic rows), `base` is `source` with what the base commit has pending, `rehearsed`
//! is `source` after the migration under test. A clone never gives anything back to its template.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::MutexGuard;
use std::time::Duration;

use anyhow::{Context, Result};
use postgres::Client;

use super::change::Change;
use super::world::World;
use crate::drizzle::{History, Project, config, migrate};
use crate::engine::StepContext;
use crate::failure::Failure;
use crate::pg::backup::{self, Backup, Dump};
use crate::pg::error::Told;
use crate::pg::fingerprint::{self, Fingerprint};
use crate::pg::restore;
use crate::pg::server::{Server, Settings};
use crate::pg::synthetic;
use crate::pg::trial::Spilled;
use crate::pg::url::{self, DatabaseUrl};
use crate::process::places;

/// Of each table, where there is nothing to copy.
const SYNTHETIC_ROWS: i64 = 1_000;

pub(super) struct Shadow {
    pub server: Server,
    made: BTreeSet<&'static str>,
    clones: u32,
}

/// A database of a step's own.
pub struct Database {
    pub name: String,
    /// For children.
    pub url: String,
}

impl World<'_> {
    /// Runs `work` on the shadow, which is started when first needed.
    fn on_shadow<T>(&self, context: &StepContext<'_>, work: impl FnOnce(&mut Shadow) -> Result<T>) -> Result<T> {
        let mut shadow = self.shadow.lock().map_err(|_| anyhow::anyhow!("the shadow's lock is poisoned"))?;
        if shadow.is_none() {
            context.say("starting a throw-away server");
            // Templates and clones stand beside each other, so that a copy takes its size several times.
            let settings = Settings { expected_bytes: self.source_bytes()?.saturating_mul(4), ..Settings::default() };
            let server = Server::start(self.postgres()?, &settings)?;
            *shadow = Some(Shadow { server, made: BTreeSet::new(), clones: 0 });
        }
        work(shadow.as_mut().context("the shadow was just started")?)
    }

    fn making(&self) -> Result<MutexGuard<'_, ()>> {
        self.making.lock().map_err(|_| anyhow::anyhow!("making a copy of the database panicked before"))
    }

    /// A clone of the restored source, before any migration of this change.
    pub fn clone_of_source(&self, context: &StepContext<'_>) -> Result<Database> {
        let making = self.making()?;
        self.source(context)?;
        drop(making);
        self.cloned(context, "source")
    }

    /// A clone of the source as the base commit's code expects it.
    pub fn clone_of_base(&self, context: &StepContext<'_>) -> Result<Database> {
        let making = self.making()?;
        self.source(context)?;
        if !self.is_made(context, "base")? {
            self.template(context, "source", "base")?;
            let project = self.base(context, &context.log_of("base"))?;
            self.migrate(context, project, "base")?;
            self.mark(context, "base")?;
        }
        drop(making);
        self.cloned(context, "base")
    }

    /// A clone of the source after the migration under test; equal to what `rehearse` proved.
    pub fn clone_of_rehearsed(&self, context: &StepContext<'_>) -> Result<Database> {
        let making = self.making()?;
        self.source(context)?;
        if !self.is_made(context, "rehearsed")? {
            self.template(context, "source", "rehearsed")?;
            context.say("migrating a copy as it was rehearsed");
            let project = self.work(&context.log_of("migrate"))?;
            let rows: Vec<String> = context.proven("rehearse", "rows")?;
            self.migrate_as(context, project, "rehearsed", Some(&rows))?;
            let mut client = self.connect(context, "rehearsed")?;
            let now = fingerprint::take(&mut client, &self.portable()?)?.digest();
            drop(client);
            let proven: String = context.proven("rehearse", "fingerprint")?;
            if now != proven {
                return Err(Failure::step("the migrated copy is not what was rehearsed")
                    .detail(format!("schema {proven} then, {now} now"))
                    .into());
            }
            self.mark(context, "rehearsed")?;
        }
        drop(making);
        self.cloned(context, "rehearsed")
    }

    /// What `rehearse` has just migrated becomes the template of later steps.
    pub fn keep_as_rehearsed(&self, context: &StepContext<'_>, database: &Database) -> Result<()> {
        let _making = self.making()?;
        self.template(context, &database.name, "rehearsed")?;
        self.mark(context, "rehearsed")
    }

    /// The restored backup becomes the template of later steps.
    pub fn keep_as_source(&self, context: &StepContext<'_>, database: &Database) -> Result<()> {
        let _making = self.making()?;
        self.on_shadow(context, |shadow| {
            for name in ["source", "base", "rehearsed"] {
                if shadow.made.remove(name) {
                    shadow.server.drop_database(name)?;
                }
            }
            Ok(())
        })?;
        self.template(context, &database.name, "source")?;
        self.mark(context, "source")
    }

    /// An empty database.
    pub fn empty(&self, context: &StepContext<'_>) -> Result<Database> {
        self.on_shadow(context, |shadow| {
            shadow.clones += 1;
            let name = format!("empty_{}", shadow.clones);
            shadow.server.create_database(&name)?;
            Ok(Database { url: shadow.server.url(&name), name })
        })
    }

    /// A clone of a database of this process.
    pub fn cloned(&self, context: &StepContext<'_>, template: &str) -> Result<Database> {
        self.on_shadow(context, |shadow| {
            shadow.clones += 1;
            let name = format!("clone_{}", shadow.clones);
            shadow.server.clone_database(template, &name)?;
            Ok(Database { url: shadow.server.url(&name), name })
        })
    }

    pub fn connect(&self, context: &StepContext<'_>, database: &str) -> Result<Client> {
        self.on_shadow(context, |shadow| shadow.server.connect(database))
    }

    /// As [`World::connect`], where somebody listens to the notices.
    pub fn listening(&self, context: &StepContext<'_>, database: &str, spilled: &Spilled) -> Result<Client> {
        self.on_shadow(context, |shadow| shadow.server.listening(database, spilled))
    }

    pub fn drop_database(&self, context: &StepContext<'_>, database: &Database) -> Result<()> {
        self.on_shadow(context, |shadow| shadow.server.drop_database(&database.name))
    }

    /// `db:migrate` of a tree on a database of the shadow, with proof.
    pub fn migrate(&self, context: &StepContext<'_>, project: Project, database: &str) -> Result<migrate::Migrated> {
        self.migrate_as(context, project, database, None)
    }

    /// As [`World::migrate`], where only these rows may come of it.
    fn migrate_as(
        &self,
        context: &StepContext<'_>,
        project: Project,
        database: &str,
        proven: Option<&[String]>,
    ) -> Result<migrate::Migrated> {
        let (url, mut client) =
            self.on_shadow(context, |shadow| Ok((shadow.server.url(database), shadow.server.connect(database)?)))?;
        let project = self.on(project, &url::exact(&url)?)?;
        // Read as the child will read it: it says where the child would go.
        let config = config::load(&project)?;
        let history = History::load(&config.out)?;
        let applied = migrate::applied(&mut client, &config)?;
        if history.pending(&applied).is_empty() {
            return Ok(migrate::Migrated::default());
        }
        migrate::migrate(&project, &config, &history, &mut client, proven, migrate::On::Copy)
    }

    fn source_bytes(&self) -> Result<u64> {
        let query = "select pg_database_size(current_database())";
        let bytes: i64 = self.read_source()?.query_one(query, &[]).told("asking for the size of the source")?.get(0);
        Ok(u64::try_from(bytes).unwrap_or_default())
    }

    pub fn fingerprint(&self, context: &StepContext<'_>, database: &str) -> Result<Fingerprint> {
        let options = self.strict()?;
        fingerprint::take(&mut self.connect(context, database)?, &options)
    }

    /// Restores the source: from this run's backup where there is one, else from a dump taken now and thrown away.
    fn source(&self, context: &StepContext<'_>) -> Result<()> {
        if self.is_made(context, "source")? {
            return Ok(());
        }
        if Change::was_applied(context) {
            return self.synthetic(context);
        }
        let url = self.on_shadow(context, |shadow| {
            shadow.server.create_database("source")?;
            url::exact(&shadow.server.url("source"))
        })?;
        if context.passed("backup") {
            context.say("restoring the backup");
            let file: PathBuf = context.proven("backup", "file")?;
            let sha256: String = context.proven("backup", "sha256")?;
            self.restore(context, &file, &sha256, &url)?;
        } else {
            context.say("copying the source database");
            let folder = self.private()?.join("copies");
            // Whoever holds this work tree's lock is alone here: what lies around is left from a crash.
            if folder.exists() {
                std::fs::remove_dir_all(&folder).with_context(|| format!("removing `{}`", folder.display()))?;
            }
            places::ensure(&folder, 0o700)?;
            let taken = self.dump(context, &folder, &format!("copy-{}", std::process::id()))?;
            let restored = self.restore(context, &taken.file, &taken.sha256, &url);
            std::fs::remove_file(&taken.file).with_context(|| format!("removing `{}`", taken.file.display()))?;
            restored?;
        }
        self.mark(context, "source")
    }

    /// In the place of the source, where that has the migration already: the migrations before it, and rows of ours.
    fn synthetic(&self, context: &StepContext<'_>) -> Result<()> {
        self.on_shadow(context, |shadow| shadow.server.create_database("source"))?;
        context.say("the migrations before this one, on an empty database");
        let project = self.base(context, &context.log_of("base"))?;
        self.migrate(context, project, "source")?;
        let base = super::change::base_snapshot(self, context)?;
        let mut client = self.connect(context, "source")?;
        context.say("synthetic rows, as the source has the migration already");
        // A table that cannot be filled stays empty; steps that need rows of it say so themselves.
        for table in base.tables() {
            let _ = synthetic::grow(&mut client, &table, SYNTHETIC_ROWS);
        }
        drop(client);
        self.mark(context, "source")
    }

    /// Dumps the source with the checksums of the dump's own snapshot.
    pub fn dump(&self, context: &StepContext<'_>, folder: &Path, name: &str) -> Result<Backup> {
        backup::dump(&Dump {
            source: &self.url(self.source_name())?,
            tools: self.postgres()?,
            folder,
            name,
            skip: &[],
            timeout: context.timeout,
            log: Some(context.log_of("pg_dump")),
        })
    }

    /// Restores a dump into an empty database of the shadow.
    pub fn restore(
        &self,
        context: &StepContext<'_>,
        file: &Path,
        sha256: &str,
        into: &DatabaseUrl,
    ) -> Result<Duration> {
        restore::restore(file, sha256, into, self.postgres()?, 2, context.timeout)
    }

    fn template(&self, context: &StepContext<'_>, from: &str, name: &'static str) -> Result<()> {
        self.on_shadow(context, |shadow| {
            if shadow.made.remove(name) {
                shadow.server.drop_database(name)?;
            }
            shadow.server.clone_database(from, name)
        })
    }

    fn is_made(&self, context: &StepContext<'_>, name: &'static str) -> Result<bool> {
        self.on_shadow(context, |shadow| Ok(shadow.made.contains(name)))
    }

    fn mark(&self, context: &StepContext<'_>, name: &'static str) -> Result<()> {
        self.on_shadow(context, |shadow| {
            shadow.made.insert(name);
            Ok(())
        })
    }
}
