//! Access keys: made at first start, found when a request is verified.

use std::time::Duration;

use aws_protocol::ApiError;

use crate::{CREDENTIALS, Credential, Iam, SessionRole};

/// Letters and digits of an access key id, as AWS chooses them: no 0, 1, 8, 9.
const KEY_DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

impl Iam {
    /// The credential of this access key, if it is known and has not expired.
    pub fn credential(&self, access_key: &str) -> Option<Credential> {
        let found = self.store.snapshot().get(CREDENTIALS, access_key)?;
        let valid = found.expires_at.is_none_or(|at| at > self.clock.now());
        valid.then(|| Credential::clone(&found))
    }

    /// The account's root key, made when there is none yet.
    ///
    /// # Errors
    /// When it cannot be saved.
    pub async fn root_credential(&self, account: &str) -> Result<Credential, ApiError> {
        let new = self.new_credential("AKIA", account, format!("arn:aws:iam::{account}:root"), None);
        let account = account.to_owned();
        self.store
            .write(move |tx| {
                let known = tx.list(CREDENTIALS).into_iter().map(|(_, row)| row);
                let root = |row: &Credential| row.account == account && row.session_token.is_none();
                if let Some(row) = known.into_iter().find(|row| root(row)) {
                    return Ok(Credential::clone(&row));
                }
                tx.put(CREDENTIALS, &new.access_key, new.clone());
                Ok(new)
            })
            .await
    }

    /// Credentials of a session: of whoever `principal_arn` is, in `role` if it is a role's.
    pub(crate) async fn session_credential(
        &self,
        account: &str,
        principal_arn: &str,
        role: Option<SessionRole>,
        life: Duration,
    ) -> Result<Credential, ApiError> {
        let expires_at = Some(self.clock.now() + life);
        let mut new = self.new_credential("ASIA", account, principal_arn.to_owned(), expires_at);
        new.session_token = Some((0..4).map(|_| self.ids.hex(32)).collect());
        new.role = role;
        let saved = new.clone();
        self.store
            .write(move |tx| {
                tx.put(CREDENTIALS, &saved.access_key, saved.clone());
                Ok::<_, ApiError>(())
            })
            .await?;
        Ok(new)
    }

    fn new_credential(
        &self,
        kind: &str,
        account: &str,
        principal_arn: String,
        expires_at: Option<jiff::Timestamp>,
    ) -> Credential {
        let mut number = self.ids.next();
        let digits = std::iter::repeat_with(|| {
            let digit = KEY_DIGITS[(number % 32) as usize];
            number /= 32;
            char::from(digit)
        });
        Credential {
            access_key: kind.chars().chain(digits.take(16)).collect(),
            secret_key: format!("{}{}", self.ids.hex(32), self.ids.hex(8)),
            session_token: None,
            account: account.to_owned(),
            principal_arn,
            expires_at,
            role: None,
        }
    }
}
