"""What is measured. A case has contenders; each is run once a round, in a state of its own, and answers figures."""
import shutil
import time
from dataclasses import dataclass, field

from . import databases, hung, machines, warm
from .processes import BenchError, free_port
from .services import ENGINE_PORTS, FlaskPeer, NodePeer, Slipway, fill_state


@dataclass
class Contender:
    name: str
    run: object  # (tools, sizes) -> {figure: number}
    role: str = "peer"  # "ours", "peer" or "limit"


@dataclass
class Case:
    name: str
    title: str
    main: str  # the figure by which contenders are compared
    more_is_better: bool
    goal: float
    goal_text: str
    contenders: list
    limit_words: str = ""  # what a limit's figure is called, where the goal is a multiple of it
    notes: list = field(default_factory=list)


@dataclass
class Sizes:
    """How much is done; --quick does less."""

    seconds: float = 10
    warm_up: float = 3
    operations: int = 40000
    slow_operations: int = 10000  # of peers below a few thousand a second
    pongs: int = 30
    databases: int = 200  # on one server
    growth: tuple = (1000, 10000, 100000, 1000000)
    growth_seconds: float = 5
    goal_rate: int = 30000


QUICK = Sizes(seconds=3, warm_up=1, operations=8000, slow_operations=2000, pongs=5, databases=10, growth=(1000, 10000),
              growth_seconds=2)


def http_figures(answer):
    latency = answer["latency_us"]
    return {
        "per_second": answer["per_second"],
        "p50_ms": latency["p50"] / 1000,
        "p99_ms": latency["p99"] / 1000,
        "p999_ms": latency["p999"] / 1000,
        "generator_cpu": answer["generator_cpu"],
    }


# ---- durable accept ----


def accept(service):
    def run(tools, sizes):
        with service(tools) as server:
            server.serve()
            return http_figures(tools.http(server.port, sizes.seconds, sizes.warm_up, *server.accept_words()))

    return run


def accept_at_rate(tools, sizes):
    """Latency from when a request was due, at a rate of three quarters of what was just found to be possible."""
    with Slipway(tools) as server:
        words = server.accept_words()
        most = tools.http(server.port, sizes.seconds / 2, sizes.warm_up, *words)["per_second"]
        rate = min(sizes.goal_rate, 0.75 * most)
        answer = tools.http(server.port, sizes.seconds, sizes.warm_up, *words, "--rate", rate)
        return dict(http_figures(answer), rate=rate, overdue=answer["overdue"])


def accept_and_run(tools, sizes):
    """With the engine at work: what is accepted is run to its end meanwhile."""
    with Slipway(tools, concurrency=64) as server:
        answer = tools.http(server.port, sizes.seconds, sizes.warm_up, *server.accept_words())
        return http_figures(answer)


def make_accept():
    return Case(
        "accept", "Durable accept: POST to 202, 64 connections", "per_second", True, 30000,
        "30,000/s, p99 < 10 ms",
        [
            Contender("Slipway", accept(Slipway), "ours"),
            Contender("Fastify + BullMQ, Redis appendfsync=always",
                      accept(lambda tools: NodePeer(tools, "bullmq", redis=True))),
            Contender("Fastify + pg-boss, PostgreSQL", accept(lambda tools: NodePeer(tools, "pgboss", postgres=True))),
            Contender("Flask + Celery + PostgreSQL", accept(FlaskPeer)),
            Contender("Slipway, engine running too", accept_and_run, "variant"),
            Contender("Slipway, open loop at a rate", accept_at_rate, "variant"),
        ],
        notes=[
            "Every contender has the job on disk before it answers. Nothing works on the jobs, except where it says so.",
            "Closed loop: 64 callers, each of whom waits for its answer; the latencies are theirs. The open loop sends "
            "by the clock, at 3/4 of the throughput found just before (at most the goal), and counts from when a "
            "request was due.",
        ])


# ---- operations ----


def drain_slipway(tools, sizes):
    place = tools.directory("operations")
    state = place / "state"
    try:
        with Slipway(tools, state=state):
            pass  # made and stopped again: the keys are there
        fill_state(tools, state, sizes.operations, "--queued", "--fast")
        with Slipway(tools, concurrency=256, state=state) as server:
            server.wait_until_idle()
            seconds = time.monotonic() - server.server.started_at
            ended = server.get("/api/v1/operations?state=succeeded&limit=1")["operations"]
            if not ended:
                raise BenchError("no operation succeeded")
            return {"per_second": sizes.operations / seconds}
    finally:
        shutil.rmtree(place, ignore_errors=True)


def drain_peer(make, slow):
    def run(tools, sizes):
        count = sizes.slow_operations if slow else sizes.operations
        with make(tools) as peer:
            return {"per_second": count / peer.drain(count)}

    return run


