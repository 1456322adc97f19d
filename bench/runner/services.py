"""What is measured: Slipway and its peers, each in a directory of its own on the same disk."""
import http.client
import json
import os
import shutil
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path

from .processes import BenchError, Process, accepts, free_port, run, wait_until

POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")
# Not the default range: a server that runs on this machine has its engines there.
ENGINE_PORTS = "[local]\nport_first = 24000\nport_last = 27999\n"
JOB = '{"plan":"small","billingcode":"bench"}'


def ask(port, method, path, body=None, key=None, timeout=60):
    """One request to 127.0.0.1: the status, the headers, and the body as JSON (None where it is none)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = {"Accept": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"})
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        try:
            return answer.status, answer.headers, json.loads(text)
        except ValueError:
            return answer.status, answer.headers, None
    finally:
        connection.close()


class Tools:
    """Where the programs are, and the load generator's core."""

    def __init__(self, root, build, place, core):
        self.root = Path(root)
        self.build = Path(build)
        self.peers = self.root / "build" / "bench-peers"
        self.place = Path(place)
        self.core = core
        self.count = 0

    def directory(self, name):
        self.count += 1
        path = self.place / f"{self.count:03}-{name}"
        path.mkdir(mode=0o755)
        return path

    def missing(self, peers):
        """Everything that the bench would need and that is not there."""
        wanted = [self.build / each for each in ("slipway", "slipway_bench_load", "slipway_bench_fill")]
        if peers:
            wanted += [POSTGRES_BIN / "postgres", self.peers / "installed"]
            wanted += [self.peers / "node" / "node_modules" / each for each in
                       ("bullmq", "fastify", "pg-boss", "graphile-worker")]
            wanted += [self.peers / "python" / "bin" / each for each in ("gunicorn", "celery")]
        absent = [str(each) for each in wanted if not each.exists()]
        absent += [each for each in (["node"] if peers else []) + ["redis-server"] if shutil.which(each) is None]
        return absent

    def load(self, *words, timeout=900):
        text = run([self.build / "slipway_bench_load", "--core", self.core, *words], timeout=timeout)
        return json.loads(text)

    def http(self, port, seconds, warm_up, *words):
        return self.load("http", "--port", port, "--seconds", seconds, "--warm-up", warm_up, *words)


class Service:
    """Several processes that stand and fall together."""

    def __init__(self, tools):
        self.tools = tools
        self.stack = ExitStack()
        self.environment = dict(os.environ, LC_ALL="C.UTF-8", NODE_ENV="production")

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def process(self, words, name, **more):
        return self.stack.enter_context(Process(words, self.directory, name, **more))

    def use(self, service):
        return self.stack.enter_context(service)


class Redis(Service):
    """Every write on disk before it is answered."""

    def start(self):
        self.directory = self.tools.directory("redis")
        self.port = free_port()
        server = self.process(
            ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.directory, "--save", "",
             "--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no"], "redis")
        server.wait_for(self.answers, "no PONG")

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as client:
                client.sendall(b"PING\r\n")
                return client.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


class Postgres(Service):
    """As its package sets it up, but with memory and connections for the load; fsync and synchronous_commit are on."""

    def start(self):
        self.directory = self.tools.directory("postgres")
        self.port = free_port()
        # It refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else None
        data = self.directory / "data"
        if user:
            shutil.chown(self.directory, user)
        run([POSTGRES_BIN / "initdb", "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8"], user=user,
            cwd=self.directory)
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.directory,
                    "max_connections": 200, "shared_buffers": "512MB", "max_wal_size": "4GB",
                    "fsync": "on", "synchronous_commit": "on"}
        words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        server = self.process([POSTGRES_BIN / "postgres", "-D", data, *words], "postgres", user=user,
                              cwd=self.directory)
        server.wait_for(lambda: accepts(self.port), "does not listen")
        wait_until(lambda: self.try_sql("create database bench"), "no database could be made", between=0.1)
        # A fast shutdown: connections are not waited for.
        self.stack.callback(server.stop, signal.SIGINT)

    def sql(self, text, database="bench"):
        return run(["psql", "-h", "127.0.0.1", "-p", self.port, "-U", "bench", "-d", database, "-X", "-At", "-c", text,
                    "-v", "ON_ERROR_STOP=1"]).strip()

    def try_sql(self, text):
        try:
            self.sql(text, "postgres")
            return True
        except BenchError:
            return False


