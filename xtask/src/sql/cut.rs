//! A text, cut into what the parser is given at once.
//!
//! The linter's rules walk a whole tree each, so the statements with a word that one of them looks for have a tree of their own. Invariant:
//! what is cut reads as the whole does, or has an error; a text that would end the program is not cut at all.

use std::borrow::Cow;
use std::ops::Range;

use squawk_lexer::TokenKind;
use squawk_linter::Rule;

use super::remarks::Words;

/// No SQL of a person nests as deep; the parser calls itself for each level.
const DEEPEST: usize = 500;
/// Nor does it write an expression as long; each word may be a level too.
pub(super) const LONGEST: usize = 10_000;

/// Some statements that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub range: Range<usize>,
    /// Statements that have a tree of their own, as bytes of the file; with none, the cut is one tree.
    pub shown: Vec<Range<usize>>,
    /// Rules that may have something to say.
    pub rules: Vec<Rule>,
}

impl Cut {
    /// A text that stays in one piece.
    pub(super) fn whole(text: &str, rules: &[Rule]) -> Cut {
        Cut { range: 0..text.len(), shown: Vec::new(), rules: rules.to_vec() }
    }

    /// The texts to parse, with the rules for each: as long as the cut, blank where the other's statements are.
    pub(super) fn texts<'t>(&'t self, text: &'t str) -> Vec<(Cow<'t, str>, &'t [Rule])> {
        let own = &text[self.range.clone()];
        if self.shown.is_empty() {
            return vec![(own.into(), &self.rules)];
        }
        let (mut shown, mut others) = (String::with_capacity(own.len()), String::with_capacity(own.len()));
        let mut from = self.range.start;
        for place in &self.shown {
            others.push_str(&text[from..place.start]);
            blank(&mut shown, place.start - from);
            shown.push_str(&text[place.clone()]);
            blank(&mut others, place.len());
            from = place.end;
        }
        others.push_str(&text[from..self.range.end]);
        vec![(shown.into(), &self.rules), (others.into(), &[])]
    }
}

fn blank(text: &mut String, length: usize) {
    text.extend(std::iter::repeat_n(' ', length));
}

/// A cut that has not come to its end.
struct Open<'r> {
    start: usize,
    rules: &'r [Rule],
    /// Where the statement begins that is read, and its words.
    statement: Option<usize>,
    words: Words,
    shown: Vec<Range<usize>>,
    /// Words of those.
    found: Words,
    others: bool,
    /// A statement may have statements in it, which are none of the file's.
    nests: bool,
}

impl Open<'_> {
    fn at(start: usize, rules: &[Rule]) -> Open<'_> {
        let (words, found) = (Words::default(), Words::default());
        Open { start, rules, statement: None, words, shown: Vec::new(), found, others: false, nests: false }
    }

    fn word(&mut self, kind: TokenKind, start: usize, text: &str) {
        if self.rules.is_empty() {
            return;
        }
        self.statement.get_or_insert(start);
        self.words = self.words.and(Words::of(kind, text));
    }

    fn end_statement(&mut self, end: usize) {
        let Some(start) = self.statement.take() else { return };
        let words = std::mem::take(&mut self.words);
        self.nests |= words.nest();
        if self.rules.iter().any(|rule| words.concern(*rule)) {
            self.shown.push(start..end);
            self.found = self.found.and(words);
        } else {
            self.others = true;
        }
    }

    fn close(mut self, end: usize) -> Cut {
        self.end_statement(end);
        let range = self.start..end;
        if self.nests {
            return Cut { range, shown: Vec::new(), rules: self.rules.to_vec() };
        }
        let rules = self.rules.iter().copied().filter(|rule| self.found.concern(*rule)).collect();
        Cut { range, shown: if self.others { self.shown } else { Vec::new() }, rules }
    }
}

/// Why a text is not given to the parser.
pub(super) fn too_deep(text: &str) -> Option<String> {
    cuts(text, usize::MAX, &[]).err()
}

/// A text in cuts of this length at least but for the last; or why it is not given to the parser, which calls itself for each bracket and
/// for most links of a chain (`NOT NOT …`, `a OR b OR …`): its stack would not hold them, and a stack that overflows ends the program.
pub(super) fn cuts(text: &str, length: usize, rules: &[Rule]) -> Result<Vec<Cut>, String> {
    let (mut found, mut end) = (Vec::new(), 0);
    let mut open = Open::at(0, rules);
    // For each open bracket, how many tokens lie on the way to this place: those of the list's other elements do not.
    let (mut before, mut now) = (Vec::new(), 0usize);
    for token in squawk_lexer::tokenize(text) {
        let start = end;
        end += token.len as usize;
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => continue,
            TokenKind::OpenParen | TokenKind::OpenBracket => before.push(now),
            TokenKind::CloseParen | TokenKind::CloseBracket => now = before.pop().unwrap_or(now),
            TokenKind::Comma => now = before.last().copied().unwrap_or(0),
            TokenKind::Semi => {
                if before.is_empty() {
                    open.end_statement(end);
                    if end - open.start >= length {
                        found.push(std::mem::replace(&mut open, Open::at(end, rules)).close(end));
                    }
                }
                before.clear();
                now = 0;
                continue;
            }
            _ => {}
        }
        now += 1;
        if before.len() > DEEPEST {
            return Err(format!("brackets are nested more than {DEEPEST} levels deep"));
        }
        if now > LONGEST {
            return Err(format!("one expression has more than {LONGEST} words"));
        }
        open.word(token.kind, start, &text[start..end]);
    }
    if open.start < text.len() || found.is_empty() {
        found.push(open.close(text.len()));
    }
    // A comment that silences a rule may stand anywhere.
    if !rules.is_empty() && text.contains("squawk-ignore") { Ok(vec![Cut::whole(text, rules)]) } else { Ok(found) }
}
