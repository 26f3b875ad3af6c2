#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the guest, two boots: vGPUs of vendor VFIO under the real units. Virtual functions that mediated-prepare makes at
# boot, calls in both dialects of the driver, devices in use, what others do, a daemon that is killed, a race, and eight
# definitions on two cards that come back after a reboot.
#
# tools/vm: --cards

# shellcheck disable=SC2317  # functions that are called by their names

set -euo pipefail

here=$(dirname -- "$0")
# shellcheck source=tests/vm/lib.sh
source "$here/lib.sh"
# shellcheck source=tests/vm/mediated.sh
source "$here/mediated.sh"
# shellcheck source=tests/vm/vgpu.sh
source "$here/vgpu.sh"

race_calls=${RACE_CALLS:-300}
FIRST=${CARDS[0]}
SECOND=${CARDS[1]}
PREPARE=/usr/local/sbin/make-functions

# One card by the number, the other one by a program, which fails the first time in each boot.
install_files() {
    mkdir --parents /etc/mediated.d
    printf '%s\n' '[Match]' "Card=$FIRST" '[VirtualFunctions]' 'Count=all' >/etc/mediated.d/10-first.conf
    printf '%s\n' '[Match]' "Card=$SECOND" '[VirtualFunctions]' "Prepare=$PREPARE %c" >/etc/mediated.d/20-second.conf
    cat >$PREPARE <<'EOT'
#!/bin/sh
set -e
[ -e /run/functions-tried ] || { : >/run/functions-tried; echo "not yet" >&2; exit 1; }
echo 4 >"/sys/bus/pci/devices/$1/sriov_numvfs"
EOT
    chmod 755 $PREPARE
}

install_modules() {
    echo 'options vgpu-sample capacities=8,4' >/etc/modprobe.d/vm-test.conf
    printf '%s\n' vgpu-sample vfio_iommu_type1 >/etc/modules-load.d/vm-test.conf
    modprobe --all vgpu-sample vfio_iommu_type1
}

condition_of() {
    systemctl show --property=ConditionResult --value "mediated-prepare@$1"
}

was_wanted() {
    [[ $(systemctl show --property=ConditionTimestampMonotonic --value "mediated-prepare@$1") != 0 ]]
}

# preparation_of CARD: its state and the number of the attempt.
preparation_of() {
    python3 -c 'import json, sys; it = json.load(sys.stdin); print(it["state"], it["attempt"])' <"$PREPARED/$1"
}

test_preparation() {
    local card

    for card in "${CARDS[@]}"; do
        check "udev wants the service of card $card" wait_until 30 was_wanted "$card"
        check_equal "which does nothing when no file names a card" no "$(condition_of "$card")"
        check_equal "so the card has no virtual functions" "" "$(functions_of "$card")"
    done
    check_equal "without virtual functions the daemon does not run" inactive "$(unit_state mediated)"
    # From here on the daemon is older than VFIO, which its sandbox must not forget.
    check "a call starts it" daemon_answers
    install_modules
    install_files
    check "the service of each card makes them" systemctl start "${CARDS[@]/#/mediated-prepare@}"
    check_prepared
}

# Also after the reboot.
check_prepared() {
    check_equal "Count=all makes all" 4 "$(functions_of "$FIRST" | wc -l)"
    check_equal "at once" "done 1" "$(preparation_of "$FIRST")"
    check_equal "a program makes others" 4 "$(functions_of "$SECOND" | wc -l)"
    check_equal "at the second attempt, after it has failed" "done 2" \
        "$(preparation_of "$SECOND")"
    check_matches "mediatectl show says so" "*Preparation: done*Attempt: 2*" "$(mediatectl show "$SECOND")"
    check "all types are known" wait_until 30 has_all_types
}

