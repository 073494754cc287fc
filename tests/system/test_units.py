"""The systemd units and the files that go with them, without a running systemd."""

import grp
import os
import pathlib
import pwd
import re
import shutil
import stat
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SYSTEMD = ROOT / "systemd"
SERVICES = ["navette.service", "navette-run.service"]
MARK = "# --- hardening"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")


def run(*command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, timeout=120, **more)


@pytest.fixture(name="units")
def units_with_a_binary(tmp_path):
    """Copies whose ExecStart exists here: verify looks for the binary."""
    for name in [*SERVICES, "navette-run.timer"]:
        text = (SYSTEMD / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("/usr/bin/navette ", "/bin/true "), encoding="utf-8")
    return tmp_path


def verify(*files):
    return run("systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", *files)


def test_units_hold_no_unknown_or_wrong_key(units):
    for name in [*SERVICES, "navette-run.timer"]:
        result = verify(units / name)
        assert result.returncode == 0, result.stderr
        assert "navette" not in result.stderr, result.stderr


def test_the_verification_can_fail(units):
    unit = units / "navette.service"
    unit.write_text(unit.read_text(encoding="utf-8").replace("ProtectHome=", "ProtectHouse="), encoding="utf-8")
    assert verify(unit).returncode != 0


@pytest.mark.parametrize("name", SERVICES)
def test_exposure_stays_low(name):
    # In tenths: 1.5. What is left is the network, which SFTP and SMTP need.
    result = run("systemd-analyze", "security", "--offline=true", "--threshold=15", SYSTEMD / name)
    assert result.returncode == 0, result.stdout[-200:]


def test_both_services_are_hardened_alike():
    blocks = []
    for name in SERVICES:
        lines = (SYSTEMD / name).read_text(encoding="utf-8").split(MARK)[1].split("\n\n[Install]")[0]
        blocks.append(lines.strip())
    assert blocks[0] == blocks[1]


def test_what_needs_attention_is_no_failure_of_the_unit():
    for name in SERVICES:
        assert "\nSuccessExitStatus=1\n" in (SYSTEMD / name).read_text(encoding="utf-8")


@as_root
def test_account_and_directories_on_a_fresh_machine(tmp_path):
    for directory in ("etc", "usr/share/navette", "usr/lib/sysusers.d", "usr/lib/tmpfiles.d", "var", "srv"):
        (tmp_path / directory).mkdir(parents=True)
    shutil.copytree(ROOT / "spool", tmp_path / "usr/share/navette/spool")
    shutil.copy(SYSTEMD / "navette.sysusers", tmp_path / "usr/lib/sysusers.d/navette.conf")
    shutil.copy(SYSTEMD / "navette.tmpfiles", tmp_path / "usr/lib/tmpfiles.d/navette.conf")
    (tmp_path / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n", encoding="utf-8")
    (tmp_path / "etc/group").write_text("root:x:0:\n", encoding="utf-8")

    dry = run("systemd-sysusers", f"--root={tmp_path}", "--dry-run", "navette.conf")
    assert dry.returncode == 0 and "navette" in dry.stderr + dry.stdout, dry.stderr
    made = run("systemd-sysusers", f"--root={tmp_path}", "navette.conf")
    assert made.returncode == 0, made.stderr
    passwd = (tmp_path / "etc/passwd").read_text(encoding="utf-8")
    account = re.search(r"^navette:x:(\d+):(\d+):[^:]*:/var/lib/navette:/usr/sbin/nologin$", passwd, re.M)
    assert account, passwd
    navette_uid, navette_gid = int(account[1]), int(account[2])

    files = run("systemd-tmpfiles", f"--root={tmp_path}", "--create", "navette.conf")
    assert files.returncode == 0, files.stderr
    expected = {
        "var/spool/navette": ("0711", navette_uid, navette_gid),
        "var/spool/navette/arrivee": ("0711", navette_uid, navette_gid),
        "var/spool/navette/accuses": ("0711", navette_uid, navette_gid),
        "var/spool/navette/travail": ("0700", navette_uid, navette_gid),
        "var/spool/navette/rejet": ("0700", navette_uid, navette_gid),
        "var/spool/navette/depart": ("0700", navette_uid, navette_gid),
        "var/spool/navette/courriels": ("0700", navette_uid, navette_gid),
        "var/lib/navette": ("0700", navette_uid, navette_gid),
        "srv/navette": ("0755", 0, 0),
        "srv/navette/depot": ("0750", 0, navette_gid),
        "etc/navette/credentials": ("0750", 0, navette_gid),
    }
    for path, (mode, owner, group) in expected.items():
        status = (tmp_path / path).stat()
        assert (f"{stat.S_IMODE(status.st_mode):04o}", status.st_uid, status.st_gid) == (mode, owner, group), path
    for directory in (ROOT / "spool").iterdir():
        copy = tmp_path / "var/spool/navette" / directory.name / "README.md"
        assert copy.read_bytes() == (directory / "README.md").read_bytes()


@as_root
def test_a_sender_deposits_and_the_daemon_takes_it_away(tmp_path):
    """The modes that spool/arrivee/README.md tells the administrator to set, tried with two accounts."""
    readme = (ROOT / "spool/arrivee/README.md").read_text(encoding="utf-8")
    modes = dict(re.findall(r"install -d .* -m (\d+) /var/spool/navette/(\w+)/NAME", readme)[i][::-1] for i in (0, 1))
    assert modes == {"arrivee": "2770", "accuses": "2750"}

    daemon, sender = pwd.getpwnam("daemon").pw_uid, pwd.getpwnam("games").pw_uid
    daemon_group, sender_group = grp.getgrnam("daemon").gr_gid, grp.getgrnam("games").gr_gid
    stranger = pwd.getpwnam("nobody").pw_uid
    for parent in [tmp_path, *tmp_path.parents[:-2]]:
        parent.chmod(parent.stat().st_mode | 0o711)
    layout = [
        ("arrivee", daemon, daemon_group, 0o711),
        ("accuses", daemon, daemon_group, 0o711),
        ("travail", daemon, daemon_group, 0o700),
        ("arrivee/x", sender, daemon_group, int(modes["arrivee"], 8)),
        ("accuses/x", daemon, sender_group, int(modes["accuses"], 8)),
    ]
    for name, owner, group, mode in layout:
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, owner, group)
        (tmp_path / name).chmod(mode)

    def as_user(uid, gid, script):
        return run("/bin/sh", "-ec", f"umask 027; cd {tmp_path}; {script}", user=uid, group=gid, extra_groups=[])

    assert as_user(sender, sender_group, "echo flux > arrivee/x/.a && mv arrivee/x/.a arrivee/x/a.xml").returncode == 0
    assert as_user(stranger, 65534, "ls arrivee/x").returncode != 0
    assert as_user(stranger, 65534, "ls arrivee").returncode != 0
    taken = as_user(daemon, daemon_group, "mv arrivee/x/a.xml travail/1 && cat travail/1 && echo AR > accuses/x/a.xml")
    assert taken.returncode == 0 and taken.stdout == "flux\n", taken.stderr
    assert as_user(sender, sender_group, "cat travail/1").returncode != 0
    fetched = as_user(sender, sender_group, "cat accuses/x/a.xml")
    assert fetched.returncode == 0 and fetched.stdout == "AR\n", fetched.stderr
    assert as_user(stranger, 65534, "cat accuses/x/a.xml").returncode != 0
