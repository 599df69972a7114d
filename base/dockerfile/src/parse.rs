//! From lines to instructions. Every problem is noted and reading goes on, so that all are reported at once.

mod argument;
mod detail;
mod flag;
mod mount;
mod onbuild;
mod reference;

use std::ops::Range;

use base_diagnostic::Problem;

use crate::instruction::{Command, Instruction, Kind, Word};
use crate::line::{Line, split};
use crate::stage::{Dockerfile, Stage};
use crate::word::plain_words;
use argument::command;
use flag::Flag;
pub use onbuild::parse_trigger;

const KNOWN: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Reads a Dockerfile.
///
/// # Errors
/// All that is wrong in it, in the order of the file.
pub fn parse(text: &str) -> Result<Dockerfile, Vec<Problem>> {
    let (dockerfile, problems) = parse_leniently(text);
    if problems.is_empty() {
        Ok(dockerfile)
    } else {
        Err(problems)
    }
}

/// Reads as much of a Dockerfile as can be understood, and all that is wrong in it, in the order of the file: so that
/// what is understood can be checked further, and everything is told at once.
pub fn parse_leniently(text: &str) -> (Dockerfile, Vec<Problem>) {
    if text.len() > crate::DOCKERFILE_BYTES_MAX {
        let message = format!("the file has more than {} bytes", crate::DOCKERFILE_BYTES_MAX);
        let nothing = Dockerfile {
            escape: '\\',
            head: Vec::new(),
            stages: Vec::new(),
        };
        return (nothing, vec![Problem::new(0..0, message)]);
    }
    let mut problems = Vec::new();
    let lines = split(text, &mut problems);
    let mut parser = Parser {
        escape: lines.escape,
        problems,
        head: Vec::new(),
        stages: Vec::new(),
        from_seen: false,
    };
    for line in &lines.lines {
        parser.line(line);
    }
    if !parser.from_seen {
        let at = lines.lines.first().map_or(0..0, |line| line.span.clone());
        let problem = Problem::new(at, "there is no FROM: an image must begin from something");
        parser
            .problems
            .push(problem.hint("begin with `FROM scratch`, or with an image such as `FROM python:3.12`"));
    }
    let Parser {
        escape,
        mut problems,
        head,
        stages,
        ..
    } = parser;
    let dockerfile = Dockerfile { escape, head, stages };
    reference::check(&dockerfile, &mut problems);
    problems.sort_by_key(|problem| problem.span.start);
    problems.dedup();
    (dockerfile, problems)
}

struct Parser {
    escape: char,
    problems: Vec<Problem>,
    head: Vec<Instruction>,
    stages: Vec<Stage>,
    /// A FROM was there, even if it was wrong: what follows is then no second mistake.
    from_seen: bool,
}

/// The line behind the instruction's name and flags.
struct Rest<'a> {
    line: &'a Line,
    keyword: String,
    keyword_span: Range<usize>,
    /// Offset in the line's text.
    from: usize,
}

impl Rest<'_> {
    fn text(&self) -> &str {
        &self.line.text[self.from..]
    }

    fn span(&self) -> Range<usize> {
        self.line.span(self.from..self.line.text.len())
    }
}

