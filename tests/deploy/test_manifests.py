"""The manifests of k8s/ fit together in the ways that an API server checks and a schema cannot, and fit the server that they start."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytempo.cli.tempo import read_settings
from pytempo.config.flags import read_flags
from pytempo.server.configured import serve_options
from tests.conftest import ROOT

K8S = ROOT / "k8s"

OLDEST, NEWEST = "1.25", "1.37"
"""The releases of Kubernetes that are promised."""

Manifest = dict[str, Any]


CONFIGURATION = K8S / "base" / "tempo.yaml"
"""What becomes a ConfigMap when the base is rendered."""


def manifests_below(folder: Path) -> list[Path]:
    """The files of a folder that hold what an API server takes."""
    return [path for path in sorted(folder.rglob("*.yaml")) if path.name != "kustomization.yaml" and path != CONFIGURATION]


def documents(folder: Path) -> Iterator[Manifest]:
    for path in manifests_below(folder):
        yield from filter(None, yaml.safe_load_all(path.read_text()))


def base(kind: str) -> list[Manifest]:
    return [manifest for manifest in documents(K8S / "base") if manifest["kind"] == kind]


def stateful_set() -> Manifest:
    (manifest,) = base("StatefulSet")
    return manifest


def pod() -> Manifest:
    spec: Manifest = stateful_set()["spec"]["template"]["spec"]
    return spec


def container() -> Manifest:
    (only,) = pod()["containers"]
    return dict(only)


def pods() -> list[tuple[str, Manifest]]:
    """Every pod that the manifests make."""
    jobs = [(job["metadata"]["name"], job["spec"]["template"]["spec"]) for job in documents(K8S / "jobs")]
    return [("pytempo", pod()), *jobs]


def tool(name: str) -> str:
    """A command of the `deploy` extra, beside this Python or on the path."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: pip install -e '.[deploy]'")
    return found


def test_every_selector_matches_the_labels_of_the_pod() -> None:
    labels = stateful_set()["spec"]["template"]["metadata"]["labels"]
    selectors = [
        stateful_set()["spec"]["selector"]["matchLabels"],
        *(service["spec"]["selector"] for service in base("Service")),
        *(budget["spec"]["selector"]["matchLabels"] for budget in base("PodDisruptionBudget")),
        *(policy["spec"]["podSelector"]["matchLabels"] for policy in base("NetworkPolicy")),
    ]
    assert len(selectors) == 5
    for selector in selectors:
        assert selector.items() <= labels.items()


def test_the_stateful_sets_service_is_a_headless_one_of_the_set() -> None:
    (headless,) = (service for service in base("Service") if service["spec"].get("clusterIP") == "None")
    assert stateful_set()["spec"]["serviceName"] == headless["metadata"]["name"]


def test_every_name_of_a_port_is_one_of_the_container() -> None:
    ports = {port["name"] for port in container()["ports"]}
    services = {port["targetPort"] for service in base("Service") for port in service["spec"]["ports"]}
    policies = {port["port"] for policy in base("NetworkPolicy") for rule in policy["spec"]["ingress"] for port in rule["ports"]}
    (monitor,) = documents(K8S / "components" / "servicemonitor")
    assert services | policies | {container()["readinessProbe"]["httpGet"]["port"]} <= ports
    assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} <= {
        port["name"] for service in base("Service") for port in service["spec"]["ports"]
    }


def test_the_server_takes_its_configuration_and_arguments_and_opens_the_ports() -> None:
    (mount,) = (mount for mount in container()["volumeMounts"] if mount["name"] == "config")
    first, *flags = container()["args"]
    assert first == f"-config.file={mount['mountPath']}/{CONFIGURATION.name}"
    assert mount["readOnly"]
    settings = read_settings(read_flags([f"-config.file={CONFIGURATION}", *flags]))
    assert not [*settings.warnings(), *settings.notes()]
    options = serve_options(settings)
    assert options.data == Path("/var/tempo")
    assert {port["name"]: port["containerPort"] for port in container()["ports"]} == {
        "http": options.http_port,
        "tempo-internal": options.internal_port,
        "otlp-grpc": options.otlp_grpc_port,
        "otlp-http": options.otlp_http_port,
    }


def test_the_configuration_is_mounted_by_the_name_that_it_is_generated_under() -> None:
    (generated,) = yaml.safe_load((K8S / "base" / "kustomization.yaml").read_text())["configMapGenerator"]
    (volume,) = pod()["volumes"]
    assert generated["files"] == [CONFIGURATION.name]
    assert volume["configMap"]["name"] == generated["name"]


