"""The report of a real small comparison, and of rows doctored to say otherwise."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from hebbgraph.couplings import RULES
from hebbgraph.errors import Unavailable
from hebbgraph.graph import Graph
from hebbgraph.harness.compare import Comparison, Row, RunConfig, Survey, compare, survey_rules
from hebbgraph.metrics import Interval
from hebbgraph.report import render
from hebbgraph.report.tables import approximations, energy
from hebbgraph.report.words import (
    baseline_words,
    collapses,
    interval,
    listed,
    survey_words,
    verdict,
)

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
pytest.importorskip("sklearn")

HOSTILE = '<script src="https://evil.example/x.js">alert(1)</script>|*`'
ENVIRONMENT = {"python": "3.12.1", "packages": {"numpy": "2.0.0", "torch": None}}
CONFIG = RunConfig(
    backends=("reference",),
    seeds=(0, 1),
    cues_per_pattern=2,
    steps=12,
    hardware=("loihi1_nahuku", "cpu_generic"),
)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(CONFIG)


@pytest.fixture(scope="module")
def digits() -> Survey:
    return survey_rules(CONFIG, "digits")


@pytest.fixture(scope="module")
def random() -> Survey:
    return survey_rules(CONFIG, "random")


@pytest.fixture(scope="module")
def files(comparison: Comparison, digits: Survey, random: Survey) -> dict[str, bytes]:
    return render(comparison, [digits, random], ENVIRONMENT)


class Page(HTMLParser):
    """Collects tags, what they refer to, and text; every tag must be closed in order."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.references: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page.decode())
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        self.references += [(tag, named[key] or "") for key in ("src", "href") if key in named]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def pixels(png: bytes) -> np.ndarray:
    from matplotlib.image import imread

    return np.asarray(imread(io.BytesIO(png), format="png"))


def with_rows(comparison: Comparison, *rows: Row) -> Comparison:
    return replace(comparison, rows=(*comparison.rows, *rows))


def like(comparison: Comparison, backend: str, agreement: str = "identical") -> Row:
    """Return a row of another engine that measured the same in the fixed domain."""
    fixed = comparison.rows[1]
    return replace(fixed, backend=backend, agreement=agreement, agrees=agreement == "identical")


def missing(backend: str, reason: str = "not installed") -> Row:
    return Row(backend, "fixed", None, f"unavailable: {reason}", False, unavailable=True)


# --- files -------------------------------------------------------------------------------------


def test_the_files_are_those_of_a_run_folder(files: dict[str, bytes]) -> None:
    names = ("recall", "raster", "energy", "rules-1", "rules-2")
    assert set(files) == {"report.md", "report.html", *(f"pictures/{n}.png" for n in names)}


def test_pictures_are_png_files_with_something_on_them(files: dict[str, bytes]) -> None:
    for path in (path for path in files if path.endswith(".png")):
        image = pixels(files[path])
        assert image.shape[0] > 300, path
        assert image.shape[1] > 600, path
        assert len(np.unique(image[..., :3].sum(axis=2))) > 4, path
        assert 0.3 < (image[..., :3] > 0.99).all(axis=2).mean() < 0.99, path


def test_the_same_input_gives_the_same_bytes(
    comparison: Comparison, digits: Survey, random: Survey, files: dict[str, bytes]
) -> None:
    assert render(comparison, [digits, random], ENVIRONMENT) == files


def test_the_page_needs_nothing_but_itself(files: dict[str, bytes]) -> None:
    page = Page(files["report.html"])
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    loaded = [target for tag, target in page.references if tag != "a"]
    assert len(loaded) == 5
    assert all(target.startswith("data:image/png;base64,") for target in loaded)
    links = [target for tag, target in page.references if tag == "a"]
    assert links
    assert all(target.startswith("https://") for target in links)
    assert "url(" not in files["report.html"].decode()
    assert "@import" not in files["report.html"].decode()


def test_markdown_points_at_pictures_that_are_there(files: dict[str, bytes]) -> None:
    text = files["report.md"].decode()
    for path in files:
        assert (f"]({path})" in text) == path.endswith(".png")


def test_tables_in_markdown_are_even(files: dict[str, bytes]) -> None:
    blocks = files["report.md"].decode().split("\n\n")
    tables = [block.strip().split("\n") for block in blocks if block.strip().startswith("|")]
    assert len(tables) >= 6
    for lines in tables:
        assert len({line.count(" | ") for line in lines}) == 1, lines[0]


def test_both_texts_say_what_was_run_and_on_what(files: dict[str, bytes]) -> None:
    for text in (Page(files["report.html"]).text, files["report.md"].decode()):
        for words in (
            "K = 10 patterns",
            "N = 64 units",
            "K / N = 0.156",
            "level 0.1",
            "40 recalls of 12 steps",
            "doi:10.24432/C50P49",
            "load_digits",
            "3.12.1",
            "not installed",
            "SANA-FE",
            "├─ cue",
        ):
            assert words in text, words


