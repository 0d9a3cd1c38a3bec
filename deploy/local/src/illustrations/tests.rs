//! The pictures: all there, all different, the same every time, and small.

use std::collections::BTreeSet;

use super::*;

fn catalogue() -> Vec<Subject> {
    let path = crate::binaries::workspace().join("data/products.ndjson");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn subject(id: &str, colour: &str) -> Subject {
    Subject {
        id: id.to_owned(),
        name: "A thing".to_owned(),
        category: Vec::new(),
        attributes: [("Colour".to_owned(), colour.to_owned())].into(),
    }
}

#[test]
fn every_product_of_the_catalogue_has_a_picture_of_its_own() {
    let illustrator = Illustrator::new().unwrap();
    let catalogue = catalogue();
    let mut seen = BTreeSet::new();
    for subject in &catalogue {
        let drawn = illustrator.draw(subject, 64).unwrap();
        let drawn = drawn.unwrap_or_else(|| panic!("there is no motif for {}", subject.id));
        let opaque = drawn.pixels().iter().all(|pixel| pixel.alpha() == 255);
        assert!(opaque, "{} does not cover its canvas", subject.id);
        assert!(
            seen.insert(drawn.data().to_vec()),
            "{} is a twin",
            subject.id
        );
    }
    assert_eq!(seen.len(), catalogue.len());
}

#[test]
fn a_picture_is_the_same_every_time_and_small() {
    let kettle = subject("kettle-emberpan-stovetop-25", "red enamel");
    let picture = || {
        Illustrator::new()
            .unwrap()
            .picture(&kettle)
            .unwrap()
            .unwrap()
    };
    let first = picture();
    assert_eq!(first, picture());
    assert!(first.len() < 150 * 1024, "{} bytes", first.len());
    // Width and height are the first of a PNG's header.
    assert_eq!(first[16..24], [0, 0, 3, 232, 0, 0, 3, 232]);
}

#[test]
fn a_product_is_shown_in_the_colour_it_has() {
    let illustrator = Illustrator::new().unwrap();
    let middle = |colour: &str| {
        let kettle = subject("kettle-x", colour);
        let drawn = illustrator.draw(&kettle, 100).unwrap().unwrap();
        let pixel = drawn.pixel(50, 60).unwrap();
        (pixel.red(), pixel.green(), pixel.blue())
    };
    let (red, green, blue) = middle("red enamel");
    assert!(red > 2 * green && red > 2 * blue, "{red} {green} {blue}");
    let (red, green, blue) = middle("ocean blue");
    assert!(blue > 2 * red && blue > green, "{red} {green} {blue}");
}

#[test]
fn what_nobody_drew_has_no_picture() {
    let illustrator = Illustrator::new().unwrap();
    assert!(
        illustrator
            .picture(&subject("zeppelin-x", ""))
            .unwrap()
            .is_none()
    );
    // `tv` is not `tvset`: an id is read word by word.
    assert!(
        illustrator
            .picture(&subject("tvset-x", ""))
            .unwrap()
            .is_none()
    );
}
