"""The Helm chart: what it renders, what it refuses, what an upgrade leaves alone."""

import base64
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import tempfile
import tomllib
import unittest
import urllib.parse

import kubernetes_validate

import checks
from chart import CHART, PROFILES, ROLES, TOP, Refused, helm, named, of_kind, pods, render

# The oldest version that the chart names, and the newest there are schemas for.
KUBERNETES = ["1.25", "1.33", "1.37"]
FIXTURES = pathlib.Path(__file__).parent / "fixtures"
BINARY = pathlib.Path(os.environ.get("TOWPATH_BIN", TOP / "target/debug/towpath"))

# Values that nobody may give, and the word by which the refusal has to name them.
WRONG = [
    ("nats.replicas=2", "replicas"),
    ("nats.url=http://nats:4222", "url"),
    ("nats.url=nats://user:secret@nats:4222", "url"),
    ("postgresql.url=postgres://towpath:secret@db/towpath", "url"),
    ("postgresql.url=mysql://towpath@db/towpath", "url"),
    ("manifests.url=https://user:secret@git.example.com/m", "url"),
    ("manifests.url=ext::sh", "url"),
    ("author.email=", "email"),
    ("profile=testing", "profile"),
    ("profile=production", "nats"),
    ("roles.cd-manager.replicas=2", "replicas"),
    ("roles.portal.replicas=1", "portal"),
    ("image.digest=sha256:abc", "digest"),
    ("image.pullPolicy=Sometimes", "pullPolicy"),
    ("nats.existingSecret=mine", "existingSecret"),
    ("roles.runner.storage.size=10GB", "size"),
    ("networkPolicy.egressPorts={70000}", "egressPorts"),
    ("telemetry.otlp=collector:4317", "otlp"),
    ("manifest.url=https://git.example.com/m", "manifest"),
    ("service.type=Ingress", "type"),
]


