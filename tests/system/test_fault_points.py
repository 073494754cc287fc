"""Whatever makes something durable or goes outside does it in a fault point (src/base/fault.h): what is beside them the torture
never lets fail. Found in the sources, by what is called; no binary is needed.
"""

import collections
import re

import pytest

from conftest import ROOT

# Calls, by name; what a library's prefix covers is found unless it is told below that it does nothing of the kind.
CALLS = re.compile(r"""(?<!\w)(?:
  ::(?:rename|unlink|mkdir|link|symlink|truncate|rmdir|mkfifo|mknod|pwrite|write(?!\(STDERR_FILENO)|chmod|l?chown|u?times?
      |connect|bind|listen|send(?:to|m?msg)?|recv(?:from|m?msg)?|shutdown|ioctl|getaddrinfo|splice|fork|system|exec[lv]p?e?)
  |(?<![.>])(?:::)?(?:f(?:data)?sync|syncfs|sync_file_range|renameat2?|unlinkat|mkdirat|linkat|symlinkat|mknodat|ftruncate
      |fchmod(?:at)?|fchown(?:at)?|(?:posix_)?fallocate|pwritev2?|copy_file_range|sendfile|utimensat|futimens|l?f?(?:set|remove)xattr
      |mkdtemp|mkos?temps?|tmpfile|f(?:re)?open|popen|posix_spawnp?|creat
      |xmlSave(?:Format)?(?:File|ToFilename)\w*|xmlTextWriter\w*Filename|xsltSaveResultTo(?:Filename|File|Fd)|g_mime_stream_(?:file|fs|pipe)\w*
      |(?:curl|ssh|sqlite3)_\w+)
  |(?:fs|filesystem)::(?:rename|remove(?:_all)?|copy|copy_file|copy_symlink|create_\w+|resize_file|permissions|last_write_time)
  |std::(?:rename|remove|tmpfile|system)
  )\s*\(
  |(?:\.|->)(?:exec|(?:try)?[eE]xecuteStep|executeMany|loadExtension|key|rekey|setLogFile)\(|(?<!\w)transaction_(?:\.|->)(?:commit|rollback|emplace)\(
  |\bSQLite::(?:OPEN_READWRITE|OPEN_CREATE|(?:Transaction|Savepoint|Backup)\s+\w+[({])
  |(?<![\w<])(?:basic_)?(?:o?fstream|filebuf)\b""", re.X)
# What opens a file for reading alone changes nothing; anything else is found.
OPENS = re.compile(r"(?<![\w.>])(?:::)open(?:at2?)?\(")
READS = re.compile(r"\bO_(?:RDONLY|PATH)\b")
MAKES = re.compile(r"\bO_(?:CREAT|TRUNC|TMPFILE|WRONLY|RDWR|APPEND)\b|\bflags\b")
# These set or tell what is in memory, or free it.
IN_MEMORY = re.compile(r"""(?:::)?(?:
  curl_(?:easy_(?:init|setopt|cleanup|strerror|getinfo|reset|escape)|slist_\w+|global_init|free|version_info)
  |ssh_(?:new|free|get_\w+|set_blocking|options_set|is_connected|userauth_list|userauth_kbdint_getnprompts|userauth_kbdint_setanswer
      |key_\w+|string_\w+|clean_pubkey_hash|known_hosts_parse_line|knownhosts_entry_free|pki_import_\w+_base64|pki_import_pubkey_blob
      |channel_(?:new|free|is_eof|is_closed)|session_struct|channel_struct|key_struct|session|channel|key|init|finalize)
  |sqlite3_(?:errstr|errmsg|next_stmt|stmt_status|file_control|libversion\w*)
  )\s*\($""", re.X)

