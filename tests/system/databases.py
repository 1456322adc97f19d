"""Tenants that have databases on shared servers made, backed up, filled from backups, given new passwords and removed,
and what is looked for on those servers afterwards.

Everything is asked through the HarbourMaster API and seen by real clients (psql, mariadb) with the answered credentials.
"""
import os
import random
import subprocess
import threading
import time
from dataclasses import dataclass, field

from backups import MOST_KEPT, Backups
from server import ask_until_answered, wait_until

MOST_ALIVE = 12  # databases at once
PATIENCE = 120  # seconds; a server that was killed reads its log first
ORGANIZATION = "default"  # the administrator's own: its key is shown the passwords
KEPT = "kept over every crash"
ROWS = 20000  # beside it, so that a dump and a restore take a while: whoever has fewer was half filled
FILL = {"postgres": f"CREATE TABLE filler AS SELECT g AS id, md5(g::text) AS text FROM generate_series(1, {ROWS}) g",
        "mysql": f"CREATE TABLE filler AS SELECT seq AS id, MD5(seq) AS text FROM seq_1_to_{ROWS}"}
SEEN = {"postgres": "SELECT text || ' ' || (SELECT count(*) FROM filler) FROM notes",
        "mysql": "SELECT CONCAT(text, ' ', (SELECT COUNT(*) FROM filler)) FROM notes"}
EXPECTED = f"{KEPT} {ROWS}"


