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
    Onbuild(Onbuild),
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
    /// What a source from the network must hash to.
    pub checksum: Option<Word>,
    /// Patterns of what is left out, below each source.
    pub excludes: Vec<Word>,
    /// A layer that does not look at those below.
    pub link: bool,
    /// Sources keep the folders that lead to them.
    pub parents: bool,
    /// Whether archives are unpacked; if absent, those of the context are and those of the network are not.
    pub unpack: Option<bool>,
    /// At least one, or a document.
    pub sources: Vec<Word>,
    pub documents: Vec<Document>,
    pub destination: Word,
}

/// A file that is written in the Dockerfile itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub name: String,
    pub body: String,
    /// Variables in it are replaced; not so with a quoted name.
    pub expands: bool,
    /// Where it is announced.
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub command: Command,
    /// Where the command stands, without the instruction's name.
    pub span: Range<usize>,
    /// The program that the command runs, when it is a here-document that names its own interpreter.
    pub script: Option<Document>,
    pub mounts: Vec<Mount>,
    pub network: Network,
}

/// Where [`Run::script`] stands inside the container, before its name.
pub const SCRIPT_FOLDER: &str = "/dev/pipes";

/// `--network` of RUN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// What the whole build has.
    #[default]
    Default,
    Host,
    None,
}

/// `--mount` of RUN: what only this command sees. Which of the options may be there depends on the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub kind: MountKind,
    pub span: Range<usize>,
    /// Stage by name or number, or an image.
    pub from: Option<Word>,
    pub id: Option<Word>,
    pub source: Option<Word>,
    pub target: Option<Word>,
    /// `env` of a secret.
    pub variable: Option<Word>,
    pub size: Option<Word>,
    pub mode: Option<Word>,
    pub user: Option<Word>,
    pub group: Option<Word>,
    pub readonly: bool,
    pub required: bool,
    pub sharing: Sharing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountKind {
    Bind,
    Cache,
    Secret,
    Tmpfs,
}

/// What a cache does for two commands at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Both have it.
    #[default]
    Shared,
    /// The second one has another.
    Private,
    /// The second one waits.
    Locked,
}

/// An instruction for whoever builds on the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onbuild {
    /// As it is written, with its here-documents: what image configurations hold.
    pub text: String,
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
    pub start_interval_nanos: Option<u64>,
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
