"""Turns the StatefulSet among rendered manifests (stdin) into the pod that it would make, for `podman play kube` (stdout).

usage: kubectl kustomize k8s/base | python3 docker/statefulset_to_pod.py --name NAME --image IMAGE --port HOST_PORT
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import yaml


def pod_of(manifest: dict[str, Any], name: str, image: str, port: int) -> dict[str, Any]:
    """The pod of a StatefulSet under another name: its claims become volumes, its first port is published on loopback."""
    template = manifest["spec"]["template"]
    spec = {key: value for key, value in template["spec"].items() if key != "serviceAccountName"}
    for claim in manifest["spec"]["volumeClaimTemplates"]:
        volume = claim["metadata"]["name"]
        spec.setdefault("volumes", []).append({"name": volume, "persistentVolumeClaim": {"claimName": f"{volume}-{name}-0"}})
    for container in spec["containers"]:
        container.update(image=image, imagePullPolicy="Never")
        container["ports"][0].update(hostIP="127.0.0.1", hostPort=port)
    metadata = {"name": f"{name}-0", "labels": template["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--port", required=True, type=int)
    given = parser.parse_args()
    manifests = [manifest for manifest in yaml.safe_load_all(sys.stdin) if manifest]
    config = [manifest for manifest in manifests if manifest["kind"] == "ConfigMap"]
    pods = [pod_of(manifest, given.name, given.image, given.port) for manifest in manifests if manifest["kind"] == "StatefulSet"]
    print(yaml.safe_dump_all([*config, *pods]))


if __name__ == "__main__":
    main()
