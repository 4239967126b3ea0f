//! How a database is reached: encryption as libpq does it, and no other database than the one that is meant.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use xtask::pg::connect;
use xtask::pg::server::{Server, Settings};
use xtask::pg::url::{self, DatabaseUrl};
use xtask::process::Run;
use xtask::process::tools::{self, Postgres, Wanted};

use crate::sample::{Ran, Sample};

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// A server whose certificate changes under way.
struct Encrypting {
    server: Server,
    postgres: Postgres,
    folder: tempfile::TempDir,
}

impl Encrypting {
    fn start() -> Encrypting {
        let postgres = tools::postgres(&Wanted::default()).unwrap();
        let server = Server::start(&postgres, &Settings::default()).unwrap();
        Encrypting { server, postgres, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn openssl(&self, args: &str) {
        let ran = Ran::of(&Run::new("openssl", self.folder.path()).args(args.split(' ')));
        assert_eq!(ran.code, 0, "openssl {args}: {}", ran.stderr);
    }

    fn root(&self, name: &str) {
        self.openssl(&format!("req -new -x509 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.crt"));
    }

    /// As PostgreSQL's documentation makes one; without extensions it is of X.509 version 1 where openssl is of 3.0.
    fn signed(&self, name: &str, root: &str, extensions: &str) {
        self.openssl(&format!("req -new -nodes -subj /CN=localhost -keyout {name}.key -out {name}.csr"));
        let mut args = format!(
            "x509 -req -days 2 -in {name}.csr -CA {root}.crt -CAkey {root}.key -CAcreateserial -out {name}.crt"
        );
        if !extensions.is_empty() {
            fs::write(self.path("extensions"), extensions).unwrap();
            args += " -extfile extensions";
        }
        self.openssl(&args);
    }

    fn serve(&self, certificate: &str) {
        // The account that the server runs under has its data folder.
        let folder = self.server.folder().join("data");
        let owner = fs::metadata(&folder).unwrap();
        for ending in ["crt", "key"] {
            let to = folder.join(format!("tls.{ending}"));
            fs::copy(self.path(&format!("{certificate}.{ending}")), &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
            chown(&to, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let folder = folder.display();
        for setting in [
            format!("ssl_cert_file = '{folder}/tls.crt'"),
            format!("ssl_key_file = '{folder}/tls.key'"),
            "ssl = on".into(),
        ] {
            self.server.connect("postgres").unwrap().batch_execute(&format!("alter system set {setting}")).unwrap();
        }
        self.reload();
    }

    /// The lines of `pg_hba.conf` for TCP.
    fn admit(&self, kind: &str) {
        let mut client = self.server.connect("postgres").unwrap();
        let file: String = client.query_one("show hba_file", &[]).unwrap().get(0);
        fs::write(file, format!("local all all trust\n{kind} all all all scram-sha-256\n")).unwrap();
        self.reload();
    }

    fn reload(&self) {
        self.server.connect("postgres").unwrap().batch_execute("select pg_reload_conf()").unwrap();
        std::thread::sleep(Duration::from_millis(150));
    }

    fn url(&self, host: &str, mode: &str, root: Option<&Path>) -> DatabaseUrl {
        let mut url = url::exact(&self.server.url("postgres")).unwrap();
        url.host = host.to_owned();
        url.params.insert("sslmode".into(), mode.to_owned());
        url.params.extend(root.map(|root| ("sslrootcert".to_owned(), root.display().to_string())));
        url
    }

    /// What libpq comes to and what we do: no session, or whether it is encrypted.
    fn compare(&self, host: &str, mode: &str, root: Option<&Path>) -> Option<bool> {
        let url = self.url(host, mode, root);
        let asked = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        let mut psql = Run::new(self.postgres.tool("psql"), "/").args(["-XAtc", asked]);
        psql.env = url.libpq_env();
        psql.env.insert("HOME".to_owned(), self.folder.path().display().to_string());
        let libpq = Ran::of(&psql);
        let theirs = (libpq.code == 0).then(|| libpq.stdout.trim() == "t");
        let opened = connect::connect(&url, "test");
        let said = opened.as_ref().err().map(|error| format!("{error:?}")).unwrap_or_default();
        let ours = opened.ok().map(|mut client| client.query_one(asked, &[]).unwrap().get::<_, bool>(0));
        assert_eq!(ours, theirs, "{host} {mode} {root:?}\nlibpq: {}\nwe: {said}", libpq.stderr);
        ours
    }

    fn all(&self, host: &str, root: Option<&Path>) -> [Option<bool>; 6] {
        MODES.map(|mode| self.compare(host, mode, root))
    }
}

#[test]
fn every_sslmode_accepts_and_refuses_what_libpq_does() {
    if tools::on_path("openssl").is_none() {
        eprintln!("skipped: no openssl to make certificates with");
        return;
    }
    const YES: Option<bool> = Some(true);
    const PLAIN: Option<bool> = Some(false);
    let it = Encrypting::start();
    it.root("right");
    it.root("wrong");
    it.root("localhost");
    it.signed("named", "right", "subjectAltName=DNS:localhost\n");
    it.signed("other", "right", "subjectAltName=DNS:db.example,DNS:*.localhost\n");
    it.signed("address", "right", "subjectAltName=IP:127.0.0.1\n");
    it.signed("recipe", "right", "");
    let (right, wrong) = (it.path("right.crt"), it.path("wrong.crt"));
    let (right, wrong) = (Some(right.as_path()), Some(wrong.as_path()));

    assert_eq!(it.all("localhost", right), [PLAIN, PLAIN, PLAIN, None, None, None]);
    it.serve("named");
    assert_eq!(it.all("localhost", None), [PLAIN, PLAIN, YES, YES, None, None]);
    assert_eq!(it.all("localhost", right), [PLAIN, PLAIN, YES, YES, YES, YES]);
    assert_eq!(it.all("127.0.0.1", right), [PLAIN, PLAIN, YES, YES, YES, None]);
    assert_eq!(it.all("localhost", wrong), [PLAIN, PLAIN, PLAIN, None, None, None]);
    let missing = it.path("missing");
    assert_eq!(it.all("localhost", Some(&missing)), [PLAIN, PLAIN, YES, YES, None, None]);
    // Certificates that rustls alone would refuse.
    for (certificate, host, root, full) in [
        ("recipe", "localhost", "right", YES),
        ("recipe", "127.0.0.1", "right", None),
        ("recipe", "localhost", "wrong", None),
        ("localhost", "localhost", "localhost", YES),
        ("other", "localhost", "right", None),
        ("address", "127.0.0.1", "right", YES),
        ("address", "localhost", "right", YES),
    ] {
        it.serve(certificate);
        let root = it.path(&format!("{root}.crt"));
        assert_eq!(it.compare(host, "verify-full", Some(&root)), full, "{certificate} {host}");
        it.compare(host, "verify-ca", Some(&root));
    }
    it.admit("hostssl");
    assert_eq!(it.all("localhost", None), [None, YES, YES, YES, None, None]);
    it.admit("hostnossl");
    assert_eq!(it.all("localhost", None), [PLAIN, PLAIN, PLAIN, None, None, None]);
}

/// A database that nothing may reach, and its URL.
fn bystander(sample: &Sample) -> String {
    let name = format!("{}_bystander", sample.database);
    sample.shared.server.clone_database(&sample.database, &name).unwrap();
    sample.shared.server.url(&name)
}

/// Sessions that the bystander ever had.
fn sessions(sample: &Sample) -> i64 {
    let asked = "select sessions from pg_stat_database where datname = $1";
    let name = format!("{}_bystander", sample.database);
    sample.shared.server.connect("postgres").unwrap().query_one(asked, &[&name]).unwrap().get(0)
}

#[test]
fn nothing_reaches_a_database_that_env_files_or_the_configuration_name() {
    let sample = Sample::new();
    let url = bystander(&sample);
    for file in [".env", ".env.test", ".env.local", ".env.development"] {
        let text = format!("DATABASE_URL={url}\nTEST_DATABASE_URL='{url}'\nPGDATABASE=elsewhere\n");
        sample.write(file, &text);
        sample.write(&format!("packages/db/{file}"), &text);
    }
    let before = sample.content();
    sample.patch("phone/schema.patch");
    let config = "packages/db/drizzle.config.ts";
    let right = sample.read(config);
    // The development database itself: a rehearsal by this configuration would be no rehearsal.
    for wrong in [&sample.env["DATABASE_URL"], &url] {
        sample.write(config, &right.replace("process.env.DATABASE_URL ?? ''", &format!("'{wrong}'")));
        let ran = sample.db_change(&["--to", "rehearse"]);
        ran.fails(4, &["`drizzle.config.ts` would migrate another database", "write `dbCredentials:"]);
        assert_eq!(before.difference(&sample.content()), [] as [String; 0]);
        let password = sample.shared.server.password();
        assert!(!ran.stderr.contains(password) && !ran.stdout.contains(password));
    }
    sample.write(config, &right);
    let ran = sample.db_change(&["--to", "rehearse"]);
    assert_eq!(ran.code, 0);
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("note: the database `{}_bystander` on 127.0.0.1:", sample.database)));
    assert!(
        said.contains("`TEST_DATABASE_URL` in `.env.local`")
            && said.contains("`DATABASE_URL` in `packages/db/.env.test`")
    );
    assert_eq!(before.difference(&sample.content()), [] as [String; 0]);
    assert_eq!(sessions(&sample), 0);
}

#[test]
fn tests_that_take_another_database_are_kept_from_it() {
    let sample = Sample::new();
    let url = bystander(&sample);
    sample.edit("packages/db/src/url.ts", "env.DATABASE_URL?.trim()", &format!("'{url}'"));
    sample.commit("a database of one's own");
    sample.patch("phone/schema.patch");
    let ran = sample.db_change(&["--to", "schema-test-red"]);
    ran.fails(4, &["the tests would use another database", "_bystander`", "take the database from `DATABASE_URL`"]);
    assert_eq!(sessions(&sample), 0);
}

#[test]
fn a_pooler_is_refused_and_passed_by_the_direct_way_to_the_same_database() {
    let mut sample = Sample::new();
    let target = "url_env = \"DATABASE_URL\"";
    sample.edit("workflows/db-change.toml", target, &format!("{target}\ndirect_url_env = \"DIRECT_URL\""));
    sample.commit("a direct way");
    let direct = sample.env["DATABASE_URL"].clone();
    sample.env.insert("DATABASE_URL".to_owned(), format!("{direct}?pgbouncer=true&connection_limit=5"));
    sample.patch("phone/schema.patch");
    let words = [
        "`dev` is reached through a connection pooler, and a backup needs",
        "its URL says `pgbouncer`",
        "direct_url_env",
    ];
    sample.db_change(&["--to", "backup"]).fails(6, &words);
    sample.env.insert("DIRECT_URL".to_owned(), bystander(&sample));
    sample.db_change(&["--to", "backup"]).fails(4, &["`DATABASE_URL` and `DIRECT_URL` lead to two databases"]);
    sample.env.insert("DIRECT_URL".to_owned(), direct);
    let ran = sample.db_change(&["--to", "rehearse"]);
    assert_eq!(ran.code, 0);
}
