//! A payment provider that charges but never answers in time.

use bothways_tests::{Case, Shop, cases};
use futures::future::join_all;

use crate::books::Purchase;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_payment_that_answers_too_late_is_charged_once_or_not_at_all,
        asking_again_and_again_meanwhile_does_not_charge_twice,
    ]
}

async fn a_payment_that_answers_too_late_is_charged_once_or_not_at_all(shop: &Shop) {
    let purchase = Purchase::prepare(shop).await.pay_with("pm_sandbox_timeout");
    let reply = purchase.checkout.send().await;
    if reply.status != 201 {
        reply.problem("payment-unavailable");
    }
    purchase.adds_up(shop).await;
    purchase.has_one_final_answer(shop).await;
}

async fn asking_again_and_again_meanwhile_does_not_charge_twice(shop: &Shop) {
    let purchase = Purchase::prepare(shop).await.pay_with("pm_sandbox_timeout");
    let impatient = join_all((0..5).map(|_| purchase.checkout.try_send())).await;
    for reply in impatient.into_iter().flatten() {
        let known = ["payment-unavailable", "request-in-progress"];
        let expected = reply.status == 201 || known.iter().any(|known| reply.is_problem(known));
        assert!(expected, "{}", reply.summary());
    }
    purchase.has_one_final_answer(shop).await;
}
