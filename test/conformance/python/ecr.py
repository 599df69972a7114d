"""boto3 against ECR: what its documentation promises, and the errors in AWS's words."""

import time
import urllib.request

from botocore.exceptions import ClientError

from oci import *

ACCOUNT = "000000000000"


def refused(code, part, call, **arguments):
    try:
        answer = call(**arguments)
    except ClientError as error:
        found = error.response["Error"]
        assert found["Code"] == code and part in found["Message"], found
        return error.response
    raise AssertionError(f"{code} expected, but: {answer}")


# Repositories
made = ecr.create_repository(
    repositoryName="web", imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
    imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "dev*"}],
    imageScanningConfiguration={"scanOnPush": True}, encryptionConfiguration={"encryptionType": "KMS", "kmsKey": "alias/x"},
    tags=[{"Key": "a", "Value": "b"}],
)["repository"]
assert made["repositoryArn"] == f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/web"
assert made["repositoryUri"] == f"{HOST}/web"
assert made["imageTagMutabilityExclusionFilters"] == [{"filterType": "WILDCARD", "filter": "dev*"}]
assert made["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": "alias/x"}
assert ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"] == [{"Key": "a", "Value": "b"}]
refused(
    "RepositoryAlreadyExistsException",
    f"The repository with name 'web' already exists in the registry with id '{ACCOUNT}'",
    ecr.create_repository, repositoryName="web",
)
refused(
    "RepositoryNotFoundException", f"The repository with name 'no' does not exist in the registry with id '{ACCOUNT}'",
    ecr.describe_repositories, repositoryNames=["no"],
)
for number in range(5):
    ecr.create_repository(repositoryName=f"many/{number}")
pages = list(ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2}))
names = [repository["repositoryName"] for page in pages for repository in page["repositories"]]
assert len(pages) == 3 and names == [f"many/{number}" for number in range(5)] + ["web"], names
answer = ecr.get_authorization_token(registryIds=[ACCOUNT])["authorizationData"][0]
assert answer["proxyEndpoint"] == URL and answer["expiresAt"].timestamp() > time.time() + 11 * 3600
refused("AccessDeniedException", "not authorized", ecr.get_authorization_token, registryIds=["111111111111"])

# Images by the API alone: layers, then the manifest
layer, config = b"l" * 7_000_000, b'{"architecture":"amd64"}'
for content in [layer, config]:
    begun = ecr.initiate_layer_upload(repositoryName="web")
    size, upload = begun["partSize"], begun["uploadId"]
    for first in range(0, len(content), size):
        part = content[first:first + size]
        got = ecr.upload_layer_part(
            repositoryName="web", uploadId=upload, partFirstByte=first, partLastByte=first + len(part) - 1, layerPartBlob=part,
        )
        assert got["lastByteReceived"] == first + len(part) - 1
    wrong = refused(
        "InvalidLayerPartException", "last valid byte", ecr.upload_layer_part, repositoryName="web", uploadId=upload,
        partFirstByte=1, partLastByte=1, layerPartBlob=b"x",
    )
    assert wrong["lastValidByteReceived"] == len(content) - 1, wrong
    done = ecr.complete_layer_upload(repositoryName="web", uploadId=upload, layerDigests=[digest_of(content)])
    assert done["layerDigest"] == digest_of(content)
empty = ecr.initiate_layer_upload(repositoryName="web")["uploadId"]
refused("EmptyUploadException", "layer parts", ecr.complete_layer_upload, repositoryName="web", uploadId=empty, layerDigests=[digest_of(b"")])
refused("UploadNotFoundException", "could not be found", ecr.complete_layer_upload, repositoryName="web",
        uploadId="00000000-0000-0000-0000-000000000000", layerDigests=[digest_of(b"x")])
ecr.upload_layer_part(repositoryName="web", uploadId=empty, partFirstByte=0, partLastByte=0, layerPartBlob=b"x")
refused("InvalidLayerException", "does not match the digest", ecr.complete_layer_upload, repositoryName="web", uploadId=empty, layerDigests=[digest_of(b"y")])
known = ecr.batch_check_layer_availability(repositoryName="web", layerDigests=[digest_of(layer), digest_of(b"no")])["layers"]
assert [entry["layerAvailability"] for entry in known] == ["AVAILABLE", "UNAVAILABLE"], known
url = ecr.get_download_url_for_layer(repositoryName="web", layerDigest=digest_of(config))["downloadUrl"]
assert urllib.request.urlopen(url).read() == config, "the URL works by itself"
refused("LayersNotFoundException", "do not exist", ecr.get_download_url_for_layer, repositoryName="web", layerDigest=digest_of(b"no"))

