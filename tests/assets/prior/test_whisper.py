# SPDX-License-Identifier: GPL-3.0-or-later
"""Whisper's weights are read from CTranslate2's layout and go where they belong."""

import struct

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from assets.prior.whisper import NAMES, read_tensors, whisper_encoder


def write_model(path, tensors: dict[str, np.ndarray], version: int = 6) -> None:
    def text(name: str) -> bytes:
        data = name.encode() + b"\0"
        return struct.pack("<H", len(data)) + data

    parts = [struct.pack("<I", version), text("WhisperSpec"), struct.pack("<II", 3, len(tensors))]
    for name, value in tensors.items():
        kind = {np.dtype(np.float32): 0, np.dtype(np.float16): 4}[value.dtype]
        parts += [text(name), struct.pack("<B", value.ndim), struct.pack(f"<{value.ndim}I", *value.shape)]
        parts += [struct.pack("<B", kind), struct.pack("<I", value.nbytes), value.tobytes()]
    path.write_bytes(b"".join(parts))


def test_tensors_are_read_as_they_were_written(tmp_path):
    tensors = {"a/b": np.arange(6, dtype=np.float16).reshape(2, 3), "c": np.ones(4, np.float32)}
    write_model(tmp_path / "model.bin", tensors)
    found = read_tensors(tmp_path / "model.bin")
    assert set(found) == set(tensors)
    for name, value in tensors.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == value.dtype


def test_another_version_is_refused(tmp_path):
    write_model(tmp_path / "model.bin", {}, version=5)
    with pytest.raises(ValueError, match="version 6"):
        read_tensors(tmp_path / "model.bin")


def test_the_encoder_computes_what_whisper_s_does(tmp_path):
    """A layer in the words of the paper, of the file's own arrays, gives what SpeechEncoder gives."""
    rng = np.random.default_rng(0)
    shapes = {"encoder/conv1/weight": (384, 80, 3), "encoder/conv1/bias": (384,),
              "encoder/conv2/weight": (384, 384, 3), "encoder/conv2/bias": (384,)}
    maps = {"self_attention/linear_0": (1152, 384), "self_attention/linear_1": (384, 384), "ffn/linear_0": (1536, 384),
            "ffn/linear_1": (384, 1536)}
    for layer in range(2):
        for part in NAMES.values():
            if part in maps:
                shapes |= {f"encoder/layer_{layer}/{part}/weight": maps[part],
                           f"encoder/layer_{layer}/{part}/bias": maps[part][:1]}
            else:
                shapes |= {f"encoder/layer_{layer}/{part}/{kind}": (384,) for kind in ("gamma", "beta")}
    arrays = {name: rng.normal(0.0, 0.05, shape).astype(np.float32) for name, shape in shapes.items()}
    write_model(tmp_path / "model.bin", arrays)
    t = {name.removeprefix("encoder/"): torch.from_numpy(value) for name, value in arrays.items()}

    mels = torch.randn(1, 80, 60) * 10.0 - 20.0
    x = F.gelu(F.conv1d((mels + 45.0) / 40.0, t["conv1/weight"], t["conv1/bias"], padding=1))
    x = F.gelu(F.conv1d(x, t["conv2/weight"], t["conv2/bias"], padding=1, stride=2))[0].T
    rates = torch.exp(-np.log(10000.0) / 191 * torch.arange(192))
    angles = torch.arange(30)[:, None] * rates
    x = x + torch.cat([angles.sin(), angles.cos()], 1)
    for k in range(2):
        def linear(x, name):
            return x @ t[f"layer_{k}/{name}/weight"].T + t[f"layer_{k}/{name}/bias"]

        def norm(x, name):
            return F.layer_norm(x, (384,), t[f"layer_{k}/{name}/gamma"], t[f"layer_{k}/{name}/beta"])

        q, key, v = linear(norm(x, "self_attention/layer_norm"), "self_attention/linear_0").split(384, 1)
        heads = [(q[:, h : h + 64] @ key[:, h : h + 64].T / 8.0).softmax(1) @ v[:, h : h + 64]
                 for h in range(0, 384, 64)]
        x = x + linear(torch.cat(heads, 1), "self_attention/linear_1")
        x = x + linear(F.gelu(linear(norm(x, "ffn/layer_norm"), "ffn/linear_0")), "ffn/linear_1")
    torch.testing.assert_close(whisper_encoder(tmp_path / "model.bin")(mels)[0].T, x, atol=1e-4, rtol=1e-3)
