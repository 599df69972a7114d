//! A tiny static web server, for trying a deployment: one page on port 8080, HTTP/1.1 with keep-alive, one line of log
//! per request. On SIGTERM it answers what has been asked and ends, so that a roll-out loses no request.
//!
//! Standard library only, one thread per connection.

mod termination;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Change this line and deploy again.
const GREETING: &str = "Hello from Wharf!";

const PORT: u16 = 8080;
const CONNECTIONS_MAX: usize = 1_000;
const REQUEST_LINE_BYTES_MAX: u64 = 8 << 10;
const HEADER_BYTES_MAX: u64 = 64 << 10;
const BODY_BYTES_MAX: u64 = 1 << 20;
/// A connection without a request is closed after this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// How long requests in flight may take once the end was asked for.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);
/// How often waiting threads look whether the end was asked for.
const TICK: Duration = Duration::from_millis(50);

/// Requests that are being answered.
static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);
static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);

fn main() -> ExitCode {
    termination::watch();
    let listener = match TcpListener::bind(("0.0.0.0", PORT)).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    }) {
        Ok(listener) => listener,
        Err(error) => {
            log(&format!("cannot listen on port {PORT}: {error}"));
            return ExitCode::FAILURE;
        }
    };
    log(&format!("listening on port {PORT}"));
    while !termination::requested() {
        match listener.accept() {
            Ok((stream, _)) => accept(stream),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                termination::wait_readable(&listener, TICK)
            }
            Err(error) => {
                log(&format!("accept: {error}"));
                thread::sleep(TICK);
            }
        }
    }
    log("stopping: finishing requests in flight");
    // Whoever has been let in by the kernel already is served too.
    while let Ok((stream, _)) = listener.accept() {
        accept(stream);
    }
    // Connections that were made before the end was asked for may still have a request on its way.
    let deadline = Instant::now() + DRAIN_TIMEOUT;
    while CONNECTIONS.load(Ordering::SeqCst) > 0 && Instant::now() < deadline {
        thread::sleep(TICK / 5);
    }
    log(&format!(
        "stopped with {} requests unfinished",
        IN_FLIGHT.load(Ordering::SeqCst)
    ));
    ExitCode::SUCCESS
}

fn accept(stream: TcpStream) {
    if CONNECTIONS.fetch_add(1, Ordering::SeqCst) >= CONNECTIONS_MAX {
        CONNECTIONS.fetch_sub(1, Ordering::SeqCst);
        return;
    }
    let spawned = thread::Builder::new().stack_size(128 << 10).spawn(move || {
        // A client that goes away is no event here.
        let _ = serve(stream);
        CONNECTIONS.fetch_sub(1, Ordering::SeqCst);
    });
    if spawned.is_err() {
        CONNECTIONS.fetch_sub(1, Ordering::SeqCst);
    }
}

fn serve(stream: TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(IDLE_TIMEOUT))?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while await_request(&mut reader)? {
        let _in_flight = InFlight::begin();
        reader.get_ref().set_read_timeout(Some(IDLE_TIMEOUT))?;
        let Some(request) = read_request(&mut reader)? else {
            return Ok(());
        };
        let began = Instant::now();
        let keep_alive = request.keep_alive && !termination::requested();
        let (status, bytes) = respond(&mut writer, &request, keep_alive)?;
        let micros = began.elapsed().as_micros();
        log(&format!(
            "{} {} {status} {bytes}B {micros}us",
            request.method, request.path
        ));
        if !keep_alive {
            return Ok(());
        }
    }
    Ok(())
}

/// Waits for the first byte of a request; `false` if none will come any more.
fn await_request(reader: &mut BufReader<TcpStream>) -> io::Result<bool> {
    reader.get_ref().set_read_timeout(Some(TICK))?;
    let began = Instant::now();
    loop {
        match reader.fill_buf() {
            Ok(bytes) => return Ok(!bytes.is_empty()),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                if termination::requested() || began.elapsed() > IDLE_TIMEOUT {
                    return Ok(false);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

struct Request {
    method: String,
    path: String,
    keep_alive: bool,
}

/// `None` if it is no HTTP request that is worth an answer.
fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    reader
        .by_ref()
        .take(REQUEST_LINE_BYTES_MAX)
        .read_line(&mut line)?;
    let mut parts = line.split_whitespace();
    let (Some(method), Some(target), Some(version)) = (parts.next(), parts.next(), parts.next()) else {
        return Ok(None);
    };
    let (method, target) = (method.to_owned(), target.to_owned());
    let mut keep_alive = version != "HTTP/1.0";
    let mut body_bytes = 0;
    let mut headers = reader.by_ref().take(HEADER_BYTES_MAX);
    loop {
        let mut line = String::new();
        headers.read_line(&mut line)?;
        if !line.ends_with('\n') {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            return Ok(None);
        };
        let value = value.trim();
        if name.eq_ignore_ascii_case("connection") {
            keep_alive = !value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("content-length") {
            let Ok(length) = value.parse() else {
                return Ok(None);
            };
            body_bytes = length;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Ok(None);
        }
    }
    if body_bytes > BODY_BYTES_MAX {
        return Ok(None);
    }
    io::copy(&mut reader.by_ref().take(body_bytes), &mut io::sink())?;
    let path = target
        .split('?')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    Ok(Some(Request {
        method,
        path,
        keep_alive,
    }))
}

/// Returns the status and the size of the body.
fn respond(writer: &mut TcpStream, request: &Request, keep_alive: bool) -> io::Result<(u16, usize)> {
    let (status, reason, body) = match (request.method.as_str(), request.path.as_str()) {
        ("GET" | "HEAD", "/") => (200, "OK", page()),
        ("GET" | "HEAD", "/health") => (200, "OK", "ok\n".to_owned()),
        ("GET" | "HEAD", _) => (404, "Not Found", "nothing here\n".to_owned()),
        _ => (405, "Method Not Allowed", "only GET and HEAD\n".to_owned()),
    };
    let kind = if request.path == "/" && status == 200 {
        "text/html; charset=utf-8"
    } else {
        "text/plain"
    };
    let connection = if keep_alive { "keep-alive" } else { "close" };
    let mut answer = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: {connection}\r\n\r\n",
        body.len()
    );
    if request.method != "HEAD" {
        answer.push_str(&body);
    }
    writer.write_all(answer.as_bytes())?;
    Ok((status, body.len()))
}

fn page() -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{GREETING}</title>\n\
         <style>body{{font:1.1rem system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;\
         text-align:center;color:#123;background:#f4f8fb}}h1{{font-size:3rem;margin:0}}\
         @media(prefers-color-scheme:dark){{body{{color:#def;background:#0c1822}}}}</style>\n\
         <h1>{GREETING}</h1>\n<p>A static binary in an image made <code>FROM scratch</code>, behind a load balancer.</p>\n"
    )
}

fn log(line: &str) {
    // Nobody to read it is no reason to stop serving.
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Counts a request from its first byte to the end of its answer.
struct InFlight;

impl InFlight {
    fn begin() -> Self {
        IN_FLIGHT.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        IN_FLIGHT.fetch_sub(1, Ordering::SeqCst);
    }
}
