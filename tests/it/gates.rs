//! What only a person opens: decisions, attestations, findings; and lanes, which decide what has to be opened at all.

use xtask::digest;
use xtask::engine::runner::Stop;
use xtask::engine::{Outcome, view};
use xtask::failure::{Failure, Kind};
use xtask::state::{Evidence, Status};
use xtask::workflow::Lane;

use crate::fake_host::{Lab, act};

const DECISION: &str = r#"
[phase.step.decision]
id = "how"
question = "It breaks {{files}} files. How?"
option = [
  { label = "Go on", leads_to = "with {{files}} files", then = "continue" },
  { label = "Mend it", leads_to = "you edit", then = "edit" },
  { label = "Stop", leads_to = "the run ends", then = "abort" },
  { label = "Layer", leads_to = "a layer", then = "not-built" },
  { label = "Back", leads_to = "begins again", then = "goto:first" },
]
"#;

/// `ask` → `last`, where `ask` stands on the file `in`; so does nothing else.
fn asking_about_a_file() -> Lab {
    let decision = DECISION.replace("goto:first", "goto:ask");
    let steps = [act("ask", &[], &format!("inputs = [\"in\"]\n{decision}")), act("last", &["ask"], "")];
    let lab = Lab::new(&steps.concat());
    files(&lab, "3");
    lab
}

/// `first` → `ask` → `last`; `ask` asks for as long as `files` is not "0".
fn asking() -> Lab {
    let lab = Lab::new(&[act("first", &[], ""), act("ask", &["first"], DECISION), act("last", &["ask"], "")].concat());
    files(&lab, "3");
    lab
}

fn files(lab: &Lab, count: &'static str) {
    lab.on("ask", move |_| {
        let evidence = Evidence::new(format!("{count} files")).proven("files", count);
        if count == "0" {
            return Ok(Outcome::Passed(evidence));
        }
        let values = vec![("files".to_owned(), count.to_owned())];
        let failure = Some(Failure::step("the types do not fit"));
        Ok(Outcome::Decide { values, details: vec!["a.ts".to_owned()], failure, evidence })
    });
}

#[test]
fn a_decision_holds_up_what_needs_it_and_says_what_can_be_chosen() {
    let lab = asking();
    assert_eq!(lab.held(), ("first ask".to_owned(), Kind::Waiting, "ask".to_owned()));
    assert_eq!((lab.status("ask"), lab.status("last")), (Status::WaitingDecision, Status::Pending));
    let next = view::next(&lab.loaded(), &lab.state()).unwrap();
    assert_eq!((next.step.as_str(), next.kind, next.by), ("ask", "decision", "anyone"));
    assert_eq!(next.question.as_deref(), Some("It breaks 3 files. How?"));
    let options: Vec<_> = next.options.iter().map(|option| (option.n, option.leads_to.as_str())).collect();
    assert_eq!(options[0], (1, "with 3 files"));
    assert_eq!(options.len(), 5);
}

#[test]
fn an_answer_with_a_number_that_is_no_option_is_bad_usage() {
    let lab = asking();
    lab.held();
    for number in [0, 6] {
        let failure = lab.answer("ask", number).unwrap_err();
        assert_eq!((failure.kind.exit_code(), failure.details.len()), (2, 5), "{failure:?}");
    }
    assert!(lab.step("ask").answer.is_none());
    assert_eq!(lab.answer("aks", 1).unwrap_err().kind.exit_code(), 2);
}

#[test]
fn a_word_for_a_step_whose_needs_have_not_passed_is_refused_and_names_them() {
    let lab = asking();
    lab.on("first", |_| Err(Failure::step("not yet").into()));
    lab.held();
    for refused in [lab.answer("ask", 1), lab.attest("ask")] {
        let failure = refused.unwrap_err();
        assert_eq!(failure.kind.exit_code(), 4);
        assert!(failure.message.contains("`first`"), "{failure:?}");
    }
    // A question nobody has put cannot be answered either, whatever the step.
    for refused in [lab.answer("first", 1), lab.attest("first"), lab.accept("DL1")] {
        assert_eq!(refused.unwrap_err().kind.exit_code(), 4);
    }
}

