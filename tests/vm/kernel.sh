#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# kernel.sh DIR [s390x]: makes DIR with Debian's kernel (vmlinuz), the modules that a guest needs, the sample parents
# built from the kernel's source (modules/), and an initramfs (initrd). For s390x it runs in the root of tools/s390x.

set -euo pipefail

here=$(dirname -- "$(readlink -f -- "$0")")
# shellcheck source=tests/vm/common.sh
source "$here/common.sh"

target=$1
arch=${2:-amd64}

samples=(mtty mdpy mbochs)
# To reach the root file system: these go into the initramfs, in the order of their dependencies.
boot_modules=(virtio_blk crc32c_generic ext4)
# What a running guest may load. Few, because udev loads every one that matches and a slow CPU pays for it.
guest_modules=(vfio mdev vfio_iommu_type1 virtio_rng virtio_console
               autofs4 fuse overlay loop configfs binfmt_misc unix_diag netlink_diag inet_diag tcp_diag)
make=(make --silent)
if [[ $arch == amd64 ]]; then
    boot_modules=(virtio_pci "${boot_modules[@]}")
    guest_modules+=(vfio-pci nvme)
else
    make+=(ARCH=s390 CROSS_COMPILE=s390x-linux-gnu-)
fi

headers_version() {
    if [[ $arch == amd64 ]]; then
        dpkg-query --show --showformat='${Depends}\n' linux-headers-amd64
    else
        apt-cache show "linux-headers-$arch:$arch" | grep '^Depends:'
    fi | sed -n '1s/.*linux-headers-\([^ ,]*\).*/\1/p'
}

# The headers for s390x are not installed as packages: these want a compiler that runs on s390x.
unpack_headers() {
    local version=$1 dir=$2 deb

    (cd "$dir" && apt-get -qq -o APT::Sandbox::User=root download "linux-headers-$version:$arch" \
        "linux-headers-${version%-*}-common" >&2)
    for deb in "$dir"/linux-headers-*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar --extract --keep-directory-symlink --directory /
        rm "$deb"
    done
}

# Debian's kernel for s390x is built without VFIO. These modules of its source work with it: vfio, mdev, and what
# connects them to a container.
add_vfio() {
    local tarball=$1 dir=$2

    tar --extract --file "$tarball" --directory "$dir" --strip-components=2 --wildcards '*/drivers/vfio/*'
    cat >>"$dir/Makefile" <<'EOT'
obj-m += vfio.o vfio_iommu_type1.o mdev.o
vfio-y := vfio/vfio_main.o vfio/iova_bitmap.o vfio/container.o
vfio_iommu_type1-y := vfio/vfio_iommu_type1.o
mdev-y := vfio/mdev/mdev_core.o vfio/mdev/mdev_sysfs.o vfio/mdev/mdev_driver.o
ccflags-y := -DCONFIG_VFIO_MODULE=1 -DCONFIG_VFIO_MDEV_MODULE=1 -DCONFIG_VFIO_IOMMU_TYPE1_MODULE=1
EOT
}

build_samples() {
    local version=$1 dir=$2 tarball

    tarball=/usr/src/linux-source-$(cut --delimiter=. --fields=1,2 <<<"$version").tar.xz

    say "building the sample parents ${samples[*]}"
    mkdir "$dir"
    tar --extract --file "$tarball" --directory "$dir" --strip-components=3 --wildcards '*/samples/vfio-mdev/*'
    echo "obj-m := ${samples[*]/%/.o}" >"$dir/Makefile"
    [[ $arch == amd64 ]] || add_vfio "$tarball" "$dir"
    "${make[@]}" -C "/lib/modules/$version/build" M="$dir" modules |& sed "/^Skipping BTF/d" >&2
}

# Modules and what they depend on, in loading order, as paths below the root that is given.
module_files() {
    local root=$1 version=$2
    shift 2

    modprobe --dirname "$root" --set-version "$version" --show-depends --all "$@" |
        sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

build_initrd() {
    local root=$1 version=$2 dir=$3 output=$4 module

    mkdir -p "$dir"/{bin,dev,proc,sys,root,modules}
    cp /bin/busybox "$dir/bin/busybox"
    install -m 755 "$here/init" "$dir/init"
    module_files "$root" "$version" "${boot_modules[@]}" | while read -r module; do
        cp "$module" "$dir/modules/"
        basename "$module" >>"$dir/modules/order"
    done
    (cd "$dir" && find . | cpio --quiet --create --format=newc --owner=0:0) >"$output"
}

# The image of exactly the version that the headers are of. When the archive has moved on, the headers follow it.
download_image() {
    local dir=$1

    say "downloading linux-image-$(headers_version)"
    (cd "$dir" && apt-get -qq -o APT::Sandbox::User=root download "linux-image-$(headers_version):$arch" >&2) && return
    say "not there any more, upgrading linux-headers-amd64 and linux-source"
    apt-get -qq update >&2
    DEBIAN_FRONTEND=noninteractive apt-get -qq --yes -o Dpkg::Use-Pty=0 install linux-headers-amd64 linux-source >&2
    (cd "$dir" && apt-get -qq -o APT::Sandbox::User=root download "linux-image-$(headers_version)" >&2)
}

# Debian 12's /lib is a link to /usr/lib, and depmod and modprobe look below /lib.
make_merged_root() {
    mkdir -p "$1/usr/lib"
    ln -s usr/lib "$1/lib"
}

build() {
    local work=$1 version unpacked=$1/unpacked new=$1/new module

    mkdir "$work/deb" "$work/new"
    make_merged_root "$unpacked"
    download_image "$work/deb"
    version=$(headers_version)
    [[ $arch == amd64 ]] || unpack_headers "$version" "$work"
    dpkg-deb --fsys-tarfile "$work"/deb/*.deb | tar --extract --keep-directory-symlink --directory "$unpacked"

    build_samples "$version" "$work/samples"
    install -D -m 644 -t "$unpacked/lib/modules/$version/extra" "$work"/samples/*.ko
    depmod --basedir "$unpacked" "$version"

    build_initrd "$unpacked" "$version" "$work/initrd" "$new/initrd"
    cp "$unpacked/boot/vmlinuz-$version" "$new/vmlinuz"

    make_merged_root "$new/modules"
    module_files "$unpacked" "$version" "${boot_modules[@]}" "${guest_modules[@]}" "${samples[@]}" |
        while read -r module; do
            install -D -m 644 "$module" "$new/modules/${module#"$unpacked/"}"
        done
    cp "$unpacked/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$new/modules/lib/modules/$version/"
    depmod --basedir "$new/modules" "$version"
    rm "$new/modules/lib"
}

recipe() {
    hash_of "$(headers_version)" "$(dpkg-query --show linux-source)" "$here/kernel.sh" "$here/init"
}

if is_current "$target" "$(recipe)"; then
    exit 0
fi

work=$(mktemp --directory "$target.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
build "$work"
publish "$work/new" "$target" "$(recipe)"
