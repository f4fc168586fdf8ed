#!/usr/bin/env bash
# The composed stack (envoy/compose.yaml): what it is built of, and the command that composes it.
#
#   src/tools/docker.sh prepare        the build context, the secrets and the base image
#   src/tools/docker.sh compose ARG... Docker Compose with all of them
#   src/tools/docker.sh wait           until the gateway serves
#
# The base image is BASE; else this machine's own distribution, since the programs are built here; else, where it cannot
# be pulled, one of our own, made by debootstrap. COMPOSE_FILES are taken besides compose.yaml.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$root/target/docker
export BRAMA_CONTEXT=$folder/context
export COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-brama}

main() {
    command -v docker >/dev/null && docker info >/dev/null 2>&1 \
        || { echo "no Docker engine answers (docker info)" >&2; exit 1; }
    case $1 in
        prepare) secrets; context; base ;;
        compose) shift; compose "$@" ;;
        wait) wait_for_gateway ;;
        *) echo "usage: src/tools/docker.sh prepare | compose ARG... | wait" >&2; exit 2 ;;
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
    local program
    for program in brama brama-upstream; do
        # What a debugger wants is most of the file.
        objcopy --strip-debug "$root/target/debug/$program" "$BRAMA_CONTEXT/$program"
    done
    cp -L "$("$root/src/tools/envoy.sh")" "$BRAMA_CONTEXT/envoy"
    cp "$root/target/brama_filter.wasm" "$root/src/upstream/fixtures/demo.json" "$root"/envoy/docker/* "$BRAMA_CONTEXT/"
    bootstrap /dev/stdout >"$BRAMA_CONTEXT/envoy.yaml"
    bootstrap /run/brama/log/access.log >"$BRAMA_CONTEXT/envoy.test.yaml"
    if grep -F '${' "$BRAMA_CONTEXT"/envoy*.yaml; then
        echo "the bootstrap has placeholders that src/tools/docker.sh does not fill in" >&2
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

base() {
    local name=${BASE:-$(distribution)}
    if ! docker image inspect "$name" >/dev/null 2>&1 && ! docker pull -q "$name" >/dev/null 2>&1; then
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
    echo "$(distribution) cannot be pulled; making $1 by debootstrap" >&2
    command -v debootstrap >/dev/null || "$root/src/tools/apt.sh" debootstrap
    local tree=$folder/tree as_root=()
    [[ $(id -u) -eq 0 ]] || as_root=(sudo)
    "${as_root[@]}" rm -rf "$tree"
    "${as_root[@]}" debootstrap --variant=minbase --include=postgresql "$(codename)" "$tree" >"$folder/debootstrap.log" \
        || { tail -5 "$folder/debootstrap.log" >&2; exit 1; }
    "${as_root[@]}" rm -rf "$tree"/var/{cache/apt,lib/apt/lists,log}/* "$tree"/usr/share/{doc,locale,man}/*
    "${as_root[@]}" tar -C "$tree" -c . | docker import - "$1" >/dev/null
    "${as_root[@]}" rm -rf "$tree"
}

compose() {
    local command=(docker-compose) file files=(-f "$root/envoy/compose.yaml")
    docker compose version >/dev/null 2>&1 && command=(docker compose)
    if [[ ${command[0]} == docker-compose ]] && ! command -v docker-compose >/dev/null; then
        "$root/src/tools/apt.sh" docker-compose
    fi
    for file in ${COMPOSE_FILES:-}; do files+=(-f "$file"); done
    BASE=$(cat "$folder/base") DOCKER_BUILDKIT=${DOCKER_BUILDKIT:-0} "${command[@]}" "${files[@]}" --env-file "$folder/env" "$@" \
        2> >(grep -v -e BuildKit -e 'legacy builder' -e environment-variable -e '^$' >&2)
}

wait_for_gateway() {
    local gateway until=$((SECONDS + 60))
    gateway=$(compose ps -q gateway)
    while [[ $(docker inspect -f '{{.State.Health.Status}}' "$gateway") != healthy ]]; do
        ((SECONDS < until)) || { echo "the gateway does not serve" >&2; compose logs --tail 20 >&2; exit 1; }
        sleep 0.5
    done
    echo "ready http://127.0.0.1:${PORT:-8080}"
}

main "$@"
