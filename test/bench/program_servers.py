"""Servers with programs behind them: PHP, CGI, a backend; and the database of a WordPress."""

import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse

from comparison import CannotMeasure, compiled
from network import LOOPBACK
from servers import (BODY, HOST, START_SECONDS, TENANT, ApacheItk, Nginx, Perchild, Server,
                     ServerFailed)

PHP_PROCESSES = 4
PHP_REQUESTS = 1000  # of a process, then it is replaced
# php-cgi's own, whichever program reads them.
PHP_INI = "/etc/php/8.2/cgi/php.ini"
PHP_SCAN = "/etc/php/8.2/cgi/conf.d"
CGI_SCRIPT = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello\\n'\n"
DATABASE_UID = 19010
WORDPRESS = pathlib.Path("/usr/share/wordpress")


def wait_for(is_there, what, process, seconds=START_SECONDS):
    deadline = time.monotonic() + seconds
    while not is_there():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerFailed(f"{what} does not start")
        time.sleep(0.02)


class PerchildPhp(Perchild):
    more_of_vhost = {"php": {"max_processes": PHP_PROCESSES, "max_requests": PHP_REQUESTS,
                             "idle_timeout": "5m"}}


class PerchildWordpress(Perchild):
    more_of_vhost = {"app": "wordpress", **PerchildPhp.more_of_vhost}


class NginxFpm(Nginx):
    """With php-fpm, whose processes run under the tenant's uid and are all there from the start."""

    name = "nginx + php-fpm"
    keep = ""  # of connections to php-fpm
    rules = ""

    def prepare(self):
        for path in self.more_of_tenant:
            os.chown(path, TENANT, TENANT)
        at = self.folder / "fpm.sock"
        configuration = self.folder / "fpm.conf"
        configuration.write_text(f"""
[global]
error_log = {self.folder}/fpm.log
daemonize = no
[site]
user = {TENANT}
group = {TENANT}
listen = {at}
listen.owner = www-data
listen.group = www-data
pm = static
pm.max_children = {PHP_PROCESSES}
pm.max_requests = {PHP_REQUESTS}
""")
        self.fpm = self.spawn(["env", f"PHP_INI_SCAN_DIR={PHP_SCAN}", "php-fpm8.2", "--nodaemonize",
                               "-c", PHP_INI, "--fpm-config", str(configuration)])
        wait_for(at.exists, "php-fpm", self.fpm)
        keepalive = f"keepalive {PHP_PROCESSES};" if self.keep else ""
        self.more_of_http = f"upstream fpm {{ server unix:{at}; {keepalive} }}"
        self.more_of_server = f"""
    index index.html index.php;
    {self.rules}
    location ~ \\.php$ {{
      try_files $uri =404;
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      {self.keep}
      fastcgi_pass fpm;
    }}"""
        return super().prepare()

    def stop(self):
        self.fpm.terminate()
        self.fpm.wait()
        return super().stop()


class NginxFpmKept(NginxFpm):
    """No more clients than processes: each connection keeps one of these to itself."""

    name = "nginx + php-fpm, kept"
    keep = "fastcgi_keep_conn on;"


class NginxWordpress(NginxFpm):
    rules = "location / { try_files $uri $uri/ /index.php?$args; }"


class PerchildCgi(Perchild):
    more_of_vhost = {"cgi": {"directories": ["/cgi-bin"], "max_processes": 32}}


class ApacheCgi(ApacheItk):
    more_modules = ["cgi"]

    def prepare(self):
        self.more_of_host = (f'ScriptAlias "/cgi-bin/" "{self.root}/cgi-bin/"\n'
                             f'  <Directory "{self.root}/cgi-bin">\n    Options +ExecCGI\n'
                             f"  </Directory>")
        return super().prepare()


class PerchildProxy(Perchild):
    def __init__(self, folder, cpu, backend):
        super().__init__(folder, cpu)
        self.more_of_vhost = {"proxy": {"to": f"http://{backend.link.address}:{backend.port}"}}


