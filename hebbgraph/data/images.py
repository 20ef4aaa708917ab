"""MNIST, Fashion-MNIST, CIFAR-10, CIFAR-100, SVHN and notMNIST, as published and as patterns.

`load_images` returns grey levels or colours and labels as they were published; `mnist` and the
other functions make patterns in {-1, +1} of them. The files are fetched when first used (see
`hebbgraph.data.downloads`). Sizes and SHA-256 checksums are those of TensorFlow Datasets
(github.com/tensorflow/datasets, url_checksums/mnist.txt, fashion_mnist.txt, cifar10.txt and
cifar100.txt); for SVHN the size that many loaders check and the checksum of torchvision
(github.com/pytorch/vision, prototype/datasets/_builtin/svhn.py); for notMNIST, of which only an MD5
is in use, those of TorchUncertainty (github.com/ENSTA-U2IS-AI/torch-uncertainty).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hebbgraph.data.cifar import CIFAR10, CIFAR100, Layout, read_cifar
from hebbgraph.data.downloads import Remote, Teller, cache_folder, obtain
from hebbgraph.data.idx import read_idx
from hebbgraph.data.notmnist import read_notmnist
from hebbgraph.data.packaged import MNIST_THRESHOLD
from hebbgraph.data.patterns import PatternSet, binary
from hebbgraph.data.svhn import read_svhn
from hebbgraph.errors import Fault, Invalid

Split = Literal["train", "test"]

#: Grey of a colour (red, green, blue), in thousandths: luma of ITU-R BT.601.
LUMA = (299, 587, 114)
#: Images made grey at once.
_CHUNK = 4096


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images and their classes, as published; arrays are read-only."""

    name: str
    split: Split
    #: (n, height, width) grey or (n, height, width, 3) red, green, blue; uint8.
    images: NDArray[np.uint8]
    #: (n,), rows of `classes`.
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    source: str
    #: Labels of a second, coarser kind, (n,), rows of `coarse_classes`; None where there are none.
    coarse: NDArray[np.int64] | None = None
    coarse_classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for array in (self.images, self.labels, self.coarse):
            if array is not None:
                array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class ImageSet:
    """A published set: its files by split, and how they are read."""

    files: Mapping[Split, tuple[Remote, ...]]
    #: ``read(name, split, source, progress)``.
    read: Callable[[str, Split, Teller | None], LabelledImages]
    source: str


def load_images(
    name: str, split: Split = "train", progress: Teller | None = None
) -> LabelledImages:
    """Return a published set of images; the first time its files are fetched.

    Raises `Invalid` on an unknown name or split or a damaged file, `Unavailable` if a file is
    neither in the cache nor can be fetched.
    """
    faults = []
    if name not in SETS:
        faults.append(Fault("name", repr(name), f"sets of images are {', '.join(SETS)}"))
    if split not in get_args(Split):
        faults.append(Fault("split", repr(split), f"must be one of {', '.join(get_args(Split))}"))
    if faults:
        raise Invalid("load_images", faults)
    return SETS[name].read(name, split, progress)


def fetch(name: str, split: Split = "train", progress: Teller | None = None) -> None:
    """Fetch the files of a set that are not in the cache; does nothing for sets without files."""
    for remote in SETS[name].files[split] if name in SETS else ():
        obtain(remote, progress)


def mnist(split: Split = "train", threshold: int = MNIST_THRESHOLD) -> PatternSet:
    """Return MNIST's 60,000 digits of 28x28 pixels, +1 where grey >= 128 (fetched, 12 MB)."""
    return _patterns("mnist", split, threshold, str(cache_folder()))


def fashion_mnist(split: Split = "train", threshold: int = MNIST_THRESHOLD) -> PatternSet:
    """Return Fashion-MNIST's 60,000 clothes of 28x28 pixels, +1 where grey >= 128 (fetched, 31 MB).

    The ten classes are kinds of clothing.
    """
    return _patterns("fashion_mnist", split, threshold, str(cache_folder()))


def cifar10(split: Split = "train", threshold: int | None = None) -> PatternSet:
    """Return CIFAR-10's 50,000 images of 32x32 pixels, +1 from mean grey on (fetched, 170 MB).

    With a `threshold`, +1 where grey (0 to 255) is at or above it.
    """
    return _patterns("cifar10", split, threshold, str(cache_folder()))


