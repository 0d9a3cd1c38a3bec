//! A warm invocation of the product function beside that of a hello-world function, by CPU.
//!
//! Both speak to a Runtime API that hands the same event out again and again. What the database takes of the function's CPU
//! (its driver, not its server) is measured by itself: the same statements with the same arguments, as recorded from the
//! function, over one connection on the same kind of runtime, in a process of this program.

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use bothways_compare::processes;
use serde_json::json;
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::{
    postgres::Server,
    recorder::{Argument, Recorder, Said, Statement},
    rounds::{Reading, Readings, in_turns},
    running::Running,
    services::{INTERNAL_TOKEN, PRODUCT, fill, start},
    table::{Limit, Row},
};

/// Invocations that are measured at a time: enough for a clock of 10 ms.
const MANY: u32 = 5_000;
/// Invocations before that.
const WARM: u32 = 500;
/// How long so many may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// The rows of a warm invocation: beside all that it can't do without, and its own part alone.
pub(crate) fn measure(bins: &Path, rounds: usize) -> Result<Vec<Row>, String> {
    let server = Server::start()?;
    {
        // Make the tables.
        let url = Server::url(server.address);
        let _inventory = start(bins, "inventory", &url, &[])?;
        let _product = start(bins, "product", &url, &[])?;
        fill(&server)?;
    }
    let recorder = Recorder::of_statements(server.address)?;
    let statements = {
        let product = Function::start(bins.join("product"), recorder.address)?;
        // Until its connections are there: what sets one up is no part of an invocation.
        product.invoke(WARM)?;
        recorder.take();
        product.invoke(1)?;
        let did = recorder.take().into_iter().filter_map(|said| match said {
            Said::Did(statement) => Some(statement),
            _ => None,
        });
        did.collect::<Vec<_>>()
    };
    let hello = Function::start(bins.join("hello_axum"), server.address)?;
    let product = Function::start(bins.join("product"), server.address)?;
    let [hello, product, database] = in_turns(
        rounds,
        [&|| hello.read(), &|| product.read(), &|| {
            database(&server, &statements)
        }],
    )?;
    let cpu = |one: &Reading| one.cpu;
    let own = product.with_cpu_of(&database, |all, database| all - database);
    let both = hello.with_cpu_of(&database, |hello, database| hello + database);
    let micros = |of: &Readings| format!("{:.0} µs", of.median(cpu));
    Ok(vec![
        Row {
            what: "product function, a warm invocation: CPU to a hello-world function's plus the database's".to_owned(),
            ratio: product.ratio(&both, cpu),
            limit: Limit::AtMost(1.5),
            figures: [
                micros(&product),
                format!("{} + {}", micros(&hello), micros(&database)),
            ],
        },
        Row {
            what: "product function, a warm invocation: CPU without the database's to a hello-world function's"
                .to_owned(),
            ratio: own.ratio(&hello, cpu),
            limit: Limit::AtMost(1.5),
            figures: [
                format!("{} − {}", micros(&product), micros(&database)),
                micros(&hello),
            ],
        },
    ])
}

/// A function, and the Runtime API it asks.
struct Function {
    running: Running,
    api: Arc<Api>,
}

/// The Runtime API of one function.
#[derive(Default)]
struct Api {
    state: Mutex<Invocations>,
    changed: Condvar,
}

#[derive(Default)]
struct Invocations {
    /// To be handed out yet.
    left: u32,
    answered: u32,
    /// What went wrong.
    fault: Option<String>,
}

impl Function {
    fn start(program: impl AsRef<std::ffi::OsStr>, database: SocketAddr) -> Result<Self, String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let api = Arc::new(Api::default());
        let serving = api.clone();
        // It goes with the process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                thread::spawn(move || serving.serve(stream));
            }
        });
        let mut command = Command::new(program);
        command.env("AWS_LAMBDA_RUNTIME_API", address.to_string());
        command.env("AWS_LAMBDA_FUNCTION_NAME", "product");
        command.env("AWS_LAMBDA_FUNCTION_VERSION", "1");
        command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512");
        command.env("DATABASE_URL", Server::url(database));
        command.env("INTERNAL_TOKEN", INTERNAL_TOKEN);
        command.env("LOG", "warn").env("LOG_FORMAT", "json");
        let running = Running::start(command, address)?;
        Ok(Self { running, api })
    }

    /// Has it answer so many.
    fn invoke(&self, count: u32) -> Result<(), String> {
        let mut state = self.api.state();
        state.answered = 0;
        state.left = count;
        self.api.changed.notify_all();
        let waited = self
            .api
            .changed
            .wait_timeout_while(state, PATIENCE, |state| {
                state.answered < count && state.fault.is_none()
            });
        let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        match &state.fault {
            Some(fault) => Err(format!("the function answered {fault}")),
            None if timeout.timed_out() => Err("the function does not answer".to_owned()),
            None => Ok(()),
        }
    }

    fn read(&self) -> Result<Reading, String> {
        self.invoke(WARM)?;
        let before = self.running.cpu();
        self.invoke(MANY)?;
        Ok(Reading {
            rate: f64::NAN,
            cpu: (self.running.cpu() - before) * 1e6 / f64::from(MANY),
        })
    }
}

