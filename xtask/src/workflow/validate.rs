//! What the types cannot say: names that must exist, orders that must end, options that must lead somewhere.

use std::ops::Range;

use toml::Spanned;

use super::diagnostic::{Problem, did_you_mean};
use super::duration;
use super::load::captured_names;
use super::model::{Accept, By, Expect, Precondition, Step, Workflow};
use crate::review::Day;

/// The version of the workflow format that this program reads.
pub const SCHEMA: &str = "1.0";

/// The name under which a run asks about its workflow file.
pub const RESERVED: &str = "workflow";

/// Leaves room in a file's name for what is put before and after it.
const LONGEST: usize = 61;

/// The built-in actions and their parameters, as the host declares them.
#[derive(Debug, Default)]
pub struct Catalogue {
    pub actions: Vec<(&'static str, &'static [&'static str])>,
    /// Actions whose pass means that something failed as it must (a `green_of` may name their steps).
    pub red: Vec<&'static str>,
    /// Actions that a repo may have nothing to do for; no step with another one may be `off`.
    pub optional: Vec<&'static str>,
    /// What the review may find, by id.
    pub findings: Vec<&'static str>,
}

/// Everything wrong with a workflow, in the order of the file.
#[must_use]
pub fn problems(workflow: &Workflow, catalogue: &Catalogue) -> Vec<Problem> {
    let mut found = Vec::new();
    found.extend(version(&workflow.schema));
    found.extend(name(workflow));
    for phase in &workflow.phase {
        found.extend(id("phase", phase.id.get_ref(), phase.id.span()));
    }
    let steps: Vec<&Step> = workflow.phase.iter().flat_map(|phase| &phase.step).collect();
    let ids: Vec<&str> = steps.iter().map(|step| step.id.get_ref().as_str()).collect();
    durations(workflow, &mut found);
    workflow.accept.iter().for_each(|accept| accepted(accept, catalogue, &mut found));
    for (position, step) in steps.iter().enumerate() {
        if ids[..position].contains(&ids[position]) {
            found.push(Problem::new(
                step.id.span(),
                format!("two steps are called `{}`", ids[position]),
                "the second one",
            ));
        }
        if ids[position] == RESERVED {
            let problem = Problem::new(step.id.span(), format!("no step may be called `{RESERVED}`"), "here");
            found.push(problem.help("under that name a run asks what to do when this file has changed"));
        }
        check_step(step, &steps, &ids, workflow, catalogue, &mut found);
    }
    if let Some(shadow) = &workflow.shadow {
        let source = &shadow.source;
        if !workflow.target.contains_key(source.get_ref()) {
            let problem =
                Problem::new(source.span(), format!("no target is called `{}`", source.get_ref()), "unknown target");
            found.push(with_guess(problem, source.get_ref(), workflow.target.keys().map(String::as_str)));
        }
        one_of(&shadow.provider, &["local"], "shadow provider", &mut found);
        if let Some(scope) = &shadow.scope {
            one_of(scope, &["all"], "shadow scope", &mut found);
        }
    }
    found.extend(cycle(&steps));
    found.sort_by_key(|problem| problem.span.as_ref().map_or(0, |span| span.start));
    found
}

/// Whether a workflow may be called so: it names a file.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

fn name(workflow: &Workflow) -> Option<Problem> {
    (!is_name(&workflow.name)).then(|| Problem {
        span: None,
        message: format!("no workflow may be called `{}`", workflow.name),
        label: String::new(),
        help: Some("write letters, digits, `-`, `_` and `.`, and do not begin with `.`".to_owned()),
    })
}

/// Ids name files and folders, and stand in commands that people type.
fn id(of: &str, id: &str, span: Range<usize>) -> Option<Problem> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = id.starts_with(plain) && id.len() <= LONGEST && id.chars().all(|c| plain(c) || "_-".contains(c));
    (!fits).then(|| {
        Problem::new(span, format!("no {of} may be called `{id}`"), "here").help(format!(
            "write lower-case letters, digits, `-` and `_`, beginning with a letter or digit, at most {LONGEST} of them"
        ))
    })
}

/// What is wrong with the version of the format, if anything.
#[must_use]
pub fn version(schema: &Spanned<String>) -> Option<Problem> {
    let known = schema.get_ref().starts_with("1.");
    let label = format!("this program reads {SCHEMA}");
    (!known).then(|| {
        Problem::new(schema.span(), "this schema version is not known", label)
            .help("update this program, or use the workflow file that came with it")
    })
}

fn one_of(value: &Spanned<String>, known: &[&str], what: &str, found: &mut Vec<Problem>) {
    if !known.contains(&value.get_ref().as_str()) {
        let problem =
            Problem::new(value.span(), format!("{what} `{}` is not built yet or not known", value.get_ref()), "here");
        found.push(problem.help(format!("write one of: {}", known.join(", "))));
    }
}

fn durations(workflow: &Workflow, found: &mut Vec<Problem>) {
    let budget = &workflow.budget;
    let steps = workflow.phase.iter().flat_map(|phase| &phase.step);
    let of_steps =
        steps.flat_map(|step| [step.timeout.as_ref(), step.retry.as_ref().and_then(|retry| retry.delay.as_ref())]);
    let all = [&budget.migration, &budget.blocked_reads, &budget.blocked_writes]
        .map(Option::as_ref)
        .into_iter()
        .chain(of_steps);
    for text in all.flatten() {
        if duration::parse(text.get_ref()).is_none() {
            found.push(
                Problem::new(text.span(), format!("`{}` is not a duration", text.get_ref()), "here")
                    .help("write a whole number and a unit: `250ms`, `30s`, `5m`, `24h`"),
            );
        }
    }
}

fn accepted(accept: &Accept, catalogue: &Catalogue, found: &mut Vec<Problem>) {
    let rule = &accept.rule;
    if !catalogue.findings.contains(&rule.get_ref().as_str()) {
        let problem = Problem::new(
            rule.span(),
            format!("the review has no finding `{}` that can be accepted", rule.get_ref()),
            "here",
        );
        let guess = did_you_mean(rule.get_ref(), catalogue.findings.iter());
        found.push(problem.help(guess.unwrap_or_else(|| "write one of `cargo xtask review --list`".to_owned())));
    }
    if accept.reason.get_ref().trim().is_empty() {
        let problem = Problem::new(accept.reason.span(), "a finding is accepted for a reason", "here");
        found.push(problem.help("say why it is all right in this repo"));
    }
    if let Some(until) = accept.until.as_ref().filter(|until| Day::parse(until.get_ref()).is_none()) {
        let problem = Problem::new(until.span(), format!("`{}` is not a day", until.get_ref()), "here");
        found.push(problem.help("write year, month and day: `2027-01-31`"));
    }
    if let Some(scope) = &accept.scope
        && let Err(error) = glob::Pattern::new(scope.get_ref())
    {
        let problem = Problem::new(scope.span(), format!("`{}` is not a glob: {}", scope.get_ref(), error.msg), "here");
        found.push(problem.help("write a file, a folder, or a glob such as `packages/db/drizzle/0007_*.sql`"));
    }
}

fn check_step(
    step: &Step,
    steps: &[&Step],
    ids: &[&str],
    workflow: &Workflow,
    catalogue: &Catalogue,
    found: &mut Vec<Problem>,
) {
    found.extend(id("step", step.id.get_ref(), step.id.span()));
    found.extend(step.decision.as_ref().and_then(|decision| id("decision", &decision.id, step.id.span())));
    let id = step.id.get_ref();
    match (&step.uses, &step.run) {
        (Some(uses), None) => check_action(step, uses, catalogue, found),
        (None, Some(run)) => {
            check_run(step, run, found);
            if step.green_of.is_some() {
                found.push(
                    Problem::new(run.span(), format!("step `{id}` runs the command of its red step, not one of its own"), "here")
                        .help("take `run` away, or `green_of`"),
                );
            }
        }
        (None, None) if step.green_of.is_some() => {}
        _ => found.push(
            Problem::new(step.id.span(), format!("step `{id}` needs exactly one of `uses` and `run`"), "this step")
                .help("`uses = \"drizzle.generate\"` for a built-in action, `run = [\"bun\", \"run\", \"lint\"]` for a command"),
        ),
    }
    if let Some(off) = &step.off {
        check_off(step, off, catalogue, found);
    }
    for need in &step.needs {
        if !ids.contains(&need.get_ref().as_str()) {
            let problem =
                Problem::new(need.span(), format!("step `{id}` needs an unknown step"), "no step has this id");
            found.push(with_guess(problem, need.get_ref(), ids.iter().copied()));
        }
    }
    if let Some(green_of) = &step.green_of {
        check_green(step, green_of, steps, ids, catalogue, found);
    }
    for probe in &step.probes {
        let known = ["database:", "applied:"]
            .iter()
            .any(|kind| probe.get_ref().strip_prefix(kind).is_some_and(|target| workflow.target.contains_key(target)));
        if !known && probe.get_ref() != "production" {
            found.push(
                Problem::new(probe.span(), format!("`{}` is not a probe", probe.get_ref()), "here")
                    .help("write `production`, or `database:TARGET` or `applied:TARGET` with a target of this file"),
            );
        }
    }
    for precondition in &step.preconditions {
        check_precondition(precondition.span(), precondition.get_ref(), found);
    }
    if step.decision.is_some() && step.by == By::Person {
        let problem =
            Problem::new(step.id.span(), format!("step `{id}` has a decision, which says who decides"), "here");
        found.push(problem.help("write `by = \"person\"` under `[phase.step.decision]`"));
    }
    if let Some(decision) = &step.decision
        && decision.options.get_ref().is_empty()
    {
        found.push(Problem::new(
            decision.options.span(),
            format!("the decision `{}` has no options", decision.id),
            "here",
        ));
    }
    for option in step.decision.iter().flat_map(|decision| decision.options.get_ref()) {
        let then = option.then.get_ref().as_str();
        let known = matches!(then, "continue" | "edit" | "abort" | "not-built");
        if !known && !then.strip_prefix("goto:").is_some_and(|to| ids.contains(&to)) {
            let problem = Problem::new(option.then.span(), format!("this option leads nowhere: `{then}`"), "here");
            let guess = then.strip_prefix("goto:").and_then(|to| did_you_mean(to, ids.iter()));
            let known = "write `continue`, `edit`, `abort`, `not-built`, or `goto:STEP` with a step of this file";
            let problem = problem.help(guess.unwrap_or_else(|| known.to_owned()));
            found.push(problem);
        }
    }
    for (pattern, what) in regexes(step) {
        if let Err(error) = regex::Regex::new(pattern.get_ref()) {
            let reason = error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            found.push(Problem::new(pattern.span(), format!("`{what}` is not a regular expression: {reason}"), "here"));
        }
    }
    check_values(step, steps, found);
}

/// A value is known only once the step that captures it has run: it must be among those that this step needs.
fn check_values(step: &Step, steps: &[&Step], found: &mut Vec<Problem>) {
    let mut ancestors: Vec<&str> =
        step.needs.iter().chain(&step.green_of).map(|need| need.get_ref().as_str()).collect();
    let mut next = 0;
    while let Some(id) = ancestors.get(next).copied() {
        let needs = steps
            .iter()
            .filter(|step| step.id.get_ref() == id)
            .flat_map(|step| step.needs.iter().chain(&step.green_of));
        for need in needs.map(|need| need.get_ref().as_str()) {
            if !ancestors.contains(&need) {
                ancestors.push(need);
            }
        }
        next += 1;
    }
    let mut check = |name: &str, span: Range<usize>| {
        let of = name.split('.').next().unwrap_or_default();
        if !ancestors.contains(&of) {
            let message = format!("`{name}` is not known here: step `{}` does not need `{of}`", step.id.get_ref());
            found.push(Problem::new(span, message, "here").help(format!("add `{of}` to its `needs`, if it is a step")));
        }
    };
    if let Some(run) = &step.run {
        for name in run.get_ref().iter().flat_map(|text| captured_names(text)) {
            check(name, run.span());
        }
    }
    if let Some(when) = &step.when {
        match super::condition::parse(when.get_ref()) {
            Some(condition) => check(&condition.name, when.span()),
            None => found.push(
                Problem::new(when.span(), "this condition cannot be read", "here")
                    .help("write `step.value == \"text\"` or `!=`"),
            ),
        }
    }
    for capture in step.capture.values().filter(|capture| capture.from == super::model::CaptureFrom::Junit) {
        one_of(&capture.select, &["tests", "failures", "skipped"], "count", found);
    }
}

fn regexes(step: &Step) -> Vec<(&Spanned<String>, &'static str)> {
    let because =
        step.because.iter().filter_map(|because| because.matches.as_ref()).map(|matches| (matches, "matches"));
    let captures = step.capture.values().filter(|capture| capture.from != super::model::CaptureFrom::Junit);
    because.chain(captures.map(|capture| (&capture.select, "select"))).collect()
}

fn check_action(step: &Step, uses: &Spanned<String>, catalogue: &Catalogue, found: &mut Vec<Problem>) {
    let Some((_, keys)) = catalogue.actions.iter().find(|(name, _)| name == uses.get_ref()) else {
        let problem = Problem::new(
            uses.span(),
            format!("unknown action `{}`", uses.get_ref()),
            "no built-in action has this name",
        );
        found.push(with_guess(problem, uses.get_ref(), catalogue.actions.iter().map(|(name, _)| *name)));
        return;
    };
    for key in step.with.keys() {
        if !keys.contains(&key.get_ref().as_str()) {
            let message = format!("action `{}` has no parameter `{}`", uses.get_ref(), key.get_ref());
            found.push(with_guess(
                Problem::new(key.span(), message, "unknown parameter"),
                key.get_ref(),
                keys.iter().copied(),
            ));
        }
    }
}

/// What later steps stand on cannot be left out, and a step is never left out without a word.
fn check_off(step: &Step, off: &Spanned<String>, catalogue: &Catalogue, found: &mut Vec<Problem>) {
    if off.get_ref().trim().is_empty() {
        let problem = Problem::new(off.span(), "`off` says why this repo has nothing to do here", "no reason");
        found.push(problem.help("write it: `off = \"there is no API package\"`"));
    }
    let uses = step.uses.as_ref().map(|uses| uses.get_ref().as_str());
    if let Some(uses) = uses.filter(|uses| !catalogue.optional.contains(uses)) {
        let problem = Problem::new(off.span(), format!("`{uses}` cannot be off: other steps stand on it"), "here");
        found.push(problem.help(format!("these may be: {}", catalogue.optional.join(", "))));
    }
}

fn check_run(step: &Step, run: &Spanned<Vec<String>>, found: &mut Vec<Problem>) {
    if run.get_ref().is_empty() || (step.shell && run.get_ref().len() != 1) {
        let help = if step.shell { "with `shell = true`, `run` has one text" } else { "name the program first" };
        found.push(Problem::new(run.span(), "`run` does not name a command", "here").help(help));
    }
    if step.shell && run.get_ref().iter().any(|text| captured_names(text).next().is_some()) {
        found.push(
            Problem::new(run.span(), "a captured value must not stand in a shell text", "here")
                .help("leave `shell` out and pass it as an argument of its own"),
        );
    }
}

fn check_green(
    step: &Step,
    green_of: &Spanned<String>,
    steps: &[&Step],
    ids: &[&str],
    catalogue: &Catalogue,
    found: &mut Vec<Problem>,
) {
    let is_red = |other: &&&Step| {
        let by_action = other.uses.as_ref().is_some_and(|uses| catalogue.red.contains(&uses.get_ref().as_str()));
        other.id.get_ref() == green_of.get_ref() && (other.expect == Expect::Fail || by_action)
    };
    if steps.iter().find(is_red).is_none() {
        let problem = Problem::new(
            green_of.span(),
            format!("step `{}` is the green of a step that never has to fail", step.id.get_ref()),
            "no step of this id has `expect = \"fail\"`",
        );
        found.push(with_guess(problem, green_of.get_ref(), ids.iter().copied().filter(|id| id != green_of.get_ref())));
    }
}

fn check_precondition(span: Range<usize>, precondition: &Precondition, found: &mut Vec<Problem>) {
    let Precondition { tool, env, path, sql, changed, .. } = precondition;
    let given = [tool, env, path, sql, changed].into_iter().flatten().count();
    if given != 1 {
        found.push(
            Problem::new(span, "a precondition names exactly one thing", format!("{given} are named here"))
                .help("write one of `tool`, `env`, `path`, `sql`, `changed`"),
        );
    }
}

/// A circle among the `needs`, named once.
fn cycle(steps: &[&Step]) -> Option<Problem> {
    let mut left: Vec<&&Step> = steps.iter().collect();
    let needs = |step: &Step, id: &str| step.needs.iter().chain(&step.green_of).any(|need| need.get_ref() == id);
    loop {
        let before = left.clone();
        left.retain(|step| {
            let id = step.id.get_ref();
            let waits = before.iter().any(|other| needs(step, other.id.get_ref()));
            waits && before.iter().any(|other| needs(other, id))
        });
        if left.len() == before.len() {
            break;
        }
    }
    let first = left.first()?;
    let names: Vec<String> = left.iter().map(|step| format!("`{}`", step.id.get_ref())).collect();
    Some(
        Problem::new(first.id.span(), format!("these steps wait for each other: {}", names.join(", ")), "one of them")
            .help("take one of the `needs` away"),
    )
}

fn with_guess<'a>(problem: Problem, unknown: &str, known: impl Iterator<Item = &'a str>) -> Problem {
    match did_you_mean(unknown, known) {
        Some(guess) => problem.help(guess),
        None => problem,
    }
}
