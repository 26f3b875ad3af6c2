# SPDX-License-Identifier: LGPL-2.1-or-later
"""With --lines: one line a test, `PASS name`, `FAIL name: why` or `SKIP name: why`, as all suites here print it."""

import os
import signal

import pytest
from _pytest.terminal import TerminalReporter

# What runs in the background of a script ignores it, and so would all that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Lines:
    def __init__(self):
        self.failed = False

    @staticmethod
    def name_of(report):
        return report.nodeid.replace("tests/", "", 1)

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed = True
            why = getattr(getattr(report.longrepr, "reprcrash", None), "message", report.when).splitlines()[0]
            print(f"FAIL {self.name_of(report)}: {why}", flush=True)
            for line in [*report.longreprtext.splitlines(), *report.capstdout.splitlines()]:
                print(f"    {line}", flush=True)
        elif report.skipped:
            print(f"SKIP {self.name_of(report)}: {report.longrepr[2].removeprefix('Skipped: ')}", flush=True)
        elif report.when == "call":
            print(f"PASS {self.name_of(report)} ({report.duration:.2f} s)", flush=True)

    @pytest.hookimpl
    def pytest_collectreport(self, report):
        if report.failed:
            text = report.longreprtext.replace("\n", "\n    ")
            print(f"FAIL {report.nodeid}: cannot be read\n    {text}", flush=True)


def pytest_addoption(parser):
    parser.addoption("--lines", action="store_true", help="print one line a test and nothing else")


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if config.getoption("--lines"):
        # pytest 8 asks it how to show a comparison that failed, so there must be one, which writes to nowhere.
        config.pluginmanager.unregister(name="terminalreporter")
        config.pluginmanager.register(TerminalReporter(config, open(os.devnull, "w")), "terminalreporter")
        config.pluginmanager.register(Lines(), "lines")
