//! ONBUILD: an instruction that is checked here and carried out by whoever builds on the image.

use base_diagnostic::Problem;

use super::{KNOWN, Parser, Rest, parse_leniently, usage};
use crate::instruction::{Instruction, Onbuild};

impl Parser {
    pub(super) fn onbuild(&mut self, rest: &Rest<'_>) -> Option<Onbuild> {
        let keyword = rest.text().split_whitespace().next().unwrap_or_default();
        let upper = keyword.to_uppercase();
        if matches!(upper.as_str(), "ONBUILD" | "FROM" | "MAINTAINER") {
            let message = format!("ONBUILD cannot hold {upper}");
            self.problem(rest.span(), message, usage("ONBUILD"));
            return None;
        }
        if !KNOWN.contains(&upper.as_str()) {
            let message = format!("unknown instruction `{keyword}`");
            self.problem(rest.span(), message, usage("ONBUILD"));
            return None;
        }
        let mut text = rest.text().to_owned();
        for document in &rest.line.documents {
            text.push('\n');
            text.push_str(&document.body);
            text.push_str(&document.name);
        }
        if let Err(problems) = parse_trigger(&text, self.escape) {
            let problems = problems.into_iter().map(|problem| Problem {
                span: rest.span(),
                ..problem
            });
            self.problems.extend(problems);
            return None;
        }
        Some(Onbuild { text })
    }
}

/// Reads one instruction as image configurations keep it for ONBUILD.
///
/// # Errors
/// All that is wrong in it; the places are those of a file that has it after its FROM.
pub fn parse_trigger(text: &str, escape: char) -> Result<Instruction, Vec<Problem>> {
    let (dockerfile, problems) = parse_leniently(&format!("# escape={escape}\nFROM scratch\n{text}\n"));
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut instructions = dockerfile.stages.into_iter().flat_map(|stage| stage.instructions);
    match (instructions.next(), instructions.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(vec![Problem::new(
            0..0,
            format!("`{text}` is not one instruction"),
        )]),
    }
}
