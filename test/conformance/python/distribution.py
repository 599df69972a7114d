"""The OCI distribution specification, sentence by sentence: each test has the sentence that it holds the registry to."""

import json
import re

from oci import *

TESTS = []


def must(sentence):
    def add(test):
        TESTS.append((sentence, test))
        return test
    return add


ecr.create_repository(repositoryName="a/one")
ecr.create_repository(repositoryName="a/two")
FIRST, _ = push_image("a/one", "first")


@must("If the response is `200 OK`, then the registry implements this specification.")
def _():
    status, headers, _ = call("GET", "/v2/")
    assert (status, headers["docker-distribution-api-version"]) == (200, "registry/2.0")


# --- pull


@must("A GET request to an existing manifest URL MUST provide the expected manifest, with a response code that MUST be `200 OK`.")
def _():
    for reference in ["first", digest_of(FIRST)]:
        status, headers, body = call("GET", f"a/one/manifests/{reference}", headers={"Accept": MANIFEST})
        assert (status, body) == (200, FIRST)
        assert headers["content-type"] == MANIFEST


@must("A successful response MUST contain the digest of the uploaded blob in the header `Docker-Content-Digest`.")
def _():
    for path, digest in [("manifests/first", digest_of(FIRST)), (f"blobs/{digest_of(b'layer')}", digest_of(b"layer"))]:
        for method in ["GET", "HEAD"]:
            assert call(method, f"a/one/{path}")[1]["docker-content-digest"] == digest


@must("If the manifest is not found in the repository, the response code MUST be `404 Not Found`.")
def _():
    for reference in ["none", digest_of(b"none"), digest_of(b"none", "sha512")]:
        for repository in ["a/one", "a/two"]:
            status, _, body = call("GET", f"{repository}/manifests/{reference}")
            assert (status, codes(body)) == (404, ["MANIFEST_UNKNOWN"])
            assert call("HEAD", f"{repository}/manifests/{reference}")[0] == 404


@must("A GET request to an existing blob URL MUST provide the expected blob, with a response code that MUST be `200 OK`.")
def _():
    status, _, body = call("GET", f"a/one/blobs/{digest_of(b'layer')}")
    assert (status, body) == (200, b"layer")


@must("If the blob is not found in the repository, the response code MUST be `404 Not Found`.")
def _():
    # The second: it is in the registry, but in another repository.
    for repository, content in [("a/one", b"none"), ("a/two", b"layer")]:
        status, _, body = call("GET", f"{repository}/blobs/{digest_of(content)}")
        assert (status, codes(body)) == (404, ["BLOB_UNKNOWN"]), repository
        assert call("HEAD", f"{repository}/blobs/{digest_of(content)}")[0] == 404


@must("A registry SHOULD support the `Range` request header in accordance with RFC 9110.")
def _():
    digest = push_blob("a/one", b"0123456789")
    for asked, status, got in [
        ("bytes=2-4", 206, b"234"), ("bytes=7-", 206, b"789"), ("bytes=-2", 206, b"89"), ("bytes=8-99", 206, b"89"),
    ]:
        answer = call("GET", f"a/one/blobs/{digest}", headers={"Range": asked})
        assert (answer[0], answer[2]) == (status, got), asked
        assert re.fullmatch(r"bytes \d+-\d+/10", answer[1]["content-range"])
    assert call("GET", f"a/one/blobs/{digest}", headers={"Range": "bytes=10-"})[0] == 416


@must("A HEAD request to an existing blob or manifest URL MUST return `200 OK`.")
def _():
    for path in ["manifests/first", f"manifests/{digest_of(FIRST)}", f"blobs/{digest_of(b'layer')}"]:
        assert call("HEAD", f"a/one/{path}")[0] == 200


@must("A successful response MUST contain the size in bytes of the uploaded blob or manifest in the header `Content-Length`.")
def _():
    for path, size in [("manifests/first", len(FIRST)), (f"blobs/{digest_of(b'layer')}", 5)]:
        status, headers, body = call("HEAD", f"a/one/{path}")
        assert (headers["content-length"], body) == (str(size), b"")


@must("An attempt to pull a nonexistent repository MUST return response code `404 Not Found`.")
def _():
    for path in ["manifests/x", "tags/list", f"blobs/{digest_of(b'x')}"]:
        status, _, body = call("GET", f"a/none/{path}")
        assert (status, codes(body)) == (404, ["NAME_UNKNOWN"]), path


