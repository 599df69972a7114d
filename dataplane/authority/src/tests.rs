use std::os::unix::fs::PermissionsExt as _;

use x509_parser::pem::Pem;

use super::*;

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn request(key: KeyKind) -> Issue {
    Issue {
        names: vec!["example.test".into(), "*.example.test".into()],
        key,
        not_before: now(),
        not_after: now() + SignedDuration::from_hours(24 * 198),
        serial: [0xff; 16],
    }
}

fn chain(pem: &str) -> Vec<Pem> {
    Pem::iter_from_buffer(pem.as_bytes())
        .collect::<Result<_, _>>()
        .unwrap()
}

#[tokio::test]
async fn what_it_issues_leads_to_its_own_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let authority = LocalAuthority::open(directory.path(), "test", now()).unwrap();
    for kind in [KeyKind::Rsa2048, KeyKind::EcP256, KeyKind::EcP384] {
        let material = authority.issue(request(kind)).await.unwrap();
        let chain = chain(&material.chain_pem);
        let [leaf, root] = &chain[..] else {
            panic!("a certificate and its authority's");
        };
        let (leaf, root) = (leaf.parse_x509().unwrap(), root.parse_x509().unwrap());
        leaf.verify_signature(Some(root.public_key())).unwrap();
        root.verify_signature(None).unwrap();
        assert_eq!(leaf.issuer(), root.subject());
        assert!(root.is_ca() && !leaf.is_ca());
        assert_eq!(leaf.validity().not_before.timestamp(), now().as_second());
        let names = leaf.subject_alternative_name().unwrap().unwrap();
        assert_eq!(names.value.general_names.len(), 2);
        assert_eq!(leaf.raw_serial()[0], 0x7f);
        assert!(material.key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
    }
}

#[test]
fn it_is_the_same_one_the_next_time_and_its_files_are_its_owners() {
    let directory = tempfile::tempdir().unwrap();
    let first = LocalAuthority::open(directory.path(), "test", now()).unwrap();
    let sealed = first.seal("here", "secret");
    let again = LocalAuthority::open(directory.path(), "other", now()).unwrap();
    assert_eq!(first.certificate_pem(), again.certificate_pem());
    assert_eq!(again.open("here", &sealed).as_deref(), Some("secret"));
    assert_eq!(again.open("there", &sealed), None);
    let mode = |name: &str| {
        let path = directory.path().join(name);
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode(KEY_FILE), 0o600);

    // A crash between the two files is repaired, a lost key is told.
    fs::remove_file(directory.path().join(CERTIFICATE_FILE)).unwrap();
    LocalAuthority::open(directory.path(), "test", now()).unwrap();
    fs::remove_file(directory.path().join(KEY_FILE)).unwrap();
    let refused = LocalAuthority::open(directory.path(), "test", now());
    assert!(matches!(refused, Err(OpenError::NoKey(_))));
}

#[test]
fn another_authority_opens_nothing() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = LocalAuthority::open(one.path(), "test", now()).unwrap();
    let two = LocalAuthority::open(two.path(), "test", now()).unwrap();
    assert_eq!(two.open("here", &one.seal("here", "secret")), None);
}