impl Api {
    fn state(&self) -> MutexGuard<'_, Invocations> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one connection until it ends.
    fn serve(&self, stream: TcpStream) -> Option<()> {
        let _ = stream.set_nodelay(true);
        let mut answers = stream.try_clone().ok()?;
        let mut requests = BufReader::new(stream);
        loop {
            let (line, body) = request(&mut requests)?;
            if line.starts_with("GET ") {
                let waiting = |state: &mut Invocations| state.left == 0;
                let state = self.changed.wait_while(self.state(), waiting);
                let mut state = state.unwrap_or_else(PoisonError::into_inner);
                state.left -= 1;
                drop(state);
                answers.write_all(event().as_bytes()).ok()?;
                continue;
            }
            answers
                .write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
                .ok()?;
            let is_answer = line.contains("/response") && body.contains("\"statusCode\":200");
            let mut state = self.state();
            state.answered += 1;
            if !is_answer {
                state.fault = Some(body);
            }
            self.changed.notify_all();
        }
    }
}

/// A request's first line and its body.
fn request(from: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let (mut first, mut length, mut chunked) = (String::new(), 0, false);
    from.read_line(&mut first).ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        from.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let mut size = String::new();
            from.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            from.read_exact(&mut chunk).ok()?;
            if size == 0 {
                break;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    } else {
        body.resize(length, 0);
        from.read_exact(&mut body).ok()?;
    }
    Some((first, String::from_utf8_lossy(&body).into_owned()))
}

/// What API Gateway says of a request for a product (payload format 2.0).
fn event() -> String {
    let path = format!("/api/products/{PRODUCT}");
    let event = json!({
        "version": "2.0",
        "routeKey": "GET /api/products/{id}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "application/json", "host": "api.example.com", "user-agent": "benchmark",
            "x-forwarded-for": "192.0.2.1", "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "api.example.com", "domainPrefix": "api",
            "http": {
                "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                "userAgent": "benchmark",
            },
            "requestId": "request", "routeKey": "GET /api/products/{id}", "stage": "$default",
            "time": "01/Jan/2030:00:00:00 +0000", "timeEpoch": 1_893_456_000_000_i64,
        },
        "pathParameters": { "id": PRODUCT },
        "isBase64Encoded": false,
    });
    let event = event.to_string();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlambda-runtime-aws-request-id: request\r\n\
         lambda-runtime-deadline-ms: 4102444800000\r\n\
         lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-west-1:123456789012:function:product\r\n\
         lambda-runtime-trace-id: Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0\r\n\
         content-length: {}\r\n\r\n{event}",
        event.len()
    )
}

/// The hidden command by which this program does the statements in a process of its own.
pub(crate) const DATABASE: &str = "database-work";

/// CPU of doing the statements.
fn database(server: &Server, statements: &[Statement]) -> Result<Reading, String> {
    let own = env::current_exe().map_err(|error| error.to_string())?;
    let statements = serde_json::to_string(statements).map_err(|error| error.to_string())?;
    let mut command = Command::new(own);
    command.args([DATABASE, &Server::url(server.address), &statements]);
    let ran = command.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&ran.stdout);
    let cpu = said.trim().parse();
    let cpu = cpu.map_err(|_| format!("{said}{}", String::from_utf8_lossy(&ran.stderr)))?;
    Ok(Reading {
        rate: f64::NAN,
        cpu,
    })
}

/// Does the statements often, and prints the microseconds of CPU that they took each time.
pub(crate) fn work(url: &str, statements: &str) -> Result<(), String> {
    let statements: Vec<Statement> =
        serde_json::from_str(statements).map_err(|error| error.to_string())?;
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let url = url.replace("{context}", "product,inventory");
    let worked = runtime.block_on(async {
        let mut connection = PgConnection::connect(&url).await?;
        repeat(&mut connection, &statements, WARM).await?;
        let cpu = || processes::cpu_seconds(std::process::id()).unwrap_or(f64::NAN);
        let before = cpu();
        repeat(&mut connection, &statements, MANY).await?;
        Ok::<_, sqlx::Error>((cpu() - before) * 1e6 / f64::from(MANY))
    });
    println!("{}", worked.map_err(|error| error.to_string())?);
    Ok(())
}

async fn repeat(
    connection: &mut PgConnection,
    statements: &[Statement],
    times: u32,
) -> Result<(), sqlx::Error> {
    for _ in 0..times {
        for Statement { sql, arguments } in statements {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.clone()));
            for argument in arguments {
                query = match argument {
                    Argument::Text(text) => query.bind(text),
                    Argument::Number(number) => query.bind(number),
                    Argument::Texts(texts) => query.bind(texts),
                };
            }
            for row in query.fetch_all(&mut *connection).await? {
                for column in 0..row.len() {
                    std::hint::black_box(row.try_get_raw(column)?);
                }
            }
        }
    }
    Ok(())
}
