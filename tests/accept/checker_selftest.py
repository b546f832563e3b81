#!/usr/bin/env python3
"""Whether checker.py sees what it is for: takes a real export and the remote beside it, plants one
fault of each kind into copies, and wants each found by name.

    checker_selftest.py --remote <repository> --export <file>

The export has to hold at least two deployments that succeeded. Exits 1 when a fault goes unseen,
or when the unchanged pair is not accepted.
"""

import argparse
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import uuid

# Nothing is left behind in the tree.
sys.dont_write_bytecode = True

import checker  # noqa: E402  (after the line above)

HERE = os.path.dirname(os.path.abspath(__file__))
ANN = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]


def encode_varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode(message):
    """Fields as (number, value) in order: numbers as varints, bytes with their length."""
    out = b""
    for number, value in message:
        if isinstance(value, int):
            out += encode_varint(number << 3) + encode_varint(value)
        else:
            out += encode_varint(number << 3 | 2) + encode_varint(len(value)) + value
    return out


def ordered(data):
    """Every field of a message in the order it stands."""
    found, at = [], 0
    while at < len(data):
        key, at = checker.varint(data, at)
        if key & 7 == 0:
            value, at = checker.varint(data, at)
        else:
            length, at = checker.varint(data, at)
            value, at = data[at : at + length], at + length
        found.append((key >> 3, value))
    return found


