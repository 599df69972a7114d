"""Every way in which a signature can be wrong, in every protocol."""

import datetime
import json
import sys
import urllib.error
import urllib.request
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

URL = sys.argv[1]
KEY = Credentials("AKIATEST", "secret")
NOW = datetime.datetime.now(datetime.timezone.utc)

MESSAGES = {
    "ecs": ("POST", {"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.CreateCluster",
                     "Content-Type": "application/x-amz-json-1.1"}, b"{}"),
    "sts": ("POST", {"Content-Type": "application/x-www-form-urlencoded"},
            b"Action=GetCallerIdentity&Version=2011-06-15"),
    "ec2": ("POST", {"Content-Type": "application/x-www-form-urlencoded"},
            b"Action=DeleteVpc&Version=2016-11-15&VpcId=vpc-1"),
}


def signed(service, credentials=KEY, at=NOW, scope=None, auth=None, url=URL, **change):
    method, headers, body = MESSAGES[service]
    method, body = change.get("method", method), change.get("body", body)
    request = AWSRequest(method=method, url=url + "/" + change.get("query", ""), data=body,
                         headers=change.get("headers", headers))
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda: at.replace(tzinfo=None)):
        (auth or botocore.auth.SigV4Auth)(credentials, scope or service, "eu-west-3").add_auth(request)
    return request.prepare()


def send(request, headers=None, body=None, url=None, method=None):
    given = {k: v.decode() if isinstance(v, bytes) else v for k, v in request.headers.items()}
    given = {k: v for k, v in {**given, **(headers or {}), "Content-Length": None}.items() if v is not None}
    data = request.body if body is None else body
    prepared = urllib.request.Request(url or request.url, data=data or None, headers=given,
                                      method=method or request.method)
    try:
        with urllib.request.urlopen(prepared) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


def expect(answer, status, code, part=""):
    found_status, body, headers = answer
    assert found_status == status, (status, code, answer[:2])
    if code is not None:
        if body.startswith("{"):
            assert json.loads(body)["__type"] == code, body
            assert headers["x-amzn-errortype"] == code
        else:
            assert f"<Code>{code}</Code>" in body, body
    assert part in body, (part, body)
    assert headers["x-amzn-requestid"]


CODES = {
    "ecs": {"missing": (400, "MissingAuthenticationTokenException"), "incomplete": (400, "IncompleteSignatureException"),
            "mismatch": (400, "InvalidSignatureException"), "time": (400, "InvalidSignatureException"),
            "unknown": (400, "UnrecognizedClientException"), "expired": (400, "ExpiredTokenException")},
    "sts": {"missing": (403, "MissingAuthenticationToken"), "incomplete": (403, "IncompleteSignature"),
            "mismatch": (403, "SignatureDoesNotMatch"), "time": (403, "SignatureDoesNotMatch"),
            "unknown": (403, "InvalidClientTokenId"), "expired": (403, "ExpiredToken")},
    "ec2": {"missing": (400, "MissingParameter"), "incomplete": (401, "AuthFailure"), "mismatch": (401, "AuthFailure"),
            "time": (400, "RequestExpired"), "unknown": (401, "AuthFailure"), "expired": (400, "RequestExpired")},
}

