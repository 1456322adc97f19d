"""What the clients were promised: every create that was asked for, and what became of it. Thread-safe."""
import threading
from dataclasses import dataclass

from server import Url


@dataclass
class Promise:
    key: str  # the Idempotency-Key of its create
    plan: str
    engine: str = "redis"  # or memcached
    state: str = "asked"  # asked -> made -> deleting -> deleted; or refused
    url: Url = None
    engine_pid: int = 0  # of its engine, once seen; cleared where we killed it on purpose
    answer: str = ""

    @property
    def variable(self):
        """What its URL is called in an answer."""
        return self.engine.upper() + "_URL"

    @property
    def name(self):
        return self.url.name if self.url else ""


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.promises = []
        self.requests = 0
        self.lost = []  # accepted, and not there
        self.doubled = []  # there more than once, or given to two
        self.left = []  # there, and nobody's

    def lose(self, text):
        with self.lock:
            self.lost.append(text)

    def ask(self, key, plan, engine):
        promise = Promise(key, plan, engine)
        with self.lock:
            self.promises.append(promise)
        return promise

    def made(self, promise, url):
        with self.lock:
            for other in self.promises:
                if other is promise or other.url is None:
                    continue
                if other.name == url.name:
                    self.doubled.append(f"{url.name} was given to {other.key} and to {promise.key}")
                elif other.state == "made" and other.url.port == url.port:
                    self.doubled.append(f"port {url.port} was given to {other.name} and to {url.name}")
            promise.url = url
            promise.state = "made"

    def refused(self, promise, answer):
        with self.lock:
            promise.state = "refused"
            promise.answer = answer

    def take_for_deletion(self, random):
        """A made one, which from now on nobody may rely on; None where there is none."""
        with self.lock:
            made = [promise for promise in self.promises if promise.state == "made"]
            if not made:
                return None
            chosen = random.choice(made)
            chosen.state = "deleting"
            return chosen

    def deleted(self, promise):
        with self.lock:
            promise.state = "deleted"

    def pick(self, random):
        made = self.in_state("made")
        return random.choice(made) if made else None

    def in_state(self, *states):
        with self.lock:
            return [promise for promise in self.promises if promise.state in states]

    def count_request(self):
        with self.lock:
            self.requests += 1

    def passwords(self):
        with self.lock:
            return sorted({promise.url.password for promise in self.promises if promise.url and promise.url.password})

    def faults(self):
        return len(self.lost) + len(self.doubled) + len(self.left)
