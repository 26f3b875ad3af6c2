#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the guest: race-storm.sh [CALLS [SEED [OPTION…]]]: clients and raw writers at the same UUIDs on the kernel's own
# parents, see tests/race/storm.h.

set -euo pipefail

here=$(dirname -- "$0")
# shellcheck source=tests/vm/lib.sh
source "$here/lib.sh"
# shellcheck source=tests/vm/mediated.sh
source "$here/mediated.sh"

modprobe --all mtty mbochs
wait_until 30 systemctl --quiet is-active mediated
test_race_storm "${1:-20000}" "${@:2:1}" "${@:3}"
number race-storm $SECONDS s
summary
