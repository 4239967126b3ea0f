//! H07: an UPDATE, a DELETE or an INSERT fails on a constraint that is there.

use crate::review::facts::Verdict;
use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::written;
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H07",
    title: "rows are written that a constraint refuses",
    class: Class::MayFail,
    danger: "One row that a NOT NULL, a CHECK, a key or a foreign key refuses fails the whole statement, and with drizzle-orm the whole set of \
             pending files. A CHECK that is NOT VALID refuses each row that is written, also where the UPDATE sets another column; a DELETE \
             fails on rows that still refer to it.",
    decided: Some("how many rows as they would be written each constraint refuses"),
    safe: "correct or leave out the rows that are refused, or drop the rule first if it may go",
    aka: &[("bytebase", &["STATEMENT_DML_DRY_RUN"])],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let (table, verb) = match site.action {
        Action::Update { table, .. } => (table, "updates"),
        Action::Delete { table, .. } => (table, "deletes"),
        Action::Insert { table, .. } => (table, "inserts"),
        _ => return,
    };
    if site.facts.asked().is_none() || site.facts.is_new(table, site.at.file) {
        return;
    }
    let found = written::by_update(site)
        .or_else(|| written::too_long(site))
        .or_else(|| written::by_delete(site))
        .or_else(|| written::by_insert(site));
    let Some(refused) = found else { return };
    let words = match refused.verdict {
        Verdict::Open(_) => "may refuse",
        _ => "refuses: the statement fails",
    };
    let severity = refused.verdict.severity(Severity::Note);
    site.find(
        Draft::new(severity, format!("{verb} rows of {table} that {} {words}", refused.by))
            .lock(table, Lock::RowExclusive)
            .by(refused.verdict.decided())
            .remedy(HAZARD.safe),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::silent;

    #[test]
    fn without_a_database_nothing_is_certain() {
        silent("H07", "UPDATE users SET email = NULL");
        silent("H07", "DELETE FROM users");
    }
}
