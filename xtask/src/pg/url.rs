//! A database's address, parsed once: what reaches a child, an error or the terminal is made from the parts.
//!
//! Invariant: the password is never in `Display`, `Debug` or an error. Texts that libpq and postgres.js would read differently
//! (a raw `@` or `#` in a password) are refused, because then two programs of one run could talk to two databases. For the
//! same reason what libpq would add by itself (`PGSSLMODE` and its kin, a service, a password file) is resolved here, once,
//! and every child is told all of it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use anyhow::Result;

use super::service::{self, Password};
use crate::failure::Failure;
use crate::process::mask::percent_encoded;
use crate::process::{Mask, environment};

/// Parameters that libpq knows (PostgreSQL 18 docs, 32.1.2); the rest are other programs' and make psql and pg_dump fail.
const KNOWN: &[&str] = &[
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "fallback_application_name",
    "gssencmode",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "options",
    "passfile",
    "require_auth",
    "service",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
];

/// Those that stand for a place or a person, not for a way to talk.
const PARTS: &[&str] = &["host", "port", "user", "password", "dbname"];

/// What postgres.js and node-postgres understand in a URL or pass on to the server as a setting that it knows; the others make
/// the server refuse the session (postgres.js 3.4, `parseOptions`).
const FOR_BUN: &[&str] = &["application_name", "client_encoding", "connect_timeout", "options", "sslmode"];

/// The parts of a connection URL; every text is decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    /// A name, an address (IPv6 without brackets), or the folder of a Unix socket.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Option<String>,
    pub database: String,
    /// What libpq understands, e.g. `sslmode`, `options`.
    pub params: BTreeMap<String, String>,
    /// Names of the parameters that were left out (`schema`, `pgbouncer`, …); whoever uses the URL says so.
    pub dropped: Vec<String>,
    /// Why the password file was not read, where there is one.
    pub passfile: Option<String>,
}

/// Parses `postgres://` and `postgresql://`; missing parts come from `PGHOST` and its kin, then from libpq's defaults
/// (but `localhost` for the host, which is where postgres.js goes too).
pub fn parse(text: &str) -> Result<DatabaseUrl> {
    parse_with(text, &environment::var)
}

/// Whether a text is the URL of a database, readable or not.
#[must_use]
pub fn is_one(text: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| text.trim().starts_with(scheme))
}

/// Parses a URL that is whole: of a server of ours, which no variable and no file of the user's has a say in.
pub fn exact(text: &str) -> Result<DatabaseUrl> {
    parse_with(text, &|_| None)
}

fn parse_with(text: &str, var: &dyn Fn(&str) -> Option<String>) -> Result<DatabaseUrl> {
    let rest = text
        .trim()
        .strip_prefix("postgres://")
        .or_else(|| text.trim().strip_prefix("postgresql://"))
        .ok_or_else(|| refused("it does not start with `postgres://` or `postgresql://`"))?;
    if rest.contains('#') {
        return Err(refused("it holds a raw `#`"));
    }
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = address.split_once('/').unwrap_or((address, ""));
    let (credentials, place) = match authority.split_once('@') {
        Some((_, place)) if place.contains('@') => return Err(refused("it holds more than one `@`")),
        Some((credentials, place)) => (credentials, place),
        None => ("", authority),
    };
    let (user, password) = match credentials.split_once(':') {
        Some((user, password)) => (decoded(user)?, given(decoded(password)?)),
        None => (decoded(credentials)?, None),
    };
    let (host, port) = host_and_port(place)?;
    let (mut params, dropped) = parameters(query)?;

    let mut given_parts = BTreeMap::new();
    for (part, value) in [("host", host), ("port", port), ("user", user), ("dbname", decoded(database)?)] {
        given_parts.extend(given(value).map(|value| (part.to_owned(), value)));
    }
    given_parts.extend(password.map(|password| ("password".to_owned(), password)));
    for (name, value) in given_parts {
        params.entry(name).or_insert(value);
    }
    // What is said wins over the service, and that over the environment (libpq, `conninfo_add_defaults`).
    if let Some(service) = params.remove("service").or_else(|| var("PGSERVICE")) {
        for (name, value) in service::parameters(&service, var)? {
            params.entry(name).or_insert(value);
        }
    }
    for (name, variable) in VARIABLES {
        if let Some(value) = var(variable).filter(|_| !params.contains_key(*name)) {
            params.insert((*name).to_owned(), value);
        }
    }
    let host = params.remove("host").unwrap_or_else(|| "localhost".into());
    let port = params.remove("port").unwrap_or_else(|| "5432".into());
    if host.contains(',') || port.contains(',') {
        return Err(refused("it names several hosts, and a change must know which server it talks to"));
    }
    let number = port.parse().ok().filter(|port| *port > 0).ok_or_else(|| refused("its port is not a number"))?;
    let user = params.remove("user").or_else(|| var("USER")).ok_or_else(|| refused("it names no user"))?;
    let database = params.remove("dbname").unwrap_or_else(|| user.clone());
    let file = params.remove("passfile");
    let mut url = DatabaseUrl {
        host,
        port: number,
        user,
        password: params.remove("password"),
        database,
        params,
        dropped,
        passfile: None,
    };
    if url.password.is_none() {
        let key = [url.host.as_str(), &port, &url.database, &url.user];
        match service::password(file.as_deref(), key, var) {
            Password::Found(password) => url.password = Some(password),
            Password::Ignored(why) => url.passfile = Some(why),
            Password::None => {}
        }
    }
    Ok(url)
}

