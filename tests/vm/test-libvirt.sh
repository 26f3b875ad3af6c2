#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the guest, with the packages libvirt-daemon-system and mdevctl: that libvirt's node devices behave with our mdevctl
# as they do with Debian's. The same session of virsh runs with both, and its output must be the same. It runs a third
# time with ours on a host that has vGPUs of vendor VFIO, too. Nothing must show these.
#
# tools/vm: --cards --package libvirt-daemon-system --package mdevctl
# tools/check: --long
#
# shellcheck disable=SC2016,SC2317  # XML in single quotes; functions that are called by their names

set -euo pipefail

here=$(dirname -- "$0")
# shellcheck source=tests/vm/lib.sh
source "$here/lib.sh"
# shellcheck source=tests/vm/mediated.sh
source "$here/mediated.sh"
# shellcheck source=tests/vm/vgpu.sh
source "$here/vgpu.sh"

parts=(define_and_start create_transient with_attributes without_uuid by_hand many)
store=/etc/mdevctl.d
first=11111111-1111-4111-8111-111111111111
second=22222222-2222-4222-8222-222222222222
third=33333333-3333-4333-8333-333333333333
definitions=200
work=$(mktemp --directory)
trap 'rm -rf -- "$work"' EXIT

# The name that libvirt gives a device.
name_of() {
    echo "mdev_${1//-/_}_mtty"
}

# xml FILE UUID TYPE [ATTRIBUTE VALUE]
xml() {
    cat >"$work/$1" <<EOT
<device>
  <parent>$parent</parent>
  <capability type='mdev'>
    <type id='$3'/>
    ${2:+<uuid>$2</uuid>}
    ${4:+<attr name='$4' value='$5'/>}
  </capability>
</device>
EOT
}

# Until libvirt has seen all that happened: its mdevctl has ended, and its answer is the same twice.
calm() {
    local before='' now tries

    udevadm settle --timeout=10 || true
    for ((tries = 0; tries < 50; tries++)); do
        sleep 0.5
        now=$(virsh 'nodedev-list --cap mdev --all; nodedev-list --cap mdev --inactive')
        [[ $now != "$before" ]] || pgrep --exact mdevctl >/dev/null || return 0
        before=$now
    done
}

# v ARG…: one command of virsh, as it is told in the record.
v() {
    local status=0

    echo "\$ virsh $*"
    virsh "$@" 2>&1 || status=$?
    echo "status $status"
    [[ $1 == nodedev-@(list|info|dumpxml) ]] || calm
}

everything() {
    v nodedev-list --cap mdev --all
    v nodedev-list --cap mdev
    v nodedev-list --cap mdev --inactive
    v nodedev-list --cap mdev_types
}

define_and_start() {
    local name

    name=$(name_of "$first")
    v nodedev-define "$work/first.xml"
    everything
    v nodedev-info "$name"
    v nodedev-dumpxml "$name"
    v nodedev-define "$work/first.xml"
    v nodedev-autostart "$name"
    v nodedev-info "$name"
    cat "$store/mtty/$first"; echo
    v nodedev-autostart --disable "$name"
    v nodedev-info "$name"
    v nodedev-start "$name"
    everything
    v nodedev-info "$name"
    v nodedev-dumpxml "$name"
    v nodedev-start "$name"
    v nodedev-destroy "$name"
    everything
    v nodedev-destroy "$name"
    v nodedev-undefine "$name"
    everything
    v nodedev-undefine "$name"
}

create_transient() {
    local name

    name=$(name_of "$second")
    v nodedev-create "$work/second.xml"
    everything
    v nodedev-info "$name"
    v nodedev-dumpxml "$name"
    v nodedev-create "$work/second.xml"
    v nodedev-define "$work/second.xml"
    v nodedev-info "$name"
    v nodedev-undefine "$name"
    v nodedev-destroy "$name"
    everything
}

with_attributes() {
    local name

    name=$(name_of "$third")
    v nodedev-define "$work/third.xml"
    v nodedev-dumpxml "$name"
    v nodedev-start "$name"
    v nodedev-create "$work/third.xml"
    v nodedev-undefine "$name"
    v nodedev-create "$work/unknown.xml"
    v nodedev-create "$work/wrong-type.xml"
    everything
}

without_uuid() {
    v nodedev-define "$work/no-uuid.xml"
    everything
    for name in $(virsh nodedev-list --cap mdev --all); do
        v nodedev-undefine "$name"
    done
}

# m ARG…: one command of mdevctl, in the same record.
m() {
    local status=0

    echo "\$ mdevctl $*"
    mdevctl "$@" 2>&1 || status=$?
    echo "status $status"
}

by_hand() {
    m define --uuid $first --parent mtty --type mtty-1 --auto
    m start --uuid $first
    m start --uuid $second --parent mtty --type mtty-2
    calm
    for options in '' --defined --dumpjson '--defined --dumpjson' --verbose; do
        # shellcheck disable=SC2086
        m list $options
    done
    m types
    m types --dumpjson
    everything
    m stop --uuid $first
    m stop --uuid $second
    m undefine --uuid $first
    calm
}