minutes = lambda count: datetime.timedelta(minutes=count)
for service, codes in CODES.items():
    good = signed(service)
    expect(send(good), 200, None)
    expect(send(signed(service, at=NOW - minutes(4))), 200, None)
    expect(send(signed(service, at=NOW + minutes(4))), 200, None)
    expect(send(signed(service, Credentials("ASIATEST", "secret", "token"))), 200, None)
    expect(send(good, {"Authorization": None}), *codes["missing"])
    expect(send(good, {"Authorization": "Basic QVdTOng="}), *codes["missing"])
    plain = "" if service == "ec2" else "does not match the signature you provided"
    expect(send(signed(service, Credentials("AKIATEST", "wrong"))), *codes["mismatch"], plain)
    expect(send(good, body=good.body + b" "), *codes["mismatch"])
    expect(send(good, {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}, body=good.body + b" "), *codes["mismatch"])
    expect(send(good, {"Content-Type": "text/plain"}), *codes["mismatch"])
    expect(send(good, url=URL + "/?x=1"), *codes["mismatch"])
    expect(send(signed(service, Credentials("AKIANOBODY", "secret"))), *codes["unknown"])
    expect(send(signed(service, Credentials("AKIATEST", "secret", "token"))), *codes["unknown"])
    expect(send(signed(service, Credentials("ASIATEST", "secret"))), *codes["unknown"])
    expect(send(signed(service, Credentials("ASIATEST", "secret", "other"))), *codes["unknown"])
    expect(send(signed(service, Credentials("ASIAEXPIRED", "secret", "token"))), *codes["expired"])
    late = "Request has expired." if service == "ec2" else "Signature expired: "
    expect(send(signed(service, at=NOW - minutes(6))), *codes["time"], late)
    early = "Request has expired." if service == "ec2" else "Signature not yet current: "
    expect(send(signed(service, at=NOW + minutes(6))), *codes["time"], early)

    header = good.headers["Authorization"]
    header = header.decode() if isinstance(header, bytes) else header
    for change, kind in [
        (header.split(", Signature=")[0], "incomplete"),
        (header.replace("Credential=", ""), "incomplete"),
        (header.replace("/aws4_request", ""), "incomplete"),
        (header.replace("aws4_request", "aws4_else"), "mismatch"),
        (header.replace("host;", ""), "mismatch"),
        (header.replace("x-amz-date;", "").replace(";x-amz-date", ""), "mismatch"),
        (header.replace("eu-west-3", "eu-west-2"), "mismatch"),
        (header.replace("eu-west-3", "EU/WEST"), "incomplete"),
        (header.replace(NOW.strftime("/%Y%m%d/"), "/19990101/"), "mismatch"),
    ]:
        assert change != header
        expect(send(good, {"Authorization": change}), *codes[kind])
    if service == "ecs":
        text = header.replace("x-amz-target", "").replace(";,", ",").replace(";;", ";")
        expect(send(good, {"Authorization": text}), *codes["mismatch"], "must be a 'SignedHeader'")
        expect(send(signed(service, scope="ecr")), *codes["mismatch"],
               "Credential should be scoped to correct service: 'ecs'. ")
    expect(send(good, {"X-Amz-Date": "yesterday"}), *codes["incomplete"])

# presigned
GET = {"method": "GET", "body": b"", "headers": {}, "query": "?Action=GetCallerIdentity&Version=2011-06-15"}
presign = lambda seconds: lambda *rest: botocore.auth.SigV4QueryAuth(*rest, expires=seconds)
expect(send(signed("sts", auth=presign(60), **GET)), 200, None, "<Account>000000000000</Account>")
expect(send(signed("sts", auth=presign(3600), at=NOW - minutes(50), **GET)), 200, None)
token = Credentials("ASIATEST", "secret", "token")
expect(send(signed("sts", token, auth=presign(60), **GET)), 200, None)
late = signed("sts", auth=presign(60), at=NOW - minutes(2), **GET)
expect(send(late), 403, "SignatureDoesNotMatch", "Signature expired: ")
good = signed("sts", auth=presign(60), **GET)
expect(send(good, url=good.url.replace("X-Amz-Expires=60", "X-Amz-Expires=61")), 403, "SignatureDoesNotMatch")
expect(send(good, url=good.url.replace("X-Amz-Expires=60", "X-Amz-Expires=604801")), 403, "IncompleteSignature")
expect(send(good, url=good.url.replace("HMAC-SHA256", "HMAC-SHA1")), 403, "IncompleteSignature")
expect(send(good, url=good.url.split("&X-Amz-Signature")[0]), 403, "IncompleteSignature", "X-Amz-Signature")
expect(send(good, url=good.url + "&Extra=1"), 403, "SignatureDoesNotMatch")

# a signature without a known key tells nothing about what is served
target = {**MESSAGES["ecs"][1], "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.Nothing"}
expect(send(signed("ecs", headers=target)), 400, "UnknownOperationException", "There is no operation Nothing in ECS.")
expect(send(signed("ecs", Credentials("AKIANOBODY", "x"), headers=target)), 400, "UnrecognizedClientException")
