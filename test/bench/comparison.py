"""What comparisons of servers share: one that runs, figures taken in turns, a table, goals."""

import argparse
import contextlib
import dataclasses
import http.client
import json
import math
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

import load
from cpu_time import NoAccounting, each_process
from network import NoNetwork
from servers import ServerFailed

TOP = pathlib.Path(__file__).resolve().parents[2]


class CannotMeasure(Exception):
    pass


FAILURES = (CannotMeasure, NoAccounting, NoNetwork, ServerFailed, load.LoadFailed, OSError,
            http.client.HTTPException, subprocess.SubprocessError)


def parse_arguments(doc, runs=5, seconds=3):
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="runs of 1 s: a look, not a figure")
    parser.add_argument("--runs", type=int, default=runs,
                        help=f"runs a server and case (default {runs})")
    parser.add_argument("--seconds", type=float, default=0,
                        help=f"length of a run (default {seconds})")
    parser.add_argument("--json", metavar="FILE", help="write every sample and the goals there")
    parser.add_argument("--bin", metavar="DIR", type=pathlib.Path,
                        help="perchild's executables (default: build/release/bin, built first)")
    parser.add_argument("--only", metavar="TEXT", action="append",
                        help="only cases whose name has TEXT in it; may be repeated")
    options = parser.parse_args()
    options.seconds = options.seconds or (min(1, seconds) if options.quick else seconds)
    return options


def is_wanted(name, options):
    return not options.only or any(text in name for text in options.only)


def prepare_machine(packages):
    if os.geteuid() != 0:
        raise CannotMeasure("must be run as root: the servers run under other uids")
    if subprocess.run([TOP / "packaging/install-missing", *packages]).returncode != 0:
        raise CannotMeasure("packages are missing")
    if len(os.sched_getaffinity(0)) < 2:
        raise CannotMeasure("needs two CPUs, one for the servers and one for the load")
    load_average = os.getloadavg()[0]
    if load_average > 0.5:
        print(f"warning: other programs are running (load average {load_average:.1f}): their cache "
              f"misses are in every figure below", file=sys.stderr)


def build():
    for step in (["--preset", "release"], ["--build", "--preset", "release"]):
        done = subprocess.run(["cmake", *step], cwd=TOP, capture_output=True, text=True)
        if done.returncode != 0:
            raise CannotMeasure(f"the release build failed:\n{done.stdout[-4000:]}{done.stderr}")
    return TOP / "build/release/bin"


def executables(options, folder):
    """A copy of them where the roles' uids can get at them."""
    source = options.bin or build()
    target = folder / "bin"
    target.mkdir(mode=0o755)
    if not (source / "perchild").is_file():
        raise CannotMeasure(f"there is no {source / 'perchild'}")
    for path in source.glob("perchild*"):
        shutil.copy(path, target)
    return target


