//! Sessions: opened with a limit on the wait, and with a text of its own for each way in which that fails.
//!
//! Invariant: a session that is said to be read-only was asked afterwards, because a pooler may drop start-up options in silence.

use std::time::Duration;

use anyhow::{Context, Result};
use postgres::config::{ChannelBinding, SslMode};
use postgres::error::SqlState;
use postgres::{Client, Config, GenericClient, NoTls};

use super::error::Told;
use super::tls::{self, Attempt};
use super::url::DatabaseUrl;
use crate::failure::{Failure, Kind};
use crate::process::mark;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of a read-only session, as `SHOW` prints them.
const READ_ONLY: &[(&str, &str)] = &[
    ("default_transaction_read_only", "on"),
    ("statement_timeout", "30s"),
    ("lock_timeout", "1s"),
    ("idle_in_transaction_session_timeout", "1min"),
    // A question about rows that a policy hides is refused; else its answer would be about the others alone.
    ("row_security", "off"),
];

/// Which server and database this is, whatever name it was reached by.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Made by initdb, shared with physical replicas; `None` where the role may not see it.
    pub system_identifier: Option<String>,
    pub database: String,
    /// As `server_version` says, e.g. `15.18 (Debian 15.18-0+deb12u1)`.
    pub server_version: String,
    pub major: u32,
}

/// Opens a session. Errors: unreachable, refused, no such database (all environment), too many sessions (temporary).
pub fn connect(url: &DatabaseUrl, application_name: &str) -> Result<Client> {
    open(url, application_name, "")
}

/// Opens a session whose transactions read only unless told otherwise, with short limits; proved by reading them back.
pub fn connect_read_only(url: &DatabaseUrl, application_name: &str) -> Result<Client> {
    let options: Vec<String> = READ_ONLY.iter().map(|(name, value)| format!("-c {name}={value}")).collect();
    let mut client = open(url, application_name, &options.join(" "))?;
    check_settings(&mut client, url)?;
    Ok(client)
}

/// Asks the server who it is.
pub fn identity(client: &mut impl GenericClient) -> Result<Identity> {
    let row = client.query_one(
        "select pg_catalog.current_database()::text, pg_catalog.current_setting('server_version'),
                pg_catalog.current_setting('server_version_num')::int / 10000,
                pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute')",
        &[],
    );
    let row = row.told("asking the server for its version")?;
    let system_identifier = if row.get(3) {
        let row = client.query_one("select system_identifier::text from pg_catalog.pg_control_system()", &[]);
        Some(row.told("asking the server for its identifier")?.get(0))
    } else {
        None
    };
    let major = u32::try_from(row.get::<_, i32>(2)).context("the server's version")?;
    Ok(Identity { system_identifier, database: row.get(0), server_version: row.get(1), major })
}

fn check_settings(client: &mut Client, url: &DatabaseUrl) -> Result<()> {
    let mut lost = Vec::new();
    for (name, wanted) in READ_ONLY {
        let row = client
            .query_one("select pg_catalog.current_setting($1)", &[name])
            .told("reading the session's settings back")?;
        let found: String = row.get(0);
        if found != *wanted {
            lost.push(format!("{name}: asked for {wanted}, the server has {found}"));
        }
    }
    if lost.is_empty() {
        return Ok(());
    }
    let failure = Failure::environment(format!(
        "the settings of a read-only session did not reach the server: {}",
        url.display()
    ));
    Err(lost.iter().fold(failure, Failure::detail).hint(POOLER).into())
}

const POOLER: &str = "a connection pooler such as PgBouncer drops them; give the URL of the server itself, e.g. as the target's `direct_url_env`";

fn open(url: &DatabaseUrl, application_name: &str, options: &str) -> Result<Client> {
    let mut config = Config::new();
    // At work for a run, a session bears its mark: what is left of it after a crash can be told from others.
    let name = mark::session().unwrap_or(application_name);
    config.port(url.port).user(&url.user).dbname(&url.database).application_name(name);
    config.connect_timeout(connect_timeout(url)).channel_binding(channel_binding(url)?);
    if url.is_socket() {
        config.host_path(&url.host);
    } else {
        config.host(&url.host);
    }
    if let Some(address) = url.params.get("hostaddr") {
        let read = address.parse();
        config.hostaddr(read.map_err(|_| Failure::usage(format!("`hostaddr` is not an address: {address}")))?);
    }
    if let Some(password) = &url.password {
        config.password(password);
    }
    // Later options win, so ours come after the user's.
    let options = [url.params.get("options").map_or("", String::as_str), options].join(" ");
    if !options.trim().is_empty() {
        config.options(options.trim());
    }
    let attempts = tls::attempts(url)?;
    for (index, attempt) in attempts.iter().enumerate() {
        let opened = match attempt {
            Attempt::Plain => config.ssl_mode(SslMode::Disable).connect(NoTls),
            Attempt::Encrypted => config.ssl_mode(SslMode::Require).connect(tls::connector(url)?),
        };
        match opened {
            Ok(client) => return Ok(client),
            Err(error) if index + 1 < attempts.len() && is_about_encryption(&error) => {}
            Err(error) => return Err(explained(url, &error).into()),
        }
    }
    anyhow::bail!("validated: every `sslmode` has an attempt")
}

/// Whether libpq would try the other way: TLS failed, or the server does not let the user in this way.
fn is_about_encryption(error: &postgres::Error) -> bool {
    match error.code() {
        Some(code) => code.code().starts_with("28"),
        None => is_tls(error),
    }
}

/// The crate has no public name for it (tokio-postgres 0.7, `error::Kind::Tls`).
fn is_tls(error: &postgres::Error) -> bool {
    error.to_string().starts_with("error performing TLS handshake")
}

