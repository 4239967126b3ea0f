//! The JSON Schema of a workflow file, for editors: made from the model, so that it cannot say something else.

use anyhow::{Context, Result};

use super::model::Workflow;

/// The schema as it stands in `workflows/schema.json`.
pub fn text() -> Result<String> {
    let schema = schemars::schema_for!(Workflow);
    Ok(serde_json::to_string_pretty(&schema).context("describing the workflow file")? + "\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_schema_file_is_what_the_model_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows/schema.json");
        let file = std::fs::read_to_string(path).unwrap();
        assert!(file == super::text().unwrap(), "make it anew: cargo xtask workflow schema > workflows/schema.json");
    }
}
