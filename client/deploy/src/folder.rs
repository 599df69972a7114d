//! The folder with the application: what is in it, and what of it goes into a build.

use std::io;
use std::path::{Path, PathBuf};

use base_diagnostic::{Problem, SourceFile};
use base_dockerfile::Ignore;

/// A folder with more entries than this is probably not meant.
const ENTRIES_MAX: usize = 200_000;
/// A task definition longer than this is not read, in bytes; AWS takes 64 KiB.
const DEFINITION_BYTES_MAX: u64 = 256 * 1024;
/// Where a task definition may be, the first that is there counts.
const DEFINITIONS: [&str; 2] = ["task-definition.json", "deploy/task-definition.json"];

/// A folder cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    #[error("{} has no Dockerfile", .0.display())]
    NoDockerfile(PathBuf),
    #[error("{} cannot be read: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error("{} has more than {ENTRIES_MAX} files and folders", .0.display())]
    TooMany(PathBuf),
}

impl FolderError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NotAFolder(_) => "name the folder that holds the application's Dockerfile".to_owned(),
            Self::NoDockerfile(_) => {
                "a Dockerfile says how the application is built; the shortest one is `FROM scratch`, `COPY program /program`, `ENTRYPOINT [\"/program\"]`".to_owned()
            }
            Self::Unreadable { .. } => "look at who may read it: ls -ld".to_owned(),
            Self::TooMany(_) => {
                "leave out with a .dockerignore what the image does not need, such as .git and node_modules".to_owned()
            }
        }
    }
}

/// A folder as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub root: PathBuf,
    pub dockerfile: SourceFile,
    pub definition: Option<SourceFile>,
    pub ignore: Result<Ignore, (SourceFile, Problem)>,
    /// With `/`, relative, in order; folders too. Without what `.dockerignore` leaves out.
    pub entries: Vec<String>,
    /// What it leaves out, as far as it was looked at.
    pub ignored: Vec<String>,
}

impl Folder {
    pub fn read(root: &Path) -> Result<Self, FolderError> {
        if !root.is_dir() {
            return Err(FolderError::NotAFolder(root.to_owned()));
        }
        let dockerfile = read_text(root, "Dockerfile", base_dockerfile::DOCKERFILE_BYTES_MAX as u64)?;
        let dockerfile = dockerfile.ok_or_else(|| FolderError::NoDockerfile(root.to_owned()))?;
        let mut definition = None;
        for name in DEFINITIONS {
            definition = definition.or(read_text(root, name, DEFINITION_BYTES_MAX)?);
        }
        // Rules of the Dockerfile's own are taken instead of the folder's.
        let mut rules = read_text(root, "Dockerfile.dockerignore", DEFINITION_BYTES_MAX)?;
        if rules.is_none() {
            rules = read_text(root, ".dockerignore", DEFINITION_BYTES_MAX)?;
        }
        let ignore = match rules {
            None => Ok(Ignore::default()),
            Some(file) => Ignore::parse(&file.text).map_err(|error| {
                let span = line_span(&file.text, error.line);
                let problem = Problem::new(span, error.message);
                (
                    file,
                    problem.hint("write the paths that the image can do without, one a line"),
                )
            }),
        };
        let (entries, ignored) = list(root, ignore.as_ref().ok())?;
        Ok(Self {
            root: root.to_owned(),
            dockerfile,
            definition,
            ignore,
            entries,
            ignored,
        })
    }
}

fn read_text(root: &Path, name: &str, bytes_max: u64) -> Result<Option<SourceFile>, FolderError> {
    let path = root.join(name);
    let unreadable = |cause| FolderError::Unreadable {
        path: path.clone(),
        cause,
    };
    let length = match std::fs::metadata(&path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    if length > bytes_max {
        let message = format!("it has more than {bytes_max} bytes");
        return Err(unreadable(io::Error::other(message)));
    }
    let text = std::fs::read_to_string(&path).map_err(unreadable)?;
    Ok(Some(SourceFile {
        name: path.display().to_string(),
        text,
    }))
}

/// Bytes of a line, which counts from 1.
fn line_span(text: &str, line: usize) -> std::ops::Range<usize> {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let length = text[start..].lines().next().map_or(0, str::len);
    start..start + length
}

fn list(root: &Path, ignore: Option<&Ignore>) -> Result<(Vec<String>, Vec<String>), FolderError> {
    let (mut entries, mut ignored) = (Vec::new(), Vec::new());
    let mut walk = walkdir::WalkDir::new(root)
        .min_depth(1)
        .follow_links(false)
        .sort_by_file_name()
        .into_iter();
    while let Some(found) = walk.next() {
        let found = found.map_err(|error| FolderError::Unreadable {
            path: error.path().unwrap_or(root).to_owned(),
            cause: error.into(),
        })?;
        if entries.len() + ignored.len() >= ENTRIES_MAX {
            return Err(FolderError::TooMany(root.to_owned()));
        }
        let Some(path) = found.path().strip_prefix(root).ok().and_then(Path::to_str) else {
            return Err(FolderError::Unreadable {
                path: found.path().to_owned(),
                cause: io::Error::other("its name is not text in UTF-8"),
            });
        };
        if ignore.is_some_and(|ignore| ignore.is_ignored(path)) {
            let is_folder = found.file_type().is_dir();
            if is_folder && !ignore.is_some_and(Ignore::may_keep_below) {
                walk.skip_current_dir();
            }
            ignored.push(path.to_owned());
        } else {
            entries.push(path.to_owned());
        }
    }
    Ok((entries, ignored))
}
