#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the guest: the cost of raw creates and removes, with udevd handling the uevents on the same CPUs and without.
# Figures for proportion, no test.

set -euo pipefail

here=$(dirname -- "$0")
count=${1:-500}

systemctl mask --quiet --runtime --now mediated.service
modprobe mtty
udevadm settle
echo "with udevd:"
python3 "$here/raw-timing.py" "$count"
udevadm settle
echo "without udevd:"
systemctl stop systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udevd.service
python3 "$here/raw-timing.py" "$count"
