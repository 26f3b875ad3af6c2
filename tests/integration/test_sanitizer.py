# SPDX-License-Identifier: LGPL-2.1-or-later
"""A crash of the daemon, and what a sanitizer finds in it, fails the test in which it happened."""

import pytest
from host import Host, is_sanitized


def test_a_crash_fails_the_test():
    with pytest.raises(AssertionError, match="AddressSanitizer" if is_sanitized() else "has died of signal 11"):
        with Host() as host:
            old = host.daemon_pid()
            host.kill(old, sig=11)
            host.wait_ready(old)
