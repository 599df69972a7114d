//! `wharf run`.

use client_deploy::{Deployer, LogLine, RunEnd, RunOptions};

use crate::arguments::Run;
use crate::command::Session;
use crate::exit::{End, Ended, FAILED};
use crate::place::app_name;
use crate::progress::Progress;

impl Session {
    pub(super) fn run_once(&self, run: &Run) -> Ended {
        let name = app_name(&run.name)?;
        let progress = Progress::new(self.output.clone());
        let deployer = self.deployer(&run.place, progress.sink())?;
        let options = RunOptions {
            command: run.command.clone(),
            container: run.container.clone(),
            environment: run.env.clone(),
        };
        let mut show = |line: LogLine| {
            let message = line.message.trim_end_matches('\n');
            if run.json {
                self.output.say(message);
                return;
            }
            // Nobody reads any more: the task goes on to its end all the same.
            let _ = self.output.print(message);
        };
        let ended = self.runtime.block_on(async {
            let (task, container) = deployer.start_run(&name, &options).await?;
            follow(&deployer, &task, &container, &mut show).await
        });
        progress.clear();
        let ended = ended?;
        if run.json {
            self.output.print_json(&ended)?;
        }
        match ended.exit_code {
            0 => Ok(()),
            code => {
                let code = u8::try_from(code).unwrap_or(FAILED);
                let sentence = format!(
                    "{} ended with exit code {}: {}",
                    ended.container, ended.exit_code, ended.reason
                );
                Err(End::new(code, if run.json { String::new() } else { sentence }))
            }
        }
    }
}

/// To the end; an interrupt from the keyboard stops the task first.
async fn follow(
    deployer: &Deployer,
    task: &str,
    container: &str,
    show: &mut dyn FnMut(LogLine),
) -> Ended<RunEnd> {
    let followed = tokio::select! {
        ended = deployer.follow_run(task, container, show) => Some(ended?),
        _ = tokio::signal::ctrl_c() => None,
    };
    match followed {
        Some(ended) => Ok(ended),
        None => {
            deployer.stop_run(task).await?;
            Ok(deployer.follow_run(task, container, &mut |_| ()).await?)
        }
    }
}