fn channel_binding(url: &DatabaseUrl) -> Result<ChannelBinding> {
    match url.params.get("channel_binding").map_or("", String::as_str) {
        "" | "prefer" => Ok(ChannelBinding::Prefer),
        "disable" => Ok(ChannelBinding::Disable),
        "require" => Ok(ChannelBinding::Require),
        other => Err(Failure::usage(format!("the database URL has an unknown `channel_binding`: {other}"))
            .hint("one of disable, prefer, require")
            .into()),
    }
}

fn connect_timeout(url: &DatabaseUrl) -> Duration {
    let asked =
        url.params.get("connect_timeout").and_then(|seconds| seconds.parse().ok()).filter(|seconds| *seconds > 0);
    asked.map_or(CONNECT_TIMEOUT, Duration::from_secs)
}

/// What went wrong, for a person. The server's own text here names users and databases, never a password or a row.
fn explained(url: &DatabaseUrl, error: &postgres::Error) -> Failure {
    let place = if url.is_socket() {
        format!("{}/.s.PGSQL.{}", url.host, url.port)
    } else {
        format!("{}:{}", url.host, url.port)
    };
    let Some(refusal) = error.as_db_error() else {
        let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        if url.password.is_none() && cause.contains("password missing") {
            let failure = Failure::environment(format!(
                "the server at {place} wants a password for user `{}`, and the URL has none",
                url.user
            ));
            return url.passfile.iter().fold(failure, Failure::detail).hint(
                "put it into the URL (`postgres://user:password@host/database`), into `~/.pgpass`, or set `PGPASSWORD`",
            );
        }
        if is_tls(error) {
            let mode = url.params.get("sslmode").map_or("prefer", String::as_str);
            return Failure::environment(format!("no encrypted session with the server at {place} (`sslmode={mode}`)"))
                .detail(cause)
                .hint("correct `sslmode` and `sslrootcert` in the database URL, or the server's certificate");
        }
        return Failure::environment(format!("no PostgreSQL server answers at {place}"))
            .detail(cause)
            .hint("start the server, or correct host and port in the database URL");
    };
    let code = refusal.code();
    if *code == SqlState::INVALID_PASSWORD {
        Failure::environment(format!("the server at {place} refuses the password of user `{}`", url.user)).hint(
            "correct the password in the database URL; `@ / ? # % :` in it are written as `%40 %2F %3F %23 %25 %3A`",
        )
    } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        Failure::environment(format!("the server at {place} does not let user `{}` in", url.user))
            .detail(refusal.message())
            .hint("correct the user in the database URL, or the server's pg_hba.conf")
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        Failure::environment(format!("the server at {place} has no database `{}`", url.database))
            .hint(format!("create it (`createdb {}`), or correct the name in the database URL", url.database))
    } else if *code == SqlState::TOO_MANY_CONNECTIONS || *code == SqlState::CANNOT_CONNECT_NOW {
        Failure::new(Kind::Temporary, format!("the server at {place} takes no more sessions now"))
            .detail(refusal.message())
            .hint("try again in a moment, or end idle sessions")
    } else {
        let failure = Failure::environment(format!("the server at {place} refuses the session: {}", refusal.message()))
            .detail(format!("SQLSTATE {}", code.code()));
        if refusal.message().contains("startup parameter") { failure.hint(POOLER) } else { failure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::testing::Scratch;

    fn failure(url: &DatabaseUrl) -> Failure {
        Failure::from_error(&connect(url, "test").err().unwrap())
    }

    #[test]
    fn each_way_to_fail_has_its_own_text_and_exit_code_6() {
        let scratch = Scratch::new();
        let url = &scratch.url;
        let cases = [
            (
                DatabaseUrl { password: Some("wrong-secret".into()), ..url.clone() },
                "refuses the password of user `postgres`",
            ),
            (DatabaseUrl { password: None, ..url.clone() }, "wants a password"),
            (url.with_database("missing"), "has no database `missing`"),
            (DatabaseUrl { port: 1, ..url.clone() }, "no PostgreSQL server answers at 127.0.0.1:1"),
            (
                DatabaseUrl { host: "/nowhere".into(), ..url.clone() },
                "no PostgreSQL server answers at /nowhere/.s.PGSQL",
            ),
            (
                DatabaseUrl { params: [("sslmode".into(), "require".into())].into(), ..url.clone() },
                "no encrypted session with the server at 127.0.0.1",
            ),
        ];
        for (url, text) in cases {
            let failure = failure(&url);
            assert!(failure.message.contains(text), "{}", failure.render());
            assert_eq!((failure.kind.exit_code(), failure.hints.len()), (6, 1));
            assert!(!failure.render().contains("secret"));
        }
    }

    #[test]
    fn a_read_only_session_writes_nothing_and_a_dropped_setting_is_told() {
        let (scratch, _) = Scratch::with("create table t (id integer)");
        let mut client = connect_read_only(&scratch.url, "test").unwrap();
        assert_eq!(
            client.execute("insert into t values (1)", &[]).unwrap_err().code(),
            Some(&SqlState::READ_ONLY_SQL_TRANSACTION)
        );
        // A role's own setting loses against start-up options, but these stand for a pooler that lets options fall.
        assert!(check_settings(&mut scratch.client(), &scratch.url).is_err());
    }

    #[test]
    fn identity_names_server_and_database() {
        let scratch = Scratch::new();
        let identity = identity(&mut scratch.client()).unwrap();
        assert_eq!(
            (identity.database.as_str(), identity.major),
            (scratch.url.database.as_str(), scratch.server.major())
        );
        assert!(
            identity.system_identifier.is_some() && identity.server_version.starts_with(&identity.major.to_string())
        );
    }
}
