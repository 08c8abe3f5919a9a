"""Between visitors and a server: a network of its own on this machine, or the loopback.

Over the loopback a server's CPU does the visitor's half of TCP as well: what it sends is received
inside its own send(2), and its sockets' memory goes to and fro between two CPUs' caches. Over a
network each end deals with its own packets.
"""

import contextlib
import dataclasses
import os
import pathlib
import subprocess


class NoNetwork(Exception):
    pass


@dataclasses.dataclass(frozen=True)
class Link:
    address: str      # where servers listen
    visitor: tuple    # before a command: makes it a visitor


LOOPBACK = Link("127.0.0.1", ())
# RFC 2544's range, for measurements.
SERVER_ADDRESS, VISITOR_ADDRESS = "198.18.0.1", "198.18.0.2"


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise NoNetwork(f"{' '.join(command)}: {done.stderr.strip()}")


@contextlib.contextmanager
def ethernet(server_cpu, visitor_cpu):
    """A cable (veth, with the MTU of Ethernet) to a network namespace where visitors run.

    Packets are dealt with by the CPU whose process they are for, as network cards with several
    queues see to it (receive packet steering).
    """
    name = f"perchild-bench-{os.getpid()}"
    ours, theirs = f"pb{os.getpid()}s", f"pb{os.getpid()}v"
    inside = ("ip", "netns", "exec", name)
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
        _run("ip", "addr", "add", f"{SERVER_ADDRESS}/30", "dev", ours)
        _run("ip", "link", "set", ours, "up")
        _run("ip", "-n", name, "addr", "add", f"{VISITOR_ADDRESS}/30", "dev", theirs)
        _run("ip", "-n", name, "link", "set", theirs, "up")
        try:
            _steering(ours).write_text(f"{1 << server_cpu:x}")
        except OSError as error:
            raise NoNetwork(f"receive packet steering of {ours}: {error}") from error
        # `ip netns exec` mounts that namespace's /sys.
        _run(*inside, "sh", "-c", f"echo {1 << visitor_cpu:x} > {_steering(theirs)}")
        yield Link(SERVER_ADDRESS, inside)
    finally:
        # The pair goes with the namespace, once nothing runs in it.
        subprocess.run(["ip", "netns", "del", name], capture_output=True)


def _steering(device):
    return pathlib.Path(f"/sys/class/net/{device}/queues/rx-0/rps_cpus")
