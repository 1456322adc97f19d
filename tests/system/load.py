#!/usr/bin/python3
"""Many connections at once and many slow ones beside them, against the real server on a real disk: no accepted
request is lost or doubled, no answer comes but the promised ones, memory stays bounded, and polls stay quick. Run it
through scripts/load."""
import argparse
import http.client
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from invariants import wait_for_quiet
from ledger import Ledger
from server import Server, machine, wait_until
from slow import FLUSHED_AT, SlowClients, SlowReader

MB = 1024 * 1024
# The quota would be met where more is asked for than the engine works off; all else is as it comes.
CONFIG = "[broker]\nquota = 1000000\n"
# Of all requests: creates, deletes, and creates that are sent again with their key. The rest are polls.
MIX = {"creates": 15, "deletes": 15, "repeats": 3}
PREPARED = 200  # resources that are there before the clock starts
IDLE = {"connections": 4, "rate": 100, "seconds": 10}
MOST_TIMES_IDLE = 2.0  # p99 of polls under load, against the p99 of polls of a server that does nothing else
REPEATED = 2000  # creates that are sent again at the end, at most

# What may be in memory at once, as the server's own limits have it. src/store/sqlite: the writer's page cache, one
# for each reader, and the records that were used last (at most 3 KB each).
WRITER_CACHE, READER_CACHE = 64 * MB, 16 * MB
RECENT_ROWS = 2 * 4096 * 3 * 1024
# src/http: what a connection may keep between requests is its input (a head of 16 KB and 4 KB read ahead); twice
# as much with its frames, its socket and the bodies of ours, which are small.
OF_CONNECTION = 40 * 1024
# A slow reader's answers wait for each other up to 64 KB, and may be held twice while they are put together in a
# string that doubles.
COPIES = 3


