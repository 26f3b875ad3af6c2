/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon and its clients call things on D-Bus. */

#define BUS_NAME "org.mediated1"
#define BUS_ROOT "/org/mediated1"

#define BUS_MANAGER BUS_NAME ".Manager"
#define BUS_PARENT BUS_NAME ".Parent"
#define BUS_DEVICE BUS_NAME ".Device"
#define BUS_DEFINITION BUS_NAME ".Definition"
#define BUS_JOB BUS_NAME ".Job"

#define BUS_PARENT_PATH BUS_ROOT "/parent"
#define BUS_DEVICE_PATH BUS_ROOT "/device"
#define BUS_DEFINITION_PATH BUS_ROOT "/definition"
#define BUS_JOB_PATH BUS_ROOT "/job"

/* The available instances of a type, in ListTypes, whose driver does not say how many there are. */
#define AVAILABLE_INSTANCES_UNKNOWN UINT32_MAX

#define BUS_DRIVER "org.freedesktop.DBus"
#define BUS_DRIVER_PATH "/org/freedesktop/DBus"
