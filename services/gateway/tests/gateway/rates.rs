//! How much one client may ask for.

use reqwest::Method;

use crate::door::{Door, Plan, Reply};

async fn door(per_second: u32, burst: u32, trusting: bool) -> Door {
    let mut plan = Plan::new().await;
    (plan.limits.per_second, plan.limits.burst) = (per_second, burst);
    if trusting {
        plan.limits.trusted_proxies = vec![[127, 0, 0, 1].into()];
    }
    plan.start().await
}

async fn from(door: &Door, client: &str) -> Reply {
    let request = door.ask(Method::GET, "/api/carts/1");
    Reply::of(request.header("x-forwarded-for", client)).await
}

#[tokio::test]
async fn a_client_has_its_burst_and_is_then_told_when_to_come_back() {
    // One a minute would be best; one a second is the slowest there is, and five requests take less.
    let door = door(1, 5, false).await;
    let mut refused = None;
    for n in 0..50 {
        let reply = door.get("/api/carts/1").await;
        if reply.status == 429 {
            refused = Some((n, reply));
            break;
        }
    }
    let (served, refusal) = refused.expect("a limit");
    assert!(served >= 5, "{served}");
    refusal.is_problem(429, "rate-limited");
    let wait: u64 = refusal.header("retry-after").parse().expect("seconds");
    assert!((1..=2).contains(&wait), "{wait}");
    assert_eq!(
        door.get("/healthz").await.status,
        200,
        "health is not limited"
    );
    tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
    assert_eq!(door.get("/api/carts/1").await.status, 200);
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_counts_for_itself() {
    let door = door(1, 1, true).await;
    for client in ["10.0.0.1", "10.0.0.2", "9.9.9.9, 10.0.0.3", "2001:db8::1"] {
        assert_eq!(from(&door, client).await.status, 200, "{client}");
    }
    let again = futures::future::join_all((0..20).map(|_| from(&door, "8.8.8.8, 10.0.0.3"))).await;
    assert!(again.iter().any(|reply| reply.status == 429));
}

#[tokio::test]
async fn a_stranger_can_not_pass_for_many() {
    let door = door(1, 1, false).await;
    let each = (0..20).map(async |n| from(&door, &format!("10.0.0.{n}")).await.status);
    let statuses = futures::future::join_all(each).await;
    assert!(statuses.contains(&429), "{statuses:?}");
}
