# SPDX-License-Identifier: GPL-3.0-or-later
import json
import pickle
import struct

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from engine.errors import FormatError, StorageError
from engine.head.storage import load_head, save_head
from engine.protocol import EXPRESSION_NAMES
from engine.splats.rasterize import rasterize
from tests.engine.damage import damaged_headers

TENSORS = ("means", "quats", "scales", "opacities", "sh", "shapes", "pivots", "rotations", "weights")


@pytest.fixture
def saved(tiny_head, tmp_path):
    path = tmp_path / "tiny.emohead"
    save_head(tiny_head, path)
    return path


def parts(path) -> tuple[dict, bytes]:
    """The JSON header and the data of a safetensors file."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def put(path, header, data: bytes) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def change(path, change_tensors=None, change_header=None) -> None:
    """Write the file again with other tensors or another header of ours."""
    tensors, metadata = load_file(path), parts(path)[0]["__metadata__"]
    if change_tensors:
        change_tensors(tensors)
    if change_header:
        header = json.loads(metadata["header"])
        change_header(header)
        metadata["header"] = json.dumps(header)
    save_file(tensors, path, metadata)


def test_round_trip(tiny_head, saved):
    again = load_head(saved)
    assert (again.name, again.meta, again.mover.joints) == ("tiny", tiny_head.meta, tiny_head.mover.joints)
    for name in TENSORS[:5]:
        torch.testing.assert_close(getattr(again.gaussians, name), getattr(tiny_head.gaussians, name))
    for name in TENSORS[5:]:
        torch.testing.assert_close(getattr(again.mover, name), getattr(tiny_head.mover, name))


def test_loaded_puppet_draws_the_same(puppet, tmp_path):
    save_head(puppet, tmp_path / "p.emohead")
    expression = np.random.default_rng(0).uniform(0, 0.4, len(EXPRESSION_NAMES)).astype(np.float32)
    viewmats = torch.tensor([[[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 1], [0, 0, 0, 1]]])
    Ks = torch.tensor([[[250.0, 0, 48], [0, 250, 48], [0, 0, 1]]])
    images = []
    for head in (puppet, load_head(tmp_path / "p.emohead")):
        g = head.pose(expression, np.array([0.1, 0, 0.2, 0, 0, 0], np.float32))
        images.append(rasterize(g.means, g.quats, g.scales, g.opacities, g.sh, viewmats, Ks, 96, 96, sh_degree=0)[0])
    assert images[0].max() > 0.3
    assert (images[0] - images[1]).abs().max() < 1 / 255


@pytest.mark.parametrize("kept", [0, 4, 8, 100, -1, -200])
def test_truncated(saved, kept):
    raw = saved.read_bytes()
    saved.write_bytes(raw[:kept])
    with pytest.raises(FormatError):
        load_head(saved)


def test_no_file(tmp_path):
    with pytest.raises(FormatError, match="no file"):
        load_head(tmp_path / "none.emohead")


def test_folder_is_no_head(tmp_path):
    with pytest.raises(FormatError):
        load_head(tmp_path)


@pytest.mark.parametrize("content", [b"hello", b"\x89PNG\r\n\x1a\n" + bytes(500), b"{}" * 600, bytes(4000)])
def test_not_a_head(tmp_path, content):
    path = tmp_path / "x.emohead"
    path.write_bytes(content)
    with pytest.raises(FormatError):
        load_head(path)


def test_pickle_is_never_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    path = tmp_path / "x.emohead"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(FormatError):
        load_head(path)
    torch.save({"means": Bomb()}, path)
    with pytest.raises(FormatError):
        load_head(path)
    assert not (tmp_path / "ran").exists()


def test_other_version(saved):
    header, data = parts(saved)
    header["__metadata__"]["version"] = "2"
    put(saved, header, data)
    with pytest.raises(FormatError, match="version 2"):
        load_head(saved)


def test_another_format(saved):
    header, data = parts(saved)
    header["__metadata__"]["format"] = "emotake"
    put(saved, header, data)
    with pytest.raises(FormatError, match="not an .emohead"):
        load_head(saved)


@pytest.mark.parametrize("count", [10**6, 10**9, 2**63, 2**70])
def test_huge_declared_shape(saved, count):
    header, data = parts(saved)
    header["means"]["shape"] = [count, 3]
    put(saved, header, data)
    with pytest.raises(FormatError):
        load_head(saved)


def test_more_gaussians_than_allowed(saved):
    """Shapes that agree with each other, and offsets that lie about the data."""
    header, data = parts(saved)
    for name, entry in header.items():
        if name != "__metadata__":
            entry["shape"] = [3_000_000 if size == 12 else size for size in entry["shape"]]
    put(saved, header, data)
    with pytest.raises(FormatError, match="shape"):
        load_head(saved)


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e9])
def test_values_out_of_bounds(saved, name, value):
    change(saved, lambda tensors: tensors[name].reshape(-1).__setitem__(1, value))
    with pytest.raises(FormatError, match=name):
        load_head(saved)


@pytest.mark.parametrize("name", TENSORS)
def test_missing_tensor(saved, name):
    change(saved, lambda tensors: tensors.pop(name))
    with pytest.raises(FormatError, match=name):
        load_head(saved)


def test_tensor_that_the_format_does_not_have(saved):
    change(saved, lambda tensors: tensors.update(extra=np.zeros(3, np.float32)))
    with pytest.raises(FormatError, match="extra"):
        load_head(saved)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32])
def test_wrong_dtype(saved, dtype):
    change(saved, lambda tensors: tensors.update(means=tensors["means"].astype(dtype)))
    with pytest.raises(FormatError, match="means"):
        load_head(saved)


def test_no_gaussians(saved):
    def empty(tensors):
        for name in ("means", "quats", "scales", "opacities", "sh", "weights"):
            tensors[name] = tensors[name][:0]
        tensors["shapes"] = tensors["shapes"][:, :0]

    change(saved, empty)
    with pytest.raises(FormatError, match="no Gaussians"):
        load_head(saved)


BAD_HEADERS = {
    "another order": lambda h: h["expression_names"].reverse(),
    "no joints": lambda h: h.pop("joints"),
    "joints of another number": lambda h: h["joints"].append("tail"),
    "joints that are no texts": lambda h: h.update(joints=[1, 2]),
    "no name": lambda h: h.pop("name"),
    "a name that is a number": lambda h: h.update(name=3),
    "an endless name": lambda h: h.update(name="x" * 1000),
    "meta that is a list": lambda h: h.update(meta=[]),
}


@pytest.mark.parametrize("fault", BAD_HEADERS)
def test_damaged_header(saved, fault):
    change(saved, change_header=BAD_HEADERS[fault])
    with pytest.raises(FormatError, match="cannot be used"):
        load_head(saved)


def test_weights_that_do_not_sum_to_one(saved):
    change(saved, lambda tensors: tensors["weights"].__setitem__(0, 0.9))
    with pytest.raises(FormatError, match="sum"):
        load_head(saved)


def test_quats_of_length_zero(saved):
    change(saved, lambda tensors: tensors["quats"].__setitem__(0, 0.0))
    with pytest.raises(FormatError, match="quaternions"):
        load_head(saved)


@pytest.mark.parametrize(
    "header",
    [
        b"[]", b"3", b"null", b'"x"', b"[" * 200_000, b'{"means": 3}', b'{"__metadata__": []}',
        b'{"__metadata__": {"format": "emohead", "version": "1", "header": 5}}',
        b'{"__metadata__": {"format": "emohead", "version": "1", "header": "' + b"[" * 200_000 + b'"}}',
        b'{"means": {"dtype": "F32", "shape": [1, 3], "data_offsets": [0, NaN]}}', b"\xff\xfe{}",
    ],
)
def test_strange_headers(saved, header):
    put(saved, header, parts(saved)[1])
    with pytest.raises(FormatError):
        load_head(saved)


def test_strange_metadata_in_a_sound_file(saved):
    """The tensors are all right; what our own header says is not."""
    header, data = parts(saved)
    for value in (5, None, ["x"], "[" * 200_000, "3", "{"):
        header["__metadata__"]["header"] = value
        put(saved, header, data)
        with pytest.raises(FormatError):
            load_head(saved)


def test_random_damage_is_a_format_error_or_harmless(saved):
    """Bytes of the header changed at random: FormatError or a head, never another exception."""
    refused = 0
    for damaged in damaged_headers(saved.read_bytes(), seed=1, count=600):
        saved.write_bytes(damaged)
        try:
            load_head(saved)
        except FormatError:
            refused += 1
    assert refused > 400


def test_unwritable_folder(tiny_head, tmp_path):
    with pytest.raises(StorageError):
        save_head(tiny_head, tmp_path / "none" / "x.emohead")
