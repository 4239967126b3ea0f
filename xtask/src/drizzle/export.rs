//! The whole schema as one CREATE script: what a database built from the schema files alone would be.

use anyhow::Result;

use super::project::Project;
use crate::failure::Failure;
use crate::process::escapes;
use crate::sql::statements;

/// Runs `drizzle-kit export` of the package.
///
/// Errors (step): it fails, or what it printed is not SQL; an empty schema gives an empty script.
pub fn export(project: &Project) -> Result<String> {
    let config = project.kit.config.as_ref().map(|path| format!("--config={}", path.display()));
    let args: Vec<&str> = ["run", "drizzle-kit", "export"].into_iter().chain(config.as_deref()).collect();
    let output = project.bun(&args).run()?;
    let parsed = statements::parse(&output.stdout);
    let problem = match parsed.errors.first() {
        _ if !output.success() => format!("exit code {}", output.code()),
        Some(error) => format!("line {} of its output is not SQL: {}", error.line, error.message),
        None if output.stdout.trim().is_empty() && output.stderr.contains("Error") => "it printed nothing".to_owned(),
        None => return Ok(output.stdout),
    };
    Err(Failure::step(format!("drizzle-kit cannot export the schema: {problem}"))
        .detail(escapes::plain(&output.tail(6)))
        .into())
}
