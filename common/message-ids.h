/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ids of the messages that an administrator should act on; units/mediated.catalog explains each. An id is never
 * changed, and never used for something else. */

#define MESSAGE_AUTOSTART_FAILED "c1f4b1c0a5d94f6f8a6f0b7f6d2c9e01"
#define MESSAGE_DEVICE_WEDGED "5e0e6d2f3a774c0f9d4d1b8a2f3c7e02"
#define MESSAGE_DEFINITION_INVALID "0b9d3f6e8c1a4e5d9f7a6c5b4d3e2f03"
#define MESSAGE_DRIVER_HUNG "7a2c4e6f8b0d4f1ea3c5d7e9f1b2a304"
#define MESSAGE_HALF_MADE_REMOVED "d4f6a8c0e2b4416f8d0a2c4e6f8b1d05"
#define MESSAGE_PREPARE_FAILED "3f7b1d5a9c2e4806b1d3f5a7c9e0b206"
