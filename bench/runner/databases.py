"""Databases on a shared PostgreSQL server: POST to the first login, beside what the server itself takes for the same."""
import json
import time
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

    def __init__(self, tools):
        self.server = Slipway(tools, provider="local", extra=PLANS + ENGINE_PORTS, wait="60s")

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
        try:
            self.server.remove_resources("database")
            self.server.remove_resources("database-server")
        finally:
            self.server.__exit__(*more)

    def create(self):
        """How a client logs in to a new database, once it is ready."""
        body = json.dumps({"kind": "database", "engine": "postgres", "plan": "shared", "billing_code": "bench",
                           "wait_seconds": 60})
        status, _, answer = ask(self.server.port, "POST", "/api/v1/resources", body, self.server.key)
        if status != 201:
            raise BenchError(f"a database was answered {status}: {answer}")
        return self.server.get(f"/api/v1/resources/{answer['resource']['id']}/credentials")

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
        def act(_):
            access = shop.create()
            log_in(access, access["username"], access["password"], access["database"])

        return timed(sizes.databases, act)
