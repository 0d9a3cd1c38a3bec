//! Events that were given up on, and sending them on their way again.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::IntoResponse as _,
};
use bothways_domain::{Error, event::DeadLetter, id::EventId, paging::Paging};
use bothways_http::extract::Query;

use super::{
    super::{Answer, Chrome, go_to},
    ROWS, Turns, gate,
};
use crate::{
    Pages,
    cookies::NewCookies,
    error::{Failure, render},
    format,
    session::Visitor,
};

#[derive(Template)]
#[template(path = "admin_dead_letters.html")]
struct DeadLetters {
    chrome: Chrome,
    tab: &'static str,
    rows: Vec<Row>,
    /// The parts of the shop whose dead letters are missing here.
    unavailable: String,
    turns: Turns,
    notice: &'static str,
}

struct Row {
    id: String,
    kind: &'static str,
    subject: String,
    source: String,
    at: String,
    attempts: u32,
    reason: String,
}

impl From<DeadLetter> for Row {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id.to_string(),
            kind: letter.kind.as_str(),
            subject: letter.subject,
            source: letter.source.trim_start_matches('/').to_owned(),
            at: format::moment(letter.occurred_at),
            attempts: letter.attempts,
            reason: letter.reason,
        }
    }
}

/// Lists dead letters, oldest first.
pub(crate) async fn show(State(pages): State<Pages>, visitor: Visitor, query: Query) -> Answer {
    if let Some(instead) = gate(&visitor, "/admin/dead-letters")? {
        return Ok(instead);
    }
    let page = query.parsed("page", "a page number")?;
    let paging = Paging::parse(page, Some(ROWS))?;
    let found = pages.dead_letters.list(&visitor.caller, paging).await?;
    let page = DeadLetters {
        chrome: Chrome::new(&pages, Some(&visitor), ""),
        tab: "dead letters",
        turns: Turns::new("/admin/dead-letters", "", paging, found.total),
        rows: found.dead_letters.into_iter().map(Row::from).collect(),
        unavailable: found.unavailable.join(", "),
        notice: match query.text("replayed") {
            Some("yes") => "It is on its way again.",
            Some(_) => "It was no dead letter any more.",
            None => "",
        },
    };
    Ok(render(&page).into_response())
}

/// Sends one on its way again.
pub(crate) async fn replay(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Answer {
    if let Some(instead) = gate(&visitor, "/admin/dead-letters")? {
        return Ok(instead);
    }
    let id = EventId::parse(&id).ok_or_else(Failure::not_found)?;
    let replayed = match pages.dead_letters.replay(&visitor.caller, &id).await {
        Ok(()) => "yes",
        Err(Error::NotFound(_)) => "no",
        Err(other) => return Err(other.into()),
    };
    let path = format!("/admin/dead-letters?replayed={replayed}");
    Ok(go_to(&path, NewCookies::default()))
}
