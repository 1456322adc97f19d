#!/usr/bin/python3
"""Kills a real server, its helper and its engines at random moments under load, and checks from outside that
nothing was lost, doubled or left behind. Run it through scripts/crash."""
import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time

from databases import Tenants
from guests import Guests
from invariants import Inspector, wait_for_quiet
from ledger import Ledger
from server import Server, machine
from workload import Clients

# A restart takes up at once what the dead process had begun. It may look twice, some seconds apart, before it believes
# that something is not there; what it must not do is wait until the dead one's leases (30 s) have run out.
SLOWEST = 15  # seconds

# Of databases on one server: low, so that several servers are made.
THRESHOLD = 3

# Ports and uids of its own, so that several may run beside each other; freed ports come back soon, so that giving one
# out too early would be seen.
CONFIG = """\
[pool]
small = {pool}
memcached.small = {pool}
postgres.shared = {pool}
[[plan]]
name = "small"
parameters = {{maxmemory = "64mb"}}
[[plan]]
name = "medium"
parameters = {{maxmemory = "256mb"}}
[[plan]]
engine = "memcached"
name = "small"
[[plan]]
engine = "memcached"
name = "medium"
parameters = {{maxmemory = "256mb"}}
[[plan]]
kind = "database-server"
engine = "postgres"
name = "small"
parameters = {{instance_class = "db.t3.medium"}}
[[plan]]
kind = "database-server"
engine = "mysql"
name = "small"
parameters = {{instance_class = "db.t3.medium"}}
[[plan]]
kind = "database"
engine = "postgres"
name = "shared"
threshold = {threshold}
[[plan]]
kind = "database"
engine = "mysql"
name = "shared"
threshold = {threshold}
[[plan]]
kind = "machine"
engine = "vm"
name = "tiny"
parameters = {{image = "tiny", memory = "96mb"}}
[[plan]]
kind = "machine"
engine = "container"
name = "tiny"
parameters = {{image = "tiny", memory = "96mb"}}
[machines]
subnet = "198.19.{lane}.0/24"
acceleration = "emulation"
[[plan]]
kind = "backup"
engine = "postgres"
name = "kept"
parameters = {{keep = 100}}
[[plan]]
kind = "backup"
engine = "mysql"
name = "kept"
parameters = {{keep = 100}}
[broker]
rest = "3s"
[reconcile]
interval = "2s"
[local]
port_first = {port}
port_last = {port_last}
uid_first = {uid}
uid_last = {uid_last}
"""


def write_config(path, pool):
    lane = os.getpid() % 40
    port, uid = 20000 + lane * 300, 300000 + lane * 1000
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIG.format(pool=pool, threshold=THRESHOLD, lane=lane, port=port, port_last=port + 299, uid=uid, uid_last=uid + 999))


class Chaos:
    """What a machine does to a server in the worst week of its life, in a few seconds."""

    def __init__(self, server, ledger, guests, rng):
        self.server = server
        self.ledger = ledger
        self.guests = guests
        self.rng = rng
        self.done = {"broker": 0, "start-up": 0, "helper": 0, "engine": 0, "machine": 0, "restart": 0}

    def act(self):
        choice = self.rng.random()
        if choice < 0.5:
            self._kill_broker()
        elif choice < 0.7:
            self._kill_during_start()
        elif choice < 0.82:
            self._kill_helper()
        elif choice < 0.9:
            self._kill_engine()
        elif choice < 0.95:
            self._kill_machine()
        else:
            self.done["restart"] += 1
            status = self.server.terminate()
            if status != 0:
                self.ledger.lost.append(f"SIGTERM ended the server with status {status}, not 0")
                self.server.kill()
            self.server.start()

    def _kill_broker(self):
        self.done["broker"] += 1
        helpers = self.server.helpers() if self.rng.random() < 0.4 else []
        self.server.kill()
        for helper in helpers:
            self._kill(helper)
        time.sleep(self.rng.choice([0, 0, 0.05, 0.3]))
        self.server.start()

    def _kill_during_start(self):
        self.done["start-up"] += 1
        self.server.kill()
        for _ in range(self.rng.randint(1, 3)):
            self.server.start(wait=False)
            time.sleep(self.rng.random() * 0.12)
            self.server.kill()
        self.server.start()

    def _kill_helper(self):
        for helper in self.server.helpers():
            self.done["helper"] += 1
            self._kill(helper)

    def _kill_engine(self):
        engines = [(name, each) for name, all_of_it in machine.engines_of(self.server.state_dir).items() for each in all_of_it]
        if not engines:
            return
        name, chosen = self.rng.choice(sorted(engines, key=lambda engine: engine[0]))
        with self.ledger.lock:
            for promise in self.ledger.promises:
                if promise.name == name:
                    promise.engine_pid = 0
        self.done["engine"] += 1
        self._kill(chosen)

    def _kill_machine(self):
        victims = self.guests.victims()
        if victims:
            self.done["machine"] += 1
            self._kill(self.rng.choice(sorted(victims, key=lambda each: each.pid)))

    @staticmethod
    def _kill(victim):
        if machine.alive(victim):
            try:
                os.kill(victim.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def one_round(number, server, ledger, tenants, guests, chaos, rng, seconds):
    clients = Clients(server, ledger, f"{rng.getrandbits(32)}/{number}", count=4)
    clients.start()
    tenants.start(number)
    guests.start(number)
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.15 + rng.random() * 0.8)
            chaos.act()
    finally:
        begin = time.monotonic()
        clients.stop()
    drained = time.monotonic()
    tenants.stop()
    guests.stop()
    ledger.lost += clients.errors + tenants.errors + guests.errors
    if drained - begin > SLOWEST:
        ledger.lost.append(f"after the last kill it took {drained - begin:.0f} s until every client was answered: "
                           "work that a dead process had begun was not taken up at once")
    wait_for_quiet(server, ledger)
    return f"{drained - begin:.1f} s until the last client was answered, {time.monotonic() - drained:.1f} s until rest"


