//! Encrypted sessions, with libpq's meaning of `sslmode`, `sslrootcert`, `sslcert`, `sslkey` and `sslcrl` (PostgreSQL 16 docs, 34.19).
//!
//! Invariant: what cannot be checked as asked is refused. A file that the URL names and that is not there, a key that others
//! may read, a list of revocations that cannot be read: no session. On a Unix socket nothing is encrypted, as in libpq.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::certificate::{Trust, Verifier};
use super::url::DatabaseUrl;
use crate::failure::Failure;
use crate::process::environment;

/// One way to try; libpq tries a second one where the mode allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    Plain,
    Encrypted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// In the order in which libpq tries them.
pub(super) fn attempts(url: &DatabaseUrl) -> Result<&'static [Attempt]> {
    let mode = mode(url)?;
    if url.is_socket() {
        return Ok(&[Attempt::Plain]);
    }
    Ok(match mode {
        Mode::Disable => &[Attempt::Plain],
        Mode::Allow => &[Attempt::Plain, Attempt::Encrypted],
        Mode::Prefer => &[Attempt::Encrypted, Attempt::Plain],
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull => &[Attempt::Encrypted],
    })
}

/// What the TLS session is made with.
pub(super) fn connector(url: &DatabaseUrl) -> Result<MakeRustlsConnect> {
    let mode = mode(url)?;
    let provider = Arc::new(ring::default_provider());
    let trust = trust(url, mode, &provider)?;
    let host = (mode == Mode::VerifyFull).then(|| url.host.clone());
    let verifier = Arc::new(Verifier { trust, host, algorithms: provider.signature_verification_algorithms });
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(url)?)
        .context("preparing a TLS session")?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match client_certificate(url)? {
        Some((certificates, key)) => config
            .with_client_auth_cert(certificates, key)
            .map_err(|error| unusable(&format!("`sslcert` and `sslkey` cannot be used: {error}")))?,
        None => config.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn mode(url: &DatabaseUrl) -> Result<Mode> {
    let system = url.params.get("sslrootcert").is_some_and(|file| file == "system");
    let mode = match url.params.get("sslmode").map_or("", String::as_str) {
        "disable" => Mode::Disable,
        "allow" => Mode::Allow,
        "" if system => Mode::VerifyFull,
        "" | "prefer" => Mode::Prefer,
        "require" => Mode::Require,
        "verify-ca" => Mode::VerifyCa,
        "verify-full" => Mode::VerifyFull,
        other => {
            return Err(Failure::usage(format!("the database URL has an unknown `sslmode`: {other}"))
                .hint("one of disable, allow, prefer, require, verify-ca, verify-full")
                .into());
        }
    };
    if system && mode != Mode::VerifyFull {
        return Err(Failure::usage("`sslrootcert=system` needs `sslmode=verify-full`")
            .hint("anybody can have a certificate of a public authority: only its name tells the server")
            .into());
    }
    Ok(mode)
}

/// Whose word counts for the server's certificate; none where libpq checks nothing.
fn trust(url: &DatabaseUrl, mode: Mode, provider: &Arc<CryptoProvider>) -> Result<Option<Trust>> {
    let asked = url.params.get("sslrootcert").filter(|file| !file.is_empty());
    let anchors = if asked.is_some_and(|file| file == "system") {
        rustls_native_certs::load_native_certs().certs
    } else {
        match file(url, "sslrootcert", "root.crt").filter(|path| path.exists()) {
            Some(path) => certificates(&path)?,
            None if mode < Mode::VerifyCa => return Ok(None),
            None => {
                let place = asked.map_or("~/.postgresql/root.crt", String::as_str);
                return Err(Failure::usage(format!("the root certificate `{place}` is not there"))
                    .hint("put it there, name its file as `sslrootcert`, or write `sslrootcert=system&sslmode=verify-full`")
                    .into());
            }
        }
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(anchors.iter().cloned());
    if roots.is_empty() {
        return Err(unusable("no root certificate could be read").into());
    }
    let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let list = file(url, "sslcrl", "root.crl");
    let revocations = match list.filter(|path| url.params.contains_key("sslcrl") || path.exists()) {
        Some(path) => {
            let read =
                CertificateRevocationListDer::pem_file_iter(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            read.map_err(|error| unusable(&format!("`{}` cannot be read: {error}", path.display())))?
        }
        None => Vec::new(),
    };
    let revocable = !revocations.is_empty();
    if revocable {
        builder = builder.with_crls(revocations).enforce_revocation_expiration();
    }
    let chain = builder.build().context("preparing to check the server's certificate")?;
    Ok(Some(Trust { chain, anchors, revocable }))
}

/// The certificate and key that the server may ask for; libpq takes those of its folder too.
fn client_certificate(url: &DatabaseUrl) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>> {
    let Some(path) = file(url, "sslcert", "postgresql.crt").filter(|path| path.exists()) else {
        return match url.params.get("sslcert") {
            Some(named) => Err(unusable(&format!("the certificate `{named}` is not there")).into()),
            None => Ok(None),
        };
    };
    let Some(key) = file(url, "sslkey", "postgresql.key").filter(|key| key.exists()) else {
        return Err(unusable(&format!("`{}` is there, and its key is not", path.display())).into());
    };
    let found = fs::metadata(&key).with_context(|| format!("looking at `{}`", key.display()))?;
    // libpq: 0600 of one's own, or 0640 of root's.
    let open = found.mode() & if found.uid() == 0 { 0o027 } else { 0o077 };
    if open != 0 {
        return Err(unusable(&format!("the key `{}` is open to others", key.display()))
            .hint(format!("chmod 0600 {}", key.display()))
            .into());
    }
    let text = fs::read_to_string(&key).unwrap_or_default();
    if text.contains("ENCRYPTED") {
        return Err(unusable(&format!("the key `{}` has a password, which is not supported", key.display()))
            .hint(format!("make a copy without one, of mode 0600: openssl pkey -in {} -out …", key.display()))
            .into());
    }
    let read = PrivateKeyDer::from_pem_file(&key);
    let read = read.map_err(|error| unusable(&format!("`{}` cannot be read: {error}", key.display())))?;
    Ok(Some((certificates(&path)?, read)))
}

fn versions(url: &DatabaseUrl) -> Result<Vec<&'static SupportedProtocolVersion>> {
    let of = |name: &str| url.params.get(name).map_or("", String::as_str);
    let (lowest, highest) = (of("ssl_min_protocol_version"), of("ssl_max_protocol_version"));
    let mut versions = Vec::new();
    if lowest != "TLSv1.3" && !["TLSv1", "TLSv1.1"].contains(&highest) {
        versions.push(&TLS12);
    }
    if ["", "TLSv1.3"].contains(&highest) {
        versions.push(&TLS13);
    }
    if versions.is_empty() {
        return Err(
            unusable(&format!("`ssl_max_protocol_version={highest}` leaves no version of TLS that is safe")).into()
        );
    }
    Ok(versions)
}

/// The file of a parameter, or the one of this name in the folder that libpq looks into.
fn file(url: &DatabaseUrl, param: &str, default: &str) -> Option<PathBuf> {
    match url.params.get(param).filter(|file| !file.is_empty()) {
        Some(file) => Some(PathBuf::from(file)),
        None => Some(Path::new(&environment::var("HOME")?).join(".postgresql").join(default)),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| unusable(&format!("`{}` cannot be read: {error}", path.display())))?;
    if read.is_empty() {
        return Err(unusable(&format!("no certificate is in `{}`", path.display())).into());
    }
    Ok(read)
}

fn unusable(what: &str) -> Failure {
    let failure = Failure::environment(what);
    failure.hint("correct the `ssl…` parameters of the database URL, or the files that they name")
}