impl DatabaseUrl {
    /// The whole URL with its password, for children that take nothing else; never for a log.
    #[must_use]
    pub fn to_url(&self) -> String {
        self.assembled(true)
    }

    /// The URL without its password.
    #[must_use]
    pub fn display(&self) -> String {
        self.assembled(false)
    }

    /// Another database of the same server.
    #[must_use]
    pub fn with_database(&self, database: &str) -> DatabaseUrl {
        DatabaseUrl { database: database.to_owned(), ..self.clone() }
    }

    /// The same for psql, pg_dump and pg_restore: arguments show in `ps`, the environment does not.
    #[must_use]
    pub fn libpq_env(&self) -> BTreeMap<String, String> {
        let mut env = BTreeMap::from([
            ("PGHOST".to_owned(), self.host.clone()),
            ("PGPORT".to_owned(), self.port.to_string()),
            ("PGUSER".to_owned(), self.user.clone()),
            ("PGDATABASE".to_owned(), self.database.clone()),
            ("PGCONNECT_TIMEOUT".to_owned(), "10".to_owned()),
        ]);
        env.extend(self.password.clone().map(|password| ("PGPASSWORD".to_owned(), password)));
        for (name, variable) in VARIABLES {
            env.extend(self.params.get(*name).map(|value| ((*variable).to_owned(), value.clone())));
        }
        env
    }

    /// The URL for children of bun: with what their drivers understand.
    #[must_use]
    pub fn for_bun(&self) -> DatabaseUrl {
        let mut url = self.clone();
        url.params.retain(|name, _| FOR_BUN.contains(&name.as_str()));
        url
    }

    /// What children of bun get: the URL, and the root certificate in the way that bun and node take one.
    #[must_use]
    pub fn bun_env(&self) -> BTreeMap<String, String> {
        let mut env = BTreeMap::from([("DATABASE_URL".to_owned(), self.for_bun().to_url())]);
        let root = self.params.get("sslrootcert").filter(|file| *file != "system" && !file.is_empty());
        env.extend(root.map(|file| ("NODE_EXTRA_CA_CERTS".to_owned(), file.clone())));
        env
    }

    /// What the URL says and a child is not told, by name: one sentence for those who read it, none where all is told.
    #[must_use]
    pub fn untold(&self) -> Vec<String> {
        let mut told = Vec::new();
        let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let dropped: Vec<&str> = self.dropped.iter().map(String::as_str).collect();
        if !dropped.is_empty() {
            told.push(format!("{} in the URL: PostgreSQL's programs refuse it; nobody is told of it", list(&dropped)));
        }
        let kept = |name: &&str| !FOR_BUN.contains(name) && *name != "sslrootcert";
        let bun: Vec<&str> = self.params.keys().map(String::as_str).filter(kept).collect();
        if !bun.is_empty() {
            told.push(format!(
                "{}: bun's drivers take it from no URL; only PostgreSQL's programs are told",
                list(&bun)
            ));
        }
        told
    }

    /// Hides the password in what children print.
    #[must_use]
    pub fn mask(&self) -> Mask {
        let mut mask = Mask::default();
        for secret in [self.password.as_ref(), self.params.get("sslpassword")].into_iter().flatten() {
            mask.add(secret);
        }
        mask
    }

