#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run-files.sh BUILD WORK SCRIPT [ARG…]: makes WORK/run.cpio, which the initramfs copies over the guest's root: what is
# in WORK/files/run-files already, the project's tests, the built test programs, the system bus, the
# command to run, and where its output and its status go: to the two devices in $GUEST_PORTS.

set -euo pipefail

here=$(dirname -- "$(readlink -f -- "$0")")
project=${here%/tests/vm}

build=$1
work=$2
script=$3
shift 3

root=$work/files/run-files
lib=$root/usr/lib/vm

copy_tests() {
    local program

    mkdir --parents "$root/root" "$root/usr/lib/mediated-tests"
    chmod 700 "$root/root"
    tar --create --directory "$project" --exclude=__pycache__ tests |
        tar --extract --no-same-owner --directory "$root/root"
    [[ -d $build/tests ]] || return 0
    find "$build/tests" -type f -executable ! -name '*.so*' -print0 | while read -r -d '' program; do
        install "$program" "$root/usr/lib/mediated-tests/"
        # Scripts among them have nothing to strip.
        strip "$root/usr/lib/mediated-tests/${program##*/}" 2>/dev/null || true
    done
}

copy_script() {
    local path

    # A pipe, as <(…) makes it, has no other name.
    [[ ! -f $script ]] || script=$(readlink -f -- "$script")
    if [[ $script == "$project"/tests/* ]]; then
        path=/root/${script#"$project"/}
    else
        path=/root/${script##*/}
        cat -- "$script" >"$root$path"
    fi
    printf '%s\0' "$path" "$@" >"$lib/command"
}

# What Debian's package of dbus-broker does when it is enabled.
set_bus() {
    echo "$GUEST_BUS" >"$lib/bus"
    [[ $GUEST_BUS != broker ]] ||
        ln -s /lib/systemd/system/dbus-broker.service "$root/etc/systemd/system/dbus.service"
}

set_ports() {
    local output status

    read -r output status <<<"$GUEST_PORTS"
    ln -s "/dev/$output" "$lib/output"
    ln -s "/dev/$status" "$lib/status"
}

mkdir --parents "$lib" "$root/etc/systemd/system/graphical.target.wants" "$root/usr/lib/systemd/system-shutdown"
# Debian's package stays what it is; a test that wants ours in its place puts it there.
[[ " ${GUEST_PACKAGES:-} " != *" mdevctl "* ]] || rm --force -- "$root/usr/bin/mdevctl" "$root/usr/bin/lsmdev"
copy_tests
cp "$here/guest/run" "$lib/run"
cp "$here/guest/shutdown" "$root/usr/lib/systemd/system-shutdown/vm"
cp "$here/guest/vm.service" "$root/etc/systemd/system/vm.service"
ln -s ../vm.service "$root/etc/systemd/system/graphical.target.wants/vm.service"
set_bus
set_ports
copy_script "$@"
(cd "$work/files" && find run-files | cpio --quiet --create --format=newc --owner=0:0) >"$work/run.cpio"
