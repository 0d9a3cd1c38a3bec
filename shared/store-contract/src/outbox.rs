//! The outbox. Events get there by saving products.

use std::sync::Arc;

use bothways_domain::event::{Outbox, PendingEvent};

use crate::{
    Place,
    sample::{at, product, told},
};

/// Product `subject` was changed that often, in this order.
async fn after_changes(place: &dyn Place, subjects: &[&str]) -> Arc<dyn Outbox> {
    let store = place.products().await;
    for (n, subject) in subjects.iter().enumerate() {
        let product = product(subject, &format!("version {n}"), at(0));
        store.save(vec![told(product)]).await.unwrap();
    }
    place.outbox("product").await
}

fn subjects(pending: &[PendingEvent]) -> Vec<&str> {
    pending
        .iter()
        .map(|pending| pending.event.subject.as_str())
        .collect()
}

/// At most as many as asked for, oldest first; what was delivered does not come again.
pub async fn events_wait_in_the_order_they_were_told_until_they_are_delivered(place: &dyn Place) {
    let outbox = after_changes(place, &["a", "b", "a", "c"]).await;
    let two = outbox.pending(at(0), 2).await.unwrap();
    assert_eq!(subjects(&two), ["a", "b"]);
    let all = outbox.pending(at(0), 100).await.unwrap();
    assert_eq!(subjects(&all), ["a", "b", "a", "c"]);
    assert!(all.is_sorted_by_key(|pending| pending.sequence));
    outbox
        .delivered(&[all[0].sequence, all[3].sequence])
        .await
        .unwrap();
    outbox.delivered(&[]).await.unwrap();
    let left = place
        .outbox("product")
        .await
        .pending(at(0), 100)
        .await
        .unwrap();
    assert_eq!(left, all[1..3]);
}

/// Until it is due again; meanwhile other subjects go on.
pub async fn a_failed_event_holds_back_only_later_ones_of_its_subject(place: &dyn Place) {
    let outbox = after_changes(place, &["a", "b", "a"]).await;
    let first = outbox.pending(at(0), 1).await.unwrap().remove(0);
    outbox
        .failed(first.sequence, "nobody listens", Some(at(1_000)))
        .await
        .unwrap();
    let now = outbox.pending(at(999), 100).await.unwrap();
    assert_eq!(subjects(&now), ["b"]);
    let later = outbox.pending(at(1_000), 100).await.unwrap();
    assert_eq!(subjects(&later), ["a", "b", "a"]);
    assert_eq!((later[0].sequence, later[0].attempts), (first.sequence, 1));
    assert_eq!(later[2].attempts, 0);
}

/// With all its tries again, and in its old place.
pub async fn a_parked_event_holds_nothing_back_and_can_be_replayed(place: &dyn Place) {
    let outbox = after_changes(place, &["a", "b", "a"]).await;
    let all = outbox.pending(at(0), 100).await.unwrap();
    outbox
        .failed(all[0].sequence, "once", Some(at(15)))
        .await
        .unwrap();
    outbox
        .failed(all[0].sequence, "poison", None)
        .await
        .unwrap();
    outbox
        .failed(all[1].sequence, "poison too", None)
        .await
        .unwrap();
    assert_eq!(subjects(&outbox.pending(at(9), 100).await.unwrap()), ["a"]);
    let letters = outbox.dead_letters(100).await.unwrap();
    let brief: Vec<_> = letters
        .iter()
        .map(|(letter, reason)| (&letter.event, letter.attempts, reason.as_str()))
        .collect();
    assert_eq!(
        brief,
        [
            (&all[0].event, 2, "poison"),
            (&all[1].event, 1, "poison too")
        ]
    );
    assert_eq!(outbox.dead_letters(1).await.unwrap().len(), 1);

    assert!(outbox.replay(all[0].sequence, at(20)).await.unwrap());
    assert!(
        !outbox.replay(all[0].sequence, at(20)).await.unwrap(),
        "it is parked no more"
    );
    assert!(
        !outbox.replay(all[2].sequence, at(20)).await.unwrap(),
        "it never was parked"
    );
    assert!(
        !outbox.replay(i64::MAX, at(20)).await.unwrap(),
        "it never was"
    );
    let pending = outbox.pending(at(20), 100).await.unwrap();
    assert_eq!(pending, [all[0].clone(), all[2].clone()]);
    assert_eq!(outbox.dead_letters(100).await.unwrap().len(), 1);
}

/// Its holder renews it; a replica gets it when the time is over.
pub async fn one_relay_at_a_time_has_the_lease(place: &dyn Place) {
    let (outbox, replica) = (place.outbox("product").await, place.outbox("product").await);
    assert!(outbox.lease("one", at(0), at(100)).await.unwrap());
    assert!(!replica.lease("other", at(50), at(150)).await.unwrap());
    assert!(outbox.lease("one", at(60), at(160)).await.unwrap());
    assert!(!replica.lease("other", at(159), at(259)).await.unwrap());
    assert!(replica.lease("other", at(160), at(260)).await.unwrap());
    assert!(!outbox.lease("one", at(200), at(300)).await.unwrap());
}

/// Letting go is taking it until now, which only its holder can.
pub async fn a_lease_that_is_given_back_or_over_is_free(place: &dyn Place) {
    let outbox = place.outbox("inventory").await;
    assert!(outbox.lease("one", at(0), at(100)).await.unwrap());
    assert!(
        !outbox.lease("other", at(10), at(10)).await.unwrap(),
        "not theirs to give"
    );
    assert!(!outbox.lease("other", at(11), at(111)).await.unwrap());
    assert!(outbox.lease("one", at(20), at(20)).await.unwrap());
    assert!(outbox.lease("other", at(20), at(120)).await.unwrap());
}
