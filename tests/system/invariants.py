"""What must hold whenever the server has come to rest, seen from outside: processes, ports, directories, uids."""
import os

from server import files_with_secrets, machine, secret_in, wait_until

LIVE = ("requested", "provisioning", "ready", "updating", "deprovisioning")
QUIET_LIMIT = 90  # seconds within which all work must have ended once nobody asks for more


def wait_for_quiet(server, ledger):
    """Waits until every operation is terminal, twice in a row, and every engine that we killed is back."""

    def open_operations():
        return server.listing("/api/v1/operations?open=true", "operations")

    def quiet():
        return not open_operations() and not wait_until(open_operations, 0.3, 0.1)

    if not wait_until(quiet, QUIET_LIMIT, 0.2):
        for each in open_operations()[:10]:
            ledger.lost.append(f"operation {each['id']} ({each['kind']}) is still {each['state']} after {QUIET_LIMIT} s")


class Inspector:
    def __init__(self, server, ledger, tenants, guests):
        self.server = server
        self.ledger = ledger
        self.tenants = tenants
        self.guests = guests
        self.before_ports = machine.listening_ports()
        self.ports_seen = set()
        self.uids_seen = set()

    def check(self):
        """All invariants of a server at rest."""
        self._check_urls()
        resources = self.server.listing("/api/v1/resources", "resources")
        # A database lives on a server: it has neither a process nor a directory of its own (databases.py). Nor has
        # a backup an instance's (backups.py). Of machines there is more to see (guests.py).
        live = {each["external_name"]: each for each in resources
                if each["state"] in LIVE and each["kind"] not in ("database", "backup", "machine")}
        machines = {each["external_name"] for each in resources if each["state"] in LIVE and each["kind"] == "machine"}
        # What was killed is brought back; a large one (a database server reads its log first) takes its time.
        ready = {name for name, each in live.items() if each["state"] == "ready"}
        wait_until(lambda: ready <= set(machine.engines_of(self.server.state_dir)), 30, 0.1)
        engines = machine.engines_of(self.server.state_dir)
        self._check_promises(live, engines)
        self._check_against_store(live, engines)
        self._check_directories(set(live) | machines)
        self.guests.check()
        self._check_ports_and_uids(engines)
        self._check_secrets()

    def _check_urls(self):
        for promise in self.ledger.in_state("made"):
            if not promise.url.answers(30):
                self.ledger.lost.append(f"{promise.name} on port {promise.url.port} does not answer")

    def _check_promises(self, live, engines):
        for promise in self.ledger.in_state("made"):
            own = engines.get(promise.name, [])
            if promise.name not in live:
                self.ledger.lost.append(f"{promise.name} was promised, but the store does not know it")
            if len(own) == 1 and promise.engine_pid not in (0, own[0].pid):
                self.ledger.lost.append(f"{promise.name}: its engine was replaced (pid {promise.engine_pid} -> "
                                        f"{own[0].pid}) though nobody killed it")
            promise.engine_pid = own[0].pid if len(own) == 1 else 0
        for promise in self.ledger.in_state("deleted"):
            if promise.name in live:
                self.ledger.left.append(f"{promise.name} was deleted, but the store lists it as {live[promise.name]['state']}")
        promised = {promise.name for promise in self.ledger.in_state("made")}
        for name, resource in live.items():
            if resource["kind"] == "cache" and not resource.get("pooled") and name not in promised:
                self.ledger.doubled.append(f"{name} is {resource['state']}, but no create was answered with it")

    def _check_against_store(self, live, engines):
        for name, resource in live.items():
            count = len(engines.get(name, []))
            if count == 0 and resource["state"] == "ready":
                self.ledger.lost.append(f"{name} is ready, but no engine runs for it")
            if count > 1:
                self.ledger.doubled.append(f"{name} has {count} engines: {[each.pid for each in engines[name]]}")
        for name in set(engines) - set(live):
            self.ledger.left.append(f"an engine runs for {name}, which the store does not know as live: {engines[name]}")

    def _check_directories(self, names):
        directories = machine.instances_of(self.server.state_dir)
        daemon = f"machines-{machine.network_of(self.server.state_dir)}"
        for name in directories - names - {daemon}:
            self.ledger.left.append(f"directory instances/{name} is nobody's")
        for name in names - directories:
            self.ledger.lost.append(f"{name} has no directory")

    def _check_ports_and_uids(self, engines):
        ports, uids = {}, {}
        for name, own in engines.items():
            for each in own:
                for port in machine.ports_of([each]):
                    if ports.setdefault(port, name) != name:
                        self.ledger.doubled.append(f"port {port} is used by {ports[port]} and {name}")
                if each.uid != os.getuid() and uids.setdefault(each.uid, name) != name:
                    self.ledger.doubled.append(f"uid {each.uid} is used by {uids[each.uid]} and {name}")
        for promise in self.ledger.in_state("made"):
            if ports.get(promise.url.port) != promise.name:
                self.ledger.lost.append(f"{promise.name}: port {promise.url.port} belongs to {ports.get(promise.url.port)}")
        self.ports_seen |= set(ports)
        self.uids_seen |= set(uids)
        for promise in self.ledger.in_state("deleted"):
            if promise.url.port not in ports and not promise.url.is_refused():
                self.ledger.left.append(f"port {promise.url.port} of the deleted {promise.name} is still open")
        # Database servers begin and end a process for each connection all the time: only what stays is left behind.
        wait_until(lambda: not self._strangers(), 10, 0.1)
        for each in self._strangers():
            self.ledger.left.append(f"process {each.pid} runs under an engine's uid {each.uid}: {each.argv}")

    def _strangers(self):
        """Processes under a uid that an engine has or had, which are no engine's now."""
        everything = machine.all_processes()
        families = machine.engine_families_of(self.server.state_dir, everything)
        known = {each.pid for own in families.values() for each in own}
        return [each for each in everything
                if each.uid in self.uids_seen and each.pid not in known and machine.alive(each)]

    def _check_secrets(self):
        secrets = self.ledger.passwords() + self.tenants.passwords() + self.guests.passwords()
        key = self.server.admin_key()
        for each in machine.processes_of(self.server.state_dir):
            if secret_in(secrets + [key], "\0".join(each.argv).encode() + each.environ):
                self.ledger.left.append(f"a secret stands in the arguments or environment of {each.program}")
        places = [self.server.log_path, self.server.state_dir]
        if not files_with_secrets([key], [self.server.state_dir], but="nothing"):
            raise RuntimeError("the search for secrets does not even find the administrator's key in its own file")
        for place in files_with_secrets(secrets + [key], places, but="admin.key"):
            self.ledger.left.append(f"a secret stands in {place}")

    def check_end(self):
        """After everything was deleted and the server was stopped: the machine is as it was."""
        status = self.server.terminate()
        if status != 0:
            self.ledger.left.append(f"SIGTERM ended the server with status {status}, not 0")
        wait_until(lambda: not machine.processes_of(self.server.state_dir), 10)
        for each in machine.processes_of(self.server.state_dir):
            self.ledger.left.append(f"process {each.pid} {each.argv} is left")
        for name in machine.instances_of(self.server.state_dir):
            self.ledger.left.append(f"directory instances/{name} is left")
        self.tenants.backups.check_end()
        self.guests.check_end()
        for port in sorted((machine.listening_ports() - self.before_ports) & (self.ports_seen | {self.server.port})):
            self.ledger.left.append(f"port {port} is left open")
