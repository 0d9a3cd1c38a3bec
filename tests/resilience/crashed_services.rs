//! Services that crash are started again without anybody's help.

use bothways_tests::{Case, SOON, Shop, cases, eventually};

pub(crate) fn cases() -> Vec<Case> {
    cases![every_service_comes_back_after_a_crash]
}

const ARCHITECTURE: &str = "microservices";

async fn every_service_comes_back_after_a_crash(shop: &Shop) {
    let control = shop.control();
    control.mend(ARCHITECTURE).await;
    let product = shop.product().stock(50).create().await;
    for process in control.processes(ARCHITECTURE).await {
        control.order(ARCHITECTURE, &process.name, "crash").await;
        eventually(SOON, &format!("{} runs again", process.name), async || {
            let now = control.process(ARCHITECTURE, &process.name).await;
            let back = now.state == "running" && now.pid.is_some() && now.pid != process.pid;
            if back {
                Ok(())
            } else {
                Err(format!("{now:?}"))
            }
        })
        .await;
        sells(shop, &product.id).await;
    }
}

/// Waits until somebody can buy again.
async fn sells(shop: &Shop, product: &str) {
    eventually(SOON * 3, "somebody can buy", async || {
        let cart = shop.post("/api/carts").try_send().await?;
        let id = cart.value()["id"].as_str().unwrap_or_default().to_owned();
        let item = format!("/api/carts/{id}/items/{product}");
        let item = shop
            .put(&item)
            .json(&serde_json::json!({ "quantity": 1 }))
            .try_send()
            .await?;
        if item.status != 200 {
            return Err(item.summary());
        }
        let reply = shop.checkout(&id).try_send().await?;
        if reply.status == 201 {
            Ok(())
        } else {
            Err(reply.summary())
        }
    })
    .await;
}
