"""Clients that behave: they repeat a create with the same Idempotency-Key until it is answered, and so on."""
import random
import threading
import time

from server import Url, ask_until_answered

MOST_ALIVE = 24  # engines at once
PATIENCE = 90  # seconds until a request that is never answered counts as lost


class Clients:
    def __init__(self, server, ledger, seed, count):
        self.server = server
        self.ledger = ledger
        self.stopping = threading.Event()
        self.errors = []
        self.threads = [threading.Thread(target=self._run, args=(random.Random(f"{seed}/{number}"), number), daemon=True)
                        for number in range(count)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        """No new intents; those that were begun are carried through."""
        self.stopping.set()
        end = time.monotonic() + PATIENCE + 60
        for thread in self.threads:
            thread.join(max(0.1, end - time.monotonic()))
            if thread.is_alive():
                self.errors.append(f"{thread.name} did not finish")

    def _run(self, rng, number):
        try:
            turn = 0
            while not self.stopping.is_set():
                turn += 1
                self._one(rng, f"crash-{number}-{turn}-{rng.getrandbits(48):012x}")
        except Exception as error:  # a fault of the harness or an answer that no contract allows: both must show
            self.errors.append(f"client {number}: {type(error).__name__}: {error}")

    def _one(self, rng, key):
        choice = rng.random()
        alive = len(self.ledger.in_state("asked", "made", "deleting"))
        if choice < 0.45 and alive < MOST_ALIVE:
            self._create(self.ledger.ask(key, rng.choice(["small", "small", "medium"]),
                                          rng.choice(["redis", "redis", "memcached"])))
        elif choice < 0.75 or alive >= MOST_ALIVE:
            promise = self.ledger.take_for_deletion(rng)
            if promise:
                self._delete(promise)
        else:
            promise = self.ledger.pick(rng)
            if promise:
                self._read(promise)
        self.stopping.wait(rng.random() * 0.05)

    def _ask(self, method, path, body=None, headers=None):
        return ask_until_answered(self.server, self.ledger, PATIENCE, method, path, body, lambda: headers)

    def _create(self, promise):
        body = {"plan": promise.plan, "billingcode": "crash"}
        end = time.monotonic() + PATIENCE
        while True:
            status, answer = self._ask("POST", f"/v1/{promise.engine}/instance", body, {"Idempotency-Key": promise.key})
            if status == 200 and answer.get(promise.variable):
                url = Url(answer[promise.variable])
                self.ledger.made(promise, url)
                # Another client may delete it at once: then nobody may rely on it any more.
                if not url.answers(20, lambda: promise.state != "made") and promise.state == "made":
                    self.ledger.lose(f"{url.name}: its URL was answered but does not answer PING")
                return
            if status == 502:
                self.ledger.refused(promise, str(answer))
                return
            if status != 202 or time.monotonic() > end:
                self.ledger.lose(f"create {promise.key} was answered {status} {answer}")
                self.ledger.refused(promise, str(answer))
                return

    def _delete(self, promise):
        status, answer = self._ask("DELETE", f"/v1/{promise.engine}/instance/{promise.name}")
        # 404: an earlier try was accepted, and its answer lost.
        if status not in (200, 404):
            self.ledger.lose(f"delete of {promise.name} was answered {status} {answer}")
        self.ledger.deleted(promise)

    def _read(self, promise):
        status, answer = self._ask("GET", f"/v1/{promise.engine}/url/{promise.name}")
        if promise.state != "made":  # somebody deleted it meanwhile
            return
        if status != 200 or Url(answer[promise.variable] or "none:0").name != promise.name:
            self.ledger.lose(f"{promise.name}: reading its URL was answered {status} {type(answer).__name__}")
