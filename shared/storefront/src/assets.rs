//! The pages' own files, and drawings that stand in for photos.

use axum::{
    extract::Path,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};

use crate::error::Failure;

const FILES: [(&str, &str, &str); 3] = [
    (
        "shop.css",
        "text/css; charset=utf-8",
        include_str!("../assets/shop.css"),
    ),
    (
        "shop.js",
        "text/javascript; charset=utf-8",
        include_str!("../assets/shop.js"),
    ),
    (
        "icon.svg",
        "image/svg+xml",
        include_str!("../assets/icon.svg"),
    ),
];

/// Names a file by its content too, so that a browser may keep it for good.
pub(crate) fn path(name: &str) -> String {
    let content = FILES
        .iter()
        .find(|(known, _, _)| *known == name)
        .map_or("", |(_, _, content)| content);
    let hash = content
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("/static/{name}?v={hash:016x}")
}

/// One of the pages' files.
pub(crate) async fn serve(Path(name): Path<String>) -> Response {
    let Some((_, kind, content)) = FILES.iter().find(|(known, _, _)| *known == name) else {
        return Failure::not_found().into_response();
    };
    (
        [
            (CONTENT_TYPE, *kind),
            (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ],
        *content,
    )
        .into_response()
}

/// A drawing for a product without a photo: its initials on its own colour. The name is `HUE-INITIALS.svg`.
pub(crate) async fn placeholder(Path(name): Path<String>) -> Response {
    let parts = name
        .strip_suffix(".svg")
        .and_then(|name| name.split_once('-'));
    let hue = parts
        .and_then(|(hue, _)| hue.parse::<u16>().ok())
        .filter(|hue| *hue < 360);
    let initials = parts.map(|(_, initials)| initials);
    let initials = initials.filter(|text| {
        (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    let (Some(hue), Some(initials)) = (hue, initials) else {
        return Failure::not_found().into_response();
    };
    let kind = (CONTENT_TYPE, "image/svg+xml");
    (
        StatusCode::OK,
        [kind, (CACHE_CONTROL, "public, max-age=31536000, immutable")],
        draw(hue, initials),
    )
        .into_response()
}

fn draw(hue: u16, initials: &str) -> String {
    let (other, turn) = ((hue + 40) % 360, hue % 90);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 240 240\">\
         <rect width=\"240\" height=\"240\" fill=\"hsl({hue} 38% 88%)\"/>\
         <g transform=\"rotate({turn} 120 120)\"><circle cx=\"70\" cy=\"170\" r=\"86\" fill=\"hsl({other} 44% 78%)\"/>\
         <rect x=\"120\" y=\"30\" width=\"96\" height=\"96\" rx=\"18\" fill=\"hsl({hue} 46% 70%)\"/></g>\
         <text x=\"120\" y=\"142\" text-anchor=\"middle\" font-family=\"Georgia, serif\" font-size=\"64\" \
         fill=\"hsl({hue} 45% 24%)\">{initials}</text></svg>"
    )
}
