"""A Debian root directory to run things in, with processes that are looked at from outside."""
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import time

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What is not the package's, or changes by itself.
PASSED_OVER = ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/lib/dpkg", "/var/log", "/var/cache", "/etc/passwd-",
               "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/resolv.conf")


class Failed(Exception):
    """Something is not as it should be; the text says what."""


def expect(condition, text):
    if not condition:
        raise Failed(text)


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f"after {seconds} s still not: {what}")
        time.sleep(0.05)


def loopback_up():
    """A network namespace begins with a loopback device that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0x1 | 0x40)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS


def http_request(port, method, target, body=None, key=None):
    """(status, JSON or text) of one request to 127.0.0.1."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        connection.request(method, target, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text
    finally:
        connection.close()


class Root:
    def __init__(self, path):
        self.path = path
        self.children = []

    @classmethod
    def unpack(cls, tar, path):
        os.makedirs(path)
        subprocess.run(["tar", "--extract", "--numeric-owner", "--same-permissions", f"--file={tar}",
                        f"--directory={path}", "--exclude=./dev/*"], check=True)
        root = cls(path)
        for kind, where in (("proc", "proc"), ("tmpfs", "run"), ("tmpfs", "tmp")):
            subprocess.run(["mount", "-t", kind, kind, os.path.join(path, where)], check=True)
        subprocess.run(["mount", "--rbind", "/dev", os.path.join(path, "dev")], check=True)
        os.chmod(os.path.join(path, "tmp"), 0o1777)
        # Name servers are for those steps that install something.
        if os.path.exists("/etc/resolv.conf"):
            shutil.copy("/etc/resolv.conf", os.path.join(path, "etc/resolv.conf"))
        return root

    def inside(self, path):
        return os.path.join(self.path, path.lstrip("/"))

    def environment(self, more=None):
        usual = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
        return usual | (more or {})

    def run(self, command, env=None, check=True, limit=120):
        """Runs it to its end; answers (status, everything that it said)."""
        done = subprocess.run(["chroot", self.path, *command], env=self.environment(env), timeout=limit, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if check:
            expect(done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
        return done.returncode, done.stdout

    def start(self, command, log, env=None, before=()):
        """Starts it; `before`: words before chroot, e.g. a namespace of its own."""
        with open(self.inside(log), "ab") as out:
            child = subprocess.Popen([*before, "chroot", self.path, *command], env=self.environment(env),
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.children.append(child)
        return child

    def stop(self, child, limit=60):
        child.send_signal(signal.SIGTERM)
        return child.wait(limit)

    def read(self, path):
        with open(self.inside(path), encoding="utf-8") as file:
            return file.read()

    def files(self):
        """Every file that stays: {path: what tells it from another}."""
        found = {}
        for directory, names, files in os.walk(self.path):
            here = "/" + os.path.relpath(directory, self.path).removeprefix(".")
            here = here.replace("//", "/").rstrip("/")
            names[:] = [name for name in names if f"{here}/{name}" not in PASSED_OVER]
            for name in names + files:
                path = f"{here}/{name}"
                if path not in PASSED_OVER:
                    found[path] = describe(self.inside(path))
        return found


def describe(path):
    facts = os.lstat(path)
    told = f"{stat.filemode(facts.st_mode)} {facts.st_uid}:{facts.st_gid}"
    if stat.S_ISLNK(facts.st_mode):
        return f"{told} -> {os.readlink(path)}"
    if stat.S_ISREG(facts.st_mode):
        with open(path, "rb") as file:
            return f"{told} {hashlib.sha256(file.read()).hexdigest()}"
    return told


def processes(predicate):
    """(pid, words) of every process that `predicate(pid, words)` is true of."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().decode(errors="replace").rstrip("\0").split("\0")
            if predicate(int(pid), words):
                found.append((int(pid), words))
        except OSError:
            continue  # it has ended meanwhile
    return found
