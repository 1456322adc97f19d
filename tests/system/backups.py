"""Backups of tenants' databases: made, removed, restored into new databases, and compared with what lies on the disk.

Each backup has a name of its own, so that a repeated request finds the one that an earlier try made.
"""
import os
import time
from dataclasses import dataclass

from server import wait_until

MOST_KEPT = 8  # backups at once
PATIENCE = 120  # seconds; a dump begins anew when its server or its broker is killed
LIVE = ("requested", "provisioning", "ready", "updating", "deprovisioning")


@dataclass
class Backup:
    name: str
    path: str  # of its database's backups
    engine: str
    state: str = "asked"  # asked -> made -> deleting -> deleted; or restoring, while a database is filled from it


class Backups:
    """Of the databases of `tenants`, whose thread-safe ways of asking and of telling a loss it uses."""

    def __init__(self, tenants):
        self.tenants = tenants
        self.all = []

    def in_state(self, *states):
        with self.tenants.lock:
            return [each for each in self.all if each.state in states]

    def take(self, rng, state):
        """A made one, for nobody else until its state is changed again; None where there is none."""
        with self.tenants.lock:
            made = [each for each in self.all if each.state == "made"]
            if not made:
                return None
            chosen = rng.choice(made)
            chosen.state = state
            return chosen

    def make(self, tenancy, name):
        backup = Backup(name, f"{tenancy.path}/backups", tenancy.engine)
        status, answer = self.tenants.ask("POST", backup.path, {"name": name}, key=name)
        if status != 201:
            self.tenants.lost(f"backup {name} was answered {status} {answer}")
            return
        with self.tenants.lock:
            self.all.append(backup)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status, answer = self.tenants.ask("GET", f"{backup.path}/{name}")
            if status != 200 or answer["state"] in ("ready", "failed"):
                break
            time.sleep(0.05)
        if status != 200 or answer["state"] != "ready":
            self.tenants.lost(f"backup {name} is not ready but {status} {answer}")
            return
        backup.state = "made"

    def remove(self, backup):
        path = f"{backup.path}/{backup.name}"
        status, answer = self.tenants.ask("DELETE", path)
        if status not in (200, 404):  # 404: an earlier try was accepted, and its answer lost
            self.tenants.lost(f"delete of backup {backup.name} was answered {status} {answer}")
            return
        end = time.monotonic() + PATIENCE
        while status != 404 and time.monotonic() < end:
            status, answer = self.tenants.ask("GET", path)
            time.sleep(0.03)
        if status != 404:
            self.tenants.lost(f"backup {backup.name} is not gone but {status} {answer}")
            return
        backup.state = "deleted"

    def delete_everything(self):
        for each in self.in_state("made"):
            each.state = "deleting"
            self.remove(each)

    # ---- what must hold at rest ----

    def check(self):
        """What was promised is ready and lies there; nothing else lies there, in its place or half made."""
        ledger, server = self.tenants.ledger, self.tenants.server
        known = {each["external_name"]: each for each in server.listing("/api/v1/resources?kind=backup", "resources")
                 if each["state"] in LIVE}
        ready = {each["name"] for each in known.values() if each["state"] == "ready"}
        made = {each.name for each in self.in_state("made")}
        for name in made - ready:
            ledger.lost.append(f"backup {name} was promised, but the store does not know it as ready")
        for name in ready - made:
            ledger.doubled.append(f"backup {name} is ready, but no request was answered with it")
        lying = set(_below(server.state_dir))
        for name in lying - set(known):
            ledger.left.append(f"directory backups/{name} is nobody's")
        for name in {name for name, each in known.items() if each["state"] == "ready"} - lying:
            ledger.lost.append(f"backup {name} has no directory")
        self.check_rests()

    def check_rests(self):
        root = self.tenants.server.state_dir

        def rests():
            lists = [name for name in _below(root, dots=True) if name.startswith(".list-")]
            return lists + [f".new/{name}" for name in _below(root, ".new")]

        wait_until(lambda: not rests(), 10, 0.1)
        for name in rests():
            self.tenants.ledger.left.append(f"backups/{name} is left of what has ended")

    def check_end(self):
        for name in _below(self.tenants.server.state_dir):
            self.tenants.ledger.left.append(f"directory backups/{name} is left")


def _below(state_dir, part="", dots=False):
    try:
        names = os.listdir(os.path.join(state_dir, "backups", part))
    except FileNotFoundError:
        return []
    return [name for name in names if name.startswith(".") == dots]
