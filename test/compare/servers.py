"""The servers that are compared, as Debian configures them, with two sites of two tenants each.

Each server's files and its sites lie in a folder of its own; it listens on a loopback port, and is
ended by its pid.
"""

import contextlib
import grp
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

TENANTS = {"a.example": 20001, "b.example": 20002}  # numbers; no accounts are needed
SECRET = "the password of b"
START_SECONDS = 20
AN_HOUR_AGO = time.time() - 3600
HERE = pathlib.Path(__file__).parent


class ServerFailed(Exception):
    pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def group(name):
    return grp.getgrnam(name).gr_gid


class Server:
    """One server and its sites, whose files have the strictest modes under which it serves them."""

    name = ""
    name_of_parser = ""  # what its process is called
    group_of_sites = None  # who besides the tenant must be able to read; None: nobody

    def __init__(self, folder, program):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.processes = []
        self.logs = self.folder / "log"
        self.runtime = self.folder / "run"
        self.runtime.mkdir(mode=0o755)
        for host, uid in TENANTS.items():
            self.make_site(host, uid, program)

    def root(self, host):
        return self.folder / host

    def make_site(self, host, uid, program):
        root = self.root(host)
        root.mkdir()
        (root / "index.html").write_text(f"of {host}")
        (root / "config.php").write_text(f"<?php $password = '{SECRET}';")
        shutil.copy(HERE / "attack.php", root)
        shutil.copy(program, root / "attack")
        for path in [root, *root.iterdir()]:
            self.give(path, uid, 0o700 if path.is_dir() or path.name == "attack" else 0o600)
            # opcache leaves out what is younger than two seconds.
            os.utime(path, (AN_HOUR_AGO, AN_HOUR_AGO))

    def give(self, path, uid, mode):
        if self.group_of_sites is not None:
            mode |= (mode & 0o500) >> 3
        os.chown(path, uid, uid if self.group_of_sites is None else self.group_of_sites,
                 follow_symlinks=False)
        path.chmod(mode)

    def make_log_folder(self, mode, owner, log_group, names):
        self.logs.mkdir()
        os.chown(self.logs, 0, log_group)
        self.logs.chmod(mode)
        for name in names:
            (self.logs / name).touch()
            os.chown(self.logs / name, owner, log_group)
            (self.logs / name).chmod(0o640)

    def start_process(self, command):
        messages = open(self.folder / f"messages-{len(self.processes)}", "wb")
        with messages:
            self.processes.append(subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages, cwd="/",
                start_new_session=True))

    def start(self):
        self.start_all()
        deadline = time.monotonic() + START_SECONDS
        while not self.is_up():
            ended = any(process.poll() is not None for process in self.processes)
            if ended or time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} does not start:\n{self.messages()}")
            time.sleep(0.05)

    def messages(self):
        return "".join(path.read_text(errors="replace")
                       for path in sorted(self.folder.glob("messages-*")))

    def is_up(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.ask("a.example", "/index.html")[0] == 200
        return False

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def ask(self, host, target):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", target, headers={"Host": host})
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")

    def attack(self, name, argument="-", host="a.example"):
        """Whether it works, made by the site's PHP."""
        status, body = self.ask(host, f"/attack.php?{name}+{argument}")
        first = body.split("\n")[0]
        if status != 200 or not first.isdigit():
            raise ServerFailed(f"{self.name}: {name}: {status} {body[:500]}\n{self.messages()}")
        return first == "0"

    def log_texts(self):
        return [path.read_text(errors="replace") for path in self.logs.iterdir()]

    def access_log(self):
        """The one in which visits of site b are written."""
        raise NotImplementedError

    def start_all(self):
        raise NotImplementedError

    def parser_pid(self):
        """The process that reads what visitors send, before it is any site's."""
        main = self.processes[-1].pid
        children = pathlib.Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return next(pid for pid in children
                    if self.name_of_parser in pathlib.Path(f"/proc/{pid}/comm").read_text())

    def version(self):
        raise NotImplementedError


def first_line(*command):
    both = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=True)
    return both.stdout.splitlines()[0]


class Perchild(Server):
    name = "perchild"
    name_of_parser = "perchild-router"
    binaries = None  # the folder of the executables

    def start_all(self):
        configuration = self.folder / "perchild.json"
        configuration.write_text(json.dumps({
            "listen": [{"address": f"127.0.0.1:{self.port}"}],
            "id_range": [20000, 20099],
            "service_ids": {"master": {"uid": 19001, "gid": 19001},
                            "router": {"uid": 19002, "gid": 19002}},
            "runtime_dir": str(self.runtime),
            "log_dir": str(self.logs),
            "mechanisms": {"cgroup": "if-available"},
            "vhosts": [{"hosts": [host], "uid": uid, "gid": uid, "root": str(self.root(host)),
                        "php": True} for host, uid in TENANTS.items()],
        }, indent=2))
        self.start_process([self.binaries / "perchild", "serve", "--config", configuration])

    def access_log(self):
        return self.logs / "b.example.access.log"

    def version(self):
        return "perchild " + first_line(self.binaries / "perchild", "--version").split()[-1]


