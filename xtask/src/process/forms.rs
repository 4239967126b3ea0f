//! The forms in which a secret travels: in urls, forms, JSON, XML, shells and SQL, as base64 and as hexadecimal text.
//!
//! Base64 is known by its middle: the characters that every longer text with the secret in it has too, whichever of the three
//! places it begins at. So `user:password` and whole urls are found without being known.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter texts hide too much to be useful, and say by what is hidden what they are.
const SHORTEST: usize = 4;

/// One text to look for.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) text: String,
    /// The letters around it belong to it.
    pub(super) within_base64: bool,
}

/// Every form of a secret. One of under four characters is only known where it stands as a password: `:abc@`, `password=abc`.
pub(super) fn of(secret: &str) -> Vec<Form> {
    if secret.is_empty() {
        return Vec::new();
    }
    if secret.len() < SHORTEST {
        let places = [format!(":{secret}@"), format!("PASSWORD={secret}"), format!("password={secret}")];
        return places.into_iter().map(|text| Form { text, within_base64: false }).collect();
    }
    let mut texts = vec![secret.to_owned()];
    // A program may print it line by line.
    texts.extend(secret.lines().map(str::to_owned));
    for keep in ["-._~", "-._~!*'()", "-._~!*'();/?:@&=+$,#"] {
        let upper = percent(secret, keep);
        texts.push(lowered(&upper));
        texts.push(upper);
    }
    let form = percent(secret, "*-._ ").replace(' ', "+");
    texts.push(lowered(&form));
    texts.push(form);
    let json = serde_json::Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    texts.push(json.replace('/', "\\/"));
    texts.push(json);
    texts.push(secret.replace('\'', r"'\''"));
    texts.push(secret.replace('\'', "''"));
    texts.push(secret.replace('\\', r"\\").replace('\'', r"\'"));
    for apostrophe in ["&#39;", "&apos;", "&#x27;", "'"] {
        let quoted = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        texts.push(quoted.replace('"', "&quot;").replace('\'', apostrophe));
    }
    // As it stands alone, and as it stands in a url.
    let encoded = percent_encoded(secret);
    let bare = [secret.to_owned(), lowered(&encoded), encoded];
    for text in &bare {
        let hex = crate::digest::hex(text.as_bytes());
        texts.extend([hex.to_ascii_uppercase(), hex]);
    }
    let mut forms: Vec<Form> = texts.into_iter().map(|text| Form { text, within_base64: false }).collect();
    for text in &bare {
        forms.extend(middles(text.as_bytes()).map(|text| Form { text, within_base64: true }));
    }
    forms.retain(|form| form.text.len() >= SHORTEST);
    forms
}

/// RFC 3986: everything but unreserved characters as `%XX`.
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    percent(text, "-._~")
}

fn percent(text: &str, keep: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || keep.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// The same with `%2f` for `%2F`.
fn lowered(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| {
        let (digits, rest) = part.split_at(2.min(part.len()));
        format!("{out}%{}{rest}", digits.to_ascii_lowercase())
    })
}

/// What base64 makes of a text wherever it begins, without the characters that its neighbours have a part in.
fn middles(text: &[u8]) -> impl Iterator<Item = String> {
    (0..3).flat_map(move |before| {
        let whole = [vec![0; before], text.to_vec()].concat();
        let (from, to) = ((before * 8).div_ceil(6), whole.len() * 8 / 6);
        [STANDARD_NO_PAD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)].map(|encoded| encoded[from..to].to_owned())
    })
}
