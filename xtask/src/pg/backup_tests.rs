//! Real dumps: equal after a restore, refused once damaged, exact under writes.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::pg::fingerprint;
use crate::pg::restore::{Proof, prove, restore};
use crate::pg::testing::{RICH, Scratch, programs};

const MINUTE: Duration = Duration::from_secs(60);

fn dumped(source: &Scratch, folder: &Path, name: &str) -> Result<Backup> {
    let tools = programs();
    dump(&Dump { source: &source.url, tools: &tools, folder, name, skip: &[], timeout: MINUTE, log: None })
}

fn restored(backup: &Backup, into: &Scratch) -> Result<Proof> {
    restore(&backup.file, &backup.sha256, &into.url, &programs(), 2, MINUTE)?;
    prove(backup, &mut into.client())
}

#[test]
fn a_rich_database_comes_back_with_equal_rows_and_schema() {
    let (source, mut client) = Scratch::with(RICH);
    let folder = tempfile::tempdir().unwrap();
    let backup = dumped(&source, &folder.path().join("deep/er"), "b 'x'").unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&backup.file), mode(&folder.path().join("deep/er"))), (0o600, 0o700));
    assert_eq!(std::fs::read_dir(folder.path().join("deep/er")).unwrap().count(), 1);
    let copy = source.another("copy = 'a' \\");
    let proof = restored(&backup, &copy).unwrap();
    assert_eq!((proof.tables, proof.rows, proof.sequences), (6, 652, 3));
    let options = fingerprint::Options { strict_order: true, ..fingerprint::Options::default() };
    let (here, there) =
        (fingerprint::take(&mut client, &options).unwrap(), fingerprint::take(&mut copy.client(), &options).unwrap());
    assert_eq!(here.difference(&there), [""; 0]);
    assert_eq!(here.digest(), there.digest());

    assert!(restored(&backup, &copy).unwrap_err().to_string().contains("not empty"));
    assert!(
        dumped(&source, &folder.path().join("deep/er"), "b 'x'").unwrap_err().to_string().contains("not overwritten")
    );
    copy.client()
        .batch_execute("update base set note = 'other'; select nextval('loose'); delete from parted_eu where id = 2")
        .unwrap();
    let failure = Failure::from_error(&prove(&backup, &mut copy.client()).unwrap_err());
    assert!(failure.details.len() > 3, "{}", failure.render());
    assert!(failure.render().contains("table parted_eu had 50 rows, now 49"));
    let sequence = "sequence \"public\".\"loose\" was at 17 (not used yet) before and 17 (not used yet) after the dump, and is at 17";
    assert!(failure.render().contains(sequence), "{}", failure.render());
}

#[test]
fn a_truncated_backup_is_refused_and_fails_without_its_digest_too() {
    let (source, _) = Scratch::with(RICH);
    let folder = tempfile::tempdir().unwrap();
    let mut backup = dumped(&source, folder.path(), "b").unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&backup.file).unwrap();
    file.set_len(backup.bytes * 6 / 10).unwrap();
    assert_eq!(Failure::from_error(&restored(&backup, &source.another("one")).unwrap_err()).kind.exit_code(), 4);
    backup.sha256 = crate::digest::of_file(&backup.file).unwrap();
    assert!(restored(&backup, &source.another("two")).unwrap_err().to_string().contains("pg_restore failed"));
}

#[test]
fn a_backup_under_concurrent_writes_is_still_exact() {
    let (source, _) = Scratch::with(
        "create table t (id bigserial primary key, v text); insert into t (v) select md5(g::text) from generate_series(1, 20000) g",
    );
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let backup = std::thread::scope(|scope| {
        let url = source.url.clone();
        let stop = &stop;
        scope.spawn(move || {
            let mut client = connect::connect(&url, "writer").unwrap();
            while !stop.load(Ordering::Relaxed) {
                client
                    .batch_execute(
                        "insert into t (v) values ('new'); update t set v = 'x' where id = 1 + floor(random() * 20000)",
                    )
                    .unwrap();
            }
        });
        std::thread::sleep(Duration::from_millis(50));
        let backup = dumped(&source, folder.path(), "b");
        stop.store(true, Ordering::Relaxed);
        backup.unwrap()
    });
    let now = checksum::take(&mut source.client(), &[]).unwrap();
    assert_ne!(now.tables, backup.checksums.tables, "the writer must have been at work");
    let proof = restored(&backup, &source.another("copy")).unwrap();
    assert_eq!(proof.moving_sequences, ["\"public\".\"t_id_seq\""]);
}

#[test]
fn a_failed_dump_leaves_nothing_and_an_old_client_is_named() {
    let (source, mut client) = Scratch::with("create table t (id integer); create role weak login password 'weak'");
    let folder = tempfile::tempdir().unwrap();
    let weak = DatabaseUrl { user: "weak".into(), password: Some("weak".into()), ..source.url.clone() };
    let tools = programs();
    let mut wanted =
        Dump { source: &weak, tools: &tools, folder: folder.path(), name: "b", skip: &[], timeout: MINUTE, log: None };
    let failure = Failure::from_error(&dump(&wanted).unwrap_err());
    assert!(
        failure.message.contains("pg_dump failed") && failure.details[0].contains("permission denied"),
        "{}",
        failure.render()
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let (version, major) = (client.query_one("show server_version", &[]).unwrap().get::<_, String>(0), tools.major);
    let old = Postgres { major: major - 1, version: "9.6.1".into(), ..tools.clone() };
    wanted.tools = &old;
    let failure = Failure::from_error(&dump(&wanted).unwrap_err());
    assert!(failure.message.contains("9.6.1") && failure.message.contains(&version), "{}", failure.message);
    assert_eq!(failure.kind.exit_code(), 6);
}
