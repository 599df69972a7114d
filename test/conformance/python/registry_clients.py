"""Clients that people use: skopeo, podman, buildah and PyPI's oras push to the registry and pull from it."""

import atexit
import os
import shutil
import subprocess
import tempfile

import oras.client
import oras.oci

from oci import *

SCRATCH = tempfile.mkdtemp()
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
CREDENTIALS = f"AWS:{PASSWORD}"
AUTH = f"{SCRATCH}/auth.json"
with open(AUTH, "w") as file:
    json.dump({"auths": {HOST: {"auth": TOKEN}}}, file)
CONFIGURATION = f"{SCRATCH}/registries.conf"
with open(CONFIGURATION, "w") as file:
    file.write(f'[[registry]]\nlocation = "{HOST}"\ninsecure = true\n')
ENVIRONMENT = {
    **os.environ, "HOME": SCRATCH, "TMPDIR": SCRATCH, "XDG_RUNTIME_DIR": SCRATCH, "REGISTRY_AUTH_FILE": AUTH,
    "CONTAINERS_REGISTRIES_CONF": CONFIGURATION,
}


def run(*words, fails=False):
    done = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, timeout=240, cwd=SCRATCH)
    assert (done.returncode != 0) == fails, f"{words}: {done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr if fails else done.stdout


def digest_in_ecr(repository, tag):
    [found] = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"]
    return found["imageDigest"]


for name in ["team/web", "copies", "podman", "buildah", "artifacts"]:
    ecr.create_repository(repositoryName=name)

# An image to begin with: one layer, one file.
os.makedirs(f"{SCRATCH}/context")
with open(f"{SCRATCH}/context/hello", "wb") as file:
    file.write(os.urandom(100_000))
with open(f"{SCRATCH}/context/Dockerfile", "w") as file:
    file.write("FROM scratch\nCOPY hello /hello\nLABEL who=me\nCMD [\"/hello\"]\n")

# buildah
STORAGE = ["--root", f"{SCRATCH}/root", "--runroot", f"{SCRATCH}/runroot", "--storage-driver", "vfs"]
run("buildah", *STORAGE, "bud", "--isolation", "chroot", "-t", f"{HOST}/buildah:1", f"{SCRATCH}/context")
run("buildah", *STORAGE, "push", "--tls-verify=false", f"{HOST}/buildah:1")
run("buildah", *STORAGE, "push", "--tls-verify=false", "--format", "v2s2", f"{HOST}/buildah:1", f"docker://{HOST}/buildah:docker")
kinds = {tag: call("GET", f"buildah/manifests/{tag}")[1]["content-type"] for tag in ["1", "docker"]}
assert kinds == {"1": MANIFEST, "docker": "application/vnd.docker.distribution.manifest.v2+json"}, kinds
run("buildah", *STORAGE, "rmi", "--all", "--force")
run("buildah", *STORAGE, "pull", "--tls-verify=false", f"{HOST}/buildah:1")

# podman, over the same storage
PODMAN = ["podman", *STORAGE, "--runtime", "runc", "--cgroup-manager", "cgroupfs"]
run(*PODMAN, "login", "--tls-verify=false", "-u", "AWS", "-p", "wrong", HOST, fails=True)
run(*PODMAN, "login", "--tls-verify=false", "-u", "AWS", "-p", PASSWORD, HOST)
run(*PODMAN, "tag", f"{HOST}/buildah:1", f"{HOST}/podman:1", f"{HOST}/nowhere:1")
run(*PODMAN, "push", "--tls-verify=false", f"{HOST}/podman:1")
said = run(*PODMAN, "push", "--tls-verify=false", f"{HOST}/nowhere:1", fails=True)
assert "name 'nowhere' does not exist" in said, said
run(*PODMAN, "rmi", "--all", "--force")
run(*PODMAN, "pull", "--tls-verify=false", f"{HOST}/podman:1")
[inspected] = json.loads(run(*PODMAN, "image", "inspect", f"{HOST}/podman:1"))
assert inspected["Labels"]["who"] == "me" and inspected["Config"]["Cmd"] == ["/hello"]
assert f"{HOST}/podman@{digest_in_ecr('podman', '1')}" in inspected["RepoDigests"]
run(*PODMAN, "manifest", "create", "many")
run(*PODMAN, "manifest", "add", "--tls-verify=false", "--authfile", AUTH, "many", f"docker://{HOST}/podman:1")
run(*PODMAN, "manifest", "push", "--all", "--tls-verify=false", "many", f"docker://{HOST}/podman:many")
index = json.loads(call("GET", "podman/manifests/many")[2])
assert len(index["manifests"]) == 1, index

