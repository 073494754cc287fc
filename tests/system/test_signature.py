"""Signed PDFs ([signature]): valid for poppler's `pdfsig`, whole, conformant; and nothing leaves unsigned where a signature is wanted."""

import datetime
import io
import re
import subprocess
import sys

import pikepdf
import pytest

from conftest import DATA, ROOT, Site
from test_courriel import PASSWORD, Lieu, channel, contents, open_site
from test_main_job import at, convention, demande, demandes, habilitations, paris, run_at
from test_notification import a_mail_server  # noqa: F401: a fixture

sys.path.insert(0, str(ROOT / "tests/support"))
import check_pdf  # noqa: E402

SETTINGS = "[signature]\ncertificate = {0}/certificate.pem\nkey = {0}/key.pem\n"
NAME = "Cachet électronique de la Caf de la Loire"
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def openssl(*arguments, moment=None, **more):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, env=at(moment) if moment else None,
                          **more).stdout


class Authority:
    """Signs certificates."""

    def __init__(self, path):
        self.path = path
        path.mkdir()
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 7000, "-subj", "/CN=AC d'essai", "-keyout",
                path / "ca-key.pem", "-out", path / "ca.pem", moment=paris("2019-01-01T12:00"))

    def issue(self, path, days=1000, moment=None, kind=("-newkey", "rsa:2048"), usage="digitalSignature,nonRepudiation"):
        """key.pem and certificate.pem, with its chain, in `path`."""
        path.mkdir(exist_ok=True)
        openssl("req", *kind, "-nodes", "-utf8", "-subj", f"/O=Caf/CN={NAME}", "-keyout", path / "key.pem", "-out", path / "request")
        (path / "extensions").write_text(f"keyUsage=critical,{usage}\n", encoding="ascii")
        own = openssl("x509", "-req", "-in", path / "request", "-CA", self.path / "ca.pem", "-CAkey", self.path / "ca-key.pem",
                      "-set_serial", 4711, "-days", days, "-extfile", path / "extensions", moment=moment)
        (path / "certificate.pem").write_bytes(own + (self.path / "ca.pem").read_bytes())
        (path / "key.pem").chmod(0o600)
        return path


@pytest.fixture(name="authority", scope="module")
def an_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority") / "ca")


@pytest.fixture(name="seal", scope="module")
def a_seal(authority, tmp_path_factory):
    return authority.issue(tmp_path_factory.mktemp("seal") / "rsa")


def pdfsig(path, *options):
    done = subprocess.run(["pdfsig", *options, path], capture_output=True, text=True, encoding="utf-8", check=False)
    return done.stdout + done.stderr


def is_valid(path):
    said = pdfsig(path)
    return said.count("Signature #") == 1 and "Total document signed" in said and "Signature Validation: Signature is Valid." in said


def parts_of(data):
    """What comes before the signature's value, the value, what comes after it."""
    [found] = re.finditer(rb"/ByteRange\[0 (\d+) (\d+) (\d+)\]", data)
    begin, end, length = map(int, found.groups())
    assert end + length == len(data)
    return data[:begin], data[begin:end], data[end:]


def pdfs(site):
    return [p for p in site.delivered() if p.suffix == ".pdf"]


def deliver(site, settings, number=3):
    site.configure(settings)
    site.deposit(habilitations("H-1", convention("CLI2026_00001", {"lieu-un": ["42218"]})), "caf-421", "hab.xml")
    site.deposit(demandes("D-1", *(demande(f"A{n}", nom=f"Quénéhervé-{n}") for n in range(number))))
    site.passes(code=0)
    made = pdfs(site)
    assert len(made) == number
    return made


@pytest.fixture(name="delivered", scope="module")
def what_is_delivered(navette, seal, tmp_path_factory):
    """The PDFs of the demonstration, signed."""
    site = Site(navette, tmp_path_factory.mktemp("delivered"))
    site.configure(SETTINGS.format(seal))
    for source, sender in ((DATA / "demo/habilitations.xml", "caf-421"), (DATA / "demo/demandes.xml", "monenfant")):
        site.deposit(source, sender)
        site.passes()
    assert pdfs(site)
    return site


# ---- what is delivered