    /// A socket, `localhost` or a loopback address: a server on this machine, or a tunnel from it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.is_socket()
            || self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether `host` is the folder of a Unix socket.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    fn assembled(&self, secrets: bool) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { percent_encoded(&self.host) };
        let (user, database) = (percent_encoded(&self.user), percent_encoded(&self.database));
        let password =
            self.password.as_deref().filter(|_| secrets).map(|password| format!(":{}", percent_encoded(password)));
        let password = password.unwrap_or_default();
        let shown = |(name, _): &(&String, &String)| secrets || name.as_str() != "sslpassword";
        let params: Vec<String> = self
            .params
            .iter()
            .filter(shown)
            .map(|(name, value)| format!("{name}={}", percent_encoded(value)))
            .collect();
        let query = if params.is_empty() { String::new() } else { format!("?{}", params.join("&")) };
        format!("postgres://{user}{password}@{host}:{}/{database}{query}", self.port)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

/// The environment variables that stand for parameters (PostgreSQL docs, 34.15).
const VARIABLES: &[(&str, &str)] = &[
    ("application_name", "PGAPPNAME"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("client_encoding", "PGCLIENTENCODING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("dbname", "PGDATABASE"),
    ("gssencmode", "PGGSSENCMODE"),
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    ("options", "PGOPTIONS"),
    ("password", "PGPASSWORD"),
    ("port", "PGPORT"),
    ("require_auth", "PGREQUIREAUTH"),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    ("sslcert", "PGSSLCERT"),
    ("sslcompression", "PGSSLCOMPRESSION"),
    ("sslcrl", "PGSSLCRL"),
    ("sslcrldir", "PGSSLCRLDIR"),
    ("sslkey", "PGSSLKEY"),
    ("sslmode", "PGSSLMODE"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslsni", "PGSSLSNI"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("user", "PGUSER"),
];

fn host_and_port(place: &str) -> Result<(String, String)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or_else(|| refused("its `[` is not closed"))?;
        let port = port.strip_prefix(':').unwrap_or(port);
        return Ok((decoded(host)?, port.to_owned()));
    }
    let (host, port) = place.split_once(':').unwrap_or((place, ""));
    Ok((decoded(host)?, port.to_owned()))
}

fn parameters(query: &str) -> Result<(BTreeMap<String, String>, Vec<String>)> {
    let (mut params, mut dropped) = (BTreeMap::new(), Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        if name == "ssl" {
            // libpq itself reads JDBC's `ssl=true` as this; postgres.js takes the modes under that name too.
            let mode = if value == "true" { "require".to_owned() } else { value };
            params.entry("sslmode".to_owned()).or_insert(mode);
        } else if KNOWN.contains(&name.as_str()) || PARTS.contains(&name.as_str()) {
            params.insert(name, value);
        } else if !dropped.contains(&name) {
            dropped.push(name);
        }
    }
    Ok((params, dropped))
}

fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, tail) = match (byte, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let byte = digit(*high).zip(digit(*low)).map(|(high, low)| high * 16 + low);
                (byte.filter(|byte| *byte != 0).ok_or_else(|| refused("it holds a `%` that starts no code"))?, tail)
            }
            (b'%', _) => return Err(refused("it holds a `%` that starts no code")),
            plain => plain,
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| refused("a part of it is not UTF-8"))
}

