"""The CPU time of a whole server: of all its processes, those that have ended too.

A server is started inside a control group of its own, which the kernel charges to the nanosecond
(v1, cpuacct) or microsecond (v2, cpu.stat). Processes inherit it, whatever they exec, whichever ids
and namespaces they change to, and what they have used stays charged when they are gone.
"""

import os
import pathlib


class NoAccounting(Exception):
    pass


def _mounted(kind, option=None):
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, where, what, options = line.split()[:4]
        if what == kind and (option is None or option in options.split(",")):
            return pathlib.Path(where)
    return None


class CpuGroup:
    """One control group; `place_me` is called in the child before it execs the server."""

    def __init__(self, name):
        v1 = _mounted("cgroup", "cpuacct")
        v2 = _mounted("cgroup2")
        if v1:
            self.kind, parent, self._read = "cgroup v1 cpuacct", v1, self._read_v1
        elif v2:
            self.kind, parent, self._read = "cgroup v2 cpu.stat", v2, self._read_v2
        else:
            raise NoAccounting("neither a cgroup v1 cpuacct nor a cgroup v2 hierarchy is mounted")
        self.path = parent / f"perchild-bench-{os.getpid()}-{name}"
        try:
            self.path.mkdir()
        except OSError as error:
            raise NoAccounting(f"cannot make a control group: {error}") from error

    def place_me(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def nanoseconds(self):
        return self._read()

    def _read_v1(self):
        return int((self.path / "cpuacct.usage").read_text())

    def _read_v2(self):
        for line in (self.path / "cpu.stat").read_text().splitlines():
            if line.startswith("usage_usec "):
                return int(line.split()[1]) * 1000
        raise NoAccounting(f"{self.path}/cpu.stat has no usage_usec")

    def members(self):
        """The pids in it and below it."""
        pids = []
        for procs in self.path.rglob("cgroup.procs"):
            pids += [int(pid) for pid in procs.read_text().split()]
        return pids

    def remove(self):
        for folder in sorted(self.path.rglob("*/"), reverse=True):
            if folder.is_dir():
                folder.rmdir()
        self.path.rmdir()


def each_process(pids):
    """{argv[0]: ns on a CPU} of single-threaded processes, finer than the group's sum."""
    used = {}
    for pid in pids:
        try:
            title = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
            nanoseconds = int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])
        except (OSError, IndexError, ValueError):
            continue
        used[f"{title} ({pid})"] = nanoseconds
    return used
