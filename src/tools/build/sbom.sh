#!/usr/bin/env bash
# Writes what the plugin is made of, in the form of CycloneDX, with the plugin's own checksum.
#
#   src/tools/build/sbom.sh FILE OUTPUT
set -euo pipefail

[[ $# -eq 2 && -f $1 ]] || { echo "usage: src/tools/build/sbom.sh FILE OUTPUT, with the plugin that was built here" >&2; exit 2; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
file=$(realpath -- "$1") output=$(realpath -m -- "$2")
cyclonedx=$("$root/src/tools/install/crate.sh" cargo-cyclonedx)

# It writes beside each manifest, so it is given a copy.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cd "$root"
git ls-files -z | xargs -0 cp --parents --target-directory "$copy"
cd "$copy"
# Alone: what other members want of a dependency is not in the plugin.
sed -i 's|^members = .*|members = ["src/engine", "src/filter", "src/policy"]|' Cargo.toml
# Nor what only tests need, whose features would count as the plugin's.
python3 - <<'PYTHON'
import pathlib, re
for manifest in pathlib.Path("src").glob("*/Cargo.toml"):
    sections = re.split(r"(?m)^(?=\[)", manifest.read_text())
    manifest.write_text("".join(section for section in sections if "dev-dependencies" not in section.splitlines()[0]))
PYTHON
"$cyclonedx" cyclonedx --manifest-path src/filter/Cargo.toml --target wasm32-wasip1 --no-build-deps \
    --format json --spec-version 1.5 --override-filename bom -qq

python3 - "$copy" src/filter/bom.json "$file" "$output" <<'PYTHON'
import hashlib, json, sys
copy, bom, plugin, output = sys.argv[1:]
described = json.loads(open(bom).read().replace(f"path+file://{copy}", "path+file://"))
digest = hashlib.sha256(open(plugin, "rb").read()).hexdigest()
described["metadata"]["component"]["hashes"] = [{"alg": "SHA-256", "content": digest}]
json.dump(described, open(output, "w"), indent=2)
print(f"{output}: {len(described['components'])} components, of the plugin with SHA-256 {digest}")
PYTHON
