//! ACM over the real authority and a name server that knows what a test puts into it.

mod import;
mod request;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::acm::*;
use base_clock::{Clock as _, ManualClock};
use base_id::{Scope, SequentialIds};
use base_reconcile::{Outcome, Reconciler as _};
use base_store::Store;
use contract::certificate::InUse;
use contract::dns::{Answered, Ask, Question};
use dataplane_authority::LocalAuthority;

use crate::table::IN_USE;
use crate::{Acm, Neighbours, Validations};

#[derive(Default)]
struct Names(Mutex<BTreeMap<String, String>>);

#[async_trait]
impl Ask for Names {
    async fn ask(&self, question: Question) -> Result<Answered, String> {
        assert_eq!(question.kind, "CNAME");
        let known = self.0.lock().unwrap().get(&question.name).cloned();
        Ok(Answered {
            code: if known.is_some() { "NOERROR" } else { "NXDOMAIN" }.into(),
            records: known.into_iter().collect(),
        })
    }
}

struct World {
    acm: Acm,
    names: Arc<Names>,
    store: Store,
    clock: Arc<ManualClock>,
    context: Context,
    _directory: tempfile::TempDir,
}

fn world() -> World {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let clock = Arc::new(ManualClock::new("2026-01-01T12:00:00Z".parse().unwrap()));
    let names = Arc::new(Names::default());
    let authority = LocalAuthority::open(directory.path(), "test", clock.now()).unwrap();
    let neighbours = Neighbours {
        authority: Arc::new(authority),
        dns: names.clone(),
    };
    let ids = Arc::new(SequentialIds::default());
    World {
        acm: Acm::new(store.clone(), clock.clone(), ids, neighbours),
        names,
        store,
        clock,
        context: Context {
            scope: Scope::new("000000000000", "us-east-1"),
            request_id: "r".into(),
            principal_arn: "arn:aws:iam::000000000000:root".into(),
            access_key: "k".into(),
        },
        _directory: directory,
    }
}

impl World {
    async fn request(&self, input: RequestCertificateRequest) -> Result<String, ApiError> {
        let made = self.acm.request_certificate(&self.context, input).await?;
        Ok(made.certificate_arn.unwrap())
    }

    async fn describe(&self, arn: &str) -> CertificateDetail {
        let input = DescribeCertificateRequest {
            certificate_arn: arn.into(),
        };
        let told = self.acm.describe_certificate(&self.context, input).await;
        told.unwrap().certificate.unwrap()
    }

    async fn status(&self, arn: &str) -> String {
        self.describe(arn).await.status.unwrap().to_string()
    }

    async fn get(&self, arn: &str) -> Result<GetCertificateResponse, ApiError> {
        let input = GetCertificateRequest {
            certificate_arn: arn.into(),
        };
        self.acm.get_certificate(&self.context, input).await
    }

    async fn delete(&self, arn: &str) -> Result<(), ApiError> {
        let input = DeleteCertificateRequest {
            certificate_arn: arn.into(),
        };
        self.acm.delete_certificate(&self.context, input).await
    }

    async fn list(&self, input: ListCertificatesRequest) -> Vec<String> {
        let told = self.acm.list_certificates(&self.context, input).await.unwrap();
        let all = told.certificate_summary_list.unwrap().into_iter();
        all.map(|it| it.domain_name.unwrap()).collect()
    }

    /// Puts the records of this certificate's first `count` names into DNS.
    async fn prove(&self, arn: &str, count: usize) {
        for option in &self.describe(arn).await.domain_validation_options.unwrap()[..count] {
            let record = option.resource_record.clone().unwrap();
            self.names.0.lock().unwrap().insert(record.name, record.value);
        }
    }

    async fn issued(&self, input: RequestCertificateRequest) -> String {
        let arn = self.request(input).await.unwrap();
        let names = self.describe(&arn).await.subject_alternative_names.unwrap().len();
        self.prove(&arn, names).await;
        self.reconcile().await;
        assert_eq!(self.status(&arn).await, "ISSUED");
        arn
    }

    async fn use_by(&self, arn: &str, by: &[&str]) {
        let row = InUse {
            by: by.iter().map(|it| (*it).to_owned()).collect(),
        };
        let arn = arn.to_owned();
        let written = self.store.write(move |tx| {
            tx.put(IN_USE, &arn, row);
            Ok::<_, ApiError>(())
        });
        written.await.unwrap();
    }

    async fn reconcile(&self) -> Outcome {
        Validations::new(self.acm.clone()).activate().await.unwrap()
    }

    fn pass_hours(&self, hours: u64) {
        self.clock.advance(Duration::from_secs(hours * 3600));
    }
}

/// With a key that is made quickly.
fn quick(domain: &str, others: &[&str]) -> RequestCertificateRequest {
    RequestCertificateRequest {
        domain_name: domain.into(),
        validation_method: Some(ValidationMethod::Dns),
        subject_alternative_names: (!others.is_empty())
            .then(|| others.iter().map(|it| (*it).to_owned()).collect()),
        key_algorithm: Some(KeyAlgorithm::EcPrime256v1),
        ..Default::default()
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    result.unwrap_err().code
}
