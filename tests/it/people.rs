//! Gates that are a person's: at a terminal, or by a signature of a key that the base commit allows; and answers files.

use std::fs;

use xtask::process::Run;
use xtask::state::Status;
use xtask::state::model::Witness;

use crate::fake_host::{Lab, act};
use crate::harness::{Done, Repo, noting, step};

const OF_W: [&str; 2] = ["--workflow", "w"];

/// `read`, which only a person attests, then `last`; the key `allowed` may sign, the key `other` may not.
fn repo() -> Repo {
    let repo = Repo::new();
    repo.write("rules.md", "no select *\n");
    let read = "uses = \"docs.read\"\nby = \"person\"\nwith = { documents = [\"rules.md\"] }";
    repo.workflow("w", &[step("read", &[], read), noting("last", &["read"])].concat());
    for key in ["allowed", "other"] {
        let make = ["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"];
        let output = Run::new("ssh-keygen", repo.root()).args(make).arg(format!("../{key}")).run().unwrap();
        assert!(output.success(), "{}", output.stderr);
    }
    repo.write("workflows/allowed_signers", &format!("ada@example.test {}", public(&repo, "allowed")));
    repo.commit("workflow and signers");
    repo.xtask(&["run", "w"]).run().expect(3);
    repo
}

fn public(repo: &Repo, key: &str) -> String {
    fs::read_to_string(repo.path(&format!("../{key}.pub"))).unwrap()
}

fn attest(repo: &Repo, more: &[&str]) -> Done {
    let word = ["db-change", "attest", "read", "--by", "Ada", "--note", "read it"];
    repo.xtask(&[&word as &[&str], more, &OF_W].concat()).run()
}

#[test]
fn a_persons_gate_stays_shut_for_a_word_from_a_script_and_says_how_it_opens() {
    let repo = repo();
    let words = ["opened by a person's word", "`by = \"person\"`", "at a terminal: ", "--sign KEYFILE", "`--to-sign`"];
    attest(&repo, &[]).expect(4).says(&words);
    repo.xtask(&["run", "w"])
        .run()
        .expect(3)
        .says(&["a person's word: said at a terminal, or signed with --sign KEYFILE"]);
    assert_eq!(repo.trace(), "");
}

#[test]
fn a_signature_of_an_allowed_key_opens_it_and_is_kept_with_the_word() {
    let repo = repo();
    attest(&repo, &["--sign", "../allowed"]).expect(0);
    repo.xtask(&["run", "w"]).run().expect(0);
    let state = repo.state("w-1");
    let witness = &state["step"]["read"]["attestation"]["witness"];
    assert_eq!(witness["principal"].as_str(), Some("ada@example.test"));
    assert!(witness["signature"].as_str().unwrap().contains("BEGIN SSH SIGNATURE"));
}

#[test]
fn what_was_signed_elsewhere_is_given_back_as_a_file() {
    let repo = repo();
    let text = attest(&repo, &["--to-sign"]).expect(0).stdout;
    assert!(text.starts_with("db-change\n{") && text.contains("attest by Ada"), "{text}");
    repo.xtask(&["run", "w"]).run().expect(3);
    let signed = Run::new("ssh-keygen", repo.root())
        .args(["-Y", "sign", "-n", "db-change", "-f", "../allowed"])
        .stdin(text.clone())
        .run()
        .unwrap();
    fs::write(repo.path("../signature"), &signed.stdout).unwrap();
    // It binds the word to the letter: another note is another word.
    let other = ["db-change", "attest", "read", "--by", "Ada", "--note", "skimmed it", "--signature", "../signature"];
    repo.xtask(&[&other as &[&str], &OF_W].concat()).run().expect(4).says(&["this signature does not count"]);
    attest(&repo, &["--signature", "../signature"]).expect(0);
    repo.xtask(&["run", "w"]).run().expect(0);
}

#[test]
fn a_key_that_is_not_allowed_does_not_open_it_nor_does_one_added_since_the_base_commit() {
    let repo = repo();
    attest(&repo, &["--sign", "../other"]).expect(4).says(&["no signer of `workflows/allowed_signers`"]);
    repo.write("workflows/allowed_signers", &format!("eve@example.test {}", public(&repo, "other")));
    attest(&repo, &["--sign", "../other"]).expect(4);
    repo.commit("eve adds herself");
    attest(&repo, &["--sign", "../other"]).expect(4).says(&["the signers are those of the base commit"]);
    attest(&repo, &["--sign", "../allowed"]).expect(0);
}

