# SPDX-License-Identifier: GPL-3.0-or-later
"""PLY files in the layout of the original 3D Gaussian Splatting, which splat viewers read:
x y z nx ny nz f_dc_0..2 f_rest_* opacity scale_0..2 rot_0..3, binary little endian.

https://github.com/graphdeco-inria/gaussian-splatting

Opacities are stored as logits, scales as logarithms, rotations wxyz; f_rest goes channel by channel.
"""

import os
from pathlib import Path

import numpy as np
import torch

from ..errors import FormatError
from ..files import whole_file
from .gaussians import Gaussians

MAX_HEADER_BYTES = 64_000
MAX_VERTICES = 20_000_000
MAX_MAGNITUDE = 1e6
TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
POSITION = ("x", "y", "z")
COLOR = tuple(f"f_dc_{i}" for i in range(3))
SCALE = tuple(f"scale_{i}" for i in range(3))
ROTATION = tuple(f"rot_{i}" for i in range(4))
REST_COUNTS = {0: 0, 9: 1, 24: 2, 45: 3, 72: 4}  # how many f_rest_* make which SH degree
MOST_BASES = 15  # beside the constant one: degree 3 is what gets drawn
OTHER = "Choose another file, or export it again as a binary 3D Gaussian Splatting PLY."
# An opacity of exactly 0 or 1 and a scale of 0 have no finite logit or logarithm.
OPACITY_BOUNDS, LEAST_SCALE = (1e-7, 1 - 1e-7), 1e-30


def write_ply(path: str | os.PathLike, gaussians: Gaussians) -> None:
    """Write a whole file or none. Raises StorageError."""
    count, bases = gaussians.sh.shape[:2]
    rest = [f"f_rest_{i}" for i in range(3 * (bases - 1))]
    names = [*POSITION, "nx", "ny", "nz", *COLOR, *rest, "opacity", *SCALE, *ROTATION]
    opacity = gaussians.opacities.detach().cpu().double().clamp(*OPACITY_BOUNDS)
    sh = gaussians.sh.detach().cpu()
    columns = [
        gaussians.means.detach().cpu(),
        torch.zeros(count, 3),
        sh[:, 0],
        sh[:, 1:].transpose(1, 2).flatten(1),
        torch.logit(opacity)[:, None],
        gaussians.scales.detach().cpu().clamp_min(LEAST_SCALE).log(),
        gaussians.quats.detach().cpu(),
    ]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    header += [f"property float {name}" for name in names] + ["end_header\n"]
    with whole_file(path) as part, open(part, "wb") as file:
        file.write("\n".join(header).encode("ascii"))
        file.write(torch.cat([c.float() for c in columns], 1).numpy().astype("<f4").tobytes())


