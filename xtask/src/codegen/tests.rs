use super::*;

/// A change of the facts or of the generator without `cargo xtask codegen` leaves the two apart.
#[test]
fn generated_code_is_fresh() {
    let root = crate::root();
    let files = generate(&root).expect("the committed facts generate code");
    let mut wanted: Vec<_> = files.keys().cloned().collect();
    let mut found = present(&root).expect("the folders can be read");
    wanted.sort();
    found.sort();
    assert_eq!(wanted, found, "run `cargo xtask codegen`");
    for (path, text) in files {
        let there = std::fs::read_to_string(root.join(&path)).expect("it was just listed");
        assert!(
            there == text,
            "{} is stale: run `cargo xtask codegen`",
            path.display()
        );
    }
}
