"""A perchild with sites of every kind, and what its processes hold."""

import base64
import hashlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

FIRST_UID = 20001
PHP = "<?php echo str_repeat('php ', 2000), strlen(file_get_contents('php://input'));"
CGI = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; cat; echo cgi\n"
# "secret", as openssl passwd -apr1 -salt longrun1 says.
PASSWORD = "Basic " + base64.b64encode(b"user:secret").decode()
ROLES = ["perchild-master", "perchild-router", "perchild-keeper", "perchild-worker",
         "perchild-checke", "perchild-runner", "perchild-spare"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    def __init__(self, folder, binaries):
        self.folder = pathlib.Path(folder)
        self.binaries = binaries
        self.port, self.tls_port = free_port(), free_port()
        self.configuration = self.folder / "perchild.json"
        self.messages = self.folder / "messages"
        self.large = random.Random(1).randbytes(3_000_000)
        self.checksum_of_large = hashlib.sha256(self.large).digest()
        self.process = None
        self.generation = 0
        hash_of_secret = subprocess.run(
            ["openssl", "passwd", "-apr1", "-salt", "longrun1", "secret"], check=True, text=True,
            stdout=subprocess.PIPE).stdout.strip()
        self.sites = {
            "files.example": {"tls": "self-signed"},
            "programs.example": {"php": True, "cgi": True, "tls": "self-signed"},
            "members.example": {"auth": {"realm": "members", "users": {"user": hash_of_secret}}},
        }
        for number, host in enumerate([*self.sites, "sometimes.example"]):
            self.make_site(host, FIRST_UID + number)

    def make_site(self, host, uid):
        root = self.folder / host
        (root / "cgi-bin").mkdir(parents=True)
        (root / "index.html").write_text(f"of {host}")
        (root / "large").write_bytes(self.large)
        (root / "x.php").write_text(PHP)
        (root / "cgi-bin/x").write_text(CGI)
        for path in [root, *root.rglob("*")]:
            path.chmod(0o700)
            os.chown(path, uid, uid)

    def write_configuration(self):
        """Each time another one: a site comes and goes, and one's settings change."""
        sites = dict(self.sites)
        if self.generation % 2:
            sites["sometimes.example"] = {}
        vhosts = [{"hosts": [host], "uid": FIRST_UID + number, "gid": FIRST_UID + number,
                   "root": str(self.folder / host), "idle_timeout": "2s",
                   "headers": {"X-Generation": str(self.generation // 3)}, **more}
                  for number, (host, more) in enumerate(sites.items())]
        ids = {role: {"uid": 19001 + number, "gid": 19001 + number}
               for number, role in enumerate(["master", "router", "keeper", "spare"])}
        self.configuration.write_text(json.dumps({
            "listen": [{"address": f"127.0.0.1:{self.port}"},
                       {"address": f"127.0.0.1:{self.tls_port}", "tls": True}],
            "id_range": [20000, 20099], "service_ids": ids,
            "runtime_dir": str(self.folder / "run"), "log_dir": str(self.folder / "log"),
            "router": {"processes": 2}, "child_groups": {"spares": 1},
            "mechanisms": {"cgroup": "if-available"},
            "vhosts": vhosts}))
        self.generation += 1

    def start(self):
        self.write_configuration()
        with open(self.messages, "wb") as messages:
            self.process = subprocess.Popen(
                [self.binaries / "perchild", "serve", "--config", self.configuration],
                stdin=subprocess.DEVNULL, stdout=messages, stderr=messages, cwd="/")
        deadline = time.monotonic() + 30
        while "perchild: ready" not in self.messages.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self.messages.read_text(errors="replace"))
            time.sleep(0.05)

    def command(self, *arguments):
        done = subprocess.run([self.binaries / "perchild", *arguments], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"perchild {' '.join(map(str, arguments))}: {done.stdout}")

    def reload(self):
        self.write_configuration()
        self.command("reload", "--config", self.configuration)

    def reopen(self):
        self.command("reopen", "--runtime-dir", self.folder / "run")

    def children(self):
        main = self.process.pid
        pids = pathlib.Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [main, *map(int, pids)]

    def kill_one(self, choice):
        """Any of its processes but the master; what it is."""
        pid = choice(self.children()[1:])
        name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
        os.kill(pid, signal.SIGKILL)
        return name

    def holds(self):
        """Of each role: processes, descriptors, and kilobytes that are theirs alone."""
        found = {}
        for pid in self.children():
            try:
                folder = pathlib.Path(f"/proc/{pid}")
                role = (folder / "comm").read_text().strip()
                descriptors = len(list((folder / "fd").iterdir()))
                rollup = (folder / "smaps_rollup").read_text()
            except OSError:
                continue  # it has gone meanwhile
            private = sum(int(line.split()[1]) for line in rollup.splitlines()
                          if line.startswith("Private_"))
            so_far = found.get(role, (0, 0, 0))
            found[role] = (so_far[0] + 1, so_far[1] + descriptors, so_far[2] + private)
        return found

    def stop(self):
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
