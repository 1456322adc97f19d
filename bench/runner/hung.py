"""What the others notice while one database server does not answer any more, or is killed again and again."""
import contextlib
import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path

from . import databases
from .databases import Shop, figures_of
from .processes import BenchError, run
from .services import ask

# The first server serves everybody; a plan of its own puts one database on a second one, which is then stopped.
PLANS = databases.PLANS + """
[[plan]]
kind = "database"
engine = "postgres"
name = "alone"
threshold = 0
[[plan]]
kind = "database-server"
engine = "mysql"
name = "small"
[[plan]]
kind = "database"
engine = "mysql"
name = "alone"
threshold = 0
"""
POLLS = 20000
KILLED_EVERY = 5.0  # seconds
ASKED_EVERY = 5.0  # for a database where none fits
SMALL_DISK_MB = 150  # what a PostgreSQL begins with, and some


def main_process(directory):
    """Who holds the instance's lock has written its pid there; [] where it lives no more."""
    try:
        holder = int((Path(directory) / "lock").read_text(encoding="utf-8").split()[0])
        os.kill(holder, 0)
        return [holder]
    except (OSError, ValueError, IndexError):
        return []


def processes_in(directory):
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and Path(os.readlink(entry / "cwd")).is_relative_to(directory):
                found.append(int(entry.name))
        except OSError:
            continue  # it has gone
    # A MariaDB sees its directory elsewhere.
    return sorted({*found, *main_process(directory)})


class Hung:
    """All processes of one instance, stopped as long as this lives."""

    def __init__(self, directory):
        self.processes = processes_in(directory)
        if not self.processes:
            raise RuntimeError(f"nothing runs in {directory}")

    def __enter__(self):
        for each in self.processes:
            os.kill(each, signal.SIGSTOP)

    def __exit__(self, *_):
        for each in self.processes:
            os.kill(each, signal.SIGCONT)


class Killed:
    """The main process of one instance, killed again and again as long as this lives: the others end with it."""

    def __init__(self, directory):
        self.directory = directory
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        wait = 0.0
        while not self.stopping.wait(wait):
            wait = KILLED_EVERY
            for each in main_process(self.directory):
                try:
                    os.kill(each, signal.SIGKILL)
                except ProcessLookupError:
                    pass  # it has just ended

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


class SmallDisk:
    """The one instance's data on a small file system of its own, as long as this lives. For who may mount."""

    def __init__(self, shop, directory):
        self.shop = shop
        self.data = Path(directory) / "data"
        self.aside = Path(directory) / "aside"

    def _while_down(self, act):
        """Brokers find what runs already; the engine is started again by the next one."""
        state = self.shop.server.state
        self.shop.server.__exit__(None, None, None)
        deadline = time.monotonic() + 30
        while left := processes_in(self.data.parent):
            if time.monotonic() > deadline:
                raise BenchError(f"processes of {self.data.parent.name} do not end: {left}")
            for each in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            time.sleep(0.01)
        act()
        self.shop.start_again(state)

    def _move_there(self):
        self.data.rename(self.aside)
        self.data.mkdir(mode=0o700)
        run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MB}m,mode=0700", "slipway-bench", self.data])
        run(["cp", "-a", f"{self.aside}/.", self.data])
        shutil.copystat(self.aside, self.data)
        os.chown(self.data, self.aside.stat().st_uid, self.aside.stat().st_gid)

    def _move_back(self):
        shutil.rmtree(self.aside)
        run(["cp", "-a", self.data, self.aside])
        run(["umount", self.data])
        self.data.rmdir()
        self.aside.rename(self.data)

    def __enter__(self):
        self._while_down(self._move_there)
        return self

    def __exit__(self, *_):
        self._while_down(self._move_back)


