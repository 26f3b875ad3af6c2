# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# For scripts that run in the guest with mediated: calls, and what it says of devices and definitions. Source lib.sh
# first.

MANAGER=(org.mediated1 /org/mediated1 org.mediated1.Manager)

# call MEMBER SIGNATURE ARG…
call() {
    busctl --timeout=120 call "${MANAGER[@]}" "$@"
}

# create UUID PARENT TYPE
create() {
    call CreateDevice 'sssa(ss)a{sv}' "$1" "$2" "$3" 0 0 >/dev/null
}

stop() {
    call StopDevice 'sa{sv}' "$1" 0
}

# start UUID PARENT
start() {
    call StartDevice 'ssa{sv}' "$1" "$2" 0 >/dev/null
}

# define UUID PARENT TYPE START
define() {
    call Define 'ssssa(ss)a{sv}' "$1" "$2" "$3" "$4" 0 0 >/dev/null
}

# listed: a line `UUID PARENT STATE` a device.
listed() {
    call ListDevices | sed 's/""/-/g; s/"//g' |
        awk '{ for (i = 3; i < NF; i += 6) print $i, $(i + 1), $(i + 3) }' | sort
}

# in_kernel: the same lines by what sysfs says, without a process for each device.
in_kernel() {
    local dir parent state

    for dir in "$MDEV_BUS"/*/*-*-*-*-*/; do
        [[ -d $dir ]] || continue
        if [[ -e $dir/remove ]]; then state=starting; else state=stopping; fi
        if [[ -e $dir/mdev_type ]]; then
            if [[ $state == starting ]]; then state=active; else state=wedged; fi
        fi
        dir=${dir%/}
        parent=${dir%/*}
        echo "${dir##*/} ${parent##*/} $state"
    done | sort
}

same_as_kernel() {
    diff <(in_kernel) <(listed)
}

# becomes_same_as_kernel: what others have done is known when udev has handled its events. After a storm, that takes
# udev a minute or more on a slow machine.
becomes_same_as_kernel() {
    wait_until 20 same_as_kernel && return
    udevadm settle --timeout=300 || true
    wait_until 20 same_as_kernel
}

# state_of UUID: as mediated lists it, `none` if it does not.
state_of() {
    listed | awk -v uuid="$1" '$1 == uuid { print $3; found = 1 } END { if (!found) print "none" }'
}

# start_state UUID PARENT: of its definition.
start_state() {
    local path

    path=$(busctl --json=short call "${MANAGER[@]}" GetDefinition ss "$1" "$2" | sed 's/.*\["\(.*\)"\].*/\1/')
    busctl get-property org.mediated1 "$path" org.mediated1.Definition StartState | cut --delimiter='"' --fields=2
}

main_pid() {
    pgrep --exact mediated || echo 0
}

unit_state() {
    systemctl show --property=ActiveState --value "$1"
}

daemon_answers() {
    busctl --timeout=5 call "${MANAGER[@]}" ListJobs
}

# is_other PID: whether a daemon with another pid is ready. Cheap, because what this waits for needs the processor.
is_other() {
    local pid

    pid=$(pgrep --exact mediated) && [[ $pid != "$1" ]] && systemctl --quiet is-active mediated
}

# wait_for_other PID
wait_for_other() {
    wait_until 60 is_other "$1"
}

# workers: the pids of the daemon's workers.
workers() {
    pgrep --exact mediated-worker || true
}

# stop_all: every device, by the kernel's list.
stop_all() {
    local uuid

    for uuid in $(in_kernel | cut --delimiter=' ' --fields=1); do
        stop "$uuid"
    done
}

# journal: what mediated said in this boot.
journal() {
    journalctl --sync
    journalctl --unit mediated --boot --output=cat --no-pager
}

# test_race_storm CALLS [SEED [OPTION…]]
test_race_storm() {
    local status=0 seed=${2:-$RANDOM}

    race-storm --calls "$1" --seed "$seed" "${@:3}" mtty:mtty-1 mbochs:mbochs-small 2>&1 || status=$?
    check_equal "$1 calls of eight clients, and raw writers, with the seed $seed" 0 "$status"
    check_equal "none is left of it" "" "$(in_kernel)"
    check "nor in the registry" becomes_same_as_kernel
}

# run_tests [NAME…]: the functions test_NAME, all of the array `tests` if none is named, and the summary.
run_tests() {
    local test

    # shellcheck disable=SC2154
    (($# > 0)) || set -- "${tests[@]}"
    for test in "$@"; do
        "test_$test"
    done
    number "$(basename "$0" .sh)" $SECONDS s
    summary
}

# is_denied COMMAND [ARG…]: whether it fails because of who asks: by the error's name, busctl's words for that, or
# those of mediated and mediatectl.
is_denied() {
    local output

    if output=$("$@" 2>&1); then
        echo "it succeeded: $output"
        return 1
    fi
    grep --quiet --extended-regexp 'AccessDenied|Access denied|[Nn]ot permitted (to|without) ' <<<"$output" || {
        echo "it fails otherwise: $output"
        return 1
    }
}
