//! Steps that run a command of the repo's own: what it must do to pass, and what is captured from it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{Host, Outcome, StepContext, key};
use crate::failure::Failure;
use crate::process::{Output, Run, interrupt, mark};
use crate::state::Evidence;
use crate::workflow::load::expand;
use crate::workflow::model::{CaptureFrom, Expect};
use crate::workflow::{self, duration};
use crate::workflow::{Loaded, Step, Tree};

/// Runs the step's command and judges it.
pub fn act(context: &StepContext<'_>, loaded: &Loaded, root: &Path, host: &dyn Host) -> Result<Outcome> {
    let step = context.step;
    let source = match &step.green_of {
        Some(red) => loaded.step(red.get_ref()).context("validated: the red step exists")?,
        None => step,
    };
    let argv = source.run.as_ref().map(|run| run.get_ref()).context("validated: the step has a command")?;
    let tree = match step.tree {
        Tree::Base => host.base_tree(context)?,
        Tree::Work => root.to_owned(),
    };
    let cwd = source.cwd.as_ref().map_or(tree.clone(), |cwd| tree.join(cwd));
    if !cwd.is_dir() {
        return Err(Failure::usage(format!(
            "step `{}` runs in `{}`, which does not exist",
            context.id(),
            cwd.display()
        ))
        .into());
    }
    let reports = tempfile::tempdir().context("a folder for the test report")?;
    let report = reports.path().join("junit.xml");
    let shown = report.display().to_string();
    let mut run = if source.shell {
        // As it stands in the file: a captured value is never read by a shell.
        Run::new("/bin/sh", &cwd).args(["-c", &argv[0].replace("{{junit}}", &shown)])
    } else {
        let mut values = context.state.captured.clone();
        values.insert("junit".to_owned(), shown);
        let argv: Vec<String> = argv.iter().map(|arg| expand(arg, &values)).collect();
        let program = if argv[0] == "bun" { host.tool("bun")?.0 } else { argv[0].clone().into() };
        Run::new(program, &cwd).args(&argv[1..])
    };
    let names: Vec<&String> = source.env.iter().chain(&step.env).collect();
    run.env.extend(host.command_env(&names));
    run.env.insert(mark::STEP.to_owned(), context.id().to_owned());
    run.timeout = context.timeout;
    run.mask = host.mask();
    run.log = Some(context.log.clone());
    context.say(&run.display());
    let output = attempts(&run, step)?;
    judge(context, loaded, &run, &output)?;
    let mut evidence = Evidence::new(format!("`{}` exited with {}", named(&run), output.code()))
        .proven("exit", i64::from(output.code()))
        .proven("command", run.display())
        .info("seconds", output.duration.as_secs_f64());
    if step.tree == Tree::Work {
        for (name, digest) in key::outputs(step, root, host)?.files {
            evidence = evidence.proven(&format!("output {name}"), digest);
        }
    }
    for (name, value) in captures(step, &output, &report, host)? {
        evidence = evidence.proven(&format!("capture.{name}"), value);
    }
    Ok(Outcome::Passed(evidence))
}

/// The command in a sentence; a long one is whole in the log and in the evidence.
fn named(run: &Run) -> String {
    const MOST: usize = 60;
    let whole = run.display();
    match whole.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", whole[..end].trim_end()),
        None => whole,
    }
}

/// Tries again as often as the step allows, waiting twice as long each time. A time-out is not tried again.
fn attempts(run: &Run, step: &Step) -> Result<Output> {
    let retry = step.retry.as_ref();
    let mut pause = retry
        .and_then(|retry| retry.delay.as_ref())
        .and_then(|delay| duration::parse(delay.get_ref()))
        .unwrap_or(Duration::from_secs(1));
    let mut left = if step.expect == Expect::Pass { retry.map_or(0, |retry| retry.count) } else { 0 };
    loop {
        let output = run.run()?;
        if output.success() || left == 0 {
            return Ok(output);
        }
        left -= 1;
        wait(pause)?;
        pause *= 2;
    }
}