#[test]
fn a_word_of_the_wrong_form_is_refused_and_changes_nothing() {
    let lab = Lab::new(&[act("first", &[], ""), act("ask", &[], DECISION), act("sign", &[], "")].concat());
    files(&lab, "3");
    lab.held();
    assert_eq!(lab.attest("ask").unwrap_err().kind.exit_code(), 4);
    assert_eq!(lab.accept("DL1").unwrap_err().kind.exit_code(), 4);
    assert_eq!(lab.status("ask"), Status::WaitingDecision);
    files(&lab, "0");
    lab.on("sign", |_| Ok(attest("text")));
    lab.held();
    let failure = lab.answer("sign", 1).unwrap_err();
    assert_eq!(failure.kind.exit_code(), 4, "{failure:?}");
    assert_eq!(lab.status("sign"), Status::WaitingAttestation);
}

#[test]
fn continue_passes_the_step_without_doing_its_work_again() {
    let lab = asking();
    lab.held();
    lab.answer("ask", 1).unwrap();
    assert_eq!(lab.done(), "last");
    assert!(lab.step("ask").summary.contains("chosen: 1 Go on"));
}

#[test]
fn edit_waits_until_the_work_passes_and_does_not_ask_again_meanwhile() {
    let lab = asking();
    lab.held();
    lab.answer("ask", 2).unwrap();
    assert_eq!(lab.held(), ("ask".to_owned(), Kind::Waiting, "ask".to_owned()));
    assert_eq!(lab.status("ask"), Status::WaitingEdit);
    files(&lab, "1");
    lab.held();
    assert_eq!(lab.status("ask"), Status::WaitingEdit, "someone who is mending was asked again");
    files(&lab, "0");
    assert_eq!(lab.done(), "ask last");
}

#[test]
fn an_edit_that_was_chosen_once_does_not_answer_the_next_question() {
    let lab = asking_about_a_file();
    lab.on("last", |_| Err(Failure::step("not yet").into()));
    lab.held();
    lab.answer("ask", 2).unwrap();
    files(&lab, "0");
    lab.held();
    assert_eq!(lab.status("ask"), Status::Passed);
    lab.repo.write("in", "changed");
    files(&lab, "5");
    lab.held();
    assert_eq!(lab.status("ask"), Status::WaitingDecision);
}

#[test]
fn abort_ends_the_run_and_keeps_what_was_found() {
    let lab = asking();
    lab.held();
    lab.answer("ask", 3).unwrap();
    let (did, stop) = lab.go();
    assert!(matches!(&stop, Stop::Ended(outcome) if outcome == "reconsidered"), "{stop:?}");
    assert_eq!(did, "");
    assert!(lab.state().ended.is_some() && lab.folder().evidence("ask").is_ok());
    assert!(view::next(&lab.loaded(), &lab.state()).is_none());
}

#[test]
fn an_option_that_is_not_built_says_so_and_leaves_the_question_open() {
    let lab = asking();
    lab.held();
    lab.answer("ask", 4).unwrap();
    assert_eq!(lab.held(), (String::new(), Kind::Step, "ask".to_owned()));
    assert_eq!((lab.status("ask"), lab.step("ask").answer.is_none()), (Status::WaitingDecision, true));
    lab.answer("ask", 1).unwrap();
    assert_eq!(lab.done(), "last");
}

#[test]
fn goto_begins_again_at_that_step_and_asks_anew() {
    let lab = asking();
    lab.held();
    lab.answer("ask", 5).unwrap();
    assert_eq!(lab.held(), ("first ask".to_owned(), Kind::Waiting, "ask".to_owned()));
    assert!(lab.step("ask").answer.is_none(), "the way back was taken once, and must be chosen once more");
    assert_eq!(lab.held().0, "ask", "nobody answered, and it went back again");
    files(&lab, "0");
    assert_eq!(lab.done(), "ask last");
}

