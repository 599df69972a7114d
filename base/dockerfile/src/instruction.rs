//! What an instruction says, word by word as it is written: variables are not yet replaced.

use std::ops::Range;

/// A piece of the file: quotes, escapes and variables are still in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// Bytes of the file.
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// All its lines.
    pub span: Range<usize>,
    /// Its name in capitals and what follows, on one line, as progress shows it.
    pub text: String,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Arg(Vec<Argument>),
    Env(Vec<Pair>),
    Label(Vec<Pair>),
    Workdir(Word),
    User(Word),
    StopSignal(Word),
    Maintainer(Word),
    Expose(Vec<Word>),
    Volume(Vec<Word>),
    Copy(Transfer),
    Add(Transfer),
    Run(Run),
    Cmd(Command),
    Entrypoint(Command),
    Shell(Vec<String>),
    Healthcheck(Healthcheck),
}

/// `NAME` or `NAME=default`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    pub name: Word,
    pub default: Option<Word>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub name: Word,
    pub value: Word,
}

/// COPY or ADD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Stage by name or number, or an image.
    pub from: Option<Word>,
    pub owner: Option<Word>,
    pub mode: Option<Word>,
    /// At least one.
    pub sources: Vec<Word>,
    pub destination: Word,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub command: Command,
    /// Where the command stands, without the instruction's name.
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `["program", "argument"]`
    Exec(Vec<String>),
    /// For the shell, which replaces the variables itself.
    Shell(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Healthcheck {
    /// Takes away what the base image has.
    None,
    Probe(Probe),
}

/// Times in nanoseconds, as image configurations have them; absent is the runtime's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub command: Command,
    pub interval_nanos: Option<u64>,
    pub timeout_nanos: Option<u64>,
    pub start_period_nanos: Option<u64>,
    pub retries: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    pub number: u16,
    pub protocol: Protocol,
}
