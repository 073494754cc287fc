"""tools/demo, the one run command: it ends well, what it leaves can be moved, and it touches nothing else. And the memory that
a large flux takes."""

import json
import os
import resource
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT

LIMIT_MB = 100


def demo(navette, directory):
    return subprocess.run([ROOT / "tools/demo", directory], capture_output=True, text=True, check=False, timeout=300,
                          stdin=subprocess.DEVNULL, env={**os.environ, "NAVETTE": str(navette)})


def test_the_demo_shows_the_main_job_and_can_be_moved(navette, tmp_path):
    before = set(os.listdir(ROOT))
    done = demo(navette, tmp_path / "un" / "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(os.listdir(ROOT)) == before
    assert os.listdir(tmp_path) == ["un"] and os.listdir(tmp_path / "un") == ["demo"]
    told = done.stdout.partition("== look at\n")[2].partition("\n\n")[0].splitlines()
    assert len(told) == 5 and all(os.path.exists(line.split("    ")[0].strip()) for line in told), told
    moved = tmp_path / "ailleurs"
    shutil.move(tmp_path / "un/demo", moved)
    command = [str(navette), "-c", str(moved / "navette.conf")]
    listed = subprocess.run([*command, "remises", "list", "--json"], capture_output=True, text=True, check=True)
    states = {r["etat"] for r in json.loads(listed.stdout)}
    assert states == {"livree"}
    assert "Needs a person" in subprocess.run([*command, "status"], capture_output=True, text=True, check=True).stdout
    assert list(moved.glob("depot/*/remises/*/DI_*.pdf")) and list(moved.glob("spool/courriels/*.eml"))
    assert subprocess.run([*command, "run"], capture_output=True, check=False).returncode in (0, 1)


def test_the_demo_leaves_a_directory_that_is_not_its_own(navette, tmp_path):
    (tmp_path / "à-moi").write_text("x", encoding="utf-8")
    assert demo(navette, tmp_path).returncode == 2
    assert os.listdir(tmp_path) == ["à-moi"]


@pytest.mark.slow
def test_memory_stays_flat_whatever_the_flux(site):
    """bench/run xsd.rss takes 250 MB; here a tenth of it, in the same bound."""
    if "asan" in site.binary:
        pytest.skip("the sanitizer's own memory would be measured")
    flux = site.path / "grand.xml"
    subprocess.run([sys.executable, ROOT / "tests/support/make_demandes.py", "0", "--size-mb", "25", "--communes",
                    ROOT / "data/communes.tsv", "-o", flux], check=True)
    shutil.move(flux, site.spool / "arrivee/monenfant/grand.xml")
    pid = os.fork()
    if pid == 0:
        code = subprocess.run(site.command("run"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        os._exit(0 if code in (0, 1) and peak < LIMIT_MB else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert site.json("flux", "list")[0]["etat"] == "accepte"
