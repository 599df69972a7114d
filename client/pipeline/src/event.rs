//! Why a run began: what happened to the repository, and how GitHub tells it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventName {
    Push,
    PullRequest,
    WorkflowDispatch,
}

impl EventName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::PullRequest => "pull_request",
            Self::WorkflowDispatch => "workflow_dispatch",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub name: EventName,
    /// Such as `refs/heads/main`.
    pub git_ref: String,
    /// The commit, 40 hexadecimal digits.
    pub sha: String,
    /// The commit before a push.
    pub before: Option<String>,
    /// The branch that a pull request is to go into.
    pub base_branch: Option<String>,
    pub actor: String,
    pub message: String,
    pub author: String,
    pub email: String,
    /// Given to a workflow that was dispatched.
    #[serde(default)]
    pub inputs: Vec<(String, String)>,
}

/// `refs/heads/main` → `main`
pub(crate) fn short_ref(git_ref: &str) -> &str {
    ["refs/heads/", "refs/tags/", "refs/"]
        .iter()
        .find_map(|head| git_ref.strip_prefix(head))
        .unwrap_or(git_ref)
}

impl Event {
    pub fn is_tag(&self) -> bool {
        self.git_ref.starts_with("refs/tags/")
    }

    /// The first line of the commit's message.
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// `github.event`, as far as this machine can know it.
    pub(crate) fn payload(&self, repository: &str, inputs: &Value) -> Value {
        let (owner, name) = repository.split_once('/').unwrap_or(("", repository));
        let about = json!({
            "name": name,
            "full_name": repository,
            "owner": {"login": owner, "name": owner},
            "default_branch": "main",
        });
        let commit = json!({
            "id": self.sha,
            "message": self.message,
            "author": {"name": self.author, "email": self.email},
        });
        let sender = json!({"login": self.actor});
        match self.name {
            EventName::Push => json!({
                "ref": self.git_ref, "before": self.before.clone().unwrap_or_else(|| "0".repeat(40)),
                "after": self.sha, "created": self.before.is_none(), "deleted": false, "forced": false,
                "head_commit": commit, "commits": [commit],
                "pusher": {"name": self.actor, "email": self.email},
                "repository": about, "sender": sender,
            }),
            EventName::PullRequest => json!({
                "action": "synchronize", "number": 1,
                "pull_request": {
                    "number": 1, "title": self.subject(),
                    "head": {"ref": short_ref(&self.git_ref), "sha": self.sha, "repo": about},
                    "base": {"ref": self.base_branch, "repo": about},
                },
                "repository": about, "sender": sender,
            }),
            EventName::WorkflowDispatch => json!({
                "ref": self.git_ref, "inputs": inputs, "repository": about, "sender": sender,
            }),
        }
    }
}
