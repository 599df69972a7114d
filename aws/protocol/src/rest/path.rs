//! Paths with labels, such as `/2013-04-01/hostedzone/{Id}/rrset`.

use percent_encoding::percent_decode_str;

use crate::{OperationSchema, ServiceSchema};

/// The operation that a request is for. A path that is more literal wins.
pub fn find(service: &ServiceSchema, method: &str, path: &str) -> Option<&'static OperationSchema> {
    let operations = service.operations.iter();
    let fitting = operations.filter(|it| {
        it.http
            .is_some_and(|http| http.method == method && labels(http.uri, path).is_some())
    });
    fitting.min_by_key(|it| it.http.map_or(0, |http| http.uri.matches('{').count()))
}

/// What stands at a template's labels; `None` when the path is of another form. A slash at the end does not count.
pub(super) fn labels(template: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut wanted = template.trim_matches('/').split('/');
    let mut there = path.trim_matches('/').split('/');
    let mut labels = Vec::new();
    loop {
        let (part, text) = match (wanted.next(), there.next()) {
            (None, None) => return Some(labels),
            (Some(part), Some(text)) => (part, text),
            _ => return None,
        };
        match part.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
            Some(_) if text.is_empty() => return None,
            Some(name) => {
                let text = percent_decode_str(text).decode_utf8().ok()?;
                labels.push((name, text.into_owned()));
            }
            None if part == text => {}
            None => return None,
        }
    }
}
