//! What COPY and ADD take from the build context, checked against a listing before anything is built.

use base_diagnostic::Problem;
use regex::Regex;

use crate::instruction::{Kind, Word};
use crate::scope::Scope;
use crate::stage::{Dockerfile, Origin};

/// A word of the sources, with variables replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub word: Word,
    /// Relative, cleaned; empty is the whole context.
    pub path: String,
}

/// Names the sources of COPY and ADD that the context lacks, for the stages that the target needs. `files` are the
/// context's paths with `/`, folders included or not; `ignored` those that `.dockerignore` leaves out.
pub fn check_sources(
    dockerfile: &Dockerfile,
    target: Option<&str>,
    build_args: &[(String, Option<String>)],
    files: &[String],
    ignored: &[String],
) -> Vec<Problem> {
    let Ok(global) = dockerfile.global_scope(build_args) else {
        return Vec::new();
    };
    let Some(target) = dockerfile.target(target) else {
        return Vec::new();
    };
    let Ok(needed) = dockerfile.needed(target, &global) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for number in needed {
        let mut scope = global.stage(Vec::new());
        for instruction in &dockerfile.stages[number].instructions {
            if let Kind::Copy(transfer) | Kind::Add(transfer) = &instruction.kind
                && dockerfile.origin(number, transfer, &scope) == Ok(Origin::Context)
            {
                // With `--parents` a pattern reaches any depth.
                let deep = |word: &&Word| transfer.parents && word.text.contains("**");
                for word in transfer.sources.iter().filter(|word| !deep(word)) {
                    problems.extend(check(word, &scope, files, ignored));
                }
            }
            // What fails here is reported by whoever builds.
            let _ = scope.apply(&instruction.kind);
        }
    }
    problems
}

fn check(word: &Word, scope: &Scope, files: &[String], ignored: &[String]) -> Option<Problem> {
    if has_unknown_variable(&word.text, scope) || is_url(&word.text) {
        return None;
    }
    let expanded = scope.expand(word).ok()?;
    let path = clean_source(&expanded);
    if path.is_empty() || is_url(&expanded) || files.iter().any(|file| matches_source(&path, file)) {
        return None;
    }
    let problem = Problem::new(word.span.clone(), format!("`{path}` is not in the build context"));
    // A folder that is left out need not be listed with all that is in it.
    let is_left_out = |file: &String| matches_source(&path, file) || matches_source(file, &path);
    if ignored.iter().any(is_left_out) {
        return Some(problem.hint("`.dockerignore` leaves it out; add a line `!` with its path there"));
    }
    let close = files
        .iter()
        .map(|file| (strsim::normalized_damerau_levenshtein(&path, file), file))
        .filter(|(likeness, _)| *likeness > 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    Some(match close {
        Some((_, file)) => problem.hint(format!("did you mean `{file}`?")),
        None => problem
            .hint("paths are relative to the folder with the application, not to the Dockerfile's folder"),
    })
}

/// A base image's own ENV is not known before it is here.
fn has_unknown_variable(text: &str, scope: &Scope) -> bool {
    text.split('$').skip(1).any(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        end > 0 && !scope.knows(&rest[..end])
    })
}

/// What is fetched from the network, files and Git repositories alike.
pub fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://") || is_git(text)
}

/// What names a Git repository, by BuildKit's rules.
pub fn is_git(text: &str) -> bool {
    if ["git@", "git://", "ssh://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
    {
        return true;
    }
    let web = text.starts_with("http://") || text.starts_with("https://");
    web && text.split('#').next().is_some_and(|path| path.ends_with(".git"))
}

/// Relative to the context, without `.` and empty parts; `..` stops at its root.
pub fn clean_source(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether `source` (cleaned; with `*`, `?`, `[…]`) names `file` or a folder above it.
pub fn matches_source(source: &str, file: &str) -> bool {
    let file = file.trim_matches('/');
    if !source.contains(['*', '?', '[', '\\']) {
        return file == source
            || file
                .strip_prefix(source)
                .is_some_and(|rest| rest.starts_with('/'));
    }
    let Some(regex) = glob(source) else { return false };
    let folders = file.match_indices('/').map(|(at, _)| &file[..at]);
    folders.chain([file]).any(|path| regex.is_match(path))
}

/// Go's `filepath.Match`: no part of a pattern crosses a `/`.
fn glob(pattern: &str) -> Option<Regex> {
    let mut regex = "(?s)^".to_owned();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '[' => {
                regex.push('[');
                for c in chars.by_ref() {
                    match c {
                        ']' => break,
                        '[' | '&' | '~' => regex.extend(['\\', c]),
                        c => regex.push(c),
                    }
                }
                regex.push(']');
            }
            '\\' => regex.push_str(&regex::escape(chars.next()?.encode_utf8(&mut [0; 4]))),
            c => regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push('$');
    Regex::new(&regex).ok()
}

#[cfg(test)]
mod tests;