#[test]
fn a_changed_answer_makes_the_steps_behind_it_stale() {
    let second_way = DECISION.replace("then = \"edit\"", "then = \"continue\"").replace("goto:first", "goto:ask");
    let steps = [
        act("ask", &[], &second_way),
        act("behind", &["ask"], ""),
        act("beside", &[], ""),
        act("end", &["behind"], ""),
    ];
    let lab = Lab::new(&steps.concat());
    files(&lab, "3");
    lab.on("end", |_| Err(Failure::step("not yet").into()));
    lab.held();
    lab.answer("ask", 1).unwrap();
    assert_eq!(lab.held().0, "behind beside end");
    lab.answer("ask", 2).unwrap();
    assert_eq!(lab.held().0, "behind end");
    lab.answer("ask", 2).unwrap();
    assert_eq!(lab.held().0, "end", "the same answer once more changed something");
}

#[test]
fn an_answer_to_another_question_does_not_count() {
    let lab = asking_about_a_file();
    lab.held();
    lab.answer("ask", 1).unwrap();
    lab.repo.write("in", "changed before anyone went on");
    files(&lab, "4");
    assert_eq!(lab.held(), ("ask".to_owned(), Kind::Waiting, "ask".to_owned()));
    assert!(lab.step("ask").answer.is_none());
}

#[test]
fn an_answer_does_not_count_when_its_number_means_something_else_by_now() {
    let lab = asking();
    lab.held();
    lab.answer("ask", 2).unwrap();
    // The first and the second option change places: what was "mend it" would go on now.
    let swapped = DECISION
        .replace("label = \"Go on\"", "label = \"X\"")
        .replace("then = \"continue\"", "then = \"y\"")
        .replace("label = \"Mend it\"", "label = \"Go on\"")
        .replace("then = \"edit\"", "then = \"continue\"")
        .replace("label = \"X\"", "label = \"Mend it\"")
        .replace("then = \"y\"", "then = \"edit\"");
    let steps = [act("first", &[], ""), act("ask", &["first"], &swapped), act("last", &["ask"], "")];
    lab.repo.workflow("lab", &steps.concat());
    assert_eq!(lab.held(), ("ask".to_owned(), Kind::Waiting, "ask".to_owned()));
    assert_eq!((lab.status("ask"), lab.step("ask").answer.is_none()), (Status::WaitingDecision, true));
}

#[test]
fn an_answer_counts_on_when_the_same_question_comes_up_again() {
    let lab = asking_about_a_file();
    lab.held();
    lab.answer("ask", 1).unwrap();
    lab.repo.write("in", "changed, and the same files break");
    assert_eq!(lab.done(), "ask last");
}

fn attest(about: &str) -> Outcome {
    let evidence = Evidence::new("shown").proven("about", about);
    Outcome::Attest { text: "Done?".to_owned(), details: Vec::new(), digest: digest::of(about), evidence }
}

#[test]
fn an_attestation_counts_only_for_what_it_was_said_about() {
    let lab = Lab::new(&[act("sign", &[], "inputs = [\"text\"]"), act("last", &["sign"], "")].concat());
    lab.repo.write("text", "first");
    lab.on("sign", |context| {
        let about = std::fs::read_to_string(context.folder.path().join("../../../text")).unwrap();
        match context.attestation() {
            Some(word) if word.digest == digest::of(&about) => Ok(Outcome::Passed(Evidence::new(word.by.clone()))),
            _ => Ok(attest(&about)),
        }
    });
    assert_eq!(lab.held().1, Kind::Waiting);
    assert_eq!(lab.status("sign"), Status::WaitingAttestation);
    lab.attest("sign").unwrap();
    lab.repo.write("text", "second");
    assert_eq!(lab.held().1, Kind::Waiting, "a word about the first text opened the gate for the second");
    lab.attest("sign").unwrap();
    assert_eq!(lab.done(), "sign last");
    assert_eq!(lab.step("sign").summary, "Ada");
}