def compiled(source, folder, *libraries):
    """The program that one of this folder's sources is of."""
    program = pathlib.Path(folder) / pathlib.Path(source).stem
    done = subprocess.run(["c++", "-std=c++20", "-O2", "-o", program, TOP / "test/bench" / source,
                           *libraries], capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotMeasure(f"{source}: {done.stderr}")
    return program


@contextlib.contextmanager
def bench_folder():
    """A folder that all may enter, gone at the end, also of a process that is told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="perchild-bench."))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(servers):
    """Starts them; says what they said if something fails, and ends them in any case."""
    started = []
    try:
        for server in servers:
            started.append(server)
            server.start()
        yield servers
    except Exception:
        print("".join(server.last_words() for server in started), end="", file=sys.stderr)
        raise
    finally:
        for server in started:
            if left := server.stop():
                print(f"warning: had to kill what {server.name} left behind: {left}",
                      file=sys.stderr)


@dataclasses.dataclass
class Sample:
    units: float      # requests, handshakes, megabytes
    cpu_us: float     # of all the server's processes, a unit
    per_second: float
    each: dict        # {process: us of CPU a unit}, of those that lived all through


def take_sample(server, generate):
    """`generate` makes the load, and returns how many units it had, in how many seconds."""
    before_each = each_process(server.group.members())
    before = load.settled(server.group)
    units, seconds = generate()
    used = load.settled(server.group) - before
    after_each = each_process(server.group.members())
    each = {process: (ns - before_each[process]) / 1000 / units
            for process, ns in after_each.items() if process in before_each}
    return Sample(units, used / 1000 / units, units / seconds, each)


def take_turns(name, servers, options, generate):
    """{server: [Sample]}. They take turns, in an order that turns each time."""
    samples = {server.name: [] for server in servers}
    for server in servers:
        # Caches, on-demand starts, the CPU's clock, the length of a run: unmeasured.
        for _ in range(2):
            generate(server)
    for turn in range(options.runs):
        for server in servers if turn % 2 == 0 else reversed(servers):
            samples[server.name].append(take_sample(server, lambda: generate(server)))
    print(f"  {name}: " + ", ".join(f"{server} {median_of(of):.2f}"
                                    for server, of in samples.items()) + " µs", file=sys.stderr)
    return samples


def ratios_of(samples, name, base):
    """Of each run to that of `base` beside it: what else the machine did then is in both."""
    return [of.cpu_us / base_of.cpu_us for of, base_of in zip(samples[name], samples[base])]


def median_of(samples, field="cpu_us"):
    return statistics.median(getattr(sample, field) for sample in samples)


def interval_of_median(values):
    """Holds the median of what six `values` or more are drawn from, 95 times of 100.

    However that is spread: as many values lie below it as heads are thrown with as many coins.
    """
    ordered, count = sorted(values), len(values)
    outside, tail = 0, 1 / 2 ** count
    while tail <= 0.025:
        outside += 1
        tail += math.comb(count, outside) / 2 ** count
    first = max(outside - 1, 0)
    return ordered[first], ordered[count - 1 - first]


def print_table(results, base):
    """`base`: whose CPU time the ratios are of."""
    print(f"{'case':28}{'server':24}{'CPU µs (least-most)':>30}{'a second':>11}{'busy':>7}"
          f"{'ratio':>8}")
    for case, rows in results.items():
        for name, samples in rows.items():
            times = [sample.cpu_us for sample in samples]
            spread = f"{median_of(samples):.2f} ({min(times):.2f}-{max(times):.2f})"
            ratio = f"{statistics.median(ratios_of(rows, name, base)):.3f}" if base in rows else ""
            # Of a CPU. Less than all of it: the load was the slower half, at least now and then.
            busy = statistics.median(sample.cpu_us * sample.per_second / 1e6
                                     for sample in samples)
            print(f"{case:28}{name:24}{spread:>30}{median_of(samples, 'per_second'):>11.0f}"
                  f"{busy:>7.0%}{ratio:>8}")
            parts = {}
            for process in samples[0].each:
                of = [sample.each.get(process, 0) for sample in samples]
                title = process.rsplit("/", 1)[-1].split(" (")[0].rstrip(":")
                parts[title] = parts.get(title, 0) + statistics.median(of)
            shown = ", ".join(f"{title} {us:.1f}" for title, us in parts.items() if us >= 0.05)
            if len(parts) > 1 and shown:
                print(f"{'':28}  of which {shown}")


class Goals:
    def __init__(self):
        self.all = []

    def judge(self, what, measured, most, unit=""):
        self._add(what, measured, "at most", most, measured <= most, unit)

    def judge_ratios(self, what, values, most):
        """Met or missed beyond doubt, or else open: more runs, or a quieter machine, would tell."""
        low, high = interval_of_median(values)
        met = None if low <= most < high else high <= most
        measured = statistics.median(values)
        self.all.append({"what": what, "measured": measured, "interval": [low, high],
                         "at_most": most, "unit": "", "met": met})
        word = {True: "met   ", False: "MISSED", None: "OPEN  "}[met]
        print(f"goal {word} {what}: {measured:.3f} ({low:.3f}-{high:.3f}), at most {most}")

    def judge_least(self, what, measured, least, unit=""):
        self._add(what, measured, "at least", least, measured >= least, unit)

    def _add(self, what, measured, word, bound, met, unit):
        self.all.append({"what": what, "measured": measured, word.replace(" ", "_"): bound,
                         "unit": unit, "met": met})
        print(f"goal {'met   ' if met else 'MISSED'} {what}: {measured:.3f} {unit}".rstrip()
              + f", {word} {bound} {unit}".rstrip())


def as_json(results):
    return {case: {name: {"cpu_us": median_of(samples),
                          "samples": [vars(sample) for sample in samples]}
                   for name, samples in rows.items()} for case, rows in results.items()}


def write_json(options, goals, measured):
    if options.json:
        pathlib.Path(options.json).write_text(
            json.dumps({"seconds": options.seconds, "runs": options.runs, "goals": goals.all,
                        **measured}, indent=2) + "\n")
