#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In the guest: the latency benchmark against the installed service, on the kernel's own mtty. Arguments go to it.

set -euo pipefail

# The udev rule starts the service when the parent appears.
modprobe mtty
for ((i = 0; i < 100; i++)); do
    [[ $(systemctl is-active mediated.service) != active ]] || break
    sleep 0.1
done
systemctl is-active --quiet mediated.service || { echo "mediated.service has not started" >&2; exit 1; }

latency "$@"