manifest = image(config, (layer,)).decode()
put = ecr.put_image(repositoryName="web", imageManifest=manifest, imageTag="v1")["image"]
assert put["imageId"] == {"imageDigest": digest_of(manifest.encode()), "imageTag": "v1"} and put["imageManifest"] == manifest
refused("ImageAlreadyExistsException", f"Image with digest '{put['imageId']['imageDigest']}' and tag 'v1' already exists",
        ecr.put_image, repositoryName="web", imageManifest=manifest, imageTag="v1")
other = image(config, (layer,), annotations={"x": "y"}).decode()
refused("ImageTagAlreadyExistsException", "The image tag 'v1' already exists in the 'web' repository",
        ecr.put_image, repositoryName="web", imageManifest=other, imageTag="v1")
ecr.put_image(repositoryName="web", imageManifest=manifest, imageTag="dev")
ecr.put_image(repositoryName="web", imageManifest=other, imageTag="dev")
refused("ImageDigestDoesNotMatchException", "calculated", ecr.put_image, repositoryName="web", imageManifest=other, imageTag="v3", imageDigest=digest_of(b"no"))
refused("LayersNotFoundException", "do not exist", ecr.put_image, repositoryName="web", imageManifest=image(b"no").decode(), imageTag="v3")
refused("ReferencedImagesNotFoundException", "referenced", ecr.put_image, repositoryName="web", imageTag="v3", imageManifest=json.dumps(
    {"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(b"no", MANIFEST)]}))
refused("InvalidParameterException", "ImageManifest", ecr.put_image, repositoryName="web", imageManifest="{", imageTag="v3")

# Describing, listing, reading
call("GET", "web/manifests/v1")
details = ecr.describe_images(repositoryName="web", imageIds=[{"imageTag": "v1"}])["imageDetails"][0]
assert details["imageSizeInBytes"] == len(layer) + len(config) + len(manifest), details
assert (details["imageTags"], details["imageManifestMediaType"]) == (["v1"], MANIFEST)
assert details["imagePushedAt"].timestamp() <= details["lastRecordedPullTime"].timestamp()
refused("ImageNotFoundException", "{imageDigest:null, imageTag:'no'}", ecr.describe_images, repositoryName="web", imageIds=[{"imageTag": "no"}])
ids = ecr.list_images(repositoryName="web", filter={"tagStatus": "TAGGED"})["imageIds"]
assert sorted(entry["imageTag"] for entry in ids) == ["dev", "v1"]
assert ecr.list_images(repositoryName="web", filter={"tagStatus": "UNTAGGED"})["imageIds"] == []
got = ecr.batch_get_image(repositoryName="web", imageIds=[{"imageTag": "v1"}, {"imageTag": "no"}, {"imageDigest": digest_of(manifest.encode()), "imageTag": "dev"}])
assert [entry["imageManifest"] for entry in got["images"]] == [manifest]
assert [entry["failureCode"] for entry in got["failures"]] == ["ImageNotFound", "ImageTagDoesNotMatchDigest"], got["failures"]

# Referrers
referring = image(config, (layer,), subject=descriptor(manifest.encode(), MANIFEST), artifactType="a/signature", annotations={"by": "me"}).decode()
ecr.put_image(repositoryName="web", imageManifest=referring)
subject = {"imageDigest": digest_of(manifest.encode())}
[referrer] = ecr.list_image_referrers(repositoryName="web", subjectId=subject, filter={"artifactTypes": ["a/signature"]})["referrers"]
assert (referrer["artifactType"], referrer["annotations"], referrer["size"]) == ("a/signature", {"by": "me"}, len(referring))
assert ecr.list_image_referrers(repositoryName="web", subjectId=subject, filter={"artifactTypes": ["a/other"]})["referrers"] == []

# An index keeps what it leads to
index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(manifest.encode(), MANIFEST)]})
ecr.put_image(repositoryName="web", imageManifest=index, imageTag="all")
kept = ecr.batch_delete_image(repositoryName="web", imageIds=[subject])["failures"]
assert [entry["failureCode"] for entry in kept] == ["ImageReferencedByManifestList"], kept
gone = ecr.batch_delete_image(repositoryName="web", imageIds=[subject, {"imageTag": "all"}, {"imageTag": "no"}, {"imageDigest": "x"}])
assert sorted(entry["imageTag"] for entry in gone["imageIds"]) == ["all", "v1"], gone
assert [entry["failureCode"] for entry in gone["failures"]] == ["ImageNotFound", "InvalidImageDigest"], gone