#[test]
fn a_signature_for_another_purpose_or_another_run_does_not_open_it() {
    let repo = repo();
    let sign = |namespace: &str, text: String| {
        let args = ["-Y", "sign", "-n", namespace, "-f", "../allowed"];
        let signed = Run::new("ssh-keygen", repo.root()).args(args).stdin(text).run().unwrap();
        fs::write(repo.path("../signature"), &signed.stdout).unwrap();
        attest(&repo, &["--signature", "../signature"])
    };
    let text = attest(&repo, &["--to-sign"]).expect(0).stdout;
    sign("git", text.clone()).expect(4);
    sign("db-change", text.replace("w-1", "w-2")).expect(4);
    sign("db-change", String::new()).expect(4);
    sign("db-change", text).expect(0);
}

#[test]
fn without_signers_at_the_base_commit_no_signature_counts() {
    let repo = Repo::new();
    let asks = "uses = \"docs.read\"\nby = \"person\"\nwith = { documents = [\"package.json\"] }";
    repo.workflow("w", &step("read", &[], asks));
    let make = ["-q", "-t", "ed25519", "-N", "", "-f", "../mine"];
    assert!(Run::new("ssh-keygen", repo.root()).args(make).run().unwrap().success());
    repo.xtask(&["run", "w"]).run().expect(3);
    repo.write("workflows/allowed_signers", &format!("me {}", public(&repo, "mine")));
    attest(&repo, &["--sign", "../mine"]).expect(4).says(&["has no `workflows/allowed_signers`", "hint: write it"]);
    attest(&repo, &["--sign", "../no-such-key"]).expect(2).says(&["cannot read the key"]);
}

#[test]
fn a_mark_taken_out_of_the_work_tree_still_counts_as_the_base_commit_has_it() {
    let repo = repo();
    let file = "workflows/w.toml";
    let weaker = repo.read(file).replace("by = \"person\"\n", "");
    let abort = ["db-change", "abort", "--reason", "anew", "--workflow", "w"];
    let workflow = |option: &str| {
        let answer = ["db-change", "answer", "workflow", option, "--reason", "simpler", "--workflow", "w"];
        repo.xtask(&answer).run()
    };
    repo.write(file, &weaker);
    // In an open run and in a new one, whoever takes the mark away has to be a person; to stay with it, anyone may say.
    for _ in 0..2 {
        repo.xtask(&["run", "w"]).run().expect(3).says(&["workflow file is not the one"]);
        workflow("1").expect(4).says(&["opened by a person's word"]);
        workflow("2").expect(0);
        repo.xtask(&["run", "w"]).run().expect(3).says(&["read waits for you"]);
        attest(&repo, &[]).expect(4).says(&["opened by a person's word"]);
        repo.xtask(&abort).run().expect(0);
    }
    // A base whose file cannot be read leaves every gate to a person.
    repo.write(file, "schema = \"1.0\"\nname = \"w\"\nbroken");
    repo.commit("a broken file");
    repo.write(file, &weaker);
    repo.xtask(&["run", "w"]).run().expect(3);
    attest(&repo, &[]).expect(4).says(&["opened by a person's word"]);
}

#[test]
fn a_mark_that_is_added_makes_words_without_a_witness_void() {
    let decision = |by: &str| {
        format!(
            "[phase.step.decision]\nid = \"how\"\n{by}question = \"How?\"\noption = [{{ label = \"On\", leads_to = \"on\", then = \"continue\" }}]\n"
        )
    };
    let mut lab = Lab::new(&[act("ask", &[], &decision("")), act("last", &["ask"], "")].concat());
    lab.on("ask", |_| {
        let evidence = xtask::state::Evidence::new("asked");
        Ok(xtask::engine::Outcome::Decide { values: Vec::new(), details: Vec::new(), failure: None, evidence })
    });
    lab.held();
    lab.answer("ask", 1).unwrap();
    let steps = [act("ask", &[], &decision("by = \"person\"\n")), act("last", &["ask"], "")];
    lab.repo.workflow("lab", &steps.concat());
    lab.held();
    assert_eq!((lab.status("ask"), lab.step("ask").answer.is_none()), (Status::WaitingDecision, true));
    assert_eq!(lab.answer("ask", 1).unwrap_err().kind.exit_code(), 4);
    lab.witness = Some(Witness::Terminal);
    lab.answer("ask", 1).unwrap();
    assert_eq!(lab.done(), "last");
}

