#!/usr/bin/env python3
"""Measures Slipway beside its peers and the machine's limits, in one run. Started by scripts/bench."""
import argparse
import datetime
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
# pylint: disable=wrong-import-position
from runner import machine, report  # noqa: E402
from runner.cases import CASES, QUICK, Sizes  # noqa: E402
from runner.growth import run_growth  # noqa: E402
from runner.processes import BenchError, stop_on_signals  # noqa: E402
from runner.services import Tools  # noqa: E402

NAMES = [*CASES, "growth"]
WITHOUT_PEERS = {"growth", "machines", "warm-machines", "containers", "ten-machines"}


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="one round and small sizes: shows that everything runs")
    parser.add_argument("--rounds", type=int, default=0, help="of each (default 3; quick: 1)")
    parser.add_argument("--only", action="append", choices=NAMES, help="only this bench (may be repeated)")
    parser.add_argument("--dir", default="/var/tmp", help="where everything is kept while it runs: the disk measured")
    parser.add_argument("--results", default=None, help="where the tables are written (default: bench/results)")
    parser.add_argument("--contender", action="append", help="only those whose name has this in it; others stay out")
    words = parser.parse_args()
    words.rounds = words.rounds or (1 if words.quick else 3)
    if not 1 <= words.rounds <= 50:
        parser.error("--rounds: 1 to 50")
    return words


def tell(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def take(found, contender, figures):
    for name, value in figures.items():
        found.setdefault(contender.name, {}).setdefault(name, []).append(value)


def wanted_contenders(case, words):
    if not words.contender:
        return case.contenders
    return [each for each in case.contenders
            if each.role == "ours" or any(part.lower() in each.name.lower() for part in words.contender)]


def run_case(case, tools, sizes, words, result):
    """Each round begins with another contender, so that what changes with time hits all alike."""
    found = result["cases"].setdefault(case.name, {})
    for number in range(words.rounds):
        load = machine.load_average()[0]
        result["load_averages"].append(load)
        order = case.contenders[number % len(case.contenders):] + case.contenders[:number % len(case.contenders)]
        for contender in order:
            tell(f"{case.name}: round {number + 1} of {words.rounds}, load {load}: {contender.name}")
            figures = contender.run(tools, sizes)
            take(found, contender, figures)
            tell("  " + ", ".join(f"{name} {report.number(value)}" for name, value in figures.items()))


def run(words, tools):
    sizes = QUICK if words.quick else Sizes()
    names = words.only or NAMES
    cases = [CASES[name]() for name in names if name in CASES]
    for case in cases:
        case.contenders = wanted_contenders(case, words)
    now = datetime.datetime.now(datetime.timezone.utc)
    result = {"date": f"{now:%Y-%m-%d %H:%M} UTC", "quick": words.quick, "rounds": words.rounds,
              "machine": machine.describe(tools, bool(cases)), "disk": [], "cases": {}, "load_averages": []}
    tell("the disk's sync latency")
    result["disk"].append(tools.load("disk", "--dir", tools.place))
    for case in cases:
        run_case(case, tools, sizes, words, result)
        result["disk"].append(tools.load("disk", "--dir", tools.place))
    if "growth" in names:
        result["load_averages"].append(machine.load_average()[0])
        result["growth"] = run_growth(tools, sizes, words.rounds, tell)
    parts = [f"{now:%Y-%m-%d-%H%M}", machine.short_name(result["machine"])]
    parts += words.only or []
    parts += ["quick"] if words.quick else []
    results = Path(words.results or tools.root / "bench" / "results")
    print(report.write(result, cases, results, "-".join(parts)))
    tell(f"written: {results}/{'-'.join(parts)}.md and .json")


def main():
    words = arguments()
    stop_on_signals()
    root = Path(__file__).resolve().parent.parent
    place = tempfile.mkdtemp(prefix="slipway-bench-", dir=words.dir)
    os.chmod(place, 0o755)  # PostgreSQL runs as a user of its own
    try:
        tools = Tools(root, Path(words.build), place, core=sorted(os.sched_getaffinity(0))[-1])
        absent = tools.missing(peers=not set(words.only or NAMES) <= WITHOUT_PEERS)
        if absent:
            raise BenchError("missing: " + ", ".join(absent) + "; scripts/setup --bench installs what is to be installed")
        run(words, tools)
        return 0
    except BenchError as error:
        print(f"scripts/bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
