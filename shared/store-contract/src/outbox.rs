//! The outbox. Events get there by saving products.

use std::sync::Arc;

use bothways_domain::{
    event::{DeadLetter, Event, EventKind, Outbox, PendingEvent},
    id::EventId,
};

use crate::{
    Counter, Place,
    sample::{at, product, product_id, told},
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
    let mut parked = vec![
        DeadLetter::new(all[0].event.clone(), 2, "poison".to_owned()),
        DeadLetter::new(all[1].event.clone(), 1, "poison too".to_owned()),
    ];
    parked.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!((&letters.entries, letters.total), (&parked, 2));
    let first = outbox.dead_letters(1).await.unwrap();
    assert_eq!((&first.entries[..], first.total), (&parked[..1], 2));

    let [ours, _, waiting] = [0, 1, 2].map(|n| all[n].event.id.clone());
    assert!(outbox.replay(&ours, at(20)).await.unwrap());
    assert!(
        !outbox.replay(&ours, at(20)).await.unwrap(),
        "it is parked no more"
    );
    assert!(
        !outbox.replay(&waiting, at(20)).await.unwrap(),
        "it never was parked"
    );
    let unknown = EventId::parse("unknown").unwrap();
    assert!(!outbox.replay(&unknown, at(20)).await.unwrap());
    let pending = outbox.pending(at(20), 100).await.unwrap();
    assert_eq!(pending, [all[0].clone(), all[2].clone()]);
    assert_eq!(outbox.dead_letters(100).await.unwrap().total, 1);
}

/// As when a queue gave up on it; in the outbox of a context that writes no state, too.
pub async fn an_event_that_left_is_parked_once(place: &dyn Place) {
    let outbox = place.outbox("media").await;
    let event = |id: &str, subject: &str, time| {
        let id = EventId::parse(id).unwrap();
        Event::new(id, EventKind::PhotoUploaded, subject, at(time))
    };
    let (late, early) = (event("e1", "p", 9), event("e2", "p", 5));
    outbox.park(&late, 5, "the queue gave up").await.unwrap();
    outbox.park(&early, 6, "the queue gave up").await.unwrap();
    outbox.park(&late, 7, "and again").await.unwrap();
    let letters = outbox.dead_letters(100).await.unwrap();
    let expected = [
        DeadLetter::new(early, 6, "the queue gave up".to_owned()),
        DeadLetter::new(late.clone(), 7, "and again".to_owned()),
    ];
    assert_eq!((&letters.entries[..], letters.total), (&expected[..], 2));
    assert!(outbox.pending(at(100), 100).await.unwrap().is_empty());
    assert!(outbox.replay(&late.id, at(20)).await.unwrap());
    assert!(outbox.pending(at(19), 100).await.unwrap().is_empty());
    let pending = outbox.pending(at(20), 100).await.unwrap();
    assert_eq!((&pending[0].event, pending[0].attempts), (&late, 0));
    assert_eq!(pending.len(), 1, "the other one holds it up no more");
}

/// It moves to a new place, from where it is sent anew when it is replayed; what follows it goes on.
pub async fn an_event_that_is_still_here_is_parked_once(place: &dyn Place) {
    let outbox = after_changes(place, &["a", "a"]).await;
    let all = outbox.pending(at(0), 100).await.unwrap();
    let first = &all[0];
    outbox
        .park(&first.event, 5, "sent, but not noted")
        .await
        .unwrap();
    assert_eq!(outbox.pending(at(0), 100).await.unwrap(), all[1..]);
    assert_eq!(outbox.dead_letters(100).await.unwrap().total, 1);
    assert!(outbox.replay(&first.event.id, at(0)).await.unwrap());
    let replayed = outbox.pending(at(0), 100).await.unwrap();
    assert_eq!(replayed[1].event, first.event);
    assert!(replayed[1].sequence > all[1].sequence);
    outbox.park(&first.event, 5, "again").await.unwrap();
    assert_eq!(outbox.pending(at(0), 100).await.unwrap(), all[1..]);
    assert_eq!(outbox.dead_letters(100).await.unwrap().total, 1);
}

/// A photo is kept in an object store; its event is for the relay like any other, and has an id of its own.
pub async fn what_no_database_changed_is_told_by_itself(place: &dyn Place) {
    let (teller, outbox) = (place.teller().await, place.outbox("media").await);
    let of = |product: &str| {
        let kind = EventKind::PhotoUploaded;
        Event::of_product(kind, &product_id(product), at(3), &Counter)
    };
    let events = [of("kettle"), of("mug"), of("kettle")];
    for event in &events {
        teller.tell(event).await.unwrap();
    }
    let pending = outbox.pending(at(0), 10).await.unwrap();
    let told: Vec<&Event> = pending.iter().map(|pending| &pending.event).collect();
    assert_eq!(told, events.iter().collect::<Vec<_>>());
    assert!(teller.tell(&events[0]).await.is_err(), "it is told already");
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
