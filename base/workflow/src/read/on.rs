//! `on`: events and their filters. What a run is given stands in `input`.

use super::{Fields, Reader};
use crate::filter::Patterns;
use crate::nearest;
use crate::trigger::{Filter, PullRequest, Push, Triggers};
use crate::yaml::{Kind, Node};

const EVENTS: [&str; 37] = [
    "push",
    "pull_request",
    "workflow_dispatch",
    "workflow_call",
    "schedule",
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "image_version",
    "issue_comment",
    "issues",
    "label",
    "merge_group",
    "milestone",
    "page_build",
    "project",
    "project_card",
    "project_column",
    "public",
    "pull_request_comment",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_target",
    "registry_package",
    "release",
    "repository_dispatch",
    "status",
    "watch",
    "workflow_run",
];

const ACTIVITIES: [&str; 22] = [
    "assigned",
    "unassigned",
    "labeled",
    "unlabeled",
    "opened",
    "edited",
    "closed",
    "reopened",
    "synchronize",
    "converted_to_draft",
    "locked",
    "unlocked",
    "enqueued",
    "dequeued",
    "milestoned",
    "demilestoned",
    "ready_for_review",
    "review_requested",
    "review_request_removed",
    "auto_merge_enabled",
    "auto_merge_disabled",
    "stacked",
];
const ACTIVITIES_DEFAULT: [&str; 3] = ["opened", "synchronize", "reopened"];

impl Reader<'_> {
    pub(super) fn triggers(&mut self, node: &Node) -> Option<Triggers> {
        let mut triggers = Triggers::default();
        if let Kind::Map(entries) = &node.kind {
            for (key, node) in entries {
                self.trigger(&key.text, key.span.clone(), Some(node), &mut triggers);
            }
        } else {
            for (name, span) in self.plain_texts(node, "on") {
                self.trigger(&name, span, None, &mut triggers);
            }
        }
        Some(triggers)
    }

    fn trigger(
        &mut self,
        name: &str,
        span: std::ops::Range<usize>,
        node: Option<&Node>,
        triggers: &mut Triggers,
    ) {
        let details = node.filter(|node| !node.is_null());
        match name {
            "push" => triggers.push = Some(details.and_then(|node| self.push(node)).unwrap_or_default()),
            "pull_request" => triggers.pull_request = Some(self.pull_request(details)),
            "workflow_dispatch" => {
                triggers.workflow_dispatch =
                    Some(details.map(|node| self.dispatch(node)).unwrap_or_default());
            }
            "workflow_call" => {
                triggers.workflow_call = Some(details.map(|node| self.call(node)).unwrap_or_default());
            }
            _ if EVENTS.contains(&name) => {
                if name == "schedule" {
                    match details {
                        Some(node) => self.schedule(node),
                        None => self.problem(
                            span.clone(),
                            "`schedule` has no time",
                            "write `- cron: '30 5 * * 1-5'`",
                        ),
                    }
                }
                triggers.other.push((name.to_owned(), span));
            }
            _ => {
                let hint = match nearest::nearest(name, &EVENTS) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "such as `push`, `pull_request` and `workflow_dispatch`".to_owned(),
                };
                self.problem(span, format!("there is no event `{name}`"), hint);
            }
        }
    }

    fn push(&mut self, node: &Node) -> Option<Push> {
        let known = [
            "branches",
            "branches-ignore",
            "tags",
            "tags-ignore",
            "paths",
            "paths-ignore",
        ];
        let fields = self.fields(node, "`push`", &known)?;
        Some(Push {
            branches: self.filter(&fields, "branches", "branches-ignore"),
            tags: self.filter(&fields, "tags", "tags-ignore"),
            paths: self.filter(&fields, "paths", "paths-ignore"),
        })
    }

    fn pull_request(&mut self, node: Option<&Node>) -> PullRequest {
        let mut request = PullRequest {
            types: ACTIVITIES_DEFAULT.map(str::to_owned).to_vec(),
            branches: None,
            paths: None,
        };
        let known = ["types", "branches", "branches-ignore", "paths", "paths-ignore"];
        let Some(fields) = node.and_then(|node| self.fields(node, "`pull_request`", &known)) else {
            return request;
        };
        if let Some(node) = fields.get("types") {
            let nodes = self.one_or_more(node, "`types`");
            request.types = nodes
                .into_iter()
                .filter_map(|node| self.one_of(node, "types", &ACTIVITIES))
                .collect();
        }
        request.branches = self.filter(&fields, "branches", "branches-ignore");
        request.paths = self.filter(&fields, "paths", "paths-ignore");
        request
    }

    fn filter(&mut self, fields: &Fields<'_>, only: &str, ignore: &str) -> Option<Filter> {
        if let (Some(_), Some((key, _))) = (fields.get(only), fields.entry(ignore)) {
            self.problem(
                key.span.clone(),
                format!("`{only}` and `{ignore}` cannot stand together"),
                format!("use `{only}`, and take back with `!` what is not meant"),
            );
        }
        if let Some(node) = fields.get(only) {
            return self.patterns(node, only).map(Filter::Only);
        }
        let node = fields.get(ignore)?;
        self.patterns(node, ignore).map(Filter::Ignore)
    }

    fn patterns(&mut self, node: &Node, name: &str) -> Option<Patterns> {
        let texts = self.plain_texts(node, name);
        match Patterns::parse(texts.iter().map(|(text, _)| text.as_str())) {
            Ok(patterns) => Some(patterns),
            Err(wrong) => {
                for (at, why) in wrong {
                    let (text, span) = &texts[at];
                    let message = format!("`{text}` is no pattern: {why}");
                    self.problem(
                        span.clone(),
                        message,
                        "`*` is anything but `/`, `**` is anything; `\\` before a character takes its meaning away",
                    );
                }
                None
            }
        }
    }
}
