# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What must be true of cards with virtual functions and of their vGPUs, on the real kernel and in the simulator. The
# script that sources this has sourced lib.sh, and has made these functions. FUNCTION is a virtual function of $card:
#
#   use_dialect NAME             sets $card to a card whose functions answer as the driver NAME does: nvidia, or
#                                upstream, the driver that was proposed for the kernel. There are no functions yet
#   hold [--group] FUNCTION      as in lib.sh, and so is release
#   open_device FUNCTION         opens the device, and is told why that is not possible
#   plugin_stays FUNCTION        lets the plugin of the function's next user stay
#   plugin_goes FUNCTION         ends that
#   clear_waits FUNCTION MS      sets how long a clear waits for a plugin
#   writes_take FUNCTION MS      sets how long a write takes between its checks and what it does
#   wedge FUNCTION               wedges a function that has a vGPU
#   types_stay_away, types_come  lets the functions that are made have no types, and ends that
#   monitor_uevents              prints what `udevadm monitor` does, in the order of the kernel's messages
#
# The card has 4 virtual functions, and room for 3 vGPUs of the type 1145 or for 2 of the type 1152.

# shellcheck disable=SC2154  # lib.sh sets holder

PCI=/sys/bus/pci
card=
small=1145
large=1152

# function_name NUMBER
function_name() {
    basename "$(readlink "$PCI/devices/$card/virtfn$1")"
}

count_functions() {
    find "$PCI/devices/$card/" -name 'virtfn*' | wc -l
}

make_functions() {
    echo "$1" >"$PCI/devices/$card/sriov_numvfs"
}

read_numvfs() {
    cat "$PCI/devices/$card/sriov_numvfs"
}

# Makes the functions again, which loses all types and heals wedged functions.
cycle() {
    local count

    count=$(count_functions)
    make_functions 0
    make_functions "$count"
}

# set_type FUNCTION TYPE
set_type() {
    echo "$2" >"$PCI/devices/$1/nvidia/current_vgpu_type"
}

type_of() {
    cat "$PCI/devices/$1/nvidia/current_vgpu_type"
}

# The lines of the list, in one line.
list_of() {
    sed 's/ *:.*//' "$PCI/devices/$1/nvidia/creatable_vgpu_types" | paste --serial --delimiters=' '
}

driver_of() {
    basename "$(readlink "$PCI/devices/$1/driver")"
}

# bind_function FUNCTION DRIVER
bind_function() {
    echo "$1" >"$PCI/drivers/$2/bind"
}

# group_node FUNCTION: waits for it, too, because udev makes it ready.
group_node() {
    local node

    node=/dev/vfio/$(basename "$(readlink "$PCI/devices/$1/iommu_group")")
    wait_until 5 test -e "$node"
    echo "$node"
}

open_node() {
    : <>"$1"
}

# check_sleeps NAME PID
check_sleeps() {
    check_matches "$1" "@(S|D)" "$(process_state "$2")"
}

has_ended() {
    [[ $(process_state "$1") == @(|Z) ]]
}

# --- virtual functions

rule_making() {
    local name node

    check_equal "at first there is no function" 0 "$(count_functions)"
    check_equal "more functions than the card can have" "Numerical result out of range" "$(error_of make_functions 5)"
    check_equal "not a number of functions" "Invalid argument" "$(error_of make_functions many)"
    check "making functions" make_functions 4
    check_equal "all of them are there when the write returns" 4 "$(count_functions)"
    check_equal "and are counted" 4 "$(read_numvfs)"
    check "the same number again is a success" make_functions 4
    check_equal "another number" "Device or resource busy" "$(error_of make_functions 3)"
    check_equal "after which nothing has changed" 4 "$(count_functions)"

    name=$(function_name 0)
    check_equal "a function names its card" "$card" "$(basename "$(readlink "$PCI/devices/$name/physfn")")"
    check "it is bound to a driver" driver_of "$name"
    check "it has a VFIO device" test -d "$(echo "$PCI/devices/$name/vfio-dev/vfio"*)"
    node=$(group_node "$name")
    check "it has the node of a group" test -e "$node"
    check_equal "each function has a group of its own" 4 \
        "$(readlink "$PCI/devices/$card"/virtfn*/iommu_group | sort --unique | wc -l)"

    check "removing the functions" make_functions 0
    check_equal "none is there when the write returns" 0 "$(count_functions)"
    check "the node of its group goes away, too" wait_until 5 not test -e "$node"
}

