#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the guest: vGPUs of vendor VFIO under the real unit, while the driver hangs or fails: a clear that hangs, a wedged
# function, types that come late, functions that go while they are in use; also a daemon that is killed again and again,
# and a long race.
#
# tools/vm: --cards
# tools/check: --long

# shellcheck disable=SC2317  # functions that are called by their names

set -euo pipefail

here=$(dirname -- "$0")
# shellcheck source=tests/vm/lib.sh
source "$here/lib.sh"
# shellcheck source=tests/vm/mediated.sh
source "$here/mediated.sh"
# shellcheck source=tests/vm/vgpu.sh
source "$here/vgpu.sh"

kills=${KILLS:-12}
kills_seed=${KILLS_SEED:-$RANDOM}
race_calls=${RACE_CALLS:-2000}
FIRST=${CARDS[0]}
SECOND=${CARDS[1]}
AN_HOUR=3600000

# is_in_state UUID STATE
is_in_state() {
    [[ $(state_of "$1") == "$2" ]]
}

# The write sleeps in the kernel, where nothing ends it.
test_hung_clear() {
    local name other uuid log stopper pid begin

    name=$(functions_of "$FIRST" | sed -n 1p)
    other=$(functions_of "$FIRST" | sed -n 2p)
    uuid=$(mediatectl create "$name" $SMALL)
    set_parameter plugin_delay $AN_HOUR
    set_parameter clear_wait $AN_HOUR
    hold "$name"
    release "$holder"
    log=$(mktemp)
    timed-call stop "$uuid" >"$log" 2>&1 &
    stopper=$!
    check "a stop whose write hangs is a running job" wait_until 10 has_job "*$uuid*stop*running*"
    check "meanwhile another function of the card serves" mediatectl create "$other" $SMALL
    check "and the other card" mediatectl create "$SECOND" $LARGE
    check "the device is shown as stopping" wait_until 10 is_in_state "$uuid" stopping
    pid=$(main_pid)
    begin=$(now)
    check "a restart does not wait for it" systemctl restart mediated
    # 8 s of mediated and 10 s of systemd; the rest is for an emulated machine.
    check_within "restart with a clear that hangs, ms" $(($(now) - begin)) 25000
    check "it is another daemon" is_other "$pid"
    check_equal "which knows the device" "$uuid" "$(uuid_on "$name")"
    check_matches "another stop ends at its deadline" "*$uuid*" "$(refusal_of mediatectl stop --timeout 3s "$uuid")"
    # The last two have no plugin: nobody has used them.
    uuid_on "$other" | xargs mediatectl stop
    check_equal "the others can be stopped" $SMALL "$(vgpus_in_kernel | grep "^$name\|^${FIRST%.0}" | cut -d ' ' -f 2)"
    set_parameter plugin_delay 0
    check "when the driver lets go, the device is gone" wait_until 20 is_on "$name" ""
    wait "$stopper" || true
    set_parameter clear_wait 1000
    mediatectl stop --all >/dev/null
    check_equal "and so is everything" "" "$(vgpus_in_kernel)"
    rm "$log"
}

test_wedged() {
    local name uuid

    name=$(functions_of "$FIRST" | sed -n 1p)
    uuid=$(mediatectl create "$name" $SMALL)
    set_parameter wedge_within $AN_HOUR
    hold "$name"
    release "$holder"
    set_parameter wedge_within 0
    check_matches "a stop of a wedged vGPU says what helps" "*$uuid*is wedged*SR-IOV off and on*" \
        "$(refusal_of mediatectl stop "$uuid")"
    check "mediated shows it" wait_until 10 is_in_state "$uuid" wedged
    check_matches "and so does check" "*$uuid*wedged*" "$(mediatectl check 2>&1 | tr '\n' ' ' || true)"
    systemctl restart mediated
    check "after a restart, too" wait_until 10 is_in_state "$uuid" wedged
    make_functions "$FIRST" 0
    make_functions "$FIRST" 4
    wait_until 30 has_all_types
    check "SR-IOV off and on heals it" mediatectl create "$name" $SMALL
    check "the next one can be stopped" mediatectl stop --all
}

# is_waiting UUID FUNCTION: the type may be known from an earlier life of the functions.
is_waiting() {
    [[ $(start_state "$1" "$2") == waiting-@(type|instance) ]]
}

test_late_types() {
    local name uuid

    name=$(functions_of "$FIRST" | sed -n 1p)
    make_functions "$FIRST" 0
    wait_until 10 vgpus_are_the_same
    uuid=$(mediatectl define --auto "$name" $SMALL 2>/dev/null)
    set_parameter types_delay $AN_HOUR
    make_functions "$FIRST" 4
    check "a definition whose type is late waits for it" wait_until 20 is_waiting "$uuid" "$name"
    check_equal "its device is not made" 0 "$(type_of "$name")"
    set_parameter types_delay 0
    check "it is made when the types come" wait_until 60 is_on "$name" "$uuid"
    mediatectl undefine "$uuid" >/dev/null
    mediatectl stop "$uuid" >/dev/null
}

