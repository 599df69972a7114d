//! The host's own network, touched as little as possible: one link per network, one table, and forwarding on the
//! links that need it. What was changed is remembered on the links themselves, where other instances see it, and in
//! a file, which outlives them; so it can be undone whatever happened in between.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::link::{Link, Links, Veth, VethPeer};
use crate::name;
use crate::namespace::Namespace;
use crate::nft::{Family, Table};
use crate::rules::{self, UPLINK, Uplink};

/// First word of the aliases of all instances' uplinks.
const ALIAS: &str = "wharf";
/// Pairs of addresses for uplinks are taken from 169.254.64.0 up to 169.254.127.255, away from what clouds use.
const ADDRESSES_FIRST: u32 = u32::from_be_bytes([169, 254, 64, 0]);
const ADDRESS_PAIRS: u32 = 64 * 256 / 4;
const UPLINK_PREFIX: u8 = 30;

pub(crate) struct Host {
    namespace: Namespace,
    instance: String,
    /// Names of links that did not forward before this instance came, one a line.
    memory: PathBuf,
    /// The table that stands; also makes sure that one change at a time is made.
    standing: Mutex<Option<Table>>,
}

/// An uplink's alias: whose it is, and which links did not forward before Wharf came.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Alias {
    instance: String,
    network: String,
    not_forwarding: Vec<String>,
}

impl Alias {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ').map(str::to_owned);
        if words.next()? != ALIAS {
            return None;
        }
        Some(Self {
            instance: words.next()?,
            network: words.next()?,
            not_forwarding: words.collect(),
        })
    }

    fn text(&self) -> String {
        let mut words = vec![ALIAS, &self.instance, &self.network];
        words.extend(self.not_forwarding.iter().map(String::as_str));
        words.join(" ")
    }
}

impl Host {
    pub fn new(instance: &str, run_dir: &Path) -> io::Result<Self> {
        Ok(Self {
            namespace: Namespace::current()?,
            instance: instance.to_owned(),
            memory: run_dir.join("not-forwarding"),
            standing: Mutex::new(None),
        })
    }

    fn table(&self) -> String {
        format!("wharf_{}", self.instance)
    }

    fn uplinks(links: &mut Links) -> io::Result<Vec<(Link, Alias)>> {
        Ok(links
            .all()?
            .into_iter()
            .filter_map(|link| Some((link.clone(), Alias::parse(&link.alias)?)))
            .collect())
    }

    /// Makes a network's uplink if it is not there, and returns its name.
    pub fn ensure_uplink(&self, network: &str, inside: &Namespace) -> io::Result<String> {
        let mut standing = self
            .standing
            .lock()
            .expect("nothing panics while it holds the lock");
        let mut links = self.namespace.links()?;
        let mut inner = inside.links()?;
        let all = Self::uplinks(&mut links)?;
        let own = |alias: &Alias| alias.instance == self.instance && alias.network == network;
        let there = all
            .iter()
            .find(|(_, alias)| own(alias))
            .map(|(link, _)| link.clone());
        let link = match (there, inner.find(UPLINK)?) {
            (Some(link), Some(_)) => link,
            (there, _) => {
                // One end without the other is left of a crash between two steps.
                if let Some(link) = there {
                    links.remove(&link.name)?;
                }
                inner.remove(UPLINK)?;
                self.add_uplink(&mut links, network, inside)?
            }
        };
        links.raise(&link.name)?;
        let (host, own) = self.addresses(&mut links, &link, network)?;
        let inner_link = inner
            .find(UPLINK)?
            .ok_or_else(|| io::Error::other("the uplink has gone"))?;
        inner.set_addresses(inner_link.index, &[(own, UPLINK_PREFIX)])?;
        inner.raise(UPLINK)?;
        inner.await_passing(UPLINK)?;
        links.await_passing(&link.name)?;
        inner.set_default_route(inner_link.index, host)?;
        self.forward(&mut links, &link)?;
        self.refresh_table(&mut links, &mut standing)?;
        Ok(link.name)
    }

