#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the guest, without the daemon: that the real kernel does what docs and simulator say of it. The simulator has to
# pass the same claims in its own tests.
#
# tools/check: trixie
# tools/check: s390x

set -euo pipefail

# shellcheck source=tests/vm/lib.sh
source "$(dirname -- "$0")/lib.sh"

wedge_tries=8

test_parents() {
    check "parent mtty is registered" test -d $MDEV_BUS/mtty/mdev_supported_types
    check "parent mbochs is registered" test -d $MDEV_BUS/mbochs/mdev_supported_types
    check_equal "mtty-1 has 24 instances" 24 "$(available mtty mtty-1)"
    check_equal "mtty-2 has 12 instances" 12 "$(available mtty mtty-2)"
    check_equal "mbochs-small has 64 instances" 64 "$(available mbochs mbochs-small)"
    check_equal "mdpy-vga has 4 instances" 4 "$(available mdpy mdpy-vga)"
}

test_create_and_remove() {
    local uuid

    uuid=$(new_uuid)
    check "create takes upper case" raw_create mtty mtty-2 "${uuid^^}"
    check_equal "the device is complete when the write returns" active "$(device_state "$uuid")"
    check "it is listed in its type" test -e "$MDEV_BUS/mtty/mdev_supported_types/mtty-2/devices/$uuid"
    check "it has a VFIO node" vfio_node "$uuid"
    check_equal "another type of its parent has fewer instances" 22 "$(available mtty mtty-1)"
    check_equal "its UUID on its own parent again" "File exists" "$(error_of raw_create mtty mtty-1 "$uuid")"
    check_equal "its UUID on another parent" "File exists" "$(error_of raw_create mbochs mbochs-small "$uuid")"
    check_equal "not a UUID" "Invalid argument" "$(error_of raw_create mtty mtty-1 not-a-uuid)"
    check "remove" raw_remove "$uuid"
    check_equal "the device is gone when the write returns" none "$(device_state "$uuid")"
    check_matches "a second remove" "No such file or directory" "$(error_of raw_remove "$uuid")"
    check_equal "the instances are back" 24 "$(available mtty mtty-1)"
}

test_no_instance_left() {
    local uuids=() uuid

    while (($(available mdpy mdpy-vga) > 0)); do
        uuid=$(new_uuid)
        raw_create mdpy mdpy-vga "$uuid"
        uuids+=("$uuid")
    done
    check_equal "all instances of mdpy could be used" 4 "${#uuids[@]}"
    check_matches "one more" "@(Too many users|No space left on device)" \
        "$(error_of raw_create mdpy mdpy-vga "$(new_uuid)")"
    for uuid in "${uuids[@]}"; do
        raw_remove "$uuid"
    done
}

# The uevents of mediated devices and of their VFIO nodes in a file of `udevadm monitor`, in their order.
uevents_in() {
    awk '$1 ~ /^KERNEL/ && $NF ~ /^\((mdev|vfio|vfio-dev)\)$/ { print $2 $NF }' "$1" | paste --serial --delimiters=' '
}

test_uevents() {
    local uuid log monitor

    uuid=$(new_uuid)
    log=$(mktemp)
    stdbuf -oL udevadm monitor --kernel --property >"$log" &
    monitor=$!
    wait_until 5 grep -q KERNEL "$log"
    raw_create mtty mtty-1 "$uuid"
    raw_remove "$uuid"
    wait_until 5 grep -q "remove .*$uuid (mdev)" "$log" || true
    check_equal "the uevents of a device's life" \
        "add(mdev) add(vfio) add(vfio-dev) bind(mdev) remove(vfio-dev) remove(vfio) unbind(mdev) remove(mdev)" \
        "$(uevents_in "$log")"

    modprobe --remove mtty
    modprobe mtty
    wait_until 5 grep -q MDEV_STATE=registered "$log" || true
    check_equal "the uevents of a parent's registration" "MDEV_STATE=unregistered MDEV_STATE=registered" \
        "$(grep MDEV_STATE "$log" | tr '\n' ' ' | sed 's/ $//')"
    kill "$monitor"
    wait "$monitor" || true
    rm "$log"
}

test_unregistering_parent() {
    local uuid

    uuid=$(new_uuid)
    raw_create mbochs mbochs-small "$uuid"
    modprobe --remove mbochs
    check_equal "unregistering a parent removes its devices" none "$(device_state "$uuid")"
    modprobe mbochs
}

# remove_when FILE UUID: writes `remove` as soon as FILE of the device is there.
remove_when() {
    local dir=$MDEV_DEVICES/$2

    until [[ -e $dir/$1 ]]; do :; done
    echo 1 >"$dir/remove"
}

