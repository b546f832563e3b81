"""What every rendering of the chart has to keep: each check names all objects that break it."""

import base64
import re

from chart import ROLES, containers, hook, matches, named, of_kind, pods

# Paths that the server answers without a token (libs/service/src/authn.rs).
ENDPOINTS = {"/livez", "/readyz", "/healthz"}
# Programs that ask a real endpoint of the container they run in.
PROBES = {"wget", "pg_isready", "git"}


def nobody_is_root(objects):
    """Non-root, no privileges, a root file system that cannot be written."""
    found = []
    for thing, pod, _ in pods(objects):
        outer = pod.get("securityContext", {})
        if outer.get("runAsNonRoot") is not True or not outer.get("runAsUser"):
            found.append(f"{named(thing)} may run as root")
        if outer.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            found.append(f"{named(thing)} has no seccomp profile")
        for each in containers(pod):
            inner = each.get("securityContext", {})
            where = f"{named(thing)} {each['name']}"
            if inner.get("readOnlyRootFilesystem") is not True:
                found.append(f"{where} can write its root file system")
            if inner.get("allowPrivilegeEscalation") is not False or inner.get("privileged"):
                found.append(f"{where} can become more than it is")
            if inner.get("capabilities", {}).get("drop") != ["ALL"] or inner.get("capabilities", {}).get("add"):
                found.append(f"{where} has capabilities")
            if inner.get("runAsUser") == 0 or inner.get("runAsNonRoot") is False:
                found.append(f"{where} may run as root")
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(key):
                found.append(f"{named(thing)} has {key}")
        if any("hostPath" in volume for volume in pod.get("volumes", [])):
            found.append(f"{named(thing)} sees the node's files")
    return found


