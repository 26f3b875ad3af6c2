#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# build-root.sh DIR SUITE: makes DIR with a root (root/) of the Debian release SUITE, in which the project and that
# release's kernel modules can be built.

set -euo pipefail

here=$(dirname -- "$(readlink -f -- "$0")")
# shellcheck source=tests/vm/common.sh
source "$here/common.sh"

target=$1
suite=$2

packages=$("$here/../../tools/dependencies" --list build simulator kernel)

recipe=$(hash_of "$here/build-root.sh" "$suite" "$packages")
if is_current "$target" "$recipe"; then
    exit 0
fi

work=$(mktemp --directory "$target.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
mkdir "$work/new"
say "installing Debian $suite to build in it"
# kernel.sh downloads the kernel there, and so needs apt's lists. Debian 13's headers bring their kernel along, which
# would make an initramfs of its own.
INITRD=No install_debian "$suite" "$work/new/root" "$work" "$(paste --serial --delimiters=, <<<"$packages")" \
    --skip=cleanup/apt/lists
publish "$work/new" "$target" "$recipe"
