"""Databases on a shared PostgreSQL server: POST to the first login, beside what the server itself takes for the same."""
import json
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from .processes import BenchError
from .services import ENGINE_PORTS, Slipway, ask

PLANS = """
[[plan]]
kind = "database-server"
engine = "postgres"
name = "small"
[[plan]]
kind = "database"
engine = "postgres"
name = "shared"
threshold = 1000
"""
# The least that a tenant needs: nobody can be faster than the server itself.
BARE = ('CREATE ROLE "{name}" LOGIN NOINHERIT PASSWORD \'{password}\'', 'CREATE DATABASE "{name}"',
        'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC', 'GRANT ALL ON DATABASE "{name}" TO "{name}"')


def connect(access, user, password, database):
    import psycopg2  # of scripts/setup --bench

    connection = psycopg2.connect(host="127.0.0.1", port=access["port"], user=user, password=password,
                                  dbname=database, connect_timeout=30)
    connection.autocommit = True
    return connection


def log_in(access, user, password, database):
    connection = connect(access, user, password, database)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    connection.close()


class Shop:
    """A broker with one shared server that is there already."""

    def __init__(self, tools, pool=0, plans=PLANS):
        self.tools = tools
        self.pool = pool
        extra = f"[pool]\npostgres.shared = {pool}\n{plans}{ENGINE_PORTS}"
        self.server = Slipway(tools, provider="local", extra=extra, wait="60s")

    def __enter__(self):
        self.server.__enter__()
        try:
            self.first = self.create()
            status, _, answer = ask(self.server.port, "GET", "/v1/hephy/instances", key=self.server.key)
            if status != 200:
                raise BenchError(f"the instances were answered {status}: {answer}")
            self.instance = answer["instances"][0]
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *more):
        if self.pool:  # it would be filled again: the same state is started once more without one
            self.server.__exit__(*more)
            self.server = Slipway(self.tools, provider="local", extra=PLANS + ENGINE_PORTS, state=self.server.state)
            self.server.__enter__()
        try:
            self.server.remove_resources("database")
            self.server.remove_resources("database-server")
        finally:
            self.server.__exit__(*more)

    def start_again(self, state):
        self.server = Slipway(self.tools, provider="local", extra=self.server.extra, state=state, wait="60s")
        self.server.__enter__()

    def create(self, plan="shared", engine="postgres"):
        """How a client logs in to a new database, once it is ready."""
        body = json.dumps({"kind": "database", "engine": engine, "plan": plan, "billing_code": "bench",
                           "wait_seconds": 60})
        status, _, answer = ask(self.server.port, "POST", "/api/v1/resources", body, self.server.key)
        if status != 201:
            raise BenchError(f"a database was answered {status}: {answer}")
        return self.server.get(f"/api/v1/resources/{answer['resource']['id']}/credentials")

    def create_and_log_in(self, _=None):
        access = self.create()
        log_in(access, access["username"], access["password"], access["database"])

    def full(self):
        """Whether its pool is, and nothing is under way."""
        ready = self.server.get("/api/v1/resources?kind=database&pooled=true&state=ready")["resources"]
        return len(ready) >= self.pool and not self.server.get("/api/v1/operations?open=true&limit=1")["operations"]

    def claim(self, number):
        """By the API that gives a database the names of its cluster; polled, as its clients do."""
        port, key = self.server.port, self.server.key
        path = f"/v1/organizations/default/clusters/c{number}/hephy/databases"
        status, _, answer = ask(port, "POST", path, "{}", key)
        if status != 201:
            raise BenchError(f"a database was answered {status}: {answer}")
        while True:
            status, _, answer = ask(port, "GET", path, key=key)
            if status != 200 or answer["state"] == "failed":
                raise BenchError(f"a database was answered {status}: {answer}")
            if answer["state"] == "ready":
                break
        log_in({"port": answer["hephy_db_port"]}, answer["hephy_db_user"], answer["hephy_db_password"],
               answer["hephy_db_name"])

    def bare(self, number):
        name, password = f"bare_{number}", f"secret{number}"
        connection = connect(self.instance, self.instance["user"], self.instance["password"], "postgres")
        with connection.cursor() as cursor:
            for statement in BARE:
                cursor.execute(statement.format(name=name, password=password))
        connection.close()
        log_in(self.instance, name, password, name)


def figures_of(seconds):
    ordered = sorted(seconds)
    return {"p50_ms": 1000 * median(ordered), "p99_ms": 1000 * ordered[int(0.99 * (len(ordered) - 1))],
            "max_ms": 1000 * ordered[-1], "last_20_p50_ms": 1000 * median(seconds[-20:])}


def timed(count, act):
    seconds = []
    for number in range(count):
        begin = time.monotonic()
        act(number)
        seconds.append(time.monotonic() - begin)
    return figures_of(seconds)


def bare(tools, sizes):
    with Shop(tools) as shop:
        return timed(sizes.databases, shop.bare)


def by_broker(tools, sizes):
    with Shop(tools) as shop:
        return timed(sizes.databases, shop.create_and_log_in)


def login(tools, sizes):
    """What is in all of them: a client's own login into a database that is there."""
    with Shop(tools) as shop:
        first = shop.first
        return timed(sizes.databases, lambda _: log_in(first, first["username"], first["password"], first["database"]))


def from_pool(tools, sizes):
    """Each is asked for when the pool is full again, so that making the next one is not measured with it."""
    with Shop(tools, pool=2) as shop:
        seconds = []
        for number in range(max(10, sizes.databases // 4)):
            status, _, answer = ask(shop.server.port, "POST", "/v1/organizations/default/clusters",
                                    json.dumps({"name": f"c{number}"}), shop.server.key)
            if status != 201:
                raise BenchError(f"a cluster was answered {status}: {answer}")
            shop.server.server.wait_for(shop.full, "the pool is not filled", 60, between=0.01)
            begin = time.monotonic()
            shop.claim(number)
            seconds.append(time.monotonic() - begin)
        return figures_of(seconds)


# ---- many at once ----

CALLERS = 16


def crowd(act):
    def run(tools, sizes):
        def one(number, shop):
            begin = time.monotonic()
            act(shop, number)
            return time.monotonic() - begin

        with Shop(tools) as shop, ThreadPoolExecutor(CALLERS) as callers:
            begin = time.monotonic()
            seconds = list(callers.map(lambda number: one(number, shop), range(sizes.databases)))
            return dict(figures_of(seconds), rate=sizes.databases / (time.monotonic() - begin))

    return run
