"""Follows the Containerfile's last stage in a root directory, and serves from it as a container would."""
import os
import shutil
import signal

import containerfile
from chroot import expect, http_request, processes, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
FILE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "Containerfile")
# What the first stage runs is what scripts/test runs on this machine before it comes here.
BUILT_BY = ["scripts/setup", "scripts/package"]
OWN_PROCESSES = ["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL"]


def follow(root, deb):
    """COPY and RUN, in their order; the network is there."""
    whole = containerfile.read(FILE)
    built, served = whole.stages
    ran = [text for kind, text in built.steps if kind == "RUN"]
    expect(ran == BUILT_BY, f"the first stage runs what the tests run, and not {ran}")
    expect(all(each.base == "debian:bookworm-slim" for each in whole.stages), "both stages begin with Debian 12")
    for kind, step in served.steps:
        if kind == "COPY":
            source, target = step[-2:]
            known = step[0] == f"--from={built.name}" and source == "/src/build/packages/"
            expect(known, f"the test knows how to copy {step}")
            os.makedirs(root.inside(target), exist_ok=True)
            shutil.copy(deb, root.inside(target))
        else:
            root.run(["sh", "-c", step], env=served.env, limit=300)


class Container:
    def __init__(self, root, stage, log):
        self.root = root
        self.child = root.start(["sh", "-c", 'mount -t proc proc /proc && exec "$@"', "sh",
                                 *stage.entrypoint, *stage.command], log, env=stage.env, before=OWN_PROCESSES)
        wait_until(lambda: all(map(answers, stage.ports)), 30, "a server on the ports that it exposes")

    def first_process(self):
        with open(f"/proc/{self.child.pid}/task/{self.child.pid}/children", encoding="ascii") as file:
            return int(file.read())

    def stop(self):
        """As a container engine does it: SIGTERM to the first process, and with it everything ends."""
        os.kill(self.first_process(), signal.SIGTERM)
        return self.child.wait(30)


def answers(port):
    try:
        return http_request(port, "GET", "/healthz")[0] == 200
    except OSError:
        return False


def redis(root, url, *words):
    return root.run(["redis-cli", "--no-auth-warning", "-u", url, *words], check=False)[1].strip()


def running_engines():
    return processes(lambda pid, words: words[0].startswith("redis-server"))


def check(root):
    stage = containerfile.read(FILE).last
    first = stage.ports[0]
    container = Container(root, stage, "/var/log/container.log")
    expect(stage.volumes == ["/var/lib/slipway"] and stage.volumes[0] in stage.command, "the state is in the volume")
    status, _ = http_request(first, "GET", "/v1/redis/plans")
    expect(status == 401, f"nothing is open without a key: {status}")
    root.run(["sh", "-c", stage.health], env=stage.env)
    key = root.read(f"{stage.volumes[0]}/admin.key").strip()
    status, made = http_request(first, "POST", "/v1/redis/instance", {"plan": "small", "billingcode": "gwp"}, key)
    expect(status == 200, f"a Redis is made: {status} {made}")
    url = made["REDIS_URL"]
    expect(redis(root, url, "SET", "greeting", "still here") == "OK", "it can be written to")
    engines = running_engines()
    expect(len(engines) == 1 and os.stat(f"/proc/{engines[0][0]}").st_uid >= 210000, f"a uid of its own: {engines}")
    root.run(["slipway", "ls"], env=stage.env)
    expect(container.stop() == 0, "it stops in good order:\n" + root.read("/var/log/container.log"))
    expect(not running_engines(), "with the container its engines end")
    status, _ = root.run(["sh", "-c", stage.health], env=stage.env, check=False)
    expect(status != 0, "the health check sees that nobody serves")
    container = Container(root, stage, "/var/log/container.log")
    wait_until(lambda: redis(root, url, "GET", "greeting") == "still here", 30,
               "the engine back from the volume under its URL")
    expect(container.stop() == 0, "and stops again")
