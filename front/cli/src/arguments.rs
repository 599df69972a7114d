//! What may be typed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use client_deploy::DomainName;

mod again;
mod pipeline;

pub(crate) use pipeline::{
    Approve, EnvironmentCommand, EventKind, Init, List, Of, PipelineCommand, PipelineLogs, Remote, RunId,
    RunPipeline, ValueCommand,
};

use crate::cloud::{Auth, Cloud};
use crate::exit;

const EXAMPLES: &str = "Examples:
  wharf up examples/hello          build it, run it, print its URL
  wharf status                     what runs
  wharf logs hello -f              what it prints
  wharf down hello                 take it away
  wharf up . --target aws          the same on AWS
  wharf pipeline remote            then `git push wharf main` runs the repository's workflow
  eval \"$(wharf cloud env)\"        let aws, boto3 and docker talk to the local cloud";

/// Takes an application from its Dockerfile to a live URL: on this machine, or on AWS.
#[derive(Debug, Parser)]
#[command(name = "wharf", version, max_term_width = 100)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", exit::HELP))]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Which local cloud: the folder with its state [default: $WHARF_STATE_DIR or /var/lib/wharf]
    #[arg(long, global = true, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

/// What goes for every command.
#[derive(Clone, Debug)]
pub(crate) struct Global {
    pub state_dir: PathBuf,
}