def test_every_pdf_is_signed_as_a_whole_and_conforms(delivered, authority, tmp_path):
    for path in pdfs(delivered):
        assert is_valid(path), pdfsig(path)
        assert f"Signer Certificate Common Name: {NAME}" in pdfsig(path)
        assert "Signature Type: ETSI.CAdES.detached" in pdfsig(path) and "Signing Hash Algorithm: SHA-256" in pdfsig(path)
        assert check_pdf.check(path.read_bytes()) == []
    # The certificate that the signature names, up to the authority: openssl knows CAdES, pdfsig does not look.
    before, value, after = parts_of(pdfs(delivered)[0].read_bytes())
    (tmp_path / "signed").write_bytes(before + after)
    (tmp_path / "value").write_bytes(bytes.fromhex(value[1:-1].decode()))
    openssl("cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", tmp_path / "value", "-content", tmp_path / "signed",
            "-CAfile", authority.path / "ca.pem", "-purpose", "any", "-out", tmp_path / "out")


def test_the_claimed_time_is_the_date_of_the_demande(delivered):
    for path in pdfs(delivered):
        info = subprocess.run(["pdfinfo", "-isodates", path], env={"TZ": "UTC", "PATH": "/usr/bin"}, capture_output=True, text=True,
                              check=True).stdout
        created = datetime.datetime.fromisoformat(re.search(r"CreationDate: +(\S+)Z", info)[1])
        assert f"/M(D:{created:%Y%m%d%H%M%S}Z)".encode() in path.read_bytes()


def test_with_rsa_the_same_demande_gives_the_same_bytes_everywhere(navette, seal, tmp_path):
    one, two = (deliver(Site(navette, tmp_path / place), SETTINGS.format(seal)) for place in ("one", "two"))
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]
    site = Site(navette, tmp_path / "render")
    site.configure(SETTINGS.format(seal))
    site.run("render", one[0].with_suffix(".xml"), "-o", tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == one[0].read_bytes()


def test_with_ecdsa_they_differ_in_the_value_alone(navette, authority, tmp_path):
    settings = SETTINGS.format(authority.issue(tmp_path / "ec", kind=EC))
    one, two = (deliver(Site(navette, tmp_path / place), settings) for place in ("one", "two"))
    assert all(map(is_valid, one + two))
    for first, second in zip(one, two):
        a, b = parts_of(first.read_bytes()), parts_of(second.read_bytes())
        assert (a[0], a[2]) == (b[0], b[2]) and a[1] != b[1]


def test_a_signature_changes_nothing_of_what_is_read(navette, seal, tmp_path):
    signed, plain = (deliver(Site(navette, tmp_path / place), settings)
                     for place, settings in (("signed", SETTINGS.format(seal)), ("plain", "")))
    for one, other in zip(signed, plain):
        texts = [subprocess.run(["pdftotext", "-layout", p, "-"], capture_output=True, check=True).stdout for p in (one, other)]
        assert texts[0] == texts[1]
        assert check_pdf.check(other.read_bytes()) == [] and b"/Sig" not in other.read_bytes()
        assert "does not contain any signatures" in pdfsig(other)


def test_what_is_changed_afterwards_is_seen(delivered, tmp_path):
    data = pdfs(delivered)[0].read_bytes()
    before, value, after = parts_of(data)
    changed = tmp_path / "changed.pdf"
    identifier = re.search(rb"/ID \[<[0-9A-F]*?[02468BD]", after)  # another digit when its last bit changes
    texts = [data.index(b"<x:xmpmeta") - 5, data.index(b"/M(D:") + 5, len(before) + len(value) + identifier.end() - 1]
    for place in (*texts, len(before) // 2):  # and one in a stream
        changed.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1:])
        assert "Digest Mismatch" in pdfsig(changed), place
        if place in texts:
            assert ("signature", "another file's") in check_pdf.check(changed.read_bytes())
    # Another signature of the same key: valid by itself, of another document.
    other = parts_of(pdfs(delivered)[1].read_bytes())[1]
    assert len(other) == len(value)
    changed.write_bytes(before + other + after)
    assert "Digest Mismatch" in pdfsig(changed)
    # Something put behind it (an update, as other programs write it): what is signed is valid, but not the whole.
    changed.write_bytes(data + b"% appended\n")
    assert "Not total document signed" in pdfsig(changed)
    assert "ByteRange" in {what for rule, what in check_pdf.check(changed.read_bytes()) if rule == "signature"}


