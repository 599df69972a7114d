//! `docker logs`: what a container has written, line by line.

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use contract::container::{ContainerView, OutputPiece, OutputPieces, OutputStream, OutputWish};
use futures::{StreamExt as _, stream};
use http::header;

use super::{Doors, carry};
use crate::answer::Refusal;
use crate::query::Query;

/// A longer line is told in several pieces.
const LINE_BYTES_MAX: usize = 64 * 1024;

struct Wanted {
    stdout: bool,
    stderr: bool,
    timestamps: bool,
    since_ms: Option<i64>,
    until_ms: Option<i64>,
}

impl Wanted {
    fn parse(query: &Query) -> Result<Self, Refusal> {
        let wanted = Self {
            stdout: query.is_true("stdout"),
            stderr: query.is_true("stderr"),
            timestamps: query.is_true("timestamps"),
            since_ms: moment(query, "since")?,
            until_ms: moment(query, "until")?,
        };
        if !wanted.stdout && !wanted.stderr {
            return Err(Refusal::bad(
                "Bad parameters: you must choose at least one stream",
            ));
        }
        Ok(wanted)
    }

    fn includes(&self, line: &OutputPiece) -> bool {
        let stream = match line.stream {
            OutputStream::Stdout => self.stdout,
            OutputStream::Stderr => self.stderr,
        };
        stream
            && self.since_ms.is_none_or(|since| line.at_ms >= since)
            && self.until_ms.is_none_or(|until| line.at_ms <= until)
    }

    fn dressed(&self, mut line: OutputPiece) -> OutputPiece {
        if self.timestamps
            && let Ok(at) = jiff::Timestamp::from_millisecond(line.at_ms)
        {
            let mut bytes = format!("{at:.9} ").into_bytes();
            bytes.extend_from_slice(&line.bytes);
            line.bytes = bytes.into();
        }
        line
    }
}

/// Seconds since 1970, perhaps with a fraction.
fn moment(query: &Query, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(text) = query.get(name).filter(|text| *text != "0") else {
        return Ok(None);
    };
    let wrong = || {
        Refusal::bad(format!(
            "the parameter `{name}` is to be seconds since 1970: {text:?}"
        ))
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let seconds: i64 = whole.parse().map_err(|_| wrong())?;
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    let thousandths: i64 = thousandths.parse().map_err(|_| wrong())?;
    seconds
        .checked_mul(1_000)
        .and_then(|ms| ms.checked_add(thousandths))
        .map(Some)
        .ok_or_else(wrong)
}

pub(super) async fn logs(
    State(doors): State<Doors>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let wanted = Wanted::parse(&query)?;
    let view = doors.containers.find(&name)?;
    let terminal = view
        .record
        .task
        .containers
        .first()
        .is_some_and(|container| container.pseudo_terminal);
    let skip = match query.get("tail").unwrap_or("all") {
        "all" => 0,
        text => match text.parse::<usize>() {
            Ok(last) => count(&doors, &view, &wanted).await?.saturating_sub(last),
            // As Docker: what is no number is no limit.
            Err(_) => 0,
        },
    };
    let wish = OutputWish {
        past: true,
        follow: query.is_true("follow") && wanted.until_ms.is_none(),
    };
    let pieces = doors.containers.output(&view.record.id, wish).await?;
    let mut seen = 0;
    let lines = lines(pieces).filter_map(move |line| {
        std::future::ready(match line {
            Err(error) => Some(Err(error)),
            Ok(line) if wanted.includes(&line) => {
                seen += 1;
                (seen > skip).then(|| Ok(carry::framed(&wanted.dressed(line), terminal)))
            }
            Ok(_) => None,
        })
    });
    let mut response = Response::new(Body::from_stream(lines));
    let content_type = carry::content_type(terminal);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    Ok(response)
}

/// How many lines there are now.
async fn count(doors: &Doors, view: &ContainerView, wanted: &Wanted) -> Result<usize, Refusal> {
    let wish = OutputWish {
        past: true,
        follow: false,
    };
    let pieces = doors.containers.output(&view.record.id, wish).await?;
    let lines = lines(pieces)
        .filter(|line| std::future::ready(line.as_ref().is_ok_and(|line| wanted.includes(line))));
    Ok(lines.count().await)
}

/// Bytes of a stream whose line end has not come.
#[derive(Default)]
struct Rest {
    at_ms: i64,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Rests([Rest; 2]);

impl Rests {
    fn take(&mut self, piece: &OutputPiece) -> Vec<OutputPiece> {
        let rest = &mut self.0[match piece.stream {
            OutputStream::Stdout => 0,
            OutputStream::Stderr => 1,
        }];
        let mut lines = Vec::new();
        for part in piece.bytes.split_inclusive(|byte| *byte == b'\n') {
            if rest.bytes.is_empty() {
                rest.at_ms = piece.at_ms;
            }
            rest.bytes.extend_from_slice(part);
            if part.ends_with(b"\n") || rest.bytes.len() >= LINE_BYTES_MAX {
                lines.push(OutputPiece {
                    at_ms: rest.at_ms,
                    stream: piece.stream,
                    bytes: Bytes::from(std::mem::take(&mut rest.bytes)),
                });
            }
        }
        lines
    }

    fn end(&mut self) -> Vec<OutputPiece> {
        let streams = [OutputStream::Stdout, OutputStream::Stderr];
        let left = self.0.iter_mut().zip(streams);
        left.filter(|(rest, _)| !rest.bytes.is_empty())
            .map(|(rest, stream)| OutputPiece {
                at_ms: rest.at_ms,
                stream,
                bytes: Bytes::from(std::mem::take(&mut rest.bytes)),
            })
            .collect()
    }
}

fn lines(pieces: OutputPieces) -> impl futures::Stream<Item = std::io::Result<OutputPiece>> + Send {
    let ended = stream::once(std::future::ready(None));
    pieces
        .map(Some)
        .chain(ended)
        .scan(Rests::default(), |rests, piece| {
            let lines: Vec<std::io::Result<OutputPiece>> = match piece {
                Some(Ok(piece)) => rests.take(&piece).into_iter().map(Ok).collect(),
                Some(Err(error)) => vec![Err(error)],
                None => rests.end().into_iter().map(Ok).collect(),
            };
            std::future::ready(Some(stream::iter(lines)))
        })
        .flatten()
}
