//! Images.

use aws_protocol::Context;
use aws_shape::ec2::*;

use crate::Ec2;
use crate::error::{Error, dry_run, with_code};
use crate::filter::{self, Facts};
use crate::model::image;
use crate::model::{Tags, instance_type};

pub(super) async fn describe_images(
    _: &Ec2,
    context: &Context,
    input: DescribeImagesRequest,
) -> Result<DescribeImagesResult, Error> {
    dry_run(input.dry_run)?;
    let mut images = image::all(&context.scope.region);
    if let Some(ids) = input.image_ids.as_ref().filter(|ids| !ids.is_empty()) {
        if let Some(bad) = ids.iter().find(|id| !id.starts_with("ami-")) {
            let message = format!("Invalid id: \"{bad}\" (expecting \"ami-...\")");
            return Err(with_code("InvalidAMIID.Malformed", message));
        }
        if let Some(unknown) = ids.iter().find(|id| !images.iter().any(|one| one.id == **id)) {
            let message = format!("The image id '[{unknown}]' does not exist");
            return Err(with_code("InvalidAMIID.NotFound", message));
        }
        images.retain(|one| ids.contains(&one.id));
    }
    let owned = |one: &image::Image| {
        let owners = input.owners.as_ref().filter(|owners| !owners.is_empty());
        // No account has images of its own: `self` has none.
        owners.is_none_or(|all| {
            all.iter()
                .any(|it| it == one.owner || Some(it.as_str()) == one.owner_alias)
        })
    };
    // All images are public.
    let may_run = |_: &image::Image| {
        let users = input.executable_users.as_ref().filter(|users| !users.is_empty());
        users.is_none_or(|users| users.iter().any(|user| user == "all"))
    };
    let mut found = Vec::new();
    for one in images.iter().filter(|one| owned(one) && may_run(one)) {
        if facts(one).match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(shape(one));
        }
    }
    let (images, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeImagesResult {
        images: Some(images),
        next_token,
    })
}

fn facts(one: &image::Image) -> Facts {
    Facts::new(&Tags::new())
        .with("image-id", &one.id)
        .with("name", &one.name)
        .with("description", &one.description)
        .with("architecture", instance_type::ARCHITECTURE)
        .with("owner-id", one.owner)
        .with_all("owner-alias", one.owner_alias.map(str::to_owned))
        .with("root-device-name", one.root_device)
        .with("root-device-type", "ebs")
        .with("virtualization-type", "hvm")
        .with("hypervisor", "xen")
        .with("image-type", "machine")
        .with("is-public", true)
        .with("state", "available")
        .with("ena-support", true)
        .with("creation-date", &one.created)
        .with("boot-mode", one.boot_mode)
        .with("manifest-location", location(one))
        .with("platform-details", "Linux/UNIX")
        .with("usage-operation", "RunInstances")
        .with("block-device-mapping.device-name", one.root_device)
        .with("block-device-mapping.volume-type", one.volume_type)
        .with("block-device-mapping.volume-size", one.size_gib)
        .with("block-device-mapping.snapshot-id", &one.snapshot)
        .with("block-device-mapping.delete-on-termination", true)
        .with("block-device-mapping.encrypted", false)
        .with("sriov-net-support", "simple")
        .with_all("imds-support", one.imds.map(str::to_owned))
        .with_all("platform", None)
        .with_all("kernel-id", None)
        .with_all("ramdisk-id", None)
        .with_all("product-code", None)
        .with_all("product-code.type", None)
        .with_all("state-reason-code", None)
}

fn location(one: &image::Image) -> String {
    format!("{}/{}", one.owner_alias.unwrap_or(one.owner), one.name)
}

fn shape(one: &image::Image) -> Image {
    Image {
        image_id: Some(one.id.clone()),
        name: Some(one.name.clone()),
        description: Some(one.description.clone()),
        image_location: Some(location(one)),
        state: Some(ImageState::Available),
        owner_id: Some(one.owner.to_owned()),
        image_owner_alias: one.owner_alias.map(str::to_owned),
        creation_date: Some(one.created.clone()),
        public: Some(true),
        architecture: Some(instance_type::ARCHITECTURE.into()),
        image_type: Some(ImageTypeValues::Machine),
        platform_details: Some("Linux/UNIX".into()),
        usage_operation: Some("RunInstances".into()),
        block_device_mappings: Some(vec![BlockDeviceMapping {
            device_name: Some(one.root_device.to_owned()),
            ebs: Some(EbsBlockDevice {
                delete_on_termination: Some(true),
                snapshot_id: Some(one.snapshot.clone()),
                volume_size: Some(one.size_gib as i32),
                volume_type: Some(one.volume_type.into()),
                encrypted: Some(false),
                ..Default::default()
            }),
            ..Default::default()
        }]),
        ena_support: Some(true),
        hypervisor: Some(HypervisorType::Xen),
        root_device_name: Some(one.root_device.to_owned()),
        root_device_type: Some(DeviceType::Ebs),
        sriov_net_support: Some("simple".into()),
        virtualization_type: Some(VirtualizationType::Hvm),
        boot_mode: Some(one.boot_mode.into()),
        imds_support: one.imds.map(Into::into),
        product_codes: Some(vec![]),
        tags: Some(vec![]),
        ..Default::default()
    }
}
