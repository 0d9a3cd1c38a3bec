//! Commands to a shop that runs: `down`, `status`, `stop`, `start`, `invoke`, `import`; how others find it.

use std::time::{Duration, Instant};

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::cli::{Data, Import, Invoke, Name, SignIn, Status};
use crate::import;
use crate::lambda::FunctionStatus;
use crate::shop_client::ShopClient;
use crate::state::{DataFolder, State};

/// How long a launcher may take to end everything.
const DOWN: Duration = Duration::from_secs(30);

/// Ends the launcher that has the data folder.
pub(crate) async fn down(data: &Data) -> Result<(), String> {
    let folder = DataFolder::open(&data.folder)?;
    let Some(holder) = folder.holder() else {
        println!("Nothing runs from {}", folder.join("").display());
        return Ok(());
    };
    let pid = Pid::from_raw(holder).ok_or("the lock names no process")?;
    kill_process(pid, Signal::TERM).map_err(|error| format!("process {holder}: {error}"))?;
    let began = Instant::now();
    while folder.holder().is_some() {
        if began.elapsed() > DOWN {
            return Err(format!(
                "process {holder} has not ended after {} s",
                DOWN.as_secs()
            ));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("The shop is closed");
    Ok(())
}

/// Says what runs.
pub(crate) async fn status(options: &Status) -> Result<(), String> {
    let folder = DataFolder::open(&options.data.folder)?;
    let Some(state) = running(&folder) else {
        let starting = folder.holder().is_some();
        if options.json {
            println!("{}", json!({"running": false, "starting": starting}));
        } else if starting {
            println!("The shop is starting");
        } else {
            println!("Nothing runs from {}", folder.join("").display());
        }
        return Ok(());
    };
    let parts = ask(&state, Method::GET, "/status").await?;
    if options.json {
        let shops: Value = state
            .architectures
            .iter()
            .map(|(name, shop)| (name.clone(), json!({"url": shop.url})))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let shown = json!({
            "running": true, "pid": state.pid, "architectures": shops,
            "processes": parts["processes"], "functions": parts["functions"],
        });
        println!("{shown:#}");
        return Ok(());
    }
    for (architecture, shop) in &state.architectures {
        println!("{architecture:<14} {}", shop.url);
    }
    println!();
    for process in parts["processes"].as_array().into_iter().flatten() {
        println!(
            "{:<32} {:<9} pid {:<8} port {:<6} admin {:<6} {} restarts",
            format!(
                "{}/{}",
                text(process, "architecture"),
                text(process, "name")
            ),
            text(process, "state"),
            process["pid"],
            process["port"],
            process["admin_port"]
                .as_u64()
                .map_or("-".to_owned(), |port| port.to_string()),
            process["restarts"],
        );
    }
    for function in parts["functions"].as_array().into_iter().flatten() {
        println!("{}", FunctionStatus::summary(function));
    }
    Ok(())
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// Stops or starts one process.
pub(crate) async fn order(options: &Name, order: &str) -> Result<(), String> {
    let folder = DataFolder::open(&options.data.folder)?;
    let state = running(&folder).ok_or("nothing runs; start it with `bothways up`")?;
    let (architecture, name) = place(&state, &options.name).await?;
    ask(
        &state,
        Method::POST,
        &format!("/processes/{architecture}/{name}/{order}"),
    )
    .await?;
    println!(
        "{architecture}/{name}: {}",
        if order == "stop" {
            "stopped"
        } else {
            "running"
        }
    );
    Ok(())
}

/// Invokes a function, and prints what it answers.
pub(crate) async fn invoke(options: &Invoke) -> Result<(), String> {
    let folder = DataFolder::open(&options.data.folder)?;
    let state = running(&folder).ok_or("nothing runs; start it with `bothways up`")?;
    let event = std::fs::read(&options.event)
        .map_err(|error| format!("{}: {error}", options.event.display()))?;
    let path = format!("/functions/{}/invocations", options.function);
    println!("{:#}", ask_with(&state, Method::POST, &path, event).await?);
    Ok(())
}

/// The one process a name means.
async fn place(state: &State, name: &str) -> Result<(String, String), String> {
    if let Some((architecture, name)) = name.split_once('/') {
        return Ok((architecture.to_owned(), name.to_owned()));
    }
    let parts = ask(state, Method::GET, "/status").await?;
    let processes = parts["processes"].as_array().cloned().unwrap_or_default();
    let found: Vec<&str> = processes
        .iter()
        .filter(|process| text(process, "name") == name)
        .map(|process| text(process, "architecture"))
        .collect();
    match found.as_slice() {
        [one] => Ok(((*one).to_owned(), name.to_owned())),
        [] => {
            let known: Vec<&str> = processes
                .iter()
                .map(|process| text(process, "name"))
                .collect();
            Err(format!(
                "there is no process {name}; there are {}",
                known.join(", ")
            ))
        }
        _ => Err(format!(
            "{name} is in {}; say ARCHITECTURE/{name}",
            found.join(" and in ")
        )),
    }
}

fn running(folder: &DataFolder) -> Option<State> {
    folder.holder()?;
    folder.read_state()
}

async fn ask(state: &State, method: Method, path: &str) -> Result<Value, String> {
    ask_with(state, method, path, Vec::new()).await
}

async fn ask_with(
    state: &State,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<Value, String> {
    let response = reqwest::Client::new()
        .request(method, format!("{}{path}", state.control))
        .bearer_auth(&state.control_token)
        .body(body)
        .timeout(Duration::from_secs(90))
        .send()
        .await
        .map_err(|error| format!("the launcher does not answer: {error}"))?;
    let status = response.status();
    let body: Value = response.json().await.unwrap_or_default();
    if status.is_success() {
        return Ok(body);
    }
    Err(body["error"]
        .as_str()
        .map_or_else(|| status.to_string(), str::to_owned))
}

/// Loads a file into a shop.
pub(crate) async fn import(options: &Import) -> Result<(), String> {
    let folder = DataFolder::open(&options.sign_in.data.folder)?;
    let url = options.to.trim_end_matches('/');
    let mut client = client(&folder, url, &options.sign_in)?;
    let summary =
        import::interactive(&options.file, url, options.stock, &mut client, &folder).await?;
    println!("{summary}");
    Ok(())
}

/// A client of the shop at `url`, as the administrator who was named or who is known.
pub(crate) fn client(
    folder: &DataFolder,
    url: &str,
    sign_in: &SignIn,
) -> Result<ShopClient, String> {
    let (email, password) = match (&sign_in.admin_email, &sign_in.admin_password) {
        (Some(email), Some(password)) => (email.clone(), password.clone()),
        _ => credentials(folder, url)?,
    };
    ShopClient::new(url, &email, &password)
}

/// Base URLs of the shops that run from the data folder.
pub(crate) fn shops(folder: &DataFolder) -> Result<Vec<String>, String> {
    let state =
        running(folder).ok_or("nothing runs; start it with `bothways up`, or say --to URL")?;
    let shops = state.architectures.into_values();
    Ok(shops.map(|shop| shop.url).collect())
}

/// The administrator of a shop that runs from the data folder.
fn credentials(folder: &DataFolder, url: &str) -> Result<(String, String), String> {
    let own = running(folder).and_then(|state| {
        let same = |known: &str| known == url || known.replace("127.0.0.1", "localhost") == url;
        state
            .architectures
            .into_values()
            .find(|shop| same(&shop.url))
    });
    own.map(|shop| (shop.admin_email, shop.admin_password))
        .ok_or_else(|| {
            format!(
                "no shop at {url} runs from {}; say --admin-email and --admin-password",
                folder.join("").display()
            )
        })
}
