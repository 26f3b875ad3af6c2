#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the guest: two clients that create and stop the same UUID as fast as they can, through the installed service; and that
# the same by raw writes wedges the device. The argument is how often, 2000 without.

set -euo pipefail

# shellcheck source=tests/vm/lib.sh
source "$(dirname -- "$0")/lib.sh"

pairs=${1:-2000}

# count_of NAME: from what race-client has printed.
count_of() {
    awk -v name="$1" '$1 == name { n = $2 } END { print n + 0 }' <<<"$counts"
}

show_counts() {
    local name count

    while read -r name count; do
        number "$1.$name" "$count" times
    done <<<"$counts"
}

test_through_the_service() {
    local unexpected

    counts=$(race-client --pairs "$pairs" mtty mtty-1)
    show_counts race
    check_equal "the race: all creates succeeded" "$pairs" "$(count_of create.success)"
    check_equal "the race: all stops succeeded" "$pairs" "$(count_of stop.success)"
    check_equal "the race: no device is left" 0 "$(count_of left)"
    check_equal "the race: no device is wedged" 0 "$(count_of wedged)"
    unexpected=$(grep --extended-regexp --invert-match \
        '^(create\.success|create\.org\.mediated1\.Error\.AlreadyExists|stop\.success|stop\.org\.mediated1\.Error\.NoSuchDevice|left|wedged) ' \
        <<<"$counts" || true)
    check_equal "the race: nobody heard anything else" "" "$unexpected"
}

test_raw() {
    counts=$(race-client --pairs 100000 --raw mtty mtty-1)
    show_counts raw
    check_equal "the race by raw writes wedges the device" 1 "$(count_of wedged)"
    check_equal "the kernel said EAGAIN" 1 "$(count_of stop.EAGAIN)"
}

modprobe mtty
test_through_the_service
test_raw
summary
