//! Plots as SVG, drawn by hand: their colours are the page's, so they follow its light and dark.

use std::fmt::Write as _;

/// Which side something is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hue {
    Left,
    Right,
}

impl Hue {
    /// The sides, in order.
    pub(super) const BOTH: [Self; 2] = [Self::Left, Self::Right];

    fn class(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

/// How values lie along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    Log,
}

/// An axis with its range.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub(super) label: &'static str,
    pub(super) scale: Scale,
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) text: fn(f64) -> String,
}

impl Axis {
    /// From zero to a little more than the most of these.
    pub(super) fn linear(label: &'static str, values: impl IntoIterator<Item = f64>) -> Self {
        let most = values.into_iter().fold(0.0, f64::max);
        let to = if most > 0.0 { most * 1.05 } else { 1.0 };
        Self {
            label,
            scale: Scale::Linear,
            from: 0.0,
            to,
            text: number,
        }
    }

    /// The decades that these lie in.
    pub(super) fn log(label: &'static str, values: impl IntoIterator<Item = f64>) -> Self {
        let (mut from, mut to) = (f64::INFINITY, 0.0_f64);
        for value in values.into_iter().filter(|value| *value > 0.0) {
            (from, to) = (from.min(value), to.max(value));
        }
        if to <= 0.0 {
            (from, to) = (1.0, 10.0);
        }
        let from = 10_f64.powf((from * 1.001).log10().floor());
        let to = 10_f64.powf((to * 0.999).log10().ceil()).max(from * 10.0);
        Self {
            label,
            scale: Scale::Log,
            from,
            to,
            text: number,
        }
    }

    /// Where a value lies, from 0 to 1.
    fn at(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.from) / (self.to - self.from),
            Scale::Log => {
                (value.max(self.from) / self.from).log10() / (self.to / self.from).log10()
            }
        };
        share.clamp(0.0, 1.0)
    }

    fn ticks(&self) -> Vec<f64> {
        if self.scale == Scale::Log {
            let decades = (self.to / self.from).log10().round();
            let factors: &[f64] = if decades <= 2.0 {
                &[1.0, 2.0, 5.0]
            } else {
                &[1.0]
            };
            let mut ticks = Vec::new();
            let mut decade = self.from;
            while decade < self.to * 1.01 {
                ticks.extend(
                    factors
                        .iter()
                        .map(|factor| decade * factor)
                        .filter(|tick| *tick < self.to * 1.01),
                );
                decade *= 10.0;
            }
            return ticks;
        }
        let rough = (self.to - self.from) / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .find(|factor| factor * power >= rough)
            .unwrap_or(10.0)
            * power;
        let mut ticks = Vec::new();
        let mut tick = self.from;
        while tick <= self.to {
            ticks.push(tick);
            tick += step;
        }
        ticks
    }
}

/// A number as people read it: three digits that matter, thousands apart.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        _ if size < 1e-12 => return "0".to_owned(),
        _ if size < 0.01 => return format!("{value:.4}"),
        _ if size < 1.0 => format!("{value:.2}"),
        _ if size < 10.0 => format!("{value:.1}"),
        _ if size < 10_000.0 => return format!("{value:.0}"),
        _ => return apart(value),
    };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn apart(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// A number with its thousand, million or billion.
pub(super) fn short(value: f64) -> String {
    match value {
        _ if value >= 1e9 => format!("{} bn", number(value / 1e9)),
        _ if value >= 1e6 => format!("{} M", number(value / 1e6)),
        _ if value >= 1e3 => format!("{} k", number(value / 1e3)),
        _ => number(value),
    }
}

/// Text in a page or picture.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) hue: Hue,
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
    pub(super) dashed: bool,
    pub(super) dots: bool,
}

/// Something at a place of the horizontal axis, or the vertical one.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    X(f64, String),
    Y(f64, String),
}

