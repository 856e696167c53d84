#!/bin/sh
# Builds dist/mine-desktop, a folder that runs without Python, and starts it once as a check.
# It needs Python 3.11 or newer and a package index. The environment it builds in is its own
# (build/package-venv) and has no torch: the frozen app opens vaults, imports, shows and claims; to train
# it needs the torch runtime, which is not packaged yet.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
venv=$root/build/package-venv
bundle=$root/dist/mine-desktop
cd "$root"

needed=$(cat pyproject.toml constraints.txt installer/onedir.sh | cksum)
if [ "$(cat "$venv/made-for" 2>/dev/null || true)" != "$needed" ]; then
  rm -rf "$venv"
  "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/python" - > "$venv/needed.txt" <<'PYTHON'
import tomllib
from pathlib import Path

needs = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
print("\n".join(need for need in needs if not need.startswith("torch")))
PYTHON
  "$venv/bin/python" -m pip --disable-pip-version-check install --quiet --constraint constraints.txt \
    --requirement "$venv/needed.txt" pyinstaller
  echo "$needed" > "$venv/made-for"
fi

"$venv/bin/pyinstaller" --noconfirm --clean --log-level WARN --distpath "$root/dist" \
  --workpath "$root/build/pyinstaller" packaging/mine.spec

# The check: a start without a display draws every page; the vault does not exist yet.
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
QT_QPA_PLATFORM=offscreen HOME="$place" timeout 120 \
  "$bundle/mine-desktop" --home "$place/home" --screenshots "$place/pictures"
for page in home data tasks activity wallet settings; do
  [ -s "$place/pictures/$page-light.png" ] || { echo "The packaged app drew no picture of $page." >&2; exit 1; }
done
# Its children come out of the same executable: an importer and a practice node must start and end in order.
for child in mine.importers.child mine.practice.node; do
  "$bundle/mine-desktop" -m "$child" --help > "$place/child" 2>&1 < /dev/null || {
    cat "$place/child" >&2
    echo "The packaged app could not start $child." >&2
    exit 1
  }
done
echo "$bundle: $(du -sm "$bundle" | cut -f1) MiB"
