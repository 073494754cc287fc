"""kill -9 or a failing disk inside SQLite, at any of its writes: nothing lost, nothing delivered twice.

What the fault points of torture.py cannot see, strace does: it kills the process at the N-th system call with which SQLite
writes or syncs its files, or lets that call fail. And two crashes in a row: the recovery is cut too.
"""

import os
import random
import re
import shutil
import signal
import subprocess
from collections import Counter

import pytest

import torture

FAILING = {"pwrite64": "ENOSPC", "fdatasync": "EIO", "ftruncate": "EIO"}

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")]


def traced(scene, *options):
    """One pass under strace; what it wrote down."""
    log = scene.path / "strace"
    # The sanitizer's search for leaks does not work under ptrace.
    done = subprocess.run(["strace", "-f", "-qq", "-o", str(log), *options, *scene.site.command("run", "--now")], capture_output=True,
                          text=True, timeout=120, check=False,
                          env={**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"})
    assert done.returncode in (0, 1, 3, -signal.SIGKILL, 128 + signal.SIGKILL), (done.returncode, done.stderr[-2000:])
    return log.read_text(errors="replace")


def disturbed(scene, point):
    """point: N:CALL:ERROR, or N:CALL:kill; N+ for every later one as well."""
    n, call, how = point.split(":")
    effect = "signal=SIGKILL" if how == "kill" else f"error={how}"
    log = traced(scene, "-e", f"trace={call}", "-e", f"inject={call}:{effect}:when={n}")
    return "INJECTED" in log or "killed by SIGKILL" in log


@pytest.fixture(name="bench", scope="module")
def a_torture(navette):
    with torture.place() as place, torture.Torture(navette, place, max(2, os.cpu_count() or 2)) as bench:
        bench.look()
        yield bench


@pytest.fixture(name="counts", scope="module")
def calls_of_a_pass(bench):
    """How often the busiest thread makes each call: that is what strace counts."""
    log = traced(bench.scene(), "-e", "trace=" + ",".join(FAILING))
    counts = Counter()
    for (_, call), n in Counter(re.findall(r"^(\d+) +(\w+)\(", log, re.M)).items():
        counts[call] = max(counts[call], n)
    assert all(counts[call] > 3 for call in FAILING), f"no longer used; change FAILING: {counts}"
    # Two passes of the same scene differ by some calls: what lies at the very end may not come.
    return Counter({call: int(n * 0.85) for call, n in counts.items()})


def converge_after(bench, points):
    tried = bench.try_all(points, disturb=disturbed)
    assert [f"{t.point}: {t.fault}" for t in tried if t.fault] == []
    struck = sum(t.struck for t in tried)
    assert struck >= len(points) * 0.8, f"only {struck} of {len(points)} passes were disturbed"


def test_killed_at_any_write_of_the_database_nothing_is_lost_or_sent_twice(bench, counts):
    converge_after(bench, [f"{n}:{call}:kill" for call in FAILING for n in torture.spread(counts[call], 5)])


def test_when_a_write_of_the_database_fails_the_rest_goes_on_later(bench, counts):
    converge_after(bench, [f"{n}:{call}:{error}" for call, error in FAILING.items() for n in torture.spread(counts[call], 3)])


def test_when_writes_fail_for_ever_nothing_is_lost(bench):
    converge_after(bench, [f"{n}+:{call}:{FAILING[call]}" for call in ("pwrite64", "fdatasync") for n in (1, 3)])


def test_two_crashes_in_a_row(bench, counts):
    """The recovery is cut too."""
    dice = random.Random(20)
    for _ in range(4):
        scene = bench.scene()
        for _ in range(3):
            call = dice.choice(["fdatasync", "pwrite64"])
            disturbed(scene, f"{dice.randint(1, counts[call])}:{call}:kill")
        scene.converge()
        scene.check(bench.expected, mails_at_most=4)


@pytest.mark.parametrize("effect", ["error=ENOSPC", "error=EMFILE", "signal=SIGKILL"])
def test_a_first_start_that_fails_while_it_makes_the_database_begins_anew(bench, effect):
    """Before the file is there, and when it is there and empty."""
    for n in (1, 2):
        scene = bench.scene()
        log = traced(scene, "-P", str(scene.site.database), "-e", "trace=openat", "-e", f"inject=openat:{effect}:when={n}")
        assert "INJECTED" in log or "killed by SIGKILL" in log
        assert scene.site.database.exists() == (n == 2)
        scene.converge()
        scene.check(bench.expected, mails_at_most=1)
        scene.remove()
