"""Tenants that have databases on shared servers made and removed, and what is looked for on those servers afterwards.

Everything is asked through the HarbourMaster API and seen by real clients (psql, mariadb) with the answered credentials.
"""
import os
import random
import subprocess
import threading
import time
from dataclasses import dataclass

from server import ask_until_answered, wait_until

MOST_ALIVE = 12  # databases at once
PATIENCE = 120  # seconds; a server that was killed reads its log first
ORGANIZATION = "default"  # the administrator's own: its key is shown the passwords
KEPT = "kept over every crash"


@dataclass
class Tenancy:
    cluster: str
    engine: str  # postgres or mysql
    state: str = "asked"  # asked -> made -> deleting -> deleted
    access: dict = None

    @property
    def path(self):
        return f"/v1/organizations/{ORGANIZATION}/clusters/{self.cluster}/hephy/databases"

    @property
    def password(self):
        return self.access["hephy_db_password"] if self.access else ""


def run_sql(engine, host, port, user, password, database, statement, timeout=20):
    """What a real client prints, or None where it cannot log in or the statement fails."""
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": password, "MYSQL_PWD": password, "PGCONNECT_TIMEOUT": "10"}
    if engine == "postgres":
        words = ["psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-h", host, "-p", port, "-U", user, "-d", database, "-c"]
    else:
        # By address: a name that is localhost means a socket to this client.
        words = ["mariadb", "--no-defaults", "-N", "-B", "-h", "127.0.0.1", "-P", port, "-u", user,
                 *(["-D", database] if database else []), "-e"]
    try:
        done = subprocess.run([*words, statement], env=environment, capture_output=True, text=True, timeout=timeout,
                              check=False)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