def make_operations():
    return Case(
        "operations", "Operations run to the end, every change durable", "per_second", True, 20000, "20,000/s",
        [
            Contender("Slipway", drain_slipway, "ours"),
            Contender("BullMQ, Redis appendfsync=always",
                      drain_peer(lambda tools: NodePeer(tools, "bullmq", redis=True), False)),
            Contender("graphile-worker, PostgreSQL",
                      drain_peer(lambda tools: NodePeer(tools, "graphile", postgres=True), False)),
            Contender("pg-boss, PostgreSQL, by batches of 64",
                      drain_peer(lambda tools: NodePeer(tools, "pgboss", postgres=True), False)),
            Contender("Celery + PostgreSQL", drain_peer(FlaskPeer, True)),
        ],
        notes=[
            "All wait in the queue before the worker starts. Slipway's time is from the start of its process (so its "
            "start and recovery are in it) to the end of the last; BullMQ's, graphile-worker's and pg-boss's from the "
            "start of the worker inside its process, Celery's from the first job that was done.",
            "Slipway: a lease and a record for each, with events. BullMQ: active and completed. Celery: running and "
            "ready. graphile-worker: locked and removed. pg-boss: active and completed, 64 to a statement.",
        ])


# ---- Redis ----


def fork_pong(tools, sizes):
    place = tools.directory("fork")
    return pong_figures(tools.load("fork-pong", "--dir", place, "--port", free_port(), "--count", sizes.pongs))


def pong_figures(answer):
    latency = answer["latency_us"]
    return {"p50_ms": latency["p50"] / 1000, "p99_ms": latency["p99"] / 1000, "max_ms": latency["max"] / 1000}


def broker_pong(pooled):
    def run(tools, sizes):
        extra = f"[pool]\nsmall = {pooled}\n{ENGINE_PORTS}"
        with Slipway(tools, provider="local", extra=extra, wait="60s") as server:
            words = ["--port", server.port, "--count", sizes.pongs, "--body",
                     '{"plan":"small","billingcode":"bench"}']
            if pooled:
                words += ["--pooled", pooled, "--key-file", server.state / "admin.key"]
            figures = pong_figures(tools.load("broker-pong", *words))
            remove_all(server)
            return figures

    return run


def remove_all(server):
    """Engines outlive their broker: nothing may be left behind."""
    # A pool would be filled again: only what is there when the server is told to stop can be removed. So it is
    # asked for in two steps: without a pool the same state directory is started once more.
    state = server.state
    server.stack.close()
    with Slipway(server.tools, provider="local", state=state,
                 extra=ENGINE_PORTS) as last:
        last.remove_resources()


def make_redis():
    return Case(
        "redis", "Redis: POST to the first PONG", "p50_ms", False, 1.5, "cold at most 1.5 x the fork; pool at most 3 ms",
        [
            Contender("redis-server, fork to PONG", fork_pong, "limit"),
            Contender("Slipway, cold", broker_pong(0), "ours"),
            Contender("Slipway, from a pool of 3", broker_pong(3), "variant"),
        ],
        notes=["Each is asked for after the one before is gone; the pool is full again before each. The limit's server "
               "has an append-only file and a password, as Slipway's have."])


# ---- databases ----


def make_databases():
    return Case(
        "databases", "A database on a shared PostgreSQL: POST to the first login", "p50_ms", False, 1.2,
        "at most 1.2 x what the server itself takes",
        [
            Contender("CREATE ROLE, CREATE DATABASE, grants, login", databases.bare, "limit"),
            Contender("Slipway", databases.by_broker, "ours"),
            Contender("Slipway, from a pool", databases.from_pool, "variant"),
            Contender("a login alone", databases.login, "variant"),
        ],
        limit_words="the server's own",
        notes=["From a pool: asked for by the HarbourMaster API with the names of a cluster, polled until it is ready; "
               "a login of the client is in it as in the others.",
               "One after the other, 200 on one server that Slipway made (it has one database before). The limit is "
               "asked of the same kind of server by its master user, over a connection of its own each time. "
               "The JSON beside this has `last_20_p50_ms`: of the last twenty, when the server has about 200."])


def make_crowd():
    return Case(
        "crowd", "The same, 16 at once", "p50_ms", False, 1.2, "at most 1.2 x what the server itself takes",
        [
            Contender("CREATE ROLE, CREATE DATABASE, grants, login",
                      databases.crowd(lambda shop, number: shop.bare(number)), "limit"),
            Contender("Slipway", databases.crowd(lambda shop, number: shop.create_and_log_in()), "ours"),
        ],
        limit_words="the server's own",
        notes=["200 on one server, by 16 callers of whom each waits for its own."])


