//! Volumes of a task.

use aws_protocol::ApiError;
use aws_shape::ecs as shape;
use base_id::Scope;
use contract::task::{Volume, VolumeSource};

use crate::error::{client, unsupported};
use crate::model::container::Container;
use crate::model::name::is_valid;

pub(super) fn parse(
    request: &mut shape::RegisterTaskDefinitionRequest,
    scope: &Scope,
) -> Result<Vec<Volume>, ApiError> {
    let mut volumes: Vec<Volume> = Vec::new();
    for one in request.volumes.get_or_insert_default() {
        let name = one.name.clone().unwrap_or_default();
        if !is_valid(&name) {
            return Err(client(format!(
                "Invalid volume name '{name}': up to 255 letters, digits, hyphens and underscores are allowed."
            )));
        }
        if volumes.iter().any(|other| other.name == name) {
            return Err(client(format!(
                "The volume name '{name}' is used more than once."
            )));
        }
        let source = source(one, &name, scope)?;
        volumes.push(Volume { name, source });
    }
    Ok(volumes)
}

fn source(one: &mut shape::Volume, name: &str, scope: &Scope) -> Result<VolumeSource, ApiError> {
    let elsewhere = [
        (one.efs_volume_configuration.is_some(), "efsVolumeConfiguration"),
        (
            one.s3files_volume_configuration.is_some(),
            "s3filesVolumeConfiguration",
        ),
        (
            one.fsx_windows_file_server_volume_configuration.is_some(),
            "fsxWindowsFileServerVolumeConfiguration",
        ),
        (one.configured_at_launch == Some(true), "configuredAtLaunch"),
    ];
    if let Some((_, what)) = elsewhere.into_iter().find(|(given, _)| *given) {
        return Err(unsupported(&format!("{what} (volume '{name}')")));
    }
    let path = one.host.as_ref().and_then(|host| host.source_path.clone());
    let path = path.filter(|path| !path.is_empty());
    match (path, &mut one.docker_volume_configuration) {
        (Some(_), Some(_)) => Err(client(format!(
            "Volume '{name}' has both a host path and a dockerVolumeConfiguration."
        ))),
        (Some(path), None) if !path.starts_with('/') || path.contains('\0') => Err(client(format!(
            "The host sourcePath '{path}' of volume '{name}' is not an absolute path."
        ))),
        (Some(path), None) => Ok(VolumeSource::Host(path)),
        (None, None) => {
            one.host.get_or_insert_default();
            Ok(VolumeSource::Task)
        }
        (None, Some(docker)) => docker_volume(docker, name, scope),
    }
}

fn docker_volume(
    docker: &mut shape::DockerVolumeConfiguration,
    name: &str,
    scope: &Scope,
) -> Result<VolumeSource, ApiError> {
    let driver = docker.driver.get_or_insert_with(|| "local".to_owned());
    if driver != "local" {
        return Err(unsupported(&format!(
            "the volume driver {driver} (volume '{name}')"
        )));
    }
    if docker
        .driver_opts
        .as_ref()
        .is_some_and(|options| !options.is_empty())
    {
        return Err(unsupported(&format!("driverOpts (volume '{name}')")));
    }
    match docker.scope.get_or_insert(shape::Scope::Task) {
        shape::Scope::Task if docker.autoprovision.is_some() => Err(client(
            "Autoprovision is only supported for volumes with the scope 'shared'.",
        )),
        shape::Scope::Task => Ok(VolumeSource::Task),
        shape::Scope::Shared if docker.autoprovision == Some(true) => Ok(VolumeSource::Shared {
            key: format!("{}-{}-{name}", scope.account, scope.region),
        }),
        shape::Scope::Shared => Err(unsupported(&format!(
            "shared volumes without autoprovision (volume '{name}')"
        ))),
        other => Err(client(format!(
            "The scope '{other}' of volume '{name}' is not one of task, shared."
        ))),
    }
}

/// Every mount point names a volume that is there.
pub(super) fn check_mounts(volumes: &[Volume], containers: &[Container]) -> Result<(), ApiError> {
    let mounts = containers.iter().flat_map(|container| &container.mounts);
    for mount in mounts {
        if !volumes.iter().any(|volume| volume.name == mount.volume) {
            return Err(client(format!("Unknown volume '{}'.", mount.volume)));
        }
    }
    Ok(())
}