class NodePeer(Service):
    """One of bench/peers/node: `verb` is what it is started to do."""

    def __init__(self, tools, script, redis=False, postgres=False):
        super().__init__(tools)
        self.script = script
        self.wants_redis = redis
        self.wants_postgres = postgres

    def start(self):
        self.directory = self.tools.directory(self.script)
        # Beside the packages that they import.
        self.source = self.tools.peers / "node" / "src"
        self.source.mkdir(exist_ok=True)
        for each in (self.tools.root / "bench" / "peers" / "node").glob("*.mjs"):
            shutil.copy(each, self.source)
        self.port = free_port()
        self.environment["PORT"] = str(self.port)
        if self.wants_redis:
            self.environment["REDIS_PORT"] = str(self.use(Redis(self.tools)).port)
        if self.wants_postgres:
            self.environment["PGPORT"] = str(self.use(Postgres(self.tools)).port)

    def words(self, *more):
        return ["node", self.source / f"{self.script}.mjs", *more]

    def serve(self):
        self.process(self.words("serve"), "serve", env=self.environment).wait_for_line("ready")
        return self

    def accept_words(self):
        return ["--method", "POST", "--path", "/jobs", "--body", JOB, "--expect", "202"]

    def look_words(self, place, count):
        """Makes jobs to look at, and answers how."""
        locations = self.directory / place
        self.tools.http(self.port, 60, 0, *self.accept_words(), "--requests", count, "--save-locations", locations)
        return ["--paths", locations]

    def drain(self, count):
        """Seconds in which so many jobs that waited were done."""
        run(self.words("fill", count), env=self.environment)
        worker = self.process(self.words("drain", count), "drain", env=self.environment)
        return json.loads(worker.wait_for_line("{", seconds=600))["seconds"]


class FlaskPeer(Service):
    """gunicorn with Flask, Celery on Redis, rows in PostgreSQL."""

    def start(self):
        self.directory = self.tools.directory("flask")
        self.port = free_port()
        self.database = self.use(Postgres(self.tools))
        self.database.sql("create table jobs (id bigint generated always as identity primary key, plan text not null, "
                          "billing_code text not null, state text not null)")
        self.environment["REDIS_PORT"] = str(self.use(Redis(self.tools)).port)
        self.environment["PGPORT"] = str(self.database.port)
        self.environment["PYTHONDONTWRITEBYTECODE"] = "1"
        self.bin = self.tools.peers / "python" / "bin"
        self.source = self.tools.root / "bench" / "peers" / "python"

    def serve(self):
        server = self.process([self.bin / "gunicorn", "-w", 2, "-k", "gthread", "--threads", 32, "--keep-alive", 60,
                               "--log-level", "warning", "-b", f"127.0.0.1:{self.port}", "web:flask"], "gunicorn",
                              env=self.environment, cwd=self.source)
        server.wait_for(lambda: accepts(self.port), "does not listen")
        return self

    accept_words = NodePeer.accept_words
    look_words = NodePeer.look_words

    def drain(self, count):
        run([self.bin / "python", "fill.py", count], env=self.environment, cwd=self.source)
        worker = self.process([self.bin / "celery", "-A", "tasks", "worker", "--concurrency", 4, "--without-gossip",
                               "--without-mingle", "--without-heartbeat", "-l", "WARNING"], "celery",
                              env=self.environment, cwd=self.source)
        # Counted from the first that is seen to be done: what Python takes to start is not its rate.
        def done():
            return int(self.database.sql("select count(*) from jobs where state = 'ready'"))

        first = worker.wait_for(done, "nothing is done", between=0.05)
        began = time.monotonic()
        worker.wait_for(lambda: done() >= count, "not all is done", seconds=600, between=0.05)
        return (time.monotonic() - began) * count / max(count - first, 1)


