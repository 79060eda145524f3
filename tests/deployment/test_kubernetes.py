"""What is given to Kubernetes, held against its own schemas and what it promises; no cluster need run."""

from __future__ import annotations

import re
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from sessionworker.options import OPTIONS
from sessionworker.service import DRAIN_SECONDS
from sessionworker.stores.postgres.connections import ANSWER_SECONDS
from tests.process import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "kubernetes"
KUSTOMIZATION = "kustomization.yaml"
EXAMPLE = "secret.example.yaml"

VERSIONS = ("1.30", "1.37")
"""Of Kubernetes: an older one, and the newest that the schemas are there for."""

PORT = 5656

LABELS = {"app.kubernetes.io/name": "sessionworker"}


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return content


OBJECTS = sorted(path.name for path in FOLDER.iterdir() if path.name != KUSTOMIZATION)


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    found: dict[str, Any] = read("deployment.yaml")["spec"]
    return found


@pytest.fixture(scope="module")
def pod(spec: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = spec["template"]["spec"]
    return found


@pytest.fixture(scope="module")
def worker(pod: dict[str, Any]) -> dict[str, Any]:
    [container] = pod["containers"]
    assert isinstance(container, dict)
    return container


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", OBJECTS)
def test_it_is_as_kubernetes_own_schemas_have_it(name: str, version: str) -> None:
    kubernetes_validate.validate(read(name), version, strict=True)


def test_all_but_the_example_of_a_secret_are_applied() -> None:
    assert sorted(read(KUSTOMIZATION)["resources"]) == [name for name in OBJECTS if name != EXAMPLE]


def test_the_image_is_the_one_that_is_given_its_name(worker: dict[str, Any]) -> None:
    [image] = read(KUSTOMIZATION)["images"]
    assert image["name"] == worker["image"]


def test_each_selects_the_workers_by_their_label(spec: dict[str, Any], pod: dict[str, Any]) -> None:
    assert spec["template"]["metadata"]["labels"] == LABELS
    [spread] = pod["topologySpreadConstraints"]
    for selector in (
        spec["selector"]["matchLabels"],
        spread["labelSelector"]["matchLabels"],
        read("service.yaml")["spec"]["selector"],
        read("disruption.yaml")["spec"]["selector"]["matchLabels"],
        read("network.yaml")["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector == LABELS


def test_the_port_is_the_same_everywhere(worker: dict[str, Any]) -> None:
    [port] = worker["ports"]
    assert port == {"name": "http", "containerPort": PORT}
    [served] = read("service.yaml")["spec"]["ports"]
    assert (served["port"], served["targetPort"]) == (PORT, "http")
    [rule] = read("network.yaml")["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": PORT}]
    listen = next(option.default for option in OPTIONS if option.flag == "listen")
    assert listen == f"tcp:{PORT}"


def test_a_worker_whose_database_is_away_is_not_killed_and_gets_no_requests(worker: dict[str, Any]) -> None:
    assert worker["readinessProbe"]["httpGet"] == {"path": "/health", "port": "http"}
    program = ["/opt/sessionworker/bin/python", "-m", "sessionworker.healthcheck"]
    for probe in ("livenessProbe", "startupProbe"):
        assert worker[probe]["exec"]["command"] == [*program, f"http://127.0.0.1:{PORT}/ping"]
    described = yaml.safe_load((REPOSITORY / "docs" / "openapi.yaml").read_text())["paths"]
    assert described["/health"]["get"]["security"] == []
    assert described["/ping"]["options"]["security"] == []


def test_each_is_replaced_by_one_that_is_ready_already(spec: dict[str, Any]) -> None:
    assert spec["replicas"] >= 3
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    assert read("disruption.yaml")["spec"]["maxUnavailable"] == 1


def test_it_has_more_time_to_stop_than_it_takes(pod: dict[str, Any], worker: dict[str, Any]) -> None:
    [program, seconds] = worker["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    assert int(seconds) >= 5
    assert pod["terminationGracePeriodSeconds"] > int(seconds) + DRAIN_SECONDS + ANSWER_SECONDS


def test_each_variable_is_the_workers_and_each_secret_is_in_a_file_of_the_secret(
    pod: dict[str, Any], worker: dict[str, Any]
) -> None:
    variables = {variable["name"]: variable["value"] for variable in worker["env"]}
    assert variables.keys() <= {option.variable for option in OPTIONS}
    secret = read(EXAMPLE)
    mount = next(mount for mount in worker["volumeMounts"] if mount["name"] == "secrets")
    volume = next(volume for volume in pod["volumes"] if volume["name"] == "secrets")
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    files = [value for name, value in variables.items() if name.endswith("_FILE")]
    assert sorted(files) == sorted(f"{mount['mountPath']}/{key}" for key in secret["stringData"])
    typed = re.findall(r"--from-literal=([\w-]+)=", (FOLDER / EXAMPLE).read_text())
    assert set(typed) == set(secret["stringData"])
    assert not re.search(r"TOKEN|KEY|PASSWORD|STORE", " ".join(set(variables) - {v for v in variables if "_FILE" in v}))


def test_the_pod_keeps_to_the_restricted_profile_and_has_limits(pod: dict[str, Any], worker: dict[str, Any]) -> None:
    # https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert worker["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {next(iter(volume.keys() - {"name"})) for volume in pod["volumes"]} <= {"secret", "emptyDir"}
    assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"}
    assert pod["automountServiceAccountToken"] is False
    assert worker["resources"]["limits"]["memory"]


def test_nobody_else_reaches_it_and_it_reaches_names_and_databases_alone() -> None:
    policy = read("network.yaml")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    [rule] = policy["ingress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": {"sessionworker-client": "true"}}}]
    assert all(rule["to"] for rule in policy["egress"])
    assert [[port["port"] for port in rule["ports"]] for rule in policy["egress"]] == [[53, 53], [5432]]
