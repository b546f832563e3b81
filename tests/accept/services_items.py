#!/usr/bin/env python3
"""What the roles promise when they run apart, tried on real stacks.

    services_items.py <item> --xtask <binary> --towpath <binary> [--quick] [--before <binary>]

Items: roles, stream, restore, mixed. Python 3.8, standard library.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import chaos_world  # noqa: E402
import stack as stacks  # noqa: E402
from stack import ROLES, Failed, Stack, nats_request, until  # noqa: E402

UNIT = "organizational-unit: accept-unit, organization: accept"

WORLD = """\
apiVersion: lowops.manifests.v1
kind: Organization
metadata: {{ name: accept }}
---
apiVersion: lowops.manifests.v1
kind: OrganizationalUnit
metadata: {{ name: accept-unit, organization: accept }}
---
apiVersion: lowops.manifests.v1
kind: GithubConnection
metadata: {{ name: forge, organization: accept }}
---
apiVersion: lowops.manifests.v1
kind: GithubRepository
metadata: {{ name: shop, github-connection: forge, organization: accept }}
spec: {{ url: "https://forge.example/accept/shop", strategy: GITHUB_FLOW }}
---
apiVersion: lowops.manifests.v1
kind: ArtifactRegistry
metadata: {{ name: accept-images, organization: accept }}
spec: {{ ociLayout: {layout} }}
---
apiVersion: lowops.manifests.v1
kind: BuildDefinition
metadata: {{ name: web, github-repository: shop, github-connection: forge, organization: accept }}
spec:
  type: DOCKER
  containerize: [{{ name: web, registries: [accept-images] }}]
---
apiVersion: lowops.manifests.v1
kind: ReleaseTrack
metadata: {{ name: accept-track, {unit} }}
spec:
  preReleaseStages:
    - environments: [first]
  releaseStages:
    - environments: [second]
      approvalPolicy: {{ stakeholder: {{ groupEmail: qa }} }}
---
apiVersion: lowops.manifests.v1
kind: ApplicationSet
metadata: {{ name: accept-set, release-track: accept-track, {unit} }}
---
apiVersion: lowops.manifests.v1
kind: Application
metadata: {{ name: web, application-set: accept-set, release-track: accept-track, {unit} }}
spec: {{ buildDefinition: web, target: PROCESS }}
"""

ENVIRONMENT = """\
apiVersion: lowops.manifests.v1
kind: Environment
metadata: {{ name: {name}, {unit} }}
---
apiVersion: lowops.manifests.v1
kind: Project
metadata: {{ name: {name}-web, environment: {name}, {unit} }}
---
apiVersion: lowops.manifests.v1
kind: DeploymentConfig
metadata: {{ name: web, project: {name}-web, environment: {name}, {unit} }}
spec:
  version: # written by deployments
  health:
    startup: {{ protocol: http, path: /healthz, checkIntervalSec: 1, unhealthyThreshold: 30 }}
"""


class World:
    """A stack with one application: one stage by itself, then one that QA approves."""

    last = None

    def __init__(self, options, *more):
        self.place = tempfile.mkdtemp(prefix="towpath-services-")
        World.last = self
        self.stack = Stack(self.place, options.xtask, options.towpath, *more)
        self.layout = os.path.join(self.place, "images")
        text = WORLD.format(unit=UNIT, layout=json.dumps(self.layout))
        written = {"accept/all.yaml": text}
        for name in ("first", "second"):
            written[f"accept/{name}.yaml"] = ENVIRONMENT.format(name=name, unit=UNIT)
        chaos_world.push(self.stack.state["manifests"], self.place, written)
        self.count = 0
        self.qa = self.identity("quinn", "qa", "viewer")

    def identity(self, name, *groups):
        arguments = ["access", "create", name]
        for group in groups:
            arguments += ["--group", group]
        made = until(f"`{name}` can be created", 30, lambda: self.try_json(*arguments))
        path = os.path.join(self.place, f"{name}.token")
        with open(path, "w", encoding="utf-8") as file:
            file.write(made["token"])
        return path

    def try_json(self, *arguments):
        code, out, _ = self.stack.run(*arguments)
        return json.loads(out) if code == 0 else None

    def build(self):
        """An image of the next version; gives the arguments that report it."""
        self.count += 1
        version = f"1.{self.count}.0"
        command = [self.stack.towpath, "sample-image", "--layout", self.layout, "--name", "web"]
        command += ["--version", version, "--output", "json"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        digest = json.loads(done.stdout)["digest"]
        report = ["build", "report", "--definition", "web", "--container", "web"]
        report += ["--version", version, "--release-type", "LATEST", "--digest", digest]
        return report + ["--registry", "accept-images"]

    def report(self):
        """Reports the next version; gives the deployment's id."""
        answer = self.stack.ask(*self.build())
        return answer["deployments"][0]["id"]

    def deployed(self):
        found = self.stack.settled(self.report())
        if found["state"] != "SUCCESS":
            raise Failed(f"{found['state']}: {found['message']}")
        return found

    def end(self):
        World.last = None
        self.stack.down()
        shutil.rmtree(self.place, ignore_errors=True)


