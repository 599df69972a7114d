//! What a run is given: `workflow_dispatch` and `workflow_call` with their inputs, secrets and outputs.

use base_diagnostic::Problem;

use super::{Fields, Reader};
use crate::available::{CALL_DEFAULT, CALL_OUTPUT, Known, NOWHERE};
use crate::model::Job;
use crate::trigger::{Call, CallOutput, CallSecret, Dispatch, Input, InputKind};
use crate::value::Value;
use crate::yaml::{Key, Kind, Node};

/// GitHub passes over filters where they have no meaning, and people write them there.
fn with_filters<'a>(known: &[&'a str]) -> Vec<&'a str> {
    let filters = [
        "types",
        "branches",
        "branches-ignore",
        "tags",
        "tags-ignore",
        "paths",
        "paths-ignore",
    ];
    known.iter().copied().chain(filters).collect()
}

impl Reader<'_> {
    pub(super) fn dispatch(&mut self, node: &Node) -> Dispatch {
        const INPUTS_MAX: usize = 25;
        let known = [
            "description",
            "required",
            "default",
            "type",
            "options",
            "deprecationMessage",
        ];
        let Some(fields) = self.fields(node, "`workflow_dispatch`", &with_filters(&["inputs"])) else {
            return Dispatch::default();
        };
        let entries = self.entries(&fields, "inputs");
        if let Some((key, _)) = entries.get(INPUTS_MAX) {
            let message = format!("`workflow_dispatch` has more than {INPUTS_MAX} inputs");
            self.problems.push(Problem::new(key.span.clone(), message));
        }
        let inputs = entries
            .iter()
            .filter_map(|(key, node)| {
                let kinds = ["string", "boolean", "number", "choice", "environment"];
                self.input(key, node, &known, &kinds, false)
            })
            .collect();
        Dispatch { inputs }
    }

    pub(super) fn call(&mut self, node: &Node) -> Call {
        let known = with_filters(&["inputs", "outputs", "secrets"]);
        let Some(fields) = self.fields(node, "`workflow_call`", &known) else {
            return Call::default();
        };
        let known = ["description", "required", "default", "type", "deprecationMessage"];
        let inputs = self
            .entries(&fields, "inputs")
            .iter()
            .filter_map(|(key, node)| self.input(key, node, &known, &["string", "boolean", "number"], true))
            .collect();
        let secrets = self
            .entries(&fields, "secrets")
            .iter()
            .map(|(key, node)| self.call_secret(key, node))
            .collect();
        let outputs = self
            .entries(&fields, "outputs")
            .iter()
            .filter_map(|(key, node)| self.call_output(key, node))
            .collect();
        Call {
            inputs,
            outputs,
            secrets,
        }
    }

    fn call_secret(&mut self, key: &Key, node: &Node) -> CallSecret {
        let fields = match node.is_null() {
            true => None,
            false => self.fields(node, "a secret", &["description", "required"]),
        };
        CallSecret {
            name: key.text.clone(),
            description: fields.as_ref().and_then(|fields| self.description(fields)),
            required: fields.is_some_and(|fields| self.is_required(&fields)),
        }
    }

    fn call_output(&mut self, key: &Key, node: &Node) -> Option<CallOutput> {
        let fields = self.fields(node, "an output", &["description", "value"])?;
        Some(CallOutput {
            name: key.text.clone(),
            description: self.description(&fields),
            value: self.required(
                &fields,
                "value",
                &format!("the output `{}`", key.text),
                &CALL_OUTPUT,
            )?,
        })
    }

    /// Outputs of a workflow are those of its jobs: looked at again when the jobs are known.
    pub(super) fn call_outputs_name_jobs(&mut self, on: &Node, jobs: &[Job]) {
        let child = |node: &'_ Node, name: &str| -> Option<Node> {
            match &node.kind {
                Kind::Map(entries) => entries
                    .iter()
                    .find(|(key, _)| key.text == name)
                    .map(|(_, node)| node.clone()),
                _ => None,
            }
        };
        let outputs = child(on, "workflow_call").and_then(|call| child(&call, "outputs"));
        let Some(Kind::Map(entries)) = outputs.map(|outputs| outputs.kind) else {
            return;
        };
        self.known = Known {
            jobs: Some(jobs.iter().map(|job| job.id.clone()).collect()),
            ..Known::default()
        };
        for (_, output) in &entries {
            if let Some(value) = child(output, "value") {
                self.template(&value, "value", &CALL_OUTPUT);
            }
        }
        self.known = Known::default();
    }

    fn description(&mut self, fields: &Fields<'_>) -> Option<String> {
        let node = fields.get("description")?;
        self.plain(node, "description")
    }

    pub(crate) fn is_required(&mut self, fields: &Fields<'_>) -> bool {
        let Some(node) = fields.get("required") else {
            return false;
        };
        let required = self.truth(node, "required", &NOWHERE);
        required.and_then(|template| template.literal_value()) == Some(Value::Bool(true))
    }

    fn input(
        &mut self,
        key: &Key,
        node: &Node,
        known: &[&str],
        kinds: &[&str],
        called: bool,
    ) -> Option<Input> {
        let mut input = Input {
            name: key.text.clone(),
            description: None,
            required: false,
            default: None,
            kind: InputKind::String,
        };
        if !crate::expression::is_name(&key.text) {
            self.problem(
                key.span.clone(),
                format!("`{}` cannot be the name of an input", key.text),
                "a name has letters, digits, `_` and `-`, and begins with a letter or `_`",
            );
        }
        if node.is_null() && !called {
            return Some(input);
        }
        let fields = self.fields(node, &format!("the input `{}`", key.text), known)?;
        input.description = self.description(&fields);
        input.required = self.is_required(&fields);
        let kind = match fields.get("type") {
            Some(node) => self.one_of(node, "type", kinds)?,
            None if called => {
                let hint = "write `type: string`, `boolean` or `number`";
                self.problem(
                    key.span.clone(),
                    format!("the input `{}` has no `type`", key.text),
                    hint,
                );
                return None;
            }
            None => "string".to_owned(),
        };
        input.kind = match kind.as_str() {
            "boolean" => InputKind::Boolean,
            "number" => InputKind::Number,
            "environment" => InputKind::Environment,
            "choice" => InputKind::Choice(self.options(&fields, key)),
            _ => InputKind::String,
        };
        let place = if called { &CALL_DEFAULT } else { &NOWHERE };
        input.default = self.optional(&fields, "default", place);
        self.default_fits(&fields, &input);
        Some(input)
    }

    fn options(&mut self, fields: &Fields<'_>, key: &Key) -> Vec<String> {
        let options: Vec<_> = match fields.get("options") {
            Some(node) => {
                let items = self.list(node, "`options`");
                items
                    .iter()
                    .filter_map(|item| self.plain(item, "options"))
                    .collect()
            }
            None => Vec::new(),
        };
        if options.is_empty() {
            let message = format!("the input `{}` is a choice without `options`", key.text);
            self.problems.push(Problem::new(key.span.clone(), message));
        }
        options
    }

    fn default_fits(&mut self, fields: &Fields<'_>, input: &Input) {
        let (Some(node), Some(value)) = (
            fields.get("default"),
            input.default.as_ref().and_then(|default| default.literal_value()),
        ) else {
            return;
        };
        // An empty one is as if it were not there.
        if !value.text().is_empty()
            && let Err(message) = input.accept(&value)
        {
            let problem = Problem::new(
                self.line(&node.span),
                message.replacen("the input", "the default of", 1),
            );
            self.problems.push(problem);
        }
    }
}
