//! Long lists, a page at a time.

use crate::ApiError;

/// Items of one page and the token that leads to the next. The token is the number of items seen so far, behind a
/// word that keeps people from writing it themselves.
///
/// # Errors
/// When the token was not given out by this function.
pub fn page<T>(
    items: Vec<T>,
    limit: Option<i32>,
    limit_max: usize,
    token: Option<&str>,
) -> Result<(Vec<T>, Option<String>), BadToken> {
    let start = match token {
        None | Some("") => 0,
        Some(token) => token
            .strip_prefix(HEAD)
            .and_then(|count| count.parse().ok())
            .ok_or(BadToken)?,
    };
    let limit = limit.map_or(limit_max, |limit| {
        usize::try_from(limit).unwrap_or(1).clamp(1, limit_max)
    });
    let total = items.len();
    let page: Vec<T> = items.into_iter().skip(start).take(limit).collect();
    let end = start + page.len();
    Ok((page, (end < total).then(|| format!("{HEAD}{end}"))))
}

const HEAD: &str = "wharf-page-";

/// The caller sent a token that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadToken;

impl From<BadToken> for ApiError {
    fn from(_: BadToken) -> Self {
        Self::client("InvalidParameterException", "Invalid token.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_the_list_once() {
        let (mut seen, mut token) = (vec![], None);
        loop {
            let (items, next) = page((0..7).collect(), Some(3), 100, token.as_deref()).unwrap();
            seen.extend(items);
            let Some(next) = next else { break };
            token = Some(next);
        }
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(page(vec![1], None, 10, Some("x")), Err(BadToken));
    }
}
