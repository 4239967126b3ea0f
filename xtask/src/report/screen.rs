//! Rows at the bottom of a terminal, below text that stays.
//!
//! Invariant: a picture is one write that goes over the last one in place: nothing is cleared first, which would flicker.
//! The cursor rests on a line of its own below the rows, so that an echoed `^C` spoils none of them and goes with the next.

use super::terminal::{WIDTH, print};

#[derive(Default)]
pub(super) struct Screen {
    /// How many rows the last picture had.
    rows: usize,
}

impl Screen {
    pub(super) fn paint(&mut self, above: &str, rows: &[String]) {
        print(&self.picture(above, rows));
    }

    fn picture(&mut self, above: &str, rows: &[String]) -> String {
        let mut out = String::new();
        if self.rows > 0 {
            out.push_str(&format!("\r\x1b[{}A", self.rows));
        }
        for line in above.lines() {
            // Cleared before: behind a line as wide as the terminal it would take the last character along.
            out.push_str(&format!("\x1b[K{line}\n"));
        }
        for row in rows {
            out.push_str(&format!("{row}\x1b[K\n"));
        }
        if self.rows > 0 {
            out.push_str("\x1b[J");
        }
        self.rows = rows.len();
        out
    }
}

/// Columns and lines of the terminal.
pub(super) fn size() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    size.map_or((WIDTH, 24), |size| (usize::from(size.ws_col), usize::from(size.ws_row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands on a terminal that is high enough.
    #[derive(Default)]
    struct Terminal {
        lines: Vec<String>,
        line: usize,
        column: usize,
    }

    impl Terminal {
        fn write(&mut self, text: &str) {
            let mut characters = text.chars();
            while let Some(character) = characters.next() {
                self.lines.resize(self.lines.len().max(self.line + 1), String::new());
                let line = &mut self.lines[self.line];
                match character {
                    '\r' => self.column = 0,
                    '\n' => (self.line, self.column) = (self.line + 1, 0),
                    '\x1b' => {
                        let mut sequence = String::new();
                        while !sequence.ends_with(char::is_alphabetic) {
                            sequence.extend(characters.next().filter(|next| *next != '['));
                        }
                        match sequence.as_str() {
                            "K" => line.truncate(self.column),
                            "J" => self.lines.truncate(self.line),
                            up => self.line -= up.strip_suffix('A').unwrap().parse::<usize>().unwrap(),
                        }
                    }
                    _ => {
                        line.replace_range(self.column..line.len().min(self.column + 1), &character.to_string());
                        self.column += 1;
                    }
                }
            }
        }
    }

    #[test]
    fn rows_move_in_place_and_leave_nothing_behind() {
        let (mut screen, mut terminal) = (Screen::default(), Terminal::default());
        let rows = |rows: &[&str]| rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>();
        let mut stands = |above: &str, below: &[&str], all: &[&str]| {
            let picture = screen.picture(above, &rows(below));
            terminal.write(&picture);
            let lines: Vec<&str> = terminal.lines.iter().map(String::as_str).collect();
            assert_eq!(lines, all, "after {picture:?}");
        };
        stands("begun\n", &["a 1 s", "b 1 s"], &["begun", "a 1 s", "b 1 s"]);
        stands("", &["a 2 s", "last line", "b 2 s"], &["begun", "a 2 s", "last line", "b 2 s"]);
        stands("", &["a 2 s", "short", "b 2 s"], &["begun", "a 2 s", "short", "b 2 s"]);
        stands(
            "b passed\nas it must\n",
            &["a 3 s", "last line"],
            &["begun", "b passed", "as it must", "a 3 s", "last line"],
        );
        stands("a failed\n", &[], &["begun", "b passed", "as it must", "a failed"]);
        stands("", &[], &["begun", "b passed", "as it must", "a failed"]);
    }
}
