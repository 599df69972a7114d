//! Who may come in, and who may change something.
//!
//! Without a password the console is for this machine alone. A browser gets a cookie either way: it carries the
//! session of who has given the password, and every form carries a token that is made from it, so that no other page can
//! send one. Which names this machine goes by is judged before (`app` puts the endpoint's own check around).

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, header};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The cookie's name.
pub(crate) const COOKIE: &str = "wharf-console";
/// How long a session lasts, in seconds: twelve hours.
const SESSION_SECONDS: i64 = 12 * 60 * 60;
/// Wrong passwords within [`ATTEMPT_SECONDS`]; one more has to wait.
const ATTEMPTS_MAX: usize = 5;
const ATTEMPT_SECONDS: i64 = 60;

/// What the operator has set; only its hash is kept.
#[derive(Clone)]
pub struct Password([u8; 32]);

impl Password {
    pub fn new(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Takes as long whatever is wrong.
    fn is(&self, text: &str) -> bool {
        let other: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        self.0.ct_eq(&other).into()
    }
}

pub(crate) struct Gate {
    password: Option<Password>,
    key: [u8; 32],
    /// When a wrong password was given, in seconds since 1970.
    wrong: Mutex<Vec<i64>>,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// The cookie's value.
    pub(crate) session: String,
    /// The cookie has to be sent.
    pub(crate) is_new: bool,
    pub(crate) may_enter: bool,
    /// There is a password, so one can leave.
    pub(crate) may_leave: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// From elsewhere, and no password is set.
    Elsewhere,
    Wrong,
    /// Too many wrong ones; seconds to wait.
    Wait(i64),
}

impl Gate {
    pub(crate) fn new(password: Option<Password>, key: [u8; 32]) -> Self {
        Self {
            password,
            key,
            wrong: Mutex::default(),
        }
    }

    fn mac(&self, purpose: &str, text: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(&self.key).expect("a key of any length will do");
        mac.update(purpose.as_bytes());
        mac.update(b"\0");
        mac.update(text.as_bytes());
        mac
    }

    /// `fresh` is a random number, for those that have no cookie yet.
    pub(crate) fn visitor(
        &self,
        peer: Option<SocketAddr>,
        headers: &HeaderMap,
        fresh: u128,
        now: Timestamp,
    ) -> Result<Visitor, Refusal> {
        let is_here = peer.is_some_and(|it| it.ip().to_canonical().is_loopback());
        if self.password.is_none() && !is_here {
            return Err(Refusal::Elsewhere);
        }
        let known = cookie(headers, COOKIE).filter(|value| self.is_valid(value, now));
        Ok(Visitor {
            is_new: known.is_none(),
            may_enter: self.password.is_none() || known.is_some_and(|it| it.starts_with("in.")),
            may_leave: self.password.is_some(),
            session: known.map_or_else(|| self.session("out", fresh, now), str::to_owned),
        })
    }

    /// `<in|out>.<random>.<expires>.<mac>`
    fn session(&self, word: &str, fresh: u128, now: Timestamp) -> String {
        let expires = now.as_second() + SESSION_SECONDS;
        let text = format!("{word}.{fresh:032x}.{expires}");
        let mac = self.mac("session", &text).finalize().into_bytes();
        format!("{text}.{}", hex::encode(mac))
    }

    fn is_valid(&self, value: &str, now: Timestamp) -> bool {
        let Some((text, mac)) = value.rsplit_once('.') else {
            return false;
        };
        let is_ours = hex::decode(mac).is_ok_and(|mac| self.mac("session", text).verify_slice(&mac).is_ok());
        let expires = text.rsplit('.').next().and_then(|it| it.parse::<i64>().ok());
        is_ours && expires.is_some_and(|at| at > now.as_second())
    }

    /// A session for who knows the password.
    pub(crate) fn enter(&self, password: &str, fresh: u128, now: Timestamp) -> Result<String, Refusal> {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|at| now.as_second() - at < ATTEMPT_SECONDS);
        if wrong.len() >= ATTEMPTS_MAX {
            let first = wrong.first().copied().unwrap_or_default();
            return Err(Refusal::Wait(ATTEMPT_SECONDS - (now.as_second() - first)));
        }
        if self.password.as_ref().is_some_and(|it| it.is(password)) {
            return Ok(self.session("in", fresh, now));
        }
        wrong.push(now.as_second());
        Err(Refusal::Wrong)
    }

    /// What a form of this session carries.
    pub(crate) fn token(&self, session: &str) -> String {
        hex::encode(self.mac("form", session).finalize().into_bytes())
    }

    pub(crate) fn is_token(&self, session: &str, token: &str) -> bool {
        hex::decode(token).is_ok_and(|token| self.mac("form", session).verify_slice(&token).is_ok())
    }
}

/// Whether a request that changes something comes from a page of this very console.
pub(crate) fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|it| it.to_str().ok());
    let is_same_site = match headers.get("sec-fetch-site").map(|it| it.as_bytes()) {
        None | Some(b"same-origin" | b"none") => true,
        Some(_) => false,
    };
    let host = text(header::HOST);
    let is_same_origin = match headers.get(header::ORIGIN).map(|it| it.to_str()) {
        None => true,
        Some(Ok(origin)) => {
            let rest = origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"));
            rest.is_some() && rest.map(str::to_ascii_lowercase) == host.map(str::to_ascii_lowercase)
        }
        Some(Err(_)) => false,
    };
    is_same_site && is_same_origin
}

pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|it| it.to_str().ok());
    let mut pairs = all
        .flat_map(|it| it.split(';'))
        .filter_map(|it| it.trim().split_once('='));
    pairs.find(|(it, _)| *it == name).map(|(_, value)| value)
}

/// The header that gives the cookie.
pub(crate) fn set_cookie(session: &str) -> String {
    format!("{COOKIE}={session}; Path=/console; HttpOnly; SameSite=Strict; Max-Age={SESSION_SECONDS}")
}

#[cfg(test)]
mod tests;
