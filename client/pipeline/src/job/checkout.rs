//! `actions/checkout`: the run's commit into the workspace, from the repository on this machine.

use super::bench::Bench;
use super::step::StepEnd;
use crate::action::CheckoutWish;
use crate::record::LineKind;

impl Bench<'_> {
    pub(super) async fn check_out(&mut self, inputs: &[(String, String)], index: usize) -> StepEnd {
        let wish = match CheckoutWish::new(inputs, &self.shared.repository) {
            Ok(wish) => wish,
            Err(sentence) => return StepEnd::failure(sentence),
        };
        let folder = self.folders.workspace.join(&wish.path);
        if let Err(error) = std::fs::create_dir_all(&folder) {
            return StepEnd::failure(format!("`path: {}`: {error}", wish.path));
        }
        let repository = self.shared.machine.repository(&self.shared.repository);
        let (what, git_ref) = match &wish.git_ref {
            None => self.shared.recorder.read(|run| (run.event.sha.clone(), run.event.git_ref.clone())),
            Some(named) => {
                // Names of branches and tags come before the beginnings of commits.
                let mut found = None;
                for git_ref in [format!("refs/heads/{named}"), format!("refs/tags/{named}"), named.clone()] {
                    if let Ok(commit) = repository.commit(&git_ref).await {
                        found = Some((commit.sha, git_ref));
                        break;
                    }
                }
                match found {
                    Some(found) => found,
                    None => return StepEnd::failure(format!("`ref: {named}` is not in the repository")),
                }
            }
        };
        match repository.check_out(&folder, &what, &git_ref, wish.depth).await {
            Ok(()) => {
                self.say(index, LineKind::Output, &format!("{what} ({git_ref})"));
                StepEnd {
                    outputs: vec![("ref".to_owned(), git_ref), ("commit".to_owned(), what)],
                    ..StepEnd::success()
                }
            }
            Err(error) => StepEnd::failure(error),
        }
    }
}