def says(text, *wanted):
    for it in wanted:
        if it not in text:
            raise Failed(f"`{it}` is not said in:\n{text}")


def waits_for(stack, subject, *wanted):
    """Waits until the explanation of a subject says all of these."""
    last = ""

    def look():
        nonlocal last
        code, out, err = stack.run("explain", subject)
        last = out + err
        return code == 0 and all(it in out for it in wanted)

    try:
        until(f"{subject} waits for {wanted}", 20, look)
    except Failed as failed:
        raise Failed(f"{failed}; said:\n{last}") from None


def state_of(stack, deployment):
    code, out, _ = stack.run("deployments", "show", deployment)
    if code != 0:
        return None
    found = json.loads(out)
    return found.get("deployment", found)["state"]


def succeeds(stack, deployment, seconds=60):
    found = stack.settled(deployment, seconds)
    if found["state"] != "SUCCESS":
        raise Failed(f"{deployment} is {found['state']}: {found['message']}")


def roles(options):
    """Each role, stopped, stops the step it owns and no other."""
    world = World(options)
    stack = world.stack
    world.deployed()

    stack.stop("runner")
    until("somebody notices", 10, lambda: "runner" in str(stack.ask("status")))
    waiting = world.report()
    until("it is committed", 20, lambda: "RECONCILING" in str(stack.run("deployments", "show", waiting)))
    waits_for(stack, waiting, "runner")
    stack.go_on()
    succeeds(stack, waiting)
    print("runner: committed, not applied; applied when it came back")

    stack.stop("changelog")
    last = world.deployed()["id"]
    code, out, err = stack.run("changelog", last)
    if code == 0:
        raise Failed(f"somebody answered for changelog: {out}")
    says(out + err, "changelog")
    stack.go_on()
    until("the changelog is there", 30, lambda: stack.run("changelog", last)[0] == 0)
    print("changelog: deployments went on; the changelog came when it came back")

    stack.stop("releaser")
    world.deployed()
    code, out, err = stack.run("release", "create", "accept-set", "--bundle", "2026.11")
    if code == 0:
        raise Failed(f"somebody answered for releaser: {out}")
    says(out + err, "releaser")
    stack.go_on()
    stack.all_ready(30)
    until(
        "a release can be created",
        30,
        lambda: stack.run("release", "create", "accept-set", "--bundle", "2026.11")[0] == 0,
    )
    print("releaser: deployments went on; releases when it came back")

    def release_deployment():
        shown = stack.ask("release", "show", "accept-set/2026.11")
        release = shown.get("release", shown)
        items = release["passes"][-1]["items"]
        return items[0].get("deployment_id")

    deployment = until("the release has its deployment", 30, release_deployment)
    waits_for(stack, deployment, "qa")
    stack.stop("approval-ledger")
    waits_for(stack, deployment, "approval-ledger")
    world.deployed()
    if state_of(stack, deployment) == "SUCCESS":
        raise Failed("it went on without an approval")
    stack.go_on()
    stack.all_ready(30)
    until(
        "QA can approve",
        30,
        lambda: stack.run("approve", deployment, token=world.qa)[0] == 0,
    )
    succeeds(stack, deployment)
    print("approval-ledger: deployments without approvals went on; approved when it came back")

    started = world.report()
    stack.stop("cd-manager")
    code, _, err = stack.run(*world.build())
    if code != 3:
        raise Failed(f"a report without cd-manager exited {code}: {err}")
    if not stack.ready("runner")[0]:
        raise Failed("the runner stopped with cd-manager")
    stack.go_on()
    succeeds(stack, started)
    world.deployed()
    print("cd-manager: nothing is accepted and nothing promoted; both went on when it came back")
    world.end()


def refusal(stack, role):
    """Starts a role once more on a copy of nothing; gives what it refuses with."""
    state = stack.state
    with tempfile.TemporaryDirectory() as data:
        command = [stack.towpath, "--data", data, "serve", "--role", role, "--listen", "127.0.0.1:0"]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
                env=dict(stack.environment(role), TOWPATH_LAYOUTS=data),
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"{role} started on a changed stream") from None
    if done.returncode != 1:
        raise Failed(f"{role} exited {done.returncode}: {done.stderr}")
    return done.stderr


def stream(options):
    """Settings of the stream changed behind our back: no role starts, each names the field."""
    world = World(options)
    stack = world.stack
    world.deployed()
    api = "$JS.API.STREAM"
    info = json.loads(nats_request(stack, "operator", f"{api}.INFO.TP_EVT"))
    config = info["config"]

    def change(**fields):
        wanted = json.dumps(dict(config, **fields)).encode()
        answer = json.loads(nats_request(stack, "operator", f"{api}.UPDATE.TP_EVT", wanted))
        if "error" in answer:
            raise Failed(f"the operator could not change {fields}: {answer['error']}")

    changes = {"subjects": {"subjects": config["subjects"] + ["tp.extra.>"]}, "max_age": {"max_age": 10**15}}
    for field, change_to in changes.items():
        change(**change_to)
        for role in ROLES:
            says(refusal(stack, role), "LogConfig", field)
        change()
        print(f"{field}: all roles refuse and name it")
    until("all is well again", 60, lambda: all(stack.ready(it)[0] is not None for it in ROLES))
    for subject in ("PURGE", "DELETE", "UPDATE"):
        try:
            nats_request(stack, "cd-manager", f"{api}.{subject}.TP_EVT", b"{}")
        except (Failed, OSError) as refused:
            says(str(refused).lower(), "permissions violation")
        else:
            raise Failed(f"cd-manager may {subject} the log")
    print("cd-manager may not purge, delete or update the stream")
    world.end()


