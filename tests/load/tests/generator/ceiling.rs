//! The generator's own limit.

use std::time::Duration;

use bothways_load::ceiling::measure;

use super::journeys;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_is_the_ceiling_up_to_what_was_tried() {
    let plan = journeys("look:1=search,view", 0.0, 1);
    let ceiling = measure(&plan, Duration::from_mins(1), 10.0, |_, figures, held| {
        assert!(held, "ten a second, with a minute's time: {figures:?}");
    });
    let ceiling = ceiling.await.unwrap();
    assert_eq!(ceiling.tried, [(10.0, true)]);
    assert_eq!(ceiling.at_ceiling_micros.count(), 20);
    assert!(ceiling.answers_per_second > 0.0);
    assert_eq!(ceiling.floor_micros.count(), 2);
    assert!(ceiling.to_string().contains("10 journeys/s"), "{ceiling}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_held_is_no_ceiling() {
    let plan = journeys("look:1=view", 0.0, 1);
    let ceiling = measure(&plan, Duration::from_nanos(1), 4.0, |_, _, _| {})
        .await
        .unwrap();
    assert_eq!(ceiling.tried, [(4.0, false), (2.0, false), (1.0, false)]);
    assert!(ceiling.journeys_per_second < 0.5);
}
