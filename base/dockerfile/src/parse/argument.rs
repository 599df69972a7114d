//! Arguments of several forms: sources and destination, JSON lists or words, commands for the shell or not.

use super::{Parser, Rest, usage};
use crate::instruction::{Command, Transfer, Word};
use crate::source::is_url;
use crate::word::{plain_words, quoted_words};

impl Parser {
    pub(super) fn transfer(
        &mut self,
        rest: &Rest<'_>,
        from: Option<Word>,
        owner: Option<Word>,
        mode: Option<Word>,
    ) -> Option<Transfer> {
        if !rest.line.documents.is_empty() {
            let hint = "put the text into a file of the context, or write it in a RUN";
            self.problem(
                rest.span(),
                format!("a here-document in {} is not supported yet", rest.keyword),
                hint,
            );
            return None;
        }
        let (json, mut words) = self.list(rest)?;
        if words.len() < 2 {
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
        if words.len() > 1
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
        for source in words.iter().filter(|source| is_url(&source.text)) {
            let hint = "fetch it in a RUN, such as `RUN curl -fsSLO …`, or put it into the context";
            self.problem(
                source.span.clone(),
                format!("{} from a URL is not supported yet", rest.keyword),
                hint,
            );
        }
        Some(Transfer {
            from,
            owner,
            mode,
            sources: words,
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

/// A here-document alone is the script; with more on the line, the shell gets it as it stands.
pub(super) fn run_command(rest: &Rest<'_>) -> Command {
    let text = rest.text();
    let documents = &rest.line.documents;
    match documents.as_slice() {
        [] => command(text),
        [only] if is_announcement(text, &only.name) => Command::Shell(only.body.clone()),
        several => {
            let mut script = format!("{text}\n");
            for document in several {
                script.push_str(&document.body);
                script.push_str(&document.name);
                script.push('\n');
            }
            Command::Shell(script)
        }
    }
}

fn is_announcement(text: &str, name: &str) -> bool {
    let rest = text.trim().trim_start_matches("<<").trim_start_matches('-');
    rest.trim_matches(['"', '\'']) == name
}
