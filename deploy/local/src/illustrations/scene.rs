//! A motif before its backdrop, as one SVG document.

#![expect(clippy::unreadable_literal, reason = "colours are written RRGGBB")]

use std::fmt::Write as _;

use super::Subject;
use super::colour::Colour;
use super::motif::Motif;
use super::palette::{Backdrop, Palette};

/// Width and height of the document.
const BOX: u32 = 1_000;

/// Composes the picture.
pub(super) fn compose(subject: &Subject, motif: &Motif, palette: &Palette) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {BOX} {BOX}\" width=\"{BOX}\" height=\"{BOX}\">"
    );
    let _ = write!(svg, "<style>{}</style>", style(palette));
    let _ = write!(svg, "<defs>{}</defs>", definitions(subject, palette));
    svg.push_str(&backdrop(subject, motif, &palette.backdrop));
    // The box of 400 becomes 800 pixels, 736 when the drawing is as wide as its box.
    let scale = if motif.wide { 1.84 } else { 2.0 };
    let rises = if motif.hangs { 50.0 } else { 0.0 };
    let (left, top) = (500.0 - 200.0 * scale, FLOOR - rises - 350.0 * scale);
    if !motif.hangs {
        let half = if motif.wide { 350.0 } else { 290.0 };
        let _ = write!(
            svg,
            "<ellipse cx=\"500\" cy=\"{FLOOR}\" rx=\"{half}\" ry=\"44\" fill=\"url(#shadow)\"/>"
        );
    }
    let _ = write!(
        svg,
        "<g transform=\"translate({left} {top}) scale({scale})\">"
    );
    if subject.chance("side") % 2 == 1 {
        svg.push_str("<g transform=\"matrix(-1 0 0 1 400 0)\">");
    } else {
        svg.push_str("<g>");
    }
    svg.push_str(&motif.drawing);
    svg.push_str("</g></g></svg>");
    svg
}

/// Where things stand.
const FLOOR: f32 = 850.0;

/// The classes the motifs use.
fn style(palette: &Palette) -> String {
    let mut style = String::new();
    let mut class = |name: &str, colour: Colour| {
        let _ = write!(
            style,
            ".{name}{{fill:{colour}}}\
             .l{name}{{fill:none;stroke:{colour};stroke-linecap:round;stroke-linejoin:round}}"
        );
    };
    let white = Colour::new(0xffffff);
    for (name, base) in [
        ("m", palette.main),
        ("a", palette.accent),
        ("w", palette.wood),
        ("s", Colour::new(0xb9c2ca)),
        ("k", Colour::new(0x2f333d)),
        ("p", Colour::new(0xfbf8f1)),
    ] {
        class(name, base);
        class(&format!("{name}d"), base.darker());
        let light = if name == "k" { 0.18 } else { 0.3 };
        class(
            &format!("{name}l"),
            base.lighter().mixed(base.mixed(white, light), 0.5),
        );
    }
    class("r", Colour::new(0xd84f45));
    class("y", Colour::new(0xf6c94f));
    class("gr", Colour::new(0x6da05c));
    class("gd", Colour::new(0x4c7f4e));
    class("b", Colour::new(0x6fb3cf));
    style.push_str(
        ".h{fill:#fff;fill-opacity:.3}.d{fill:#1b2236;fill-opacity:.16}\
         .lh{fill:none;stroke:#fff;stroke-opacity:.3;stroke-linecap:round}\
         .ld{fill:none;stroke:#1b2236;stroke-opacity:.18;stroke-linecap:round;stroke-linejoin:round}\
         .g{fill:#cfe6ee;fill-opacity:.62}.dots{fill:url(#dots)}.ribs{fill:url(#ribs)}.t{fill:url(#texture)}",
    );
    style
}

/// Gradients and textures.
fn definitions(subject: &Subject, palette: &Palette) -> String {
    let backdrop = &palette.backdrop;
    let light = backdrop.wall.lighter();
    format!(
        "<linearGradient id=\"wall\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"1\">\
         <stop offset=\"0\" stop-color=\"{light}\"/><stop offset=\"1\" stop-color=\"{}\"/></linearGradient>\
         <radialGradient id=\"shadow\"><stop offset=\"0\" stop-color=\"#1b2236\" stop-opacity=\".34\"/>\
         <stop offset=\".55\" stop-color=\"#1b2236\" stop-opacity=\".2\"/>\
         <stop offset=\"1\" stop-color=\"#1b2236\" stop-opacity=\"0\"/></radialGradient>\
         <pattern id=\"dots\" width=\"10\" height=\"10\" patternUnits=\"userSpaceOnUse\">\
         <circle cx=\"5\" cy=\"5\" r=\"2.4\" fill=\"#1b2236\" fill-opacity=\".4\"/></pattern>\
         <pattern id=\"ribs\" width=\"10\" height=\"10\" patternUnits=\"userSpaceOnUse\">\
         <rect width=\"4\" height=\"10\" fill=\"#1b2236\" fill-opacity=\".2\"/></pattern>{}",
        backdrop.wall,
        texture(subject, palette)
    )
}

