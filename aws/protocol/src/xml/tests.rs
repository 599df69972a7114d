use super::*;

#[test]
fn text_references_and_nesting_are_read() {
    let text = "<?xml version=\"1.0\"?>\n<!-- c --><a:Root xmlns:a=\"x\"><b y='1'>1 &lt;&#65;&#x42;<![CDATA[<&]]></b><c/></a:Root>";
    let root = Element::parse(text).expect("it is XML");
    assert_eq!(root.name, "Root");
    assert_eq!(root.text_of("b"), Some("1 <AB<&"));
    assert_eq!(
        root.child("c"),
        Some(&Element {
            name: "c".to_owned(),
            ..Element::default()
        })
    );
}

#[test]
fn what_is_no_xml_or_too_much_is_refused() {
    let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
    let wide = format!("<a>{}</a>", "<b/>".repeat(crate::limit::LIST_MAX_ENTRIES + 1));
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>";
    for text in ["", "<a>", "<a></b>", "no", "<a>&nothing;</a>", bomb, &deep, &wide] {
        assert!(Element::parse(text).is_err(), "{text}");
    }
}