# skopeo
remote = f"docker://{HOST}/team/web"
run("skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", f"docker://{HOST}/podman:1", f"{remote}:1")
assert digest_in_ecr("team/web", "1") == digest_in_ecr("podman", "1")
run("skopeo", "copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", f"docker://{HOST}/podman:many", f"{remote}:many")
run("skopeo", "copy", "--src-tls-verify=false", f"{remote}:1", f"oci:{SCRATCH}/layout:1")
run("skopeo", "copy", "--dest-tls-verify=false", f"oci:{SCRATCH}/layout:1", f"docker://{HOST}/copies:2")
listed = json.loads(run("skopeo", "list-tags", "--tls-verify=false", remote))
assert listed["Tags"] == ["1", "many"], listed
inspected = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"{remote}:1"))
assert inspected["Labels"] == {"who": "me", **inspected["Labels"]} and inspected["Digest"] == digest_in_ecr("team/web", "1")
run("skopeo", "inspect", "--tls-verify=false", f"docker://{HOST}/team/web@{digest_in_ecr('team/web', '1')}")
run("skopeo", "delete", "--tls-verify=false", f"{remote}:many")
assert call("HEAD", "team/web/manifests/many")[0] == 404
said = run("skopeo", "inspect", "--tls-verify=false", "--creds", "AWS:wrong", f"{remote}:1", fails=True)
assert "unauthorized" in said.lower(), said
run("skopeo", "sync", "--src-tls-verify=false", "--src", "docker", "--dest", "dir", f"{HOST}/team/web", f"{SCRATCH}/synced")

# oras: an artifact of files, with annotations
client = oras.client.OrasClient(hostname=HOST, insecure=True, auth_backend="basic")
client.login(username="AWS", password=PASSWORD, hostname=HOST, tls_verify=False, config_path=f"{SCRATCH}/oras.json")
with open(f"{SCRATCH}/sbom.json", "w") as file:
    file.write('{"parts": []}')
os.chdir(SCRATCH)
answer = client.push(
    target=f"{HOST}/artifacts:v1", files=["sbom.json:application/json"], manifest_annotations={"made": "by hand"},
    disable_path_validation=True,
)
assert answer.status_code in (200, 201), answer.text
os.makedirs(f"{SCRATCH}/out")
[path] = client.pull(target=f"{HOST}/artifacts:v1", outdir=f"{SCRATCH}/out")
assert open(path).read() == '{"parts": []}'
assert client.get_tags(f"{HOST}/artifacts") == ["v1"]
manifest = client.get_manifest(f"{HOST}/artifacts:v1")
assert manifest["annotations"]["made"] == "by hand"

# In pieces, and about another artifact.
subject = digest_in_ecr("artifacts", "v1")
size = len(call("GET", "artifacts/manifests/v1")[2])
answer = client.push(
    target=f"{HOST}/artifacts:pieces", files=["sbom.json:application/json"], do_chunked=True, chunk_size=5,
    subject=oras.oci.Subject(mediaType=MANIFEST, digest=subject, size=size), disable_path_validation=True,
)
assert answer.status_code in (200, 201), answer.text
[path] = client.pull(target=f"{HOST}/artifacts:pieces", outdir=f"{SCRATCH}/out")
assert open(path).read() == '{"parts": []}'
referring = json.loads(call("GET", f"artifacts/referrers/{subject}")[2])["manifests"]
assert [entry["digest"] for entry in referring] == [digest_in_ecr("artifacts", "pieces")], referring