rule_card_without_driver() {
    local driver

    driver=$(driver_of "$card")
    echo "$card" >"$PCI/drivers/$driver/unbind"
    check_equal "functions of a card without a driver" "No such file or directory" "$(error_of make_functions 4)"
    echo "$card" >"$PCI/drivers/$driver/bind"
}

rule_functions_without_driver() {
    local name driver

    make_functions 1
    name=$(function_name 0)
    driver=$(driver_of "$name")
    make_functions 0
    echo 0 >"$PCI/devices/$card/sriov_drivers_autoprobe"
    make_functions 1
    check "without autoprobe a function has no driver" not test -e "$PCI/devices/$name/driver"
    check "and no types" not test -e "$PCI/devices/$name/nvidia"
    check_equal "it cannot be bound by hand either" "No such device" "$(error_of bind_function "$name" "$driver")"
    echo 1 >"$PCI/devices/$card/sriov_drivers_autoprobe"
    check "with autoprobe it can" bind_function "$name" "$driver"
    check "it has types then" test -e "$PCI/devices/$name/nvidia/current_vgpu_type"
    make_functions 0
}

# uevents_of NAME FILE: those of a PCI function, and of VFIO devices, in a file of `udevadm monitor`, in their order.
uevents_of() {
    sed 's/^[A-Z]* *\[[^]]*\] *//' "$2" | awk -v name="/$1" \
        '($2 ~ name "$" && $3 == "(pci)") || $3 ~ /^\(vfio(-dev)?\)$/ { print $1 $3 }' | paste --serial --delimiters=' '
}

rule_uevents() {
    local name log monitor count

    make_functions 1
    name=$(function_name 0)
    make_functions 0
    log=$(mktemp)
    monitor_uevents >"$log" &
    monitor=$!
    wait_until 5 grep -q received "$log"
    make_functions 1
    wait_until 5 grep -q "change .*$card " "$log" || true
    count=$(grep --count "$name\|vfio" "$log")
    set_type "$name" "$small"
    set_type "$name" 0
    sleep 0.5
    check_equal "no uevent tells of a vGPU" "$count" "$(grep --count "$name\|vfio" "$log")"
    make_functions 0
    wait_until 5 grep -q "remove .*$name (pci)" "$log" || true
    check_equal "the uevents of a function's life" \
        "add(pci) change(pci) add(vfio) add(vfio-dev) bind(pci) remove(vfio-dev) remove(vfio) unbind(pci) remove(pci)" \
        "$(uevents_of "$name" "$log")"
    check_equal "the uevents of its card" "change(pci)" "$(uevents_of "$card" <(grep -v vfio "$log"))"
    kill "$monitor"
    wait "$monitor" || true
    rm "$log"
}

# --- vGPUs

# What both drivers do.
rule_vgpu() {
    local first second

    make_functions 2
    first=$(function_name 0)
    second=$(function_name 1)
    check_equal "a new function has no type" 0 "$(type_of "$first")"
    check_equal "its list has a heading and all types" "ID $small $large" "$(list_of "$first")"
    check_equal "without a vGPU there is no placement" "No such device or address" \
        "$(error_of cat "$PCI/devices/$first/nvidia/placement_id")"
    check_equal "and no GPU instance" "No such device or address" \
        "$(error_of cat "$PCI/devices/$first/nvidia/gpu_instance_id")"
    check_equal "not a number" "Invalid argument" "$(error_of set_type "$first" some)"
    check_equal "a negative number" "Invalid argument" "$(error_of set_type "$first" -1)"
    check_equal "opening a function without a type" "No such device" "$(error_of open_device "$first")"

    check "setting a type" set_type "$first" $small
    check_equal "the file says it" $small "$(type_of "$first")"
    check "now there is a placement" cat "$PCI/devices/$first/nvidia/placement_id"
    check_equal "a function with a vGPU has an empty list" "" "$(list_of "$first")"
    check_matches "another function can have the same type" "*$small" "$(list_of "$second")"
    check "clearing it" set_type "$first" 0
    check_equal "the file says that, too" 0 "$(type_of "$first")"
    make_functions 0
}