# --- push


@must("A registry MUST initially accept an otherwise valid manifest with a `subject` field that references a manifest that does not exist in the repository.")
def _():
    absent = b"not here yet"
    push_image("a/one", None, subject=descriptor(absent, MANIFEST))
    listed = json.loads(call("GET", f"a/one/referrers/{digest_of(absent)}")[2])
    assert len(listed["manifests"]) == 1


@must("When a manifest is rejected for this reason, it MUST result in one or more `MANIFEST_BLOB_UNKNOWN` errors.")
def _():
    push_blob("a/two", b"{}")
    for manifest, kind, count in [
        (image(layers=(b"no", b"neither")), MANIFEST, 2),
        (json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(FIRST, MANIFEST)]}).encode(), INDEX, 1),
    ]:
        status, _, body = put_manifest("a/two", "bad", manifest, kind)
        assert (status, codes(body)) == (404, ["MANIFEST_BLOB_UNKNOWN"] * count), body
    assert call("HEAD", "a/two/manifests/bad")[0] == 404


@must("If the client provided digest is invalid or uses an unsupported algorithm, the registry SHOULD respond with a response code `400 Bad Request`.")
def _():
    for digest in ["md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:zz", "sha256", "sha512:" + "0" * 64]:
        status, _, body = call("PUT", with_digest(begin("a/one"), digest), b"x")
        assert (status, codes(body)) == (400, ["DIGEST_INVALID"]), digest
    assert call("POST", "a/one/blobs/uploads/?digest-algorithm=md5", b"")[0] == 400


@must("Upon success, the response MUST have a code of `202 Accepted`, and MUST include the following header: Location. The `<blob-push-location>` MUST contain a UUID representing a unique session ID.")
def _():
    one, two = begin("a/one"), begin("a/one")
    assert one != two and re.search(r"[0-9a-f]{32}", one)


@must("Upon successful completion of the request, the response MUST have code `201 Created` and MUST have the following header: Location. With `<blob-location>` being a pullable blob URL.")
def _():
    content = b"posted, then put"
    status, headers, _ = call("PUT", with_digest(begin("a/one"), digest_of(content)), content)
    assert status == 201
    assert call("GET", local(headers["location"]))[2] == content


@must("Successful completion of the request MUST return a `201 Created` and MUST include the following header: Location. The `Content-Length` header MUST match the blob's actual content length; the `<digest>` MUST match the blob's digest.")
def _():
    content = b"in one request"
    status, headers, _ = call("POST", f"a/one/blobs/uploads/?digest={digest_of(content)}", content)
    assert status == 201 and call("GET", local(headers["location"]))[2] == content
    status, _, body = call("POST", f"a/one/blobs/uploads/?digest={digest_of(b'other')}", content)
    assert (status, codes(body)) == (400, ["DIGEST_INVALID"])


@must("The response for each successful chunk upload MUST be `202 Accepted`, and MUST have the following headers: Location, Range: 0-<end-of-range>.")
def _():
    location = begin("a/one")
    for piece, span, end in [(b"hel", "0-2", "0-2"), (b"lo", "3-4", "0-4")]:
        status, headers, _ = call("PATCH", local(location), piece, {"Content-Range": span})
        assert (status, headers["range"]) == (202, end)
        location = headers["location"]
    status, headers, _ = call("PUT", with_digest(location, digest_of(b"hello")), b"")
    assert status == 201 and call("GET", local(headers["location"]))[2] == b"hello"


@must("If a chunk is uploaded out of order, the registry MUST respond with a `416 Requested Range Not Satisfiable` code.")
def _():
    location = begin("a/one")
    assert call("PATCH", local(location), b"lo", {"Content-Range": "3-4"})[0] == 416
    call("PATCH", local(location), b"hel", {"Content-Range": "0-2"})
    for span in ["0-2", "7-9"]:
        assert call("PATCH", local(location), b"hel", {"Content-Range": span})[0] == 416, span
    # Refused chunks have left nothing behind: what follows in order completes it.
    status, _, _ = call("PUT", with_digest(location, digest_of(b"hello")), b"lo", {"Content-Range": "3-4"})
    assert status == 201


@must("If the final chunk is uploaded out of order, the registry MUST respond with a `416 Requested Range Not Satisfiable` code.")
def _():
    location = begin("a/one")
    call("PATCH", local(location), b"hel", {"Content-Range": "0-2"})
    path = with_digest(location, digest_of(b"hello"))
    assert call("PUT", path, b"lo", {"Content-Range": "4-5"})[0] == 416
    assert call("PUT", path, b"lo", {"Content-Range": "3-4"})[0] == 201


