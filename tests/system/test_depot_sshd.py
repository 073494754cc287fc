"""Dépôts behind a real OpenSSH: config/sshd_config.navette as it is, `navette lieux provision`, and what a lieu can do.

Everything runs in a private mount namespace with an /etc, /run, /srv and /var/log of its own: accounts are made by the
very commands of docs/depots.md, and the machine's own files are never touched.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

import pytest

from test_main_job import assert_remise_is_whole, convention, demande, demandes, habilitations
from test_pickup import retrait

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAVETTE = os.environ.get("NAVETTE", "")
DEPOT = "/srv/navette/depot"
LIEU, OTHER = "rpe-firminy", "rpe-roche"
PDF = "DI_monenfant_A1.pdf"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="accounts, chroot and private mounts take root"),
    pytest.mark.skipif(not pathlib.Path("/usr/sbin/sshd").exists(), reason="openssh-server is not installed"),
    pytest.mark.skipif(not NAVETTE, reason="NAVETTE does not name the binary"),
]

PRIVATE_MOUNTS = """
set -e
mkdir "$1/etc" && cp -a /etc/. "$1/etc/"
mount --bind "$1/etc" /etc
mount -t tmpfs -o mode=0755 tmpfs /srv
mount -t tmpfs -o mode=0755 tmpfs /var/log
mount --bind "$1" /mnt
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir /run/sshd
echo ready
exec sleep infinity
"""

SSHD_CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey /etc/ssh/host_test
PidFile none
UsePAM no
StrictModes yes
Subsystem sftp /usr/lib/openssh/sftp-server
Include /etc/ssh/sshd_config.d/navette.conf
"""

# Listens where the system log would: PATH FILE.
LOG_SOCKET = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
if os.path.exists(sys.argv[1]):
    os.unlink(sys.argv[1])
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
with open(sys.argv[2], "ab", buffering=0) as log:
    while True:
        log.write(s.recv(65536).rstrip(b"\\0\\n") + b"\\n")