class Full:
    """The disk of one instance, full as long as this lives. Databases are asked for there again and again."""

    def __init__(self, shop, directory):
        self.shop = shop
        self.filler = Path(directory) / "data" / "filler"
        self.stopping = threading.Event()
        self.answers = []
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        body = json.dumps({"kind": "database", "engine": "postgres", "plan": "alone", "billing_code": "bench",
                           "wait_seconds": 60})
        while True:
            _, _, answer = ask(self.shop.server.port, "POST", "/api/v1/resources", body, self.shop.server.key)
            self.answers.append(json.dumps(answer))
            if self.stopping.wait(ASKED_EVERY):
                return

    def __enter__(self):
        with open(self.filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        self.thread.start()

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        self.filler.unlink()
        if unlike := [each for each in self.answers if "disk" not in each]:
            raise BenchError(f"a database on a full disk was answered: {unlike[0]}")
        if not self.answers:
            raise BenchError("no database was asked for on the full disk")


def poll(shop, resource):
    seconds = []
    for _ in range(POLLS):
        begin = time.monotonic()
        shop.server.get(f"/api/v1/resources/{resource}")
        seconds.append(time.monotonic() - begin)
    return figures_of(seconds)


def create(shop, count):
    seconds = []
    for _ in range(count):
        begin = time.monotonic()
        shop.create_and_log_in()
        seconds.append(time.monotonic() - begin)
    return figures_of(seconds)


def compare(shop, act, trouble, resource, sizes):
    """What the others notice, beside what they notice right before and right after it on the very same servers: a disk
    that others use too is now fast and now slow, and would be measured instead."""
    before = act(shop, resource, sizes)
    with trouble:
        beside = act(shop, resource, sizes)
    shop.server.wait_until_idle(120)
    os.sync()
    after = act(shop, resource, sizes)
    alone = (before["p99_ms"] + after["p99_ms"]) / 2
    return {"times": beside["p99_ms"] / alone, "alone_p99_ms": alone, **beside}


class Removed:
    """Something to do on the server in trouble: the database on it is to be deleted."""

    def __init__(self, shop, trouble, database):
        self.shop = shop
        self.trouble = trouble
        self.database = database

    def __enter__(self):
        self.trouble.__enter__()
        ask(self.shop.server.port, "DELETE", f"/api/v1/resources/{self.database}", key=self.shop.server.key)

    def __exit__(self, *more):
        self.trouble.__exit__(*more)


def beside(trouble, act, engine="postgres"):
    """`act` of a shop with two servers, the second one of which gets into trouble (Hung, Killed) with work to do; None:
    nothing happens to it."""
    def measure(tools, sizes):
        with Shop(tools, plans=PLANS) as shop:
            shop.create("alone", engine)
            databases = shop.server.get("/api/v1/resources?kind=database")["resources"]
            servers = shop.server.get("/api/v1/resources?kind=database-server")["resources"]
            create(shop, 3)
            os.sync()  # what making the servers left to be written is no part of this
            directory = shop.server.state / "instances" / servers[-1]["external_name"]
            happens = (contextlib.nullcontext() if trouble is None
                       else Removed(shop, trouble(directory), databases[-1]["id"]))
            return compare(shop, act, happens, databases[0]["id"], sizes)

    return measure


def beside_full(act):
    """The same while the second one's disk is full."""
    def measure(tools, sizes):
        with Shop(tools, plans=PLANS) as shop:
            shop.create("alone")
            databases = shop.server.get("/api/v1/resources?kind=database")["resources"]
            servers = shop.server.get("/api/v1/resources?kind=database-server")["resources"]
            directory = shop.server.state / "instances" / servers[-1]["external_name"]
            with SmallDisk(shop, directory):
                ask(shop.server.port, "DELETE", f"/api/v1/resources/{databases[-1]['id']}", key=shop.server.key)
                shop.server.wait_until_idle(120)
                create(shop, 3)
                os.sync()
                return compare(shop, act, Full(shop, directory), databases[0]["id"], sizes)

    return measure


def polls(shop, resource, _):
    return poll(shop, resource)


def creates(shop, _, sizes):
    return create(shop, max(10, sizes.databases // 7))
