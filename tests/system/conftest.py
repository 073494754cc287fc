"""What the tests of the whole binary share: a site of its own for each test, and the binary that NAVETTE names.

Fixtures
  navette   path of the binary; tests that ask for it are skipped when NAVETTE does not name one
  site      a Site: configuration, spool, database and dépôts below a temporary directory
  loaded    a Site that has taken in the demonstration's habilitations and demandes, and delivered them

Markers
  root      needs uid 0 (skipped otherwise)
  slow      takes more than ten seconds
"""

import json
import os
import pathlib
import pty
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"

CONFIG = """\
[spool]
directory = spool
stable_after = 20ms
[state]
database = state/navette.db
[depot]
directory = depot
create = yes
[data]
directory = {root}
[emetteur.monenfant]
flux = demandes
[emetteur.caf-421]
flux = habilitations
caf = 421
departements = 42
"""


def pytest_configure(config):
    config.addinivalue_line("markers", "root: needs uid 0")
    config.addinivalue_line("markers", "slow: takes more than ten seconds")


def pytest_runtest_setup(item):
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root")


def without_cover_sheets(paths):
    """Each remise has one; left alone it is told."""
    rest = [path for path in paths if not pathlib.PurePath(path).name.startswith("BORDEREAU_")]
    return rest or paths


class Site:
    """A place where navette works. Every path is below `path`."""

    def __init__(self, binary, path):
        self.binary = str(binary)
        self.path = pathlib.Path(path)
        self.config = self.path / "navette.conf"
        self.spool = self.path / "spool"
        self.depot = self.path / "depot"
        self.database = self.path / "state" / "navette.db"
        self.database.parent.mkdir(parents=True, exist_ok=True)
        for sender in ("monenfant", "caf-421"):
            (self.spool / "arrivee" / sender).mkdir(parents=True, exist_ok=True)
        self.configure()

    def configure(self, extra=""):
        """Writes the configuration; `extra` is appended to it. Lines "section.key = value" go nowhere else."""
        self.config.write_text(CONFIG.format(root=ROOT) + extra, encoding="utf-8")

    def command(self, *arguments):
        return [self.binary, "-c", str(self.config), *map(str, arguments)]

    def run(self, *arguments, code=0, timeout=120, **more):
        """Runs a command and holds its exit code against `code` (None: any; several: one of them)."""
        more.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, encoding="utf-8",
                              timeout=timeout, check=False, **more)
        expected = code if isinstance(code, tuple) else (code,)
        assert code is None or done.returncode in expected, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *arguments, code=0):
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def passes(self, code=(0, 1), now=True, **more):
        """One pass; `run` exits 1 when something needs a person."""
        return self.run("run", *(["--now"] if now else []), code=code, **more)

    def start(self, *arguments, **more):
        """A process that goes on (serve); the caller ends it."""
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(self.command(*arguments), **more)

    def deposit(self, source, emetteur="monenfant", name=None):
        """As a partner does: written under a name that is ignored, then renamed. `source`: a path or bytes."""
        data = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
        if name is None:
            name = "flux.xml" if isinstance(source, bytes) else pathlib.Path(source).name
        directory = self.spool / "arrivee" / emetteur
        directory.mkdir(parents=True, exist_ok=True)
        (directory / (name + ".part")).write_bytes(data)
        (directory / (name + ".part")).rename(directory / name)
        return directory / name

    def accuses(self, emetteur="monenfant"):
        return sorted((self.spool / "accuses" / emetteur).glob("AR_*.xml"))

    def delivered(self):
        """Every file of every dépôt, sorted, but for the cover sheets of remises."""
        return without_cover_sheets(sorted(p for p in self.depot.glob("*/remises/*/*") if p.is_file()))

    def mails(self):
        return sorted((self.spool / "courriels").glob("*.eml"))


@pytest.fixture(name="navette", scope="session")
def the_binary():
    binary = os.environ.get("NAVETTE", "")
    if not binary:
        pytest.skip("NAVETTE does not name the binary")
    return pathlib.Path(binary).resolve()


@pytest.fixture(name="site")
def a_site(navette, tmp_path):
    return Site(navette, tmp_path / "site")


@pytest.fixture(name="loaded")
def a_site_with_the_demonstration(site):
    site.deposit(DATA / "demo/habilitations.xml", "caf-421")
    site.passes()
    site.deposit(DATA / "demo/demandes.xml")
    site.passes()
    return site


def on_a_terminal(command, columns=80):
    """Everything that the command writes to a terminal of that width."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["NO_COLOR"] = "1"
        os.execv("/bin/sh", ["sh", "-c", f"stty cols {columns}; exec \"$@\"", "sh", *command])
    out = b""
    while True:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        out += piece
    os.close(fd)
    os.waitpid(pid, 0)
    return out.decode()
