//! Which container is the one that is built here, and which one the load balancer sends requests to.

use super::json::Node;
use crate::definition::Picked;

/// The built one is the one whose image is a placeholder; with none, the one that gets the requests. Requests go to
/// the first essential container with a port.
pub(super) fn pick(root: Node<'_>) -> Option<Picked> {
    let containers: Vec<Node<'_>> = root.list("containerDefinitions").collect();
    let port = |node: &Node<'_>| {
        let first = node.list("portMappings").next()?;
        u16::try_from(first.get("containerPort")?.number()?).ok()
    };
    let essential = |node: &Node<'_>| node.get("essential").and_then(Node::truth) != Some(false);
    let has_port = |node: &Node<'_>| port(node).is_some();
    let balanced = containers
        .iter()
        .position(|node| essential(node) && has_port(node))
        .or_else(|| containers.iter().position(has_port))?;
    let placeholder =
        |node: &Node<'_>| is_placeholder(node.get("image").and_then(Node::text).unwrap_or_default());
    let built = if placeholder(&containers[balanced]) {
        Some(balanced)
    } else {
        containers.iter().position(placeholder)
    };
    Some(Picked {
        built: built.unwrap_or(balanced),
        balanced,
        port: port(&containers[balanced])?,
    })
}

/// Nothing that could be pulled: empty, `<IMAGE>`, `${IMAGE}`, `{{ image }}`, or a word that says so.
fn is_placeholder(image: &str) -> bool {
    let image = image.trim();
    image.is_empty()
        || image.contains(['<', '$', '{'])
        || ["image", "placeholder", "changeme", "image_uri"].contains(&image.to_lowercase().as_str())
}
