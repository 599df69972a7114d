//! The law of arrows: which folder may depend on which (ARCHITECTURE.md).

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Crates from outside that must not be reached from `contract`.
const NOT_IN_CONTRACT: [&str; 4] = ["tokio", "hyper", "axum", "rusqlite"];

/// The folder of a crate: its layer.
fn layer(name: &str) -> &str {
    match name {
        "wharf" => "app",
        "contract" | "xtask" => name,
        _ => name.split('-').next().unwrap_or(name),
    }
}

fn allowed(from: &str, to: &str) -> bool {
    let (above, below) = (layer(from), layer(to));
    match above {
        "base" => below == "base",
        "contract" => to == "base-id",
        "aws" => below == "base" || below == "aws",
        "dataplane" => {
            below == "base"
                || below == "contract"
                || match from {
                    "dataplane-node" => {
                        ["dataplane-runtime", "dataplane-network", "dataplane-blobs"].contains(&to)
                    }
                    "dataplane-build" => ["dataplane-runtime", "dataplane-blobs"].contains(&to),
                    _ => false,
                }
        }
        "service" => ["base", "contract", "aws"].contains(&below),
        "client" => ["base", "aws"].contains(&below),
        "front" => ["base", "contract", "aws"].contains(&below) || (from == "front-cli" && below == "client"),
        "app" | "test" => true,
        "xtask" => below == "aws",
        _ => false,
    }
}

#[test]
fn every_arrow_is_allowed() {
    let metadata = MetadataCommand::new().current_dir(crate::root()).exec().unwrap();
    let ours: Vec<String> = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let mut forbidden = Vec::new();
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            let known = ours.contains(&dependency.name);
            if known && dependency.kind == DependencyKind::Normal && !allowed(&package.name, &dependency.name)
            {
                forbidden.push(format!("{} -> {}", package.name, dependency.name));
            }
            if package.name.as_str() == "contract" && NOT_IN_CONTRACT.contains(&dependency.name.as_str()) {
                forbidden.push(format!("contract -> {}", dependency.name));
            }
        }
    }
    assert!(
        forbidden.is_empty(),
        "arrows against the law:\n{}",
        forbidden.join("\n")
    );
}

#[test]
fn a_package_is_named_after_its_path() {
    let metadata = MetadataCommand::new()
        .current_dir(crate::root())
        .no_deps()
        .exec()
        .unwrap();
    let top = metadata.workspace_root.clone();
    for package in metadata.workspace_packages() {
        let folder = package
            .manifest_path
            .parent()
            .unwrap()
            .strip_prefix(&top)
            .unwrap()
            .as_str();
        let expected = if folder == "app" {
            "wharf".to_owned()
        } else {
            folder.replace('/', "-")
        };
        assert_eq!(package.name.as_str(), expected);
    }
}

#[test]
fn no_second_tls_library_is_built() {
    let metadata = MetadataCommand::new().current_dir(crate::root()).exec().unwrap();
    let reached = |name: &str| {
        let resolve = metadata.resolve.as_ref().unwrap();
        let id = metadata
            .packages
            .iter()
            .find(|package| package.name.as_str() == name)
            .map(|package| &package.id);
        id.is_some_and(|id| resolve.nodes.iter().any(|node| node.id == *id))
    };
    assert!(!reached("openssl-sys"));
}
