#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Creates a device, shows its node, and removes it again:
#
#     ./device.sh PARENT TYPE
#
# It needs busctl(1), which is a part of systemd, and jq(1). For scripts, mediatectl(1) with --json is easier.

set -euo pipefail

(($# == 2)) || { echo "Usage: device.sh PARENT TYPE" >&2; exit 2; }

name=org.mediated1
path=/org/mediated1

# busctl gives up later than mediated does (in µs), so that its answer always arrives. An answer is {"data": […], …}.
call() {
    busctl --timeout=70 --json=short call "$name" "$path" "$name.Manager" "$@"
}

# An empty UUID asks for a random one. After the type: no attributes, one option.
created=$(call CreateDevice 'sssa(ss)a{sv}' "" "$1" "$2" 0 1 timeout-usec t 60000000)
uuid=$(jq --raw-output '.data[0]' <<<"$created")
device=$(jq --raw-output '.data[1]' <<<"$created")
echo "created $uuid"

node=$(busctl --json=short get-property "$name" "$device" "$name.Device" DeviceNode | jq --raw-output .data)
echo "node $node"

call StopDevice 'sa{sv}' "$uuid" 1 timeout-usec t 60000000 >/dev/null
echo "stopped $uuid"
