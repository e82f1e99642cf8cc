"""Every file of deploy/ agrees with the code, the documents and the other files."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.files import (
    DEPLOY,
    OTHERS,
    compose,
    containerfile,
    environments,
    manifest,
    manifests,
    pods,
    services,
    unit,
    variables,
)
from tests.support import documents
from tests.support.site import ROOT

pytestmark = pytest.mark.once

VARIABLES = documents.read("reference/variables")
ENVIRONMENTS = list(environments())
NAMES = [f"{number} {where}" for number, (where, _) in enumerate(ENVIRONMENTS)]


@pytest.mark.parametrize(
    ("where", "found"), ENVIRONMENTS, ids=[f"{n} {where}" for n, (where, _) in enumerate(ENVIRONMENTS)]
)
def test_every_variable_is_one_of_the_documented(where: str, found: dict[str, object]) -> None:
    known = {word for row in documents.rows(VARIABLES) for word in documents.named(" ".join(row))}
    assert {name.removesuffix("_FILE") for name in found} - OTHERS - known == set()
    assert all(isinstance(value, str) for value in found.values())


def test_what_has_no_default_is_set_wherever_the_site_runs() -> None:
    required = re.search(r"^Required with.*?\n\n(.*?)\n\n", VARIABLES, re.DOTALL | re.MULTILINE)
    assert required
    names = set(documents.column(required[1]))
    assert "SECRET_KEY" in names
    base = variables(DEPLOY / "site.env.example")
    for found in (
        base | compose()["services"]["site"]["environment"],
        manifest("ConfigMap")["data"],
        variables(DEPLOY / "systemd/environment.example"),
    ):
        assert names - {name.removesuffix("_FILE") for name in found} == set()


def test_no_secret_and_no_registry_stands_in_any_file() -> None:
    for file in (path for path in DEPLOY.rglob("*") if path.is_file() and path.name != "Containerfile"):
        text = file.read_text()
        assert not re.search(r"[A-Za-z0-9+/]{40,}", text), file
    images = [step.words[0] for step in containerfile() if step.name == "FROM"]
    images += [service["image"] for service in compose()["services"].values()]
    assert all(re.fullmatch(r"(valkey/)?[a-z]+(:[\w.-]+)?", image) for image in images), images


def test_every_secret_that_is_read_is_mounted(tmp_path: Path) -> None:
    found = compose()
    service = found["services"]["site"]
    read = {Path(value).name for name, value in service["environment"].items() if name.endswith("_FILE")}
    assert read == set(service["secrets"]) <= set(found["secrets"])
    named = {Path(value).name for name, value in manifest("ConfigMap")["data"].items() if name.endswith("_FILE")}
    assert named == set(manifest("Secret")["stringData"])
    mounts = {each["mountPath"] for _kind, pod in pods() for one in pod["containers"] for each in one["volumeMounts"]}
    assert mounts == {"/tmp", "/run/secrets/phonebind"}


def test_the_document_gives_the_pods_what_they_read_and_no_more() -> None:
    text = "\n".join(documents.code("how-to/containers", "sh"))
    [command] = re.findall(r"^kubectl create secret generic phonebind (?:.*\\\n)*.*", text, re.MULTILINE)
    named = command.partition("secrets/%s ' ")[2].rstrip(")").replace("\\", "").split()
    [example] = yaml.safe_load_all((ROOT / "deploy/kubernetes/secret.example.yaml").read_text())
    assert set(named) == example["stringData"].keys()


def test_the_script_makes_secrets_that_serve_and_keeps_what_is_there(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "secrets.sh", tmp_path)
    for _twice in range(2):
        subprocess.run([tmp_path / "secrets.sh"], check=True, capture_output=True)
        made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
        ours = {
            "secret_key",
            "metrics_token",
            "webhooks.json",
            "database_password",
            "database_url",
            "jwt_private_key.pem",
        }
        assert set(made) == ours
        assert made["database_password"] in made["database_url"]
        assert len(made["secret_key"]) == len(made["metrics_token"]) == 64
        assert made["secret_key"] != made["metrics_token"]
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    first = {Path(entry["file"]).name for entry in compose()["secrets"].values()}
    assert set(made) <= first


def test_the_proxy_is_that_of_the_document() -> None:
    block = documents.code("how-to/production", "nginx")[0]
    _comment, _, ours = (DEPLOY / "nginx/phonebind.conf").read_text().partition("\n")
    assert ours == block.replace("server 127.0.0.1:8000;", "server site:8000;")
    assert "site" in compose()["services"]


def test_the_variables_to_fill_in_are_those_of_the_document() -> None:
    """The operator edits the same block. The first line of the file says where the other variables are."""
    [block] = [code for code in documents.code("how-to/production", "ini") if "SECRET_KEY=" in code]
    _comment, _, ours = (DEPLOY / "systemd/environment.example").read_text().partition("\n")
    assert ours == block


# ---------------------------------------------------------------- Kubernetes


def test_every_object_is_of_a_kind_that_there_is_and_names_no_namespace() -> None:
    versions = {
        "ConfigMap": "v1",
        "Secret": "v1",
        "Service": "v1",
        "Deployment": "apps/v1",
        "Job": "batch/v1",
        "CronJob": "batch/v1",
        "PodDisruptionBudget": "policy/v1",
        "HorizontalPodAutoscaler": "autoscaling/v2",
        "NetworkPolicy": "networking.k8s.io/v1",
    }
    found = list(manifests())
    assert {each["kind"] for each in found} == set(versions)
    for each in found:
        assert each["apiVersion"] == versions[each["kind"]]
        assert "namespace" not in each["metadata"]
        assert re.fullmatch(r"[a-z0-9-]{1,63}", each["metadata"]["name"])


def test_every_pod_is_contained() -> None:
    found = list(pods())
    assert sorted(kind for kind, _pod in found) == [*["CronJob"] * 5, *["Deployment"] * 2, "Job"]
    for _kind, pod in found:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        [user] = [step.words[0] for step in containerfile() if step.name == "USER"]
        assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == user
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {mount["name"] for mount in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}
            assert container["envFrom"] == [{"configMapRef": {"name": manifest("ConfigMap")["metadata"]["name"]}}]
        assert pod["volumes"][1]["secret"]["secretName"] == manifest("Secret")["metadata"]["name"]


def test_selectors_find_the_nodes_and_ports_are_theirs() -> None:
    deployment = manifest("Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    service, budget, policy = (manifest(kind)["spec"] for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy"))
    selectors = [service["selector"], *(each["matchLabels"] for each in (deployment["selector"], budget["selector"]))]
    for selector in (*selectors, policy["podSelector"]["matchLabels"]):
        assert selector.items() <= labels.items()
    # The Service selects the nodes, and no other pod.
    for kind, name in (("Job", "phonebind-migrations"), ("Deployment", "phonebind-webhooks")):
        other = manifest(kind, name)["spec"]["template"]["metadata"]["labels"]
        assert not service["selector"].items() <= other.items()
    [container] = deployment["template"]["spec"]["containers"]
    [port] = container["ports"]
    bind = next(found for where, found in ENVIRONMENTS if where == "Containerfile")["BIND"]
    assert bind == f"0.0.0.0:{port['containerPort']}"
    assert service["ports"][0]["targetPort"] == policy["ingress"][0]["ports"][0]["port"] == port["name"]


def test_a_node_has_the_time_that_it_takes_to_start_and_to_end() -> None:
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    [container] = pod["containers"]
    environ = {each["name"]: each["value"] for each in container["env"]}
    startup, ready = container["startupProbe"], container["readinessProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] > int(environ["MIGRATE_DEADLINE"])
    unseen = ready["periodSeconds"] * ready["failureThreshold"] + ready["timeoutSeconds"]
    assert unseen < int(environ["DRAIN"])
    assert int(environ["DRAIN"]) + 5 < pod["terminationGracePeriodSeconds"]
    grace = compose()["services"]["site"]["stop_grace_period"]
    assert int(environ["DRAIN"]) + 5 < int(grace.removesuffix("s"))


def test_the_scale_of_threads_is_that_of_the_configuration() -> None:
    data = manifest("ConfigMap")["data"]
    text = (DEPLOY / "kubernetes/scale-by-threads.yaml").read_text()
    [pods_metric] = [each["pods"] for each in yaml.safe_load(text)["spec"]["metrics"] if each["type"] == "Pods"]
    threads = int(data["WORKERS"]) * int(data["THREADS"])
    assert int(pods_metric["target"]["averageValue"]) == threads * 60 // 100
    assert f"of {threads}." in text


# ---------------------------------------------------------------- chores


def test_every_way_to_run_the_site_has_the_chores_of_the_table() -> None:
    table = documents.rows(documents.section(documents.read("how-to/operations/index"), "commands-for-cron"))
    rows = [(row[0].strip("`").removeprefix("manage.py "), row[1]) for row in table if "`manage.py " in row[0]]
    always = {name for name, when in rows if when == "always"}
    assert always == {"phonebind_webhooks"}
    by_the_clock = {name for name, _when in rows} - always
    [_sh, _c, loop] = compose()["services"]["chores"]["command"]
    assert set(re.findall(r"phonebind_\w+", loop)) == by_the_clock
    assert {pod["containers"][0]["command"][-1] for kind, pod in pods() if kind == "CronJob"} == by_the_clock
    oneshot = [file for file in services() if unit(file)["Service"]["Type"] == ["oneshot"]]
    assert {unit(file)["Service"]["ExecStart"][0].split()[-1] for file in oneshot} == by_the_clock
    assert {file.with_suffix(".timer") for file in oneshot} == set((DEPLOY / "systemd").glob("*.timer"))


def test_the_sender_is_a_service_of_its_own() -> None:
    sender = compose()["services"]["webhooks"]
    pod = manifest("Deployment", "phonebind-webhooks")["spec"]["template"]["spec"]
    service = unit(DEPLOY / "systemd/phonebind-webhooks.service")["Service"]
    commands = [sender["command"], pod["containers"][0]["command"], service["ExecStart"][0].split()]
    assert [command[-1] for command in commands] == ["phonebind_webhooks"] * 3
    # Without an endpoint the sender ends with an error. So it is started only on request.
    assert sender["profiles"] == ["webhooks"]
    assert service["Restart"] == ["always"]
    stops = [
        sender["stop_grace_period"].removesuffix("s"),
        pod["terminationGracePeriodSeconds"],
        service["TimeoutStopSec"][0],
    ]
    # The message that is being sent may take ten seconds.
    assert all(int(stop) > 10 for stop in stops)


# ---------------------------------------------------------------- systemd


def test_every_service_is_hardened_alike_and_every_timer_has_one() -> None:
    hard = [
        {key: value for key, value in unit(file)["Service"].items() if key.startswith(("Protect", "Restrict", "NoNew"))}
        for file in services()
    ]
    assert hard[0]["ProtectSystem"] == ["strict"]
    assert hard[0]["NoNewPrivileges"] == ["yes"]
    assert all(each == hard[0] for each in hard)
    assert all(unit(file)["Service"]["DynamicUser"] == ["yes"] for file in services())
    for timer in (DEPLOY / "systemd").glob("*.timer"):
        assert timer.with_suffix(".service") in services()
    stop = int(unit(DEPLOY / "systemd/phonebind.service")["Service"]["TimeoutStopSec"][0])
    assert stop > 8 + 5
