"""Any operation fails, or is the last one: nothing lost, nothing twice, nothing left over (torture.py says what is held).

Here a sample of the points, spread over all of them; NAVETTE_TORTURE=all takes every one, as tools/torture does.
"""

import base64
import contextlib
import email.message
import os
import pathlib
import re
import shlex
import shutil
import sqlite3
import subprocess

import pytest

import torture
from conftest import ROOT

pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(not pathlib.Path("/usr/sbin/sshd").exists(), reason="openssh-server is not installed")]
SAMPLE = 70


@pytest.fixture(name="bench", scope="module")
def a_torture(navette):
    with torture.place() as place, torture.Torture(navette, place, max(2, os.cpu_count() or 2)) as bench:
        if not bench.look():
            pytest.skip("a binary without fault points")
        yield bench


def test_the_scene_is_what_it_should_be(bench):
    expected = {(lieu, f"DI_monenfant_{r}.{e}") for e in ("pdf", "xml")
                for r, communes in (("A1", [torture.NORD]), ("A2", [torture.NORD, torture.SUD]), ("A3", [torture.SUD]),
                                    ("C1", [torture.NORD]))
                for lieu in torture.lieux_of(*communes)}
    assert {(lieu, name) for lieu, name, _ in bench.expected["delivered"]} == expected
    assert len(bench.expected["delivered"]) == len(expected)
    assert [a[1:5] for a in bench.expected["answers"]] == [
        ("hab-1.xml", "accepte", None, ()), ("d1.xml", "partiel", None, ("COMMUNE_INCONNUE",)),
        ("d2.xml", "refuse", "TOTAUX_FAUX", ()), ("d3.xml", "accepte", None, ())]
    assert bench.expected["sans-lieu"] == [("A5",)]
    assert all(count > 10 for kind, count in bench.counts.items() if not kind.endswith((":courriel", ":alerte"))), bench.counts
    assert list(bench.counts) == [kind + scene for scene in torture.SCENES for kind in torture.KINDS]


def test_the_scene_of_what_follows_a_delivery_is_what_it_should_be(bench):
    """Nothing of the withdrawn remises, the one issued again twice, each pickup known by its own evidence, each act traced once."""
    came = bench.reached[":suites"]
    of = {"depot-nord": [], "sftp-plat": ["E1"], "depot-sud": ["A2", "A3", "E1"], "courriel-sud": ["E1"],
          "sftp-nord": ["A1", "A2", "C1"], "sftp-sans-renommage": ["A1", "A1", "A2", "A2", "C1", "C1"]}
    assert [(lieu, name) for lieu, name, _ in came["delivered"]] == sorted(
        (lieu, f"DI_monenfant_{r}.{e}") for lieu, references in of.items() for r in references for e in ("pdf", "xml"))
    assert [a[:4] for a in came["answers"]][-1] == ("sftp-nord", "retrait.xml", "accepte", None)
    assert came["withdrawn"] == [("courriel-sud", None, "annulee"), ("depot-nord", None, "annulee"), ("sftp-plat", None, "annulee")]
    assert came["withdrawn demandes"] == [("courriel-sud", "A2"), ("courriel-sud", "A3"), ("depot-nord", "A1"), ("depot-nord", "A2"), ("depot-nord", "C1"),
                                          ("sftp-plat", "A2"), ("sftp-plat", "A3")]
    assert came["issued again"] == [("sftp-sans-renommage", "livree", "livree")]
    assert came["picked up"] == [("depot-sud", "journal", None, "tenue"), ("sftp-nord", "retrait", "P-1", "tenue")]
    assert came["held"] == [] and came["sans-lieu"] == [("A5",)]
    assert came["traces"] == [("demande.retiree", 7), ("remise.rappel", 3), ("remise.rappelee", 3), ("remise.reemission", 1),
                              ("remise.retiree", 2)]


