//! The order's state machine.

use std::collections::HashSet;

use bothways_domain::checkout::OrderStatus::{
    self, Cancelled, Confirmed, Declined, Delivered, Pending, Shipped,
};
use proptest::prelude::*;

proptest! {
    /// Whatever is asked of an order, in whatever order: it only goes where it may, and ends for good.
    #[test]
    fn no_sequence_of_wishes_leads_anywhere_forbidden(wishes in prop::collection::vec(0..6_usize, 0..30)) {
        let mut status = Pending;
        let mut seen = HashSet::from([Pending]);
        for wish in wishes {
            let next = OrderStatus::ALL[wish];
            if status.may_become(next) {
                prop_assert!(!matches!(status, Cancelled | Declined | Delivered), "{status:?} is the end");
                prop_assert!(seen.insert(next), "an order was {next:?} twice");
                status = next;
            }
        }
        prop_assert!(!seen.contains(&Shipped) || seen.contains(&Confirmed));
        prop_assert!(!seen.contains(&Delivered) || seen.contains(&Shipped));
        prop_assert!(!(seen.contains(&Cancelled) && seen.contains(&Shipped)));
        prop_assert!(!(seen.contains(&Declined) && seen.contains(&Confirmed)));
    }
}

#[test]
fn names_and_states_correspond() {
    for status in OrderStatus::ALL {
        assert_eq!(OrderStatus::parse(status.as_str()), Some(status));
    }
    assert_eq!(OrderStatus::parse("lost"), None);
}