NOT_DURABLE = {  # whole files
    "base/event.h": "an eventfd",
    "base/fault.cpp": "the points themselves",
    "cli/output.cpp": "a terminal, or whoever reads it",
    "lib/systemd/notify.cpp": "hints to the service manager: a pass goes on without it",
}
# Of other files: calls, each by words that are there once. What is called there alone may do as it likes.
READ_ONLY = "reads: no SQL of ours has RETURNING (below)"
REACH = "check --reach: nothing is delivered, and it may be said again"
EXCEPTIONS = {
    "base/directory.cpp": {": open());": "without O_CREAT, which is asked right before, nothing is made"},
    "base/name_service.cpp": {"::getaddrinfo(": "asks, within what connects, which is a point"},
    "cli/cmd_render.cpp": {"std::ofstream out(path": "a device or a pipe that a person names"},
    "cli/main.cpp": {'::open("/dev/null", O_RDWR)': "in the place of a standard descriptor that is closed"},
    "cli/validation.cpp": {"::mkdtemp(": "an empty database for `validate`, no family's data", "fs::remove_all(path_": "the same"},
    "lib/curl/own_name.cpp": {"::getaddrinfo(": "what this machine is called, asked once; without an answer its address does",
                              "::connect(fd.get()": "of a datagram socket: sends nothing"},
    "lib/curl/smtp.cpp": {"auto connection = std::make_unique<Connection>(": REACH, "connection->greet(from, stop)": REACH,
                          "curl_easy_send(handle_.get(), quit.data()": "QUIT: nobody waits for its answer"},
    "lib/sqlite/connection.cpp": {"::open(path.c_str(), O_RDWR | O_CREAT": "at a first start, before anything is accepted; test_crash.py lets it fail",
                                  "SQLite::OPEN_READWRITE": "the same", "return statement_->executeStep();": READ_ONLY,
                                  "while (statement.executeStep())": "EXPLAIN"},
    "lib/ssh/session.cpp": {"ssh_channel_read_nonblocking(": "takes what has come; waiting for it is a point, and each answer"},
}


def end_of(text, begin):
    """Where the parenthesis or brace that opens there is closed."""
    depth = 0
    for i in range(begin, len(text)):
        depth += (text[i] in "({") - (text[i] in ")}")
        if depth == 0:
            return i
    raise AssertionError(f"never closed: {text[begin:begin + 80]}")


def without_words(source):
    """C++ with blanks for its comments and literals."""
    blank = lambda m: re.sub(r"[^\n]", " ", m[0])
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', blank, source, flags=re.S)


KEYWORDS = {"if", "for", "while", "switch", "catch", "return", "sizeof", "throw", "alignof", "decltype", "noexcept", "else", "case"}


def functions(text):
    """Those that have a body here: (name, class or "", where the name stands, body's begin and end)."""
    for m in re.finditer(r"(?<![\w.>~])(?:((?:\w+::)*)(~?\w+))\(", text):
        if m[2] in KEYWORDS or m[1].startswith("std::"):
            continue
        after = re.compile(r"(?:\s|const\b|noexcept\b|override\b|final\b|->\s*[\w:<>*&, ]+)*").match(text, end_of(text, m.end() - 1) + 1).end()
        if text[after:after + 1] == ":" and text[after:after + 2] != "::":  # members of a constructor
            while text[after] in ":,":
                member = re.compile(r"[:,]\s*[\w:<>]+\s*(?=[({])").match(text, after)
                if member is None:
                    break
                after = re.compile(r"\s*").match(text, end_of(text, member.end()) + 1).end()
        if text[after:after + 1] == "{" and re.search(r"[\w>&*;{}:]\s*$", text[:m.start()]):
            yield m[2], m[1].rstrip(":").split("::")[-1], m.start(2), after, end_of(text, after)


def is_declared(name, text, at):
    """Whether a function's name stands there behind its type; or a constructor's, at a beginning."""
    before = text[max(0, at - 100):at]
    if name[0].isupper():
        return bool(re.search(r"(?:[{};:]|\bexplicit)\s*$", before))
    word = re.search(r"(?:(\w+)|[\w>][>&*])\s+$", before)
    return bool(word) and word[1] not in KEYWORDS


