"""`hebbgraph energy`, `hardware`, `cite`, and the ledgers of `run`."""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hebbgraph import catalogue
from hebbgraph.backend import discover
from hebbgraph.citations import ENGINES, bibliography, of_run, references
from hebbgraph.cli import main
from hebbgraph.counters import Counters, ProcessCounts
from hebbgraph.energy import energy
from hebbgraph.energy.stored import stored_runs
from hebbgraph.errors import Invalid
from hebbgraph.hardware import available, load, priceable
from hebbgraph.harness.compare import RunConfig, compare
from tests.energy.test_energy import COUNTERS

#: One line of a printed ledger: count x cost [range] = product.
LINE = re.compile(r"^ {2}(\S+) (\S+) +([\d,]+) +x +([\d,.e-]+) pJ \[.*\] += +([\d,.e-]+) pJ ", re.M)
SUM = re.compile(r"^ {2}sum = ([\d,.e-]+) pJ", re.M)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run folder of two domains on the reference, as far as these commands read it."""
    config = RunConfig(
        data="digits",
        count=3,
        cues_per_pattern=2,
        seeds=(0, 1),
        steps=6,
        backends=("reference",),
        hardware=("loihi1_nahuku", "cpu_generic"),
    )
    place = tmp_path_factory.mktemp("runs") / "hopfield"
    place.mkdir()
    (place / "results.json").write_text(json.dumps(compare(config).as_dict()))
    return place


def stored(folder: Path, change: Callable[[dict[str, Any]], object], counters: Any = None) -> Path:
    """Write a small run folder, its counters changed."""
    held = {"counters": counters or COUNTERS.as_dict(), "recalls": 2}
    document = {"config": {"model": "hopfield"}, "rows": [{"backend": "lava", "report": held}]}
    change(held)
    folder.mkdir(exist_ok=True)
    (folder / "results.json").write_text(json.dumps(document))
    return folder


def number(text: str) -> float:
    return float(text.replace(",", ""))


# --- energy ------------------------------------------------------------------------------------


def test_the_printed_ledger_is_redone_by_hand(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Multiply and add what is printed, and nothing else."""
    assert main(["energy", str(folder), "--hardware", "loihi1_nahuku", "--explain"]) == 0
    text = capsys.readouterr().out
    lines = [(counter, *map(number, cells)) for _, counter, *cells in LINE.findall(text)]
    total = 0.0
    for counter, count, price, product in lines:
        assert count * price == pytest.approx(product, rel=1e-11), counter
        total += product
    (printed,) = SUM.findall(text)
    assert total == pytest.approx(number(printed), rel=1e-11)
    # The worked example of the published fit: its figures times the counts of this very run.
    (run,) = stored_runs(folder)
    totals = run.counters.totals()
    fitted = {"synops_ac": 35.5, "neuron_accesses": 51.2, "updates_active": 21.6, "spikes": 69.3}
    by_hand = math.fsum(totals[counter] * price for counter, price in fitted.items())
    assert total == pytest.approx(by_hand, rel=1e-11)
    assert {counter: price for counter, _, price, _ in lines} == fitted
    each = energy(run.counters, "loihi1_nahuku").dynamic / 12
    assert f"per episode {each.text('J')}" in text


#: 512 units and 800 senders over 200 steps.
WORKED = Counters(
    {
        "units": ProcessCounts(
            spikes=1000, neuron_accesses=102_400, updates_active=15_000, updates_idle=87_400
        ),
        "synapses": ProcessCounts(synops_ac=100_000, synops_dense=200 * 512 * 800),
    },
    episodes=1,
    timesteps=200,
    barriers=200,
    host_in_bits=0,
    host_out_bits=0,
)


