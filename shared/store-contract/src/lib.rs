//! What every database has to do for the shop, as stories that are run on each of them.
//!
//! A story is an async function over an empty [`Place`]; its name is the sentence it proves, and it panics
//! when that does not hold. [`stories!`] makes each a test of its own in an adapter's crate:
//! `bothways_store_contract::stories!(MyPlace);`.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "stories are tests; panicking is how they fail"
)]

pub mod cancelling;
pub mod cart;
pub mod checkout;
pub mod concurrency;
pub mod fulfilment;
pub mod identity;
pub mod inventory;
pub mod lease;
pub mod order;
pub mod outbox;
pub mod product;
pub mod reservation;
pub mod shipping;
pub mod stock_races;

mod sample;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use bothways_domain::{
    cart::CartStore,
    checkout::CheckoutStore,
    event::{Outbox, Teller},
    fulfilment::FulfilmentStore,
    identity::IdentityStore,
    inventory::InventoryStore,
    product::ProductStore,
    time::Entropy,
};

/// Databases of its own for one story, empty at first. Whatever is opened twice is opened as two processes
/// would: over connections of its own to the same data.
#[async_trait]
pub trait Place: Send + Sync + 'static {
    /// A new place, or `None` when there is no such database to test with.
    async fn prepare() -> Option<Self>
    where
        Self: Sized;

    /// The product context's store.
    async fn products(&self) -> Arc<dyn ProductStore>;

    /// The inventory context's store.
    async fn inventory(&self) -> Arc<dyn InventoryStore>;

    /// The cart context's store.
    async fn carts(&self) -> Arc<dyn CartStore>;

    /// The checkout context's store.
    async fn checkouts(&self) -> Arc<dyn CheckoutStore>;

    /// The fulfilment context's store.
    async fn shipments(&self) -> Arc<dyn FulfilmentStore>;

    /// The identity context's store.
    async fn identities(&self) -> Arc<dyn IdentityStore>;

    /// The outbox of `product`, `inventory`, `checkout` or `media`.
    async fn outbox(&self, context: &str) -> Arc<dyn Outbox>;

    /// The media context's outbox, for writing to it.
    async fn teller(&self) -> Arc<dyn Teller>;

    /// Leaves nothing behind.
    async fn dispose(&self);
}

/// Ids that differ, also between processes, which is all that a story needs.
#[derive(Debug)]
pub struct Counter;

static COUNT: AtomicU64 = AtomicU64::new(1);

impl Entropy for Counter {
    fn bits(&self) -> [u8; 16] {
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        (u128::from(process) << 64 | u128::from(count)).to_be_bytes()
    }
}