def cifar100(split: Split = "train", threshold: int | None = None) -> PatternSet:
    """Return CIFAR-100's 50,000 images of 32x32 pixels, +1 from mean grey on (fetched, 169 MB).

    Labels are the 100 fine ones. With a `threshold`, +1 where grey (0 to 255) is at or above it.
    """
    return _patterns("cifar100", split, threshold, str(cache_folder()))


def svhn(split: Split = "train", threshold: int | None = None) -> PatternSet:
    """Return SVHN's 73,257 cropped digits of 32x32 pixels, +1 from mean grey on (fetched, 182 MB).

    For non-commercial use. With a `threshold`, +1 where grey (0 to 255) is at or above it.
    """
    return _patterns("svhn", split, threshold, str(cache_folder()))


def notmnist(split: Split = "train", threshold: int = MNIST_THRESHOLD) -> PatternSet:
    """Return notMNIST's letters A to J of 28x28 pixels, +1 where grey >= 128 (fetched, 8 MB).

    The small set, cleaned by hand: about 16,850 letters to learn and 1,870 to test.
    """
    return _patterns("notmnist", split, threshold, str(cache_folder()))


@lru_cache(maxsize=4)
def _patterns(name: str, split: Split, threshold: int | None, _folder: str) -> PatternSet:
    """Return binary patterns; `_folder` is the cache folder, so that those of another are read."""
    found = load_images(name, split)
    shape = found.images.shape[1:3]
    cut = "the image's own mean" if threshold is None else f"{threshold:g} of 255"
    return PatternSet(
        name if split == "train" else f"{name}-{split}",
        binarised(found.images, threshold).reshape(len(found), -1),
        found.labels,
        (shape[0], shape[1]),
        f"{found.source}; {split} split; +1 where grey >= {cut}",
    )


def binarised(images: NDArray[np.uint8], threshold: float | None) -> NDArray[np.int8]:
    """Return +1 where grey is at or above `threshold`, by default the image's own mean, else -1.

    `images` is (n, H, W), or (n, H, W, 3) of which grey is the luma; the result is (n, H, W).
    """
    made = np.empty(images.shape[:3], dtype=np.int8)
    for first in range(0, len(images), _CHUNK):
        chunk = images[first : first + _CHUNK]
        grey, unit = (chunk, 1) if chunk.ndim == 3 else (chunk @ np.array(LUMA), sum(LUMA))
        if threshold is None:
            pixels = grey[0].size  # sums of whole numbers: no rounding decides a pixel
            mean = grey.sum(axis=(1, 2), keepdims=True, dtype=np.int64)
            made[first : first + _CHUNK] = np.where(grey.astype(np.int64) * pixels >= mean, 1, -1)
        else:
            made[first : first + _CHUNK] = binary(grey, threshold * unit)
    return made


# --- reading -----------------------------------------------------------------------------------


def _read_idx_set(name: str, split: Split, progress: Teller | None) -> LabelledImages:
    images_file, labels_file = (obtain(f, progress) for f in SETS[name].files[split])
    images, labels = read_idx(images_file, 3), read_idx(labels_file, 1).astype(np.int64)
    classes = CLASSES[name]
    faults = []
    if len(images) != len(labels):
        faults.append(Fault(str(labels_file), f"{len(labels)} labels", f"must be {len(images)}"))
    if labels.size and labels.max() >= len(classes):
        need = f"labels must be below {len(classes)}"
        faults.append(Fault(str(labels_file), str(labels.max()), need))
    if faults:
        raise Invalid(name, faults)
    return LabelledImages(name, split, images, labels, classes, SETS[name].source)


def _read_cifar_set(name: str, split: Split, progress: Teller | None) -> LabelledImages:
    layout: Layout = {"cifar10": CIFAR10, "cifar100": CIFAR100}[name]
    (archive,) = SETS[name].files[split]
    images, labels, names = read_cifar(obtain(archive, progress), layout, split)
    fine: dict[str, Any] = {"labels": labels[:, -1].copy(), "classes": names[-1]}
    if len(names) > 1:
        fine |= {"coarse": labels[:, 0].copy(), "coarse_classes": names[0]}
    return LabelledImages(name, split, images, source=SETS[name].source, **fine)


