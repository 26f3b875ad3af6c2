#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the simulated host, without the daemon: that its cards obey the rules of tests/vm/vgpu-rules.sh, as the real kernel
# and the module vgpu-sample do (tests/vm/vgpu-honesty.sh). The host needs the cards that test_simulated_vgpu_rules.py
# gives it.

# shellcheck disable=SC2317  # functions that the rules call

set -euo pipefail

here=$(dirname -- "$(readlink -f -- "$0")")
# shellcheck source=tests/vm/lib.sh
source "$here/../vm/lib.sh"
# shellcheck source=tests/vm/vgpu-rules.sh
source "$here/../vm/vgpu-rules.sh"

use_dialect() {
    [[ $1 == upstream ]] && card=0000:02:00.0 || card=0000:01:00.0
}

hold() {
    [[ $1 != --group ]] || set -- --group-only "$2"
    simctl hold "$@" >/dev/null
    # The rules give it to release().
    holder=${!#}
}

release() {
    # A function that has been removed is held by nobody any more.
    simctl release "$1" 2>/dev/null || true
}

open_device() {
    simctl hold "$1"
}

plugin_stays() {
    simctl hang "$1" plugin
}

plugin_goes() {
    simctl resume "$1"
}

clear_waits() {
    simctl delay "$1" patience "$2"
}

writes_take() {
    simctl delay "$1" current_vgpu_type "$2"
}

wedge() {
    simctl wedge "$1" clear
}

types_stay_away() {
    simctl hang "$card" types
}

types_come() {
    simctl resume "$card"
}

# The simulator sends no messages of the kernel, but those of udev, which come in the same order.
monitor_uevents() {
    exec stdbuf -oL udevadm monitor --udev
}

check_rules
echo "$passed passed, $failed failed, $skipped skipped"
exit $((failed > 0))
