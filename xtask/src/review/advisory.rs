//! squawk-linter's rules beside our hazards: each is one that we run for advice, or one that a hazard of ours says with more knowledge.
//!
//! Invariant: one cause, one finding. The table below is a `match` without a rest, so that a rule which comes with another version of the
//! crate does not build before somebody has put it in its place.

use std::sync::OnceLock;

use squawk_linter::{Linter, Rule};

use super::finding::{Class, DecidedBy, Finding, Severity};
use super::scene::File;
use crate::sql::remarks::Remark;
use crate::sql::statements::{Statement, position};

/// Where a rule belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Run, as a finding of this hazard and severity.
    Run(&'static str, Severity),
    /// Never run: this hazard of ours says it.
    Ours(&'static str),
    /// Never run: matters of taste, or of squawk itself.
    Never,
}

/// The place of each rule of the crate.
#[must_use]
pub fn place(rule: Rule) -> Place {
    use Place::{Never, Ours, Run};
    let note = Run("H104", Severity::Note);
    match rule {
        Rule::PreferBigintOverInt
        | Rule::PreferBigintOverSmallint
        | Rule::PreferIdentity
        | Rule::PreferTextField
        | Rule::PreferTimestampTz
        | Rule::BanCharField
        | Rule::IdentifierTooLong => note,
        // PostgreSQL refuses it (42701, 42601).
        Rule::BanDuplicateColumnAssignments => Run("H104", Severity::Error),
        Rule::BanDropTable => Ours("H01"),
        Rule::BanDropColumn => Ours("H02"),
        Rule::BanDropDatabase | Rule::BanDropSchema => Ours("H03"),
        Rule::BanTruncateCascade => Ours("H04"),
        Rule::BanDropView
        | Rule::BanDropFunction
        | Rule::BanDropType
        | Rule::BanDropSequence
        | Rule::BanDropDomain
        | Rule::BanDropExtension
        | Rule::BanAlterSequenceValues => Ours("H05"),
        Rule::RenamingColumn => Ours("H10"),
        Rule::RenamingTable | Rule::RenamingObject | Rule::BanSetSchema => Ours("H11"),
        Rule::AddingRequiredField => Ours("H20"),
        Rule::AddingFieldWithDefault => Ours("H21"),
        Rule::BanAddColumn => Ours("H27"),
        Rule::AddingNotNullableField => Ours("H30"),
        Rule::ConstraintMissingNotValid => Ours("H31"),
        Rule::AddingForeignKeyConstraint => Ours("H32"),
        Rule::DisallowedUniqueConstraint => Ours("H33"),
        Rule::AddingSerialPrimaryKeyField => Ours("H34"),
        Rule::BanNewWriteRestriction => Ours("H37"),
        Rule::BanDropConstraint
        | Rule::BanDropNotNull
        | Rule::BanDropDefault
        | Rule::BanSetDefault
        | Rule::BanAlterIdentity
        | Rule::BanDropGeneratedExpression
        | Rule::BanAlterGeneratedExpression => Ours("H38"),
        Rule::BanCreateDomainWithConstraint | Rule::BanAlterDomainWithAddConstraint => Ours("H40"),
        Rule::ChangingColumnType => Ours("H50"),
        Rule::RequireConcurrentIndexCreation => Ours("H60"),
        Rule::RequireConcurrentIndexDeletion | Rule::BanDropIndex => Ours("H62"),
        Rule::BanConcurrentIndexCreationInTransaction => Ours("H63"),
        Rule::RequireConcurrentReindex => Ours("H65"),
        Rule::BanAddEnumValue | Rule::RequireEnumValueOrdering => Ours("H71"),
        Rule::RequireTimeoutSettings | Rule::RequireLockTimeout | Rule::RequireStatementTimeout => Ours("H80"),
        Rule::TransactionNesting | Rule::BanUncommittedTransaction => Ours("H83"),
        Rule::PreferRepack => Ours("H85"),
        Rule::BanDetachInheritance | Rule::RequireConcurrentPartitionDetach => Ours("H91"),
        Rule::BanDropTrigger
        | Rule::BanDisableTrigger
        | Rule::BanReplaceViewFunction
        | Rule::BanAlterFunctionOptions
        | Rule::BanAlterViewOptions => Ours("H92"),
        Rule::BanCreatePolicy
        | Rule::BanDropPolicy
        | Rule::BanAlterPolicyCondition
        | Rule::BanAlterPolicyRoles
        | Rule::BanAlterRowLevelSecurity
        | Rule::BanRevoke => Ours("H94"),
        Rule::BanReplicaIdentity => Ours("H95"),
        Rule::BanAlterRoleOptions
        | Rule::BanAlterDatabaseOptions
        | Rule::BanAlterSystemOptions
        | Rule::BanAlterExtension => Ours("H96"),
        // Says the contrary: IF NOT EXISTS everywhere.
        Rule::PreferRobustStmts => Ours("H103"),
        Rule::UnusedIgnore | Rule::RequireTableSchema | Rule::BanAddCompositeAttribute => Never,
    }
}

/// The rules that are run.
#[must_use]
pub fn rules() -> &'static [Rule] {
    static RULES: OnceLock<Vec<Rule>> = OnceLock::new();
    RULES.get_or_init(|| {
        let mut rules: Vec<Rule> = Linter::with_default_rules().rules.into_iter().collect();
        rules.retain(|rule| matches!(place(*rule), Place::Run(..)));
        rules.sort_by_key(ToString::to_string);
        rules
    })
}

