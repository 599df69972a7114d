//! `wharf init`.

use client_deploy::{AppName, Target};

use crate::arguments::Init;
use crate::command::Session;
use crate::exit::{End, Ended, FAILED};

const FILE: &str = ".github/workflows/deploy.yml";
const TEMPLATE: &str = include_str!("init/deploy.yml");

impl Session {
    pub(super) fn init(&self, init: &Init) -> Ended {
        let name = match &init.name {
            Some(name) => AppName::parse(name)?,
            None => AppName::of_folder(&init.path),
        };
        // What cannot be deployed by hand cannot be deployed by a workflow either.
        let app = client_deploy::check(&init.path, name.clone(), Target::Aws)?;
        let path = init.path.join(FILE);
        if path.exists() && !init.force {
            return Err(
                End::new(FAILED, format!("{} is there already", path.display())).hint("--force replaces it")
            );
        }
        let text = TEMPLATE
            .replace("@NAME@", name.as_str())
            .replace("@REGION@", &init.region);
        std::fs::create_dir_all(path.parent().unwrap_or(&init.path))?;
        std::fs::write(&path, text)?;
        for note in &app.notes {
            self.output.say(format!("  {}", self.output.paint("2", note)));
        }
        self.output.print(format!("wrote {}", path.display()))?;
        self.output.say(
            "\n  on GitHub: set the secrets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, commit, push\n  \
             here:      wharf pipeline remote, then git push wharf main",
        );
        Ok(())
    }
}
