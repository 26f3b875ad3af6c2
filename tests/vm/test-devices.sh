#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the guest: devices over D-Bus on a real kernel, under the real unit: activation, the race, crashes, storms, devices
# in use, who may do what.
#
# tools/check: trixie
# tools/check: s390x

# shellcheck disable=SC2317  # functions that are called by their names

set -euo pipefail

here=$(dirname -- "$0")
# shellcheck source=tests/vm/lib.sh
source "$here/lib.sh"
# shellcheck source=tests/vm/mediated.sh
source "$here/mediated.sh"

# Most of these races are the kernel's, whatever bus the requests come by, and whatever the machine.
[[ ${BUS:-daemon} == daemon && $(uname --machine) == x86_64 ]] && races=2000 || races=500
race_pairs=${RACE_PAIRS:-$races}
storm_calls=${STORM_CALLS:-$races}
kills=${KILLS:-12}
kills_seed=${KILLS_SEED:-$RANDOM}

test_activation() {
    local pid

    check_equal "without parents the daemon does not run" inactive "$(unit_state mediated)"
    check "D-Bus starts it" daemon_answers
    systemctl stop mediated
    modprobe mtty
    check "udev starts it with the first parent" wait_until 20 test active == "$(wait_active)"
    pid=$(main_pid)
    modprobe mbochs
    check "a second parent appears in it" wait_until 5 busctl call "${MANAGER[@]}" GetParent s mbochs
    check_equal "and does not start it again" "$pid" "$(main_pid)"
}

wait_active() {
    wait_until 20 systemctl --quiet is-active mediated
    unit_state mediated
}

test_calls() {
    local uuid output log

    uuid=$(new_uuid)
    log=$(mktemp)
    stdbuf -oL busctl monitor org.mediated1 >"$log" 2>&1 &
    monitor=$!
    wait_until 5 grep -q "Monitoring bus" "$log"

    check "CreateDevice" create "$uuid" mtty mtty-1
    check_equal "the device is complete" active "$(device_state "$uuid")"
    check "and listed by the bus mdev" test -e "$MDEV_DEVICES/$uuid"
    output=$(create "$uuid" mbochs mbochs-small 2>&1) || true
    check_matches "its UUID on another parent" "*$uuid already exists on parent 'mtty'*" "$output"
    check_matches "that error's name" "org.mediated1.Error.AlreadyExists" \
        "$(timed-call create "$uuid" mbochs mbochs-small | cut --delimiter=' ' --fields=2)"
    check_matches "busctl tree shows it" "*/org/mediated1/device/*${uuid##*-}*" "$(busctl tree org.mediated1)"
    output=$(busctl introspect org.mediated1 "$(device_path "$uuid")")
    check_matches "busctl introspect shows its state" '*.State*property*"active"*' "$output"
    check_matches "and its VFIO node" "*.DeviceNode*\"$(vfio_node "$uuid")\"*" "$output"
    check "StopDevice" stop "$uuid"
    check_equal "the device is gone" none "$(device_state "$uuid")"
    check_equal "and no longer listed" none "$(state_of "$uuid")"
    check "a missing attribute is an error" not call CreateDevice 'sssa(ss)a{sv}' "$uuid" mtty mtty-1 1 nothing 1 0
    check_equal "and leaves no device" none "$(device_state "$uuid")"

    check "busctl monitor hears of its end" wait_until 5 grep -q Member=InterfacesRemoved "$log"
    check "and of its job's" wait_until 5 grep -q Member=JobRemoved "$log"
    kill "$monitor"
    wait "$monitor" || true     # of a signal
    check_equal "busctl monitor shows jobs come and go" "JobNew JobRemoved" "$(first_of "$log" JobNew JobRemoved)"
    check_equal "and devices" "InterfacesAdded InterfacesRemoved" \
        "$(first_of "$log" InterfacesAdded InterfacesRemoved)"
    rm "$log"
}

device_path() {
    busctl --json=short call "${MANAGER[@]}" GetDevice s "$1" | sed 's/.*\["\(.*\)"\].*/\1/'
}

# first_of LOG MEMBER…: those of these signals that there are, in the order of their first appearance.
first_of() {
    local log=$1
    shift

    grep --only-matching --extended-regexp "Member=($(IFS='|'; echo "$*"))\>" "$log" |
        cut --delimiter='=' --fields=2 | awk '!seen[$1]++' | paste --serial --delimiters=' '
}

