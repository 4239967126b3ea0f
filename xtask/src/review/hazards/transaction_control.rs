//! H83: a file begins or ends transactions that are not its own, or leaves one open.

use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::set::Transaction;
use crate::sql::action::{Action, Control};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H83",
    title: "a file ends a transaction that is not its own, or never ends its own",
    class: Class::MayFail,
    danger: "COMMIT in a file that runs in somebody's transaction ends that one: what came before stays although the rest fails, and the \
             program's note that the migration ran is written apart. A BEGIN inside does nothing. A BEGIN without COMMIT is taken back.",
    decided: None,
    safe: "leave BEGIN, COMMIT and ROLLBACK to the program that runs the file, or end each transaction that the file begins",
    aka: &[
        ("squawk", &["transaction-nesting", "ban-uncommitted-transaction"]),
        ("pgfence", &["unclosed-transaction"]),
        ("bytebase", &["STATEMENT_DISALLOW_COMMIT"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let file = &site.scene.files[site.at.file];
    // In one message a BEGIN takes over the transaction that the server made, and a COMMIT ends it, as in a file that opens its own.
    let own = matches!(file.transaction, Transaction::Own | Transaction::Message);
    let message = file.transaction == Transaction::Message;
    let open = site.facts.session.begun;
    match site.action {
        Action::Transaction(Control::Begin) => match (own, open) {
            (false, _) => tell(site, Severity::Warning, "BEGIN does nothing here: a transaction is open already".to_owned()),
            (true, Some(line)) => {
                tell(site, Severity::Warning, format!("BEGIN does nothing here: line {line} has opened a transaction"));
            }
            (true, None) => {}
        },
        Action::Transaction(control @ (Control::Commit | Control::Rollback)) => {
            let commits = *control == Control::Commit;
            match (own, open) {
                (false, _) if commits => {
                    let title = "COMMIT ends the transaction of the program that runs this: what came before stays although the rest fails";
                    tell(site, Severity::Error, title.to_owned());
                }
                (false, _) => {
                    let title = "ROLLBACK ends the transaction of the program that runs this: what came before is taken back";
                    tell(site, Severity::Error, title.to_owned());
                }
                (true, None) if message => {
                    let title = if commits { "COMMIT" } else { "ROLLBACK" };
                    let fate = if commits { "stays although the rest fails" } else { "is taken back" };
                    let title = format!("{title} ends the transaction that the whole message is: what came before {fate}");
                    tell(site, Severity::Error, title);
                }
                (true, None) => {
                    tell(site, Severity::Warning, "it ends a transaction that the file has not begun".to_owned());
                }
                (true, Some(_)) => {}
            }
        }
        _ => {}
    }
    let text = site.statement.text.to_ascii_lowercase();
    if matches!(site.action, Action::Transaction(Control::Other)) && text.starts_with("prepare transaction") {
        let title = "PREPARE TRANSACTION keeps its locks until somebody ends it, also after a restart";
        return tell(site, Severity::Warning, title.to_owned());
    }
    if own && is_last(site) {
        let begun = match site.action {
            Action::Transaction(Control::Begin) => Some(site.statement.line),
            Action::Transaction(Control::Commit | Control::Rollback) => None,
            _ => open,
        };
        if let Some(line) = begun {
            let title = format!("the transaction that line {line} begins is never committed: all of it is taken back");
            tell(site, Severity::Error, title);
        }
    }
}

fn is_last(site: &Site<'_, '_>) -> bool {
    let Ok(parsed) = &site.scene.files[site.at.file].parsed else { return false };
    site.at.statement + 1 == parsed.statements.len() && site.at.action + 1 == site.statement.actions.len()
}

fn tell(site: &mut Site<'_, '_>, severity: Severity, title: String) {
    site.find(
        Draft::new(severity, title)
            .remedy("take it out, and split the migration where two transactions are needed; a later migration, deployed separately"),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_on_what_is_not_the_files_own_and_on_what_is_never_ended() {
        fires("H83", "ALTER TABLE t DROP a; COMMIT; ALTER TABLE t ADD b int");
        fires("H83", "BEGIN; SELECT 1; COMMIT");
        silent("H83", "SAVEPOINT a; SELECT 1; RELEASE SAVEPOINT a");
        let own = |sql: &str| {
            let found = found(sql, Transaction::Own, Before::Unknown);
            found.iter().filter(|finding| finding.id == "H83").count()
        };
        assert_eq!(own("BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 1; ROLLBACK"), 0);
        assert_eq!(own("SELECT 1; BEGIN; SELECT 1"), 1);
        assert_eq!(own("BEGIN; BEGIN; COMMIT"), 1);
        assert_eq!(own("COMMIT"), 1);
    }

    #[test]
    fn a_message_may_begin_and_commit_its_transaction_itself_as_prisma_writes_it_for_enums() {
        let message = |sql: &str| {
            let found = found(sql, Transaction::Message, Before::Unknown);
            found.iter().filter(|finding| finding.id == "H83").count()
        };
        assert_eq!(message("BEGIN; SELECT 1; COMMIT; SELECT 2"), 0);
        assert_eq!(message("SELECT 1; BEGIN; SELECT 2; COMMIT"), 0);
        assert_eq!(message("SELECT 1; COMMIT; SELECT 2"), 1);
        assert_eq!(message("BEGIN; SELECT 1"), 1);
    }
}
