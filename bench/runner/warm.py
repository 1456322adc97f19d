"""Virtual machines that are restored from a saved state, beside what QEMU takes to restore the same guest by itself."""
import json
import socket
import time

from .databases import figures_of
from .machines import CONFIG, HASH, ROUNDS, TOLD, Yard, accelerator, banner, build_image
from .processes import BenchError, Process, free_port, run, wait_until

WARM = CONFIG.replace('{image = "tiny"}', '{image = "tiny", warm = true}', 1)
ARGUMENTS = "slipway.warm random.trust_cpu=off random.trust_bootloader=off"
WAITS = b"slipway: waiting to be told who it is"
VOLUME = 1 << 20  # bytes, as the guest saw it before its state was saved


def by_broker(tools, _):
    """Once there is a template, which is made beside the first machine or before it."""
    seconds = []
    with Yard(tools, config=WARM) as yard:
        instances = yard.server.given_state / "instances"
        wait_until(lambda: list(instances.glob("warm-*/frozen.state")), "no template was made", 120, 0.1)
        for _ in range(ROUNDS):
            address, took = yard.create()
            seconds.append(took)
            yard.remove(address)
    return figures_of(seconds)


class Monitor:
    """QEMU's own protocol, over its socket."""

    def __init__(self, path):
        self.connection = socket.socket(socket.AF_UNIX)
        # Its name is there a moment before somebody listens.
        wait_until(lambda: self.connection.connect_ex(str(path)) == 0, "QEMU has no monitor", 20, 0.001)
        self.lines = self.connection.makefile("rb")
        self.lines.readline()  # its greeting
        self.ask("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.connection.close()

    def ask(self, command, file=None, **arguments):
        message = json.dumps({"execute": command, "arguments": arguments}).encode()
        if file is None:
            self.connection.sendall(message)
        else:
            socket.send_fds(self.connection, [message], [file.fileno()])
        while True:
            answer = json.loads(self.lines.readline() or b'{"error": "it hung up"}')
            if "error" in answer:
                raise BenchError(f"QEMU refused {command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]


class Bare:
    """QEMU by hand, with files of its own in a directory."""

    def __init__(self, tools):
        self.directory = tools.directory("qemu")
        self.image = build_image(tools, self.directory / "state").resolve()
        self.facts = json.loads((self.image / "image.json").read_text(encoding="utf-8"))
        self.accelerator = accelerator()

    def words(self, name, port, more=()):
        at, facts = self.directory / name, self.facts
        return ["qemu-system-x86_64", "-accel", self.accelerator, "-machine", "q35", "-m", "128", "-nodefaults",
                "-no-user-config", "-display", "none", "-kernel", self.image / facts["kernel"]["file"], "-initrd",
                self.image / facts["initrd"]["file"], "-append", f"{facts['cmdline']} {ARGUMENTS}", "-drive",
                f"file={at}.qcow2,if=virtio,format=qcow2", "-drive", f"file={at}.iso,if=virtio,format=raw,readonly=on",
                "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:22", "-device", "virtio-net-pci,netdev=net",
                "-device", "virtio-rng-pci", "-serial", f"file:{at}.console", "-qmp", f"unix:{at}.qmp,server,wait=off",
                *more]

    def save(self):
        """A guest that waits to be told who it is, saved to the file `saved` with its disk beside it."""
        at = self.directory / "template"
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", self.image / self.facts["disk"]["file"],
             f"{at}.qcow2", "256M"])
        (self.directory / "template.iso").write_bytes(b"\0" * VOLUME)
        console = self.directory / "template.console"
        with Process(self.words("template", free_port()), self.directory, "qemu-template") as guest:
            guest.wait_for(lambda: console.exists() and WAITS in console.read_bytes(), "does not wait", 120)
            with open(self.directory / "saved", "wb") as state, Monitor(f"{at}.qmp") as monitor:
                monitor.ask("stop")
                monitor.ask("getfd", file=state, fdname="state")
                monitor.ask("migrate", uri="fd:state")
                wait_until(lambda: monitor.ask("query-migrate")["status"] == "completed", "its state was not saved")

    def restore(self, number):
        """The seconds from its start to SSH's greeting."""
        at, port = self.directory / str(number), free_port()
        (self.directory / "machine").write_text(TOLD.format(number=number, hash=HASH), encoding="ascii")
        run(["genisoimage", "-quiet", "-V", "cidata", "-J", "-R", "-o", f"{at}.iso", self.directory / "machine"])
        with open(f"{at}.iso", "ab") as volume:
            volume.truncate(VOLUME)
        run(["cp", self.directory / "template.qcow2", f"{at}.qcow2"])
        with Process(self.words(str(number), port, ["-incoming", "defer"]), self.directory, f"qemu-{number}") as guest:
            begin = guest.started_at
            with open(self.directory / "saved", "rb") as state, Monitor(f"{at}.qmp") as monitor:
                monitor.ask("getfd", file=state, fdname="state")
                monitor.ask("migrate-incoming", uri="fd:state")
                wait_until(lambda: monitor.ask("query-status")["status"] != "inmigrate", "was not restored", 60, 0.001)
                monitor.ask("cont")
                guest.wait_for(lambda: banner("127.0.0.1", port), "does not greet", 120, between=0.01)
            return time.monotonic() - begin


def by_qemu(tools, _):
    bare = Bare(tools)
    bare.save()
    return figures_of([bare.restore(number) for number in range(ROUNDS)])