def test_hostile_names_are_text(comparison: Comparison) -> None:
    config = replace(comparison.config, model=HOSTILE)
    graph = comparison.graph
    named = Graph(HOSTILE, graph.processes, graph.connections, graph.probes, graph.domain)
    bad = replace(comparison, config=config, graph=named)
    bad = with_rows(bad, missing(HOSTILE, HOSTILE))
    files = render(bad, [], {HOSTILE: HOSTILE})
    page = Page(files["report.html"])
    assert "script" not in page.tags
    assert page.text.count(HOSTILE) >= 6
    lines = files["report.md"].decode().splitlines()
    told = [line for line in lines if "evil.example" in line and not line.startswith("    ")]
    assert len(told) >= 5
    for line in told:
        assert "<script" not in line.replace("\\<", "")
        assert "script>|" not in line  # would open another column


def test_an_address_that_is_no_web_address_is_no_link(comparison: Comparison) -> None:
    from hebbgraph.hardware import load
    from hebbgraph.report.tables import _citation

    source = next(iter(load("cpu_generic").sources.values()))
    bad = source.model_copy(update={"doi": "", "url": "javascript:alert(1)"})
    assert _citation(bad).link == ""
    assert _citation(bad).address == "javascript:alert(1)"


def test_it_renders_when_nothing_ran(comparison: Comparison) -> None:
    empty = replace(comparison, rows=(missing("brian2"), missing("lava")))
    files = render(empty, [], ENVIRONMENT)
    assert set(files) == {"report.md", "report.html"}
    assert "Nothing to compare" in Page(files["report.html"]).text


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_missing_package_is_named_with_the_remedy(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(Unavailable, match=rf'{package} is not .*pip install "hebbgraph\[plot\]"'):
        render(comparison)


def test_settings_of_matplotlib_are_left_alone(comparison: Comparison) -> None:
    with matplotlib.rc_context({"axes.facecolor": "black", "text.color": "white"}):
        before = dict(matplotlib.rcParams)
        image = pixels(render(comparison, [], ENVIRONMENT)["pictures/energy.png"])
        assert dict(matplotlib.rcParams) == before
    assert (image[..., :3] > 0.99).all(axis=2).mean() > 0.4  # the page stays white


# --- agreement ---------------------------------------------------------------------------------


def test_the_reference_alone_proves_nothing(comparison: Comparison) -> None:
    said = verdict(comparison)
    assert said.tone == "partial"
    assert said.headline == "Nothing to compare: no engine other than the reference ran."


def test_identical_engines_are_named_with_their_domains(comparison: Comparison) -> None:
    rows = [like(comparison, "brian2"), replace(comparison.rows[0], backend="brian2")]
    said = verdict(with_rows(comparison, *rows, like(comparison, "lava")))
    assert said.tone == "good"
    assert said.headline.startswith("Identical: brian2 (fixed and float) and lava (fixed) give")
    assert "over 2 of 2 seeds" in " ".join(said.details)


def test_results_that_were_not_kept_are_not_called_compared(comparison: Comparison) -> None:
    row = like(comparison, "lava")
    assert row.report is not None
    kept = {0: row.report.results[0]}
    said = verdict(with_rows(comparison, replace(row, report=replace(row.report, results=kept))))
    assert "over 1 of 2 seeds (the other rasters were too large" in " ".join(said.details)


def test_a_divergence_is_named(comparison: Comparison) -> None:
    event = "step 3, memory[7].s: 1 expected, got 0 (episode 2), seed 1"
    bad = with_rows(comparison, like(comparison, "lava"), like(comparison, "snntorch", event))
    said = verdict(bad)
    assert said.tone == "bad"
    assert said.headline == "Divergent: 1 of 2 runs departs from the reference."
    assert f"Divergent: snntorch (fixed): {event}" in said.details
    assert "Identical to the reference: lava (fixed)." in said.details
    page = Page(render(bad, [], ENVIRONMENT)["report.html"])
    assert page.text.count(event) == 2  # in the verdict and in the table


def test_an_engine_that_failed_is_no_agreement(comparison: Comparison) -> None:
    row = Row("lava", "fixed", None, "did not run: worker died", False)
    said = verdict(with_rows(comparison, row))
    assert said.tone == "bad"
    assert said.headline == "Incomplete: 1 run failed."
    assert "Did not run: lava (fixed): worker died" in said.details


def test_an_unavailable_engine_is_no_disagreement(comparison: Comparison) -> None:
    said = verdict(with_rows(comparison, like(comparison, "brian2"), missing("lava", "no 3.10")))
    assert said.tone == "partial"
    assert said.headline.startswith("Identical: brian2 (fixed) gives")
    assert said.headline.endswith("Unavailable here: lava.")
    assert "Unavailable: lava (fixed): no 3.10" in said.details


def test_approximations_name_the_runs_they_were_made_for(comparison: Comparison) -> None:
    report = comparison.reports[1]
    noted = [replace(report, backend=b, approximations=("rounded",)) for b in ("a", "b")]
    assert approximations(noted) == ("rounded (a fixed and b fixed)",)


# --- sentences ---------------------------------------------------------------------------------


def test_hebbian_digits_are_said_to_collapse_and_no_other_rule(digits: Survey) -> None:
    told = [line for line in survey_words(digits) if "collapse" in line]
    assert len(told) == 1
    assert told[0].startswith("hebbian collapses onto the mean image")
    overlap = interval(digits.reports["hebbian"].metrics["mean_image_overlap"], 2)
    assert overlap in told[0]


def test_random_patterns_are_not_said_to_collapse(random: Survey) -> None:
    words = " ".join(survey_words(random))
    assert "collapse" not in words
    assert f"{listed(RULES)}: exact recall 1.00" in words


def test_the_collapse_is_a_matter_of_numbers(digits: Survey) -> None:
    report = digits.reports["hebbian"]
    assert collapses(report)
    for name in ("mean_image_overlap", "mixture", "settled"):
        weaker = {**report.metrics, name: Interval(0.4, 0.3, 0.5, 2)}
        assert not collapses(replace(report, metrics=weaker)), name
    nothing_at_rest = {**report.metrics, "mixture": Interval(np.nan, np.nan, np.nan, 0)}
    assert not collapses(replace(report, metrics=nothing_at_rest))


def test_correlation_is_computed_from_the_stored_patterns(digits: Survey, random: Survey) -> None:
    from hebbgraph.metrics import overlap

    task = digits.reports["hebbian"].task
    sums = []
    for seed in task.seeds:
        stored = task.data.patterns[task.stored(seed)]
        sums += [overlap(a, b) for i, a in enumerate(stored) for b in stored[:i]]
    assert f"overlap by {np.mean(sums):.2f} on average" in survey_words(digits)[0]
    assert "overlap by -0.00" not in survey_words(random)[0]


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        (Interval(0.9, 0.8, 1.0, 5), Interval(0.5, 0.4, 0.6, 5), "is better than the baseline"),
        (Interval(0.3, 0.2, 0.35, 5), Interval(0.5, 0.4, 0.6, 5), "is worse than the baseline"),
        (Interval(0.6, 0.5, 0.7, 5), Interval(0.5, 0.4, 0.6, 5), "the intervals overlap"),
        (Interval(0.5, 0.5, 0.5, 5), Interval(0.5, 0.4, 0.6, 5), "is as good as the baseline"),
        (Interval(0.9, np.nan, np.nan, 1), Interval(0.5, np.nan, np.nan, 1), "cannot be judged"),
    ],
)
def test_the_baseline_is_beaten_only_where_the_intervals_say_so(
    comparison: Comparison, ours: Interval, theirs: Interval, words: str
) -> None:
    report = comparison.reports[0]
    metrics = {**report.metrics, "identification": ours}
    base = {**report.baselines, "nearest_stored": theirs}
    assert words in baseline_words(replace(report, metrics=metrics, baselines=base))[0]