test_by_others() {
    local uuid

    uuid=$(new_uuid)
    raw_create mbochs mbochs-small "$uuid"
    check "a device that was made by a raw write appears" becomes_same_as_kernel
    raw_remove "$uuid"
    check "and goes" becomes_same_as_kernel
}

test_race() {
    local output status=0

    output=$(race-client --pairs "$race_pairs" mtty mtty-1 2>&1) || status=$?
    echo "$output"
    check_equal "$race_pairs pairs of a creating and a stopping client" 0 "$status"
    check_equal "none is left" "" "$(in_kernel)"
    check "EAGAIN reached nobody" not grep --quiet --ignore-case 'temporarily unavailable\|EAGAIN' \
        <(echo "$output"; journal)
}

test_storm_of_calls() {
    test_race_storm "$storm_calls"
    check "EAGAIN reached nobody" not grep --quiet --ignore-case 'temporarily unavailable\|EAGAIN' <(journal)
}

# expected_of LOG: what the kernel must have after all that was answered: `must UUID`, `may UUID`, nothing for the
# others.
expected_of() {
    awk '$1 == "created" { state[$2] = "must" }
         $1 == "stopped" { delete state[$2] }
         $1 == "refused" { delete state[$2] }
         $1 == "kept" { state[$2] = "may" }
         END { for (uuid in state) print state[uuid], uuid }' "$1" | sort
}

# unanswered LOG: of the UUIDs on standard input, those whose last answer was lost with the daemon.
unanswered() {
    join - <(awk '{ last[$2] = $0 } END { for (uuid in last) print uuid, last[uuid] }' "$1" | grep 'NoReply' | sort)
}

# judge LOG NAME UNANSWERED: that what there is agrees with what was answered. A daemon that is killed between its
# decision and its answer leaves a complete device (docs/RELIABILITY.md): at most UNANSWERED of them may be there.
judge() {
    local missing extra lost

    grep '^refused\|^kept' "$1" | grep --invert-match 'NoReply\|ServiceUnknown' || true
    missing=$(join -v 1 -1 2 -2 1 <(expected_of "$1" | grep '^must' | sort -k 2) <(in_kernel) | wc -l)
    join -v 2 -1 2 -2 1 <(expected_of "$1" | sort -k 2) <(in_kernel) | cut --delimiter=' ' --fields=1 >"$1.extra"
    lost=$(unanswered "$1" <"$1.extra" | wc -l)
    extra=$(($(wc -l <"$1.extra") - lost))
    check_equal "$2: every device that was acknowledged is there" 0 "$missing"
    check_equal "$2: no other is" 0 "$extra"
    check_within "$2: but for those whose answer was lost" "$lost" "$3"
    ((extra + lost == 0)) || grep --file="$1.extra" "$1"
    check_equal "$2: all are complete" "" "$(in_kernel | grep --invert-match 'active$')"
    number "$2, calls answered" "$(grep -c '^created\|^stopped' "$1")" calls
    number "$2, calls failed" "$(grep -c '^refused\|^kept' "$1")" calls
}

# kill_them worker|daemon|both
kill_them() {
    local daemon workers

    daemon=$(main_pid)
    ((daemon > 0)) || return 0
    mapfile -t workers < <(workers)
    case $1 in
        # It may have ended by itself.
        worker) ((${#workers[@]} == 0)) || kill -KILL "${workers[RANDOM % ${#workers[@]}]}" 2>/dev/null || true ;;
        daemon) kill -KILL "$daemon" ;;
        both) workers | xargs kill -KILL "$daemon" 2>/dev/null || true ;;
    esac
    [[ $1 == worker ]] || wait_for_other "$daemon" || fail "the daemon is started again after its death" "not in 60 s"
}

