//! What a child of bun is given so that it reaches one database and no other.
//!
//! Three layers, because each has a hole: the URL stands in the child's environment, which wins over every `.env` file; each
//! further name under which those files hold a URL is given the same one; and the guard, loaded into bun and node, ends a
//! session of PostgreSQL's protocol with another place before its first word is sent. Bun's own `Bun.sql` speaks past the
//! guard, and has only the first two.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::json;

use super::dotenv;
use super::world::{APPLICATION, World};
use crate::engine::Host;
use crate::failure::Failure;
use crate::pg::connect;
use crate::pg::url::{self, DatabaseUrl};
use crate::process::environment;
use crate::state::durable;

const GUARD: &str = include_str!("guard.cjs");

/// What bun, drizzle-kit and their kin read beside the process's environment, in the repo's root and in the database package.
const FILES: &[&str] = &[
    ".env",
    ".env.local",
    ".env.development",
    ".env.development.local",
    ".env.test",
    ".env.test.local",
    ".env.production",
    ".env.production.local",
];

/// A database that a file of the repo names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub file: String,
    pub name: String,
    /// None where it cannot be read.
    pub url: Option<DatabaseUrl>,
}

impl World<'_> {
    /// The environment of a child that may reach this database, and no other.
    pub(super) fn only(&self, url: &DatabaseUrl) -> Result<BTreeMap<String, String>> {
        let mut env = self.url_env(url);
        let text = url.for_bun().to_url();
        env.extend(self.named_databases().into_iter().map(|named| (named.name, text.clone())));
        // Set apart: where a driver takes a part of its place from these, it is the same place.
        env.extend(url.libpq_env().into_iter().filter(|(name, _)| PLACE.contains(&name.as_str())));
        let guard = self.guard()?;
        env.insert(
            "DB_CHANGE_ONLY".to_owned(),
            json!({ "host": url.host, "port": url.port, "database": url.database }).to_string(),
        );
        let own = environment::for_children();
        for (name, option) in [("BUN_OPTIONS", "--preload"), ("NODE_OPTIONS", "--require")] {
            let before = own.get(name).map(|before| format!("{before} ")).unwrap_or_default();
            env.insert(name.to_owned(), format!("{before}{option}={guard}"));
        }
        Ok(env)
    }

    /// What the repo's `.env` files hold under any name.
    pub(super) fn named_databases(&self) -> Vec<Named> {
        let root = self.real_root();
        let package = self.loaded.var("db_package").map(|package| root.join(package));
        let mut found = Vec::new();
        for folder in [Some(root.to_owned()), package].into_iter().flatten() {
            for file in FILES {
                let path = folder.join(file);
                let Ok(text) = fs::read_to_string(&path) else { continue };
                let file = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                let named = dotenv::all(&text).into_iter().filter_map(|(name, value)| {
                    let url = url::exact(&value).or_else(|_| url::parse(&value)).ok();
                    url::is_one(&value).then(|| Named { file: file.clone(), name, url })
                });
                found.extend(named);
            }
        }
        found
    }

    /// Those that are not the target's, in words without a password, one text a database.
    pub(super) fn other_databases(&self, target: &str) -> Result<Vec<String>> {
        let meant = self.url(target)?;
        let place = |url: &DatabaseUrl| {
            let host = if url.is_local() && !url.is_socket() { "localhost" } else { url.host.as_str() };
            (host.to_ascii_lowercase(), url.port, url.database.clone())
        };
        let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for Named { file, name, url } in self.named_databases() {
            if url.as_ref().map(place) != Some(place(&meant)) {
                let there = url.as_ref().map_or_else(|| "a database whose URL cannot be read".to_owned(), at);
                others.entry(there).or_default().push(format!("`{name}` in `{file}`"));
            }
        }
        let here = at(&meant);
        let said = |(there, names): (String, Vec<String>)| {
            format!(
                "{there} is named by {}; `{target}` is {here}. Our children are given a copy's URL under these names",
                names.join(", ")
            )
        };
        Ok(others.into_iter().map(said).collect())
    }

    /// Where a target has two ways, both must lead to one database.
    pub(super) fn require_one_database(&self, target: &str) -> Result<()> {
        let found = self.target(target)?;
        let Some(direct) = &found.direct_url_env else { return Ok(()) };
        let (Some(one), Some(other)) = (self.env(&found.url_env), self.env(direct)) else { return Ok(()) };
        let identity = |text: &str| connect::identity(&mut connect::connect(&url::parse(text)?, APPLICATION)?);
        // A pooler's way may be closed to us, and nothing goes by it then.
        let (Ok(one), Ok(other)) = (identity(&one), identity(&other)) else { return Ok(()) };
        if (&one.system_identifier, &one.database) == (&other.system_identifier, &other.database) {
            return Ok(());
        }
        Err(Failure::refused(format!("`{}` and `{direct}` lead to two databases", found.url_env))
            .detail(format!(
                "`{}` on one server, `{}` on {}",
                one.database,
                other.database,
                if one.system_identifier == other.system_identifier { "the same" } else { "another" }
            ))
            .hint("correct one of them: they are two ways to one target")
            .into())
    }

    fn guard(&self) -> Result<String> {
        let path: PathBuf = self.private()?.join("guard.cjs");
        if fs::read_to_string(&path).ok().as_deref() != Some(GUARD) {
            durable::write(&path, GUARD.as_bytes())?;
        }
        let text = path.to_str().context("the path of our private folder")?;
        Ok(if text.contains(' ') { format!("\"{text}\"") } else { text.to_owned() })
    }
}

fn at(url: &DatabaseUrl) -> String {
    format!("the database `{}` on {}:{}", url.database, url.host, url.port)
}

const PLACE: &[&str] = &["PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD"];
