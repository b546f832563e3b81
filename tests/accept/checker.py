#!/usr/bin/env python3
"""Judges a run by two witnesses: the trailers on the git remote, and the exported log.

Shares no code with Towpath. Reads the export by its documented form (libs/eventlog/src/export.rs)
and the commits by proto/towpath/log/v1/commit.proto and proto/towpath/delivery/v1/events.proto,
field by field. Needs Python 3.8 and git, nothing else.

    checker.py --remote <repository> --export <file> [--reports <file>] [--branch main]

`--reports` holds one JSON object per line for every report that was acknowledged: definition,
container, version and, when the answer named it, deployment.

Exits 0 when everything holds, 1 when something does not, 2 when it cannot judge.
"""

import argparse
import collections
import hashlib
import json
import struct
import subprocess
import sys
import uuid

MAGIC = b"towpath.export.v1\n"
DOMAIN = b"towpath.commit.v1\0"
ROLES = {"cd-manager", "releaser", "approval-ledger", "changelog", "runner", "forge", "towpath"}
RULES = {"reservation", "first_parent", "ci_run", "report_order"}
DELIVERY = "towpath.delivery.v1."
# Aggregates of delivery: whoever writes there and is no role is a person who had to help.
DELIVERED = {"deployment", "slot", "environment"}
SHOWN = 20


class Unreadable(Exception):
    """What was given cannot be judged at all."""


# --- protobuf, by hand -------------------------------------------------------------------------


def varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Unreadable("a number in a message does not end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """Every field of a message: number -> list of values, numbers or bytes."""
    found = collections.defaultdict(list)
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 1:
            value, at = data[at : at + 8], at + 8
        elif wire == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        elif wire == 5:
            value, at = data[at : at + 4], at + 4
        else:
            raise Unreadable(f"wire type {wire} in a message")
        if at > len(data):
            raise Unreadable("a message is cut off")
        found[number].append(value)
    return found


def text(message, number):
    values = message.get(number)
    return values[-1].decode() if values else ""


def raw(message, number):
    values = message.get(number)
    return values[-1] if values else b""


def number(message, at):
    values = message.get(at)
    return values[-1] if values else 0


def identity(data):
    return str(uuid.UUID(bytes=data)) if len(data) == 16 else data.hex()


# --- the export --------------------------------------------------------------------------------


class Commit:
    """One commit of the log, decoded."""

    def __init__(self, sealed):
        message = fields(sealed)
        self.kind = text(message, 1)
        self.id = identity(raw(message, 2))
        self.version = number(message, 3)
        self.commit_id = raw(message, 4)
        self.prev_hash = raw(message, 5)
        self.epoch = number(message, 6)
        self.recorded_at_us = number(message, 7)
        self.actor = text(message, 8)
        self.events = []
        for record in message.get(12, []):
            event = fields(record)
            self.events.append((text(event, 1), fields(raw(event, 3))))

    @property
    def aggregate(self):
        return f"{self.kind} {self.id}"


def read_export(path, faults):
    """All commits of an export; says what is wrong with the chain."""
    with open(path, "rb") as file:
        data = file.read()
    if not data.startswith(MAGIC):
        raise Unreadable(f"{path} does not begin as an export does")
    header = data[: len(MAGIC) + 28]
    (epoch,) = struct.unpack_from(">I", header, len(MAGIC) + 16)
    digest = hashlib.sha256(header)
    at, commits, heads, ids = len(header), [], {}, set()
    while True:
        if at + 4 > len(data):
            raise Unreadable(f"{path} has no end: it was cut off")
        (length,) = struct.unpack_from(">I", data, at)
        at += 4
        if length == 0:
            break
        stored, sealed = data[at : at + 32], data[at + 32 : at + 32 + length]
        at += 32 + length
        if len(sealed) != length:
            raise Unreadable(f"{path} has no end: it was cut off")
        digest.update(stored)
        commit = Commit(sealed)
        commits.append(commit)
        check_link(commit, sealed, stored, epoch, heads, ids, len(commits), faults)
    if at + 40 != len(data):
        raise Unreadable(f"{path}: the footer has not 40 bytes")
    (count,) = struct.unpack_from(">Q", data, at)
    if count != len(commits):
        faults.append(f"log: the footer counts {count} commits, there are {len(commits)}")
    if data[at + 8 :] != digest.digest():
        faults.append("log: the digest of the footer is not that of the commits")
    return commits


def check_link(commit, sealed, stored, epoch, heads, ids, position, faults):
    """A commit follows the one before it in its aggregate, and is what its hash says."""
    where = f"log: {commit.aggregate} version {commit.version} (commit {position})"
    if hashlib.sha256(DOMAIN + commit.prev_hash + sealed).digest() != stored:
        faults.append(f"{where}: its hash is not that of its bytes")
    version, before = heads.get(commit.aggregate, (0, bytes(32)))
    if commit.version != version + 1:
        faults.append(f"{where}: follows version {version}")
    elif commit.prev_hash != before:
        faults.append(f"{where}: does not follow the commit before it")
    if commit.commit_id in ids:
        faults.append(f"{where}: its commit id was stored before")
    if commit.epoch > epoch:
        faults.append(f"{where}: is of epoch {commit.epoch} in a log of epoch {epoch}")
    if not commit.events:
        faults.append(f"{where}: holds no event")
    ids.add(commit.commit_id)
    heads[commit.aggregate] = (commit.version, stored)


# --- what the log says -------------------------------------------------------------------------


class Deployment:
    """What the log says about one deployment."""

    def __init__(self, id):
        self.id = id
        self.application = ""
        self.version = ""
        self.created = False
        self.environments = []
        self.requested = set()
        # (environment, attempt) -> (manifest commit, whether it stood there already)
        self.committed = {}
        self.succeeded = set()
        self.superseded = set()
        self.state = "PENDING"
        self.by = ""
        self.rule = ""

    def take(self, name, event):
        if name == "DeploymentCreated":
            self.created = True
            self.application = text(event, 2)
            self.version = text(event, 9)
            stages = [fields(it) for it in event.get(6, [])]
            self.environments = [it.decode() for stage in stages for it in stage.get(2, [])]
        elif name == "PromotionRequested":
            self.requested.add((text(event, 2), number(event, 3)))
        elif name == "ManifestCommitted":
            key = (text(event, 2), number(event, 6))
            self.committed[key] = (text(event, 3), bool(number(event, 5)))
        elif name == "EnvironmentSucceeded":
            self.succeeded.add(text(event, 2))
        elif name == "EnvironmentSuperseded":
            self.superseded.add(text(event, 2))
        elif name == "DeploymentSucceeded":
            self.state = "SUCCESS"
        elif name == "DeploymentSuperseded":
            self.state = "SUPERSEDED"
            self.by, self.rule = identity(raw(event, 1)), text(event, 2)
        elif name in ("DeploymentFailed", "DeploymentAborted", "DeploymentQuarantined"):
            self.state = name[len("Deployment") :].upper()
        elif name == "DeploymentRolledBack":
            self.state = "ROLLED_BACK"
        elif name == "DeploymentRetried":
            self.state = "IN_PROGRESS"


class History:
    """Builds, deployments and what people did, from the commits."""

    def __init__(self, commits):
        self.builds = {}
        self.destinations = {}
        self.deployments = {}
        self.humans = []
        for position, commit in enumerate(commits, 1):
            if commit.kind in DELIVERED and commit.actor not in ROLES:
                what = ", ".join(kind.rsplit(".", 1)[-1] for kind, _ in commit.events)
                self.humans.append(f"{commit.actor} did {what} on {commit.aggregate} (commit {position})")
            for kind, event in commit.events:
                if kind.startswith(DELIVERY):
                    self.take(commit, kind[len(DELIVERY) :], event)

    def take(self, commit, name, event):
        if commit.kind == "build" and name == "BuildReported":
            self.builds[commit.id] = (text(event, 1), text(event, 2), text(event, 3))
        elif commit.kind == "build" and name == "BuildRouted":
            ids = [identity(raw(fields(it), 6)) for it in event.get(1, [])]
            self.destinations.setdefault(commit.id, []).extend(ids)
        elif commit.kind == "deployment":
            self.deployments.setdefault(commit.id, Deployment(commit.id)).take(name, event)


# --- what the remote says ----------------------------------------------------------------------


def read_trailers(remote, branch):
    """(deployment, environment) -> commits that carry both trailers; every commit of the branch."""
    keys = ("Towpath-Deployment", "Towpath-Environment")
    shown = [f"%(trailers:key={it},valueonly,separator=%x2C)" for it in keys]
    command = ["git", "-C", remote, "log", "--format=%H%x09" + "%x09".join(shown), branch, "--"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unreadable(f"git log on {remote}: {done.stderr.strip()}")
    found, all_commits = collections.defaultdict(list), set()
    for line in done.stdout.splitlines():
        commit, deployment, environment = line.split("\t")
        all_commits.add(commit)
        for it in filter(None, deployment.split(",")):
            found[it, environment].append(commit)
    return found, all_commits


# --- judgement ---------------------------------------------------------------------------------


def check_reports(path, history, faults):
    """What was acknowledged is in the log, with the deployment that the answer named."""
    by_key = {key: build for build, key in history.builds.items()}
    count = 0
    with open(path, encoding="utf-8") as file:
        for line in filter(str.strip, file):
            count += 1
            report = json.loads(line)
            key = (report["definition"], report["container"], report["version"])
            name = "/".join(key[:2]) + " " + key[2]
            build = by_key.get(key)
            if build is None:
                faults.append(f"lost: the report of {name} was acknowledged and is not in the log")
                continue
            answered = report.get("deployment")
            if answered and answered not in history.destinations.get(build, []):
                faults.append(f"lost: {name} was answered with deployment {answered}, which the build does not have")
    return count


def check_outcomes(history, faults):
    """Every routed build came to its end by itself."""
    for build, ids in history.destinations.items():
        name = "/".join(history.builds.get(build, ("?", "?", "?"))[:2])
        for id in ids:
            it = history.deployments.get(id)
            if it is None or not it.created:
                faults.append(f"lost: deployment {id} of build {build} ({name}) was never opened")
    for it in history.deployments.values():
        if it.state == "SUPERSEDED":
            check_superseded(it, history, faults)
        elif it.state not in ("SUCCESS", "ROLLED_BACK"):
            faults.append(f"not SUCCESS: deployment {it.id} of {it.application} {it.version} is {it.state}")
        elif missing := set(it.environments) - it.succeeded - it.superseded:
            faults.append(f"not SUCCESS: deployment {it.id} says so without {', '.join(sorted(missing))}")


def check_superseded(it, history, faults):
    """It gave way by a rule, to another of the same application that arrived in the end."""
    seen, now = {it.id}, it
    while now.state == "SUPERSEDED":
        if now.rule not in RULES:
            faults.append(f"superseded: deployment {now.id} by `{now.rule}`, which is no rule")
            return
        after = history.deployments.get(now.by)
        if after is None or after.application != it.application or after.id in seen:
            faults.append(f"superseded: deployment {now.id} by {now.by}, which is no other of {it.application}")
            return
        seen.add(after.id)
        now = after


def check_commits(history, trailers, all_commits, faults):
    """Each (deployment, environment) that was written has exactly its commit on the branch."""
    recorded = {}
    for it in history.deployments.values():
        for (environment, attempt), (commit, already) in it.committed.items():
            recorded.setdefault((it.id, environment), {})[attempt] = (commit, already)
        for environment, attempt in it.requested - set(it.committed):
            if environment not in it.superseded:
                faults.append(f"missing: deployment {it.id} asked for a commit to {environment} (try {attempt}) and has none")
        for environment in it.succeeded - {key[0] for key in it.committed}:
            faults.append(f"missing: deployment {it.id} succeeded in {environment} without a commit")
    for key, tries in recorded.items():
        there = trailers.get(key, [])
        where = f"deployment {key[0]} in {key[1]}"
        for commit, already in tries.values():
            if commit not in all_commits:
                faults.append(f"missing: {where}: commit {commit} is not on the branch")
            elif commit not in there and not already:
                faults.append(f"missing: {where}: commit {commit} does not name it")
        if len(there) > len(tries):
            faults.append(f"doubled: {where} has {len(there)} commits: {', '.join(there)}")
        known = {commit for commit, _ in tries.values()}
        for commit in there:
            if commit not in known and len(there) <= len(tries):
                faults.append(f"extra: {where}: commit {commit} is not the recorded one")
    for key, there in trailers.items():
        if key not in recorded:
            faults.append(f"extra: commit {there[0]} names deployment {key[0]} in {key[1]}, which the log never wrote")


def judge(arguments):
    faults = []
    commits = read_export(arguments.export, faults)
    history = History(commits)
    trailers, all_commits = read_trailers(arguments.remote, arguments.branch)
    reports = check_reports(arguments.reports, history, faults) if arguments.reports else None
    check_outcomes(history, faults)
    check_commits(history, trailers, all_commits, faults)
    faults += [f"human: {it}" for it in history.humans]
    states = collections.Counter(it.state for it in history.deployments.values())
    pairs = sum(len(it) for it in trailers.values())
    print(f"log          {len(commits)} commits, {len({it.aggregate for it in commits})} aggregates")
    if reports is not None:
        print(f"reports      {reports} acknowledged")
    print(f"builds       {len(history.builds)}")
    print(f"deployments  {len(history.deployments)}: " + ", ".join(f"{n} {it}" for it, n in sorted(states.items())))
    print(f"trailers     {pairs} on {len(trailers)} (deployment, environment)")
    kinds = collections.Counter(it.split(":", 1)[0] for it in faults)
    lost = kinds["lost"] + kinds["missing"] + kinds["not SUCCESS"]
    print(f"lost {lost}, doubled {kinds['doubled'] + kinds['extra']}, human actions {kinds['human']}, chain faults {kinds['log']}")
    for fault in faults[:SHOWN]:
        print(f"FAULT {fault}")
    if len(faults) > SHOWN:
        print(f"and {len(faults) - SHOWN} more")
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser(description="Judges a run by the remote's trailers and the exported log.")
    parser.add_argument("--remote", required=True, help="the manifests repository")
    parser.add_argument("--export", required=True, help="what `towpath log export` wrote")
    parser.add_argument("--reports", help="acknowledged reports, one JSON object per line")
    parser.add_argument("--branch", default="main", help="the branch that environments follow")
    try:
        sys.exit(judge(parser.parse_args()))
    except (Unreadable, OSError, ValueError, KeyError) as error:
        print(f"cannot judge: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
