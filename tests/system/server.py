"""The real server as a child process, and the clients that talk to it and to the engines it makes."""
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "lib"))
import machine  # noqa: E402  (the path is set just above)


class Unreachable(Exception):
    """The server did not answer: it is down, or died before it could."""


def wait_until(condition, seconds, step=0.02):
    """Asks again and again, at most for so long; answers the first true answer, or the last one."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(step)


def free_port():
    """Below those that engines and connections are given: one of them could have it a moment later."""
    while True:
        port = random.randrange(10_000, 20_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Server:
    """Starts and kills one server on one state directory. Only one thread may do so."""

    def __init__(self, binary, state_dir, log_path, config=None, more=()):
        self.binary = os.path.abspath(binary)
        self.state_dir = os.path.realpath(state_dir)
        self.log_path = log_path
        self.config = config
        self.more = list(more)  # arguments
        self.port = free_port()
        self.child = None
        self.up = threading.Event()
        self.starts = 0

    def start(self, wait=True):
        command = [self.binary, "serve", "--state-dir", self.state_dir, "--listen", f"127.0.0.1:{self.port}"]
        if self.config:
            command += ["--config", self.config]
        command += self.more
        self.starts += 1
        log = open(self.log_path, "ab")
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        log.close()
        if wait and not wait_until(self.answers, 20):
            raise RuntimeError(f"the server is not listening after 20 s (exit status {self.child.poll()})")
        if wait:
            self.up.set()

    def answers(self):
        if self.child.poll() is not None:
            raise RuntimeError(f"the server ended with status {self.child.returncode} while it started")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def helpers(self):
        return [each for each in machine.processes_of(self.state_dir) if each.is_helper()]

    def kill(self):
        self.up.clear()
        if self.child is not None:
            self.child.kill()
            self.child.wait()

    def terminate(self):
        """SIGTERM; answers the exit status, or None where it did not end within 20 s."""
        self.up.clear()
        self.child.terminate()
        try:
            return self.child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            return None

    def admin_key(self):
        with open(os.path.join(self.state_dir, "admin.key"), encoding="ascii") as file:
            return file.read().strip()

    def request(self, method, path, body=None, headers=None, timeout=40):
        """(status, headers, parsed body); Unreachable where no whole answer came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, path, payload, headers or {})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text else None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()

    def listing(self, path, field):
        """Every item of a paged listing of the native face, as the administrator."""
        headers = {"Authorization": self.admin_key()}
        items, cursor = [], ""
        while True:
            separator = "&" if "?" in path else "?"
            more = f"{separator}limit=1000" + (f"&after={urllib.parse.quote(cursor)}" if cursor else "")
            status, _, body = self.request("GET", path + more, headers=headers)
            if status != 200:
                raise RuntimeError(f"GET {path} answered {status}: {body}")
            items += body[field]
            cursor = body.get("next") or ""
            if not cursor:
                return items


    def delete(self, resource_id):
        """Deletes whatever it is, as the administrator; (status, body)."""
        path = "/api/v1/resources/" + urllib.parse.quote(resource_id)
        status, _, body = self.request("DELETE", path, headers={"Authorization": self.admin_key()})
        return status, body


def ask_until_answered(server, ledger, patience, method, path, body, headers):
    """(status, body), once the request is answered by something other than "try later"; (0, why) where it never is."""
    end = time.monotonic() + patience
    while True:
        server.up.wait(5)
        ledger.count_request()
        try:
            status, _, answer = server.request(method, path, body, headers())
            if status not in (429, 503):
                return status, answer
            why = f"{status} {answer}"
        except (Unreachable, OSError) as error:  # OSError: the key's file is not there yet
            why = str(error)
        if time.monotonic() > end:
            return 0, why
        time.sleep(0.02)


class Url:
    """A redis:// URL, or host:port of a memcached, taken apart."""

    def __init__(self, text):
        self.text = text
        self.of_redis = "://" in text
        parts = urllib.parse.urlsplit(text if self.of_redis else f"memcached://{text}")
        self.user = parts.username or ""
        self.password = parts.password or ""
        self.host = parts.hostname
        self.port = parts.port
        self.name = self.host.split(".")[0]

    def command(self, *words, timeout=2):
        """Sends one command after AUTH, as a client would; answers the reply, or raises OSError."""
        with socket.create_connection((self.host, self.port), timeout=timeout) as connection:
            stream = connection.makefile("rwb")
            if self.password:
                _send(stream, "AUTH", self.user or "default", self.password)
                if _receive(stream) != "OK":
                    raise OSError("AUTH was refused")
            _send(stream, *words)
            return _receive(stream)

    def _version(self, timeout=2):
        with socket.create_connection((self.host, self.port), timeout=timeout) as connection:
            stream = connection.makefile("rwb")
            stream.write(b"version\r\n")
            stream.flush()
            return stream.readline().decode()

    def answers(self, seconds, moot=lambda: False):
        """Whether PING is answered by PONG (of a memcached: version by its version) within the time; a refused or
        broken connection is tried again, unless it does not matter any more."""

        def ping():
            try:
                return self.command("PING") == "PONG" if self.of_redis else self._version().startswith("VERSION ")
            except (OSError, ValueError):
                return False

        return wait_until(lambda: ping() or moot(), seconds, 0.05) and not moot()

    def is_refused(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return False
        except OSError:
            return True


def _send(stream, *words):
    encoded = [word.encode() for word in words]
    stream.write(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded))
    stream.flush()


def _receive(stream):
    line = stream.readline().decode().rstrip("\r\n")
    if not line:
        raise OSError("the connection was closed")
    kind, rest = line[0], line[1:]
    if kind == "$":
        return None if rest == "-1" else stream.read(int(rest) + 2)[:-2].decode()
    if kind in "+:":
        return rest
    raise ValueError(line)


def secret_in(secrets, data):
    """The places where one of the secrets stands in the bytes."""
    return [place for place in (data.find(secret.encode()) for secret in secrets) if place >= 0]


def files_with_secrets(secrets, places, but):
    """The files at or below these places, but those of the name `but`, in which one of the secrets stands: one grep,
    because there may be thousands of both. They come to it on its standard input, where nobody sees them."""
    words = ["grep", "--recursive", "--text", "--files-with-matches", "--no-messages", "--fixed-strings", "--file=-",
             f"--exclude={but}", "--", *places]
    found = subprocess.run(words, input="\n".join(secrets).encode(), capture_output=True, check=False)
    # 2: a file was gone before it was read, as engines' temporary ones are.
    if found.returncode > 2 or found.stderr:
        raise RuntimeError(f"grep ended with {found.returncode}: {found.stderr.decode(errors='replace')}")
    return found.stdout.decode(errors="replace").splitlines()
