#!/usr/bin/env bash
# Builds the image and runs it as a cluster would: read-only root without /tmp, no capabilities, as uid 10001 and as an arbitrary uid of
# group 0, then as the pod of k8s/base. Ten traces in, ten found, the container killed and started again on the same volume, ten found.
# Needs root, podman, buildah, runc, mmdebstrap and curl. Without a registry it makes a stand-in for the base image out of Debian packages
# and the CPython 3.12 that PYTHON names; with BASE=IMAGE it takes that one.
# usage: [PYTHON=python3.12] [BASE=python:3.12-slim-bookworm] docker/check.sh
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-python3.12}
base=${BASE:-localhost/pytempo-check/python:3.12-slim-bookworm}
tag=localhost/pytempo:check
name=pytempo-check-$$
http=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
work=$(mktemp -d)

clean() {
  podman rm --force "$name" "$name-any" >/dev/null 2>&1 || true
  if [ -f "$work/pod.yaml" ]; then # podman keeps a ConfigMap as a volume of its name
    podman play kube --down "$work/pod.yaml" >/dev/null 2>&1 || true
    podman volume rm --force "$(awk '$1 == "name:" && $2 ~ /^pytempo-config-/ { print $2; exit }' "$work/pod.yaml")" >/dev/null 2>&1 || true
  fi
  podman volume rm --force "$name" "$name-any" "data-$name-0" >/dev/null 2>&1 || true
  podman rmi "$tag" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean EXIT

say() { printf '== %s\n' "$*"; }

# Root may lack the right to raise limits, and podman asks for more than it has; the cgroups may suit runc only.
open_files=$(ulimit -Hn)
case $open_files in unlimited) open_files=1048576 ;; esac
cat >"$work/containers.conf" <<END
[containers]
default_ulimits = ["nofile=$open_files:$open_files", "nproc=32768:32768"]
[engine]
runtime = "runc"
END
export CONTAINERS_CONF=$work/containers.conf

make_base() {
  local prefix
  prefix=$("$python" -c 'import sys; assert sys.version_info[:2] == (3, 12), sys.version; print(sys.base_prefix)')
  mmdebstrap --quiet --variant=minbase \
    --include=ca-certificates,netbase,tzdata,libssl3,libffi8,libsqlite3-0,libreadline8,libbz2-1.0,liblzma5,zlib1g,libncursesw6,libuuid1 \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --customize-hook="tar -C '$prefix' --exclude=./lib/python3.12/test --exclude=__pycache__ --exclude='*.a' --exclude=./share -cf - . | tar -C \"\$1/usr/local\" --no-same-owner -xf -" \
    --customize-hook='rm -rf "$1"/usr/local/lib/python3.12/site-packages/[!p]* "$1"/usr/local/bin/pip*' \
    --customize-hook='printf "#!/bin/sh\nexec /usr/local/bin/python3.12 -m pip \"\$@\"\n" | tee "$1/usr/local/bin/pip" > "$1/usr/local/bin/pip3"; chmod 755 "$1"/usr/local/bin/pip*; ln -sf python3.12 "$1/usr/local/bin/python3"; ln -sf python3.12 "$1/usr/local/bin/python"' \
    --customize-hook='chroot "$1" ldconfig' \
    bookworm "$work/base.tar"
  podman import --quiet -c 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' -c 'CMD ["python3"]' "$work/base.tar" "$base" >/dev/null
}

answers() { # URL: waits until the server there is ready
  for _ in $(seq 600); do
    curl -fsS -m 2 "$1/ready" >/dev/null 2>&1 && return
    sleep 0.05
  done
  echo "no server is ready at $1" >&2
  return 1
}

finds_ten() { # URL
  local found
  found=$(curl -fsS -G "$1/api/search" --data-urlencode 'q={}' | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["traces"]))')
  [ "$found" = 10 ] || { echo "found $found of 10 traces" >&2; return 1; }
}

cpu_ms() { # NAME: what the container's process has used, user and system
  awk -v ticks="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / ticks) }' "/proc/$(podman inspect --format '{{.State.Pid}}' "$1")/stat"
}

hardened() { # NAME USER
  say "as $2: ten traces in, found, found after a kill"
  podman run --detach --name "$1" --read-only --read-only-tmpfs=false --user "$2" --cap-drop=ALL --security-opt no-new-privileges \
    --memory 512m --pids-limit 256 --volume "$1:/var/tempo" --publish "127.0.0.1:$http:3200" "$tag" >/dev/null
  answers "http://127.0.0.1:$http"
  podman exec "$1" sh -c '! touch /x 2>/dev/null && ! touch /tmp/x 2>/dev/null && grep -q "^CapEff:	0000000000000000" /proc/1/status'
  podman exec "$1" pytempo generate --traces 10 --json >/dev/null
  finds_ten "http://127.0.0.1:$http"
  podman kill --signal KILL "$1" >/dev/null
  podman wait "$1" >/dev/null
  local began
  began=$(date +%s%N)
  podman start "$1" >/dev/null
  answers "http://127.0.0.1:$http"
  say "ready $((($(date +%s%N) - began) / 1000000)) ms after its start, with $(cpu_ms "$1") ms of CPU"
  finds_ten "http://127.0.0.1:$http"
  podman stop --time 30 "$1" >/dev/null
  [ "$(podman inspect --format '{{.State.ExitCode}}' "$1")" = 0 ] || { echo "SIGTERM did not end it with status 0" >&2; podman logs "$1"; return 1; }
  podman rm "$1" >/dev/null
}

as_pod() {
  say "the pod of k8s/base: ten traces in, found, found after a new pod"
  kubectl kustomize "$top/k8s/base" | python3 "$top/docker/statefulset_to_pod.py" --name "$name" --image "$tag" --port "$http" >"$work/pod.yaml"
  podman play kube "$work/pod.yaml" >/dev/null
  answers "http://127.0.0.1:$http"
  podman exec "$name-0-pytempo" pytempo generate --traces 10 --json >/dev/null
  finds_ten "http://127.0.0.1:$http"
  podman play kube --down "$work/pod.yaml" >/dev/null
  podman play kube "$work/pod.yaml" >/dev/null
  answers "http://127.0.0.1:$http"
  finds_ten "http://127.0.0.1:$http"
  podman play kube --down "$work/pod.yaml" >/dev/null
}

if ! podman image exists "$base"; then
  say "make a stand-in for the base image"
  make_base
fi

say "build"
# the build's pip trusts what this machine trusts; both files are mounts and stay out of the image
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\ndisable-pip-version-check = true\n' >"$work/pip.conf"
buildah build --quiet --format docker --isolation chroot \
  --volume "$work/pip.conf:/etc/pip.conf:ro" --volume /etc/ssl/certs/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt:ro \
  --build-arg "BASE=$base" --tag "$tag" --file "$top/docker/Dockerfile" "$top" >/dev/null
size() { podman image inspect --format '{{.Size}}' "$1"; }
say "the image has $(($(size "$tag") / 1000000)) MB, $((($(size "$tag") - $(size "$base")) / 1000000)) MB of them beyond its base"

hardened "$name" 10001:10001
hardened "$name-any" "$((20000 + RANDOM)):0"
if command -v kubectl >/dev/null && python3 -c 'import yaml' 2>/dev/null; then
  as_pod
else
  say "no pod: it takes kubectl and PyYAML to render k8s/base"
fi
say "image: ok"
