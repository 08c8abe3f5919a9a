"""Many sites in one configuration: perchild, nginx, Apache with mpm-itk, php-fpm behind nginx.

Each site s0.example, s1.example, ... has a folder with one file, of a uid of its own where the
server can do that.
"""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from servers import BODY, ServerFailed, free_port

FIRST_UID = 100_000
START_SECONDS = 180


def host_of(site):
    return f"s{site}.example"


def make_roots(folder, count, owned=True):
    """The sites' folders, made once for all servers of a run."""
    for site in range(count):
        root = folder / str(site)
        if root.exists():
            continue
        root.mkdir(mode=0o755)
        (root / "index.html").write_bytes(BODY)
        (root / "index.php").write_text("<?php echo 'of " + str(site) + "';")
        if owned:
            for path in (root, root / "index.html", root / "index.php"):
                os.chown(path, FIRST_UID + site, FIRST_UID + site)


def ask(port, site, path="/", timeout=10):
    """Seconds that one request on a connection of its own takes; None if it fails."""
    begin = time.monotonic()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        connection.request("GET", path, headers={"Host": host_of(site), "Connection": "close"})
        response = connection.getresponse()
        response.read()
        connection.close()
    except (OSError, http.client.HTTPException):
        return None
    return time.monotonic() - begin if response.status == 200 else None


def children_of(pid):
    try:
        return [int(child) for child in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []  # it has gone


def descendants_of(pid):
    found = []
    for child in children_of(pid):
        found += [child, *descendants_of(child)]
    return found


def used_by(pid):
    """(ms of processor time, page faults) since the process began."""
    try:
        time_ns = int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])
        # Behind the name in brackets: minflt and majflt are the 10th and 12th field of all.
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return (0, 0)  # it has gone
    return (time_ns / 1e6, int(fields[7]) + int(fields[9]))


def uid_of(pid):
    """Not the owner of its folder, which is root where a process is not dumpable."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    return int(re.search(r"^Uid:\s+(\d+)", status, re.M).group(1))


class Crowd:
    """A running server with `count` sites. Subclasses say how it is configured."""

    name = ""
    common_uid = None  # that serves all sites

    def __init__(self, folder, roots, count):
        self.folder = pathlib.Path(folder) / f"{type(self).__name__}-{count}-{time.monotonic_ns()}"
        self.folder.mkdir(mode=0o755)
        self.roots = roots
        self.count = count
        self.port = free_port()
        self.process = None
        self.ready_seconds = None

    def __enter__(self):
        command, environment = self.prepare()
        begin = time.monotonic()
        with open(self.folder / "messages", "wb") as messages:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages, cwd="/",
                env={**os.environ, **environment}, start_new_session=True)
        try:
            self.wait_until_ready(begin + START_SECONDS)
        except BaseException:
            self.stop()
            raise
        self.ready_seconds = time.monotonic() - begin
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_until_ready(self, deadline):
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                pass
            self.check_alive(deadline)
            time.sleep(0.01)

    def check_alive(self, deadline):
        if self.process.poll() is not None or time.monotonic() > deadline:
            words = (self.folder / "messages").read_text(errors="replace")[-2000:]
            raise ServerFailed(f"{self.name} does not start: {words}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def children(self):
        return children_of(self.process.pid)

    def trees(self):
        """The processes that all others of it descend from."""
        return [self.process.pid]

    def used(self):
        """(ms of processor time, page faults) of all its processes."""
        pids = [pid for top in self.trees() for pid in (top, *descendants_of(top))]
        return tuple(map(sum, zip(*map(used_by, pids))))

    def processes_of(self, site):
        """Those that serve this site: with one uid for all, every one that serves at all."""
        return [pid for pid in descendants_of(self.process.pid)
                if uid_of(pid) in {FIRST_UID + site, self.common_uid} - {None}]

    def prepare(self):
        raise NotImplementedError


class PerchildCrowd(Crowd):
    name = "perchild"
    binaries = None  # the folder of the executables

    def configure(self, body_limits):
        """Writes the configuration; `body_limits` are those of some sites, by number."""
        vhosts = [{"hosts": [host_of(i), f"www.{host_of(i)}"], "uid": FIRST_UID + i,
                   "gid": FIRST_UID + i, "root": str(self.roots / str(i))}
                  for i in range(self.count)]
        for site, limit in body_limits.items():
            vhosts[site]["limits"] = {"body": limit}
        self.configuration.write_text(json.dumps({
            "listen": [{"address": f"127.0.0.1:{self.port}"}],
            "id_range": [FIRST_UID, FIRST_UID + max(self.count, 1000) - 1],
            "service_ids": {"master": {"uid": 19001, "gid": 19001},
                            "router": {"uid": 19002, "gid": 19002}},
            "runtime_dir": str(self.folder / "run"),
            "log_dir": str(self.folder / "log"),
            "drain_timeout": "1s",
            "router": {"connections": 20_000, "per_address": 20_000},
            "vhosts": vhosts}))

    def reload(self):
        """What the command says of it."""
        command = [str(self.binaries / "perchild"), "reload", "--config", str(self.configuration)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def prepare(self):
        self.configuration = self.folder / "perchild.json"
        self.configure(body_limits={})
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = self.folder / "notify"
        self.notify.bind(str(path))
        path.chmod(0o777)
        return ([str(self.binaries / "perchild"), "serve", "--config", str(self.configuration)],
                {"NOTIFY_SOCKET": str(path)})

    def wait_until_ready(self, deadline):
        self.notify.settimeout(0.2)
        while True:
            try:
                if b"READY=1" in self.notify.recv(4096):
                    return
            except TimeoutError:
                self.check_alive(deadline)

    def memory_kib(self):
        """Of master and routers together: what they share counts once."""
        return sum(kib_of(pid, "Pss") for pid in [self.process.pid, *self.children()])


def kib_of(pid, field):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{field}:\s+(\d+)", text, re.M).group(1))


class NginxCrowd(Crowd):
    name = "nginx, one uid"
    locations = ""

    def prepare(self):
        self.common_uid = 33  # www-data
        servers = "\n".join(
            f"  server {{ listen 127.0.0.1:{self.port}; server_name {host_of(i)}; "
            f"root {self.roots / str(i)}; {self.locations.replace('SITE', str(i))} }}"
            for i in range(self.count))
        configuration = self.folder / "nginx.conf"
        configuration.write_text(f"""
