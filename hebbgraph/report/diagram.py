"""diagram: a graph as a picture, boxes by layer and arrows with their delays, in SVG.

The text can stand in a page as it is: it refers to nothing and contains no script.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from hebbgraph.graph import Graph
from hebbgraph.processes import Process

#: Box and gaps, in pixels; characters of a name before it is cut; width of one.
HEIGHT, GAP_X, GAP_Y, MARGIN = 46, 74, 26, 14
LONGEST, LETTER = 24, 7.4
#: Height of the lowest arc above or below the boxes, and of each further one.
ARC, TRACK = 22, 17
#: Fill by role; border of what learns; of what is marked. Colours as in `pictures`.
FILL = {"source": "#DDF0FB", "units": "#FFFFFF", "synapses": "#EEEEEE"}
LEARNS, MARKED, LINE = "#009E73", "#D55E00", "#444444"


@dataclass(frozen=True)
class _Box:
    path: str
    kind: str
    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True)
class _Edge:
    source: str
    target: str
    #: Delays of all connections between the two, in steps.
    delays: tuple[int, ...]

    @property
    def label(self) -> str:
        shown = sorted({delay for delay in self.delays if delay})
        return f"delay {', '.join(map(str, shown))}" if shown else ""


def diagram(graph: Graph, marked: Mapping[str, str] | None = None, name: str = "graph") -> str:
    """Return `graph` as an SVG element.

    Processes in `marked`, by path, are outlined, with the words given below them. `name` tells
    the diagrams of one page apart.
    """
    notes = dict(marked or {})
    edges = _edges(graph)
    boxes, width, bottom = _boxes(graph, _layers(graph, edges), bool(notes))
    arcs = _arcs(boxes, edges)
    above = max((ARC + TRACK * level for up, level in arcs.values() if up), default=0)
    below = max((ARC + TRACK * level for up, level in arcs.values() if not up), default=0)
    top, height = -above - MARGIN, bottom + above + below + 2 * MARGIN
    # Labels come last, so that no line crosses them.
    paths = [_path(boxes, edge, arcs.get(edge), bottom, f"{name}-arrow") for edge in edges]
    lines, labels = [line for line, _ in paths], [label for _, label in paths]
    drawn = [_drawn(graph, box, notes.get(box.path)) for box in boxes.values()]
    side = MARGIN + (GAP_X / 2 if below else 0)
    view = f"{-side:.0f} {top:.0f} {width + 2 * side:.0f} {height:.0f}"
    size = f'width="{width + 2 * side:.0f}" height="{height:.0f}"'
    words = escape(_words(graph, notes), quote=True)
    arrow = (
        f'<defs><marker id="{name}-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"'
        f' markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="{LINE}"/></marker></defs>'
    )
    head = f'<svg viewBox="{view}" {size} role="img" aria-label="{words}" font-size="12">'
    return "\n".join([head, arrow, *lines, *drawn, *labels, "</svg>"])


def _words(graph: Graph, notes: Mapping[str, str]) -> str:
    listed = "; ".join(f"{path}: {text}" for path, text in notes.items())
    count = len(graph.flat_processes)
    return f"Diagram of {graph.name}, {count} processes" + (f"; {listed}" if listed else "")


def _edges(graph: Graph) -> list[_Edge]:
    """Return one edge per pair of processes that are connected."""
    found: dict[tuple[str, str], list[int]] = {}
    for c in graph.flat_connections:
        ends = c.source.rpartition(".")[0], c.target.rpartition(".")[0]
        found.setdefault(ends, []).append(int(c.delay or 0))
    return [_Edge(*ends, tuple(delays)) for ends, delays in found.items()]


def _layers(graph: Graph, edges: Iterable[_Edge]) -> dict[str, int]:
    """Return the column of each process: the longest path to it, connections back left out."""
    following: dict[str, list[str]] = {path: [] for path in graph.flat_processes}
    for edge in edges:
        following[edge.source].append(edge.target)
    starts = sorted(
        graph.flat_processes, key=lambda path: graph.flat_processes[path].ROLE != "source"
    )
    # Depth first: what leads to a process on the way to here is a connection back.
    under_way: set[str] = set()
    finished: dict[str, None] = {}
    forward: dict[str, list[str]] = {path: [] for path in following}
    for start in starts:
        stack = [] if start in finished else [(start, iter(following[start]))]
        while stack:
            path, targets = stack[-1]
            under_way.add(path)
            target = next(targets, None)
            if target is None:
                stack.pop()
                under_way.discard(path)
                finished[path] = None
            elif target not in under_way:
                forward[path].append(target)
                if target not in finished:
                    stack.append((target, iter(following[target])))
    layer = dict.fromkeys(following, 0)
    for path in reversed(finished):
        for target in forward[path]:
            layer[target] = max(layer[target], layer[path] + 1)
    return layer


def _boxes(
    graph: Graph, layers: Mapping[str, int], noted: bool
) -> tuple[dict[str, _Box], float, float]:
    """Return the boxes by path, and the width and height of all."""
    columns: dict[int, list[str]] = {}
    for path in graph.flat_processes:
        columns.setdefault(layers[path], []).append(path)
    pitch = HEIGHT + GAP_Y + (12 if noted else 0)
    tallest = max(len(column) for column in columns.values()) * pitch - GAP_Y
    placed: dict[str, _Box] = {}
    x = 0.0
    for number in sorted(columns):
        column = columns[number]
        kinds = {path: _kind(graph, path, graph.flat_processes[path]) for path in column}
        longest = max(max(len(_short(p)), len(kind)) for p, kind in kinds.items())
        width = longest * LETTER + 18
        first = (tallest - (len(column) * pitch - GAP_Y)) / 2
        for row, (path, kind) in enumerate(kinds.items()):
            placed[path] = _Box(path, kind, x, first + row * pitch, width)
        x += width + GAP_X
    return placed, x - GAP_X, tallest


def _kind(graph: Graph, path: str, process: Process) -> str:
    size = process.output.size
    if process.ROLE != "synapses":
        return f"{type(process).__name__}, {size} unit{'s' if size != 1 else ''}"
    learns = ", learns" if path in graph.plastic else ""
    return f"{type(process).__name__}, {process.inputs['s'].size} to {size}{learns}"


def _short(path: str) -> str:
    return path if len(path) <= LONGEST else f"\N{HORIZONTAL ELLIPSIS}{path[1 - LONGEST :]}"


def _arcs(boxes: Mapping[str, _Box], edges: Iterable[_Edge]) -> dict[_Edge, tuple[bool, int]]:
    """Return the edges that pass by other columns: (above the boxes, which track)."""
    columns = sorted({box.x for box in boxes.values()})
    found: dict[_Edge, tuple[bool, int]] = {}
    taken: dict[bool, list[list[tuple[float, float]]]] = {True: [], False: []}

    def span(edge: _Edge) -> float:
        return abs(boxes[edge.target].x - boxes[edge.source].x)

    for edge in sorted(edges, key=span):
        ends = boxes[edge.source], boxes[edge.target]
        step = columns.index(ends[1].x) - columns.index(ends[0].x)
        if step == 1:
            continue
        up = step > 1
        low, high = sorted((ends[0].x + ends[0].width, ends[1].x))
        tracks = taken[up]
        level = 0
        while level < len(tracks) and any(a <= high and low <= b for a, b in tracks[level]):
            level += 1
        if level == len(tracks):
            tracks.append([])
        tracks[level].append((low, high))
        found[edge] = up, level
    return found


def _path(
    boxes: Mapping[str, _Box], edge: _Edge, arc: tuple[bool, int] | None, bottom: float, arrow: str
) -> tuple[str, str]:
    """Return the line of one edge, and its label."""
    source, target = boxes[edge.source], boxes[edge.target]
    if arc is None:
        x1, y1 = source.x + source.width, source.y + HEIGHT / 2
        x2, y2 = target.x, target.y + HEIGHT / 2
        bend = (x2 - x1) / 2
        shape = f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f}"
        shape += f" {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
        place = (x1 + x2) / 2, (y1 + y2) / 2 - 5
    else:
        up, level = arc
        y = -(ARC + TRACK * level) if up else bottom + ARC + TRACK * level
        # In and out at the sides, up and down between the columns, so that no box is crossed.
        x1, x2 = source.x + source.width, target.x
        y1, y2 = source.y + HEIGHT / 2, target.y + HEIGHT / 2
        out, near = (0.6, 0.1) if up else (0.0, 0.45)
        far = 0.45 * GAP_X
        shape = f"M{x1:.0f} {y1:.0f}C{x1 + far:.0f} {y1:.0f}"
        shape += f" {x1 + near * GAP_X:.0f} {y:.0f} {x1 + out * GAP_X:.0f} {y:.0f}"
        shape += f"H{x2 - out * GAP_X:.0f}C{x2 - near * GAP_X:.0f} {y:.0f}"
        shape += f" {x2 - far:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
        place = (x1 + x2) / 2, y - 4
    line = f'<path d="{shape}" fill="none" stroke="{LINE}" marker-end="url(#{arrow})"/>'
    if not edge.label:
        return line, ""
    x, y = place
    halo = 'stroke="#fff" stroke-width="4" paint-order="stroke" stroke-linejoin="round"'
    text = f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle" font-size="11" {halo}'
    return line, f'{text} fill="{LINE}">{edge.label}</text>'


def _drawn(graph: Graph, box: _Box, note: str | None) -> str:
    process = graph.flat_processes[box.path]
    learns = box.path in graph.plastic
    border, thick = (LEARNS, 2) if learns else (LINE, 1)
    if note is not None:
        border, thick = MARKED, 4
    corner = 0 if process.ROLE == "synapses" else 10
    x, y, width = f"{box.x:.0f}", box.y, f"{box.width:.0f}"
    place = f'x="{x}" y="{y:.0f}" width="{width}" height="{HEIGHT}" rx="{corner}"'
    look = f'fill="{FILL[process.ROLE]}" stroke="{border}" stroke-width="{thick}"'
    parts = [
        f"<g><title>{escape(box.path)}</title>",
        f"<rect {place} {look}/>",
        _text(box.middle, y + 19, _short(box.path), 'font-weight="600"'),
        _text(box.middle, y + 36, box.kind, 'font-size="11"'),
    ]
    if note:
        parts.append(_text(box.middle, y + HEIGHT + 15, note, f'fill="{MARKED}" font-weight="600"'))
    return "".join([*parts, "</g>"])


def _text(x: float, y: float, text: str, look: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle" {look}>{escape(text)}</text>'
