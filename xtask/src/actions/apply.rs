//! `apply`: the real `db:migrate` on the development database, once, and the schema that was rehearsed afterwards.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use postgres::Client;

use super::backup::{AGAIN, lost};
use super::change::Change;
use super::generate::Migration;
use super::probe::{self, Applying, Seen};
use super::schema::history_of;
use super::world::{APPLICATION, World};
use crate::drizzle::{config, migrate};
use crate::engine::{Outcome, StepContext};
use crate::failure::{Failure, Kind};
use crate::pg::{connect, fingerprint, pooler, sessions};
use crate::process::interrupt;
use crate::state::Evidence;
use crate::workflow::duration;

pub(super) fn apply(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let target = context.required("target")?;
    let migration = Migration::of(context)?;
    let url = world.writable_url(target)?;
    pooler::refuse(&url, target, "a migration")?;
    world.require_one_database(target)?;
    let mut client = connect::connect(&url, APPLICATION)?;
    lock(&mut client, target)?;
    let rehearsed: String = context.proven("rehearse", "fingerprint")?;
    let seen = probe::see(world, target)?;
    if let Some(place) = seen.applied.iter().position(|row| *row == migration.row()) {
        let later = seen.applied.len() - place - 1;
        if later > 0 && Change::was_applied(context) {
            return Ok(Outcome::Passed(before_others(target, &migration, later)));
        }
        return done(world, target, &migration, &mut client, &rehearsed, None);
    }
    if Change::was_applied(context) {
        let tag = &migration.tag;
        return Err(Failure::refused(format!(
            "`{target}` had `{tag}` when the run began, and does not have it any more"
        ))
        .detail("it was proven on synthetic rows, and real ones are there to prove it on now")
        .hint(format!(
            "prove it anew: cargo xtask db-change abort --reason TEXT, then cargo xtask db-change adopt {tag}"
        ))
        .into());
    }
    if let Some(failure) = outdated(context, target, &seen)? {
        return Ok(Outcome::Outdated { step: "backup".to_owned(), failure });
    }
    let mut after = Seen { schema: rehearsed.clone(), ..seen.clone() };
    let (_, history) = history_of(world)?;
    let project = world.on(world.work(&context.log)?, &url)?;
    let config = config::load(&project)?;
    config.require_place(&url.for_bun(), project.url_name())?;
    let applied: Vec<String> = context.proven("rehearse", "applied")?;
    let rows: Vec<String> = context.proven("rehearse", "rows")?;
    after.applied.extend(rows.iter().cloned());
    probe::record(world, &Applying { target: target.to_owned(), before: seen, after, done: false })?;
    context.say(&format!("{} on `{target}`", world.shown("migrate")));
    let on = migrate::On::Real;
    let migrated = migrate::migrate(&project, &config, &history, &mut client, Some(&rows), on);
    world.forget_probes();
    let migrated = migrated?;
    if migrated.applied != applied {
        return Err(Failure::step(format!("`{target}` took other migrations than were rehearsed"))
            .detail(format!("rehearsed: {}\napplied: {}", applied.join(", "), migrated.applied.join(", ")))
            .into());
    }
    done(world, target, &migration, &mut client, &rehearsed, Some(migrated.seconds))
}

/// The target went on: what it is now, the proof of its newest migration compares.
fn before_others(target: &str, migration: &Migration, later: usize) -> Evidence {
    let words = format!(
        "{} already applied to {target}, and {later} newer one{}: its schema is compared by the newest's proof",
        migration.tag,
        if later == 1 { "" } else { "s" }
    );
    Evidence::new(words).proven("target", target).proven("migration", migration.hash.clone()).info("seconds", 0.0)
}

/// Polled, never blocking: a waiting session would hold a snapshot that concurrent index builds wait for.
fn lock(client: &mut Client, target: &str) -> Result<()> {
    let deadline = SystemTime::now() + Duration::from_secs(10);
    loop {
        if sessions::try_turn(client)? {
            return Ok(());
        }
        if SystemTime::now() > deadline {
            let busy = Failure::new(Kind::Busy, format!("another run changes `{target}` at this moment"));
            let holder = sessions::holding_the_turn(client)?;
            return Err(holder
                .iter()
                .fold(busy, |busy, session| busy.detail(format!("holder: {session}")))
                .detail("it has the advisory lock `db-change:<database>`")
                .hint("wait until it ends, then run `cargo xtask db-change`")
                .into());
        }
        if interrupt::requested() {
            return Err(Failure::step(format!("interrupted while another run was changing `{target}`")).into());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Why the backup no longer serves: it is of another state of the database, too old, or not there any more.
fn outdated(context: &StepContext<'_>, target: &str, seen: &Seen) -> Result<Option<Failure>> {
    let state: String = context.proven("backup", "state")?;
    if state != seen.digest() {
        return Ok(Some(Failure::refused(format!("the backup is of another state of `{target}`")).hint(AGAIN)));
    }
    if let Some(failure) = lost(context) {
        return Ok(Some(failure));
    }
    let taken: u64 = context.proven("backup", "taken_at")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock")?.as_secs();
    let text = context.with("max_backup_age").unwrap_or("24h");
    let limit = duration::parse(text).ok_or_else(|| {
        Failure::usage(format!("`max_backup_age` is not a duration: {text}")).hint("write it as `24h`")
    })?;
    let age = now.saturating_sub(taken);
    if age > limit.as_secs() {
        return Ok(Some(Failure::refused(format!("the backup is {age} s old, and may be {text}")).hint(AGAIN)));
    }
    Ok(None)
}

/// The proof: the target's schema is the rehearsed one. `seconds` is none where the migration had been applied before.
fn done(
    world: &World<'_>,
    target: &str,
    migration: &Migration,
    client: &mut Client,
    rehearsed: &str,
    seconds: Option<f64>,
) -> Result<Outcome> {
    let now = fingerprint::take(client, &world.portable()?)?;
    if now.digest() != rehearsed {
        let back = super::rollback::path(migration);
        return Err(Failure::step(format!("`{target}` is not what was rehearsed"))
            .detail(format!("its schema is {}, rehearsed: {rehearsed}", now.digest()))
            .hint(format!("the migration is applied; to go back: psql \"$DATABASE_URL\" < {}", back.display()))
            .into());
    }
    probe::record_done(world, target)?;
    let how = if seconds.is_some() { "applied once" } else { "already applied" };
    Ok(Outcome::Passed(
        Evidence::new(format!("{} {how} to {target}, schema as rehearsed", migration.tag))
            .proven("target", target)
            .proven("migration", migration.hash.clone())
            .info("seconds", seconds.unwrap_or_default()),
    ))
}
