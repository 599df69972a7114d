use super::*;

#[test]
fn aliases_remember_what_was_changed() {
    let alias = Alias {
        instance: "0a1b2c3d".to_owned(),
        network: "vpc-1".to_owned(),
        not_forwarding: vec!["eth0".to_owned(), "wlan0".to_owned()],
    };
    assert_eq!(alias.text(), "wharf 0a1b2c3d vpc-1 eth0 wlan0");
    assert_eq!(Alias::parse(&alias.text()), Some(alias));
    assert_eq!(Alias::parse("somebody's link"), None);
    assert_eq!(Alias::parse(""), None);
}