def delete_everything(server, ledger, tenants, guests, config):
    """First as clients do; then the administrator deletes what the pool still holds, once it is no longer refilled."""
    for promise in ledger.in_state("made"):
        promise.state = "deleting"
        ledger.count_request()
        status, _, answer = server.request("DELETE", f"/v1/{promise.engine}/instance/{promise.name}")
        if status != 200:
            ledger.lost.append(f"delete of {promise.name} was answered {status} {answer}")
        ledger.deleted(promise)
    tenants.delete_everything()
    guests.delete_everything()
    wait_for_quiet(server, ledger)
    server.kill()
    write_config(config, pool=0)
    server.start()
    # What lives on a server goes before it.
    for chosen in ("?kind=backup", "?kind=database", ""):
        for resource in server.listing(f"/api/v1/resources{chosen}", "resources"):
            if resource["state"] != "gone":
                ledger.count_request()
                status, answer = server.delete(resource["id"])
                if status not in (202, 404):
                    ledger.lost.append(f"delete of {resource['id']} was answered {status} {answer}")
        wait_for_quiet(server, ledger)


def run(arguments, config, server, ledger):
    rng = random.Random(arguments.seed)
    guests = Guests(server, ledger, arguments.seed, os.path.dirname(config))
    guests.build_image()
    chaos = Chaos(server, ledger, guests, rng)
    tenants = Tenants(server, ledger, arguments.seed, count=2, engines=["postgres", "postgres", "mysql"])
    inspector = Inspector(server, ledger, tenants, guests)
    server.start()
    begin = time.monotonic()
    rounds = 0
    for number in range(1, arguments.rounds + 1):
        pace = one_round(number, server, ledger, tenants, guests, chaos, rng, arguments.seconds)
        inspector.check()
        tenants.check(THRESHOLD)
        rounds += 1
        live = len(ledger.in_state("made"))
        databases = len(tenants.in_state("made"))
        machines = len(guests.in_state("made"))
        print(f"round {number}: {ledger.requests} requests so far, {live} live, {databases} databases, {machines} machines, {ledger.faults()} faults, "
              f"{server.starts} starts, {time.monotonic() - begin:.0f} s; {pace}", flush=True)
        if ledger.faults() or time.monotonic() - begin > arguments.limit:
            break
    delete_everything(server, ledger, tenants, guests, config)
    wait_for_quiet(server, ledger)
    inspector.check()
    inspector.check_end()
    refused = ledger.in_state("refused")
    print("killed: " + ", ".join(f"{what} {count}" for what, count in chaos.done.items()))
    rotated = sum(len(each.former) for each in tenants.tenancies)
    print(f"databases: {len(tenants.tenancies)}, new passwords {rotated}, backups {len(tenants.backups.all)}, "
          f"filled from one {tenants.restored}")
    failed = guests.in_state("refused")
    print(f"machines: {len(guests.all)}, failed: {len(failed)}" + (f", e.g. {failed[0].answer}" if failed else ""))
    print(f"creates: {len(ledger.promises)}, refused with 502: {len(refused)}"
          + (f", e.g. {refused[0].answer}" if refused else ""))
    return rounds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seconds", type=float, default=4, help="of load and kills in each round")
    parser.add_argument("--limit", type=float, default=1800, help="seconds after which no further round is begun")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().getrandbits(32)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    place = tempfile.mkdtemp(prefix="slipway-crash-")
    state_dir = os.path.join(place, "state")
    config = os.path.join(place, "slipway.toml")
    write_config(config, pool=3)
    ledger = Ledger()
    server = Server(arguments.binary, state_dir, os.path.join(place, "server.log"), config)
    print(f"seed {arguments.seed}, {arguments.rounds} rounds, in {place}", flush=True)
    rounds, broken = 0, None
    try:
        rounds = run(arguments, config, server, ledger)
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        broken = error
    finally:
        server.kill()
        machine.end_everything(state_dir)
    for kind in ("lost", "doubled", "left"):
        for fault in getattr(ledger, kind)[:20]:
            print(f"{kind}: {fault}")
    if broken is not None:
        print(f"stopped by {type(broken).__name__}: {broken}")
    failed = broken is not None or ledger.faults() > 0 or rounds < arguments.rounds
    if failed:
        print(f"logs and state are kept in {place}; repeat with --seed {arguments.seed}")
    else:
        shutil.rmtree(place, ignore_errors=True)
    print(f"rounds={rounds} requests={ledger.requests} lost={len(ledger.lost)} doubled={len(ledger.doubled)} "
          f"left={len(ledger.left)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
