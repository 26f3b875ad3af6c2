# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a sanitizer finds in the daemon fails the test in which it happened."""

import pytest
from host import Host, is_sanitized


def test_what_a_sanitizer_finds_fails_the_test():
    def let_it_crash():
        with Host() as host:
            old = host.daemon_pid()
            host.kill(old, sig=11)
            host.wait_ready(old)

    if is_sanitized():
        with pytest.raises(AssertionError, match="AddressSanitizer"):
            let_it_crash()
    else:
        let_it_crash()
