use super::*;

#[tokio::test]
async fn a_certificate_is_issued_when_all_its_records_are_there_and_not_before() {
    let world = world();
    let input = quick(
        "shop.example.test",
        &["*.shop.example.test", "other.example.test"],
    );
    let arn = world.request(input).await.unwrap();
    assert!(arn.starts_with("arn:aws:acm:us-east-1:000000000000:certificate/"));
    assert_eq!(world.status(&arn).await, "PENDING_VALIDATION");
    assert_eq!(code(world.get(&arn).await), "RequestInProgressException");
    let soon = world.clock.now() + jiff::SignedDuration::from_secs(2);
    assert_eq!(world.reconcile().await, Outcome::Until(soon));

    world.prove(&arn, 2).await;
    assert_eq!(world.reconcile().await, Outcome::Until(soon));
    let told = world.describe(&arn).await.domain_validation_options.unwrap();
    let statuses: Vec<_> = told.into_iter().map(|it| it.validation_status.unwrap()).collect();
    let (done, open) = (DomainStatus::Success, DomainStatus::PendingValidation);
    assert_eq!(statuses, [done.clone(), done, open]);
    assert_eq!(world.acm.material(&arn), None);

    world.prove(&arn, 3).await;
    world.reconcile().await;
    let told = world.describe(&arn).await;
    assert_eq!(told.status, Some(CertificateStatus::Issued));
    assert_eq!(told.type_, Some(CertificateType::AmazonIssued));
    assert_eq!(told.subject.as_deref(), Some("CN=shop.example.test"));
    assert_eq!(told.issuer.as_deref(), Some("Wharf"));
    assert_eq!(told.key_algorithm, Some(KeyAlgorithm::EcPrime256v1));
    assert_eq!(told.signature_algorithm.as_deref(), Some("SHA256WITHECDSA"));
    let days = told.not_after.unwrap().duration_since(told.not_before.unwrap());
    assert_eq!(days.as_hours(), 198 * 24);
    assert_eq!(told.extended_key_usages.unwrap().len(), 2);
    let got = world.get(&arn).await.unwrap();
    assert!(got.certificate_chain.unwrap().contains("BEGIN CERTIFICATE"));
    let material = world.acm.material(&arn).unwrap();
    assert!(material.chain_pem.starts_with(&got.certificate.unwrap()));
    assert!(material.key_pem.contains("PRIVATE KEY"));
}

#[tokio::test]
async fn the_store_has_no_key_that_anybody_could_read() {
    let world = world();
    let arn = world.issued(quick("a.example.test", &[])).await;
    let key = world.acm.material(&arn).unwrap().key_pem;
    let line = key.lines().nth(1).unwrap().to_owned();
    for (_, row) in world.store.snapshot().list(crate::table::CERTIFICATES) {
        let body = row.body.clone().unwrap();
        assert!(!format!("{row:?}").contains(&line));
        assert!(!body.sealed_key.contains(&line) && !body.sealed_key.contains("PRIVATE"));
    }
}

#[tokio::test]
async fn an_rsa_key_is_what_is_made_if_nothing_else_is_asked_for() {
    let world = world();
    let input = RequestCertificateRequest {
        key_algorithm: None,
        ..quick("a.example.test", &[])
    };
    let arn = world.issued(input).await;
    let told = world.describe(&arn).await;
    assert_eq!(told.key_algorithm, Some(KeyAlgorithm::Rsa2048));
    assert_eq!(told.key_usages.unwrap().len(), 2);
}

#[tokio::test]
async fn who_waits_for_three_days_is_given_up() {
    let world = world();
    let arn = world.request(quick("a.example.test", &[])).await.unwrap();
    world.pass_hours(71);
    world.reconcile().await;
    assert_eq!(world.status(&arn).await, "PENDING_VALIDATION");
    world.pass_hours(1);
    assert_eq!(world.reconcile().await, Outcome::Settled);
    assert_eq!(world.status(&arn).await, "VALIDATION_TIMED_OUT");
    world.prove(&arn, 1).await;
    world.reconcile().await;
    let told = world.describe(&arn).await;
    assert_eq!(told.status, Some(CertificateStatus::ValidationTimedOut));
    let status = told.domain_validation_options.unwrap()[0]
        .validation_status
        .clone();
    assert_eq!(status, Some(DomainStatus::Failed));
}

#[tokio::test]
async fn a_token_stands_for_its_certificate_for_an_hour() {
    let world = world();
    let with = |token: &str| RequestCertificateRequest {
        idempotency_token: Some(token.into()),
        ..quick("a.example.test", &[])
    };
    let first = world.request(with("t")).await.unwrap();
    assert_eq!(world.request(with("t")).await.unwrap(), first);
    assert_ne!(world.request(with("u")).await.unwrap(), first);
    let other = RequestCertificateRequest {
        domain_name: "b.example.test".into(),
        ..with("t")
    };
    assert_ne!(world.request(other).await.unwrap(), first);
    world.pass_hours(1);
    assert_ne!(world.request(with("t")).await.unwrap(), first);
}