@must("The response to an active upload `<blob-push-location>` MUST be a `204 No Content` response code, and MUST have the following headers: Location, Range.")
def _():
    location = begin("a/one")
    call("PATCH", local(location), b"hello", {"Content-Range": "0-4"})
    status, headers, _ = call("GET", local(location))
    assert (status, headers["range"]) == (204, "0-4") and headers["location"]


@must("If successful, the response SHOULD be a `204 No Content` response code [cancelling an upload].")
def _():
    location = begin("a/one")
    assert call("DELETE", local(location))[0] == 204
    status, _, body = call("GET", local(location))
    assert (status, codes(body)) == (404, ["BLOB_UPLOAD_UNKNOWN"])


@must("The response to a successful mount MUST be `201 Created`, and MUST contain the following header: Location.")
def _():
    digest = push_blob("a/one", b"to be mounted")
    status, headers, _ = call("POST", f"a/two/blobs/uploads/?mount={digest}&from=a/one", b"")
    assert status == 201
    assert call("GET", local(headers["location"]))[2] == b"to be mounted"


@must("If a registry does not support cross-repository mounting or is unable to mount the requested blob, it SHOULD return a `202`.")
def _():
    digest = push_blob("a/one", b"stays here")
    for query in [f"mount={digest}", f"mount={digest}&from=a/none", f"mount={digest_of(b'absent')}&from=a/one"]:
        status, headers, _ = call("POST", f"a/two/blobs/uploads/?{query}", b"")
        assert status == 202, query
    # It is an upload like any other.
    assert call("PUT", with_digest(headers["location"], digest), b"stays here")[0] == 201


@must("The registry MUST store the manifest in the exact byte representation provided by the client.")
def _():
    odd = json.dumps(json.loads(image()), indent=7).encode() + b"\n\n"
    assert put_manifest("a/one", "odd", odd)[0] == 201
    assert call("GET", "a/one/manifests/odd")[2] == odd


@must("Upon a successful upload, the registry MUST return response code `201 Created`, and MUST have the following header: Location. The Docker-Content-Digest header MUST be equal to the client provided digest.")
def _():
    for algorithm in ["sha256", "sha512"]:
        manifest = image(annotations={"by": algorithm})
        digest = digest_of(manifest, algorithm)
        status, headers, _ = put_manifest("a/one", digest, manifest)
        assert (status, headers["docker-content-digest"]) == (201, digest)
        assert call("GET", local(headers["location"]))[2] == manifest


@must("If a registry supports this [tag parameters], it MUST include an `OCI-Tag` response header for each accepted tag.")
def _():
    manifest = image(annotations={"many": "tags"})
    tags = [f"t{number}" for number in range(12)]
    query = "&".join(f"tag={tag}" for tag in tags)
    status, headers, _ = put_manifest("a/one", f"{digest_of(manifest)}?{query}", manifest)
    assert status == 201 and headers["oci-tag"].split(", ") == tags
    assert call("GET", "a/one/manifests/t11")[2] == manifest


@must("A registry that enforces this limit SHOULD respond with a response code `413 Payload Too Large`; SHOULD support manifest pushes of at least 4 megabytes.")
def _():
    large = image(annotations={"x": "y" * 4_000_000})
    assert put_manifest("a/one", "large", large)[0] == 201
    status, _, body = put_manifest("a/one", "larger", image(annotations={"x": "y" * 5_000_000}))
    assert (status, codes(body)) == (413, ["MANIFEST_INVALID"])


@must("When processing a request for an image manifest with the `subject` field, a registry that supports the referrers API MUST respond with the response header `OCI-Subject: <subject digest>`.")
def _():
    manifest = image(subject=descriptor(FIRST, MANIFEST), artifactType="application/x.test+json", annotations={"k": "v"})
    _, headers, _ = put_manifest("a/one", digest_of(manifest), manifest)
    assert headers["oci-subject"] == digest_of(FIRST)
    assert "oci-subject" not in put_manifest("a/one", "first", FIRST)[1]


