//! Who a container's process is: the image's own users and groups, as Docker reads them.

use std::io;

use crate::in_root::InRoot;

const FILE_LIMIT_BYTES: u64 = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub uid: u32,
    pub gid: u32,
    pub additional_gids: Vec<u32>,
    pub home: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    #[error("unable to find user {0}: no matching entries in passwd file")]
    User(String),
    #[error("unable to find group {0}: no matching entries in group file")]
    Group(String),
}

/// Resolves `uid`, `name`, `uid:gid`, `name:group` with the root's `/etc/passwd` and `/etc/group`; root if absent.
pub(crate) fn resolve(root: &InRoot, wanted: Option<&str>) -> Result<User, UserError> {
    let read = |path| match root.read(path, FILE_LIMIT_BYTES) {
        Ok(text) => text,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(path, %error, "a user file of the image is passed over");
            }
            String::new()
        }
    };
    find(
        &read("/etc/passwd"),
        &read("/etc/group"),
        wanted.filter(|user| !user.is_empty()).unwrap_or("0"),
    )
}

struct Entry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

fn entries(passwd: &str) -> impl Iterator<Item = Entry<'_>> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Entry {
            name,
            uid,
            gid,
            home: fields.nth(1).unwrap_or_default(),
        })
    })
}

fn find(passwd: &str, group: &str, wanted: &str) -> Result<User, UserError> {
    let (user, own_group) = match wanted.split_once(':') {
        Some((user, group)) => (user, Some(group).filter(|group| !group.is_empty())),
        None => (wanted, None),
    };
    let number = user.parse::<u32>().ok();
    // A name that looks like a number is a number, unless a user is called so.
    let entry = entries(passwd)
        .find(|entry| entry.name == user)
        .or_else(|| entries(passwd).find(|entry| Some(entry.uid) == number));
    let uid = match (&entry, number) {
        (Some(entry), _) => entry.uid,
        (None, Some(number)) => number,
        (None, None) => return Err(UserError::User(user.to_owned())),
    };
    let gid = match own_group {
        Some(name) => find_group(group, name)?,
        None => entry.as_ref().map_or(0, |entry| entry.gid),
    };
    // Further groups are those that list the user by name; an explicit group switches them off.
    let additional_gids = match (&entry, own_group) {
        (Some(entry), None) => groups(group)
            .filter(|(_, id, members)| members.split(',').any(|member| member == entry.name) && *id != gid)
            .map(|(_, id, _)| id)
            .collect(),
        _ => Vec::new(),
    };
    let home = entry
        .map(|entry| entry.home)
        .filter(|home| home.starts_with('/'))
        .unwrap_or("/");
    Ok(User {
        uid,
        gid,
        additional_gids,
        home: home.to_owned(),
    })
}

fn groups(group: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let gid = fields.nth(1)?.parse().ok()?;
        Some((name, gid, fields.next().unwrap_or_default()))
    })
}

fn find_group(group: &str, wanted: &str) -> Result<u32, UserError> {
    groups(group)
        .find(|(name, _, _)| *name == wanted)
        .map(|(_, gid, _)| gid)
        .or_else(|| wanted.parse().ok())
        .ok_or_else(|| UserError::Group(wanted.to_owned()))
}

#[cfg(test)]
mod tests;
