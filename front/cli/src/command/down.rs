//! `wharf down`.

use crate::arguments::Down;
use crate::command::Session;
use crate::exit::Ended;
use crate::place::app_name;
use crate::progress::Progress;

impl Session {
    pub(super) fn down(&self, down: &Down) -> Ended {
        let name = app_name(&down.name)?;
        let progress = Progress::new(self.output.clone());
        let deployer = self.deployer(&down.place, progress.sink())?;
        let engine = self.engine_if_any(&down.place);
        let removed = self.runtime.block_on(deployer.down(&name, engine.as_ref()));
        progress.clear();
        let removed = removed?;
        if down.json {
            return Ok(self.output.print_json(&removed)?);
        }
        self.output.print(match (removed.found, removed.last) {
            (false, _) => format!("there was nothing of {name}"),
            (true, false) => format!("{name} is gone"),
            (true, true) => format!("{name} is gone, and with it what applications share"),
        })?;
        Ok(())
    }
}
