use super::{KNOWN, CheckoutWish};

#[test]
fn every_built_in_action_is_a_good_one() {
    for known in &KNOWN {
        let action = base_workflow::parse_action(known.text);
        let action = action.unwrap_or_else(|problems| panic!("{}: {problems:?}", known.slug));
        assert!(
            matches!(action.runs, base_workflow::Runs::Composite { .. }),
            "{}",
            known.slug
        );
    }
}

#[test]
fn a_checkout_stays_in_the_workspace_and_in_its_repository() {
    let wish = |name: &str, value: &str| CheckoutWish::new(&[(name.to_owned(), value.to_owned())], "a/b");
    assert_eq!(wish("fetch-depth", "0").unwrap().depth, None);
    assert_eq!(wish("fetch-depth", "").unwrap().depth, Some(1));
    assert_eq!(wish("path", "sub/folder").unwrap().path, "sub/folder");
    assert!(wish("repository", "a/b").is_ok());
    for (name, value) in [("path", "../x"), ("path", "/etc"), ("repository", "c/d"), ("fetch-depth", "all")] {
        assert!(wish(name, value).is_err(), "{name}: {value}");
    }
}
