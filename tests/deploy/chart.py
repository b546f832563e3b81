"""The chart, rendered by real Helm: text in, Kubernetes objects out."""

import os
import pathlib
import subprocess

import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
CHART = TOP / "deploy/helm/towpath"
ROLES = ["cd-manager", "releaser", "approval-ledger", "changelog", "runner", "forge"]

# Values for each of the ways in which the chart is meant to be installed.
PROFILES = {
    "default": [],
    "minimal": ["-f", CHART / "values-minimal.yaml"],
    "production": ["-f", CHART / "values-production.yaml"],
    "addresses-only": ["--set", "nats.url=tls://nats:4222", "--set", "postgresql.url=postgres://towpath@db/towpath"],
    "three-servers": ["--set", "nats.replicas=3", "--set", "profile=production"],
}


class Refused(Exception):
    """Helm did not do it; the text says why."""


def helm(*arguments):
    """Standard output of Helm."""
    program = os.environ.get("HELM", str(TOP / "target/tools/bin/helm"))
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode != 0:
        raise Refused(done.stderr + done.stdout)
    return done.stdout


def render(*arguments, chart=CHART, release="towpath"):
    """All objects of a release, hooks included, in the order of the templates."""
    text = helm("template", release, chart, "--namespace", "delivery", *arguments)
    return [each for each in yaml.safe_load_all(text) if each]


def named(thing):
    """How an object is called in messages."""
    return f"{thing['kind']}/{thing['metadata']['name']}"


def of_kind(objects, *kinds):
    """Those of some kinds."""
    return [each for each in objects if each["kind"] in kinds]


def pods(objects):
    """Every pod that would run, as (object, pod spec, labels of the pod)."""
    for each in objects:
        if each["kind"] == "Pod":
            yield each, each["spec"], each["metadata"].get("labels", {})
        elif "template" in each.get("spec", {}):
            template = each["spec"]["template"]
            yield each, template["spec"], template["metadata"].get("labels", {})


def containers(pod):
    """Its containers, those that run first included."""
    return pod.get("initContainers", []) + pod["containers"]


def hook(thing):
    """Which hooks an object is for."""
    annotations = thing["metadata"].get("annotations", {})
    return [each for each in annotations.get("helm.sh/hook", "").split(",") if each]


def matches(selector, labels):
    """Whether a label selector takes these labels."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for rule in selector.get("matchExpressions") or []:
        if rule["operator"] != "In":
            raise NotImplementedError(rule["operator"])
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    return True