class NginxProxy(Nginx):
    """With connections to the backend that are kept, which it does not do unless it is told to."""

    def __init__(self, folder, cpu, backend):
        super().__init__(folder, cpu)
        self.more_of_http = (f"upstream backend {{ server {backend.link.address}:{backend.port}; "
                             f"keepalive 64; "
                             f"keepalive_requests 1000000000; }}")
        self.more_of_server = (f"location / {{ proxy_pass http://backend; proxy_http_version 1.1; "
                               f'proxy_set_header Connection ""; proxy_set_header Host $host; '
                               f"proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; "
                               f"proxy_set_header X-Forwarded-Proto $scheme; }}")


class Backend(Server):
    name = "backend"
    link = LOOPBACK  # its visitors are the servers

    def prepare(self):
        program = compiled("backend.cc", self.folder)
        return [str(program), self.link.address, str(self.port), str(len(BODY))]


class Database:
    """A MariaDB of its own, at a socket that any uid may use."""

    def __init__(self, cpu):
        # A site's programs have a /tmp of their own.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="perchild-bench.", dir="/run"))
        self.folder.chmod(0o711)
        self.socket = self.folder / "socket"
        (self.folder / "first.sql").write_text("CREATE DATABASE blog;\n")
        os.chown(self.folder, DATABASE_UID, DATABASE_UID)
        command = ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={self.folder}",
                   f"--socket={self.socket}", f"--init-file={self.folder}/first.sql",
                   "--skip-networking", "--skip-grant-tables", "--skip-log-bin",
                   "--innodb-flush-log-at-trx-commit=0", "--performance-schema=off"]

        def become_database():
            os.sched_setaffinity(0, {cpu})
            os.setgroups([])
            os.setgid(DATABASE_UID)
            os.setuid(DATABASE_UID)

        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, preexec_fn=become_database)

    def __enter__(self):
        wait_for(lambda: b"ready for connections" in (self.folder / "log").read_bytes(),
                 "mariadbd", self.process, 120)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def put_wordpress(server, database):
    """The package's files, with what its links lead to."""
    # A link of the package can lead to what another one brings: its absence does not matter.
    subprocess.run(["cp", "-RL", f"{WORDPRESS}/.", server.root], capture_output=True)
    keys = "".join(f"define('{name}', '{name} of the bench');\n" for kind in ("KEY", "SALT")
                   for name in (f"{use}_{kind}" for use in
                                ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE")))
    (server.root / "wp-config.php").write_text(
        f"<?php\ndefine('DB_NAME', 'blog');\ndefine('DB_USER', 'blog');\n"
        f"define('DB_PASSWORD', '');\ndefine('DB_HOST', 'localhost:{database.socket}');\n{keys}"
        f"define('WP_HOME', 'http://{HOST}');\ndefine('WP_SITEURL', 'http://{HOST}');\n"
        f"define('DISABLE_WP_CRON', true);\ndefine('WP_HTTP_BLOCK_EXTERNAL', true);\n"
        f"$table_prefix = 'wp_';\ndefined('ABSPATH') || define('ABSPATH', __DIR__ . '/');\n"
        f"require_once ABSPATH . 'wp-settings.php';\n")
    (server.root / "index.html").unlink()
    server.more_of_tenant = list(server.root.rglob("*"))


def install_wordpress(server):
    """By its own installer, with a theme of its package."""
    form = urllib.parse.urlencode({
        "weblog_title": "A blog", "user_name": "blogger", "admin_password": "correct-horse",
        "admin_password2": "correct-horse", "pw_weak": "on", "admin_email": "a@example.com",
        "blog_public": "0", "language": ""})
    connection = http.client.HTTPConnection(server.link.address, server.port, timeout=120)
    connection.request("POST", "/wp-admin/install.php?step=2", form,
                       {"Host": HOST, "Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    if answer.status != 200 or b"Success!" not in answer.read():
        raise CannotMeasure(f"WordPress's installer answers {answer.status}")
    connection.close()