/// Sleeps, unless someone asks us to stop.
fn wait(pause: Duration) -> Result<()> {
    let until = Instant::now() + pause;
    while Instant::now() < until {
        if interrupt::requested() {
            return Err(Failure::step("interrupted before the next try").into());
        }
        std::thread::sleep(Duration::from_millis(20).min(pause));
    }
    Ok(())
}

fn judge(context: &StepContext<'_>, loaded: &Loaded, run: &Run, output: &Output) -> Result<()> {
    let step = context.step;
    let shown = |failure: Failure| {
        let whole = workflow::command(&loaded.workflow.name, &format!("logs {}", context.id()));
        failure.detail(output.tail(12)).hint(format!("its whole output: {whole}"))
    };
    if step.expect == Expect::Pass {
        if output.success() {
            return Ok(());
        }
        return Err(shown(Failure::step(format!("`{}` failed with exit code {}", named(run), output.code()))).into());
    }
    if output.success() {
        return Err(Failure::step(format!("`{}` passed before the change: it proves nothing", named(run)))
            .hint("make it claim what the change brings, so that it fails until the change is there")
            .into());
    }
    let because = step.because.clone().unwrap_or_default();
    if !because.exit.is_empty() && !because.exit.contains(&output.code()) {
        let message =
            format!("`{}` failed with exit code {}, which is not the failure expected", named(run), output.code());
        return Err(shown(Failure::step(message)).into());
    }
    if because.exit.is_empty() && did_not_run(output.code()) {
        let message = format!("`{}` ended with {} before it could say anything", named(run), ended_by(output.code()));
        return Err(shown(Failure::step(message))
            .hint("where that is what has to happen: `because = { exit = [CODE] }`")
            .into());
    }
    if let Some(pattern) = &because.matches
        && !regex::Regex::new(pattern.get_ref())?.is_match(&format!("{}\n{}", output.stdout, output.stderr))
    {
        let message = format!("`{}` failed, but for another reason than `{}`", named(run), pattern.get_ref());
        return Err(shown(Failure::step(message)).into());
    }
    Ok(())
}

/// By a shell's own codes: a signal, or a command that cannot be started. A red test that never ran has not failed.
fn did_not_run(code: i32) -> bool {
    matches!(code, 126 | 127 | 129..=192)
}

fn ended_by(code: i32) -> String {
    if code > 128 {
        format!("exit code {code} (signal {})", code - 128)
    } else {
        format!("exit code {code} (not started)")
    }
}

fn captures(step: &Step, output: &Output, report: &Path, host: &dyn Host) -> Result<Vec<(String, String)>> {
    let mut values = Vec::new();
    for (name, capture) in &step.capture {
        let text = match capture.from {
            CaptureFrom::Stdout => &output.stdout,
            CaptureFrom::Stderr => &output.stderr,
            CaptureFrom::Junit => {
                values.push((name.clone(), from_junit(capture.select.get_ref(), report, host)?.to_string()));
                continue;
            }
        };
        let found = regex::Regex::new(capture.select.get_ref())?.captures(text);
        let value =
            found.and_then(|found| found.get(1).or_else(|| found.get(0)).map(|value| value.as_str().to_owned()));
        let value = value.ok_or_else(|| {
            Failure::step(format!(
                "nothing in the output matches `{}`: `{name}` has no value",
                capture.select.get_ref()
            ))
            .detail(output.tail(8))
        })?;
        values.push((name.clone(), value));
    }
    Ok(values)
}

/// A count from the report that the command wrote to the path `{{junit}}`. No report is no count.
fn from_junit(select: &str, report: &Path, host: &dyn Host) -> Result<usize> {
    let text = std::fs::read_to_string(report).map_err(|_| {
        Failure::step("the command left no JUnit report, so nothing can be counted")
            .hint("give it the report's path: bun test --reporter=junit --reporter-outfile={{junit}}")
    })?;
    let (tests, failures, skipped) = host.test_counts(&text)?;
    if tests == 0 {
        return Err(Failure::step("no test ran, so nothing is proven")
            .hint("see which files the command looks at, and whether its tests are skipped")
            .into());
    }
    Ok(match select {
        "failures" => failures,
        "skipped" => skipped,
        _ => tests,
    })
}