/// `read` (anyone), `again` (another document), `last`.
fn plain() -> Repo {
    let repo = Repo::new();
    for name in ["a.md", "b.md"] {
        repo.write(name, name);
    }
    let read = |id: &str, needs: &[&str], name: &str| {
        step(id, needs, &format!("uses = \"docs.read\"\nwith = {{ documents = [\"{name}\"] }}"))
    };
    let steps = [read("read", &[], "a.md"), read("again", &["read"], "b.md"), noting("last", &["again"])];
    repo.workflow("w", &steps.concat());
    repo
}

#[test]
fn an_answers_file_is_asked_where_a_step_waits_and_what_nobody_asked_for_is_told() {
    let repo = plain();
    let attest = |step: &str| format!("[[attest]]\nstep = \"{step}\"\nby = \"Ada\"\nnote = \"read it\"\n");
    repo.write("some.toml", &attest("read"));
    let done = repo.xtask(&["run", "w", "--answers", "some.toml"]).run().expect(3);
    done.says(&["read: attested by Ada   (from some.toml)", "again waits for you"]);
    repo.write("all.toml", &(attest("again") + &attest("last") + "[[accept]]\nfinding = \"H10\"\nreason = \"x\"\n"));
    let done = repo.xtask(&["run", "w", "--answers", "all.toml"]).run().expect(0);
    done.says(&["again: attested by Ada", "note: answers that nobody asked for: last, H10"]);
    assert_eq!(repo.trace(), "last");
}

#[test]
fn a_wrong_answers_file_is_bad_usage_and_nothing_is_said() {
    let repo = plain();
    for (text, words) in [
        ("[[attest]]\nstep = \"raed\"\nby = \"Ada\"\nnote = \"x\"\n", "did you mean `read`?"),
        ("[[attest]]\nstep = \"read\"\n", "missing field `by`"),
        ("[[attests]]\n", "unknown field `attests`"),
        ("[[", "does not hold answers"),
    ] {
        repo.write("answers.toml", text);
        repo.xtask(&["run", "w", "--answers", "answers.toml"]).run().expect(2).says(&[words]);
    }
    repo.xtask(&["run", "w", "--answers", "none.toml"]).run().expect(2).says(&["cannot read `none.toml`"]);
    repo.write("answers.toml", "[[attest]]\nstep = \"read\"\nby = \"Ada\"\nnote = \" \"\n");
    repo.xtask(&["run", "w", "--answers", "answers.toml"]).run().expect(2).says(&["`--note` is empty"]);
    assert_eq!(repo.status("w-1", "read"), "waiting_attestation");
}

#[test]
fn an_answers_file_opens_a_persons_gate_with_a_signature_only() {
    let repo = repo();
    let entry = "[[attest]]\nstep = \"read\"\nby = \"Ada\"\nnote = \"read it\"\n";
    repo.write("answers.toml", entry);
    let run = ["run", "w", "--answers", "answers.toml"];
    repo.xtask(&run).run().expect(4).says(&["opened by a person's word"]);
    let text = attest(&repo, &["--to-sign"]).expect(0).stdout;
    let sign = ["-Y", "sign", "-n", "db-change", "-f", "../allowed"];
    let signature = Run::new("ssh-keygen", repo.root()).args(sign).stdin(text).run().unwrap().stdout;
    repo.write("answers.toml", &format!("{entry}signature = \"\"\"\n{signature}\"\"\"\n"));
    repo.xtask(&run).run().expect(0);
    assert_eq!(repo.trace(), "last");
}

#[test]
fn who_has_read_the_documents_with_a_witness_is_not_asked_again_in_the_next_run() {
    let repo = repo();
    attest(&repo, &["--sign", "../allowed"]).expect(0);
    repo.xtask(&["run", "w"]).run().expect(0);
    repo.xtask(&["run", "w"]).run().expect(0);
    repo.write("rules.md", "no select * at all\n");
    repo.xtask(&["run", "w"]).run().expect(3);
}
