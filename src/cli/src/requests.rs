//! Owns the input of requests, one a line of limited length, and the clock by which they are judged.

use std::io::{self, BufRead, BufReader, Read};

use brama_policy::deciding::UnixTime;
use clap::Args;

use crate::clock::{ClockError, clock};

/// The clock of requests that state none.
#[derive(Debug, Args)]
pub(crate) struct Clock {
    /// The time at which requests are judged that state none, in seconds since 1970; without it, the time at the start.
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
}

impl Clock {
    /// The time, read once so that equal requests are judged alike.
    pub(crate) fn read(&self) -> Result<UnixTime, InputError> {
        Ok(clock(self.now)?)
    }
}

/// The lines of an input. They share one buffer.
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    number: u64,
}

/// The bytes of a line without its line end, or the error for a line that is too long.
pub(crate) type Line<'a> = Result<&'a [u8], TooLong>;

/// A line longer than [`MAX_LINE`]; it was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the line is longer than {MAX_LINE} bytes")]
pub(crate) struct TooLong;

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { reader: BufReader::with_capacity(BUFFER, input), line: Vec::new(), number: 0 }
    }

    /// The next line and its number, from 1; `None` at the end of the input. The last line end begins no further line.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Line<'_>)>, InputError> {
        self.line.clear();
        let mut within = self.reader.by_ref().take(MAX_LINE.saturating_add(1));
        if within.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        let is_cut_off = within.limit() == 0 && !self.line.ends_with(b"\n");
        self.number = self.number.saturating_add(1);
        if is_cut_off {
            self.reader.skip_until(b'\n')?;
            return Ok(Some((self.number, Err(TooLong))));
        }
        let text = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(Some((self.number, Ok(text.strip_suffix(b"\r").unwrap_or(text)))))
    }

    /// `true` if the buffer is empty, so that the next line may have to be waited for.
    pub(crate) fn is_drained(&self) -> bool {
        self.reader.buffer().is_empty()
    }
}

/// An error of the input of requests, or of their clock.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error(transparent)]
    Clock(#[from] ClockError),
    #[error("standard input cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// The limit on a line, in bytes: far more than the headers that Envoy takes, and little enough to be held.
const MAX_LINE: u64 = 1 << 20;

/// The size of an input or output buffer, in bytes.
pub(crate) const BUFFER: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<(u64, Option<Vec<u8>>)> {
        let (mut lines, mut found) = (Lines::new(text), Vec::new());
        while let Some((number, line)) = lines.next().unwrap() {
            found.push((number, line.ok().map(<[u8]>::to_vec)));
        }
        found
    }

    #[test]
    fn each_line_has_its_number() {
        let text = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"a"), [(1, text("a"))]);
        assert_eq!(lines(b"a\r\nb\n"), [(1, text("a")), (2, text("b"))]);
        assert_eq!(lines(b"\n\na\n"), [(1, text("")), (2, text("")), (3, text("a"))]);
    }

    #[test]
    fn line_that_is_too_long_is_passed_over() {
        let longest = usize::try_from(MAX_LINE).unwrap();
        let text = [vec![b'a'; longest], vec![b'b'; longest + 1], vec![b'c'; 3 * longest], b"d".to_vec()].join(&b'\n');
        let found: Vec<_> =
            lines(&text).into_iter().map(|(number, line)| (number, line.map(|line| line.len()))).collect();
        assert_eq!(found, [(1, Some(longest)), (2, None), (3, None), (4, Some(1))]);
        assert_eq!(lines(&vec![b'a'; longest + 1]), [(1, None)]);
    }
}
