//! A reader for the XML that test runners write: elements, attributes, text, entities; no DTD, no namespaces.
//!
//! A document that ends early is an error: a runner that was killed leaves half a file.

use anyhow::{Result, bail};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    pub text: String,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The root element of a document.
pub(super) fn parse(text: &str) -> Result<Element> {
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut open: Vec<Element> = vec![Element::default()];
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("<!--") {
            rest = past(after, "-->")?.1;
        } else if let Some(after) = rest.strip_prefix("<![CDATA[") {
            let (data, after) = past(after, "]]>")?;
            last(&mut open)?.text.push_str(data);
            rest = after;
        } else if rest.starts_with("<?") || rest.starts_with("<!") {
            rest = past(rest, ">")?.1;
        } else if let Some(after) = rest.strip_prefix("</") {
            let (name, after) = past(after, ">")?;
            let Some(done) = open.pop() else { bail!("`</{name}>` closes nothing") };
            if done.name != name.trim() || open.is_empty() {
                bail!("`</{}>` does not close `<{}>`", name.trim(), done.name);
            }
            last(&mut open)?.children.push(done);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('<') {
            let (element, closed, after) = tag(after)?;
            if closed {
                last(&mut open)?.children.push(element);
            } else {
                open.push(element);
            }
            rest = after;
        } else {
            let end = rest.find('<').unwrap_or(rest.len());
            last(&mut open)?.text.push_str(&decoded(&rest[..end]));
            rest = &rest[end..];
        }
    }
    if open.len() != 1 {
        bail!("the document ends inside `<{}>`", last(&mut open)?.name);
    }
    match last(&mut open)?.children.pop() {
        Some(root) => Ok(root),
        None => bail!("the document is empty"),
    }
}

fn last(open: &mut [Element]) -> Result<&mut Element> {
    open.last_mut().ok_or_else(|| anyhow::anyhow!("the document closes more than it opens"))
}

fn past<'a>(text: &'a str, end: &str) -> Result<(&'a str, &'a str)> {
    text.split_once(end).ok_or_else(|| anyhow::anyhow!("the document ends before `{end}`"))
}

/// What stands after `<`: the element, whether it closed itself, and the rest of the text.
fn tag(text: &str) -> Result<(Element, bool, &str)> {
    let end = text.find(|c: char| c.is_whitespace() || c == '/' || c == '>').unwrap_or(text.len());
    let mut element = Element { name: text[..end].to_owned(), ..Element::default() };
    let mut rest = text[end..].trim_start();
    loop {
        if let Some(after) = rest.strip_prefix("/>") {
            return Ok((element, true, after));
        }
        if let Some(after) = rest.strip_prefix('>') {
            return Ok((element, false, after));
        }
        let (name, after) = past(rest, "=")?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| *c == '"' || *c == '\'');
        let Some(quote) = quote else { bail!("the attribute `{}` has no quoted value", name.trim()) };
        let (value, after) = past(&after[1..], quote.encode_utf8(&mut [0; 4]))?;
        element.attributes.push((name.trim().to_owned(), decoded(value)));
        rest = after.trim_start();
    }
}

fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match rest.split_once(';').and_then(|(name, after)| Some((entity(&name[1..])?, after))) {
            Some((character, after)) => {
                out.push(character);
                rest = after;
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let code = name.strip_prefix('#')?;
            let number = match code.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => code.parse().ok()?,
            };
            char::from_u32(number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_cdata_and_comments_are_read() {
        let root =
            parse("<?xml version='1.0'?><!-- <a> --><a x='&lt;&#10;&#x41;&amp;lt; &'><b/><![CDATA[<&>]]>&gt;</a>")
                .unwrap();
        assert_eq!(root.attribute("x"), Some("<\nA&lt; &"));
        assert_eq!((root.children.len(), root.text.as_str()), (1, "<&>>"));
    }

    #[test]
    fn half_a_document_is_an_error() {
        for text in ["", "<a", "<a><b></a>", "<a><b/>", "<a x=1/>", "</a>", "<a></a></a>"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