/// Lines over two axes.
#[derive(Debug, Clone)]
pub(super) struct Plot {
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<Line>,
    pub(super) marks: Vec<Mark>,
    /// What it shows, for who can't see it.
    pub(super) says: String,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const SIDE: f64 = 64.0;
const FOOT: f64 = 46.0;
const HEAD: f64 = 34.0;
const EDGE: f64 = 18.0;

impl Plot {
    fn x(&self, value: f64) -> f64 {
        SIDE + self.x.at(value) * (WIDTH - SIDE - EDGE)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - FOOT - self.y.at(value) * (HEIGHT - FOOT - HEAD)
    }

    pub(super) fn svg(&self) -> String {
        let mut svg = head(WIDTH, HEIGHT, &self.says);
        self.grid(&mut svg);
        self.legend(&mut svg);
        for mark in &self.marks {
            self.mark(&mut svg, mark);
        }
        for line in &self.lines {
            self.line(&mut svg, line);
        }
        svg + "</svg>"
    }

    fn grid(&self, svg: &mut String) {
        let (right, bottom) = (WIDTH - EDGE, HEIGHT - FOOT);
        for tick in self.y.ticks() {
            let (y, text) = (self.y(tick), (self.y.text)(tick));
            let _ = write!(
                svg,
                "<path class=grid d='M{SIDE} {y:.1}H{right}'/><text x={:.1} y={:.1} class='tick end'>{text}</text>",
                SIDE - 8.0,
                y + 4.0
            );
        }
        for tick in self.x.ticks() {
            let (x, text) = (self.x(tick), (self.x.text)(tick));
            let _ = write!(
                svg,
                "<path class=grid d='M{x:.1} {HEAD}V{bottom}'/><text x={x:.1} y={:.1} class='tick mid'>{text}</text>",
                bottom + 17.0
            );
        }
        let _ = write!(
            svg,
            "<path class=axis d='M{SIDE} {bottom}H{right}'/><text x={right} y={:.1} class='label end'>{}</text>\
             <text x={SIDE} y=14 class=label>{}</text>",
            HEIGHT - 8.0,
            self.x.label,
            self.y.label
        );
    }

    fn legend(&self, svg: &mut String) {
        let mut x = WIDTH - EDGE;
        for line in self.lines.iter().rev().filter(|line| !line.name.is_empty()) {
            // About as wide as the text is: there is nothing here that could measure it.
            let letters = u32::try_from(line.name.chars().count()).unwrap_or(u32::MAX);
            let width = f64::from(letters) * 6.7 + 34.0;
            x -= width;
            let dash = if line.dashed { " dashed" } else { "" };
            let _ = write!(
                svg,
                "<path class='line {}{dash}' d='M{x:.1} 10h20'/><text x={:.1} y=14 class=tick>{}</text>",
                line.hue.class(),
                x + 25.0,
                escape(&line.name)
            );
        }
    }

    fn mark(&self, svg: &mut String, mark: &Mark) {
        let bottom = HEIGHT - FOOT;
        let _ = match mark {
            Mark::X(at, text) => {
                let x = self.x(*at);
                let (class, beside) = if x > WIDTH * 0.75 {
                    ("note end", -6.0)
                } else {
                    ("note", 6.0)
                };
                write!(
                    svg,
                    "<path class=mark d='M{x:.1} {HEAD}V{bottom}'/><text x={:.1} y={:.1} class='{class}'>{}</text>",
                    x + beside,
                    HEAD + 12.0,
                    escape(text)
                )
            }
            Mark::Y(at, text) => {
                let y = self.y(*at);
                write!(
                    svg,
                    "<path class=mark d='M{SIDE} {y:.1}H{}'/><text x={:.1} y={:.1} class='note'>{}</text>",
                    WIDTH - EDGE,
                    SIDE + 6.0,
                    y - 5.0,
                    escape(text)
                )
            }
        };
    }

