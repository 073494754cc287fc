"""Partners' servers that are no OpenSSH, or say what is not so: tests/support/sftpd.py behind a real sshd."""

import pathlib
import re
import sys

import pytest

from conftest import ROOT
from test_main_job import convention, demande, demandes, habilitations, rows
from test_reach import findings
from test_sftp import Sshd, open_site

pytestmark = pytest.mark.skipif(not pathlib.Path("/usr/sbin/sshd").exists(), reason="openssh-server is not installed")


@pytest.fixture(name="server")
def a_way_to_a_server(tmp_path):
    """server(options): one that behaves so."""
    servers = []

    def make(options):
        servers.append(Sshd(tmp_path / f"serveur-{len(servers)}", f"{sys.executable} {ROOT}/tests/support/sftpd.py {options}"))
        return servers[-1]
    yield make
    for sshd in servers:
        sshd.stop()


def delivered(site, sshd, name, make_directory=True):
    at = f"{name}/" if make_directory else ""
    manifest = f"{at}manifeste.xml" if make_directory else f"{name}_manifeste.xml"
    return sshd.files() == sorted([*(f"{at}DI_monenfant_{r}.{e}" for r in ("A1", "A2") for e in ("pdf", "xml")), manifest])


def deposited(site, sshd, canal):
    open_site(site, sshd, canal)
    site.deposit(demandes("D1", demande("A1"), demande("A2")))
    site.passes(code=None)
    [remise] = site.json("remises", "list")
    return remise


def test_one_that_says_that_it_renames_has_no_remise(site, server):
    sshd = server("--lie rename")
    remise = deposited(site, sshd, sshd.channel(make_directory=True))
    assert remise["etat"] == "prete" and "<renommage>false</renommage>" in remise["motif"]
    assert remise["motif"].startswith("erreur-serveur: ")
    assert not [name for name in sshd.files() if not name.endswith(".part")]
    [found] = findings(site, "--reach", subject="reach")
    assert found["etat"] == "bad" and ", rename: " in found["texte"] and "says that it renamed it" in found["texte"]


def test_one_that_says_that_it_renames_has_none_after_a_lost_connection_either(site, server, tmp_path):
    """What was said of files before it was lost is no more true then: nothing is announced, nothing counts as picked up."""
    sshd = server(f"--lie rename --drop-after-rename {tmp_path}/dropped --drop-at 3")
    remise = deposited(site, sshd, sshd.channel(make_directory=True))
    assert (tmp_path / "dropped").exists() and remise["etat"] == "prete"
    site.run("lieux", "retry", "rpe-un", code=None)
    site.passes(code=None)
    [remise] = site.json("remises", "list")
    assert remise["etat"] == "prete" and "said that it renamed it" in remise["motif"] and "taken-back" in remise["motif"]
    assert not [name for name in sshd.files() if not name.endswith(".part")] and not site.mails()
    # The partner lets it rename, and says that it has nothing of the remise.
    (sshd.path / "sincere").touch()
    site.run("remises", "taken-back", remise["remise"], "--why", "le relais n'a rien")
    site.run("lieux", "retry", "rpe-un", code=None)
    site.passes(code=None)
    [remise] = site.json("remises", "list")
    assert remise["etat"] == "livree" and delivered(site, sshd, remise["remise"])


@pytest.mark.parametrize("how", ["--mute permissions", "--mute all", "--refuse lstat=8", "--refuse lstat=3", ""])
@pytest.mark.parametrize("code", [3, 4])
def test_a_directory_of_its_own_is_found_again(site, server, tmp_path, how, code):
    """After a connection that was lost, whatever the server says of it, and of who makes it anew."""
    sshd = server(f"--drop-after-rename {tmp_path}/dropped --existing {code} {how}")
    canal = sshd.channel(make_directory=True)
    if how == "--mute all":
        canal = canal.replace("<controleTaille>true<", "<controleTaille>false<")
    assert deposited(site, sshd, canal)["etat"] == "prete"
    site.run("lieux", "retry", "rpe-un", code=None)
    site.passes(code=None)
    [remise] = site.json("remises", "list")
    assert (tmp_path / "dropped").exists()
    assert remise["etat"] == "livree" and delivered(site, sshd, remise["remise"])


@pytest.mark.parametrize("lacking", ["fsync@openssh.com", "posix-rename@openssh.com", "fsync@openssh.com=3",
                                     "posix-rename@openssh.com=3"])