@dataclass
class Tenancy:
    cluster: str
    engine: str  # postgres or mysql
    state: str = "asked"  # asked -> made -> deleting -> deleted; or busy, while it is backed up or gets a password
    access: dict = None
    former: list = field(default_factory=list)  # the passwords that it had

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
        self.backups = Backups(self)
        self.restored = 0

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
        choice = rng.random()
        room = len(self.in_state("asked", "made", "busy", "deleting")) < MOST_ALIVE
        if room and choice < 0.45:
            self._create(Tenancy(cluster, rng.choice(self.engines)))
            return
        if room and choice < 0.6 and (backup := self.backups.take(rng, "restoring")):
            self._create(Tenancy(cluster, backup.engine), backup.name)
            backup.state = "made"
            return
        chosen = self._take(rng)
        if chosen is None:
            return
        choice = rng.random()
        if choice < 0.5:
            chosen.state = "deleting"
            self.delete(chosen)
        elif choice < 0.75:
            self._rotate(chosen)
        elif len(self.backups.in_state("asked", "made", "restoring", "deleting")) < MOST_KEPT:
            self.backups.make(chosen, f"b-{cluster}")
            chosen.state = "made"
        else:
            chosen.state = "made"
            if backup := self.backups.take(rng, "deleting"):
                self.backups.remove(backup)

    def _take(self, rng):
        """A made one, with which nobody else does anything until its state is changed again; None: there is none."""
        with self.lock:
            made = [each for each in self.tenancies if each.state == "made"]
            if not made:
                return None
            chosen = rng.choice(made)
            chosen.state = "busy"
            return chosen

    def ask(self, method, path, body=None, key=None):
        def headers():
            known = {"Authorization": self.server.admin_key(), "Accept": "application/json",
                     "Content-Type": "application/json"}
            return known if key is None else known | {"Idempotency-Key": key}

        return ask_until_answered(self.server, self.ledger, PATIENCE, method, path, body, headers)

    def lost(self, text):
        self.ledger.lose(text)

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
        self.lost(f"database of {tenancy.cluster} is not {wanted} but {status} "
                   f"{answer.get('state') if isinstance(answer, dict) else answer} {answer.get('reason', '')}")
        return None

    def _create(self, tenancy, restore_from=None):
        status, answer = self.ask("POST", f"/v1/organizations/{ORGANIZATION}/clusters", {"name": tenancy.cluster})
        if status not in (201, 409):  # 409: an earlier try was accepted, and its answer lost
            self.lost(f"cluster {tenancy.cluster} was answered {status} {answer}")
            return
        body = {"engine": tenancy.engine} | ({"restore_from": restore_from} if restore_from else {})
        status, answer = self.ask("POST", tenancy.path, body)
        if status not in (200, 201):
            self.lost(f"database of {tenancy.cluster} was answered {status} {answer}")
            return
        with self.lock:
            self.tenancies.append(tenancy)
        tenancy.access = self._await(tenancy, "ready")
        if tenancy.access is None:
            return
        if restore_from:
            if not self._has_everything(tenancy, PATIENCE):
                self.lost(f"database of {tenancy.cluster} was said to be ready, but lacks what was backed up")
            with self.lock:
                self.restored += 1
            tenancy.state = "made"
            return
        # A server may be killed at any moment, and is back soon.
        wrote = wait_until(lambda: self.sql(tenancy, "CREATE TABLE IF NOT EXISTS notes (text varchar(40)); "
                                                     f"DELETE FROM notes; INSERT INTO notes VALUES ('{KEPT}'); "
                                                     "DROP TABLE IF EXISTS filler; "
                                                     f"{FILL[tenancy.engine]}") is not None,
                           PATIENCE, 0.1)
        if not wrote:
            self.lost(f"database of {tenancy.cluster} was said to be ready, but nothing can be written there")
        tenancy.state = "made"

    def _has_everything(self, tenancy, seconds):
        return wait_until(lambda: self.sql(tenancy, SEEN[tenancy.engine]) == EXPECTED, seconds, 0.2)

    def _rotate(self, tenancy):
        """A new password beside the former one, which is ended once the new one was seen to be good."""
        status, answer = self.ask("POST", f"{tenancy.path}/rotate", {})
        if status not in (200, 409):  # 409: an earlier try was accepted, and its answer lost
            self.lost(f"new password of {tenancy.cluster} was answered {status} {answer}")
            return
        shown = self._await_rotation(tenancy, "unconfirmed")
        if shown is None:
            return
        former = dict(tenancy.access)
        tenancy.former.append(tenancy.password)
        tenancy.access = shown
        for access, whose in ((shown, "new"), (former, "former")):
            if not wait_until(lambda access=access: self.sql(tenancy, SEEN[tenancy.engine], access) == EXPECTED,
                              PATIENCE, 0.2):
                self.lost(f"the {whose} password of {tenancy.cluster} is not good while it is not confirmed")
        status, answer = self.ask("POST", f"{tenancy.path}/rotate", {"confirm": True})
        if status not in (200, 409):
            self.lost(f"confirmation of {tenancy.cluster} was answered {status} {answer}")
        elif self._await_rotation(tenancy, "confirmed"):
            tenancy.state = "made"

    def _await_rotation(self, tenancy, wanted):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status, answer = self.ask("GET", tenancy.path)
            if status != 200 or answer["state"] == "failed":
                break
            if answer.get("rotation", {}).get("state") == wanted:
                return answer
            time.sleep(0.03)
        self.lost(f"new password of {tenancy.cluster} is not {wanted} but {status} "
                  f"{answer.get('rotation') if isinstance(answer, dict) else answer}")
        return None

    def sql(self, tenancy, statement, access=None):
        access = access or tenancy.access
        return run_sql(tenancy.engine, access["hephy_db_host"], access["hephy_db_port"], access["hephy_db_user"],
                       access["hephy_db_password"], access["hephy_db_name"], statement)

    def delete(self, tenancy):
        status, answer = self.ask("DELETE", tenancy.path)
        if status != 200:
            self.lost(f"delete of the database of {tenancy.cluster} was answered {status} {answer}")
        elif self._await(tenancy, "decommissioned"):
            tenancy.state = "deleted"

    # ---- what must hold at rest ----

    def check(self, threshold):
        """Every promised database has its data; no server has a database or a role that is nobody's, or too many."""
        made = self.in_state("made")
        for each in made:
            if not self._has_everything(each, 30):
                self.lost(f"database of {each.cluster} has lost rows")
            if each.former and self.sql(each, "SELECT 1", each.access | {"hephy_db_password": each.former[-1]}):
                self.ledger.left.append(f"the former password of {each.cluster} is still good")
        self.backups.check()
        status, answer = self.ask("GET", "/v1/hephy/instances")
        if status != 200:
            self.lost(f"the instances were answered {status} {answer}")
            return
        for instance in answer["instances"]:
            if instance["state"] == "ready":
                self._check_instance(instance, made, threshold)

    def _check_instance(self, instance, made, threshold):
        own = [each for each in made if each.access and each.access["hephy_instance_name"] == instance["name"]]
        if len(own) > threshold + 1:
            self.ledger.doubled.append(f"{instance['name']} serves {len(own)} databases, more than {threshold + 1}")
        databases = {each.access["hephy_db_name"] for each in own}
        # A PostgreSQL's passwords belong to two roles by turns, of which the first one stays.
        roles = {each.access["hephy_db_user"].removesuffix("-b") for each in own}
        seconds = {f"{name}-b" for name in roles}
        logins = {each.access["hephy_db_user"] for each in own}
        if instance["engine"] == "postgres":
            queries = ("SELECT datname FROM pg_database WHERE datname LIKE 'cluster-%'",
                       "SELECT rolname FROM pg_roles WHERE rolname LIKE 'hephy-%'",
                       "SELECT rolname FROM pg_roles WHERE rolname LIKE 'hephy-%' AND rolcanlogin")
            self._check_ahead(instance)
        else:
            queries = ("SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'cluster-%'",
                       "SELECT DISTINCT user FROM mysql.user WHERE user LIKE 'hephy-%'",
                       "SELECT DISTINCT user FROM mysql.user WHERE user LIKE 'hephy-%'")
        self._check_restores(instance)
        for query, expected, also, what in ((queries[0], databases, set(), "database"),
                                            (queries[1], roles, seconds, "role"), (queries[2], logins, set(), "login")):
            text = wait_until(lambda query=query: self._on_instance(instance, query), 30, 0.2)
            if text is None:
                self.lost(f"{instance['name']} does not let its master user in")
                continue
            there = set(text.split())
            for name in there - expected - also:
                self.ledger.left.append(f"{what} {name} on {instance['name']} is nobody's")
            for name in expected - there:
                self.lost(f"{what} {name} is not on {instance['name']}")

    def _check_restores(self, instance):
        """Nothing that is there is still being filled."""
        query = "SELECT external_name FROM slipway.restores WHERE NOT done"
        begun = set((self._on_instance(instance, query) or "").split())  # none: nothing was ever restored there
        known = {each["external_name"] for each in self.server.listing("/api/v1/resources?kind=database", "resources")
                 if each["state"] == "ready"}
        for name in begun & known:
            self.ledger.left.append(f"{name} on {instance['name']} is ready, but half restored")

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
        self.backups.delete_everything()
        for each in self.in_state("made"):
            each.state = "deleting"
            self.delete(each)
        status, answer = self.ask("GET", "/v1/hephy/instances")
        for instance in answer["instances"] if status == 200 else []:
            status, refused = self.ask("DELETE", f"/v1/hephy/instances/{instance['name']}")
            if status not in (200, 404, 409):  # 409: what was made ahead lives there
                self.lost(f"delete of {instance['name']} was answered {status} {refused}")

    def passwords(self):
        with self.lock:
            return sorted({password for each in self.tenancies for password in (each.password, *each.former)
                           if password})
