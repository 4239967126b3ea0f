//! `test`: how this project is tested, in one place; CI calls nothing else.

use std::path::Path;

use anyhow::{Context, Result};
use xshell::{Cmd, Shell, cmd};

use crate::failure::Failure;

pub(super) fn test(full: bool) -> Result<u8> {
    let shell = Shell::new().context("a shell")?;
    shell.change_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace")?);
    pass(cmd!(shell, "cargo fmt --check"), "cargo fmt")?;
    pass(cmd!(shell, "cargo clippy --quiet --all-targets -- -D warnings"), "mend what it names")?;
    let ignored: &[&str] = if full { &["--include-ignored"] } else { &[] };
    pass(cmd!(shell, "cargo test -- {ignored...}"), "run one alone: cargo test NAME")?;
    Ok(0)
}

fn pass(command: Cmd<'_>, hint: &str) -> Result<()> {
    let shown = command.to_string();
    command.run().map_err(|_| Failure::step(format!("`{shown}` failed")).hint(hint))?;
    Ok(())
}