/// Makes every story a test of its own, on places of the given type.
#[macro_export]
macro_rules! stories {
    ($place:ty) => {
        $crate::tests! { $place;
            product {
                a_new_product_is_created_and_told_of
                the_same_product_again_changes_nothing_and_is_not_told_of
                a_changed_product_keeps_its_pictures_and_its_time_of_creation
                everything_said_of_a_product_comes_back
                one_save_may_hold_a_product_twice
                nothing_to_save_is_fine
                only_known_products_are_found
                related_products_share_the_exact_category_best_rated_first
                a_product_comes_with_its_related_ones
                pages_go_through_all_products_in_the_order_of_their_ids
                a_newer_picture_replaces_and_is_told_of
                a_picture_that_is_not_newer_changes_nothing
                a_deleted_product_is_gone_and_told_of_once
                a_thousand_products_are_saved_at_once
            }
            outbox {
                events_wait_in_the_order_they_were_told_until_they_are_delivered
                a_failed_event_holds_back_only_later_ones_of_its_subject
                a_parked_event_holds_nothing_back_and_can_be_replayed
                an_event_that_left_is_parked_once
                an_event_that_is_still_here_is_parked_once
                what_no_database_changed_is_told_by_itself
                one_relay_at_a_time_has_the_lease
                a_lease_that_is_given_back_or_over_is_free
            }
            inventory {
                what_nobody_stocked_has_no_level
                setting_says_what_it_changed
                one_set_may_hold_a_product_twice
                fewer_than_are_reserved_is_refused_for_that_product_only
                only_a_change_of_band_is_told
                what_nobody_bought_has_sold_nothing
                a_thousand_levels_are_set_at_once
            }
            reservation {
                a_reservation_keeps_all_lines_or_none
                lines_of_one_product_add_up
                reserving_again_keeps_nothing_twice
                a_released_reservation_does_not_come_back
                a_release_ahead_of_its_reservation_wins
                settling_takes_the_units_out_once
                what_is_not_held_is_not_settled
                restocking_puts_sold_units_back_once
                restocking_releases_what_is_held
                only_what_is_held_too_long_expires
                expiring_stops_at_its_limit
                reserving_and_restocking_tell_of_the_bands_they_cross
                what_is_sold_and_not_put_back_is_counted
                a_product_that_sold_twice_as_often_is_told_of
            }
            cart {
                a_cart_comes_back_as_it_was_made
                lines_keep_the_order_they_were_first_put
                putting_the_same_again_changes_nothing
                a_version_that_no_longer_holds_is_stale
                a_write_goes_into_the_cart_as_it_is_now
                a_full_cart_takes_no_other_product
                removing_what_is_not_there_changes_nothing
                remembering_prices_is_no_change_of_the_cart
                a_cart_is_claimed_by_one_user
                a_deleted_cart_is_gone
                an_order_takes_its_lines_out_once
                writing_to_a_missing_cart_says_so
                a_user_finds_the_cart_they_changed_last_a_filled_one_first
                a_guests_cart_is_added_to_the_users_own
                carts_that_hold_too_much_together_stay_apart
                only_ones_own_or_nobodys_cart_is_merged
            }
            checkout {
                a_new_key_is_fresh
                a_key_belongs_to_one_request
                a_confirmed_checkout_is_answered_even_while_open
                a_refused_key_keeps_its_answer_and_frees_the_cart
                a_refusal_before_the_order_is_placed_is_kept_too
                a_forgotten_key_is_new_again
                a_cart_is_locked_by_one_checkout_until_it_is_over
            }
            lease {
                a_key_is_running_while_it_is_leased
                a_lease_that_is_over_is_resumed_where_it_stopped
                a_worker_that_lost_its_lease_writes_nothing
                a_worker_nobody_replaced_may_go_on_late
                a_suspended_checkout_is_resumed_at_once
                abandoned_checkouts_are_taken_once
                taking_abandoned_checkouts_stops_at_its_limit
            }
            cancelling {
                a_confirmed_order_is_cancelled_once
                what_is_not_confirmed_is_not_cancelled
                a_checkout_that_is_being_finished_is_not_cancelled
                a_cancellation_is_abandoned_and_taken_like_a_checkout
                cancelling_leaves_the_cart_to_other_checkouts
            }
            shipping {
                a_paid_order_ships_and_is_delivered_once
                what_is_not_captured_does_not_ship
                what_came_to_nothing_never_ships
                what_has_shipped_is_not_cancelled
                a_clock_that_is_behind_is_set_right
                of_shipping_and_cancelling_at_once_one_wins
            }
            order {
                an_order_comes_back_as_it_was_placed
                orders_of_a_user_come_newest_first_in_pages
                everybodys_orders_come_newest_first_in_pages
                an_order_nobody_placed_is_not_found
            }
            fulfilment {
                an_order_is_noted_once
                what_is_due_is_taken_and_due_again_when_the_lease_is_over
                goods_go_on_from_where_they_are
                a_step_that_failed_is_due_later_with_its_attempts
                taking_stops_at_its_limit_with_the_longest_due
                a_receipt_is_due_until_it_is_settled
                a_receipt_can_wait_while_the_goods_go_on
                many_at_once_share_what_is_due
                one_of_many_notes_an_order
            }
            identity {
                an_account_comes_back_as_it_was_made
                an_address_has_one_account
                a_role_can_be_changed
                failures_are_counted_by_address_and_forgotten_with_time
                no_failure_is_noted_beyond_the_limit
                a_refresh_token_is_traded_once_and_a_replay_ends_its_session
                an_old_token_replayed_late_still_ends_its_session
                an_expired_or_unknown_token_is_refused
                a_revoked_session_is_over
                a_token_just_traded_may_be_traded_again_where_that_is_allowed
                a_changed_password_ends_the_other_sessions
                every_session_of_an_account_is_ended
                the_newest_key_signs_and_old_ones_go_out_of_sight
                of_keys_made_at_once_one_is_added
            }
            stock_races {
                fifty_buyers_get_twenty_units
                reservations_of_the_same_products_in_any_order_all_end
                one_order_reserved_by_many_at_once_is_kept_once
                settling_and_releasing_at_once_agree
                setting_stock_while_it_is_reserved_never_goes_below
                reservations_expire_once
                one_of_many_stocks_a_product_first
            }
            concurrency {
                ten_processes_start_at_once
                one_of_many_creates_a_product
                of_many_pictures_at_once_the_newest_stays
                imports_in_opposite_orders_both_land
                every_put_into_a_cart_counts
                one_of_two_users_claims_a_cart
                an_order_consumed_by_many_at_once_is_consumed_once
                one_of_many_workers_claims_a_key
                one_of_many_keys_gets_the_cart
                recoveries_share_what_is_abandoned
                one_of_many_cancels_an_order
                one_of_two_trades_a_refresh_token_and_the_other_ends_the_session
                an_address_is_registered_once
                many_failures_at_once_stop_at_the_limit
                one_of_many_relays_gets_the_lease
            }
        }
    };
}

