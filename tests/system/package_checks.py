"""Installs, serves, upgrades, removes and purges the Debian package in a root directory."""
import os
import re
import shutil
import subprocess

from chroot import Failed, expect, http_request, processes, wait_until

STATE = "/var/lib/slipway"
INSTANCES = "/var/lib/slipway-instances"
CONFIG = "/etc/slipway/slipway.toml"
PORT = 3000
EXPOSURE = 2.5  # of 10, as systemd-analyze counts it


def unit(root, name):
    """The settings of a unit file: {key: [values]}."""
    settings = {}
    for line in root.read(f"/usr/lib/systemd/system/{name}").splitlines():
        match = re.fullmatch(r"([A-Za-z]+)=(.*)", line)
        if match:
            settings.setdefault(match[1], []).append(match[2])
    return settings


def check_units(root):
    for name in ("slipway.service", "slipway-helper.service"):
        status, said = root.run(["systemd-analyze", "verify", "--man=no", name], check=False)
        expect(status == 0 and "slipway" not in said, f"{name} is not in order:\n{said}")
    status, said = root.run(["systemd-analyze", "security", "--offline=yes", f"--threshold={int(EXPOSURE * 10)}",
                             "slipway.service"], check=False)
    expect(status == 0, f"slipway.service is exposed more than {EXPOSURE} of 10:\n{said}")


class Running:
    """The two programs as their units start them, but for what only systemd can do."""

    def __init__(self, root, ready):
        self.root = root
        helper, broker = unit(root, "slipway-helper.service"), unit(root, "slipway.service")
        run_directory = root.inside("/run/" + helper["RuntimeDirectory"][0])
        os.makedirs(run_directory, mode=int(helper["RuntimeDirectoryMode"][0], 8), exist_ok=True)
        bounds = ",".join("+" + name.lower().removeprefix("cap_")
                          for name in helper["CapabilityBoundingSet"][0].split())
        self.helper = root.start(["setpriv", f"--bounding-set=-all,{bounds}", "--inh-caps=-all", "--no-new-privs",
                                  *helper["ExecStart"][0].split()], "/var/log/helper.log")
        user = broker["User"][0]
        self.broker = root.start(["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
                                  "--bounding-set=-all", "--no-new-privs", *broker["ExecStart"][0].split()],
                                 "/var/log/broker.log")
        try:
            wait_until(ready, 30, "a server that is ready")
        except Failed as failure:
            raise Failed(f"{failure}\n{root.read('/var/log/broker.log')}{root.read('/var/log/helper.log')}") from None

    def stop(self):
        expect(self.root.stop(self.broker) == 0, "the broker ends with 0 at SIGTERM")
        self.root.stop(self.helper)


def ready_in_plain():
    try:
        return http_request(PORT, "GET", "/readyz")[0] == 200
    except OSError:
        return False


def ready_over_https(root):
    """By a client that is not ours, which believes nobody but the certificate that is there now."""
    url = f"https://localhost:{PORT}/readyz"
    return root.run(["curl", "--silent", "--fail", "--cacert", "/etc/slipway/cert.pem", url], check=False)[0] == 0


def engines():
    return processes(lambda pid, words: os.readlink(f"/proc/{pid}/cwd").find(INSTANCES + "/") >= 0)


def ours():
    return processes(lambda pid, words: words[0] == "/usr/bin/slipway" or words[:1] == ["slipway"])


def redis(root, url, *words):
    return root.run(["redis-cli", "--no-auth-warning", "-u", url, *words])[1].strip()


def users(root):
    return {name: root.read(f"/etc/{name}") for name in ("passwd", "group", "shadow", "gshadow")}


def install(root, deb):
    shutil.copy(deb, root.inside("/tmp/slipway.deb"))
    return root.run(["dpkg", "-i", "/tmp/slipway.deb"])[1]


def check_installed(root):
    root.run(["slipway", "--version"])
    expect("the configuration is good" in root.run(["slipway", "serve", "--check-config", "--config", CONFIG])[1],
           "the configuration that comes with the package is good")
    # Every setting in it is one: with all the comments' marks taken away it is a good configuration as well.
    plain = re.sub(r"^# (?=[a-z0-9_.\[]+( =|\]))", "", root.read(CONFIG), flags=re.MULTILINE)
    with open(root.inside("/tmp/all.toml"), "w", encoding="utf-8") as file:
        file.write(plain)
    expect(plain.count("\n[") >= 6, "the configuration shows its sections")
    root.run(["slipway", "serve", "--check-config", "--config", "/tmp/all.toml"])
    for path in ("/usr/share/man/man1/slipway.1.gz", "/usr/share/doc/slipway/docs/operating.md",
                 "/etc/systemd/system/multi-user.target.wants/slipway.service",
                 "/etc/systemd/system/multi-user.target.wants/slipway-helper.service"):
        # Debian's minimal roots leave manuals out.
        expect(os.path.lexists(root.inside(path)) or "/share/" in path, f"{path} is installed")
    facts = os.stat(root.inside(STATE))
    expect(facts.st_mode & 0o777 == 0o700 and facts.st_uid != 0, "the state belongs to the broker's user alone")


