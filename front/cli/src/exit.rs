//! How a command ends: numbers for scripts, a sentence and a hint for people.

use client_deploy::{CheckError, Failure, NameError};

use crate::cloud::CloudError;

pub(crate) const OK: u8 = 0;
pub(crate) const FAILED: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const FILES: u8 = 3;
pub(crate) const DEPLOYMENT: u8 = 4;
pub(crate) const UNREACHABLE: u8 = 5;
pub(crate) const MACHINE: u8 = 6;

/// For --help; the numbers are part of the interface.
pub(crate) const HELP: &str = "Exit codes:
  0  done
  1  failed
  2  the command line is wrong
  3  the application's files have problems; nothing was done
  4  the image could not be built, or the roll-out failed or cannot succeed
  5  the cloud does not run, or cannot be reached
  6  this machine lacks something: wharf doctor
wharf run and wharf exec end with the exit code of their command.";

/// Why a command did not do what it should.
#[derive(Debug)]
pub(crate) struct End {
    pub code: u8,
    pub message: String,
    pub hint: Option<String>,
    /// Files with what is wrong in them, to be shown in full.
    pub faults: Vec<client_deploy::Faults>,
    /// The message has its own form and is not to be touched.
    pub is_report: bool,
}

impl End {
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            faults: Vec::new(),
            is_report: false,
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Somebody stopped reading what we print: no failure, and nobody to tell.
    pub fn quiet() -> Self {
        Self::new(OK, "")
    }
}

pub(crate) type Ended<T = ()> = Result<T, End>;

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        let code = match &failure {
            Failure::Unreachable(_) | Failure::Engine { .. } => UNREACHABLE,
            Failure::Build(_)
            | Failure::Rollout(_)
            | Failure::Foreseen(_)
            | Failure::NotStarted(_)
            | Failure::TooLong { .. } => DEPLOYMENT,
            _ => FAILED,
        };
        let is_report = matches!(failure, Failure::Build(_) | Failure::Rollout(_));
        Self {
            hint: failure.hint(),
            is_report,
            ..Self::new(code, failure.to_string())
        }
    }
}

impl From<CheckError> for End {
    fn from(error: CheckError) -> Self {
        let message = error.to_string();
        match error {
            CheckError::Folder(folder) => Self::new(FILES, message).hint(folder.hint()),
            CheckError::Files(faults) => Self {
                faults,
                ..Self::new(FILES, format!("{message}; nothing was done"))
            },
        }
    }
}

impl From<NameError> for End {
    fn from(error: NameError) -> Self {
        let hint = format!("such as {}", error.instead);
        Self::new(USAGE, error.to_string()).hint(hint)
    }
}

impl From<CloudError> for End {
    fn from(error: CloudError) -> Self {
        let message = error.to_string();
        match error {
            CloudError::Machine { remedy, .. } => Self::new(MACHINE, message).hint(remedy),
            CloudError::Refused { hint, .. } => Self::new(FAILED, message).hint(hint),
            CloudError::Failed(_) => Self::new(FAILED, message),
        }
    }
}

impl From<aws_client::ConfigError> for End {
    fn from(error: aws_client::ConfigError) -> Self {
        Self::new(FAILED, error.to_string())
            .hint("AWS_PROFILE or --profile selects credentials, AWS_REGION or --region the region")
    }
}

impl From<std::io::Error> for End {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::quiet();
        }
        Self::new(FAILED, error.to_string())
    }
}

impl From<serde_json::Error> for End {
    fn from(error: serde_json::Error) -> Self {
        match error.io_error_kind() {
            Some(kind) => std::io::Error::from(kind).into(),
            None => Self::new(FAILED, error.to_string()),
        }
    }
}
