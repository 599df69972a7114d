//! What may be typed about pipelines.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  wharf pipeline remote             once in a repository; then
  git push wharf main               runs its workflows on this machine, and prints how it goes
  wharf pipeline run                the same from the working tree, without a commit
  wharf pipeline list
  wharf pipeline logs 12 -f
  wharf pipeline secret set API_TOKEN < token.txt")]
pub(crate) enum PipelineCommand {
    /// Run the workflows of a working tree as it is
    Run(RunPipeline),
    /// Runs, the newest first
    List(List),
    /// One run: its jobs, steps, and what went wrong
    Show(RunId),
    /// What a run printed
    Logs(PipelineLogs),
    /// Run it again
    Rerun(RunId),
    /// End a run
    Cancel(RunId),
    /// Let a run go on that waits for the approval of an environment
    Approve(Approve),
    /// Make the local cloud a remote of a git repository
    Remote(Remote),
    /// Secrets of a repository: their values are read from standard input
    #[command(subcommand)]
    Secret(ValueCommand),
    /// Variables of a repository (`vars`)
    #[command(subcommand)]
    Variable(ValueCommand),
    /// Environments of a repository, and which of them need approval
    #[command(subcommand)]
    Environment(EnvironmentCommand),
    /// What git's hook runs after a push
    #[command(hide = true)]
    Receive,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wharf pipeline run                               what a push of this tree would run
  wharf pipeline run --workflow deploy.yml
  wharf pipeline run --event workflow_dispatch --input environment=staging

The command ends with 0 when all runs succeed, else with 4.")]
pub(crate) struct RunPipeline {
    /// The repository's folder
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Only this one: its file or its name
    #[arg(long, value_name = "FILE")]
    pub workflow: Option<String>,
    /// What shall have happened
    #[arg(long, value_enum, default_value_t = EventKind::Push)]
    pub event: EventKind,
    /// For workflow_dispatch
    #[arg(long, value_name = "NAME=VALUE", value_parser = super::variable)]
    pub input: Vec<(String, String)>,
    /// For pull_request: the branch that it would go into
    #[arg(long, default_value = "main")]
    pub base: String,
    /// A folder with actions
    #[arg(long, value_name = "DIR")]
    pub actions: Vec<PathBuf>,
    /// Fail jobs for Windows and macOS instead of going on without them
    #[arg(long)]
    pub strict_platforms: bool,
    /// Do not wait for the end
    #[arg(long)]
    pub no_wait: bool,
    /// The repository's name, owner/name [default: that of the remote `origin` on GitHub, else local/FOLDER]
    #[arg(long, value_name = "NAME")]
    pub repository: Option<String>,
    /// Print the records as JSON at the end
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum EventKind {
    Push,
    PullRequest,
    WorkflowDispatch,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only of this repository
    #[arg(long, value_name = "NAME")]
    pub repository: Option<String>,
    /// At most so many
    #[arg(short = 'n', long, default_value_t = 20)]
    pub limit: usize,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunId {
    /// The run's number in `wharf pipeline list` [default: the newest]
    pub run: Option<u64>,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PipelineLogs {
    /// The run's number in `wharf pipeline list` [default: the newest]
    pub run: Option<u64>,
    /// Go on until it is over
    #[arg(short, long)]
    pub follow: bool,
    /// Only this job: its id or its title
    #[arg(long)]
    pub job: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The run's number in `wharf pipeline list`
    pub run: u64,
    /// The environment [default: all that the run waits for]
    #[arg(long)]
    pub environment: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// The repository's folder
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// What the remote is called
    #[arg(long, default_value = "wharf")]
    pub name: String,
    /// The repository's name, owner/name [default: that of the remote `origin` on GitHub, else local/FOLDER]
    #[arg(long, value_name = "NAME")]
    pub repository: Option<String>,
}

/// Whose secrets or variables.
#[derive(Clone, Debug, Args)]
pub(crate) struct Of {
    /// The repository, owner/name [default: the one of this folder]
    #[arg(long, value_name = "NAME")]
    pub repository: Option<String>,
    /// For jobs of this environment only
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ValueCommand {
    /// Set one; without a value it is read from standard input
    Set {
        name: String,
        /// For variables; a secret on the command line would be seen by others
        #[arg(long)]
        value: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Their names, and the values of variables
    List {
        #[command(flatten)]
        of: Of,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove one
    Remove {
        name: String,
        #[command(flatten)]
        of: Of,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum EnvironmentCommand {
    /// Make one, or say whether its jobs wait for approval
    Set {
        name: String,
        /// Its jobs wait for `wharf pipeline approve`
        #[arg(long, default_missing_value = "true", num_args = 0..=1, value_name = "true|false")]
        approval: Option<bool>,
        /// The repository, owner/name [default: the one of this folder]
        #[arg(long, value_name = "NAME")]
        repository: Option<String>,
    },
    /// Those that were set
    List {
        /// The repository, owner/name [default: the one of this folder]
        #[arg(long, value_name = "NAME")]
        repository: Option<String>,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove one, with its secrets and variables
    Remove {
        name: String,
        /// The repository, owner/name [default: the one of this folder]
        #[arg(long, value_name = "NAME")]
        repository: Option<String>,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wharf init --github               .github/workflows/deploy.yml, which deploys to AWS from GitHub,
                                    and with `git push wharf main` to the local cloud")]
pub(crate) struct Init {
    /// The application's folder
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// A workflow for GitHub Actions
    #[arg(long, required = true)]
    pub github: bool,
    /// The application's name [default: the folder's]
    #[arg(long)]
    pub name: Option<String>,
    /// The AWS region
    #[arg(long, default_value = "us-east-1")]
    pub region: String,
    /// Replace a workflow that is there already
    #[arg(long)]
    pub force: bool,
}
