"""What the scripts about the registry share: requests as they are on the wire, and small images."""

import base64
import hashlib
import http.client
import json
import sys
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

URL = sys.argv[1]
HOST = urlsplit(URL).netloc
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
ecr = boto3.client(
    "ecr", endpoint_url=URL, region_name="us-east-1", aws_access_key_id="AKIATEST", aws_secret_access_key="secret",
    config=Config(retries={"total_max_attempts": 1}),
)
TOKEN = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
PASSWORD = base64.b64decode(TOKEN).decode().split(":")[1]


def call(method, path, body=None, headers=None, token=TOKEN):
    """Status, headers (by lower-case name) and body."""
    connection = http.client.HTTPConnection(HOST, timeout=30)
    sent = dict(headers or {})
    if token:
        sent.setdefault("Authorization", f"Basic {token}")
    connection.request(method, path if path.startswith("/") else f"/v2/{path}", body=body, headers=sent)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content


def codes(body):
    errors = json.loads(body)["errors"]
    assert errors and all(set(error) <= {"code", "message", "detail"} for error in errors), body
    return [error["code"] for error in errors]


def local(location):
    """A Location may be relative or absolute."""
    parts = urlsplit(location)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def with_digest(location, digest):
    return f"{local(location)}{'&' if '?' in location else '?'}digest={digest}"


def digest_of(content, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def begin(repository):
    status, headers, _ = call("POST", f"{repository}/blobs/uploads/", headers={"Content-Length": "0"})
    assert status == 202, status
    return headers["location"]


def push_blob(repository, content, algorithm="sha256"):
    digest = digest_of(content, algorithm)
    location = begin(repository)
    status, headers, body = call("PUT", with_digest(location, digest), content)
    assert status == 201, (status, body)
    assert headers["location"], headers
    return digest


def descriptor(content, kind="application/octet-stream", algorithm="sha256", **more):
    return {"mediaType": kind, "digest": digest_of(content, algorithm), "size": len(content), **more}


def image(config=b"{}", layers=(b"layer",), **more):
    """The bytes of a manifest, whose blobs are yet to be pushed."""
    return json.dumps({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor(layer, "application/vnd.oci.image.layer.v1.tar") for layer in layers],
        **more,
    }).encode()


def put_manifest(repository, reference, manifest, kind=MANIFEST):
    return call("PUT", f"{repository}/manifests/{reference}", manifest, {"Content-Type": kind})


def push_image(repository, tag, config=b"{}", layers=(b"layer",), **more):
    for content in [config, *layers]:
        push_blob(repository, content)
    manifest = image(config, layers, **more)
    status, headers, body = put_manifest(repository, tag or digest_of(manifest), manifest)
    assert status == 201, (status, body)
    return manifest, headers
