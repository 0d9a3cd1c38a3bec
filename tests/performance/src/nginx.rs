//! nginx, as what is asked and as what the gateway is compared with.

use std::{fs, net::SocketAddr, path::Path, process::Command};

/// A command that runs nginx with a configuration of its own in `folder`.
fn nginx(folder: &Path, name: &str, workers: &str, http: &str) -> Result<Command, String> {
    let place = folder.join(name);
    fs::create_dir_all(&place).map_err(|error| error.to_string())?;
    let at = place.display();
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders = folders.map(|kind| format!("{kind}_temp_path {at}/{kind};"));
    let folders = folders.join(" ");
    let text = format!(
        "daemon off; worker_processes {workers}; pid {at}/pid; error_log {at}/error.log;
         events {{ worker_connections 1024; }}
         http {{ access_log off; keepalive_requests 100000000; {folders} {http} }}"
    );
    let configuration = place.join("nginx.conf");
    fs::write(&configuration, text).map_err(|error| error.to_string())?;
    let mut command = Command::new("nginx");
    command.arg("-e").arg(place.join("error.log"));
    command.arg("-c").arg(configuration);
    Ok(command)
}

/// Answers everything with `body` at once.
pub(crate) fn server(folder: &Path, at: SocketAddr, body: &str) -> Result<Command, String> {
    let http = format!(
        "server {{ listen {at}; location / {{ default_type application/json; return 200 '{body}'; }} }}"
    );
    nginx(folder, "server", "1", &http)
}

/// What the gateway tells a service beside who asked, and a client beside what the service says.
const HEADERS: &str = "
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Request-Id $request_id;
    proxy_set_header traceparent 00-$request_id-0123456789abcdef-00;
    proxy_set_header X-Deadline-Ms 29999;
    add_header Content-Security-Policy \"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\";
    add_header X-Content-Type-Options nosniff;
    add_header Referrer-Policy strict-origin-when-cross-origin;
    add_header Cross-Origin-Opener-Policy same-origin;
    add_header Cross-Origin-Resource-Policy same-origin;
    add_header Permissions-Policy 'camera=(), geolocation=(), microphone=(), payment=(), usb=()';
    add_header Cache-Control no-store;
    add_header X-Request-Id $request_id;";

/// Passes everything on, over connections that it keeps, and says who asked.
pub(crate) fn proxy(folder: &Path, at: SocketAddr, to: SocketAddr) -> Result<Command, String> {
    forwarding(folder, "proxy", at, to, "")
}

/// The same, with the headers that the gateway sets.
pub(crate) fn alike(folder: &Path, at: SocketAddr, to: SocketAddr) -> Result<Command, String> {
    forwarding(folder, "alike", at, to, HEADERS)
}

fn forwarding(
    folder: &Path,
    name: &str,
    at: SocketAddr,
    to: SocketAddr,
    headers: &str,
) -> Result<Command, String> {
    let http = format!(
        "upstream service {{ server {to}; keepalive 64; keepalive_requests 100000000; }}
         server {{ listen {at}; location / {{
             proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection '';
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; {headers}
         }} }}"
    );
    nginx(folder, name, "auto", &http)
}