class Rendered(unittest.TestCase):
    """Every profile, object by object."""

    @classmethod
    def setUpClass(cls):
        cls.profiles = {name: render(*values) for name, values in PROFILES.items()}

    def test_helm_finds_nothing_to_complain_about(self):
        for name, values in PROFILES.items():
            with self.subTest(name):
                said = helm("lint", "--strict", CHART, *values)
                self.assertIn("0 chart(s) failed", said)

    def test_every_object_is_valid_for_kubernetes(self):
        for name, objects in self.profiles.items():
            self.assertGreater(len(objects), 20)
            for each in objects:
                for version in KUBERNETES:
                    with self.subTest(name, object=named(each), kubernetes=version):
                        kubernetes_validate.validate(each, version, strict=True)

    def test_what_every_rendering_keeps(self):
        for name, objects in self.profiles.items():
            for check in checks.ALL:
                with self.subTest(name, check=check.__name__):
                    self.assertEqual(check(objects), [])

    def test_no_object_is_rendered_twice(self):
        for name, objects in self.profiles.items():
            with self.subTest(name):
                names = [named(each) for each in objects]
                self.assertEqual(sorted(names), sorted(set(names)))

    def test_there_is_one_workload_for_each_role(self):
        for name, objects in self.profiles.items():
            with self.subTest(name):
                roles = [
                    each["spec"]["template"]["spec"]["containers"][0]["args"]
                    for each in of_kind(objects, "Deployment", "StatefulSet")
                ]
                roles = [args[2] for args in roles if args and args[0] == "serve"]
                self.assertEqual(sorted(roles), sorted(ROLES))

    def test_the_binary_accepts_the_arguments_and_the_configuration(self):
        for name, objects in self.profiles.items():
            for thing, pod, labels in pods(objects):
                container = pod["containers"][0]
                if container.get("args", [""])[0] != "serve":
                    continue
                with self.subTest(name, role=labels["app.kubernetes.io/component"]):
                    check_config(self, objects, pod, container)

    def test_an_installation_needs_no_value_but_addresses(self):
        values = (CHART / "values.yaml").read_text()
        self.assertEqual(re.findall(r"(?i)required|change.?me", values), [])
        self.assertNotIn("fail ", "".join(path.read_text() for path in (CHART / "templates").rglob("*.yaml")))
        kinds = {name: {named(each) for each in of_kind(self.profiles[name], "StatefulSet")} for name in PROFILES}
        own = {"StatefulSet/towpath-nats", "StatefulSet/towpath-postgresql"}
        self.assertTrue(own <= kinds["default"] and own <= kinds["minimal"])
        self.assertFalse(own & kinds["addresses-only"] or own & kinds["production"])

    def test_permissions_of_the_users_are_those_of_the_program(self):
        text = (CHART / "files/nats-users.conf").read_text()
        printed = subprocess.run([BINARY, "nats-config"], capture_output=True, text=True, timeout=60, check=True)
        self.assertEqual(text, printed.stdout)
        secret = next(each for each in self.profiles["default"] if named(each) == "Secret/towpath-nats")
        users = secret["stringData"]["users.conf"]
        for user in [*ROLES, "ci", "operator"]:
            hashed = secret["stringData"][f"{user}.bcrypt"]
            self.assertRegex(users, rf'user: "{user}"\n +password: "{re.escape(hashed)}"\n')
        self.assertNotIn("TOWPATH_NATS", users)

    def test_nats_accepts_its_configuration(self):
        server = shutil.which("nats-server", path=f"{TOP / 'target/tools/bin'}:{os.environ['PATH']}")
        self.assertIsNotNone(server, "nats-server is missing: cargo xtask setup")
        for name in ("default", "three-servers"):
            objects = {named(each): each for each in self.profiles[name]}
            with self.subTest(name), tempfile.TemporaryDirectory() as directory:
                place = pathlib.Path(directory)
                files = {"nats.conf": objects["ConfigMap/towpath-nats"]["data"]["nats.conf"]}
                secret = objects["Secret/towpath-nats"]["stringData"]
                files.update({f"secret/{key}": secret[key] for key in ("users.conf", "cluster.conf")})
                made = objects["Secret/towpath-tls"]["data"]
                for key, file in (("ca.crt", "ca.crt"), ("nats.crt", "tls.crt"), ("nats.key", "tls.key")):
                    files[f"tls/{file}"] = base64.b64decode(made[key]).decode()
                for path, text in files.items():
                    (place / path).parent.mkdir(exist_ok=True)
                    (place / path).write_text(text.replace("/etc/nats/", f"{directory}/"))
                done = subprocess.run(
                    [server, "-t", "-c", place / "nats.conf"],
                    env={"SERVER_NAME": "towpath-nats-0"}, capture_output=True, text=True, timeout=60, check=False,
                )
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                # It reads what it includes: a fault there is seen.
                (place / "secret/users.conf").write_text("authorization { users: [ { user: 1, nonsense } ] }")
                broken = subprocess.run(
                    [server, "-t", "-c", place / "nats.conf"],
                    env={"SERVER_NAME": "x"}, capture_output=True, text=True, timeout=60, check=False,
                )
                self.assertNotEqual(broken.returncode, 0)

    def test_certificates_are_for_the_names_that_are_called(self):
        for name in ("default", "three-servers"):
            objects = {named(each): each for each in self.profiles[name]}
            made = objects["Secret/towpath-tls"]["data"]
            config = tomllib.loads(objects["ConfigMap/towpath"]["data"]["towpath.toml"])
            called = {f"{role}.crt": [config["roles"][role]] for role in ROLES}
            called["nats.crt"] = config["log"]["url"].split(",")
            called["postgresql.crt"] = [config["reads"]["url"]]
            for key, urls in called.items():
                with self.subTest(name, certificate=key), tempfile.NamedTemporaryFile() as file:
                    file.write(base64.b64decode(made[key]))
                    file.flush()
                    names = {value for kind, value in ssl._ssl._test_decode_cert(file.name)["subjectAltName"]}
                    for url in urls:
                        self.assertIn(urllib.parse.urlsplit(url).hostname, names)

    def test_what_roles_are_told_to_call_they_may_call(self):
        told = {
            "nats.url=tls://a:14222,tls://b": {14222, 4222},
            "postgresql.url=postgres://towpath@db:15432/towpath": {15432},
            "manifests.url=ssh://git@git.example.com:2222/m": {2222, 22, 443},
            "telemetry.otlp=http://collector": {4317},
        }
        for value, wanted in told.items():
            with self.subTest(value):
                objects = {named(each): each for each in render("--set", value.replace(",", r"\,"))}
                rules = objects["NetworkPolicy/towpath-roles"]["spec"]["egress"]
                open_to_all = {port["port"] for rule in rules if "to" not in rule for port in rule["ports"]}
                self.assertLessEqual(wanted, open_to_all)

    def test_versions_of_chart_and_program_are_one(self):
        workspace = tomllib.loads((TOP / "Cargo.toml").read_text())["workspace"]["package"]["version"]
        chart = (CHART / "Chart.yaml").read_text()
        self.assertIn(f"\nappVersion: {workspace}\n", chart)


