use crate::{Scope, parse};

/// The scope at the end of the last stage.
fn scope(text: &str, args: &[(&str, &str)], base: &[(&str, &str)]) -> Scope {
    let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let dockerfile = parse(text).unwrap_or_else(|problems| panic!("{problems:?}"));
    let args: Vec<_> = own(args)
        .into_iter()
        .map(|(name, value)| (name, Some(value)))
        .collect();
    let mut scope = dockerfile.global_scope(&args).unwrap().stage(own(base));
    for instruction in &dockerfile.stages.last().unwrap().instructions {
        scope.apply(&instruction.kind).unwrap();
    }
    scope
}

#[test]
fn an_argument_may_be_set_and_empty() {
    let scope = scope("FROM a\nARG X=''\nENV X=$X\n", &[], &[]);
    assert_eq!(scope.environment(), [("X".to_owned(), String::new())]);
}

#[test]
fn arguments_before_from_must_be_declared_again() {
    let text = "ARG V=1\nFROM a\nENV BEFORE=$V\nARG V\nENV AFTER=$V\n";
    assert_eq!(scope(text, &[], &[]).get("BEFORE"), Some(String::new()));
    assert_eq!(scope(text, &[], &[]).get("AFTER").as_deref(), Some("1"));
    assert_eq!(scope(text, &[("V", "2")], &[]).get("AFTER").as_deref(), Some("2"));
    assert_eq!(
        scope("FROM a\nENV P=$TARGETARCH\n", &[], &[]).get("P"),
        Some(String::new())
    );
    assert_eq!(
        scope("FROM a\nARG TARGETARCH\nENV P=$TARGETARCH\n", &[], &[])
            .get("P")
            .as_deref(),
        Some("amd64")
    );
}

#[test]
fn env_is_stronger_than_arg_and_sees_what_was_before_its_line() {
    let scope = scope(
        "FROM a\nENV A=env\nARG A=arg\nENV A=new B=$A\nENV C=$PATH:/x\n",
        &[("A", "given")],
        &[("PATH", "/bin")],
    );
    assert_eq!(scope.get("A").as_deref(), Some("new"));
    assert_eq!(scope.get("B").as_deref(), Some("env"));
    assert_eq!(scope.get("C").as_deref(), Some("/bin:/x"));
    assert!(scope.arguments().is_empty());
}

#[test]
fn an_argument_without_value_is_not_set() {
    let scope = scope("FROM a\nARG X\nARG Y=1\n", &[("UNDECLARED", "1")], &[]);
    assert_eq!(scope.arguments(), [("Y".to_owned(), "1".to_owned())]);
    assert!(scope.knows("X") && !scope.knows("UNDECLARED"));
}
