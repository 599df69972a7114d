//! Stickiness: a cookie that leads a client back to the target that answered it.

use std::net::SocketAddrV4;

use contract::route::{Stickiness, StickyCookie};
use http::HeaderMap;
use http::header::{self, HeaderValue};

use crate::state::Group;

/// The names of the load balancer's cookies, as in AWS.
const OWN: &str = "AWSALB";
/// The same for requests from pages of other sites.
const OWN_CROSS_SITE: &str = "AWSALBCORS";
const BESIDE_APPLICATION: &str = "AWSALBAPP-0";

/// What a request says about the target it belongs to.
pub(crate) struct Sticky {
    config: Stickiness,
    group: String,
    /// The cookie's value, if the client has one.
    mark: Option<String>,
}

impl Sticky {
    /// None in a group whose clients do not stay.
    pub(crate) fn of(group: &Group, headers: &HeaderMap) -> Option<Self> {
        let config = group.config.stickiness.clone()?;
        let names: &[&str] = match config.cookie {
            StickyCookie::Own => &[OWN, OWN_CROSS_SITE],
            StickyCookie::Application(_) => &[BESIDE_APPLICATION],
        };
        let mark = names.iter().find_map(|name| cookie(headers, name));
        Some(Self {
            config,
            group: group.config.id.clone(),
            mark,
        })
    }

    pub(crate) fn leads_to(&self, address: SocketAddrV4) -> bool {
        self.mark
            .as_ref()
            .is_some_and(|mark| *mark == self.mark_of(address))
    }

    /// Says nothing about where the target is, and is the same after a restart.
    fn mark_of(&self, address: SocketAddrV4) -> String {
        let text = format!("{} {address}", self.group);
        let mixed = text
            .bytes()
            .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash: u128, byte| {
                (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
            });
        format!("{mixed:032x}")
    }

    /// Tells the client of an answer where to come back to.
    pub(crate) fn mark(&self, headers: &mut HeaderMap, address: SocketAddrV4) {
        let (mark, seconds) = (self.mark_of(address), self.config.duration_seconds);
        let cookies = match &self.config.cookie {
            StickyCookie::Own => vec![
                format!("{OWN}={mark}; Max-Age={seconds}; Path=/"),
                format!("{OWN_CROSS_SITE}={mark}; Max-Age={seconds}; Path=/; SameSite=None"),
            ],
            StickyCookie::Application(name) if sets(headers, name) => {
                vec![format!("{BESIDE_APPLICATION}={mark}; Max-Age={seconds}; Path=/")]
            }
            StickyCookie::Application(_) => vec![],
        };
        for cookie in cookies {
            if let Ok(value) = HeaderValue::from_str(&cookie) {
                headers.append(header::SET_COOKIE, value);
            }
        }
    }
}

/// The value of a request's cookie.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// Whether an answer sets a cookie of this name.
fn sets(headers: &HeaderMap, name: &str) -> bool {
    let lines = headers.get_all(header::SET_COOKIE).iter();
    let mut pairs = lines
        .filter_map(|line| line.to_str().ok())
        .filter_map(|line| line.split_once('='));
    pairs.any(|(key, _)| key.trim() == name)
}
