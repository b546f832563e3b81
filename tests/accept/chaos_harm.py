"""What is done to a running stack, by a seed: roles killed and stopped, the NATS leader killed,
PostgreSQL restarted. Whoever is ended is started again by the stack itself.
"""

import collections
import json
import os
import random
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

    def processes(self):
        return self.read()["processes"]

    def nats(self):
        return self.read()["nats"]

    def roles(self):
        others = {it["name"] for it in self.nats()} | {"postgres"}
        return sorted(set(self.processes()) - others)

    def send(self, name, which):
        """Sends a signal to a process of the stack; gives its pid, or nothing when it is not there."""
        state = self.read()
        pid = state["processes"].get(name, {}).get("pid")
        if not pid or parent(pid) != state["supervisor"]:
            return None
        try:
            os.kill(pid, which)
        except ProcessLookupError:
            return None
        return pid


def parent(pid):
    """Whose child a process is; nobody's when it has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            state, parent_pid = file.read().rsplit(")", 1)[1].split()[:2]
    except OSError:
        return None
    return None if state == "Z" else int(parent_pid)


def leader(servers):
    """The name of the server that leads the log's stream; the only one when there is one."""
    if len(servers) == 1:
        return servers[0]["name"]
    for server in servers:
        try:
            address = f"{server['monitor']}/jsz?accounts=1&streams=1"
            with urllib.request.urlopen(address, timeout=2) as answer:
                accounts = json.load(answer).get("account_details", [])
        except OSError:
            continue
        for stream in (it for account in accounts for it in account.get("stream_detail", [])):
            leads = stream.get("cluster", {}).get("leader")
            if stream["name"].startswith("TP_EVT") and leads:
                return leads
    return None


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
            "leader": 2,
            "postgres": 1,
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
        self.tried("kill", lambda: self.stack.send(name, signal.SIGKILL))

    def do_stop(self):
        name = self.random.choice(self.stack.roles())

        def stop():
            self.stopped = self.stack.send(name, signal.SIGSTOP)
            return self.stopped

        self.tried("stop", stop)

    def do_continue(self):
        # Killed meanwhile: then there is nobody to wake.
        if self.stopped is not None and parent(self.stopped) == self.stack.read()["supervisor"]:
            os.kill(self.stopped, signal.SIGCONT)
        self.stopped = None

    def do_leader(self):
        self.tried("leader", lambda: self.stack.send(leader(self.stack.nats()), signal.SIGKILL), tries=100)

    def do_postgres(self):
        # A fast shutdown; whoever is connected is thrown out.
        self.tried("postgres", lambda: self.stack.send("postgres", signal.SIGINT), tries=100)