# --- energy ------------------------------------------------------------------------------------


def test_equal_counters_give_one_line_per_machine(comparison: Comparison) -> None:
    table = energy(with_rows(comparison, like(comparison, "lava")))
    assert [row[:2] for row in table.rows] == [
        ("loihi1_nahuku", "all runs"),
        ("cpu_generic", "all runs"),
    ]


def test_a_run_that_counts_otherwise_has_a_line_of_its_own(comparison: Comparison) -> None:
    row = like(comparison, "lava", "the counters of the two runs differ")
    doubled = {n: replace(e, dynamic=e.dynamic * 2) for n, e in row.energy.items()}
    table = energy(with_rows(comparison, replace(row, energy=doubled)))
    assert [cells[1] for cells in table.rows].count("lava (fixed)") == 2


def test_energies_say_what_they_leave_out(comparison: Comparison) -> None:
    table = energy(comparison)
    loihi, cpu = table.rows
    assert all(cell.startswith("at least ") for cell in loihi[2:5])
    assert not any("at least" in cell for cell in cpu)
    assert (loihi[6], cpu[5]) == ("-", "-")
    assert loihi[5] != "-"
    notes = " ".join(table.notes)
    report = comparison.rows[0].energy["loihi1_nahuku"]
    assert all(reason in notes for reason in report.lower_bound_reasons)
    assert comparison.rows[0].energy["cpu_generic"].static_reason in notes
    assert "Learning -" in notes


def test_the_comparison_stays_json(comparison: Comparison, digits: Survey) -> None:
    json.dumps([comparison.as_dict(), digits.as_dict()], allow_nan=False)