impl Parser {
    fn problem(&mut self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem::new(span, message).hint(hint));
    }

    fn line(&mut self, line: &Line) {
        let length = line.text.find(char::is_whitespace).unwrap_or(line.text.len());
        let keyword = line.text[..length].to_uppercase();
        let keyword_span = line.span(0..length);
        if !KNOWN.contains(&keyword.as_str()) {
            self.unknown(&line.text[..length], keyword_span);
            return;
        }
        let from = length + (line.text.len() - length - line.text[length..].trim_start().len());
        let mut rest = Rest {
            line,
            keyword,
            keyword_span,
            from,
        };
        let flags = self.flags(&mut rest);
        if rest.text().is_empty() {
            let message = format!("{} has no arguments", rest.keyword);
            self.problem(rest.keyword_span.clone(), message, usage(&rest.keyword));
            self.from_seen |= rest.keyword == "FROM";
            return;
        }
        let text = format!(
            "{} {}",
            rest.keyword,
            line.text[from..].split_whitespace().collect::<Vec<_>>().join(" ")
        );
        if rest.keyword == "FROM" {
            self.from(&rest, &flags, text);
            return;
        }
        let Some(kind) = self.kind(&rest, flags) else {
            return;
        };
        let instruction = Instruction {
            span: line.span.clone(),
            text,
            kind,
        };
        match self.stages.last_mut() {
            Some(stage) => stage.instructions.push(instruction),
            None if matches!(instruction.kind, Kind::Arg(_)) => self.head.push(instruction),
            None if self.from_seen => {}
            None => {
                let message = format!("{} stands before the first FROM", rest.keyword);
                self.problem(
                    rest.keyword_span,
                    message,
                    "only ARG and comments may stand there",
                );
            }
        }
    }

    fn unknown(&mut self, written: &str, span: Range<usize>) {
        let upper = written.to_uppercase();
        let close = KNOWN
            .iter()
            .map(|known| (strsim::damerau_levenshtein(&upper, known), known))
            .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
            .min();
        let problem = Problem::new(span, format!("unknown instruction `{written}`"));
        self.problems.push(match close {
            Some((_, known)) => problem.hint(format!("did you mean `{known}`?")),
            None => {
                problem.hint("a line that goes on from the one before needs a `\\` at the end of that one")
            }
        });
        // A misspelt FROM must not make every line after it wrong too.
        self.from_seen |= matches!(close, Some((_, &"FROM")));
    }

    fn from(&mut self, rest: &Rest<'_>, flags: &[Flag], text: String) {
        self.from_seen = true;
        let mut platform = None;
        for flag in flags {
            match (flag.name.as_str(), &flag.value) {
                ("platform", Some(value)) => platform = Some(value.clone()),
                _ => self.unknown_flag(rest, flag, &["platform"]),
            }
        }
        let words = plain_words(rest.line, rest.from);
        let mut name = None;
        match words.as_slice() {
            [_] => {}
            [_, keyword, stage] if keyword.text.eq_ignore_ascii_case("AS") => {
                let lower = stage.text.to_lowercase();
                let valid = lower.starts_with(|c: char| c.is_ascii_lowercase())
                    && lower
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
                    && lower != "scratch";
                if !valid {
                    let message = format!("`{}` cannot be the name of a stage", stage.text);
                    let hint = "a name begins with a letter, and has letters, digits, `-`, `_` and `.`";
                    self.problem(stage.span.clone(), message, hint);
                }
                name = Some(lower);
            }
            _ => self.problem(
                rest.span(),
                "FROM takes an image and perhaps `AS name`",
                usage("FROM"),
            ),
        }
        if let Some(base) = words.into_iter().next() {
            let span = rest.line.span.clone();
            self.stages.push(Stage {
                span,
                text,
                platform,
                base,
                name,
                instructions: Vec::new(),
            });
        }
    }

    fn kind(&mut self, rest: &Rest<'_>, flags: Vec<Flag>) -> Option<Kind> {
        let whole = || Word {
            text: rest.text().to_owned(),
            span: rest.span(),
        };
        match rest.keyword.as_str() {
            "COPY" => return self.copy(rest, flags).map(Kind::Copy),
            "ADD" => return self.add(rest, flags).map(Kind::Add),
            "RUN" => return self.run(rest, flags).map(Kind::Run),
            "HEALTHCHECK" => return self.healthcheck(rest, flags).map(Kind::Healthcheck),
            _ => {
                let [] = self.take_flags(rest, flags, []);
            }
        }
        Some(match rest.keyword.as_str() {
            "ARG" => Kind::Arg(self.arguments(rest)),
            "ENV" => Kind::Env(self.pairs(rest)?),
            "LABEL" => Kind::Label(self.pairs(rest)?),
            "WORKDIR" => Kind::Workdir(whole()),
            "USER" => Kind::User(self.single(rest)?),
            "STOPSIGNAL" => Kind::StopSignal(self.single(rest)?),
            "MAINTAINER" => Kind::Maintainer(whole()),
            "EXPOSE" => Kind::Expose(self.expose(rest)),
            "VOLUME" => Kind::Volume(self.list(rest)?.1),
            "CMD" => Kind::Cmd(command(rest.text())),
            "ENTRYPOINT" => Kind::Entrypoint(command(rest.text())),
            "SHELL" => match command(rest.text()) {
                Command::Exec(words) if !words.is_empty() => Kind::Shell(words),
                _ => {
                    self.problem(rest.span(), "SHELL takes a JSON list", usage("SHELL"));
                    return None;
                }
            },
            _ => Kind::Onbuild(self.onbuild(rest)?),
        })
    }
}

pub(super) fn usage(keyword: &str) -> String {
    let example = match keyword {
        "ADD" => "ADD archive.tar.gz /app/",
        "ARG" => "ARG VERSION=1.0",
        "CMD" => "CMD [\"program\", \"argument\"]",
        "COPY" => "COPY source /destination",
        "ENTRYPOINT" => "ENTRYPOINT [\"program\"]",
        "ENV" => "ENV NAME=value",
        "EXPOSE" => "EXPOSE 8080",
        "FROM" => "FROM python:3.12 AS build",
        "HEALTHCHECK" => "HEALTHCHECK --interval=30s CMD curl -f http://localhost/",
        "LABEL" => "LABEL name=value",
        "ONBUILD" => "ONBUILD COPY . /app",
        "RUN" => "RUN pip install -r requirements.txt",
        "SHELL" => "SHELL [\"/bin/bash\", \"-c\"]",
        "STOPSIGNAL" => "STOPSIGNAL SIGTERM",
        "USER" => "USER 1000:1000",
        "VOLUME" => "VOLUME /data",
        "WORKDIR" => "WORKDIR /app",
        other => return format!("see Docker's reference for {other}"),
    };
    format!("write it like `{example}`")
}

#[cfg(test)]
mod tests;
