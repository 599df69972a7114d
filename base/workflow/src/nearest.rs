//! What somebody meant who wrote a name that does not exist.

/// The known name that is most like a word, if one is.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    // What was written differs from what was meant by a slip or two, not by half of its letters.
    const LIKENESS_MIN: f64 = 0.8;
    known
        .iter()
        .map(|name| {
            let likeness = strsim::jaro_winkler(&word.to_lowercase(), &name.to_lowercase());
            (*name, likeness)
        })
        .filter(|(_, likeness)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(name, _)| name)
}

/// A hint for a name that does not exist.
pub(crate) fn hint(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", list(known)),
    }
}

/// `` `a`, `b` and `c` ``.
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
