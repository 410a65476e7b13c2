# SPDX-License-Identifier: GPL-3.0-or-later
"""torchaudio's speech models behind the front end's interface: fetched once, checked, and heard without seams."""

import hashlib
import http.server
import threading
from functools import partial

import numpy as np
import pytest
import torch

from engine.errors import Cancelled, InputError, MissingModelError
from engine.prior.extract import extract
from engine.prior.frontends import HOP, PipelineFrontEnd
from engine.prior.network import PriorNetwork, PriorSettings
from engine.prior.pipelines import NAMES, PipelineFile, load_pipeline, published
from engine.report import Report
from tests.engine.small_pipeline import PARAMETERS, small_pipeline

torchaudio = pytest.importorskip("torchaudio")


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return small_pipeline()


@pytest.fixture
def site(model, tmp_path):
    """A web server with the model's file, and the file's description."""
    folder = tmp_path / "site"
    folder.mkdir()
    torch.save(model.state_dict(), folder / "small.pth")
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sha256 = hashlib.sha256((folder / "small.pth").read_bytes()).hexdigest()
    yield PipelineFile("small.pth", f"http://127.0.0.1:{server.server_port}/small.pth", sha256, PARAMETERS)
    server.shutdown()
    server.server_close()


def sound(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0.0, 0.1, int(seconds * 16000)).astype(np.float32)


def heard(model, samples: np.ndarray, piece: int) -> torch.Tensor:
    front = PipelineFrontEnd(model, 2)
    for first in range(0, len(samples), piece):
        front.push(samples[first : first + piece])
    rows = front.finish()
    return rows.part(0, rows.frames)[0].T


def test_nothing_is_fetched_unless_allowed(site, tmp_path):
    with pytest.raises(MissingModelError, match="Allow the download"):
        load_pipeline(site, tmp_path / "cache", Report())
    assert not (tmp_path / "cache").exists()


def test_fetched_once_and_the_same_model(site, model, tmp_path):
    calls = []
    report = Report(on_progress=lambda stage, done, total, eta: calls.append((stage, done, total)))
    loaded = load_pipeline(site, tmp_path / "cache", report, allow_download=True)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value)
    assert calls[-1][0] == "download" and calls[-1][1] == calls[-1][2]
    gone = PipelineFile(site.name, "http://127.0.0.1:9/small.pth", site.sha256, PARAMETERS)
    load_pipeline(gone, tmp_path / "cache", Report(), allow_download=True)


def test_a_model_whose_digest_nobody_published_is_held_to_the_first_download(site, tmp_path):
    unknown = PipelineFile(site.name, site.url, "", PARAMETERS)
    load_pipeline(unknown, tmp_path / "cache", Report(), allow_download=True)
    file = tmp_path / "cache" / "small.pth"
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(MissingModelError, match="sha256"):
        load_pipeline(unknown, tmp_path / "cache", Report())


def test_another_file_than_the_published_one_is_refused(site, tmp_path):
    wrong = PipelineFile(site.name, site.url, "0" * 64, PARAMETERS)
    with pytest.raises(MissingModelError, match="sha256"):
        load_pipeline(wrong, tmp_path / "cache", Report(), allow_download=True)


def test_a_page_that_is_not_there(site, tmp_path):
    missing = PipelineFile("other.pth", site.url.replace("small", "other"), "", PARAMETERS)
    with pytest.raises(MissingModelError, match="could not be fetched"):
        load_pipeline(missing, tmp_path / "cache", Report(), allow_download=True)
    assert not list((tmp_path / "cache").iterdir())


def test_a_cancelled_download_leaves_nothing(site, tmp_path):
    event = threading.Event()
    report = Report(on_progress=lambda *_: event.set(), cancel_event=event)
    with pytest.raises(Cancelled):
        load_pipeline(site, tmp_path / "cache", report, allow_download=True)
    assert not list((tmp_path / "cache").glob("*.pth"))


def test_a_file_that_is_no_model(tmp_path):
    (tmp_path / "small.pth").write_bytes(b"nothing of the kind")
    with pytest.raises(MissingModelError, match="damaged"):
        load_pipeline(PipelineFile("small.pth", "", "", PARAMETERS), tmp_path, Report())


def test_the_published_names():
    for name in NAMES:
        file = published(name)
        assert file.name.endswith(".pth") and file.url.startswith("https://") and file.parameters
    with pytest.raises(InputError, match="HUBERT_BASE"):
        published("HUBERT_HUGE")


@pytest.mark.parametrize("seconds", [0.3, 7.0, 45.0])
def test_the_cut_of_the_stream_makes_no_difference(model, seconds):
    samples = sound(seconds)
    whole, pieces = heard(model, samples, len(samples)), heard(model, samples, 33_333)
    assert len(whole) == -(-len(samples) // HOP)
    torch.testing.assert_close(pieces, whole, atol=1e-3, rtol=0.0)


def test_seams_are_small(model):
    """A transformer sees all there is; with its margin a frame at a seam is what one pass over everything gives."""
    samples = sound(45.0)
    with torch.inference_mode():
        padded = np.pad(samples, (200, 400))
        everything = model.extract_features(torch.from_numpy(padded)[None])[0][-1][0]
    pieces = heard(model, samples, 16000)
    difference = (pieces - everything[: len(pieces)]).abs().mean(1)
    assert difference[990:1010].mean() < 0.2 * everything.std()


def test_a_model_that_wants_normalised_sound_hears_no_loudness(model):
    rows = []
    for gain in (1.0, 0.05):
        front = PipelineFrontEnd(model, 1, normalised=True)
        front.push(gain * sound(3.0) + 0.01)
        rows.append(front.finish())
    torch.testing.assert_close(rows[0].part(0, 150), rows[1].part(0, 150), atol=2e-2, rtol=0.0)
    assert published("HUBERT_LARGE").normalised and not published("HUBERT_BASE").normalised


def test_prior_extraction_hears_with_it(model):
    front = PipelineFrontEnd(model, 1)
    front.push(sound(3.0))
    network = PriorNetwork(PriorSettings(encoder=None, inputs=front.inputs, width=16)).eval()
    rows = front.finish()
    whole, pieces = extract(rows, network, Report()), extract(rows, network, Report(), window=40)
    assert whole.content.shape == (150, 64)
    np.testing.assert_allclose(pieces.articulators, whole.articulators, atol=1e-5)


def test_outputs_that_the_model_does_without_are_left_out_of_its_file(tmp_path):
    torch.manual_seed(0)
    parameters = {**PARAMETERS, "aux_num_out": 7}
    whole = torchaudio.models.wav2vec2_model(**parameters)
    torch.save(whole.state_dict(), tmp_path / "letters.pt")
    file = PipelineFile("letters.pt", "", "", {**PARAMETERS, "aux_num_out": 4}, (1, 2, 3))
    model = load_pipeline(file, tmp_path, Report())
    np.testing.assert_array_equal(model.aux.weight, whole.aux.weight.detach()[[0, 4, 5, 6]])


def test_where_the_aligner_for_other_languages_comes_from():
    file = published("MMS_FA")
    assert file.url.startswith("https://") and file.name == "mms_fa.pth" and file.outputs_left_out == (1, 2, 3)
