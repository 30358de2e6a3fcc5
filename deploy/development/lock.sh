#!/bin/sh
# Writes locks/*.txt anew from pyproject.toml: every wheel of every platform with its hash, no index named.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
found=$("$here/find-python.sh")
tool="$top/.venv/lock"
uv_version=0.13.9

[ -x "$tool/bin/uv" ] || { "${found#* }" -m venv "$tool" && "$tool/bin/python" -m pip install -qq "uv==$uv_version"; }

# write NAME ARGUMENTS...: the locks of one environment, a file for each Python.
write() {
  name=$1
  shift
  for version in 3.12 3.13; do
    "$tool/bin/uv" pip compile --quiet --upgrade --universal --python-version "$version" --generate-hashes \
      --only-binary :all: --no-emit-index-url --no-annotate --no-header \
      --output-file "$here/locks/$name-$version.txt" "$@"
  done
}

cd "$top"
write s3gate pyproject.toml --group tests
write emulator --group emulator
write iam --group iam
write lint --group lint
write checkov --group checkov
write schemas --group schemas
# What the release holds: of the tested environment, the part that runs.
for version in 3.12 3.13; do
  "$tool/bin/uv" pip compile --quiet --universal --python-version "$version" --generate-hashes --only-binary :all: \
    --no-emit-index-url --no-annotate --no-header --constraint "$here/locks/s3gate-$version.txt" \
    --output-file "$here/locks/release-$version.txt" pyproject.toml
done
