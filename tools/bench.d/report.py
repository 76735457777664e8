"""Figures of several rounds become a table."""

import statistics
from dataclasses import dataclass

LESS, MORE = "less", "more"
# Below this, in %, a proxy in a run without a pace waited for others: its rate is not its own.
NOT_BUSY = 90
# Hourglass loses where it is so many times worse than the best of the others.
EVEN = 1.05


@dataclass(frozen=True)
class Column:
    """A figure: its key, title and form. With a better end, it is compared with the best peer."""

    key: str
    title: str
    form: str
    better: str = ""
    divisor: float = 1

    def text(self, value, best):
        if value is None:
            return "-"
        text = self.form.format(value / self.divisor)
        if best is not None and best > 0:
            text += f" ({value / best:.2f})"
        return text


def median(values):
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def medians_of(rounds):
    """rounds: for each round the figures by key; lists by position."""
    result = {}
    for key in rounds[0]:
        values = [figures.get(key) for figures in rounds]
        if isinstance(values[0], list):
            result[key] = [median(column) for column in zip(*values)]
        else:
            result[key] = median(values)
    return result


def best_peer(column, medians):
    """Its figure and its name, or None twice."""
    peers = [(figures[column.key], name) for name, figures in medians.items()
             if name not in ("hourglass", "direct") and figures.get(column.key) is not None]
    if not column.better or not peers:
        return None, None
    return min(peers) if column.better == LESS else max(peers)


def losses_of(scenario, medians):
    """Where hourglass is worse than the best of the others: how many times, in what, than whom."""
    for column in scenario.columns:
        best, peer = best_peer(column, medians)
        own = medians["hourglass"].get(column.key)
        if not best or not own or best <= 0 or own <= 0:
            continue
        times = own / best if column.better == LESS else best / own
        if times > EVEN:
            yield times, scenario.name, column.title, peer


def show_losses(losses):
    print("\nwhere hourglass loses:")
    rows = [["scenario", "figure", "times worse", "than"]]
    rows += [[name, title, f"{times:.2f}", peer]
             for times, name, title, peer in sorted(losses, reverse=True)]
    print("\n".join(aligned(rows)) if losses else "  nowhere")


def spread(rounds, key):
    """Half of what lies between the extremes, in % of the median."""
    values = [figures[key] for figures in rounds if figures.get(key) is not None]
    middle = median(values)
    if len(values) < 2 or not middle:
        return "-"
    return f"{50 * (max(values) - min(values)) / middle:.0f} %"


def aligned(rows):
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        yield "  " + "  ".join(cells).rstrip()


def table(scenario, rounds):
    """rounds: by party, a list of its figures in each round."""
    medians = {name: medians_of(list_) for name, list_ in rounds.items()}
    has_busy = any("busy" in figures for figures in medians.values())
    head = ["", *(column.title for column in scenario.columns)]
    head += ["busy %"] if has_busy else []
    head += ["spread"] if scenario.spread_of else []
    rows = [head]
    for name, figures in medians.items():
        row = [name]
        for column in scenario.columns:
            best = best_peer(column, medians)[0] if name != "direct" else None
            row.append(column.text(figures.get(column.key), best))
        if has_busy:
            row.append("/".join(f"{share:.0f}" for share in figures["busy"]))
        if scenario.spread_of:
            row.append(spread(rounds[name], scenario.spread_of))
        rows.append(row)
    return medians, list(aligned(rows))


def show(scenario, rounds):
    """Prints the table. Returns how many requests of it went wrong, and where hourglass loses."""
    medians, lines = table(scenario, rounds)
    print(f"\n{scenario.name}: {scenario.title}")
    print("\n".join(lines))
    losses = list(losses_of(scenario, medians))
    if losses:
        print("  hourglass loses: " + ", ".join(
            f"{title} {times:.2f} ({peer})" for times, _, title, peer in losses))
    for note in scenario.notes(medians):
        print(f"  {note}")
    wrong = 0
    for name, list_ in rounds.items():
        bad = sum(scenario.wrong(figures) for figures in list_)
        if bad:
            print(f"  !! {name}: {bad:,} of {sum(f['requests'] for f in list_):,} requests failed")
        wrong += bad
    return wrong, losses
