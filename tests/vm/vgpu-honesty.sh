#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the guest, without the daemon: cards with virtual functions on the real kernel, and the vGPUs of the module
# vgpu-sample. The simulator has to obey the same rules (tests/simulator/vgpu-honesty.sh).
#
# tools/vm: --cards

# shellcheck disable=SC2317  # functions that the rules call

set -euo pipefail

here=$(dirname -- "$0")
# shellcheck source=tests/vm/lib.sh
source "$here/lib.sh"
# shellcheck source=tests/vm/vgpu-rules.sh
source "$here/vgpu-rules.sh"

PARAMETERS=/sys/module/vgpu_sample/parameters
an_hour=3600000

use_dialect() {
    card=0000:01:00.0
    [[ $1 == upstream ]] && echo Y >$PARAMETERS/upstream || echo N >$PARAMETERS/upstream
}

open_device() {
    vfio-hold "$1"
}

plugin_stays() {
    echo $an_hour >$PARAMETERS/plugin_delay
}

plugin_goes() {
    echo 0 >$PARAMETERS/plugin_delay
}

clear_waits() {
    echo "$2" >$PARAMETERS/clear_wait
}

writes_take() {
    echo $(($2 * 2)) >$PARAMETERS/create_delay
}

wedge() {
    echo $an_hour >$PARAMETERS/wedge_within
    hold "$1"
    release "$holder"
    echo 0 >$PARAMETERS/wedge_within
}

types_stay_away() {
    echo $an_hour >$PARAMETERS/types_delay
}

types_come() {
    echo 0 >$PARAMETERS/types_delay
}

monitor_uevents() {
    exec stdbuf -oL udevadm monitor --kernel
}

# The cards are alike, but share nothing.
test_second_card() {
    local first second

    use_dialect nvidia
    card=0000:02:00.0
    make_functions 4
    first=$(function_name 0)
    set_type "$first" $large
    card=0000:01:00.0
    make_functions 4
    second=$(function_name 0)
    check "two cards can have vGPUs of different types" set_type "$second" $small
    check_equal "and each counts its own" "ID $small" "$(list_of "$(function_name 1)")"
    make_functions 0
    check_equal "one card's virtual functions are not the other's" $large "$(type_of "$first")"
    card=0000:02:00.0
    make_functions 0
}

test_mixed_types() {
    local i names=()

    use_dialect nvidia
    echo Y >$PARAMETERS/mixed
    make_functions 4
    for i in 0 1 2; do names+=("$(function_name $i)"); done
    set_type "${names[0]}" $small
    check "mixed: another type on the card" set_type "${names[1]}" $large
    check_equal "mixed: what is left is too small for any type" ID "$(list_of "${names[2]}")"
    check_equal "mixed: and so for this one" "Input/output error" "$(error_of set_type "${names[2]}" $small)"
    echo N >$PARAMETERS/mixed
    make_functions 0
}

test_hanging_clear() {
    local name other clear

    use_dialect nvidia
    make_functions 2
    name=$(function_name 0)
    other=$(function_name 1)
    set_type "$name" $small
    clear_waits "$name" $an_hour
    plugin_stays "$name"
    hold "$name"
    release "$holder"
    set_type "$name" 0 2>/dev/null &
    clear=$!
    # Nobody has to be told that it is killed.
    disown "$clear"
    sleep 1
    kill -KILL "$clear"
    sleep 0.5
    check_equal "a clear that hangs cannot be killed" D "$(process_state "$clear")"
    check_equal "its type can still be read" $small "$(type_of "$name")"
    check "other functions are not delayed" timeout 20 bash -c "
        echo $small >$PCI/devices/$other/nvidia/current_vgpu_type
        echo 0 >$PCI/devices/$other/nvidia/current_vgpu_type"
    clear_waits "$name" 1000
    check "it ends when the parameter says so" wait_until 20 has_ended "$clear"
    check_equal "it has not cleared anything" $small "$(type_of "$name")"
    plugin_goes "$name"
    make_functions 0
}

systemctl mask --quiet --runtime --now mediated.service
modprobe --all vgpu-sample vfio_iommu_type1
udevadm settle
number kernel "$(uname --kernel-release)" release
check_rules
test_second_card
test_mixed_types
test_hanging_clear
check "the module can be removed" modprobe --remove vgpu-sample
check_equal "the kernel has no complaint" "" "$(dmesg --level=emerg,alert,crit,err | grep -v 'bogus INTx' || true)"
summary