#[test]
fn findings_are_accepted_by_name_for_the_content_that_was_reviewed() {
    let lab = Lab::new(&[act("review", &[], ""), act("last", &["review"], "")].concat());
    let reviewed = |content: &'static str| {
        lab.on("review", move |context| {
            let digest = digest::of(content);
            let accepted =
                |name: &str| context.accepted().iter().any(|word| word.finding == name && word.digest == digest);
            let open = ["data-loss", "long-lock"].into_iter().filter(|name| !accepted(name));
            let findings: Vec<_> = open.map(|name| (name.to_owned(), "what it means".to_owned())).collect();
            let evidence = Evidence::new("reviewed").proven("content", content);
            if findings.is_empty() {
                return Ok(Outcome::Passed(evidence));
            }
            Ok(Outcome::Accept { findings, digest, evidence })
        });
    };
    reviewed("first");
    assert_eq!(lab.held().1, Kind::Waiting);
    assert_eq!(lab.accept("typo").unwrap_err().kind.exit_code(), 2);
    assert_eq!(lab.answer("review", 1).unwrap_err().kind.exit_code(), 2);
    lab.accept("data-loss").unwrap();
    assert_eq!(lab.held().1, Kind::Waiting);
    assert_eq!(view::next(&lab.loaded(), &lab.state()).unwrap().findings, ["long-lock"]);
    reviewed("second");
    lab.held();
    assert_eq!(view::next(&lab.loaded(), &lab.state()).unwrap().findings, ["data-loss", "long-lock"]);
    lab.accept("data-loss").unwrap();
    lab.accept("long-lock").unwrap();
    assert_eq!(lab.done(), "review last");
}

#[test]
fn a_step_outside_the_lane_is_skipped_with_the_reason_and_a_raised_lane_brings_it_back() {
    let steps =
        [act("a", &[], ""), act("slow", &["a"], "lanes = [\"guarded\", \"breaking\"]"), act("end", &["slow"], "")];
    let lab = Lab::new(&steps.concat());
    lab.lane(Lane::Additive);
    lab.on("end", |_| Err(Failure::step("not yet").into()));
    assert_eq!(lab.held().0, "a end");
    assert_eq!(
        (lab.status("slow"), lab.step("slow").reason.as_deref()),
        (Status::Skipped, Some("not in the lane `additive`"))
    );
    lab.lane(Lane::Guarded);
    assert_eq!(lab.held().0, "slow end");
    lab.lane(Lane::Additive);
    assert_eq!((lab.held().0.as_str(), lab.state().lane), ("end", Some(Lane::Guarded)), "a lane was lowered");
}

#[test]
fn an_action_that_raises_the_lane_brings_in_the_steps_of_that_lane() {
    let steps = [act("impact", &[], ""), act("slow", &["impact"], "lanes = [\"breaking\"]")];
    let lab = Lab::new(&steps.concat());
    lab.lane(Lane::Additive);
    lab.on("impact", |context| {
        context.set_lane(Lane::Breaking, "a column goes away");
        Ok(Outcome::Passed(Evidence::new("looked")))
    });
    assert_eq!(lab.done(), "impact slow");
}

#[test]
fn a_lane_that_is_raised_late_brings_back_the_steps_that_were_left_out_before() {
    let steps = [
        act("a", &[], ""),
        act("slow", &["a"], "lanes = [\"guarded\", \"breaking\"]"),
        act("measure", &["a"], ""),
        act("apply", &["slow", "measure"], ""),
    ];
    let lab = Lab::new(&steps.concat());
    lab.lane(Lane::Additive);
    lab.on("measure", |context| {
        context.set_lane(Lane::Guarded, "the trial rewrote a table");
        Ok(Outcome::Passed(Evidence::new("measured")))
    });
    assert_eq!(lab.done(), "a measure slow apply");
}
