//! Signed words: made and verified by `ssh-keygen -Y`, with the allowed signers as they stand at the base commit, so that
//! nothing in the work tree can add a signer.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::git;
use crate::failure::Failure;
use crate::process::{Output, Run, environment};

/// A signature for another purpose is none for this one.
const NAMESPACE: &str = "db-change";
/// A key in hardware wants to be touched.
const PATIENCE: Duration = Duration::from_secs(60);

fn ssh_keygen(args: &[&str], folder: &Path, input: &str) -> Result<Output> {
    let mut run = Run::new("ssh-keygen", folder).args(args).stdin(input).timeout(PATIENCE);
    // A public key is signed for by the agent that holds the private one.
    run.env.extend(environment::var("SSH_AUTH_SOCK").map(|socket| ("SSH_AUTH_SOCK".to_owned(), socket)));
    run.env.insert("SSH_ASKPASS_REQUIRE".to_owned(), "never".to_owned());
    run.run()
}

/// The armoured signature of a text.
pub fn sign(key: &Path, text: &str) -> Result<String> {
    let key = key.canonicalize().map_err(|error| {
        Failure::usage(format!("cannot read the key `{}`: {error}", key.display()))
            .hint("give a private key file, or a public one whose private key is in your SSH agent")
    })?;
    let output = ssh_keygen(&["-Y", "sign", "-n", NAMESPACE, "-f", &key.to_string_lossy()], Path::new("/"), text)?;
    if output.success() && output.stdout.contains("BEGIN SSH SIGNATURE") {
        return Ok(output.stdout);
    }
    Err(Failure::refused(format!("`{}` does not sign", key.display()))
        .detail(output.tail(3))
        .hint("a key with a passphrase is used through the SSH agent, or by yourself: see `--to-sign`")
        .into())
}

/// The principal who signed the text; an error where no allowed signer did.
pub fn verify(root: &Path, base: &str, signers: &str, text: &str, signature: &str) -> Result<String> {
    let short = &base[..12.min(base.len())];
    let Some(allowed) = git::file_at(root, base, signers)? else {
        return Err(Failure::refused(format!("the base commit {short} has no `{signers}`: no signature counts"))
            .detail("it says whose signatures open a gate that is a person's")
            .hint(format!(
                "write it on the branch that changes start from, a line each: you@example.com $(cat ~/.ssh/id_ed25519.pub) >> {signers}"
            ))
            .into());
    };
    let folder = tempfile::tempdir().context("a folder for the signature")?;
    let file = |name: &str, text: &str| -> Result<String> {
        let path = folder.path().join(name);
        std::fs::write(&path, text).with_context(|| format!("writing `{}`", path.display()))?;
        Ok(path.to_string_lossy().into_owned())
    };
    let (allowed, signature) = (file("allowed", &allowed)?, file("signature", signature)?);
    let refused = |output: &Output| {
        Failure::refused(format!("this signature does not count: no signer of `{signers}` made it for this word"))
            .detail(output.tail(3))
            .detail(format!("the signers are those of the base commit {short}"))
            .hint("sign exactly what `--to-sign` prints, with a key that is allowed there")
    };
    let found = ssh_keygen(&["-Y", "find-principals", "-s", &signature, "-f", &allowed], folder.path(), "")?;
    let principal = found.stdout.lines().next().unwrap_or_default().to_owned();
    if !found.success() || principal.is_empty() {
        return Err(refused(&found).into());
    }
    let verified = ssh_keygen(
        &["-Y", "verify", "-f", &allowed, "-I", &principal, "-n", NAMESPACE, "-s", &signature],
        folder.path(),
        text,
    )?;
    if verified.success() { Ok(principal) } else { Err(refused(&verified).into()) }
}
