//! How events travel between the services: pushed over HTTP to whoever `EVENT_SUBSCRIBERS` names or, with `EVENTS_URL`,
//! through NATS `JetStream`.

use std::sync::Arc;

use axum::Router;
use bothways_domain::event::{EventHandler, EventSink};
use bothways_http::{clients::PushSink, internal};

use crate::{
    Background, Remote, Result, Settings, Shop, failpoint,
    nats::{Broker, BrokerSink, Follower, TakeBack},
    worker::relay_task,
};

/// The most events that are handled at a time, unless a service asks for fewer.
const BATCH: u32 = 500;

/// The broker that `EVENTS_URL` names, if any.
fn broker(settings: Settings) -> Result<Option<Broker>> {
    let prefix = settings.text("EVENTS_PREFIX");
    let prefix = prefix.unwrap_or_else(|| "SHOP".to_owned());
    let url = settings.read("EVENTS_URL")?;
    Ok(url.map(|url| Broker::new(url, prefix)))
}

/// What a service does about events, to be made part of it by [`Service::with`](crate::Service::with).
pub struct Events {
    pub(crate) router: Router,
    pub(crate) background: Vec<Background>,
}

/// Tells the events of `context`: relays its outbox, up to `batch` at a time, and has its dead letters listed and
/// replayed.
pub(crate) async fn tell(
    context: &'static str,
    batch: Option<u32>,
    shop: &Shop,
    remote: &Remote,
) -> Result<Events> {
    let mut background = Vec::new();
    let sink: Arc<dyn EventSink> = match broker(shop.settings)? {
        Some(broker) => {
            let take_back = TakeBack {
                broker: broker.clone(),
                context,
                outbox: shop.outbox(context).await?,
            };
            background.push(take_back.task());
            Arc::new(BrokerSink(broker))
        }
        None => push_sink(shop.settings, remote)?,
    };
    let mut relay = shop.relay(context, sink).await?;
    if let Some(batch) = batch {
        relay = relay.in_batches_of(batch);
    }
    background.push(relay_task(relay));
    let letters = shop.dead_letters_of(context).await?;
    Ok(Events {
        router: internal::dead_letters(letters, &remote.internal_token()?),
        background,
    })
}

/// Whoever `EVENT_SUBSCRIBERS` says follows this service's events.
fn push_sink(settings: Settings, remote: &Remote) -> Result<Arc<dyn EventSink>> {
    let urls = settings.text("EVENT_SUBSCRIBERS").unwrap_or_default();
    let urls = urls.split(',').map(str::trim);
    let urls = urls.filter(|url| !url.is_empty()).map(str::to_owned);
    let sink = PushSink::new(urls.collect(), &remote.internal_token()?)?;
    Ok(Arc::new(sink))
}

/// Who follows events, and which.
pub struct Follow {
    name: &'static str,
    kinds: &'static [&'static str],
    batch: u32,
}

impl Follow {
    /// The follower `name`, whose replicas share the events whose kinds begin with one of `kinds`, such as `product`.
    /// Where events are pushed, who tells them decides that.
    pub fn of(name: &'static str, kinds: &'static [&'static str]) -> Self {
        Self {
            name,
            kinds,
            batch: BATCH,
        }
    }

    /// Handed at most this many events at a time by a broker: for those that are much work each.
    pub fn in_batches_of(mut self, events: u32) -> Self {
        self.batch = events;
        self
    }

    /// Has `handler` handle them.
    pub fn with(self, handler: Arc<dyn EventHandler>, remote: &Remote) -> Result<Events> {
        let handler = failpoint::handler(remote.settings, handler);
        Ok(match broker(remote.settings)? {
            Some(broker) => {
                let follower = Follower {
                    broker,
                    name: self.name,
                    kinds: self.kinds,
                    batch: self.batch as usize,
                    handler,
                };
                Events {
                    router: Router::new(),
                    background: vec![follower.task()],
                }
            }
            None => Events {
                router: internal::events(handler, &remote.internal_token()?),
                background: Vec::new(),
            },
        })
    }
}