@must("artifacts: manifests of any type that OCI and Docker have, with empty configurations, without layers, and with digests by sha512.")
def _():
    for content, algorithm in [(b"{}", "sha256"), (b"", "sha256"), (b"by sha512", "sha512")]:
        push_blob("a/one", content, algorithm)
    empty = descriptor(b"{}", "application/vnd.oci.empty.v1+json", data="e30=")
    other = descriptor(b"by sha512", "text/plain", "sha512")
    docker = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}
    foreign = descriptor(b"elsewhere", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", urls=["https://example.com"])
    for tag, manifest in [
        ("empty", {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "a/b", "config": empty, "layers": [empty]}),
        ("sha512", {"schemaVersion": 2, "mediaType": MANIFEST, "config": empty, "layers": [other, descriptor(b"")]}),
        ("none", {"schemaVersion": 2, "mediaType": MANIFEST, "config": empty, "layers": []}),
        ("docker", {**docker, "config": empty, "layers": [foreign]}),
        ("index", {"schemaVersion": 2, "mediaType": INDEX, "artifactType": "a/c", "manifests": []}),
    ]:
        content = json.dumps(manifest).encode()
        status, _, body = put_manifest("a/one", tag, content, manifest["mediaType"])
        assert status == 201, (tag, body)
        assert call("GET", f"a/one/manifests/{tag}")[1]["content-type"] == manifest["mediaType"]
    assert call("GET", f"a/one/blobs/{other['digest']}")[2] == b"by sha512"


# --- discovery


@must("If the list is not empty, the tags MUST be in lexical or ASCIIbetical order; a list without `n` has all of them.")
def _():
    ecr.create_repository(repositoryName="tags")
    status, _, body = call("GET", "tags/tags/list")
    assert (status, json.loads(body)) == (200, {"name": "tags", "tags": []})
    for tag in ["b", "a", "C", "_x", "1.0"]:
        push_image("tags", tag)
    assert json.loads(call("GET", "tags/tags/list")[2]) == {"name": "tags", "tags": sorted(["b", "a", "C", "_x", "1.0"])}


@must("Otherwise, the response MUST include `<int>` results. If included, the `Link` header MUST be set according to RFC 5988 with the Relation Type `rel=\"next\"`.")
def _():
    seen, path = [], "/v2/tags/tags/list?n=2"
    while path:
        status, headers, body = call("GET", path)
        page = json.loads(body)["tags"]
        seen += page
        link = headers.get("link")
        assert len(page) == 2 or not link
        path = re.fullmatch(r'<([^>]+)>; rel="next"', link)[1] if link else None
    assert seen == sorted(["b", "a", "C", "_x", "1.0"])


@must("When `n` is zero, this endpoint MUST return an empty list, and MUST NOT include a `Link` header.")
def _():
    _, headers, body = call("GET", "tags/tags/list?n=0")
    assert json.loads(body)["tags"] == [] and "link" not in headers


@must("`<tagname>` MUST NOT be a numerical index, but rather it MUST be a proper tag: up to `<int>` tags after it are returned.")
def _():
    assert json.loads(call("GET", "tags/tags/list?n=2&last=1.0")[2])["tags"] == ["C", "_x"]
    assert json.loads(call("GET", "tags/tags/list?last=a")[2])["tags"] == ["b"]


@must("Assuming a repository is found, this request MUST return a `200 OK`; the registry MUST NOT return a `404 Not Found` to referrers API requests. If a query results in no matching referrers, an empty manifest list MUST be returned.")
def _():
    status, headers, body = call("GET", f"a/two/referrers/{digest_of(b'nobody')}")
    assert status == 200 and headers["content-type"] == INDEX
    index = json.loads(body)
    assert (index["schemaVersion"], index["mediaType"], index["manifests"]) == (2, INDEX, [])


@must("If the request is invalid, such as a `<digest>` with an invalid syntax, a `400 Bad Request` MUST be returned.")
def _():
    assert call("GET", "a/one/referrers/sha256:xyz")[0] == 400


def referrers(query=""):
    _, headers, body = call("GET", f"a/one/referrers/{digest_of(FIRST)}{query}")
    return headers, {entry["digest"]: entry for entry in json.loads(body)["manifests"]}


@must("The descriptors MUST include an `artifactType` field that is set to the value of the `artifactType`, else to the config descriptor `mediaType`; in an index without it, it MUST be omitted. The descriptors MUST include annotations.")
def _():
    subject = descriptor(FIRST, MANIFEST)
    typed = image(subject=subject, artifactType="application/x.test+json", annotations={"k": "v"})
    plain = image(subject=subject)
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [], "subject": subject, "annotations": {"i": "j"}}).encode()
    for manifest, kind in [(typed, MANIFEST), (plain, MANIFEST), (index, INDEX)]:
        assert put_manifest("a/one", digest_of(manifest), manifest, kind)[0] == 201
    _, found = referrers()
    assert set(found) == {digest_of(typed), digest_of(plain), digest_of(index)}
    one = found[digest_of(typed)]
    assert one["artifactType"] == "application/x.test+json" and one["annotations"] == {"k": "v"}
    assert (one["mediaType"], one["size"]) == (MANIFEST, len(typed))
    assert found[digest_of(plain)]["artifactType"] == "application/vnd.oci.image.config.v1+json"
    assert "artifactType" not in found[digest_of(index)] and found[digest_of(index)]["annotations"] == {"i": "j"}


