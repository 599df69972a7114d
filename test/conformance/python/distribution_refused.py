"""The registry and those who do it wrong, break off, or mean ill: the specification's errors, and nothing left behind."""

import os
import socket
import threading
import time

from oci import *

FOLDER = sys.argv[2]


def blobs():
    return sorted(os.listdir(f"{FOLDER}/blobs/sha256"))


def uploads():
    return os.listdir(f"{FOLDER}/uploads")


def raw(request, keep_open=0.0):
    """Sends bytes as they are and hangs up."""
    host, port = HOST.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(request)
        time.sleep(keep_open)


def soon(check):
    for _ in range(100):
        if check():
            return
        time.sleep(0.05)
    raise AssertionError("it does not come about")


ecr.create_repository(repositoryName="web")
ecr.create_repository(repositoryName="fixed", imageTagMutability="IMMUTABLE")
push_image("web", "good")
before = blobs()

# Who asks.
for token in [None, base64.b64encode(b"AWS:wrong").decode(), base64.b64encode(b"root:" + PASSWORD.encode()).decode(),
              base64.b64encode(b"url:" + PASSWORD.encode()).decode(), "%%%"]:
    status, headers, body = call("GET", "/v2/", token=token)
    assert (status, codes(body)) == (401, ["UNAUTHORIZED"])
    assert headers["www-authenticate"].startswith("Basic realm=")
    assert call("DELETE", "web/manifests/good", token=token)[0] == 401
assert call("GET", f"/v2/?token={PASSWORD}", token=None)[0] == 401, "a login's password is none for URLs"

# Digests that are not the content's: nothing is stored and nothing waits.
for path in [with_digest(begin("web"), digest_of(b"right")), f"web/blobs/uploads/?digest={digest_of(b'right')}"]:
    status, _, body = call("PUT" if "uploads/?" not in path else "POST", path, b"wrong")
    assert (status, codes(body)) == (400, ["DIGEST_INVALID"])
status, _, body = put_manifest("web", digest_of(b"right"), image())
assert (status, codes(body)) == (400, ["DIGEST_INVALID"])
assert blobs() == before and uploads() == []

# Sizes that are not the content's.
location = local(begin("web"))
for span, status, code in [("0-9", 400, "SIZE_INVALID"), ("5-2", 416, "BLOB_UPLOAD_INVALID"), ("a-b", 400, "BLOB_UPLOAD_INVALID"),
                           ("0-18446744073709551615", 400, "SIZE_INVALID")]:
    answer = call("PATCH", location, b"hello", {"Content-Range": span})
    assert (answer[0], codes(answer[2])) == (status, [code]), (span, answer)
assert call("GET", location)[1]["range"] == "0-0", "nothing was taken"
assert call("DELETE", location)[0] == 204
manifest = json.loads(image())
manifest["layers"][0]["size"] = 6
status, _, body = put_manifest("web", "sizes", json.dumps(manifest).encode())
assert (status, codes(body)) == (400, ["SIZE_INVALID"]), body

# Manifests that are none.
for content, kind in [
    (b"", MANIFEST), (b"{", MANIFEST), (b"[]", MANIFEST), (b"{}", MANIFEST), (b'{"schemaVersion":1}', MANIFEST),
    (image(), "application/vnd.docker.distribution.manifest.v2+json"), (image(), "text/plain"), (image(), INDEX),
    (image().replace(b"sha256:", b"sha256:../"), MANIFEST), (b"\xff\xfe", MANIFEST), (b"[" * 100_000, MANIFEST),
    (image(subject={"mediaType": MANIFEST, "digest": "nothing", "size": 1}), MANIFEST),
]:
    status, _, body = put_manifest("web", "bad", content, kind)
    assert (status, codes(body)[0]) in [(400, "MANIFEST_INVALID"), (400, "DIGEST_INVALID")], (content[:60], status, body)
assert call("HEAD", "web/manifests/bad")[0] == 404
assert blobs() == before

# Names.
for path in ["Web/tags/list", "web..x/tags/list", "../etc/tags/list", "web%2f..%2f/tags/list", "-/tags/list", "a" * 300 + "/tags/list"]:
    status, _, body = call("GET", f"/v2/{path}")
    assert (status, codes(body)) == (400, ["NAME_INVALID"]), path
for tag in [".x", "-x", "a" * 129, "a%20b", "a%2fb", "%00"]:
    status, _, body = put_manifest("web", tag, image())
    assert status in (400, 404), (tag, status)
for digest in ["sha256:../../../etc/passwd", "sha256:" + "A" * 64, "sha256:" + "0" * 63, "sha1:" + "0" * 40]:
    status, _, body = call("GET", f"web/blobs/{digest}")
    assert (status, codes(body)[0]) in [(400, "DIGEST_INVALID"), (400, "NAME_INVALID"), (404, "UNSUPPORTED")], (digest, body)
for upload in ["0123", "../../blobs", "g" * 32, "0" * 32]:
    assert call("GET", f"web/blobs/uploads/{upload}")[0] in (400, 404)
assert call("GET", "web/tags/list?n=many")[0] == 400
assert call("PATCH", "web/manifests/good", b"")[0] == 405

# Broken off in the middle: what came is kept to go on with, and goes with the upload.
location = local(begin("web"))
head = f"PATCH {location} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Basic {TOKEN}\r\nContent-Length: 1000\r\n\r\n"
raw(head.encode() + b"x" * 400)
soon(lambda: call("GET", location)[1]["range"] == "0-399")
rest = b"x" * 600
status, _, body = call("PUT", with_digest(location, digest_of(b"x" * 1000)), rest, {"Content-Range": "400-999"})
assert status == 201, body
head = f"POST /v2/web/blobs/uploads/?digest={digest_of(b'y' * 1000)} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Basic {TOKEN}\r\nContent-Length: 1000\r\n\r\n"
raw(head.encode() + b"y" * 400, keep_open=0.2)
soon(lambda: uploads() == [])
assert call("HEAD", f"web/blobs/{digest_of(b'y' * 1000)}")[0] == 404
head = f"PUT /v2/web/manifests/cut HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Basic {TOKEN}\r\nContent-Type: {MANIFEST}\r\nContent-Length: 1000\r\n\r\n"
raw(head.encode() + image()[:100])
time.sleep(0.2)
assert call("HEAD", "web/manifests/cut")[0] == 404

# A tag that must stay.
one, _ = push_image("fixed", "v1")
two = image(annotations={"other": "one"})
status, _, body = put_manifest("fixed", "v1", two)
assert (status, codes(body)) == (400, ["TAG_INVALID"])
assert json.loads(body)["errors"][0]["message"] == (
    "The image tag 'v1' already exists in the 'fixed' repository and cannot be overwritten because the repository is immutable."
)
assert call("GET", "fixed/manifests/v1")[2] == one
assert put_manifest("fixed", "v1", one)[0] == 201, "the same again is no change"

# Many at once: the same blob and the same tag.
content, results = os.urandom(1 << 20), []
manifests = [image(annotations={"by": str(number)}) for number in range(6)]


def together(number):
    push_blob("web", content)
    results.append(put_manifest("web", "race", manifests[number])[0])


threads = [threading.Thread(target=together, args=[number]) for number in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert results == [201] * 6
assert call("GET", "web/manifests/race")[2] in manifests
tagged = [entry for entry in ecr.describe_images(repositoryName="web")["imageDetails"] if "race" in entry.get("imageTags", [])]
assert len(tagged) == 1, tagged
assert uploads() == []
