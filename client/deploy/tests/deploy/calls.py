"""Holds recorded calls against botocore's models: `calls.py FILE`, one JSON object a line.

Each call is read back into parameters by the model, these are validated, enumerations included, and written again by
botocore's own serializer: what comes out must be what went over the wire. So nothing can be in a call that the model
does not know, and nothing is missing that it demands.
"""

import json
import sys
from urllib.parse import parse_qsl

import botocore.serialize
import botocore.session
from botocore.validate import ParamValidator

SESSION = botocore.session.get_session()
# Names in signatures that differ from those of the models.
MODELS = {"elasticloadbalancing": "elbv2"}


def text(value, shape):
    kind = shape.type_name
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    if kind == "boolean":
        return {"true": True, "false": False}[value]
    return value


def nest(pairs):
    """`A.member.1.B=x` as {"A": {"member": {"1": {"B": "x"}}}}."""
    root = {}
    for name, value in pairs:
        node = root
        *path, last = name.split(".")
        for step in path:
            node = node.setdefault(step, {})
        assert last not in node, f"{name} twice"
        node[last] = value
    return root


def wire_name(name, shape, ec2):
    if ec2:
        if "queryName" in shape.serialization:
            return shape.serialization["queryName"]
        if "name" in shape.serialization:
            given = shape.serialization["name"]
            return given[0].upper() + given[1:]
        return name[0].upper() + name[1:]
    return shape.serialization.get("name", name)


def read(node, shape, ec2, place):
    if shape.type_name == "structure":
        assert isinstance(node, dict), f"{place} is no structure"
        members = {wire_name(name, member, ec2): (name, member) for name, member in shape.members.items()}
        found = {}
        for key, value in node.items():
            assert key in members, f"{place} has no member {key}"
            name, member = members[key]
            found[name] = read(value, member, ec2, f"{place}.{name}")
        return found
    if shape.type_name == "list":
        assert isinstance(node, dict), f"{place} is no list"
        if not ec2 and not shape.serialization.get("flattened"):
            (wrapper,) = node
            assert wrapper == shape.member.serialization.get("name", "member"), f"{place}.{wrapper}"
            node = node[wrapper]
        assert sorted(map(int, node)) == list(range(1, len(node) + 1)), f"{place}: {sorted(node)}"
        return [read(node[str(i)], shape.member, ec2, f"{place}[{i}]") for i in range(1, len(node) + 1)]
    assert isinstance(node, str), f"{place} is no scalar"
    return text(node, shape)


def check_enums(value, shape, place):
    if shape.type_name == "structure":
        for name, member in value.items():
            assert name in shape.members, f"{place} has no member {name}"
            check_enums(member, shape.members[name], f"{place}.{name}")
    elif shape.type_name == "list":
        for one in value:
            check_enums(one, shape.member, f"{place}[]")
    elif shape.type_name == "map":
        for key, one in value.items():
            check_enums(key, shape.key, f"{place} key")
            check_enums(one, shape.value, f"{place}.{key}")
    elif shape.type_name == "string" and getattr(shape, "enum", None):
        assert value in shape.enum, f"{place}: {value} is none of {shape.enum}"


def check(call):
    model = SESSION.get_service_model(MODELS.get(call["service"], call["service"]))
    protocol = model.resolved_protocol
    if protocol == "json":
        prefix, name = call["target"].rsplit(".", 1)
        assert prefix == model.metadata["targetPrefix"], call["target"]
        params = json.loads(call["body"])
    else:
        pairs = dict(parse_qsl(call["body"], keep_blank_values=True, strict_parsing=True))
        name = pairs.pop("Action")
        assert pairs.pop("Version") == model.metadata["apiVersion"]
    operation = model.operation_model(name)
    shape = operation.input_shape
    if protocol != "json":
        params = read(nest(pairs.items()), shape, protocol == "ec2", name) if shape else {}
    if shape is None:
        assert not params, f"{name} takes nothing"
        return name
    report = ParamValidator().validate(params, shape)
    assert not report.has_errors(), f"{name}: {report.generate_report()}"
    check_enums(params, shape, name)
    again = botocore.serialize.create_serializer(protocol).serialize_to_request(params, operation)["body"]
    if protocol == "json":
        assert json.loads(again) == json.loads(call["body"]), f"{name}: {again} != {call['body']}"
    else:
        again = {key: str(value) for key, value in again.items() if key not in ("Action", "Version")}
        assert again == pairs, f"{name}: {again} != {pairs}"
    return name


def main():
    checked = set()
    with open(sys.argv[1]) as lines:
        for line in lines:
            checked.add(check(json.loads(line)))
    assert checked, "no calls"
    print(len(checked), "operations:", " ".join(sorted(checked)))


main()
