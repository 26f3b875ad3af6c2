#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tools/vm: --deb --package mdevctl
# tools/check: --long
#
# In the guest, with Debian's packages: installing on a bare host and over mdevctl, upgrading, going back to mdevctl,
# and removing. Nothing else of mediated is installed there.

# shellcheck disable=SC2317  # functions that are called by their names

set -euo pipefail

here=$(dirname -- "$0")
# shellcheck source=tests/vm/lib.sh
source "$here/lib.sh"
# shellcheck source=tests/vm/mediated.sh
source "$here/mediated.sh"
# shellcheck source=tests/vm/packages.sh
source "$here/packages.sh"

MASK=/etc/udev/rules.d/60-mdevctl.rules
# The daemon can write there.
CALLS=$STORE/calls

# files: everything that a package may leave behind. What dpkg, apt and the journal keep is theirs.
files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /root -o -path /var/log \
        -o -path /var/tmp -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path "$KEPT" \
        -o -path "$STORE" \) -prune -o -print | sort
}

test_bare_host() {
    local uuid

    apt purge mdevctl >/dev/null
    files >"$KEPT/bare"
    check "the packages can be installed on a bare host" install_mediated
    modprobe mtty
    udevadm settle
    check "the daemon answers" daemon_answers
    uuid=$(mediatectl create mtty mtty-1 --define)
    check_equal "a device can be created" active "$(device_state "$uuid")"
    check "mdevctl is ours" is_ours
    check_matches "and lists it" "$uuid mtty mtty-1 manual*" "$(mdevctl list)"
    check "the target of the boot is enabled" systemctl --quiet is-enabled mediated-devices.target
    check "check finds no problem" mediatectl check
    mediatectl stop "$uuid"
    check "the packages can be purged" apt purge mediated mediated-mdevctl
    check_equal "no process is left" 0 "$(main_pid)"
    check "no file is left" diff "$KEPT/bare" <(files)
    check "the store stays" test -e "$STORE/mtty/$uuid"
    rm -r "$STORE"
    modprobe --remove mtty
}

test_over_mdevctl() {
    local before

    install_mdevctl >/dev/null
    make_mdevctl_host
    declare -p uuids >"$KEPT/uuids"
    make_callout "echo \"\$@\" >>$CALLS"
    files >"$KEPT/files"
    note_devices
    before=$(mdevctl list; mdevctl list --defined)
    check_equal "5 devices are active" 5 "$(wc -l <"$KEPT/devices")"

    check "the packages can be installed over mdevctl" install_mediated
    check "no device is stopped, made anew or started" same_devices
    check "mdevctl is ours now" is_ours
    check_equal "and lists what mdevctl has listed" "$before" "$(mdevctl list; mdevctl list --defined)"
    check_equal "all definitions are known" 20 "$(mediatectl list --no-legend | grep --count -e auto -e manual)"
    check_equal "mdevctl's udev rule is masked" /dev/null "$(readlink "$MASK")"
    check "check finds no problem" mediatectl check
    check "a start runs the callout" mediatectl start "${uuids[6]}"
    check_matches "as mdevctl has run it" "*-t mtty-1 -e pre -a start -s none -u ${uuids[6]} -p mtty*" "$(<"$CALLS")"
    mediatectl stop "${uuids[6]}"
    check "those that were stopped stay stopped" same_devices
    check_equal "no callout was called for what others do" "" \
        "$(grep --invert-match -e "${uuids[6]}" -e '-e get' "$CALLS")"
}

test_upgrade() {
    local pid

    pid=$(main_pid)
    hold "${uuids[0]}"
    mediatectl stop --wait "${uuids[0]}" 2>"$KEPT/stop" &
    check "a job waits" wait_until 10 has_waiting_job
    check "the packages can be upgraded meanwhile" install_mediated
    check "another daemon runs" wait_for_other "$pid"
    check_matches "the job's caller is told" "*mediated is stopping*" "$(wait "$!"; cat "$KEPT/stop")"
    check "no device is touched by that" same_devices
    release "$holder"
}

has_waiting_job() {
    mediatectl jobs --no-legend | grep --quiet waiting
}

first_boot() {
    mkdir --parents "$KEPT"
    test_bare_host
    test_over_mdevctl
    test_upgrade
    echo mtty >/etc/modules-load.d/vm-test.conf
}

test_after_boot() {
    check "the target of the boot is reached" wait_until 60 systemctl --quiet is-active mediated-devices.target
    check "the devices with start auto are there, and no other" \
        diff <(printf '%s mtty active\n' "${uuids[@]:0:5}" | sort) <(in_kernel)
}

test_back() {
    note_devices
    check "mdevctl can be installed again" install_mdevctl
    check "mdevctl is Debian's" not is_ours
    check "mediated can be removed" apt remove mediated
    check "no device is touched by that" same_devices
    check_equal "no process is left" 0 "$(main_pid)"
    check "mdevctl's udev rule is active again" test ! -L "$MASK"
    check_equal "mdevctl lists all definitions" 20 "$(mdevctl list --defined | grep --count mtty)"
    check_equal "and the active devices" 5 "$(mdevctl list | grep --count mtty)"
    mdevctl stop --uuid "${uuids[0]}"
    check "mdevctl starts a definition" mdevctl start --uuid "${uuids[0]}"
}

test_purge() {
    check "mediated can be purged" apt purge mediated mediated-mdevctl
    check "no file is left" diff "$KEPT/files" <(files | grep --invert-match vm-test.conf)
    check_equal "the definitions stay" 20 "$(find "$STORE/mtty" -type f | wc -l)"
}

case $BOOT in
    1)
        first_boot
        reboot_and_go_on
        ;;
    2)
        # shellcheck source=/dev/null
        source "$KEPT/uuids"
        test_after_boot
        test_back
        test_purge
        summary
        ;;
esac
