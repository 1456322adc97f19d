"""Clients that take all the time there is: each of them breaks one limit that the server promises, and has to be
ended by it. One thread for all of them."""
import heapq
import itertools
import selectors
import socket
import threading
import time

# What docs/operating.md promises, in seconds.
HEAD, BODY, WRITE, RATE = 10, 30, 30, 1024
# The server looks at its deadlines every so often, and this machine is busy meanwhile.
SLACK = 15
STEP = 1.0  # seconds between two bytes

PAGE = 30  # items of the list that is read slowly
ASKED = 150  # times: more than the kernel's buffers hold
ASK_STEP = 0.2  # lists are work: this is to be no burst of it
FLUSHED_AT = 64 * 1024  # answers wait for each other up to here


class Slow:
    """One connection. `limit`: when it must have been ended, counted from its first byte; None: not yet known."""

    kind = ""
    step = STEP

    def __init__(self, port, key, phase):
        self.key = key
        self.socket = socket.socket()
        self.prepare()
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", port))
        self.began = time.monotonic()
        self.next = self.began + self.step * phase  # not in step with each other
        self.received = b""
        self.ended = None  # how
        self.sent = 0

    def prepare(self):
        pass

    def tick(self):
        """Its turn to do a little."""

    def take(self):
        """Something has come, or the end."""
        data = self.socket.recv(65536)
        if not data:
            self.end("closed")
        self.received = (self.received + data)[:4096]

    def end(self, how):
        self.ended = how
        self.age = time.monotonic() - self.began

    def status(self):
        words = self.received[:12].split(b" ")
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0

    def outcome(self):
        return f"{self.status()}, {self.ended}" if self.status() else self.ended

    def wrong(self):
        """Why the end it came to is not the promised one; "" where it is."""
        return ""

    def limit(self):
        return HEAD


class SlowHead(Slow):
    kind = "head, a byte a second"
    text = b"GET /api/v1/resources HTTP/1.1\r\nHost: slow\r\nX-Filler: " + b"a" * 4096

    def tick(self):
        self.sent += self.socket.send(self.text[self.sent:self.sent + 1])

    def limit(self):
        return HEAD + STEP  # its first byte comes a step after it has connected

    def wrong(self):
        return "" if self.status() == 408 else "it should have been answered 408"


class SlowBody(Slow):
    kind = "body, a byte a second"

    def __init__(self, port, key, phase):
        super().__init__(port, key, phase)
        self.text = (b"POST /api/v1/resources HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\n"
                     b"Content-Length: 4096\r\nAuthorization: Bearer " + key.encode() + b"\r\n\r\n")
        self.head = len(self.text)
        self.text += b'{"engine":"redis","plan":"small","name":"' + b"a" * 4096

    def tick(self):
        self.sent += self.socket.send(self.text[self.sent:max(self.sent + 1, self.head)])

    def limit(self):
        return STEP + BODY + self.sent / RATE

    def wrong(self):
        return "" if self.status() == 408 else "it should have been answered 408"


class SlowReader(Slow):
    kind = "answer, 64 bytes a second"
    step = ASK_STEP
    most_bytes = PAGE * 1024  # of an answer

    def __init__(self, port, key, phase):
        super().__init__(port, key, phase)
        self.text = (f"GET /api/v1/resources?limit={PAGE}&include_gone=true HTTP/1.1\r\nHost: slow\r\n"
                     f"Authorization: Bearer {key}\r\n\r\n").encode()
        self.asked = 0
        self.last_read = self.began
        self.largest = 0

    def prepare(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)

    def tick(self):
        if self.asked < ASKED:
            try:
                self.socket.send(self.text)
                self.asked += 1
            except BlockingIOError:  # the server reads no more: it waits for us
                self.asked = ASKED
        if time.monotonic() - self.last_read >= STEP:
            self.last_read = time.monotonic()
            try:
                data = self.socket.recv(64)
                if not data:
                    self.end("closed")
                self.received = (self.received + data)[:4096]
            except BlockingIOError:
                pass

    def answer_bytes(self):
        head = self.received.partition(b"\r\n\r\n")[0].lower()
        _, _, rest = head.partition(b"content-length:")
        return len(head) + int(rest.split(b"\r\n")[0] or 0) if rest else 0

    def limit(self):
        return ASKED * ASK_STEP + WRITE + (FLUSHED_AT + self.answer_bytes()) / RATE

    def wrong(self):
        if self.status() != 200:
            return "its answer should have begun with 200"
        return "" if self.ended == "reset" else "it should have been cut: half an answer may not look like a whole one"