many() {
    local i

    mkdir --parents "$store/mtty"
    for ((i = 0; i < definitions; i++)); do
        printf '{\n  "mdev_type": "mtty-1",\n  "start": "manual",\n  "attrs": []\n}' \
            >"$store/mtty/$(printf '44444444-4444-4444-8444-%012d' "$i")"
    done
    restart_libvirt
    wait_until 60 all_listed || echo "not all are listed"
    everything
    v nodedev-info "$(name_of 44444444-4444-4444-8444-000000000123)"
    v nodedev-start "$(name_of 44444444-4444-4444-8444-000000000123)"
    v nodedev-list --cap mdev
    v nodedev-destroy "$(name_of 44444444-4444-4444-8444-000000000123)"
    rm --recursive -- "$store/mtty"
    restart_libvirt
}

all_listed() {
    (($(virsh nodedev-list --cap mdev --all | grep --count mdev_) == definitions))
}

# libvirtd collects its devices in a thread of its own.
find_parent() {
    parent=$(virsh nodedev-list --cap mdev_types | grep --max-count=1 mtty)
}

restart_libvirt() {
    systemctl restart libvirtd.service
    wait_until 60 find_parent || { echo "libvirt does not see mtty" >&2; exit 1; }
    calm
}

# What is random.
normalize() {
    local uuid='[0-9a-f]{8}[-_][0-9a-f]{4}[-_]4[0-9a-f]{3}[-_][89ab][0-9a-f]{3}[-_][0-9a-f]{12}'

    sed --regexp-extended "/11111111|22222222|33333333|44444444/! s/$uuid/RANDOM/g"
}

# What differs where there are virtual functions: the kernel counts IOMMU groups, and each function has one.
without_groups() {
    sed --regexp-extended "s/(<iommuGroup number=')[0-9]+/\1NUMBER/" "$1"
}

session() {
    local part

    restart_libvirt
    for part in "${parts[@]}"; do
        $part 2>&1 | normalize >"$work/$1.$part"
        echo "$1: $part, $(grep --count '^status' "$work/$1.$part") commands, $SECONDS s"
    done
}

# Where Debian's is, ours can be put, and the other way round.
use_ours() {
    mv /usr/bin/mdevctl /usr/bin/mdevctl.debian
    ln --symbolic mediatectl /usr/bin/mdevctl
    mv /usr/lib/udev/rules.d/60-mdevctl.rules "$work/"
    udevadm control --reload
    systemctl unmask --quiet --runtime mediated.service
    systemctl start mediated.service
}

# Two that are defined, one of them auto, and two that are not.
add_vgpus() {
    local card

    modprobe --all vgpu-sample vfio_iommu_type1
    for card in "${CARDS[@]}"; do
        make_functions "$card" 4
    done
    check "the functions have types" wait_until 60 has_all_types
    mediatectl create "${CARDS[0]}" $SMALL --count 2
    mediatectl create "${CARDS[1]}" $SMALL --auto
    mediatectl define "$(functions_of "${CARDS[1]}" | tail --lines=1)" $LARGE
    vgpus_in_kernel >"$work/vgpus"
    check_equal "there are vGPUs" 3 "$(wc -l <"$work/vgpus")"
    check_equal "there are definitions of vGPUs" 2 "$(find "$store" -path '*/0000:*/*' -type f | wc -l)"
}

# same A B [FILTER]: two sessions, or what FILTER makes of them.
same() {
    local part filter=${3:-cat}

    for part in "${parts[@]}"; do
        if diff --unified=3 <($filter "$work/$1.$part") <($filter "$work/$2.$part"); then
            pass "$1 and $2: $part"
        else
            fail "$1 and $2: $part" "see the difference above"
        fi
    done
}

systemctl mask --quiet --runtime --now mediated.service
modprobe --all mtty
restart_libvirt
echo "the parent is $parent"
xml first.xml $first mtty-1
xml second.xml $second mtty-2
xml third.xml $third mtty-1 nothing 1
xml no-uuid.xml '' mtty-1
xml wrong-type.xml 55555555-5555-4555-8555-555555555555 mtty-9
parent=nobody xml unknown.xml 66666666-6666-4666-8666-666666666666 mtty-1

echo "libvirt $(virsh --version) with Debian's $(mdevctl --version)"
check "Debian's mdevctl is the one that runs" test ! -L /usr/bin/mdevctl
session original
use_ours
echo "the same with $(mdevctl --version)"
check_matches "ours is the one that runs" "*mediated*" "$(mdevctl --version)"
session ours
same original ours

echo "the same with vGPUs of vendor VFIO"
add_vgpus
session with-vgpus
same ours with-vgpus without_groups
check "the vGPUs are still there" diff "$work/vgpus" <(vgpus_in_kernel)
check "mediated shows them" vgpus_are_the_same

check "the session did something" grep --quiet '^status 0' "$work/ours.define_and_start"
check_matches "libvirt's error for a duplicate" "*Device already exists*" \
    "$(grep --after-context=2 'nodedev-create' "$work/ours.create_transient" | tr '\n' ' ')"
number "commands of virsh" "$(cat "$work"/ours.* | grep --count '^status')" ''
summary
