# SPDX-License-Identifier: LGPL-2.1-or-later
"""No test hangs for ever."""

import signal

import pytest
from host import is_sanitized

TEST_SECONDS = 120

# What meson installs is the same for each build.
collect_ignore = ["test_install.py"] if is_sanitized() else []


@pytest.fixture(autouse=True)
def time_limit(request):
    marker = request.node.get_closest_marker("seconds")
    seconds = marker.args[0] if marker else TEST_SECONDS

    def on_alarm(*_):
        raise TimeoutError(f"the test did not end within {seconds} s")

    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(seconds)
    yield
    signal.alarm(0)


def pytest_configure(config):
    config.addinivalue_line("markers", "seconds(number): the longest that the test may take")
