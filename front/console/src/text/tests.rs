use super::*;

#[test]
fn nothing_in_a_text_does_anything() {
    for (text, shown) in [
        ("\u{1b}[31mred\u{1b}[0m", "red"),
        ("\u{1b}]0;title\u{7}rest", "rest"),
        ("a\u{202e}b", "a⟨U+202E⟩b"),
        ("a\rb\u{7f}", "a␍b␡"),
        ("\u{1b}", ""),
    ] {
        assert_eq!(clean(text, 100), shown);
    }
}

#[test]
fn a_long_name_is_cut_and_markup_is_text() {
    let long = "x".repeat(10_000);
    let shown = name(&long).into_string();
    assert!(shown.len() < 1000, "{}", shown.len());
    assert!(name("<script>").into_string().contains("&lt;script&gt;"));
}
