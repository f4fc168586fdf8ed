#!/usr/bin/env bash
# The composed stack (envoy/compose.yaml): what it is built of, and the command that composes it.
#
#   src/tools/build/docker.sh prepare        the build context, the secrets and the base image
#   src/tools/build/docker.sh policy         the policy that is to be put in force
#   src/tools/build/docker.sh compose ARG... Docker Compose with all of them
#   src/tools/build/docker.sh wait           until the gateway serves
#
# POLICY is any file, by its path from here or from BRAMA_CALLER, the folder that `make -C` was called in. PUBLISH is the address that
# the gateway's port is published on: 127.0.0.1 unless another is written, such as 0.0.0.0 for all of this machine's.
#
# The base image is BASE; else this machine's own distribution, since the programs are built here; else, where it cannot
# be pulled, one of our own, made by debootstrap. COMPOSE_FILES, joined by colons, are taken besides compose.yaml.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
folder=$root/target/docker
export BRAMA_CONTEXT=$folder/context
export COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-brama}
export BRAMA_POLICY=$folder/policy

main() {
    command -v docker >/dev/null && docker info >/dev/null 2>&1 \
        || { echo "no Docker engine answers (docker info)" >&2; exit 1; }
    case $1 in
        prepare) secrets; context; base ;;
        policy) policy ;;
        compose) shift; compose "$@" ;;
        wait) wait_for_gateway ;;
        *) echo "usage: src/tools/build/docker.sh prepare | policy | compose ARG... | wait" >&2; exit 2 ;;
    esac
}

# New ones for each folder; nobody has to know them.
secrets() {
    mkdir -p "$folder"
    [[ -s $folder/env ]] && return
    (umask 077 && printf '%s=%s\n' BRAMA_AUTHORITY_SECRET "$(random)" POSTGRES_PASSWORD "$(random)" >"$folder/env.new")
    mv "$folder/env.new" "$folder/env"
}