class Slipway(Service):
    """The broker. `concurrency` 0 leaves what is asked for queued, as the peers' queues do without a worker."""

    def __init__(self, tools, provider="dummy", concurrency=0, state=None, extra="", wait="0ms"):
        super().__init__(tools)
        self.provider = provider
        self.concurrency = concurrency
        self.given_state = state
        self.extra = extra
        self.wait = wait

    def start(self):
        self.directory = self.tools.directory("slipway")
        self.state = self.given_state or self.directory / "state"
        self.port = free_port()
        config = self.directory / "slipway.toml"
        config.write_text(
            f'[server]\nwait_limit = "{self.wait}"\naccess_log = false\n[log]\nlevel = "warning"\n'
            f"[broker]\nquota = 10000000\n[dummy]\nconcurrency = {self.concurrency}\n{self.extra}")
        self.server = self.process(
            [self.tools.build / "slipway", "serve", "--state-dir", self.state, "--config", config, "--provider",
             self.provider, "--listen", f"127.0.0.1:{self.port}"], "slipway", env=self.environment)
        self.server.wait_for_line("listening on", seconds=600)
        self.server.wait_for(lambda: ask(self.port, "GET", "/readyz")[0] == 200, "is not ready", between=0.002)
        self.start_seconds = time.monotonic() - self.server.started_at
        self.key = (self.state / "admin.key").read_text().strip()

    def serve(self):
        return self

    @property
    def auth(self):
        return ["--header", f"Authorization: Bearer {self.key}"]

    def accept_words(self):
        """By its own API; by the Redis API (whose requests do not wait here) where that cannot make anything yet."""
        if not hasattr(self, "native"):
            body = '{"engine":"redis","plan":"small","billing_code":"bench"}'
            self.native = ask(self.port, "POST", "/api/v1/resources", body, self.key)[0] in (201, 202)
        if self.native:
            return ["--method", "POST", "--path", "/api/v1/resources", "--expect", "202,201", *self.auth, "--body",
                    '{"engine":"redis","plan":"small","billing_code":"bench"}']
        return ["--method", "POST", "--path", "/v1/redis/instance", "--body", JOB, "--expect", "202"]

    def look_words(self, place, count):
        locations = self.directory / place
        self.tools.http(self.port, 60, 0, *self.accept_words(), "--requests", count)
        operations = self.walk_operations(count)
        locations.write_text("".join(f"/api/v1/operations/{each['id']}\n" for each in operations))
        return ["--paths", locations, *self.auth]

    def get(self, path):
        status, _, body = ask(self.port, "GET", path, key=self.key)
        if status != 200:
            raise BenchError(f"GET {path} was answered {status}: {body}")
        return body

    def walk_operations(self, at_most, every=1):
        """Of every page the operations at these distances."""
        found, after = [], ""
        while True:
            page = self.get(f"/api/v1/operations?limit=1000&after={after}")
            found += page["operations"][::every]
            after = page["next"]
            if after is None or len(found) >= at_most:
                return found

    def memory_mb(self):
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{self.server.pid}/status").read_text().splitlines()
                      if ":" in line)
        return {name: int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon", "VmHWM")}

    def fill(self, count, *words):
        fill_state(self.tools, self.state, count, *words)

    def remove_resources(self, kind=None):
        """Engines outlive their broker. What is placed on a server is removed before it."""
        chosen = f"&kind={kind}" if kind else ""
        while left := self.get(f"/api/v1/resources?limit=1000{chosen}")["resources"]:
            for each in left:
                ask(self.port, "DELETE", f"/api/v1/resources/{each['id']}", key=self.key)
            self.wait_until_idle(300)

    def wait_until_idle(self, seconds=600):
        path = "/api/v1/operations?open=true&limit=1"
        self.server.wait_for(lambda: not self.get(path)["operations"], "operations stay open", seconds, between=0.01)


def fill_state(tools, state, count, *words):
    return json.loads(run([tools.build / "slipway_bench_fill", "--state-dir", state, "--count", count, *words],
                          timeout=3600))
