#!/usr/bin/env bash
# Unpacks Mesa 25 (Debian 12's backports) and spirv-as into DIR; installs nothing, so that the machine's own Mesa stays as
# it is. Writes DIR/lvp.json and DIR/radeon.json for the Vulkan loader. Usage: fetch_mesa.sh DIR
set -eu
dir=$(mkdir -p "$1" && cd "$1" && pwd)
mkdir -p "$dir"/{lists/partial,cache/archives/partial,debs,unpacked}
# The mirror that apt knows, with backports.
sed 's/^Suites: bookworm bookworm-updates$/Suites: bookworm bookworm-updates bookworm-backports/' \
  /etc/apt/sources.list.d/debian.sources >"$dir/src.sources"
# Lists and cache of its own: the machine's are neither read nor changed.
apt=(-q -o "Dir::Etc::sourcelist=$dir/src.sources" -o Dir::Etc::sourceparts=/dev/null
  -o "Dir::State::lists=$dir/lists" -o "Dir::Cache=$dir/cache")
apt-get "${apt[@]}" update
packages="mesa-vulkan-drivers libdrm2 libdrm-amdgpu1 libvulkan1 libxcb-dri3-0 libxcb-present0 libxcb-randr0 libxcb-sync1
  libxcb-shm0 libxcb-xfixes0 libx11-xcb1 libxshmfence1 libwayland-client0 libllvm15 libelf1 spirv-tools"
cd "$dir/debs"
for package in $packages; do
  compgen -G "${package}_*.deb" >/dev/null && continue
  apt-get "${apt[@]}" download "$package/bookworm-backports" || apt-get "${apt[@]}" download "$package"
done
for file in *.deb; do dpkg -x "$file" "$dir/unpacked"; done
lib="$dir/unpacked/usr/lib/x86_64-linux-gnu"
for driver in radeon lvp; do
  sed "s#\"library_path\": \"#\"library_path\": \"$lib/#" "$dir/unpacked/usr/share/vulkan/icd.d/${driver}_icd.json" >"$dir/$driver.json"
done
