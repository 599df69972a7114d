//! Key pairs: made here, or brought by their owner. Private halves are never stored.

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_store::Snapshot;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use sha2::{Digest as _, Sha256};
use ssh_key::public::KeyData;
use ssh_key::rand_core::OsRng;
use ssh_key::{PrivateKey, PublicKey};

use super::tag;
use crate::Ec2;
use crate::error::{Error, dry_run, missing, unsupported, with_code};
use crate::filter::Facts;
use crate::model::key_pair;
use crate::table::{KEY_PAIRS, key, prefix};

const RSA_BITS: usize = 2048;
const NAME_CHARACTERS_MAX: usize = 255;

/// A pair just made: the secret is told once.
struct Made {
    kind: &'static str,
    fingerprint: String,
    public: String,
    secret: String,
}

fn colons(bytes: &[u8]) -> String {
    let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    parts.join(":")
}

/// SHA-256 of the public key, as OpenSSH has it, but padded.
fn fingerprint_ed25519(key: &PublicKey) -> Result<String, ssh_key::Error> {
    Ok(STANDARD.encode(Sha256::digest(key.to_bytes()?)))
}

/// AWS's rule for pairs that it makes: SHA-1 of the private key in PKCS #8.
fn make_rsa(name: &str) -> Result<Made, Box<dyn std::error::Error + Send + Sync>> {
    let secret = rsa::RsaPrivateKey::new(&mut OsRng, RSA_BITS)?;
    let digest = <sha1::Sha1 as sha1::Digest>::digest(secret.to_pkcs8_der()?.as_bytes());
    let public = ssh_key::public::RsaPublicKey::try_from(secret.to_public_key())?;
    Ok(Made {
        kind: "rsa",
        fingerprint: colons(&digest),
        public: PublicKey::new(KeyData::Rsa(public), name).to_openssh()?,
        secret: secret.to_pkcs1_pem(LineEnding::LF)?.to_string(),
    })
}

fn make_ed25519(name: &str) -> Result<Made, Box<dyn std::error::Error + Send + Sync>> {
    let secret = PrivateKey::random(&mut OsRng, ssh_key::Algorithm::Ed25519)?;
    let mut public = secret.public_key().clone();
    public.set_comment(name);
    Ok(Made {
        kind: "ed25519",
        fingerprint: fingerprint_ed25519(&public)?,
        public: public.to_openssh()?,
        secret: secret.to_openssh(LineEnding::LF)?.to_string(),
    })
}

fn duplicate() -> Error {
    with_code("InvalidKeyPair.Duplicate", "The keypair already exists")
}

fn check_name(name: &str) -> Result<(), Error> {
    let fits = (1..=NAME_CHARACTERS_MAX).contains(&name.chars().count());
    if fits && name.chars().all(|it| !it.is_control()) && name.trim() == name {
        return Ok(());
    }
    let message = format!(
        "Value ({name}) for parameter KeyName is invalid. It must be 1 to 255 characters, without spaces around it."
    );
    Err(with_code("InvalidParameterValue", message))
}

pub(super) async fn create_key_pair(
    ec2: &Ec2,
    context: &Context,
    input: CreateKeyPairRequest,
) -> Result<KeyPair, Error> {
    check_name(&input.key_name)?;
    let tags = tag::parse(input.tag_specifications, &ResourceType::KeyPair)?;
    if input.key_format.is_some_and(|format| format != KeyFormat::Pem) {
        return Err(unsupported("KeyFormat other than pem"));
    }
    let rsa = match input.key_type {
        None | Some(KeyType::Rsa) => true,
        Some(KeyType::Ed25519) => false,
        Some(KeyType::Other(other)) => {
            let message =
                format!("Value ({other}) for parameter KeyType is invalid. Valid values are: rsa, ed25519.");
            return Err(with_code("InvalidParameterValue", message));
        }
    };
    let (scope, name, id) = (context.scope.clone(), input.key_name, ec2.new_id("key"));
    if ec2.store.snapshot().get(KEY_PAIRS, &key(&scope, &name)).is_some() {
        return Err(duplicate());
    }
    dry_run(input.dry_run)?;
    let comment = name.clone();
    // Primes take a while.
    let making = tokio::task::spawn_blocking(move || {
        if rsa {
            make_rsa(&comment)
        } else {
            make_ed25519(&comment)
        }
    });
    let made = making.await.map_err(Error::internal)?.map_err(Error::internal)?;
    let pair = key_pair::KeyPair {
        id,
        name,
        kind: made.kind.to_owned(),
        fingerprint: made.fingerprint,
        public: made.public,
        created_at: ec2.clock.now(),
        tags,
    };
    let kept = keep(ec2, scope, pair).await?;
    Ok(KeyPair {
        key_pair_id: Some(kept.id),
        tags: Some(tag::shape(&kept.tags)),
        key_name: Some(kept.name),
        key_fingerprint: Some(kept.fingerprint),
        key_material: Some(made.secret),
    })
}

async fn keep(ec2: &Ec2, scope: base_id::Scope, pair: key_pair::KeyPair) -> Result<key_pair::KeyPair, Error> {
    ec2.store
        .write(move |tx| {
            let place = key(&scope, &pair.name);
            if tx.get(KEY_PAIRS, &place).is_some() {
                return Err(duplicate());
            }
            tx.put(KEY_PAIRS, &place, pair.clone());
            Ok(pair)
        })
        .await
}

