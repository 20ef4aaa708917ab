"""Random valid graphs of every kind, on every engine, against the reference: zero mismatches.

`strategies` draws the graphs (Hypothesis), `engines` runs and compares them, `campaign` runs many
and keeps what fails in files that can be run again (``make fuzz N=10000``, ``python -m tests.fuzz
--replay FILE``).
"""
