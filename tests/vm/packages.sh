# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For scripts that run in the guest with the Debian packages of mediated and mdevctl in /root/packages: installing them,
# a host of mdevctl, and whether its devices stay what they are. Source lib.sh and mediated.sh first.

PACKAGES=/root/packages
STORE=/etc/mdevctl.d

# apt ARG…: asks nothing.
apt() {
    DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes "$@" </dev/null
}

install_mediated() {
    apt --reinstall install "$PACKAGES"/mediated_*.deb "$PACKAGES"/mediated-mdevctl_*.deb
}

install_mdevctl() {
    apt install "$PACKAGES"/mdevctl_*.deb
}

# devices: each device with the inode of its directory, which a device that was made anew does not keep.
devices() {
    local uuid parent state

    in_kernel | while read -r uuid parent state; do
        echo "$uuid $parent $state $(stat --format=%i "$(device_dir "$uuid")")"
    done
}

note_devices() {
    mkdir --parents "$KEPT"
    devices >"$KEPT/devices"
}

# same_devices: whether they are those of note_devices.
same_devices() {
    diff "$KEPT/devices" <(devices)
}

is_ours() {
    [[ $(mdevctl --version) == "mdevctl "*" (mediated "* ]]
}

# make_mdevctl_host: 20 definitions, of which 5 have start auto, and 5 active devices, 2 of which are not defined. The
# definitions are ${uuids[@]}: the first 5 have start auto, and 0, 1 and 5 are active.
make_mdevctl_host() {
    local i uuid

    modprobe mtty
    udevadm settle
    uuids=()
    for ((i = 0; i < 20; i++)); do
        uuid=$(new_uuid)
        uuids+=("$uuid")
        # shellcheck disable=SC2046  # an option or none
        mdevctl define --uuid "$uuid" --parent mtty --type mtty-1 $( ((i >= 5)) || echo --auto)
    done
    for uuid in "${uuids[@]:0:2}" "${uuids[5]}"; do
        mdevctl start --uuid "$uuid"
    done
    mdevctl start --uuid "$(new_uuid)" --parent mtty --type mtty-1
    mdevctl start --uuid "$(new_uuid)" --parent mtty --type mtty-2
}

# make_callout COMMAND: a callout for no parent, which runs COMMAND each time.
make_callout() {
    mkdir --parents "$STORE/scripts.d/callouts"
    printf '#!/bin/sh\n%s\nexit 2\n' "$1" >"$STORE/scripts.d/callouts/log"
    chmod 755 "$STORE/scripts.d/callouts/log"
}