class Memory:
    """Resident bytes of a process, looked at several times a second."""

    def __init__(self, pid):
        self.pid = pid
        self.samples = [(time.monotonic(), self.now())]
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def now(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
        self.threads = int(fields["Threads"])
        return int(fields["VmRSS"].split()[0]) * 1024

    def _run(self):
        while not self.stopping.wait(0.2):
            try:
                self.samples.append((time.monotonic(), self.now()))
            except (OSError, KeyError):  # it has ended, which others notice
                return

    def at(self, moment):
        """The last one seen until then."""
        return [size for when, size in self.samples if when <= moment][-1]

    def close(self):
        self.stopping.set()
        self.thread.join()


class Mix:
    """The generator's mixed load, running or done."""

    def __init__(self, generator, server, place, prefix, seed, connections, rate, seconds, mix):
        self.prefix = prefix
        self.items_file = os.path.join(place, f"{prefix}items")
        command = [generator, "mix", "--port", server.port, "--key-file", os.path.join(server.state_dir, "admin.key"),
                   "--prefix", prefix, "--connections", connections, "--rate", rate, "--prepared", PREPARED,
                   "--seconds", seconds, "--seed", seed, "--save-items", self.items_file]
        for name, percent in mix.items():
            command += [f"--{name}", percent]
        self.child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.limit = seconds + 120

    def finish(self):
        """Its figures, and what was promised: [(key, resource, create, delete or "")]."""
        try:
            out, err = self.child.communicate(timeout=self.limit)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise RuntimeError("the generator did not end") from None
        if self.child.returncode != 0:
            raise RuntimeError(f"the generator ended with {self.child.returncode}: {err.strip()}")
        with open(self.items_file, encoding="ascii") as file:
            lines = [[("" if word == "-" else word) for word in line.split()] for line in file]
        return json.loads(out), [(self.prefix + number, *ids) for number, *ids in lines]

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()


def repeat_creates(server, items, ledger):
    """The same key again is answered what it was answered before, whatever became of it meanwhile."""
    known = [item for item in items if item[1]]
    sample = known[::max(1, len(known) // REPEATED)]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=40)
    try:
        for key, resource_id, create, _ in sample:
            body = {"engine": "redis", "plan": "small", "billing_code": "load", "labels": {"load": key}}
            connection.request("POST", "/api/v1/resources", json.dumps(body),
                               {"Authorization": server.admin_key(), "Idempotency-Key": key})
            answer = connection.getresponse()
            text = answer.read()
            found = json.loads(text) if answer.status in (201, 202) else {}
            if not found or found["resource"]["id"] != resource_id or found["operation"]["id"] != create:
                ledger.doubled.append(f"{key} made {resource_id}; repeated it was answered {answer.status} {text[:200]}")
    finally:
        connection.close()
    return len(sample)


def check_promises(server, items, ledger):
    """What was accepted is there once, and came to its end."""
    operations = {each["id"]: each for each in server.listing("/api/v1/operations", "operations")}
    by_key = {}
    for each in server.listing("/api/v1/resources?include_gone=true", "resources"):
        by_key.setdefault(each["labels"].get("load", ""), []).append(each)
    for key, resource_id, create, erase in items:
        found = by_key.pop(key, [])
        if len(found) > 1:
            ledger.doubled.append(f"{key} made {[each['id'] for each in found]}")
        if not resource_id:
            continue
        if [each["id"] for each in found] != [resource_id]:
            ledger.lost.append(f"{key}: {resource_id} was promised, there is {[each['id'] for each in found]}")
        elif found[0]["state"] != ("gone" if erase else "ready"):
            ledger.lost.append(f"{key}: {resource_id} is {found[0]['state']}, deleted: {bool(erase)}")
        # A delete halts a creation that is under way, which is then cancelled.
        for operation, good in ((create, ("succeeded", "cancelled") if erase else ("succeeded",)),
                                (erase, ("succeeded",))):
            state = operations.get(operation, {}).get("state", "unknown") if operation else ""
            if operation and state not in good:
                ledger.lost.append(f"{key}: its operation {operation} is {state}")
    for key, found in by_key.items():
        ledger.doubled.append(f"nobody asked for {[each['id'] for each in found][:5]} ({key or 'no key'})")


def metrics(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=40)
    try:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    finally:
        connection.close()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def check_metrics(server, faults):
    """The server's own view: no answer of 5xx, and no connection but the one that asks."""
    def open_connections():
        return metrics(server)['slipway_http_open{what="connections"}']

    if not wait_until(lambda: open_connections() <= 1, 15, 0.2):
        faults.append(f"{open_connections() - 1:.0f} connections are open that nobody has any more")
    for name, value in metrics(server).items():
        if re.search(r'^slipway_http_requests_total.*code="5', name) and value > 0:
            faults.append(f"the server counts {name} {value:.0f}")


def memory_bound(start, threads, database, arguments):
    """Nothing here grows with the number of requests, but the page caches up to the size of the database."""
    caches = min(WRITER_CACHE, database) + threads * min(READER_CACHE, database)
    connections = (arguments.connections + arguments.slow) * OF_CONNECTION
    readers = arguments.slow // 10 * COPIES * (FLUSHED_AT + SlowReader.most_bytes)
    print(f"memory bound: {start / MB:.0f} MB at start + {RECENT_ROWS / MB:.0f} MB of recent records + "
          f"{caches / MB:.0f} MB of page caches ({threads} threads, {database / MB:.0f} MB database) + "
          f"{connections / MB:.0f} MB of connections + {readers / MB:.0f} MB of answers to slow readers")
    return start + RECENT_ROWS + caches + connections + readers


def database_bytes(server):
    return sum(os.path.getsize(path + end) for path in machine.databases_of(server.state_dir)
               for end in ("", "-wal") if os.path.exists(path + end))


def show(title, figures):
    print(f"{title}:")
    for kind, statuses in figures["requests"].items():
        if statuses:
            print(f"  {kind}: " + ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items())))
    for name in ("polls_us", "creates_us", "deletes_us", "late_us"):
        times = figures[name]
        if times["max"] > 0:
            words = "sent late by" if name == "late_us" else name[:-3]
            print(f"  {words}: p50 {times['p50'] / 1000:.2f} ms, p99 {times['p99'] / 1000:.2f} ms, "
                  f"max {times['max'] / 1000:.1f} ms")
    print(f"  generator's core {figures['generator_cpu']:.2f}, overdue {figures['overdue']}", flush=True)


class Run:
    def __init__(self, arguments, place):
        self.arguments = arguments
        self.place = place
        config = os.path.join(place, "slipway.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG)
        self.server = Server(arguments.binary, os.path.join(place, "state"), os.path.join(place, "server.log"),
                             config, more=["--provider", "dummy"])
        self.ledger = Ledger()
        self.faults = []
        self.requests = 0
        self.items = []
        self.ratio = None
        self.peak = 0
        self.running = []

    def mix(self, prefix, connections, rate, seconds, mix):
        made = Mix(self.arguments.generator, self.server, self.place, prefix, self.arguments.seed, connections, rate,
                   seconds, mix)
        self.running.append(made.kill)
        return made

    def judge(self, title, figures, items):
        show(title, figures)
        self.items += items
        self.faults += [f"{title}: {each}" for each in figures["examples"]]
        more = figures["faults"] - len(figures["examples"])
        if more > 0:
            self.faults.append(f"{title}: and {more} more")
        answered = sum(sum(each.values()) for each in figures["requests"].values())
        self.requests += answered
        if self.arguments.latency and figures["overdue"] > answered / 100:
            self.faults.append(f"{title}: {figures['overdue']} requests could not even be sent: the machine does not "
                               "hold this rate (see --rate)")

    def everything(self):
        self.server.start()
        memory = Memory(self.server.child.pid)
        self.running.append(memory.close)
        start = memory.now()
        idle = None
        if self.arguments.latency:
            idle, items = self.mix("idle-", IDLE["connections"], IDLE["rate"], IDLE["seconds"],
                                   dict.fromkeys(MIX, 0)).finish()
            self.judge("idle", idle, items)
        begin, loaded = self.load()
        tenth = self.arguments.seconds / 10
        course = [memory.at(begin + tenth * (i + 1)) / MB for i in range(10)]
        self.verify()
        after = memory.now()
        self.peak = max(size for _, size in memory.samples)
        print(f"memory: {start / MB:.1f} MB at start, {self.peak / MB:.1f} MB at most, {after / MB:.1f} MB after; "
              "after each tenth of the load " + " ".join(f"{each:.0f}" for each in course))
        bound = memory_bound(start, memory.threads, database_bytes(self.server), self.arguments)
        if self.peak > bound:
            self.faults.append(f"memory: {self.peak / MB:.1f} MB are more than the {bound / MB:.1f} MB allowed")
        if idle:
            self.compare(idle, loaded)
        status = self.server.terminate()
        if status != 0:
            self.faults.append(f"SIGTERM ended the server with status {status}, not 0")

    def load(self):
        begin = time.monotonic()
        slow = SlowClients(self.server.port, self.server.admin_key(), self.arguments.slow)
        self.running.append(slow.close)
        mix = self.mix("load-", self.arguments.connections, self.arguments.rate, self.arguments.seconds, MIX)
        slow.start()
        figures, items = mix.finish()
        self.judge("load", figures, items)
        slow.finish(self.arguments.patience)
        print(f"slow clients: {slow.begun} in {self.arguments.slow} places")
        for kind, outcomes in slow.outcomes.items():
            print(f"  {kind}: " + ", ".join(f"{count} x {how}" for how, count in sorted(outcomes.items())))
        self.faults += slow.faults
        return begin, figures

    def verify(self):
        wait_for_quiet(self.server, self.ledger)
        repeated = repeat_creates(self.server, self.items, self.ledger)
        wait_for_quiet(self.server, self.ledger)
        check_promises(self.server, self.items, self.ledger)
        check_metrics(self.server, self.faults)
        deleted = sum(1 for item in self.items if item[3])
        print(f"promised: {sum(1 for item in self.items if item[1])} resources and {deleted} deletions; "
              f"{repeated} creates repeated afterwards")

    def compare(self, idle, loaded):
        quiet, busy = idle["polls_us"], loaded["polls_us"]
        self.ratio = busy["p99"] / quiet["p99"]
        print(f"polls: p50 {quiet['p50'] / 1000:.3f} ms idle, {busy['p50'] / 1000:.3f} ms under load; "
              f"p99 {quiet['p99'] / 1000:.3f} ms idle, {busy['p99'] / 1000:.3f} ms under load: {self.ratio:.2f} x")
        if self.ratio > MOST_TIMES_IDLE:
            self.faults.append(f"p99 of polls is {self.ratio:.2f} x that of an idle server, not {MOST_TIMES_IDLE} x")

    def end(self):
        for each in reversed(self.running):
            each()
        self.server.kill()
        machine.end_everything(self.server.state_dir)


def bounded(kind, least, most):
    def read(text):
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text}: {least} to {most} are allowed")
        return value

    read.__name__ = kind.__name__
    return read


def read_arguments():
    parser = argparse.ArgumentParser(prog="scripts/load", description=__doc__)
    parser.add_argument("--seconds", type=bounded(int, 1, 600), default=60, help="of load (60)")
    parser.add_argument("--connections", type=bounded(int, 1, 3500), default=1000, help="that ask (1000)")
    parser.add_argument("--slow", type=bounded(int, 0, 500), default=200, help="slow clients beside them (200)")
    parser.add_argument("--rate", type=bounded(int, 1, 50000), default=None,
                        help="requests a second, all together (one for each connection)")
    parser.add_argument("--patience", type=bounded(int, 0, 900), default=180,
                        help="slow clients that the server need not have ended after so many seconds are not waited "
                             "for (180, which is all)")
    parser.add_argument("--no-latency", dest="latency", action="store_false",
                        help="judge everything but times, and leave out the idle phase")
    parser.add_argument("--seed", type=bounded(int, 0, 2**32), default=1, help="of the order of requests (1)")
    parser.add_argument("--binary", required=True, help="the server; scripts/load builds one where none is given")
    parser.add_argument("--generator", help="slipway_bench_load (the one beside the server)")
    arguments = parser.parse_args()
    arguments.rate = arguments.rate or arguments.connections
    beside = os.path.join(os.path.dirname(os.path.abspath(arguments.binary)), "slipway_bench_load")
    arguments.generator = os.path.abspath(arguments.generator or beside)
    for program in (arguments.binary, arguments.generator):
        if not os.access(program, os.X_OK):
            parser.error(f"{program} is no program")
    return arguments


def main():
    arguments = read_arguments()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    place = tempfile.mkdtemp(prefix="slipway-load-")
    print(f"{arguments.connections} connections, {arguments.rate} requests/s, {arguments.slow} slow clients, "
          f"{arguments.seconds} s, in {place}; load average {os.getloadavg()[0]:.2f}", flush=True)
    run, broken = Run(arguments, place), None
    try:
        run.everything()
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        broken = error
    finally:
        run.end()
    for kind, found in (("lost", run.ledger.lost), ("doubled", run.ledger.doubled), ("fault", run.faults)):
        for each in found[:20]:
            print(f"{kind}: {each}")
    if broken is not None:
        print(f"stopped by {type(broken).__name__}: {broken}")
    failed = broken is not None or run.ledger.faults() + len(run.faults) > 0
    if failed:
        print(f"log and state are kept in {place}")
    else:
        shutil.rmtree(place, ignore_errors=True)
    ratio = f"{run.ratio:.2f}" if run.ratio is not None else "-"
    print(f"requests={run.requests} lost={len(run.ledger.lost)} doubled={len(run.ledger.doubled)} "
          f"faults={len(run.faults)} peak_mb={run.peak / MB:.0f} p99_ratio={ratio}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
