# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For scripts that run in the guest: test results, waiting, and mediated devices by raw sysfs. Prints one line a test,
# `PASS name`, `FAIL name: why` or `SKIP name: why`; a script ends with `summary`.

passed=0
failed=0
skipped=0

MDEV_BUS=/sys/class/mdev_bus
MDEV_DEVICES=/sys/bus/mdev/devices

pass() {
    echo "PASS $1"
    passed=$((passed + 1))
}

fail() {
    echo "FAIL $1: ${2:-no reason given}"
    failed=$((failed + 1))
}

skip() {
    echo "SKIP $1: $2"
    skipped=$((skipped + 1))
}

# check NAME COMMAND [ARG…]: a test that passes when COMMAND succeeds; what it prints is the reason when it does not.
check() {
    local name=$1 output
    shift

    if output=$("$@" 2>&1); then
        pass "$name"
    else
        fail "$name" "$(tr '\n' ' ' <<<"${output:-$* failed}")"
    fi
}

# check_equal NAME EXPECTED FOUND
check_equal() {
    if [[ $2 == "$3" ]]; then pass "$1"; else fail "$1" "expected '$2', found '$3'"; fi
}

# check_matches NAME PATTERN FOUND: the same with a glob pattern.
check_matches() {
    # shellcheck disable=SC2053
    if [[ $3 == $2 ]]; then pass "$1"; else fail "$1" "expected something like '$2', found '$3'"; fi
}

# check_within NAME FOUND MAXIMUM: numbers.
check_within() {
    if awk -v found="$2" -v maximum="$3" 'BEGIN { exit !(found <= maximum) }'; then
        pass "$1 ($2 <= $3)"
    else
        fail "$1" "$2 is more than $3"
    fi
}

# number NAME VALUE UNIT: a measured number for the record.
number() {
    echo "$1 $2 $3"
}

# wait_until SECONDS COMMAND [ARG…]: whether COMMAND succeeds within that time.
wait_until() {
    local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
    shift

    until "$@" >/dev/null 2>&1; do
        ((${EPOCHREALTIME/./} < end)) || return 1
        sleep 0.02
    done
}

not() {
    ! "$@"
}

# now: milliseconds, to subtract from each other.
now() {
    echo $((${EPOCHREALTIME/./} / 1000))
}

# check_system_bus: that the bus is the one that was asked for, by the program that runs.
check_system_bus() {
    local pid

    pid=$(systemctl show --property=MainPID --value dbus.service)
    check_matches "the system bus is dbus-$BUS" "dbus-$BUS*" "$(ps --no-headers --format comm --pid "$pid")"
}

summary() {
    check_system_bus
    echo "$passed passed, $failed failed, $skipped skipped"
    exit $((failed > 0))
}

new_uuid() {
    cat /proc/sys/kernel/random/uuid
}

# error_of COMMAND [ARG…]: prints the last part of its message (strerror's, for a failed write), or nothing if it
# succeeded.
error_of() {
    local output

    output=$("$@" 2>&1) || echo "${output##*: }"
}

# raw_create PARENT TYPE UUID
raw_create() {
    echo "$3" >"$MDEV_BUS/$1/mdev_supported_types/$2/create"
}

# device_dir UUID: its directory, which is below its parent. The link in $MDEV_DEVICES is no witness: of a device in use
# that is being removed the kernel takes it away long before the device.
device_dir() {
    local dir

    for dir in "$MDEV_BUS"/*/"$1"/; do
        [[ ! -d $dir ]] || echo "${dir%/}"
    done
}

device_exists() {
    [[ -n $(device_dir "$1") ]]
}

raw_remove() {
    echo 1 >"$MDEV_DEVICES/$1/remove"
}

# available PARENT TYPE
available() {
    cat "$MDEV_BUS/$1/mdev_supported_types/$2/available_instances"
}

# The state of a device by the two names in its directory; a wedged one looks like that only for as long as it stays so.
device_state() {
    local dir

    dir=$(device_dir "$1")
    if [[ -z $dir ]]; then
        echo none
    elif [[ -e $dir/remove ]]; then
        if [[ -e $dir/mdev_type ]]; then echo active; else echo starting; fi
    else
        if [[ -e $dir/mdev_type ]]; then echo wedged; else echo stopping; fi
    fi
}

# vfio_node UUID: waits for it, too, because udev makes it ready.
vfio_node() {
    local node

    node=/dev/vfio/$(basename "$(readlink "$MDEV_DEVICES/$1/iommu_group")")
    wait_until 5 test -c "$node"
    echo "$node"
}

# hold [--group] DEVICE: keeps the device (or only its group) in use; sets $holder to the pid of the process that does.
hold() {
    local ready

    ready=$(mktemp)
    vfio-hold "$@" >"$ready" &
    # shellcheck disable=SC2034  # for the caller
    holder=$!
    if ! wait_until 5 grep --quiet holding "$ready"; then
        rm "$ready"
        echo "hold: $* could not be held" >&2
        return 1
    fi
    rm "$ready"
}

release() {
    kill "$1"
    wait "$1" 2>/dev/null || true
}

# process_state PID: the kernel's letter for it, nothing when it is gone.
process_state() {
    sed -n 's/^State:\s*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null
}

# Where a test that goes on after a reboot keeps what it knows.
KEPT=/var/lib/vm-test

# reboot_and_go_on: the script runs again, with the results so far; $BOOT says which boot it is.
reboot_and_go_on() {
    mkdir --parents "$KEPT"
    declare -p passed failed skipped >"$KEPT/results"
    systemctl reboot
    sleep infinity
}

if [[ -f $KEPT/results ]]; then
    # shellcheck source=/dev/null
    source "$KEPT/results"
fi
