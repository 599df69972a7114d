"""What a cloud has in the kernel and on disk, seen without asking it."""

import os
import pathlib
import sqlite3
import subprocess

STATE = pathlib.Path(os.environ["WHARF_STATE_DIR"])
INSTANCE = os.environ["WHARF_INSTANCE"]
RUN = pathlib.Path(f"/run/wharf-{INSTANCE}")
GUESTS = ".guests"
SHIMS = "shims"


def names(directory):
    try:
        return {entry.name for entry in directory.iterdir()}
    except FileNotFoundError:
        return set()


def folders(directory):
    try:
        return {entry.name for entry in directory.iterdir() if entry.is_dir()}
    except FileNotFoundError:
        return set()


def inside(pin, *command):
    """What a program prints in a network namespace; nothing where the namespace has gone meanwhile."""
    done = subprocess.run(["nsenter", f"--net={pin}", *command], capture_output=True, text=True)
    return done.stdout


def links(pin):
    lines = inside(pin, "ip", "-o", "link").splitlines()
    return {line.split(": ")[1].split("@")[0] for line in lines}


def tables(pin):
    return {line.split()[2] for line in inside(pin, "nft", "list", "tables").splitlines()}


def networks():
    return names(RUN / "netns")


def pins():
    return names(RUN / "netns-tasks")


def network_pin(network):
    return RUN / "netns" / network


def pin(name):
    return RUN / "netns-tasks" / name


def uplinks():
    """Networks that the machine itself has a link to."""
    lines = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout.splitlines()
    return {line.split(f"alias wharf {INSTANCE} ")[1].split()[0] for line in lines if f"alias wharf {INSTANCE} " in line}


def public_routes():
    """Addresses that the machine reaches by one of the uplinks."""
    lines = subprocess.run(["ip", "route"], capture_output=True, text=True).stdout.splitlines()
    return {line.split()[0] for line in lines if f" dev wh{INSTANCE}" in line and " via " in line}


def tasks_in_groups():
    """Ids of tasks that have a control group, and of those that live in another one's."""
    own, guests = set(), set()
    for root in hierarchies():
        found = folders(root) - {SHIMS}
        own |= found
        for name in found:
            guests |= folders(root / name / GUESTS)
    return own, guests


def hierarchies():
    """The cloud's control group, in each hierarchy that the machine has."""
    places = [pathlib.Path("/sys/fs/cgroup"), *pathlib.Path("/sys/fs/cgroup").iterdir()]
    return [place / f"wharf-{INSTANCE}" for place in places if (place / f"wharf-{INSTANCE}").is_dir()]


def contained():
    """Processes inside containers and instances."""
    found = set()
    for root in hierarchies():
        for directory, _, files in os.walk(root):
            if "cgroup.procs" in files and SHIMS not in directory:
                try:
                    found |= set(map(int, (pathlib.Path(directory) / "cgroup.procs").read_text().split()))
                except OSError:
                    continue
    return found


def shims():
    """Process ids of this cloud's shims, by the ids of their tasks."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if words[1:3] == ["shim", "task"] and words[3].startswith(f"{STATE}/tasks/"):
            found[pathlib.Path(words[3]).name] = int(entry.name)
    return found


def process(role):
    return int((RUN / f"{role}.lock").read_text())


def disks():
    return names(STATE / "disks")


def directories():
    return names(STATE / "tasks")


def mounts():
    """Mounts of this cloud, other than the namespaces that are pinned."""
    lines = pathlib.Path("/proc/self/mounts").read_text().splitlines()
    return {line for line in lines if (str(STATE) in line or INSTANCE in line) and not line.startswith("nsfs")}


def rows():
    """Keys of everything stored, by table."""
    connection = sqlite3.connect(f"file:{STATE}/state.db?mode=ro", uri=True)
    try:
        found = {}
        for table, key in connection.execute('select "table", key from row'):
            found.setdefault(table, set()).add(key)
        return found
    finally:
        connection.close()