def is_seen_outside(name, owner, headers):
    """Whether somebody else than this file can call it: a function that a header declares, but for what is private there."""
    for header in headers:
        if not owner:
            if re.search(rf"(?<![\w.>:]){name}\(", header):
                return True
            continue
        for found in re.finditer(rf"\b(?:class|struct) {owner}\b[^;{{]*\{{", header):
            body = header[found.end():end_of(header, found.end() - 1)]
            private = body.find("private:")
            if re.search(rf"(?<![\w.>:]){name}\(", body if private < 0 else body[:private]):
                return True
    return False


def called_inside(text, headers):
    """Functions and lambdas that are called in this file alone: (bodies, where they are called)."""
    bodies = collections.defaultdict(list)  # by name
    names = set()
    for name, owner, at, begin, end in functions(text):
        names.add(at)
        if not is_seen_outside(name, owner, headers):
            bodies[name].append((begin, end))
    out = []
    for name, own in bodies.items():
        # By name, which is not the system's (::name); or made, as an object.
        uses = [m.start() for m in re.finditer(rf"(?<![\w~:]){name}\(", text) if m.start() not in names and not is_declared(name, text, m.start())]
        uses += [m.start() for m in re.finditer(rf"make_(?:unique|shared)<{name}>\(|(?<!\w){name} \w+[({{]", text)]
        out.append((own, uses))
    for found in re.finditer(r"const auto (\w+) = \[[^\]]*\](?:\([^()]*\))?[^{;]*\{", text):
        begin, end = found.end() - 1, end_of(text, found.end() - 1)
        rest = text[end:text.index("\n}", end)]  # of the function
        out.append(([(begin, end)], [end + m.start() for m in re.finditer(rf"(?<![\w:.>]){found[1]}\b", rest)]))
    return [(own, uses) for own, uses in out if any(not any(begin < use < end for begin, end in own) for use in uses)]


def bare_calls(source, headers=(), exceptions=()):
    """Of C++: its calls of that kind that stand neither in a point nor in what is called in points alone: a lambda, or a
    function that nobody else can call (`headers`: those beside it). (line, text)"""
    text = without_words(source)
    headers = [without_words(header) for header in headers]
    points = [(m.end() - 1, end_of(text, m.end() - 1)) for m in re.finditer(r"fault::(?:system_call|around)\(", text)]
    good = list(points)
    for part in exceptions:
        assert source.count(part) == 1, f"{source.count(part)} times: {part}"
        good.append((source.index(part) - 1, source.index(part) + len(part)))
    called = called_inside(text, headers)

    def inside(use):
        return any(first < use < last for first, last in good) or any(first < use < last for bodies, _ in called for first, last in bodies)

    # One that calls itself stays, as long as nobody else calls it elsewhere.
    while wrong := [one for one in called if not all(inside(use) for use in one[1])]:
        called = [one for one in called if one not in wrong]
    found = [m.start() for m in CALLS.finditer(text) if not IN_MEMORY.fullmatch(m[0])]
    for m in OPENS.finditer(text):
        how = text[m.end():end_of(text, m.end() - 1)]
        if MAKES.search(how) or not READS.search(how):
            found.append(m.start())
    lines = source.splitlines()
    return [(n, lines[n - 1].strip()) for at in sorted(found) if not inside(at) for n in [text.count("\n", 0, at) + 1]]


def in_the_sources(exceptions, only=None):
    sources = {str(path.relative_to(ROOT / "src")): path for path in sorted((ROOT / "src").rglob("*")) if path.suffix in (".cpp", ".h")}
    assert len({path.suffix for path in sources.values()}) == 2 and {*exceptions, *NOT_DURABLE} <= sources.keys()
    out = []
    for name, path in sources.items():
        if name in NOT_DURABLE or only not in (None, name):
            continue
        headers = [h.read_text(encoding="utf-8") for h in path.parent.glob("*.h") if h != path]
        bare = bare_calls(path.read_text(encoding="utf-8"), headers, exceptions.get(name, ()))
        out += [f"{name}:{number}: {line}" for number, line in bare]
    return out


