use super::*;
use crate::parse;

fn check_all(text: &str) -> Vec<(String, Option<String>)> {
    let own = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
    let files = own(&["app.py", "requirements.txt", "src/main.rs", "a b"]);
    let problems = check_sources(&parse(text).unwrap(), None, &[], &files, &own(&["secret/key"]));
    problems
        .into_iter()
        .map(|problem| (text[problem.span].to_owned(), problem.hint))
        .collect()
}

#[test]
fn what_is_there_is_no_problem() {
    let text = "ARG N=app\nFROM a AS b\nARG N\nCOPY . .\nCOPY ./src /s\nCOPY *.txt src/ /x/\nCOPY /app.py /\nCOPY ${N}.py /\nCOPY [\"a b\", \"/\"]\nCOPY $BASE_ENV/x /\nFROM b\nCOPY --from=b /y /\nCOPY --from=nginx /y /\nARG U=https://example.com\nADD $U/x https://example.com/y /z/\nCOPY --parents **/*.rs /z/\nCOPY <<EOF /z\nEOF\n";
    assert_eq!(check_all(text), []);
}

#[test]
fn what_is_missing_is_named_in_its_place() {
    let found = check_all(
        "FROM unused\nCOPY nothing /\nFROM a\nCOPY requirement.txt app.py /x/\nCOPY secret/key /\nCOPY *.go /\n",
    );
    assert_eq!(found.len(), 3);
    assert_eq!(
        found[0],
        (
            "requirement.txt".to_owned(),
            Some("did you mean `requirements.txt`?".to_owned())
        )
    );
    assert!(found[1].1.as_deref().unwrap().contains(".dockerignore"));
    assert_eq!(found[2].0, "*.go");
}
