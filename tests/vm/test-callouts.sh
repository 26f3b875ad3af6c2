#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the guest: callouts around what udev starts, in the unit's sandbox. One of them locks below /run/lock as s390's
# ap-check does, in the name of its parent process, from `pre` to `post`.

# shellcheck disable=SC2317  # functions that `check` and `wait_until` call
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "$0")")
# shellcheck source=tests/vm/lib.sh
source "$here/lib.sh"

# The unit sees no home directories, and writes in few places.
programs=/usr/lib/mdevctl/scripts.d
log=/run/lock/callouts.log
lock=/run/lock/ap-check.lock
count=8
uuids=()

install_callouts() {
    local name

    mkdir --parents "$programs/callouts" "$programs/notifiers" /usr/lib/callouts
    for name in record ap-check; do
        sed "s,/run/callouts.log,$log," "$here/../integration/callouts/$name" >"/usr/lib/callouts/$name"
        chmod 755 "/usr/lib/callouts/$name"
    done
    # By a link, as s390-tools installs it.
    ln --symbolic /usr/lib/callouts/ap-check "$programs/callouts/50-ap-check"
}

# The calls of one event, as UUIDs in their order; $2 is a pattern for the rest of the line.
called() {
    { grep -E -- "-e $1 .*$2" "$log" 2>/dev/null || true; } | sed 's/.* -u \([^ ]*\) .*/\1/'
}

calls() {
    called "$@" | wc -l
}

active() {
    local uuid n=0

    for uuid in "${uuids[@]}"; do
        [[ $(device_state "$uuid") != active ]] || n=$((n + 1))
    done
    echo "$n"
}

is_active() {
    (($(active) == $1))
}

reload_parent() {
    rm --force "$log"
    modprobe --remove mtty
    modprobe mtty
}

no_jobs() {
    [[ -z $(mediatectl jobs --no-legend) ]]
}

define_all() {
    local i uuid

    for ((i = 0; i < count; i++)); do
        uuid=$(new_uuid)
        mdevctl define --uuid "$uuid" --parent mtty --type mtty-1 --auto
        uuids+=("$uuid")
    done
    check_equal "definitions are made under the lock" "$count" "$(calls post 'define -s success')"
}

test_autostart_under_a_lock() {
    reload_parent
    check "all $count are started when their parent comes" wait_until 60 is_active "$count"
    check "no job is left" wait_until 30 no_jobs
    check_equal "each was locked" "$count" "$(calls pre 'start -s none')"
    check_equal "and unlocked" "$count" "$(calls post 'start -s success')"
    check_equal "no lock is left" "" "$(ls $lock* 2>/dev/null)"
    check_equal "no callout complained" "" \
        "$(journalctl --unit mediated --grep '50-ap-check' --output cat --no-pager 2>/dev/null | grep -v '^-- No')"
}

# The second boot of a host looks like this: the daemon starts for the first parent.
test_autostart_with_the_daemons_start() {
    systemctl stop mediated
    reload_parent
    check "all $count are started by a daemon that udev starts" wait_until 60 is_active "$count"
    check "no job is left then" wait_until 30 no_jobs
    check_equal "each was unlocked then" "$count" "$(calls post 'start -s success')"
}

test_refused_autostart() {
    local refused=${uuids[3]}

    cat >"$programs/callouts/10-refuse" <<EOF
#!/bin/bash
[[ "\$*" == *"-e pre -a start"*"-u $refused "* ]] || exit 2
echo "adapter 05 is not free" >&2
exit 1
EOF
    chmod 755 "$programs/callouts/10-refuse"
    reload_parent
    check "all but the refused one are started" wait_until 60 is_active $((count - 1))
    check "no job is left after that" wait_until 30 no_jobs
    check_equal "the refused one has no device" none "$(device_state "$refused")"
    check_matches "its definition says why" "*adapter 05 is not free*" "$(mediatectl show "$refused")"
    check_matches "the journal says why" "*adapter 05 is not free*" \
        "$(journalctl --output cat --no-pager "MEDIATED_UUID=$refused")"
    check_equal "it heard no post" "" "$(called post "$refused")"
    check_equal "the others did" $((count - 1)) "$(calls post 'start -s success')"
    rm "$programs/callouts/10-refuse"
    check "it starts when nobody refuses" mediatectl start "$refused"
    check_equal "and is active then" "$count" "$(active)"
}

test_stop() {
    rm --force "$log"
    check "all are stopped" mediatectl stop "${uuids[@]}"
    check_equal "and were unlocked" "$count" "$(calls post 'stop -s success')"
    check_equal "none is left" 0 "$(active)"
}

# What callouts take, the unit limits.
test_limits() {
    local pid uuid

    uuid=$(new_uuid)
    pid=$(systemctl show --property MainPID --value mediated)
    check_matches "the daemon may have a file descriptor for all it watches" "*70000*" \
        "$(grep 'Max open files' "/proc/$pid/limits")"
    cat >"$programs/callouts/10-hungry" <<EOF
#!/bin/bash
[[ "\$*" == *"-e pre"* ]] || exit 2
ulimit -S -n >/run/lock/nofile
python3 -c 'b"x" * (2 << 30)' || exit 1
EOF
    chmod 755 "$programs/callouts/10-hungry"
    check_matches "a callout whose program takes all memory fails" "*10-hungry refused*" \
        "$(mediatectl create mtty mtty-1 "$uuid" 2>&1 || true)"
    check_equal "a callout may have as many file descriptors as usual" 1024 "$(cat /run/lock/nofile)"
    check_equal "the daemon goes on" "$pid" "$(systemctl show --property MainPID --value mediated)"
    rm "$programs/callouts/10-hungry"
    check "and serves the next create" mediatectl create mtty mtty-1 "$uuid"
    check "and a stop" mediatectl stop "$uuid"
}

test_hang() {
    local uuid start

    uuid=$(new_uuid)
    mkdir --parents /run/systemd/system/mediated.service.d
    printf '[Service]\nExecStart=\nExecStart=%s --callout-timeout 15\n' \
        "$(systemctl show --property ExecStart mediated | sed 's/.*path=\([^ ]*\) .*/\1/')" \
        >/run/systemd/system/mediated.service.d/timeout.conf
    systemctl daemon-reload
    systemctl restart mediated
    printf '#!/bin/bash\n[[ "$*" == *"-e pre"*"-u %s "* ]] || exit 2\nsleep 1234 & sleep 1234\n' "$uuid" \
        >"$programs/callouts/10-hang"
    chmod 755 "$programs/callouts/10-hang"
    start=$(now)
    check_matches "a callout that hangs refuses" "*did not answer*" "$(mediatectl create mtty mtty-1 "$uuid" 2>&1)"
    check_within "after its time, in s" $((($(now) - start) / 1000)) 30
    check_equal "it is gone with its children" "" "$(pgrep --full 'sleep 1234')"
    check_equal "no device was made" none "$(device_state "$uuid")"
    rm "$programs/callouts/10-hang"
    check "the next create is served" mediatectl create mtty mtty-1 "$uuid"
    check "and removed" mediatectl stop "$uuid"
}

modprobe mtty
install_callouts
define_all
test_autostart_under_a_lock
test_autostart_with_the_daemons_start
test_refused_autostart
test_stop
test_limits
test_hang
summary
