//! Dockerfiles and `.dockerignore`: reading never panics, places are in the text, and what is read can be gone through.

use base_diagnostic::{Problem, SourceFile, render};
use base_dockerfile::{Dockerfile, Ignore, Kind, check_sources, parse_leniently, parse_trigger};

/// Width of a report, in columns.
const COLUMNS: usize = 80;

/// # Panics
/// When a promise does not hold.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (dockerfile, problems) = parse_leniently(&text);
    for problem in &problems {
        let Problem { span, .. } = problem;
        assert!(span.start <= span.end && span.end <= text.len(), "{problem:?}");
        assert!(
            text.is_char_boundary(span.start) && text.is_char_boundary(span.end),
            "{problem:?}"
        );
    }
    let file = SourceFile {
        name: "Dockerfile".to_owned(),
        text: text.clone(),
    };
    let report = render(&file, &problems, false, COLUMNS);
    assert_eq!(report.trim().is_empty(), problems.is_empty());
    walk(&dockerfile);
    if let Ok(ignore) = Ignore::parse(&text) {
        for path in ["a", "a/b/c", "keep.log", "ñ/🦀"] {
            ignore.is_ignored(path);
        }
    }
}

/// All that a builder asks of a file.
fn walk(dockerfile: &Dockerfile) {
    let arguments = [("A".to_owned(), Some("given".to_owned())), ("B".to_owned(), None)];
    let files = ["a".to_owned(), "src/b".to_owned()];
    check_sources(dockerfile, None, &arguments, &files, &[]);
    dockerfile.exposed_ports(&arguments);
    let Ok(global) = dockerfile.global_scope(&arguments) else {
        return;
    };
    for (number, stage) in dockerfile.stages.iter().enumerate() {
        // Whether it works or not, it must come to an end.
        let _ = dockerfile.needed(number, &global);
        let mut scope = global.stage(vec![("PATH".to_owned(), "/bin".to_owned())]);
        for instruction in &stage.instructions {
            let _ = scope.apply(&instruction.kind);
            match &instruction.kind {
                Kind::Copy(transfer) | Kind::Add(transfer) => {
                    for word in transfer.sources.iter().chain([&transfer.destination]) {
                        let _ = scope.expand(word);
                    }
                    for document in &transfer.documents {
                        let _ = scope.expand_body(document);
                    }
                }
                // What was taken for a trigger must be one when it is read again.
                Kind::Onbuild(onbuild) => {
                    let again = parse_trigger(&onbuild.text, dockerfile.escape);
                    assert!(again.is_ok(), "{:?}: {again:?}", onbuild.text);
                }
                _ => {}
            }
        }
    }
}