class NginxFpm(Server):
    name = "nginx + php-fpm"
    name_of_parser = "nginx"

    def __init__(self, folder, program):
        self.group_of_sites = group("www-data")  # nginx sends the sites' files
        super().__init__(folder, program)

    def start_all(self):
        www_data = self.group_of_sites
        self.make_log_folder(0o755, www_data, group("adm"), ["access.log", "error.log"])
        pools = "".join(f"""
[{host}]
user = {uid}
group = {uid}
listen = {self.runtime}/{host}.sock
listen.owner = www-data
listen.group = www-data
pm = dynamic
pm.max_children = 5
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
""" for host, uid in TENANTS.items())
        (self.folder / "fpm.conf").write_text(f"""
[global]
pid = {self.runtime}/fpm.pid
error_log = {self.folder}/fpm.log
daemonize = no
{pools}""")
        sites = "".join(f"""
  server {{
    listen 127.0.0.1:{self.port};
    server_name {host};
    root {self.root(host)};
    location / {{ try_files $uri $uri/ =404; }}
    location ~ \\.php$ {{
      include snippets/fastcgi-php.conf;
      fastcgi_pass unix:{self.runtime}/{host}.sock;
    }}
  }}""" for host in TENANTS)
        (self.folder / "nginx.conf").write_text(f"""
user www-data;
worker_processes auto;
daemon off;
pid {self.runtime}/nginx.pid;
error_log {self.logs}/error.log;
events {{ worker_connections 768; }}
http {{
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log {self.logs}/access.log;
  gzip on;
{sites}
}}
""")
        for name in ("snippets", "fastcgi.conf"):
            (self.folder / name).symlink_to(f"/etc/nginx/{name}")
        self.start_process([self.fpm(), "-y", self.folder / "fpm.conf"])
        deadline = time.monotonic() + START_SECONDS
        while not all((self.runtime / f"{host}.sock").exists() for host in TENANTS):
            if time.monotonic() > deadline:
                raise ServerFailed(self.messages())
            time.sleep(0.05)
        self.start_process(["nginx", "-c", self.folder / "nginx.conf", "-e",
                            self.logs / "error.log"])

    @staticmethod
    def fpm():
        return sorted(pathlib.Path("/usr/sbin").glob("php-fpm*"))[-1]

    def access_log(self):
        return self.logs / "access.log"

    def version(self):
        php = first_line(self.fpm(), "-v").split()[1]
        return f"nginx {first_line('nginx', '-v').split('/')[1]} + php-fpm {php}"


class ApacheItk(Server):
    name = "Apache + mpm-itk"
    name_of_parser = "apache2"
    MODULES = ["mpm_prefork", "mpm_itk", "access_compat", "alias", "auth_basic", "authn_core",
               "authn_file", "authz_core", "authz_host", "authz_user", "autoindex", "deflate",
               "dir", "env", "filter", "mime", "negotiation", "reqtimeout", "setenvif", "status"]

    def start_all(self):
        self.make_log_folder(0o750, 0, group("adm"), ["access.log", "error.log"])
        available = pathlib.Path("/etc/apache2/mods-available")
        php = sorted(available.glob("php*.load"))[-1].stem
        includes = "\n".join(f"Include {available}/{name}.load" for name in [*self.MODULES, php])
        sites = "".join(f"""
<VirtualHost 127.0.0.1:{self.port}>
  ServerName {host}
  AssignUserID #{uid} #{uid}
  DocumentRoot "{self.root(host)}"
  <Directory "{self.root(host)}">
    Options Indexes FollowSymLinks
    AllowOverride None
    Require all granted
  </Directory>
</VirtualHost>""" for host, uid in TENANTS.items())
        (self.folder / "apache2.conf").write_text(f"""
ServerRoot "{self.folder}"
ServerName localhost
DefaultRuntimeDir "{self.runtime}"
PidFile "{self.runtime}/apache2.pid"
Mutex "file:{self.runtime}" default
ErrorLog "{self.logs}/error.log"
Listen 127.0.0.1:{self.port}
{includes}
Include {available}/{php}.conf
TypesConfig /etc/mime.types
User www-data
Group www-data
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
CustomLog "{self.logs}/access.log" combined
<Directory />
  Options FollowSymLinks
  AllowOverride None
  Require all denied
</Directory>
{sites}
""")
        self.start_process(["apache2", "-d", self.folder, "-f", self.folder / "apache2.conf",
                            "-D", "FOREGROUND"])

    def access_log(self):
        return self.logs / "access.log"

    def version(self):
        apache = first_line("apache2", "-v").split("/")[1].split()[0]
        php = sorted(pathlib.Path("/usr/lib/apache2/modules").glob("libphp*.so"))[-1]
        return f"Apache {apache} + mpm-itk + mod_php {php.stem.removeprefix('libphp')}"
