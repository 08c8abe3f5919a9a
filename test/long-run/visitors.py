"""Visitors of all kinds, each a thread, until they are told to stop."""

import contextlib
import hashlib
import http.client
import random
import socket
import ssl
import threading
import time

from service import PASSWORD


class Visitors:
    def __init__(self, service, number):
        self.service = service
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        self.requests = 0
        self.repeated = 0
        self.failures = []
        self.last_kill = 0.0  # whose connections are lost with a killed process
        self.threads = [threading.Thread(target=self.visit, args=(seed,)) for seed in range(number)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(120)

    def visit(self, seed):
        chance = random.Random(seed)
        while not self.stopped.is_set():
            kind = chance.choice([self.page, self.page, self.page, self.large, self.part, self.php,
                                  self.cgi, self.member, self.stranger, self.missing])
            tls = chance.random() < 0.3 and kind not in (self.member, self.stranger)
            begun = time.monotonic()
            while True:
                problem = self.once(kind, tls, chance.randrange(1, 4))
                if problem is None:
                    break
                # A kill takes with it what it was serving, and what its role's successor is not
                # yet there for; who asks again is served.
                if self.last_kill < begun - 5 or time.monotonic() > begun + 20:
                    break
                with self.lock:
                    self.repeated += 1
                time.sleep(0.5)
            with self.lock:
                self.requests += 1
                if problem is not None:
                    self.failures.append(f"{kind.__name__}: {problem}")

    def once(self, kind, tls, repeats):
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=30)
        number = 0
        of_programs = kind in (self.php, self.cgi)
        try:
            if tls:
                host = "programs.example" if of_programs else "files.example"
                connection.sock = self.context.wrap_socket(
                    socket.create_connection(("127.0.0.1", self.service.tls_port), 30),
                    server_hostname=host)
            for number in range(repeats):
                problem = kind(connection)
                if problem:
                    return problem
        except (OSError, http.client.HTTPException) as error:
            return f"{'TLS, ' if tls else ''}request {number + 1} of a connection: {error!r}"
        finally:
            connection.close()
        return None

    @staticmethod
    def ask(connection, host, target, wanted, method="GET", body=None, fields=None):
        with contextlib.suppress(BrokenPipeError):  # an answer that does not wait for the body
            connection.request(method, target, body, {"Host": host, **(fields or {})})
        response = connection.getresponse()
        text = response.read()
        problem = None if response.status == wanted else f"{target}: {response.status}"
        return problem, text

    def page(self, connection):
        problem, text = self.ask(connection, "files.example", "/", 200)
        return problem or (None if text == b"of files.example" else "another page")

    def large(self, connection):
        problem, text = self.ask(connection, "files.example", "/large", 200)
        same = hashlib.sha256(text).digest() == self.service.checksum_of_large
        return problem or (None if same else "another file")

    def part(self, connection):
        problem, text = self.ask(connection, "files.example", "/large", 206,
                                 fields={"Range": "bytes=1000-1999"})
        return problem or (None if text == self.service.large[1000:2000] else "another part")

    def php(self, connection):
        problem, text = self.ask(connection, "programs.example", "/x.php", 200, "POST", b"x" * 5000)
        return problem or (None if text.endswith(b"php 5000") else "another answer of php")

    def cgi(self, connection):
        problem, text = self.ask(connection, "programs.example", "/cgi-bin/x", 200, "POST", b"body")
        return problem or (None if text == b"bodycgi\n" else "another answer of cgi")

    def member(self, connection):
        return self.ask(connection, "members.example", "/", 200,
                        fields={"Authorization": PASSWORD})[0]

    def stranger(self, connection):
        return self.ask(connection, "members.example", "/", 401)[0]

    def missing(self, connection):
        return self.ask(connection, "files.example", "/none", 404)[0]
