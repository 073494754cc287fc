"""`check --reach`: every partner's server and the mail server tried without delivering, and which setting to change."""

import contextlib
import datetime
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess

import pytest

from test_main_job import convention, day, dump_of_tables, habilitations
from test_notification import MailServer
from test_serve import wait_for
from test_sftp import Sshd, open_site

pytestmark = pytest.mark.skipif(not pathlib.Path("/usr/sbin/sshd").exists(), reason="openssh-server is not installed")

STEPS = "credential, name, connection, SSH, host key, login, SFTP, directory"


@pytest.fixture(name="server")
def a_way_to_a_server(tmp_path):
    """server(subsystem): one that admits the key of the first one."""
    servers = []

    def make(subsystem="internal-sftp"):
        servers.append(Sshd(tmp_path / f"serveur-{len(servers)}", subsystem))
        servers[-1].admit(servers[0])
        return servers[-1]
    yield make
    for server in servers:
        server.stop()


@contextlib.contextmanager
def silent_server():
    """Accepts, and says nothing."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(64)
        yield s


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def put_secret(site, name, data, mode=0o600):
    path = site.path / "justificatifs" / name
    path.write_bytes(data)
    path.chmod(mode)


def findings(site, *options, subject, code=(0, 1)):
    return [f for f in site.json("check", *options, code=code) if f["sujet"] == subject]


def flat(server, name, **more):
    """A channel without a directory a remise: its own directory there is one lieu's."""
    own = server.there / name
    own.mkdir()
    return server.channel(make_directory=False, **more).replace(f"{server.there}</", f"{own}</")