class Silent(Slow):
    kind = "nothing at all"

    def wrong(self):
        return "it was answered, but had not asked" if self.received else ""


KINDS = (SlowHead, SlowBody, SlowReader, Silent)
# Of ten: readers are few, because each makes the server write two megabytes before it notices anything.
TURNS = (SlowHead, SlowBody, Silent, SlowHead, SlowBody, Silent, SlowReader, SlowHead, SlowBody, Silent)


class SlowClients:
    """Keeps so many of them busy until it is told to begin no more; then waits for those that are left."""

    def __init__(self, port, key, count):
        self.port = port
        self.key = key
        self.count = count
        self.outcomes = {kind.kind: {} for kind in KINDS}
        self.faults = []
        self.begun = 0
        self.refill = True
        self.patience = None  # seconds; whose limit lies beyond that are not waited for
        self.selector = selectors.DefaultSelector()
        self.alive = []
        self.due = []  # a heap of (when, number, client)
        self.numbers = itertools.count()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.stopping = threading.Event()

    def start(self):
        self.thread.start()

    def finish(self, patience):
        """No new ones; those whose limit is at most `patience` seconds are waited for, and the rest hung up on."""
        self.patience = patience
        self.refill = False
        self.thread.join()

    def close(self):
        self.stopping.set()
        if self.thread.is_alive():
            self.thread.join()

    def _run(self):
        try:
            for number in range(self.count):
                self._begin(TURNS[number % len(TURNS)])
            while not self.stopping.is_set() and (self.refill or self._worth_waiting()):
                self._turn()
            for each in self.alive:
                self._count(each.kind, "not at its limit yet")
                self._close(each)
        except Exception as error:  # a fault of this harness must show
            self.faults.append(f"slow clients: {type(error).__name__}: {error}")

    def _worth_waiting(self):
        return any(each.limit() <= self.patience for each in self.alive)

    def _begin(self, kind):
        client = kind(self.port, self.key, self.begun * 0.618 % 1)
        self.begun += 1
        self.alive.append(client)
        self._come_back(client)
        # A slow reader is not told that there is something to read: it would be told all the time.
        if kind is not SlowReader:
            self.selector.register(client.socket, selectors.EVENT_READ, client)

    def _come_back(self, client):
        heapq.heappush(self.due, (client.next, next(self.numbers), client))

    def _close(self, client):
        if client.socket in self.selector.get_map():
            self.selector.unregister(client.socket)
        client.socket.close()

    def _turn(self):
        wait = self.due[0][0] - time.monotonic() if self.due else 0.1
        for key, _ in self.selector.select(min(max(wait, 0), 0.1)):
            self._let(key.data, key.data.take)
        now = time.monotonic()
        while self.due and self.due[0][0] <= now:
            client = heapq.heappop(self.due)[2]
            if client.ended is not None:
                continue
            client.next += client.step
            self._let(client, client.tick)
            if client.ended is None and now - client.began > client.limit() + SLACK:
                self.faults.append(f"slow {client.kind}: still there {now - client.began:.0f} s after it began")
                client.end("given up")
                self._ended(client)
            elif client.ended is None:
                self._come_back(client)

    def _let(self, client, act):
        try:
            act()
        except BlockingIOError:
            pass
        except (ConnectionResetError, BrokenPipeError):
            client.end("reset")
        if client.ended is not None:
            self._ended(client)

    def _ended(self, client):
        self.alive.remove(client)
        self._close(client)
        self._count(client.kind, client.outcome())
        why = client.wrong() if client.ended != "given up" else ""
        if why:
            self.faults.append(f"slow {client.kind}: {client.outcome()} after {client.age:.1f} s: {why}")
        if self.refill:
            self._begin(type(client))

    def _count(self, kind, outcome):
        self.outcomes[kind][outcome] = self.outcomes[kind].get(outcome, 0) + 1
