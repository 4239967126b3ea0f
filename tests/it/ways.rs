//! Ways past a gate that were tried, and what stopped each. In every one of them somebody wants `deployed` to be there without
//! what has to come before it: a check of the source, and a person who has read the rules.

use std::fs;
use std::time::SystemTime;

use rustix::process::Signal;
use xtask::actions;
use xtask::digest;
use xtask::process::Run;
use xtask::state::seal;
use xtask::workflow::load::{load, path_of};

use crate::harness::{Done, Repo, shell, step, until};

const FILE: &str = "workflows/w.toml";
const STATE: &str = "runs/w-1/state.toml";

/// `check`, which the source does not pass; `read`, which only a person attests; `deploy` behind both.
fn steps() -> String {
    let check = shell("check", &[], "grep -q sound source.txt", "inputs = [\"source.txt\"]");
    let read = "uses = \"docs.read\"\nby = \"person\"\nwith = { documents = [\"rules.md\"] }";
    [check, step("read", &["check"], read), shell("deploy", &["check", "read"], "touch deployed", "")].concat()
}

fn key(repo: &Repo, name: &str) {
    let make = ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"];
    assert!(Run::new("ssh-keygen", repo.root()).args(make).arg(format!("../{name}")).run().unwrap().success());
}

/// A run whose `check` has failed.
fn failed() -> Repo {
    let repo = Repo::new();
    repo.write(".gitignore", "/trace\n/deployed\n");
    repo.write("source.txt", "broken");
    repo.write("rules.md", "no deploy on Fridays\n");
    repo.workflow("w", &steps());
    key(&repo, "ada");
    let public = fs::read_to_string(repo.path("../ada.pub")).unwrap();
    repo.write("workflows/allowed_signers", &format!("ada@example.test {public}"));
    repo.commit("all");
    go(&repo).expect(1);
    repo
}

/// A run whose `check` has passed, and whose `read` waits for a person.
fn waiting() -> Repo {
    let repo = failed();
    repo.write("source.txt", "sound");
    go(&repo).expect(3);
    repo
}

fn go(repo: &Repo) -> Done {
    repo.xtask(&["run", "w", "--jobs", "1"]).run()
}

fn say(repo: &Repo, words: &[&str]) -> Done {
    repo.xtask(&[&["db-change"], words, &["--workflow", "w"]].concat()).run()
}

fn attest(repo: &Repo, more: &[&str]) -> Done {
    say(repo, &[&["attest", "read", "--by", "Ada", "--note", "read them"], more].concat())
}

#[test]
fn with_names_that_lead_elsewhere() {
    let victim = |repo: &Repo| repo.write("../victim/kept.txt", "mine");
    for id in ["../../victim", "../.."] {
        let repo = failed();
        victim(&repo);
        repo.workflow("x", &shell(id, &[], "true", ""));
        for args in [&["run", "x"] as &[&str], &["workflow", "check", "x"]] {
            repo.xtask(args).run().expect(2).says(&[&format!("no step may be called `{id}`")]);
        }
        assert_eq!(repo.read("../victim/kept.txt"), "mine");
    }
    let repo = failed();
    repo.write("../w.toml", &repo.read(FILE));
    let name = "../../w";
    let attempts: &[&[&str]] = &[
        &["run", name],
        &["run", name, "--only", "deploy"],
        &["db-change", "--workflow", name],
        &["db-change", "status", "--workflow", name],
        &["db-change", "abort", "--reason", "x", "--workflow", name],
        &["workflow", "check", name],
        &["workflow", "graph", name],
        &["run", ""],
        &["run", ".."],
    ];
    for args in attempts {
        repo.xtask(args).run().expect(2).says(&["is not the name of a workflow", "hint: "]);
    }
    assert!(!repo.path(".db-change/w-1").exists() && !repo.path("w-1").exists() && !repo.path("../w-1").exists());
}

