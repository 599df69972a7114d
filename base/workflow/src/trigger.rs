//! `on`: which events start a workflow, and with which inputs.

use std::ops::Range;

use crate::expression::Scope;
pub use crate::filter::Patterns;
use crate::nearest;
use crate::template::Template;
use crate::value::{Map, Value, parse_number};

#[derive(Clone, Debug, Default)]
pub struct Triggers {
    pub push: Option<Push>,
    pub pull_request: Option<PullRequest>,
    pub workflow_dispatch: Option<Dispatch>,
    pub workflow_call: Option<Call>,
    /// Events that GitHub has and that never happen here, such as `schedule`, and where they stand.
    pub other: Vec<(String, Range<usize>)>,
}

#[derive(Clone, Debug, Default)]
pub struct Push {
    pub branches: Option<Filter>,
    pub tags: Option<Filter>,
    pub paths: Option<Filter>,
}

#[derive(Clone, Debug)]
pub struct PullRequest {
    /// Activities such as `opened`.
    pub types: Vec<String>,
    /// Of the branch that is asked to pull.
    pub branches: Option<Filter>,
    pub paths: Option<Filter>,
}

/// `branches` or `branches-ignore`, and so on; never both.
#[derive(Clone, Debug)]
pub enum Filter {
    Only(Patterns),
    Ignore(Patterns),
}

#[derive(Clone, Debug, Default)]
pub struct Dispatch {
    pub inputs: Vec<Input>,
}

/// An input of a run that is started by hand, or of a workflow that is called.
#[derive(Clone, Debug)]
pub struct Input {
    pub name: String,
    pub description: Option<String>,
    pub required: bool,
    /// Of the input's kind; for `workflow_call` it may contain expressions.
    pub default: Option<Template>,
    pub kind: InputKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputKind {
    String,
    Boolean,
    Number,
    Choice(Vec<String>),
    Environment,
}

#[derive(Clone, Debug, Default)]
pub struct Call {
    pub inputs: Vec<Input>,
    pub outputs: Vec<CallOutput>,
    pub secrets: Vec<CallSecret>,
}

#[derive(Clone, Debug)]
pub struct CallOutput {
    pub name: String,
    pub description: Option<String>,
    pub value: Template,
}

#[derive(Clone, Debug)]
pub struct CallSecret {
    pub name: String,
    pub description: Option<String>,
    pub required: bool,
}

/// What a filter is about, in a sentence.
struct Subject<'a> {
    one: &'a str,
    many: &'a str,
    event: &'a str,
}

impl Filter {
    fn refuses(&self, name: &str, subject: &Subject<'_>) -> Option<String> {
        let Subject { one, many, event } = subject;
        match self {
            Self::Only(patterns) if !patterns.matches(name) => {
                Some(format!("{one} `{name}` is not among the {many} of `on.{event}`"))
            }
            Self::Ignore(patterns) if patterns.matches(name) => Some(format!(
                "{one} `{name}` is among the ignored {many} of `on.{event}`"
            )),
            _ => None,
        }
    }

    fn refuses_paths(&self, changed: &[String], event: &str) -> Option<String> {
        match self {
            Self::Only(patterns) if !changed.iter().any(|path| patterns.matches(path)) => {
                Some(format!("no changed file is among the paths of `on.{event}`"))
            }
            Self::Ignore(patterns)
                if !changed.is_empty() && changed.iter().all(|path| patterns.matches(path)) =>
            {
                Some(format!(
                    "all changed files are among the ignored paths of `on.{event}`"
                ))
            }
            _ => None,
        }
    }
}

impl Triggers {
    /// None: a push of this ref (`refs/heads/x`, `refs/tags/x`) starts the workflow; otherwise a sentence why not.
    /// Without changed paths (a new branch, too many changes) filters of paths let it through.
    pub fn refuses_push(&self, git_ref: &str, changed_paths: Option<&[String]>) -> Option<String> {
        let Some(push) = &self.push else {
            return Some("the workflow does not start on `push`".to_owned());
        };
        let subject = |one, many| Subject {
            one,
            many,
            event: "push",
        };
        if let Some(tag) = git_ref.strip_prefix("refs/tags/") {
            return match (&push.tags, &push.branches) {
                (Some(filter), _) => filter.refuses(tag, &subject("tag", "tags")),
                (None, Some(_)) => Some(format!("`on.push` names branches only, and `{tag}` is a tag")),
                // Paths are not looked at for tags.
                (None, None) => None,
            };
        }
        let branch = git_ref.strip_prefix("refs/heads/").unwrap_or(git_ref);
        let refused = match (&push.branches, &push.tags) {
            (Some(filter), _) => filter.refuses(branch, &subject("branch", "branches")),
            (None, Some(_)) => Some(format!("`on.push` names tags only, and `{branch}` is a branch")),
            (None, None) => None,
        };
        refused.or_else(|| push.paths.as_ref()?.refuses_paths(changed_paths?, "push"))
    }

