"""What is on this machine that belongs to one state directory: processes, listening ports, directories, rows.

Looks from outside only: /proc and the file system, never through the server. Also a program:
    machine.py list STATE_DIR           prints one line for each thing, sorted, so that two moments can be compared
    machine.py engine STATE_DIR NAME    prints "PID PORT" of the instance's engine, a line for each
    machine.py guest STATE_DIR NAME     prints the pid of the machine, a line for each
    machine.py end STATE_DIR            kills what is left
"""
import glob
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Process:
    pid: int
    start: int  # clock ticks since boot: with the pid it names one process for ever
    parent: int
    uid: int
    argv: tuple
    cwd: str
    environ: bytes = field(repr=False)

    @property
    def program(self):
        return os.path.basename(self.argv[0].split(" ")[0]) if self.argv else ""

    def is_engine(self):
        return self.program.startswith(("redis-server", "memcached", "postgres", "mariadbd", "mysqld"))

    def is_helper(self):
        return len(self.argv) > 1 and self.argv[1] == "agent" and not self.container()

    def container(self):
        """The name of the container that it is the monitor of; "": it is none."""
        return self.argv[3] if len(self.argv) > 3 and self.argv[1:3] == ("agent", "--container") else ""


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _working_directory(pid):
    """As this process sees it. A MariaDB has its instance's directory mounted at /mnt, for itself alone:
    where that is, its log tells, which it was given open."""
    seen = os.readlink(f"/proc/{pid}/cwd")
    if not (seen + "/").startswith("/mnt/"):
        return seen
    log = os.readlink(f"/proc/{pid}/fd/2")
    return os.path.dirname(log) + seen[len("/mnt"):] if os.path.basename(log.split(" ")[0]).startswith("log") else seen


def process(pid):
    """The living process with this pid, or None. A zombie is dead."""
    stat = _read(f"/proc/{pid}/stat").decode(errors="replace")
    if not stat:
        return None
    rest = stat[stat.rindex(")") + 2:].split()
    if rest[0] in ("Z", "X"):
        return None
    try:
        uid = os.stat(f"/proc/{pid}").st_uid
        cwd = _working_directory(pid)
    except OSError:
        uid, cwd = -1, ""
    raw = _read(f"/proc/{pid}/cmdline")
    argv = tuple(part.decode(errors="replace") for part in raw.rstrip(b"\0").split(b"\0")) if raw else ()
    return Process(pid, int(rest[19]), int(rest[1]), uid, argv, cwd, _read(f"/proc/{pid}/environ"))


def alive(known):
    """Whether exactly this process still lives."""
    now = process(known.pid)
    return now is not None and now.start == known.start