def test_the_scene_of_an_avenant_is_what_it_should_be(bench):
    """As if there had been none, but for where what was not there yet lies."""
    came = bench.reached[":avenant"]
    assert came["delivered"] == bench.expected["delivered"]
    assert sorted(came["conventions"]) == [("CLI_1", 1), ("CLI_1", 2)]
    scene = bench.scene()
    bench.strike(scene, "1:eio@none:avenant")
    scene.converge()
    places = {lieu: path.is_relative_to(scene.site.depot) for lieu, _, path, _ in scene.manifests()}
    assert places == {"depot-nord": True, "depot-sud": True, "sftp-nord": True, "sftp-plat": False, "sftp-sans-renommage": False,
                      "courriel-sud": False}
    mails = {name: copies for name, copies in scene.mails().items() if name.endswith(".contenu")}
    assert {name.split("-2")[0] for name in mails} == {"sftp-sans-renommage"}
    assert [part.get_content_type() for [mail] in mails.values() for part in email.message_from_bytes(mail).walk()] == len(mails) * [
        "multipart/mixed", "text/plain", "application/pdf"]
    # The dépôts are provisioned ones: navette made none of their directories.
    assert scene.provisioned and "create = no" in scene.site.config.read_text(encoding="utf-8")
    assert {d.name for d in (scene.site.depot / "sftp-nord").iterdir()} == {"remises", "retour", ".en-cours", "dev"}
    if os.geteuid() == 0:
        assert len({(scene.site.depot / lieu / "remises").stat().st_gid for lieu, there in places.items() if there}) == 3
    scene.remove()


def test_connections_to_one_account_are_open_side_by_side(bench):
    """The second lieu's before the first one's files have their names; the third connection is another server's."""
    def side_by_side():
        names = [name for name, *_ in bench.untouched("")]
        return names[:names.index("sftp.rename")].count("ssh.connect") == 3
    assert any(side_by_side() for _ in range(10))


def test_the_scene_of_a_mail_has_a_person_who_is_told_later(bench):
    scene = bench.scene()
    bench.strike(scene, "1:eio@none:courriel")
    waits = ("SELECT n.etat, (SELECT group_concat(destinataire) FROM notification_recue t WHERE t.remise_id = r.id AND refus IS NULL) FROM notification n "
             "JOIN remise r ON r.id = n.remise_id JOIN lieu l ON l.id = r.lieu_id WHERE l.identifiant = 'courriel-sud'")
    assert torture.rows(scene.site, waits) == [("a-envoyer", "P-1")]
    scene.converge()
    assert torture.rows(scene.site, waits) == [("envoyee", "P-1,P-2")]
    scene.check(bench.expected, mails_at_most=1)
    scene.remove()


def test_the_sample_has_the_alerts_sending_and_its_answer_in_every_way(bench):
    points = {point.split(":", 1)[1] for point in bench.of_the_alert}
    assert {f"{kind}@smtp.send:alerte" for kind in ("lost", "after", "kill", "killafter")} <= points
    assert {f"{kind}@sqlite.commit:alerte" for kind in ("busy", "after", "kill", "killafter")} <= points
    assert set(bench.of_the_alert) <= set(bench.sample(SAMPLE))


def test_the_sample_has_every_scene_and_kind(bench):
    sample, scenes = bench.sample(SAMPLE), ("", ":apart", ":suites", ":avenant")
    assert {point.split(":", 1)[1] for point in sample if "@" not in point} == {
        kind + scene for scene in scenes for kind in torture.KINDS}
    assert len(sample) == len(set(sample)) <= SAMPLE + 11
    assert len(bench.of_the_renames) == 2 and set(bench.of_the_renames) <= set(sample)
    # Each kind elsewhere in the scenes' passes.
    for kind in torture.KINDS:
        depths = sorted(int(point.split(":")[0]) / bench.counts[kind + scene] for scene in scenes
                        for point in sample if re.fullmatch(rf"\d+:{kind}{scene}", point))
        assert depths[0] > 0.04 and all(later - sooner > 0.19 for sooner, later in zip(depths, depths[1:])), (kind, depths)


def test_a_sample_can_be_of_one_scene(bench):
    suites = bench.sample(12, [":suites"])
    assert {point.split(":", 1)[1] for point in suites} == {f"{kind}:suites" for kind in torture.KINDS}
    assert set(bench.sample(12, [":courriel"])) == set(bench.of_the_mail)