def open_partners(site, sshd, canaux, more=""):
    """One lieu a channel, known to navette; their findings come in the order of their names."""
    open_site(site, sshd, canaux, {name: ["42218"] for name in canaux}, more=more)
    put_secret(site, "autre-cle", (sshd.path / "hote").read_bytes())
    put_secret(site, "mot-de-passe", b"mot de passe\n")
    put_secret(site, "abimee", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
    put_secret(site, "ouverte", (sshd.path / "cle").read_bytes(), 0o644)
    put_secret(site, "deux-lignes", b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n")
    key = (sshd.path / "hote.pub").read_text(encoding="ascii")
    put_secret(site, "hotes", f"[127.0.0.1]:{sshd.port} {key}".encode())
    put_secret(site, "hotes-autres", f"[127.0.0.2]:{sshd.port} {key}".encode())
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", sshd.path / "ancienne"], check=True)
    put_secret(site, "hotes-anciens", f"[127.0.0.1]:{sshd.port} {(sshd.path / 'ancienne.pub').read_text('ascii')}".encode())
    site.passes(code=0)


def texts(found):
    return {f["texte"].split(" ")[0]: (f["etat"], f["texte"]) for f in found}


def known(channel, name):
    """The same server, by a known_hosts file."""
    head, tail = channel.split("<empreinteHote>")
    return head + f"<hotesConnus>{name}</hotesConnus>" + tail.split("</empreinteHote>")[1]


def test_each_fault_names_the_setting_to_change(site, server):
    sshd, norename, readonly = server(), server("internal-sftp -P rename,posix-rename"), server("internal-sftp -R")
    nomkdir, noremove = server("internal-sftp -P mkdir"), server("internal-sftp -P remove")
    nosftp = server("/bin/false")
    good = flat(sshd, "bon")
    with silent_server() as silent:
        stalled = sshd.channel(port=silent.getsockname()[1])
        canaux = {
            "ancien-connu": known(flat(sshd, "ancien-connu"), "hotes-anciens"),  # tried first, over the good ones' account
            "bon": good,
            "bon-complet": sshd.channel(make_directory=True, overwrite=True),
            "bon-connu": known(flat(sshd, "bon-connu"), "hotes"),
            "bon-sans-renommage": flat(norename, "sans", rename=False),
            "faux-cle": flat(sshd, "faux-cle").replace("cle-partenaire", "autre-cle"),
            "faux-cle-hote": flat(sshd, "faux-cle-hote").replace(sshd.fingerprint(), "SHA256:" + 43 * "A"),
            "faux-compte": good.replace("<utilisateur>", "<utilisateur>absent-"),
            "faux-connu": known(flat(sshd, "faux-connu"), "hotes-autres"),
            "faux-ecriture": server("internal-sftp -P write").channel(make_directory=False),
            "faux-fige": stalled,
            "faux-lecture": readonly.channel(make_directory=False),
            "faux-lecture-mkdir": readonly.channel(),
            "faux-mkdir": nomkdir.channel(),
            "faux-mot": flat(sshd, "faux-mot").replace("cle-partenaire", "mot-de-passe"),
            "faux-nom": flat(sshd, "faux-nom").replace("127.0.0.1", "serveur.invalid"),
            "faux-port": sshd.channel(port=free_port()),
            "faux-renommage": flat(norename, "avec"),
            "faux-repertoire": good.replace(f"{sshd.there}/bon</", f"{sshd.there}/absent</"),
            "faux-retrait": noremove.channel(make_directory=False),
            "faux-sftp": nosftp.channel(),
        }
        open_partners(site, sshd, canaux)
        before = dump_of_tables(site)
        found = findings(site, "--reach", subject="reach", code=1)
    assert [f["texte"].split(" ")[0] for f in found] == sorted(canaux)
    said = texts(found)
    write = f"{STEPS}, write, size"
    assert said["bon"] == ("ok", f"bon (sftp 127.0.0.1:{sshd.port}) takes deliveries ({write}, rename, removal)")
    assert f"{STEPS}, making a directory, write, size, rename, replace, removal)" in said["bon-complet"][1]
    assert f"({write}, removal)" in said["bon-sans-renommage"][1]
    expected = {
        "ancien-connu": ("host key: ", sshd.fingerprint(), "hotes-anciens, the file of <hotesConnus>", "by another way"),
        "faux-ecriture": ("write: ", "Permission denied", "write there"),
        "faux-cle": ("login: ", "its key is not accepted", "<utilisateur>", "autre-cle of <identifiantSecret>", "admit our key"),
        "faux-cle-hote": ("host key: ", sshd.fingerprint(), "<empreinteHote>", "by another way"),
        "faux-compte": ("login: ", "<utilisateur>"),
        "faux-connu": ("credential: ", "hotes-autres", "<hotesConnus>"),
        "faux-fige": ("SSH: ", "no answer", "<port>", "(went well: credential, name, connection)"),
        "faux-lecture": ("write: ", "<repertoire>", f"(went well: {STEPS})"),
        "faux-lecture-mkdir": ("making a directory: ", "nor may it write there", "<repertoire>"),
        "faux-mkdir": ("making a directory: ", "<creationRepertoire>false</creationRepertoire>"),
        "faux-mot": ("login: ", "<utilisateur>", "put the password"),
        "faux-nom": ("name: ", "has no address", "<hote>", "(went well: credential)"),
        "faux-port": ("connection: ", "refused", "<port>", "(went well: credential, name)"),
        "faux-renommage": ("rename: ", "<renommage>false</renommage>", f"(went well: {write})"),
        "faux-repertoire": ("directory: ", "absent is not there", "<repertoire>"),
        "faux-sftp": ("SFTP: ", "have the partner open SFTP"),
    }
    for name, (step, *words) in expected.items():
        state, text = said[name]
        assert state == "bad" and f", {step}" in text, text
        assert not [w for w in words if w not in text], (words, text)
    assert "our key" not in said["faux-mot"][1]
    # What cannot be removed is told with its path, and is no obstacle to deliveries.
    state, text = said["faux-retrait"]
    left = [p for p in noremove.there.rglob("*") if p.is_file()]
    assert state == "warn" and len(left) == 1 and f"{left[0]} may be left there" in text
    assert left[0].name.startswith(".navette-essai-")
    assert [f["etat"] for f in found if f["texte"].startswith("bon")] == ["ok"] * 4
    # Nothing else stays, there or here.
    for other in (sshd, norename, readonly, nomkdir, nosftp):
        assert other.files() == [] and not [p for p in other.there.rglob(".navette*")]
    assert dump_of_tables(site) == before


def test_without_reach_the_credentials_are_looked_at_and_no_server_is(site, server):
    sshd = server()
    with silent_server() as silent:
        silent.settimeout(0)
        channel = sshd.channel(port=silent.getsockname()[1])
        canaux = {name: channel.replace("cle-partenaire", name)
                  for name in ("abimee", "absente", "autre-cle", "deux-lignes", "ouverte")}
        canaux["hotes"] = known(channel, "hotes-autres")
        open_partners(site, sshd, canaux)
        said = texts(findings(site, subject="partner", code=1))
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert said["autre-cle"][0] == "ok" and said["autre-cle"][1].endswith("has its credentials (credential)")
    expected = {"abimee": "abimee (<identifiantSecret>)", "absente": "absente is missing", "hotes": "<hotesConnus>",
                "deux-lignes": "neither a private key in OpenSSH or PEM form", "ouverte": "open to everybody"}
    for name, words in expected.items():
        assert said[name][0] == "bad" and words in said[name][1]
    assert "Encryption" not in str(said)


def test_where_acknowledgements_are_fetched_is_read_too(site, server):
    sshd = server()
    canaux = {}
    for name in ("rpe-bon", "rpe-absent", "rpe-ferme"):
        there = sshd.path / name
        canaux[name] = sshd.channel().replace("<connexions>", f"<repertoireRetour>{there}</repertoireRetour><connexions>")
        if name != "rpe-absent":
            there.mkdir()
            (there / "retrait.xml").write_text("<retrait/>", encoding="ascii")
    (sshd.path / "rpe-ferme/retrait.xml").unlink()
    (sshd.path / "rpe-ferme").rmdir()
    (sshd.path / "rpe-ferme").write_text("", encoding="ascii")
    open_partners(site, sshd, canaux)
    (sshd.path / "rpe-bon/retrait.xml").write_text("<retrait/>", encoding="ascii")
    said = texts(findings(site, "--reach", subject="reach", code=1))
    assert said["rpe-bon"][0] == "ok" and said["rpe-bon"][1].endswith("removal, return directory)")
    for name in ("rpe-absent", "rpe-ferme"):
        state, text = said[name]
        assert state == "warn" and ", return directory: " in text and "<repertoireRetour>" in text
    assert (sshd.path / "rpe-bon/retrait.xml").exists()


def test_a_server_that_lets_navette_in_and_opens_no_session_is_told_at_that_step(site, tmp_path):
    sshd = Sshd(tmp_path / "serveur", more="MaxSessions 0\n")
    try:
        open_partners(site, sshd, {"rpe-un": sshd.channel()})
        (found,) = findings(site, "--reach", subject="reach", code=1)
    finally:
        sshd.stop()
    assert ", SFTP: the server opens no channel" in found["texte"] and "host key, login)" in found["texte"]
    assert "does it admit too few at a time?" in found["texte"] and "<port>" not in found["texte"]


@pytest.mark.root
def test_a_login_that_stalls_is_told_at_that_step(site, tmp_path):
    sshd = Sshd(tmp_path / "serveur", more="AuthorizedKeysCommand /usr/bin/sleep 25\nAuthorizedKeysCommandUser root\n")
    try:
        (sshd.path / "autorisees").write_text("", encoding="ascii")  # looked at first
        open_partners(site, sshd, {"rpe-un": sshd.channel()})
        (found,) = findings(site, "--reach", subject="reach", code=1)
    finally:
        sshd.stop()
    assert ", login: no answer" in found["texte"] and "host key)" in found["texte"] and "<port>" not in found["texte"]


def test_two_lieux_that_share_a_flat_directory_are_told(site, server):
    sshd = server()
    # Such conventions are refused since: this one is from before.
    canaux = {"rpe-un": flat(sshd, "un"), "rpe-deux": flat(sshd, "deux")}
    open_partners(site, sshd, canaux)
    assert not [f for f in findings(site, subject="partner") if "share" in f["texte"]]
    with sqlite3.connect(site.database) as db:
        db.execute("UPDATE lieu_version SET profil = replace(profil, '/deux</repertoire>', '/un/</repertoire>')")
    (found,) = [f for f in findings(site, subject="partner", code=1) if "share" in f["texte"]]
    assert found["etat"] == "bad" and found["texte"].startswith("rpe-deux, rpe-un share")
    assert f"{sshd.there}/un:" in found["texte"] and "<creationRepertoire>" in found["texte"]


def test_a_directory_of_credentials_that_anybody_may_write_is_told(site):
    secrets = site.path / "justificatifs"
    secrets.mkdir(mode=0o750)
    site.configure("[credentials]\ndirectory = justificatifs\n")
    assert not findings(site, subject="credentials")
    secrets.chmod(0o777)
    (found,) = findings(site, subject="credentials", code=1)
    assert found["etat"] == "bad" and f"chmod o-w {secrets}" in found["texte"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_may_not_be_written(site, server):
    sshd = server()
    open_partners(site, sshd, {"ferme": sshd.channel(make_directory=False)})
    sshd.there.chmod(0o500)
    (found,) = findings(site, "--reach", subject="reach", code=1)
    assert "ferme" in found["texte"] and ", write: " in found["texte"] and "<repertoire>" in found["texte"]
    sshd.there.chmod(0o700)


def test_an_interrupt_ends_it_soon_and_what_was_found_is_shown(site, server):
    sshd = server()
    with silent_server() as silent:
        open_partners(site, sshd, {"bon": sshd.channel(), "fige": sshd.channel(port=silent.getsockname()[1])})
        site.config.write_text(site.config.read_text(encoding="utf-8").replace("patience = 1s", "patience = 600s"),
                               encoding="utf-8")
        process = site.start("check", "--reach", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        silent.settimeout(60)
        connection, _ = silent.accept()
        with connection:
            log = sshd.path / "sshd.log"
            wait_for(lambda: "Accepted publickey" in log.read_text(encoding="utf-8") and not sshd.sessions(),
                     what="the other probe")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "bon (sftp" in out and "takes deliveries" in out
    assert "fige (sftp" in out and "SSH: stopped while waiting" in out
    assert list(sshd.there.iterdir()) == []


def test_the_mail_server_is_tried_up_to_the_sender_and_gets_no_mail(site, tmp_path):
    (site.path / "justificatifs").mkdir()
    put_secret(site, "courriel", b"mot de passe\n")
    server = MailServer(tmp_path)
    settings = (f"[mail]\nfrom = navette@caf42.example\nserver = 127.0.0.1:{server.port}\nca = {server.certificate}\n"
                "user = navette\ncredential = courriel\n[credentials]\ndirectory = justificatifs\n[daemon]\npatience = 5s\n")
    site.configure(settings)

    def tried(state):
        (found,) = findings(site, "--reach", subject="reach")
        assert found["etat"] == state and found["texte"].startswith(f"mail server 127.0.0.1:{server.port}"), found
        return found["texte"]

    text = tried("bad")
    assert ", connection: " in text and "correct server (HOST:PORT) in [mail]" in text and "(went well: name)" in text
    try:
        server.start("--login", "navette:mot de passe")
        assert "takes mails (name, connection, TLS, login, sender)" in tried("ok")
        put_secret(site, "courriel", b"un autre\n")
        text = tried("bad")
        assert ", login: " in text and "correct user in [mail]" in text and "un autre" not in text
        assert "(went well: name, connection, TLS)" in text
        (site.path / "justificatifs/courriel").unlink()
        assert ", credential: " in tried("bad")
        put_secret(site, "courriel", b"mot de passe\n")
        server.stop()
        server.start("--tls", "none", "--login", "navette:mot de passe")
        text = tried("bad")
        assert ", TLS: " in text and "correct tls or ca in [mail]" in text
        server.stop()
        server.start("--banner", "554 5.7.1 Not you")
        text = tried("bad")
        assert ", greeting: " in text and "554 5.7.1 Not you" in text and "let this machine send" in text
        for answer, advice in (("553 5.7.1 Not owned by user", "have it let [mail] from send"), ("451 4.1.8 Who?", "run it again later")):
            server.stop()
            server.start("--login", "navette:mot de passe", "--sender", answer)
            text = tried("bad")
            assert f", sender: it says: {answer}" in text and advice in text
            assert "(went well: name, connection, TLS, login)" in text
        site.configure(settings.replace("127.0.0.1:", "serveur.invalid:"))
        (found,) = findings(site, "--reach", subject="reach")
        assert ", name: " in found["texte"] and "correct server in [mail]" in found["texte"]
        assert server.mails() == [] and not findings(site, subject="reach")
    finally:
        server.stop()


def test_a_return_directory_that_another_lieu_uses_is_told(site, server):
    sshd = server()
    canaux = {name: sshd.channel(make_directory=True).replace(
        "<connexions>", f"<repertoireRetour>{sshd.there}/retour-{name}</repertoireRetour><connexions>")
        for name in ("rpe-un", "rpe-deux")}
    open_partners(site, sshd, canaux)
    assert not [f for f in findings(site, subject="partner") if "share" in f["texte"]]
    with sqlite3.connect(site.database) as db:  # from before this was refused
        db.execute("UPDATE lieu_version SET profil = replace(profil, '/retour-rpe-deux<', '/retour-rpe-un<')")
    (found,) = [f for f in findings(site, subject="partner", code=1) if "share" in f["texte"]]
    assert found["texte"].startswith("rpe-deux, rpe-un share") and "/retour-rpe-un:" in found["texte"]


def test_a_profile_names_credentials_of_its_caf_and_of_its_use_alone(site, server):
    sshd = server()
    wrong = {"rpe-a": "caf-691-cle", "rpe-b": "cle-partenaire", "rpe-c": "caf-421-pdf", "rpe-d": "caf-421-messagerie"}
    own = sshd.channel(make_directory=True).replace("cle-partenaire", "caf-421-cle")
    open_partners(site, sshd, {name: own for name in (*wrong, "rpe-ok")},
                  more="[emetteur.caf-691]\nflux = habilitations\ncaf = 691\ndepartements = 69\n"
                       "[mail]\nserver = 127.0.0.1:9\nfrom = navette@caf.example.org\nuser = navette\ncredential = caf-421-messagerie\n")
    for name in ("caf-421-cle", "caf-691-cle", "caf-421-pdf", "caf-421-messagerie"):
        put_secret(site, name, (sshd.path / "cle").read_bytes())
    assert {state for state, _ in texts(findings(site, subject="partner")).values()} == {"ok"}
    with sqlite3.connect(site.database) as db:  # from before this was refused
        for lieu, named in wrong.items():
            db.execute("UPDATE lieu_version SET profil = replace(profil, 'caf-421-cle', ?) "
                       "WHERE lieu_id = (SELECT id FROM lieu WHERE identifiant = ?)", (named, lieu))
    said = [f["texte"] for f in findings(site, subject="partner", code=1) if f["etat"] == "bad"]
    words = {"rpe-a": "caf-691-cle, which is not Caf 421's", "rpe-b": "cle-partenaire, which is not Caf 421's",
             "rpe-c": "caf-421-pdf is not for this use", "rpe-d": "caf-421-messagerie is that of [mail]"}
    for lieu, text in words.items():
        assert [t for t in said if lieu in t and text in t], (lieu, said)
    assert not [t for t in said if "rpe-ok" in t]
    # The same of a partner's own file: nothing leaves, and the accusé says why.
    site.deposit(habilitations("HAB-1", convention("CLI_2", {"rpe-e": ["42187"]},
                                                   canal=own.replace("caf-421-cle", "caf-691-cle"))), "caf-421", "hab-1.xml")
    site.passes()
    assert ">JUSTIFICATIF_INTERDIT<" in "".join(p.read_text(encoding="utf-8") for p in site.accuses("caf-421"))


def test_one_directory_of_two_lieux_is_told_whatever_leads_there(site, server):
    sshd = server()
    one, other = flat(sshd, "un"), known(flat(sshd, "deux"), "hotes")
    open_partners(site, sshd, {"rpe-deux": other, "rpe-un": one, "rpe-apart": flat(sshd, "trois")})
    assert not any("share" in f["texte"] for f in findings(site, "--reach", subject="partner"))
    (sshd.there / "deux").rmdir()
    (sshd.there / "deux").symlink_to("un")
    assert not any("share" in f["texte"] for f in findings(site, subject="partner"))  # nobody was asked
    shared, = (f for f in findings(site, "--reach", subject="partner", code=1) if "share" in f["texte"])
    assert shared["etat"] == "bad" and shared["texte"].startswith(f"rpe-deux, rpe-un share the directory {sshd.there}/un:")


def test_lieux_of_one_account_are_tried_one_after_another(site, server):
    """A server that admits one connection at a time takes all their deliveries, and so all their probes."""
    sshd = server()
    config = sshd.path / "sshd_config"
    config.write_text(config.read_text(encoding="ascii").replace("MaxStartups 200", "MaxStartups 1"), encoding="ascii")
    sshd.stop()
    sshd.start()
    names = [f"rpe-{n:02}" for n in range(12)]
    open_partners(site, sshd, {name: flat(sshd, name) for name in names})
    found = findings(site, "--reach", subject="reach")
    assert [f["etat"] for f in found if "(sftp" in f["texte"]] == ["ok"] * len(names)
    sshd.stop()
    found = findings(site, "--reach", subject="reach", code=1)
    assert [f["etat"] for f in found if "(sftp" in f["texte"]] == ["bad"] * len(names)


def test_what_begins_later_is_tried_today(site, server):
    sshd = server()
    channel = sshd.channel(make_directory=True)
    open_partners(site, sshd, {"rpe-un": channel, "rpe-deux": channel.replace(f"{sshd.there}<", f"{sshd.there}/deux<")})
    (sshd.there / "deux").mkdir()
    lieux = {"rpe-un": ["42218"], "rpe-deux": ["42218"]}
    canaux = {"rpe-un": channel.replace("cle-partenaire", "absente"),
              "rpe-deux": channel.replace(f"{sshd.there}<", f"{sshd.there}/deux<")}
    site.deposit(habilitations("HAB-1", convention("CLI_1", lieux, version=2, effect=30, activated=-1, canal=canaux),
                               convention("CLI_2", {"rpe-trois": ["42219"]}, activated=None,
                                          canal=channel.replace(f"{sshd.there}<", f"{sshd.there}/trois<"))),
                 "caf-421", "hab-1.xml")
    site.passes(code=0)
    day_of = f"from {day(30)} on"
    found = findings(site, subject="partner")
    assert [(f["etat"], f["texte"].split(",")[0]) for f in found] == [
        ("ok", f"rpe-deux (sftp 127.0.0.1:{sshd.port}) has its credentials (credential)"),  # the same then
        ("ok", f"rpe-trois (sftp 127.0.0.1:{sshd.port}; not activated yet) has its credentials (credential)"),
        ("ok", f"rpe-un (sftp 127.0.0.1:{sshd.port}) has its credentials (credential)"),
        ("warn", f"rpe-un (sftp 127.0.0.1:{sshd.port}; {day_of})")]
    assert "absente is missing" in found[-1]["texte"]
    found = findings(site, "--reach", subject="reach")
    assert [f["etat"] for f in found] == ["ok", "warn", "ok", "warn"]
    assert ", directory: " in found[1]["texte"] and "not activated yet" in found[1]["texte"]


def test_a_certificate_is_judged_by_the_day_on_which_it_is_needed(site, server, tmp_path):
    def certificate(name, begins, days):
        at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=begins)
        subprocess.run(["faketime", f"{at:%Y-%m-%d %H:%M:%S}", "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days),
                        "-subj", "/CN=rpe", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"], check=True,
                       capture_output=True, env={**os.environ, "TZ": "UTC"})
        put_secret(site, name, (tmp_path / "cert.pem").read_bytes())

    def box(name):
        return (f"<courriel><adresse>rpe@relais.example.org</adresse><chiffrement><smime><certificat>{name}</certificat></smime>"
                "</chiffrement><tailleMaximale>1000000</tailleMaximale></courriel>")

    lieux = {"rpe-tard": ["42218"], "rpe-tot": ["42218"]}
    open_site(site, server(), "<depot/>", lieux)
    site.passes(code=0)
    certificate("bientot-fini", 0, 60)
    certificate("pas-encore", 20, 400)
    site.deposit(habilitations("HAB-2", convention("CLI_1", lieux, version=2, effect=90, activated=-1,
                                                   canal={"rpe-tard": box("bientot-fini"), "rpe-tot": box("pas-encore")})),
                 "caf-421", "hab-2.xml")
    site.passes(code=0)
    said = texts(findings(site, subject="partner"))
    assert said["rpe-tard"][0] == "warn" and "has expired" in said["rpe-tard"][1] and f"from {day(90)} on" in said["rpe-tard"][1]
    assert said["rpe-tot"][0] == "ok"


def test_a_later_versions_foreign_credential_is_told_once_and_warns(site, server):
    sshd = server()
    own = sshd.channel(make_directory=True).replace("cle-partenaire", "caf-421-cle")
    open_partners(site, sshd, {"rpe-un": own})
    put_secret(site, "caf-421-cle", (sshd.path / "cle").read_bytes())
    for version, effect in ((2, 30), (3, 60)):
        connections = sshd.channel(make_directory=True, connections=version)
        site.deposit(habilitations(f"HAB-{version}", convention("CLI_1", {"rpe-un": ["42218"]}, version=version, effect=effect, activated=-1,
                                                                canal=connections)), "caf-421", f"hab-{version}.xml")
        site.passes(code=0)
    assert not [f for f in findings(site, subject="partner") if f["etat"] != "ok"]
    site.configure("[emetteur.caf-691]\nflux = habilitations\ncaf = 691\ndepartements = 69\n")
    foreign = [f for f in findings(site, subject="partner") if "which is not Caf 421's" in f["texte"]]
    assert [(f["etat"], f["texte"].split(" names ")[0]) for f in foreign] == [("warn", f"rpe-un (from {day(30)} on)")]