random() {
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

# Only what the images hold is sent to the engine.
context() {
    rm -rf "$BRAMA_CONTEXT"
    mkdir -p "$BRAMA_CONTEXT"
    cp "$root"/target/command/{brama,brama-upstream} "$BRAMA_CONTEXT/"
    cp -L "$("$root/src/tools/install/envoy.sh")" "$BRAMA_CONTEXT/envoy"
    cp "$root/target/brama_filter.wasm" "$root/src/upstream/fixtures/demo.json" "$root"/envoy/docker/* "$BRAMA_CONTEXT/"
    bootstrap /dev/stdout >"$BRAMA_CONTEXT/envoy.yaml"
    bootstrap /run/brama/log/access.log >"$BRAMA_CONTEXT/envoy.test.yaml"
    if grep -F '${' "$BRAMA_CONTEXT"/envoy*.yaml; then
        echo "the bootstrap has placeholders that src/tools/build/docker.sh does not fill in" >&2
        exit 1
    fi
    chmod -R a+rX "$BRAMA_CONTEXT"
}

# The bootstrap that `make run` uses, for a container: it listens outside of it, and behind it are two replicas.
bootstrap() {
    local socket edits=()
    for socket in PUBLIC_SOCKET=public INTERNAL_SOCKET=internal; do
        edits+=(-e "/\${${socket%=*}}/{h;s|\${${socket%=*}}|/run/brama/1/${socket#*=}|p;g;s|\${${socket%=*}}|/run/brama/2/${socket#*=}|}")
    done
    sed -e 's|address: 127.0.0.1, port_value: ${PORT}|address: 0.0.0.0, port_value: 8080|; s|${ADMIN_PORT}|9901|' \
        -e 's|${ECDS_FILE}|/run/brama/policy/ecds.json|' -e "s|\${ACCESS_LOG}|$1|" "${edits[@]}" "$root/envoy/envoy.yaml"
}

# A copy in a folder of its own: wherever the file is and whoever may read it, the container sees this one, and no other.
policy() {
    local file
    file=$(policy_file "${POLICY:-$root/policies/ehealth.yaml}")
    # Made before the old one is removed, in which the file may lie.
    rm -rf "$BRAMA_POLICY.new"
    install -D -m 644 -- "$file" "$BRAMA_POLICY.new/policy.yaml"
    rm -rf "$BRAMA_POLICY"
    mv "$BRAMA_POLICY.new" "$BRAMA_POLICY"
    echo "the policy: $file"
}

policy_file() {
    local folder found=()
    if [[ $1 == /* ]]; then
        [[ ! -f $1 ]] || found=("$1")
    else
        for folder in "$PWD" "${BRAMA_CALLER:-$PWD}"; do
            [[ ! -f $folder/$1 ]] || [[ ${#found[@]} -gt 0 && $folder/$1 -ef ${found[0]} ]] || found+=("$folder/$1")
        done
    fi
    case ${#found[@]} in
        1) printf '%s\n' "${found[0]}" ;;
        0) echo "POLICY is \`$1\`: there is no such file" >&2; exit 1 ;;
        *) echo "POLICY is \`$1\`, which is two files; write its whole path: ${found[*]}" >&2; exit 1 ;;
    esac
}

base() {
    local name=${BASE:-$(distribution)}
    if ! docker image inspect "$name" >/dev/null 2>&1 && ! "$root/src/tools/install/progress.sh" "pulling the image $name" docker pull "$name"; then
        [[ -z ${BASE:-} ]] || { echo "the base image $name cannot be pulled" >&2; exit 1; }
        name=brama-base:$(codename)
        docker image inspect "$name" >/dev/null 2>&1 || bootstrapped "$name"
    fi
    echo "$name" >"$folder/base"
}

# As the registry names them.
distribution() (
    . /etc/os-release
    case $ID in
        debian) echo "debian:$VERSION_CODENAME-slim" ;;
        ubuntu) echo "ubuntu:$VERSION_ID" ;;
        *) echo debian:bookworm-slim ;;
    esac
)

codename() (
    . /etc/os-release
    [[ $ID == debian ]] && echo "$VERSION_CODENAME" || echo bookworm
)

bootstrapped() {
    command -v debootstrap >/dev/null \
        || "$root/src/tools/install/apt.sh" "the image $(distribution) cannot be pulled, and debootstrap, which can make one, is missing" debootstrap
    local tree=$folder/tree as_root=() make
    [[ $(id -u) -eq 0 ]] || as_root=(sudo)
    make=("${as_root[@]}" debootstrap --variant=minbase --include=postgresql "$(codename)" "$tree")
    echo "the image $(distribution) cannot be pulled; making $1 instead, which takes minutes: ${make[*]}" >&2
    # The password, if one is asked for, before the counter is shown.
    [[ ${#as_root[@]} -eq 0 ]] || sudo -v
    "${as_root[@]}" rm -rf "$tree"
    "$root/src/tools/install/progress.sh" "making $1 by debootstrap" "${make[@]}"
    "${as_root[@]}" rm -rf "$tree"/var/{cache/apt,lib/apt/lists,log}/* "$tree"/usr/share/{doc,locale,man}/*
    "${as_root[@]}" tar -C "$tree" -c . | docker import - "$1" >/dev/null
    "${as_root[@]}" rm -rf "$tree"
}

compose() {
    local command=(docker-compose) file files=(-f "$root/envoy/compose.yaml") further=()
    docker compose version >/dev/null 2>&1 && command=(docker compose)
    if [[ ${command[0]} == docker-compose ]] && ! command -v docker-compose >/dev/null; then
        "$root/src/tools/install/apt.sh" "Docker Compose is missing, which starts the stack" docker-compose
    fi
    IFS=: read -ra further <<<"${COMPOSE_FILES:-}"
    for file in "${further[@]}"; do files+=(-f "$file"); done
    BASE=$(cat "$folder/base") DOCKER_BUILDKIT=${DOCKER_BUILDKIT:-0} "${command[@]}" "${files[@]}" --env-file "$folder/env" "$@" \
        2> >(grep -v -e BuildKit -e 'legacy builder' -e environment-variable -e '^$' >&2)
}

wait_for_gateway() {
    local gateway until=$((SECONDS + 60)) address=${PUBLISH:-127.0.0.1}
    echo "waiting for the gateway, 60 s at the most" >&2
    gateway=$(compose ps -q gateway)
    [[ -n $gateway ]] || { echo "there is no gateway: run \`make docker-up\`" >&2; exit 1; }
    while [[ $(docker inspect -f '{{.State.Health.Status}}' "$gateway") != healthy ]]; do
        ((SECONDS < until)) || { echo "the gateway does not serve" >&2; compose logs --tail 20 >&2; exit 1; }
        sleep 0.5
    done
    # At every address is at this one too.
    [[ $address != 0.0.0.0 ]] || address=127.0.0.1
    echo "ready http://$address:${PORT:-8080}"
}

main "$@"
