"""The report: outcomes, JSON, text, and the HTML page."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.backend import Availability
from hebbgraph.backends.reference import BACKEND as REFERENCE
from hebbgraph.divergence.report import share
from hebbgraph.report.diagram import diagram
from tests.conformance.scenarios import SCENARIOS
from tests.parity import doubles, graphs
from tests.parity.doubles import double

GONE = Availability(False, reason="no engine", remedy='pip install "hebbgraph[gone]"')


class Failing(doubles.Broken):
    def run(self, job: Any, progress: Any = None) -> Any:
        raise hg.EngineError("out of memory")


class FailingDouble(doubles.Double):
    def lower(self, graph: hg.Graph, options: Any) -> Any:
        return Failing(self, graph)


def lacking(name: str) -> doubles.Double:
    """Return a double that has no LIF."""
    kinds = {k: d for k, d in REFERENCE.capability.processes.items() if k != "LIF"}
    return doubles.Double(replace(REFERENCE.capability, name=name, processes=kinds))


ENGINES = [
    double("healthy"),
    double("subtracts", steps=lambda: doubles.lif(subtract=True)),
    double("slow", graph=doubles.slower),
    double("gone", found=GONE),
    lacking("lacking"),
    FailingDouble(replace(REFERENCE.capability, name="failing")),
]


@pytest.fixture(scope="module")
def report() -> hg.ParityReport:
    graph, inputs, steps = graphs.relay()

    def latency(result: hg.Result) -> float:
        return float(result.events("second")[:, 1].mean())

    return hg.parity(
        graph, inputs, ENGINES, steps=steps, score=latency, score_name="mean step", data="by hand"
    )


def row(report: hg.ParityReport, name: str, domain: str = "float") -> Any:
    return next(r for r in report.rows if (r.backend, r.domain) == (name, domain))


def test_every_engine_has_a_row_that_says_how_it_fared(report: hg.ParityReport) -> None:
    outcomes = {r.backend: r.outcome for r in report.rows if r.domain == "fixed"}
    assert outcomes == {
        "healthy": "identical",
        "subtracts": "diverged",
        "slow": "diverged",
        "gone": "unavailable",
        "lacking": "unsupported",
        "failing": "failed",
    }
    assert not report.identical
    assert report.headline == (
        "relay: of 10 runs, 4 diverged, 2 not supported, 2 failed; 2 not usable here"
    )
    assert row(report, "gone").reason == 'no engine; pip install "hebbgraph[gone]"'
    assert row(report, "failing").verdict == "failed: out of memory"


def test_what_an_engine_lacks_is_listed(report: hg.ParityReport) -> None:
    found = row(report, "lacking")
    assert found.cause.code == "UNSUPPORTED"
    assert "first: lacking has no LIF" in found.reason
    assert "second: lacking has no LIF" in found.reason


def test_scores_stand_beside_the_reference(report: hg.ParityReport) -> None:
    assert report.score == "mean step"
    assert report.expected_scores["float"] == row(report, "healthy").score
    assert row(report, "slow").score == report.expected_scores["float"] + 1


def test_json_there_and_back(report: hg.ParityReport) -> None:
    text = json.dumps(report.as_dict(), allow_nan=False)
    again = hg.ParityReport.from_dict(json.loads(text))
    assert again == report
    assert json.dumps(again.as_dict()) == text


def test_values_that_are_not_finite_survive_json() -> None:
    graph, inputs, steps = graphs.relay()

    def broken() -> Any:
        table = doubles.lif()

        def infinite(p: Any, state: Any, arriving: Any) -> Any:
            out = table["LIF", "float"](p, state, arriving)
            state["v"] = np.where(state["v"] > 5, np.inf, state["v"])
            return out

        return {("LIF", "float"): infinite}

    found = hg.parity(graph, inputs, [double("inf", steps=broken)], steps=steps, domain="float")
    text = json.dumps(found.as_dict(), allow_nan=False)
    assert hg.ParityReport.from_dict(json.loads(text)) == found
    assert found.rows[0].divergence is not None
    assert found.rows[0].divergence.got == np.inf


def test_the_text_is_a_table(report: hg.ParityReport) -> None:
    text = str(report)
    assert text.splitlines()[0] == report.headline
    for part in ("Jaccard", "rate cosine", "RESET", "DELAY", "UNSUPPORTED", "step 14, first[0]"):
        assert part in text


def test_only_healthy_engines_are_identical() -> None:
    graph, inputs, steps = graphs.relay()
    good = hg.parity(graph, inputs, [double("healthy"), double("gone", found=GONE)], steps=steps)
    assert good.identical
    assert "all 2 runs identical" in good.headline
    none = hg.parity(graph, inputs, [double("gone", found=GONE)], steps=steps)
    assert not none.identical
    assert "nothing was compared" in none.headline


def test_the_reference_beside_itself_and_engines_by_name() -> None:
    graph, inputs, steps = graphs.relay()
    assert hg.parity(graph, inputs, ["reference"], steps=steps).identical
    assert hg.parity(graph, inputs, "reference", steps=steps).identical
    with pytest.raises(hg.Invalid, match="brian3"):
        hg.parity(graph, inputs, ["brian3"], steps=steps)


def test_silence_is_noted() -> None:
    graph, inputs, steps = graphs.relay()
    quiet = hg.parity(graph, {"data": 0 * inputs["data"]}, [double("healthy")], steps=steps)
    assert any("nothing spikes" in note for note in quiet.notes)


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"domain": "flaot"}, "float, fixed"),
        ({"tolerance": -1}, "tolerance"),
        ({"options": {"lava": {}}}, "options of lava"),
        ({"options": {"healthy": {"speed": 1}}}, "speed"),
        ({"backends": []}, "at least one back end"),
        ({"steps": 3}, "must not be longer than steps=3"),
        ({"inputs": {}}, "data"),
        ({"hardware": "loihi9"}, "loihi9"),
    ],
)
def test_bad_arguments_are_named(given: dict[str, Any], part: str) -> None:
    graph, inputs, steps = graphs.relay()
    arguments = {"inputs": inputs, "backends": [double("healthy")], "steps": steps, **given}
    with pytest.raises(hg.Invalid, match=part):
        hg.parity(graph, **arguments)


def test_a_fixed_graph_is_compared_in_fixed() -> None:
    graph, inputs, steps = graphs.leak()
    found = hg.parity(graph, inputs, [double("healthy")], steps=steps)
    assert [r.domain for r in found.rows] == ["fixed"]


def test_progress_is_told() -> None:
    told: list[tuple[int, int, str]] = []
    graph, inputs, steps = graphs.relay()
    hg.parity(
        graph,
        inputs,
        [ENGINES[1]],
        steps=steps,
        domain="float",
        progress=lambda *what: told.append(what),
    )
    texts = {text for _, _, text in told}
    assert texts == {
        "reference float, as given",
        "subtracts float, as given",
        "subtracts float, everything recorded",
        "subtracts float, cause",
    }
    assert all(0 <= done <= total for done, total, _ in told)


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (1 - 1e-12, ">0.9999"), (0.5, "0.5000")])
def test_less_than_one_never_looks_like_one(value: float, text: str) -> None:
    assert share(value) == text


# --- page --------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Collects text and tags; every tag must be closed in order."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode())
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(report: hg.ParityReport, graph: hg.Graph) -> bytes:
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    from hebbgraph.report.parity_page import parity_page

    return parity_page(report, graph, {"python": "3.12.1"})


def test_the_page_says_what_the_report_says(report: hg.ParityReport) -> None:
    made = page_of(report, graphs.relay()[0])
    page = Page(made)
    for part in (
        report.headline,
        "episode 0, step 14, first[0]: v is 1, should be 0",
        "RESET: v is reset by subtracting the threshold",
        "lacking has no LIF",
        "by hand",
        report.graph_hash,
        "It forgets when each spike came",
    ):
        assert part in page.text, part
    images = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 8  # scene and trace of four divergences
    assert all(source.startswith("data:image/png;base64,") for source in images)
    names = {tag for tag, _ in page.tags}
    assert not {"script", "link", "iframe", "object", "a"} & names
    assert page_of(report, graphs.relay()[0]) == made


def test_the_page_of_learning_shows_the_distance_of_weights() -> None:
    graph, inputs, steps = graphs.hebb(hg.Rule("post*pre", low=0, high=12), "fixed")
    broken = double("unbounded", plastic=doubles.Unbounded)
    found = hg.parity(graph, inputs, [broken], steps=steps)
    page = Page(page_of(found, graph))
    assert "distance of learned weights over time" in page.text
    assert "weights of w" not in page.text  # it is in the picture
    assert "w[1, 1]: weight is 13, should be 12" in page.text


def test_the_page_escapes_what_others_wrote() -> None:
    graph, inputs, steps = graphs.relay()
    hostile = "<script>alert(1)</script>"
    graph = hg.Graph(hostile, graph.processes, graph.connections)
    found = hg.parity(graph, inputs, [ENGINES[1]], steps=steps, data=hostile)
    made = page_of(found, graph)
    assert b"<script" not in made
    assert hostile in Page(made).text


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_every_graph_has_a_diagram(scenario: Any) -> None:
    graph = scenario.graph
    marked = next(iter(graph.flat_processes))
    drawn = Page(diagram(graph, {marked: "step 3"}, "one").encode())
    assert drawn.text.count("step 3") == 1
    rectangles = [a for tag, a in drawn.tags if tag == "rect"]
    assert len(rectangles) == len(graph.flat_processes)
    places = {(a["x"], a["y"]) for a in rectangles}
    assert len(places) == len(rectangles)
    assert len([a for t, a in drawn.tags if t == "path" and "marker-end" in a]) == len(
        {(c.source.rpartition(".")[0], c.target.rpartition(".")[0]) for c in graph.flat_connections}
    )


def test_the_engines_that_are_here_are_identical() -> None:
    for graph, inputs, steps in (graphs.relay(), graphs.hebb(), graphs.hebb(domain="fixed")):
        found = hg.parity(graph, inputs, steps=steps)
        wrong = [r for r in found.rows if r.outcome not in ("identical", "unavailable")]
        assert not wrong, str(found)
