//! The AWS surface as AWS's own clients see it: boto3, the AWS CLI, and botocore's serialisers and parsers.

#[path = "conformance/client.rs"]
mod client;
#[path = "conformance/clients.rs"]
mod clients;
#[path = "conformance/messages.rs"]
mod messages;
#[path = "conformance/registry.rs"]
mod registry;
