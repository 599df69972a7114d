//! What runs inside an instance: its user data at the first start, as cloud-init does, and then what ECS's own agent does,
//! which is to read `/etc/ecs/ecs.config` and to register the instance with its cluster.
//!
//! It knows nothing that a program on an instance could not know: the instance metadata service and the AWS APIs.

mod journal;
mod register;
mod settings;
mod user_data;

use std::path::PathBuf;
use std::time::Duration;

use aws_client::Metadata;

use journal::Journal;

/// Where the agent finds what it needs.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Of the AWS APIs, as seen from the instance.
    pub endpoint: String,
    /// The instance's root directory.
    pub root: PathBuf,
    /// Of the instance; 1024 units are one CPU.
    pub cpu_units: u32,
    /// What tasks may have together.
    pub memory_mib: u32,
    /// Joins the default cluster where nothing names one, as ECS-optimised images do.
    pub joins_by_default: bool,
}

/// The service may not listen yet when the instance starts with its network.
const METADATA_RETRY: Duration = Duration::from_millis(100);
const METADATA_TRIES_MAX: u32 = 300;

impl Agent {
    /// Boots the instance and goes on until it is stopped.
    pub async fn run(self) {
        let journal = Journal::new(&self.root, "var/log/cloud-init-output.log");
        let metadata = match self.metadata(&journal).await {
            Ok(metadata) => metadata,
            Err(sentence) => {
                journal.say(&sentence);
                return std::future::pending().await;
            }
        };
        user_data::run_once(&self.root, &metadata, &journal).await;
        journal.say("The instance has started.");
        let log = Journal::new(&self.root, "var/log/ecs/ecs-agent.log");
        register::keep(&self, &metadata, &log).await;
        std::future::pending().await
    }

    /// Waits until the metadata service answers.
    async fn metadata(&self, journal: &Journal) -> Result<Metadata, String> {
        let metadata = Metadata::new().map_err(|error| error.to_string())?;
        let mut tries = 0;
        loop {
            match metadata.get("/latest/meta-data/instance-id").await {
                Ok(Some(id)) => {
                    journal.say(&format!("This is {id}."));
                    return Ok(metadata);
                }
                Ok(None) => return Err("The metadata service does not know this instance.".to_owned()),
                Err(error) if tries >= METADATA_TRIES_MAX => {
                    return Err(format!("The metadata service does not answer: {error}"));
                }
                Err(_) => {
                    tries += 1;
                    tokio::time::sleep(METADATA_RETRY).await;
                }
            }
        }
    }
}