    /// Makes these, and no others, the public addresses that the host reaches by an uplink.
    pub fn reach(&self, uplink: &str, public: &BTreeSet<Ipv4Addr>) -> io::Result<()> {
        let mut standing = self
            .standing
            .lock()
            .expect("nothing panics while it holds the lock");
        let mut links = self.namespace.links()?;
        let link = links
            .find(uplink)?
            .ok_or_else(|| io::Error::other("the uplink has gone"))?;
        let there: BTreeSet<Ipv4Addr> = links.gateway_routes(link.index)?.into_iter().collect();
        let own = links.addresses(Some(link.index))?;
        let (host, _) = own
            .first()
            .ok_or_else(|| io::Error::other("the uplink has no address"))?;
        let network = Ipv4Addr::from(u32::from(*host) + 1);
        for address in public.difference(&there) {
            links.set_route(*address, link.index, network)?;
        }
        for address in there.difference(public) {
            links.remove_route(*address, link.index)?;
        }
        if there == *public {
            return Ok(());
        }
        self.refresh_table(&mut links, &mut standing)
    }

    fn add_uplink(&self, links: &mut Links, network: &str, inside: &Namespace) -> io::Result<Link> {
        let taken: Vec<String> = links.all()?.into_iter().map(|link| link.name).collect();
        let hash = hash(network);
        let name = (0..=0xfffff)
            .map(|step| format!("wh{}{:05x}", self.instance, (hash + step) & 0xfffff))
            .find(|name| !taken.contains(name))
            .ok_or_else(|| io::Error::other("there is no name left for an uplink"))?;
        let alias = Alias {
            instance: self.instance.clone(),
            network: network.to_owned(),
            not_forwarding: Vec::new(),
        };
        links.add_veth(&Veth {
            name: &name,
            alias: &alias.text(),
            bridge: None,
            peer: VethPeer {
                name: UPLINK,
                namespace: inside.descriptor(),
                mac: None,
            },
        })?;
        links
            .find(&name)?
            .ok_or_else(|| io::Error::other("the uplink has gone"))
    }

    /// Addresses of the host's end and the network's end: those that the link has, or free ones.
    fn addresses(&self, links: &mut Links, link: &Link, network: &str) -> io::Result<(Ipv4Addr, Ipv4Addr)> {
        let other = |host: Ipv4Addr| Ipv4Addr::from(u32::from(host) + 1);
        if let Some((host, _)) = links
            .addresses(Some(link.index))?
            .into_iter()
            .find(|(_, prefix)| *prefix == UPLINK_PREFIX)
        {
            return Ok((host, other(host)));
        }
        let start = hash(&format!("{}/{network}", self.instance));
        for step in 0..ADDRESS_PAIRS {
            let base = ADDRESSES_FIRST + (start.wrapping_add(step) % ADDRESS_PAIRS) * 4;
            let host = Ipv4Addr::from(base + 1);
            let taken = |links: &mut Links| -> io::Result<usize> {
                let all = links.addresses(None)?;
                Ok(all
                    .iter()
                    .filter(|(address, _)| u32::from(*address) & !3 == base)
                    .count())
            };
            if taken(links)? > 0 {
                continue;
            }
            links.add_address(link.index, host, UPLINK_PREFIX)?;
            // Another instance may have had the same idea at the same time.
            if taken(links)? == 1 {
                return Ok((host, other(host)));
            }
            links.remove_address(link.index, host, UPLINK_PREFIX)?;
        }
        Err(io::Error::other("there is no address left for an uplink"))
    }

    /// Lets packets pass between an uplink and the links to the world.
    fn forward(&self, links: &mut Links, uplink: &Link) -> io::Result<()> {
        let all = links.all()?;
        let world = links.default_route_links()?;
        let names: Vec<&str> = all
            .iter()
            .filter(|link| world.contains(&link.index))
            .map(|link| link.name.as_str())
            .collect();
        let aliases: Vec<(Link, Alias)> = Self::uplinks(links)?;
        let Some((_, mut alias)) = aliases
            .iter()
            .find(|(link, _)| link.index == uplink.index)
            .cloned()
        else {
            return Ok(());
        };
        let mut remembered = self.remembered();
        let mut settings = vec![(forwarding(&uplink.name), "1")];
        for name in names {
            let changed_by_us = remembered.contains(name)
                || aliases
                    .iter()
                    .any(|(_, alias)| alias.not_forwarding.iter().any(|other| other == name));
            if self.read(&forwarding(name))?.trim() == "0" {
                settings.push((forwarding(name), "1"));
            } else if !changed_by_us {
                continue;
            }
            if !alias.not_forwarding.iter().any(|other| other == name) {
                alias.not_forwarding.push(name.to_owned());
            }
            remembered.insert(name.to_owned());
        }
        // Remembered first: what is remembered but not done is undone without harm.
        links.set_alias(uplink.index, &alias.text())?;
        self.remember(&remembered)?;
        let settings: Vec<(&str, &str)> = settings
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        self.namespace.set(&settings)
    }

