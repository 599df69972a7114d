"""Open mode: whose signature it is does not matter, that there is one does."""

import sys
import urllib.error
import urllib.request

import boto3

URL = sys.argv[1]


def account(key, token=None):
    client = boto3.client("sts", endpoint_url=URL, region_name="us-east-1", aws_access_key_id=key,
                          aws_secret_access_key="whatever", aws_session_token=token)
    return client.get_caller_identity()["Account"]


def status(path, data, **headers):
    try:
        request = urllib.request.Request(URL + path, data=data, headers=headers)
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code


assert account("111122223333") == "111122223333"
assert account("testing") == "123456789012"
assert account("testing", "any token") == "123456789012"
assert account("1111222233334") == "123456789012"
assert account("ASIATEST", "token") == "000000000000"
assert status("/", b"Action=GetCallerIdentity&Version=2011-06-15") == 403
assert status("/_wharf/reset", b"", Origin="http://evil.test") == 403
assert status("/_wharf/reset", b"", Host="evil.test") == 403
assert status("/_wharf/reset", b"") == 200
