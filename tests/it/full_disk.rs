//! A full disk and a state folder that cannot be written, met by an unprivileged user in a mount namespace of its own. What was
//! recorded stays as it was and can be read, the error says what to do, and the run goes on once there is room.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use xtask::process::{Run, places};

use crate::harness::{Repo, shell};
use crate::sample::Ran;

/// `$1` the program, `$2` the user, `$3` what is done around the runs. The folder is the repo's.
const INSIDE: &str = r#"
set -e
program="$1"; user="$2"
xtask() { echo "--- $*"; $user "$program" "$@" 2>&1 || echo "[exit $?]"; }
state() { cat .db-change/runs/w-1/state.toml; }
eval "$3"
"#;

/// Runs the script as nobody (or, without root, as a user who is mapped to no privilege) in a namespace of its own; what was said
/// after each command.
fn inside(repo: &Repo, script: &str) -> Vec<String> {
    let root = places::user_id() == 0;
    let namespace: &[&str] = if root { &["--mount"] } else { &["--user", "--map-root-user", "--mount"] };
    let probe = Ran::of(&Run::new("unshare", "/").args(namespace.iter().copied()).arg("true"));
    assert_eq!(probe.code, 0, "this machine forbids mount namespaces, so this cannot be tested here: {}", probe.stderr);
    let user = if root {
        give_away(repo.root().parent().unwrap());
        "setpriv --reuid 65534 --regid 65534 --clear-groups"
    } else {
        // Root of its own namespace has no power over a disk that is full or read-only; over modes it has.
        "setpriv --bounding-set=-all --inh-caps=-all"
    };
    // Where the program was built may be closed to others.
    let program = repo.root().parent().unwrap().join("xtask");
    fs::copy(env!("CARGO_BIN_EXE_xtask"), &program).unwrap();
    let script = ["sh", "-c", INSIDE, "sh", program.to_str().unwrap(), user, script];
    let mut run = Run::new("unshare", repo.root()).args(namespace.iter().copied()).args(script);
    run = run.env("HOME", repo.root().parent().unwrap().join("home").display().to_string());
    let ran = Ran::of(&run.env("XDG_STATE_HOME", "").env("GIT_CONFIG_NOSYSTEM", "1"));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    ran.stdout.split("--- ").skip(1).map(str::to_owned).collect()
}

fn give_away(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let ran = Ran::of(&Run::new("chown", "/").args(["-R", "65534:65534"]).arg(folder));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

/// A step that passes, one that takes all room there is (or what else `act` does) and passes too, and one more.
fn repo(act: &str) -> Repo {
    let repo = Repo::new();
    let steps = [shell("a", &[], "true", ""), shell("b", &["a"], act, ""), shell("c", &["b"], "true", "")];
    repo.workflow("w", &steps.concat());
    repo
}

#[track_caller]
fn tells(said: &str, hint: &str) {
    assert!(said.contains("[exit 6]") && said.contains(hint), "{said}");
    assert!(!said.contains("a bug of ours"), "{said}");
}

/// The status that the state file in this text gives the step.
fn status(said: &str, step: &str) -> String {
    let text = &said[said.find("schema = ").unwrap()..];
    let state: toml::Table = text.split("===").next().unwrap().parse().unwrap();
    state["step"][step]["status"].as_str().unwrap().to_owned()
}

const ROOM: &str = "mkdir .db-change; mount -t tmpfs -o size=256k,mode=777 none .db-change\n";

#[test]
fn a_disk_that_fills_up_costs_no_record_and_the_run_goes_on_once_there_is_room() {
    let repo = repo("test -e go || cat /dev/zero > .db-change/ballast 2> /dev/null; true");
    let said = inside(
        &repo,
        &format!(
            "{ROOM} xtask run w; state; echo ===; xtask db-change status --workflow w; xtask run w; xtask db-change why a --workflow w
             rm .db-change/ballast; touch go; xtask run w; state; echo ===; xtask db-change status --workflow w --json"
        ),
    );
    let [filled, seen, again, why, rest, last] = &said[..] else { panic!("{said:#?}") };
    tells(filled, "make room there");
    assert_eq!((status(filled, "a").as_str(), status(filled, "b").as_str()), ("passed", "running"));
    assert!(seen.contains("✓ a") && seen.contains("interrupted") && !seen.contains("[exit"), "{seen}");
    tells(again, "make room there");
    assert!(!why.contains("[exit"), "{why}");
    assert!(!rest.contains("[exit") && status(rest, "c") == "passed" && last.contains("\"passed\""), "{rest}{last}");
    assert_eq!(repo.trace(), "a b b c", "what passed is not done again");
}

#[test]
fn logs_that_find_no_room_cost_no_verdict() {
    // Room for the state is made before the step ends: only its output met the full disk.
    let act = "cat /dev/zero > .db-change/ballast 2> /dev/null; for n in 1 2 3; do echo line $n; done; sleep 0.2; rm .db-change/ballast";
    let repo = repo(act);
    let said = inside(&repo, &format!("{ROOM} xtask run w; state; echo ==="));
    assert_eq!((status(&said[0], "b").as_str(), status(&said[0], "c").as_str()), ("passed", "passed"), "{}", said[0]);
}

#[test]
fn a_state_folder_that_cannot_be_written_is_told_and_can_still_be_read() {
    let repo = repo("test -e go");
    let said = inside(
        &repo,
        "xtask run w; chmod -R a-w .db-change; xtask run w; xtask db-change status --workflow w; chmod -R u+w .db-change
         mount --bind .db-change .db-change; mount -o remount,bind,ro .db-change; xtask run w; xtask db-change status --workflow w
         state; echo ===; umount .db-change; touch go; xtask run w; state; echo ===",
    );
    let [first, closed, seen, read_only, seen_too, last] = &said[..] else { panic!("{said:#?}") };
    assert!(first.contains("[exit 1]"), "{first}");
    tells(closed, "see that you may write there");
    tells(read_only, "see that you may write there");
    for seen in [seen, seen_too] {
        assert!(seen.contains("✓ a") && seen.contains("✗ b") && !seen.contains("[exit"), "{seen}");
    }
    assert_eq!((status(seen_too, "b").as_str(), status(last, "c").as_str()), ("failed", "passed"));
    assert_eq!(repo.trace(), "a b b c");
}
