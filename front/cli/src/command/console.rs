//! `wharf console`.

use serde_json::json;

use crate::arguments::Json;
use crate::command::Session;
use crate::exit::Ended;

impl Session {
    /// Prints where the console is; the cloud has to run.
    pub(super) fn console(&self, json: Json) -> Ended {
        let url = format!("{}/console", self.running()?.endpoint);
        if json.json {
            return Ok(self.output.print_json(&json!({ "url": url }))?);
        }
        Ok(self.output.print(url)?)
    }
}