# life DIALECT
life() {
    local uuid name other

    use_dialect "$1"
    name=$(functions_of "$FIRST" | sed -n 1p)
    other=$(functions_of "$FIRST" | tail -1)
    uuid=$(mediatectl create "$name" $SMALL nvidia/vgpu_params=frame_rate_limiter=0)
    check_equal "$1: a vGPU on a virtual function" $SMALL "$(type_of "$name")"
    check_equal "$1: its attribute is written" frame_rate_limiter=0 "$(<"$PCI/$name/nvidia/vgpu_params")"
    check_equal "$1: it is listed" "$uuid $name $SMALL active" "$(vgpus_listed)"
    check_matches "$1: mediatectl list shows it" "$uuid*$name*$SMALL*active*" "$(mediatectl list --no-legend)"
    check_matches "$1: its virtual function has no room for another one" "*parent '$name'*" \
        "$(refusal_of mediatectl create "$name" $SMALL)"
    check_matches "$1: nor has the card for another size" "*$LARGE*" "$(refusal_of mediatectl create "$other" $LARGE)"
    check_equal "$1: which leaves nothing" "$name $SMALL" "$(vgpus_in_kernel)"
    check "$1: three more on the card" mediatectl create "$FIRST" $SMALL --count 3
    check_equal "$1: then all functions have one" 4 "$(vgpus_in_kernel | wc -l)"
    check_matches "$1: and the card is full" "*$FIRST*" "$(refusal_of mediatectl create "$FIRST" $SMALL)"
    check "$1: the other card is not" mediatectl create "$SECOND" $LARGE
    check "$1: mediated and the kernel agree" vgpus_are_the_same
    check "$1: all are stopped" mediatectl stop --all
    check_equal "$1: and gone" "" "$(vgpus_in_kernel)"
    check_equal "$1: for mediated, too" "" "$(vgpus_listed)"
}

test_life() {
    life nvidia
    life upstream
    use_dialect nvidia
}

# group_is_busy FUNCTION: whether somebody has its group open. Only another shell says why a redirection has failed.
group_is_busy() {
    [[ $(bash -c ": <>/dev/vfio/$(basename "$(readlink "$PCI/$1/iommu_group")")" 2>&1) == *"resource busy"* ]]
}

# in_use DIALECT
in_use() {
    local uuid name log waiter status=0

    use_dialect "$1"
    name=$(functions_of "$SECOND" | sed -n 2p)
    uuid=$(mediatectl create "$name" $SMALL)
    hold "$name"
    check_matches "$1: a stop of a device in use names its user" "*DeviceBusy*$uuid*process $holder (vfio-hold)*" \
        "$(timed-call stop "$uuid")"
    check_equal "$1: the vGPU stays" $SMALL "$(type_of "$name")"
    check_matches "$1: mediatectl shows the user" "*vfio-hold*" "$(mediatectl list --no-legend -o +USER "$uuid")"
    log=$(mktemp)
    mediatectl stop --wait "$uuid" >"$log" 2>&1 &
    waiter=$!
    check "$1: a waiting stop is a waiting job" wait_until 10 has_job "*$uuid*stop*waiting*"
    if [[ $1 == nvidia ]]; then
        # After its user the plugin stays longer than the driver lets a clear wait.
        set_parameter plugin_delay 3600000
        set_parameter clear_wait 300
        release "$holder"
        check "$1: while the plugin stays, nobody else can open the device" wait_until 20 group_is_busy "$name"
        check_equal "$1: the vGPU is still there" $SMALL "$(type_of "$name")"
        set_parameter plugin_delay 0
    else
        release "$holder"
    fi
    wait "$waiter" || status=$?
    check_equal "$1: it succeeds when the user has let go" "0 " "$status $(<"$log")"
    check_equal "$1: and the vGPU is gone" "0 " "$(type_of "$name") $(uuid_on "$name")"
    set_parameter clear_wait 1000

    uuid=$(mediatectl create "$name" $SMALL)
    hold --group "$name"
    check_matches "$1: a device whose group is open is in use, too" "*DeviceBusy*process $holder (vfio-hold)*" \
        "$(timed-call stop "$uuid")"
    release "$holder"
    check "$1: afterwards it is not" stop "$uuid"
    rm "$log"
}

test_in_use() {
    in_use nvidia
    in_use upstream
    use_dialect nvidia
}

