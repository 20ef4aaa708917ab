"""Timing on small graphs whose answers are known."""

from __future__ import annotations

from hebbgraph.nir.timing import Wire, closing, components, earliest, latest, slowed


def wire(source: str, target: str, delay: int = 0, least: int = 0) -> Wire:
    return Wire(f"{source}.out", f"{target}.a", delay, least)


def test_latest_balances_ways_of_different_length() -> None:
    wires = [wire("a", "b", 0, 1), wire("b", "c"), wire("c", "d", 0, 1), wire("a", "d")]
    assert latest(wires) == {"a": 0, "b": 1, "c": 1, "d": 2}


def test_latest_keeps_cycles_and_finds_those_too_short() -> None:
    loop = [wire("in", "a"), wire("a", "w", 1, 1), wire("w", "a")]
    assert latest(loop) == {"in": 0, "a": 0, "w": 0}
    short = [wire("a", "w", 1, 1), wire("w", "b"), wire("b", "x", 0, 1), wire("x", "a")]
    assert latest(short) is None
    longer, tight = slowed([*short, wire("a", "out", 0, 1)])
    assert tight == {"a", "b", "w", "x"}
    assert [w.delay for w in longer] == [1, 0, 1, 0, 0]
    assert latest(longer) is not None


def test_earliest_takes_the_shortest_way_and_no_later_than_a_start() -> None:
    wires = [wire("a", "b", 2), wire("a", "c", 1), wire("c", "b", 3), wire("b", "d", 1)]
    assert earliest(wires, {"a": 0}) == {"a": 0, "b": 2, "c": 1, "d": 3}
    assert earliest(wires, {"a": 0, "b": 1})["d"] == 2


def test_earliest_lets_what_is_silent_start_at_once() -> None:
    assert earliest([wire("a", "b", 3), wire("silent", "b", 1)], {"a": 0})["b"] == 1


def test_closing_edges_are_seen_from_where_a_cycle_is_entered() -> None:
    cycle = [("b", "c"), ("c", "a"), ("a", "b")]
    assert closing([*cycle, ("in", "b")], []) == {("a", "b")}
    assert closing(cycle, [("in", "c")]) == {("b", "c")}
    assert closing([("a", "b")], []) == set()
    assert closing([("a", "a")], []) == {("a", "a")}


def test_components_are_sets_on_common_cycles() -> None:
    edges = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "d"), ("d", "c"), ("d", "e")]
    assert components(edges) == [{"a", "b"}, {"c", "d"}]