/// What the rules said to a file: one finding for a rule and a statement.
pub(super) fn findings(number: usize, text: &str, file: &File) -> Vec<Finding> {
    let Ok(parsed) = &file.parsed else { return Vec::new() };
    let remarks = match &file.remarks {
        Ok(remarks) => remarks,
        Err(why) => {
            let title = format!("no advice on types and names: squawk's rules did not come to an end: {why}");
            let decided_by = DecidedBy::NotJudged("the advisory rules of squawk-linter".to_owned());
            return vec![Finding { title, decided_by, ..empty(number, "H104", Severity::Note) }];
        }
    };
    let mut groups: Vec<(usize, Rule, Vec<&Remark>)> = Vec::new();
    for remark in remarks {
        let place = parsed.statements.partition_point(|statement| statement.start <= remark.span.start);
        let Some(place) = place.checked_sub(1) else { continue };
        match groups.iter_mut().rev().take_while(|group| group.0 == place).find(|group| group.1 == remark.rule) {
            Some(group) => group.2.push(remark),
            None => groups.push((place, remark.rule, vec![remark])),
        }
    }
    let finding = |(place, rule, remarks): (usize, Rule, Vec<&Remark>)| {
        let Place::Run(id, severity) = self::place(rule) else { return None };
        Some(finding(number, text, &parsed.statements[place], id, severity, rule, &remarks))
    };
    groups.sort_by_key(|(place, ..)| *place);
    groups.into_iter().filter_map(finding).collect()
}

fn finding(
    number: usize,
    text: &str,
    statement: &Statement,
    id: &'static str,
    severity: Severity,
    rule: Rule,
    remarks: &[&Remark],
) -> Finding {
    let first = remarks[0];
    let (line, column) = place_of(text, statement, first.span.start);
    let message = first.message.trim_end_matches('.').to_owned();
    let mut columns: Vec<&str> = remarks.iter().filter_map(|remark| remark.column.as_deref()).collect();
    columns.dedup();
    let title = match columns.as_slice() {
        [] => message,
        columns if rule == Rule::IdentifierTooLong || columns.len() < remarks.len() => {
            format!("{message} ({} in this statement)", columns.len().max(remarks.len()))
        }
        columns => format!("{}: {message}", columns.join(", ")),
    };
    Finding {
        title,
        line,
        column,
        span: statement.start..statement.end,
        statement: statement.text.as_str().into(),
        table: statement.actions.first().and_then(|action| action.tables().first().map(|table| (*table).clone())),
        remedy: first.help.clone().unwrap_or_default().into(),
        rule: Some(rule.to_string()),
        ..empty(number, id, severity)
    }
}

/// Line and column, counted from the statement: from the file's beginning it would cost the square of its length.
fn place_of(text: &str, statement: &Statement, at: usize) -> (usize, usize) {
    let (line, column) = position(text.get(statement.start..).unwrap_or_default(), at.saturating_sub(statement.start));
    (statement.line + line - 1, if line == 1 { statement.column + column - 1 } else { column })
}

fn empty(file: usize, id: &'static str, severity: Severity) -> Finding {
    Finding {
        id,
        class: Class::Advisory,
        severity,
        title: String::new(),
        file,
        line: 1,
        column: 1,
        span: 0..0,
        statement: "".into(),
        table: None,
        lock: None,
        rewrites: false,
        scans: false,
        decided_by: DecidedBy::Static(String::new()),
        remedy: "".into(),
        sql: Vec::new(),
        rule: None,
        accepted: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::hazards::CATALOGUE;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::found;

    fn said(sql: &str) -> Vec<(String, Severity, String)> {
        let found = found(sql, Transaction::Set, Before::Unknown);
        let said = |finding: Finding| Some((finding.rule?, finding.severity, finding.title));
        found.into_iter().filter_map(said).collect()
    }

    #[test]
    fn one_rule_says_one_thing_to_a_statement_however_many_columns_it_has() {
        let said = said("CREATE TABLE t (id bigint PRIMARY KEY, \"A\" integer, b int, c varchar(20), at timestamp)");
        let rules: Vec<&str> = said.iter().map(|(rule, ..)| rule.as_str()).collect();
        assert_eq!(rules, ["prefer-bigint-over-int", "prefer-text-field", "prefer-timestamp-tz"]);
        assert!(said.iter().all(|(_, severity, _)| *severity == Severity::Note), "{said:?}");
        assert!(said[0].2.starts_with("A, b: "), "{said:?}");
    }

    #[test]
    fn what_postgres_refuses_is_an_error_and_what_a_hazard_says_is_not_said_again() {
        assert_eq!(said("UPDATE t SET a = 1, a = 2 WHERE id = 1")[0].1, Severity::Error);
        assert_eq!(said("DROP TABLE t; ALTER TABLE u RENAME COLUMN a TO b; CREATE INDEX i ON u (a)"), []);
    }

    #[test]
    fn rules_that_did_not_come_to_an_end_are_a_note_that_says_so() {
        let file = File {
            parsed: Ok(crate::sql::statements::parse("SELECT 1;")),
            remarks: Err("one of them gave up".to_owned()),
            transaction: Transaction::Set,
            transactions: Vec::new(),
        };
        let found = findings(0, "SELECT 1;", &file);
        assert!(matches!(&found[..], [one] if matches!(one.decided_by, DecidedBy::NotJudged(_))), "{found:#?}");
    }

    #[test]
    fn a_rule_that_is_run_belongs_to_a_hazard_that_there_is() {
        assert_eq!(rules().len(), 8);
        for rule in rules() {
            let Place::Run(id, _) = place(*rule) else { panic!("{rule}") };
            assert!(CATALOGUE.iter().any(|hazard| hazard.id == id), "{rule} {id}");
        }
    }
}
