//! What was measured, compared with its bar, and the table of it.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::resource::{Usage, UsageWho, getrusage};

use crate::failure::Failure;
use crate::report::terminal::wrapped;

/// Ours and the peer's values of one figure, in the same unit.
#[derive(Debug, Default)]
pub(super) struct Pair {
    pub ours: Vec<f64>,
    pub peer: Vec<f64>,
    /// `ms`, `ms CPU`, `CPU-s`.
    pub unit: &'static str,
    /// What was measured, and against what.
    pub what: String,
    pub against: String,
}

/// One bench as it ended.
#[derive(Debug)]
pub(super) struct Outcome {
    pub name: &'static str,
    pub bar: f64,
    pub pair: Result<Pair, Failure>,
}

impl Outcome {
    fn ratio(&self) -> Option<f64> {
        let pair = self.pair.as_ref().ok()?;
        Some(median(&pair.ours)? / median(&pair.peer)?).filter(|ratio| ratio.is_finite())
    }

    /// A figure that could not be measured has not met its bar.
    pub(super) fn within(&self) -> bool {
        self.ratio().is_some_and(|ratio| ratio <= self.bar)
    }
}

/// The table; no line of figures is wider than 80 columns.
pub(super) fn table(outcomes: &[Outcome]) -> String {
    let mut out = format!("{:<13} {:>21} {:>21} {:>7} {:>5}\n", "figure", "ours", "peer", "ratio", "bar");
    for outcome in outcomes {
        let Outcome { name, bar, pair } = outcome;
        match (pair, outcome.ratio()) {
            (Ok(pair), Some(ratio)) => {
                let verdict = if outcome.within() { "within" } else { "over" };
                let (ours, peer) = (values(&pair.ours), values(&pair.peer));
                let _ = writeln!(out, "{name:<13} {ours:>21} {peer:>21} {ratio:>6.2}× {bar:>4}×  {verdict}");
                out.push_str(&wrapped(&format!("{}: {}", pair.unit, pair.what), 80, "  "));
                out.push_str(&wrapped(&format!("against {}", pair.against), 80, "  "));
            }
            (Ok(_), None) => {
                let _ = writeln!(out, "{name:<13} not measured: no values");
            }
            (Err(failure), _) => {
                let _ = writeln!(out, "{name:<13} not measured");
                failure.render().lines().for_each(|line| {
                    let _ = writeln!(out, "  {line}");
                });
            }
        }
    }
    out
}

/// `148 (140–160)`: the median, and the range.
fn values(values: &[f64]) -> String {
    let shown = |value: f64| if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") };
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let middle = shown(median(values).unwrap_or_default());
    if values.len() < 2 { middle } else { format!("{middle} ({}–{})", shown(least), shown(most)) }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// User and system time in seconds of the children that `work` starts and waits for, and of theirs.
pub(super) fn cpu_seconds(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let total = |usage: Usage| {
        [usage.user_time(), usage.system_time()]
            .iter()
            .map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6)
            .sum::<f64>()
    };
    let children = || getrusage(UsageWho::RUSAGE_CHILDREN).map(total).context("asking for the children's CPU time");
    let before = children()?;
    work()?;
    Ok(children()? - before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Run;

    fn outcome(ours: &[f64], bar: f64) -> Outcome {
        let pair =
            Pair { ours: ours.to_vec(), peer: vec![10.0, 12.0, 1000.0], what: "a word ".repeat(20), ..Pair::default() };
        Outcome { name: "server-tmpfs", bar, pair: Ok(pair) }
    }

    #[test]
    fn medians_are_compared_and_a_figure_without_values_misses_its_bar() {
        assert!(outcome(&[1.0, 24.0, 9999.0], 2.0).within());
        assert!(!outcome(&[1.0, 24.1, 25.0], 2.0).within());
        assert!(!outcome(&[], 2.0).within());
        assert!(!Outcome { name: "x", bar: 9.0, pair: Err(Failure::environment("no just")) }.within());
    }

    #[test]
    fn the_table_fits_eighty_columns_and_says_what_is_over() {
        let missing = Outcome { name: "engine-step", bar: 3.0, pair: Err(Failure::environment("there is no `just`")) };
        let text = table(&[outcome(&[11234.0, 12345.0, 13456.0], 0.2), outcome(&[0.5], 0.2), missing]);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let figures = text.lines().filter(|line| line.contains('×'));
        let verdicts: Vec<&str> = figures.filter_map(|line| line.split_whitespace().last()).collect();
        assert_eq!(verdicts, ["over", "within"]);
        assert!(text.contains("not measured\n  error: there is no `just`"), "{text}");
    }

    #[test]
    fn the_cpu_time_of_grandchildren_counts() {
        // Other tests' children may be counted too, so only the least is certain: what the grandchild says of itself.
        let burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; times";
        let run = Run::new("/bin/sh", "/").args(["-c", &format!("sh -c '{burn}'; true")]);
        let mut said = String::new();
        let counted = cpu_seconds(|| run.run().map(|output| said = output.stdout)).unwrap();
        let (minutes, seconds) = said.split_once('m').unwrap();
        let own = 60.0 * minutes.parse::<f64>().unwrap() + seconds.split_once('s').unwrap().0.parse::<f64>().unwrap();
        assert!(own > 0.0 && counted >= 0.9 * own, "{counted} of {own} s");
    }
}
