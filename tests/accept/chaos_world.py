"""What a chaos run deploys: applications of their own in the stack's manifests, and a few images."""

import json
import os
import socket
import subprocess

ORGANIZATION = "chaos"
REGISTRY = "chaos-images"
# Ports of applications: below those that the system gives to outgoing connections.
FIRST_PORT, LAST_PORT = 30000, 32700

COMMON = """\
apiVersion: lowops.manifests.v1
kind: Organization
metadata: {{ name: {organization} }}
---
apiVersion: lowops.manifests.v1
kind: OrganizationalUnit
metadata: {{ name: chaos-unit, organization: {organization} }}
---
apiVersion: lowops.manifests.v1
kind: GithubConnection
metadata: {{ name: chaos-forge, organization: {organization} }}
---
apiVersion: lowops.manifests.v1
kind: GithubRepository
metadata: {{ name: chaos-source, github-connection: chaos-forge, organization: {organization} }}
spec: {{ url: "https://forge.example/chaos/source", strategy: GITHUB_FLOW }}
---
apiVersion: lowops.manifests.v1
kind: ArtifactRegistry
metadata: {{ name: {registry}, organization: {organization} }}
spec: {{ ociLayout: {layout} }}
---
apiVersion: lowops.manifests.v1
kind: ReleaseTrack
metadata: {{ name: chaos-track, organizational-unit: chaos-unit, organization: {organization} }}
spec:
  preReleaseStages:
{stages}
---
apiVersion: lowops.manifests.v1
kind: ApplicationSet
metadata: {{ name: chaos-set, release-track: chaos-track, organizational-unit: chaos-unit, organization: {organization} }}
"""

ENVIRONMENT = """\
apiVersion: lowops.manifests.v1
kind: Environment
metadata: {{ name: {environment}, organizational-unit: chaos-unit, organization: {organization} }}
---
apiVersion: lowops.manifests.v1
kind: Project
metadata: {{ name: {environment}-web, environment: {environment}, organizational-unit: chaos-unit, organization: {organization} }}
"""

APPLICATION = """\
apiVersion: lowops.manifests.v1
kind: BuildDefinition
metadata: {{ name: {name}, github-repository: chaos-source, github-connection: chaos-forge, organization: {organization} }}
spec:
  type: DOCKER
  containerize: [{{ name: {name}, registries: [{registry}] }}]
---
apiVersion: lowops.manifests.v1
kind: Application
metadata: {{ name: {name}, application-set: chaos-set, release-track: chaos-track, organizational-unit: chaos-unit, organization: {organization} }}
spec: {{ buildDefinition: {name}, target: PROCESS }}
"""

CONFIG = """\
apiVersion: lowops.manifests.v1
kind: DeploymentConfig
metadata: {{ name: {name}, project: {environment}-web, environment: {environment}, organizational-unit: chaos-unit, organization: {organization} }}
spec:
  version: # written by deployments
  container:
    env: []
  ports: {{ {port}: http }}
  health:
    startup: {{ protocol: http, path: /healthz, checkIntervalSec: 1, unhealthyThreshold: 120 }}
"""


def free_ports(count):
    """Ports that nobody listens on now."""
    found = []
    for port in range(FIRST_PORT, LAST_PORT):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
        if len(found) == count:
            return found
    raise SystemExit(f"there are no {count} free ports from {FIRST_PORT} to {LAST_PORT}")


def files(applications, environments, layout):
    """Every manifest of the run: path -> text."""
    stages = "\n".join(f"    - environments: [{it}]" for it in environments)
    shared = {"organization": ORGANIZATION, "registry": REGISTRY, "layout": json.dumps(layout)}
    written = {"chaos/common.yaml": COMMON.format(stages=stages, **shared)}
    for it in environments:
        written[f"chaos/{it}.yaml"] = ENVIRONMENT.format(environment=it, **shared)
    ports = iter(free_ports(len(applications) * len(environments)))
    for name in applications:
        written[f"chaos/applications/{name}.yaml"] = APPLICATION.format(name=name, **shared)
        for it in environments:
            text = CONFIG.format(name=name, environment=it, port=next(ports), **shared)
            written[f"chaos/{it}/{name}.yaml"] = text
    return written


def push(manifests, work, written):
    """Adds the manifests to the remote as somebody else would."""
    clone = os.path.join(work, "clone")

    def git(*arguments, where=clone):
        subprocess.run(["git", "-C", where, *arguments], check=True, capture_output=True)

    git("clone", "-q", manifests, clone, where=work)
    for path, text in written.items():
        path = os.path.join(clone, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    git("add", "--all")
    author = ("-c", "user.name=Chaos", "-c", "user.email=chaos@example.com")
    git(*author, "commit", "-q", "-m", "Applications of a chaos run")
    git("push", "-q", "origin", "HEAD")


def images(towpath, layout, count):
    """Digests of a few images of the sample application: versions share them in turn."""
    digests = []
    for at in range(count):
        command = [towpath, "sample-image", "--layout", layout, "--name", "chaos"]
        command += ["--version", f"0.0.{at}", "--output", "json"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        digests.append(json.loads(done.stdout)["digest"])
    return digests