test_by_others() {
    local name uuid path

    name=$(functions_of "$FIRST" | sed -n 3p)
    raw_set "$name" $SMALL
    check "a vGPU that others have made appears" wait_until 10 vgpus_are_the_same
    uuid=$(uuid_on "$name")
    systemctl restart mediated
    check "a restart keeps its UUID" wait_until 10 is_on "$name" "$uuid"
    check_equal "and leaves it alone" $SMALL "$(type_of "$name")"
    check "it is adopted by a definition" mediatectl define --device "$uuid"
    path=/etc/mdevctl.d/$name/$uuid
    check "which has its UUID" test -e "$path"
    check "then it is stopped" mediatectl stop "$uuid"
    check "and started like any other" mediatectl start "$uuid"
    check "with the same UUID" is_on "$name" "$uuid"
    mediatectl undefine "$uuid"
    raw_set "$name" 0
    check "what others take away is gone" wait_until 10 vgpus_are_the_same
    check_equal "as the kernel has it" "" "$(vgpus_in_kernel)"
}

test_cycle() {
    local name uuid aside

    name=$(functions_of "$FIRST" | sed -n 1p)
    aside=$(functions_of "$FIRST" | sed -n 2p)
    check "a virtual function is set aside" mediatectl set-aside "$aside"
    mediatectl create "$FIRST" $SMALL --count 3 >/dev/null
    check_equal "the card does not choose it" 0 "$(type_of "$aside")"
    check_matches "it has no room for another vGPU then" "*$FIRST*" "$(refusal_of mediatectl create "$FIRST" $SMALL)"
    mediatectl stop --all >/dev/null

    uuid=$(mediatectl create "$name" $LARGE)
    make_functions "$FIRST" 0
    check "when SR-IOV is switched off, the device is gone" wait_until 20 is_on "$name" ""
    make_functions "$FIRST" 4
    check "when it is on again, all types are known" wait_until 30 has_all_types
    raw_set "$name" $LARGE
    check "the vGPU that others make then appears" wait_until 10 vgpus_are_the_same
    check "and is not taken for the one before" not is_on "$name" "$uuid"
    check_matches "which is not there" "*NoSuchDevice*" "$(timed-call stop "$uuid")"
    raw_set "$name" 0
    wait_until 10 vgpus_are_the_same
    check "the virtual function is not set aside any more" mediatectl create "$FIRST" $SMALL --count 4
    mediatectl stop --all >/dev/null
}

# The daemon dies while one device is in use, one belongs to others, and one is being made. WORKERS: also they die.
killed() {
    local name pid used foreign uuid log names what=$1

    mapfile -t names < <(functions_of "$SECOND")
    used=$(mediatectl create "${names[0]}" $SMALL)
    hold "${names[0]}"
    raw_set "${names[1]}" $SMALL
    wait_until 10 vgpus_are_the_same
    foreign=$(uuid_on "${names[1]}")
    set_parameter create_delay 3000
    uuid=$(new_uuid)
    log=$(mktemp)
    timed-call create "$uuid" "${names[2]}" $SMALL >"$log" 2>&1 &
    check "$what: a create runs" wait_until 10 has_job "*$uuid*create*running*"
    check "$what: a worker is about to write" wait_until 10 has_intent "$uuid"
    pid=$(main_pid)
    # shellcheck disable=SC2046  # several pids
    if [[ $what == "daemon and workers killed" ]]; then
        kill -KILL "$pid" $(workers)
    else
        kill -KILL "$pid"
    fi
    check "$what: another daemon comes" wait_for_other "$pid"
    check "$what: the one in use keeps its UUID" wait_until 10 is_on "${names[0]}" "$used"
    check_equal "$what: and its type" $SMALL "$(type_of "${names[0]}")"
    check "$what: that of others, too" wait_until 10 is_on "${names[1]}" "$foreign"
    check_equal "$what: nobody has cleared it" $SMALL "$(type_of "${names[1]}")"
    set_parameter create_delay 20
    # The write that is under way takes 3 s.
    sleep 3
    check "$what: nothing is half-made" wait_until 20 is_settled "${names[2]}" "$uuid"
    check_matches "$what: the user is known" "*DeviceBusy*process $holder (vfio-hold)*" "$(timed-call stop "$used")"
    release "$holder"
    check "$what: the one in use is stopped when its user lets go" stop "$used"
    # It is there if the daemon died just before its answer.
    [[ -z $(uuid_on "${names[2]}") ]] || stop "$uuid"
    check_equal "$what: what others have made is left" "${names[1]} $SMALL" "$(vgpus_in_kernel)"
    clear_all
    rm "$log"
}

has_intent() {
    [[ -n $(find /run/mediated/intents -name "*$1*") ]]
}