def commits(world, name):
    """The log, exported: position -> line of `log tail`."""
    code, out, err = world.stack.run("log", "tail")
    if code != 0:
        raise Failed(f"log tail: {err}")
    lines = [json.loads(line) for line in out.splitlines() if line.strip()]
    print(f"{name}: {len(lines)} commits")
    return {it["position"]: it["hash"] for it in lines}


def second_manager(stack):
    """Another cd-manager on the same stores takes nothing away from the one that runs."""
    taken = stack.state["roles"]["runner"].split("//")[1]
    for listen, ended in ((taken, 2), ("127.0.0.1:0", None)):
        with tempfile.TemporaryDirectory() as data:
            command = [stack.towpath, "--data", data, "serve", "--role", "cd-manager", "--listen", listen]
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=stack.environment(),
            )
            line = process.stdout.readline()
            if ended is None and not line.startswith("ready"):
                raise Failed("a second cd-manager does not start")
            if ended is None:
                process.terminate()
            code = process.wait(60)
            if ended is not None and code != ended:
                raise Failed(f"on a port that is taken it exited {code}")
        stack.ask("access", "list")
    print("a second cd-manager, and one that cannot start: the admin's token goes on")


def restore(options):
    """NATS gets an old copy of its store: every role halts, and the archive brings all back."""
    world = World(options)
    stack = world.stack
    world.deployed()
    store = stack.state["nats"][0]["store"]
    copy = os.path.join(world.place, "store-copy")
    stack.stop("nats-1")
    stacks.copy_tree(store, copy)
    stack.go_on()
    stack.all_ready(60)
    wait = 5 if options.quick else 120
    end = time.time() + wait
    while time.time() < end:
        world.deployed()
    before = commits(world, f"before, {wait} s later")
    time.sleep(1)
    again = ("log", "restore", "--from", "archive", "--new-epoch")
    code, _, err = stack.run(*again, user="operator")
    if code != 1:
        raise Failed(f"a whole log was replaced: {err}")
    says(err, "nothing-to-restore")
    second_manager(stack)

    stack.stop("nats-1")
    stacks.copy_tree(copy, store)
    stack.go_on()
    began = time.time()
    for role in ROLES:
        until(f"{role} halts", 20, lambda role=role: "LogRewound" in stack.ready(role)[1] or stack.ready(role)[0] is False)
    took = time.time() - began
    print(f"every role halted {took:.1f} s after NATS was back")
    if took > 8:
        raise Failed("that took too long")
    code, out, err = stack.run("deployments", "list")
    if code != 0 or not json.loads(out.strip().splitlines()[-1]):
        raise Failed(f"reads stopped: {err}")
    says(err, "stale")
    code, _, err = stack.run(*world.build())
    if code == 0:
        raise Failed("a report was accepted on a rewound log")
    print("reads go on, marked stale; writes are refused")

    code, out, err = stack.run("log", "restore", "--from", "archive", "--new-epoch", user="operator")
    if code != 0:
        raise Failed(f"log restore exited {code}: {err}")
    print("restored:", out.strip())
    stack.all_ready(60)
    after = commits(world, "after the restore")
    lost = {at: it for at, it in before.items() if after.get(at) != it}
    if lost:
        raise Failed(f"lost or moved: {lost}")
    world.deployed()
    if stack.ask("status")["epoch"] != 2:
        raise Failed("no new epoch")
    world.end()


def mixed(options):
    """Roles of the commit before beside those of this one."""
    if not options.before:
        raise Failed("--before names the binary of the commit before")
    for old in (["runner", "changelog"], ["cd-manager", "releaser", "approval-ledger"]):
        more = [part for role in old for part in ("--towpath", f"{role}={options.before}")]
        world = World(options, *more)
        world.deployed()
        stack = world.stack
        stack.ask("release", "create", "accept-set", "--bundle", "2026.12")
        world.deployed()
        world.end()
        print(f"{', '.join(old)} of the commit before: deployed beside the others of this one")


ITEMS = {"roles": roles, "stream": stream, "restore": restore, "mixed": mixed}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("item", choices=sorted(ITEMS))
    parser.add_argument("--xtask", required=True)
    parser.add_argument("--towpath", required=True)
    parser.add_argument("--before")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    try:
        ITEMS[options.item](options)
    except Failed as failed:
        print(f"FAILED: {failed}", file=sys.stderr)
        return 1
    finally:
        if World.last:
            print(f"kept for looking: {World.last.place}", file=sys.stderr)
            World.last.stack.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