user www-data;
worker_processes auto;
worker_rlimit_nofile 20000;
daemon off;
pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log;
events {{ worker_connections 12000; }}
http {{
  include /etc/nginx/mime.types;
  sendfile on;
  server_names_hash_max_size 65536;
  server_names_hash_bucket_size 128;
  access_log {self.folder}/access.log combined;
{servers}
}}
""")
        return (["nginx", "-p", str(self.folder), "-c", str(configuration),
                 "-e", str(self.folder / "error.log")], {})


class PhpFpmCrowd(NginxCrowd):
    """A pool a site, started by its first request, as shared hosts run it; asked for a PHP page."""

    name = "nginx and php-fpm ondemand"

    def __enter__(self):
        self.locations = (f"location ~ \\.php$ {{ include /etc/nginx/fastcgi_params; "
                          f"fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; "
                          f"fastcgi_pass unix:{self.folder}/SITE.sock; }}")
        pools = "\n".join(
            f"[p{i}]\nuser = {FIRST_UID + i}\ngroup = {FIRST_UID + i}\n"
            f"listen = {self.folder}/{i}.sock\nlisten.owner = www-data\nlisten.group = www-data\n"
            f"pm = ondemand\npm.max_children = 2\n" for i in range(self.count))
        configuration = self.folder / "fpm.conf"
        configuration.write_text(f"[global]\nerror_log = {self.folder}/fpm.log\n"
                                 f"daemonize = no\nrlimit_files = 20000\n{pools}")
        self.fpm = subprocess.Popen(
            ["php-fpm8.2", "--nodaemonize", "--fpm-config", str(configuration)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while not (self.folder / f"{self.count - 1}.sock").exists():
            if self.fpm.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed("php-fpm does not start: " +
                                   (self.folder / "fpm.log").read_text(errors="replace")[-500:])
            time.sleep(0.05)
        return super().__enter__()

    def trees(self):
        return [*super().trees(), self.fpm.pid]

    def stop(self):
        super().stop()
        self.fpm.terminate()
        self.fpm.wait()


class ItkCrowd(Crowd):
    name = "apache mpm-itk"

    def prepare(self):
        modules = "/usr/lib/apache2/modules"
        names = ["mpm_prefork", "authz_core", "alias", "dir", "env", "mime", "reqtimeout",
                 "setenvif"]
        loads = "\n".join(f"LoadModule {n}_module {modules}/mod_{n}.so" for n in names)
        hosts = "\n".join(
            f"<VirtualHost 127.0.0.1:{self.port}>\nServerName {host_of(i)}\n"
            f"AssignUserID #{FIRST_UID + i} #{FIRST_UID + i}\n"
            f"DocumentRoot {self.roots / str(i)}\n</VirtualHost>" for i in range(self.count))
        configuration = self.folder / "apache2.conf"
        configuration.write_text(f"""
ServerRoot "{self.folder}"
ServerName bench.example
DefaultRuntimeDir "{self.folder}"
PidFile "{self.folder}/apache2.pid"
Mutex "file:{self.folder}" default
ErrorLog "{self.folder}/error.log"
Listen 127.0.0.1:{self.port}
{loads}
LoadModule mpm_itk_module {modules}/mpm_itk.so
TypesConfig /etc/mime.types
User www-data
Group www-data
ServerLimit 512
MaxRequestWorkers 512
LimitUIDRange 0 200000
LimitGIDRange 0 200000
DirectoryIndex index.html
<Directory "{self.roots}">
  Require all granted
</Directory>
{hosts}
""")
        return (["apache2", "-d", str(self.folder), "-f", str(configuration), "-D", "FOREGROUND"],
                {})