    /// The same for a pull request to a branch; the activity is such as `opened` or `synchronize`.
    pub fn refuses_pull_request(
        &self,
        base_branch: &str,
        activity: &str,
        changed_paths: Option<&[String]>,
    ) -> Option<String> {
        let Some(request) = &self.pull_request else {
            return Some("the workflow does not start on `pull_request`".to_owned());
        };
        if !request.types.iter().any(|known| known == activity) {
            let types = request.types.join(", ");
            return Some(format!(
                "`{activity}` is not among the types of `on.pull_request`, which are {types}"
            ));
        }
        let subject = Subject {
            one: "branch",
            many: "branches",
            event: "pull_request",
        };
        let refused = request
            .branches
            .as_ref()
            .and_then(|filter| filter.refuses(base_branch, &subject));
        refused.or_else(|| {
            let paths = request.paths.as_ref()?;
            paths.refuses_paths(changed_paths?, "pull_request")
        })
    }

    /// The inputs of a run started by hand, checked against their declarations: all problems as sentences.
    pub fn dispatch(&self, given: &[(String, String)]) -> Result<Map, Vec<String>> {
        let Some(dispatch) = &self.workflow_dispatch else {
            return Err(vec![
                "the workflow does not start on `workflow_dispatch`".to_owned(),
            ]);
        };
        let find = |name: &str| {
            let given = given.iter().rev();
            given.clone().find(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        let mut problems = unknown(&dispatch.inputs, given.iter().map(|(name, _)| name.as_str()));
        let mut inputs = Map::new();
        for input in &dispatch.inputs {
            // What is left empty is as if it were not there, as in GitHub's form.
            let value = match find(&input.name).filter(|(_, text)| !text.is_empty()) {
                Some((_, text)) => input.read(text),
                None if input.required && input.default.is_none() => {
                    Err(format!("the input `{}` is required", input.name))
                }
                None => Ok(input.fallback()),
            };
            match value {
                Ok(value) => inputs.insert(input.name.as_str(), value),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            Ok(inputs)
        } else {
            Err(problems)
        }
    }
}

impl Call {
    /// The inputs of a workflow that another one calls, checked against their declarations; defaults are evaluated in
    /// the scope. All problems as sentences.
    pub fn inputs(&self, given: &Map, scope: &dyn Scope) -> Result<Map, Vec<String>> {
        let mut problems = unknown(&self.inputs, given.keys());
        let mut inputs = Map::new();
        for input in &self.inputs {
            let value = match (given.get(&input.name), &input.default) {
                (Some(value), _) => input.accept(value),
                (None, None) if input.required => Err(format!("the input `{}` is required", input.name)),
                (None, None) => Ok(input.fallback()),
                (None, Some(default)) => match default.value(scope) {
                    Ok(value) => input.accept(&value),
                    Err(error) => Err(format!("the default of the input `{}`: {error}", input.name)),
                },
            };
            match value {
                Ok(value) => inputs.insert(input.name.as_str(), value),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            Ok(inputs)
        } else {
            Err(problems)
        }
    }
}

fn unknown<'a>(inputs: &[Input], given: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<_> = inputs.iter().map(|input| input.name.as_str()).collect();
    given
        .filter(|name| !names.iter().any(|known| known.eq_ignore_ascii_case(name)))
        .map(|name| {
            let hint = nearest::hint(name, &names);
            format!("the workflow has no input `{name}`; {hint}")
        })
        .collect()
}

impl Input {
    /// A value that came as a text.
    fn read(&self, text: &str) -> Result<Value, String> {
        let wrong = |wanted: &str| format!("the input `{}` is {wanted}, not `{text}`", self.name);
        match &self.kind {
            InputKind::String | InputKind::Environment => Ok(Value::from(text)),
            InputKind::Boolean => match text {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(wrong("true or false")),
            },
            InputKind::Number => match parse_number(text) {
                number if number.is_nan() => Err(wrong("a number")),
                number => Ok(Value::Number(number)),
            },
            InputKind::Choice(options) if options.iter().any(|option| option == text) => {
                Ok(Value::from(text))
            }
            InputKind::Choice(options) => {
                let options: Vec<_> = options.iter().map(String::as_str).collect();
                Err(wrong(&format!("one of {}", nearest::list(&options))))
            }
        }
    }

    /// A value that has a type already.
    pub(crate) fn accept(&self, value: &Value) -> Result<Value, String> {
        match (&self.kind, value) {
            (InputKind::Boolean, Value::Bool(_)) | (InputKind::Number, Value::Number(_)) => Ok(value.clone()),
            (InputKind::Boolean | InputKind::Number, value) if !matches!(value, Value::Text(_)) => {
                Err(format!(
                    "the input `{}` is {}, not `{}`",
                    self.name,
                    if self.kind == InputKind::Boolean {
                        "true or false"
                    } else {
                        "a number"
                    },
                    value.text()
                ))
            }
            (_, value) => self.read(&value.text()),
        }
    }

    /// What it is where nothing was given.
    fn fallback(&self) -> Value {
        let default = self.default.as_ref().and_then(Template::literal_value);
        match (&self.kind, default) {
            (_, Some(value)) => self.accept(&value).unwrap_or(value),
            (InputKind::Boolean, None) => Value::Bool(false),
            (InputKind::Number, None) => Value::Number(0.0),
            (InputKind::Choice(options), None) => options
                .first()
                .map_or(Value::from(""), |first| Value::from(first.as_str())),
            (_, None) => Value::from(""),
        }
    }
}