def test_static_energy_beside_dynamic_is_redone_by_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run of 512 units and 200 steps: 104 mW x 0.39 ms = 41 uJ static, 8 to 14 uJ dynamic."""
    place = stored(tmp_path / "worked", lambda held: None, WORKED.as_dict())
    assert main(["energy", str(place), "--hardware", "loihi1_nahuku", "--explain"]) == 0
    text = capsys.readouterr().out
    products = [(number(n) * number(c), number(p)) for _, _, n, c, p in LINE.findall(text)]
    assert sum(by_hand for by_hand, _ in products) == pytest.approx(
        1e5 * 35.5 + 102_400 * 51.2 + 15_000 * 21.6 + 1000 * 69.3, rel=1e-12
    )
    dynamic = sum(by_hand for by_hand, _ in products) * 1e-12
    assert dynamic == pytest.approx(sum(product for _, product in products) * 1e-12, rel=1e-11)
    (row,) = re.findall(r"^ {2}(\d+) chip x (\S+) W x (\S+) s = (\S+) J$", text, re.M)
    chips, watts, seconds, static = map(number, row)
    # Four cores: (1e5 x 3.8 + 102,400 x 6.0 + 15,000 x 3.7 + 1000 x 30) / 4 + 200 x 600 ns.
    assert seconds == pytest.approx((380 + 614.4 + 55.5 + 30) * 1e-6 / 4 + 120e-6, rel=1e-11)
    assert (chips, watts) == (1, 0.104)
    assert chips * watts * seconds == pytest.approx(static, rel=1e-11)
    assert (f"{seconds:.2g}", f"{static:.2g}") == ("0.00039", "4.1e-05")
    assert "static: 41 uJ" in text
    assert 8e-6 < dynamic < 14e-6


def test_a_stored_run_is_priced_everywhere(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["energy", str(folder), "--json", "--samples", "50"]) == 0
    document = json.loads(capsys.readouterr().out)["runs"]
    (name,) = document
    assert name == "reference float"
    assert document[name]["alike"] == ["reference fixed"]
    machines = document[name]["machines"]
    assert list(machines) == priceable()
    stored_report = json.loads((folder / "results.json").read_text())["rows"][0]["energy"]
    for machine, before in stored_report.items():
        assert machines[machine]["dynamic"]["nominal"] == before["dynamic"]["nominal"]
    shared = machines["loihi1_nahuku"]["per"]
    nominal = machines["loihi1_nahuku"]["dynamic"]["nominal"]
    assert shared["recall"]["nominal"] == pytest.approx(nominal / 12)
    assert shared["stored pattern"]["nominal"] == pytest.approx(nominal / 6)
    assert [found["paper"] for found in document[name]["break_even"]] == [
        "dampfhoffer2023",
        "yan2024",
        "lemaire2022",
    ]


def test_tables_say_what_is_a_bound_and_what_a_guess(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["energy", str(folder), "--hardware", "loihi2_scaled", "--hardware", "digital_45nm"]
    assert main(command) == 2
    assert "--allow-synthetic" in capsys.readouterr().err
    assert main([*command, "--allow-synthetic", "--sensitivity", "--set", "state_bits=16"]) == 0
    text = capsys.readouterr().out
    assert "SYNTHETIC loihi2_scaled: no energy of a Loihi 2 event" in text
    assert "digital_45nm@state_bits=16" in text
    assert ">= digital_45nm@state_bits=16: no price for spikes" in text
    assert "with one cost at its end" in text
    assert "the same counters: reference fixed" in text
    assert "dampfhoffer2023: does not pay" in text


def test_a_result_file_is_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import hebbgraph as hg

    graph = hg.Graph("one", {"x": hg.Input(2, signal="spike"), "y": hg.LIF(2, threshold=0)}, [
        hg.Connection("x.out", "y.a")
    ])  # fmt: skip
    with hg.compile(graph) as program:
        result = program.run({"x": [[[1, 0], [0, 1]]]}, steps=2)
    result.save(tmp_path / "one.zip")
    assert main(["energy", str(tmp_path / "one.zip"), "--json", "--samples", "5"]) == 0
    assert (
        json.loads(capsys.readouterr().out)["runs"]["one"]["counters"] == result.counters.as_dict()
    )


def spoil(held: dict[str, Any]) -> None:
    held["counters"]["run"]["barriers"] = -3
    processes = held["counters"]["processes"]
    processes["cue"]["spikes"] = "ten"
    processes["memory"]["spike"] = processes["memory"].pop("spikes")


CORRUPT: dict[str, tuple[Callable[[dict[str, Any]], object], tuple[str, ...]]] = {
    "negative, unknown, no number, all at once": (
        spoil,
        (
            "lava: counters.run.barriers: must be a whole number, 0 or more (got -3)",
            "counters.cue.spikes: must be a whole number, 0 or more (got 'ten')",
            "counters.memory.spike: must be one of spikes",
            "(3 faults)",
        ),
    ),
    "a part is missing": (
        lambda held: held["counters"]["run"].pop("episodes"),
        ("counters.run.episodes: is needed",),
    ),
    "counters are a list": (
        lambda held: held.update(counters=[1]),
        ("must have run and processes (got [1])",),
    ),
    "counts are text": (
        lambda held: held["counters"]["processes"].update(cue="many"),
        ("counters.cue: must be counts (got 'many')",),
    ),
    "no counters": (lambda held: held.pop("counters"), ("must hold those of at least one run",)),
}


@pytest.mark.parametrize("name", CORRUPT)
def test_a_corrupt_folder_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, words = CORRUPT[name]
    assert main(["energy", str(stored(tmp_path, change))]) == 2
    text = capsys.readouterr().err
    for word in words:
        assert word in text


def test_what_is_no_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["energy", str(tmp_path / "none")]) == 2
    assert "must be a run folder" in capsys.readouterr().err
    (tmp_path / "results.json").write_text("{")
    assert main(["energy", str(tmp_path)]) == 2
    assert "must be JSON" in capsys.readouterr().err
    folder = stored(tmp_path / "good", lambda held: None)
    assert main(["energy", str(folder), "--set", "state_bit=3"]) == 2
    assert "knobs are digital_45nm: state_bits" in capsys.readouterr().err
    assert main(["energy", str(folder), "--hardware", "loihi3"]) == 2
    assert "hardware configs are: cpu_generic" in capsys.readouterr().err
    assert main(["energy", str(folder), "--samples", "0"]) == 2
    assert "samples: must be a whole number" in capsys.readouterr().err


def test_runs_are_ranked_under_the_same_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that does a little more of the same is never cheaper, however uncertain the costs."""
    more = json.loads(json.dumps(COUNTERS.as_dict()))
    more["processes"]["recurrent"]["synops_ac"] += 5
    places = [
        str(stored(tmp_path / "less", lambda held: None)),
        str(stored(tmp_path / "more", lambda held: None, more)),
    ]
    command = ["energy", *places, "--hardware", "digital_45nm", "--hardware", "cpu_generic"]
    assert main([*command, "--json", "--samples", "100"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document["runs"]) == ["less: lava", "more: lava"]
    assert document["cheaper"]["digital_45nm"] == [[0.5, 1.0], [0.0, 0.5]]
    assert document["cheaper"]["cpu_generic"] == [[0.5, 0.5], [0.5, 0.5]]
    assert main([*command, "--samples", "100"]) == 0
    text = capsys.readouterr().out
    assert "probability that the row costs less than the column" in text
    assert "by component, per episode" in text


def test_runs_that_differ_stay_apart(tmp_path: Path) -> None:
    rows = [
        {"backend": name, "domain": "fixed", "report": {"counters": COUNTERS.as_dict()}}
        for name in ("lava", "brian2", "lava")
    ]
    other = json.loads(json.dumps(COUNTERS.as_dict()))
    other["run"]["barriers"] += 1
    rows[2]["report"] = {"counters": other}
    (tmp_path / "results.json").write_text(json.dumps({"entries": [{"model": "m", "rows": rows}]}))
    first, second = stored_runs(tmp_path)
    assert (first.name, first.alike, first.label) == (
        "m lava fixed",
        ("m brian2 fixed",),
        "m lava fixed (+1 alike)",
    )
    assert (second.name, second.alike) == ("m lava fixed (2)", ())


# --- run ---------------------------------------------------------------------------------------


def test_run_explains_and_measures(capsys: pytest.CaptureFixture[str]) -> None:
    task = ["run", "hopfield", "--count", "2", "--cues", "1", "--seeds", "1", "--steps", "3"]
    places = ["--backend", "reference", "--domain", "fixed", "--hardware", "cpu_generic"]
    assert main([*task, *places, "--no-folder", "--quiet", "--explain", "--measure"]) == 0
    text = capsys.readouterr().out
    assert "all runs, cpu_generic (" in text
    found = [tuple(map(number, cells)) for _, _, *cells in LINE.findall(text)]
    assert len(found) == 2
    assert sum(product for _, _, product in found) == pytest.approx(number(SUM.findall(text)[0]))
    assert "measured here, reference fixed: " in text


def test_run_refuses_guesses_before_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "hopfield", "--hardware", "loihi2_scaled", "--no-folder", "--quiet"]) == 2
    assert "no energy of a Loihi 2 event" in capsys.readouterr().err


