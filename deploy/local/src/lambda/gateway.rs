//! The HTTP API in front of the functions: throttle, route, build the event, invoke, map the result.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use time::OffsetDateTime;

use super::event::{self, Arrival};
use super::invocation::{Failure, PAYLOAD_LIMIT};
use super::pool::Pool;
use super::routes::{Matched, Routes};
use super::template::model::ApiSpec;
use super::throttle::Throttle;
use super::{cors, ids, response};

/// Largest request body an HTTP API takes ("Quotas for HTTP APIs": 10 MB). The event it is sent
/// in is bound by the functions' 6 MB before that.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// The HTTP API.
pub(crate) struct Gateway {
    pub(crate) api: ApiSpec,
    pub(crate) routes: Routes,
    /// By logical id.
    pub(crate) functions: BTreeMap<String, Arc<Pool>>,
    pub(crate) throttle: Option<Throttle>,
    pub(crate) port: u16,
}

/// The gateway as an axum app; wants connection info.
pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    Router::new().fallback(handle).with_state(gateway)
}

async fn handle(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let request_id = ids::uuid();
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = gateway.answer(client, request, &request_id).await;
    if let Some(cors) = gateway
        .api
        .cors
        .as_ref()
        .filter(|_| response.status() != StatusCode::NO_CONTENT)
    {
        cors::decorate(cors, origin.as_ref(), &mut response);
    }
    if let Ok(value) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert("apigw-requestid", value);
    }
    response
}

impl Gateway {
    async fn answer(&self, client: SocketAddr, request: Request, request_id: &str) -> Response {
        if self
            .throttle
            .as_ref()
            .is_some_and(|throttle| !throttle.admits(Instant::now()))
        {
            return response::own(StatusCode::TOO_MANY_REQUESTS);
        }
        let (parts, body) = request.into_parts();
        let preflight = self
            .api
            .cors
            .as_ref()
            .and_then(|spec| cors::preflight(spec, &parts.method, &parts.headers));
        if let Some(preflight) = preflight {
            return preflight;
        }
        if !host_is_valid(&parts.headers) {
            return response::own(StatusCode::BAD_REQUEST);
        }
        let Some(matched) = self.routes.find(parts.method.as_str(), parts.uri.path()) else {
            return response::own(StatusCode::NOT_FOUND);
        };
        let body = match read(body).await {
            Ok(body) => body,
            Err(status) => return closing(response::own(status)),
        };
        let trace_id = trace_id(&parts.headers);
        let arrival = Arrival {
            api_id: &self.api.id,
            request_id,
            trace_id: &trace_id,
            source_ip: client.ip(),
            port: self.port,
            at: OffsetDateTime::now_utc(),
        };
        let event = event::build(&parts, &body, &matched, &arrival);
        let Ok(event) = serde_json::to_vec(&event) else {
            return response::own(StatusCode::INTERNAL_SERVER_ERROR);
        };
        self.invoke(&matched, Bytes::from(event), trace_id).await
    }

    async fn invoke(&self, matched: &Matched<'_>, event: Bytes, trace_id: String) -> Response {
        if event.len() > PAYLOAD_LIMIT {
            return response::own(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let Some(pool) = self.functions.get(&matched.route.function) else {
            return response::own(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let invocation = pool.invoke_traced(event, ids::uuid(), trace_id);
        match tokio::time::timeout(matched.route.timeout, invocation).await {
            Ok(Ok(payload)) => response::from_function(&payload),
            Ok(Err(Failure::Throttled)) => response::own(StatusCode::TOO_MANY_REQUESTS),
            Ok(Err(Failure::Function(_) | Failure::TimedOut)) => {
                response::own(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Err(_) => response::own(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

/// API Gateway answers for its own host names only; here any that is one will do.
fn host_is_valid(headers: &HeaderMap) -> bool {
    headers.get(header::HOST).is_none_or(|host| {
        host.to_str()
            .is_ok_and(|host| host.parse::<Authority>().is_ok())
    })
}

fn trace_id(headers: &HeaderMap) -> String {
    let sent = headers
        .get("x-amzn-trace-id")
        .and_then(|value| value.to_str().ok());
    sent.map_or_else(ids::trace_id, str::to_owned)
}

/// What was sent was not read to its end, so the connection can't carry another request: say so.
fn closing(mut response: Response) -> Response {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

async fn read(body: Body) -> Result<Bytes, StatusCode> {
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(StatusCode::PAYLOAD_TOO_LARGE)
        }
        Err(_) => Err(StatusCode::BAD_REQUEST),
    }
}