test_kills() {
    local what=$1 log i clients=()

    RANDOM=$kills_seed
    log=$(mktemp --directory)
    for i in 1 2; do
        churn-client mtty mtty-1 >"$log/$i" &
        clients+=($!)
    done
    for ((i = 0; i < kills; i++)); do
        sleep "0.$((RANDOM % 500 + 100))"
        kill_them "$what"
    done
    kill "${clients[@]}"
    wait "${clients[@]}"
    check "after killing $what $kills times, with the seed $kills_seed, it agrees with the kernel" \
        becomes_same_as_kernel
    same_as_kernel || busctl call "${MANAGER[@]}" ListJobs
    cat "$log"/* >"$log/all"
    judge "$log/all" "killing $what" "$([[ $what == worker ]] && echo 0 || echo 1)"
    check "killing $what: no intent is left" test -z "$(ls /run/mediated/intents)"
    stop_all
    rm -r "$log"
}

test_kills_of_worker() {
    test_kills worker
}

test_kills_of_daemon() {
    test_kills daemon
}

test_kills_of_both() {
    test_kills both
}

test_restart_time() {
    local pid begin i times=() kept

    kept=$(new_uuid)
    create "$kept" mtty mtty-1
    for i in 1 2 3; do
        pid=$(main_pid)
        begin=$(now)
        kill -KILL "$pid"
        wait_for_other "$pid"
        times+=($(($(now) - begin)))
    done
    number restart_after_crash_median "$(printf '%s\n' "${times[@]}" | sort -n | sed -n 2p)" ms
    check_equal "a crash loses no device" active "$(state_of "$kept")"
    begin=$(now)
    systemctl restart mediated
    number restart $(($(now) - begin)) ms
    check_equal "nor does systemctl restart" active "$(state_of "$kept")"
    stop "$kept"
}

test_storm() {
    local uuid i kept=() lost begin

    for ((i = 0; i < 8; i++)); do
        uuid=$(new_uuid)
        kept+=("$uuid")
        raw_create mtty mtty-1 "$uuid"
    done
    python3 "$here/uevent-storm.py" 60000 &
    storm=$!
    for ((i = 0; i < 60; i++)); do
        uuid=$(new_uuid)
        raw_create mbochs mbochs-small "$uuid"
        ((i % 2)) || raw_remove "$uuid"
    done
    for uuid in "${kept[@]}"; do
        raw_remove "$uuid"
    done
    wait "$storm"
    begin=$(now)
    check "after a storm of uevents the registry is right" becomes_same_as_kernel
    number registry_right_after_storm $(($(now) - begin)) ms
    lost=$(journal | sed -n 's/^\([0-9]*\) messages from udev were lost.*/\1/p' | paste --serial --delimiters=+)
    check "and messages were lost indeed" test "$((lost))" -gt 0
    number messages_lost $((lost)) messages
    check_equal "all of the devices that were left" 30 "$(listed | wc -l)"
    stop_all
}

test_in_use() {
    local uuid other node answer waiter log begin i times=()

    uuid=$(new_uuid)
    create "$uuid" mtty mtty-1
    node=$(vfio_node "$uuid")
    hold "$uuid"
    # The first may still wait for what its creation has left to do; then the median.
    timed-call stop "$uuid" >/dev/null || true
    for ((i = 0; i < 5; i++)); do
        answer=$(timed-call stop "$uuid") || true
        check_matches "a stop of a device in use names its user" \
            "*org.mediated1.Error.DeviceBusy*$uuid*$holder (vfio-hold)*" "$answer"
        times+=("${answer%% *}")
    done
    number stop_of_device_in_use_median "$(printf '%s\n' "${times[@]}" | sort -n | sed -n 3p)" ms
    check_equal "the device stays" active "$(device_state "$uuid")"

    log=$(mktemp)
    timed-call wait "$uuid" >"$log" &
    waiter=$!
    check "a waiting stop is a waiting job" wait_until 5 has_job "*$uuid*stop*waiting*"
    for ((i = 0; i < 5; i++)); do
        other=$(new_uuid)
        check "meanwhile another comes" create "$other" mtty mtty-1
        check "and goes" stop "$other"
    done
    check "nothing was written to the device in use" test -e "$MDEV_DEVICES/$uuid/remove"
    begin=$(now)
    release "$holder"
    wait "$waiter" || true
    number stop_after_release $(($(now) - begin)) ms
    check_matches "the waiting stop succeeds when its user lets go" "* ok" "$(<"$log")"
    check_equal "and the device is gone" none "$(device_state "$uuid")"

    create "$uuid" mtty mtty-1
    vfio_node "$uuid" >/dev/null
    hold --group "$uuid"
    check_matches "a device whose group is open is in use, too" "*DeviceBusy*$holder (vfio-hold)*" \
        "$(timed-call stop "$uuid")"
    release "$holder"
    check "afterwards it is not" stop "$uuid"
    check "the group's node can be opened again by others" test ! -e "$node" -o -c "$node"
    rm "$log"
}

# has_job PATTERN: whether the list of jobs is like that.
has_job() {
    # shellcheck disable=SC2053
    [[ $(call ListJobs) == $1 ]]
}

