//! RUN: its mounts and its network.

use std::ops::Range;

use super::argument::run_command;
use super::flag::Flag;
use super::{Parser, Rest};
use crate::instruction::{Mount, MountKind, Network, Run, Sharing, Word};

/// A key, its value if there is one.
type Field = (String, Option<String>);

impl Parser {
    pub(super) fn run(&mut self, rest: &Rest<'_>, mut flags: Vec<Flag>) -> Option<Run> {
        let written = self.repeated(&mut flags, "mount");
        let mounts = written
            .into_iter()
            .filter_map(|(value, span)| self.mount(&value, span))
            .collect();
        let [network, security] = self.take_flags(rest, flags, ["network", "security"]);
        let network = match network.as_ref().map(|word| word.text.as_str()) {
            None | Some("default") => Network::Default,
            Some("host") => Network::Host,
            Some("none") => Network::None,
            Some(other) => {
                let message = format!("there is no network `{other}` for RUN");
                let span = network.as_ref().map_or(0..0, |word| word.span.clone());
                self.problem(span, message, "the networks are `default`, `host` and `none`");
                Network::Default
            }
        };
        if let Some(word) = security.filter(|word| word.text != "sandbox") {
            let message = format!("`RUN --security={}` is not supported", word.text);
            self.problem(
                word.span,
                message,
                "steps run in a sandbox; write the step without it",
            );
        }
        let (command, script) = run_command(rest);
        Some(Run {
            command,
            span: rest.span(),
            script,
            mounts,
            network,
        })
    }

    fn mount(&mut self, value: &Word, span: Range<usize>) -> Option<Mount> {
        let Some(fields) = fields(&value.text) else {
            self.problem(span, "a quote of the mount has no end", "write `\"key=value\"`");
            return None;
        };
        let kind = fields.iter().rev().find(|(key, _)| key == "type");
        let kind = match kind.map(|(_, value)| value.as_deref().unwrap_or_default()) {
            None | Some("bind") => MountKind::Bind,
            Some("cache") => MountKind::Cache,
            Some("secret") => MountKind::Secret,
            Some("tmpfs") => MountKind::Tmpfs,
            Some("ssh") => {
                let hint = "give the key as a secret: `--mount=type=secret,id=…`";
                self.problem(span, "mounts of type ssh are not supported", hint);
                return None;
            }
            Some(other) => {
                let message = format!("there is no mount of type `{other}`");
                self.problem(span, message, "the types are bind, cache, secret and tmpfs");
                return None;
            }
        };
        let mut mount = Mount {
            kind,
            span: span.clone(),
            from: None,
            id: None,
            source: None,
            target: None,
            variable: None,
            size: None,
            mode: None,
            user: None,
            group: None,
            readonly: kind == MountKind::Bind,
            required: false,
            sharing: Sharing::Shared,
        };
        let before = self.problems.len();
        for (key, value) in fields {
            self.mount_field(&mut mount, &key, value);
        }
        self.check_target(&mount);
        (self.problems.len() == before).then_some(mount)
    }

    fn mount_field(&mut self, mount: &mut Mount, key: &str, value: Option<String>) {
        let span = mount.span.clone();
        if key == "type" {
            return;
        }
        if let "ro" | "readonly" | "rw" | "readwrite" | "required" = key {
            let on = match value.as_deref().map(str::to_ascii_lowercase).as_deref() {
                None | Some("true" | "1") => true,
                Some("false" | "0") => false,
                Some(other) => {
                    let message = format!("`{key}={other}` of the mount is neither true nor false");
                    return self.problem(span, message, format!("write `{key}` or `{key}=false`"));
                }
            };
            return match (key, mount.kind) {
                ("required", MountKind::Secret) => mount.required = on,
                ("ro" | "readonly", MountKind::Bind | MountKind::Cache) => mount.readonly = on,
                ("rw" | "readwrite", MountKind::Bind | MountKind::Cache) => mount.readonly = !on,
                _ => self.foreign_key(mount, key),
            };
        }
        let Some(text) = value.filter(|value| !value.is_empty()) else {
            let message = format!("`{key}` of the mount has no value");
            return self.problem(span, message, format!("write `{key}=…`"));
        };
        if key == "sharing" && mount.kind == MountKind::Cache {
            mount.sharing = match text.as_str() {
                "shared" => Sharing::Shared,
                "private" => Sharing::Private,
                "locked" => Sharing::Locked,
                _ => {
                    let message = format!("a cache cannot be shared as `{text}`");
                    return self.problem(span, message, "write `shared`, `private` or `locked`");
                }
            };
            return;
        }
        let kind = mount.kind;
        let slot = match (key, kind) {
            ("target" | "dst" | "destination", _) => &mut mount.target,
            ("source" | "src", MountKind::Bind | MountKind::Cache) => &mut mount.source,
            ("from", MountKind::Bind | MountKind::Cache) => &mut mount.from,
            ("id", MountKind::Cache | MountKind::Secret) => &mut mount.id,
            ("mode", MountKind::Cache | MountKind::Secret) => &mut mount.mode,
            ("uid", MountKind::Cache | MountKind::Secret) => &mut mount.user,
            ("gid", MountKind::Cache | MountKind::Secret) => &mut mount.group,
            ("env", MountKind::Secret) => &mut mount.variable,
            ("size", MountKind::Tmpfs) => &mut mount.size,
            _ => return self.foreign_key(mount, key),
        };
        *slot = Some(Word { text, span });
    }

    fn foreign_key(&mut self, mount: &Mount, key: &str) {
        let (kind, known) = match mount.kind {
            MountKind::Bind => ("bind", "target, source, from, rw"),
            MountKind::Cache => ("cache", "id, target, sharing, from, source, mode, uid, gid, ro"),
            MountKind::Secret => ("secret", "id, target, env, required, mode, uid, gid"),
            MountKind::Tmpfs => ("tmpfs", "target, size"),
        };
        let message = format!("a mount of type {kind} has no option `{key}`");
        self.problem(mount.span.clone(), message, format!("its options are: {known}"));
    }

    fn check_target(&mut self, mount: &Mount) {
        let span = mount.span.clone();
        let target = mount.target.as_ref().map(|word| word.text.trim_matches('/'));
        match target {
            Some("") => self.problem(
                span,
                "a mount cannot take the place of `/`",
                "name a folder below it",
            ),
            None if mount.kind == MountKind::Secret => {
                if mount.id.is_none() {
                    let hint = "write `--mount=type=secret,id=NAME`";
                    self.problem(span, "a secret is mounted without its id", hint);
                }
            }
            None => self.problem(span, "the mount has no target", "add `target=/path`"),
            Some(_) => {}
        }
    }
}

/// Fields of a line of CSV: a field in double quotes may hold commas, and `""` in it is a quote. `None` if a quote has
/// no end.
fn fields(text: &str) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    let pair = |field: String| match field.split_once('=') {
        Some((key, value)) => (key.trim().to_ascii_lowercase(), Some(value.to_owned())),
        None => (field.trim().to_ascii_lowercase(), None),
    };
    (!quoted).then(|| fields.into_iter().map(pair).collect())
}
