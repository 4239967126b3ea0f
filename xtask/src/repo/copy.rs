//! A copy of the work tree as it stands, uncommitted edits included, for what must not touch the original.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::git;

/// Makes the copy at `to`, where nothing is yet. Files that git ignores stay behind, and so do `.env` files: what they name
/// is the original's.
pub fn copy(root: &Path, to: &Path) -> Result<()> {
    let head = git::head(root)?;
    git::worktree(root, &head, to)?;
    for name in git::changed_files(root, &head)? {
        let (here, there) = (root.join(&name), to.join(&name));
        match fs::symlink_metadata(&there) {
            Ok(_) => fs::remove_file(&there).with_context(|| format!("removing `{}`", there.display()))?,
            Err(_) => fs::create_dir_all(there.parent().unwrap_or(to)).context("making a folder of the copy")?,
        }
        let Ok(found) = fs::symlink_metadata(&here) else { continue };
        if found.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&here)?, &there)
        } else {
            fs::copy(&here, &there).map(|_| ())
        }
        .with_context(|| format!("copying `{name}`"))?;
    }
    for name in git::git(to, &["ls-files", "-z", "--cached", "--others"])?.split('\0') {
        let file = name.rsplit('/').next().unwrap_or(name);
        if file == ".env" || (file.starts_with(".env.") && file != ".env.example") {
            let _ = fs::remove_file(to.join(name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::git::git;

    #[test]
    fn the_copy_holds_what_the_work_tree_holds_but_what_is_ignored_and_env_files() {
        let folder = tempfile::tempdir().unwrap();
        let (root, to) = (folder.path().join("a"), folder.path().join("b"));
        let write = |name: &str, text: &str| {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), text).unwrap();
        };
        write(".gitignore", "built\n");
        for (name, text) in [("kept", "1"), ("edited", "1"), ("gone", "1"), ("packages/db/.env", "URL=x")] {
            write(name, text);
        }
        git(&root, &["init", "-q"]).unwrap();
        git(&root, &["add", "-A"]).unwrap();
        git(&root, &["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "-m", "x"]).unwrap();
        write("edited", "2");
        write("new/odd \"name\" é", "3");
        write("built", "4");
        write(".env.local", "URL=y");
        fs::remove_file(root.join("gone")).unwrap();
        std::os::unix::fs::symlink("kept", root.join("link")).unwrap();

        copy(&root, &to).unwrap();
        let read = |name: &str| fs::read_to_string(to.join(name)).ok();
        assert_eq!(read("kept").as_deref(), Some("1"));
        assert_eq!(read("edited").as_deref(), Some("2"));
        assert_eq!(read("new/odd \"name\" é").as_deref(), Some("3"));
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("kept"));
        for absent in ["gone", "built", ".env.local", "packages/db/.env"] {
            assert_eq!(read(absent), None, "{absent}");
        }
    }
}