# A write that sleeps in the kernel: somebody removed a device in use by a raw write.
test_stuck_removal() {
    local uuid other writer pid begin

    uuid=$(new_uuid)
    create "$uuid" mtty mtty-1
    vfio_node "$uuid" >/dev/null
    hold "$uuid"
    raw_remove "$uuid" &
    writer=$!
    # The kernel tells nobody before the device is gone; whoever looks sees it.
    wait_until 5 test ! -e "$MDEV_DEVICES/$uuid/remove"
    call Reload
    check "a device that hangs in its removal is stopping" wait_until 2 is_listed_as "$uuid" stopping
    pid=$(main_pid)
    begin=$(now)
    check "a restart does not wait for it" systemctl restart mediated
    number restart_with_stuck_removal $(($(now) - begin)) ms
    check_equal "afterwards it still is stopping" stopping "$(state_of "$uuid")"
    other=$(new_uuid)
    check "others of its parent come" create "$other" mtty mtty-1
    check "and go" stop "$other"
    check_matches "its UUID is taken" "*AlreadyExists*" "$(timed-call create "$uuid" mbochs mbochs-small)"
    release "$holder"
    wait "$writer" || true
    check "when its user lets go it goes" wait_until 2 is_listed_as "$uuid" none
}

is_listed_as() {
    [[ $(state_of "$1") == "$2" ]]
}

# A worker that does not return, as with a driver that hangs.
test_stopped_worker() {
    local uuid log creator stopped begin

    uuid=$(new_uuid)
    log=$(mktemp)
    stopped=$(workers)
    # shellcheck disable=SC2086
    kill -STOP $stopped
    call CreateDevice 'sssa(ss)a{sv}' "$uuid" mtty mtty-1 0 1 timeout-usec t 1000000 >"$log" 2>&1 &
    creator=$!
    check "its caller is answered at the deadline" \
        wait_until 3 grep --quiet "did not finish the create within 1 s" "$log"
    wait "$creator" || true
    check_matches "the job goes on" "*$uuid*create*running*" "$(call ListJobs)"
    # shellcheck disable=SC2086
    kill -CONT $stopped
    check "what it made late is removed again" wait_until 5 job_free
    check_equal "so there is no device" none "$(device_state "$uuid")"

    # shellcheck disable=SC2046
    kill -STOP $(workers)
    timed-call create "$uuid" mtty mtty-1 >"$log" 2>&1 &
    creator=$!
    check "a create runs" wait_until 5 has_job "*$uuid*create*running*"
    systemctl stop --no-block mediated
    check "and the daemon is to stop" wait_until 5 is_in_state deactivating
    check_matches "a daemon that is stopping takes no requests" "*org.mediated1.Error.ShuttingDown*" \
        "$(timed-call create "$(new_uuid)" mtty mtty-1)"
    begin=$(now)
    # shellcheck disable=SC2046
    kill -CONT $(workers)
    wait "$creator" || true
    check_matches "but finishes what runs" "* ok" "$(<"$log")"
    check "and ends" wait_until 5 not systemctl --quiet is-active mediated
    check_equal "cleanly" success "$(systemctl show --property=Result --value mediated)"
    number drain $(($(now) - begin)) ms
    check "the next one is started by D-Bus" stop "$uuid"
    rm "$log"
}

is_in_state() {
    [[ $(unit_state mediated) == "$1" ]]
}

job_free() {
    [[ $(call ListJobs) == "a(tssso) 0" ]]
}

test_privileges() {
    local as_nobody=(runuser --user nobody --) uuid

    uuid=$(new_uuid)
    create "$uuid" mtty mtty-1
    check_matches "anyone may list devices" "*$uuid*" "$("${as_nobody[@]}" busctl call "${MANAGER[@]}" ListDevices)"
    check "anyone may introspect" "${as_nobody[@]}" busctl introspect org.mediated1 "$(device_path "$uuid")"
    check "anyone may get all objects" "${as_nobody[@]}" busctl call org.mediated1 /org/mediated1 \
        org.freedesktop.DBus.ObjectManager GetManagedObjects
    check "not anyone may create" is_denied "${as_nobody[@]}" busctl call "${MANAGER[@]}" CreateDevice \
        'sssa(ss)a{sv}' "$(new_uuid)" mtty mtty-1 0 0
    check "nor stop" is_denied "${as_nobody[@]}" busctl call "${MANAGER[@]}" StopDevice 'sa{sv}' "$uuid" 0
    check "nor stop by the device's own object" is_denied "${as_nobody[@]}" busctl call org.mediated1 \
        "$(device_path "$uuid")" org.mediated1.Device Stop 'a{sv}' 0
    check "nor define" is_denied "${as_nobody[@]}" busctl call "${MANAGER[@]}" Define \
        'ssssa(ss)a{sv}' "" mtty mtty-1 auto 0 0
    check "nor reload" is_denied "${as_nobody[@]}" busctl call "${MANAGER[@]}" Reload
    check_equal "the device is as it was" active "$(device_state "$uuid")"
    stop "$uuid"
}