# --- hardware ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", available())
def test_every_machine_can_be_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hardware", "show", name]) == 0
    text = capsys.readouterr().out
    config = load(name)
    assert config.content_hash[:12] in text
    for key, source in config.sources.items():
        assert key in text
        assert source.basis in text
    assert ("SYNTHETIC" in text) == bool(config.synthetic)
    assert main(["hardware", "show", name, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["content_hash"] == config.content_hash


def test_figures_are_shown_as_published(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hardware", "show", "loihi1_davies2018"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "23.6 pJ (23.6 pJ to" in text
    assert "published, lower" in text
    assert "104 mW" not in text
    assert main(["hardware", "show", "digital_45nm", "--set", "state_bits=8"]) == 0
    assert "digital_45nm@state_bits=8" in capsys.readouterr().out
    assert main(["hardware", "show", "digital_45nm", "--set", "bits=8"]) == 2
    assert "knobs are: state_bits" in capsys.readouterr().err


def test_a_difference_is_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hardware", "diff", "gpu_h200", "gpu_h200"]) == 0
    assert "hold the same" in capsys.readouterr().out
    assert main(["hardware", "diff", "loihi1_davies2018", "loihi1_nahuku", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    rows = {row["where"]: row for row in document["differences"]}
    assert rows["costs.synops_ac.synapse"]["loihi1_davies2018"].startswith("23.6 pJ")
    assert rows["costs.synops_ac.synapse"]["loihi1_nahuku"].startswith("35.5 pJ")
    assert "limits.cores" not in rows
    assert main(["hardware", "diff", "loihi1_davies2018", "loihi1_nahuku"]) == 1
    assert "35.5 pJ" in capsys.readouterr().out
    assert main(["hardware", "diff", "loihi1_davies2018", "loihi9"]) == 2


def test_every_fault_of_every_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    head = "name: mine\ntitle: Mine\ndescription: A variant.\nextends: loihi1_nahuku\n"
    good.write_text(head)
    figure = "{component: synapse, value: 2, low: 3, high: 4, unit: ns, source: x, kind: guessed}"
    bad.write_text(f"{head}costs:\n  synops_ac: {figure}\n")
    assert main(["hardware", "validate", str(good), "gpu_h200"]) == 0
    assert capsys.readouterr().out.count("ok ") == 2
    assert main(["hardware", "validate", str(good), str(bad)]) == 1
    text = capsys.readouterr().out
    faults = [line for line in text.splitlines() if line.startswith("fault")]
    for word in (
        "synops_ac.unit: must be a unit of J",
        "synops_ac.source: must be a key of sources",
        "synops_ac.low: must not exceed value",
        "synops_ac.kind: must be one of",
        "synops_ac.note: is needed",
    ):
        assert any(word in fault and f"{bad}:6" in fault for fault in faults), word
    assert len(faults) == 5
    assert main(["hardware", "validate", str(bad), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)[str(bad)]["faults"]) == 5


def test_the_example_of_a_variant_is_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["hardware", "validate", "--help"])
    _, _, text = capsys.readouterr().out.partition("A file may extend another:\n\n")
    file = tmp_path / "my_chip.yaml"
    file.write_text(textwrap.dedent(text.partition("\n\n")[0]))
    config = load(file)
    assert config.limits is not None
    assert (config.limits.neurons_per_core, config.static) == (256, None)


# --- cite --------------------------------------------------------------------------------------


def test_a_run_names_its_papers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cite", str(folder)]) == 0
    text = capsys.readouterr().out
    for word in (
        "10.1073/pnas.79.8.2554",
        "10.24432/C50P49",
        "s41586-020-2649-2",
        "boyle",
        "Boyle",
    ):
        assert (word in text) != (word == "boyle")
    assert "arXiv:2409.08290" in text
    assert "no publication" not in text  # what was merely assumed has no paper
    assert main(["cite", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found[0]["key"] == "hopfield1982"
    assert {one["subject"] for one in found} == {
        "model",
        "data",
        "engine",
        "hardware",
        "break-even",
    }


def test_bibtex_has_every_paper_once_under_its_own_key(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cite", str(folder), "--bibtex"]) == 0
    text = capsys.readouterr().out
    keys = re.findall(r"^@misc\{(\w+),$", text, re.M)
    assert len(keys) == len(set(keys)) >= 9
    assert text.count("{") == text.count("}")
    dois = re.findall(r"^ {2}doi = \{(.*)\},$", text, re.M)
    assert len(dois) == len(set(dois))
    assert "author = {J. J. Hopfield}" in text
    assert "author = {J. A. Boyle and M. Plagge and S. G. Cardwell and" in text


@pytest.mark.parametrize("name", catalogue.models())
def test_every_model_names_a_paper(name: str) -> None:
    found = references((catalogue.model(name).__doc__ or "").split("\n\n")[1], "model", name)
    assert found
    for one in found:
        assert len(one.text) < 320, one.text
    assert re.fullmatch(r"[a-z]+(1[89]|20)\d\d", found[0].key)


def test_every_engine_has_a_paper() -> None:
    assert set(ENGINES) == set(discover())
    for name, text in ENGINES.items():
        (one,) = references(text, "engine", name)
        assert one.doi or one.url


def test_references_are_told_apart() -> None:
    text = 'A. B. Sea, "On x", J. Phys. A 2, 1999, doi:10.1000/x.y-z; '
    text += 'D. Eff, "On y", arXiv:1606.01164.'
    first, second = references(text, "model", "m")
    assert (first.key, first.doi) == ("sea1999", "10.1000/x.y-z")
    assert (second.key, second.arxiv, second.text[-16:]) == (
        "eff",
        "1606.01164",
        "arXiv:1606.01164",
    )
    twice = bibliography((first, second, first))
    assert twice.count("@misc") == 2


def test_what_has_no_config_is_not_cited(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="must be a run folder"):
        of_run(tmp_path)
    (tmp_path / "results.json").write_text("[]")
    with pytest.raises(Invalid, match="no config"):
        of_run(tmp_path)
