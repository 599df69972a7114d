//! Every case of the corpus: built by us and held against what it expects, then built by buildah and compared.

use std::path::Path;

use test_dockerfile::buildah::{Buildah, config_differences};
use test_dockerfile::case::{Case, all};
use test_dockerfile::tree::Tree;
use test_dockerfile::workshop::{Workshop, request};
use test_dockerfile::{base, web};
use tokio::runtime::Runtime;

/// Fewer would mean that some were lost.
const CASES_MIN: usize = 60;

/// Returns the names of those that failed.
pub fn run(wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
    let cases = all().unwrap();
    assert!(cases.len() >= CASES_MIN, "there are {} cases", cases.len());
    let cases: Vec<Case> = cases
        .into_iter()
        .filter(|case| wanted(&format!("corpus::{}", case.name)))
        .collect();
    if cases.is_empty() {
        return Vec::new();
    }
    let directory = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let archive = directory.path().join("base.tar");
    base::write(&archive).unwrap();
    let shim = vec![std::env::current_exe().unwrap().into(), "shim".into()];
    let workshop = runtime
        .block_on(Workshop::open(&directory.path().join("ours"), shim, "0badd0cc"))
        .unwrap();
    runtime.block_on(workshop.load(&archive)).unwrap();
    let buildah = Buildah::open(&directory.path().join("theirs"), &archive)
        .expect("buildah must be installed, to compare with");
    let mut failed = Vec::new();
    for case in &cases {
        let folder = directory.path().join("cases").join(&case.name);
        let problems = check(case, &folder, &workshop, &buildah, &runtime);
        let name = format!("corpus::{}", case.name);
        if problems.is_empty() {
            let compared = if case.expect.fails.is_empty() && case.expect.buildah.is_none() {
                ", as buildah"
            } else {
                ""
            };
            eprintln!("test {name} ... ok{compared}");
        } else {
            eprintln!("test {name} ... FAILED\n    {}", problems.join("\n    "));
            failed.push(name);
        }
    }
    failed
}

fn check(
    case: &Case,
    folder: &Path,
    workshop: &Workshop,
    buildah: &Buildah,
    runtime: &Runtime,
) -> Vec<String> {
    let (context, served) = (folder.join("context"), folder.join("web"));
    std::fs::create_dir_all(&context).unwrap();
    std::fs::create_dir_all(&served).unwrap();
    for (name, body) in &case.web {
        std::fs::write(served.join(name), body).unwrap();
    }
    let address = runtime.block_on(web::serve(served)).unwrap();
    if let Err(error) = case.write(&context, &format!("http://{address}")) {
        return vec![error.to_string()];
    }
    let compares = case.expect.fails.is_empty() && case.expect.buildah.is_none();
    let (ours, theirs) = std::thread::scope(|scope| {
        let theirs = compares.then(|| scope.spawn(|| buildah.build(case, &context)));
        let ours = runtime.block_on(ours(case, &context, workshop));
        (ours, theirs.map(|thread| thread.join().unwrap()))
    });
    let (config, tree) = match ours {
        Ok(Some(built)) => built,
        Ok(None) => return Vec::new(),
        Err(problems) => return problems,
    };
    let mut problems = case.differences(&config, &tree);
    match theirs {
        None => {}
        Some(Err(error)) => problems.push(format!("buildah: {error}")),
        Some(Ok((their_config, their_tree))) => {
            let differences = config_differences(&config, &their_config);
            let files = tree.differences(&their_tree);
            let both = differences.into_iter().chain(files);
            problems.extend(
                both.take(20)
                    .map(|difference| format!("we and buildah: {difference}")),
            );
        }
    }
    problems
}

/// Nothing when it had to fail, and did.
async fn ours(
    case: &Case,
    context: &Path,
    workshop: &Workshop,
) -> Result<Option<(serde_json::Value, Tree)>, Vec<String>> {
    if case.base.is_some() {
        let request = contract::image::BuildRequest {
            dockerfile: "base.Dockerfile".to_owned(),
            ..request(case, "base")
        };
        let base = workshop.build(context, request).await.unwrap();
        base.result.map_err(|error| vec![format!("the base: {error}")])?;
    }
    let built = workshop.build(context, request(case, "case")).await.unwrap();
    let mut problems = Vec::new();
    for part in &case.expect.output {
        if !built.text.contains(part) {
            problems.push(format!("`{part}` is missing in\n{}", built.text));
        }
    }
    let digest = match built.result {
        Ok(digest) => digest,
        Err(error) if case.expect.fails.is_empty() => return Err(vec![format!("{error}\n{}", built.text)]),
        Err(error) => {
            // Reports break lines where a terminal would.
            let words: Vec<&str> = error.split_whitespace().filter(|word| *word != "│").collect();
            let flat = words.join(" ");
            let missing = case.expect.fails.iter().filter(|part| !flat.contains(*part));
            problems.extend(missing.map(|part| format!("`{part}` is missing in\n{error}")));
            return if problems.is_empty() {
                Ok(None)
            } else {
                Err(problems)
            };
        }
    };
    if !case.expect.fails.is_empty() {
        return Err(vec![format!("it did not fail\n{}", built.text)]);
    }
    if let Some(wanted) = case.expect.layers {
        let own = workshop.layers(&digest).await.unwrap().len() - 1;
        if own != wanted {
            problems.push(format!("it has {own} layers, not {wanted}"));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let tree = workshop
        .tree(&digest)
        .await
        .map_err(|error| vec![error.to_string()])?;
    Ok(Some((workshop.config(&digest).unwrap(), tree)))
}
