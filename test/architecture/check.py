#!/usr/bin/env python3
"""Checks of the tree and of what is built from it.

    check.py RULE DIRECTORY      complains of what breaks the rule; exit status 1 if anything does
    check.py RULE --self-check   shows that the rule complains of what breaks it

Rules on sources take the root of the tree, rules on executables the folder that they are in.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

LAYERS = ["policy", "privsep", "vhosts", "daemon"]
OF_PRIVSEP_FOR_VHOSTS = {"privsep/unique_fd.h", "privsep/result.h"}
MOST_LINES = 450
MOST_LINES_OF_MAIN = 100

# Of each executable: what it may be linked with, besides C's own libraries.
EVERYBODYS = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}
LIBRARIES = {
    "perchild": {"libcrypto.so.3", "libidn2.so.0", "libpcre2-8.so.0", "libseccomp.so.2",
                 "libssl.so.3", "libstdc++.so.6", "libgcc_s.so.1"},
    "perchild-keeper": {"libcrypto.so.3"},
    "perchild-master": set(),
    "perchild-router": set(),
    "perchild-fork-server.so": set(),
    "perchild-runner": set(),
    "perchild-spare": set(),
    "perchild-sendmail": set(),
    "perchild-worker": set(),
    "perchild-tls-worker": set(),
    "perchild-checker": {"libcrypt.so.1", "libcrypto.so.3"},
    "perchild-examiner": set(),
    "perchild-explainer": {"libpcre2-8.so.0", "libz.so.1", "libbrotlienc.so.1",
                           "libbrotlicommon.so.1"},
}
# What brings its libraries along has no more of them than it uses. These would show that it has.
OF_OTHERS = {"crypt", "execve", "fork", "getpwnam", "posix_spawn", "pthread_create",
             "seccomp_init", "system"}
OF_OTHERS_BY_EXECUTABLE = {
    "perchild-worker": OF_OTHERS | {"connect", "getaddrinfo", "socket", "nghttp2_submit_request2",
                                    "SSL_new", "EVP_MD_CTX_new"},
    # Its own connect(), socket() and the like do nothing (daemon/worker/no_loading.cc).
    "perchild-tls-worker": OF_OTHERS | {"__connect", "__socket", "gaih_inet"},
}


def sources(root, folders=LAYERS, suffixes=(".h", ".cc")):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes:
                yield path.relative_to(root), path.read_text()


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


# ---- rules: each yields its complaints


def includes(root):
    """policy <- privsep <- vhosts <- daemon."""
    for path, text in sources(root):
        layer = LAYERS.index(path.parts[0])
        for included in re.findall(r'^\s*#include\s+"([^"]+)"', text, flags=re.M):
            owner = included.split("/")[0]
            if owner == "test":
                yield f"{path}: includes {included}, which is a test's"
            if owner not in LAYERS:
                continue
            if LAYERS.index(owner) > layer:
                yield f"{path}: includes {included}, which is a layer above"
            if path.parts[0] == "vhosts" and owner == "privsep":
                if included not in OF_PRIVSEP_FOR_VHOSTS:
                    yield f"{path}: includes {included}, but vhosts/ knows nothing of privilege"
            if path.parts[0] == "daemon" and owner == "daemon":
                own, other = path.parts[1], included.split("/")[1]
                if own != other:
                    yield f"{path}: includes {included}, which is another process's"


def vocabulary(root):
    """privsep/ has no HTTP, JSON or TLS; JSON is read in one place; nothing runs a shell."""
    for path, text in sources(root):
        code = without_comments(text)
        if path.parts[0] == "privsep":
            for word in re.findall(r"\b(http1?|https|json|nlohmann|tls|ssl|openssl)\b", code, re.I):
                yield f"{path}: speaks of {word}"
        if "nlohmann" in code and not str(path).startswith("policy/json"):
            yield f"{path}: reads JSON outside of policy/json*"
        if re.search(r"#include <(seccomp|CLI/)", code) and path.parts[:2] != ("daemon", "command"):
            if str(path) != "privsep/syscall_filter_compile.cc":
                yield f"{path}: uses a library of the command's"
        if "idn2.h" in code and str(path) != "policy/written_host.cc":
            yield f"{path}: turns names into ASCII outside of policy/written_host.cc"
        if re.search(r"\b(system|popen)\s*\(", code):
            yield f"{path}: runs a shell"


def openings(root):
    """Each header and main.cc of daemon/ and privsep/ says at its top which process it runs in."""
    for path, text in sources(root, ["privsep", "daemon"]):
        if path.suffix != ".h" and path.name != "main.cc":
            continue
        top = re.match(r"(//[^\n]*\n)+", text)
        if not top or "Runs in:" not in top.group():
            yield f"{path}: does not open with a comment that says \"Runs in:\""


def sizes(root):
    """A file can be read in a sitting."""
    for path, text in sources(root, LAYERS + ["test"]):
        lines = text.count("\n")
        most = MOST_LINES_OF_MAIN if path.name == "main.cc" else MOST_LINES
        if lines >= most:
            yield f"{path}: has {lines} lines, {most} or more"


def debts(root):
    """A debt says of which kind it is."""
    for path, text in sources(root, LAYERS + ["test"]):
        for line in text.splitlines():
            word = re.search(r"\b(TODO|FIXME|XXX|HACK)\b(\S*)", line)
            if word and not re.match(r"TODO\((security|perf|port)\):", word.group(1) + word.group(2)):
                yield f"{path}: {line.strip()}"


def rules(root):
    """Each system call that is allowed has a reason."""
    text = (root / "policy/syscall_rules.cc").read_text()
    tables = re.findall(r"SyscallRule \w+\[\] = \{(.*?)\n\};", text, flags=re.S)
    rows = [row for table in tables for row in re.findall(r"^    \{(.*)", table, flags=re.M)]
    if not rows:
        yield "no rules are found"
    for row in rows:
        if not re.match(r'"\w+", *"[^"]{4,}"', row) and not re.match(r'"\w+",$', row):
            yield f"a rule without a reason: {row}"


# What no test can bring about, and what each is there for.
UNREACHABLE_REASONS = {
    "no random numbers": "getrandom(2): sixteen bytes always come",
    "a file cannot be compressed": "zlib and brotli fail on their way by their own mistakes only",
    "the program's response cannot be compressed": "likewise",
    "too many frames that want an answer": "nghttp2's own bound, above that of PING and SETTINGS",
    ".perchild.json cannot be read": "a disk that fails",
    "the body cannot be written to where it is to be kept": "likewise",
}
SENTENCE = r'"((?:[^"\\\n]|\\.)*[a-z] [a-z](?:[^"\\\n]|\\.)*)"'
# A call that refuses, or a status with its reason, up to the end of the statement.
REFUSAL = r"(?:\b(?:refus\w*|fail|too_many|ask_for_password|log_lost)\(|\b[45]\d\d,)[^;]*;"
# Of text_of(), which has the sentences of an enumeration.
REASON_OF_NAME = r'case (\w+::\w+):\s*return ' + SENTENCE


def joined_literals(text):
    return re.sub(r'"\s*\n\s*"', "", text)


def reasons(root):
    """Each sentence by which a client is refused stands in a test; so does the name of each reason
    that a parser has, in the tests of its folder."""
    tests = "".join(joined_literals(text) for _, text in sources(root, ["test"]))
    for path, text in sources(root, ["daemon/worker", "daemon/router"]):
        code = joined_literals(re.sub(r"//[^\n]*", "", text))
        for refusal in re.findall(REFUSAL, code):
            for sentence in re.findall(SENTENCE, refusal):
                if sentence not in tests and sentence not in UNREACHABLE_REASONS:
                    yield f"{path}: no test finds the reason \"{sentence}\""
    for path, text in sources(root, ["vhosts"]):
        code = joined_literals(text)
        of_folder = "".join(text for _, text in sources(root, [f"test/{path.parent}"]))
        for name, sentence in re.findall(REASON_OF_NAME, code):
            if name not in of_folder and sentence not in tests:
                yield f"{path}: no test has {name}"
        for sentence in re.findall(r"\b(?:fail|reject)\([^;]*?" + SENTENCE, code):
            if sentence not in tests:
                yield f"{path}: no test finds the reason \"{sentence}\""


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def defined_symbols(path):
    found = set(re.findall(r" [TtWi] (\w+)$", run("nm", str(path)), flags=re.M))
    return found or OF_OTHERS  # stripped: it cannot be seen


def libraries(folder):
    """Each executable is linked with what it needs and nothing else."""
    for name, allowed in LIBRARIES.items():
        dynamic = run("readelf", "-dW", str(folder / name))
        needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
        for library in sorted(needed - EVERYBODYS - allowed):
            yield f"{name}: is linked with {library}"
        if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
            yield f"{name}: says where to look for libraries"
    for name, of_others in OF_OTHERS_BY_EXECUTABLE.items():
        for symbol in sorted(of_others & defined_symbols(folder / name)):
            yield f"{name}: has {symbol}() in it"


def hardening(folder):
    """Position independent, bound at start, no executable stack, nothing writable and executable."""
    for name in LIBRARIES:
        path = str(folder / name)
        if not re.search(r"Type:\s+DYN", run("readelf", "-hW", path)):
            yield f"{name}: is not position independent"
        dynamic = run("readelf", "-dW", path)
        if "BIND_NOW" not in dynamic and "NOW" not in re.sub(r"(?s).*FLAGS_1\)", "", dynamic):
            yield f"{name}: is not bound at its start"
        segments = re.findall(r"^\s+(\w+)\s+(?:0x\w+\s+){5}([RWE ]{3})", run("readelf", "-lW", path),
                              flags=re.M)
        kinds = {kind for kind, _ in segments}
        if "GNU_RELRO" not in kinds:
            yield f"{name}: its relocations stay writable"
        if "GNU_STACK" not in kinds:
            yield f"{name}: its stack may be executable"
        for kind, flags in segments:
            if "E" in flags and ("W" in flags or kind == "GNU_STACK"):
                yield f"{name}: {kind} is {flags.strip()}"


# ---- self-checks: trees and programs that must be complained of, and of how many things


def made_tree(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


BAD_TREES = {
    includes: (5, {
        "policy/a.h": '#include "privsep/b.h"\n',
        "privsep/b.h": '#include "policy/a.h"\n#include "vhosts/c.h"\n',
        "vhosts/c.h": '#include "privsep/unique_fd.h"\n#include "privsep/spawn.h"\n',
        "daemon/master/d.cc": '#include "daemon/router/e.h"\n#include "daemon/master/d.h"\n',
        "daemon/router/e.h": '#include "test/f.h"\n#include <vector>\n',
    }),
    vocabulary: (5, {
        "privsep/a.h": "// speaks of HTTP, in a comment\nint http;\n",
        "vhosts/b.cc": "#include <nlohmann/json.hpp>\n",
        "policy/json_syntax.cc": "#include <nlohmann/json.hpp>\n",
        "policy/host_name.cc": "#include <idn2.h>\n",
        "policy/written_host.cc": "#include <idn2.h>\n",
        "daemon/master/c.cc": "#include <seccomp.h>\nint i = system(\"x\");\n",
    }),
    openings: (2, {
        "privsep/a.h": "#pragma once\n// Runs in: nowhere.\n",
        "privsep/b.h": "// What it is.\n//\n// Runs in: master.\n#pragma once\n",
        "daemon/master/main.cc": "// What it is.\n",
        "daemon/master/other.cc": "int i;\n",
    }),
    sizes: (2, {
        "policy/a.cc": "\n" * MOST_LINES,
        "policy/b.cc": "\n" * (MOST_LINES - 1),
        "daemon/x/main.cc": "\n" * MOST_LINES_OF_MAIN,
    }),
    debts: (2, {
        "policy/a.cc": "// TO" "DO: later\n// TO" "DO(security): said which\n// FIX" "ME\n",
    }),
    rules: (1, {
        "policy/syscall_rules.cc":
            'SyscallRule some[] = {\n    {"read", "small files"},\n    {"write", ""},\n};\n',
    }),
    reasons: (4, {
        "daemon/worker/a.cc": 'refuse(request, 500, "is in a test");\n'
                              'return {503, "is in "\n        "no test"};\n',
        "daemon/router/b.cc": 'refuse(x, is_so ? 400 : 401, "nor is this");\n'
                              '// refuse(x, 400, "in a comment");\nlog("not of a refusal");\n',
        "vhosts/x/c.cc": 'case Reject::known:\n  return "by its name";\n'
                         'case Reject::unknown:\n  return "by no name";\nfail("is not found");\n',
        "test/a.cc": 'EXPECT("is in "\n       "a test");\n',
        "test/vhosts/x/c_test.cc": "EXPECT(Reject::known);\n",
    }),
}


def check_on_bad_tree(rule):
    expected, files = BAD_TREES[rule]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made_tree(folder, files)
        complaints = list(rule(folder))
    print("\n".join(complaints))
    return len(complaints) == expected


def check_on_bad_program(rule, compiler):
    """A program that is built the wrong way, in place of each executable."""
    flags = {
        libraries: ["-Wl,--no-as-needed", "-ldl", "-lpthread", "-lseccomp", "-Wl,-rpath,/nowhere"],
        hardening: ["-no-pie", "-Wl,-z,lazy", "-Wl,-z,norelro", "-Wl,-z,execstack"],
    }[rule]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        source = folder / "program.cc"
        source.write_text('int main() {}\nextern "C" int socket(int, int, int) { return -1; }\n')
        for executable in LIBRARIES:
            run(compiler, str(source), "-o", str(folder / executable), *flags)
        complaints = list(rule(folder))
    print("\n".join(complaints))
    wanted = {
        libraries: ["perchild-master: is linked with libseccomp", "says where to look",
                    "perchild-worker: has socket() in it"],
        hardening: ["position independent", "bound at its start", "stay writable", "GNU_STACK"],
    }[rule]
    return all(any(want in complaint for complaint in complaints) for want in wanted)


def main():
    by_name = {rule.__name__: rule for rule in
               (includes, vocabulary, openings, sizes, debts, rules, reasons, libraries, hardening)}
    rule = by_name[sys.argv[1]]
    if sys.argv[2] == "--self-check":
        good = (check_on_bad_program(rule, sys.argv[3]) if len(sys.argv) > 3
                else check_on_bad_tree(rule))
        return 0 if good else 1
    complaints = list(rule(pathlib.Path(sys.argv[2])))
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
