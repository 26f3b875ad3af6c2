#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tools/vm: --deb --package libvirt-daemon-system --package mdevctl
# tools/check: --long
#
# In the guest, with Debian's packages, and while libvirt runs: mediated is installed over mdevctl, upgraded, and left
# again. Meanwhile libvirt sees no device come or go, and afterwards virsh works each time.

# shellcheck disable=SC2317  # functions that are called by their names

set -euo pipefail

here=$(dirname -- "$0")
# shellcheck source=tests/vm/lib.sh
source "$here/lib.sh"
# shellcheck source=tests/vm/mediated.sh
source "$here/mediated.sh"
# shellcheck source=tests/vm/packages.sh
source "$here/packages.sh"

# The name that libvirt gives a device.
name_of() {
    echo "mdev_${1//-/_}_mtty"
}

# listing: what virsh says of all devices and definitions.
listing() {
    local name commands='nodedev-list --cap mdev'

    for name in $(virsh --quiet nodedev-list --cap mdev --all); do
        commands+="; nodedev-info $name; nodedev-dumpxml $name"
    done
    virsh "$commands"
}

knows_all() {
    (($(virsh --quiet nodedev-list --cap mdev --all | wc -l) == 22))
}

libvirt_pid() {
    systemctl show --property=MainPID --value libvirtd.service
}

same_listing() {
    diff "$KEPT/listing" <(listing)
}

# watch_events: notes what comes and goes for libvirt.
watch_events() {
    stdbuf --output=L virsh nodedev-event --loop --event lifecycle >"$KEPT/events" 2>&1 &
    watchers=($!)
    sleep 2
}

# watch_answers: notes what virsh says while it asks all the time.
watch_answers() {
    : >"$KEPT/answers"
    while :; do
        virsh --quiet nodedev-list --cap mdev --all 2>&1 | sort | sha256sum
    done >"$KEPT/answers" &
    watchers+=($!)
    wait_until 20 test -s "$KEPT/answers"
}

# What udev and libvirt still have to do is seen, too.
end_watch() {
    udevadm settle --timeout=30 || true
    sleep 3
    kill "${watchers[@]}"
    wait "${watchers[@]}" || true
}

# while_libvirt_runs NAME COMMAND [ARG…]: that COMMAND succeeds, and that neither libvirt nor a device notices it.
while_libvirt_runs() {
    local name=$1 pid
    shift

    watch_events
    watch_answers
    pid=$(libvirt_pid)
    check "$name while libvirt runs" "$@"
    end_watch
    check_equal "$name: libvirt goes on running" "$pid" "$(libvirt_pid)"
    check "$name: no device is stopped, made anew or started" same_devices
    check_equal "$name: libvirt has seen no device come or go" "" "$(grep "^event '" "$KEPT/events")"
    check_equal "$name: each virsh got the same answer" 1 "$(sort --unique "$KEPT/answers" | wc -l)"
    number "$name: answers to virsh" "$(wc -l <"$KEPT/answers")" ''
    check "$name: virsh shows the same" same_listing
}

# starts_of UUID: how often the callout was asked before a start.
starts_of() {
    journalctl --sync
    journalctl --boot --identifier=callout --output=cat --no-pager | grep --count -e "-e pre -a start .*-u $1" || true
}

# virsh_works WHO: a definition and a device by virsh; WHO is whose mdevctl that is.
virsh_works() {
    local uuid name

    uuid=$(new_uuid)
    name=$(name_of "$uuid")
    cat >"$KEPT/device.xml" <<EOT
<device>
  <parent>mtty_mtty</parent>
  <capability type='mdev'><type id='mtty-2'/><uuid>$uuid</uuid></capability>
</device>
EOT
    check "virsh defines with $1" virsh nodedev-define "$KEPT/device.xml"
    check "virsh starts with $1" wait_until 20 virsh nodedev-start "$name"
    check_equal "the device is there" active "$(device_state "$uuid")"
    check_equal "the callout was asked once before that" 1 "$(starts_of "$uuid")"
    check "virsh destroys it" wait_until 20 virsh nodedev-destroy "$name"
    check_equal "the device is gone" none "$(device_state "$uuid")"
    check "virsh undefines it" wait_until 20 virsh nodedev-undefine "$name"
    check "no definition is left" test ! -e "$STORE/mtty/$uuid"
    check "and all is as before" wait_until 20 same_listing
}

install_and_remove() {
    install_mdevctl && apt remove mediated
}

mkdir --parents "$KEPT"
make_callout 'logger --tag callout -- "$@"'
make_mdevctl_host
systemctl restart libvirtd.service
check "libvirt knows the devices and definitions of mdevctl" wait_until 60 knows_all
note_devices
listing >"$KEPT/listing"
check_equal "5 devices are active" 5 "$(wc -l <"$KEPT/devices")"
check "mdevctl is Debian's" not is_ours
watch_events
virsh_works "Debian's mdevctl"
end_watch
check_equal "libvirt's events show what comes and goes" "Created Defined Deleted Undefined" \
    "$(sed --quiet "s/^event 'lifecycle' .*: //p" "$KEPT/events" | sort --unique | paste --serial --delimiters=' ')"

while_libvirt_runs "installing" install_mediated
check "mdevctl is ours" is_ours
virsh_works "ours"

while_libvirt_runs "upgrading" install_mediated
virsh_works "the upgraded one"

while_libvirt_runs "returning to mdevctl" install_and_remove
check "mdevctl is Debian's again" not is_ours
check_equal "no process of mediated is left" 0 "$(main_pid)"
virsh_works "Debian's mdevctl again"
summary
