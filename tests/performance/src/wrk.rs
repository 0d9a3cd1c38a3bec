//! Requests as fast as they are answered, by wrk.

use std::{process::Command, time::Duration};

/// Connections that are kept busy.
const CONNECTIONS: usize = 64;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Answers {
    /// How many there were.
    pub(crate) count: f64,
    /// How many a second.
    pub(crate) rate: f64,
}

/// Asks for `url` for so long. An answer that is no success is an error.
pub(crate) fn run(url: &str, length: Duration) -> Result<Answers, String> {
    run_with(CONNECTIONS, &[], url, length)
}

/// The same over so many connections, with more options of wrk's.
pub(crate) fn run_with(
    connections: usize,
    options: &[String],
    url: &str,
    length: Duration,
) -> Result<Answers, String> {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", &format!("-c{connections}")]).args(options);
    wrk.args([&format!("-d{}s", length.as_secs().max(1)), url]);
    let ran = wrk.output().map_err(|error| format!("wrk: {error}"))?;
    let said = String::from_utf8_lossy(&ran.stdout);
    if !ran.status.success() {
        return Err(format!(
            "wrk: {said}{}",
            String::from_utf8_lossy(&ran.stderr)
        ));
    }
    parse(&said)
}

fn parse(said: &str) -> Result<Answers, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let count = said
        .lines()
        .find_map(|line| line.split_once(" requests in "));
    let rate = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    let failed = said.contains("Non-2xx") || said.contains("Socket errors");
    match (
        count.and_then(|(count, _)| number(count)),
        rate.and_then(number),
    ) {
        (Some(count), Some(rate)) if !failed && count > 0.0 => Ok(Answers { count, rate }),
        _ => Err(format!("wrk says:\n{said}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 1s test @ http://127.0.0.1:1/\n  1 threads and 64 connections\n  \
        27331 requests in 1.10s, 12.41MB read\nRequests/sec:  24853.41\nTransfer/sec:     11.28MB\n";

    #[test]
    fn count_and_rate_are_read() {
        let answers = parse(SAID).unwrap();
        assert_eq!((answers.count, answers.rate), (27_331.0, 24_853.41));
    }

    #[test]
    fn answers_that_are_errors_are_none() {
        assert!(parse(&format!("{SAID}  Non-2xx or 3xx responses: 7\n")).is_err());
        assert!(parse(&format!("{SAID}  Socket errors: connect 1, read 0\n")).is_err());
        assert!(parse("unable to connect").is_err());
    }
}