impl Arguments {
    pub fn global(&self, variables: &BTreeMap<String, String>, cloud: &dyn Cloud) -> Global {
        let named = variables.get("WHARF_STATE_DIR").filter(|dir| !dir.is_empty());
        let state_dir = self.state_dir.clone().or_else(|| named.map(PathBuf::from));
        Global {
            state_dir: state_dir.unwrap_or_else(|| cloud.default_state_dir()),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build an application and run it; prints its URL
    Up(Up),
    /// Take an application away, and with the last one what all of them share
    Down(Down),
    /// What runs, and how it is
    Status(One),
    /// Print an application's URL, and nothing else
    Url(Named),
    /// Open an application in a browser
    Open(Named),
    /// What an application prints
    Logs(Logs),
    /// What runs and what goes through, live: CPU, memory, requests, response times
    Top(Top),
    /// Run a command once, in a task of its own with the application's image and settings
    Run(Run),
    /// Work in a container of an application that runs: a shell, or another command
    Exec(Exec),
    /// What AWS's command line starts for `aws ecs execute-command`
    #[command(hide = true, disable_help_flag = true)]
    SessionManagerPlugin {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check an application's files, and what is there already, without doing anything
    Check(Check),
    /// Workflows: run them, look at their runs, set what they need
    #[command(subcommand)]
    Pipeline(PipelineCommand),
    /// Write a workflow that deploys an application
    Init(Init),
    /// What git asks for the keys of the local cloud's repositories
    #[command(hide = true)]
    GitCredential { operation: String },
    /// The local cloud: start, stop, status, env, doctor
    #[command(subcommand)]
    Cloud(CloudCommand),
    /// Print the address of the console, where one sees what runs
    Console(Json),
    /// Names: lead domains of this machine to the local cloud, and back
    #[command(subcommand)]
    Dns(DnsCommand),
    /// What this machine lacks, and how to get it
    Doctor(Json),
    /// Print completions for a shell
    Completions { shell: Shell },
}

/// Where applications are.
#[derive(Clone, Debug, Args)]
pub(crate) struct Where {
    /// The local cloud, or AWS as the standard AWS configuration describes it
    #[arg(long, value_enum, default_value_t = TargetName::Local)]
    pub target: TargetName,
    /// The ECS cluster
    #[arg(long, default_value = client_deploy::CLUSTER_DEFAULT)]
    pub cluster: String,
    /// Profile of the AWS configuration, for --target aws
    #[arg(long)]
    pub profile: Option<String>,
    /// AWS region
    #[arg(long)]
    pub region: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetName {
    Local,
    Aws,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wharf up .                                  the application of this folder
  wharf up shop --name web --desired-count 3
  wharf up . --target aws --profile work      on AWS
  wharf up . --target aws --vpc vpc-0abc      in a network that is there already
  wharf up . --domain app.example.test --https    under a name of its own, with a certificate

The folder needs a Dockerfile. A task-definition.json (also as deploy/task-definition.json)
says how it runs; without one it runs on Fargate with 256 CPU units and 512 MiB, and gets
its requests on the port of EXPOSE.")]
pub(crate) struct Up {
    /// The application's folder
    pub path: PathBuf,
    /// Its name [default: the folder's]
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    pub place: Where,
    /// Do not follow the roll-out
    #[arg(long)]
    pub no_wait: bool,
    /// What the load balancer asks for to know whether a task is well [default: /]
    #[arg(long, value_name = "PATH", value_parser = health_path)]
    pub health_path: Option<String>,
    /// How many tasks [default: as many as there are, or 1]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=5000))]
    pub desired_count: Option<u32>,
    /// An existing VPC
    #[arg(long, value_name = "ID")]
    pub vpc: Option<String>,
    /// Subnets of it, in two zones at least
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub subnets: Vec<String>,
    /// A domain that shall lead to it: makes the record, and the zone if there is none
    #[arg(long, value_name = "NAME")]
    pub domain: Option<DomainName>,
    /// With a certificate for the domain; requests without are sent on to HTTPS
    #[arg(long, requires = "domain")]
    pub https: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    pub json: bool,
}

fn health_path(text: &str) -> Result<String, String> {
    if text.starts_with('/') && text.len() <= 1024 {
        Ok(text.to_owned())
    } else {
        Err("it begins with a slash and has at most 1024 characters".to_owned())
    }
}

#[derive(Debug, Args)]
pub(crate) struct Down {
    /// The application's name, or its folder
    pub name: String,
    #[command(flatten)]
    pub place: Where,
    /// Print the outcome as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The application's name, or its folder; all of them without
    pub name: Option<String>,
    #[command(flatten)]
    pub place: Where,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The application's name, or its folder
    pub name: String,
    #[command(flatten)]
    pub place: Where,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wharf logs shop -f --since 15m
  wharf logs shop --grep 'ERROR -healthcheck'           both a word and not another; case counts
  wharf logs shop --grep '?ERROR ?WARN'                 one of them
  wharf logs shop --grep '\"GET /cart\"'                a phrase
  wharf logs shop --grep '%5[0-9]{2}%'                  a regular expression
  wharf logs shop --grep '{ $.level = \"error\" }'      lines that are JSON
  wharf logs shop --grep '[ip, ..., status >= 500, bytes]'  fields between spaces

Each task's lines begin with its container and its id, on a terminal in a colour of its own. With -f tasks that
come later are followed too; Ctrl-C ends it.")]
pub(crate) struct Logs {
    /// The application's name, or its folder
    pub name: String,
    /// Go on as it prints more
    #[arg(short, long)]
    pub follow: bool,
    /// Only what is younger: 90s, 15m, 2h, 1d, or a time such as 2026-01-02T03:04:05Z
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only lines that match a filter pattern of CloudWatch Logs
    #[arg(short, long, value_name = "PATTERN")]
    pub grep: Option<String>,
    #[command(flatten)]
    pub place: Where,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wharf top                       until Ctrl-C
  wharf top --once --json         one look, for a script

Of the local cloud, whose /metrics it reads; response times are upper bounds.")]
pub(crate) struct Top {
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    pub interval: u64,
    /// One look, and an end
    #[arg(long)]
    pub once: bool,
    /// One JSON object a look
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wharf run shop -- ./manage.py migrate
  wharf run shop -e DRY_RUN=1 -- python -m shop.import
  wharf run shop --container worker             its own command, once

It prints what the task prints, and ends with the exit code of the command. Ctrl-C stops the task.")]
pub(crate) struct Run {
    /// The application's name, or its folder
    pub name: String,
    /// The container that gets the command [default: the one behind the load balancer]
    #[arg(long)]
    pub container: Option<String>,
    /// A further environment variable
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = variable)]
    pub env: Vec<(String, String)>,
    #[command(flatten)]
    pub place: Where,
    /// Print the outcome as JSON; what the task prints goes to standard error
    #[arg(long)]
    pub json: bool,
    /// Instead of the container's own command
    #[arg(last = true)]
    pub command: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wharf exec shop                               a shell
  wharf exec shop -- ls -l /data
  wharf exec shop --container worker -- env
  wharf exec shop < script.sh                   what the shell shall do

The command has a terminal of its own, as with `aws ecs execute-command`: what it is sent is
echoed. wharf exec ends with the exit code of the command; AWS does not tell it, there that is 0.")]
pub(crate) struct Exec {
    /// The application's name, or its folder
    pub name: String,
    /// The beginning of the task's id [default: the youngest task]
    #[arg(long, value_name = "ID")]
    pub task: Option<String>,
    /// The container [default: the one behind the load balancer]
    #[arg(long)]
    pub container: Option<String>,
    #[command(flatten)]
    pub place: Where,
    /// Program and arguments [default: /bin/sh]
    #[arg(last = true)]
    pub command: Vec<String>,
}

pub(crate) fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wharf check .                     the files, and what the local cloud has of the application
  wharf check . --offline           the files only
  wharf check . --target aws        the files by AWS's rules, and the account")]
pub(crate) struct Check {
    /// The application's folder
    pub path: PathBuf,
    /// Its name [default: the folder's]
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    pub place: Where,
    /// Look at the files only
    #[arg(long)]
    pub offline: bool,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Json {
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CloudCommand {
    /// Start the local cloud; returns when its API answers
    Start(Start),
    /// Stop it; applications come back when it is started again
    Stop(Json),
    /// Whether it runs, and where
    Status(Json),
    /// Print `export` lines for aws, boto3, docker and everything else that reads them
    Env(Json),
    /// Print the certificate of the local authority, for those who shall trust it
    #[command(
        after_help = "Example:\n  wharf cloud ca > wharf-ca.pem && curl --cacert wharf-ca.pem https://app.example.test"
    )]
    Ca,
    /// What this machine lacks, and how to get it
    Doctor(Json),
}

#[derive(Debug, Subcommand)]
pub(crate) enum DnsCommand {
    /// Let this machine ask the local cloud for the names of a domain
    #[command(after_help = "\
Example:
  wharf dns install example.test && getent hosts www.example.test

With systemd-resolved only this domain is asked for here. Elsewhere the local cloud becomes the
first name server of /etc/resolv.conf and passes on what it does not know.")]
    Install(DnsChange),
    /// Undo that; with the last domain everything is as it was
    Remove(DnsChange),
    /// The domains for which the local cloud is asked
    List(Json),
}

#[derive(Debug, Args)]
pub(crate) struct DnsChange {
    /// Such as example.test
    pub domain: String,
    /// Print what was changed as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Address and port of the API [default: 127.0.0.1:4566]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// Whose requests are served [default: sigv4]
    #[arg(long, value_enum)]
    pub auth: Option<Auth>,
    /// Certificate authorities (PEM) that RUN steps trust, for networks that re-sign TLS
    #[arg(long, value_name = "FILE")]
    pub build_ca_bundle: Option<PathBuf>,
    /// Another host for a registry's images, such as docker.io=127.0.0.1:5000
    #[arg(long, value_name = "REGISTRY=HOST")]
    pub registry_mirror: Vec<String>,
    /// A folder with actions that workflows use: DIR/owner/name@ref or DIR/owner/name
    #[arg(long, value_name = "DIR")]
    pub actions: Vec<PathBuf>,
    /// A file with the password that the console asks for; without one it is for this machine alone
    #[arg(long, value_name = "FILE", env = "WHARF_CONSOLE_PASSWORD_FILE")]
    pub console_password_file: Option<PathBuf>,
    /// Print how to reach it as JSON
    #[arg(long)]
    pub json: bool,
}