def _read_svhn_set(name: str, split: Split, progress: Teller | None) -> LabelledImages:
    (file,) = SETS[name].files[split]
    images, labels = read_svhn(obtain(file, progress))
    return LabelledImages(name, split, images, labels, CLASSES[name], SETS[name].source)


def _read_notmnist_set(name: str, split: Split, progress: Teller | None) -> LabelledImages:
    (archive,) = SETS[name].files[split]
    images, labels = read_notmnist(obtain(archive, progress), split)
    return LabelledImages(name, split, images, labels, CLASSES[name], SETS[name].source)


# --- what is published where -------------------------------------------------------------------

CLASSES: dict[str, tuple[str, ...]] = {
    "mnist": tuple("0123456789"),
    "svhn": tuple("0123456789"),
    "notmnist": tuple("ABCDEFGHIJ"),
    "fashion_mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
}

_IDX_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def _idx_files(
    folder: str, homes: tuple[str, ...], sizes: tuple[int, ...], sums: tuple[str, ...]
) -> dict[Split, tuple[Remote, ...]]:
    files = tuple(
        Remote(f"{folder}/{name}", tuple(home + name for home in homes), size, sha256)
        for name, size, sha256 in zip(_IDX_NAMES, sizes, sums, strict=True)
    )
    return {"train": files[:2], "test": files[2:]}


def _archive(name: str, size: int, sha256: str) -> dict[Split, tuple[Remote, ...]]:
    url = f"https://www.cs.toronto.edu/~kriz/{name}"
    files = (Remote(f"cifar/{name}", (url,), size, sha256),)
    return {"train": files, "test": files}


def _svhn_file(split: str, size: int, sha256: str) -> tuple[Remote, ...]:
    name = f"{split}_32x32.mat"
    url = f"http://ufldl.stanford.edu/housenumbers/{name}"
    return (Remote(f"svhn/{name}", (url,), size, sha256),)


_NOTMNIST = Remote(
    "notmnist/notMNIST_small.tar.gz",
    (
        "http://yaroslavvb.com/upload/notMNIST/notMNIST_small.tar.gz",
        "http://commondatastorage.googleapis.com/books1000/notMNIST_small.tar.gz",
    ),
    8458043,
    sha256="",
    md5="c9890a473a9769fda4bdf314aaf500dd",
)

_CIFAR = 'A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009'

SETS: dict[str, ImageSet] = {
    "mnist": ImageSet(
        _idx_files(
            "mnist",
            (
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
            ),
            (9912422, 28881, 1648877, 4542),
            (
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
        _read_idx_set,
        "MNIST, Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Proc. IEEE 86(11), 1998,"
        " doi:10.1109/5.726791",
    ),
    "fashion_mnist": ImageSet(
        _idx_files(
            "fashion_mnist",
            (
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            ),
            (26421880, 29515, 4422102, 5148),
            (
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
        _read_idx_set,
        "Fashion-MNIST, H. Xiao, K. Rasul and R. Vollgraf, arXiv:1708.07747, 2017",
    ),
    "cifar10": ImageSet(
        _archive(
            "cifar-10-binary.tar.gz",
            170052171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ),
        _read_cifar_set,
        f"CIFAR-10, {_CIFAR}",
    ),
    "cifar100": ImageSet(
        _archive(
            "cifar-100-binary.tar.gz",
            168513733,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        ),
        _read_cifar_set,
        f"CIFAR-100, {_CIFAR}",
    ),
    "svhn": ImageSet(
        {
            "train": _svhn_file(
                "train",
                182040794,
                "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
            ),
            "test": _svhn_file(
                "test",
                64275384,
                "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
            ),
        },
        _read_svhn_set,
        'SVHN, Y. Netzer et al., "Reading digits in natural images with unsupervised feature'
        ' learning", 2011; for non-commercial use',
    ),
    "notmnist": ImageSet(
        {"train": (_NOTMNIST,), "test": (_NOTMNIST,)},
        _read_notmnist_set,
        "notMNIST, Y. Bulatov, 2011, yaroslavvb.blogspot.com/2011/09/notmnist-dataset.html",
    ),
}
