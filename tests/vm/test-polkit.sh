#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the guest, with the real polkit: who may do what, a rule for a group, and a polkit that does not answer, ends, or
# is not there.
#
# tools/check: trixie

# shellcheck disable=SC2317  # functions that are called by their names

set -euo pipefail

here=$(dirname -- "$0")
# shellcheck source=tests/vm/lib.sh
source "$here/lib.sh"
# shellcheck source=tests/vm/mediated.sh
source "$here/mediated.sh"

readers=" ListParents ListTypes ListCards ListDevices ListDefinitions ListJobs "
readers+="GetParent GetDevice GetDefinition GetJob "

as() {
    local user=$1
    shift

    runuser --user "$user" -- "$@"
}

# path_of GETTER SIGNATURE ARG…
path_of() {
    busctl --json=short call "${MANAGER[@]}" "$@" | sed 's/.*\["\(.*\)"\].*/\1/'
}

# An object of each kind: a device, a definition, and a job that waits for the user of a device.
make_objects() {
    device=$(new_uuid)
    used=$(new_uuid)
    defined=$(new_uuid)
    create "$device" mtty mtty-1
    create "$used" mtty mtty-1
    define "$defined" mtty mtty-1 manual
    vfio_node "$used" >/dev/null
    hold "$used"
    timed-call wait "$used" >/dev/null &
    wait_until 5 has_job
    job=$(call ListJobs | awk '{ print $3 }')
    objects=("org.mediated1.Manager /org/mediated1"
             "org.mediated1.Parent $(path_of GetParent s mtty)"
             "org.mediated1.Device $(path_of GetDevice s "$device")"
             "org.mediated1.Definition $(path_of GetDefinition ss "$defined" mtty)"
             "org.mediated1.Job $(path_of GetJob t "$job")")
}

has_job() {
    [[ $(call ListJobs) == *waiting* ]]
}

# methods: lines `INTERFACE PATH MEMBER SIGNATURE` of all there are.
methods() {
    local interface path

    for object in "${objects[@]}"; do
        read -r interface path <<<"$object"
        busctl introspect org.mediated1 "$path" "$interface" |
            awk -v object="$interface $path" '$2 == "method" { print object, substr($1, 2), $3 }'
    done
}

# arguments_of INTERFACE MEMBER: with which the method would do something.
arguments_of() {
    case ${1##*.}.$2 in
        Manager.CreateDevice) arguments=("$(new_uuid)" mtty mtty-1 0 0) ;;
        Manager.StartDevice) arguments=("$defined" mtty 0) ;;
        Manager.StopDevice) arguments=("$device" 0) ;;
        Manager.Define) arguments=("$(new_uuid)" mtty mtty-1 auto 0 0) ;;
        Manager.Modify) arguments=("$defined" mtty 1 start s auto 0) ;;
        Manager.Undefine) arguments=("$defined" mtty 0) ;;
        Manager.CancelJob | Manager.GetJob) arguments=("$job") ;;
        Manager.ListTypes | Manager.GetParent) arguments=(mtty) ;;
        Manager.GetDevice) arguments=("$device") ;;
        Manager.GetDefinition) arguments=("$defined" mtty) ;;
        Definition.Modify) arguments=(1 start s auto 0) ;;
        Parent.SetAside) arguments=(true 0) ;;
        Definition.Start | Definition.Undefine | Device.Stop) arguments=(0) ;;
        *) arguments=() ;;
    esac
}

