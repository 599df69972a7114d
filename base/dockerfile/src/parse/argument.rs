//! Arguments of several forms: sources and destination, JSON lists or words, commands for the shell or not.

use super::flag::Flag;
use super::{Parser, Rest, usage};
use crate::instruction::{Command, Document, SCRIPT_FOLDER, Transfer, Word};
use crate::source::{is_git, is_url};
use crate::word::{plain_words, quoted_words};

impl Parser {
    pub(super) fn copy(&mut self, rest: &Rest<'_>, mut flags: Vec<Flag>) -> Option<Transfer> {
        let excludes = self.repeated(&mut flags, "exclude");
        let link = self.switch(&mut flags, "link") == Some(true);
        let parents = self.switch(&mut flags, "parents") == Some(true);
        let [from, owner, mode] = self.take_flags(rest, flags, ["from", "chown", "chmod"]);
        let transfer = self.transfer(rest)?;
        for source in transfer.sources.iter().filter(|source| is_url(&source.text)) {
            let hint = "ADD takes files from URLs";
            self.problem(source.span.clone(), "COPY takes nothing from a URL", hint);
        }
        Some(Transfer {
            from,
            owner,
            mode,
            excludes: excludes.into_iter().map(|(word, _)| word).collect(),
            link,
            parents,
            ..transfer
        })
    }

    pub(super) fn add(&mut self, rest: &Rest<'_>, mut flags: Vec<Flag>) -> Option<Transfer> {
        let excludes = self.repeated(&mut flags, "exclude");
        let link = self.switch(&mut flags, "link") == Some(true);
        let unpack = self.switch(&mut flags, "unpack");
        let [owner, mode, checksum] = self.take_flags(rest, flags, ["chown", "chmod", "checksum"]);
        let transfer = self.transfer(rest)?;
        for source in transfer.sources.iter().filter(|source| is_git(&source.text)) {
            let hint = "clone it in a RUN, such as `RUN git clone …`, or put it into the context";
            self.problem(
                source.span.clone(),
                "ADD from a Git repository is not supported",
                hint,
            );
        }
        if let Some(word) = &checksum {
            let urls = transfer
                .sources
                .iter()
                .filter(|one| is_url(&one.text) || one.text.contains('$'));
            if urls.count() != 1 || transfer.sources.len() != 1 {
                let hint = "write an ADD of its own for this URL";
                self.problem(word.span.clone(), "`--checksum` is for one URL alone", hint);
            }
        }
        Some(Transfer {
            owner,
            mode,
            checksum,
            excludes: excludes.into_iter().map(|(word, _)| word).collect(),
            link,
            unpack,
            ..transfer
        })
    }

    /// Sources and destination, without what flags say.
    fn transfer(&mut self, rest: &Rest<'_>) -> Option<Transfer> {
        let (json, mut words) = self.list(rest)?;
        let mut documents = Vec::new();
        for document in &rest.line.documents {
            let span = rest.line.span(document.at.clone());
            words.retain(|word| word.span.start < span.start || word.span.end > span.end);
            documents.push(Document {
                name: document.name.clone(),
                body: document.body.clone(),
                expands: document.expands,
                span,
            });
        }
        if words.is_empty() || words.len() + documents.len() < 2 {
            let message = format!("{} has a source but no destination", rest.keyword);
            let at = if json {
                rest.span()
            } else {
                words
                    .first()
                    .map_or_else(|| rest.span(), |word| word.span.clone())
            };
            self.problem(at, message, usage(&rest.keyword));
            return None;
        }
        let destination = words.pop()?;
        if words.len() + documents.len() > 1
            && !destination.text.ends_with('/')
            && !destination.text.contains('$')
            && destination.text != "."
            && destination.text != ".."
        {
            let message = format!(
                "with more than one source, the destination of {} must end with `/`",
                rest.keyword
            );
            self.problem(
                destination.span.clone(),
                message,
                format!("write `{}/`", destination.text),
            );
        }
        Some(Transfer {
            from: None,
            owner: None,
            mode: None,
            checksum: None,
            excludes: Vec::new(),
            link: false,
            parents: false,
            unpack: None,
            sources: words,
            documents,
            destination,
        })
    }

    /// White-space separated words, or a JSON list (`true`), whose words all have the list's place.
    pub(super) fn list(&mut self, rest: &Rest<'_>) -> Option<(bool, Vec<Word>)> {
        match json_list(rest.text()) {
            Some(texts) => {
                let escape = self.escape;
                // In a list quotes and escapes are JSON's: what is left is literal but for variables.
                let literal = |text: String| {
                    text.chars().fold(String::new(), |mut out, c| {
                        if c == escape || c == '"' || c == '\'' {
                            out.push(escape);
                        }
                        out.push(c);
                        out
                    })
                };
                let words = texts.into_iter().map(|text| Word {
                    text: literal(text),
                    span: rest.span(),
                });
                Some((true, words.collect()))
            }
            None => Some((false, plain_words(rest.line, rest.from))),
        }
    }

    pub(super) fn single(&mut self, rest: &Rest<'_>) -> Option<Word> {
        let mut words = quoted_words(rest.line, rest.from, self.escape);
        if words.len() > 1 {
            self.problem(
                rest.span(),
                format!("{} takes one argument", rest.keyword),
                usage(&rest.keyword),
            );
            return None;
        }
        words.pop()
    }
}

/// A list that is no list of strings is meant for the shell, as Docker reads it.
pub(super) fn command(text: &str) -> Command {
    match json_list(text) {
        Some(words) => Command::Exec(words),
        None => Command::Shell(text.to_owned()),
    }
}

fn json_list(text: &str) -> Option<Vec<String>> {
    text.starts_with('[').then(|| serde_json::from_str(text).ok())?
}

/// A here-document alone is the script, or a program when it names its interpreter; with more on the line, the shell
/// gets it as it stands.
pub(super) fn run_command(rest: &Rest<'_>) -> (Command, Option<Document>) {
    let text = rest.text();
    let documents = &rest.line.documents;
    match documents.as_slice() {
        [] => (command(text), None),
        [only] if rest.line.text[only.at.clone()].trim() == text.trim() => {
            if !only.body.starts_with("#!") {
                return (Command::Shell(only.body.clone()), None);
            }
            let script = Document {
                name: only.name.clone(),
                body: only.body.clone(),
                expands: false,
                span: rest.span(),
            };
            (
                Command::Exec(vec![format!("{SCRIPT_FOLDER}/{}", only.name)]),
                Some(script),
            )
        }
        several => {
            let mut script = format!("{text}\n");
            for document in several {
                script.push_str(&document.body);
                script.push_str(&document.name);
                script.push('\n');
            }
            (Command::Shell(script), None)
        }
    }
}
