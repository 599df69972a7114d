use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

use super::*;

/// A certificate of 2026 with its key.
struct Made {
    pem: String,
    key: KeyPair,
    parameters: CertificateParams,
}

fn parameters(name: &str, authority: bool) -> CertificateParams {
    let names = if authority { vec![] } else { vec![name.to_owned()] };
    let mut parameters = CertificateParams::new(names).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.not_before = date_time_ymd(2025, 12, 1);
    parameters.not_after = date_time_ymd(2026, 12, 1);
    if authority {
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    parameters
}

fn own(name: &str, authority: bool) -> Made {
    let key = KeyPair::generate().unwrap();
    let parameters = parameters(name, authority);
    let pem = parameters.self_signed(&key).unwrap().pem();
    Made { pem, key, parameters }
}

fn signed(name: &str, authority: bool, by: &Made) -> Made {
    let key = KeyPair::generate().unwrap();
    let parameters = parameters(name, authority);
    let issuer = Issuer::from_params(&by.parameters, &by.key);
    let pem = parameters.signed_by(&key, &issuer).unwrap().pem();
    Made { pem, key, parameters }
}

fn import(made: &Made, chain: &[&Made]) -> ImportCertificateRequest {
    let chain: String = chain.iter().map(|it| it.pem.clone()).collect();
    ImportCertificateRequest {
        certificate: made.pem.clone().into_bytes(),
        private_key: made.key.serialize_pem().into_bytes(),
        certificate_chain: Some(chain.into_bytes()),
        ..Default::default()
    }
}

impl World {
    async fn import(&self, input: ImportCertificateRequest) -> Result<String, ApiError> {
        let made = self.acm.import_certificate(&self.context, input).await?;
        Ok(made.certificate_arn.unwrap())
    }

    async fn refused(&self, input: ImportCertificateRequest) -> String {
        let error = self.import(input).await.unwrap_err();
        assert_eq!(error.code, "ValidationException");
        error.message
    }
}

#[tokio::test]
async fn a_certificate_with_its_chain_is_imported_and_imported_again() {
    let world = world();
    let root = own("root", true);
    let middle = signed("middle", true, &root);
    let leaf = signed("a.example.test", false, &middle);
    let arn = world.import(import(&leaf, &[&middle, &root])).await.unwrap();
    let told = world.describe(&arn).await;
    assert_eq!(told.status, Some(CertificateStatus::Issued));
    assert_eq!(told.type_, Some(CertificateType::Imported));
    assert_eq!(told.domain_name.as_deref(), Some("a.example.test"));
    assert_eq!(told.issuer.as_deref(), Some("middle"));
    assert_eq!(told.domain_validation_options, None);
    assert_eq!(told.imported_at, Some(world.clock.now()));
    let material = world.acm.material(&arn).unwrap();
    assert_eq!(material.chain_pem.matches("BEGIN CERTIFICATE").count(), 3);

    world.pass_hours(1);
    let next = signed("a.example.test", false, &root);
    let again = ImportCertificateRequest {
        certificate_arn: Some(arn.clone()),
        ..import(&next, &[&root])
    };
    assert_eq!(world.import(again.clone()).await.unwrap(), arn);
    assert_ne!(world.describe(&arn).await.serial, told.serial);
    assert_eq!(world.describe(&arn).await.created_at, told.created_at);
    let tagged = ImportCertificateRequest {
        tags: Some(vec![Tag {
            key: "a".into(),
            value: None,
        }]),
        ..again
    };
    assert_eq!(code(world.import(tagged).await), "InvalidParameterException");
}

#[tokio::test]
async fn what_does_not_belong_together_is_refused() {
    let world = world();
    let root = own("root", true);
    let middle = signed("middle", true, &root);
    let leaf = signed("a.example.test", false, &middle);
    let stranger = own("stranger", true);

    let mut other_key = import(&leaf, &[&middle, &root]);
    other_key.private_key = stranger.key.serialize_pem().into_bytes();
    assert_eq!(
        world.refused(other_key).await,
        "The private key does not match the certificate."
    );
    let broken = "Could not validate the certificate with the certificate chain.";
    assert_eq!(world.refused(import(&leaf, &[&root, &middle])).await, broken);
    assert_eq!(world.refused(import(&leaf, &[&stranger])).await, broken);
    let alone = world.refused(import(&leaf, &[])).await;
    assert!(alone.starts_with("Provided certificate is not a valid self signed."));
    let mut two = import(&leaf, &[&middle]);
    two.certificate.extend(root.pem.as_bytes());
    assert!(world.refused(two).await.contains("more than one certificate"));
    let mut text = import(&leaf, &[&middle]);
    text.certificate = b"hello".to_vec();
    assert!(world.refused(text).await.contains("not in a valid PEM format"));
    let mut sealed = import(&leaf, &[&middle]);
    sealed.private_key =
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----".to_vec();
    assert!(world.refused(sealed).await.contains("must not be encrypted"));
    world.pass_hours(24 * 365);
    assert!(world.refused(import(&leaf, &[&middle])).await.contains("expired"));
}

#[tokio::test]
async fn one_that_signs_itself_needs_no_chain() {
    let world = world();
    let arn = world
        .import(import(&own("a.example.test", false), &[]))
        .await
        .unwrap();
    assert_eq!(world.get(&arn).await.unwrap().certificate_chain, None);
    let own = world.request(quick("b.example.test", &[])).await.unwrap();
    let over = ImportCertificateRequest {
        certificate_arn: Some(own),
        ..import(&self::own("b.example.test", false), &[])
    };
    assert_eq!(code(world.import(over).await), "ValidationException");
}
