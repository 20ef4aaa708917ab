"""Band: a number with its range, and how energies and times are written."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass

#: Prefixes from 10**-18 to 10**9, three powers of ten apart.
PREFIXES = ("a", "f", "p", "n", "u", "m", "", "k", "M", "G")


@dataclass(frozen=True)
class Band:
    """A number and its range: ``low <= nominal <= high``, in SI units."""

    low: float = 0.0
    nominal: float = 0.0
    high: float = 0.0

    @classmethod
    def sum(cls, bands: Iterable[Band]) -> Band:
        """Return the sum, each end by itself and correctly rounded whatever the order."""
        rows = [(band.low, band.nominal, band.high) for band in bands]
        return cls(*(math.fsum(column) for column in zip(*rows, strict=True))) if rows else cls()

    def __mul__(self, factor: float) -> Band:
        return Band(self.low * factor, self.nominal * factor, self.high * factor)

    def __truediv__(self, divisor: float) -> Band:
        return Band(self.low / divisor, self.nominal / divisor, self.high / divisor)

    def as_dict(self) -> dict[str, float]:
        """Return JSON types."""
        return asdict(self)

    def text(self, unit: str) -> str:
        """Return ``"8.1 nJ (5.0 nJ to 12 nJ)"``, at most two significant digits."""
        low, nominal, high = (quantity(x, unit) for x in (self.low, self.nominal, self.high))
        return f"{nominal} ({low} to {high})"


def format_energy(joules: float) -> str:
    """Return ``"8.1 nJ"``: at most two significant digits, with an SI prefix."""
    return quantity(joules, "J")


def quantity(value: float, unit: str) -> str:
    """Return `value` with two significant digits and an SI prefix on `unit`.

    Beyond the prefixes (below 1 a, above 999 G) the power of ten is written out.
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    mantissa, _, power = f"{value:.1e}".partition("e")  # rounded first: 999 n becomes 1.0 u
    thousand, shift = divmod(int(power), 3)
    place = thousand + PREFIXES.index("")
    if not 0 <= place < len(PREFIXES):
        return f"{mantissa}e{int(power)} {unit}"
    scaled = float(mantissa) * 10**shift
    digits = f"{scaled:.1f}" if shift == 0 else f"{scaled:.0f}"
    return f"{digits} {PREFIXES[place]}{unit}"
