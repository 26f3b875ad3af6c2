# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the scripts that build the guest share; sourced by them and by tools/vm, on the host.

say() {
    echo "tools/vm: $*" >&2
}

# hash_of TEXT… FILE…: one hash of all that a cached result is made from; a file counts by its content.
hash_of() {
    local input

    for input in "$@"; do
        if [[ -f $input ]]; then cat -- "$input"; else printf '%s\n' "$input"; fi
    done | sha256sum | cut -c 1-16
}

# is_current DIR RECIPE: whether DIR was completely built from RECIPE.
is_current() {
    [[ -f $1/recipe && $(<"$1/recipe") == "$2" ]]
}

# publish NEW DIR RECIPE: puts the directory NEW in DIR's place; the recipe is written last, so that a half-made
# directory never looks current.
publish() {
    rm -rf -- "$2"
    mv -T -- "$1" "$2"
    echo "$3" >"$2/recipe"
}

# depmod, mke2fs and debugfs are not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin
