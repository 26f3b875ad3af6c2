#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the guest, three boots of one image: that definitions with start `auto` are active before the units that need them,
# that parents which come and go take their devices along, and that a host without parents does not run the daemon.
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

MODULES=/etc/modules-load.d/vm-test.conf
SEEN=$KEPT/seen

# The machine that needs three devices; it notes which there are when it may start.
install_machine() {
    local units=("${auto[@]/#/mediated-device@}")

    units=("${units[@]/%/.service}")
    cat >/etc/systemd/system/machine.service <<EOT
[Unit]
Requires=${units[*]}
After=${units[*]}
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=bash -c 'source $here/lib.sh; source $here/mediated.sh; in_kernel >$SEEN'
[Install]
WantedBy=multi-user.target
EOT
    systemctl enable --quiet machine.service
}

# What starts virtual machines by itself: it is ordered by the target only. A parent comes late; nothing waits for it
# but the target.
install_libvirt() {
    cat >/etc/systemd/system/libvirtd.service <<EOT
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=bash -c 'source $here/lib.sh; source $here/mediated.sh; in_kernel >$SEEN-by-libvirt'
[Install]
WantedBy=multi-user.target
EOT
    cat >/etc/systemd/system/late-driver.service <<EOT
[Service]
Type=oneshot
ExecStart=sh -c 'sleep 15; modprobe mdpy'
[Install]
WantedBy=multi-user.target
EOT
    systemctl enable --quiet libvirtd.service late-driver.service mediated-devices.target
}

first_boot() {
    local uuid

    mkdir --parents "$KEPT"
    auto=("$(new_uuid)" "$(new_uuid)" "$(new_uuid)")
    manual=$(new_uuid)
    for uuid in "${auto[@]}"; do
        check "Define of one with start auto, its parent not there" define "$uuid" mtty mtty-1 auto
    done
    check "Define of one with start manual" define "$manual" mtty mtty-2 manual
    check_equal "none is active" "" "$(in_kernel)"
    check_equal "they wait for their parent" waiting-parent "$(start_state "${auto[0]}" mtty)"
    late=$(new_uuid)
    check "Define of one whose parent comes late" define "$late" mdpy mdpy-vga auto
    echo mtty >$MODULES
    install_machine
    install_libvirt
    declare -p auto manual late >"$KEPT/definitions"
}

# active UUID…: that exactly these devices are there, in the kernel and for mediated.
active() {
    diff <(printf '%s mtty active\n' "$@" | sort) <(in_kernel) && same_as_kernel
}

test_target() {
    check "libvirt starts when all are there, also the late one" diff "$SEEN-by-libvirt" \
        <({ printf '%s mtty active\n' "${auto[@]}"; echo "$late mdpy active"; } | sort)
    check_equal "the target is reached" active "$(unit_state mediated-devices.target)"
    stop "$late"
    call Undefine 'ssa{sv}' "$late" mdpy 0
    modprobe --remove mdpy
    systemctl disable --quiet libvirtd.service late-driver.service mediated-devices.target
}

test_after_boot() {
    local uuid lines

    check_equal "the unit that needs them ran when all were complete" \
        "$(printf '%s mtty active\n' "${auto[@]}" | sort)" "$(grep ' mtty ' $SEEN)"
    check "the one with start manual is not active" active "${auto[@]}"
    check_equal "its unit is not either" inactive "$(unit_state "mediated-device@$manual")"
    for uuid in "${auto[@]}"; do
        check_equal "StartState of one with start auto" active "$(start_state "$uuid" mtty)"
        check "systemd has a unit for the device" wait_until 5 systemctl --quiet is-active \
            "sys-subsystem-mdev-devices-${uuid//-/\\x2d}.device"
    done
    check_equal "StartState of the one with start manual" none "$(start_state "$manual" mtty)"
    number daemon_active_after_boot \
        "$(systemctl show --property=ActiveEnterTimestampMonotonic --value mediated | sed 's/...$//')" ms
    number machine_active_after_boot \
        "$(systemctl show --property=ActiveEnterTimestampMonotonic --value machine | sed 's/...$//')" ms

    journal | sed 's/^/    /'
    lines=$(journal | wc -l)
    check_within "the journal tells it in a few lines" "$lines" 16
    check_equal "namely what was started" 4 "$(journal | grep --count '^Started device')"
}

test_restart_with_units() {
    local uuid

    systemctl restart mediated
    check "a restart of the daemon leaves the devices" active "${auto[@]}"
    for uuid in "${auto[@]}"; do
        check_equal "and their units" active "$(unit_state "mediated-device@$uuid")"
    done
    check_equal "and what needs them" active "$(unit_state machine)"
}

# all_start_states STATE: whether those of all with start auto are that.
all_start_states() {
    local uuid

    for uuid in "${auto[@]}"; do
        [[ $(start_state "$uuid" mtty) == "$1" ]]
    done
}