/// The tests of the stories listed. Called by [`stories!`].
#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ($place:ty; $($chapter:ident { $($story:ident)* })*) => {
        $(mod $chapter {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    $crate::tell::<$place>(|place| Box::pin($crate::$chapter::$story(place))).await;
                }
            )*
        })*
    };
}

/// A story under way.
pub type Telling<'p> = futures::future::BoxFuture<'p, ()>;

/// Tells a story at a new place, which is cleaned up however the story ends.
pub async fn tell<P: Place>(story: impl FnOnce(&dyn Place) -> Telling<'_> + Send + 'static) {
    let Some(place) = P::prepare().await else {
        return;
    };
    let place = Arc::new(place);
    let theirs = place.clone();
    let told = tokio::spawn(async move { story(theirs.as_ref()).await }).await;
    place.dispose().await;
    if let Err(failure) = told {
        std::panic::resume_unwind(failure.into_panic());
    }
}

#[cfg(test)]
mod tests {
    //! A story that is written but not listed would never be told.

    #[test]
    fn every_story_is_listed() {
        let chapters = [
            ("cancelling", include_str!("cancelling.rs")),
            ("cart", include_str!("cart.rs")),
            ("checkout", include_str!("checkout.rs")),
            ("concurrency", include_str!("concurrency.rs")),
            ("fulfilment", include_str!("fulfilment.rs")),
            ("identity", include_str!("identity.rs")),
            ("inventory", include_str!("inventory.rs")),
            ("lease", include_str!("lease.rs")),
            ("order", include_str!("order.rs")),
            ("outbox", include_str!("outbox.rs")),
            ("product", include_str!("product.rs")),
            ("reservation", include_str!("reservation.rs")),
            ("shipping", include_str!("shipping.rs")),
            ("stock_races", include_str!("stock_races.rs")),
        ];
        let listed = include_str!("lib.rs");
        for (chapter, text) in chapters {
            let list = listed.split(&format!("            {chapter} {{\n")).nth(1);
            let list = list.and_then(|list| list.split('}').next()).unwrap();
            let listed: Vec<&str> = list.split_whitespace().collect();
            let written: Vec<&str> = text
                .split("\npub async fn ")
                .skip(1)
                .filter_map(|story| story.split('(').next())
                .collect();
            assert!(!written.is_empty());
            assert_eq!(written, listed, "the stories of {chapter}");
        }
        let modules = listed.matches("\npub mod ").count();
        assert_eq!(modules, chapters.len(), "each chapter is looked at here");
    }
}