# Lifecycle policies
refused("LifecyclePolicyNotFoundException", f"Lifecycle policy does not exist for the repository with name 'web' in the registry with id '{ACCOUNT}'",
        ecr.get_lifecycle_policy, repositoryName="web")
rule = {"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}
refused("InvalidParameterException", "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure:",
        ecr.put_lifecycle_policy, repositoryName="web", lifecyclePolicyText=json.dumps({"rules": [{**rule, "rulePriority": 0}]}))
policy = json.dumps({"rules": [rule]})
assert ecr.start_lifecycle_policy_preview(repositoryName="web", lifecyclePolicyText=policy)["status"] == "IN_PROGRESS"
ecr.get_waiter("lifecycle_policy_preview_complete").wait(repositoryName="web", WaiterConfig={"Delay": 1})
preview = ecr.get_lifecycle_policy_preview(repositoryName="web")
assert preview["summary"]["expiringImageTotalCount"] == len(preview["previewResults"]) == 1, preview
assert preview["previewResults"][0]["action"] == {"type": "EXPIRE"}
assert ecr.put_lifecycle_policy(repositoryName="web", lifecyclePolicyText=policy)["lifecyclePolicyText"] == policy
assert ecr.get_lifecycle_policy(repositoryName="web")["lifecyclePolicyText"] == policy
ecr.delete_lifecycle_policy(repositoryName="web")
refused("LifecyclePolicyNotFoundException", "", ecr.delete_lifecycle_policy, repositoryName="web")

# Policies of who may
refused("RepositoryPolicyNotFoundException", "Repository policy does not exist", ecr.get_repository_policy, repositoryName="web")
for text in ["{", "{}", '{"Statement": []}', '{"Statement": [{"Effect": "Allow"}]}']:
    refused("InvalidParameterException", "Invalid repository policy provided", ecr.set_repository_policy, repositoryName="web", policyText=text)
text = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}]})
assert ecr.set_repository_policy(repositoryName="web", policyText=text)["policyText"] == text
assert ecr.delete_repository_policy(repositoryName="web")["policyText"] == text
refused("RegistryPolicyNotFoundException", "", ecr.get_registry_policy)
ecr.put_registry_policy(policyText=text)
assert ecr.delete_registry_policy()["policyText"] == text

# Scanning: configured, but never done
assert ecr.put_image_scanning_configuration(repositoryName="web", imageScanningConfiguration={"scanOnPush": False})["imageScanningConfiguration"] == {"scanOnPush": False}
rules = [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "many/*", "filterType": "WILDCARD"}]}]
assert ecr.put_registry_scanning_configuration(scanType="BASIC", rules=rules)["registryScanningConfiguration"]["rules"] == rules
assert ecr.get_registry_scanning_configuration()["scanningConfiguration"]["scanType"] == "BASIC"
scanning = ecr.batch_get_repository_scanning_configuration(repositoryNames=["web", "many/1", "no"])
assert [entry["scanFrequency"] for entry in scanning["scanningConfigurations"]] == ["MANUAL", "SCAN_ON_PUSH"]
assert scanning["failures"][0]["failureCode"] == "REPOSITORY_NOT_FOUND"
refused("UnsupportedImageTypeException", "does not scan", ecr.start_image_scan, repositoryName="web", imageId={"imageTag": "dev"})
refused("ScanNotFoundException", "Image scan does not exist", ecr.describe_image_scan_findings, repositoryName="web", imageId={"imageTag": "dev"})
refused("ImageNotFoundException", "", ecr.start_image_scan, repositoryName="web", imageId={"imageTag": "no"})
assert ecr.describe_registry()["replicationConfiguration"] == {"rules": []}
assert ecr.get_account_setting(name="BASIC_SCAN_TYPE_VERSION")["value"] == "AWS_NATIVE"
refused("ValidationException", "Invalid account setting", ecr.get_account_setting, name="X")

# And away
refused("RepositoryNotEmptyException", "cannot be deleted because it still contains images", ecr.delete_repository, repositoryName="web")
ecr.delete_repository(repositoryName="web", force=True)
refused("RepositoryNotFoundException", "", ecr.list_images, repositoryName="web")
