#!/usr/bin/env bash
# Unpacks the inputs that are kept for fuzzing, one archive for each kind, and packs them again.
#
#   src/tools/test/fuzz-inputs.sh unpack FOLDER [KIND...]    src/fuzz/corpus/KIND.tar.gz -> FOLDER/KIND
#   src/tools/test/fuzz-inputs.sh pack FOLDER [KIND...]      FOLDER/KIND -> src/fuzz/corpus/KIND.tar.gz
#
# Without a kind, all. To add an input by hand: unpack, put it in its kind's folder as `written-...`, pack. The same
# inputs make the same archive: names are sorted, and times and owners are left out.
set -euo pipefail

corpus=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)/src/fuzz/corpus
[[ $# -ge 2 && $1 =~ ^(unpack|pack)$ ]] || { echo "usage: src/tools/test/fuzz-inputs.sh unpack|pack FOLDER [KIND...]" >&2; exit 2; }
what=$1 folder=$2
shift 2

kinds=("$@")
if [[ $# -eq 0 && $what == unpack ]]; then
    mapfile -t kinds < <(cd "$corpus" && printf '%s\n' *.tar.gz | sed 's/\.tar\.gz$//')
elif [[ $# -eq 0 ]]; then
    mapfile -t kinds < <(cd "$folder" && printf '%s\n' *)
fi

for kind in "${kinds[@]}"; do
    archive=$corpus/$kind.tar.gz
    if [[ $what == unpack ]]; then
        rm -rf "${folder:?}/$kind" && mkdir -p "$folder/$kind"
        tar -xzf "$archive" -C "$folder/$kind"
    else
        # Names only: no folder has an entry of its own.
        (cd "$folder/$kind" && find . -type f -printf '%P\0') | LC_ALL=C sort -z |
            tar -c -C "$folder/$kind" --format=ustar --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=644 \
                --no-recursion --null --files-from=- | gzip -n -9 >"$archive.new"
        mv "$archive.new" "$archive"
    fi
done
