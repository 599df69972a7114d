use super::*;

#[test]
fn a_problem_names_file_line_column_source_and_hint() {
    let file = SourceFile {
        name: "Dockerfile".into(),
        text: "FROM scratch\nCOPPY a b\n".into(),
    };
    let problem = Problem::new(13..18, "unknown instruction `COPPY`").hint("did you mean `COPY`?");
    let text = render(&file, &[problem], false, 80);
    for part in [
        "unknown instruction `COPPY`",
        "Dockerfile:2:1",
        "COPPY a b",
        "did you mean `COPY`?",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn a_column_counts_characters() {
    assert_eq!(position("é=1\nxü!", 8), (2, 3));
}
