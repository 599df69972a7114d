//! Instance profiles of instances: which there are IAM knows.

use aws_protocol::Context;
use aws_shape::ec2::*;
use aws_shape::iam::GetInstanceProfileRequest;
use base_id::Scope;
use base_store::Transaction;

use super::instance_describe;
use crate::Ec2;
use crate::error::{Error, missing, unsupported, with_code};
use crate::filter::{self, Facts};
use crate::model::Tags;
use crate::model::instance::{Instance, Life, Profile};
use crate::model::launch::ProfileSpec;
use crate::table::{self, INSTANCES, key, prefix};

fn unknown(member: &str, value: &str, what: &str) -> Error {
    let message = format!(
        "Value ({value}) for parameter iamInstanceProfile.{member} is invalid. Invalid IAM Instance Profile {what}"
    );
    with_code("InvalidParameterValue", message)
}

/// The profile by ARN or by name; the id of its association is the caller's to give.
pub(super) async fn find(ec2: &Ec2, context: &Context, wanted: &ProfileSpec) -> Result<Profile, Error> {
    let iam = ec2
        .iam
        .as_ref()
        .ok_or_else(|| unsupported("IamInstanceProfile"))?;
    let (member, given, what) = match (&wanted.arn, &wanted.name) {
        (Some(_), Some(_)) => {
            let message = "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'";
            return Err(with_code("InvalidParameterCombination", message));
        }
        (Some(arn), None) => ("arn", arn, "ARN"),
        (None, Some(name)) => ("name", name, "name"),
        (None, None) => return Err(missing("IamInstanceProfile.Name")),
    };
    let name = given.rsplit('/').next().unwrap_or_default();
    let input = GetInstanceProfileRequest {
        instance_profile_name: name.to_owned(),
    };
    let found = iam
        .get_instance_profile(context, input)
        .await
        .map_err(|error| match error.status {
            500.. => error,
            _ => unknown(member, given, what),
        })?
        .instance_profile;
    if member == "arn" && found.arn != *given {
        return Err(unknown(member, given, what));
    }
    Ok(Profile {
        arn: found.arn,
        id: found.instance_profile_id,
        association: String::new(),
        since: ec2.clock.now(),
    })
}

fn shape(
    instance: &str,
    profile: &Profile,
    state: IamInstanceProfileAssociationState,
) -> IamInstanceProfileAssociation {
    IamInstanceProfileAssociation {
        association_id: Some(profile.association.clone()),
        instance_id: Some(instance.to_owned()),
        iam_instance_profile: Some(instance_describe::profile_shape(profile)),
        state: Some(state),
        timestamp: Some(profile.since),
    }
}

pub(super) async fn associate_iam_instance_profile(
    ec2: &Ec2,
    context: &Context,
    input: AssociateIamInstanceProfileRequest,
) -> Result<AssociateIamInstanceProfileResult, Error> {
    let wanted = ProfileSpec {
        arn: input.iam_instance_profile.arn,
        name: input.iam_instance_profile.name,
    };
    let found = find(ec2, context, &wanted).await?;
    let profile = Profile {
        association: ec2.new_id("iip-assoc"),
        ..found
    };
    let (scope, id) = (context.scope.clone(), input.instance_id);
    let answer = ec2
        .store
        .write(move |tx| {
            let mut instance = one(tx, &scope, &id)?;
            if matches!(instance.life, Life::ShuttingDown { .. } | Life::Terminated { .. }) {
                let message = format!("The instance '{id}' is not in the 'running' or 'stopped' states.");
                return Err(with_code("IncorrectInstanceState", message));
            }
            if instance.profile.is_some() {
                let message = format!("There is an existing association for instance {id}");
                return Err(with_code("IncorrectState", message));
            }
            let answer = shape(&id, &profile, IamInstanceProfileAssociationState::Associating);
            instance.profile = Some(profile);
            tx.put(INSTANCES, &key(&scope, &id), instance);
            Ok(answer)
        })
        .await?;
    Ok(AssociateIamInstanceProfileResult {
        iam_instance_profile_association: Some(answer),
    })
}

fn one(tx: &Transaction, scope: &Scope, id: &str) -> Result<Instance, Error> {
    let ids = [id.to_owned()];
    let found = table::instances(&tx.snapshot(), scope, Some(&ids))?;
    Ok(Instance::clone(&found[0]))
}

pub(super) async fn disassociate_iam_instance_profile(
    ec2: &Ec2,
    context: &Context,
    input: DisassociateIamInstanceProfileRequest,
) -> Result<DisassociateIamInstanceProfileResult, Error> {
    let (scope, id) = (context.scope.clone(), input.association_id);
    let answer = ec2
        .store
        .write(move |tx| {
            for (place, instance) in tx.prefix(INSTANCES, &prefix(&scope)) {
                let Some(profile) = instance.profile.as_ref().filter(|it| it.association == id) else {
                    continue;
                };
                let state = IamInstanceProfileAssociationState::Disassociating;
                let answer = shape(&instance.id, profile, state);
                let after = Instance {
                    profile: None,
                    ..Instance::clone(&instance)
                };
                tx.put(INSTANCES, &place, after);
                return Ok(answer);
            }
            Err(not_found(&id))
        })
        .await?;
    Ok(DisassociateIamInstanceProfileResult {
        iam_instance_profile_association: Some(answer),
    })
}

fn not_found(id: &str) -> Error {
    let message = format!("An invalid association-id of '{id}' was given");
    with_code("InvalidAssociationID.NotFound", message)
}

pub(super) async fn describe_iam_instance_profile_associations(
    ec2: &Ec2,
    context: &Context,
    input: DescribeIamInstanceProfileAssociationsRequest,
) -> Result<DescribeIamInstanceProfileAssociationsResult, Error> {
    let snapshot = ec2.store.snapshot();
    let rows = snapshot.prefix(INSTANCES, &prefix(&context.scope));
    let mut found = Vec::new();
    for (_, instance) in rows.iter().filter(|(_, one)| !one.is_terminated()) {
        let Some(profile) = &instance.profile else {
            continue;
        };
        let facts = Facts::new(&Tags::new())
            .with("instance-id", &instance.id)
            .with("state", "associated");
        let named = input.association_ids.as_ref();
        if named.is_none_or(|ids| ids.contains(&profile.association))
            && facts.match_all(input.filters.as_deref().unwrap_or_default())?
        {
            let state = IamInstanceProfileAssociationState::Associated;
            found.push(shape(&instance.id, profile, state));
        }
    }
    for id in input.association_ids.iter().flatten() {
        if !found.iter().any(|one| one.association_id.as_ref() == Some(id)) {
            return Err(not_found(id));
        }
    }
    let (found, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeIamInstanceProfileAssociationsResult {
        iam_instance_profile_associations: Some(found),
        next_token,
    })
}