rule_vgpu_nvidia() {
    local names=() i

    make_functions 4
    for i in 0 1 2 3; do names+=("$(function_name $i)"); done
    check_equal "a clear where no vGPU is" "Operation not permitted" "$(error_of set_type "${names[0]}" 0)"
    check_equal "an unknown type" "Input/output error" "$(error_of set_type "${names[0]}" 4711)"
    set_type "${names[0]}" $small
    check_equal "another type for a function that has one" "Operation not permitted" \
        "$(error_of set_type "${names[0]}" $large)"
    check_equal "the same type for it" "Operation not permitted" "$(error_of set_type "${names[0]}" $small)"
    check_equal "another size on the card" "Input/output error" "$(error_of set_type "${names[1]}" $large)"
    check_equal "it is in no list any more" "ID $small" "$(list_of "${names[1]}")"
    set_type "${names[1]}" $small
    set_type "${names[2]}" $small
    check_equal "a full card has an empty list" ID "$(list_of "${names[3]}")"
    check_equal "a type on a full card" "Input/output error" "$(error_of set_type "${names[3]}" $small)"
    check_equal "after which the function has none" 0 "$(type_of "${names[3]}")"
    set_type "${names[1]}" 0
    check "a clear makes room for another function" set_type "${names[3]}" $small
    cycle
    check_equal "all types are gone after SR-IOV was off" "0 0 0 0" \
        "$(for i in "${names[@]}"; do type_of "$i"; done | paste --serial --delimiters=' ')"
    make_functions 0
}

rule_vgpu_upstream() {
    local names=() i

    make_functions 4
    for i in 0 1 2 3; do names+=("$(function_name $i)"); done
    check "upstream: a clear where no vGPU is, is a success" set_type "${names[0]}" 0
    check_equal "upstream: an unknown type" "No such device" "$(error_of set_type "${names[0]}" 4711)"
    set_type "${names[0]}" $small
    check_equal "upstream: another type on the card" "Invalid argument" "$(error_of set_type "${names[1]}" $large)"
    check_equal "upstream: another type for a function that has one" "Invalid argument" \
        "$(error_of set_type "${names[0]}" $large)"
    set_type "${names[1]}" $small
    set_type "${names[2]}" $small
    check_equal "upstream: a full card" "No space left on device" "$(error_of set_type "${names[3]}" $small)"
    check_equal "upstream: after which the function has no type" 0 "$(type_of "${names[3]}")"
    make_functions 0
}

# --- in use

rule_group_is_open() {
    local name node

    make_functions 1
    name=$(function_name 0)
    node=$(group_node "$name")
    set_type "$name" $small
    hold --group "$name"
    check_equal "a second open of a group" "Device or resource busy" "$(error_of open_node "$node")"
    check "an open group does not keep a vGPU from being cleared" set_type "$name" 0
    check "nor its function from being removed" timeout 20 bash -c "echo 0 >$PCI/devices/$card/sriov_numvfs"
    release "$holder"
    make_functions 0
}

# rule_device_is_open DIALECT ERROR
rule_device_is_open() {
    local name node

    make_functions 1
    name=$(function_name 0)
    node=$(group_node "$name")
    set_type "$name" $small
    hold "$name"
    check_equal "$1: a second open of the group of a device in use" "Device or resource busy" \
        "$(error_of open_node "$node")"
    check_equal "$1: a clear of a vGPU in use" "$2" "$(error_of set_type "$name" 0)"
    check_equal "$1: another type for a vGPU in use" "$2" "$(error_of set_type "$name" $large)"
    check_equal "$1: the vGPU is still there" $small "$(type_of "$name")"
    release "$holder"
    check "$1: it can be cleared when its user has let go" wait_until 5 set_type "$name" 0
    make_functions 0
}

rule_functions_in_use() {
    local name remover reader

    make_functions 2
    name=$(function_name 1)
    set_type "$name" $small
    hold "$name"
    make_functions 0 &
    remover=$!
    sleep 1
    check_sleeps "removing a function in use sleeps" "$remover"
    read_numvfs >/dev/null &
    reader=$!
    sleep 0.5
    check_sleeps "meanwhile reading the number of functions sleeps, too" "$reader"
    check "the function is still there" test -e "$PCI/devices/$name"
    release "$holder"
    check "the removal ends when the user lets go" wait_until 10 has_ended "$remover"
    check "and so does the reading" wait_until 10 has_ended "$reader"
    wait "$remover" "$reader"
    check_equal "the functions are gone" 0 "$(count_functions)"
}

