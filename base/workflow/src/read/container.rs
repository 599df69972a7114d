//! `container` and `services` of a job.

use base_diagnostic::Problem;

use super::{Fields, Reader};
use crate::available::{CONTAINER, CONTAINER_ENV, CREDENTIALS};
use crate::model::Container;
use crate::template::Template;
use crate::yaml::{Kind, Node};

const KEYS: [&str; 6] = ["image", "env", "ports", "volumes", "options", "credentials"];
const SERVICE_KEYS: [&str; 8] = [
    "image",
    "env",
    "ports",
    "volumes",
    "options",
    "credentials",
    "entrypoint",
    "command",
];

impl Reader<'_> {
    pub(super) fn container(&mut self, fields: &Fields<'_>) -> Option<Container> {
        let node = fields.get("container")?;
        self.read_container(node, "container", &KEYS)
    }

    pub(super) fn services(&mut self, fields: &Fields<'_>) -> Vec<(String, Container)> {
        let entries = self.entries(fields, "services");
        entries
            .iter()
            .filter_map(|(key, node)| {
                self.service_name(&key.text, &key.span);
                let container = self.read_container(node, &key.text, &SERVICE_KEYS)?;
                Some((key.text.clone(), container))
            })
            .collect()
    }

    /// A service is found by its name in the network of the job.
    fn service_name(&mut self, name: &str, span: &std::ops::Range<usize>) {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty()
            || !name.chars().all(fits)
            || !name.starts_with(|c: char| c.is_ascii_alphanumeric())
        {
            self.problem(
                span.clone(),
                format!("`{name}` cannot be the name of a service"),
                "a name has letters, digits, `_`, `-` and `.`, and begins with a letter or a digit",
            );
        }
    }

    fn read_container(&mut self, node: &Node, name: &str, known: &[&str]) -> Option<Container> {
        if matches!(node.kind, Kind::Scalar(..)) {
            return Some(Container {
                image: self.template(node, name, &CONTAINER)?,
                env: Vec::new(),
                ports: Vec::new(),
                volumes: Vec::new(),
                options: None,
                credentials: None,
                entrypoint: None,
                command: None,
                span: node.span.clone(),
            });
        }
        let what = format!("`{name}`");
        let fields = self.fields(node, &what, known)?;
        let ports = self.template_list(&fields, "ports");
        let volumes = self.template_list(&fields, "volumes");
        let env = self.pairs(&fields, "env", &CONTAINER_ENV);
        let options = self.optional(&fields, "options", &CONTAINER);
        self.no_network(&fields);
        let credentials = self.credentials(&fields);
        let entrypoint = self.optional(&fields, "entrypoint", &CONTAINER);
        let command = self.optional(&fields, "command", &CONTAINER);
        let image = match fields.written("image") {
            // An empty image is no container, as it can be the outcome of an expression.
            Some(image) => self.template(image, "image", &CONTAINER)?,
            None => {
                let problem = Problem::new(fields.head(), format!("{what} has no `image`"));
                self.problems.push(problem);
                return None;
            }
        };
        Some(Container {
            image,
            env,
            ports,
            volumes,
            options,
            credentials,
            entrypoint,
            command,
            span: node.span.clone(),
        })
    }

    /// GitHub keeps a container's network to itself.
    fn no_network(&mut self, fields: &Fields<'_>) {
        let Some(node) = fields.get("options") else {
            return;
        };
        if let Kind::Scalar(text, _) = &node.kind
            && text
                .split_whitespace()
                .any(|word| ["--network", "--net"].contains(&word.split('=').next().unwrap_or(word)))
        {
            self.problem(
                self.line(&node.span),
                "`--network` is not among what a container's options can say",
                "containers of a job are in one network of their own",
            );
        }
    }

    fn template_list(&mut self, fields: &Fields<'_>, name: &str) -> Vec<Template> {
        let Some(node) = fields.get(name) else {
            return Vec::new();
        };
        let items = self.list(node, &format!("`{name}`"));
        items
            .iter()
            .filter_map(|item| self.template(item, name, &CONTAINER))
            .collect()
    }

    fn credentials(&mut self, fields: &Fields<'_>) -> Option<(Template, Template)> {
        let node = fields.get("credentials")?;
        let fields = self.fields(node, "`credentials`", &["username", "password"])?;
        let user = self.required(&fields, "username", "`credentials`", &CREDENTIALS);
        let password = self.required(&fields, "password", "`credentials`", &CREDENTIALS);
        Some((user?, password?))
    }
}