@pytest.mark.parametrize("old, new, told", [
    (b"/F 132", b"/F 134", "neither unseen nor printable"), (b"/Rect [ 0 0 0 0 ]", b"/Rect [ 0 0 9 9 ]", "neither unseen nor printable"),
    (b"/TU ", b"/TX ", "without T or TU"), (b"/SigFlags 3", b"/SigFlags 1", "AcroForm"), (b"/FT /Sig", b"/FT /Btn", "no widget"),
    (b"ETSI.CAdES.detached", b"adbe.pkcs7.detached", "dictionary"), (b"/Type /OBJR", b"/Type /OBJX", "does not refer"),
    (b"/StructParent ", b"/StructParens ", "does not lead"), (b"/S /Form", b"/S /Span", "0 Form elements"),
    (b"/Annots [", b"/Annoys [", "0 annotations"), (bytes.fromhex("2a864886f70d010910022f").hex().upper().encode(),
                                                  bytes.fromhex("2a864886f70d0109100230").hex().upper().encode(), "attributes"),
], ids=lambda value: value.decode() if isinstance(value, bytes) else "")
def test_the_checker_sees_what_a_signature_must_not_be(delivered, old, new, told):
    data = pdfs(delivered)[0].read_bytes()
    if old not in data:  # within an object stream: those are taken apart
        with pikepdf.open(io.BytesIO(data)) as pdf:
            pdf.save(apart := io.BytesIO(), object_stream_mode=pikepdf.ObjectStreamMode.disable)
        data = apart.getvalue()
        assert not any(told in what for _, what in check_pdf.check(data))
    assert data.count(old) == 1
    assert any(rule == "signature" and told in what for rule, what in check_pdf.check(data.replace(old, new)))


def test_by_mail_the_originals_keep_their_signatures_and_the_pages_carry_none(site, mail_server, seal, tmp_path):
    lieu = Lieu(tmp_path / "lieu")
    mail_server.start()
    open_site(site, mail_server, lieu, channel("pdf"))
    site.configure(site.config.read_text(encoding="utf-8").split("departements = 42\n", 1)[1] + SETTINGS.format(seal))
    site.deposit(demandes("D1", demande("A1"), demande("A2")))
    site.passes(code=0)
    files = lieu.opened(contents(mail_server)[0])[0]
    originals = {name: data for name, data in files.items() if name.endswith(".pdf")}
    assert len(originals) == 3
    for name, data in originals.items():
        (tmp_path / name).write_bytes(data)
        assert is_valid(tmp_path / name)
    [whole] = lieu.path.glob("*.pdf")
    assert "does not contain any signatures" in pdfsig(whole, "-upw", PASSWORD)
    pages = subprocess.run(["pdfinfo", "-upw", PASSWORD, whole], capture_output=True, text=True, check=True).stdout
    assert re.search(r"Pages: +3\n", pages) and re.search(r"Form: +none\n", pages)


# ---- when it cannot be


def signature_finding(site, code=1):
    [found] = [f for f in site.json("check", code=code) if f["sujet"] == "signature"]
    return found


def unreadable_by_none(seal):
    (seal / "key.pem").chmod(0o644)


def other_key(seal):
    openssl("genpkey", "-algorithm", "RSA", "-out", seal / "key.pem")
    (seal / "key.pem").chmod(0o600)


def locked_key(seal):
    openssl("pkey", "-in", seal / "key.pem", "-aes256", "-passout", "pass:secret", "-out", seal / "locked")
    (seal / "locked").chmod(0o600)
    (seal / "locked").rename(seal / "key.pem")


def linked_key(seal):
    (seal / "key.pem").rename(seal / "elsewhere")
    (seal / "key.pem").symlink_to("elsewhere")


def endless_chain(seal):
    own, authority = re.findall("-----BEGIN.*?-----END CERTIFICATE-----\n", (seal / "certificate.pem").read_text("ascii"), re.S)
    (seal / "certificate.pem").write_text(own + 48 * authority, encoding="ascii")


def no_certificate(seal):
    (seal / "certificate.pem").write_text("nothing\n", encoding="ascii")


WRONG = [
    (lambda seal: (seal / "key.pem").unlink(), "key.pem", "is missing"),
    (lambda seal: (seal / "certificate.pem").unlink(), "certificate.pem", "cannot be read"),
    (unreadable_by_none, "key.pem", "is open to everybody; chmod o= "),
    (other_key, "key.pem", "not the key of the certificate"),
    (locked_key, "key.pem", "passphrase; remove that"),
    (linked_key, "key.pem", "symbolic link"),
    (no_certificate, "certificate.pem", "no certificate in PEM"),
    (endless_chain, "certificate.pem", "leave out certificates of its chain"),
]


