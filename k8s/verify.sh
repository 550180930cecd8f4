#!/usr/bin/env bash
# Ten traces in, ten found, the pod deleted, ten found again: on the cluster and in the namespace that kubectl points to.
# usage: k8s/verify.sh [OVERLAY]   (a folder with a kustomization; default: k8s/base)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
overlay=${1:-$here/base}

step() { printf '\n== %s\n' "$*"; }

run_job() {
  kubectl delete job "$1" --ignore-not-found --wait
  kubectl apply -f "$here/jobs/$1.yaml"
  kubectl wait --for=condition=complete --timeout=120s "job/$1" || { kubectl logs "job/$1"; return 1; }
  kubectl logs "job/$1" | tail -n 3
}

step "1 the cluster has storage classes"
kubectl get storageclass

step "2 deploy"
kubectl apply -k "$overlay"

step "3 the pod is ready, its volume bound"
kubectl rollout status statefulset/pytempo --timeout=300s
kubectl wait --for=jsonpath='{.status.phase}'=Bound --timeout=60s pvc/data-pytempo-0

step "4 send ten traces"
run_job generate-traces

step "5 find ten traces"
run_job verify-traces

step "6 find them again after the pod was deleted"
kubectl delete pod pytempo-0 --wait
kubectl rollout status statefulset/pytempo --timeout=300s
run_job verify-traces

printf '\nverify: ok\n'