@pytest.mark.parametrize("overlay", [path.parent.name for path in sorted(K8S.glob("overlays/*/kustomization.yaml"))])
def test_the_oldest_blocks_go_before_the_volume_is_full(overlay: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: it renders kustomizations")
    rendered = subprocess.run(["kubectl", "kustomize", str(K8S / "overlays" / overlay)], capture_output=True, text=True, check=True)
    (made,) = (each for each in yaml.safe_load_all(rendered.stdout) if each["kind"] == "StatefulSet")
    (limit,) = (int(value) for name, _, value in (arg.partition("=") for arg in arguments_of(made)) if name == "-pytempo.max-bytes-on-disk")
    (claim,) = made["spec"]["volumeClaimTemplates"]
    size = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi")) * 2**30
    assert 0.8 * size < limit < 0.95 * size


def arguments_of(stateful_set: Manifest) -> list[str]:
    (only,) = stateful_set["spec"]["template"]["spec"]["containers"]
    return list(only["args"])


def test_every_mount_has_a_volume_or_a_claim() -> None:
    volumes = {volume["name"] for volume in pod().get("volumes", [])}
    claims = {claim["metadata"]["name"] for claim in stateful_set()["spec"]["volumeClaimTemplates"]}
    assert {mount["name"] for mount in container()["volumeMounts"]} == volumes | claims


def test_the_claim_is_ten_gibibytes_of_the_default_class() -> None:
    (claim,) = stateful_set()["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "10Gi"
    assert "storageClassName" not in claim["spec"]


def test_the_snapshot_takes_the_claim_of_the_pod() -> None:
    (snapshot,) = yaml.safe_load_all((K8S / "volumesnapshot.yaml").read_text())
    (claim,) = stateful_set()["spec"]["volumeClaimTemplates"]
    name = f"{claim['metadata']['name']}-{stateful_set()['metadata']['name']}-0"
    assert snapshot["spec"]["source"]["persistentVolumeClaimName"] == name


@pytest.mark.parametrize(("name", "spec"), pods(), ids=[name for name, _ in pods()])
def test_every_pod_passes_the_restricted_pod_security_standard(name: str, spec: Manifest) -> None:
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert not any("hostPath" in volume for volume in spec.get("volumes", []))
    for one in spec["containers"]:
        context = one["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_a_fresh_volume_belongs_to_the_group_of_the_pod() -> None:
    assert (pod()["securityContext"]["runAsGroup"], pod()["securityContext"]["fsGroup"]) == (10001, 10001)


def test_the_account_of_the_pod_exists_and_has_no_token() -> None:
    (account,) = base("ServiceAccount")
    assert pod()["serviceAccountName"] == account["metadata"]["name"]
    assert account["automountServiceAccountToken"] is False


def test_every_file_of_the_base_is_in_its_kustomization() -> None:
    listed = yaml.safe_load((K8S / "base" / "kustomization.yaml").read_text())["resources"]
    assert {path.name for path in manifests_below(K8S / "base")} == set(listed)


def test_the_image_has_the_version_of_the_package(project_root: Path) -> None:
    version = re.search(r'^version = "(.+)"', (project_root / "pyproject.toml").read_text(), re.MULTILINE)
    (image,) = yaml.safe_load((K8S / "base" / "kustomization.yaml").read_text())["images"]
    assert version is not None
    assert (container()["image"], image["newTag"]) == (image["name"], version[1])


@pytest.mark.parametrize("release", [OLDEST, NEWEST])
def test_the_schemas_of_kubernetes_accept_every_manifest(release: str) -> None:
    folders = [K8S / "base", K8S / "jobs", K8S / "overlays"]
    files = [str(path) for folder in folders for path in manifests_below(folder)]
    run = subprocess.run([tool("kubernetes-validate"), "--strict", "-k", release, *files], capture_output=True, text=True)
    output = run.stdout + run.stderr
    assert run.returncode == 0, output
    assert "Couldn't find schema" not in output


@pytest.mark.parametrize("folder", ["base", "jobs", "overlays/gp3", "overlays/large", "overlays/pd-ssd", "overlays/retention"])
def test_every_overlay_is_rendered_to_what_the_schemas_accept(folder: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: it renders kustomizations")
    rendered = subprocess.run(["kubectl", "kustomize", str(K8S / folder)], capture_output=True, text=True)
    assert rendered.returncode == 0, rendered.stderr
    validate = [tool("kubernetes-validate"), "--strict", "-k", NEWEST, "-"]
    run = subprocess.run(validate, input=rendered.stdout, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_hadolint_finds_nothing_in_the_dockerfile(project_root: Path) -> None:
    run = subprocess.run([tool("hadolint"), str(project_root / "docker" / "Dockerfile")], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