# define_unseen: one with start auto, whose UUID is $unseen then, while no daemon looks. The next one starts it, in the
# same round in which it decides about all others.
define_unseen() {
    unseen=$(new_uuid)
    echo '{ "mdev_type": "mtty-1", "start": "auto" }' >"/etc/mdevctl.d/mtty/$unseen"
}

forget_unseen() {
    stop "$unseen"
    call Undefine 'ssa{sv}' "$unseen" mtty 0
}

# is_started UUID: and nothing is under way any more.
is_started() {
    [[ $(start_state "$1" mtty) == active && $(call ListJobs) == "a(tssso) 0" ]]
}

test_parent_goes_and_comes() {
    local pid unseen

    modprobe --remove mtty
    check "a parent takes its devices along" wait_until 2 active_none
    check "their definitions wait for it" all_start_states waiting-parent
    modprobe mtty
    check "when it is back they are started" wait_until 5 active "${auto[@]}"

    stop "${auto[1]}"
    systemctl stop mediated
    define_unseen
    systemctl start mediated
    check "a restart starts what is new" wait_until 60 is_started "$unseen"
    check "but does not bring back what was stopped by hand" active "${auto[0]}" "${auto[2]}" "$unseen"
    forget_unseen
    pid=$(main_pid)
    kill -STOP "$pid"
    define_unseen
    kill -KILL "$pid"
    wait_for_other "$pid"
    check "a crash starts what is new" wait_until 60 is_started "$unseen"
    check "but does not bring it back either" active "${auto[0]}" "${auto[2]}" "$unseen"
    forget_unseen

    systemctl stop mediated
    modprobe --remove mtty
    modprobe mtty
    check "a parent that registered again while the daemon was down brings all back" wait_until 60 active "${auto[@]}"
    stop "${auto[0]}"
    modprobe --remove mtty
    modprobe mtty
    check "and so does any new registration" wait_until 5 active "${auto[@]}"
}

active_none() {
    [[ -z $(in_kernel) ]] && same_as_kernel
}

test_unit_of_device() {
    local late never begin starter

    late=$(new_uuid)
    define "$late" mbochs mbochs-small manual
    begin=$(now)
    systemctl start "mediated-device@$late" &
    starter=$!
    sleep 2
    check_equal "a unit waits for the parent of its device" activating "$(unit_state "mediated-device@$late")"
    modprobe mbochs
    wait "$starter" || true
    check_equal "and starts when it comes after 2 s" active "$(unit_state "mediated-device@$late")"
    number start_with_late_parent $(($(now) - begin)) ms
    check_equal "the device is active" active "$(device_state "$late")"
    check "stopping the unit" systemctl stop "mediated-device@$late"
    check_equal "stops the device" none "$(device_state "$late")"

    never=$(new_uuid)
    define "$never" mdpy mdpy-vga manual
    mkdir --parents /run/systemd/system/mediated-device@.service.d
    printf '[Service]\nEnvironment=START_TIMEOUT=2s\n' >/run/systemd/system/mediated-device@.service.d/test.conf
    systemctl daemon-reload
    begin=$(now)
    check "a unit whose parent never comes fails" not systemctl start "mediated-device@$never"
    check_within "after its time, ms" $(($(now) - begin)) 15000
    check_equal "it is failed" failed "$(unit_state "mediated-device@$never")"
    journalctl --sync
    check_matches "its status tells why" "*there is no parent 'mdpy'*" \
        "$(systemctl status --no-pager --full "mediated-device@$never")"
    check_equal "no job is left" "a(tssso) 0" "$(call ListJobs)"
}

test_host_without_parents() {
    local begin

    check_equal "a host without parents does not run the daemon" inactive "$(unit_state mediated)"
    check_equal "it never did in this boot" 0 \
        "$(systemctl show --property=ActiveEnterTimestampMonotonic --value mediated)"
    begin=$(now)
    modprobe mtty
    check "a parent that comes later starts the daemon, and that the devices" wait_until 60 active_cheap "${auto[@]}"
    number devices_after_modprobe $(($(now) - begin)) ms
    check "all of them" active "${auto[@]}"
}

# By the kernel alone: to ask mediated would start it.
active_cheap() {
    diff <(printf '%s mtty active\n' "$@" | sort) <(in_kernel)
}

if ((BOOT == 1)); then
    first_boot
    reboot_and_go_on
fi

# shellcheck source=/dev/null
source "$KEPT/definitions"
if ((BOOT == 2)); then
    test_target
    test_after_boot
    test_restart_with_units
    test_parent_goes_and_comes
    test_unit_of_device
    rm $MODULES
    systemctl disable --quiet machine.service
    reboot_and_go_on
fi

test_host_without_parents
summary
