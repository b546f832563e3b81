#!/usr/bin/env python3
"""Reports builds to a running stack while its parts are killed, then has everything judged.

    chaos.py --state <stack.json> --towpath <binary> [--minutes 10] [--rate 20] [--seed 1]

The state file is what `cargo xtask stack up` keeps in its directory. The stack starts again whoever
ends; this only ends them. Needs Python 3.8 and git, nothing else.

Exits 0 when nothing was lost, doubled or helped by a person, and the harm was really done.
"""

import argparse
import collections
import http.client
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

# Nothing is left behind in the tree.
sys.dont_write_bytecode = True

import chaos_harm  # noqa: E402  (after the line above)
import chaos_world  # noqa: E402
import checker  # noqa: E402

REPORTERS = 48
# Answers to which CI repeats the report: lost races, unknown outcomes, no room.
AGAIN = {408, 425, 429, 500, 502, 503, 504}
AT_REST = {"SUCCESS", "SUPERSEDED", "FAILED", "ERRORED", "ABORTED", "QUARANTINED", "ROLLED_BACK"}


class Reporter(threading.Thread):
    """One of many that report builds, each again and again until it is acknowledged."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self.run_of = run

    def run(self):
        run = self.run_of
        while True:
            report = run.due.get()
            if report is None:
                return
            began = time.time()
            answer = self.until_acknowledged(report)
            with run.lock:
                if answer is None:
                    run.unanswered.append(report)
                else:
                    ids = [it["id"] for it in answer["deployments"]]
                    run.acknowledged.append(dict(report, deployment=ids[0], began=began))

    def until_acknowledged(self, report):
        run, wait = self.run_of, 0.1
        while time.monotonic() < run.deadline:
            try:
                status, answer = self.send(report)
            except (OSError, http.client.HTTPException, ValueError):
                status, answer = 503, None
            if status == 200 and answer.get("deployments"):
                return answer
            with run.lock:
                run.answers[status] += 1
            if status not in AGAIN:
                with run.lock:
                    run.refused.append(f"{report['definition']} {report['version']}: {status} {answer}")
                return None
            time.sleep(wait)
            wait = min(2 * wait, 2)
        return None

    def send(self, report):
        run = self.run_of
        connection = http.client.HTTPConnection(run.server.hostname, run.server.port, timeout=10)
        try:
            headers = {
                "authorization": f"Bearer {run.token}",
                "content-type": "application/json",
                "idempotency-key": f"{report['definition']}-{report['version']}",
            }
            connection.request("POST", "/api/v1/builds", json.dumps(report), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()


class Run:
    """One chaos run."""

    def __init__(self, arguments, work):
        self.arguments, self.work = arguments, work
        self.stack = chaos_harm.Stack(arguments.state)
        state = self.stack.read()
        self.server = urllib.parse.urlsplit(state["server"])
        self.token_file, self.manifests = state["token_file"], state["manifests"]
        with open(self.token_file, encoding="utf-8") as file:
            self.token = file.read().strip()
        self.applications = [f"chaos-{at:03}" for at in range(arguments.applications)]
        self.environments = [f"chaos-{at}" for at in range(1, arguments.environments + 1)]
        self.seconds = int(arguments.minutes * 60)
        self.deadline = time.monotonic() + self.seconds + arguments.drain
        self.due, self.lock = queue.Queue(), threading.Lock()
        self.acknowledged, self.unanswered, self.refused = [], [], []
        self.answers = collections.Counter()

    def towpath(self, *arguments):
        command = [self.arguments.towpath, "--server", self.server.geturl()]
        command += ["--token-file", self.token_file, "--output", "json", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    def prepare(self):
        """Applications in the manifests, images in a layout of our own."""
        layout = os.path.join(self.work, "images")
        digests = chaos_world.images(self.arguments.towpath, layout, 4)
        written = chaos_world.files(self.applications, self.environments, layout)
        chaos_world.push(self.manifests, self.work, written)
        return digests

    def report(self, digests):
        """Reports at the rate that was asked for, however the last ones fare."""
        reporters = [Reporter(self) for _ in range(REPORTERS)]
        for it in reporters:
            it.start()
        began, total = time.monotonic(), int(self.seconds * self.arguments.rate)
        for at in range(total):
            time.sleep(max(0, began + at / self.arguments.rate - time.monotonic()))
            name = self.applications[at % len(self.applications)]
            self.due.put({
                "definition": name,
                "container": name,
                "version": f"1.{self.arguments.seed}.{at}",
                "digest": digests[at // len(self.applications) % len(digests)],
                "registries": [chaos_world.REGISTRY],
                # Reports that were repeated arrive late: this is the order that CI knows.
                "ci_run": at + 1,
            })
        for _ in reporters:
            self.due.put(None)
        for it in reporters:
            it.join()

    def drained(self):
        """Waits until every acknowledged deployment is at rest; gives those that are not."""
        # By application: no answer lists more than 10,000.
        left = collections.defaultdict(set)
        for it in self.acknowledged:
            left[it["definition"]].add(it["deployment"])
        while left and time.monotonic() < self.deadline:
            for name in list(left):
                listed = self.towpath("deployments", "list", "--application", name, "--limit", "10000")
                if listed.returncode == 0:
                    rows = json.loads(listed.stdout)["deployments"]
                    left[name] -= {it["id"] for it in rows if it["state"] in AT_REST}
                if not left[name]:
                    del left[name]
            time.sleep(2 if left else 0)
        return set().union(*left.values())

    def stores(self):
        """The environment of a command that reads the log itself."""
        state = self.stack.read()
        if not state["nats"]:
            return None
        return dict(
            os.environ,
            TOWPATH_LOG_BACKEND="nats",
            TOWPATH_LOG_URL=",".join(it["url"] for it in state["nats"]),
            TOWPATH_LOG_USER="cd-manager",
            TOWPATH_LOG_PASSWORD_FILE=state["passwords"]["cd-manager"],
            TOWPATH_LOG_REPLICAS=str(len(state["nats"])),
        )

    def judge(self):
        """The checker's verdict on the exported log and the remote."""
        export, reports = (os.path.join(self.work, it) for it in ("log.export", "reports.json"))
        command = [self.arguments.towpath, "--data", self.stack.read()["data"], "log", "export", export]
        done = subprocess.run(command, env=self.stores(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"cannot judge: {' '.join(command)}: {done.stderr}")
            return 2
        with open(reports, "w", encoding="utf-8") as file:
            for it in self.acknowledged:
                print(json.dumps(it), file=file)
        given = argparse.Namespace(
            export=export, remote=self.manifests, reports=reports, branch=self.arguments.branch
        )
        verdict = checker.judge(given)
        self.slowest(export)
        return verdict

    def slowest(self, export):
        """Prints the longest time from CI's first try to the end of its deployment."""
        ends = {}
        for commit in checker.read_export(export, []):
            for kind, _ in commit.events:
                if kind.endswith((".DeploymentSucceeded", ".DeploymentSuperseded")):
                    ends[commit.id] = commit.recorded_at_us / 1e6
        took = sorted((ends[it["deployment"]] - it["began"], it["deployment"])
                      for it in self.acknowledged if it["deployment"] in ends)
        if took:
            middle, (longest, which) = took[len(took) // 2][0], took[-1]
            print(f"recovery     longest {longest:.1f} s (deployment {which}), median {middle:.1f} s")


def run(arguments, work):
    it = Run(arguments, work)
    digests = it.prepare()
    harm = chaos_harm.Harm(it.stack, it.seconds, arguments.seed)
    print(f"seed {arguments.seed}: {arguments.rate}/s for {it.seconds} s over {len(it.applications)} applications", flush=True)
    harm.start()
    it.report(digests)
    harm.join()
    left = it.drained()
    print("harm         " + ", ".join(f"{what} {n}" for what, n in sorted(harm.done.items())))
    print("answers      " + (", ".join(f"{n} times {it}" for it, n in sorted(it.answers.items())) or "all 200 at once"))
    verdict = it.judge()
    problems = [f"refused: {text}" for text in it.refused[:5]]
    if it.unanswered:
        problems.append(f"{len(it.unanswered)} reports were never acknowledged")
    if left:
        problems.append(f"{len(left)} deployments are not at rest, such as {sorted(left)[0]}")
    for what, least in harm.expected().items():
        if harm.done[what] < least:
            problems.append(f"too little harm: {what} {harm.done[what]} times, not {least}")
    for text in problems:
        print(f"FAULT {text}")
    return verdict or (1 if problems else 0)


def main():
    parser = argparse.ArgumentParser(description="Reports builds while parts of a stack are killed.")
    parser.add_argument("--state", required=True, help="the stack's state file")
    parser.add_argument("--towpath", required=True, help="the towpath binary")
    parser.add_argument("--minutes", type=float, default=10, help="how long [10]")
    parser.add_argument("--rate", type=float, default=20, help="reports per second [20]")
    parser.add_argument("--applications", type=int, default=100, help="how many; with one for each report nothing is superseded [100]")
    parser.add_argument("--environments", type=int, default=1, help="stages of their track [1]")
    parser.add_argument("--drain", type=int, default=600, help="seconds that everything may take afterwards [600]")
    parser.add_argument("--seed", type=int, default=1, help="who is hit when [1]")
    parser.add_argument("--branch", default="main", help="the branch that environments follow")
    parser.add_argument("--keep", action="store_true", help="leave the work directory")
    arguments = parser.parse_args()
    work = tempfile.mkdtemp(prefix="towpath-chaos-")
    code = 2
    try:
        code = run(arguments, work)
    finally:
        if code == 0 and not arguments.keep:
            subprocess.run(["rm", "-rf", work], check=False)
        else:
            print(f"kept for looking: {work}")
    sys.exit(code)


if __name__ == "__main__":
    main()
