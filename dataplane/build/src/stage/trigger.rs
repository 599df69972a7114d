//! ONBUILD: what the base leaves to do, before the stage's own instructions.

use base_diagnostic::Problem;
use base_dockerfile::{Instruction, parse_trigger};

use super::{Progressing, count};
use crate::builder::Failure;

/// Instructions that one base may leave.
const TRIGGERS_MAX: usize = 1_000;

impl Progressing<'_> {
    /// Carries out the base's ONBUILD instructions and forgets them: they are for its children, not for theirs.
    pub(super) async fn triggers(&mut self) -> Result<(), Failure> {
        let texts = std::mem::take(&mut self.result.configuration.config.on_build);
        if texts.is_empty() {
            return Ok(());
        }
        let dockerfile = self.stage.build.dockerfile;
        let span = dockerfile.stages[self.stage.number].base.span.clone();
        // The places are those of another file: what is wrong is shown where the base is named.
        let here = |text: &str, problem: Problem| Problem {
            span: span.clone(),
            message: format!("the base's `ONBUILD {text}`: {}", problem.message),
            hint: problem.hint,
        };
        if texts.len() > TRIGGERS_MAX {
            let message = format!("the base has more than {TRIGGERS_MAX} ONBUILD instructions");
            return Err(Failure::Problem(Problem::new(span, message)));
        }
        let mut triggers: Vec<(String, Instruction)> = Vec::new();
        for text in texts {
            match parse_trigger(&text, dockerfile.escape) {
                Ok(instruction) => triggers.push((text, instruction)),
                Err(problems) => {
                    let first = problems.into_iter().next();
                    let problem = first.unwrap_or_else(|| Problem::new(0..0, "it cannot be read"));
                    return Err(Failure::Problem(here(&text, problem)));
                }
            }
        }
        let plural = if triggers.len() == 1 { "" } else { "s" };
        self.stage
            .build
            .tell(format!("# Executing {} build trigger{plural}", triggers.len()));
        self.stage.steps += triggers
            .iter()
            .map(|(_, one)| count(std::slice::from_ref(one)))
            .sum::<usize>();
        for (text, instruction) in &triggers {
            let done = Box::pin(self.instruction(instruction)).await;
            done.map_err(|failure| match failure {
                Failure::Problem(problem) => Failure::Problem(here(text, problem)),
                Failure::Output(problem, lines) => Failure::Output(here(text, problem), lines),
                other => other,
            })?;
        }
        Ok(())
    }
}