@pytest.mark.parametrize("options", ["--scene suites --point 1:eio", "--soak --scene apart"])
def test_a_scene_that_would_be_ignored_is_refused(options):
    done = subprocess.run([ROOT / "tools/torture", *options.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--scene" in done.stderr.splitlines()[-1]


def test_the_sample_has_whatever_is_done_for_a_remise_by_mail(bench):
    """Composed, stored, sent, marked as in doubt before its last byte, its answer remembered; then its notification,
    for which whoever is put off is asked a second time."""
    names = [re.sub(r"\d+:\w+@|:courriel", "", point) for point in bench.of_the_mail]
    stored = ["unlink", "create", "write", "fsync", "rename", "fsync"]
    sent = 4 * ["smtp.send"]
    assert names == [*stored, *sent, *stored, *stored, *sent, *sent]
    assert {f"{n}:{kind}@smtp.send:courriel" for n in (1, 2, 3) for kind in ("lost", "after", "kill", "killafter")} <= set(bench.of_the_mail)
    assert set(bench.of_the_mail) <= set(bench.sample(SAMPLE))


def test_what_is_held_can_fail(bench):
    """The checks see what a fault would leave behind."""
    scene = bench.scene()
    scene.converge()
    scene.check(bench.expected)
    delivered = next(scene.at_partner("sftp-nord").glob("*/*.pdf"))
    mailed = next(path for path in bench.outside.mails(scene.domain) if b".contenu@" in path.read_bytes())
    at_depot = next(scene.site.depot.glob("*/remises/*/*.xml"))
    damages = {
        scene.at_partner("sftp-plat") / "DI_monenfant_A3.pdf.part": b"",
        scene.site.spool / "travail/monenfant/reste.xml": b"",
        scene.site.spool / "accuses/monenfant/.reste.tmp": b"",
        scene.site.spool / "accuses/monenfant/note.txt": torture.MARK.encode(),
        scene.site.database.with_name("navette.db.copie"): torture.MARK.encode(),
        delivered: delivered.read_bytes()[:-1],
        at_depot: at_depot.read_bytes() + b" ",
        at_depot.parent / "DI_monenfant_A9.xml": b"",
        scene.temporary / "navette-x": b"",
        mailed: mailed.read_bytes().replace(b"application/pkcs7-mime", b"text/plain").split(b"\r\n\r\n")[0]
        + b"\r\n\r\n" + base64.b64encode(torture.MARK.encode()),
    }
    for path, content in damages.items():
        before = path.read_bytes() if path.exists() else None
        path.write_bytes(content)
        with pytest.raises(AssertionError):
            scene.check(bench.expected)
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
    scene.check(bench.expected)
    other = at_depot.parent.with_name("autre")
    shutil.copytree(at_depot.parent, other)
    with pytest.raises(AssertionError):
        scene.check(bench.expected)
    shutil.rmtree(other)
    at_depot.chmod(0o644)
    with pytest.raises(AssertionError):
        scene.check(bench.expected)
    at_depot.chmod(0o640)
    scene.check(bench.expected)
    # A mail may come twice, with the same bytes.
    changed = scene.path / "autre.eml"
    changed.write_bytes(mailed.read_bytes() + b"\r\n")
    bench.outside.recipients[changed] = bench.outside.recipients[mailed]
    taken = bench.outside.taken[scene.domain]
    taken.append(mailed)
    scene.check(bench.expected)
    for more in ([changed], [mailed, mailed]):
        taken[-1:] = more
        with pytest.raises(AssertionError):
            scene.check(bench.expected)


def test_what_is_held_of_each_person_can_fail(bench):
    scene = bench.scene()
    scene.converge()
    scene.check(bench.expected, mails_at_most=1)
    told = bench.outside.recipients
    path = next(path for path in bench.outside.mails(scene.domain) if len(told[path]) == 2)
    first, second = both = told[path]
    for wrong in ([first], [first, first], [*both, scene.box(torture.REFUSED)], [*both, scene.box(torture.GONE)], [*both, second]):
        told[path] = wrong
        with pytest.raises(AssertionError):
            scene.check(bench.expected, mails_at_most=1)
    told[path] = both
    scene.check(bench.expected, mails_at_most=1)
    good = scene.site.database.read_bytes()
    for change in ("DELETE FROM notification_recue WHERE destinataire = 'P-2'", "UPDATE notification SET destinataires = 3",
                   "UPDATE notification_recue SET refus = NULL WHERE destinataire = 'P-3'", "DROP TRIGGER trace_sans_effacement; DELETE FROM trace "
                   "WHERE seq = (SELECT max(seq) FROM trace WHERE action = 'notification.acceptee')",
                   "UPDATE trace_detail SET detail = replace(detail, 'non-joints=P-3', 'non-joints=P-4')"):
        with contextlib.closing(sqlite3.connect(scene.site.database)) as db, db:
            db.executescript(change)
        with pytest.raises(AssertionError):
            scene.check_persons(sorted(r[0] for r in torture.rows(scene.site, "SELECT nom FROM remise WHERE etat = 'livree'")), 1)
        scene.site.database.write_bytes(good)
    scene.check(bench.expected, mails_at_most=1)


@pytest.mark.parametrize("options, sealed", [
    ("--encrypt {p} o 256 --", True), ("--encrypt {p} o 128 --use-aes=y --", False), ("--encrypt {p} o 256 --cleartext-metadata --", True),
    ("--encrypt '' o 256 --", False), ("--encrypt other o 256 --", None), ("", False)])
def test_a_pdf_that_others_can_read_is_seen(tmp_path, options, sealed):
    """Compressed, a family's name would not be found in it."""
    out = tmp_path / "out.pdf"
    words = [word.format(p=torture.PASSWORD) for word in shlex.split(options)]
    subprocess.run(["qpdf", "--empty", "--allow-weak-crypto", *words, out], check=True)
    if sealed is None:
        with pytest.raises(torture.pikepdf.PasswordError):
            torture.is_sealed(out.read_bytes())
    else:
        assert torture.is_sealed(out.read_bytes()) == sealed
    mail = email.message.EmailMessage()
    mail.add_attachment(out.read_bytes(), maintype="application", subtype="pdf")
    if sealed:
        torture.sealed(mail)
    elif sealed is False:
        with pytest.raises(AssertionError):
            torture.sealed(mail)


def test_what_is_held_of_what_follows_a_delivery_can_fail(bench):
    scene = bench.scene()
    scene.struck_at_follow_up("count:/dev/null")
    scene.converge()
    expected = bench.reached[":suites"]
    scene.check(expected)
    withdrawn, = torture.rows(scene.site, "SELECT nom FROM remise WHERE etat = 'rappelee' AND nom LIKE 'sftp-plat%'")[0]
    again, = torture.rows(scene.site, "SELECT nom FROM remise WHERE reemise_de IS NOT NULL")[0]
    manifest = scene.at_partner("sftp-sans-renommage") / again / "manifeste.xml"
    damages = {
        scene.returns / "retrait.xml": b"",
        scene.at_partner("sftp-plat") / f"{withdrawn}_manifeste.xml": b"",
        scene.at_partner("sftp-plat") / "DI_monenfant_A3.xml": b"",
        manifest: manifest.read_bytes() + b" ",
        scene.site.spool / "arrivee/sftp-nord/.retrait.xml.retour": b"",
    }
    remise = next((scene.site.depot / "depot-sud/remises").iterdir())
    for mode, group in ((0o750, scene.group_of("depot-sud")), (0o2750, 1))[:1 if os.geteuid() else 2]:
        os.chown(remise, -1, group)
        remise.chmod(mode)
        with pytest.raises(AssertionError):
            scene.check(expected)
    os.chown(remise, -1, scene.group_of("depot-sud"))
    remise.chmod(0o2750)
    for path, content in damages.items():
        before = path.read_bytes() if path.exists() else None
        path.write_bytes(content)
        with pytest.raises(AssertionError):
            scene.check(expected)
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
    scene.check(expected)
    good = scene.site.database.read_bytes()
    for change in ("UPDATE remise SET rappelee_le = NULL WHERE etat = 'rappelee'", "UPDATE remise SET reemise_de = NULL",
                   "UPDATE remise SET retiree_le = 1 WHERE etat = 'rappelee'", "UPDATE echeance SET etat = 'ouverte'",
                   "UPDATE remise SET retrait_preuve = 'disparition' WHERE retrait_preuve = 'journal'",
                   "UPDATE acheminement SET etat = 'remis'", "UPDATE demande SET retenue = 'essai' WHERE reference = 'A5'", "INSERT INTO alerte VALUES ('421', '2026-01-01', 1, 0, NULL, 1)"):
        with contextlib.closing(sqlite3.connect(scene.site.database)) as db, db:
            db.execute(change)
        with pytest.raises(AssertionError):
            scene.check(expected)
        scene.site.database.write_bytes(good)
    scene.check(expected)


def test_after_any_fault_each_demande_is_at_each_lieu_once(bench):
    everything = os.environ.get("NAVETTE_TORTURE") == "all"
    points = bench.every() if everything else bench.sample(SAMPLE)
    tried = bench.try_all(points)
    assert [f"{t.point}: {t.fault}" for t in tried if t.fault] == []
    struck = sum(t.struck for t in tried)  # how much there is to take apart differs from pass to pass
    assert struck >= len(points) * 0.85, f"only {struck} of {len(points)} passes were struck"


@pytest.mark.parametrize("point", ["1+:enospc", "9+:eio", "20+:busy", "1+:lost", "3+:refused", "1+:lost:apart", "1+:refused:apart"])
def test_a_fault_that_stays_loses_nothing(bench, point):
    tried = bench.try_point(point)
    assert tried.struck and not tried.fault, tried.fault


def test_serve_killed_again_and_again_under_a_steady_inflow(bench):
    torture.soak(bench.binary, pathlib.Path(bench.place) / "soak", bench.outside, kills=8)


def test_what_cannot_be_understood_is_said(bench):
    for fault in ("0:eio", "3:rubbish", "3:rubbish@write", "eio", "3+eio", "count:/nowhere/file"):
        done = subprocess.run(bench.scene().site.command("run"), env={**os.environ, "NAVETTE_FAULT": fault}, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 2 and "NAVETTE_FAULT" in done.stderr, fault


def compiled(source, tmp_path, name):
    """The object file that a release build makes of it."""
    out = tmp_path / f"{name}.o"
    subprocess.run(["c++", "-std=c++20", "-O2", "-c", "-I", ROOT / "src", "-D_GLIBCXX_ASSERTIONS", "-o", out, source], check=True)
    return out


def test_a_release_build_has_no_fault_points(tmp_path):
    """The code of a file with points is, byte for byte, that of the same file without."""
    source = ROOT / "src/base/atomic_file.cpp"
    text = source.read_text(encoding="utf-8")
    bare, points = re.subn(r"fault::system_call\(\"\w+\", \[&\] \{ return (.*?); \}\)", r"\1", text, flags=re.S)
    assert points > 0
    (tmp_path / "bare.cpp").write_text(bare, encoding="utf-8")
    code = []
    for name, path in (("with", source), ("without", tmp_path / "bare.cpp")):
        text = compiled(path, tmp_path, name)
        subprocess.run(["objcopy", "-O", "binary", "--only-section=.text*", text, tmp_path / name], check=True)
        code.append((tmp_path / name).read_bytes())
    assert code[0] == code[1] and len(code[0]) > 500
    sources = [path for path in sorted((ROOT / "src").rglob("*.cpp")) if "fault::" in path.read_text(encoding="utf-8")]
    assert len({path.parent for path in sources}) > 6
    for source in (*sources, ROOT / "src/base/fault.cpp"):
        made = compiled(source, tmp_path, "names")
        names = subprocess.run(["nm", "-C", made], capture_output=True, text=True, check=True)
        assert "fault::" not in names.stdout, source
        assert not re.search(rb"\b(sftp|ssh|smtp|sqlite)\.(?!cpp\b|h\b)[a-z]+", made.read_bytes()), source
