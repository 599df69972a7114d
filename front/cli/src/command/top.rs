//! `wharf top`: what runs and what goes through, live, from the cloud's `/metrics`.

mod sample;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::arguments::Top;
use crate::command::Session;
use crate::exit::{End, Ended, FAILED, UNREACHABLE};
use sample::{Sample, View};

/// The first look shows what happened within this.
const FIRST: Duration = Duration::from_secs(1);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// To the upper left corner; and away with what is below.
const HOME: &[u8] = b"\x1b[H";
const CLEAR: &[u8] = b"\x1b[H\x1b[2J";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &[u8] = b"\x1b[J";

impl Session {
    pub(super) fn top(&self, top: &Top) -> Ended {
        let info = self.cloud.info(&self.global.state_dir)?;
        let info = info.ok_or_else(|| {
            End::new(UNREACHABLE, "the local cloud does not run")
                .hint("wharf cloud start, or wharf up PATH, starts it")
        })?;
        let address = format!("{}/metrics", info.endpoint);
        let tls = aws_client::tls(None).map_err(|error| End::new(FAILED, error.to_string()))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(rustls::ClientConfig::clone(&Arc::clone(&tls)))
            .timeout(ANSWER_LIMIT)
            .build()
            .map_err(|error| End::new(FAILED, error.to_string()))?;
        self.runtime.block_on(self.watch(top, &client, &address))
    }

    async fn watch(&self, top: &Top, client: &reqwest::Client, address: &str) -> Ended {
        let every = Duration::from_secs(top.interval.max(1));
        let is_live = self.output.live_out() && !top.json && !top.once;
        let mut before = look(client, address).await?;
        if is_live {
            self.output.print_raw(CLEAR)?;
        }
        let mut pause = FIRST;
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = tokio::signal::ctrl_c() => return Ok(()),
            }
            let now = look(client, address).await?;
            let view = View::between(&before.1, &now.1, now.0.duration_since(before.0));
            if top.json {
                self.output.print(serde_json::to_string(&view)?)?;
            } else if is_live {
                self.redraw(&view)?;
            } else {
                self.output.print(view.table())?;
            }
            if top.once {
                return Ok(());
            }
            (before, pause) = (now, every);
        }
    }

    /// In place, line by line, so that nothing flickers.
    fn redraw(&self, view: &View) -> Ended {
        let mut screen = HOME.to_vec();
        for line in view.table().lines().chain(["", "Ctrl-C ends this"]) {
            screen.extend(line.as_bytes());
            screen.extend(CLEAR_LINE.as_bytes());
            screen.push(b'\n');
        }
        screen.extend(CLEAR_BELOW);
        Ok(self.output.print_raw(&screen)?)
    }
}

async fn look(client: &reqwest::Client, address: &str) -> Ended<(Instant, Sample)> {
    let failed = |error: reqwest::Error| End::new(UNREACHABLE, format!("{address} cannot be read: {error}"));
    let answer = client.get(address).send().await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(
            End::new(UNREACHABLE, format!("{address} answers {}", answer.status()))
                .hint("metrics are told on loopback only: the cloud listens somewhere else"),
        );
    }
    let at = Instant::now();
    Ok((at, Sample::read(&answer.text().await.map_err(failed)?)))
}
