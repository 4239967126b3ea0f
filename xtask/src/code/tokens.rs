//! The digest of a TypeScript file by its tokens: white space and comments don't count, so that documenting a change doesn't
//! undo its proofs.
//!
//! Strings, templates, JSX text and directive comments (`@ts-…`, `@jsx…`, `/// <reference`) count, and so does a line break
//! where JavaScript gives it a meaning (`return⏎x`). A file that doesn't parse is digested by its bytes.

use std::path::Path;

use oxc_allocator::Allocator;
use oxc_parser::{Parser, config::TokensParserConfig};

use super::parse;

/// Comments with these words change what the compiler says or makes.
const DIRECTIVES: &[&str] = &["@ts-ignore", "@ts-expect-error", "@ts-nocheck", "@ts-check", "@jsx", "<reference"];
/// After these words a line break ends the statement or changes its meaning.
const BEFORE_BREAK: &[&str] = &[
    "return",
    "throw",
    "break",
    "continue",
    "yield",
    "async",
    "type",
    "interface",
    "declare",
    "abstract",
    "namespace",
    "module",
    "get",
    "set",
    "static",
    "accessor",
    "using",
    "let",
    "opaque",
    "global",
];
/// Before these a line break does.
const AFTER_BREAK: &[&str] = &["++", "--", "!", "as", "satisfies", "is", "=>"];

/// Names this digest where one is kept. To be raised with every change of what [`digest`] gives for any file.
pub const KIND: &str = "tokens-1";

/// SHA-256, as hexadecimal text.
#[must_use]
pub fn digest(path: &Path, text: &str) -> String {
    match tokens(path, text) {
        Some(parts) => crate::digest::of_parts(parts.into_iter().map(str::as_bytes)),
        None => crate::digest::of_parts([b"bytes".as_slice(), text.as_bytes()]),
    }
}

/// Tokens, directives and meaningful line breaks in their order; none where the file does not parse.
fn tokens<'t>(path: &Path, text: &'t str) -> Option<Vec<&'t str>> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, parse::source_type(path)).with_config(TokensParserConfig).parse();
    if parsed.panicked || parsed.diagnostics.has_errors() {
        return None;
    }
    let mut directives = parsed.program.comments.iter().filter_map(|comment| {
        let content = text.get(comment.span.start as usize..comment.span.end as usize)?;
        DIRECTIVES.iter().any(|word| content.contains(word)).then_some((comment.span.start, content))
    });
    let mut next = directives.next();
    let mut parts = Vec::new();
    let (mut last, mut last_end) = ("", 0);
    for token in &parsed.tokens {
        let part = text.get(token.start() as usize..token.end() as usize)?;
        while let Some((start, content)) = next.filter(|(start, _)| *start < token.start()) {
            parts.push(content);
            // Which line a directive is about depends on the line breaks around it.
            parts.push(if text[..start as usize].trim_end_matches([' ', '\t']).ends_with('\n') {
                "own line"
            } else {
                "same line"
            });
            next = directives.next();
        }
        let gap = text.get(last_end..token.start() as usize)?;
        if gap.contains(['\n', '\u{2028}', '\u{2029}']) && (BEFORE_BREAK.contains(&last) || AFTER_BREAK.contains(&part))
        {
            parts.push("\n");
        }
        parts.push(part);
        (last, last_end) = (part, token.end() as usize);
    }
    parts.extend(next.into_iter().chain(directives).map(|(_, content)| content));
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        digest(Path::new("a.tsx"), one) == digest(Path::new("a.tsx"), other)
    }

    #[test]
    fn comments_and_white_space_do_not_count() {
        assert!(same("const a = 1; // one\n", "/** doc\n * @migration 0007 */\r\nconst   a\n= 1;\r\n"));
        assert!(same("f(`a ${b /* x */}`)", "f(`a ${ b }`)"));
    }

    #[test]
    fn what_runs_counts() {
        for (one, other) in [
            ("const a = 'x';", "const a = 'y';"),
            ("const a = `x ${1} y`;", "const a = `x ${1}  y`;"),
            ("const a = `// b`;", "const a = `// c`;"),
            ("const a = <p>a b</p>;", "const a = <p>a c</p>;"),
            ("const a = b / c / d;", "const a = b / c /d/ e;"),
            ("const ab = 1;", "const a = 1;"),
            ("const a = /x y/;", "const a = /x  y/;"),
            ("function f() { return\n1 }", "function f() { return 1 }"),
        ] {
            assert!(!same(one, other), "{one} | {other}");
        }
    }

    #[test]
    fn directives_count_and_other_remarks_do_not() {
        assert!(!same("// @ts-expect-error\nconst a: string = 1;", "const a: string = 1;"));
        assert!(!same("const a = 1; // @ts-ignore\nconst b = 1;", "const a = 1;\n// @ts-ignore\nconst b = 1;"));
        assert!(same("// eslint-disable-next-line\nconst a = 1;", "const a = 1;"));
    }

    #[test]
    fn a_file_that_does_not_parse_is_taken_by_its_bytes() {
        assert!(!same("const = 1;", "const  = 1;"));
        assert!(same("const = 1;", "const = 1;"));
    }

    #[test]
    fn a_change_of_the_digest_is_a_change_of_its_kind() {
        let text = "// @ts-nocheck\nexport const a = <T,>(b: T) => { return `c ${b} d` satisfies string }\n";
        let digests = digest(Path::new("a.tsx"), text) + &digest(Path::new("a.ts"), "const = `");
        let found = (KIND, crate::digest::of(digests));
        let known = ("tokens-1", "c4860d8d56efab841ce8b71b70152cc8f32848808adb460f431796857432acb7".to_owned());
        assert_eq!(found, known, "raise `KIND`: digests of before are kept");
    }
}