/// What cloth looks like, as far as the product says.
fn texture(subject: &Subject, palette: &Palette) -> String {
    let words = format!(
        "{} {}",
        subject.name,
        subject
            .attributes
            .values()
            .cloned()
            .collect::<Vec<_>>()
            .join(" ")
    )
    .to_lowercase();
    let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
    let accent = palette.accent;
    let drawing = if says(&["breton"]) {
        format!("<rect width=\"24\" height=\"9\" fill=\"{accent}\"/>")
    } else if says(&["stripe"]) {
        format!(
            "<rect width=\"4\" height=\"24\" fill=\"{accent}\" fill-opacity=\".75\"/><rect x=\"12\" width=\"4\" height=\"24\" fill=\"{accent}\" fill-opacity=\".75\"/>"
        )
    } else if says(&["check", "tartan"]) {
        "<path d=\"M0 0h9v24H0zM0 0h24v9H0z\" fill=\"#1b2236\" fill-opacity=\".22\"/><path d=\"M15 0h2v24h-2zM0 15h24v2H0z\" fill=\"#fff\" fill-opacity=\".35\"/>".to_owned()
    } else if says(&["tweed", "speckled", "fleck", "heather", "camouflage"]) {
        "<g fill=\"#1b2236\" fill-opacity=\".2\"><circle cx=\"4\" cy=\"5\" r=\"2\"/><circle cx=\"16\" cy=\"11\" r=\"2\"/><circle cx=\"8\" cy=\"19\" r=\"2\"/></g><g fill=\"#fff\" fill-opacity=\".3\"><circle cx=\"12\" cy=\"3\" r=\"2\"/><circle cx=\"20\" cy=\"20\" r=\"2\"/></g>".to_owned()
    } else if says(&[
        "lambswool",
        "shetland",
        "cashmere",
        "knit",
        "merino",
        "waffle",
    ]) {
        "<path d=\"M0 4l6 7 6-7 6 7 6-7M0 16l6 7 6-7 6 7 6-7\" fill=\"none\" stroke=\"#1b2236\" stroke-opacity=\".13\" stroke-width=\"2.4\"/>".to_owned()
    } else if says(&["corduroy", "cord ", "ribbed"]) {
        "<path d=\"M0 0h4v24H0zM8 0h4v24H8zM16 0h4v24h-4z\" fill=\"#1b2236\" fill-opacity=\".13\"/>"
            .to_owned()
    } else {
        String::new()
    };
    format!(
        "<pattern id=\"texture\" width=\"24\" height=\"24\" patternUnits=\"userSpaceOnUse\">{drawing}<rect width=\"0\" height=\"0\"/></pattern>"
    )
}

/// Wall, shape, and the floor for what stands on it.
fn backdrop(subject: &Subject, motif: &Motif, colours: &Backdrop) -> String {
    let Backdrop { shape, floor, .. } = colours;
    let soft = shape.mixed(colours.wall, 0.45);
    let shapes = match subject.chance("shape") % if motif.hangs { 4 } else { 6 } {
        0 => format!("<circle cx=\"500\" cy=\"480\" r=\"350\" fill=\"{shape}\"/>"),
        1 => format!(
            "<rect x=\"180\" y=\"140\" width=\"640\" height=\"640\" rx=\"150\" fill=\"{shape}\" transform=\"rotate(8 500 460)\"/>"
        ),
        2 => format!(
            "<circle cx=\"650\" cy=\"380\" r=\"250\" fill=\"{shape}\"/><circle cx=\"300\" cy=\"560\" r=\"190\" fill=\"{soft}\"/>"
        ),
        3 => format!(
            "<path d=\"M500 110c190-20 360 100 370 300 10 210-110 400-350 400S130 690 130 470 300 130 500 110z\" fill=\"{shape}\"/>"
        ),
        4 => format!("<path d=\"M190 850V440a310 310 0 0 1 620 0v410z\" fill=\"{shape}\"/>"),
        _ => format!(
            "<path d=\"M120 850V520a190 190 0 0 1 380 0v330z\" fill=\"{soft}\"/><path d=\"M420 850V400a230 230 0 0 1 460 0v450z\" fill=\"{shape}\"/>"
        ),
    };
    let mut svg = format!("<rect width=\"{BOX}\" height=\"{BOX}\" fill=\"url(#wall)\"/>{shapes}");
    if !motif.hangs {
        let _ = write!(
            svg,
            "<rect y=\"800\" width=\"{BOX}\" height=\"200\" fill=\"{floor}\"/>"
        );
    }
    svg
}