def test_an_extension_that_is_named_and_not_there_is_done_without(site, server, lacking):
    sshd = server(f"--lack {lacking}")
    remise = deposited(site, sshd, sshd.channel(make_directory=True, overwrite=True))
    assert remise["etat"] == "livree" and delivered(site, sshd, remise["remise"])
    [found] = findings(site, "--reach", subject="reach", code=0)
    assert found["etat"] == "ok"


def test_a_server_that_names_the_free_space_and_refuses_it_is_believed_about_what_failed(site, server):
    sshd = server("--lack statvfs@openssh.com --refuse write=4")
    remise = deposited(site, sshd, sshd.channel(make_directory=True))
    assert remise["etat"] == "prete" and remise["motif"].startswith("erreur-serveur: write "), remise
    assert not site.json("lieux", "show", "rpe-un")["retenu"]


@pytest.mark.parametrize("options, overwrite", [("--refuse fstat=4", True), ("--refuse fstat=3", True), ("--refuse fstat=8", True),
                                                ("--no-exclusive 8", True), ("--no-exclusive 4", True), ("--no-exclusive 8", False),
                                                ("--refuse rename=3", False), ("--refuse rename=8", False)])
def test_an_operation_that_a_server_lacks_is_done_otherwise(site, server, options, overwrite):
    sshd = server(options)
    canal = sshd.channel(make_directory=True, overwrite=overwrite)
    remise = deposited(site, sshd, canal)
    assert remise["etat"] == "livree", remise
    assert delivered(site, sshd, remise["remise"])
    [found] = findings(site, "--reach", subject="reach", code=0)
    assert found["etat"] == "ok", found


def test_where_only_a_rename_that_replaces_is_allowed_nothing_is_replaced_all_the_same(site, server):
    sshd = server("--refuse rename=3")
    there = pathlib.Path(sshd.there) / "DI_monenfant_A1.pdf"
    there.write_text("d’un autre", encoding="utf-8")
    remise = deposited(site, sshd, sshd.channel(make_directory=False))
    assert remise["etat"] != "livree" and "DI_monenfant_A1.pdf" in remise["motif"], remise
    assert there.read_text(encoding="utf-8") == "d’un autre" and not site.mails()


def test_a_server_without_exclusive_creation_is_told_with_the_setting(site, server):
    sshd = server("--no-exclusive 8")
    canal = sshd.channel(make_directory=True).replace("<renommage>true<", "<renommage>false<")
    remise = deposited(site, sshd, canal)
    assert "<ecrasement>true</ecrasement>" in remise["motif"], remise
    [found] = findings(site, "--reach", subject="reach")
    assert found["etat"] == "bad" and "say <ecrasement>true</ecrasement>" in found["texte"]


def test_ok_is_no_size(site, server):
    sshd = server("--refuse fstat=0")
    remise = deposited(site, sshd, sshd.channel(make_directory=True))
    assert remise["etat"] == "prete" and "no size where it was asked for one" in remise["motif"], remise


@pytest.mark.parametrize("make_directory", [True, False])
def test_what_is_said_to_be_removed_and_is_not_counts_as_there(site, server, make_directory):
    sshd = server("--lie remove")
    remise = deposited(site, sshd, sshd.channel(make_directory=make_directory))
    assert remise["etat"] == "livree"
    site.run("remises", "withdraw", remise["remise"], "--why", "essai", "--apply")
    site.passes(code=None)
    [remise] = site.json("remises", "list")
    assert remise["etat"] == "a-rappeler" and "is still there though the server says that it removed it" in remise["motif"]
    [found] = findings(site, "--reach", subject="reach")
    assert found["etat"] == "warn" and "may be left there" in found["texte"]


def test_acknowledgements_that_cannot_be_fetched_for_want_of_a_size_are_told(site, server):
    sshd = server("--mute all")
    returns = sshd.path / "retour"
    returns.mkdir()
    canal = sshd.channel(make_directory=True).replace("<controleTaille>true<", "<controleTaille>false<").replace(
        "<preuveRetrait>disparition<", "<preuveRetrait>retrait<").replace(
        "</preuveRetrait>", f"</preuveRetrait><repertoireRetour>{returns}</repertoireRetour>")
    deposited(site, sshd, canal)
    (returns / "retrait-1.xml").write_text("<retrait/>", encoding="ascii")
    site.passes(code=None)
    assert "the server tells no sizes" in str(site.json("status")["incidents"])
    assert (returns / "retrait-1.xml").exists() and rows(site, "SELECT count(*) FROM flux") == [(2,)]


