"""What the figures were taken on, without a name of the machine."""
import os
import platform
import re
import subprocess
from pathlib import Path

from .services import POSTGRES_BIN


def first_line(words):
    try:
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=30,
                              stdin=subprocess.DEVNULL)
    except OSError:
        return ""
    return (done.stdout or done.stderr).strip().splitlines()[0] if done.stdout or done.stderr else ""


def version_in(text):
    found = re.search(r"\d+\.\d+(\.\d+)*", text)
    return found.group(0) if found else "?"


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def memory_gb():
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return round(int(line.split()[1]) / 1024 / 1024)
    return 0


def file_system(place):
    best = ("", "?")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, kind = line.split()[:3]
        if str(place).startswith(mount) and len(mount) >= len(best[0]):
            best = (mount, kind)
    return best[1]


def versions(tools, peers):
    found = {
        "slipway": version_in(first_line([tools.build / "slipway", "--version"])),
        "commit": first_line(["git", "-C", tools.root, "rev-parse", "--short", "HEAD"]),
        "redis-server": version_in(first_line(["redis-server", "--version"])),
    }
    if peers:
        found["postgresql"] = version_in(first_line([POSTGRES_BIN / "postgres", "--version"]))
        found["node"] = version_in(first_line(["node", "--version"]))
        for line in (tools.root / "bench/peers/python/requirements.txt").read_text().splitlines():
            name, _, version = line.partition("==")
            if name.lower() in ("flask", "celery", "gunicorn", "psycopg"):
                found[name.lower()] = version
        import json

        pinned = json.loads((tools.root / "bench/peers/node/package.json").read_text())
        found.update(pinned["dependencies"])
    return found


def describe(tools, peers):
    return {
        "cores": os.cpu_count(),
        "processor": processor(),
        "memory_gb": memory_gb(),
        "kernel": platform.release(),
        "file_system": file_system(tools.place),
        "generator_core": tools.core,
        "versions": versions(tools, peers),
    }


def short_name(machine):
    words = re.sub(r"[^a-z0-9]+", "-", machine["processor"].lower()).strip("-")
    return f"{machine['cores']}-cores-{words}"


def load_average():
    return Path("/proc/loadavg").read_text().split()[:3]