class Tenants:
    def __init__(self, server, ledger, seed, count, engines):
        self.server = server
        self.ledger = ledger
        self.engines = engines
        self.lock = threading.Lock()
        self.tenancies = []
        self.seed = seed
        self.count = count
        self.threads = []
        self.stopping = threading.Event()
        self.errors = []

    def start(self, number):
        self.stopping.clear()
        self.threads = [threading.Thread(target=self._run, args=(random.Random(f"{self.seed}/{number}/{each}"),
                                                                 f"{number}-{each}"), daemon=True)
                        for each in range(self.count)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        end = time.monotonic() + PATIENCE + 60
        for thread in self.threads:
            thread.join(max(0.1, end - time.monotonic()))
            if thread.is_alive():
                self.errors.append(f"{thread.name} did not finish")

    def in_state(self, *states):
        with self.lock:
            return [each for each in self.tenancies if each.state in states]

    def _run(self, rng, number):
        try:
            turn = 0
            while not self.stopping.is_set():
                turn += 1
                self._one(rng, f"c{number}-{turn}")
                self.stopping.wait(rng.random() * 0.1)
        except Exception as error:
            self.errors.append(f"tenant {number}: {type(error).__name__}: {error}")

    def _one(self, rng, cluster):
        if rng.random() < 0.6 and len(self.in_state("asked", "made", "deleting")) < MOST_ALIVE:
            self._create(Tenancy(cluster, rng.choice(self.engines)))
            return
        with self.lock:
            made = [each for each in self.tenancies if each.state == "made"]
            if not made:
                return
            chosen = rng.choice(made)
            chosen.state = "deleting"
        self.delete(chosen)

    def ask(self, method, path, body=None):
        def headers():
            return {"Authorization": self.server.admin_key(), "Accept": "application/json",
                    "Content-Type": "application/json"}

        return ask_until_answered(self.server, self.ledger, PATIENCE, method, path, body, headers)

    def _lost(self, text):
        with self.ledger.lock:
            self.ledger.lost.append(text)

    def _await(self, tenancy, wanted):
        """The database once it has that state; None where it never came to it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status, answer = self.ask("GET", tenancy.path)
            if status == 200 and answer["state"] == wanted:
                return answer
            if status != 200 or answer["state"] == "failed":
                break
            time.sleep(0.03)
        self._lost(f"database of {tenancy.cluster} is not {wanted} but {status} "
                   f"{answer.get('state') if isinstance(answer, dict) else answer} {answer.get('reason', '')}")
        return None

    def _create(self, tenancy):
        status, answer = self.ask("POST", f"/v1/organizations/{ORGANIZATION}/clusters", {"name": tenancy.cluster})
        if status not in (201, 409):  # 409: an earlier try was accepted, and its answer lost
            self._lost(f"cluster {tenancy.cluster} was answered {status} {answer}")
            return
        status, answer = self.ask("POST", tenancy.path, {"engine": tenancy.engine})
        if status not in (200, 201):
            self._lost(f"database of {tenancy.cluster} was answered {status} {answer}")
            return
        with self.lock:
            self.tenancies.append(tenancy)
        tenancy.access = self._await(tenancy, "ready")
        if tenancy.access is None:
            return
        # A server may be killed at any moment, and is back soon.
        wrote = wait_until(lambda: self.sql(tenancy, "CREATE TABLE IF NOT EXISTS notes (text varchar(40)); "
                                                     f"DELETE FROM notes; INSERT INTO notes VALUES ('{KEPT}')") is not None,
                           PATIENCE, 0.1)
        if not wrote:
            self._lost(f"database of {tenancy.cluster} was said to be ready, but nothing can be written there")
        tenancy.state = "made"

    def sql(self, tenancy, statement):
        access = tenancy.access
        return run_sql(tenancy.engine, access["hephy_db_host"], access["hephy_db_port"], access["hephy_db_user"],
                       tenancy.password, access["hephy_db_name"], statement)

    def delete(self, tenancy):
        status, answer = self.ask("DELETE", tenancy.path)
        if status != 200:
            self._lost(f"delete of the database of {tenancy.cluster} was answered {status} {answer}")
        elif self._await(tenancy, "decommissioned"):
            tenancy.state = "deleted"

    # ---- what must hold at rest ----

    def check(self, threshold):
        """Every promised database has its data; no server has a database or a role that is nobody's, or too many."""
        made = self.in_state("made")
        for each in made:
            if not wait_until(lambda each=each: self.sql(each, "SELECT text FROM notes") == KEPT, 30, 0.2):
                self._lost(f"database of {each.cluster} has lost its row")
        status, answer = self.ask("GET", "/v1/hephy/instances")
        if status != 200:
            self._lost(f"the instances were answered {status} {answer}")
            return
        for instance in answer["instances"]:
            if instance["state"] == "ready":
                self._check_instance(instance, made, threshold)

    def _check_instance(self, instance, made, threshold):
        own = [each for each in made if each.access and each.access["hephy_instance_name"] == instance["name"]]
        if len(own) > threshold + 1:
            self.ledger.doubled.append(f"{instance['name']} serves {len(own)} databases, more than {threshold + 1}")
        databases = {each.access["hephy_db_name"] for each in own}
        roles = {each.access["hephy_db_user"] for each in own}
        if instance["engine"] == "postgres":
            queries = ("SELECT datname FROM pg_database WHERE datname LIKE 'cluster-%'",
                       "SELECT rolname FROM pg_roles WHERE rolname LIKE 'hephy-%'")
            self._check_ahead(instance)
        else:
            queries = ("SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'cluster-%'",
                       "SELECT DISTINCT user FROM mysql.user WHERE user LIKE 'hephy-%'")
        for query, expected, what in ((queries[0], databases, "database"), (queries[1], roles, "role")):
            text = wait_until(lambda query=query: self._on_instance(instance, query), 30, 0.2)
            if text is None:
                self._lost(f"{instance['name']} does not let its master user in")
                continue
            there = set(text.split())
            for name in there - expected:
                self.ledger.left.append(f"{what} {name} on {instance['name']} is nobody's")
            for name in expected - there:
                self._lost(f"{what} {name} is not on {instance['name']}")

    def _check_ahead(self, instance):
        """What was made ahead has a name of its own until it is claimed."""
        query = ("SELECT datname FROM pg_database WHERE datname LIKE 'oct-%' "
                 "UNION SELECT rolname FROM pg_roles WHERE rolname LIKE 'oct-%'")
        there = wait_until(lambda: self._on_instance(instance, query), 30, 0.2)
        ahead = {each["external_name"] for each in
                 self.server.listing("/api/v1/resources?kind=database&pooled=true", "resources")}
        for name in set((there or "").split()) - ahead:
            self.ledger.left.append(f"{name} on {instance['name']} was made ahead and is nobody's")

    @staticmethod
    def _on_instance(instance, query):
        text = run_sql(instance["engine"], instance["host"], instance["port"], instance["user"], instance["password"],
                       "postgres" if instance["engine"] == "postgres" else "", query)
        return None if text is None else text or " "

    def delete_everything(self):
        for each in self.in_state("made"):
            each.state = "deleting"
            self.delete(each)
        status, answer = self.ask("GET", "/v1/hephy/instances")
        for instance in answer["instances"] if status == 200 else []:
            status, refused = self.ask("DELETE", f"/v1/hephy/instances/{instance['name']}")
            if status not in (200, 404, 409):  # 409: what was made ahead lives there
                self._lost(f"delete of {instance['name']} was answered {status} {refused}")

    def passwords(self):
        with self.lock:
            return sorted({each.password for each in self.tenancies if each.password})
