"""Load, and the CPU time that it costs the server."""

import dataclasses
import http.client
import json
import os
import pathlib
import re
import subprocess
import time

from cpu_time import each_process
from servers import BODY, HOST

CONNECTIONS = 32
# wrk's own words at its end, as one line of JSON.
WRK_SCRIPT = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\n{"requests":%d,"bytes":%d,"microseconds":%d,"connect":%d,"read":%d,"write":%d,' ..
    '"status":%d,"timeout":%d}\\n', summary.requests, summary.bytes, summary.duration,
    e.connect, e.read, e.write, e.status, e.timeout))
end
"""


class LoadFailed(Exception):
    pass


@dataclasses.dataclass
class Sample:
    requests: int
    cpu_us: float  # of all the server's processes, a request
    per_second: float
    each: dict     # {process: us of CPU a request}, of those that lived all through


def verify(server, close):
    """Asks once and returns how many bytes a whole response has, head and body."""
    connection = http.client.HTTPConnection(server.link.address, server.port, timeout=10)
    headers = {"Host": HOST}
    if close:
        headers["Connection"] = "close"
    connection.request("GET", "/", headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.status != 200 or body != BODY:
        raise LoadFailed(f"{server.name} answers {response.status} with {len(body)} bytes, "
                         f"not 200 with the file's {len(BODY)}")
    if close and not response.will_close:
        raise LoadFailed(f"{server.name} keeps a connection that was to be closed")
    if not close and response.will_close:
        raise LoadFailed(f"{server.name} closes a connection that was to be kept")
    head = f"HTTP/1.1 200 {response.reason}\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in response.getheaders()) + "\r\n"
    return len(head.encode("latin-1")) + len(body)


def settled(group):
    """The group's CPU time once the server has dealt with the load's last connections."""
    deadline = time.monotonic() + 2
    before = group.nanoseconds()
    while time.monotonic() < deadline:
        time.sleep(0.05)
        now = group.nanoseconds()
        if now - before < 200_000:  # 0.4 % of a CPU: housekeeping
            return now
        before = now
    return before


def wrk(server, seconds, cpu, folder, *, path="/", headers=(), connections=CONNECTIONS,
        counts="requests", link=None):
    """One run of wrk: its own summary. Raises LoadFailed if any answer was none, or no success.

    `counts`: of which there must be some, "requests" that came to their end or "bytes".
    `link`: between wrk and the server, if not the server's.
    """
    script = pathlib.Path(folder) / "summary.lua"
    script.write_text(WRK_SCRIPT)
    command = [*(link or server.link).visitor, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",
               "-s", str(script)]
    for header in (f"Host: {HOST}", *headers):
        command += ["-H", header]
    command.append(f"http://{server.link.address}:{server.port}{path}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60,
                          preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"requests"')]
    if done.returncode != 0 or not lines:
        raise LoadFailed(f"wrk against {server.name} failed:\n{done.stdout}{done.stderr}")
    summary = json.loads(lines[0])
    errors = {kind: summary[kind] for kind in ("connect", "read", "write", "status", "timeout")
              if summary[kind]}
    if errors or summary[counts] == 0:
        raise LoadFailed(f"{server.name}{path}: {summary['requests']} requests, errors in the "
                         f"load: {errors}")
    return summary


def check_bytes(server, summary, response_bytes, connections=CONNECTIONS):
    # wrk counts the bytes of responses under way at its end too, hence not exactly.
    count = summary["requests"]
    mean = summary["bytes"] / count
    if not response_bytes * 0.99 <= mean <= response_bytes * (1.01 + connections / count):
        raise LoadFailed(f"{server.name}: {mean:.0f} bytes a response, not {response_bytes}")


def run(server, close, seconds, cpu, response_bytes, folder):
    """One run of wrk. Raises LoadFailed unless every answer was the file."""
    each_before = each_process(server.group.members())
    before = settled(server.group)
    summary = wrk(server, seconds, cpu, folder, headers=["Connection: close"] if close else [])
    used = settled(server.group) - before
    each_after = each_process(server.group.members())
    check_bytes(server, summary, response_bytes)
    count = summary["requests"]
    each = {p: (ns - each_before[p]) / 1000 / count
            for p, ns in each_after.items() if p in each_before}
    return Sample(count, used / 1000 / count, count / (summary["microseconds"] / 1e6), each)


class H2load:
    """Runs of h2load: as many requests as fit into a run, each of them answered with the body.

    Unlike wrk it lets every request come to its end. Called with a server, it returns how many
    requests there were, or megabytes, in how many seconds.
    """

    def __init__(self, arguments, path, size, seconds, cpu, *, by_bytes=False, least=100):
        self.least = 4 if by_bytes else least  # requests of a run
        self.arguments, self.path, self.size = arguments, path, size
        self.seconds, self.cpu, self.by_bytes = seconds, cpu, by_bytes
        self.rate = {}  # requests a second that a server was seen to answer

    def __call__(self, server):
        count = max(self.least, round(self.rate.get(server.name, 0) * self.seconds))
        begin = time.monotonic()
        self.ask(server, count)
        taken = time.monotonic() - begin
        self.rate[server.name] = count / taken
        return (count * self.size / 1e6 if self.by_bytes else count), taken

    def ask(self, server, count):
        scheme = "https" if server.certificate else "http"
        done = subprocess.run(
            [*server.link.visitor, "h2load", "-n", str(count), "-t1", *self.arguments, "-H", f":authority: {HOST}",
             "--connect-to", f"{server.link.address}:{server.port}",
             f"{scheme}://{HOST}:{server.port}{self.path}"],
            capture_output=True, text=True, timeout=self.seconds * 10 + 120,
            preexec_fn=lambda: os.sched_setaffinity(0, {self.cpu}))
        good = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", done.stdout)
        bodies = re.search(r"\((\d+)\) data", done.stdout)
        if (done.returncode != 0 or not good or good.groups() != (str(count), "0", "0")
                or f"status codes: {count} 2xx" not in done.stdout
                or int(bodies.group(1)) != count * self.size):
            raise LoadFailed(f"h2load against {server.name}{self.path} failed:\n"
                             f"{done.stdout}{done.stderr}")