    fn remembered(&self) -> BTreeSet<String> {
        let text = fs::read_to_string(&self.memory).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn remember(&self, names: &BTreeSet<String>) -> io::Result<()> {
        if *names == self.remembered() {
            return Ok(());
        }
        if names.is_empty() {
            return fs::remove_file(&self.memory);
        }
        let lines: Vec<&str> = names.iter().map(String::as_str).collect();
        fs::write(&self.memory, lines.join("\n"))
    }

    fn read(&self, setting: &str) -> io::Result<String> {
        self.namespace
            .inside(|| fs::read_to_string(format!("/proc/sys/net/{setting}")))
    }

    /// Brings the host's part up to date with its links to the world.
    pub fn refresh(&self) -> io::Result<()> {
        let mut standing = self
            .standing
            .lock()
            .expect("nothing panics while it holds the lock");
        let mut links = self.namespace.links()?;
        for (link, alias) in Self::uplinks(&mut links)? {
            if alias.instance == self.instance {
                self.forward(&mut links, &link)?;
            }
        }
        self.refresh_table(&mut links, &mut standing)
    }

    fn refresh_table(&self, links: &mut Links, standing: &mut Option<Table>) -> io::Result<()> {
        let mut uplinks = Vec::new();
        for (link, alias) in Self::uplinks(links)? {
            let address = links
                .addresses(Some(link.index))?
                .first()
                .map(|(address, _)| *address);
            if let (Some(host), true) = (address, alias.instance == self.instance) {
                let network = Ipv4Addr::from(u32::from(host) + 1);
                let public = links.gateway_routes(link.index)?;
                uplinks.push(Uplink {
                    link: link.name,
                    network,
                    public,
                });
            }
        }
        if uplinks.is_empty() {
            Table::remove(Family::Ipv4, &self.table(), &mut self.namespace.filter()?)?;
            *standing = None;
            return Ok(());
        }
        let table = rules::host_table(&self.table(), &uplinks);
        if standing.as_ref() != Some(&table) {
            table.replace(&mut self.namespace.filter()?)?;
            *standing = Some(table);
        }
        Ok(())
    }

    /// Networks of this instance that have an uplink.
    pub fn networks(&self) -> io::Result<Vec<String>> {
        let all = Self::uplinks(&mut self.namespace.links()?)?;
        Ok(all
            .into_iter()
            .filter(|(_, alias)| alias.instance == self.instance)
            .map(|(_, alias)| alias.network)
            .collect())
    }

    /// Removes a network's uplink and undoes what nobody needs any more.
    pub fn remove_uplink(&self, network: &str) -> io::Result<()> {
        let mut standing = self
            .standing
            .lock()
            .expect("nothing panics while it holds the lock");
        let mut links = self.namespace.links()?;
        let (ours, others): (Vec<_>, Vec<_>) = Self::uplinks(&mut links)?
            .into_iter()
            .partition(|(_, alias)| alias.instance == self.instance && alias.network == network);
        if !others.iter().any(|(_, alias)| alias.instance == self.instance) {
            // Undone before it is forgotten, and before the links that tell others of it are gone.
            self.restore(&mut links, &others)?;
        }
        for (link, _) in ours {
            links.remove(&link.name)?;
        }
        self.refresh_table(&mut links, &mut standing)
    }

    /// Stops forwarding where it was not on before, unless another instance needs it; that one knows it too.
    fn restore(&self, links: &mut Links, others: &[(Link, Alias)]) -> io::Result<()> {
        let there = links.all()?;
        let settings: Vec<String> = self
            .remembered()
            .into_iter()
            .filter(|name| there.iter().any(|link| link.name == *name))
            .filter(|name| {
                !others
                    .iter()
                    .any(|(_, alias)| alias.not_forwarding.contains(name))
            })
            .map(|name| forwarding(&name))
            .collect();
        let settings: Vec<(&str, &str)> = settings.iter().map(|name| (name.as_str(), "0")).collect();
        self.namespace.set(&settings)?;
        self.remember(&BTreeSet::new())
    }
}

fn forwarding(link: &str) -> String {
    format!("ipv4/conf/{link}/forwarding")
}

fn hash(text: &str) -> u32 {
    (name::hash(text) & 0xffff_ffff) as u32
}

#[cfg(test)]
mod tests;
