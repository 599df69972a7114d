"""Every served operation's messages, as botocore writes and reads them.

`messages.py samples`      prints one JSON line per operation: a sample input, botocore's request for it (method,
                           path, query, body), and a sample output.
`messages.py parse FILE`   reads answers, one JSON line per operation, and compares what botocore's parser makes
                           of them (status, headers, body) with the sample outputs.
`messages.py requests FILE` reads requests, one JSON line per operation, and compares them with botocore's own.

Values are compared as plain JSON: times in milliseconds, blobs in base64.
"""

import base64
import datetime
import json
import re
import sys
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import botocore.parsers
import botocore.serialize
import botocore.session
from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict

SESSION = botocore.session.get_session()
# What speaks more than one protocol.
PROTOCOLS = {"cloudwatch": ["query", "json", "smithy-rpc-v2-cbor"]}
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
DEPTH_MAX = 9
# Some text for every pattern that a model has.
SAMPLES = [
    "a<&>\" 'ü\n", "/x/", "abc", "123456789012", "123456", "200", "HTTP", "ipv4pool-coip-a", "ipam-pool-a", "v1",
    "us-east-1", "2h", "Name", "/", "ami-a", "t3.micro", "sha256:0a", "01234567-89ab-cdef-0123-456789abcdef",
    "12.5", "10.0.0.1", "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/a",
    "arn:aws:acm:us-east-1:123456789012:certificate/a",
    "arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/a",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
]


def served():
    with open(sys.argv[-1] if sys.argv[1] == "samples" else sys.argv[3]) as lines:
        for line in lines:
            if line.split("#")[0].strip():
                service, operation = line.split()
                model = SESSION.get_service_model(service)
                operation = model.operation_model(operation)
                # Events are frames in a body that goes on, not one message.
                if operation.has_event_stream_output:
                    continue
                for protocol in PROTOCOLS.get(service, [model.metadata["protocol"]]):
                    yield service, protocol, operation


def text(shape):
    limits = shape.metadata
    if shape.enum:
        return shape.enum[0]
    low = limits.get("min", 0)
    pattern = limits.get("pattern")
    for sample in SAMPLES:
        sample = sample + "a" * (low - len(sample))
        python = re.sub(r"\\p\{[LN]\}", r"\\w", pattern or "(?s:.*)").replace(r"\p{Z}", " ").replace(r"\p{Print}", "[ -~]")
        # Models are written for UTF-16.
        python = python.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
        if re.fullmatch(python, sample, re.ASCII) and len(sample) <= limits.get("max", 10**9):
            return sample
    raise ValueError(f"no sample for {shape.name}: {limits}")


def sample(shape, depth=0):
    """A value with every member set; None where the depth ends."""
    limits = shape.metadata
    kind = shape.type_name
    if kind == "structure":
        if depth > DEPTH_MAX:
            return None
        found = {name: sample(member, depth + 1) for name, member in shape.members.items()}
        return {name: value for name, value in found.items() if value is not None} or None
    if kind == "list":
        element = sample(shape.member, depth + 1)
        count = max(limits.get("min", 0), min(2, limits.get("max", 2)))
        return None if element is None else [element] * count
    if kind == "map":
        value = sample(shape.value, depth + 1)
        count = max(limits.get("min", 1), 1)
        return None if value is None else {text(shape.key) + "b" * index: value for index in range(count)}
    low = int(limits.get("min", 0))
    return {
        "string": lambda: text(shape), "integer": lambda: max(low, min(7, int(limits.get("max", 7)))),
        "long": lambda: max(low, min(7_000_000_000, int(limits.get("max", 7_000_000_000)))),
        "float": lambda: 2.5, "double": lambda: max(low, 2.5),
        "boolean": lambda: True, "blob": lambda: b"\x00\xff", "timestamp": lambda: MOMENT,
    }[kind]()


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return int(value.timestamp() * 1000)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def write(protocol, operation, params):
    """Method, path, query and body of botocore's request."""
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    request = serializer.serialize_to_request(params, operation)
    prepare_request_dict(request, "http://localhost/")
    request = create_request_object(request).prepare()
    body = request.body or b""
    url = urlsplit(request.url)
    return request.method, url.path, url.query, body if isinstance(body, bytes) else body.encode()


def both(operation):
    return tuple(sample(shape) or {} if shape else {} for shape in (operation.input_shape, operation.output_shape))


def samples():
    for service, protocol, operation in served():
        given, answer = both(operation)
        method, path, query, body = write(protocol, operation, given)
        print(json.dumps({
            "service": service, "protocol": protocol, "operation": operation.name, "input": plain(given), "output": plain(answer),
            "method": method, "path": path, "query": query, "request": base64.b64encode(body).decode(),
        }))


def differ(where, found, wanted):
    if found == wanted:
        return 0
    print(f"{where}:\n  found  {json.dumps(found, default=str)}\n  wanted {json.dumps(wanted, default=str)}")
    return 1


def parse(answers):
    wrong = 0
    for service, protocol, operation in served():
        name = f"{service} {operation.name} in {protocol}"
        answer = answers.pop((service, protocol, operation.name))
        wrong += differ(f"{name}: status", answer["status"], operation.http.get("responseCode", 200))
        parser = botocore.parsers.create_parser(protocol)
        found = parser.parse({"status_code": answer["status"], "headers": HeadersDict(answer["headers"]),
                              "body": base64.b64decode(answer["body"])}, operation.output_shape)
        found.pop("ResponseMetadata", None)
        wrong += differ(name, plain(found), plain(both(operation)[1]))
    return wrong


def meaning(protocol, body):
    """What two bodies have in common if they mean the same."""
    if protocol == "json":
        return json.loads(body)
    if protocol == "rest-xml":
        return ElementTree.canonicalize(body) if body else ""
    return sorted(parse_qsl(body, True))


def requests(given):
    wrong = 0
    for service, protocol, operation in served():
        if protocol != PROTOCOLS.get(service, [protocol])[0]:
            continue
        found = given.pop((service, protocol, operation.name))
        url = urlsplit(found["url"])
        method, path, query, body = write(protocol, operation, both(operation)[0])
        wrong += differ(
            f"{service} {operation.name}",
            [found["method"], url.path, sorted(parse_qsl(url.query, True)),
             meaning(protocol, base64.b64decode(found["body"]).decode())],
            [method, path, sorted(parse_qsl(query, True)), meaning(protocol, body.decode())],
        )
    return wrong


def main():
    if sys.argv[1] == "samples":
        return samples()
    with open(sys.argv[2]) as lines:
        records = {(it["service"], it["protocol"], it["operation"]): it for it in map(json.loads, lines)}
    wrong = {"parse": parse, "requests": requests}[sys.argv[1]](records)
    if wrong or records:
        sys.exit(f"{wrong} operations differ; left over: {list(records)}")


main()