/// Kind and fingerprint of a key that was brought: for RSA AWS takes MD5 of the public key in DER.
fn judge(key: &PublicKey) -> Option<(&'static str, String)> {
    match key.key_data() {
        KeyData::Rsa(public) => {
            let public = rsa::RsaPublicKey::try_from(public).ok()?;
            let der = public.to_public_key_der().ok()?;
            let digest = <md5::Md5 as md5::Digest>::digest(der.as_bytes());
            Some(("rsa", colons(&digest)))
        }
        KeyData::Ed25519(_) => Some(("ed25519", fingerprint_ed25519(key).ok()?)),
        _ => None,
    }
}

pub(super) async fn import_key_pair(
    ec2: &Ec2,
    context: &Context,
    input: ImportKeyPairRequest,
) -> Result<ImportKeyPairResult, Error> {
    check_name(&input.key_name)?;
    let tags = tag::parse(input.tag_specifications, &ResourceType::KeyPair)?;
    let bad = || {
        with_code(
            "InvalidKey.Format",
            "Key is not in valid OpenSSH public key format",
        )
    };
    let text = String::from_utf8(input.public_key_material).map_err(|_| bad())?;
    let public = PublicKey::from_openssh(text.trim()).map_err(|_| bad())?;
    let (kind, fingerprint) = judge(&public).ok_or_else(bad)?;
    dry_run(input.dry_run)?;
    let pair = key_pair::KeyPair {
        id: ec2.new_id("key"),
        name: input.key_name,
        kind: kind.to_owned(),
        fingerprint,
        public: text.trim().to_owned(),
        created_at: ec2.clock.now(),
        tags,
    };
    let kept = keep(ec2, context.scope.clone(), pair).await?;
    Ok(ImportKeyPairResult {
        key_fingerprint: Some(kept.fingerprint),
        key_name: Some(kept.name),
        key_pair_id: Some(kept.id),
        tags: Some(tag::shape(&kept.tags)),
    })
}

fn named(snapshot: &Snapshot, scope: &base_id::Scope, name: &str) -> Result<(), Error> {
    let found = snapshot.get(KEY_PAIRS, &key(scope, name)).is_some();
    let error = || {
        with_code(
            "InvalidKeyPair.NotFound",
            format!("The key pair '{name}' does not exist"),
        )
    };
    found.then_some(()).ok_or_else(error)
}

pub(super) async fn describe_key_pairs(
    ec2: &Ec2,
    context: &Context,
    input: DescribeKeyPairsRequest,
) -> Result<DescribeKeyPairsResult, Error> {
    dry_run(input.dry_run)?;
    let (snapshot, scope) = (ec2.store.snapshot(), &context.scope);
    let all = snapshot.prefix(KEY_PAIRS, &prefix(scope));
    for name in input.key_names.iter().flatten() {
        named(&snapshot, scope, name)?;
    }
    if let Some(id) = input
        .key_pair_ids
        .iter()
        .flatten()
        .find(|id| !all.iter().any(|(_, it)| it.id == **id))
    {
        let message = format!("The key pair ID '{id}' does not exist");
        return Err(with_code("InvalidKeyPair.NotFound", message));
    }
    let mut found = Vec::new();
    for (_, pair) in all {
        let wanted = input
            .key_names
            .as_ref()
            .is_none_or(|names| names.contains(&pair.name))
            && input
                .key_pair_ids
                .as_ref()
                .is_none_or(|ids| ids.contains(&pair.id));
        let facts = Facts::new(&pair.tags)
            .with("key-pair-id", &pair.id)
            .with("key-name", &pair.name)
            .with("fingerprint", &pair.fingerprint);
        if wanted && facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            let public = input.include_public_key == Some(true);
            found.push(KeyPairInfo {
                key_pair_id: Some(pair.id.clone()),
                key_type: Some(pair.kind.as_str().into()),
                tags: Some(tag::shape(&pair.tags)),
                public_key: public.then(|| pair.public.clone()),
                create_time: Some(pair.created_at),
                key_name: Some(pair.name.clone()),
                key_fingerprint: Some(pair.fingerprint.clone()),
            });
        }
    }
    Ok(DescribeKeyPairsResult {
        key_pairs: Some(found),
    })
}

pub(super) async fn delete_key_pair(
    ec2: &Ec2,
    context: &Context,
    input: DeleteKeyPairRequest,
) -> Result<DeleteKeyPairResult, Error> {
    if input.key_name.is_none() && input.key_pair_id.is_none() {
        return Err(missing("KeyName or KeyPairId"));
    }
    let scope = context.scope.clone();
    let gone = ec2
        .store
        .write(move |tx| {
            let all = tx.prefix(KEY_PAIRS, &prefix(&scope));
            let meant = all.into_iter().find(|(_, pair)| {
                input.key_name.as_ref().is_none_or(|name| *name == pair.name)
                    && input.key_pair_id.as_ref().is_none_or(|id| *id == pair.id)
            });
            dry_run(input.dry_run)?;
            // What is not there is deleted, as in AWS.
            Ok::<_, Error>(meant.map(|(place, pair)| {
                tx.delete(KEY_PAIRS, &place);
                pair.id.clone()
            }))
        })
        .await?;
    Ok(DeleteKeyPairResult {
        return_: Some(true),
        key_pair_id: gone,
    })
}