def returning(sshd, **more):
    returns = sshd.path / "retour"
    returns.mkdir()
    return returns, sshd.channel(make_directory=True).replace(
        "<preuveRetrait>disparition<", "<preuveRetrait>retrait<").replace(
        "</preuveRetrait>", f"</preuveRetrait><repertoireRetour>{returns}</repertoireRetour>")


def test_what_has_no_size_beside_an_acknowledgement_keeps_it_from_nobody(site, server):
    sshd = server("--mute directories")
    returns, canal = returning(sshd)
    deposited(site, sshd, canal)
    (returns / "a.xml").mkdir()
    (returns / "retrait-1.xml").write_text("<retrait/>", encoding="ascii")
    site.passes(code=None)
    assert not (returns / "retrait-1.xml").exists() and rows(site, "SELECT count(*) FROM flux") == [(3,)]
    assert "tells no sizes" not in str(site.json("status")["incidents"])


def test_an_acknowledgement_that_stays_where_it_was_removed_is_told(site, server):
    sshd = server("--lie remove")
    returns, canal = returning(sshd)
    deposited(site, sshd, canal)
    (returns / "retrait-1.xml").write_text("<retrait/>", encoding="ascii")
    site.passes(code=None)
    assert "still there though the server says that it removed it" in str(site.json("status")["incidents"])
    assert "retrait-1" not in str(site.json("status")["incidents"])


def test_an_acknowledgement_that_takes_the_place_of_one_just_fetched_is_fetched_as_well(site, server):
    sshd = server("--replace-after-reading")
    returns, canal = returning(sshd)
    deposited(site, sshd, canal)
    (returns / "retrait-1.xml").write_text("<retrait/>", encoding="ascii")
    (returns / "retrait-1.xml.nouveau").write_text("<retrait> </retrait>", encoding="ascii")
    site.passes(code=None)
    assert [p.name for p in returns.iterdir()] == ["retrait-1.xml"] and rows(site, "SELECT count(*) FROM flux") == [(3,)]
    site.passes(code=None)
    assert not list(returns.iterdir()) and rows(site, "SELECT count(DISTINCT sha256) FROM flux") == [(4,)]


def test_what_cannot_be_removed_is_brought_once_and_keeps_no_other_waiting(site, server):
    sshd = server("--refuse remove=3")
    returns, canal = returning(sshd)
    deposited(site, sshd, canal)
    for i in range(101):
        (returns / f"a-{i:03}.xml").write_text(f"<a n='{i}'/>", encoding="ascii")
    (returns / "z.xml").write_text("<z/>", encoding="ascii")
    assert looks(site, 3) == [100, 102, 102]
    assert "could not be removed: permission denied" in str(site.json("status")["incidents"])
    assert "could not be removed" in str(site.json("lieux", "show", "rpe-un")["regard"])
    assert "navette lieux retry rpe-un" not in str(site.json("lieux", "show", "rpe-un")["regard"])


def acknowledgements(site):
    return rows(site, "SELECT count(*) FROM flux WHERE emetteur = 'rpe-un'")[0][0]


def looks(site, count):
    """So many, one after another; how many acknowledgements were taken in after each."""
    found = []
    for _ in range(count):
        site.passes(code=None)
        site.run("lieux", "retry", "rpe-un", code=None)
        found.append(acknowledgements(site))
    return found


def leave(returns, *names):
    for name in names:
        (returns / f"{name}.xml").write_text(f"<{name}/>", encoding="ascii")


def test_a_file_at_which_the_server_hangs_up_keeps_no_other_from_being_fetched_and_nothing_is_fetched_twice(site, server):
    sshd = server("--refuse remove=3 --hang-up-at m")
    returns, canal = returning(sshd)
    deposited(site, sshd, canal)
    leave(returns, "a", "m", "z")
    assert looks(site, 4) == [1, 2, 2, 2]
    # An avenant that changes nothing of the channel changes nothing of that.
    site.deposit(habilitations("HAB-2", convention("CLI_1", {"rpe-un": ["42218"]}, canal=canal, version=2, effect=0)), "caf-421", "hab-2.xml")
    site.deposit(demandes("D2", demande("A3")), name="d2.xml")
    site.passes(code=None)
    site.run("lieux", "retry", "rpe-un")
    site.passes(code=None)
    assert acknowledgements(site) == 2


def test_a_removal_that_finds_nothing_and_leaves_the_file_is_none(site, server):
    sshd = server("--refuse remove=2")
    returns, canal = returning(sshd)
    remise = deposited(site, sshd, canal)
    (returns / "a.xml").write_text("<a/>", encoding="ascii")
    assert looks(site, 3)[-1] == 1 and "still there" in str(site.json("status")["incidents"])
    site.run("remises", "withdraw", remise["remise"], "--why", "essai", "--apply")
    site.passes(code=None)
    [remise] = site.json("remises", "list")
    assert remise["etat"] == "a-rappeler" and "is still there" in remise["motif"], remise


