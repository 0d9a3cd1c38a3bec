//! Calls to services that freeze, fail, go and come back, with time standing still in between.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bothways_upstream::{
    Attempt, BreakerState, CallError, Deadline, Discovery, Outcome, Policy, Repeat, Upstream,
    exposition,
};
use tokio::time::{Instant, advance, sleep};

/// How a replica behaves.
#[derive(Debug, Clone, Copy)]
enum Mood {
    Well,
    Slow(u64),
    Frozen,
    /// Nobody listens.
    Gone,
    /// The connection breaks after the question.
    Broken,
    Faulty,
    /// Well, and about to stop.
    Stopping,
    Overloaded,
}

/// Replicas, and what each was asked.
struct World {
    upstream: Arc<Upstream>,
    moods: Mutex<BTreeMap<String, Mood>>,
    asked: Mutex<BTreeMap<String, u32>>,
}

type Answer = Result<(String, u16), CallError<&'static str>>;

impl World {
    fn new(replicas: usize) -> Arc<Self> {
        Self::with(replicas, Policy::default())
    }

    fn with(replicas: usize, policy: Policy) -> Arc<Self> {
        let urls: Vec<_> = (0..replicas).map(|n| format!("http://r{n}:1")).collect();
        let discovery = Discovery::parse(&urls.join(",")).unwrap();
        Arc::new(Self {
            upstream: Arc::new(Upstream::new("shop", discovery, policy, 7)),
            moods: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    fn mood(&self, replica: usize, mood: Mood) {
        let name = format!("r{replica}:1");
        self.moods.lock().unwrap().insert(name, mood);
    }

    fn asked(&self, replica: usize) -> u32 {
        let name = format!("r{replica}:1");
        self.asked.lock().unwrap().get(&name).copied().unwrap_or(0)
    }

    fn asked_in_all(&self) -> u32 {
        self.asked.lock().unwrap().values().sum()
    }

    async fn ask(&self, repeat: Repeat) -> Answer {
        self.ask_within(repeat, 10_000).await
    }

    async fn ask_within(&self, repeat: Repeat, millis: u64) -> Answer {
        let deadline = Deadline::after(Duration::from_millis(millis));
        let answer = async |name: String, mood: Mood| match mood {
            Mood::Well | Mood::Stopping => Outcome::Answered((name, 200)),
            Mood::Slow(millis) => {
                sleep(Duration::from_millis(millis)).await;
                Outcome::Answered((name, 200))
            }
            Mood::Frozen => std::future::pending().await,
            Mood::Gone => Outcome::Refused("refused"),
            Mood::Broken => Outcome::Unreachable("broken"),
            Mood::Faulty => Outcome::Faulty((name, 500)),
            Mood::Overloaded => Outcome::Untouched((name, 503)),
        };
        let attempt = |attempt: Attempt| {
            let name = attempt.endpoint.authority().to_owned();
            *self.asked.lock().unwrap().entry(name.clone()).or_default() += 1;
            let mood = self.moods.lock().unwrap().get(&name).copied();
            if matches!(mood, Some(Mood::Stopping)) {
                attempt.endpoint.stops();
            }
            answer(name, mood.unwrap_or(Mood::Well))
        };
        self.upstream.call(repeat, deadline, attempt).await
    }
}

#[tokio::test(start_paused = true)]
async fn three_replicas_share_the_load() {
    let world = World::new(3);
    for _ in 0..900 {
        world.ask(Repeat::Never).await.unwrap();
    }
    for replica in 0..3 {
        let share = world.asked(replica);
        assert!((225..=378).contains(&share), "{share} of 900");
    }
}

#[tokio::test(start_paused = true)]
async fn a_frozen_replica_costs_few_calls_their_patience_and_is_left_out() {
    let world = World::new(3);
    world.mood(0, Mood::Frozen);
    let mut slow = 0;
    for _ in 0..600 {
        let began = Instant::now();
        world.ask(Repeat::Safe).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(1));
        slow += u32::from(began.elapsed() >= Duration::from_millis(500));
        advance(Duration::from_millis(5)).await;
    }
    assert_eq!(slow, 3, "the replica is out after three");
    assert_eq!(world.upstream.state().endpoints[0].ejections, 1);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_well_again_is_asked_again() {
    let world = World::new(3);
    world.mood(0, Mood::Gone);
    for _ in 0..100 {
        world.ask(Repeat::Safe).await.unwrap();
    }
    let before = world.asked(0);
    assert_eq!(before, 3);
    world.mood(0, Mood::Well);
    advance(Duration::from_secs(5)).await;
    for _ in 0..300 {
        world.ask(Repeat::Safe).await.unwrap();
    }
    assert!(world.asked(0) - before > 75);
    assert!(!world.upstream.state().endpoints[0].ejected);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_out_but_back_is_found_when_the_other_goes() {
    let world = World::new(2);
    world.mood(0, Mood::Gone);
    for _ in 0..20 {
        world.ask(Repeat::Unsent).await.unwrap();
    }
    assert!(world.upstream.state().endpoints[0].ejected);
    world.mood(0, Mood::Well);
    world.mood(1, Mood::Gone);
    for _ in 0..20 {
        world.ask(Repeat::Unsent).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn not_all_replicas_are_left_out() {
    let world = World::new(3);
    for replica in 0..3 {
        world.mood(replica, Mood::Faulty);
    }
    for _ in 0..15 {
        let _ = world.ask(Repeat::Idempotent).await;
    }
    let out = |world: &World| {
        let endpoints = world.upstream.state().endpoints;
        endpoints.iter().filter(|one| one.ejected).count()
    };
    assert!(out(&world) <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_changes_things_is_never_made_twice() {
    for mood in [Mood::Broken, Mood::Faulty] {
        let world = World::new(2);
        world.mood(0, mood);
        world.mood(1, mood);
        let _ = world.ask(Repeat::Unsent).await;
        assert_eq!(world.asked_in_all(), 1, "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_done_may_be_asked_again_whatever_it_is_unless_it_can_not_be_sent_again() {
    for mood in [Mood::Gone, Mood::Overloaded] {
        let world = World::new(2);
        world.mood(0, mood);
        for _ in 0..20 {
            assert_eq!(world.ask(Repeat::Unsent).await.unwrap().1, 200);
        }
        world.mood(1, mood);
        let before = world.asked_in_all();
        let _ = world.ask(Repeat::Never).await;
        assert_eq!(world.asked_in_all(), before + 1, "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_stops_is_asked_once_more_at_most_and_again_when_it_is_back() {
    let world = World::new(2);
    world.mood(0, Mood::Stopping);
    for _ in 0..100 {
        world.ask(Repeat::Unsent).await.unwrap();
    }
    assert_eq!(world.asked(0), 1);
    world.mood(0, Mood::Well);
    advance(Duration::from_secs(5)).await;
    for _ in 0..100 {
        world.ask(Repeat::Unsent).await.unwrap();
    }
    assert!(world.asked(0) > 20);
    let state = world.upstream.state();
    assert_eq!((state.endpoints[0].failures, state.retries), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_call_is_not_made_again_while_the_first_may_be_under_way() {
    let world = World::new(2);
    world.mood(0, Mood::Frozen);
    world.mood(1, Mood::Frozen);
    let began = Instant::now();
    let answer = world.ask(Repeat::Idempotent).await;
    assert!(matches!(answer, Err(CallError::Late)));
    assert_eq!(world.asked_in_all(), 1);
    assert_eq!(began.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_or_not_reached_is_made_at_another_replica() {
    for mood in [Mood::Gone, Mood::Overloaded] {
        let world = World::new(2);
        world.mood(0, mood);
        for _ in 0..20 {
            let (_, status) = world.ask(Repeat::Idempotent).await.unwrap();
            assert_eq!(status, 200);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_single_replica_is_asked_again_after_a_pause_and_given_all_the_time_there_is() {
    let world = World::new(1);
    world.mood(0, Mood::Gone);
    assert!(world.ask(Repeat::Idempotent).await.is_err());
    assert_eq!(world.asked(0), 2);
    world.mood(0, Mood::Slow(9_000));
    assert!(world.ask(Repeat::Safe).await.is_ok());
    world.mood(0, Mood::Faulty);
    assert_eq!(world.ask(Repeat::Safe).await.unwrap().1, 500);
    assert_eq!(world.asked(0), 4);
}

#[tokio::test(start_paused = true)]
async fn a_replica_with_a_fault_answers_only_what_can_not_be_asked_again() {
    let world = World::new(3);
    world.mood(0, Mood::Faulty);
    for _ in 0..100 {
        assert_eq!(world.ask(Repeat::Safe).await.unwrap().1, 200);
    }
    assert_eq!(world.asked(0), 3);
}

#[tokio::test(start_paused = true)]
async fn the_breaker_opens_answers_at_once_and_closes_when_the_service_is_back() {
    let world = World::new(1);
    world.mood(0, Mood::Gone);
    for _ in 0..20 {
        let _ = world.ask(Repeat::Never).await;
    }
    assert_eq!(world.upstream.state().breaker, BreakerState::Open);
    let before = world.asked(0);
    assert!(matches!(
        world.ask(Repeat::Never).await,
        Err(CallError::Open(_))
    ));
    assert_eq!(world.asked(0), before);
    world.mood(0, Mood::Well);
    let began = Instant::now();
    while world.upstream.state().breaker != BreakerState::Closed {
        let _ = world.ask(Repeat::Never).await;
        advance(Duration::from_millis(50)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_overloaded_does_not_open_the_breaker() {
    let world = World::new(1);
    world.mood(0, Mood::Overloaded);
    for _ in 0..50 {
        let _ = world.ask(Repeat::Never).await;
    }
    assert_eq!(world.upstream.state().breaker, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn retries_stay_a_share_of_the_traffic() {
    let world = World::new(1);
    world.mood(0, Mood::Overloaded);
    for _ in 0..200 {
        let _ = world.ask(Repeat::Idempotent).await;
    }
    let state = world.upstream.state();
    let floor = 10;
    assert!(state.retries <= 200 / 5 + floor, "{}", state.retries);
    assert!(state.retries >= 200 / 5);
}

#[tokio::test(start_paused = true)]
async fn too_many_at_once_are_refused_and_room_comes_back() {
    let policy = Policy {
        in_flight: 2,
        ..Policy::default()
    };
    let world = World::with(1, policy);
    world.mood(0, Mood::Slow(1_000));
    let ask = || world.ask(Repeat::Never);
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    assert!(one.is_ok() && two.is_ok());
    assert!(matches!(three, Err(CallError::Shed)));
    assert!(ask().await.is_ok());
    assert_eq!(world.upstream.state().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_out_of_time_is_not_made_and_a_short_one_blames_nobody() {
    let world = World::new(1);
    let answer = world.ask_within(Repeat::Safe, 0).await;
    assert!(matches!(answer, Err(CallError::Late)));
    assert_eq!(world.asked(0), 0);
    world.mood(0, Mood::Frozen);
    for _ in 0..50 {
        assert!(world.ask_within(Repeat::Safe, 20).await.is_err());
    }
    assert_eq!(world.upstream.state().breaker, BreakerState::Closed);
    assert_eq!(world.upstream.state().late, 51);
}

/// So many calls at once to a service that has frozen, looked at after so many milliseconds.
async fn frozen(repeat: Repeat, millis: u64) -> Arc<World> {
    let world = World::new(1);
    world.mood(0, Mood::Frozen);
    let calls = (0..20).map(|_| world.ask(repeat));
    let calls = futures::future::join_all(calls);
    let _ = tokio::time::timeout(Duration::from_millis(millis), calls).await;
    world
}

#[tokio::test(start_paused = true)]
async fn what_should_not_take_long_is_a_failure_before_it_is_given_up() {
    let world = frozen(Repeat::Safe, 2_999).await;
    assert_eq!(world.upstream.state().breaker, BreakerState::Closed);
    let world = frozen(Repeat::Idempotent, 3_001).await;
    assert_eq!(world.upstream.state().breaker, BreakerState::Open);
    let world = frozen(Repeat::Unsent, 9_999).await;
    assert_eq!(world.upstream.state().breaker, BreakerState::Closed);
    let world = frozen(Repeat::Safe, 20_000).await;
    let endpoint = &world.upstream.state().endpoints[0];
    assert_eq!(endpoint.failures, 20, "one for each call");
}

#[tokio::test(start_paused = true)]
async fn slow_answers_that_come_are_no_failures() {
    let world = World::new(1);
    world.mood(0, Mood::Slow(2_900));
    for _ in 0..30 {
        assert!(world.ask(Repeat::Safe).await.is_ok());
    }
    assert_eq!(world.upstream.state().endpoints[0].failures, 0);
}

#[tokio::test]
async fn a_name_is_looked_up_when_it_is_first_needed() {
    let discovery = Discovery::parse("dns+http://localhost:9").unwrap();
    let upstream = Arc::new(Upstream::new("named", discovery, Policy::default(), 1));
    let deadline = Deadline::after(Duration::from_secs(5));
    let attempt = |attempt: Attempt| async move {
        Outcome::<_, &str>::Answered(attempt.endpoint.authority().to_owned())
    };
    let asked = upstream.call(Repeat::Never, deadline, attempt).await;
    let asked = asked.unwrap();
    assert!(["127.0.0.1:9", "[::1]:9"].contains(&asked.as_str()));
    let nobody = Discovery::parse("dns+http://nobody.invalid:9").unwrap();
    let upstream = Arc::new(Upstream::new("nobody", nobody, Policy::default(), 1));
    let answer = upstream.call(Repeat::Never, deadline, attempt).await;
    assert!(matches!(answer, Err(CallError::Nowhere)));
}

#[tokio::test(start_paused = true)]
async fn states_are_told_to_people_and_to_prometheus() {
    let world = World::new(2);
    world.ask(Repeat::Safe).await.unwrap();
    let state = world.upstream.state();
    let json = serde_json::to_value(&state).unwrap();
    assert_eq!(json["breaker"], "closed");
    assert_eq!(json["endpoints"][1]["address"], "r1:1");
    let text = exposition(&[state]);
    for line in [
        "# TYPE upstream_calls_total counter",
        "upstream_calls_total{upstream=\"shop\"} 1",
        "upstream_breaker_state{upstream=\"shop\"} 0",
        "upstream_endpoint_ejected{upstream=\"shop\",endpoint=\"r0:1\"} 0",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} in {text}");
    }
}