"""


class World:
    """The private mounts, sshd in them, and a client."""

    def __init__(self, directory):
        self.directory = directory
        self.processes = []
        self.holder = self.start(["unshare", "--mount", "--propagation", "private", "sh", "-c", PRIVATE_MOUNTS, "sh",
                                  str(directory)], stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "ready\n"
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]

    def start(self, command, **more):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **more)
        self.processes.append(process)
        return process

    def inside(self, command):
        return ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "--wd=/", *command]

    def run(self, *command, check=True):
        done = subprocess.run(self.inside(command), capture_output=True, text=True, timeout=60, check=False)
        assert not check or done.returncode == 0, (command, done.stdout, done.stderr)
        return done

    def sh(self, script, check=True):
        return self.run("sh", "-c", "set -e\n" + script, check=check)

    def as_navette(self, script):
        return self.run("setpriv", "--reuid", "navette", "--regid", "navette", "--clear-groups", "sh", "-c",
                        "set -e; umask 027\n" + script)

    def provision(self, lieu):
        return self.run(NAVETTE, "-c", "/mnt/navette.conf", "lieux", "provision", lieu, check=False)

    def start_sshd(self):
        config = self.directory / "etc/ssh/sshd_test"
        config.write_text(SSHD_CONFIG.format(port=self.port), encoding="utf-8")
        self.run("/usr/sbin/sshd", "-t", "-f", "/etc/ssh/sshd_test")
        self.start(self.inside(["/usr/sbin/sshd", "-D", "-f", "/etc/ssh/sshd_test", "-E", "/mnt/sshd.log"]))

        def answers():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        wait_for(answers)

    def ssh_options(self, key):
        return ["-F", "none", "-i", f"{self.directory}/{key}", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
                "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={self.directory}/known_hosts"]

    def sftp(self, commands, account=LIEU, key=LIEU):
        """Runs the commands one by one as `sftp -b` does; a failure ends it."""
        return subprocess.run(
            ["sftp", *self.ssh_options(key), "-P", str(self.port), "-b", "-", f"{account}@127.0.0.1"],
            input="\n".join(commands) + "\n", capture_output=True, text=True, timeout=60, check=False)

    def ssh(self, *arguments, account=LIEU):
        return subprocess.run(
            ["ssh", *self.ssh_options(account), "-p", str(self.port), f"{account}@127.0.0.1", *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(timeout=30)
            if process.stdout:
                process.stdout.close()


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


# Its own: provisioning comes before the first pass, without a database.
RUN_CONFIG = f"""
[spool]
directory = /srv/spool
stable_after = 0s
[state]
database = /srv/state/navette.db
[depot]
directory = {DEPOT}
[data]
directory = /mnt/share
[emetteur.monenfant]
flux = demandes
[emetteur.caf-421]
flux = habilitations
caf = 421
departements = 42
"""


def deliver(world):
    """One remise to each lieu by a real pass, as the navette account."""
    share = world.directory / "share"
    for part in ("xsd", "xslt", "data"):
        shutil.copytree(ROOT / part, share / part)
    shutil.copy(NAVETTE, share / "navette")
    (world.directory / "run.conf").write_text(RUN_CONFIG, encoding="utf-8")
    lieux = convention("CLI_1", {LIEU: ["42218"], OTHER: ["42207"]})
    (share / "h.xml").write_bytes(habilitations("HAB-0", lieux))
    (share / "d.xml").write_bytes(demandes("D1", demande("A1", ["42218"]), demande("B1", ["42207"])))
    world.sh("install -d -o navette -g navette -m 0700 /srv/state /srv/spool && chmod -R a+rX /mnt/share")
    for emetteur, flux in (("caf-421", "h.xml"), ("monenfant", "d.xml")):
        world.as_navette(f"mkdir -p /srv/spool/arrivee/{emetteur} && cp /mnt/share/{flux} /srv/spool/arrivee/{emetteur}/"
                         " && /mnt/share/navette -c /mnt/run.conf run --now")
    world.remise = world.sh(f"ls {DEPOT}/{LIEU}/remises").stdout.strip()
    assert world.remise.startswith(LIEU) and world.sh(f"ls {DEPOT}/{OTHER}/remises").stdout.startswith(OTHER)


def refused_provisions(world):
    """Provisioning before the accounts are right: it tells the command, which is then run as told."""
    missing = world.provision(LIEU)
    assert missing.returncode == 3 and "useradd" in missing.stderr, missing
    commands = [line.strip() for line in missing.stderr.splitlines() if line.strip().startswith(("groupadd ", "useradd "))]
    assert len(commands) == 2
    return commands


@pytest.fixture(name="world", scope="module")
def world_with_two_lieux(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sshd")
    directory.chmod(0o755)
    world = World(directory)
    try:
        (directory / "navette.conf").write_text(f"[depot]\ndirectory = {DEPOT}\n", encoding="utf-8")
        world.sh("grep -q '^navette:' /etc/passwd || useradd --system --user-group --shell /usr/sbin/nologin navette")
        for command in refused_provisions(world):
            world.sh(command)
        world.sh("useradd --user-group --groups navette-lieux --no-create-home --home-dir / --shell /usr/sbin/nologin "
                 f"--password '*' {OTHER}")
        keys = directory / "etc/ssh/navette-keys"
        keys.mkdir(mode=0o755)
        for lieu in (LIEU, OTHER):
            done = world.provision(lieu)
            assert done.returncode == 0, done
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / lieu], check=True)
            (keys / lieu).write_text((directory / f"{lieu}.pub").read_text(encoding="utf-8"), encoding="utf-8")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / "etc/ssh/host_test"], check=True)
        host = (directory / "etc/ssh/host_test.pub").read_text(encoding="utf-8")
        (directory / "known_hosts").write_text(f"[127.0.0.1]:{world.port} {host}", encoding="utf-8")
        (directory / "etc/ssh/sshd_config.d/navette.conf").write_text(
            (ROOT / "config/sshd_config.navette").read_text(encoding="utf-8"), encoding="utf-8")
        world.start_sshd()
        deliver(world)
        yield world
    finally:
        world.stop()


def test_provisioning_again_changes_nothing_and_repairs(world):
    before = world.sh(f"find {DEPOT}/{OTHER} -printf '%p %m %u %g\\n' | sort").stdout
    assert world.provision(OTHER).returncode == 0
    world.sh(f"chmod 777 {DEPOT}/{OTHER} {DEPOT}/{OTHER}/remises && chown nobody {DEPOT}/{OTHER}/retour")
    assert world.provision(OTHER).returncode == 0
    assert world.sh(f"find {DEPOT}/{OTHER} -printf '%p %m %u %g\\n' | sort").stdout == before


@pytest.mark.parametrize("share, told", [
    (f"usermod --append --groups {OTHER} {LIEU}", f"gpasswd --delete {LIEU} {OTHER}"),
    (f"useradd --no-create-home --gid {OTHER} agent", "groupadd --force agent && usermod --gid agent agent"),
])
def test_a_group_that_is_not_the_lieus_alone_is_refused_until_the_command_told_was_run(world, share, told):
    world.sh(share)
    done = world.provision(OTHER)
    assert done.returncode == 3 and done.stderr.strip().endswith(told), done
    world.sh(told)
    assert world.provision(OTHER).returncode == 0


@pytest.mark.parametrize("account", ["www-data", "daemon", "nobody", "navette"])
def test_a_system_account_is_no_lieu(world, account):
    done = world.provision(account)
    assert done.returncode == 3 and f"{account} is a system account" in done.stderr, done
    assert world.sh(f"test ! -e {DEPOT}/{account}")


def test_the_lieu_begins_in_its_remises_and_fetches_them(world, tmp_path):
    home = tmp_path / LIEU / "remises"
    home.mkdir(parents=True)
    done = world.sftp(["pwd", "ls -1", f"get -R {world.remise} {home}"])
    assert done.returncode == 0, done
    assert "Remote working directory: /remises" in done.stdout
    listed = done.stdout.split("sftp> ls -1\n")[1].split("sftp> ")[0]
    assert listed == world.remise + "\n"
    fetched = home / world.remise
    assert_remise_is_whole(fetched)
    assert (fetched / PDF).read_bytes().startswith(b"%PDF") and len(list(fetched.iterdir())) == 4


@pytest.mark.parametrize("command", [
    "put {file} /remises/x", "put {file} /remises/{remise}/x", "put {file} /remises/{remise}/" + PDF,
    "mkdir /remises/x",
    "rm /remises/{remise}/" + PDF, "rmdir /remises/{remise}", "rename /remises/{remise} /remises/x9",
    "rename /remises/{remise} /retour/{remise}",
    "chmod 777 /remises/{remise}", "chmod 777 /remises", "put {file} /x", "mkdir /x", "rmdir /retour", "rename /retour /x",
    "put {file} /dev/x", "ls /.en-cours", "put {file} /.en-cours/x", "symlink /remises/{remise} /retour/l",
    "ln /remises/{remise}/" + PDF + " /retour/l",
])
def test_the_lieu_cannot(world, tmp_path, command):
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    before = world.sh(f"find {DEPOT} -printf '%p %m %u %g %s\\n' | sort").stdout
    done = world.sftp([command.format(file=file, remise=world.remise)])
    assert done.returncode != 0, done
    assert any(word in done.stderr for word in ("ermission denied", "Failure", "not support")), done
    assert world.sh(f"find {DEPOT} -printf '%p %m %u %g %s\\n' | sort").stdout == before


def test_the_lieu_sees_nothing_beyond_its_own_depot(world):
    done = world.sftp(["cd /", "ls -1a", "cd ../../..", "pwd"])
    assert done.returncode == 0, done
    seen = {line.split("/")[-1] for line in done.stdout.splitlines() if not line.startswith(("sftp>", "Remote"))}
    assert seen <= {".", "..", ".en-cours", "dev", "remises", "retour"}
    assert "Remote working directory: /\n" in done.stdout
    for path in ("/srv", "/etc/passwd", f"../../{OTHER}/remises", f"{DEPOT}/{OTHER}"):
        done = world.sftp([f"ls {path}"])
        assert done.returncode != 0 and "not found" in done.stderr, done


def test_what_the_lieu_sends_back_is_navettes_to_take(world, tmp_path):
    (tmp_path / "retrait.xml").write_text("<retrait/>", encoding="utf-8")
    done = world.sftp([f"put {tmp_path}/retrait.xml /retour/retrait.xml.part",
                       "rename /retour/retrait.xml.part /retour/retrait.xml"])
    assert done.returncode == 0, done
    assert world.sh(f"stat -c '%a %U %G' {DEPOT}/{LIEU}/retour/retrait.xml").stdout == f"640 {LIEU} navette\n"
    world.as_navette(f"cd {DEPOT}/{LIEU}/retour && grep -q retrait retrait.xml && rm retrait.xml")


def test_a_key_opens_its_own_lieu_only(world):
    assert world.sftp(["pwd"], account=OTHER, key=OTHER).returncode == 0
    done = world.sftp(["pwd"], account=OTHER, key=LIEU)
    assert done.returncode != 0 and "Permission denied" in done.stderr, done


def test_there_is_no_shell_no_terminal_and_no_forwarding(world):
    assert "pwned" not in world.ssh("echo", "pwned").stdout
    # What was asked for is not run: SFTP answers in its place.
    assert "uid=" not in world.ssh("-tt", "id").stdout
    done = world.ssh("-W", f"127.0.0.1:{world.port}")
    assert done.returncode != 0 and "SSH-2.0" not in done.stdout, done


def listen_for_the_log(world, lieu, log="reads.log"):
    """As the system log does with its input for that lieu."""
    socket_path = f"{DEPOT}/{lieu}/dev/log"
    world.start(world.inside(["/usr/bin/python3", "-c", LOG_SOCKET, socket_path, f"/mnt/{log}"]))
    wait_for(lambda: world.sh(f"test -S {socket_path}", check=False).returncode == 0)
    return world.directory / log


def test_a_complete_read_is_logged(world, tmp_path):
    log = listen_for_the_log(world, LIEU)
    assert world.sftp([f"get {world.remise}/{PDF} {tmp_path}/x"]).returncode == 0
    size = (tmp_path / "x").stat().st_size
    expected = f'close "/remises/{world.remise}/{PDF}" bytes read {size} written 0'
    wait_for(lambda: log.exists() and expected in log.read_text(encoding="utf-8"))
    assert f"session opened for local user {LIEU}" in log.read_text(encoding="utf-8")


class Installed:
    """navette as its own account, with a spool, beside that sshd."""

    CONFIG = """