def mounted(objects, pod, container, made):
    """The files of the secrets that a container sees, by path. A secret that a value names is there
    already: what stands in for it has the same names."""
    volumes = {volume["name"]: volume["secret"] for volume in pod["volumes"] if "secret" in volume}
    secrets = {each["metadata"]["name"]: each for each in of_kind(objects, "Secret")}
    for mount in container["volumeMounts"]:
        source = volumes.get(mount["name"], {})
        secret = secrets.get(source.get("secretName"))
        for item in source.get("items", []):
            if secret is None:
                stand_in = made / item["path"]
                text = stand_in.read_text() if stand_in.exists() else "stand-in-for-a-secret"
            elif item["key"] in secret.get("stringData", {}):
                text = secret["stringData"][item["key"]]
            else:
                text = base64.b64decode(secret["data"][item["key"]]).decode()
            yield f"{mount['mountPath']}/{item['path']}", text


def check_config(test, objects, pod, container):
    """Runs what the container would run, on the configuration and the files that it would find; they
    are below a directory of their own, so each of their paths begins with it. Without any one of
    those that the configuration names it has to be refused."""
    source = next(volume["configMap"]["name"] for volume in pod["volumes"] if volume["name"] == "config")
    config = next(each for each in of_kind(objects, "ConfigMap") if each["metadata"]["name"] == source)
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory)
        make = [BINARY, "certificate", "--out", place / "made", "--name", "localhost"]
        subprocess.run(make, env={"HOME": directory}, capture_output=True, timeout=60, check=True)
        files = dict(mounted(objects, pod, container, place / "made"))
        for path, text in files.items():
            target = pathlib.Path(directory + path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

        def below(text):
            for path in files:
                text = text.replace(path, directory + path)
            return text

        environment = {variable["name"]: below(variable["value"]) for variable in container["env"]}
        environment.update(PATH=os.environ["PATH"], TOWPATH_DATA=directory)
        toml = below(config["data"]["towpath.toml"])
        (place / "towpath.toml").write_text(toml)

        def run():
            command = [BINARY, *container["args"], "--check-config"]
            return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

        done = run()
        test.assertEqual(done.returncode, 0, done.stderr)
        told = [path for path in files if directory + path in toml + " ".join(environment.values())]
        test.assertGreaterEqual(len(told), 5)
        for path in told:
            file = pathlib.Path(directory + path)
            file.rename(place / "away")
            refused = run()
            test.assertEqual(refused.returncode, 2, path)
            test.assertIn(path, refused.stderr)
            (place / "away").rename(file)


class Refusals(unittest.TestCase):
    """values.schema.json."""

    def test_wrong_values_are_refused_by_name(self):
        self.assertGreaterEqual(len(WRONG), 10)
        for value, word in WRONG:
            with self.subTest(value):
                with self.assertRaises(Refused) as caught:
                    render("--set", value)
                self.assertIn(word, str(caught.exception))
                self.assertIn("schema", str(caught.exception))


class Upgrades(unittest.TestCase):
    """From every version that was published."""

    def test_selectors_stay_what_they_were(self):
        kept = sorted(FIXTURES.glob("selectors-*.json"))
        self.assertTrue(kept)
        for path in kept:
            before = json.loads(path.read_text())
            for name, was in before.items():
                now = checks.selectors(render(*PROFILES[name]))
                for thing, its in was.items():
                    with self.subTest(path.stem, profile=name, object=thing):
                        self.assertEqual(now.get(thing), its)

    def test_the_migration_of_an_upgrade_comes_first(self):
        for name, values in PROFILES.items():
            with self.subTest(name):
                jobs = of_kind(render(*values, "--is-upgrade"), "Job")
                hooks = [each["metadata"]["annotations"]["helm.sh/hook"] for each in jobs]
                self.assertTrue(hooks and all("pre-upgrade" in each for each in hooks), hooks)


if __name__ == "__main__":
    unittest.main()
