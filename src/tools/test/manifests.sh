#!/usr/bin/env bash
# Holds every Kubernetes manifest of the project against the CustomResourceDefinitions in a folder.
#
#   src/tools/test/manifests.sh CRDS POLICY...
#
# A relative CRDS is a folder below BRAMA_CALLER, the one that `make -C` was called in.
set -euo pipefail

crds=${1:-}
[[ -z $crds || $crds == /* ]] || crds=${BRAMA_CALLER:-$PWD}/$crds
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

if [[ ! -d $crds ]]; then
    [[ -z $crds ]] || echo "$crds is no folder."
    cat <<'HELP'
CRDS is a folder with the CustomResourceDefinitions of Istio and of Envoy Gateway, as YAML:
    make check-manifests CRDS=FOLDER
A cluster that has both writes them: kubectl get crd -o yaml >FOLDER/crds.yaml
Without a cluster they are in the projects' releases: manifests/charts/base/files/crd-all.gen.yaml of istio/istio, and what
`helm template --set crds.envoyGateway.enabled=true` makes of Envoy Gateway's chart gateway-crds-helm.
HELP
    exit 2
fi >&2

cargo build ${CI:+--quiet} -p brama-cli
home=$(src/tools/install/packages.sh jsonschema==4.26.0 pyyaml==6.0.4 cel-expr-python==0.1.3)
exec "$home/bin/python3" src/tools/test/manifests.py target/debug/brama "$crds" "${@:2}"