# is_settled FUNCTION UUID: nothing runs, no intent is left, and the function has the device, or nothing.
is_settled() {
    is_idle && [[ -z $(ls /run/mediated/intents) ]] && vgpus_are_the_same &&
        [[ $(uuid_on "$1") == @("$2"|) ]]
}

test_killed() {
    killed "daemon killed"
    killed "daemon and workers killed"
}

# race CALLS [OPTION…]
race() {
    local output status=0 names

    mapfile -t names < <(functions_of "$FIRST")
    output=$(vgpu-race --calls "$@" $SMALL $LARGE "${names[@]}" 2>&1) || status=$?
    echo "$output"
    check_equal "$1 calls of eight clients, and raw writers (vgpu-race $*)" 0 "$status"
    check "mediated and the kernel agree after it" wait_until 20 vgpus_are_the_same
    check_equal "nothing is left of it" "" "$(vgpus_in_kernel)$(ls /run/mediated/intents)"
}

# A driver that checks and sets in one step shows whose mistake it is. The real one leaves a gap.
test_race() {
    set_parameter mixed Y
    set_parameter create_delay 0
    set_parameter locked Y
    race "$race_calls"
    set_parameter locked N
    set_parameter create_delay 2
    race $((race_calls / 3)) --loose
    set_parameter create_delay 20
    set_parameter mixed N
}

# Prints what there is of warnings, too: a sandbox that denies something may be seen only there.
check_logs() {
    journalctl --sync
    check_equal "the kernel has no complaint" "" \
        "$(dmesg --level=emerg,alert,crit,err | grep --invert-match 'bogus INTx' || true)"
    check_equal "nothing was denied to mediated or to mediated-prepare" "" "$(journalctl --boot --no-pager \
        --output=cat _SYSTEMD_UNIT=mediated.service + _SYSTEMD_SLICE='system-mediated\x2dprepare.slice' |
        grep --ignore-case 'permission denied\|not permitted\|read-only\|no such file' || true)"
    check_equal "systemd has no complaint about the units" "" "$(journalctl --boot --priority=err --no-pager \
        --output=cat _PID=1 | grep mediated || true)"
    journalctl --boot --priority=warning --no-pager --output=short-monotonic --no-hostname | sed 's/^/    /'
}

define_all() {
    local card name type

    mkdir --parents "$KEPT"
    for card in "${CARDS[@]}"; do
        type=$SMALL
        [[ $card == "$FIRST" ]] || type=$LARGE
        for name in $(functions_of "$card"); do
            echo "$(mediatectl define --auto "$name" $type "nvidia/vgpu_params=of=$name") $name $type active"
        done
    done | sort >"$KEPT/definitions"
    check_equal "eight definitions on two cards" 8 "$(wc -l <"$KEPT/definitions")"
}

kernel_is_as_defined() {
    diff <(cut --delimiter=' ' --fields=2,3 "$KEPT/definitions" | sort) <(vgpus_in_kernel)
}

is_as_defined() {
    diff "$KEPT/definitions" <(vgpus_listed)
}

test_after_reboot() {
    local uuid name type state

    # By the kernel alone: to ask mediated would start it.
    check "all eight devices are back, and nobody has done anything" wait_until 60 kernel_is_as_defined
    number all_devices_after_boot "$(awk '{ printf "%d", $1 * 1000 }' /proc/uptime)" ms
    check "mediated has them by the UUIDs of their definitions" wait_until 20 is_as_defined
    while read -r uuid name type state; do
        check_equal "$name has its attribute" "of=$name" "$(<"$PCI/$name/nvidia/vgpu_params")"
    done <"$KEPT/definitions"
    check_prepared
    check_equal "mediated was not restarted" 0 "$(systemctl show --property=NRestarts --value mediated)"
    check_matches "the services of the cards have succeeded" "success success" \
        "$(systemctl show --property=Result --value "${CARDS[@]/#/mediated-prepare@}" |
            paste --serial --delimiters=' ' | tr --squeeze-repeats ' ')"
    mediatectl stop --all >/dev/null
    check_equal "all can be stopped" "" "$(vgpus_in_kernel)"
}

if ((BOOT == 1)); then
    test_preparation
    test_life
    test_in_use
    test_by_others
    test_cycle
    test_killed
    test_race
    define_all
    check_logs
    reboot_and_go_on
fi

test_after_reboot
check_logs
summary
