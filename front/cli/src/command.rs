//! One file for each command.

mod check;
mod cloud;
mod console;
mod dns;
mod down;
mod exec;
mod init;
mod logs;
mod look;
mod pipeline;
mod run;
mod top;
mod up;

use std::collections::BTreeMap;

use clap::CommandFactory as _;
use tokio::runtime::Runtime;

use crate::arguments::{Arguments, Command, Global};
use crate::cloud::Cloud;
use crate::exit::Ended;
use crate::output::Output;

/// What every command works with.
pub(crate) struct Session {
    pub global: Global,
    pub variables: BTreeMap<String, String>,
    pub cloud: Box<dyn Cloud>,
    pub output: Output,
    pub runtime: Runtime,
}

impl Session {
    pub fn new(
        global: Global,
        variables: BTreeMap<String, String>,
        cloud: Box<dyn Cloud>,
        output: Output,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        Self {
            global,
            variables,
            cloud,
            output,
            runtime: runtime.expect("a process that has just begun can have two threads"),
        }
    }

    pub fn run(&self, command: Command) -> Ended {
        match command {
            Command::Up(it) => self.up(&it),
            Command::Down(it) => self.down(&it),
            Command::Status(it) => self.status(&it),
            Command::Url(it) => self.url(&it),
            Command::Open(it) => self.open(&it),
            Command::Logs(it) => self.logs(&it),
            Command::Top(it) => self.top(&it),
            Command::Run(it) => self.run_once(&it),
            Command::Exec(it) => self.exec(&it),
            Command::SessionManagerPlugin { arguments } => self.plugin(&arguments),
            Command::Check(it) => self.check(&it),
            Command::Pipeline(it) => self.pipeline(it),
            Command::Init(it) => self.init(&it),
            Command::GitCredential { operation } => self.git_credential(&operation),
            Command::Cloud(it) => self.cloud(it),
            Command::Console(it) => self.console(it),
            Command::Dns(it) => self.dns(it),
            Command::Doctor(it) => self.doctor(it),
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Arguments::command(), "wharf", &mut script);
                Ok(self.output.print_raw(&script)?)
            }
        }
    }
}
