# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion of mediatectl: UUIDs, parents, types and jobs come from the running daemon.

# Asks the daemon that the command line means. There is no message when it does not answer.
__mediatectl_ask() {
    mediatectl "${__mediatectl_where[@]}" --no-ask-password --no-legend "$@" 2>/dev/null
}

__mediatectl_devices() {
    __mediatectl_ask list -o UUID,STATE | while read -r uuid state; do
        case $state in
        active | starting | stopping | wedged) echo "$uuid" ;;
        esac
    done
}

__mediatectl_definitions() {
    __mediatectl_ask list -o UUID,START | while read -r uuid start; do
        [[ -z $start ]] || echo "$uuid"
    done
}

__mediatectl_candidates() {
    local verb=$1 position=$2 parent=$3

    case $verb:$position in
    create:0 | types:0 | tree:*) __mediatectl_ask parents -o CARD; __mediatectl_ask parents -o PARENT ;;
    define:0) __mediatectl_ask parents -o PARENT; __mediatectl_devices ;;
    create:1 | define:1) __mediatectl_ask types "$parent" -o TYPE ;;
    create:* | define:*) __mediatectl_definitions ;;
    types:1) __mediatectl_ask types "$parent" -o TYPE ;;
    list:* | monitor:*) __mediatectl_ask list -o UUID ;;
    show:*) __mediatectl_ask list -o UUID; __mediatectl_ask parents -o PARENT; __mediatectl_ask parents -o CARD ;;
    set-aside:*) __mediatectl_ask parents -o PARENT ;;
    start:* | modify:* | undefine:* | enable:* | disable:*) __mediatectl_definitions ;;
    stop:*) __mediatectl_devices ;;
    cancel:*) __mediatectl_ask jobs -o JOB ;;
    esac
}

# Prints the names of all columns, or of all states. They are in the message about an unknown one.
__mediatectl_names() {
    mediatectl "${2:-list}" "$1" help 2>&1 | sed -n "s/.*there are //p" | tr -d ' ' | tr ',' '\n'
}

# Offers the lines of its input that begin with what was typed. Anybody may have chosen the names in them, also on
# another host, so that they must not be expanded, as `compgen -W` does. On the command line they must mean themselves:
# a name that would have to be quoted is left out, and an option is offered only after a dash.
__mediatectl_offer() {
    local word

    COMPREPLY=()
    while read -r word; do
        case $word in
        '' | *[!A-Za-z0-9:._,@%+=/-]*) ;;
        -*) [[ $cur != -* || $word != "$cur"* ]] || COMPREPLY+=("$word") ;;
        "$cur"*) COMPREPLY+=("$word") ;;
        esac
    done
}

_mediatectl() {
    local cur prev words cword
    local -a arguments=() __mediatectl_where=()
    local verbs="list tree parents types show create start stop define modify undefine enable disable set-aside jobs
                 cancel monitor wait check help"
    local -A options=(
        [table]="--output --json --no-legend" [job]="--timeout --force"
        [always]="--host --machine --no-ask-password --help --version"
    )
    local -A of_verb=(
        [list]="${options[table]} --parent --type --state" [parents]=${options[table]}
        [tree]="${options[table]} --by-parent"
        [types]="${options[table]} --available --by-parent" [jobs]=${options[table]} [show]=--json
        [monitor]="--json --parent" [wait]=--timeout [check]=--json [cancel]=--all
        [create]="${options[job]} --count --define --auto --settle"
        [start]="${options[job]} --all --parent --dry-run --wait --settle"
        [stop]="${options[job]} --all --parent --dry-run --wait" [define]="${options[job]} --auto --manual --device"
        [modify]="${options[job]} --parent --auto --manual --type --add --index --remove --clear --live --defined"
        [undefine]="${options[job]} --all --parent --dry-run" [enable]="${options[job]} --all --parent --dry-run"
        [disable]="${options[job]} --all --parent --dry-run" [set-aside]=--clear
    )
    local i word candidates

    # Parents have colons in their names (0000:41:00.4), so that bash's own words are of no use.
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n :=, cur prev words cword
    else
        words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    fi

    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        case $word in
        -H | --host | -M | --machine) __mediatectl_where=("$word" "${words[i + 1]}"); ((++i)) ;;
        -o | --output | -p | --parent | -t | --type | --state | --timeout | --count) ((++i)) ;;
        --add | --index | --remove) ((++i)) ;;
        -*) ;;
        *) arguments+=("$word") ;;
        esac
    done

    case $prev in
    -H | --host) candidates=$(compgen -A hostname -- "$cur") ;;
    -M | --machine) candidates=$(machinectl list --no-legend --no-pager 2>/dev/null | cut -d ' ' -f 1) ;;
    -p | --parent) candidates=$(__mediatectl_ask parents -o PARENT) ;;
    -t | --type) candidates=$(__mediatectl_ask types -o TYPE) ;;
    -o | --output) candidates=$(__mediatectl_names --output "${arguments[0]-}") ;;
    --state) candidates=$(__mediatectl_names --state) ;;
    --timeout | --count | --add | --index | --remove) return ;;
    *)
        if [[ $cur == -* ]]; then
            if ((${#arguments[@]} > 0)); then
                candidates=$(compgen -W "${of_verb[${arguments[0]}]-} ${options[always]}")
            else
                candidates=$(compgen -W "${options[table]} ${options[always]}")
            fi
        elif ((${#arguments[@]} == 0)); then
            candidates=$(compgen -W "$verbs")
        else
            candidates=$(__mediatectl_candidates "${arguments[0]}" $((${#arguments[@]} - 1)) "${arguments[1]-}")
        fi
        ;;
    esac

    __mediatectl_offer <<<"$candidates"
    if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$cur"
    fi
}

complete -F _mediatectl mediatectl
