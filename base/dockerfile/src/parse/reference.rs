//! Names that must mean something elsewhere in the file: stages.

use base_diagnostic::Problem;

use crate::instruction::{Kind, Word};
use crate::stage::Dockerfile;

pub(super) fn check(dockerfile: &Dockerfile, problems: &mut Vec<Problem>) {
    for (number, stage) in dockerfile.stages.iter().enumerate() {
        for instruction in &stage.instructions {
            let froms: Vec<&Word> = match &instruction.kind {
                Kind::Copy(transfer) => transfer.from.iter().collect(),
                Kind::Run(run) => run
                    .mounts
                    .iter()
                    .filter_map(|mount| mount.from.as_ref())
                    .collect(),
                _ => continue,
            };
            problems.extend(
                froms
                    .into_iter()
                    .filter_map(|from| check_from(dockerfile, number, from)),
            );
        }
    }
}

/// What is no stage is an image; but a number never is, nor one's own stage, nor what looks like a stage's name
/// misspelt.
fn check_from(dockerfile: &Dockerfile, number: usize, from: &Word) -> Option<Problem> {
    let name = from.text.trim_matches(['"', '\'']).to_lowercase();
    if name.contains('$') {
        return None;
    }
    let stages = &dockerfile.stages;
    let at = stages.iter().position(|stage| stage.name.as_ref() == Some(&name));
    let at = at.or_else(|| name.parse().ok());
    match at {
        Some(at) if at < number => None,
        Some(at) if at == number => Some(
            Problem::new(
                from.span.clone(),
                format!("stage `{name}` cannot copy from itself"),
            )
            .hint("leave `--from` out to copy from the build context"),
        ),
        Some(at) if at < stages.len() => Some(
            Problem::new(from.span.clone(), format!("stage `{name}` comes only later"))
                .hint("move its FROM and what follows before this stage"),
        ),
        Some(_) => Some(
            Problem::new(from.span.clone(), format!("there is no stage number {name}"))
                .hint(format!("stages count from 0; before this one there are {number}")),
        ),
        None => {
            let earlier = stages[..number].iter().filter_map(|stage| stage.name.as_deref());
            let close = earlier
                .filter(|known| strsim::damerau_levenshtein(known, &name) <= 2 && *known != name)
                .min_by_key(|known| strsim::damerau_levenshtein(known, &name))?;
            (!name.contains(['/', ':', '.'])).then(|| {
                Problem::new(from.span.clone(), format!("there is no stage `{name}`")).hint(format!(
                    "did you mean `{close}`? If an image is meant, write its tag too: `{name}:latest`"
                ))
            })
        }
    }
}
