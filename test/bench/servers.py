"""The servers that are compared: their configurations, start and end.

All serve one file of 612 bytes for the host bench.example on a port of their own, with a line in an
access log for each request. Everything they write lies in one temporary folder.
"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

from cpu_time import CpuGroup
from network import LOOPBACK

HOST = "bench.example"
BODY = (b"perchild " * 68)[:612]
TENANT = 20001  # a number; no account is needed
START_SECONDS = 15
STOP_SECONDS = 40


class ServerFailed(Exception):
    pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One running server. Subclasses say with which files and which command line."""

    name = ""
    link = LOOPBACK  # to its visitors
    size = 0  # of one answer to everything; 0: it serves files

    def __init__(self, folder, cpu, certificate=None):
        """`certificate`: (chain, key), to speak TLS with."""
        self.certificate = certificate
        label = self.name.replace(", ", "-").replace(" ", "-")
        self.folder = pathlib.Path(folder) / label
        self.folder.mkdir(mode=0o755)
        self.more_of_tenant = []  # paths, besides the root and its index
        self.port = free_port()
        self.root = self.folder / "site"
        self.root.mkdir(mode=0o755)
        (self.root / "index.html").write_bytes(BODY)
        self.messages = self.folder / "messages"
        self.access_log = self.folder / "access.log"
        self.cpu_set = cpu
        self.group = CpuGroup(label)
        self.process = None

    def start(self):
        command = self.prepare()
        self.process = self.spawn(command)
        deadline = time.monotonic() + START_SECONDS
        while not self.is_up():
            if self.process.poll() is not None:
                raise ServerFailed(f"{self.name} ended at its start:\n{self.messages.read_text()}")
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} does not listen:\n{self.messages.read_text()}")
            time.sleep(0.02)

    def spawn(self, command):
        """A process that counts as the server's."""
        def place_me():
            self.group.place_me()
            os.sched_setaffinity(0, {self.cpu_set})

        with open(self.messages, "ab") as messages:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages, cwd="/",
                start_new_session=True, preexec_fn=place_me)

    def give_to_tenant(self):
        """Nobody else can read the site: who serves it, does so under the tenant's uid."""
        for path in (self.root, *self.root.glob("index.html"), *self.more_of_tenant):
            path.chmod(path.stat().st_mode & 0o700)
            os.chown(path, TENANT, TENANT)

    def is_up(self):
        try:
            socket.create_connection((self.link.address, self.port), 1).close()
            return True
        except OSError:
            return False

    def last_words(self):
        words = self.messages.read_text(errors="replace") if self.messages.exists() else ""
        return "".join(f"{self.name}: {line}\n" for line in words.splitlines()[-20:])

    def logged(self):
        """Lines of the access log."""
        lines = 0
        with open(self.access_log, "rb") as log:
            while block := log.read(1 << 20):
                lines += block.count(b"\n")
        return lines

    def stop(self):
        """Ends it; returns the pids that it had left behind and that were killed."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        left = self.group.members()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while self.group.members() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.group.remove()
        return left

    def prepare(self):
        """Writes the configuration and returns the command line."""
        raise NotImplementedError


class Perchild(Server):
    name = "perchild"
    binaries = None  # the folder of the four executables
    more = {"router": {"processes": 1}}
    more_of_vhost = {}

    def prepare(self):
        self.give_to_tenant()
        self.access_log = self.folder / "log" / f"{HOST}.access.log"
        configuration = self.folder / "perchild.json"
        vhost = {"hosts": [HOST], "uid": TENANT, "gid": TENANT, "root": str(self.root),
                 "workers": 1, **self.more_of_vhost}
        if self.certificate:
            chain, key = self.certificate
            vhost["tls"] = {"certificates": [{"chain": str(chain), "key": str(key)}]}
        configuration.write_text(json.dumps({
            "listen": [{"address": f"{self.link.address}:{self.port}", "tls": self.certificate is not None}],
            "id_range": [20000, 20099],
            "service_ids": {"master": {"uid": 19001, "gid": 19001},
                            "router": {"uid": 19002, "gid": 19002},
                            "keeper": {"uid": 19003, "gid": 19003}},
            "runtime_dir": str(self.folder / "run"),
            "log_dir": str(self.folder / "log"),
            "vhosts": [vhost],
            **self.more,
        }, indent=2))
        return [str(self.binaries / "perchild"), "serve", "--config", str(configuration)]

    def is_up(self):
        return "perchild: ready" in self.messages.read_text(errors="replace")


class Nginx(Server):
    name = "nginx"
    file_cache = "off"
    more_of_http = ""
    more_of_server = ""

    def prepare(self):
        listen = f"listen {self.link.address}:{self.port};"
        if self.certificate:
            chain, key = self.certificate
            listen = (f"listen {self.link.address}:{self.port} ssl http2; ssl_certificate {chain}; "
                      f"ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;")
        configuration = self.folder / "nginx.conf"
        configuration.write_text(f"""
