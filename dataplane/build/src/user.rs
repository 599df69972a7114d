//! `--chown`: names are looked up in the image's own `/etc/passwd` and `/etc/group`.

use crate::view::View;

/// `/etc/passwd` and `/etc/group` are read up to this size.
const DATABASE_BYTES_MAX: u64 = 4 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub user: u32,
    pub group: u32,
}

/// The same when nothing must be looked up: `0`, `1000:1000`.
pub(crate) fn numbers(text: &str) -> Option<Owner> {
    let (user, group) = text.split_once(':').unwrap_or((text, text));
    Some(Owner {
        user: user.parse().ok()?,
        group: group.parse().ok()?,
    })
}

/// `user`, `user:group`, by name or number. Without a group it is the user's own; a number alone is both.
pub(crate) fn resolve(view: &View, text: &str) -> Result<Owner, String> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let read = |path: &str| {
        let text = view
            .read(path, DATABASE_BYTES_MAX)
            .map_err(|error| format!("{path}: {error}"))?;
        Ok::<_, String>(text.unwrap_or_default())
    };
    let (user, own_group) = match user.parse::<u32>() {
        Ok(number) => (number, number),
        Err(_) => {
            let passwd = read("/etc/passwd")?;
            let line = find(&passwd, user).ok_or_else(|| format!("the image has no user `{user}`"))?;
            let number = |at: usize| line.get(at).and_then(|field| field.parse().ok());
            let broken = || format!("the line of user `{user}` in /etc/passwd cannot be read");
            (number(2).ok_or_else(broken)?, number(3).ok_or_else(broken)?)
        }
    };
    let group = match group {
        None | Some("") => own_group,
        Some(group) => match group.parse() {
            Ok(number) => number,
            Err(_) => {
                let groups = read("/etc/group")?;
                let line = find(&groups, group).ok_or_else(|| format!("the image has no group `{group}`"))?;
                let number = line.get(2).and_then(|field| field.parse().ok());
                number.ok_or_else(|| format!("the line of group `{group}` in /etc/group cannot be read"))?
            }
        },
    };
    Ok(Owner { user, group })
}

fn find<'a>(database: &'a str, name: &str) -> Option<Vec<&'a str>> {
    database
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields[0] == name)
}
