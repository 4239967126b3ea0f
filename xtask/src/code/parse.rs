//! The one door to the TypeScript parser: which dialect a file has, and what a syntax error says.

use std::path::Path;

use anyhow::{Context, Result};
use oxc_allocator::Allocator;
use oxc_ast::ast::Program;
use oxc_parser::{ParseOptions, Parser};
use oxc_span::SourceType;

use crate::failure::Failure;

/// Endings of files that are read as code.
pub(super) const ENDINGS: &[&str] = &["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs"];

/// Parses a file; parentheses leave no node. Errors: a syntax error, with its place.
pub(super) fn program<'a>(allocator: &'a Allocator, path: &Path, text: &'a str) -> Result<&'a Program<'a>> {
    let options = ParseOptions { preserve_parens: false, ..ParseOptions::default() };
    let parsed = Parser::new(allocator, text, source_type(path)).with_options(options).parse();
    let error = parsed.diagnostics.errors().next().map(|error| (error.message.to_string(), error.labels.first()));
    if let Some((message, label)) = error {
        let (line, column) = label.map_or((1, 1), |label| position(text, label.offset() as usize));
        return Err(Failure::step(format!("`{}` is not valid TypeScript", path.display()))
            .detail(format!("{}:{line}:{column}: {}", path.display(), message.trim_end_matches('.').to_lowercase()))
            .into());
    }
    Ok(allocator.alloc(parsed.program))
}

pub(super) fn source_type(path: &Path) -> SourceType {
    SourceType::from_path(path).unwrap_or_else(|_| SourceType::tsx())
}

pub(super) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))
}

/// Line and column of a byte offset, both from 1, the column in characters.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_error_is_given_with_its_place() {
        let allocator = Allocator::default();
        let error = program(&allocator, Path::new("a.ts"), "const é = 1;\r\nconst = 2;").unwrap_err();
        let text = Failure::from_error(&error).render();
        assert!(text.contains("a.ts:2:7: "), "{text}");
    }

    #[test]
    fn generics_in_ts_and_elements_in_tsx_are_told_apart() {
        let allocator = Allocator::default();
        assert!(program(&allocator, Path::new("a.ts"), "const f = <T>(x: T) => <T>x;").is_ok());
        assert!(program(&allocator, Path::new("a.tsx"), "const f = () => <p>{1}</p>;").is_ok());
    }
}
