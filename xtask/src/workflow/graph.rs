//! `workflow graph`: a workflow as a Mermaid flowchart. Every `needs`, every red/green pair and every option of a decision is
//! an edge, and nothing is drawn that the file does not say.

use std::fmt::Write;

use super::load::Loaded;
use super::model::Step;

/// Where an option leads that ends the run, or that this program cannot follow.
const ENDS: (&str, &str) = ("ends", "the run ends");
const NOT_BUILT: (&str, &str) = ("not_built", "not built yet");

/// The flowchart, ready for ```` ```mermaid ````.
#[must_use]
pub fn mermaid(loaded: &Loaded) -> String {
    let steps: Vec<&Step> = loaded.steps().map(|(_, step)| step).collect();
    let mut out = String::from("flowchart TD\n");
    for (number, phase) in loaded.workflow.phase.iter().enumerate() {
        let title = quoted(&[phase.id.get_ref(), &phase.title]);
        let _ = writeln!(out, "  subgraph phase{}[{title}]", number + 1);
        for step in &phase.step {
            let id = step.id.get_ref();
            let _ = writeln!(out, "    {}[{}]", node(&steps, id), quoted(&[id, &step.title]));
            if let Some(decision) = &step.decision {
                let _ = writeln!(out, "    {}{{{}}}", asked(&steps, id), quoted(&[&decision.id]));
            }
        }
        out.push_str("  end\n");
    }
    for step in &steps {
        edges(&mut out, step, &steps);
    }
    for (id, text) in [ENDS, NOT_BUILT] {
        if out.contains(&format!("| {id}\n")) {
            let _ = writeln!(out, "  {id}([{}])", quoted(&[text]));
        }
    }
    out
}

fn edges(out: &mut String, step: &Step, steps: &[&Step]) {
    let id = step.id.get_ref();
    let here = node(steps, id);
    let red = step.green_of.as_ref().map(|red| red.get_ref());
    for need in step.needs.iter().map(|need| need.get_ref()).filter(|need| Some(*need) != red) {
        let _ = writeln!(out, "  {} --> {here}", node(steps, need));
    }
    if let Some(red) = red {
        let _ = writeln!(out, "  {} -.->|{}| {here}", node(steps, red), quoted(&["the same must pass now"]));
    }
    let Some(decision) = &step.decision else { return };
    let asked = asked(steps, id);
    let _ = writeln!(out, "  {here} --> {asked}");
    for (number, option) in decision.options.get_ref().iter().enumerate() {
        let label = quoted(&[&format!("{} {}", number + 1, option.label)]);
        for target in targets(option.then.get_ref(), id, steps) {
            let _ = writeln!(out, "  {asked} -->|{label}| {target}");
        }
    }
}

/// Where an option leads: to what stands on the step, back to the step itself, to another one, or to an end.
fn targets(then: &str, id: &str, steps: &[&Step]) -> Vec<String> {
    let behind = || {
        let needs = |step: &&&Step| step.needs.iter().any(|need| need.get_ref() == id);
        let found: Vec<String> = steps.iter().filter(needs).map(|step| node(steps, step.id.get_ref())).collect();
        if found.is_empty() { vec![ENDS.0.to_owned()] } else { found }
    };
    match then {
        "continue" => behind(),
        "edit" => vec![node(steps, id)],
        "abort" => vec![ENDS.0.to_owned()],
        _ => vec![then.strip_prefix("goto:").map_or(NOT_BUILT.0.to_owned(), |to| node(steps, to))],
    }
}

/// Ids of steps may be words of Mermaid's own (`end`), so that nodes go by their number.
fn node(steps: &[&Step], id: &str) -> String {
    let position = steps.iter().position(|step| step.id.get_ref() == id).unwrap_or_default();
    format!("step{}", position + 1)
}

fn asked(steps: &[&Step], id: &str) -> String {
    node(steps, id).replace("step", "asks")
}

/// A label of one line a part. Mermaid writes the characters that it would read itself as `#name;`.
fn quoted(parts: &[&str]) -> String {
    let escaped = parts.iter().map(|part| {
        let mut out = String::new();
        for character in part.chars() {
            match character {
                '"' => out.push_str("#quot;"),
                '#' => out.push_str("#35;"),
                '<' => out.push_str("#lt;"),
                '>' => out.push_str("#gt;"),
                '&' => out.push_str("#amp;"),
                '`' => out.push_str("#96;"),
                '\\' => out.push_str("#92;"),
                character if character.is_control() => out.push(' '),
                character => out.push(character),
            }
        }
        out
    });
    format!("\"{}\"", escaped.collect::<Vec<_>>().join("<br>"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::workflow::{Catalogue, load};

    #[test]
    fn phases_steps_needs_pairs_and_options_are_drawn_and_what_mermaid_would_read_is_escaped() {
        let text = r##"
            schema = "1.0"
            name = "small"
            [[phase]]
            id = "first"
            title = 'Say "no" to <b> & #1'
            [[phase.step]]
            id = "end"
            title = "See it fail"
            run = ["false"]
            expect = "fail"
            [[phase]]
            id = "second"
            title = "Second"
            [[phase.step]]
            id = "green"
            title = "See it pass"
            green_of = "end"
            [[phase.step]]
            id = "ask"
            title = "Ask"
            uses = "act"
            needs = ["green"]
            [phase.step.decision]
            id = "how"
            question = "How?"
            option = [
              { label = "On", leads_to = "", then = "continue" },
              { label = "Mend", leads_to = "", then = "edit" },
              { label = "Back", leads_to = "", then = "goto:end" },
              { label = "Stop", leads_to = "", then = "abort" },
              { label = "Later", leads_to = "", then = "not-built" },
            ]
            [[phase.step]]
            id = "last"
            title = "Last"
            run = ["true"]
            needs = ["ask", "green"]
        "##;
        let catalogue = Catalogue { actions: vec![("act", &[])], ..Catalogue::default() };
        let loaded = load::parse(Path::new("small.toml"), text, &catalogue).unwrap();
        let wanted = r##"flowchart TD
  subgraph phase1["first<br>Say #quot;no#quot; to #lt;b#gt; #amp; #35;1"]
    step1["end<br>See it fail"]
  end
  subgraph phase2["second<br>Second"]
    step2["green<br>See it pass"]
    step3["ask<br>Ask"]
    asks3{"how"}
    step4["last<br>Last"]
  end
  step1 -.->|"the same must pass now"| step2
  step2 --> step3
  step3 --> asks3
  asks3 -->|"1 On"| step4
  asks3 -->|"2 Mend"| step3
  asks3 -->|"3 Back"| step1
  asks3 -->|"4 Stop"| ends
  asks3 -->|"5 Later"| not_built
  step3 --> step4
  step2 --> step4
  ends(["the run ends"])
  not_built(["not built yet"])
"##;
        assert_eq!(mermaid(&loaded), wanted);
    }
}
