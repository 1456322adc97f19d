"""Virtual machines of the image "tiny": POST to a login that works, beside what QEMU takes for the same image; and what
others notice while ten are made at once."""
import json
import os
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .databases import figures_of
from .processes import BenchError, Process, free_port, run, wait_until
from .services import ENGINE_PORTS, Slipway, ask

ROUNDS = 5  # machines, one after the other
AT_ONCE = 10
HASH = "$6$benchbench$" + "x" * 86  # nobody logs in by it
REDIS = 20  # creates before and after
# Of RFC 2544; the default subnet may be another installation's on this host.
CONFIG = """
[machines]
subnet = "198.19.255.0/24"
[[plan]]
kind = "machine"
engine = "vm"
name = "tiny"
parameters = {image = "tiny"}
[[plan]]
kind = "machine"
engine = "container"
name = "tiny"
parameters = {image = "tiny"}
[ec2]
engine = "ENGINE"
plan = "tiny"
[[plan]]
engine = "redis"
name = "small"
"""
# Of a container that is started by hand.
LXC_GATEWAY, LXC_ADDRESS, LXC_MAC = "198.19.254.1", "198.19.254.2", "52:54:00:19:fe:02"
LXC_CONFIG = """lxc.uts.name = bench
lxc.rootfs.path = dir:{root}
lxc.net.0.type = phys
lxc.net.0.link = {device}
lxc.net.0.name = eth0
lxc.net.0.flags = up
lxc.net.0.ipv4.address = {address}/24
lxc.net.0.ipv4.gateway = {gateway}
lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed
lxc.autodev = 1
lxc.tty.max = 0
lxc.apparmor.profile = unconfined
"""
# What a volume tells a machine of this image (docs/images.md); the address is that of QEMU's own network.
TOLD = ("INSTANCE='bench-{number}'\nHOSTNAME='bench'\nLOGIN='bench'\nHASH='{hash}'\nADDRESS='10.0.2.15/24'\n"
        "GATEWAY='10.0.2.2'\n")
LOGIN = json.dumps({"username": "bench", "password": "bench of machines"})


def banner(host, port, patience=1):
    """Whether an SSH server greets there, within so many seconds."""
    try:
        with socket.create_connection((host, port), timeout=patience) as connection:
            connection.settimeout(1)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def missing():
    """What these benches need beyond the others'."""
    absent = [each for each in ("qemu-system-x86_64", "qemu-img", "genisoimage", "libvirtd")
              if shutil.which(each, path=os.environ["PATH"] + ":/usr/sbin") is None]
    return absent + ([] if os.geteuid() == 0 else ["the right to make networks (root)"])


class Yard:
    """A broker that makes machines; their image is there before."""

    def __init__(self, tools, engine="vm", config=CONFIG):
        self.engine = engine
        if absent := missing():
            raise BenchError("missing for machines: " + ", ".join(absent))
        self.tools = tools
        self.server = Slipway(tools, provider="local", extra=config.replace("ENGINE", engine) + ENGINE_PORTS, wait="300s")

    def __enter__(self):
        # Beside the state that the server will find.
        self.server.given_state = self.tools.directory("machines") / "state"
        build_image(self.tools, self.server.given_state)
        self.server.__enter__()
        try:
            wait_until(self._offered, "no machine can be made", 60, 0.1)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *more):
        try:
            self.server.remove_resources()
        finally:
            self.server.__exit__(*more)

    def _offered(self):
        plans = self.server.get("/api/v1/plans?kind=machine")["plans"]
        return any(each["engine"] == self.engine and each["available"] for each in plans)

    def create(self, _=None):
        """The address of a new machine, once its login works, and the seconds until then."""
        begin = time.monotonic()
        status, _, answer = ask(self.server.port, "POST", "/create", LOGIN, timeout=300)
        if status != 200 or answer["status"] != "SUCCESS":
            raise BenchError(f"a machine was answered {status}: {answer}")
        seconds = time.monotonic() - begin
        if not banner(answer["ip"], 22):
            raise BenchError(f"the machine at {answer['ip']} does not greet")
        return answer["ip"], seconds

    def remove(self, address):
        status, _, answer = ask(self.server.port, "GET", f"/delete/{address}")
        if status != 200:
            raise BenchError(f"the deletion of {address} was answered {status}: {answer}")

    def redis(self):
        """The seconds of one create of a Redis; it is removed again."""
        body = '{"engine":"redis","plan":"small","billing_code":"bench","wait_seconds":60}'
        begin = time.monotonic()
        status, _, answer = ask(self.server.port, "POST", "/api/v1/resources", body, self.server.key)
        seconds = time.monotonic() - begin
        if status != 201:
            raise BenchError(f"a Redis was answered {status}: {answer}")
        ask(self.server.port, "DELETE", f"/api/v1/resources/{answer['resource']['id']}", key=self.server.key)
        return seconds


def build_image(tools, state):
    """Built once; the others get a copy."""
    first = tools.place / "image"
    if not first.exists():
        run([tools.build / "slipway", "images", "build", "tiny", "--state-dir", first])
    state.mkdir(mode=0o700)
    shutil.copytree(first / "images", state / "images", symlinks=True)
    return state / "images" / "tiny"


def by_broker(tools, _, engine="vm"):
    seconds = []
    with Yard(tools, engine) as yard:
        for _ in range(ROUNDS):
            address, took = yard.create()
            seconds.append(took)
            yard.remove(address)
    return figures_of(seconds)