#[tokio::test]
async fn what_is_wrong_or_not_served_is_said() {
    let world = world();
    let error = world
        .request(quick("localhost", &["a_b.test", "fine.test"]))
        .await
        .unwrap_err();
    assert_eq!(error.code, "ValidationException");
    assert!(error.message.starts_with("2 validation errors detected: "));
    assert!(error.message.contains("'subjectAlternativeNames.1.member'"));
    let many: Vec<String> = (0..10).map(|it| format!("n{it}.test")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(
        code(world.request(quick("a.test", &many)).await),
        "LimitExceededException"
    );
    let by_mail = RequestCertificateRequest {
        validation_method: None,
        ..quick("a.test", &[])
    };
    assert_eq!(code(world.request(by_mail).await), "InvalidParameterException");
    let none = "arn:aws:acm:us-east-1:000000000000:certificate/none";
    assert_eq!(code(world.get(none).await), "ResourceNotFoundException");
    let foreign = "arn:aws:acm:us-east-1:000000000000:account";
    assert_eq!(code(world.get(foreign).await), "InvalidArnException");
}

#[tokio::test]
async fn a_certificate_in_use_is_renewed_and_not_deleted() {
    let world = world();
    let arn = world.issued(quick("a.example.test", &[])).await;
    let before = world.describe(&arn).await;
    assert_eq!(before.renewal_eligibility, Some(RenewalEligibility::Ineligible));
    assert_eq!(world.reconcile().await, Outcome::Settled);
    world.use_by(&arn, &["arn:lb"]).await;
    assert_eq!(code(world.delete(&arn).await), "ResourceInUseException");
    let from = before.not_after.unwrap() - jiff::SignedDuration::from_hours(45 * 24);
    assert_eq!(world.reconcile().await, Outcome::Until(from));

    world.pass_hours((198 - 45) * 24);
    let records = std::mem::take(&mut *world.names.0.lock().unwrap());
    world.reconcile().await;
    let told = world.describe(&arn).await;
    assert_eq!(told.serial, before.serial);
    let summary = told.renewal_summary.unwrap();
    assert_eq!(summary.renewal_status, RenewalStatus::PendingValidation);
    assert_eq!(told.status, Some(CertificateStatus::Issued));

    *world.names.0.lock().unwrap() = records;
    world.reconcile().await;
    assert_eq!(
        world.describe(&arn).await.serial,
        before.serial,
        "not before an hour"
    );
    world.pass_hours(1);
    world.reconcile().await;
    let told = world.describe(&arn).await;
    assert_ne!(told.serial, before.serial);
    assert!(told.not_after > before.not_after);
    assert_eq!(
        told.renewal_summary.unwrap().renewal_status,
        RenewalStatus::Success
    );
    assert_eq!(told.in_use_by, Some(vec!["arn:lb".to_owned()]));
    assert!(world.acm.material(&arn).is_some());

    world.use_by(&arn, &[]).await;
    world.pass_hours(198 * 24);
    assert_eq!(world.status(&arn).await, "EXPIRED");
    world.delete(&arn).await.unwrap();
    assert_eq!(world.acm.material(&arn), None);
}

#[tokio::test]
async fn lists_have_rsa_keys_unless_others_are_asked_for() {
    let world = world();
    world.request(quick("ec.example.test", &[])).await.unwrap();
    let rsa = RequestCertificateRequest {
        key_algorithm: None,
        ..quick("rsa.example.test", &[])
    };
    world.request(rsa).await.unwrap();
    assert_eq!(world.list(Default::default()).await, ["rsa.example.test"]);
    let both = || {
        Some(Filters {
            key_types: Some(vec![KeyAlgorithm::Rsa2048, KeyAlgorithm::EcPrime256v1]),
            ..Default::default()
        })
    };
    let all = ListCertificatesRequest {
        includes: both(),
        ..Default::default()
    };
    assert_eq!(world.list(all.clone()).await.len(), 2);
    let issued = ListCertificatesRequest {
        certificate_statuses: Some(vec![CertificateStatus::Issued]),
        ..all.clone()
    };
    assert_eq!(world.list(issued).await, [""; 0]);
    let half = ListCertificatesRequest {
        sort_by: Some(SortBy::CreatedAt),
        ..all
    };
    let refused = world.acm.list_certificates(&world.context, half).await;
    assert_eq!(code(refused), "ValidationException");
}

#[tokio::test]
async fn tags_come_and_go() {
    let world = world();
    let arn = world.request(quick("a.example.test", &[])).await.unwrap();
    let tag = |key: &str, value: Option<&str>| Tag {
        key: key.into(),
        value: value.map(str::to_owned),
    };
    let input = AddTagsToCertificateRequest {
        certificate_arn: arn.clone(),
        tags: vec![tag("a", Some("1")), tag("b", None)],
    };
    world
        .acm
        .add_tags_to_certificate(&world.context, input)
        .await
        .unwrap();
    let remove = async |tags| {
        let input = RemoveTagsFromCertificateRequest {
            certificate_arn: arn.clone(),
            tags,
        };
        let acm = &world.acm;
        acm.remove_tags_from_certificate(&world.context, input)
            .await
            .unwrap();
        let input = ListTagsForCertificateRequest {
            certificate_arn: arn.clone(),
        };
        let told = acm.list_tags_for_certificate(&world.context, input).await;
        told.unwrap().tags.unwrap().len()
    };
    assert_eq!(remove(vec![tag("a", Some("2"))]).await, 2);
    assert_eq!(remove(vec![tag("a", Some("1"))]).await, 1);
    assert_eq!(remove(vec![tag("b", None)]).await, 0);
    let reserved = AddTagsToCertificateRequest {
        certificate_arn: arn.clone(),
        tags: vec![tag("aws:x", None)],
    };
    let refused = world.acm.add_tags_to_certificate(&world.context, reserved).await;
    assert_eq!(code(refused), "InvalidTagException");
}