class Export:
    """An export taken apart, to be changed and sealed again so that only the meaning is wrong."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        self.header = data[: len(checker.MAGIC) + 28]
        self.commits, at = [], len(self.header)
        while True:
            (length,) = struct.unpack_from(">I", data, at)
            if length == 0:
                break
            self.commits.append(data[at + 36 : at + 36 + length])
            at += 36 + length

    def write(self, path, seal=True):
        """Writes it with versions and hashes that fit, or as the commits stand."""
        digest, heads = hashlib.sha256(self.header), {}
        with open(path, "wb") as file:
            file.write(self.header)
            for sealed in self.commits:
                message = dict(ordered(sealed))
                aggregate = message[1] + message[2]
                version, before = heads.get(aggregate, (0, bytes(32)))
                if seal:
                    new = {3: version + 1, 5: before}
                    sealed = encode([(n, new.get(n, v)) for n, v in ordered(sealed)])
                previous = dict(ordered(sealed))[5]
                hashed = hashlib.sha256(checker.DOMAIN + previous + sealed).digest()
                heads[aggregate] = (version + 1, hashed)
                digest.update(hashed)
                file.write(struct.pack(">I", len(sealed)) + hashed + sealed)
            file.write(struct.pack(">IQ", 0, len(self.commits)) + digest.digest())

    def without_event(self, name, times=1):
        """Drops events of a type; a commit without any other is gone."""
        kept = []
        for sealed in self.commits:
            message, events = [], 0
            for number, value in ordered(sealed):
                if number == 12 and times and dict(ordered(value))[1].decode().endswith("." + name):
                    times -= 1
                    continue
                events += number == 12
                message.append((number, value))
            if events:
                kept.append(encode(message))
        assert not times, f"the export holds no {name}"
        self.commits = kept

    def changed(self, at, number, value):
        message = ordered(self.commits[at])
        self.commits[at] = encode([(n, value if n == number else v) for n, v in message])


def trailed(remote, deployment, environment):
    """One more commit on the branch that names a deployment."""
    tree = git(remote, "rev-parse", "main^{tree}")
    message = f"Deploy\n\nTowpath-Deployment: {deployment}\nTowpath-Environment: {environment}\n"
    commit = git(remote, *ANN, "commit-tree", tree, "-p", "main", "-m", message)
    git(remote, "update-ref", "refs/heads/main", commit)


def git(remote, *arguments):
    command = ["git", "-C", remote, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Faults:
    """Each method plants one fault and says what has to be found."""

    def __init__(self, remote, export, place):
        self.remote, self.place = os.path.join(place, "remote.git"), place
        shutil.copytree(remote, self.remote)
        self.source = export
        self.export = os.path.join(place, "log.export")
        self.reports = os.path.join(place, "reports.json")
        history = checker.History(checker.read_export(export, []))
        whole = [it for it in history.deployments.values() if it.state == "SUCCESS"]
        self.deployment = whole[0].id
        self.environment = sorted(whole[0].succeeded)[0]
        build = next(it for it, ids in history.destinations.items() if self.deployment in ids)
        keys = ("definition", "container", "version")
        self.report = dict(zip(keys, history.builds[build]), deployment=self.deployment)

    def plant_flipped_byte(self):
        with open(self.source, "rb") as file:
            data = bytearray(file.read())
        at = data.find(b"sha256:", len(data) // 2)
        data[at + 8] ^= 1
        with open(self.export, "wb") as file:
            file.write(data)
        return "its hash is not that of its bytes"

    def plant_lost_version(self):
        export = Export(self.source)
        at = next(i for i, it in enumerate(export.commits) if dict(ordered(it))[3] == 2)
        del export.commits[at]
        export.write(self.export, seal=False)
        return "follows version 1"

    def plant_forked_chain(self):
        export = Export(self.source)
        at = next(i for i, it in enumerate(export.commits) if dict(ordered(it))[3] == 2)
        export.changed(at, 5, bytes(range(32)))
        export.write(self.export, seal=False)
        return "does not follow the commit before it"

    def plant_stored_twice(self):
        export = Export(self.source)
        export.commits.append(export.commits[-1])
        export.write(self.export)
        return "its commit id was stored before"

    def plant_future_epoch(self):
        export = Export(self.source)
        export.changed(len(export.commits) - 1, 6, 99)
        export.write(self.export)
        return "is of epoch 99"

    def plant_lost_deployment(self):
        export = Export(self.source)
        kept = [it for it in export.commits if uuid.UUID(self.deployment).bytes != dict(ordered(it))[2]]
        export.commits = kept
        export.write(self.export)
        return "was never opened"

    def plant_unfinished_deployment(self):
        export = Export(self.source)
        export.without_event("DeploymentSucceeded")
        export.write(self.export)
        return "not SUCCESS"

    def plant_unreached_environment(self):
        export = Export(self.source)
        export.without_event("EnvironmentSucceeded")
        export.write(self.export)
        return "says so without"

    def plant_unrecorded_commit(self):
        export = Export(self.source)
        export.without_event("ManifestCommitted")
        export.write(self.export)
        return "and has none"

    def plant_human_action(self):
        export = Export(self.source)
        at = next(i for i, it in enumerate(export.commits) if dict(ordered(it))[1] == b"deployment")
        export.changed(at, 8, b"wilma")
        export.write(self.export)
        return "human: wilma did"

    def plant_lost_report(self):
        self.report["version"] = "0.0.0-never"
        return "was acknowledged and is not in the log"

    def plant_other_answer(self):
        self.report["deployment"] = str(uuid.uuid5(uuid.NAMESPACE_DNS, "x"))
        return "which the build does not have"

    def plant_doubled_commit(self):
        trailed(self.remote, self.deployment, self.environment)
        return "doubled: deployment"

    def plant_unknown_deployment(self):
        trailed(self.remote, uuid.uuid5(uuid.NAMESPACE_DNS, "x"), self.environment)
        return "which the log never wrote"

    def plant_unknown_environment(self):
        trailed(self.remote, self.deployment, "nowhere")
        return "which the log never wrote"

    def plant_lost_commit(self):
        git(self.remote, "update-ref", "refs/heads/main", git(self.remote, "rev-list", "--max-parents=0", "main"))
        return "is not on the branch"

    def verdict(self):
        if not os.path.exists(self.export):
            shutil.copy(self.source, self.export)
        with open(self.reports, "w", encoding="utf-8") as file:
            print(json.dumps(self.report), file=file)
        command = [sys.executable, os.path.join(HERE, "checker.py"), "--remote", self.remote]
        command += ["--export", self.export, "--reports", self.reports]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


def main():
    parser = argparse.ArgumentParser(description="Plants faults and wants each found.")
    parser.add_argument("--remote", required=True, help="the manifests repository")
    parser.add_argument("--export", required=True, help="what `towpath log export` wrote")
    given = parser.parse_args()
    names = [None] + sorted(it for it in dir(Faults) if it.startswith("plant_"))
    unseen = 0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="towpath-checker-") as place:
            faults = Faults(given.remote, given.export, place)
            wanted = getattr(faults, name)() if name else None
            code, said = faults.verdict()
        fits = code == 0 if wanted is None else code == 1 and wanted in said
        unseen += not fits
        print(f"{'seen' if fits else 'UNSEEN'}  {name or 'nothing planted, nothing found'}")
        if not fits:
            print(f"wanted {wanted!r}, exit {code}:\n{said}")
    sys.exit(1 if unseen else 0)


if __name__ == "__main__":
    main()