/// What stopped it: an exit code, and words that say why.
type Stopped = (i32, &'static str);

/// Tries a way; whatever it was, nothing is deployed, neither at once nor by going on.
#[track_caller]
fn way(what: &str, repo: Repo, attempt: impl FnOnce(&Repo) -> Done, stopped: Stopped) {
    let done = attempt(&repo);
    let (code, words) = stopped;
    assert_eq!(done.code, code, "{what}\nstdout:\n{}\nstderr:\n{}", done.stdout, done.stderr);
    let said = done.stderr + &done.stdout;
    assert!(said.contains(words), "{what}: `{words}` is not in:\n{said}");
    assert!(!repo.path("deployed").exists(), "{what}: it was deployed");
    let after = go(&repo);
    assert_ne!(after.code, 0, "{what}: the run went through afterwards");
    assert!(!repo.path("deployed").exists(), "{what}: it was deployed afterwards");
}

#[test]
fn the_gates_open_for_those_who_do_what_they_ask_for() {
    let repo = waiting();
    attest(&repo, &["--sign", "../ada"]).expect(0);
    go(&repo).expect(0);
    assert!(repo.path("deployed").exists(), "the ways below prove nothing where nobody can deploy");
}

#[test]
fn out_of_order() {
    way(
        "run the last step by name",
        failed(),
        |repo| repo.xtask(&["run", "w", "--to", "deploy"]).run(),
        (1, "held up by: check"),
    );
    way(
        "try the last step alone",
        failed(),
        |repo| repo.xtask(&["run", "w", "--only", "deploy"]).run(),
        (0, "nothing of it counts"),
    );
    way("say a word before its turn", failed(), |repo| attest(repo, &["--sign", "../ada"]), (4, "`check` first"));
    way(
        "go on from another branch",
        failed(),
        |repo| {
            repo.git(&["switch", "--quiet", "--create", "other"]);
            go(repo)
        },
        (1, "held up by: check"),
    );
    way(
        "forget that the run failed",
        failed(),
        |repo| {
            fs::remove_dir_all(repo.path(".db-change")).unwrap();
            go(repo)
        },
        (1, "held up by: check"),
    );
    way(
        "kill the runner while the check is at work",
        failed(),
        |repo| {
            repo.write("source.txt", "broken, and slow");
            let run = repo.xtask(&["run", "w"]).start();
            until("the check", || repo.status("w-1", "check") == "running" || repo.read("trace").lines().count() > 1);
            run.signal(Signal::KILL);
            run.wait();
            go(repo)
        },
        (1, "held up by: check"),
    );
}

#[test]
fn with_an_editor_in_the_state() {
    let edited = "cannot be trusted";
    way(
        "write that the check has passed",
        failed(),
        |repo| {
            let name = format!(".db-change/{STATE}");
            repo.write(&name, &repo.read(&name).replace("\"failed\"", "\"passed\""));
            go(repo)
        },
        (4, edited),
    );
    way(
        "write that the rules were read",
        waiting(),
        |repo| {
            let name = format!(".db-change/{STATE}");
            repo.write(&name, &repo.read(&name).replace("\"waiting_attestation\"", "\"passed\""));
            go(repo)
        },
        (4, edited),
    );
    way(
        "seal the edited state with a key of one's own",
        failed(),
        |repo| {
            let text = repo.read_unsealed(STATE).replace("\"failed\"", "\"passed\"");
            let own = tempfile::tempdir().unwrap();
            let sealed = seal::seal(own.path(), STATE, &text).unwrap();
            repo.write(&format!(".db-change/{STATE}"), &sealed);
            go(repo)
        },
        (4, edited),
    );
    way(
        "take the state of a run that went through",
        failed(),
        |repo| {
            repo.workflow("v", &shell("check", &[], "true", ""));
            repo.xtask(&["run", "v"]).run().expect(0);
            repo.write(&format!(".db-change/{STATE}"), &repo.read(".db-change/runs/v-1/state.toml"));
            go(repo)
        },
        (4, edited),
    );
    way(
        "put back a state of a better time",
        waiting(),
        |repo| {
            let name = format!(".db-change/{STATE}");
            let better = repo.read(&name);
            repo.write("source.txt", "broken");
            go(repo).expect(1);
            repo.write(&name, &better);
            go(repo)
        },
        (1, "held up by: check"),
    );
    way(
        "edit what a step has proven",
        waiting(),
        |repo| {
            let name = ".db-change/runs/w-1/evidence/check.toml";
            repo.write(name, &repo.read(name).replace("exit = 0", "exit = 1"));
            go(repo)
        },
        (4, "evidence/check.toml` cannot be trusted"),
    );
    way(
        "say that a newer program wrote it",
        failed(),
        |repo| {
            repo.write_sealed(STATE, &repo.read_unsealed(STATE).replace("schema = \"1.0\"", "schema = \"1.9\""));
            go(repo)
        },
        (4, "the state file has schema 1.9"),
    );
}

#[test]
fn with_an_editor_in_the_workflow() {
    let replaced = |from: &'static str, to: &'static str| {
        move |repo: &Repo| {
            let text = repo.read(FILE);
            assert!(text.contains(from), "{text}");
            repo.write(FILE, &text.replace(from, to));
        }
    };
    let asked = (3, "The workflow file is not the one that this run goes by");
    way(
        "make the check ask for less",
        failed(),
        |repo| {
            replaced("grep -q sound", "grep -q broken")(repo);
            go(repo)
        },
        asked,
    );
    way(
        "take the check out of what has to come before",
        failed(),
        |repo| {
            replaced("needs = [\"check\", \"read\"]", "needs = []")(repo);
            go(repo)
        },
        asked,
    );
    way(
        "let the check look at nothing that changes",
        failed(),
        |repo| {
            replaced("inputs = [\"source.txt\"]", "")(repo);
            go(repo)
        },
        asked,
    );
    way(
        "adopt the weaker file from a script",
        failed(),
        |repo| {
            replaced("grep -q sound", "true")(repo);
            say(repo, &["answer", "workflow", "1", "--reason", "it hurts"])
        },
        (4, "opened by a person's word"),
    );
    way(
        "begin again with the weaker file",
        failed(),
        |repo| {
            replaced("grep -q sound", "true")(repo);
            say(repo, &["abort", "--reason", "anew"]).expect(0);
            go(repo)
        },
        asked,
    );
    way(
        "take the person out of the gate",
        waiting(),
        |repo| {
            replaced("by = \"person\"\n", "")(repo);
            say(repo, &["answer", "workflow", "2", "--reason", "later"]).expect(0);
            attest(repo, &[])
        },
        (4, "opened by a person's word"),
    );
    way(
        "name other signers",
        waiting(),
        |repo| {
            key(repo, "eve");
            let public = fs::read_to_string(repo.path("../eve.pub")).unwrap();
            repo.write("mine", &format!("eve@example.test {public}"));
            replaced("name = \"w\"\n", "name = \"w\"\nallowed_signers = \"mine\"\n")(repo);
            say(repo, &["answer", "workflow", "2", "--reason", "later"]).expect(0);
            attest(repo, &["--sign", "../eve"])
        },
        (4, "this signature does not count"),
    );
}

#[test]
fn with_a_workflow_that_the_base_commit_has_elsewhere() {
    for (link, target) in [("workflows", "rules"), (FILE, "../rules/w.toml")] {
        let repo = failed();
        say(&repo, &["abort", "--reason", "moved"]).expect(0);
        repo.git(&["mv", "workflows", "rules"]);
        let _ = fs::create_dir(repo.path("workflows"));
        let _ = fs::remove_dir_all(repo.path(link));
        std::os::unix::fs::symlink(target, repo.path(link)).unwrap();
        repo.commit("elsewhere");
        way(
            link,
            repo,
            |repo| {
                repo.write("source.txt", "sound");
                repo.write("rules/w.toml", &repo.read("rules/w.toml").replace("by = \"person\"\n", ""));
                go(repo).expect(3);
                attest(repo, &[])
            },
            (4, "opened by a person's word"),
        );
    }
}

#[test]
fn with_other_content_than_was_proven() {
    way(
        "change the source after the check",
        waiting(),
        |repo| {
            repo.write("source.txt", "broken");
            go(repo)
        },
        (1, "held up by: check"),
    );
    way(
        "change it without a trace in size and time",
        waiting(),
        |repo| {
            let path = repo.path("source.txt");
            let then = fs::metadata(&path).unwrap().modified().unwrap();
            repo.write("source.txt", "wound");
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_times(fs::FileTimes::new().set_modified(then).set_accessed(SystemTime::now())).unwrap();
            go(repo)
        },
        (1, "held up by: check"),
    );
    way(
        "put another file in its place",
        waiting(),
        |repo| {
            repo.write("other.txt", "wound");
            fs::rename(repo.path("other.txt"), repo.path("source.txt")).unwrap();
            go(repo)
        },
        (1, "held up by: check"),
    );
    way(
        "make it a link to something that changes",
        waiting(),
        |repo| {
            repo.write("other.txt", "sound");
            repo.remove("source.txt");
            std::os::unix::fs::symlink("other.txt", repo.path("source.txt")).unwrap();
            go(repo).expect(3);
            repo.write("other.txt", "broken");
            go(repo)
        },
        (1, "held up by: check"),
    );
    way(
        "change the rules after they were read",
        waiting(),
        |repo| {
            attest(repo, &["--sign", "../ada"]).expect(0);
            repo.write("rules.md", "never deploy\n");
            go(repo)
        },
        (3, "read waits for you"),
    );
}

#[test]
fn with_words_that_do_not_count() {
    way(
        "a script says that a person has read them",
        waiting(),
        |repo| attest(repo, &[]),
        (4, "opened by a person's word"),
    );
    way(
        "a file says so",
        waiting(),
        |repo| {
            repo.write("answers.toml", "[[attest]]\nstep = \"read\"\nby = \"Ada\"\nnote = \"read them\"\n");
            repo.xtask(&["run", "w", "--answers", "answers.toml"]).run()
        },
        (4, "opened by a person's word"),
    );
    way(
        "sign with a key that nobody allowed",
        waiting(),
        |repo| {
            key(repo, "eve");
            attest(repo, &["--sign", "../eve"])
        },
        (4, "this signature does not count"),
    );
    way(
        "allow oneself",
        waiting(),
        |repo| {
            key(repo, "eve");
            let public = fs::read_to_string(repo.path("../eve.pub")).unwrap();
            repo.write("workflows/allowed_signers", &format!("eve@example.test {public}"));
            repo.commit("eve may sign");
            attest(repo, &["--sign", "../eve"])
        },
        (4, "this signature does not count"),
    );
    way(
        "allow oneself in what git shows in place of the base commit",
        waiting(),
        |repo| {
            key(repo, "eve");
            let public = fs::read_to_string(repo.path("../eve.pub")).unwrap();
            repo.write("workflows/allowed_signers", &format!("eve@example.test {public}"));
            repo.commit("eve may sign");
            repo.git(&["replace", "HEAD~", "HEAD"]);
            repo.git(&["reset", "--quiet", "--soft", "HEAD~"]);
            attest(repo, &["--sign", "../eve"])
        },
        (4, "this signature does not count"),
    );
    way(
        "use a signature of another word",
        waiting(),
        |repo| {
            let text = attest(repo, &["--to-sign"]).expect(0).stdout.replace("read them", "skimmed them");
            signed_elsewhere(repo, &text);
            attest(repo, &["--signature", "../signature"])
        },
        (4, "this signature does not count"),
    );
    way(
        "use the signature of an earlier run",
        waiting(),
        |repo| {
            signed_elsewhere(repo, &attest(repo, &["--to-sign"]).expect(0).stdout);
            say(repo, &["abort", "--reason", "anew"]).expect(0);
            go(repo).expect(3);
            attest(repo, &["--signature", "../signature"])
        },
        (4, "this signature does not count"),
    );
    way(
        "say it in another workflow, where anybody may",
        waiting(),
        |repo| {
            let read = "uses = \"docs.read\"\nwith = { documents = [\"rules.md\"] }";
            repo.workflow("other", &step("read", &[], read));
            repo.xtask(&["run", "other"]).run().expect(3);
            let word = ["db-change", "attest", "read", "--by", "Ada", "--note", "x", "--workflow", "other"];
            repo.xtask(&word).run().expect(0);
            repo.xtask(&["run", "other"]).run().expect(0);
            go(repo)
        },
        (3, "read waits for you"),
    );
    way(
        "write into the memory that Ada has read them",
        waiting(),
        |repo| {
            let documents = format!("\"rules.md\" = \"{}\"\n", digest::of(repo.read("rules.md")));
            let known = format!("Ada = \"{}\"\n", digest::of(documents));
            let states = fs::read_dir(repo.path("../home/.local/state/db-change")).unwrap();
            for folder in states.map(|entry| entry.unwrap().path()) {
                fs::write(folder.join("read.toml"), &known).unwrap();
            }
            go(repo)
        },
        (3, "read waits for you"),
    );
    way(
        "answer instead of attesting",
        waiting(),
        |repo| say(repo, &["answer", "read", "1", "--reason", "x"]),
        (4, "asks for no decision"),
    );
    way(
        "accept instead of attesting",
        waiting(),
        |repo| say(repo, &["accept", "read", "--reason", "x"]),
        (4, "no step asks about findings"),
    );
    way(
        "say nothing",
        waiting(),
        |repo| say(repo, &["attest", "read", "--by", "Ada", "--note", " ", "--sign", "../ada"]),
        (2, "`--note` is empty"),
    );
}

#[test]
fn with_another_time_or_place() {
    way(
        "use the signature in a run of the same name",
        waiting(),
        |repo| {
            signed_elsewhere(repo, &attest(repo, &["--to-sign"]).expect(0).stdout);
            fs::remove_dir_all(repo.path(".db-change")).unwrap();
            go(repo).expect(3);
            attest(repo, &["--signature", "../signature"])
        },
        (4, "this signature does not count"),
    );
    way(
        "undo a person's end of the run with a copy of before",
        waiting(),
        |repo| {
            crate::sample::copy(&repo.path(".db-change/runs"), &repo.path("../kept"));
            attest(repo, &["--sign", "../ada"]).expect(0);
            crate::sample::copy(&repo.path(".db-change/runs"), &repo.path("../kept"));
            say(repo, &["abort", "--reason", "do not deploy"]).expect(0);
            crate::sample::copy(&repo.path("../kept"), &repo.path(".db-change/runs"));
            go(repo)
        },
        (4, "has ended, and its state is of a time before that"),
    );
    way(
        "begin on a weaker commit that nobody will see",
        failed(),
        |repo| {
            say(repo, &["abort", "--reason", "anew"]).expect(0);
            let good = Run::new("git", repo.root()).args(["rev-parse", "HEAD"]).run().unwrap().stdout;
            repo.write("source.txt", "sound");
            repo.write(FILE, &repo.read(FILE).replace("by = \"person\"\n", ""));
            repo.commit("weaker");
            go(repo).expect(3);
            repo.git(&["reset", "--quiet", "--hard", good.trim()]);
            repo.write("source.txt", "sound");
            say(repo, &["answer", "workflow", "2", "--reason", "keep"]).expect(0);
            attest(repo, &[])
        },
        (4, "every gate is a person's here"),
    );
}

fn signed_elsewhere(repo: &Repo, text: &str) {
    let args = ["-Y", "sign", "-n", "db-change", "-f", "../ada"];
    let signed = Run::new("ssh-keygen", repo.root()).args(args).stdin(text).run().unwrap();
    fs::write(repo.path("../signature"), signed.stdout).unwrap();
}

/// A repo whose `check` is this step; nothing of it passes.
#[track_caller]
fn pretends(what: &str, check: &str, stopped: Stopped) {
    way(what, with(&[check, &shell("deploy", &["check"], "touch deployed", "")]), go, stopped);
}

#[test]
fn with_a_check_that_proves_nothing() {
    let junit = |line: &str| {
        shell("check", &[], line, "capture = { tests = { from = \"junit\", select = \"tests\" } }")
            .replace("/dev/null", "{{junit}}")
    };
    pretends("a red test that is green", &shell("check", &[], "true", "expect = \"fail\""), (1, "it proves nothing"));
    pretends(
        "a red test that cannot even start",
        &shell("check", &[], "exit 127", "expect = \"fail\"\nbecause = { exit = [1] }"),
        (1, "not the failure expected"),
    );
    pretends("a red test that is killed", &shell("check", &[], "kill -9 $$", "expect = \"fail\""), (1, "(signal 9)"));
    pretends(
        "a red test whose command is not there",
        &shell("check", &[], "no-such-program", "expect = \"fail\""),
        (1, "exit code 127 (not started)"),
    );
    pretends("tests without a report", &junit("true"), (1, "left no JUnit report"));
    pretends("no test at all", &junit("echo \"<testsuites></testsuites>\" > /dev/null"), (1, "no test ran"));
    pretends(
        "a promised file that is not there",
        &shell("check", &[], "true", "outputs = [\"built.txt\"]"),
        (1, "left no file"),
    );
    pretends("a command that is not there", &step("check", &[], "run = [\"no-such-program\"]"), (6, "cannot start"));
    pretends("a check that never ends", &shell("check", &[], "sleep 60", "timeout = \"200ms\""), (1, "its time limit"));
}

/// A repo with a new run of these steps.
fn with(steps: &[&str]) -> Repo {
    let repo = failed();
    say(&repo, &["abort", "--reason", "another workflow"]).expect(0);
    repo.workflow("w", &steps.concat());
    repo.write(".gitignore", &(repo.read(".gitignore") + "/at/\n"));
    repo.commit("another workflow");
    repo.write("at/nothing", "");
    repo.trace();
    repo
}

/// Runs, and does this as soon as a step is at work.
fn during(repo: &Repo, step: &str, edit: impl FnOnce()) -> Done {
    let run = repo.xtask(&["run", "w", "--jobs", "1"]).start();
    until(step, || repo.read("trace").split_whitespace().any(|at_work| at_work == step));
    edit();
    run.wait()
}

const CHECKED: &str = "inputs = [\"source.txt\"]";

#[test]
fn with_an_edit_while_the_run_is_at_work() {
    let check = shell("check", &[], "grep -q sound source.txt", CHECKED);
    let slow = shell("slow", &["check"], "until test -e at/go; do sleep 0.01; done", "");
    let breaks = |repo: &Repo| {
        repo.write("source.txt", "broken");
        repo.write("at/go", "");
    };
    way(
        "change the source between the check and what stands on it",
        with(&[&check, &slow, &shell("deploy", &["check", "slow"], "cp source.txt deployed", "")]),
        |repo| {
            repo.write("source.txt", "sound");
            during(repo, "slow", || breaks(repo))
        },
        (1, "held up by: check"),
    );
    let last = with(&[&check, &slow]);
    last.write("source.txt", "sound");
    during(&last, "slow", || breaks(&last)).expect(1).says(&["input source.txt changed", "held up by: check"]);
}

#[test]
fn with_other_files_only_while_the_check_looks() {
    let look = "touch at/ready; until test -e at/other; do sleep 0.01; done; grep -q sound source.txt; found=$?; \
                touch at/seen; until test -e at/back; do sleep 0.01; done; exit $found";
    let rename = |repo: &Repo, from: &str, to: &str| fs::rename(repo.path(from), repo.path(to)).unwrap();
    let link = |repo: &Repo, to: &str| {
        repo.write("at/sound", "sound");
        repo.write("at/broken", "broken");
        repo.remove("source.txt");
        std::os::unix::fs::symlink(to, repo.path("source.txt")).unwrap();
    };
    type Edit<'a> = &'a dyn Fn(&Repo);
    let away: Edit<'_> = &|repo| {
        rename(repo, "source.txt", "at/aside");
        repo.write("source.txt", "sound");
    };
    let nothing: Edit<'_> = &|_| {};
    let swaps: [(&str, Edit<'_>, Edit<'_>, Edit<'_>); 3] = [
        ("write it and write it back", nothing, &|repo| repo.write("source.txt", "sound"), &|repo| {
            repo.write("source.txt", "broken")
        }),
        ("move it away and back", nothing, away, &|repo| rename(repo, "at/aside", "source.txt")),
        ("lead a link elsewhere and back", &|repo| link(repo, "at/broken"), &|repo| link(repo, "at/sound"), &|repo| {
            link(repo, "at/broken")
        }),
    ];
    for (what, before, there, back) in swaps {
        let repo = with(&[&shell("check", &[], look, CHECKED), &shell("deploy", &["check"], "touch deployed", "")]);
        before(&repo);
        let swap = |repo: &Repo| {
            during(repo, "check", || {
                until("the check", || repo.path("at/ready").exists());
                there(repo);
                repo.write("at/other", "");
                until("the look", || repo.path("at/seen").exists());
                back(repo);
                repo.write("at/back", "");
            })
        };
        way(what, repo, swap, (1, "its inputs changed while it was at work: `source.txt`"));
    }
}

#[test]
fn with_inputs_that_are_spelled_otherwise() {
    for pattern in ["src", "src/", "./src/**/*.txt", "src//*.txt", "src/[id].txt"] {
        let check = shell("check", &[], "grep -q sound src/*.txt", &format!("inputs = [\"{pattern}\"]"));
        let last = "preconditions = [{ path = \"deployable\" }]";
        let repo = with(&[&check, &shell("deploy", &["check"], "touch deployed", last)]);
        repo.write("src/[id].txt", "sound");
        go(&repo).expect(4);
        let edit = |repo: &Repo| {
            repo.write("src/[id].txt", "broken");
            repo.write("deployable", "");
            go(repo)
        };
        way(pattern, repo, edit, (1, "held up by: check"));
    }
}

#[test]
fn with_a_value_of_a_step_that_is_left_out_now() {
    let captured = |name: &str| format!("capture = {{ {name} = {{ from = \"stdout\", select = \"\\\\w+\" }} }}");
    let mode = shell("mode", &[], "cat mode.txt", &format!("inputs = [\"mode.txt\"]\n{}", captured("m")));
    let check = format!("when = \"mode.m == 'full'\"\n{}", captured("ok"));
    let check = shell("check", &["mode"], "echo yes", &check);
    let deploy = shell("deploy", &["check"], "touch deployed", "when = \"check.ok == 'yes'\"");
    let last = shell("last", &["deploy"], "test -e end", "");
    let repo = with(&[&mode, &check, &deploy, &last]);
    repo.write("mode.txt", "full");
    go(&repo).expect(1);
    assert!(repo.path("deployed").exists(), "the way below proves nothing where nobody can deploy");
    repo.remove("deployed");
    let leave_out = |repo: &Repo| {
        repo.write("mode.txt", "none");
        go(repo)
    };
    way("leave the check out, and take what it said before", repo, leave_out, (1, "`check.ok` is not known here"));
}

#[test]
fn with_a_lock_that_is_taken_away() {
    let repeats = "until test -e at/go; do sleep 0.01; done";
    for whole in [false, true] {
        let repo = with(&[&shell("check", &[], repeats, ""), &shell("deploy", &["check"], "touch deployed", "")]);
        let done = during(&repo, "check", || {
            match whole {
                true => fs::remove_dir_all(repo.path(".db-change")).unwrap(),
                false => repo.remove(".db-change/lock"),
            }
            repo.write("at/go", "");
        });
        done.expect(5).says(&["the lock was removed under this run"]);
        assert!(!repo.path("deployed").exists(), "it went on without its lock");
    }
}

/// The test that shows a step of the real workflow refusing; beside `refusals.rs`, those that need another change.
const REFUSALS: &[(&str, &str)] = &[
    ("read-docs", "each_step_refuses_what_it_is_there_to_refuse"),
    ("inventory", "each_step_refuses_what_it_is_there_to_refuse"),
    ("declare", "a_declared_table_or_column_that_is_not_there_is_refused_with_a_guess"),
    ("impact", "a_breaking_change_goes_through_as_a_coordinated_deployment_and_back"),
    ("schema-test-scaffold", "a_breaking_change_goes_through_as_a_coordinated_deployment_and_back"),
    ("schema-test-red", "a_claim_that_passes_on_the_base_proves_nothing"),
    ("implement", "schema_edits_that_nobody_declared_are_named"),
    ("generate", "what_was_edited_after_its_proof_is_proven_again_before_anything_is_applied"),
    ("review", "each_step_refuses_what_it_is_there_to_refuse"),
    ("backup", "each_step_refuses_what_it_is_there_to_refuse"),
    ("rehearse", "a_migration_that_fails_halfway_is_explained_by_the_database_and_changes_nothing"),
    ("verify-schema", "each_step_refuses_what_it_is_there_to_refuse"),
    ("schema-test-green", "each_step_refuses_what_it_is_there_to_refuse"),
    ("expand-contract", "a_breaking_change_goes_through_as_a_coordinated_deployment_and_back"),
    ("data-preserved", "each_step_refuses_what_it_is_there_to_refuse"),
    ("old-code", "each_step_refuses_what_it_is_there_to_refuse"),
    ("rollback-write", "each_step_refuses_what_it_is_there_to_refuse"),
    ("rollback-prove", "what_was_edited_after_its_proof_is_proven_again_before_anything_is_applied"),
    ("usages", "each_step_refuses_what_it_is_there_to_refuse"),
    ("typecheck", "a_breaking_change_goes_through_as_a_coordinated_deployment_and_back"),
    ("api-tests", "each_step_refuses_what_it_is_there_to_refuse"),
    ("measure", "a_breaking_change_goes_through_as_a_coordinated_deployment_and_back"),
    ("db-tests", "each_step_refuses_what_it_is_there_to_refuse"),
    ("api-suite", "each_step_refuses_what_it_is_there_to_refuse"),
    ("seed", "each_step_refuses_what_it_is_there_to_refuse"),
    ("annotate", "a_comment_is_made_where_there_is_none"),
    ("apply", "what_was_edited_after_its_proof_is_proven_again_before_anything_is_applied"),
    ("checklist", "each_step_refuses_what_it_is_there_to_refuse"),
    ("report", "a_line_whose_step_did_not_pass_bears_a_cross"),
];

#[test]
fn every_step_of_the_real_workflow_is_shown_refusing_by_a_test_that_is_there() {
    let project = crate::sample::project();
    let loaded = load(&path_of(&project, "db-change"), &actions::catalogue()).unwrap();
    let steps: Vec<&str> = loaded.steps().map(|(_, step)| step.id.get_ref().as_str()).collect();
    let shown: Vec<&str> = REFUSALS.iter().map(|(step, _)| *step).collect();
    assert_eq!(shown, steps);
    let mut sources = String::new();
    for pattern in ["tests/it/*.rs", "xtask/src/**/*.rs"] {
        for path in glob::glob(&project.join(pattern).display().to_string()).unwrap() {
            sources += &fs::read_to_string(path.unwrap()).unwrap();
        }
    }
    for (step, test) in REFUSALS {
        assert!(sources.contains(&format!("fn {test}()")), "{step}: there is no test `{test}`");
    }
}