    fn line(&self, svg: &mut String, line: &Line) {
        let mut path = String::new();
        for (index, (x, y)) in line.points.iter().enumerate() {
            let verb = if index == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{verb}{:.1} {:.1}", self.x(*x), self.y(*y));
        }
        let (class, dash) = (line.hue.class(), if line.dashed { " dashed" } else { "" });
        let _ = write!(svg, "<path class='line {class}{dash}' d='{path}'/>");
        for (x, y) in line.points.iter().filter(|_| line.dots) {
            let _ = write!(
                svg,
                "<circle class='dot {class}' cx={:.1} cy={:.1} r=3.5><title>{}: {} at {}</title></circle>",
                self.x(*x),
                self.y(*y),
                escape(&line.name),
                (self.y.text)(*y),
                (self.x.text)(*x)
            );
        }
    }
}

/// A row of bars: for each side, values from the solid one to the faintest.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) label: String,
    pub(super) values: [Vec<f64>; 2],
}

/// Bars side by side, each value laid over the next larger.
pub(super) fn bars(rows: &[Row], unit: &str, says: &str) -> String {
    const NAME: f64 = 150.0;
    const BAR: f64 = 13.0;
    const ROW: f64 = 40.0;
    let all = rows
        .iter()
        .flat_map(|row| row.values.iter().flatten().copied());
    let most = all.fold(0.0, f64::max).max(1e-9);
    let room = WIDTH - NAME - 110.0;
    let rows_high = rows.iter().map(|_| ROW).sum::<f64>();
    let mut svg = head(WIDTH, rows_high + 6.0, says);
    let mut top = 6.0;
    for row in rows {
        let _ = write!(
            svg,
            "<text x={:.1} y={:.1} class='name end'>{}</text>",
            NAME - 10.0,
            top + BAR + 5.0,
            escape(&row.label)
        );
        for (hue, values) in Hue::BOTH.into_iter().zip(&row.values) {
            let y = if hue == Hue::Left {
                top
            } else {
                top + BAR + 2.0
            };
            for (index, value) in values.iter().enumerate().rev() {
                let opacity = [1.0, 0.5, 0.22].get(index).copied().unwrap_or(0.15);
                let _ = write!(
                    svg,
                    "<rect class='bar {}' x={NAME} y={y:.1} width={:.1} height={BAR} rx=2 opacity='{opacity}'/>",
                    hue.class(),
                    (value / most * room).max(1.0)
                );
            }
            let longest = values.iter().copied().fold(0.0, f64::max);
            let texts: Vec<String> = values.iter().map(|value| number(*value)).collect();
            if !values.is_empty() {
                let _ = write!(
                    svg,
                    "<text x={:.1} y={:.1} class=tick>{} {unit}</text>",
                    NAME + longest / most * room + 7.0,
                    y + BAR - 2.5,
                    texts.join(" · ")
                );
            }
        }
        top += ROW;
    }
    svg + "</svg>"
}

fn head(width: f64, height: f64, says: &str) -> String {
    format!(
        "<svg viewBox='0 0 {width} {height}' role=img aria-label=\"{}\">",
        escape(says)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_what_they_show_and_tick_at_round_numbers() {
        let axis = Axis::linear("", [3.0, 47.0]);
        assert_eq!(axis.ticks(), [0.0, 10.0, 20.0, 30.0, 40.0]);
        let axis = Axis::log("", [2.0, 3_000.0]);
        assert_eq!(axis.ticks(), [1.0, 10.0, 100.0, 1_000.0, 10_000.0]);
        let axis = Axis::log("", [1_000.0, 10_000.0]);
        assert_eq!(axis.ticks(), [1_000.0, 2_000.0, 5_000.0, 10_000.0]);
        assert!(
            (Axis::log("", [0.0]).at(10.0) - 1.0).abs() < 1e-9,
            "nothing to show is shown as nothing"
        );
        assert!((Axis::linear("", []).at(0.5) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn numbers_have_as_many_digits_as_matter() {
        let all = [0.0, 0.0012, 0.123, 1.0, 2.34, 42.4, 1_234.0, 12_345_678.0].map(number);
        assert_eq!(
            all,
            [
                "0",
                "0.0012",
                "0.12",
                "1",
                "2.3",
                "42",
                "1234",
                "12\u{2009}345\u{2009}678"
            ]
        );
        assert_eq!(
            [12.0, 2_500.0, 3e6, 1e10].map(short),
            ["12", "2.5 k", "3 M", "10 bn"]
        );
        assert_eq!(escape("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }
}