def read_ply(path: str | os.PathLike) -> Gaussians:
    """Read a file in that layout, binary of either byte order or ASCII; normals and f_rest may be missing, and other
    properties are passed over. Of spherical harmonics of degree 4, degree 3 is kept. Quaternions come back normalised.

    Raises:
        FormatError: not such a file, cut off, too large, or with values that are not finite.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            kind, count, properties, before = _read_header(file, path)
            table = _read_table(file, path, kind, count, properties, before)
    except FileNotFoundError:
        raise FormatError(f"There is no file {path}.", "Choose a PLY file that exists.") from None
    except OSError as error:
        raise FormatError(f"{path} could not be read ({error.strerror}).", OTHER) from None
    rest = sorted((n for n in table if n.startswith("f_rest_")), key=lambda name: int(name[7:]))

    def matrix(*names: str) -> torch.Tensor:
        return torch.from_numpy(np.stack([table[name] for name in names], 1).astype(np.float32))

    sh = matrix(*COLOR)[:, None]
    if rest:
        sh = torch.cat([sh, matrix(*rest).unflatten(1, (3, len(rest) // 3))[..., :MOST_BASES].transpose(1, 2)], 1)
        sh = sh.contiguous()
    return Gaussians(
        means=matrix(*POSITION),
        quats=_unit(matrix(*ROTATION), path),
        scales=matrix(*SCALE).clamp(-80, 30).exp(),
        opacities=torch.sigmoid(matrix("opacity"))[:, 0],
        sh=sh,
    )


def _unit(quats: torch.Tensor, path: Path) -> torch.Tensor:
    lengths = quats.norm(dim=1, keepdim=True)
    if zero := int((lengths < 1e-12).sum()):
        raise FormatError(f"{path}: {zero} splats have a rotation of length 0.", OTHER)
    return quats / lengths


def _read_header(file, path: Path) -> tuple[str, int, list[tuple[str, str]], int]:
    """The format, the vertex count, the vertex properties (name, numpy type), and the bytes before the vertices."""
    head = file.read(MAX_HEADER_BYTES)
    end = head.find(b"\nend_header")
    newline = head.find(b"\n", end + 1)
    if not head.startswith(b"ply") or end < 0 or newline < 0:
        raise FormatError(f"{path} is not a PLY file.", OTHER)
    kind, element, elements, properties = "", "", [], []
    for line in head[:end].decode("latin-1").splitlines()[1:]:
        words = line.split()
        if not words or words[0] in ("comment", "obj_info"):
            continue
        if words[0] == "format" and len(words) == 3:
            kind = words[1]
        elif words[0] == "element" and len(words) == 3 and words[2].isdigit():
            element = words[1]
            elements.append((element, int(words[2])))
        elif words[0] == "property" and element != "vertex":
            continue
        elif words[0] == "property" and len(words) == 3 and words[1] in TYPES:
            properties.append((words[2], TYPES[words[1]]))
        else:
            raise FormatError(f"{path} has a PLY header with a line {line!r:.60} that makes no sense here.", OTHER)
    if kind not in ("ascii", "binary_little_endian", "binary_big_endian"):
        raise FormatError(f"{path} is a PLY file of the unknown format {kind!r:.40}.", OTHER)
    if not elements or elements[0][0] != "vertex":
        raise FormatError(f"{path} does not begin with vertices.", OTHER)
    _check_properties(path, [name for name, _ in properties])
    return kind, elements[0][1], properties, newline + 1


def _check_properties(path: Path, names: list[str]) -> None:
    if missing := [n for n in (*POSITION, *COLOR, "opacity", *SCALE, *ROTATION) if n not in names]:
        raise FormatError(f"{path} holds no Gaussian splats: it lacks the property {missing[0]}.", OTHER)
    if len(set(names)) < len(names):
        raise FormatError(f"{path} names a property twice.", OTHER)
    rest = {n for n in names if n.startswith("f_rest_")}
    if len(rest) not in REST_COUNTS or rest != {f"f_rest_{i}" for i in range(len(rest))}:
        raise FormatError(f"{path} has {len(rest)} f_rest properties; 0, 9, 24, 45 or 72 make harmonics.", OTHER)


def _read_table(file, path: Path, kind: str, count: int, properties, before: int) -> dict[str, np.ndarray]:
    """The vertices by property. Sizes are judged before memory is taken."""
    if count > MAX_VERTICES:
        raise FormatError(f"{path} declares {count} splats; at most {MAX_VERTICES} are read.", OTHER)
    size = os.fstat(file.fileno()).st_size - before
    order = ">" if kind == "binary_big_endian" else "<"
    layout = np.dtype([(name, order + code) for name, code in properties])
    needed = count * (2 * len(properties) if kind == "ascii" else layout.itemsize)
    if size < needed - 1:  # the last line of an ASCII file may lack its end
        raise FormatError(f"{path} is cut off: {count} splats need {needed} bytes and {size} are there.", OTHER)
    file.seek(before)
    if kind == "ascii":
        try:
            table = np.loadtxt(file, np.float64, comments=None, ndmin=2, max_rows=count).reshape(count, len(properties))
        except ValueError as error:
            raise FormatError(f"{path} holds something else than {count} rows of numbers ({error}).", OTHER) from None
        columns = {name: table[:, i] for i, (name, _) in enumerate(properties)}
    else:
        table = np.frombuffer(file.read(needed), layout)
        columns = {name: table[name] for name, _ in properties}
    bad = np.zeros(count, bool)
    for name, values in columns.items():
        if name in ("nx", "ny", "nz"):
            continue
        # Logits and logarithms may be infinite: opaque, or flat.
        allowed = np.isinf(values) if name == "opacity" or name in SCALE else False
        with np.errstate(invalid="ignore"):
            bad |= ~((np.abs(values) <= MAX_MAGNITUDE) | allowed)
    if bad.any():
        raise FormatError(f"{path}: {int(bad.sum())} of {count} splats hold values that are not usable numbers.", OTHER)
    return columns
