#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# rootfs.sh DIR KERNEL SUITE PACKAGE…: makes DIR with an ext4 image of the Debian release SUITE that boots with systemd
# and has KERNEL's modules and every PACKAGE (root.ext4), for the architecture $GUEST_ARCH.

set -euo pipefail

here=$(dirname -- "$(readlink -f -- "$0")")
# shellcheck source=tests/vm/common.sh
source "$here/common.sh"

target=$1
kernel=$2
suite=$3
shift 3

size=2G
packages=(systemd systemd-sysv udev dbus dbus-broker polkitd kmod libjson-c5 libuuid1 libsmartcols1 procps python3 "$@")

# What an installer would leave: with a machine id and up-to-date marks, a boot is not taken for the first one.
configure() {
    local root=$1 unit

    echo '/dev/vda / ext4 noatime 0 0' >"$root/etc/fstab"
    echo guest >"$root/etc/hostname"
    printf '127.0.0.1 localhost guest\n::1 localhost guest\n' >"$root/etc/hosts"
    tr --delete - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
    mkdir --parents "$root/var/log/journal"
    # Both buses are there; which one runs is said by each run (run-files.sh).
    rm --force "$root/etc/systemd/system/dbus.service"
    # What a long-running host wants would only disturb measurements here.
    for unit in timers.target getty.target e2scrub_reap.service systemd-binfmt.service; do
        ln --symbolic --force /dev/null "$root/etc/systemd/system/$unit"
    done
}

build() {
    local work=$1

    say "installing Debian $suite with ${packages[*]}"
    mkdir "$work/new"
    install_debian "$suite" "$work/root" "$work" "$(IFS=,; echo "${packages[*]}")" --architectures="$GUEST_ARCH"
    configure "$work/root"
    cp --archive "$kernel/modules/." "$work/root/"
    mke2fs -q -t ext4 -L root -d "$work/root" "$work/new/root.ext4" "$size" >&2
}

recipe=$(hash_of "$here/rootfs.sh" "$suite" "$kernel/recipe" "${packages[@]}")
if is_current "$target" "$recipe"; then
    exit 0
fi

work=$(mktemp --directory "$target.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
build "$work"
publish "$work/new" "$target" "$recipe"