def make_hung():
    troubles = [
        ("one hung", lambda act: hung.beside(hung.Hung, act)),
        ("a MariaDB hung", lambda act: hung.beside(hung.Hung, act, "mysql")),
        ("one killed every five seconds", lambda act: hung.beside(hung.Killed, act)),
        ("one's disk full", hung.beside_full),
        ("nothing wrong", lambda act: hung.beside(None, act)),
    ]
    acts = [("creates", hung.creates), ("polls", hung.polls)]
    return Case(
        "hung", "Beside a database server in trouble", "times", False, 2.0,
        "the others' p99 at most twice that while all is well",
        [Contender(f"{what} on another server, {name}", run(act), "limit" if name == "nothing wrong" else "ours")
         for what, act in acts for name, run in troubles],
        notes=["All processes of the one server are stopped (SIGSTOP), or it is killed every five seconds, while a "
               "database on it is to be deleted; or its disk is full, and each five seconds a database is asked for on it. "
               "Creates: POST to the first login; polls: GET of a database on the other server, one after the other.",
               "The figure is their p99 meanwhile, divided by the mean of those right before and right after, on the "
               "same servers. With nothing wrong it says what this machine does by itself."])


# ---- machines ----


def make_machines():
    return Case(
        "machines", "A virtual machine of the image tiny: POST /create to a login that works", "p50_ms", False, 1.5,
        "near what QEMU takes by itself",
        [
            Contender("QEMU, its start to SSH's greeting", machines.by_qemu, "limit"),
            Contender("Slipway", machines.by_broker, "ours"),
        ],
        limit_words="QEMU's own",
        notes=["One after the other, 1 processor, 128 MiB. The limit is started by hand "
               "with the same volume, in QEMU's own network, and nobody logs in."])


def make_warm_machines():
    return Case(
        "warm-machines", "A virtual machine of the image tiny, restored from a saved state: POST /create to a login that "
        "works", "p50_ms", False, 1.5, "near what QEMU takes by itself",
        [
            Contender("QEMU, the restore of such a state to SSH's greeting", warm.by_qemu, "limit"),
            Contender("Slipway, booting it (warm = false)", machines.by_broker),
            Contender("Slipway", warm.by_broker, "ours"),
        ],
        limit_words="QEMU's own",
        notes=["One after the other, 1 processor, 128 MiB, of a plan with warm = true, once its template is there. The limit "
               "is started by hand from a state that was saved at the same point of the same guest, in QEMU's own network; "
               "its disk and its volume are there before, and nobody logs in."])


def make_containers():
    return Case(
        "containers", "A container of the image tiny: POST /create to a login that works", "p50_ms", False, 1.5,
        "near what liblxc takes by itself",
        [
            Contender("liblxc, its start to SSH's greeting", machines.container_by_lxc, "limit"),
            Contender("Slipway", machines.container_by_broker, "ours"),
        ],
        limit_words="liblxc's own",
        notes=["One after the other, 1 processor, 128 MiB. The limit has the image's files unpacked before, in a directory "
               "and as root, no disk of its own, no limits, and nobody logs in: Slipway's has all that."])


def make_ten_machines():
    return Case(
        "ten-machines", "Redis creates while ten machines are made at once", "times", False, 3.0,
        "Redis creates take at most three times what they take alone",
        [Contender("Redis: POST to ready", machines.ten_at_once, "ours")],
        notes=["Ten POST /create at once, two boots at a time; meanwhile one Redis after the other is made and removed. The "
               "figure is the median meanwhile divided by that of the twenty right before and the twenty right after."])


# ---- polls ----


def polls(make, jobs=2000):
    def run(tools, sizes):
        with make(tools) as server:
            server.serve()
            words = server.look_words("paths", jobs) if jobs else ["--path", "/jobs/1"]
            return http_figures(tools.http(server.port, sizes.seconds, sizes.warm_up, *words))

    return run


def make_polls():
    return Case(
        "polls", "Status polls: GET of one of 2,000 operations, 64 connections", "per_second", True, 60000, "60,000/s",
        [
            Contender("Fastify, a constant", polls(lambda tools: ConstantPeer(tools, "constant"), 0), "limit"),
            Contender("Slipway", polls(Slipway), "ours"),
            Contender("Fastify + BullMQ", polls(lambda tools: NodePeer(tools, "bullmq", redis=True))),
            Contender("Fastify + pg-boss", polls(lambda tools: NodePeer(tools, "pgboss", postgres=True))),
            Contender("Flask + PostgreSQL", polls(FlaskPeer)),
        ],
        notes=["Slipway's carry a key, which is looked up for each, and are answered from the store."])


class ConstantPeer(NodePeer):
    """Nothing behind it."""


CASES = {"accept": make_accept, "operations": make_operations, "redis": make_redis, "databases": make_databases,
         "crowd": make_crowd, "hung": make_hung, "machines": make_machines, "warm-machines": make_warm_machines,
         "containers": make_containers, "ten-machines": make_ten_machines, "polls": make_polls}
