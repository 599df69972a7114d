//! `wharf dns …` and `wharf cloud ca`.

use serde_json::json;

use crate::arguments::{DnsChange, DnsCommand, Json};
use crate::cloud::NamesLed;
use crate::command::Session;
use crate::exit::Ended;

impl Session {
    pub(super) fn dns(&self, command: DnsCommand) -> Ended {
        match command {
            DnsCommand::Install(change) => {
                let led = self.cloud.install_dns(&self.global.state_dir, &change.domain)?;
                self.told(&change, &led, "is answered by the local cloud now")
            }
            DnsCommand::Remove(change) => {
                let led = self.cloud.remove_dns(&self.global.state_dir, &change.domain)?;
                self.told(&change, &led, "is answered as it was before")
            }
            DnsCommand::List(json) => self.led_domains(json),
        }
    }

    fn told(&self, change: &DnsChange, led: &NamesLed, said: &str) -> Ended {
        if change.json {
            return Ok(self.output.print_json(led)?);
        }
        self.output.print(format!("{} {said}", change.domain))?;
        self.output.say(format!("  changed  {}", led.file.display()));
        if let Some(note) = &led.note {
            self.output.say(format!("  note     {note}"));
        }
        Ok(())
    }

    fn led_domains(&self, json: Json) -> Ended {
        let domains = self.cloud.dns_domains(&self.global.state_dir)?;
        if json.json {
            return Ok(self.output.print_json(&json!({ "domains": domains }))?);
        }
        for domain in domains {
            self.output.print(domain)?;
        }
        Ok(())
    }

    /// The certificate of the local authority, for those who shall trust it.
    pub(super) fn authority(&self) -> Ended {
        let certificate = self.cloud.authority(&self.global.state_dir)?;
        Ok(self.output.print_raw(certificate.as_bytes())?)
    }
}
