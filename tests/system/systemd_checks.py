"""Boots systemd in a root directory, as a container would, and lives with the package under it: what only systemd does
(users, mounts, capabilities and system calls of the units, readiness, reload, control groups) is seen at work here."""
import json
import os
import shutil
import signal
import subprocess

from chroot import expect, processes, wait_until

BOOT = """set -e
    root=$1
    # A unit's mounts begin with "/", which has to be one.
    mount --bind "$root" "$root"
    mount -t proc proc /proc
    mount -t proc proc "$root/proc"
    # Nothing of the machine itself may change.
    mount --bind "$root/proc/sys" "$root/proc/sys"
    mount -o remount,bind,ro "$root/proc/sys"
    # But for the network, of which this has its own.
    mount --bind /proc/sys/net "$root/proc/sys/net"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs tmpfs "$root/sys/fs" 2>/dev/null || true
    mkdir -p "$root/sys/fs/cgroup"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    mkdir "$root/dev/net"
    for node in null zero full random urandom tty net/tun; do
        touch "$root/dev/$node"
        mount --bind "/dev/$node" "$root/dev/$node"
    done
    ln -s pts/ptmx "$root/dev/ptmx"
    exec env -i container=test PATH="$PATH" chroot "$root" /lib/systemd/systemd --unit=basic.target --show-status=no
"""
OWN = ["unshare", "--mount", "--pid", "--fork", "--cgroup", "--net", "--kill-child=SIGKILL"]


class ControlGroup:
    """One below our own, for systemd to be the master of."""

    def __init__(self):
        mounted = [line.split()[1] for line in open("/proc/mounts", encoding="utf-8") if line.split()[2] == "cgroup2"]
        if mounted:
            base = mounted[0]
        else:
            base = os.path.join(os.environ["TMPDIR"], "cgroup2")
            os.makedirs(base, exist_ok=True)
            subprocess.run(["mount", "-t", "cgroup2", "cgroup2", base], check=True)
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            own = next(line.strip()[3:] for line in file if line.startswith("0::"))
        self.path = os.path.join(base, own.lstrip("/"), f"slipway-test-{os.getpid()}")
        os.mkdir(self.path)

    def remove(self):
        for directory, names, _ in os.walk(self.path, topdown=False):
            for name in names:
                os.rmdir(os.path.join(directory, name))
        os.rmdir(self.path)


