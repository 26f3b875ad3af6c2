# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For scripts that run in the guest with mediated and with two cards of four virtual functions each: the parameters of
# the module vgpu-sample, the types that the functions have, and what mediated says of them. Source mediated.sh first.

# shellcheck disable=SC2034  # for the scripts

PCI=/sys/bus/pci/devices
PARAMETERS=/sys/module/vgpu_sample/parameters
PREPARED=/run/mediated/prepare
CARDS=(0000:01:00.0 0000:02:00.0)
SMALL=nvidia-1145
LARGE=nvidia-1152

# set_parameter NAME VALUE
set_parameter() {
    echo "$2" >"$PARAMETERS/$1"
}

# use_dialect nvidia|upstream
use_dialect() {
    if [[ $1 == upstream ]]; then set_parameter upstream Y; else set_parameter upstream N; fi
}

# functions_of CARD: the names of its virtual functions.
functions_of() {
    local link

    for link in "$PCI/$1"/virtfn*; do
        [[ ! -L $link ]] || basename "$(readlink "$link")"
    done
}

# raw_set FUNCTION TYPE: as somebody who does not ask mediated. TYPE 0 clears it.
raw_set() {
    echo "${2#nvidia-}" >"$PCI/$1/nvidia/current_vgpu_type"
}

# type_of FUNCTION: 0 if it has none.
type_of() {
    local number

    number=$(<"$PCI/$1/nvidia/current_vgpu_type")
    if ((number == 0)); then echo 0; else echo "nvidia-$number"; fi
}

# vgpus_in_kernel: a line `FUNCTION TYPE` a function that has a type.
vgpus_in_kernel() {
    local card name type

    for card in "${CARDS[@]}"; do
        for name in $(functions_of "$card"); do
            type=$(type_of "$name")
            [[ $type == 0 ]] || echo "$name $type"
        done
    done | sort
}

# vgpus_listed: a line `UUID FUNCTION TYPE STATE` a device, as mediated has them.
vgpus_listed() {
    call ListDevices | sed 's/""/-/g; s/"//g' |
        awk '{ for (i = 3; i < NF; i += 6) print $i, $(i + 1), $(i + 2), $(i + 3) }' | sort
}

vgpus_are_the_same() {
    diff <(vgpus_in_kernel) <(vgpus_listed | awk '$4 == "active" { print $2, $3 }' | sort)
}

# uuid_on FUNCTION: of the device that mediated has there.
uuid_on() {
    vgpus_listed | awk -v name="$1" '$2 == name { print $1 }'
}

# is_on FUNCTION UUID
is_on() {
    [[ $(uuid_on "$1") == "$2" ]]
}

# has_job PATTERN: whether the list of jobs is like that.
has_job() {
    # shellcheck disable=SC2053
    [[ $(call ListJobs) == $1 ]]
}

is_idle() {
    [[ $(call ListJobs) == "a(tssso) 0" ]]
}

# make_functions CARD NUMBER
make_functions() {
    echo "$2" >"$PCI/$1/sriov_numvfs"
}

# has_all_types: whether mediated knows the types of each function.
has_all_types() {
    local card

    for card in "${CARDS[@]}"; do
        [[ $(mediatectl types --by-parent --no-legend "$card" | wc -l) -ge 8 ]] || return 1
    done
}

# clear_all: all types, by raw writes.
clear_all() {
    local name type

    while read -r name type; do
        raw_set "$name" 0
    done < <(vgpus_in_kernel)
    wait_until 10 vgpus_are_the_same
}

# refusal_of COMMAND [ARG…]: what a command says that must fail, in one line.
refusal_of() {
    local output

    if output=$("$@" 2>&1); then
        echo "it succeeded: $output"
    else
        tr '\n' ' ' <<<"$output"
    fi
}