def provision(root):
    status, answer = http_request(PORT, "POST", "/v1/redis/instance", {"plan": "small", "billingcode": "gwp"})
    expect(status == 200, f"a Redis is made: {status} {answer}")
    url = answer["REDIS_URL"]
    expect(redis(root, url, "SET", "greeting", "still here") == "OK", "it can be written to")
    [(pid, words)] = engines()
    expect(os.stat(f"/proc/{pid}").st_uid >= 210000, f"{words} runs under a uid of its own")
    return url, pid


def issue_certificate(root):
    root.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
              "-days", "90", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
              "-keyout", "/etc/slipway/key.pem", "-out", "/etc/slipway/cert.pem"])
    root.run(["chown", "root:slipway", "/etc/slipway/key.pem"])
    root.run(["chmod", "640", "/etc/slipway/key.pem"])


def serve_https(root):
    """A certificate in the configuration, and its renewal by the unit's own reload. Answers what runs then."""
    issue_certificate(root)
    text = root.read(CONFIG).replace("# [server]\n", '[server]\ntls_cert = "/etc/slipway/cert.pem"\n'
                                     'tls_key = "/etc/slipway/key.pem"\n')
    with open(root.inside(CONFIG), "w", encoding="utf-8") as file:
        file.write(text)
    running = Running(root, lambda: ready_over_https(root))
    issue_certificate(root)
    expect(not ready_over_https(root), "the new certificate does not vouch for the old one")
    reload = unit(root, "slipway.service")["ExecReload"][0]
    command = re.fullmatch(r'/bin/sh -c "(.*)"', reload)[1].replace("$MAINPID", str(running.broker.pid))
    subprocess.run(["/bin/sh", "-c", command], check=True)
    wait_until(lambda: ready_over_https(root), 10, "a server with the new certificate")
    root.run(["slipway", "ls", "--server", f"https://localhost:{PORT}", "--ca-file", "/etc/slipway/cert.pem"])
    return running


def check(root, first, second):
    files, accounts = root.files(), users(root)
    install(root, first)
    check_installed(root)
    check_units(root)
    running = Running(root, ready_in_plain)
    url, engine = provision(root)
    running.stop()
    expect([pid for pid, _ in engines()] == [engine], "a stop of broker and helper leaves the engine")
    running = serve_https(root)
    config = root.read(CONFIG)

    said = install(root, second)
    expect("runs on until it is restarted" in said, f"an upgrade without systemd says what to do:\n{said}")
    running.stop()
    running = Running(root, lambda: ready_over_https(root))
    expect(root.read(CONFIG) == config, "the administrator's configuration survives an upgrade")
    expect(redis(root, url, "GET", "greeting") == "still here", "and so does the data")
    expect([pid for pid, _ in engines()] == [engine], "in the same process")

    root.run(["dpkg", "-r", "slipway"])
    expect(not ours(), f"removal stops the broker and its helper: {ours()}")
    expect(running.broker.wait(10) == 0, "in good order")
    expect(redis(root, url, "GET", "greeting") == "still here", "and leaves the engines alone")
    expect(os.path.exists(root.inside(CONFIG)), "removal leaves the configuration")

    install(root, second)
    Running(root, lambda: ready_over_https(root))
    expect([pid for pid, _ in engines()] == [engine], "a new installation finds what the former left")
    root.run(["dpkg", "-P", "slipway"])
    expect(not ours() and not engines(), f"purging ends everything: {ours()} {engines()}")
    left = root.files()
    # The test's own: purging leaves what the administrator has put beside the configuration.
    for name in ("/etc/slipway/key.pem", "/etc/slipway/cert.pem", "/etc/slipway"):
        expect(left.pop(name, None), f"{name} is the administrator's and stays")
    shutil.rmtree(root.inside("/etc/slipway"))
    expect(users(root) == accounts, "purging takes the user away")
    changed = sorted(path for path in files.keys() | left.keys() if files.get(path) != left.get(path))
    expect(not changed, f"purging leaves nothing behind: {changed}")
