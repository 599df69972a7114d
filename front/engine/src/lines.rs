//! Long answers: JSON lines that are sent while the work goes on. The work lives in the answer's body, so that it ends
//! when the client goes away.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::Stream;
use http::{HeaderValue, header};
use tokio::sync::mpsc;

use crate::answer::Line;

/// Lines that wait for a slow client; further ones are left out, and counted.
const LINES_MAX: usize = 4_096;

/// Where the work puts its lines.
#[derive(Clone)]
pub(crate) struct Lines {
    sender: mpsc::Sender<Line>,
    left_out: Arc<AtomicU64>,
}

impl Lines {
    pub fn send(&self, line: Line) {
        if self.sender.try_send(line).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

type Work = Pin<Box<dyn Future<Output = Vec<Line>> + Send>>;

struct State {
    work: Option<Work>,
    lines: mpsc::Receiver<Line>,
    /// What the work ended with, to be sent after all else.
    last: std::vec::IntoIter<Line>,
    left_out: Arc<AtomicU64>,
}

/// The answer whose lines are those that `work` sends, then those that it returns.
pub(crate) fn respond<F>(work: impl FnOnce(Lines) -> F) -> Response
where
    F: Future<Output = Vec<Line>> + Send + 'static,
{
    let (sender, lines) = mpsc::channel(LINES_MAX);
    let left_out = Arc::new(AtomicU64::new(0));
    let work = work(Lines {
        sender,
        left_out: left_out.clone(),
    });
    let state = State {
        work: Some(Box::pin(work)),
        lines,
        last: Vec::new().into_iter(),
        left_out,
    };
    let mut response = Response::new(Body::from_stream(stream(state)));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn stream(state: State) -> impl Stream<Item = std::io::Result<Bytes>> {
    futures::stream::unfold(state, |mut state| async move {
        let line = state.next().await?;
        let bytes = serde_json::to_vec(&line).map(|mut bytes| {
            bytes.extend_from_slice(b"\r\n");
            Bytes::from(bytes)
        });
        Some((bytes.map_err(std::io::Error::from), state))
    })
}

impl State {
    async fn next(&mut self) -> Option<Line> {
        if let Some(work) = &mut self.work {
            tokio::select! {
                biased;
                line = self.lines.recv() => {
                    if line.is_some() {
                        return line;
                    }
                    // The work has dropped its end and may still have something to return.
                    let last = work.await;
                    self.end(last);
                }
                last = &mut *work => self.end(last),
            }
        }
        if let Ok(line) = self.lines.try_recv() {
            return Some(line);
        }
        match self.left_out.swap(0, Ordering::Relaxed) {
            0 => self.last.next(),
            count => Some(Line::stream(format!(
                "[{count} lines of output were too fast for this client]\n"
            ))),
        }
    }

    fn end(&mut self, last: Vec<Line>) {
        self.work = None;
        self.last = last.into_iter();
    }
}