def test_every_call_that_makes_something_durable_or_goes_outside_goes_through_a_point():
    assert in_the_sources(EXCEPTIONS) == []


def test_each_point_of_the_sources_would_be_missed():
    seen = 0
    for path in sorted((ROOT / "src").rglob("*.cpp")):
        name, source = str(path.relative_to(ROOT / "src")), path.read_text(encoding="utf-8")
        headers = [h.read_text(encoding="utf-8") for h in path.parent.glob("*.h")]
        for point in re.finditer(r"fault::(?:system_call|around)\(", source) if name not in NOT_DURABLE else ():
            without = source[:point.start()] + "plain" + source[point.start():].removeprefix("fault::")
            assert bare_calls(without, headers, EXCEPTIONS.get(name, ())), f"{name}:{source.count(chr(10), 0, point.start()) + 1}"
            seen += 1
    assert seen > 20


def test_no_exception_outlives_what_it_is_for():
    for path, parts in EXCEPTIONS.items():
        for part in parts:
            others = EXCEPTIONS | {path: {other: why for other, why in parts.items() if other != part}}
            assert any(line.startswith(path + ":") for line in in_the_sources(others, only=path)), f"{path}: {part}"
    for path in NOT_DURABLE:
        assert bare_calls((ROOT / "src" / path).read_text(encoding="utf-8")), path


def test_what_is_read_from_the_database_writes_nothing():
    words = [word for path in (ROOT / "src").rglob("*.cpp") for word in re.findall(r'"(?:\\.|[^"\\\n])*"', path.read_text(encoding="utf-8"))]
    assert any("SELECT" in word for word in words)
    assert [word for word in words if re.search(r"\bRETURNING\b", word)] == []


@pytest.mark.parametrize("body, found", [
    ('  if (fault::system_call("fsync", [&] { return ::fsync(fd); }) != 0) fail();', 0),
    ('  const auto sync = [&] { return ::fsync(fd); };\n  return fault::system_call("fsync", sync);', 0),
    ('  const auto put = [&](int n) { return ::pwrite(fd, p, n, 0); };\n  fault::around("write", k, [&] { return put(2); },\n    [&](Kind) { return put(1); });', 0),
    ("  // ::fsync(fd)\n  log(\"::fsync(fd)\"); ::write(STDERR_FILENO, p, n);", 0),
    ("  return ::fsync(fd);", 1),
    ("  const auto sync = [&] { return ::fsync(fd); };\n  return sync();", 1),
    ('  const auto sync = [&] { return ::fsync(fd); };\n  if (sync() == 0) return 0;\n  return fault::system_call("fsync", sync);', 1),
    ('  if (fault::system_call("fsync", [&] { return ::fsync(fd); }) != 0) return ::unlinkat(fd, n, 0);', 1),
    ("  return std::all_of(b, e, [&](int fd) { return fdatasync(fd) == 0; });\n  fs::rename(a, b);", 2),
    ("  std::ofstream out(path);\n  out << 1;", 1), ("  std::ofstream(path, std::ios::binary) << bytes;", 1), ("  std::ifstream in(path);", 0),
    ("  std::fstream both{path};\n  std::FILE* f = fopen(path, mode);", 2),
    ("  std::filesystem::create_directories(path);\n  fs::remove_all(path, ec);\n  fs::permissions(path, p);", 3),
    ("  fs::exists(path); fs::absolute(path); std::remove(b, e, 1); std::remove_if(b, e, f);", 1),
    ("  ::open(path, O_RDONLY | O_CLOEXEC);\n  ::openat(fd, name, O_RDONLY | O_DIRECTORY);\n  Directory::open(path); file.open(name);", 0),
    ("  ::open(path, O_WRONLY | O_CREAT, 0600);\n  ::openat(fd, name, flags, mode);\n  ::open(path, mode_of(x));", 3),
    ('  fault::system_call("create", [&] { return ::open(path, O_WRONLY | O_CREAT, 0600); });', 0),
    ("  curl_easy_setopt(h, CURLOPT_URL, url);\n  curl_easy_perform(h);\n  curl_multi_perform(m, &n);", 2),
    ('  fault::around("smtp.send", k, [&] { return curl_easy_send(h, p, n, &sent); }, fail);', 0),
    ("  ssh_options_set(s, o, v);\n  ssh_connect(s);\n  ssh_scp_push_file(scp, n, size, mode);", 2),
    ("  sqlite3_errstr(rc);\n  sqlite3_exec(db, sql, nullptr, nullptr, nullptr);\n  sqlite3_step(s);", 2),
    ("  database_.exec(sql);\n  statement->executeStep();\n  transaction_->commit();\n  SQLite::Transaction t(database_);", 4),
    ("  store.commit(); transaction.commit(); re.exec_count();", 0),
    ("  ::getaddrinfo(n, s, &h, &r);\n  ::connect(fd, a, size);\n  ::sendmsg(fd, &m, 0);\n  connect(server); queue.send(m);", 3),
    ("  ::mkdtemp(name);\n  ::chmod(p, 0600);\n  ::utimensat(fd, n, t, 0);\n  xmlSaveFormatFileEnc(n, doc, e, 1);", 4)])