class Machine:
    """A root directory with systemd as its first process."""

    def __init__(self, root):
        self.root = root
        self.group = ControlGroup()
        enter = 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"'
        boot = [*OWN, "sh", "-c", BOOT, "sh", root.path]
        self.child = subprocess.Popen(["sh", "-c", enter, "sh", self.group.path, *boot], stdin=subprocess.DEVNULL)
        self.first = wait_until(self.first_process, 20, "a first process")
        try:
            wait_until(lambda: self.run(["systemctl", "is-active", "basic.target"], False)[1].strip() == "active", 60,
                       "systemd has started")
            self.run(["ip", "link", "set", "lo", "up"])
        except BaseException:
            self.end()
            raise

    def first_process(self):
        expect(self.child.poll() is None, "systemd can be started in namespaces of its own")
        with open(f"/proc/{self.child.pid}/task/{self.child.pid}/children", encoding="ascii") as file:
            text = file.read().strip()
        return int(text) if text else None

    def run(self, command, must=True):
        """As Root.run, but inside the machine."""
        enter = ["nsenter", f"--target={self.first}", "--mount", "--pid", "--net", "--cgroup",
                 f"--root=/proc/{self.first}/root", "--wd=/"]
        done = subprocess.run([*enter, *command], env=self.root.environment(), stdin=subprocess.DEVNULL, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if must:
            expect(done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
        return done.returncode, done.stdout

    def unit(self, name, key):
        return self.run(["systemctl", "show", "--property", key, "--value", name])[1].strip()

    def log(self):
        return self.run(["journalctl", "--no-pager", "--output=cat", "--unit=slipway", "--unit=slipway-helper"])[1]

    def end(self):
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait(20)
        wait_until(self.no_process, 20, "the end of every process")
        self.group.remove()

    def no_process(self):
        with open(f"{self.group.path}/cgroup.events", encoding="ascii") as file:
            return "populated 0" in file.read()


def engines():
    return sorted(pid for pid, words in processes(lambda pid, words: words[0].startswith("redis-server 1")))


def running(machine, what):
    for name in ("slipway.service", "slipway-helper.service"):
        state = machine.unit(name, "ActiveState")
        expect(state == "active", f"{what}: {name} is {state}\n{machine.log()}")


def ready(machine):
    wait_until(lambda: machine.run(["curl", "-sf", "http://127.0.0.1:3000/readyz"], False)[0] == 0, 30, "a ready server")


def redis(machine, url, *words):
    return machine.run(["redis-cli", "--no-auth-warning", "-u", url, *words], False)[1].strip()


def guests():
    return processes(lambda pid, words: words[0].startswith("/usr/bin/qemu-system"))


def make_machine(machine, images):
    """A virtual machine, as docs/operating.md says that it is made possible."""
    root = machine.root
    place = root.inside("/var/lib/slipway/images")
    shutil.copytree(images, place, symlinks=True, dirs_exist_ok=True)
    machine.run(["chown", "-R", "slipway:slipway", "/var/lib/slipway/images"])
    machine.run(["install", "-D", "-m", "644", "/usr/share/slipway/helper-machines.conf",
                 "/etc/systemd/system/slipway-helper.service.d/machines.conf"])
    machine.run(["systemd-analyze", "verify", "--man=no", "/lib/systemd/system/slipway-helper.service"])
    machine.run(["systemctl", "daemon-reload"])
    machine.run(["systemctl", "restart", "slipway-helper", "slipway"])
    ready(machine)
    plans = ["slipway", "plans", "--json", "--state-dir", "/var/lib/slipway"]
    wait_until(lambda: any(each["engine"] == "vm" and each["available"]
                           for each in json.loads(machine.run(plans)[1])), 60, "machines can be made")
    status, made = machine.run(["curl", "-sS", "-d", '{"username":"suitepad","password":"suitepad"}',
                                "http://127.0.0.1:5000/create"], False)
    expect(status == 0 and json.loads(made)["status"] == "SUCCESS", f"a machine is made: {made}\n{machine.log()}")
    return json.loads(made)["ip"]


def greets(machine, address):
    return "SSH-2.0" in machine.run(["bash", "-c", f"exec 3<>/dev/tcp/{address}/22 && head -c 7 <&3"], False)[1]


def live(machine, images, first, second):
    root = machine.root
    for deb, name in ((first, "first"), (second, "second")):
        shutil.copy(deb, root.inside(f"/root/{name}.deb"))
    machine.run(["dpkg", "-i", "/root/first.deb"])
    running(machine, "after the installation")
    ready(machine)
    expect(machine.unit("slipway", "StatusText").startswith("listening on 127.0.0.1:3000"), "it says that it is ready")
    made = machine.run(["curl", "-sf", "-d", '{"plan":"small","billingcode":"gwp"}',
                        "http://127.0.0.1:3000/v1/redis/instance"])[1]
    url = json.loads(made)["REDIS_URL"]
    expect(redis(machine, url, "SET", "greeting", "still here") == "OK", f"the Redis can be written to: {made}")
    [engine] = engines()
    expect(os.stat(f"/proc/{engine}").st_uid >= 210000, "it runs under a uid of its own")
    with open(f"/proc/{engine}/cgroup", encoding="utf-8") as file:
        expect("slipway-helper.service" in file.read(), "and in the helper's control group")

    def untouched(what):
        expect(engines() == [engine], f"{what} leaves the engine: {engines()}\n{machine.log()}")
        expect(redis(machine, url, "GET", "greeting") == "still here", f"{what} leaves its data")

    machine.run(["systemctl", "reload", "slipway"])
    running(machine, "after a reload")
    machine.run(["systemctl", "restart", "slipway-helper", "slipway"])
    running(machine, "after a restart")
    untouched("a restart of both units")
    machine.run(["systemctl", "kill", "--signal=KILL", "--kill-whom=main", "slipway-helper", "slipway"])
    wait_until(lambda: all(machine.unit(name, "NRestarts") == "1" for name in ("slipway", "slipway-helper")), 20,
               "systemd starts what was killed")
    ready(machine)
    untouched("a kill of both programs")
    config = root.read("/etc/slipway/slipway.toml")
    machine.run(["sh", "-c", "echo 'bogus = 1' >>/etc/slipway/slipway.toml"])
    expect(machine.run(["systemctl", "restart", "slipway"], False)[0] != 0, "a wrong configuration is no start")
    expect(machine.unit("slipway", "ActiveState") == "failed", "nor is it tried again")
    with open(root.inside("/etc/slipway/slipway.toml"), "w", encoding="utf-8") as file:
        file.write(config)
    machine.run(["systemctl", "start", "slipway"])

    machine.run(["dpkg", "-i", "/root/second.deb"])
    running(machine, "after an upgrade")
    untouched("an upgrade")
    machine.run(["dpkg", "-r", "slipway"])
    untouched("removal")
    machine.run(["dpkg", "-i", "/root/second.deb"])
    running(machine, "after another installation")
    ready(machine)
    untouched("another installation")
    address = make_machine(machine, images)
    untouched("another set of rights of the helper")
    [guest] = guests()
    machine.run(["systemctl", "restart", "slipway-helper", "slipway"])
    ready(machine)
    machine.run(["dpkg", "-r", "slipway"])
    expect(guests() == [guest] and greets(machine, address), "machines outlive a restart, and removal too")
    machine.run(["dpkg", "-i", "/root/second.deb"])
    ready(machine)
    expect(address in machine.run(["curl", "-sS", "http://127.0.0.1:5000/instances"])[1], "they are found again")
    machine.run(["dpkg", "-P", "slipway"])
    expect(not engines(), "purging ends the engines, among whatever mounts they live")
    expect(not guests(), f"and the machines: {guests()}")
    expect(not machine.run(["ip", "netns"])[1], "and their network")
    expect("slw" not in machine.run(["ip", "-br", "link"])[1], "on the host's side too")
    for path in ("/var/lib/slipway", "/var/lib/slipway-instances", "/etc/slipway"):
        expect(not os.path.exists(root.inside(path)), f"purging takes {path} away")


def check(root, images, first, second):
    machine = Machine(root)
    try:
        live(machine, images, first, second)
    finally:
        machine.end()
