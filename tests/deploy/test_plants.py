"""Every check of the chart sees what it is there for: one fault is planted, one check complains."""

import copy
import unittest

import checks
from chart import PROFILES, named, of_kind, render


def workload(objects, name):
    """The pod of a workload."""
    return next(each for each in objects if named(each) == name)["spec"]["template"]["spec"]


def pick(objects, name):
    """An object by name."""
    return next(each for each in objects if named(each) == name)


def runner(objects):
    return workload(objects, "StatefulSet/towpath-runner")


def first(objects):
    return runner(objects)["containers"][0]


def drop(objects, *names):
    objects[:] = [each for each in objects if named(each) not in names]


def password_in_config(objects):
    secret = pick(objects, "Secret/towpath-nats")["stringData"]["runner"]
    pick(objects, "ConfigMap/towpath")["data"]["towpath.toml"] += f"\nurl = '{secret}'\n"


def password_in_argument(objects):
    first(objects)["args"].append("--url=postgres://a:b@db/towpath")


def hook_without_its_secret(objects):
    pick(objects, "Secret/towpath-migrate")["metadata"]["annotations"]["helm.sh/hook-weight"] = "5"


def job_is_no_hook(objects):
    del next(iter(of_kind(objects, "Job")))["metadata"]["annotations"]


def job_is_a_hook(objects):
    next(iter(of_kind(objects, "Job")))["metadata"]["annotations"] = {"helm.sh/hook": "pre-install"}


# Check, profile, what is done to it.
PLANTS = [
    (checks.nobody_is_root, "default", lambda it: runner(it)["securityContext"].update(runAsNonRoot=False)),
    (checks.nobody_is_root, "default", lambda it: runner(it)["securityContext"].pop("seccompProfile")),
    (checks.nobody_is_root, "default", lambda it: first(it)["securityContext"].update(readOnlyRootFilesystem=False)),
    (checks.nobody_is_root, "default", lambda it: first(it)["securityContext"].update(capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]})),
    (checks.nobody_is_root, "default", lambda it: first(it)["securityContext"].pop("allowPrivilegeEscalation")),
    (checks.nobody_is_root, "default", lambda it: runner(it).update(hostNetwork=True)),
    (checks.nobody_is_root, "default", lambda it: runner(it)["volumes"].append({"name": "x", "hostPath": {"path": "/"}})),
    (checks.nobody_talks_to_the_cluster, "default", lambda it: runner(it).pop("automountServiceAccountToken")),
    (checks.nobody_talks_to_the_cluster, "default", lambda it: it.append({"kind": "ClusterRoleBinding", "metadata": {"name": "x"}})),
    (checks.secrets_are_in_secrets, "default", password_in_config),
    (checks.secrets_are_in_secrets, "default", password_in_argument),
    (checks.secrets_are_in_secrets, "default", lambda it: first(it)["env"].append({"name": "TOWPATH_LOG_PASSWORD", "value": "x"})),
    (checks.secrets_are_in_secrets, "production", lambda it: pick(it, "ConfigMap/towpath")["data"].update(a="password: x")),
    (checks.every_pod_is_behind_a_policy, "default", lambda it: drop(it, "NetworkPolicy/towpath-default-deny")),
    (checks.every_pod_is_behind_a_policy, "default", lambda it: drop(it, "NetworkPolicy/towpath-migrate", "NetworkPolicy/towpath-dns")),
    (checks.every_pod_is_behind_a_policy, "default", lambda it: pick(it, "NetworkPolicy/towpath-roles")["spec"]["egress"].append({})),
    (checks.every_workload_has_a_budget, "default", lambda it: drop(it, "PodDisruptionBudget/towpath-releaser")),
    (checks.every_workload_has_a_budget, "default", lambda it: pick(it, "PodDisruptionBudget/towpath-nats")["spec"].update(maxUnavailable=0)),
    (checks.probes_ask_something_real, "default", lambda it: first(it)["readinessProbe"]["httpGet"].update(path="/ready")),
    (checks.probes_ask_something_real, "default", lambda it: first(it)["livenessProbe"]["httpGet"].update(port="http")),
    (checks.probes_ask_something_real, "default", lambda it: first(it)["livenessProbe"]["httpGet"].update(scheme="HTTP")),
    (checks.probes_ask_something_real, "default", lambda it: first(it).update(livenessProbe={"exec": {"command": ["true"]}})),
    (checks.resources_are_bounded, "default", lambda it: first(it)["resources"].pop("limits")),
    (checks.each_role_sees_its_own_secrets, "default", lambda it: runner(it)["volumes"][1]["secret"].pop("items")),
    (checks.each_role_sees_its_own_secrets, "default", lambda it: runner(it)["volumes"][1]["secret"]["items"][0].update(key="operator")),
    (checks.each_role_sees_its_own_secrets, "default", lambda it: runner(it)["volumes"][3]["secret"]["items"][2].update(key="releaser.key")),
    (checks.the_migration_comes_before_the_roles, "production", job_is_no_hook),
    (checks.the_migration_comes_before_the_roles, "default", job_is_a_hook),
    (checks.the_migration_comes_before_the_roles, "addresses-only", hook_without_its_secret),
    (checks.the_migration_comes_before_the_roles, "production", lambda it: drop(it, "Job/towpath-migrate")),
    (checks.everything_named_is_there, "default", lambda it: drop(it, "ServiceAccount/towpath-runner")),
    (checks.everything_named_is_there, "default", lambda it: drop(it, "Secret/towpath-tls")),
    (checks.everything_named_is_there, "default", lambda it: drop(it, "StatefulSet/towpath-git")),
    (checks.everything_named_is_there, "minimal", lambda it: runner(it)["volumes"].pop()),
]


class Plants(unittest.TestCase):
    """Nothing before, something after."""

    def test_every_planted_fault_is_found(self):
        clean = {name: render(*PROFILES[name]) for name in {plant[1] for plant in PLANTS}}
        for at, (check, profile, plant) in enumerate(PLANTS):
            with self.subTest(check.__name__, plant=at):
                objects = copy.deepcopy(clean[profile])
                self.assertEqual(check(objects), [])
                plant(objects)
                self.assertNotEqual(check(objects), [])

    def test_every_check_has_a_plant(self):
        self.assertEqual({plant[0] for plant in PLANTS}, set(checks.ALL))

    def test_a_changed_selector_is_seen(self):
        objects = render()
        before = copy.deepcopy(checks.selectors(objects))
        changed = pick(objects, "Deployment/towpath-releaser")["spec"]["selector"]["matchLabels"]
        changed["app.kubernetes.io/component"] = "release"
        self.assertNotEqual(checks.selectors(objects), before)


if __name__ == "__main__":
    unittest.main()
