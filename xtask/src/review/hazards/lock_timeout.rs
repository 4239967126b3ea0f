//! H80: a lock is waited for without end, and everybody behind it.

use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H80",
    title: "no lock_timeout",
    class: Class::Lock,
    danger: "A statement that waits for its lock makes all that come after it wait too, even readers, for as long as the longest \
             transaction before it takes. lock_timeout ends the wait (55P03), and the migration is tried again.",
    decided: None,
    safe: "set lock_timeout to a second or less in the session that migrates, and try again when it ends",
    aka: &[
        ("squawk", &["require-lock-timeout"]),
        ("eugene", &["E9"]),
        ("migrationpilot", &["MP004", "MP020"]),
    ],
    judge,
};

/// Readers wait behind a lock that is waited for exactly as long as the timeout allows.
const LONG: u64 = 10_000;

fn judge(site: &mut Site<'_, '_>) {
    if let Action::Set { name, value, .. } = site.action {
        if name.eq_ignore_ascii_case("lock_timeout")
            && let Some(milliseconds) = milliseconds(value)
        {
            let title = match milliseconds {
                0 => "lock_timeout 0 is none: a lock is waited for without end".to_owned(),
                LONG.. => format!("lock_timeout is {} s: so long everybody may wait behind a lock", milliseconds / 1000),
                _ => return,
            };
            note(site, title);
        }
        return;
    }
    if site.facts.session.lock_timeout().is_some() || site.statement.text.contains("lock_timeout") {
        return;
    }
    for cost in site.costs.iter().filter(|cost| cost.lock.stops_writes()) {
        if !site.facts.is_new(&cost.table, site.at.file) {
            return note(site, format!("no lock_timeout is set: everybody else waits while {} is waited for", cost.table));
        }
    }
}

fn note(site: &mut Site<'_, '_>, title: String) {
    if site.facts.session.first("H80", "") {
        site.find(
            Draft::new(Severity::Note, title)
                .remedy("set it for the role or the session that migrates, and try again when it ends")
                .sql(["SET lock_timeout = '1s';"]),
        );
    }
}

/// `2000`, `2s`, `1min`
fn milliseconds(value: &str) -> Option<u64> {
    let value = value.trim().to_lowercase();
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let number: u64 = value[..end].parse().ok()?;
    let factor = match value[end..].trim() {
        "" | "ms" => 1,
        "us" => return Some(number / 1000),
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_once_where_others_may_wait_and_not_where_a_timeout_is_set_or_nobody_waits() {
        let sql = "ALTER TABLE a ADD COLUMN x int; ALTER TABLE b ADD COLUMN x int; SET lock_timeout = 0; DROP INDEX i";
        let count = found(sql, Transaction::Set, Before::Unknown).iter().filter(|finding| finding.id == "H80").count();
        assert_eq!(count, 1);
        fires("H80", "SET lock_timeout = '5min'");
        fires("H80", "SET LOCAL lock_timeout TO 0");
        silent("H80", "SET lock_timeout = '2s'; ALTER TABLE a ADD COLUMN x int");
        silent("H80", "CREATE TABLE a (x int); ALTER TABLE a ADD COLUMN y int; UPDATE b SET c = 1");
    }
}
