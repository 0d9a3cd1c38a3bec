//! `cold-starts`: what it costs to start each function, as it ships, beside one that only says hello.

use std::fmt::Write as _;

use crate::binaries;
use crate::cli::ColdStarts;
use crate::lambda::cold_start::ColdStart;
use crate::state::{DataFolder, Lock};
use crate::stop_signal::StopSignal;
use crate::up::Site;

/// At most so many times as long as hello, and so many times its memory.
const MOST_TIME: f64 = 1.5;
const MOST_MEMORY: f64 = 3.0;

/// Brings up a shop of functions with the seed catalogue, measures over its data, and prints the table of the README.
pub(crate) async fn run(options: &ColdStarts) -> Result<(), String> {
    let stop = StopSignal::listen(false).map_err(|error| error.to_string())?;
    let data = DataFolder::open(&binaries::workspace().join("target/cold-starts"))?;
    let _lock: Lock = data.lock()?;
    let mut site = Site::default();
    let outcome = tokio::select! {
        outcome = measure(&mut site, options, &data) => outcome,
        () = stop.wait() => Err("interrupted".to_owned()),
    };
    site.stop().await;
    print!("{}", table(&outcome?));
    Ok(())
}

async fn measure(
    site: &mut Site,
    options: &ColdStarts,
    data: &DataFolder,
) -> Result<Vec<ColdStart>, String> {
    if !options.no_build {
        binaries::build().await?;
    }
    let built = std::path::absolute(&options.built).map_err(|error| error.to_string())?;
    let up = options.shop(&data.join(""));
    let (_setup, shops) = site.start(&up, data).await?;
    site.wait_until_ready(&shops).await?;
    site.seed(&up, &shops, data).await?;
    let host = site.host.as_ref().ok_or("there is no host")?;
    let measured = host.cold_starts(&built, options.starts).await;
    measured.map_err(|error| format!("{error}; are the functions built? (deploy/aws/build)"))
}

/// In Markdown; the first row is what the others are compared with, and what is over a limit stands out.
fn table(measured: &[ColdStart]) -> String {
    let mut table =
        "| function | start, ms | × hello | memory, MB | × hello |\n| --- | ---: | ---: | ---: | ---: |\n".to_owned();
    for cold in measured {
        let hello = measured.first().unwrap_or(cold);
        let time = cold.start.as_secs_f64() / hello.start.as_secs_f64();
        let [own, its] =
            [cold, hello].map(|cold| f64::from(u32::try_from(cold.memory_kb).unwrap_or(u32::MAX)));
        let _ = writeln!(
            table,
            "| {} | {:.1} | {} | {:.1} | {} |",
            cold.name,
            cold.start.as_secs_f64() * 1_000.0,
            ratio(time, MOST_TIME),
            own / 1_024.0,
            ratio(own / its, MOST_MEMORY),
        );
    }
    table
}

fn ratio(ratio: f64, most: f64) -> String {
    if ratio > most {
        format!("**{ratio:.2}**")
    } else {
        format!("{ratio:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_table_compares_with_hello_and_marks_what_is_over_a_limit() {
        let cold = |name: &str, millis: u64, memory_kb: u64| ColdStart {
            name: name.to_owned(),
            start: Duration::from_millis(millis),
            memory_kb,
        };
        let measured = [
            cold("hello", 2, 4_096),
            cold("cart", 3, 12_288),
            cold("search", 4, 16_384),
        ];
        let table = table(&measured);
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(rows[0], "| hello | 2.0 | 1.00 | 4.0 | 1.00 |");
        assert_eq!(rows[1], "| cart | 3.0 | 1.50 | 12.0 | 3.00 |");
        assert_eq!(rows[2], "| search | 4.0 | **2.00** | 16.0 | **4.00** |");
    }
}
