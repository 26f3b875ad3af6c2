#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tools/vm: --package mdevctl
#
# In the guest: mediated beside Debian's mdevctl. How long 60 definitions of a parent take to start, and how long a
# device takes that is started and stopped, by commands and over D-Bus. One `name value unit` a line. Argument: how many
# rounds.

set -euo pipefail

here=$(dirname -- "$0")
# shellcheck source=tests/vm/lib.sh
source "$here/lib.sh"
# shellcheck source=tests/vm/mediated.sh
source "$here/mediated.sh"

rounds=${1:-7}
count=60
commands=20
uuid=$(new_uuid)
MDEVCTL=/usr/bin/mdevctl

median() {
    printf '%s\n' "$@" | sort --numeric-sort | sed --quiet "$((($# + 1) / 2))p"
}

# report NAME UNIT THEIRS OURS: two lists of numbers.
report() {
    local -n their=$3 our=$4

    echo "$1_mdevctl $(median "${their[@]}") $2 (${their[*]})"
    echo "$1_mediated $(median "${our[@]}") $2 (${our[*]})"
    awk -v name="$1_ratio" -v a="$(median "${our[@]}")" -v b="$(median "${their[@]}")" \
        'BEGIN { printf "%s %.2f times as fast\n", name, b / a }'
}

unload() {
    modprobe --remove mbochs
    udevadm settle
    sleep 1
}

# The last is bound to its driver a moment before it is complete.
all_are_active() {
    wait_until 2 n_active_is "$count" || { echo "not all of $count are active" >&2; exit 1; }
}

n_active_is() {
    [[ $(in_kernel | grep --count active) == "$1" ]]
}

# From the parent's uevent until all devices are there, with a daemon that runs.
autostart_by_mediated() {
    daemon_answers >/dev/null
    sleep 1
    python3 "$here/parent-timing.py" mbochs "$count" modprobe mbochs
}

# The command alone, for a parent that is there.
autostart_by_mdevctl() {
    local begin

    systemctl mask --quiet --runtime --now mediated 2>/dev/null
    modprobe mbochs
    udevadm settle
    begin=$(now)
    "$MDEVCTL" start-parent-mdevs mbochs
    echo $(($(now) - begin))
    systemctl unmask --quiet --runtime mediated 2>/dev/null
}

bench_autostart() {
    local ours=() theirs=() round

    mkdir --parents /etc/mdevctl.d/mbochs
    for ((round = 0; round < count; round++)); do
        echo '{"mdev_type":"mbochs-small","start":"auto","attrs":[]}' >"/etc/mdevctl.d/mbochs/$(new_uuid)"
    done
    for ((round = 0; round < rounds; round++)); do
        ours+=("$(autostart_by_mediated)")
        all_are_active
        unload
        theirs+=("$(autostart_by_mdevctl)")
        all_are_active
        unload
    done
    report "autostart_$count" ms theirs ours
    rm -r /etc/mdevctl.d/mbochs
}

by_mdevctl() {
    "$MDEVCTL" start --uuid "$uuid" --parent mtty --type mtty-1
    "$MDEVCTL" stop --uuid "$uuid"
}

by_mediatectl() {
    mediatectl create mtty mtty-1 "$uuid"
    mediatectl stop "$uuid"
}

# What two processes cost that do nothing.
by_true() {
    /bin/true
    /bin/true
}

# timed COMMAND: milliseconds of one of $commands.
timed() {
    local begin i

    begin=$(date +%s%N)
    for ((i = 0; i < commands; i++)); do
        "$1" >/dev/null
    done
    echo $((($(date +%s%N) - begin) / commands / 1000000))
}

bench_commands() {
    local ours=() theirs=() nothing=() round

    modprobe mtty
    daemon_answers >/dev/null
    for ((round = 0; round < rounds; round++)); do
        theirs+=("$(timed by_mdevctl)")
        ours+=("$(timed by_mediatectl)")
        nothing+=("$(timed by_true)")
    done
    report start_and_stop ms theirs ours
    latency --pause 0 --iterations 100 | awk -v mdevctl="$(median "${theirs[@]}")" '
        /^create_device_median|^stop_device_median/ { us += $2 }
        END { printf "dbus_mediated %.2f ms\ndbus_ratio %.2f times as fast\n", us / 1000, mdevctl * 1000 / us }'
    echo "start_and_stop_floor $(median "${nothing[@]}") ms (${nothing[*]})"
}

# Its udev rule would start the definitions, too.
ln --symbolic /dev/null /etc/udev/rules.d/60-mdevctl.rules
udevadm control --reload
bench_autostart
bench_commands
