//! One session from its token to its end, over a connection.

use std::future::{pending, poll_fn};
use std::path::Path;
use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, Stream, StreamExt as _};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::exec::ExecSession;
use crate::exec::connect::{Socket, connect};
use crate::exec::talk::{END_AGAIN, END_AGAIN_MAX, ExecEnd, Print, Printed, Talk, Typed};
use crate::failure::Failure;

/// Until both ends have agreed on a session.
const AGREED_WITHIN: Duration = Duration::from_secs(30);
/// For the last words.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);
/// So often the connection is used at least, or what lies between takes it for dead.
const PING_EVERY: Duration = Duration::from_secs(60);
/// Messages that wait to be sent: with so many nothing more that is typed is taken in, …
const TYPED_MAX: usize = 64;
/// … and with so many nothing more that is printed, which has to be acknowledged.
const OUTGOING_MAX: usize = 4096;

/// Joins a session: sends what is typed, and hands over what is printed until `print` says that nobody reads any more.
///
/// The program has a terminal, so what is typed is echoed, and the end of a line is CR LF.
///
/// # Errors
/// When it cannot be joined, or ends in another way than the program.
pub async fn join(
    session: &ExecSession,
    ca_bundle: Option<&Path>,
    input: impl Stream<Item = Typed>,
    print: &mut dyn FnMut(Printed<'_>) -> bool,
) -> Result<ExecEnd, Failure> {
    let (sink, source) = connect(&session.url, ca_bundle).await?.split();
    let mut line = Line {
        sink,
        source,
        talk: Talk::begin(&session.token),
        unflushed: false,
        agree_until: Instant::now() + AGREED_WITHIN,
        ping_at: Instant::now() + PING_EVERY,
        end_again: None,
    };
    let mut input = std::pin::pin!(input.fuse());
    loop {
        if let Some(end) = line.turn(&mut input, print).await {
            // The other end may be gone already.
            let _ = timeout(CLOSED_WITHIN, line.close()).await;
            return end;
        }
    }
}

struct Line {
    sink: SplitSink<Socket, Message>,
    source: SplitStream<Socket>,
    talk: Talk,
    unflushed: bool,
    agree_until: Instant,
    ping_at: Instant,
    /// When the end of input is told again, and how long after the last time.
    end_again: Option<(Instant, Duration)>,
}

impl Line {
    /// Whatever is possible first. Nothing is lost when another thing comes first: the branches only wait, what they
    /// waited for is done after them.
    async fn turn(
        &mut self,
        input: &mut (impl futures::stream::FusedStream<Item = Typed> + Unpin),
        print: &mut Print<'_>,
    ) -> Option<Result<ExecEnd, Failure>> {
        let waiting = self.talk.outgoing.len();
        let takes_typed = self.talk.agreed && waiting < TYPED_MAX && !input.is_terminated();
        let end_again = self.end_again.map(|(at, _)| at);
        let sink = &mut self.sink;
        let sending = poll_fn(|cx| match waiting {
            0 => sink.poll_flush_unpin(cx),
            _ => sink.poll_ready_unpin(cx),
        });
        tokio::select! {
            ready = sending, if waiting > 0 || self.unflushed => {
                let sent = ready.and_then(|()| self.send_next());
                sent.err().map(|it| self.lost(&it))
            }
            message = self.source.next(), if waiting < OUTGOING_MAX => match message {
                Some(Ok(message)) => self.talk.take(message, print),
                Some(Err(error)) => Some(self.lost(&error)),
                None => Some(self.talk.broken("the connection broke off")),
            },
            typed = input.next(), if takes_typed => self.typed(typed?),
            () = at(end_again) => {
                self.end_input();
                None
            }
            () = sleep_until(self.ping_at) => {
                self.ping_at = Instant::now() + PING_EVERY;
                self.talk.outgoing.push_back(Message::Ping(Vec::new().into()));
                None
            }
            () = sleep_until(self.agree_until), if !self.talk.agreed => {
                let seconds = AGREED_WITHIN.as_secs();
                Some(Err(Failure::Session(format!("it did not begin within {seconds} seconds"))))
            }
        }
    }

    /// The connection takes one message more, or has sent all that it had.
    fn send_next(&mut self) -> Result<(), Error> {
        let next = self.talk.outgoing.pop_front();
        self.unflushed = next.is_some();
        next.map_or(Ok(()), |message| self.sink.start_send_unpin(message))
    }

    fn typed(&mut self, typed: Typed) -> Option<Result<ExecEnd, Failure>> {
        match typed {
            Typed::Bytes(bytes) => self.talk.typed(&bytes),
            Typed::Resize(size) => self.talk.resize(size),
            Typed::End => self.end_input(),
            Typed::Leave => {
                self.talk.leave();
                return Some(Ok(ExecEnd::Left));
            }
        }
        None
    }

    fn end_input(&mut self) {
        self.talk.end_input();
        let wait = match self.end_again {
            Some((_, wait)) => (wait * 2).min(END_AGAIN_MAX),
            None => END_AGAIN,
        };
        self.end_again = Some((Instant::now() + wait, wait));
    }

    fn lost(&self, error: &Error) -> Result<ExecEnd, Failure> {
        self.talk.broken(&format!("the connection broke off: {error}"))
    }

    /// Sends what waits to be sent, and says goodbye.
    async fn close(&mut self) -> Result<(), Error> {
        while let Some(message) = self.talk.outgoing.pop_front() {
            self.sink.feed(message).await?;
        }
        self.sink.close().await
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