# What a refused request must not change.
state() {
    listed
    in_kernel
    call ListDefinitions
    # The one that waits for a user runs for a moment each second, to look.
    call ListJobs | sed 's/running/waiting/'
    cat /etc/mdevctl.d/*/*-*
}

test_stranger() {
    local before interface path member signature n=0

    before=$(state)
    while read -r interface path member signature; do
        arguments_of "$interface" "$member"
        [[ $signature != - ]] || signature=''
        if [[ $readers == *" $member "* ]]; then
            check "anybody may call ${interface##*.}.$member" \
                as stranger busctl call org.mediated1 "$path" "$interface" "$member" "$signature" "${arguments[@]}"
        else
            check "a stranger is refused ${interface##*.}.$member" \
                is_denied as stranger busctl call org.mediated1 "$path" "$interface" "$member" "$signature" \
                "${arguments[@]}"
            n=$((n + 1))
        fi
    done < <(methods)
    check "there were methods that change something" test "$n" -ge 14
    check_equal "and nothing has changed" "$before" "$(state)"
    check "anybody may get all objects" as stranger busctl call org.mediated1 /org/mediated1 \
        org.freedesktop.DBus.ObjectManager GetManagedObjects
    check "and all properties" as stranger busctl introspect org.mediated1 "$(path_of GetDevice s "$device")"
    check "and nobody may set one" is_denied as stranger busctl set-property org.mediated1 /org/mediated1 \
        org.mediated1.Manager Version s 0
    check_matches "mediatectl says what to do" "*password*root*" "$(as stranger mediatectl stop "$device" 2>&1)"
    check_equal "with its status for failures" 1 "$(as stranger mediatectl stop "$device" 2>/dev/null || echo $?)"
}

# on_terminal PASSWORD COMMAND [ARG…]: by a stranger. A fallback agent, as mediatectl starts it like systemctl, polkit
# asks only in a session of logind's, which runuser does not make here: without that option it is asked.
on_terminal() {
    as stranger env PATH="/usr/lib/agents:$PATH" python3 /tmp/on-terminal.py "$@"
}

# An administrator's password, typed into polkit's agent for terminals.
test_password() {
    local uuid

    echo root:sesame | chpasswd
    install --mode=644 "$here/on-terminal.py" /tmp/on-terminal.py
    mkdir --parents /usr/lib/agents
    # shellcheck disable=SC2016  # for that script
    printf '#!/bin/sh\nexec /usr/bin/pkttyagent "$1" "$2" --process "$PPID"\n' >/usr/lib/agents/pkttyagent
    chmod 755 /usr/lib/agents/pkttyagent
    uuid=$(new_uuid)
    check "who knows the password may" on_terminal sesame mediatectl create mtty mtty-1 "$uuid"
    check_equal "and the device is there" active "$(device_state "$uuid")"
    check "who says another one may not" not on_terminal sesam mediatectl stop "$uuid"
    check "nor who does not want to be asked" not on_terminal sesame mediatectl --no-ask-password stop "$uuid"
    check_equal "and the device stays" active "$(device_state "$uuid")"
    check "with the password it goes" on_terminal sesame mediatectl stop "$uuid"
}

# As docs/SECURITY.md shows it.
write_rule() {
    cat >/etc/polkit-1/rules.d/50-mediated.rules <<'RULE'
polkit.addRule(function(action, subject) {
    if (action.id == "org.mediated1.manage-devices" &&
        ["create", "start", "stop"].indexOf(action.lookup("verb")) >= 0 &&
        action.lookup("parent") == "mtty" &&
        subject.isInGroup("vmadmin"))
        return polkit.Result.YES;
});
RULE
    # polkit reads it when it sees it.
    wait_until 10 as member mediatectl start --parent mtty "$defined"
}

test_rule() {
    local uuid other

    check "a rule for a group lets a member start a device" write_rule
    check "stop it" as member mediatectl stop "$defined"
    uuid=$(new_uuid)
    check "create one" as member timed-call create "$uuid" mtty mtty-2
    check_equal "and it is there" active "$(device_state "$uuid")"
    check "stop it by its object" as member busctl call org.mediated1 "$(path_of GetDevice s "$uuid")" \
        org.mediated1.Device Stop 'a{sv}' 0
    check "and a device of root's on that parent" as member timed-call stop "$device"
    create "$device" mtty mtty-1
    check "but not create one on another parent" is_denied as member timed-call create "$uuid" mbochs mbochs-small
    other=$(new_uuid)
    create "$other" mbochs mbochs-small
    check "nor stop one there" is_denied as member timed-call stop "$other"
    check "nor read its attributes" is_denied as member busctl call org.mediated1 "$(path_of GetDevice s "$other")" \
        org.mediated1.Device GetAttributes
    check "nor define one" is_denied as member mediatectl define mtty mtty-1
    check "nor undefine one" is_denied as member mediatectl undefine "$defined"
    check "nor reload" is_denied as member busctl call "${MANAGER[@]}" Reload
    check "nor may one who is no member" is_denied as stranger timed-call create "$uuid" mtty mtty-1
    check_equal "what was refused has left nothing" "none none active" \
        "$(device_state "$uuid") $(device_state "$defined") $(device_state "$other")"
    stop "$other"
}

test_stopped_polkit() {
    local log uuid i pids=() answers begin

    log=$(mktemp --directory)
    chmod 755 "$log"
    kill -STOP "$(pgrep --exact polkitd)"
    for i in {1..12}; do
        as stranger timed-call create "$(new_uuid)" mtty mtty-1 >"$log/$i" 2>&1 &
        pids+=($!)
    done
    uuid=$(new_uuid)
    runuser --user stranger -- timed-call create "$uuid" mtty mtty-1 >/dev/null 2>&1 &
    left=$!
    sleep 2
    kill "$left"
    begin=$(now)
    for i in {1..5}; do
        uuid=$(new_uuid)
        check "while polkit does not answer root creates" create "$uuid" mtty mtty-1
        check "and stops" stop "$uuid"
        check "and others read" as stranger busctl --timeout=5 call "${MANAGER[@]}" ListDevices
    done
    number "fifteen calls beside a polkit that does not answer" $(($(now) - begin)) ms
    check_equal "nobody was answered yet" "" "$(cat "$log"/*)"
    wait "${pids[@]}" || true
    wait "$left" || true
    answers=$(cat "$log"/*)
    check_equal "whose question was not answered in time is told so" 12 \
        "$(grep --count 'AccessDenied.*did not answer' <<<"$answers")"
    kill -CONT "$(pgrep --exact polkitd)"
    check "when polkit answers again a member may again" as member timed-call create "$(new_uuid)" mtty mtty-1
    check_equal "and nobody else has made anything" 3 "$(in_kernel | wc -l)"
    rm -r "$log"
}

test_polkit_that_ends() {
    local log

    log=$(mktemp)
    kill -STOP "$(pgrep --exact polkitd)"
    as member timed-call create "$(new_uuid)" mtty mtty-1 >"$log" 2>&1 &
    asker=$!
    sleep 0.5
    kill -KILL "$(pgrep --exact polkitd)"
    wait "$asker" || true
    check_matches "whose question died with polkit is refused" "*AccessDenied*did not answer*" "$(<"$log")"
    check "the next one starts it again" as member timed-call create "$(new_uuid)" mtty mtty-1
    rm "$log"
}

test_without_polkit() {
    systemctl mask --quiet --runtime --now polkit
    check_matches "without polkit only root may" "*AccessDenied*only root*install polkit*" \
        "$(as member timed-call create "$(new_uuid)" mtty mtty-1)"
    check "and root may" stop "$device"
    systemctl unmask --quiet --runtime polkit
    check "with it others may again" as member timed-call create "$device" mtty mtty-1
}

test_job_of_ones_own() {
    local uuid log id

    uuid=$(new_uuid)
    log=$(mktemp)
    as member timed-call create "$uuid" mtty mtty-1 >/dev/null
    vfio_node "$uuid" >/dev/null
    hold "$uuid"
    runuser --user member -- timed-call wait "$uuid" >"$log" 2>&1 &
    asker=$!
    wait_until 5 job_of "$uuid"
    id=$(job_of "$uuid")
    check "a job is not canceled by a stranger" is_denied as stranger mediatectl cancel "$id"
    kill "$asker"
    wait "$asker" || true
    check "it goes when its caller leaves" wait_until 5 not job_of "$uuid"
    check_equal "and the device stays" active "$(device_state "$uuid")"
    release "$holder"
    rm "$log"
}

job_of() {
    call ListJobs | sed 's/"//g' | awk -v uuid="$1" '
        { for (i = 3; i < NF; i += 5) if ($(i + 1) == uuid) { print $i; found = 1 } }
        END { exit !found }'
}

modprobe -a vfio_iommu_type1 mtty mbochs
wait_until 20 systemctl --quiet is-active mediated
groupadd vmadmin
useradd --groups vmadmin member
useradd stranger
make_objects

tests=(stranger password rule stopped_polkit polkit_that_ends without_polkit job_of_ones_own)
run_tests "$@"
