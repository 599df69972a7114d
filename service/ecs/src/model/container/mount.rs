//! Volumes inside a container.

use aws_protocol::ApiError;
use contract::task::Mount;

use super::Definition;
use crate::error::client;

pub(super) fn points(definition: &mut Definition, name: &str) -> Result<Vec<Mount>, ApiError> {
    let mut mounts: Vec<Mount> = Vec::new();
    for point in definition.mount_points.get_or_insert_default() {
        let volume = point.source_volume.clone().unwrap_or_default();
        if volume.is_empty() {
            return Err(client(format!(
                "Container '{name}' has a mount point whose sourceVolume is null or empty."
            )));
        }
        let path = point.container_path.clone().unwrap_or_default();
        if !path.starts_with('/') || path.contains('\0') {
            return Err(client(format!(
                "The containerPath '{path}' of a mount point of container '{name}' is not an absolute path."
            )));
        }
        if mounts.iter().any(|other| other.path == path) {
            return Err(client(format!(
                "Container '{name}' has more than one mount point at '{path}'."
            )));
        }
        let readonly = *point.read_only.get_or_insert(false);
        mounts.push(Mount {
            volume,
            path,
            readonly,
        });
    }
    Ok(mounts)
}

/// Containers whose mounts this one has too, and whether only to read.
pub(super) fn from(definition: &mut Definition, name: &str) -> Result<Vec<(String, bool)>, ApiError> {
    let mut sources = Vec::new();
    for one in definition.volumes_from.get_or_insert_default() {
        let source = one.source_container.clone().unwrap_or_default();
        if source.is_empty() {
            return Err(client(format!(
                "Container '{name}' has a volumesFrom whose sourceContainer is null or empty."
            )));
        }
        if source == name {
            return Err(client(format!(
                "Container '{name}' cannot mount volumes from itself."
            )));
        }
        sources.push((source, *one.read_only.get_or_insert(false)));
    }
    Ok(sources)
}