[spool]
directory = /mnt/n/spool
stable_after = 20ms
[state]
database = /mnt/n/navette.db
[depot]
directory = {depot}
sftp_log = /mnt/sftp.log
[data]
directory = /mnt/data
[emetteur.monenfant]
flux = demandes
[emetteur.caf-421]
flux = habilitations
caf = 421
"""

    def __init__(self, world):
        self.world = world
        for name in ("xsd", "xslt"):
            shutil.copytree(ROOT / name, world.directory / "data" / name)
        (world.directory / "data/data").mkdir()
        shutil.copy(ROOT / "data/communes.tsv", world.directory / "data/data")
        shutil.copytree(ROOT / "data/exemples", world.directory / "data/data/exemples")
        shutil.copy(NAVETTE, world.directory / "navette-installed")
        (world.directory / "installed.conf").write_text(self.CONFIG.format(depot=DEPOT), encoding="utf-8")
        world.sh("install -d -o navette -g navette -m 0750 /mnt/n && chmod -R a+rX /mnt/data")
        world.sh(f"rm -rf {DEPOT}/*/remises/*")  # of another navette: their names will be used again
        self.command("run || test $? = 1")

    def command(self, arguments):
        return self.world.as_navette(f"/mnt/navette-installed -c /mnt/installed.conf {arguments}").stdout

    def deposit(self, emetteur, name, flux):
        (self.world.directory / name).write_bytes(flux)
        self.world.as_navette(f"mkdir -p /mnt/n/spool/arrivee/{emetteur} && "
                              f"cp /mnt/{name} /mnt/n/spool/arrivee/{emetteur}/.{name} && "
                              f"mv /mnt/n/spool/arrivee/{emetteur}/.{name} /mnt/n/spool/arrivee/{emetteur}/{name}")
        time.sleep(0.05)  # stable_after

    def run(self):
        self.command("run --now || test $? = 1")

    def remises(self):
        return {r["lieu"]: r for r in json.loads(self.command("remises list --json"))}


def test_a_lieus_reading_and_its_acknowledgement_are_pickups_and_no_other_lieus(world, tmp_path):
    for lieu in (LIEU, OTHER):
        listen_for_the_log(world, lieu, "sftp.log")
    site = Installed(world)
    site.deposit("caf-421", "hab.xml", habilitations("HAB-0", convention("CLI_1", {LIEU: ["42218"], OTHER: ["42218"]})))
    site.run()
    site.deposit("monenfant", "dem.xml", demandes("D1", demande("B1"), demande("B2")))
    site.run()
    remises = site.remises()
    assert {r["etat"] for r in remises.values()} == {"livree"}
    mine, theirs = remises[LIEU]["remise"], remises[OTHER]["remise"]
    # What the other does, and the names that it chooses, prove nothing of this one's remise.
    pdf = f"/remises/{mine}/DI_monenfant_B1.pdf"
    forged = f'internal-sftp[1]: close "{pdf}" bytes read 1 written 0'.replace("/", "\\")
    (tmp_path / "x").write_text("x", encoding="utf-8")
    for command in (f"get {pdf} {tmp_path}/y", f"put {tmp_path}/x '/retour/{forged}'", f"get '/retour/{forged}' {tmp_path}/y"):
        world.sftp([command], account=OTHER, key=OTHER)
    assert world.sftp([f"get {theirs}/DI_monenfant_B1.pdf {tmp_path}/y"], account=OTHER, key=OTHER).returncode == 0
    wait_for(lambda: 'internal-sftp[1]: close "' in (world.directory / "sftp.log").read_text(encoding="utf-8"))
    site.run()
    assert [r["retrait_preuve"] for r in site.remises().values()] == [None, None]
    # One reads all of it, the other acknowledges.
    assert world.sftp([f"get -R {mine} {tmp_path}"]).returncode == 0
    (tmp_path / "retrait.xml").write_bytes(retrait("R-1", theirs, emetteur=OTHER))
    assert world.sftp([f"put {tmp_path}/retrait.xml /retour/r.xml.part", "rename /retour/r.xml.part /retour/r.xml"],
                      account=OTHER, key=OTHER).returncode == 0
    wait_for(lambda: f'{mine}/manifeste.xml" bytes read' in (world.directory / "sftp.log").read_text(encoding="utf-8"))
    time.sleep(0.05)
    site.run()
    found = {lieu: (r["retrait_preuve"], r["retrait_personne"]) for lieu, r in site.remises().items()}
    assert found == {LIEU: ("journal", None), OTHER: ("retrait", "P-1")}