def test_where_no_dates_are_told_another_of_the_same_size_is_fetched(site, server):
    sshd = server("--refuse remove=3 --undated")
    returns, canal = returning(sshd)
    deposited(site, sshd, canal)
    for text in ("<a/>", "<b/>"):
        (returns / "retrait.xml").write_text(text, encoding="ascii")
        site.passes(code=None)
        site.run("lieux", "retry", "rpe-un")
    assert rows(site, "SELECT count(DISTINCT sha256) FROM flux WHERE emetteur = 'rpe-un'") == [(2,)]


def restarted(sshd, options):
    sshd.stop()
    config = sshd.path / "sshd_config"
    former = config.read_text(encoding="ascii")
    config.write_text(re.sub(r"sftpd\.py[^\n]*", f"sftpd.py {options}", former), encoding="ascii")
    sshd.start()


def test_a_server_that_hangs_up_at_a_removal_keeps_no_other_from_being_fetched(site, server):
    sshd = server("--hang-up-removing a")
    returns, canal = returning(sshd)
    deposited(site, sshd, canal)
    leave(returns, "a", "m", "z")
    assert looks(site, 3) == [0, 3, 3]
    restarted(sshd, "")
    site.passes(code=None)
    assert acknowledgements(site) == 3 and list(returns.iterdir()) == []


@pytest.mark.parametrize("code", [4, 11])
def test_what_is_issued_again_replaces_files_however_the_server_says_that_they_are_there(site, server, code):
    sshd = server(f"--existing-name {code} --lack posix-rename@openssh.com")
    first = deposited(site, sshd, sshd.channel(make_directory=False, overwrite=True))
    site.run("remises", "reissue", first["remise"], "--why", "perdue")
    site.passes(code=None)
    [again] = [r for r in site.json("remises", "list") if r["remise"] != first["remise"]]
    assert again["etat"] == "livree", again


@pytest.mark.parametrize("how", ["commune", "suspended", "moved"])
def test_a_new_issue_that_does_not_leave_takes_nothing_of_the_former_with_it(site, server, tmp_path, how):
    sshd = server("")
    canal = sshd.channel(make_directory=False)
    first = deposited(site, sshd, canal)
    there = sshd.files()
    restarted(sshd, "--refuse rename=3 --lack posix-rename@openssh.com=3")
    site.run("remises", "reissue", first["remise"], "--why", "perdue")
    site.passes(code=None)
    restarted(sshd, "")
    more = {"commune": {"lieux": {"rpe-un": ["42207"]}, "version": 2}, "suspended": {"suspended": -1},
            "moved": {"version": 2, "canal": canal.replace(f"{sshd.there}</", f"{sshd.there}/ailleurs</")}}[how]
    (sshd.there / "ailleurs").mkdir()
    flux = convention("CLI_1", **{"lieux": {"rpe-un": ["42218"]}, "canal": canal, **more})
    site.deposit(habilitations("HAB-2", flux), "caf-421", "hab-2.xml")
    for _ in range(3):
        site.passes(code=None)
        site.run("lieux", "retry", "rpe-un", code=None)
    left = [name for name in sshd.files() if not name.startswith("ailleurs/")]
    assert left == there
    assert site.json("remises", "show", first["remise"])["retiree_le"] is None


@pytest.mark.parametrize("overwrite", [True, False])
def test_where_nobody_may_rename_nothing_that_lies_there_goes_and_nothing_counts_as_picked_up(site, server, overwrite):
    sshd = server("")
    first = deposited(site, sshd, sshd.channel(make_directory=False, overwrite=overwrite))
    there = sshd.files()
    assert first["etat"] == "livree"
    restarted(sshd, "--refuse rename=3 --lack posix-rename@openssh.com=3")
    site.run("remises", "reissue", first["remise"], "--why", "perdue")
    site.passes(code=None)
    again = [r for r in site.json("remises", "list") if r["remise"] != first["remise"]]
    assert len(again) == 1 and again[0]["etat"] != "livree" and "operation-absente" in again[0]["motif"]
    assert [name for name in sshd.files() if not name.endswith(".part")] == there
    site.run("remises", "hold", again[0]["remise"], "--why", "en attente")
    site.run("lieux", "retry", "rpe-un")
    site.passes(code=None)
    assert site.json("remises", "show", first["remise"])["retiree_le"] is None
