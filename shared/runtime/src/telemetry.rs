//! Logs: to standard error, as text for people or JSON for machines.

use bothways_http::request::{self, Told};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    filter::Targets,
    fmt::{
        self, FmtContext, FormatEvent, FormatFields, MakeWriter,
        format::{Format, JsonFields, Writer},
    },
    prelude::*,
    registry::LookupSpan,
};

use crate::Settings;

/// Starts logging as `LOG` (a level, and other levels for modules, as in `warn,hyper=debug`; default `info`) and
/// `LOG_FORMAT` (`text` or `json`) say.
pub(crate) fn start(settings: Settings) {
    let filter = settings.text("LOG").and_then(|filter| filter.parse().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let is_json = settings.text("LOG_FORMAT").as_deref() == Some("json");
    // A second call, as in tests that start several parts in one process, keeps the first's settings.
    let _ = logs(filter, is_json, std::io::stderr).try_init();
}

/// What writes logs to `to`.
fn logs<W>(filter: Targets, is_json: bool, to: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let format = Format::default().with_target(false);
    let layer = fmt::layer().with_writer(to);
    let layer = if is_json {
        let format = format.json().flatten_event(true);
        let add = to_json;
        let layer = layer.fmt_fields(JsonFields::new());
        layer.event_format(OfRequest { format, add }).boxed()
    } else {
        let add = to_text;
        layer.event_format(OfRequest { format, add }).boxed()
    };
    tracing_subscriber::registry().with(filter).with(layer)
}

/// A format whose lines end with the request at hand.
struct OfRequest<F> {
    format: F,
    add: fn(&mut String, &Told<'_>),
}

impl<S, N, F> FormatEvent<S, N> for OfRequest<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut line = String::new();
        self.format
            .format_event(context, Writer::new(&mut line), event)?;
        request::tell(|told| (self.add)(&mut line, told));
        writer.write_str(&line)
    }
}

fn to_text(line: &mut String, told: &Told<'_>) {
    line.truncate(line.trim_end().len());
    *line = format!("{line} {told}\n");
}

fn to_json(line: &mut String, told: &Told<'_>) {
    let whole = line.trim_end().strip_suffix('}');
    if let (Some(fields), Ok(told)) = (whole, serde_json::to_string(told)) {
        *line = format!("{fields},\"request\":{told}}}\n");
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use axum::{Router, body::Body, http::Request, routing::get};
    use bothways_http::layers::{EdgeSettings, edge};
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("a log").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged while a service that warns of something is asked, and before.
    async fn logged(is_json: bool) -> String {
        let log = Log::default();
        let to = log.clone();
        let filter = Targets::new().with_default(Level::INFO);
        let _here = tracing::subscriber::set_default(logs(filter, is_json, move || to.clone()));
        tracing::info!(port = 1, "listening");
        let warns = async || tracing::warn!(price = 2, "how cheap");
        let routes = Router::new().route("/api/carts/{id}", get(warns));
        let edges = EdgeSettings {
            service: "cart",
            catch_panics: true,
        };
        let request = Request::get("/api/carts/secret").header("x-request-id", "r1");
        let request = request.body(Body::empty()).expect("a request");
        let answer = edge(routes, edges).oneshot(request).await;
        assert!(answer.expect("an answer").status().is_success());
        let bytes = log.0.lock().expect("a log").clone();
        String::from_utf8(bytes).expect("text")
    }

    #[tokio::test]
    async fn a_line_of_text_ends_with_the_request_that_it_is_about() {
        let text = logged(false).await;
        let [before, line] = text.lines().collect::<Vec<_>>()[..] else {
            panic!("{text}");
        };
        assert!(before.ends_with(" INFO listening port=1"), "{before}");
        let request = " WARN how cheap price=2 request{service=cart method=GET path=/api/carts/{id} request_id=r1 trace_id=";
        assert!(line.contains(request), "{line}");
        assert!(line.ends_with('}') && !line.contains("secret"), "{line}");
    }

    #[tokio::test]
    async fn a_line_of_json_has_the_request_that_it_is_about() {
        let text = logged(true).await;
        let lines = text.lines().map(serde_json::from_str::<Value>);
        let lines: Vec<Value> = lines.collect::<Result<_, _>>().expect("JSON");
        let [before, line] = &lines[..] else {
            panic!("{text}");
        };
        assert_eq!(before["message"], "listening");
        assert!(before.get("request").is_none(), "{before}");
        assert_eq!(line["message"], "how cheap");
        assert_eq!(line["price"], 2);
        let request = &line["request"];
        assert_eq!(request["service"], "cart");
        assert_eq!(request["path"], "/api/carts/{id}");
        assert_eq!(request["request_id"], "r1");
        assert_eq!(request["trace_id"].as_str().map(str::len), Some(32));
    }
}