def nobody_talks_to_the_cluster(objects):
    """No pod has a token for the API, and none of the objects gives one rights."""
    found = [
        f"{named(thing)} gets a token"
        for thing, pod, _ in pods(objects)
        if pod.get("automountServiceAccountToken") is not False
    ]
    found += [
        f"{named(each)} gives a token"
        for each in of_kind(objects, "ServiceAccount")
        if each.get("automountServiceAccountToken") is not False
    ]
    rights = of_kind(objects, "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
    return found + [f"{named(each)} gives rights" for each in rights]


def secrets_are_in_secrets(objects):
    """No value of a Secret, nothing that looks like one, stands in any other object."""
    values = set()
    for each in of_kind(objects, "Secret"):
        values.update((each.get("stringData") or {}).values())
        values.update(base64.b64decode(value).decode() for value in (each.get("data") or {}).values())
    # An authority's certificate is no secret.
    values = {value for value in values if len(value) > 8 and "BEGIN CERTIFICATE" not in value}
    found = []
    for each in objects:
        if each["kind"] == "Secret":
            continue
        text = repr(each)
        if any(value in text for value in values):
            found.append(f"{named(each)} holds the value of a secret")
        if re.search(r"PRIVATE KEY|\$2[aby]\$\d\d\$|://[^/@\s'\"]+:[^/@\s'\"]+@", text):
            found.append(f"{named(each)} holds a key, a hash or a URL with a password")
        if each["kind"] == "ConfigMap" and re.search(r"(?im)^\s*(password|token|secret)\s*[=:]\s*\S", "\n".join(each["data"].values())):
            found.append(f"{named(each)} holds a password")
    for thing, pod, _ in pods(objects):
        for each in containers(pod):
            for variable in each.get("env", []):
                name = variable["name"]
                if re.search("PASSWORD|TOKEN|SECRET", name) and not name.endswith("_FILE"):
                    found.append(f"{named(thing)} {each['name']} has {name} in its environment")
    return found


def every_pod_is_behind_a_policy(objects):
    """Everything is denied, and each pod has what it needs said out loud."""
    policies = of_kind(objects, "NetworkPolicy")
    found = []
    for thing, _, labels in pods(objects):
        mine = [each["spec"] for each in policies if matches(each["spec"]["podSelector"], labels)]
        denies = [
            each for each in mine
            if set(each["policyTypes"]) == {"Ingress", "Egress"} and not each.get("ingress") and not each.get("egress")
        ]
        if not denies:
            found.append(f"{named(thing)} is not denied everything to begin with")
        if not any(each.get("ingress") or each.get("egress") for each in mine if each not in denies):
            found.append(f"{named(thing)} can reach nobody and nobody can reach it")
        if any(rule == {} for each in mine for rule in (each.get("egress") or []) + (each.get("ingress") or [])):
            found.append(f"{named(thing)} may talk to everybody about everything")
    return found


def every_workload_has_a_budget(objects):
    """A PodDisruptionBudget for everything that stays up, and one that lets a node be emptied."""
    budgets = of_kind(objects, "PodDisruptionBudget")
    found = []
    for thing in of_kind(objects, "Deployment", "StatefulSet"):
        labels = thing["spec"]["template"]["metadata"]["labels"]
        mine = [each for each in budgets if matches(each["spec"]["selector"], labels)]
        if len(mine) != 1:
            found.append(f"{named(thing)} has {len(mine)} budgets")
        elif mine[0]["spec"].get("maxUnavailable") != 1:
            found.append(f"{named(mine[0])} lets no pod go, or too many")
    return found


def probes_ask_something_real(objects):
    """Liveness and readiness of everything that stays up: an endpoint that exists, on a port that is open."""
    found = []
    for thing in of_kind(objects, "Deployment", "StatefulSet"):
        for each in thing["spec"]["template"]["spec"]["containers"]:
            where = f"{named(thing)} {each['name']}"
            ports = {port["name"] for port in each.get("ports", [])}
            for kind in ("livenessProbe", "readinessProbe"):
                probe = each.get(kind, {})
                http = probe.get("httpGet")
                if http and http["path"] in ENDPOINTS and http["port"] in ports and http["scheme"] == "HTTPS":
                    continue
                command = probe.get("exec", {}).get("command", [""])
                if command[0] in PROBES:
                    continue
                found.append(f"{where} has no {kind} that asks something real")
    return found


def resources_are_bounded(objects):
    """Every container asks for something and has a limit of memory."""
    return [
        f"{named(thing)} {each['name']} has no bounds"
        for thing, pod, _ in pods(objects)
        for each in containers(pod)
        if not {"cpu", "memory"} <= set(each.get("resources", {}).get("requests", {}))
        or "memory" not in each.get("resources", {}).get("limits", {})
    ]


def each_role_sees_its_own_secrets(objects):
    """The password of its own user, its own key; only the migration is the operator."""
    found = []
    for thing, pod, labels in pods(objects):
        component = labels["app.kubernetes.io/component"]
        user = "operator" if component == "migrate" else component
        if component not in [*ROLES, "migrate"]:
            continue
        sources = {volume["name"]: volume["secret"] for volume in pod["volumes"] if "secret" in volume}
        keys = [item["key"] for item in sources["nats"].get("items", [])]
        if keys != [user]:
            found.append(f"{named(thing)} sees {keys or 'everything'} of the NATS passwords")
        for name, source in sources.items():
            if "items" not in source and name != "ssh":
                found.append(f"{named(thing)} sees all of {source['secretName']}")
        seen = [item["key"] for item in sources.get("tls", {}).get("items", [])]
        if any(key.endswith(".key") and key not in (f"{component}.key", "tls.key") for key in seen):
            found.append(f"{named(thing)} sees keys of others: {seen}")
        for each in containers(pod):
            variables = {variable["name"]: variable.get("value") for variable in each["env"]}
            if variables.get("TOWPATH_LOG_USER") != user:
                found.append(f"{named(thing)} is {variables.get('TOWPATH_LOG_USER')} to NATS")
    return found


def the_migration_comes_before_the_roles(objects):
    """One job. A hook where the servers are there before the release; else it comes with them."""
    jobs = of_kind(objects, "Job")
    if len(jobs) != 1 or jobs[0]["spec"]["template"]["spec"]["containers"][0]["args"] != ["migrate"]:
        return [f"{len(jobs)} migrations"]
    job = jobs[0]
    own = [each for each in of_kind(objects, "StatefulSet") if named(each).endswith(("-nats", "-postgresql"))]
    if own:
        return [f"{named(job)} waits for servers that come after it"] if hook(job) else []
    if hook(job) != ["pre-install", "pre-upgrade"]:
        return [f"{named(job)} does not come before the roles"]
    # What a hook uses has to be a hook before it, or there already.
    found = []
    volumes = job["spec"]["template"]["spec"]["volumes"]
    used = {f"Secret/{each['secret']['secretName']}" for each in volumes if "secret" in each}
    used |= {f"ConfigMap/{each['configMap']['name']}" for each in volumes if "configMap" in each}
    weight = lambda thing: int(thing["metadata"]["annotations"].get("helm.sh/hook-weight", "0"))
    for thing in objects:
        if named(thing) in used and not (hook(thing) == hook(job) and weight(thing) < weight(job)):
            found.append(f"{named(job)} needs {named(thing)}, which comes later")
    return found


def everything_named_is_there(objects):
    """Secrets, config maps, accounts and services that are referred to exist, or are given by a value."""
    there = {named(each) for each in objects}
    given = {"towpath-git", "towpath-nats-users", "towpath-nats-ca", "towpath-postgresql-user", "towpath-postgresql-ca", "towpath-certificates", "towpath-github"}
    found = []
    for thing, pod, _ in pods(objects):
        wanted = []
        for volume in pod.get("volumes", []):
            if "secret" in volume:
                wanted.append(f"Secret/{volume['secret']['secretName']}")
            if "configMap" in volume:
                wanted.append(f"ConfigMap/{volume['configMap']['name']}")
        if "serviceAccountName" in pod:
            wanted.append(f"ServiceAccount/{pod['serviceAccountName']}")
        claims = {each["metadata"]["name"] for each in thing["spec"].get("volumeClaimTemplates", [])}
        volumes = {volume["name"] for volume in pod.get("volumes", [])} | claims
        for each in containers(pod):
            wanted += [f"volume {mount['name']}" for mount in each.get("volumeMounts", []) if mount["name"] not in volumes]
        found += [f"{named(thing)} names {each}" for each in wanted if each not in there and each.split("/")[-1] not in given]
    for each in of_kind(objects, "Service"):
        if not any(matches({"matchLabels": each["spec"]["selector"]}, labels) for _, _, labels in pods(objects)):
            found.append(f"{named(each)} leads nowhere")
    return found


def selectors(objects):
    """What may never change: selectors of workloads and services, templates of claims."""
    found = {}
    for each in of_kind(objects, "Deployment", "StatefulSet"):
        spec = each["spec"]
        claims = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])]
        found[named(each)] = {"selector": spec["selector"], "serviceName": spec.get("serviceName"), "claims": claims}
    for each in of_kind(objects, "Service"):
        found[named(each)] = {"selector": each["spec"]["selector"]}
    return found


ALL = [
    nobody_is_root,
    nobody_talks_to_the_cluster,
    secrets_are_in_secrets,
    every_pod_is_behind_a_policy,
    every_workload_has_a_budget,
    probes_ask_something_real,
    resources_are_bounded,
    each_role_sees_its_own_secrets,
    the_migration_comes_before_the_roles,
    everything_named_is_there,
]