def test_a_call_beside_the_points_is_found(body, found):
    assert len(bare_calls(f"int f(int fd) {{\n{body}\n}}\n")) == found


HELPER = "int sync_it(int fd) {\n  return ::fsync(fd);\n}\n"
POINT = 'int f(int fd) {\n  return fault::system_call("fsync", [&] { return sync_it(fd); });\n}\n'


@pytest.mark.parametrize("source, headers, found", [
    (HELPER + POINT, [], 0),
    (HELPER.replace("return ::", "if (fd < 0) return sync_it(1);\n  return ::") + POINT, [], 0),
    (HELPER.replace("return ::", "if (fd < 0) return sync_it(1);\n  return ::"), [], 1),
    (HELPER, [], 1),                                                  # called by nobody here: by whom?
    (HELPER + POINT, ["int sync_it(int fd);\n"], 1),                  # by whoever includes that
    (HELPER + POINT + "int g(int fd) {\n  return sync_it(fd);\n}\n", [], 1),
    (HELPER + POINT + "bool g(int fd) {\n  return fd > 0 && sync_it(fd);\n}\n", [], 1),
    (HELPER + "int g(int fd) {\n  return sync_it(fd);\n}\n" + POINT.replace("sync_it(fd)", "g(fd)"), [], 0),
    ("int sync_it(int fd);\n" + HELPER + POINT, [], 0),               # declared first
    ("int A::put() {\n  return ::fsync(fd);\n}\n" + POINT.replace("sync_it(fd)", "a.put()"), ["class A {\n public:\n  int put();\n};\n"], 1),
    ("int A::put() {\n  return ::fsync(fd);\n}\n" + POINT.replace("sync_it(fd)", "a.put()"),
     ["class A {\n public:\n  int get();\n private:\n  int put();\n};\n"], 0),
    ("struct A {\n  explicit A(int fd) : fd_(fd), two_{2} {\n    ::fsync(fd_);\n  }\n};\n" + POINT.replace("sync_it(fd)", "std::make_unique<A>(fd)"), [], 0),
    ("struct A {\n  explicit A(int fd) : fd_(fd) {\n    ::fsync(fd_);\n  }\n};\nvoid g() {\n  A a(1);\n}\n"
     + POINT.replace("sync_it(fd)", "std::make_unique<A>(fd)"), [], 1)])
def test_what_is_called_in_points_alone_is_no_bare_call(source, headers, found):
    assert len(bare_calls(source, headers)) == found


def test_an_exception_is_for_its_call_alone():
    source = "void f() {\n  ::fsync(1);\n  ::fsync(2); ::fsync(3);\n}\n"
    assert bare_calls(source, exceptions=["::fsync(1)", "::fsync(3)"]) == [(3, "::fsync(2); ::fsync(3);")]
    with pytest.raises(AssertionError):
        bare_calls(source, exceptions=["::fsync("])