# Somebody switches SR-IOV off while a virtual machine uses a function: the write sleeps, with the card's lock.
test_functions_that_go_in_use() {
    local name remover pid status=0

    name=$(functions_of "$FIRST" | sed -n 1p)
    mediatectl create "$name" $SMALL >/dev/null
    hold "$name"
    make_functions "$FIRST" 0 &
    remover=$!
    sleep 2
    check "while the functions of a card wait to go, the daemon answers" daemon_answers
    check "the other card serves" mediatectl create "$SECOND" $LARGE
    pid=$(main_pid)
    check "a restart does not wait" timeout 20 systemctl restart mediated
    check "it is another daemon" is_other "$pid"
    check "mediatectl check ends" timeout 30 bash -c 'mediatectl check; (($? < 2))'
    release "$holder"
    wait "$remover" || status=$?
    check_equal "when the user lets go, the write succeeds" 0 $status
    check "and the device is gone" wait_until 20 is_on "$name" ""
    mediatectl stop --all >/dev/null
    make_functions "$FIRST" 4
    check "all types are known again" wait_until 30 has_all_types
}

# churn FUNCTION DIR: makes and stops devices until DIR/ended is there. A call whose answer is lost is stopped, too.
churn() {
    local uuid answer

    while [[ ! -e $2/ended ]]; do
        uuid=$(new_uuid)
        timed-call create "$uuid" "$1" $SMALL || true
        answer=
        until [[ $answer == @(*" ok"|*NoSuchDevice*) ]]; do
            answer=$(timed-call stop "$uuid") || sleep 0.1
            echo "$answer"
        done
    done
}

# The daemon dies at any time, sometimes with its workers, while clients create and stop. One vGPU is others', one is in
# use: nobody may touch them.
test_kills() {
    local names log i pid used foreign clients=()

    RANDOM=$kills_seed
    mapfile -t names < <(functions_of "$FIRST")
    used=$(mediatectl create "${names[0]}" $SMALL)
    hold "${names[0]}"
    raw_set "${names[1]}" $SMALL
    wait_until 10 vgpus_are_the_same
    foreign=$(uuid_on "${names[1]}")
    log=$(mktemp --directory)
    for i in 2 3; do
        churn "${names[$i]}" "$log" >"$log/$i" &
        clients+=($!)
    done
    for ((i = 0; i < kills; i++)); do
        sleep "0.$((RANDOM % 500 + 100))"
        pid=$(main_pid)
        # A signal to the process 0 would be one to this script.
        ((pid > 0)) || continue
        # shellcheck disable=SC2046  # several pids
        if ((i % 2)); then
            kill -KILL "$pid" $(workers) || true
        else
            kill -KILL "$pid"
        fi
        wait_for_other "$pid"
        [[ $(type_of "${names[0]}") == "$SMALL" && $(type_of "${names[1]}") == "$SMALL" ]] ||
            fail "kill $i of the seed $kills_seed leaves what is not ours" "$(vgpus_in_kernel | tr '\n' ' ')"
    done
    touch "$log/ended"
    wait "${clients[@]}"
    check "after $kills kills, with the seed $kills_seed, it agrees with the kernel" wait_until 30 vgpus_are_the_same
    check "nothing runs" wait_until 20 is_idle
    check_equal "no intent is left" "" "$(ls /run/mediated/intents)"
    check_equal "only what is in use, and what others have made, is left" \
        "${names[0]} $SMALL ${names[1]} $SMALL" "$(vgpus_in_kernel | paste --serial --delimiters=' ')"
    check_equal "the one in use has its UUID" "$used" "$(uuid_on "${names[0]}")"
    check_equal "and so has that of others" "$foreign" "$(uuid_on "${names[1]}")"
    number "$kills kills, calls that succeeded" "$(cat "$log"/[23] | grep --count ' ok$')" calls
    release "$holder"
    stop "$used"
    clear_all
    rm -r "$log"
}

# A driver that checks and sets in one step shows whose mistake it is.
test_race() {
    local output status=0 names

    mapfile -t names < <(functions_of "$FIRST")
    set_parameter mixed Y
    set_parameter locked Y
    set_parameter create_delay 0
    output=$(vgpu-race --calls "$race_calls" $SMALL $LARGE "${names[@]}" 2>&1) || status=$?
    echo "$output"
    check_equal "$race_calls calls of eight clients, and raw writers" 0 "$status"
    check "mediated and the kernel agree after it" wait_until 20 vgpus_are_the_same
    check_equal "nothing is left of it" "" "$(vgpus_in_kernel)$(ls /run/mediated/intents)"
    set_parameter mixed N
    set_parameter locked N
    set_parameter create_delay 20
}

tests=(hung_clear wedged late_types functions_that_go_in_use kills race)

modprobe vgpu-sample capacities=8,4
modprobe vfio_iommu_type1
make_functions "$FIRST" 4
make_functions "$SECOND" 4
wait_until 30 has_all_types
run_tests "$@"