fn refused(why: &str) -> anyhow::Error {
    Failure::usage(format!("the database URL cannot be used: {why}"))
        .hint("the form is `postgres://user:password@host:5432/database`; in user and password write `@ / ? # % :` as `%40 %2F %3F %23 %25 %3A`")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARD: &str = "p@s/s#w%o'r:d?&= ü";

    fn parse_bare(text: &str) -> Result<DatabaseUrl> {
        parse_with(text, &|name| (name == "USER").then(|| "me".to_owned()))
    }

    #[test]
    fn a_hard_password_survives_url_and_environment() {
        let url = parse_bare(&format!("postgresql://app:{}@db.example:6543/shop", percent_encoded(HARD))).unwrap();
        assert_eq!(url.password.as_deref(), Some(HARD));
        assert_eq!(parse_bare(&url.to_url()).unwrap(), url);
        assert_eq!(url.libpq_env()["PGPASSWORD"], HARD);
        assert_eq!(url.mask().apply(&url.to_url()), "postgres://app:***@db.example:6543/shop");
        assert_eq!(url.display(), "postgres://app@db.example:6543/shop");
        assert_eq!(format!("{url:?}"), url.display());
    }

    #[test]
    fn missing_parts_have_libpqs_defaults() {
        let url = parse_bare("postgres://").unwrap();
        assert_eq!(
            (url.host.as_str(), url.port, url.user.as_str(), url.database.as_str()),
            ("localhost", 5432, "me", "me")
        );
        let values =
            [("PGHOST", "no"), ("PGPORT", "61"), ("PGUSER", "ann"), ("PGDATABASE", "shop"), ("PGSSLMODE", "require")];
        let var = |name: &str| values.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let url = parse_with("postgres://h?application_name=x", &var).unwrap();
        assert_eq!(url.to_url(), "postgres://ann@h:61/shop?application_name=x&sslmode=require");
        assert_eq!(parse_with("postgres://ann@h/d?sslmode=disable", &var).unwrap().params["sslmode"], "disable");
        // A server of ours is where its URL says, whatever the environment of the user.
        assert!(exact("postgres://h/d").is_err() && exact("postgres://u@h/d").unwrap().params.is_empty());
    }

    #[test]
    fn a_service_and_a_password_file_are_read_as_by_libpq() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("service"), "[shop]\nhost=db.example\nport=6000\ndbname=shop\nsslmode=verify-full\n")
            .unwrap();
        std::fs::write(path("pass"), "db.example:6000:shop:ann:secret\n").unwrap();
        let mode = |mode| std::fs::set_permissions(path("pass"), std::fs::Permissions::from_mode(mode)).unwrap();
        let var = |name: &str| match name {
            "PGSERVICEFILE" => Some(path("service")),
            "PGPASSFILE" => Some(path("pass")),
            "PGSSLMODE" => Some("disable".to_owned()),
            _ => None,
        };
        mode(0o600);
        let url = parse_with("postgres://ann@/?service=shop", &var).unwrap();
        assert_eq!(url.to_url(), "postgres://ann:secret@db.example:6000/shop?sslmode=verify-full");
        mode(0o644);
        let url = parse_with("postgres://ann@/?service=shop", &var).unwrap();
        assert!(url.password.is_none() && url.passfile.unwrap().contains("open to others"));
        assert!(parse_with("postgres://ann@/?service=none", &var).is_err());
    }

    #[test]
    fn a_child_of_bun_is_told_what_its_driver_takes_and_the_rest_is_named() {
        let url =
            parse_bare("postgres://u@h/d?sslmode=verify-full&sslrootcert=/ca.pem&sslcert=/c.pem&schema=x").unwrap();
        let env = url.bun_env();
        assert_eq!(env["DATABASE_URL"], "postgres://u@h:5432/d?sslmode=verify-full");
        assert_eq!(env["NODE_EXTRA_CA_CERTS"], "/ca.pem");
        let untold = url.untold();
        assert!(
            untold.len() == 2 && untold[0].contains("`schema`") && untold[1].starts_with("`sslcert`:"),
            "{untold:?}"
        );
    }

    #[test]
    fn ipv6_and_sockets_are_hosts() {
        let url = parse_bare("postgres://u@[::1]:5433/d").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.is_local()), ("::1", 5433, true));
        assert_eq!(url.to_url(), "postgres://u@[::1]:5433/d");
        for text in ["postgres://u@%2Ftmp%2Fs/d", "postgres://u@/d?host=/tmp/s"] {
            let url = parse_bare(text).unwrap();
            assert!(url.host == "/tmp/s" && url.is_socket() && url.is_local());
            assert_eq!(parse_bare(&url.to_url()).unwrap(), url);
        }
        assert!(!parse_bare("postgres://u@localhost.evil.example/d").unwrap().is_local());
    }

    #[test]
    fn parameters_that_libpq_refuses_are_left_out_and_named() {
        let url = parse_bare(
            "postgres://u@h/d?schema=public&sslmode=require&pgbouncer=true&options=-c%20lock_timeout%3D1000",
        )
        .unwrap();
        assert_eq!(url.dropped, ["schema", "pgbouncer"]);
        assert_eq!(url.to_url(), "postgres://u@h:5432/d?options=-c%20lock_timeout%3D1000&sslmode=require");
        assert_eq!(url.libpq_env()["PGSSLMODE"], "require");
        assert_eq!(url.libpq_env()["PGOPTIONS"], "-c lock_timeout=1000");
    }

    #[test]
    fn what_cannot_be_read_in_one_way_is_refused_without_the_password() {
        for text in [
            "postgres://u:sec@ret@h/d",
            "postgres://u:sec/ret@h/d",
            "postgres://u:sec#ret@h/d",
            "postgres://u:sec%ret@h/d",
            "postgres://u:sec%00ret@h/d",
            "postgres://u:secret@h1,h2/d",
            "postgres://u:secret@h:0/d",
            "mysql://u:secret@h/d",
            "u:secret@h/d",
        ] {
            let failure = Failure::from_error(&parse_bare(text).unwrap_err());
            assert_eq!(failure.kind.exit_code(), 2, "{text}");
            assert!(!failure.render().contains("sec") && !failure.render().contains("ret@"), "{}", failure.render());
        }
    }
}
