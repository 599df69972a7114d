//! Looks for the records of names, has certificates issued, and renews them before they expire.

use std::sync::Arc;

use async_trait::async_trait;
use aws_protocol::ApiError;
use base_reconcile::{Outcome, Reconciler};
use contract::certificate::{Issue, KeyKind};
use contract::dns::Question;
use jiff::{SignedDuration, Timestamp};

use crate::Acm;
use crate::model::{Body, Certificate, Origin, Renewal, RenewalState, Request};
use crate::parse;
use crate::plan::{self, Due, LIFE_DAYS};
use crate::table::{self, CERTIFICATES, IN_USE};

/// The reconciler of certificates that wait for validation or renewal.
pub struct Validations(Acm);

impl Validations {
    /// What wakes it.
    pub const READS: &[&str] = &[CERTIFICATES.name, IN_USE.name];

    pub fn new(acm: Acm) -> Self {
        Self(acm)
    }

    /// When it is to be looked at again, if nothing wakes before.
    async fn one(&self, place: &str, row: Arc<Certificate>) -> Result<Option<Timestamp>, String> {
        let now = self.0.clock.now();
        let in_use = !table::users(&self.0.store.snapshot(), &row.arn).is_empty();
        match plan::due(&row, in_use, now) {
            Due::Nothing => Ok(None),
            Due::At(at) => Ok(Some(at)),
            Due::GiveUp => {
                self.save(place, row, |request, _| request.timed_out = true)
                    .await?;
                Ok(None)
            }
            Due::Look => self.look(place, row, now).await,
        }
    }

    async fn look(
        &self,
        place: &str,
        row: Arc<Certificate>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, String> {
        let Some(request) = row.request() else {
            return Ok(None);
        };
        let renews = row.body.is_some();
        let mut found = Vec::new();
        for validation in &request.validations {
            // One that was seen counts until the certificate is to be renewed.
            let seen = validation.done && !renews;
            found.push(
                seen || self
                    .is_there(&validation.record_name, &validation.record_value)
                    .await,
            );
        }
        if found.contains(&false) {
            let again = plan::look_again(&row, now);
            let change = move |request: &mut Request, _: &mut Option<Body>| {
                if renews {
                    request.renewal = Some(Renewal {
                        state: RenewalState::PendingValidation,
                        updated_at: now,
                        found,
                    });
                } else {
                    mark(request, &found);
                }
            };
            self.save(place, row, change).await?;
            return Ok(Some(again));
        }
        let body = self.issue(place, &row, request, now).await?;
        let change = move |request: &mut Request, old: &mut Option<Body>| {
            mark(request, &found);
            if renews {
                request.renewal = Some(Renewal {
                    state: RenewalState::Success,
                    updated_at: now,
                    found,
                });
            }
            *old = Some(body);
        };
        self.save(place, row, change).await?;
        Ok(None)
    }

    /// Whether this CNAME record is in DNS. No answer is as good as none.
    async fn is_there(&self, name: &str, value: &str) -> bool {
        let question = Question {
            name: name.to_ascii_lowercase(),
            kind: "CNAME".to_owned(),
            client: None,
        };
        let same = |it: &String| {
            it.trim_end_matches('.')
                .eq_ignore_ascii_case(value.trim_end_matches('.'))
        };
        let answer = self.0.neighbours.dns.ask(question).await;
        answer.is_ok_and(|it| it.records.iter().any(same))
    }

    async fn issue(
        &self,
        place: &str,
        row: &Certificate,
        request: &Request,
        now: Timestamp,
    ) -> Result<Body, String> {
        let key = match request.key_algorithm.as_str() {
            "EC_prime256v1" => KeyKind::EcP256,
            "EC_secp384r1" => KeyKind::EcP384,
            _ => KeyKind::Rsa2048,
        };
        let wanted = Issue {
            names: row.names.clone(),
            key,
            not_before: now,
            not_after: now + SignedDuration::from_hours(24 * LIFE_DAYS),
            serial: self.0.ids.next().to_be_bytes(),
        };
        let material = self.0.neighbours.authority.issue(wanted).await?;
        let facts = parse::facts(&material.chain_pem)?;
        let (certificate_pem, chain_pem) = parse::split(&material.chain_pem);
        let key_pem = &material.key_pem;
        Ok(self.0.body(place, facts, certificate_pem, chain_pem, key_pem))
    }

    /// Saves what was found only if the certificate still stands as it was; its tags may have changed.
    async fn save(
        &self,
        place: &str,
        from: Arc<Certificate>,
        change: impl FnOnce(&mut Request, &mut Option<Body>) + Send + 'static,
    ) -> Result<(), String> {
        let (place, now) = (place.to_owned(), self.0.clock.now());
        let saved = self.0.store.write(move |tx| {
            let Some(row) = tx.get(CERTIFICATES, &place) else {
                return Ok(());
            };
            if row.origin != from.origin || row.body != from.body {
                return Ok(());
            }
            let mut row = Certificate::clone(&row);
            let Origin::Requested(request) = &mut row.origin else {
                return Ok(());
            };
            change(request, &mut row.body);
            if row.body != from.body {
                row.issued_at = Some(now);
            }
            tx.put(CERTIFICATES, &place, row);
            Ok::<_, ApiError>(())
        });
        saved.await.map_err(|error| error.to_string())
    }
}

fn mark(request: &mut Request, found: &[bool]) {
    for (validation, found) in request.validations.iter_mut().zip(found) {
        validation.done = *found;
    }
}

#[async_trait]
impl Reconciler for Validations {
    fn name(&self) -> &'static str {
        "acm validations"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let (mut due, mut failures) = (None::<Timestamp>, Vec::new());
        for (place, row) in self.0.store.snapshot().list(CERTIFICATES) {
            match self.one(&place, row).await {
                Ok(at) => due = [due, at].into_iter().flatten().min(),
                Err(failure) => failures.push(format!("{place}: {failure}")),
            }
        }
        if !failures.is_empty() {
            return Err(failures.join("; "));
        }
        // After an issue or renewal the next date is known only from the new row, whose writing wakes.
        Ok(due.map_or(Outcome::Settled, Outcome::Until))
    }
}
