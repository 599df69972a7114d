use super::*;

#[test]
fn two_escape_characters_at_the_end_do_not_continue() {
    let mut problems = Vec::new();
    let lines = split("RUN a \\\\\nRUN b \\ \nc\n", &mut problems).lines;
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["RUN a \\\\", "RUN b c"]);
    assert_eq!(lines[1].span(6..7), 18..19);
}

#[test]
fn a_here_document_without_end_is_a_problem() {
    let mut problems = Vec::new();
    split("RUN <<-\"EOF\"\n\ta\n", &mut problems);
    assert_eq!(problems.len(), 1);
    problems.clear();
    let lines = split(
        "RUN <<-EOF && x <<< y\n\ta\n\tEOF\n# c\nRUN '<<A'\n",
        &mut problems,
    )
    .lines;
    assert!(problems.is_empty());
    assert_eq!(lines[0].documents[0].body, "a\n");
    assert_eq!(lines[1].text, "RUN '<<A'");
}
