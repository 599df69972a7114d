//! Passwords made by chance.

use aws_protocol::{ApiError, Context};
use aws_shape::secretsmanager::*;

use super::invalid;
use crate::Secrets;

const LENGTH_DEFAULT: i64 = 32;

pub(super) async fn get_random_password(
    secrets: &Secrets,
    _: &Context,
    input: GetRandomPasswordRequest,
) -> Result<GetRandomPasswordResponse, ApiError> {
    let kinds = kinds(&input);
    let all: Vec<char> = kinds.concat();
    if all.is_empty() {
        return Err(invalid(
            "The request excludes all characters: there is nothing to make a password of.",
        ));
    }
    let length = usize::try_from(input.password_length.unwrap_or(LENGTH_DEFAULT)).unwrap_or(1);
    let below = |limit: usize| (secrets.ids.next() % limit as u128) as usize;
    let mut password = Vec::with_capacity(length);
    if input.require_each_included_type != Some(false) {
        if length < kinds.len() {
            return Err(invalid(format!(
                "The password length {length} is too short for a character of each of {} types.",
                kinds.len()
            )));
        }
        password.extend(kinds.iter().map(|kind| kind[below(kind.len())]));
    }
    while password.len() < length {
        password.push(all[below(all.len())]);
    }
    for place in (1..length).rev() {
        password.swap(place, below(place + 1));
    }
    Ok(GetRandomPasswordResponse {
        random_password: Some(password.into_iter().collect()),
    })
}

/// The types of characters that may occur, none empty.
fn kinds(input: &GetRandomPasswordRequest) -> Vec<Vec<char>> {
    let excluded = input.exclude_characters.as_deref().unwrap_or_default();
    let punctuation = || {
        ('!'..='~')
            .filter(char::is_ascii_punctuation)
            .collect::<Vec<char>>()
    };
    let included = |exclude: Option<bool>| exclude != Some(true);
    let mut kinds: Vec<Vec<char>> = Vec::new();
    if included(input.exclude_lowercase) {
        kinds.push(('a'..='z').collect());
    }
    if included(input.exclude_uppercase) {
        kinds.push(('A'..='Z').collect());
    }
    if included(input.exclude_numbers) {
        kinds.push(('0'..='9').collect());
    }
    if included(input.exclude_punctuation) {
        kinds.push(punctuation());
    }
    if input.include_space == Some(true) {
        kinds.push(vec![' ']);
    }
    for kind in &mut kinds {
        kind.retain(|character| !excluded.contains(*character));
    }
    kinds.retain(|kind| !kind.is_empty());
    kinds
}