@pytest.mark.parametrize("spoil, file, told", WRONG, ids=[told for _, _, told in WRONG])
def test_a_signature_that_cannot_be_made_stops_the_start_and_nothing_is_lost(site, authority, tmp_path, spoil, file, told):
    seal = authority.issue(tmp_path / "seal")
    site.configure(SETTINGS.format(seal))
    assert signature_finding(site, code=None)["etat"] == "ok"
    spoil(seal)
    site.deposit(habilitations("H-1", convention("CLI2026_00001", {"lieu-un": ["42218"]})), "caf-421", "hab.xml")
    site.deposit(demandes("D-1", demande("A1")))
    finding = signature_finding(site)
    assert finding["etat"] == "bad" and str(seal / file) in finding["texte"] and told in finding["texte"]
    refused = site.run("run", "--now", code=3).stderr
    assert str(seal / file) in refused and told in refused
    assert site.delivered() == [] and len(list((site.spool / "arrivee").glob("*/*.xml"))) == 2
    site.run("render", DATA / "demo/demandes.xml", "-o", tmp_path / "out.pdf", code=3)
    assert not (tmp_path / "out.pdf").exists()
    for left in seal.glob("*.pem"):
        left.unlink()
    authority.issue(seal)
    site.passes(code=0)
    [made] = pdfs(site)
    assert is_valid(made)


@pytest.mark.parametrize("moment, told", [("2020-01-01T12:00", "it has expired"), ("2038-01-01T12:00", "it is not valid yet")])
def test_out_of_its_time_a_certificate_packs_nothing_while_the_rest_goes_on(site, authority, tmp_path, moment, told):
    seal = authority.issue(tmp_path / "seal", days=30, moment=paris(moment))
    site.configure(SETTINGS.format(seal))
    site.deposit(habilitations("H-1", convention("CLI2026_00001", {"lieu-un": ["42218"]})), "caf-421", "hab.xml")
    site.deposit(demandes("D-1", demande("A1")))
    finding = signature_finding(site)
    assert finding["etat"] == "bad" and told in finding["texte"] and "restart navette" in finding["texte"]
    done = site.passes(code=3)
    assert told in done.stderr + done.stdout and str(seal / "certificate.pem") in done.stderr + done.stdout
    assert site.delivered() == [] and len(site.accuses()) == 1
    [waiting] = site.json("demandes", "list")
    assert waiting["etat"] == "en-cours"
    assert told in site.run("status").stdout
    site.run("render", DATA / "demo/demandes.xml", "-o", tmp_path / "out.pdf", code=3)
    assert not (tmp_path / "out.pdf").exists()
    authority.issue(seal)
    site.passes(code=0)
    [made] = pdfs(site)
    assert is_valid(made)


def test_a_certificate_that_expires_soon_is_told(site, authority, tmp_path):
    site.configure(SETTINGS.format(authority.issue(tmp_path / "seal", days=29)))
    soon = signature_finding(site)
    last = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=29)
    assert soon["etat"] == "warn" and re.search(f"expires on ({last:%Y-%m-%d}|{last + datetime.timedelta(hours=2):%Y-%m-%d})",
                                               soon["texte"])
    site.configure(SETTINGS.format(authority.issue(tmp_path / "seal", days=31)))
    longer = signature_finding(site, code=None)
    assert longer["etat"] == "ok" and NAME in longer["texte"]
    site.configure(SETTINGS.format(authority.issue(tmp_path / "seal", kind=EC)))
    assert "other bytes" in signature_finding(site, code=None)["texte"]


def test_a_remise_packed_before_leaves_after_the_certificate_has_expired(site, authority, tmp_path):
    site.configure(SETTINGS.format(authority.issue(tmp_path / "seal", days=365)))
    site.deposit(habilitations("H-1", convention("CLI2026_00001", {"lieu-un": ["42218"]})), "caf-421", "hab.xml")
    site.passes(code=0)
    site.deposit(demandes("D-1", demande("A1")))
    site.depot.write_text("in the way", encoding="ascii")
    site.passes(code=1)
    [packed] = (site.spool / "depart").glob("*/*/DI_*.pdf")
    assert is_valid(packed) and pdfs(site) == []
    site.depot.unlink()
    run_at(site, datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=380), "--now", code=3)
    [made] = pdfs(site)
    assert is_valid(made)


def test_what_is_no_demande_is_not_signed(site, seal, tmp_path):
    site.configure(SETTINGS.format(seal))
    site.run("render", "--fo", DATA / "exemple.fo", "-o", tmp_path / "out.pdf")
    assert "does not contain any signatures" in pdfsig(tmp_path / "out.pdf")
