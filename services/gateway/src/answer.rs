//! An answer's body: a service's, as it comes, or one of the gateway's own.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};

use crate::forward::Answer;

/// What a client is sent.
#[derive(Debug)]
pub struct Reply(Source);

#[derive(Debug)]
enum Source {
    Gateway(Body),
    Service(Answer),
}

impl From<Body> for Reply {
    fn from(body: Body) -> Self {
        Self(Source::Gateway(body))
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self(Source::Service(answer))
    }
}

impl HttpBody for Reply {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut self.get_mut().0 {
            Source::Gateway(body) => Pin::new(body).poll_frame(context),
            Source::Service(answer) => {
                let frame = Pin::new(answer).poll_frame(context);
                frame.map(|frame| frame.map(|frame| frame.map_err(axum::Error::new)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Source::Gateway(body) => body.is_end_stream(),
            Source::Service(answer) => answer.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Gateway(body) => body.size_hint(),
            Source::Service(answer) => answer.size_hint(),
        }
    }
}
