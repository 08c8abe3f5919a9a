"""The attacks of site a's tenant, each a row of the table: what it is, and whether it works.

A function is given the server and what its neighbour has, and says True if the attack works.
"""

import os
import subprocess

from servers import SECRET


class Neighbour:
    """What a tenant has on the machine, for others to be after (test/hostile/tenants_program.h)."""

    def __init__(self, program):
        self.child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True)
        for _ in range(9):
            name, _, value = self.child.stdout.readline().rstrip("\n").partition(" ")
            setattr(self, name, value)

    def stop(self):
        self.child.stdin.close()
        self.child.wait(20)
        self.child.stdout.close()


def through_link(server, target):
    """What a visitor gets who asks for a link in site a's folder."""
    link = server.root("a.example") / "link.txt"
    link.symlink_to(target)
    os.chown(link, 20001, 20001, follow_symlinks=False)
    try:
        return server.ask("a.example", "/link.txt")
    finally:
        link.unlink()


def linked_secret(server, _):
    return SECRET in through_link(server, server.root("b.example") / "config.php")[1]


def linked_log(server, _):
    server.ask("b.example", "/index.html?visited-by-somebody")
    status, text = through_link(server, server.access_log())
    return status == 200 and "visited-by-somebody" in text


def read_secret(server, _):
    return server.attack("php_read_file", server.root("b.example") / "config.php")


def cached_script(server, _):
    """b's script has been compiled by a request for it; a's script includes it."""
    path = server.root("b.example") / "config.php"
    server.ask("b.example", "/config.php")
    return server.attack("php_include", path)


def cached_names(server, _):
    path = server.root("b.example") / "config.php"
    server.ask("b.example", "/config.php")
    return server.attack("php_list_cached_scripts", path)


def cached_value(server, neighbour):
    if not server.attack("php_store", neighbour.name, "b.example"):
        return None  # no APCu
    return server.attack("php_fetch", neighbour.name)


def forged_line(server, _):
    mark = "FORGED-" + os.urandom(4).hex()
    server.attack("php_log", mark)
    return any(line.startswith(mark) for text in server.log_texts() for line in text.splitlines())


def setuid_program(server, _):
    path = server.root("a.example") / "id"
    path.write_bytes(open("/usr/bin/id", "rb").read())
    path.chmod(0o4755)
    try:
        return server.attack("execute_setuid", path)
    finally:
        path.unlink()


def used_up(server, attack, number):
    """Site a takes all that it gets of something, and keeps it; can b have one?"""
    _, answer = server.ask("a.example", f"/attack.php?hold+{attack}+{number}")
    try:
        return not server.attack(attack, 1, "b.example")
    finally:
        server.attack("let_go", answer.split()[1])


def parser_taken_over(server, _):
    """Under the ids and capabilities of the process that reads what any visitor sends."""
    status = dict(line.split(":\t", 1) for line in
                  open(f"/proc/{server.parser_pid()}/status").read().splitlines() if ":\t" in line)
    held = [f"+cap_{number}" for number in range(64) if int(status["CapEff"], 16) >> number & 1]
    capabilities = ",".join(["-all", *held])
    groups = ",".join(status["Groups"].split())
    become = ["setpriv", "--reuid", status["Uid"].split()[1], "--regid", status["Gid"].split()[1],
              *(["--groups", groups] if groups else ["--clear-groups"]),
              "--inh-caps", capabilities, "--ambient-caps", capabilities]
    tried = [subprocess.run([*become, "cat", server.root(host) / "config.php"], check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
             for host in ("a.example", "b.example")]
    return any(SECRET.encode() in one.stdout for one in tried)


def program(name, argument=None):
    """An attack of hostile-program's, on what the neighbour has of that name."""
    def attack(server, neighbour):
        return server.attack(name, "-" if argument is None else argument(neighbour))
    return attack


ROWS = [
    ("Files", None),
    ("a neighbour's file, its mode as strict as the server allows", read_secret),
    ("the same by a link in one's own site, asked for by a visitor", linked_secret),
    ("the log of all sites' visitors by such a link", linked_log),
    ("a neighbour's file that is open to all (0644, as installers leave it)",
     program("php_read_file", lambda n: n.home + "/open")),
    ("the names in a folder that is open to all", program("list", lambda n: n.home)),
    ("who uses which file there (inotify)", program("watch", lambda n: n.home)),
    ("sizes and times there", program("look_at", lambda n: n.home + "/secret")),
    ("what a neighbour left in /tmp", program("php_read_file", lambda n: n.left_in_tmp)),
    ("a neighbour's PHP session, its name known", program("read", lambda n: n.session)),
    ("PHP's cache of scripts: which ones a neighbour has", cached_names),
    ("PHP's cache of scripts: running a neighbour's, password and all", cached_script),
    ("PHP's cache of values (APCu)", cached_value),
    ("a line in a log that begins as the attacker likes", forged_line),
    ("Processes", None),
    ("a neighbour's processes and their arguments",
     program("read_arguments", lambda n: n.process)),
    ("signals to them", program("signal", lambda n: n.process)),
    ("tracing one's own processes (ptrace)", program("trace_child")),
    ("What has a name for all of the machine", None),
    ("a neighbour's System V memory, of the mode that PHP gives it",
     program("attach_memory", lambda n: n.key)),
    ("his POSIX memory", program("open_named_memory", lambda n: "/" + n.name)),
    ("his message queue", program("open_named_queue", lambda n: "/" + n.name)),
    ("his abstract socket", program("connect_abstract", lambda n: n.name)),
    ("his socket at a path, open to all", program("connect_path", lambda n: n.home + "/socket")),
    ("his program at a loopback port", program("connect_port", lambda n: n.port)),
    ("taking a port that his program will want",
     program("listen_at", lambda n: n.unused_port)),
    ("the same by multipath TCP", program("listen_multipath_at", lambda n: n.unused_port)),
    ("the same by asking for any port until it is that one",
     program("listen_by_chance_at", lambda n: n.port_of_the_kernels)),
    ("taking a UDP port", program("bind_datagrams", lambda n: n.unused_port)),
    ("all connections of the machine, by /proc",
     program("read", lambda n: "/proc/net/tcp")),
    ("the same by netlink", program("list_connections")),
    ("The kernel", None),
    ("a setuid program that makes one root", setuid_program),
    ("a user namespace with all capabilities", program("user_namespace")),
    ("io_uring", program("make_ring")),
    ("userfaultfd", program("handle_faults")),
    ("perf_event_open", program("count_events")),
    ("bpf", program("load_bpf")),
    ("a thousand processes", program("start_many", lambda n: 1000)),
    ("using up everybody's inotify",
     lambda server, n: used_up(server, "watch_by_many", 100000)),
    ("using up everybody's queued signals and timers",
     lambda server, n: used_up(server, "queue_signals", 1000000)),
    ("The server itself", None),
    ("what its parser can read, once taken over: sites' files", parser_taken_over),
]
