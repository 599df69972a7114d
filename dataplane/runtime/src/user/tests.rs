use super::*;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\nbroken\n";
const GROUP: &str = "root:x:0:\nweb:x:1001:\nvideo:x:44:web,other\nstaff:x:50:other\n";

fn user(uid: u32, gid: u32, additional_gids: &[u32], home: &str) -> User {
    User {
        uid,
        gid,
        additional_gids: additional_gids.to_vec(),
        home: home.to_owned(),
    }
}

#[test]
fn names_and_numbers_are_found_as_docker_finds_them() {
    let find = |wanted| find(PASSWD, GROUP, wanted).unwrap();
    assert_eq!(find("0"), user(0, 0, &[], "/root"));
    assert_eq!(find("web"), user(1000, 1001, &[44], "/home/web"));
    assert_eq!(find("1000"), user(1000, 1001, &[44], "/home/web"));
    assert_eq!(find("web:staff"), user(1000, 50, &[], "/home/web"));
    assert_eq!(find("1234"), user(1234, 0, &[], "/"));
    assert_eq!(find("1234:77"), user(1234, 77, &[], "/"));
}

#[test]
fn unknown_names_are_refused() {
    assert_eq!(
        find(PASSWD, GROUP, "nobody").unwrap_err().to_string(),
        "unable to find user nobody: no matching entries in passwd file"
    );
    assert!(find(PASSWD, GROUP, "web:nogroup").is_err());
    assert!(find("", "", "root").is_err());
    assert_eq!(find("", "", "0").unwrap(), user(0, 0, &[], "/"));
}
