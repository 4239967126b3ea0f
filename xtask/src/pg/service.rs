//! What libpq takes from files where a URL leaves it out: a service's parameters, and a password.
//!
//! Invariant: a password file that others may read, or that is no plain file, gives no password (PostgreSQL docs, 34.16), and
//! that is told, because it looks like a wrong password otherwise.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::failure::Failure;

type Var<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The parameters of a service: the user's file first, then the system's (PostgreSQL docs, 34.17).
pub(super) fn parameters(service: &str, var: Var<'_>) -> Result<BTreeMap<String, String>> {
    let named = var("PGSERVICEFILE").map(PathBuf::from);
    let own = named.or_else(|| Some(Path::new(&var("HOME")?).join(".pg_service.conf")));
    let system = var("PGSYSCONFDIR").map(|folder| Path::new(&folder).join("pg_service.conf"));
    for file in [own, system].into_iter().flatten() {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        if let Some(found) = section(&text, service) {
            return found.map_err(|line| {
                let what = format!("`{}` cannot be read: line {line}", file.display());
                Failure::usage(what)
                    .hint("a line is `name=value`, a section is `[service]`; `ldap://` is not supported")
                    .into()
            });
        }
    }
    Err(Failure::usage(format!("the service `{service}` is not defined"))
        .hint("define it in `~/.pg_service.conf`, or in the file that `PGSERVICEFILE` names")
        .into())
}

fn section(text: &str, service: &str) -> Option<std::result::Result<BTreeMap<String, String>, usize>> {
    let mut lines = text.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    lines.find(|(line, _)| line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) == Some(service))?;
    let mut found = BTreeMap::new();
    for (line, number) in lines.take_while(|(line, _)| !line.starts_with('[')) {
        match line.split_once('=') {
            Some((name, value)) => found.entry(name.to_owned()).or_insert_with(|| value.to_owned()),
            None => return Some(Err(number)),
        };
    }
    Some(Ok(found))
}

/// What a password file says for a session, or why it was not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Password {
    Found(String),
    None,
    Ignored(String),
}

/// `host` is as libpq looks it up: `localhost` for the default socket.
pub(super) fn password(file: Option<&str>, key: [&str; 4], var: Var<'_>) -> Password {
    let named = file.map(str::to_owned).or_else(|| var("PGPASSFILE")).map(PathBuf::from);
    let Some(path) = named.or_else(|| Some(Path::new(&var("HOME")?).join(".pgpass"))) else { return Password::None };
    let Ok(found) = fs::metadata(&path) else { return Password::None };
    let shown = path.display();
    if !found.is_file() {
        return Password::Ignored(format!("`{shown}` is no plain file, and was not read"));
    }
    if found.permissions().mode() & 0o077 != 0 {
        return Password::Ignored(format!("`{shown}` is open to others, and was not read: chmod 0600 {shown}"));
    }
    let Ok(text) = fs::read_to_string(&path) else {
        return Password::Ignored(format!("`{shown}` cannot be read"));
    };
    text.lines().find_map(|line| of_line(line, key)).map_or(Password::None, Password::Found)
}

/// `host:port:database:user:password`, with `*` for anything; `\` before `:` and `\`.
fn of_line(line: &str, key: [&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line.chars();
    for wanted in key {
        let (mut field, mut plain) = (String::new(), true);
        loop {
            match rest.next()? {
                ':' => break,
                '\\' => {
                    plain = false;
                    field.push(rest.next()?);
                }
                letter => field.push(letter),
            }
        }
        if field != wanted && !(plain && field == "*") {
            return None;
        }
    }
    let mut password = String::new();
    while let Some(letter) = rest.next() {
        password.push(if letter == '\\' { rest.next()? } else { letter });
    }
    Some(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [&str; 4] = ["db.example", "5432", "shop", "app"];

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        assert_eq!(of_line("*:*:*:app:se\\:cr\\\\et", KEY).as_deref(), Some("se:cr\\et"));
        assert_eq!(of_line("db.example:5432:shop:app:", KEY).as_deref(), Some(""));
        for line in ["# db.example:5432:shop:app:x", "other:*:*:*:x", "*:*:*:*", "\\*:*:*:*:x"] {
            assert_eq!(of_line(line, KEY), None, "{line}");
        }
    }

    #[test]
    fn a_password_file_that_others_may_read_is_told_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pass");
        fs::write(&path, "*:*:*:*:secret\n").unwrap();
        let ask = |mode: u32| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            password(path.to_str(), KEY, &|_| None)
        };
        assert_eq!(ask(0o600), Password::Found("secret".into()));
        let Password::Ignored(why) = ask(0o640) else { panic!("it was read") };
        assert!(why.contains("chmod 0600"), "{why}");
    }

    #[test]
    fn a_service_is_a_section_and_its_first_word_counts() {
        let text = "# all\n[other]\nhost=x\n[shop]\nhost = no\nhost=db.example\n port=6000\nport=1\n\n[last]\nbroken";
        let found = section(text, "shop").unwrap().unwrap();
        assert_eq!((found["host"].as_str(), found["port"].as_str()), ("db.example", "6000"));
        assert_eq!(section(text, "last"), Some(Err(11)));
        assert_eq!(section(text, "none"), None);
    }
}
