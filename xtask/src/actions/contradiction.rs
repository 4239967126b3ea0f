//! What the review said of a statement against what the trial saw it do. Where they differ, the trial counts.
//!
//! Worse than said is what nobody was warned of: a rewrite of a table with rows, a lock that is held for as long as rows are read,
//! a refusal. A lock that an earlier statement of the transaction held already hides a weaker one: then nothing is said of it.

use serde::{Deserialize, Serialize};

use crate::pg::lock_mode::Mode;
use crate::pg::trial::Tried;
use crate::pg::watch::Standing;
use crate::sql::TableName;

/// What one finding says of its statement and one table; a statement without findings has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    pub id: String,
    pub line: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableName>,
    /// As LOCK TABLE has it: `ACCESS EXCLUSIVE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    pub rewrites: bool,
    pub scans: bool,
    pub fails: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Contradiction {
    pub line: usize,
    pub said: String,
    pub seen: String,
    /// Than what was said.
    pub worse: bool,
}

/// `tried` are the records of the file that the claims are about.
pub(super) fn between(claims: &[Claim], tried: &[Tried]) -> Vec<Contradiction> {
    let mut found: Vec<Contradiction> = Vec::new();
    let mut lines: Vec<usize> = tried.iter().map(|one| one.line).collect();
    lines.dedup();
    for line in lines {
        let claims: Vec<&Claim> = claims.iter().filter(|claim| claim.line == line).collect();
        // Several statements may stand on one line, and a finding does not say of which it is.
        let tried: Vec<&Tried> = tried.iter().filter(|one| one.line == line).collect();
        let at = Line { line, claims: &claims, tried: &tried };
        found.extend(at.refusals());
        if tried.iter().all(|one| one.refused.is_none()) {
            found.extend(at.unsaid());
            found.extend(claims.iter().flat_map(|claim| at.held_against(claim)));
        }
    }
    let mut kept: Vec<Contradiction> = Vec::new();
    for one in found {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

struct Line<'a> {
    line: usize,
    claims: &'a [&'a Claim],
    tried: &'a [&'a Tried],
}