rule_plugin_stays() {
    local name clear started

    make_functions 1
    name=$(function_name 0)
    set_type "$name" $small
    plugin_stays "$name"
    hold "$name"
    release "$holder"
    clear_waits "$name" 400
    started=$(now)
    check_equal "a clear while the plugin stays" "Device or resource busy" "$(error_of set_type "$name" 0)"
    check_within "it has slept before it failed, ms" 400 $(($(now) - started))
    check_equal "the vGPU is still there" $small "$(type_of "$name")"

    clear_waits "$name" 60000
    set_type "$name" 0 &
    clear=$!
    sleep 1
    check_sleeps "a clear that may wait longer sleeps" "$clear"
    plugin_goes "$name"
    check "it ends when the plugin goes" wait_until 20 has_ended "$clear"
    check_equal "and has cleared the vGPU" 0 "$(type_of "$name")"
    wait "$clear"
    clear_waits "$name" 1000
    make_functions 0
}

# --- what goes wrong

rule_wedged() {
    local name

    make_functions 1
    name=$(function_name 0)
    set_type "$name" $small
    wedge "$name"
    check_equal "a clear of a wedged function" "Input/output error" "$(error_of set_type "$name" 0)"
    check_equal "its vGPU is still there" $small "$(type_of "$name")"
    cycle
    check_equal "it is gone after SR-IOV was off" 0 "$(type_of "$name")"
    set_type "$name" $small
    check "the function is healed then" set_type "$name" 0
    make_functions 0
}

rule_bound_again() {
    local name driver

    make_functions 1
    name=$(function_name 0)
    driver=$(driver_of "$name")
    set_type "$name" $small
    echo "$name" >"$PCI/drivers/$driver/unbind"
    check "a function without its driver has no types" not test -e "$PCI/devices/$name/nvidia"
    bind_function "$name" "$driver"
    check_equal "a function that was bound again has lost its vGPU" 0 "$(type_of "$name")"
    check_equal "it takes no type any more" "Invalid argument" "$(error_of set_type "$name" $small)"
    cycle
    check "it takes one after SR-IOV was off" set_type "$name" $small
    make_functions 0
}

# rule_types_are_late DIALECT LIST ERROR
rule_types_are_late() {
    local name

    types_stay_away
    make_functions 1
    name=$(function_name 0)
    check_equal "$1: a new function has no types yet" "$2" "$(list_of "$name")"
    check_equal "$1: it cannot have one either" "$3" "$(error_of set_type "$name" $small)"
    types_come
    check "$1: the types come" wait_until 10 grep -q $small "$PCI/devices/$name/nvidia/creatable_vgpu_types"
    check "$1: the function can have one then" set_type "$name" $small
    make_functions 0
}

# Two writers of one function, from the same moment on, are both told that they have made its vGPU.
rule_two_writers() {
    local name i errors go both=0 wrong=0 first second

    make_functions 1
    name=$(function_name 0)
    errors=$(mktemp)
    go=$(mktemp --dry-run)
    writes_take "$name" 1000
    for ((i = 0; i < 3; i++)); do
        : >"$errors"
        (until [[ -e $go ]]; do :; done; error_of set_type "$name" $small >>"$errors") &
        first=$!
        (until [[ -e $go ]]; do :; done; error_of set_type "$name" $small >>"$errors") &
        second=$!
        sleep 0.1
        : >"$go"
        wait "$first" "$second"
        rm "$go"
        [[ -s $errors ]] || both=$((both + 1))
        [[ $(type_of "$name") == "$small" ]] || wrong=$((wrong + 1))
        set_type "$name" 0
    done
    writes_take "$name" 0
    number two_writers_who_both_succeeded $both "of $i"
    check "two writers of one function can both succeed" test $both -gt 0
    check_equal "it has one vGPU then" 0 $wrong
    rm "$errors"
    make_functions 0
}

check_rules() {
    use_dialect nvidia
    rule_making
    rule_card_without_driver
    rule_functions_without_driver
    rule_uevents
    rule_vgpu
    rule_vgpu_nvidia
    rule_group_is_open
    rule_device_is_open nvidia "Operation not permitted"
    rule_functions_in_use
    rule_plugin_stays
    rule_wedged
    rule_bound_again
    rule_types_are_late nvidia ID "Input/output error"
    rule_two_writers
    use_dialect upstream
    rule_vgpu_upstream
    rule_device_is_open upstream "Device or resource busy"
    rule_types_are_late upstream ID "No such device"
}
