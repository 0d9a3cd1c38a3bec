//! The dead letters of all contexts, listed and replayed as one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bothways_domain::{
    Caller, Error, Result,
    caller::{Claims, Role},
    event::{
        DeadLetter, DeadLetterApi, DeadLetterSource, DeadLetterUseCases, DeadLetters, Event,
        EventHandler as _, EventKind, Parking,
    },
    id::{EventId, SessionId, Token, UserId},
    paging::{Page, Paging},
    time::Timestamp,
};

/// Dead letters by id and time.
#[derive(Default)]
struct Source {
    letters: Vec<(&'static str, i64)>,
    down: bool,
    replayed: Mutex<Vec<String>>,
}

impl Source {
    fn of(letters: &[(&'static str, i64)]) -> Arc<Self> {
        let letters = letters.to_vec();
        Arc::new(Self {
            letters,
            ..Self::default()
        })
    }

    fn answer<T>(&self, value: T) -> Result<T> {
        if self.down {
            return Err(Error::unavailable("a source"));
        }
        Ok(value)
    }
}

fn id(text: &str) -> EventId {
    EventId::parse(text).unwrap()
}

#[async_trait]
impl DeadLetterSource for Source {
    async fn parked(&self, limit: u32) -> Result<Page<DeadLetter>> {
        let letter = |(name, time): &(&str, i64)| {
            let at = Timestamp::from_millis(*time);
            let event = Event::new(id(name), EventKind::ProductChanged, "p", at);
            DeadLetter::new(event, 5, "poison".to_owned())
        };
        let first = self.letters.iter().take(limit as usize);
        self.answer(Page {
            entries: first.map(letter).collect(),
            total: self.letters.len() as u64,
        })
    }

    async fn replay(&self, id: &EventId) -> Result<bool> {
        let known = self.letters.iter().any(|(known, _)| *known == id.as_str());
        if known {
            self.replayed.lock().unwrap().push(id.to_string());
        }
        self.answer(known)
    }
}

fn user(role: Role) -> Caller {
    Caller::User {
        claims: Claims {
            user: UserId::parse("u").unwrap(),
            role,
            session: SessionId::parse("s").unwrap(),
        },
        bearer: Token::presented("t"),
    }
}

fn over(sources: &[(&'static str, Arc<Source>)]) -> DeadLetterUseCases {
    let sources = sources.iter().map(|(name, source)| {
        let source: Arc<dyn DeadLetterSource> = source.clone();
        (*name, source)
    });
    DeadLetterUseCases {
        sources: sources.collect(),
    }
}

fn names(letters: &DeadLetters) -> Vec<&str> {
    let letters = letters.dead_letters.iter();
    letters.map(|letter| letter.id.as_str()).collect()
}

#[tokio::test]
async fn pages_go_through_the_letters_of_all_sources_oldest_first() {
    let letters = over(&[
        ("product", Source::of(&[("a", 1), ("d", 4), ("e", 5)])),
        ("inventory", Source::of(&[("b", 2), ("c", 2)])),
    ]);
    let admin = user(Role::Admin);
    for (page, expected) in [
        (1, &["a", "b"][..]),
        (2, &["c", "d"]),
        (3, &["e"]),
        (4, &[]),
    ] {
        let paging = Paging::parse(Some(page), Some(2)).unwrap();
        let found = letters.list(&admin, paging).await.unwrap();
        assert_eq!(names(&found), expected);
        assert_eq!((found.total, found.page, found.per_page), (5, page, 2));
        assert!(found.unavailable.is_empty());
    }
}

#[tokio::test]
async fn a_source_that_is_down_is_named_and_the_others_are_listed() {
    let down = Source {
        down: true,
        ..Source::default()
    };
    let alive = Source::of(&[("a", 1)]);
    let letters = over(&[("product", Arc::new(down)), ("inventory", alive.clone())]);
    let admin = user(Role::Admin);
    let found = letters.list(&admin, Paging::default()).await.unwrap();
    assert_eq!((names(&found), found.total), (vec!["a"], 1));
    assert_eq!(found.unavailable, ["product"]);

    letters.replay(&admin, &id("a")).await.unwrap();
    assert_eq!(*alive.replayed.lock().unwrap(), ["a"]);
    let unsure = letters.replay(&admin, &id("b")).await;
    assert!(
        matches!(&unsure, Err(Error::Unavailable { what }) if what == "product"),
        "it may be there: {unsure:?}"
    );
}

#[tokio::test]
async fn only_administrators_list_and_replay() {
    let source = Source::of(&[("a", 1)]);
    let letters = over(&[("product", source.clone())]);
    for (caller, refusal) in [
        (Caller::Anonymous, "sign in first"),
        (user(Role::Customer), "this needs an administrator"),
    ] {
        let listed = letters.list(&caller, Paging::default()).await;
        assert_eq!(listed.unwrap_err().to_string(), refusal);
        let replayed = letters.replay(&caller, &id("a")).await;
        assert_eq!(replayed.unwrap_err().to_string(), refusal);
    }
    assert!(source.replayed.lock().unwrap().is_empty());
    let unknown = letters.replay(&user(Role::Admin), &id("x")).await;
    assert!(matches!(unknown, Err(Error::NotFound(_))), "{unknown:?}");
}

#[tokio::test]
async fn what_nobody_here_told_cannot_be_taken_back_and_comes_again() {
    let parking = Parking {
        outboxes: Vec::new(),
    };
    let at = Timestamp::from_millis(0);
    let event = Event::new(id("e"), EventKind::ProductChanged, "p", at);
    let failed = parking.handle(&[event]).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].0, 0);
    assert_eq!(parking.handle(&[]).await.unwrap(), []);
}