# capabilities_of PID: those in effect, and what it can have if that is more.
capabilities_of() {
    awk '$1 == "CapEff:" { effective = $2 }
         $1 == "CapBnd:" { print effective == $2 ? effective : effective " of " $2 }' "/proc/$1/status"
}

test_unit() {
    local exposure pid

    exposure=$(systemd-analyze security mediated.service |
        sed -n 's/.*exposure level for mediated.service: \([0-9.]*\).*/\1/p')
    check_within "systemd-analyze security" "$exposure" 2.0
    # CAP_DAC_OVERRIDE, and for workers, of which some are always there, CAP_SYS_PTRACE.
    pid=$(main_pid)
    check_equal "capabilities of the daemon" "0000000000000002 of 0000000000080002" "$(capabilities_of "$pid")"
    check_equal "and of a worker" 0000000000080002 "$(capabilities_of "$(workers | head --lines=1)")"
    check_matches "neither dumps core" "Max core file size *0 *0 *bytes*" "$(grep 'core file' "/proc/$pid/limits")"
    check "systemctl reload" systemctl reload mediated
    check_equal "the watchdog is on" "30s" "$(systemctl show --property=WatchdogUSec --value mediated)"
    check_matches "systemctl status says what there is" "*2 parents, * devices, * definitions*" \
        "$(systemctl status --no-pager mediated)"

    mkdir --parents /run/systemd/system/mediated.service.d
    printf '[Service]\nWatchdogSec=1s\n' >/run/systemd/system/mediated.service.d/test.conf
    systemctl daemon-reload
    systemctl restart mediated
    pid=$(main_pid)
    sleep 2
    check_equal "it feeds the watchdog" "$pid" "$(main_pid)"
    kill -STOP "$pid"
    check "when it does not it is started again" wait_for_other "$pid"
    rm -r /run/systemd/system/mediated.service.d
    systemctl daemon-reload
    systemctl restart mediated
}

# Nothing but the age of a file just written is measured by this clock.
test_clock() {
    local uuid jump

    for jump in "1 year ago" "4 years" "3 years ago"; do
        date --set="$(date --date="$jump")" >/dev/null
        uuid=$(new_uuid)
        check "define with the clock set to $jump" define "$uuid" mtty mtty-1 auto
        check "start" start "$uuid" mtty
        check_equal "it is there" active "$(device_state "$uuid")"
        check "stop" stop "$uuid"
        check "undefine" call Undefine 'ssa{sv}' "$uuid" mtty 0
        check_equal "and no job is left" "a(tssso) 0" "$(call ListJobs)"
    done
}

has_no_worker() {
    [[ -z $(workers) ]]
}

test_processes() {
    local uuid output

    uuid=$(new_uuid)
    systemctl set-property --runtime mediated.service TasksMax=1
    # shellcheck disable=SC2046  # several pids
    kill -KILL $(workers)
    check "all workers are gone" wait_until 5 has_no_worker
    output=$(create "$uuid" mtty mtty-1 2>&1) || true
    check_matches "without processes the caller is told" "*no worker process can be started*" "$output"
    check_equal "and there is no device" none "$(device_state "$uuid")"
    systemctl set-property --runtime mediated.service TasksMax=infinity
    check "with them it is made" create "$uuid" mtty mtty-1
    check "and removed" stop "$uuid"
}

test_bus_restart() {
    local uuid pid

    uuid=$(new_uuid)
    create "$uuid" mtty mtty-1
    pid=$(main_pid)
    systemctl kill --signal=KILL dbus.service
    check "the daemon ends with its bus, and another one comes" wait_for_other "$pid"
    check "which answers" wait_until 20 daemon_answers
    check_equal "and has the device" active "$(state_of "$uuid")"
    check "which it stops" stop "$uuid"
}

tests=(activation calls by_others race storm_of_calls kills_of_worker kills_of_daemon kills_of_both restart_time storm
       in_use stuck_removal stopped_worker privileges unit clock processes bus_restart)

modprobe vfio_iommu_type1
run_tests "$@"
