//! What steps say to the runner: commands in their output, and files that they write.

/// `::name key=value,…::data`, as GitHub's toolkit prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) properties: Vec<(String, String)>,
    pub(crate) data: String,
}

impl Command {
    /// `None` for a line that is none.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("##[") {
            return Self::old(rest);
        }
        let (head, data) = line.strip_prefix("::")?.split_once("::")?;
        let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
        Self::new(name, properties, ',', &unescape(data, false))
    }

    /// `##[name]data`, which older programs print.
    fn old(rest: &str) -> Option<Self> {
        let (head, data) = rest.split_once(']')?;
        let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
        Self::new(name, properties, ';', data)
    }

    fn new(name: &str, properties: &str, separator: char, data: &str) -> Option<Self> {
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        is_name.then(|| Self {
            name: name.to_ascii_lowercase(),
            properties: properties
                .split(separator)
                .filter_map(|pair| pair.trim().split_once('='))
                .map(|(key, value)| (key.to_ascii_lowercase(), unescape(value, true)))
                .collect(),
            data: data.to_owned(),
        })
    }

    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        let found = self.properties.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

fn unescape(text: &str, is_property: bool) -> String {
    let text = text.replace("%0D", "\r").replace("%0A", "\n");
    let text = if is_property {
        text.replace("%3A", ":").replace("%2C", ",")
    } else {
        text
    };
    text.replace("%25", "%")
}

/// Names with values, as in GITHUB_ENV, GITHUB_OUTPUT and GITHUB_STATE: `name=value`, or
/// `name<<end`, lines, `end`.
///
/// # Errors
/// A sentence, when the file is not of this form.
pub(crate) fn parse_pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let equals = line.find('=').unwrap_or(usize::MAX);
        let heredoc = line.find("<<").unwrap_or(usize::MAX);
        if equals == usize::MAX && heredoc == usize::MAX {
            return Err(format!("Invalid format '{line}'"));
        }
        if equals < heredoc {
            let (name, value) = (&line[..equals], &line[equals + 1..]);
            if name.is_empty() {
                return Err(format!("Invalid format '{line}'. Name must not be empty"));
            }
            pairs.push((name.to_owned(), value.to_owned()));
            continue;
        }
        let (name, end) = (&line[..heredoc], &line[heredoc + 2..]);
        if name.is_empty() || end.is_empty() {
            let sentence = "Name must not be empty and delimiter must not be empty";
            return Err(format!("Invalid format '{line}'. {sentence}"));
        }
        let mut value: Vec<&str> = Vec::new();
        loop {
            match lines.next() {
                Some(line) if line == end => break,
                Some(line) => value.push(line),
                None => return Err(format!("Invalid value. Matching delimiter not found '{end}'")),
            }
        }
        pairs.push((name.to_owned(), value.join("\n")));
    }
    Ok(pairs)
}

/// Variables that GITHUB_ENV may not set: what the runner says of itself, and what would run code unasked.
pub(crate) fn is_protected(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("GITHUB_") || name.starts_with("RUNNER_") || name == "NODE_OPTIONS"
}

#[cfg(test)]
mod tests;
