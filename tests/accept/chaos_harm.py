"""What is done to a running stack, by a seed: roles killed and stopped, the NATS leader killed,
PostgreSQL restarted. Whoever is ended is started again by the stack itself.
"""

import collections
import json
import os
import random
import re
import signal
import threading
import time
import urllib.request

KILL_EVERY = 5
STOP_EVERY = 60
STOPPED_FOR = 20


class Stack:
    """The state file of a running stack, read anew each time: whoever was restarted has a new pid."""

    def __init__(self, path):
        self.path = path

    def read(self):
        with open(self.path, encoding="utf-8") as file:
            return json.load(file)

    def roles(self):
        return sorted(self.read()["roles"])

    def role(self, name):
        return self.read()["roles"][name]

    def nats(self):
        return self.read().get("nats", [])

    def postgres(self):
        return self.read().get("postgres") or {}


def is_ours(entry):
    """Whether the pid still is the process that the state file means."""
    try:
        with open(f"/proc/{entry['pid']}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return False
    program = os.path.basename(entry["argv"][0]).encode()
    return os.path.basename(words[0]).split(b":")[0] == program


def send(entry, which):
    """Sends a signal; says whether there was somebody to take it."""
    if not entry or not entry.get("pid") or not is_ours(entry):
        return False
    try:
        os.kill(entry["pid"], which)
    except ProcessLookupError:
        return False
    return True


def monitor(entry):
    """The address of a NATS server's monitoring, from the entry, its arguments or its file."""
    if entry.get("monitor"):
        given = str(entry["monitor"])
        return given if given.startswith("http") else f"http://127.0.0.1:{given}"
    argv = entry["argv"]
    for flag in ("-m", "--http_port"):
        if flag in argv:
            return f"http://127.0.0.1:{argv[argv.index(flag) + 1]}"
    for flag in ("-c", "--config"):
        if flag in argv:
            with open(argv[argv.index(flag) + 1], encoding="utf-8") as file:
                found = re.search(r'^\s*http(?:_port)?\s*[:=]?\s*"?(?:[\w.]+:)?(\d+)', file.read(), re.M)
            if found:
                return f"http://127.0.0.1:{found.group(1)}"
    return None


def leader(servers):
    """The server that leads the log's stream; the only one when there is one."""
    if len(servers) == 1:
        return servers[0]
    names, leads = {}, None
    for entry in servers:
        address = monitor(entry)
        if address is None:
            continue
        try:
            with urllib.request.urlopen(f"{address}/jsz?accounts=1&streams=1", timeout=2) as answer:
                found = json.load(answer)
            with urllib.request.urlopen(f"{address}/varz", timeout=2) as answer:
                names[json.load(answer)["server_name"]] = entry
        except OSError:
            continue
        for account in found.get("account_details", []):
            for stream in account.get("stream_detail", []):
                if stream["name"].startswith("TP_EVT"):
                    leads = stream.get("cluster", {}).get("leader") or leads
    return names.get(leads)


class Harm(threading.Thread):
    """Does it all until the time is over; counts what was really done."""

    def __init__(self, stack, seconds, seed):
        super().__init__(daemon=True)
        self.stack, self.seconds = stack, seconds
        self.random = random.Random(seed)
        self.done = collections.Counter()
        self.stopped = None

    def plan(self):
        """(second, what) of everything, in order."""
        plan = [(at, "kill") for at in range(KILL_EVERY, self.seconds, KILL_EVERY)]
        first = min(STOP_EVERY // 2, self.seconds // 4)
        for at in range(first, self.seconds, STOP_EVERY):
            plan += [(at, "stop"), (at + min(STOPPED_FOR, self.seconds // 3), "continue")]
        plan += [(self.seconds // 3, "leader"), (2 * self.seconds // 3, "leader")]
        plan += [(self.seconds // 2, "postgres")]
        return sorted(plan)

    def expected(self):
        """How often each is done at least, for a run that is worth anything."""
        planned = collections.Counter(what for _, what in self.plan())
        return {
            "kill": planned["kill"] * 3 // 4,
            "stop": max(1, planned["stop"] * 3 // 4),
            "leader": 2 if self.stack.nats() else 0,
            "postgres": 1 if self.stack.postgres() else 0,
        }

    def run(self):
        began = time.monotonic()
        for at, what in self.plan():
            time.sleep(max(0, began + at - time.monotonic()))
            try:
                getattr(self, "do_" + what)()
            except (OSError, ValueError, KeyError) as error:
                print(f"{what}: {error}", flush=True)
        self.do_continue()

    def tried(self, what, send_it, tries=20):
        """Whoever is just being restarted is there a moment later."""
        for _ in range(tries):
            if send_it():
                self.done[what] += 1
                return
            time.sleep(0.1)

    def do_kill(self):
        name = self.random.choice(self.stack.roles())
        self.tried("kill", lambda: send(self.stack.role(name), signal.SIGKILL))
        self.done[f"kill {name}"] += 1

    def do_stop(self):
        name = self.random.choice(self.stack.roles())

        def stop():
            entry = self.stack.role(name)
            self.stopped = entry if send(entry, signal.SIGSTOP) else None
            return self.stopped is not None

        self.tried("stop", stop)

    def do_continue(self):
        # Killed meanwhile: then there is nobody to wake.
        if self.stopped is not None:
            send(self.stopped, signal.SIGCONT)
            self.stopped = None

    def do_leader(self):
        self.tried("leader", lambda: send(leader(self.stack.nats()), signal.SIGKILL), tries=100)

    def do_postgres(self):
        # A fast shutdown; whoever is connected is thrown out.
        self.tried("postgres", lambda: send(self.stack.postgres(), signal.SIGINT))
