//! What a container runs, from the image's configuration and what was asked for beside it, as Docker merges them.

/// Docker's PATH for images that set none.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The part of an image's configuration that says what runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageDefaults {
    pub entry_point: Vec<String>,
    pub command: Vec<String>,
    /// `NAME=value`
    pub environment: Vec<String>,
}

/// Program and arguments. An entry point asked for switches off the image's command; empty lists are as good as
/// none, as in Docker.
///
/// # Errors
/// A sentence, when neither image nor request say what to run.
pub fn arguments(
    image: &ImageDefaults,
    entry_point: Option<&[String]>,
    command: Option<&[String]>,
) -> Result<Vec<String>, String> {
    let asked = entry_point.filter(|list| !list.is_empty());
    let entry = asked.unwrap_or(&image.entry_point);
    let command = match command.filter(|list| !list.is_empty()) {
        Some(command) => command,
        None if asked.is_some() => &[],
        None => &image.command,
    };
    let arguments: Vec<String> = entry.iter().chain(command).cloned().collect();
    if arguments.is_empty() {
        return Err("no command specified: the image has neither ENTRYPOINT nor CMD".to_owned());
    }
    Ok(arguments)
}

/// The image's variables, then those asked for; the last one of a name wins when the process starts.
pub fn environment(image: &ImageDefaults, asked: &[(String, String)]) -> Vec<(String, String)> {
    image
        .environment
        .iter()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .chain(asked.iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests;
