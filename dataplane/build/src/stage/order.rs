//! What a COPY or ADD wants, with its variables replaced and its sources found, fetched or written.

use std::fs;
use std::io;
use std::path::Path;

use base_diagnostic::Problem;
use base_dockerfile::{Ignore, Origin, Transfer, Word, is_git, is_url};

use super::Progressing;
use super::layer::{ROOT, at, directories, normal};
use crate::builder::{Failure, blocking};
use crate::scratch::ScratchDir;
use crate::transfer::{Change, Fetcher, Ownership, Picked, Placement, Selection, Wanted, name_of, select};
use crate::view::{View, text};

/// An instruction with its variables replaced and its sources found.
pub(super) struct Order {
    pub picked: Vec<Picked>,
    pub placement: Placement,
    /// `--chown`, as written: its names are known only with the layers below.
    pub owner: Option<String>,
    pub ownership: Ownership,
    pub mode: Option<Change>,
    pub excludes: Ignore,
    pub is_add: bool,
    /// `--unpack`: also what came from the network.
    pub unpacks: bool,
    /// `--unpack=false`
    pub keeps_archives: bool,
    /// Hold what was fetched or written for this step.
    _held: Vec<ScratchDir>,
}

impl Progressing<'_> {
    pub(super) async fn order(&self, transfer: &Transfer, is_add: bool) -> Result<Order, Failure> {
        let dockerfile = self.stage.build.dockerfile;
        let origin = dockerfile
            .origin(self.stage.number, transfer, &self.scope)
            .map_err(Failure::Problem)?;
        let expand = |word: &Word| self.scope.expand(word).map_err(Failure::Problem);
        let excludes: Vec<String> = transfer.excludes.iter().map(expand).collect::<Result<_, _>>()?;
        let excludes = Ignore::of(&excludes).map_err(|message| match transfer.excludes.first() {
            Some(word) => at(word, message),
            None => Failure::Other(io::Error::other(message).into()),
        })?;
        let wanted = Wanted {
            parents: transfer.parents,
            excludes,
        };
        let mut held = Vec::new();
        let mut picked = self.pick(transfer, &origin, &wanted).await?;
        for word in &transfer.sources {
            let url = expand(word)?;
            if is_add && is_url(&url) {
                let directory = self.scratch()?;
                picked.push(
                    self.fetch(word, &url, transfer.checksum.as_ref(), directory.path())
                        .await?,
                );
                held.push(directory);
            }
        }
        for document in &transfer.documents {
            let directory = self.scratch()?;
            let body = self.scope.expand_body(document).map_err(Failure::Problem)?;
            picked.push(write(directory.path(), &document.name, &body)?);
            held.push(directory);
        }
        let owner = transfer.owner.as_ref().map(expand).transpose()?;
        let mode = transfer.mode.as_ref().map(|word| self.mode(word)).transpose()?;
        let placement = self.placement(transfer, picked.len())?;
        // What a stage or image made keeps its owner; what comes from outside belongs to root.
        let keep = transfer.from.is_some() && owner.is_none();
        let ownership = if keep {
            Ownership::Keep
        } else {
            Ownership::Fixed(ROOT)
        };
        Ok(Order {
            picked,
            placement,
            owner,
            ownership,
            mode,
            excludes: wanted.excludes,
            is_add,
            unpacks: transfer.unpack == Some(true),
            keeps_archives: transfer.unpack == Some(false),
            _held: held,
        })
    }

    /// What lies at a place; `span` is where the file names it.
    pub(crate) async fn view_of(&self, origin: &Origin, from: Option<&Word>) -> Result<View, Failure> {
        let build = self.stage.build;
        let result = match origin {
            Origin::Context => return Ok(build.context.view()),
            Origin::Stage(number) => match (build.stages.get(number), from) {
                (Some(done), _) => done.clone(),
                // Only an ONBUILD of a base image can name a stage that the file itself does not need.
                (None, Some(word)) => {
                    return Err(at(word, format!("the stage `{}` was not built", word.text)));
                }
                (None, None) => return Err(io::Error::other("a stage that is needed was not built").into()),
            },
            Origin::Image(name) => {
                let span = from.map_or(0..0, |word| word.span.clone());
                build.base_image(name, span).await?
            }
        };
        Ok(View::new(&directories(build.builder, &result).await?))
    }

    async fn pick(
        &self,
        transfer: &Transfer,
        origin: &Origin,
        wanted: &Wanted,
    ) -> Result<Vec<Picked>, Failure> {
        let mut words = Vec::new();
        let mut sources = Vec::new();
        for word in &transfer.sources {
            let source = self.scope.expand(word).map_err(Failure::Problem)?;
            if !is_url(&source) {
                words.push(word);
                sources.push(source);
            }
        }
        if sources.is_empty() {
            return Ok(Vec::new());
        }
        let view = self.view_of(origin, transfer.from.as_ref()).await?;
        let (shown, wanted) = (sources.clone(), wanted.clone());
        let selected = blocking(move || select(&view, &sources, &wanted)).await;
        match selected.map_err(|error: io::Error| at(words[0], error.to_string()))? {
            Selection::Picked(picked) => Ok(picked),
            Selection::Missing(number) => {
                let (place, hint) = match origin {
                    Origin::Context => (
                        "the build context",
                        "paths are relative to the context's folder; `.dockerignore` may leave the file out",
                    ),
                    _ => (
                        "the image or stage it is copied from",
                        "paths are relative to the root of that image",
                    ),
                };
                let message = format!("`{}` is not in {place}", shown[number]);
                Err(Failure::Problem(
                    Problem::new(words[number].span.clone(), message).hint(hint),
                ))
            }
        }
    }

    async fn fetch(
        &self,
        word: &Word,
        url: &str,
        checksum: Option<&Word>,
        directory: &Path,
    ) -> Result<Picked, Failure> {
        if is_git(url) {
            return Err(at(word, "ADD from a Git repository is not supported".to_owned()));
        }
        let expected = match checksum {
            Some(word) => Some((word, self.checksum(word)?)),
            None => None,
        };
        let fetcher = Fetcher::new(self.stage.build.builder.config.ca_bundle.clone());
        let fetched = fetcher.fetch(url, directory).await;
        let fetched = fetched.map_err(|why| {
            let problem = Problem::new(word.span.clone(), format!("`{url}` cannot be fetched: {why}"));
            Failure::Problem(problem.hint("check the address and this machine's way there"))
        })?;
        if let Some((word, expected)) = expected
            && expected != fetched.digest
        {
            let message = format!("what came from `{url}` has the digest {}", fetched.digest);
            return Err(at(word, message));
        }
        let view = View::new(&[directory.to_owned()]);
        let name = name_of(url);
        let node = view.resolve(Path::new(&name), false)?.node;
        let node = node.ok_or_else(|| io::Error::other(format!("{} is gone", fetched.path.display())))?;
        Ok(Picked {
            fetched: true,
            ..Picked::new(name, node)
        })
    }

    fn checksum(&self, word: &Word) -> Result<String, Failure> {
        let text = self.scope.expand(word).map_err(Failure::Problem)?;
        let valid = text
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if !valid {
            let problem = Problem::new(word.span.clone(), format!("`{text}` is not a digest"));
            return Err(Failure::Problem(
                problem.hint("write `--checksum=sha256:` and 64 digits"),
            ));
        }
        Ok(text.to_ascii_lowercase())
    }

    fn placement(&self, transfer: &Transfer, picked: usize) -> Result<Placement, Failure> {
        let text = self
            .scope
            .expand(&transfer.destination)
            .map_err(Failure::Problem)?;
        let is_directory =
            picked > 1 || text.ends_with('/') || text == "." || text.ends_with("/.") || text == "..";
        Ok(Placement {
            destination: normal(&self.directory().join(&text)),
            is_directory,
        })
    }

    fn mode(&self, word: &Word) -> Result<Change, Failure> {
        let text = self.scope.expand(word).map_err(Failure::Problem)?;
        Change::parse(&text).ok_or_else(|| {
            let problem = Problem::new(word.span.clone(), format!("`{text}` is not a mode"));
            let hint = "write octal digits, such as `--chmod=755`, or `--chmod=u=rwX,go=rX`";
            Failure::Problem(problem.hint(hint))
        })
    }
}

/// A file that the Dockerfile itself holds.
fn write(directory: &Path, name: &str, body: &str) -> Result<Picked, Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let name = Path::new(name).file_name().unwrap_or("file".as_ref());
    let path = directory.join(name);
    fs::write(&path, body)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    let node = View::new(&[directory.to_owned()])
        .resolve(Path::new(name), false)?
        .node;
    let node = node.ok_or_else(|| io::Error::other(format!("{} is gone", text(&path))))?;
    Ok(Picked::new(name, node))
}
