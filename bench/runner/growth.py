"""How start, memory, accept, poll and page change while the resources grow."""
import shutil

from .services import Slipway, fill_state

FIGURES = {
    "start_ms": ("start to ready", "ms"),
    "rss_mb": ("memory after the start (RSS)", "MB"),
    "peak_mb": ("memory at its peak, under load", "MB"),
    "poll_per_second": ("GET of one operation", "1/s"),
    "page_per_second": ("GET of a page of 100 resources", "1/s"),
    "accept_per_second": ("durable accept", "1/s"),
}
FLAT = ("poll_per_second", "page_per_second", "accept_per_second")


def paths_of(server, directory, size):
    """Operations and pages from all over the store."""
    sampled = server.walk_operations(1000000, every=max(1, size // 2000))
    polls, pages = directory / "polls", directory / "pages"
    polls.write_text("".join(f"/api/v1/operations/{each['id']}\n" for each in sampled))
    pages.write_text("".join(f"/api/v1/resources?limit=100&after={each['resource']}\n" for each in sampled))
    return polls, pages


def measure(tools, state, size, sizes, in_place):
    with Slipway(tools, state=state) as server:
        figures = {"start_ms": server.start_seconds * 1000}
        memory = server.memory_mb()
        figures["rss_mb"] = memory["VmRSS"]
        polls, pages = paths_of(server, server.directory, size)
        load = lambda *words: tools.http(server.port, sizes.growth_seconds, 1, *words)  # noqa: E731
        figures["poll_per_second"] = load("--paths", polls, *server.auth)["per_second"]
        figures["page_per_second"] = load("--paths", pages, *server.auth)["per_second"]
        if in_place:
            accepted = load(*server.accept_words())
        figures["peak_mb"] = server.memory_mb()["VmHWM"]
    if not in_place:
        # Elsewhere, so that the store stays as large as the table says.
        copy = tools.directory("copy") / "state"
        shutil.copytree(state, copy)
        with Slipway(tools, state=copy) as server:
            accepted = tools.http(server.port, sizes.growth_seconds, 1, *server.accept_words())
        shutil.rmtree(copy)
    figures["accept_per_second"] = accepted["per_second"]
    return figures


def run_growth(tools, sizes, rounds, tell):
    """{size: {figure: [one for each round]}}"""
    state = tools.directory("growth") / "state"
    with Slipway(tools, state=state):
        pass
    found, filled = {}, 0
    for size in sizes.growth:
        tell(f"growth: filling from {filled:,} to {size:,}")
        fill_state(tools, state, size - filled, "--fast")
        filled = size
        last = size == sizes.growth[-1]
        for number in range(rounds):
            tell(f"growth: {size:,} resources, round {number + 1} of {rounds}")
            for name, value in measure(tools, state, size, sizes, last).items():
                found.setdefault(size, {}).setdefault(name, []).append(value)
    size_mb = sum(each.stat().st_size for each in (state / "store").iterdir()) / 1e6
    found[sizes.growth[-1]]["store_mb"] = [size_mb]
    shutil.rmtree(state)
    return found
