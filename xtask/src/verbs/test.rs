//! `test`: how this project is tested, in one place; CI calls nothing else.

use std::path::Path;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

pub(super) fn test(full: bool) -> Result<u8> {
    let shell = Shell::new().context("a shell")?;
    shell.change_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace")?);
    cmd!(shell, "cargo fmt --check").run().context("formatting")?;
    cmd!(shell, "cargo clippy --quiet --all-targets -- -D warnings").run().context("lints")?;
    let ignored: &[&str] = if full { &["--include-ignored"] } else { &[] };
    cmd!(shell, "cargo test -- {ignored...}").run().context("tests")?;
    Ok(0)
}
