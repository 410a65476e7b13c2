# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables on the disk give what arrays in memory would, and tensors are written from either."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from engine import disk_rows
from engine.disk_rows import DiskRows, blocks, write_rows
from engine.errors import FormatError, StorageError
from engine.tensors import TensorSpec, read_tensors, write_tensors

ROWS = 50
SPEC = {"points": TensorSpec(("T", 3, 2), -10, 10), "small": TensorSpec(("T",), 0, 255, "U8")}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(disk_rows, "BLOCK", 7)


@pytest.fixture
def table() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(ROWS, 3, 2)).astype(np.float32)


def test_blocks_cover_all_rows_once():
    assert [(part.start, part.stop) for part in blocks(10, 4)] == [(0, 4), (4, 8), (8, 10)]
    assert list(blocks(0)) == []


KEYS = (
    3, -1, slice(None), slice(5, 31), slice(40, 10), slice(0, 50, 3), np.array([4, 5, 6, 30, 2, 2, 49]),
    np.zeros(0, int), np.arange(ROWS) % 3 == 0, [7, 8],
)  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_rows_are_indexed_as_arrays_are(table, tmp_path, key):
    rows = write_rows(tmp_path / "table", (table[part] for part in blocks(ROWS, 11)), (np.float32, (3, 2)))
    assert rows.shape == table.shape and rows.dtype == table.dtype and len(rows) == ROWS
    assert (rows[key] == table[key]).all() and rows[key].shape == table[key].shape
    assert (rows.part(10, 40)[2:9] == table[12:19]).all() and (np.asarray(rows) == table).all()


def test_a_field_of_records(tmp_path):
    records = np.zeros(ROWS, [("number", "<i4"), ("place", "<f4", (2,))])
    records["number"], records["place"] = np.arange(ROWS), np.random.default_rng(0).normal(size=(ROWS, 2))
    records.tofile(tmp_path / "records")
    places = DiskRows(tmp_path / "records", records.dtype, ROWS, field="place")
    assert places.shape == (ROWS, 2) and (places[20:30] == records["place"][20:30]).all()


def test_a_file_that_is_gone_or_cut_off_is_a_sentence(table, tmp_path):
    rows = write_rows(tmp_path / "table", [table], (np.float32, (3, 2)))
    (tmp_path / "table").write_bytes(table[:20].tobytes())
    with pytest.raises(StorageError, match="cut off"):
        rows[15:25]
    (tmp_path / "table").unlink()
    with pytest.raises(StorageError, match="could not be read"):
        rows[0]


def test_tensors_are_written_from_the_disk_and_stay_there(table, tmp_path):
    rows = write_rows(tmp_path / "table", [table], (np.float32, (3, 2)))
    tensors = {"small": np.arange(ROWS, dtype=np.uint8), "points": rows}
    write_tensors(tmp_path / "a", "test", 1, {"name": "ä"}, tensors)
    whole = load_file(tmp_path / "a")  # safetensors' own reader
    assert (whole["points"] == table).all() and (whole["small"] == np.arange(ROWS)).all()
    header, again = read_tensors(tmp_path / "a", "test", 1, SPEC, {"T": 100}, on_disk=("points",))
    assert header == {"name": "ä"} and isinstance(again["points"], DiskRows)
    assert (again["points"][:] == table).all() and (again["small"] == np.arange(ROWS)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 11.0])
def test_what_stays_on_the_disk_is_judged_too(table, tmp_path, value):
    table[37, 1, 1] = value
    write_tensors(tmp_path / "a", "test", 1, {}, {"points": table, "small": np.zeros(ROWS, np.uint8)})
    with pytest.raises(FormatError, match="points holds values"):
        read_tensors(tmp_path / "a", "test", 1, SPEC, {"T": 100}, on_disk=("points",))


def test_offsets_that_belong_to_another_shape_are_refused(table, tmp_path):
    write_tensors(tmp_path / "a", "test", 1, {}, {"points": table, "small": np.zeros(ROWS, np.uint8)})
    raw = (tmp_path / "a").read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:end])
    header["points"]["data_offsets"], header["small"]["data_offsets"] = [0, 24], [24, 74]
    text = json.dumps(header).encode()
    (tmp_path / "a").write_bytes(len(text).to_bytes(8, "little") + text + raw[end:])
    with pytest.raises(FormatError, match="damaged"):
        read_tensors(tmp_path / "a", "test", 1, SPEC, {"T": 100}, on_disk=("points",))
