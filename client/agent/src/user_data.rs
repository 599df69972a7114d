//! User data: a script that is run once in an instance's life, as root, before anything else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use aws_client::Metadata;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use crate::journal::Journal;

/// There once the script has been begun, as with cloud-init.
const MARK: &str = "var/lib/cloud/instance/sem/config_scripts_user";
const SCRIPT: &str = "var/lib/cloud/instance/scripts/part-001";
/// How long what the script has written may take to be read after its end.
const LAST_OUTPUT: Duration = Duration::from_millis(500);
const CHUNK_BYTES: usize = 8 * 1024;

/// What user data is, by its first bytes.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Script,
    Empty,
    /// In cloud-init's words.
    Other(&'static str),
}

fn kind(text: &str) -> Kind {
    let start = text.trim_start();
    if start.is_empty() {
        Kind::Empty
    } else if start.starts_with("#!") {
        Kind::Script
    } else if start.starts_with("#cloud-config") {
        Kind::Other("text/cloud-config")
    } else if start.starts_with("Content-Type:") || start.starts_with("MIME-Version:") {
        Kind::Other("multipart/mixed")
    } else {
        Kind::Other("text/x-not-multipart")
    }
}

/// Runs the user data, unless an earlier start has done that.
pub(crate) async fn run_once(root: &Path, metadata: &Metadata, journal: &Journal) {
    let mark = root.join(MARK);
    if mark.exists() {
        return;
    }
    let text = match metadata.get("/latest/user-data").await {
        Ok(text) => text.unwrap_or_default(),
        Err(error) => return journal.say(&format!("The user data cannot be read: {error}")),
    };
    match kind(&text) {
        Kind::Empty => {}
        Kind::Other(kind) => journal.say(&format!(
            "Unhandled user data of type {kind}: only scripts are run here, which begin with #! and an interpreter."
        )),
        Kind::Script => match write(root, &text, &mark) {
            Ok(script) => run(&script, journal).await,
            Err(error) => journal.say(&format!("The user data cannot be written down: {error}")),
        },
    }
}

/// Writes the script down; the mark comes first, so that it is never run twice.
fn write(root: &Path, text: &str, mark: &Path) -> std::io::Result<PathBuf> {
    let script = root.join(SCRIPT);
    for path in [mark, &script] {
        fs::create_dir_all(path.parent().unwrap_or(root))?;
    }
    fs::write(&script, text.trim_start())?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700))?;
    fs::write(mark, "")?;
    Ok(script)
}

async fn run(script: &Path, journal: &Journal) {
    let child = Command::new(script)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return journal.say(&format!("The user data cannot be run: {error}")),
    };
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let reading = async {
        tokio::join!(copy(out, journal), copy(err, journal));
    };
    tokio::pin!(reading);
    let status = tokio::select! {
        status = child.wait() => {
            // What it leaves running in the background may hold its output open; that is not waited for.
            let _ = tokio::time::timeout(LAST_OUTPUT, &mut reading).await;
            status
        }
        () = &mut reading => child.wait().await,
    };
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => journal.say(&format!("The user data failed: {status}")),
        Err(error) => journal.say(&format!("The user data's end was not seen: {error}")),
    }
}

async fn copy(from: Option<impl AsyncRead + Unpin>, journal: &Journal) {
    let Some(mut from) = from else { return };
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        journal.write(&chunk[..count]);
    }
}

#[cfg(test)]
mod tests;
