//! Numbers as people read them.

/// `10,214`
#[must_use]
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if number < 0 { format!("-{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn numbers_have_thousands_marks() {
        assert_eq!([0, 999, 1_000, -12_345, 3_000_000].map(thousands), ["0", "999", "1,000", "-12,345", "3,000,000"]);
    }
}
