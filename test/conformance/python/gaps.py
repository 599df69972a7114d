"""Every operation of ECS that botocore knows is served, or on the list of gaps with a reason."""

import re
import sys

import botocore.session

served = {line.split()[1] for line in open(sys.argv[1]) if line.startswith("ecs ")}
gaps = set()
section = open(sys.argv[2]).read().split("### ECS, operation by operation")[1].split("## ")[0]
for line in section.splitlines():
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    if len(cells) == 2 and cells[1] and re.fullmatch(r"[A-Z][A-Za-z]+(, [A-Z][A-Za-z]+)*", cells[0]):
        gaps.update(cells[0].split(", "))
known = set(botocore.session.get_session().get_service_model("ecs").operation_names)
assert len(known) > 60, "botocore's model was not read"
assert not known - served - gaps, f"neither served nor on the list of gaps: {sorted(known - served - gaps)}"
assert not served & gaps, f"served, and still on the list of gaps: {sorted(served & gaps)}"
assert not served - known, f"served, and unknown to botocore: {sorted(served - known)}"