def by_qemu(tools, _):
    """The same image, memory and processor, by the fastest way that QEMU itself has: its start to SSH's greeting."""
    seconds = []
    directory = tools.directory("qemu")
    image = build_image(tools, directory / "state").resolve()
    facts = json.loads((image / "image.json").read_text(encoding="utf-8"))
    for number in range(ROUNDS):
        disk, port = directory / f"{number}.qcow2", free_port()
        (directory / "machine").write_text(TOLD.format(number=number, hash=HASH), encoding="ascii")
        volume = directory / f"{number}.iso"
        run(["genisoimage", "-quiet", "-V", "cidata", "-J", "-R", "-o", volume, directory / "machine"])
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image / facts["disk"]["file"], disk, "256M"])
        words = ["qemu-system-x86_64", "-accel", accelerator(), "-machine", "q35", "-m", "128", "-nodefaults",
                 "-no-user-config", "-display", "none", "-kernel", image / facts["kernel"]["file"], "-initrd",
                 image / facts["initrd"]["file"], "-append", facts["cmdline"], "-drive",
                 f"file={disk},if=virtio,format=qcow2", "-drive", f"file={volume},if=virtio,format=raw,readonly=on", "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:22",
                 "-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci", "-serial",
                 f"file:{directory}/console"]
        with Process(words, directory, f"qemu-{number}") as guest:
            begin = guest.started_at
            guest.wait_for(lambda port=port: banner("127.0.0.1", port), "does not greet", 120, between=0.01)
            seconds.append(time.monotonic() - begin)
    return figures_of(seconds)


def container_by_broker(tools, sizes):
    return by_broker(tools, sizes, "container")


def container_by_lxc(tools, _):
    """The same files, unpacked before, by liblxc's own program: its start to SSH's greeting."""
    if shutil.which("lxc-start") is None:
        raise BenchError("missing for containers: lxc-start (apt-get install --no-install-recommends lxc)")
    seconds = []
    directory = tools.directory("lxc")
    image = build_image(tools, directory / "state").resolve()
    root, near, far = directory / "bench" / "rootfs", f"slwb{os.getpid() % 10**8}", f"slwc{os.getpid() % 10**8}"
    for number in range(ROUNDS):
        shutil.rmtree(root, ignore_errors=True)
        (root / "run/slipway").mkdir(parents=True)
        run(["tar", "--extract", "--file", image / "rootfs.tar", "--directory", root, "--numeric-owner"])
        (root / "run/slipway/machine").write_text(TOLD.format(number=number, hash=HASH), encoding="ascii")
        config = directory / "config"
        config.write_text(LXC_CONFIG.format(root=root, device=far, address=LXC_ADDRESS, gateway=LXC_GATEWAY), encoding="ascii")
        run(["ip", "link", "add", near, "type", "veth", "peer", "name", far, "address", LXC_MAC])
        try:
            run(["ip", "address", "add", f"{LXC_GATEWAY}/24", "dev", near])
            run(["ip", "link", "set", "dev", near, "up"])
            # Else the kernel asks for its MAC too early, and again only a second later.
            run(["ip", "neigh", "replace", LXC_ADDRESS, "lladdr", LXC_MAC, "dev", near, "nud", "permanent"])
            words = ["lxc-start", "--foreground", "--name", "bench", "--lxcpath", directory, "--rcfile", config]
            with Process(words, directory, f"lxc-{number}") as container:
                begin = container.started_at
                container.wait_for(lambda: banner(LXC_ADDRESS, 22, 0.02), "does not greet", 60, between=0.002)
                seconds.append(time.monotonic() - begin)
                run(["lxc-stop", "--kill", "--name", "bench", "--lxcpath", directory])
        finally:
            subprocess.run(["ip", "link", "delete", "dev", near], check=False, stderr=subprocess.DEVNULL)
    return figures_of(seconds)


def accelerator():
    """As the broker finds it: a guest that resets itself at once shows whether KVM runs any."""
    if not Path("/dev/kvm").exists():
        return "tcg"
    sector = b"\xb0\xfe\xe6\x64\xf4".ljust(510, b"\0") + b"\x55\xaa"
    with subprocess.Popen(["qemu-system-x86_64", "-accel", "kvm", "-nodefaults", "-display", "none", "-no-reboot",
                           "-drive", "file=/dev/stdin,if=floppy,format=raw,readonly=on"], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as probe:
        try:
            probe.communicate(sector, timeout=3)
            return "kvm" if probe.returncode == 0 else "tcg"
        except (subprocess.TimeoutExpired, BrokenPipeError):
            probe.kill()
            return "tcg"


def ten_at_once(tools, _):
    """Redis creates while ten machines are made, beside those right before and right after."""
    with Yard(tools) as yard, ThreadPoolExecutor(AT_ONCE) as owners:
        yard.redis()
        alone = [yard.redis() for _ in range(REDIS)]
        made = [owners.submit(yard.create) for _ in range(AT_ONCE)]
        beside = []
        while not all(each.done() for each in made):
            beside.append(yard.redis())
        seconds = [each.result()[1] for each in made]
        alone += [yard.redis() for _ in range(REDIS)]
    found, idle = figures_of(beside), figures_of(alone)
    return {"times": found["p50_ms"] / idle["p50_ms"], "alone_p50_ms": idle["p50_ms"], "p50_ms": found["p50_ms"],
            "p99_ms": found["p99_ms"], "first_s": min(seconds), "last_s": max(seconds)}
