"""Programs that a bench starts, and stops again by their process ids whatever happens."""
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path


class BenchError(Exception):
    """The bench cannot go on; the text says why."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def wait_until(condition, what, seconds=60, between=0.01):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(between)
    raise BenchError(f"waited {seconds} s in vain: {what}")


def run(words, env=None, user=None, timeout=900, cwd=None):
    """Runs a program to its end and answers its output; anything but success fails the bench."""
    done = subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=env,
        timeout=timeout,
        cwd=cwd,
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
    )
    if done.returncode != 0:
        raise BenchError(f"{Path(words[0]).name} ended with {done.returncode}: {done.stderr.strip()[-800:]}")
    return done.stdout


class Process:
    """A program in a session of its own. `with` stops it."""

    def __init__(self, words, directory, name, env=None, user=None, cwd=None):
        self.name = name
        self.out = Path(directory) / f"{name}.out"
        self.log = Path(directory) / f"{name}.log"
        with open(self.out, "wb") as out, open(self.log, "wb") as log:
            self.started_at = time.monotonic()
            self.child = subprocess.Popen(
                [str(word) for word in words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env=env,
                cwd=cwd,
                start_new_session=True,
                user=user,
                group=None if user is None else pwd.getpwnam(user).pw_gid,
                extra_groups=None if user is None else [],
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        return self.child.pid

    def check_alive(self):
        if self.child.poll() is not None:
            raise BenchError(f"{self.name} ended with {self.child.returncode}: {self.tail()}")

    def tail(self):
        text = self.log.read_text(errors="replace") or self.out.read_text(errors="replace")
        return text.strip()[-800:]

    def wait_for(self, condition, what, seconds=60, between=0.01):
        def alive():
            # Asked first: what ends after its last word has still said it.
            ended = self.child.poll() is not None
            found = condition()
            if ended and not found:
                self.check_alive()
            return found

        return wait_until(alive, f"{self.name}: {what}", seconds, between)

    def wait_for_line(self, text, seconds=60):
        """The first line of its standard output that begins like this, without waiting between looks for long."""

        def found():
            for line in self.out.read_text(errors="replace").splitlines(keepends=True):
                if line.startswith(text) and line.endswith("\n"):
                    return line.strip()
            return None

        return self.wait_for(found, f"no line {text!r}", seconds, between=0.002)

    def stop(self, gracefully=signal.SIGTERM, seconds=20):
        if self.child.poll() is None:
            self.child.send_signal(gracefully)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        # What is left of the session that we made for it: its own children, by its own id.
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait(10)


def stop_on_signals():
    """SIGTERM and SIGHUP end the bench like an exception, so that everything is stopped on the way out."""

    def end(number, _frame):
        print(f"scripts/bench: ended by {signal.Signals(number).name}; nothing is written", file=sys.stderr)
        raise SystemExit(128 + number)

    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, end)