@must("If filtering is requested and applied, the response MUST include a header `OCI-Filters-Applied: artifactType`.")
def _():
    for written in ["application/x.test+json", "application%2Fx.test%2Bjson"]:
        headers, found = referrers(f"?artifactType={written}")
        assert headers["oci-filters-applied"] == "artifactType"
        assert [entry["artifactType"] for entry in found.values()] == ["application/x.test+json"]
    assert "oci-filters-applied" not in referrers()[0]


@must("A `Link` header MUST be included in the response when the descriptor list cannot be returned in a single manifest.")
def _():
    subject = descriptor(b"loud", MANIFEST)
    for number in range(3):
        manifest = image(subject=subject, annotations={"n": str(number), "x": "y" * 2_000_000})
        assert put_manifest("a/one", digest_of(manifest), manifest)[0] == 201
    seen, path = [], f"/v2/a/one/referrers/{subject['digest']}"
    while path:
        status, headers, body = call("GET", path)
        assert len(body) < 4 << 20
        seen += [entry["annotations"]["n"] for entry in json.loads(body)["manifests"]]
        link = headers.get("link")
        path = re.fullmatch(r'<([^>]+)>; rel="next"', link)[1] if link else None
    assert sorted(seen) == ["0", "1", "2"]


# --- management


@must("Upon success [deleting a tag], the registry MUST respond with a `202 Accepted` code. Once deleted, a GET will return a 404.")
def _():
    manifest, _ = push_image("a/two", "gone", layers=(b"of a tag",))
    assert call("DELETE", "a/two/manifests/gone")[0] == 202
    assert call("GET", "a/two/manifests/gone")[0] == 404
    assert call("GET", f"a/two/manifests/{digest_of(manifest)}")[0] == 200, "only the tag goes"
    assert call("DELETE", "a/two/manifests/gone")[0] == 404


@must("Upon success [deleting a manifest], the registry MUST respond with a `202 Accepted` code; any tag pointing to that digest will return a 404.")
def _():
    manifest, _ = push_image("a/two", "gone", layers=(b"of a manifest",))
    assert call("DELETE", f"a/two/manifests/{digest_of(manifest)}")[0] == 202
    for reference in ["gone", digest_of(manifest)]:
        assert call("GET", f"a/two/manifests/{reference}")[0] == 404
    assert "gone" not in json.loads(call("GET", "a/two/tags/list")[2])["tags"]


@must("If the repository does not exist, the response MUST return `404 Not Found` [deleting a manifest].")
def _():
    assert call("DELETE", f"a/none/manifests/{digest_of(b'x')}")[0] == 404


@must("Upon success [deleting a blob], the registry MUST respond with code `202 Accepted`. If the blob is not found, a `404 Not Found` code MUST be returned.")
def _():
    digest = push_blob("a/one", b"to go")
    call("POST", f"a/two/blobs/uploads/?mount={digest}&from=a/one", b"")
    assert call("DELETE", f"a/one/blobs/{digest}")[0] == 202
    assert call("GET", f"a/one/blobs/{digest}")[0] == 404
    assert call("DELETE", f"a/one/blobs/{digest}")[0] == 404
    assert call("GET", f"a/two/blobs/{digest}")[2] == b"to go", "the other repository has it still"


failed = 0
for sentence, test in TESTS:
    try:
        test()
    except Exception as error:  # noqa: BLE001: every sentence is to be told
        failed += 1
        print(f"FAILED: {sentence}\n  line {error.__traceback__.tb_next.tb_lineno}: {error!r}")
print(f"{len(TESTS) - failed} of {len(TESTS)} hold")
assert not failed
