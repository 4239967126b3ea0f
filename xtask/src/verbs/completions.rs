//! `completions SHELL`: what clap generates for a program `xtask`, and a hook that uses it behind `cargo xtask`.
//!
//! Invariant: pressing TAB runs nothing of ours, which cargo might have to build first: steps are read from the workflow
//! file by the shell. What the shell completed behind `cargo` before is still completed.

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_complete::shells;

use crate::cli::{Cli, Shell};
use crate::report::terminal::data;

/// Prints the ids of the steps of `workflows/db-change.toml`.
const STEPS: &str = r#"awk '/^\[\[phase\.step\]\]/ { s = 1 } s && /^id *=/ { gsub(/^id *= *"|".*$/, ""); print; s = 0 }' "$(git rev-parse --show-toplevel 2>/dev/null)/workflows/db-change.toml" 2>/dev/null"#;

const BASH: &str = r#"
_cargo_xtask_steps() {
    STEPS
}

_cargo_xtask() {
    if [[ $COMP_CWORD -lt 2 || ${COMP_WORDS[1]} != xtask ]]; then
        [[ -z $_cargo_xtask_before ]] || "$_cargo_xtask_before" "$@"
        return
    fi
    COMP_WORDS=("${COMP_WORDS[@]:1}")
    COMP_CWORD=$((COMP_CWORD - 1))
    case $3 in
        why | logs | answer | attest | --to | --only)
            if [[ $2 != -* ]]; then
                COMPREPLY=($(compgen -W "$(_cargo_xtask_steps)" -- "$2"))
                return
            fi
            ;;
    esac
    _xtask xtask "$2" "$3"
}

# What completes `cargo` is loaded when it is first asked for: now, so that it is not lost.
if declare -F _comp_load >/dev/null; then
    _comp_load cargo 2>/dev/null
elif declare -F _completion_loader >/dev/null; then
    _completion_loader cargo 2>/dev/null
fi
if [[ $(complete -p cargo 2>/dev/null) =~ -F\ ([^ ]+) && ${BASH_REMATCH[1]} != _cargo_xtask ]]; then
    _cargo_xtask_before=${BASH_REMATCH[1]}
fi
complete -F _cargo_xtask -o bashdefault -o default cargo
"#;

const ZSH: &str = r#"
_cargo_xtask_steps() {
    compadd -- ${(f)"$(STEPS)"}
}

_cargo_xtask() {
    if (( CURRENT > 2 )) && [[ $words[2] == xtask ]]; then
        shift words
        (( CURRENT-- ))
        _xtask
    elif [[ -n $_cargo_xtask_before ]]; then
        $_cargo_xtask_before "$@"
    fi
}

[[ ${_comps[cargo]} == _cargo_xtask ]] || typeset -g _cargo_xtask_before=${_comps[cargo]}
compdef _cargo_xtask cargo
"#;

const FISH: &str = r#"
function __cargo_xtask_steps
    STEPS
end

complete -c xtask -n "__fish_seen_subcommand_from why logs answer attest" -f -a "(__cargo_xtask_steps)"
complete -c xtask -n "__fish_seen_subcommand_from completions" -f -a "bash zsh fish"
complete -c xtask -n "__fish_seen_subcommand_from db-change run" -l to -x -a "(__cargo_xtask_steps)"
complete -c xtask -n "__fish_seen_subcommand_from db-change run" -l only -x -a "(__cargo_xtask_steps)"

function __cargo_xtask
    set -l words (commandline -opc) (commandline -ct)
    complete -C (string join ' ' -- $words[2..])
end

complete -c cargo -n "__fish_seen_subcommand_from xtask" -f -a "(__cargo_xtask)"
"#;

pub(super) fn completions(shell: Shell) -> Result<u8> {
    let (generated, hook) = match shell {
        Shell::Bash => (without_placeholders(&generated(shells::Bash)?), BASH),
        Shell::Zsh => (with_steps(&generated(shells::Zsh)?), ZSH),
        Shell::Fish => (generated(shells::Fish)?, FISH),
    };
    data(&generated);
    data(&hook.replace("STEPS", STEPS));
    Ok(0)
}

fn generated(shell: impl clap_complete::Generator) -> Result<String> {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Command::new("xtask").subcommands(shown), "xtask", &mut out);
    String::from_utf8(out).context("clap generates text")
}

/// clap would have bash offer `<STEP>` as a word.
fn without_placeholders(script: &str) -> String {
    let kept = |line: &str| match line.trim_start().starts_with("opts=") {
        true => line.split(' ').filter(|word| !word.starts_with(['<', '['])).collect::<Vec<_>>().join(" "),
        false => line.to_owned(),
    };
    script.lines().map(|line| kept(line) + "\n").collect()
}

fn with_steps(script: &str) -> String {
    script
        .replace(":step:_default'", ":step:_cargo_xtask_steps'")
        .replace(":STEP:_default'", ":STEP:_cargo_xtask_steps'")
}
