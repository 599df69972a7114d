//! What repositories are called.

/// How long each half of a name may be.
const PART_CHARS_MAX: usize = 100;

/// Whether it is `owner/name`, of which folders and addresses can be made.
pub fn is_repository_name(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.len() <= PART_CHARS_MAX
            && !part.starts_with(['.', '-'])
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    name.split_once('/')
        .is_some_and(|(owner, rest)| is_part(owner) && is_part(rest))
}
