//! Whether a server's certificate is believed, as libpq decides it with OpenSSL.
//!
//! rustls alone is stricter than libpq in three ways that real servers meet, all of them made by PostgreSQL's own recipe (docs,
//! 18.9.5): the name stands in the subject only, the certificate is of X.509 version 1, or it is its own root. They are
//! believed here under libpq's rules: signed by a root of the file, valid today, and of the host's name where that is asked.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use x509_cert::der::{Decode, Encode, oid::db::rfc4519::COMMON_NAME};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};
use x509_cert::{Certificate, Version};

#[derive(Debug)]
pub(super) struct Trust {
    pub(super) chain: Arc<WebPkiServerVerifier>,
    pub(super) anchors: Vec<CertificateDer<'static>>,
    /// Whether a list of revocations is to be obeyed, which only `chain` reads.
    pub(super) revocable: bool,
}

#[derive(Debug)]
pub(super) struct Verifier {
    /// None: anybody's certificate will do (`sslmode=require` without a root certificate).
    pub(super) trust: Option<Trust>,
    /// The name that the certificate must bear.
    pub(super) host: Option<String>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trust) = &self.trust else { return Ok(ServerCertVerified::assertion()) };
        match trust.chain.verify_server_cert(leaf, between, name, ocsp, now) {
            Ok(_) => {}
            // Looked at last, when the chain was found good; libpq's rules for names are below.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => {}
            Err(error) => {
                let read = read(leaf)?;
                let own = trust.anchors.iter().any(|anchor| anchor.as_ref() == leaf.as_ref());
                let not_for_rustls = read.tbs_certificate.version != Version::V3 || own;
                if trust.revocable || !not_for_rustls || !self.signed_by_an_anchor(trust, leaf, &read, now) {
                    return Err(error);
                }
            }
        }
        match &self.host {
            Some(host) => bears(&read(leaf)?, host).map(|()| ServerCertVerified::assertion()),
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.trust.is_none() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, leaf, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.trust.is_none() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let read = read(leaf)?;
        if read.tbs_certificate.version == Version::V3 {
            return verify_tls13_signature(message, leaf, signed, &self.algorithms);
        }
        let key = encoded(&read.tbs_certificate.subject_public_key_info)?;
        verify_tls13_signature_with_raw_key(message, &SubjectPublicKeyInfoDer::from(key), signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl Verifier {
    fn signed_by_an_anchor(&self, trust: &Trust, leaf: &CertificateDer<'_>, read: &Certificate, now: UnixTime) -> bool {
        let valid = |certificate: &Certificate| {
            let validity = &certificate.tbs_certificate.validity;
            let seconds = now.as_secs();
            validity.not_before.to_unix_duration().as_secs() <= seconds
                && seconds <= validity.not_after.to_unix_duration().as_secs()
        };
        valid(read)
            && trust.anchors.iter().any(|anchor| {
                let Ok(root) = Certificate::from_der(anchor.as_ref()) else { return false };
                let issues = anchor.as_ref() == leaf.as_ref() || may_issue(&root);
                issues
                    && valid(&root)
                    && root.tbs_certificate.subject == read.tbs_certificate.issuer
                    && self.signed_by(read, &root).unwrap_or(false)
            })
    }

    fn signed_by(&self, read: &Certificate, root: &Certificate) -> Result<bool, Error> {
        let message = encoded(&read.tbs_certificate)?;
        let key = &root.tbs_certificate.subject_public_key_info;
        // webpki compares what is inside of the sequence.
        let inside = |sequence: Vec<u8>| sequence.get(2..).map(<[u8]>::to_vec).unwrap_or_default();
        let (by, of) = (inside(encoded(&read.signature_algorithm)?), inside(encoded(&key.algorithm)?));
        let (Some(key), Some(signature)) = (key.subject_public_key.as_bytes(), read.signature.as_bytes()) else {
            return Ok(false);
        };
        Ok(self.algorithms.all.iter().any(|algorithm| {
            algorithm.signature_alg_id().as_ref() == by
                && algorithm.public_key_alg_id().as_ref() == of
                && algorithm.verify_signature(key, &message, signature).is_ok()
        }))
    }
}

/// Version 1 has no word for it; OpenSSL lets roots of that version sign.
fn may_issue(root: &Certificate) -> bool {
    if root.tbs_certificate.version != Version::V3 {
        return true;
    }
    root.tbs_certificate.get::<BasicConstraints>().is_ok_and(|found| found.is_some_and(|(_, found)| found.ca))
}

/// libpq's rules (`fe-secure-common.c`, PostgreSQL 15): names of the host's kind win over the subject's common name.
fn bears(certificate: &Certificate, host: &str) -> Result<(), Error> {
    let address: Option<IpAddr> = host.parse().ok();
    let subject = &certificate.tbs_certificate;
    let others = subject.get::<SubjectAltName>().map_err(|_| unreadable())?.map(|(_, names)| names.0);
    let (mut seen, mut same_kind) = (Vec::new(), false);
    for name in others.unwrap_or_default() {
        match name {
            GeneralName::DnsName(name) => {
                same_kind |= address.is_none();
                seen.push(name.to_string());
                if fits(name.as_str(), host) {
                    return Ok(());
                }
            }
            GeneralName::IpAddress(bytes) => {
                same_kind |= address.is_some();
                let found = match bytes.as_bytes() {
                    four if four.len() == 4 => <[u8; 4]>::try_from(four).ok().map(IpAddr::from),
                    sixteen => <[u8; 16]>::try_from(sixteen).ok().map(IpAddr::from),
                };
                seen.extend(found.map(|found| found.to_string()));
                if found.is_some() && found == address {
                    return Ok(());
                }
            }
            _ => {}
        }
    }
    if !same_kind {
        let names = subject.subject.0.iter().flat_map(|part| part.0.iter()).filter(|part| part.oid == COMMON_NAME);
        for name in names.filter_map(|part| std::str::from_utf8(part.value.value()).ok()) {
            seen.push(name.to_owned());
            if fits(name, host) {
                return Ok(());
            }
        }
    }
    let whose = if seen.is_empty() { "nobody by name".to_owned() } else { seen.join(", ") };
    Err(Error::General(format!("the certificate is for {whose}, and not for {host}")))
}

/// `*.example.com` stands for one label.
fn fits(pattern: &str, host: &str) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let (Some(rest), Some((first, tail))) = (pattern.strip_prefix('*'), host.split_once('.')) else { return false };
    rest.len() > 1 && !first.is_empty() && rest.strip_prefix('.').is_some_and(|rest| rest.eq_ignore_ascii_case(tail))
}

fn read(certificate: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(certificate.as_ref()).map_err(|_| unreadable())
}

fn encoded(part: &impl Encode) -> Result<Vec<u8>, Error> {
    part.to_der().map_err(|_| unreadable())
}

fn unreadable() -> Error {
    Error::General("the certificate cannot be read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_one_label() {
        assert!(fits("*.example.com", "DB.example.com") && fits("db.example.com", "DB.EXAMPLE.com"));
        for host in ["a.b.example.com", "example.com", ".example.com", "db.example.org"] {
            assert!(!fits("*.example.com", host), "{host}");
        }
        assert!(!fits("*", "db") && !fits("*.", "db.") && !fits("d*.example.com", "db.example.com"));
    }
}
