//! The user that servers run as. PostgreSQL refuses root, and containers and CI are often root, so root picks another
//! user; everybody else runs servers as themselves.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::{Run, places};
use crate::failure::Failure;

/// A system user, as `/etc/passwd` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    #[must_use]
    pub fn ids(&self) -> (u32, u32) {
        (self.uid, self.gid)
    }
}

/// Whom servers run as: nobody else (`None`) unless we are root.
pub fn for_servers() -> Result<Option<Account>> {
    if places::user_id() != 0 {
        return Ok(None);
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    pick(&passwd).map(Some).ok_or_else(|| {
        Failure::environment(
            "no user to run PostgreSQL as: it refuses root, and neither `postgres` nor `nobody` is in /etc/passwd",
        )
        .hint("run this command as an ordinary user, or add one: `useradd --system postgres`")
        .into()
    })
}

/// `postgres` where it exists, else `nobody`.
#[must_use]
pub fn pick(passwd: &str) -> Option<Account> {
    ["postgres", "nobody"].iter().find_map(|wanted| {
        passwd.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let (name, uid, gid) = (fields.first()?, fields.get(2)?, fields.get(3)?);
            (name == wanted)
                .then(|| Some(Account { name: (*name).to_owned(), uid: uid.parse().ok()?, gid: gid.parse().ok()? }))?
                .filter(|account| account.uid != 0)
        })
    })
}

/// Fails when `account` cannot run `program`, for instance because a folder above it is closed.
pub fn check_may_run(account: Option<&Account>, program: &Path) -> Result<()> {
    let Some(account) = account else { return Ok(()) };
    let mut probe = Run::new(program, "/").arg("--version").timeout(Duration::from_secs(20));
    probe.user = Some(account.ids());
    if probe.run().is_ok_and(|output| output.success()) {
        return Ok(());
    }
    Err(Failure::environment(format!("user `{}` may not run `{}`", account.name, program.display()))
        .detail(format!("we are root, and PostgreSQL refuses root, so servers run as `{}`", account.name))
        .hint("install PostgreSQL where every user may read it (`apt-get install postgresql`), or run this command as an ordinary user")
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str =
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\npostgres:x:101:104::/:/bin/sh\n";

    #[test]
    fn postgres_is_preferred_and_nobody_is_the_fallback() {
        assert_eq!(pick(BOTH).unwrap().ids(), (101, 104));
        assert_eq!(pick(&BOTH.replace("postgres:", "other:")).unwrap().name, "nobody");
        assert_eq!(pick("postgres:x:0:0::/:/bin/sh\n"), None);
    }
}
