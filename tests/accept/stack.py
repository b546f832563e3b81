"""A running stack (`cargo xtask stack up`), as the acceptance of the services handles it.

Python 3.8, standard library. Judges from outside: command line, ports, the git remote, the log's
export.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROLES = ["cd-manager", "releaser", "approval-ledger", "changelog", "runner", "forge"]


class Failed(Exception):
    """What should have happened and did not."""


def until(what, seconds, look):
    """Asks until the answer is true; gives it."""
    end = time.time() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.time() > end:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.1)


class Stack:
    """One stack, started here and ended here."""

    def __init__(self, place, xtask, towpath, *more):
        self.dir = os.path.join(place, "stack")
        self.towpath = towpath
        os.makedirs(self.dir, exist_ok=True)
        self.out = os.path.join(place, "stack.out")
        command = [xtask, "stack", "up", "--dir", self.dir, "--towpath", towpath, *more]
        with open(self.out, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

        def ready():
            if self.process.poll() is not None:
                raise Failed("the stack ended:\n" + self.said())
            return "\nready: " in "\n" + self.said()

        until("the stack is ready", 120, ready)

    def said(self):
        with open(self.out, encoding="utf-8") as file:
            return file.read()

    @property
    def state(self):
        with open(os.path.join(self.dir, "stack.json"), encoding="utf-8") as file:
            return json.load(file)

    def down(self):
        """Asks it to end, and makes sure of it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed("the stack did not end when it was asked to") from None

    def environment(self, user="cd-manager"):
        """What a command needs to reach the stores itself."""
        state = self.state
        roles = {f"TOWPATH_ROLES_{role.upper().replace('-', '_')}": url for role, url in state["roles"].items()}
        return dict(
            os.environ,
            **roles,
            TOWPATH_MANIFESTS_URL=state["manifests"],
            TOWPATH_LOG_BACKEND="nats",
            TOWPATH_LOG_URL=",".join(it["url"] for it in state["nats"]),
            TOWPATH_LOG_USER=user,
            TOWPATH_LOG_PASSWORD_FILE=state["passwords"][user],
            TOWPATH_LOG_REPLICAS=str(len(state["nats"])),
            TOWPATH_READS_URL=state["postgres"],
            TOWPATH_READS_PASSWORD_FILE=state["passwords"]["postgres"],
        )

    def run(self, *arguments, user=None, role="cd-manager", token=None):
        """A command; gives exit status, output and errors."""
        state = self.state
        # An operator's commands go to the stores, all others to a server.
        command = [self.towpath] if user else [self.towpath, "--server", state["roles"][role]]
        command += ["--token-file", token or state["token_file"], "--data", state["data"]]
        command += ["--output", "json", *arguments]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=self.environment(user or "cd-manager"),
        )
        return done.returncode, done.stdout, done.stderr

    def ask(self, *arguments, **more):
        """A command that has to work; gives what it printed as JSON, the last line of it."""
        code, out, err = self.run(*arguments, **more)
        if code != 0:
            raise Failed(f"towpath {' '.join(arguments)} exited {code}: {err or out}")
        lines = out.strip().splitlines()
        if not lines:
            return None
        try:
            return json.loads(out)
        except json.JSONDecodeError:
            return json.loads(lines[-1])

    def ready(self, role):
        """Whether a role says that all of it runs; and what it says."""
        try:
            with urllib.request.urlopen(self.state["roles"][role] + "/readyz", timeout=2) as it:
                return it.status == 200, it.read().decode()
        except urllib.error.HTTPError as error:
            return False, error.read().decode()
        except OSError as error:
            return None, str(error)

    def pid(self, name):
        return self.state["processes"][name]["pid"]

    def pause(self, *names):
        """From now on these are not started again."""
        with open(self.state["pause_file"], "w", encoding="utf-8") as file:
            file.write(" ".join(names))

    def stop(self, name):
        """Ends a process, at once and for as long as it is paused."""
        self.pause(name)
        os.kill(self.pid(name), signal.SIGKILL)
        until(f"{name} is down", 10, lambda: self.pid(name) == 0)

    def go_on(self):
        """Everything is started again."""
        self.pause()
        until("everything runs", 60, lambda: all(it["pid"] for it in self.state["processes"].values()))

    def all_ready(self, seconds):
        for role in ROLES:
            until(f"{role} is ready", seconds, lambda role=role: self.ready(role)[0])

    def settled(self, deployment, seconds=60):
        """Waits until a deployment is at rest; gives it."""

        def look():
            code, out, _ = self.run("deployments", "show", deployment)
            if code != 0:
                return None
            found = json.loads(out)
            found = found.get("deployment", found)
            rest = {"SUCCESS", "FAILED", "SUPERSEDED", "ABORTED", "QUARANTINED", "ROLLED_BACK"}
            return found if found["state"] in rest else None

        return until(f"deployment {deployment} is at rest", seconds, look)

    def explain(self, subject):
        return json.dumps(self.ask("explain", subject))


def nats_request(stack, user, subject, payload=b"", server=0):
    """One request with a user's password, in NATS's own protocol; gives the answer's bytes."""
    state = stack.state
    host, port = state["nats"][server]["url"].split("//")[1].split(":")
    with open(state["passwords"][user], encoding="utf-8") as file:
        password = file.read().strip()
    connect = {"verbose": False, "pedantic": False, "user": user, "pass": password}
    inbox = f"_INBOX_{user}.accept"
    with socket.create_connection((host, int(port)), timeout=5) as wire:
        wire.settimeout(5)
        reader = wire.makefile("rb")
        reader.readline()
        hello = f"CONNECT {json.dumps(connect)}\r\nSUB {inbox} 1\r\n"
        hello += f"PUB {subject} {inbox} {len(payload)}\r\n"
        wire.sendall(hello.encode() + payload + b"\r\n")
        while True:
            line = reader.readline()
            if not line:
                raise Failed(f"NATS closed the connection on {subject}")
            if line.startswith(b"PING"):
                wire.sendall(b"PONG\r\n")
            elif line.startswith(b"-ERR"):
                raise Failed(line.decode().strip())
            elif line.startswith((b"MSG", b"HMSG")):
                size = int(line.split()[-1])
                return reader.read(size)


def copy_tree(origin, to):
    """A directory as it is, over whatever was there."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(origin, to)
