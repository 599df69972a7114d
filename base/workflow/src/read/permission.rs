//! `permissions`.

use base_diagnostic::Problem;

use super::{Fields, Reader};
use crate::model::{Level, Permissions};
use crate::nearest;
use crate::yaml::Kind;

/// Permissions of the token, and the highest level that is possible with the lowest one above none.
const NAMES: [(&str, &[&str]); 20] = [
    ("actions", ANY),
    ("artifact-metadata", ANY),
    ("attestations", ANY),
    ("checks", ANY),
    ("code-quality", ANY),
    ("contents", ANY),
    ("copilot-requests", WRITE),
    ("deployments", ANY),
    ("discussions", ANY),
    ("drives", ANY),
    ("id-token", WRITE),
    ("issues", ANY),
    ("models", READ),
    ("packages", ANY),
    ("pages", ANY),
    ("pull-requests", ANY),
    ("repository-projects", ANY),
    ("security-events", ANY),
    ("statuses", ANY),
    ("vulnerability-alerts", READ),
];
const ANY: &[&str] = &["read", "write", "none"];
const READ: &[&str] = &["read", "none"];
const WRITE: &[&str] = &["write", "none"];

impl Reader<'_> {
    pub(crate) fn permissions(&mut self, fields: &Fields<'_>) -> Option<Permissions> {
        let node = fields.get("permissions")?;
        if let Kind::Scalar(text, _) = &node.kind {
            return match text.as_str() {
                "read-all" => Some(Permissions::ReadAll),
                "write-all" => Some(Permissions::WriteAll),
                _ => {
                    self.problem(
                        self.line(&node.span),
                        format!("`permissions` cannot be `{text}`"),
                        "write `read-all`, `write-all`, `{}` or a mapping such as `contents: read`",
                    );
                    None
                }
            };
        }
        let names = NAMES.map(|(name, _)| name);
        self.fields(node, "`permissions`", &names)?;
        let Kind::Map(entries) = &node.kind else {
            return None;
        };
        let mut levels = Vec::new();
        for (key, node) in entries {
            let Some((name, possible)) = NAMES.iter().find(|(name, _)| *name == key.text) else {
                continue;
            };
            let level = match &node.kind {
                Kind::Scalar(text, _) => text.as_str(),
                _ => "",
            };
            let known = match level {
                "read" => Level::Read,
                "write" => Level::Write,
                _ => Level::None,
            };
            if possible.contains(&level) {
                levels.push(((*name).to_owned(), known));
            } else {
                let message = format!("`{name}` cannot be `{level}`");
                let problem = Problem::new(self.line(&node.span), message);
                let hint = format!("it is {}", nearest::list(possible).replace(" and ", " or "));
                self.problems.push(problem.hint(hint));
            }
        }
        Some(Permissions::Each(levels))
    }
}
