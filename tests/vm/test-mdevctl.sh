#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tools/vm: --package mdevctl
# tools/check: s390x
#
# In the guest, with Debian's mdevctl: that the two can be swapped at any time, also for starting all definitions of a
# parent.

# shellcheck disable=SC2317  # functions that are called by their names

set -euo pipefail

here=$(dirname -- "$0")
# shellcheck source=tests/vm/lib.sh
source "$here/lib.sh"
# shellcheck source=tests/vm/mediated.sh
source "$here/mediated.sh"

count=60
operations=${OPERATIONS:-100}

# mdevctl of Debian, whose udev rule would start the definitions, too.
MDEVCTL=/usr/bin/mdevctl
RULE=60-mdevctl.rules

test_definitions_of_mdevctl() {
    local uuid

    uuid=$(new_uuid)
    "$MDEVCTL" define --uuid "$uuid" --parent mtty --type mtty-2
    check "what mdevctl defines is listed within 1 s" wait_until 1 is_defined "$uuid"
    check "and can be started" start "$uuid" mtty
    check_matches "mdevctl lists it as active" "*$uuid mtty mtty-2*(defined)*" "$("$MDEVCTL" list)"
    check "mdevctl stops it" "$MDEVCTL" stop --uuid "$uuid"
    check "which is seen" becomes_same_as_kernel
    check "we undefine it" call Undefine 'ssa{sv}' "$uuid" mtty 0
    check_equal "mdevctl agrees" "" "$("$MDEVCTL" list --defined)"

    define "$uuid" mtty mtty-1 auto
    check_equal "mdevctl lists what we define" "$uuid mtty mtty-1 auto" "$("$MDEVCTL" list --defined | sed 's/ *$//')"
    check "and starts it" "$MDEVCTL" start --uuid "$uuid"
    check "which is seen, too" becomes_same_as_kernel
    check "we stop it" stop "$uuid"
    check "mdevctl undefines it" "$MDEVCTL" undefine --uuid "$uuid"
    check "and it is no longer listed within 1 s" wait_until 1 not is_defined "$uuid"
}

is_defined() {
    call ListDefinitions | grep --quiet "$1"
}

test_random_sequence() {
    local log

    log=$(mktemp)
    if python3 "$here/../integration/swap.py" "$operations" >"$log" 2>&1; then
        pass "$operations operations by either end with both listing the same"
    else
        fail "$operations operations by either end with both listing the same" "$(tail --lines=1 "$log")"
    fi
    cat "$log"
    rm "$log"
}

define_many() {
    local i

    mkdir --parents /etc/mdevctl.d/mbochs
    for ((i = 0; i < count; i++)); do
        echo '{"mdev_type":"mbochs-small","start":"auto","attrs":[]}' >"/etc/mdevctl.d/mbochs/$(new_uuid)"
    done
    check "definitions by an editor are listed within 1 s" wait_until 1 all_are_defined
}

all_are_defined() {
    [[ $(busctl get-property "${MANAGER[@]}" DefinitionCount) == "u $count" ]]
}

unload() {
    modprobe --remove mbochs
    udevadm settle
}

all_are_active() {
    [[ $(in_kernel | grep --count active) == "$count" ]]
}

test_many() {
    define_many
    unload
    daemon_answers >/dev/null
    modprobe mbochs
    check "mediated starts all" wait_until 20 all_are_active
    unload
    systemctl mask --quiet --runtime --now mediated
    modprobe mbochs
    "$MDEVCTL" start-parent-mdevs mbochs
    check "mdevctl starts all" all_are_active
    systemctl unmask --quiet --runtime mediated
    check "which mediated sees" becomes_same_as_kernel
}

ln --symbolic /dev/null /etc/udev/rules.d/$RULE
udevadm control --reload
modprobe mtty
modprobe mbochs
tests=(definitions_of_mdevctl random_sequence many)
run_tests "$@"