def all_processes():
    found = (process(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return [each for each in found if each is not None]


def _belongs(each, state_dir):
    beneath = (each.cwd + "/").startswith(state_dir + "/") or each.cwd == state_dir + " (deleted)"
    return beneath or any(word == state_dir or word.startswith(state_dir + "/") for word in each.argv)


def network_of(state_dir):
    """The id in the names of what its machines' network is made of; None before there is a database."""
    path = os.path.join(state_dir, "store", "slipway.db")
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as database:
            found = database.execute("SELECT value FROM settings WHERE key = 'installation'").fetchone()
    except sqlite3.OperationalError:  # none yet, or nothing in it yet
        return None
    return hashlib.sha256(found[0].encode()).hexdigest()[:8] if found else None


def _space_of(state_dir):
    """What tells its machines' network namespace from any other; None: it has none."""
    try:
        seen = os.stat(f"/run/netns/slipway-{network_of(state_dir)}")
        return seen.st_dev, seen.st_ino
    except OSError:
        return None


def _in_space(each, space):
    try:
        seen = os.stat(f"/proc/{each.pid}/ns/net")
        return (seen.st_dev, seen.st_ino) == space
    except OSError:
        return False


def processes_of(state_dir, processes=None):
    """Every living process that works beneath the directory, was told of it or is in its machines' network, and the
    children of those; or those among `processes`, so that several questions can be asked of one moment."""
    state_dir = os.path.realpath(state_dir)
    space = _space_of(state_dir)
    everything = {each.pid: each for each in (all_processes() if processes is None else processes)}
    asking, pid = set(), os.getpid()  # whoever asks is not part of the answer
    while pid in everything:
        asking.add(pid)
        pid = everything[pid].parent
    others = [each for each in everything.values() if each.pid not in asking]
    mine = {each.pid: each for each in others
            if _belongs(each, state_dir) or (space and _in_space(each, space))}
    grew = True
    while grew:
        more = [each for each in others if each.parent in mine and each.pid not in mine]
        grew = bool(more)
        mine.update((each.pid, each) for each in more)
    return [mine[pid] for pid in sorted(mine)]


def engines_of(state_dir):
    """Engine processes by the name of their instance: {name: [Process, ...]}. Those that an engine starts itself, as
    PostgreSQL one for each connection, are part of it."""
    everything = engine_families_of(state_dir)
    found = {}
    for name, family in everything.items():
        pids = {each.pid for each in family}
        found[name] = [each for each in family if each.parent not in pids]
    return found


def engine_families_of(state_dir, processes=None):
    """The same with all of their processes; `processes` as for processes_of."""
    root = os.path.realpath(os.path.join(state_dir, "instances")) + "/"
    found = {}
    for each in processes_of(state_dir, processes):
        if each.is_engine():
            name = each.cwd[len(root):].split("/")[0].split(" ")[0] if each.cwd.startswith(root) else each.cwd
            found.setdefault(name, []).append(each)
    return found


def guests_of(state_dir):
    """The machines that run, by name: {name: [Process, ...]}: virtual ones, and the monitors of containers."""
    found = {}
    for each in processes_of(state_dir):
        if each.container():
            found.setdefault(each.container(), []).append(each)
        named = [word[len("guest="):].split(",")[0] for word in each.argv if word.startswith("guest=")]
        if each.program.startswith("qemu-system") and named:
            found.setdefault(named[0], []).append(each)
    return found


def _ip(*words):
    done = subprocess.run(["ip", "-json", *words], capture_output=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else []


def network_parts_of(state_dir):
    """What there is of its machines' network: the namespace, the host's device, and for each machine its tap and its
    entry in the host's table of neighbours; {kind: names}."""
    name = network_of(state_dir)
    spaces = [f"slipway-{name}"] if os.path.exists(f"/run/netns/slipway-{name}") else []
    device = f"slw{name}"
    devices = [device] if os.path.exists(f"/sys/class/net/{device}") else []
    links = _ip("-n", spaces[0], "link", "show", "master", "machines") if spaces else []
    neighbours = _ip("neigh", "show", "dev", device, "nud", "permanent") if devices else []
    return {"network namespace": spaces, "device": devices,
            "tap": [each["ifname"] for each in links if each.get("ifname", "uplink") != "uplink"],
            "neighbour": [each["dst"] for each in neighbours]}


def container_parts_of(state_dir):
    """What the kernel keeps for its containers: control groups and loop devices; {kind: names}."""
    space = f"slipway-{network_of(state_dir)}"
    groups = [place for place in (f"/sys/fs/cgroup/{space}", *glob.glob(f"/sys/fs/cgroup/*/{space}")) if os.path.isdir(place)]
    loops = [place for place in glob.glob("/sys/block/loop*/loop/backing_file")
             if _read(place).decode(errors="replace").startswith(os.path.realpath(state_dir) + "/")]
    return {"control group": groups, "loop device": loops}


def _listening():
    """{inode: port} of every listening TCP socket."""
    found = {}
    for table in ("tcp", "tcp6"):
        for line in _read(f"/proc/net/{table}").decode().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A":
                found[words[9]] = int(words[1].rsplit(":", 1)[1], 16)
    return found


def listening_ports():
    return set(_listening().values())


def ports_of(processes):
    """{port: pid} of what these processes listen on."""
    sockets = _listening()
    found = {}
    for each in processes:
        try:
            names = os.listdir(f"/proc/{each.pid}/fd")
        except OSError:
            continue
        for name in names:
            try:
                target = os.readlink(f"/proc/{each.pid}/fd/{name}")
            except OSError:
                continue
            if target.startswith("socket:[") and target[8:-1] in sockets:
                found[sockets[target[8:-1]]] = each.pid
    return found


def instances_of(state_dir):
    """Names of the instances' directories, also of those half made or half removed (".new/x", ".trash/x")."""
    root = os.path.join(state_dir, "instances")
    found = set()
    if not os.path.isdir(root):
        return found
    for name in os.listdir(root):
        if not name.startswith("."):
            found.add(name)
        elif name in (".new", ".trash"):
            found.update(f"{name}/{each}" for each in os.listdir(os.path.join(root, name)))
    return found


def databases_of(state_dir):
    found = []
    for folder, _, names in os.walk(state_dir):
        found += [os.path.join(folder, name) for name in names if name.endswith((".db", ".sqlite", ".sqlite3"))]
    return sorted(found)


def rows_of(state_dir):
    """{table: number of rows}, read beside the running server."""
    found = {}
    for path in databases_of(state_dir):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            for (table,) in tables.fetchall():
                found[table] = database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
    return found


def describe(state_dir):
    mine = processes_of(state_dir)
    lines = [f"process {each.program} {'agent ' if each.is_helper() else ''}uid {each.uid}" for each in mine]
    lines += [f"port {port}" for port in ports_of(mine)]
    lines += [f"directory instances/{name}" for name in instances_of(state_dir)]
    lines += [f"{kind} {name}" for kind, names in network_parts_of(state_dir).items() for name in names]
    lines += [f"rows {table} {count}" for table, count in rows_of(state_dir).items()]
    return sorted(lines)


def end_everything(state_dir):
    """Kills, by pid, what is left of a server, its helper, its engines and machines, and takes their network away."""
    for _ in range(50):
        left = processes_of(state_dir)
        if not left:
            break
        for each in left:
            try:
                if alive(each):
                    os.kill(each.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.1)
    parts = network_parts_of(state_dir)
    for device in parts["device"]:
        subprocess.run(["ip", "link", "delete", "dev", device], check=False)
    for space in parts["network namespace"]:
        subprocess.run(["ip", "netns", "delete", space], check=False)


def main(verb, state_dir, name=""):
    state_dir = os.path.realpath(state_dir)
    if verb == "list":
        print("\n".join(describe(state_dir)))
    elif verb == "engine":
        for each in engines_of(state_dir).get(name, []):
            print(each.pid, *sorted(ports_of([each])))
    elif verb == "guest":
        for each in guests_of(state_dir).get(name, []):
            print(each.pid)
    elif verb == "end":
        end_everything(state_dir)
    else:
        sys.exit(f"machine.py: unknown verb {verb}")


if __name__ == "__main__":
    main(*sys.argv[1:])
