use std::cell::Cell;
use std::time::{Duration, SystemTime};

use super::*;
use crate::digest;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        fs::create_dir(place.path(".db-change")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and waits until its time is a past one.
    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        self.settle(name);
    }

    fn settle(&self, name: &str) {
        let changed = |name: &str| fs::metadata(self.path(name)).map(|found| (found.ctime(), found.ctime_nsec()));
        loop {
            fs::write(self.path("clock"), "").unwrap();
            if changed("clock").unwrap() > changed(name).unwrap() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What a session of its own says of a file, and whether it had to read it.
    fn asks(&self, name: &str, kind: &str) -> (String, bool) {
        let cache = StatCache::at(self.0.path());
        cache.open();
        let found = self.ask(&cache, name, kind);
        cache.close();
        found
    }

    fn ask(&self, cache: &StatCache, name: &str, kind: &str) -> (String, bool) {
        let read = Cell::new(false);
        let digest = cache.digest(&self.path(name), kind, || {
            read.set(true);
            digest::of_file(&self.path(name))
        });
        (digest.unwrap(), read.get())
    }
}

fn of(text: &str, read: bool) -> (String, bool) {
    (digest::of(text), read)
}

#[test]
fn an_unchanged_file_is_read_once_and_nothing_is_written_for_it_again() {
    let place = Place::new();
    place.write("a b.txt", "one");
    assert_eq!(place.asks("a b.txt", "content"), of("one", true));
    let written = fs::metadata(place.path(".db-change/files")).unwrap().ino();
    assert_eq!(place.asks("a b.txt", "content"), of("one", false));
    assert_eq!(fs::metadata(place.path(".db-change/files")).unwrap().ino(), written);
    assert!(place.asks("a b.txt", "tokens-1").1, "another kind of digest");
    fs::write(place.path("a b.txt"), "one").unwrap();
    assert_eq!(place.asks("a b.txt", "content"), of("one", true), "touched, and still the same");
}

#[test]
fn an_edit_of_the_same_length_is_seen_even_where_the_time_of_the_content_was_set_back() {
    let place = Place::new();
    place.write("a", "one");
    let time = fs::metadata(place.path("a")).unwrap().modified().unwrap();
    place.asks("a", "content");
    let file = fs::File::options().write(true).open(place.path("a")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"two", 0).unwrap();
    file.set_modified(time).unwrap();
    drop(file);
    assert_eq!(fs::metadata(place.path("a")).unwrap().modified().unwrap(), time);
    assert_eq!(place.asks("a", "content"), of("two", true));
}

#[test]
fn another_file_in_the_place_of_the_first_is_seen() {
    let place = Place::new();
    place.write("a", "one");
    place.write("b", "two");
    for name in ["a", "b"] {
        place.asks(name, "content");
    }
    fs::rename(place.path("b"), place.path("a")).unwrap();
    assert_eq!(place.asks("a", "content"), of("two", true));
}

#[test]
fn a_file_as_young_as_the_session_is_read_again() {
    let place = Place::new();
    let cache = StatCache::at(place.0.path());
    cache.open();
    // The session begins with the first file that it has to read.
    place.write("old", "old");
    place.ask(&cache, "old", "content");
    fs::write(place.path("young"), "one").unwrap();
    assert_eq!(place.ask(&cache, "young", "content"), of("one", true));
    assert_eq!(place.ask(&cache, "young", "content"), of("one", true), "known by a time at which it may still change");
    cache.close();
    assert_eq!(place.asks("old", "content"), of("old", false));
    place.settle("young");
    assert_eq!(place.asks("young", "content"), of("one", true));
    assert_eq!(place.asks("young", "content"), of("one", false));
}

#[test]
fn a_time_in_the_future_is_no_ground_for_knowing_a_file() {
    let place = Place::new();
    place.write("a", "one");
    let file = fs::File::options().write(true).open(place.path("a")).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(3600)).unwrap();
    place.settle("a");
    place.asks("a", "content");
    assert_eq!(place.asks("a", "content"), of("one", true));
}

#[test]
fn a_damaged_or_strange_cache_is_no_cache() {
    let place = Place::new();
    let path = place.path(".db-change/files");
    place.write("a", "one");
    place.asks("a", "content");
    let good = fs::read_to_string(&path).unwrap();
    let forged = good.replace(&digest::of("one"), &digest::of("two"));
    assert_ne!(forged, good);
    let newer = good.replace(FORMAT, "db-change files 2");
    for bad in [forged.as_bytes(), newer.as_bytes(), &good.as_bytes()[..good.len() - 9], b"", b"\xff\x00", b"x\n\n"] {
        fs::write(&path, bad).unwrap();
        assert_eq!(place.asks("a", "content"), of("one", true), "{}", String::from_utf8_lossy(bad));
        assert_eq!(place.asks("a", "content"), of("one", false));
    }
}

#[test]
fn who_only_looks_writes_nothing() {
    let place = Place::new();
    place.write("a", "one");
    let cache = StatCache::at(place.0.path());
    assert_eq!(place.ask(&cache, "a", "content"), of("one", true));
    cache.close();
    assert_eq!(fs::read_dir(place.path(".db-change")).unwrap().count(), 0);
}
