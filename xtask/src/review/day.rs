//! A day of the calendar, as `2027-01-31`.

use std::fmt;
use std::time::SystemTime;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(String);

impl Day {
    /// Today in UTC.
    #[must_use]
    pub fn today() -> Self {
        Day(humantime::format_rfc3339_seconds(SystemTime::now()).to_string().chars().take(10).collect())
    }

    /// A day that there is, written in full.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
        if text.len() != 10 || !text.bytes().enumerate().all(digits) {
            return None;
        }
        let number = |from: usize, to: usize| text[from..to].parse::<u32>().ok();
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (1..=days).contains(&day).then(|| Day(text.to_owned()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_is_not_in_the_calendar_is_none() {
        for text in ["2027-02-29", "2027-13-01", "2027-04-31", "2027-1-1", "2027-01-00", "tomorrow..", "2027-01-1é"] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
        assert!(Day::parse("2028-02-29").unwrap() > Day::parse("2027-12-31").unwrap());
        assert!(Day::parse(&Day::today().to_string()).is_some());
    }
}
