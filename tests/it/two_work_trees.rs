//! Two work trees on one database: only one changes it at a time, the other is told whose session that is, and a migration is
//! applied once.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::sample::{Ran, Sample};

#[test]
fn who_changes_the_database_keeps_others_out_and_of_two_that_race_one_applies() {
    let one = Sample::new();
    let mut two = Sample::new();
    two.env.insert("DATABASE_URL".to_owned(), one.env["DATABASE_URL"].clone());
    let before = one.content();
    for sample in [&one, &two] {
        sample.patch("phone/schema.patch");
    }
    // Both are proven against the same state, and both may begin.
    std::thread::scope(|scope| {
        for sample in [&one, &two] {
            scope.spawn(|| assert_eq!(sample.db_change(&["--to", "annotate"]).code, 0));
        }
    });
    assert_eq!([&one, &two].map(|sample| sample.db_change(&["--to", "measure"]).code), [0, 0]);

    let mut holder = one.client();
    holder.batch_execute("set application_name = 'someone else'").unwrap();
    holder.batch_execute("select pg_advisory_lock(hashtextextended('db-change:' || current_database(), 0))").unwrap();
    let begun = Instant::now();
    let kept_out = one.db_change(&["--to", "apply"]);
    kept_out.fails(5, &["another run changes `dev` at this moment", "holder: session ", "(someone else), since 20"]);
    assert!(begun.elapsed() < Duration::from_secs(30));
    holder.batch_execute("select pg_advisory_unlock_all()").unwrap();
    assert_eq!(before.difference(&one.content()), [] as [String; 0]);

    let children = [&one, &two].map(|sample| {
        let mut command = sample.command(&["db-change"]).command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    let ended = children.map(|child| {
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    });
    let (done, refused): (Vec<&Ran>, Vec<&Ran>) = ended.iter().partition(|ran| ran.code == 0);
    let [done, refused] = [done, refused].map(|mut of| of.pop().expect("one of each"));
    assert!(done.stdout.contains("✅ Migration: 0007_add_users_phone.sql"), "{}", done.stdout);
    // It finds another state of the database under its backup, or, a moment later, one that its migration does not fit.
    assert!([1, 3, 4].contains(&refused.code), "{}{}", refused.code, refused.stderr);
    assert!(!refused.stderr.contains("a bug of ours"), "{}", refused.stderr);
    let after = one.content();
    assert_eq!(after.applied.len(), before.applied.len() + 1);
    assert_eq!(before.schema.difference(&after.schema), ["+ column public.users.phone: text"]);
}