user www-data;
worker_processes 1;
daemon off;
pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 65;
  keepalive_requests 1000000000;
  gzip on;
  gzip_comp_level 6;
  gzip_types text/plain;
  open_file_cache {self.file_cache};
  access_log {self.access_log} combined;
  {self.more_of_http}
  server {{
    {listen}
    server_name {HOST};
    root {self.root};
    {self.more_of_server}
  }}
}}
""")
        return ["nginx", "-p", str(self.folder), "-c", str(configuration),
                "-e", str(self.folder / "error.log")]


class Lighttpd(Server):
    name = "lighttpd"

    def prepare(self):
        configuration = self.folder / "lighttpd.conf"
        configuration.write_text(f"""
server.modules = ( "mod_accesslog", "mod_deflate" )
server.document-root = "{self.root}"
server.bind = "{self.link.address}"
server.port = {self.port}
server.username = "www-data"
server.groupname = "www-data"
server.errorlog = "{self.folder}/error.log"
server.max-keep-alive-requests = 1000000000
server.max-keep-alive-idle = 65
accesslog.filename = "{self.access_log}"
index-file.names = ( "index.html" )
mimetype.assign = ( ".html" => "text/html", ".txt" => "text/plain", ".bin" => "application/octet-stream" )
deflate.mimetypes = ( "text/plain" )
deflate.allowed-encodings = ( "gzip" )
deflate.params = ( "gzip.compression-level" => 6 )
""")
        self.access_log.touch()
        os.chmod(self.access_log, 0o666)
        os.chmod(self.folder, 0o777)  # its files are opened as www-data
        return ["lighttpd", "-D", "-f", str(configuration)]


class H2o(Server):
    name = "h2o"

    def prepare(self):
        configuration = self.folder / "h2o.conf"
        configuration.write_text(f"""
user: www-data
num-threads: 1
error-log: {self.folder}/error.log
pid-file: /dev/null
http1-request-timeout: 60
compress:
  gzip: 6
hosts:
  "{HOST}":
    listen:
      host: {self.link.address}
      port: {self.port}
    paths:
      "/":
        file.dir: {self.root}
        file.mime.setdefaulttype: application/octet-stream
    access-log: {self.access_log}
""")
        os.chmod(self.folder, 0o777)  # its files are opened as www-data
        return ["h2o", "-c", str(configuration)]


class Least(Server):
    """Receives a request and sends so many bytes, no file and no log: what the kernel takes."""

    def __init__(self, folder, cpu, program, size):
        self.name = f"least of {size}"
        self.program, self.size = program, size
        super().__init__(folder, cpu)

    def prepare(self):
        return [str(self.program), self.link.address, str(self.port), str(self.size)]


class NginxFileCache(Nginx):
    name = "nginx, open_file_cache"
    file_cache = "max=1000"


class ApacheItk(Server):
    name = "apache mpm-itk"
    more_modules = []
    more_of_host = ""

    def prepare(self):
        self.give_to_tenant()
        modules = "/usr/lib/apache2/modules"
        # What Debian enables: each process that a connection is forked for has all of them.
        names = ["mpm_prefork", "authz_core", "authz_host", "authz_user", "access_compat",
                 "auth_basic", "authn_core", "authn_file", "alias", "autoindex", "deflate", "dir",
                 "env", "filter", "mime", "negotiation", "reqtimeout", "setenvif", "status",
                 *self.more_modules]
        loads = "\n".join(f"LoadModule {n}_module {modules}/mod_{n}.so" for n in names)
        configuration = self.folder / "apache2.conf"
        configuration.write_text(f"""
ServerRoot "{self.folder}"
ServerName {HOST}
DefaultRuntimeDir "{self.folder}"
PidFile "{self.folder}/apache2.pid"
Mutex "file:{self.folder}" default
ErrorLog "{self.folder}/error.log"
Listen {self.link.address}:{self.port}
{loads}
LoadModule mpm_itk_module {modules}/mpm_itk.so
TypesConfig /etc/mime.types
User www-data
Group www-data
MaxRequestWorkers 150
KeepAlive On
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
<VirtualHost {self.link.address}:{self.port}>
  ServerName {HOST}
  AssignUserID #{TENANT} #{TENANT}
  DocumentRoot "{self.root}"
  DirectoryIndex index.html
  CustomLog "{self.access_log}" combined
  {self.more_of_host}
  <Directory "{self.root}">
    AllowOverride None
    Require all granted
  </Directory>
</VirtualHost>
""")
        return ["apache2", "-d", str(self.folder), "-f", str(configuration), "-D", "FOREGROUND"]