impl Line<'_> {
    fn told(&self, worse: bool, said: String, seen: String) -> Contradiction {
        Contradiction { line: self.line, said, seen, worse }
    }

    /// The findings on this line that speak of the table, where there are any.
    fn ids(&self, table: &TableName) -> String {
        let about = self.claims.iter().filter(|claim| claim.table.as_ref().is_none_or(|about| about == table));
        let mut ids: Vec<&str> = about.map(|claim| claim.id.as_str()).collect();
        ids.dedup();
        if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) }
    }

    fn refusals(&self) -> Vec<Contradiction> {
        let refused = self.tried.iter().find_map(|one| one.refused.as_ref());
        let said: Vec<&str> = self.claims.iter().filter(|claim| claim.fails).map(|claim| claim.id.as_str()).collect();
        match refused {
            Some(refused) if said.is_empty() => refused
                .sqlstate
                .iter()
                .map(|code| self.told(true, "nothing of a failure".to_owned(), format!("fails with SQLSTATE {code}")))
                .collect(),
            None => said.iter().map(|id| self.told(false, format!("{id} fails"), "succeeds".to_owned())).collect(),
            Some(_) => Vec::new(),
        }
    }

    /// What nobody was warned of.
    fn unsaid(&self) -> Vec<Contradiction> {
        let mut found = Vec::new();
        for tried in self.tried {
            let tables = || tried.standing.iter().filter(|standing| standing.is_table);
            let rewritten = |standing: &Standing| standing.has_rows && tried.rewrote.contains(&standing.relation);
            // What is locked stays locked for as long as this takes.
            let lasts = !tried.scanned.is_empty() || tables().any(rewritten);
            for standing in tables() {
                let table = &standing.relation;
                let about = |claim: &&&Claim| claim.table.as_ref().is_none_or(|about| about == table);
                let about = || self.claims.iter().filter(about);
                if rewritten(standing) && !about().any(|claim| claim.rewrites) {
                    let why = if tried.reasons.is_empty() {
                        String::new()
                    } else {
                        format!(" ({})", tried.reasons.join(", "))
                    };
                    let said = format!("nothing of a rewrite of {table}{}", self.ids(table));
                    found.push(self.told(true, said, format!("{table} is written anew{why}")));
                    continue;
                }
                let new = standing.before.is_none_or(|before| before < standing.after);
                if new && lasts && standing.after.blocks_writes() && !about().any(|claim| claim.lock.is_some()) {
                    let said = format!("nothing of a lock on {table}{}", self.ids(table));
                    let seen = format!("{} on {table}, held while rows are read", standing.after.words());
                    found.push(self.told(true, said, seen));
                }
            }
        }
        found
    }

    /// What one finding says, and is not so.
    fn held_against(&self, claim: &Claim) -> Vec<Contradiction> {
        let Some(table) = &claim.table else { return Vec::new() };
        let of = |tried: &Tried| tried.standing.iter().find(|standing| standing.relation == *table).cloned();
        let on: Vec<(&&Tried, Standing)> = self.tried.iter().filter_map(|tried| Some((tried, of(tried)?))).collect();
        let Some((_, standing)) = on.last() else { return Vec::new() };
        let mut found = Vec::new();
        if claim.rewrites && !on.iter().any(|(tried, _)| tried.rewrote.contains(table)) {
            found.push(self.told(
                false,
                format!("{} rewrites {table}", claim.id),
                format!("{table} is not written anew"),
            ));
        }
        let read = |tried: &Tried| tried.scanned.iter().any(|(read, _)| read == table);
        if claim.scans && standing.has_rows && !on.iter().any(|(tried, _)| read(tried)) {
            found.push(self.told(false, format!("{} scans {table}", claim.id), format!("no row of {table} is read")));
        }
        let before = on.first().and_then(|(_, standing)| standing.before);
        if let Some(said) = self.strongest(table).filter(|said| claim.lock.as_deref() == Some(said.words())) {
            let hidden = before.is_some_and(|before| before >= said) && Some(standing.after) == before;
            if standing.after != said && !hidden {
                let lasts = self.tried.iter().any(|tried| !tried.scanned.is_empty() || !tried.rewrote.is_empty());
                let seen = format!("{} on {table}", standing.after.words());
                let worse = standing.after > said && lasts;
                found.push(self.told(worse, format!("{} takes {} on {table}", claim.id, said.words()), seen));
            }
        }
        found
    }

    /// What is said of the table, all findings together.
    fn strongest(&self, table: &TableName) -> Option<Mode> {
        let about = self.claims.iter().filter(|claim| claim.table.as_ref() == Some(table));
        about.filter_map(|claim| Mode::read(claim.lock.as_deref()?)).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::testing::Scratch;
    use crate::pg::trial::{self, Spilled};

    const ROWS: &str = "create table p (id integer primary key); insert into p select generate_series(1, 50);
        create table t (id integer primary key, p integer, a integer, s varchar(20), e text);
        insert into t select g, g, g, 's' || g from generate_series(1, 50) g; create table empty (a integer)";

    fn tried(scratch: &Scratch, statements: &[&str]) -> Vec<Tried> {
        let spilled = Spilled::default();
        let mut client = scratch.server.listening("Test \"1\"", &spilled).unwrap();
        let numbered = statements.iter().enumerate().map(|(place, sql)| (place + 1, (*sql).to_owned()));
        trial::run(&mut client, &numbered.collect::<Vec<_>>(), &spilled).unwrap().statements
    }

    fn claim(line: usize, table: &str, lock: &str) -> Claim {
        let (table, lock) = (Some(TableName::new("public", table)), Some(lock.to_owned()));
        Claim { id: "H0".to_owned(), line, table, lock, ..Claim::default() }
    }

    fn told(claims: &[Claim], tried: &[Tried]) -> Vec<(usize, bool, String, String)> {
        between(claims, tried).into_iter().map(|one| (one.line, one.worse, one.said, one.seen)).collect()
    }

    fn line(line: usize, worse: bool, said: &str, seen: &str) -> (usize, bool, String, String) {
        (line, worse, said.to_owned(), seen.to_owned())
    }

    #[test]
    fn what_nobody_announced_is_worse_and_what_touches_no_row_is_not() {
        let (scratch, _client) = Scratch::with(ROWS);
        let tried = tried(
            &scratch,
            &[
                "alter table t rename to r",
                "alter table r alter a type bigint",
                "alter table empty alter a type bigint",
                "alter table p add constraint c check (id > 0)",
                "alter table p add n text",
            ],
        );
        assert_eq!(
            told(&[], &tried),
            [
                line(2, true, "nothing of a rewrite of r", "r is written anew (type)"),
                line(4, true, "nothing of a lock on p", "ACCESS EXCLUSIVE on p, held while rows are read"),
            ]
        );
        let said = [Claim { rewrites: true, ..claim(2, "r", "ACCESS EXCLUSIVE") }, claim(4, "p", "ACCESS EXCLUSIVE")];
        assert_eq!(told(&said, &tried), []);
        // Of another table, or on another line, nothing was said.
        let astray = [Claim { rewrites: true, ..claim(2, "t", "ACCESS EXCLUSIVE") }, claim(3, "p", "ACCESS EXCLUSIVE")];
        assert_eq!(told(&astray, &tried).len(), 2);
    }

    #[test]
    fn what_is_less_than_said_is_told_and_a_lock_that_hides_another_is_not_judged() {
        let (scratch, _client) = Scratch::with(ROWS);
        let tried = tried(
            &scratch,
            &[
                "create index i on t (a)",
                "alter table t alter s type varchar(40)",
                "alter table t add constraint proves check (s is not null)",
                "alter table t alter s set not null",
                "create index on t (s)",
                "alter table t add foreign key (p) references p",
            ],
        );
        let claims = [
            claim(1, "t", "ACCESS EXCLUSIVE"),
            Claim { rewrites: true, ..claim(2, "t", "ACCESS EXCLUSIVE") },
            claim(3, "t", "ACCESS EXCLUSIVE"),
            Claim { scans: true, fails: true, ..claim(4, "t", "ACCESS EXCLUSIVE") },
            claim(5, "t", "SHARE"),
            claim(6, "t", "SHARE ROW EXCLUSIVE"),
            claim(6, "p", "SHARE"),
        ];
        assert_eq!(
            told(&claims, &tried),
            [
                line(1, false, "H0 takes ACCESS EXCLUSIVE on t", "SHARE on t"),
                line(2, false, "H0 rewrites t", "t is not written anew"),
                line(4, false, "H0 fails", "succeeds"),
                line(4, false, "H0 scans t", "no row of t is read"),
                line(6, true, "H0 takes SHARE on p", "SHARE ROW EXCLUSIVE on p"),
            ]
        );
    }

    #[test]
    fn a_failure_that_nobody_announced_is_worse_and_what_comes_after_it_is_not_judged() {
        let (scratch, _client) = Scratch::with(ROWS);
        let tried = tried(&scratch, &["alter table t alter e set not null", "alter table t alter a type bigint"]);
        let after = Claim { rewrites: true, fails: true, ..claim(2, "t", "ACCESS EXCLUSIVE") };
        let unsaid = line(1, true, "nothing of a failure", "fails with SQLSTATE 23502");
        assert_eq!(told(std::slice::from_ref(&after), &tried), [unsaid]);
        assert_eq!(told(&[Claim { fails: true, ..claim(1, "t", "ACCESS EXCLUSIVE") }, after], &tried), []);
    }
}
