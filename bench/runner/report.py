"""Medians, tables, files."""
import json
from statistics import median

from .growth import FIGURES, FLAT


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def span(values):
    if len(values) == 1:
        return number(values[0])
    return f"{number(median(values))} ({number(min(values))} .. {number(max(values))})"


def ratio(ours, other, more_is_better):
    if not ours or not other:
        return ""
    return f"{(ours / other if more_is_better else other / ours):.2f}"


def table(rows):
    head, *body = rows
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head),
            *("| " + " | ".join(row) + " |" for row in body)]


NO_DISK_MS = 0.02  # faster than any disk syncs: the files are in memory

COLUMNS = {"alone_p99_ms": "p99 ms before and after", "alone_p50_ms": "p50 ms before and after",
           "first_s": "first machine s", "last_s": "last machine s", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "p999_ms": "p99.9 ms", "max_ms": "max ms", "rate": "rate 1/s",
           "overdue": "overdue", "generator_cpu": "generator's core"}


def case_lines(case, figures, sync_ms):
    """`figures`: {contender: {figure: [values]}}"""
    ours = median(figures[next(each.name for each in case.contenders if each.role == "ours")][case.main])
    shown = [name for name in COLUMNS if name != case.main and any(name in each for each in figures.values())]
    unit = "times" if case.main == "times" else "1/s" if case.more_is_better else "ms"
    head = ["", f"{unit}: median (min .. max)", "Slipway is x times as good", *(COLUMNS[name] for name in shown)]
    rows = [head]
    for contender in case.contenders:
        mine = figures[contender.name]
        value = median(mine[case.main])
        compared = "" if contender.role in ("ours", "variant") or case.main == "times" else ratio(ours, value, case.more_is_better)
        rows.append([contender.name + (" (limit)" if contender.role == "limit" else ""), span(mine[case.main]),
                     compared, *(number(median(mine[name])) if name in mine else "" for name in shown)])
    lines = [f"## {case.title}", "", *table(rows), ""]
    lines += [goal_line(case, figures, ours, sync_ms), "", *(f"- {note}" for note in case.notes), ""]
    return lines


def goal_line(case, figures, ours, sync_ms):
    if case.name == "redis":
        found = [f"cold {number(ours)} ms"]
        for contender in case.contenders:  # some may have been left out
            value = median(figures[contender.name]["p50_ms"])
            if contender.role == "limit":
                found.append(f"which is {ours / value:.2f} x the fork")
            if contender.role == "variant":
                found.append(f"from the pool {number(value)} ms")
        return f"Goal: {case.goal_text}. Found: {', '.join(found)}."
    if case.main == "times":
        found = [f"{number(median(figures[each.name][case.main]))} x {each.name}" for each in case.contenders
                 if each.name in figures]
        return f"Goal: {case.goal_text}. Found: {'; '.join(found)}."
    if case.limit_words:
        limits = [each.name for each in case.contenders if each.role == "limit" and each.name in figures]
        times = [f"{ours / median(figures[name][case.main]):.2f} x {case.limit_words}" for name in limits]
        times += [f"{each.name} {number(median(figures[each.name][case.main]))} ms" for each in case.contenders
                  if each.role == "variant" and each.name in figures]
        return f"Goal: {case.goal_text}. Found: {', '.join([f'{number(ours)} ms', *times])}."
    text = f"Goal: {case.goal_text}. Found: {number(ours)}, {ours / case.goal:.2f} of it"
    if case.name == "accept":
        limit = 64 / sync_ms * 1000
        text += f"; p99 {number(median(figures['Slipway']['p99_ms']))} ms"
    if case.name == "accept" and sync_ms >= NO_DISK_MS:
        text += (f". Limit of the disk: 64 callers that share each "
                 f"sync of {sync_ms:.2f} ms could make {number(limit)}/s; Slipway reaches {ours / limit:.2f} of it")
    return text + "."


def growth_lines(found):
    sizes = sorted(found)
    rows = [["", *(f"{size:,}" for size in sizes), "worst : first"]]
    for name, (title, unit) in FIGURES.items():
        values = [median(found[size][name]) for size in sizes]
        worst = min(values) if name in FLAT else max(values)
        change = values[0] / worst if name in FLAT else worst / values[0]
        rows.append([f"{title}, {unit}", *(span(found[size][name]) for size in sizes), f"{change:.2f}"])
    store = found[sizes[-1]].get("store_mb", [0])[0]
    return ["## Growth: resources, each with its operation and events", "", *table(rows), "",
            "Goal: accept, poll and page within 1.3 from 1 k to 1 M; start < 1 s and < 300 MB at 1 M.", "",
            "- Filled through the store's interface by a program of its own (`bench/fill`), each record as the domain's own "
            "drafts and transitions make it; then the server is started on it anew for each round.",
            f"- The store's files at the end: {store:,.0f} MB. At the largest size what is accepted is added to it, elsewhere "
            "to a copy.", ""]


def head_lines(result):
    machine = result["machine"]
    disk = result["disk"]
    lines = [f"# Benches of {result['date']}", ""]
    if result["quick"]:
        lines += ["**Quick: small sizes. This shows that everything runs, and is no figure to quote.**", ""]
    lines += [
        f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gb']} GB, Linux {machine['kernel']}, "
        f"{machine['file_system']}. The load generator is pinned to core {machine['generator_core']}; everything else "
        "goes where the system puts it.",
        "",
        f"Rounds: {result['rounds']}, contenders in turn within each. Load average before each round: "
        + ", ".join(result["load_averages"]) + " (this machine may be shared: a load above 1 means that others ran).",
        "",
        "Disk, 4 KiB and fdatasync, before, between and after: over what is there p50 "
        + ", ".join(f"{each['overwrite_us']['p50'] / 1000:.2f}" for each in disk) + " ms, p99 "
        + ", ".join(f"{each['overwrite_us']['p99'] / 1000:.2f}" for each in disk) + " ms; at the end of a file p50 "
        + ", ".join(f"{each['append_us']['p50'] / 1000:.2f}" for each in disk) + " ms, p99 "
        + ", ".join(f"{each['append_us']['p99'] / 1000:.2f}" for each in disk) + " ms.",
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in machine["versions"].items()) + ".",
        "",
    ]
    return lines


def markdown(result, cases):
    lines = head_lines(result)
    sync_ms = median(each["overwrite_us"]["p50"] for each in result["disk"]) / 1000
    for case in cases:
        lines += case_lines(case, result["cases"][case.name], sync_ms)
    if result.get("growth"):
        lines += growth_lines(result["growth"])
    return "\n".join(lines)


def write(result, cases, directory, name):
    directory.mkdir(exist_ok=True)
    text = markdown(result, cases)
    (directory / f"{name}.md").write_text(text)
    (directory / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    return text
