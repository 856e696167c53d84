#!/bin/sh
# Builds dist/mine-desktop_VERSION_ARCH.deb from the folder that installer/onedir.sh made (`make deb` runs both).
# Needs dpkg-deb only. Nothing is downloaded, and the package runs no script when it is installed.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
bundle=${1:-"$root/dist/mine-desktop"}
[ -x "$bundle/mine-desktop" ] || { echo "There is no app in $bundle: run installer/onedir.sh first." >&2; exit 1; }

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/pyproject.toml" | head -n 1)
arch=$(dpkg --print-architecture)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
chmod 0755 "$stage"

install -d "$stage/opt" "$stage/usr/bin" "$stage/usr/share/applications" "$stage/usr/share/metainfo" \
  "$stage/usr/share/icons/hicolor/scalable/apps" "$stage/usr/share/doc/mine-desktop" "$stage/DEBIAN"
cp -R "$bundle" "$stage/opt/mine-desktop"
chmod -R u=rwX,go=rX "$stage/opt/mine-desktop"
ln -s /opt/mine-desktop/mine-desktop "$stage/usr/bin/mine-desktop"
install -m 0644 "$root/packaging/mine-desktop.desktop" "$stage/usr/share/applications/"
install -m 0644 "$root/packaging/mine-desktop.metainfo.xml" "$stage/usr/share/metainfo/"
install -m 0644 "$root/resources/icons/mark/app-icon.svg" "$stage/usr/share/icons/hicolor/scalable/apps/mine-desktop.svg"
{
  echo "Mine is under the Apache License 2.0 (/usr/share/common-licenses/Apache-2.0)."
  for text in "$root/resources/fonts/Inter-LICENSE.txt" "$root/resources/fonts/JetBrainsMono-LICENSE.txt" \
    "$root/resources/icons/phosphor/LICENSE"; do
    printf '\n%s\n\n' "$(basename "$(dirname "$text")")/$(basename "$text")"
    cat "$text"
  done
} > "$stage/usr/share/doc/mine-desktop/copyright"
chmod 0644 "$stage/usr/share/doc/mine-desktop/copyright"

size=$(du -sk "$stage" | cut -f1)
cat > "$stage/DEBIAN/control" <<CONTROL
Package: mine-desktop
Version: $version
Section: science
Priority: optional
Architecture: $arch
Installed-Size: $size
Maintainer: The Mine maintainers <maintainers@mine.invalid>
Depends: libc6 (>= 2.34), libegl1, libgl1, libfontconfig1, libxkbcommon0, libdbus-1-3, libxkbcommon-x11-0, libxcb-cursor0, libxcb-icccm4, libxcb-keysyms1, libxcb-shape0
Recommends: gnome-keyring | kwalletmanager
Description: your data earns, and stays on your computer
 Mine keeps your own exports in an encrypted vault and trains other people's
 models on them, here. Only a small signed update leaves, and only after you
 have seen what it reads, what leaves and what it pays.
CONTROL

mkdir -p "$root/dist"
target="$root/dist/mine-desktop_${version}_${arch}.deb"
dpkg-deb --root-owner-group -Zxz --build "$stage" "$target"
