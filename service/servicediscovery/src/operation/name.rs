//! Names whose patterns look around, which is more than Rust's regular expressions do: checked by hand, refused in the
//! words that are used for the others.

use aws_protocol::ApiError;

use crate::error::invalid;

const SERVICE: &str = "((?=^.{1,127}$)^([a-zA-Z0-9_][a-zA-Z0-9-_]{0,61}[a-zA-Z0-9_]|[a-zA-Z0-9])(\\.([a-zA-Z0-9_][a-zA-Z0-9-_]{0,61}[a-zA-Z0-9_]|[a-zA-Z0-9]))*$)|(^\\.$)";

fn refused(name: &str, pattern: &str) -> ApiError {
    invalid(format!(
        "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: {pattern}"
    ))
}

pub(super) fn check_service(name: &str) -> Result<(), ApiError> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let label = |text: &str| match text.as_bytes() {
        [only] => only.is_ascii_alphanumeric(),
        [first, middle @ .., last] => {
            middle.len() <= 61
                && word(*first)
                && word(*last)
                && middle.iter().all(|it| word(*it) || *it == b'-')
        }
        [] => false,
    };
    if name == "." || (name.len() <= 127 && name.split('.').all(label)) {
        return Ok(());
    }
    Err(refused(name, SERVICE))
}

/// Of namespaces over HTTP (up to 1,024 characters) and in private DNS (up to 253).
pub(super) fn check_namespace(name: &str, characters_max: usize) -> Result<(), ApiError> {
    let printable = name.bytes().all(|it| it.is_ascii_graphic());
    if printable && (1..=characters_max).contains(&name.len()) && !name.starts_with("arn:") {
        return Ok(());
    }
    Err(refused(name, &format!("^(?!arn:)[!-~]{{1,{characters_max}}}$")))
}

#[cfg(test)]
mod tests;
