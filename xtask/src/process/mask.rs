//! Secrets never reach a log, the terminal or the state: every text that came out of a child goes through here first.

/// The texts to hide: passwords as typed, and in the forms in which they travel.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    secrets: Vec<String>,
}

impl Mask {
    /// Hides `secret` and its percent-encoded form; texts under four characters hide too much to be useful.
    pub fn add(&mut self, secret: &str) {
        for form in [secret.to_owned(), percent_encoded(secret)] {
            if form.len() >= 4 && !self.secrets.contains(&form) {
                self.secrets.push(form);
            }
        }
        self.secrets.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), "***") } else { text }
        })
    }
}

/// RFC 3986: everything but unreserved characters as `%XX`.
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hidden_as_typed_and_as_it_stands_in_a_url() {
        let mut mask = Mask::default();
        mask.add("p@ss/w#rd%'");
        assert_eq!(
            mask.apply("PGPASSWORD=p@ss/w#rd%' url=postgres://u:p%40ss%2Fw%23rd%25%27@h/db"),
            "PGPASSWORD=*** url=postgres://u:***@h/db"
        );
    }
}
