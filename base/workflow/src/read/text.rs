//! Texts, truths and numbers, with and without expressions.

use std::ops::Range;

use base_diagnostic::Problem;

use super::PROBLEMS_MAX;
use super::field::{Fields, Reader};
use crate::available::{Place, check};
use crate::nearest;
use crate::template::{Condition, Template};
use crate::value::Value;
use crate::yaml::{Kind, Node};

const SHELLS: [&str; 6] = ["bash", "sh", "python", "pwsh", "powershell", "cmd"];

impl Reader<'_> {
    /// A scalar that may contain expressions.
    pub(crate) fn template(&mut self, node: &Node, name: &str, place: &Place) -> Option<Template> {
        let Kind::Scalar(text, value) = &node.kind else {
            let message = format!("`{name}` is a text, not {}", node.what());
            self.problems.push(Problem::new(self.line(&node.span), message));
            return None;
        };
        let template = match value {
            Value::Text(_) => {
                let (template, problems) = Template::parse_whole(text);
                self.place_problems(problems, node, text);
                template
            }
            value => Template::of_value(value.clone()),
        };
        self.check(&template, node, text, place);
        Some(template.written(node.span.clone(), text))
    }

    /// Notes what its expressions use that is not there.
    fn check(&mut self, template: &Template, node: &Node, text: &str, place: &Place) {
        for (expression, start) in template.expressions() {
            let mut problems = check(expression, place, &self.known);
            for problem in &mut problems {
                problem.span = start + problem.span.start..start + problem.span.end;
            }
            self.place_problems(problems, node, text);
        }
    }

    /// Problems of a scalar's text as problems of the file.
    fn place_problems(&mut self, problems: Vec<Problem>, node: &Node, text: &str) {
        // Each place is looked for in the whole text: a hostile one has very many.
        let room = PROBLEMS_MAX.saturating_sub(self.problems.len());
        for mut problem in problems.into_iter().take(room) {
            problem.span = self.in_file(node, text, &problem.span);
            self.problems.push(problem);
        }
    }

    /// Where a part of a scalar's text is in the file. Quotes, escapes and indentation make the two differ: the part is
    /// looked for, and where it cannot be found it is the first line of the scalar.
    fn in_file(&self, node: &Node, text: &str, part: &Range<usize>) -> Range<usize> {
        let raw = &self.text[node.span.clone()];
        let Some(wanted) = text.get(part.clone()).filter(|wanted| !wanted.is_empty()) else {
            return self.line(&node.span);
        };
        let nth = text[..part.start].matches(wanted).count();
        let places: Vec<_> = raw.match_indices(wanted).map(|(at, _)| at).collect();
        if places.len() != text.matches(wanted).count() {
            return self.line(&node.span);
        }
        match places.get(nth) {
            Some(at) => node.span.start + at..node.span.start + at + wanted.len(),
            None => self.line(&node.span),
        }
    }

    pub(crate) fn optional(&mut self, fields: &Fields<'_>, name: &str, place: &Place) -> Option<Template> {
        let node = fields.get(name)?;
        self.template(node, name, place)
    }

    /// What must be there and must not be empty.
    pub(crate) fn required(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        what: &str,
        place: &Place,
    ) -> Option<Template> {
        let Some(node) = fields.get(name) else {
            let problem = Problem::new(fields.head(), format!("{what} has no `{name}`"));
            self.problems.push(problem);
            return None;
        };
        self.non_empty(node, name);
        self.template(node, name, place)
    }

    pub(crate) fn non_empty(&mut self, node: &Node, name: &str) {
        if matches!(&node.kind, Kind::Scalar(text, _) if text.is_empty()) {
            let problem = Problem::new(node.span.clone(), format!("`{name}` is empty"));
            self.problems.push(problem);
        }
    }

    /// A text without expressions.
    pub(crate) fn plain(&mut self, node: &Node, name: &str) -> Option<String> {
        match &node.kind {
            Kind::Scalar(text, _) if text.contains("${{") => {
                self.problem(
                    self.line(&node.span),
                    format!("`{name}` cannot have expressions"),
                    "write the value itself",
                );
                None
            }
            Kind::Scalar(_, value) => Some(value.text()),
            _ => {
                let message = format!("`{name}` is a text, not {}", node.what());
                self.problems.push(Problem::new(self.line(&node.span), message));
                None
            }
        }
    }

    /// A plain text that is not empty, of a list or alone.
    pub(crate) fn plain_texts(&mut self, node: &Node, name: &str) -> Vec<(String, Range<usize>)> {
        let nodes = self.one_or_more(node, &format!("`{name}`"));
        nodes
            .into_iter()
            .filter_map(|node| {
                self.non_empty(node, name);
                Some((self.plain(node, name)?, node.span.clone()))
            })
            .collect()
    }

    pub(crate) fn one_of(&mut self, node: &Node, name: &str, known: &[&str]) -> Option<String> {
        let text = self.plain(node, name)?;
        if !known.contains(&text.as_str()) {
            let message = format!("`{name}` cannot be `{text}`");
            self.problem(self.line(&node.span), message, nearest::hint(&text, known));
            return None;
        }
        Some(text)
    }

    /// `true`, `false`, or an expression.
    pub(crate) fn truth(&mut self, node: &Node, name: &str, place: &Place) -> Option<Template> {
        self.typed(node, name, place, "true or false", |value| {
            matches!(value, Value::Bool(_))
        })
    }

    /// A number, or an expression.
    pub(crate) fn number(&mut self, node: &Node, name: &str, place: &Place) -> Option<Template> {
        self.typed(node, name, place, "a number", |value| {
            matches!(value, Value::Number(_))
        })
    }

    fn typed(
        &mut self,
        node: &Node,
        name: &str,
        place: &Place,
        wanted: &str,
        fits: fn(&Value) -> bool,
    ) -> Option<Template> {
        let template = self.template(node, name, place)?;
        let fits = match template.literal_value() {
            Some(value) => fits(&value),
            // With text around it an expression is a text; where it could not be read that is the problem.
            None => template.is_single_expression(),
        };
        if !fits && !template.source().contains("${{") {
            let message = format!("`{name}` is {wanted}, not `{}`", template.source());
            let hint = match node.what() {
                "a text" => "write it without quotes",
                _ => "",
            };
            let problem = Problem::new(self.line(&node.span), message);
            let unquoted =
                matches!(template.source(), "true" | "false") || template.source().parse::<f64>().is_ok();
            self.problems.push(if unquoted && !hint.is_empty() {
                problem.hint(hint)
            } else {
                problem
            });
        } else if !fits && template.literal_value().is_none() {
            let message = format!("`{name}` is {wanted} or one expression, without text around it");
            self.problems.push(Problem::new(self.line(&node.span), message));
        }
        Some(template)
    }

    /// A mapping of free names to texts.
    pub(crate) fn pairs(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        place: &Place,
    ) -> Vec<(String, Template)> {
        let entries = self.entries(fields, name);
        entries
            .iter()
            .filter_map(|(key, node)| {
                if key.text.is_empty() || key.text.contains("${{") {
                    let message =
                        format!("a name of `{name}` is a text that is not empty, without expressions");
                    self.problems.push(Problem::new(key.span.clone(), message));
                    return None;
                }
                let template = self.template(node, &key.text, place)?;
                Some((key.text.clone(), template))
            })
            .collect()
    }

    pub(crate) fn condition(&mut self, fields: &Fields<'_>, name: &str, place: &Place) -> Condition {
        let Some(node) = fields.get(name) else {
            return Condition::always_if_success();
        };
        let Kind::Scalar(text, value) = &node.kind else {
            let message = format!("`{name}` is an expression, not {}", node.what());
            self.problems.push(Problem::new(self.line(&node.span), message));
            return Condition::always_if_success();
        };
        let text = match value {
            Value::Text(_) => text.trim().to_owned(),
            value => value.text(),
        };
        if text.is_empty() {
            return Condition::always_if_success();
        }
        let template = if text.contains("${{") {
            let (template, problems) = Template::parse_whole(&text);
            if problems.is_empty() && !template.is_single_expression() {
                self.problem(
                    self.line(&node.span),
                    format!("`{name}` has text beside its expression, so it would always hold"),
                    "put the whole condition between `${{` and `}}`, or leave them out",
                );
            }
            self.place_problems(problems, node, &text);
            template
        } else {
            match Template::bare(&text) {
                Ok(template) => template,
                Err(problem) => {
                    self.place_problems(vec![problem], node, &text);
                    return Condition::always_if_success();
                }
            }
        };
        self.check(&template, node, &text, place);
        Condition::of(template.written(node.span.clone(), &text))
    }

    /// A shell's name, or a command line of one's own with `{0}` for the script.
    pub(crate) fn shell(&mut self, fields: &Fields<'_>, place: &Place) -> Option<Template> {
        let node = fields.get("shell")?;
        let template = self.template(node, "shell", place)?;
        if let Some(shell) = template.literal_value().map(|value| value.text())
            && !SHELLS.contains(&shell.as_str())
            && !shell.contains("{0}")
        {
            let hint = match nearest::nearest(&shell, &SHELLS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "known are {}; any other is written with the place of the script: `{shell} {{0}}`",
                    nearest::list(&SHELLS)
                ),
            };
            self.problem(
                self.line(&node.span),
                format!("there is no shell `{shell}`"),
                hint,
            );
        }
        Some(template)
    }
}
