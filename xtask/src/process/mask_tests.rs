use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::super::stream::Stream;
use super::*;

const SECRET: &str = "p@ss/w#rd% x'y\"\\<&>ü";

fn mask() -> Mask {
    let mut mask = Mask::default();
    mask.add(SECRET);
    mask
}

/// Base64 of a text with the secret at each of the three places, and of a url with it.
fn tokens() -> Vec<String> {
    let texts = [SECRET.to_owned(), format!("u:{SECRET}"), format!("ab:{SECRET} and more"), url()];
    texts.iter().flat_map(|text| [STANDARD.encode(text), URL_SAFE.encode(text)]).collect()
}

fn url() -> String {
    format!("postgres://app:{}@db.example:6543/shop", percent_encoded(SECRET))
}

#[test]
fn a_password_is_hidden_as_typed_and_as_it_stands_in_a_url() {
    let mut mask = Mask::default();
    mask.add("p@ss/w#rd%'");
    assert_eq!(
        mask.apply("PGPASSWORD=p@ss/w#rd%' url=postgres://u:p%40ss%2Fw%23rd%25%27@h/db"),
        "PGPASSWORD=*** url=postgres://u:***@h/db"
    );
}

#[test]
fn every_form_in_which_a_secret_travels_is_hidden_whole() {
    for form in [
        "p%40ss%2Fw%23rd%25%20x%27y%22%5C%3C%26%3E%C3%BC",
        "p%40ss%2fw%23rd%25%20x%27y%22%5c%3c%26%3e%c3%bc",
        // encodeURIComponent, encodeURI, a form.
        "p%40ss%2Fw%23rd%25%20x'y%22%5C%3C%26%3E%C3%BC",
        "p@ss/w#rd%25%20x'y%22%5C%3C&%3E%C3%BC",
        "p%40ss%2Fw%23rd%25+x%27y%22%5C%3C%26%3E%C3%BC",
        // JSON, a shell, SQL, a connection string, XML.
        r#"p@ss/w#rd% x'y\"\\<&>ü"#,
        r#"p@ss\/w#rd% x'y\"\\<&>ü"#,
        r#"p@ss/w#rd% x'\''y"\<&>ü"#,
        r#"p@ss/w#rd% x''y"\<&>ü"#,
        r#"p@ss/w#rd% x\'y"\\<&>ü"#,
        r"p@ss/w#rd% x&apos;y&quot;\&lt;&amp;&gt;ü",
    ] {
        assert_eq!(mask().apply(&format!("a={form} b")), "a=*** b", "{form}");
    }
    let hex = crate::digest::hex(SECRET.as_bytes());
    assert_eq!(mask().apply(&format!("{hex} {}", hex.to_uppercase())), "*** ***");
}

#[test]
fn base64_is_hidden_wherever_the_secret_begins_in_it() {
    for token in tokens() {
        assert_eq!(mask().apply(&format!("Authorization: Basic {token}\nnext")), "Authorization: Basic ***\nnext");
    }
}

#[test]
fn a_secret_is_hidden_across_line_breaks_and_escape_sequences() {
    let token = STANDARD.encode(format!("{}{SECRET}", "x".repeat(50)));
    let (one, other) = token.split_at(76);
    let hidden = mask().apply(&format!("{one}\n{other}\nnext\n"));
    assert_eq!(hidden, "***\n\nnext\n");
    assert_eq!(mask().apply("\x1b[1mp@ss/w#rd\x1b[0m% x'y\x1b]0;t\x07\"\\<&>\r\nü!"), "\x1b[1m***\n!");
}

#[test]
fn overlapping_secrets_leave_nothing_of_either() {
    let mut mask = Mask::default();
    mask.add("abcdef");
    mask.add("defghi");
    assert_eq!(mask.apply("<abcdefghi>"), "<***>");
}

#[test]
fn a_short_password_is_hidden_where_it_stands_as_one() {
    let mut mask = Mask::default();
    mask.add("a1");
    mask.add("");
    assert_eq!(mask.apply("postgres://u:a1@h PGPASSWORD=a1 ba1l"), "postgres://u***h PG*** ba1l");
}

#[test]
fn a_stream_is_masked_the_same_wherever_its_reads_are_cut() {
    let token = STANDARD.encode(format!("u:{SECRET}"));
    let text = format!("é one {SECRET} two\n{token}\n\x1b[32m{}\x1b[0m é\npart p@ss/w", url());
    let expected = mask().apply(&text);
    assert!(!expected.contains("rd%") && expected.starts_with("é one *** two\n***\n"), "{expected}");
    for size in [1, 2, 3, 7, 16, 4096] {
        let mut stream = Stream::new(mask());
        let mut told: String = text.as_bytes().chunks(size).map(|bytes| stream.push(bytes)).collect();
        told += &stream.finish();
        assert_eq!(told, expected, "in pieces of {size}");
    }
}

#[test]
fn a_line_without_an_end_is_handed_on_in_masked_pieces() {
    let text = format!("{}{SECRET}", "é".repeat(10_001)).repeat(20);
    let mut stream = Stream::new(mask());
    let (mut told, mut most) = (String::new(), 0);
    for bytes in text.as_bytes().chunks(4096) {
        told += &stream.push(bytes);
        most = most.max(stream.held());
    }
    told += &stream.finish();
    assert_eq!(told, mask().apply(&text));
    assert!(most < 80 * 1024, "{most} bytes were held back");
}

#[test]
fn a_mask_does_not_tell_its_secrets() {
    assert!(!format!("{:?}", mask()).contains("p@ss"));
}
