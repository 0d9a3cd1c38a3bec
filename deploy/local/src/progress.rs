//! Progress of starting and importing: bars in a terminal, plain lines elsewhere.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// One thing that takes a while.
pub(crate) struct Step {
    bar: ProgressBar,
    label: String,
    plain: bool,
}

impl Step {
    /// Something of unknown length, such as waiting for processes.
    pub(crate) fn begin(label: &str) -> Self {
        let step = Self::new(ProgressBar::new_spinner(), label);
        if step.plain {
            println!("{label}...");
        }
        step.bar
            .set_style(style("{spinner:.cyan} {prefix} {msg:.dim}"));
        step.bar.enable_steady_tick(Duration::from_millis(100));
        step
    }

    /// Something with `total` parts.
    pub(crate) fn of(label: &str, total: u64) -> Self {
        let step = Self::new(ProgressBar::new(total), label);
        if step.plain {
            println!("{label} (0 of {total})");
        }
        step.bar.set_style(style(
            "{prefix} {bar:30.cyan/blue} {human_pos}/{human_len} {msg:.dim} {eta:.dim}",
        ));
        step
    }

    /// Something with `total` parts that goes on while the logs are shown: a line now and then.
    pub(crate) fn in_background(label: &str, total: u64) -> Self {
        println!("{label} (0 of {total})");
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        Self {
            bar,
            label: label.to_owned(),
            plain: true,
        }
    }

    fn new(bar: ProgressBar, label: &str) -> Self {
        let plain = !std::io::stderr().is_terminal();
        bar.set_prefix(label.to_owned());
        Self {
            bar,
            label: label.to_owned(),
            plain,
        }
    }

    /// Says what is being waited for.
    pub(crate) fn say(&self, message: &str) {
        self.bar.set_message(message.to_owned());
    }

    /// Says how far it is.
    pub(crate) fn at(&self, position: u64) {
        if self.plain
            && crossed_a_tenth(
                self.bar.position(),
                position,
                self.bar.length().unwrap_or(0),
            )
        {
            println!(
                "{} ({position} of {})",
                self.label,
                self.bar.length().unwrap_or(0)
            );
        }
        self.bar.set_position(position);
    }

    /// It is done.
    pub(crate) fn done(self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn crossed_a_tenth(before: u64, after: u64, total: u64) -> bool {
    let tenth = |position: u64| (position * 10).checked_div(total).unwrap_or(0);
    tenth(after) > tenth(before) && after < total
}
