#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vgpu-sample.sh DIR KERNEL: makes DIR with what a guest with cards has in addition to KERNEL's modules (modules/): the
# module vgpu-sample, and an index of all modules in which modprobe finds it.

set -euo pipefail

here=$(dirname -- "$(readlink -f -- "$0")")
# shellcheck source=tests/vm/common.sh
source "$here/common.sh"

target=$1
kernel=$2

source_files=("$here"/vgpu-sample/{Makefile,vgpu-sample.c})
version=$(basename -- "$kernel"/modules/usr/lib/modules/*)

build() {
    local work=$1 modules=$1/root/lib/modules/$version new=$1/new/modules/usr/lib/modules/$version

    say "building the module vgpu-sample"
    mkdir "$work/source"
    cp "${source_files[@]}" "$work/source/"
    make --silent -C "$work/source" KERNEL="$version" |& sed "/^Skipping BTF/d" >&2
    # depmod has to see all modules, but the guest has the others already.
    mkdir --parents "$work/root/lib/modules" "$new/extra"
    cp --archive "$kernel/modules/usr/lib/modules/$version" "$modules"
    install -D -m 644 -t "$modules/extra" "$work/source/vgpu-sample.ko"
    depmod --basedir "$work/root" "$version"
    cp "$modules/extra/vgpu-sample.ko" "$new/extra/"
    cp "$modules"/modules.* "$new/"
}

recipe=$(hash_of "$here/vgpu-sample.sh" "$kernel/recipe" "${source_files[@]}")
if is_current "$target" "$recipe"; then
    exit 0
fi

work=$(mktemp --directory "$target.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
build "$work"
publish "$work/new" "$target" "$recipe"