# The creation gap: a `remove` that is written before the create returned deletes its file, fails, and leaves a device
# that nobody can remove.
test_wedge() {
    local uuid try error remover wedged=0 freed=0 log

    log=$(mktemp)
    for ((try = 0; try < wedge_tries; try++)); do
        uuid=$(new_uuid)
        remove_when remove "$uuid" 2>"$log" &
        remover=$!
        sleep 0.1
        raw_create mtty mtty-1 "$uuid"
        wait "$remover" || true
        error=$(<"$log")
        sleep 1
        [[ $(device_state "$uuid") == wedged && ${error##*: } == "Resource temporarily unavailable" ]] || continue
        wedged=$((wedged + 1))
        ((wedged > 1)) || check_matches "the remove of a wedged device" \
            "@(Permission denied|No such file or directory)" "$(error_of raw_remove "$uuid")"
        modprobe --remove mtty
        [[ $(device_state "$uuid") != none ]] || freed=$((freed + 1))
        modprobe mtty
    done
    number wedged $wedged "of $wedge_tries"
    if ((wedged > 0)); then
        pass "a remove in the creation gap wedges the device"
    else
        fail "a remove in the creation gap wedges the device" "never in $wedge_tries tries"
    fi
    check_equal "unloading the driver frees a wedged device" $wedged $freed
    rm "$log"
}

# The same with two endless loops as people write them.
test_wedge_by_loops() {
    local uuid creator remover

    uuid=$(new_uuid)
    while :; do [[ -d $MDEV_DEVICES/$uuid ]] || raw_create mtty mtty-1 "$uuid" || true; done 2>/dev/null &
    creator=$!
    while :; do [[ ! -e $MDEV_DEVICES/$uuid/remove ]] || raw_remove "$uuid" || true; done 2>/dev/null &
    remover=$!
    sleep 5
    kill "$creator" "$remover"
    wait "$creator" "$remover" || true
    sleep 1
    check_equal "a creating and a removing loop end in a wedged device" wedged "$(device_state "$uuid")"
    modprobe --remove mtty
    modprobe mtty
}

test_no_wedge_when_complete() {
    local uuid i remover wedged=0

    for ((i = 0; i < 100; i++)); do
        uuid=$(new_uuid)
        remove_when mdev_type "$uuid" &
        remover=$!
        raw_create mtty mtty-1 "$uuid"
        wait "$remover" || true
        wait_until 1 not device_exists "$uuid" || wedged=$((wedged + 1))
    done
    check_equal "a remove after mdev_type appeared wedges none of 100" 0 $wedged
}

test_in_use() {
    local uuid node remover started

    uuid=$(new_uuid)
    raw_create mtty mtty-1 "$uuid"
    node=$(vfio_node "$uuid")
    hold "$uuid"
    check_equal "a second open of the group of a device in use" "Device or resource busy" \
        "$(error_of bash -c ": <>$node")"

    raw_remove "$uuid" &
    remover=$!
    sleep 1
    check_equal "the remove of a device in use sleeps" S "$(process_state "$remover")"
    check_equal "meanwhile the device is there, without its two files" stopping "$(device_state "$uuid")"
    check "but not in the list of the bus" not test -e "$MDEV_DEVICES/$uuid"
    check_equal "its UUID is still taken" "File exists" "$(error_of raw_create mbochs mbochs-small "$uuid")"
    kill "$remover"
    sleep 0.5
    check_equal "after a signal the remove sleeps uninterruptibly" D "$(process_state "$remover")"

    started=$(now)
    release "$holder"
    wait "$remover" || true
    number remove_after_release $(($(now) - started)) ms
    check "it ends when the user lets go" not device_exists "$uuid"
}

# timed_remove UUID: milliseconds.
timed_remove() {
    local started

    started=$(now)
    raw_remove "$1"
    echo $(($(now) - started))
}

test_open_group_does_not_delay() {
    local uuid with without

    uuid=$(new_uuid)
    raw_create mtty mtty-1 "$uuid"
    vfio_node "$uuid" >/dev/null
    without=$(timed_remove "$uuid")

    raw_create mtty mtty-1 "$uuid"
    vfio_node "$uuid" >/dev/null
    hold --group "$uuid"
    with=$(timed_remove "$uuid")
    number remove "$without" ms
    number remove_with_open_group "$with" ms
    check_within "an open group does not delay a remove, ms" "$with" 500
    check "and the device is gone" not device_exists "$uuid"
    release "$holder"
}

test_late_remover() {
    local uuid file remover

    uuid=$(new_uuid)
    raw_create mtty mtty-1 "$uuid"
    vfio_node "$uuid" >/dev/null
    hold "$uuid"
    exec {file}>"$MDEV_DEVICES/$uuid/remove"
    raw_remove "$uuid" &
    remover=$!
    sleep 0.5
    check_equal "a second remover who has the file open" "No such device" "$(error_of eval "echo 1 >&$file")"
    exec {file}>&-
    release "$holder"
    wait "$remover" || true
}

# Of two at once one removes; the other is told success, or one of these errors, but never EAGAIN.
test_two_removers() {
    local pattern="@(|No such device|No such file or directory|Permission denied)"
    local uuid i first second go errors error successes

    go=$(mktemp --dry-run)
    errors=$(mktemp)
    for ((i = 0; i < 50; i++)); do
        uuid=$(new_uuid)
        raw_create mtty mtty-1 "$uuid"
        (until [[ -e $go ]]; do :; done; error_of raw_remove "$uuid" >>"$errors") &
        first=$!
        (until [[ -e $go ]]; do :; done; error_of raw_remove "$uuid" >>"$errors") &
        second=$!
        sleep 0.05
        : >"$go"
        wait "$first" "$second"
        rm "$go"
        ! device_exists "$uuid" || break
    done
    check_equal "two removers at once always remove the device" 50 "$i"
    # shellcheck disable=SC2053
    while read -r error; do
        [[ $error == $pattern ]] || fail "what the loser of two removers is told" "$error"
    done <"$errors"
    successes=$((2 * 50 - $(wc -l <"$errors")))
    number successes_of_two_removers $successes "of 100"
    check "at least one of them is told success" test $successes -ge 50
    rm "$errors"
}

systemctl mask --quiet --runtime --now mediated.service
modprobe --all mtty mbochs mdpy vfio_iommu_type1
udevadm settle
number kernel "$(uname --kernel-release)" release
test_parents
test_create_and_remove
test_no_instance_left
test_uevents
test_unregistering_parent
test_wedge
test_wedge_by_loops
test_no_wedge_when_complete
test_in_use
test_open_group_does_not_delay
test_late_remover
test_two_removers
summary
