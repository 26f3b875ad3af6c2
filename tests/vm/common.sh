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

# machine_suite: the Debian release of this machine.
machine_suite() {
    # shellcheck source=/dev/null
    (source /etc/os-release && echo "${VERSION_CODENAME:-none}")
}

# debian_sources SUITE: apt's lines for SUITE from where this machine gets its Debian, so that a mirror that is set up
# here serves the guest too. Nothing, if this machine is no Debian.
debian_sources() {
    # shellcheck disable=SC2016  # apt's variables
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        grep " $(machine_suite)" | sed "s/ $(machine_suite)/ $1/" | sort --unique || true
}

# install_debian SUITE ROOT WORK PACKAGE[,PACKAGE]… [OPTION…]: a minimal Debian in ROOT, by mmdebstrap with OPTIONs.
install_debian() {
    local suite=$1 root=$2 work=$3 packages=$4 sources=()
    shift 4

    debian_sources "$suite" >"$work/apt.list"
    [[ ! -s $work/apt.list ]] || sources=("$work/apt.list")
    apt-config dump | grep -E '^Acquire::(http|https|Check)' >"$work/apt" || true
    mmdebstrap --quiet --variant=minbase --mode=root --include="$packages" --aptopt="$work/apt" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' "$@" "$suite" "$root" "${sources[@]}" >&2
}

# in_root ROOT DIR… -- COMMAND [ARG…]: runs COMMAND with the programs of ROOT. It sees each DIR of this machine at its
# own place. The mounts end with the command.
in_root() {
    # shellcheck disable=SC2016  # the inner shell's variables
    unshare --mount -- bash -euc '
        root=$1
        shift
        for dir in /dev /proc; do
            mount --rbind "$dir" "$root$dir"
        done
        mount --types tmpfs tmpfs "$root/tmp"
        mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
        while [[ $1 != -- ]]; do
            mkdir --parents "$root$1"
            mount --bind "$1" "$root$1"
            shift
        done
        shift
        exec chroot "$root" "$@"' bash "$@"
}

# with_qemu COMMAND [ARG…]: runs COMMAND where programs for s390x are run by QEMU. The kernel forgets that when COMMAND
# has ended, because nobody has this mount any more.
with_qemu() {
    # shellcheck disable=SC2016  # the inner shell's variables
    unshare --mount -- bash -euc '
        directory=/proc/sys/fs/binfmt_misc
        [[ -e $directory/register ]] || mount --types binfmt_misc binfmt_misc "$directory"
        [[ -e $directory/qemu-s390x ]] || cat /usr/lib/binfmt.d/qemu-s390x.conf >"$directory/register"
        exec "$@"' bash "$@"
}

# depmod, mke2fs and debugfs are not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin
