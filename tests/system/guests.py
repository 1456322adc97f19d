"""Machines that are asked for and given back, virtual ones through the EC2 API and containers through the native one, and
what is looked for on the host afterwards: guests, disks, taps, addresses. A machine counts once its owner can log in by SSH with the name and password it asked for.
"""
import ipaddress
import os
import random
import subprocess
import threading
import time
from dataclasses import dataclass

from server import ask_until_answered, machine, wait_until

MOST_ALIVE = 3  # each emulates a processor
PATIENCE = 180  # seconds; boots wait for their turn, and are killed on the way
USER = "crash"
ANSWER = '#!/bin/sh\nprintf "%s\\n" "$GUEST_PASSWORD"\n'


@dataclass
class Guest:
    key: str  # the Idempotency-Key of its create
    engine: str
    password: str
    state: str = "asked"  # asked -> made -> deleting -> deleted; or refused
    address: str = ""
    name: str = ""
    resource: str = ""  # a container's id
    answer: str = ""

    @property
    def tap(self):
        return f"m{int(ipaddress.IPv4Address(self.address)):08x}"


class Guests:
    """Their owner. Where nobody can make machines, it asks for none, and says so."""

    def __init__(self, server, ledger, seed, place):
        self.server = server
        self.ledger = ledger
        self.seed = seed
        self.place = place  # a directory of ours: what logs in, and the host keys it has seen
        self.all = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.thread = None
        self.errors = []
        self.possible = os.geteuid() == 0
        self.answer = os.path.join(place, "answer-password")
        with open(self.answer, "w", encoding="ascii") as file:
            file.write(ANSWER)
        os.chmod(self.answer, 0o700)

    def build_image(self):
        if not self.possible:
            print("no machines are made: that takes a helper that is root", flush=True)
            return
        done = subprocess.run([self.server.binary, "images", "build", "tiny", "--state-dir", self.server.state_dir],
                              capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the image was not made: {done.stderr[-500:]}")

    def start(self, number):
        if not self.possible:
            return
        self.stopping.clear()
        self.thread = threading.Thread(target=self._run, args=(random.Random(f"{self.seed}/guests/{number}"), number),
                                       daemon=True)
        self.thread.start()

    def stop(self):
        """No new intents; the one that was begun is carried through."""
        if self.thread is None:
            return
        self.stopping.set()
        self.thread.join(PATIENCE + 60)
        if self.thread.is_alive():
            self.errors.append("the owner of machines did not finish")

    def in_state(self, *states):
        with self.lock:
            return [each for each in self.all if each.state in states]

    def passwords(self):
        return [each.password for each in self.all]

    def _run(self, rng, number):
        try:
            turn = 0
            while not self.stopping.is_set():
                turn += 1
                made = self.in_state("made")
                if len(made) < MOST_ALIVE and (not made or rng.random() < 0.6):
                    guest = Guest(f"guest-{number}-{turn}", rng.choice(["vm", "container"]), f"guest canary {rng.getrandbits(64):016x}")
                    with self.lock:
                        self.all.append(guest)
                    self._create(guest)
                else:
                    self.delete(rng.choice(made))
        except Exception as error:
            self.errors.append(f"owner of machines: {type(error).__name__}: {error}")

    def ask(self, method, path, body=None, key=None):
        def headers():
            known = {"Authorization": self.server.admin_key()} if path.startswith("/api/") else {}
            return known if key is None else {**known, "Idempotency-Key": key}
        return ask_until_answered(self.server, self.ledger, PATIENCE, method, path, body, headers)

    def _outcome(self, task):
        """The last answer of a task, once it has ended; None where it never does."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status, answer = self.ask("GET", f"/status/{task}")
            if status != 200:
                self.ledger.lose(f"task {task} was answered {status} {answer}")
                return None
            if answer["status"] in ("SUCCESS", "FAILURE", "REVOKED"):
                return answer
            time.sleep(0.1)
        self.ledger.lose(f"task {task} has not ended after {PATIENCE} s")
        return None

    def _made_by_ec2(self, guest):
        """Its address; "" where it came to nothing, None where it was not accepted or never ended."""
        status, answer = self.ask("POST", "/create-async", {"username": USER, "password": guest.password}, guest.key)
        if status != 200:
            self.ledger.lose(f"machine {guest.key} was answered {status} {answer}")
            return None
        outcome = self._outcome(answer["task_id"])
        guest.answer = str(outcome)
        return outcome and (outcome["ip"] if outcome["status"] == "SUCCESS" else "")

    def _made_by_native(self, guest):
        """The same of a container."""
        body = {"engine": guest.engine, "plan": "tiny", "username": USER, "password": guest.password}
        status, answer = self.ask("POST", "/api/v1/resources", body, guest.key)
        if status != 202:
            self.ledger.lose(f"container {guest.key} was answered {status} {answer}")
            return None
        guest.resource = answer["resource"]["id"]
        path = f"/api/v1/resources/{guest.resource}"
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status, answer = self.ask("GET", path)
            guest.answer = f"{status} {answer}"
            if status != 200 or answer["state"] in ("failed", "gone"):
                return ""
            if answer["state"] == "ready":
                return answer["address"]
            time.sleep(0.1)
        self.ledger.lose(f"container {guest.key} is not ready after {PATIENCE} s: {guest.answer}")
        return None

    def _create(self, guest):
        address = self._made_by_ec2(guest) if guest.engine == "vm" else self._made_by_native(guest)
        if address is None:
            return
        if not address:
            guest.state = "refused"
            return
        guest.address = address
        for other in self.in_state("made"):
            if other.address == guest.address:
                self.ledger.doubled.append(f"{guest.address} was given to {other.name} and to {guest.key}")
        seen = wait_until(lambda: self.log_in(guest), 60, 0.2)
        if not seen:
            self.ledger.lose(f"machine {guest.address} was said to be made, but does not let its owner in")
            return
        guest.name = seen
        guest.state = "made"

    def log_in(self, guest):
        """The host name that a login shows; "" where it does not work. A host key that changed is no login."""
        words = ["ssh", "-o", "LogLevel=ERROR", "-o", "StrictHostKeyChecking=accept-new",
                 "-o", f"UserKnownHostsFile={self.place}/hosts-{guest.key}", "-o", "NumberOfPasswordPrompts=1",
                 "-o", "PreferredAuthentications=password", "-o", "ConnectTimeout=10", f"{USER}@{guest.address}", "hostname"]
        environment = {"PATH": os.environ["PATH"], "GUEST_PASSWORD": guest.password, "SSH_ASKPASS": self.answer,
                       "SSH_ASKPASS_REQUIRE": "force", "HOME": self.place}
        try:
            done = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=30, check=False)
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    def delete(self, guest):
        guest.state = "deleting"
        if guest.engine == "vm":
            self._delete_by_ec2(guest)
        else:
            self._delete_by_native(guest)
        guest.state = "deleted"

    def _delete_by_ec2(self, guest):
        status, answer = self.ask("GET", f"/delete-async/{guest.address}")
        if status == 404:  # an earlier try was accepted, and its answer lost
            return
        if status != 200:
            self.ledger.lose(f"delete of machine {guest.address} was answered {status} {answer}")
            return
        outcome = self._outcome(answer["task_id"])
        if outcome and outcome["status"] != "SUCCESS":
            self.ledger.lose(f"delete of machine {guest.address} ended as {outcome}")

    def _delete_by_native(self, guest):
        path = f"/api/v1/resources/{guest.resource}"
        status, answer = self.ask("DELETE", path)
        if status not in (202, 404):
            self.ledger.lose(f"delete of container {guest.address} was answered {status} {answer}")
            return

        def is_gone():
            status, guest.answer = self.ask("GET", path)
            return status == 404 or guest.answer["state"] == "gone"

        if not wait_until(is_gone, PATIENCE, 0.1):
            self.ledger.lose(f"container {guest.address} is not gone after {PATIENCE} s: {guest.answer}")

    def delete_everything(self):
        for each in self.in_state("made"):
            self.delete(each)

    # ---- what must hold at rest ----

    def check(self):
        """One guest for each machine of the store, with its tap and its address, and nothing beyond."""
        resources = self.server.listing("/api/v1/resources?kind=machine", "resources")
        live = {each["external_name"]: each for each in resources if each["state"] in ("ready", "updating")}
        wait_until(lambda: set(live) <= set(machine.guests_of(self.server.state_dir)), 60, 0.2)
        running = machine.guests_of(self.server.state_dir)
        for name in set(live) - set(running):
            self.ledger.lose(f"machine {name} is {live[name]['state']}, but does not run")
        for name, processes in running.items():
            if name not in live:
                self.ledger.left.append(f"machine {name} runs, and the store does not know it: {processes[0].pid}")
            if len(processes) > 1:
                self.ledger.doubled.append(f"machine {name} runs {len(processes)} times")
        made = self.in_state("made")
        for each in made:
            if each.name not in live:
                self.ledger.lose(f"machine {each.name} was promised, but the store does not know it")
            elif wait_until(lambda each=each: self.log_in(each), 90, 0.5) != each.name:
                self.ledger.lose(f"machine {each.name} does not let its owner in, or has another host key")
        for name in set(live) - {each.name for each in made}:
            self.ledger.doubled.append(f"machine {name} is {live[name]['state']}, but no create was answered with it")
        self._check_network(made)

    def _check_network(self, made):
        parts = machine.network_parts_of(self.server.state_dir)
        for kind, wanted in (("tap", {each.tap for each in made}), ("neighbour", {each.address for each in made})):
            for name in set(parts[kind]) - wanted:
                self.ledger.left.append(f"{kind} {name} is nobody's")
            for name in wanted - set(parts[kind]):
                self.ledger.lose(f"{kind} {name} is not there")

    def check_end(self):
        """After the server was stopped."""
        for kind, names in machine.network_parts_of(self.server.state_dir).items():
            self.ledger.left += [f"{kind} {name} is left" for name in names]
        for kind, names in machine.container_parts_of(self.server.state_dir).items():
            self.ledger.left += [f"{kind} {name} is left" for name in names]
        for folder, _, names in os.walk(os.path.join(self.server.state_dir, "images", ".uses")):
            self.ledger.left += [f"image use {folder}/{name} is left" for name in names]

    def victims(self):
        """Processes of machines: each guest, each container's monitor, and the daemon that runs guests."""
        guests = [each for own in machine.guests_of(self.server.state_dir).values() for each in own]
        daemons = [each for each in machine.processes_of(self.server.state_dir) if each.program == "libvirtd"]
        return guests + daemons
