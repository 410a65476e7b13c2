# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains Prior Extraction's network on what prepare.py wrote.

    python assets/prior/train.py --data DIR --out FILE.pt [--steps 3000] [--seed 0] [--rate 1.5e-3]
        [--start OTHER.pt] [--pieced 0.9] [--keep-style]

Goes on from FILE.pt if it is there; export.py makes the safetensors that ship. The encoder stays as whisper.py gives
it: prepare.py has its features already. One thread per process; bfloat16 where the processor has it.
"""

import argparse
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior.data import MOST_SPEAKERS, Crops  # noqa: E402
from assets.prior.whisper import model_path, whisper_encoder  # noqa: E402
from engine.prior.lips import to_arkit  # noqa: E402
from engine.prior.network import CONTENT, STYLE, PriorNetwork  # noqa: E402
from engine.prior.visemes import ARTICULATORS  # noqa: E402

SECONDS = 4
BATCH, VOICES = 12, 24
LEARNING_RATE = 1.5e-3
AVERAGED = 0.99  # the weights that ship are a running mean of the last hundred steps
# Weights of the articulators' errors: what people see first.
WEIGHTS = torch.tensor([4.0, 1.5, 1.5, 0.8, 0.8, 0.0, 0.0])
ADVERSITY = 3.0  # how much harder content is pushed than its adversary learns
CONTACT_WEIGHTS = torch.tensor([2.5, 6.0])  # lips that do not meet offend more than lips that meet once too often


class _Reversed(torch.autograd.Function):
    """Ganin & Lempitsky 2015: the identity, whose gradient is turned round and scaled."""

    @staticmethod
    def forward(ctx, x, scale):
        ctx.scale = scale
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.scale * gradient, None


class Losses(nn.Module):
    """All objectives; holds the classifiers that are needed in training only."""

    def __init__(self, speakers: int) -> None:
        super().__init__()
        self.speaker = nn.Linear(STYLE, speakers)
        self.adversary = nn.Sequential(nn.Linear(2 * CONTENT, 128), nn.GELU(), nn.Linear(128, speakers))

    def forward(self, network: PriorNetwork, crops, voices, adversity: float):
        """Of Crops.batch and Crops.voices."""
        rows, targets, visemes = crops
        content, style = network.content(rows), network.style(network.style_sums(rows).sum(2))
        likely = network.to_visemes(content).float()
        logits = network.articulators(content, style, likely.softmax(1)).transpose(1, 2).float()
        said = torch.sigmoid(logits)
        square = ((said - targets).square() * WEIGHTS).sum(-1).mean()
        recon = (to_arkit(said) - to_arkit(targets)).square().sum(-1).mean()
        contact = F.binary_cross_entropy_with_logits(
            logits[..., 5:], targets[..., 5:], pos_weight=CONTACT_WEIGHTS
        )
        viseme = F.cross_entropy(likely, visemes, label_smoothing=0.05)
        rows, speakers = voices
        said = network.content(rows).float()
        moments = _Reversed.apply(torch.cat([said.mean(2), said.std(2)], 1), adversity)
        style = network.style(network.style_sums(rows).sum(2)).float()
        speaker = F.cross_entropy(self.speaker(style), speakers, label_smoothing=0.05)
        adversary = F.cross_entropy(self.adversary(moments), speakers)
        spread = content.float().square().mean()
        total = square + recon + 0.5 * contact + 0.5 * viseme + 0.5 * speaker + 0.1 * adversary + 0.003 * spread
        parts = {"square": square, "recon": recon, "contact": contact, "viseme": viseme, "speaker": speaker,
                 "adversary": adversary}
        return total, {name: float(value.detach()) for name, value in parts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=LEARNING_RATE, help="the largest learning rate")
    parser.add_argument("--start", type=Path, help="another run's FILE.pt, whose average this one begins with")
    parser.add_argument("--pieced", type=float, default=0.0, help="share of crops made of short pieces")
    parser.add_argument("--keep-style", action="store_true", help="train the mouth alone; style stays to the bit")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    network = PriorNetwork()
    network.encoder = whisper_encoder(model_path())
    step, state = 0, None
    if options.out.is_file():
        state = torch.load(options.out, weights_only=True)
        step = state["step"]
    crops = Crops(options.data, SECONDS * 50, options.seed + step, pieced=options.pieced)
    losses = Losses(MOST_SPEAKERS)
    if options.start and not state:
        begun = torch.load(options.start, weights_only=True)
        network.load_state_dict(begun["average"])
        losses.load_state_dict(begun["losses"])
    if options.keep_style:
        network.normalise.eval()  # style hears through it, too
        network.style_encoder.eval()
        for part in (network.style_encoder, network.to_manner, losses.speaker):
            part.requires_grad_(False)
    parameters = [p for p in (*network.parameters(), *losses.parameters()) if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, options.rate, weight_decay=0.1, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, options.steps, pct_start=0.15)
    parts_of_state = {"network": network, "losses": losses, "optimiser": optimiser, "schedule": schedule}
    if state:
        for name, part in parts_of_state.items():
            part.load_state_dict(state[name])
    count = sum(p.numel() for p in network.parameters() if p.requires_grad)
    print(f"{count} parameters, minutes {crops.minutes}, from step {step}", flush=True)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGED), use_buffers=True
    )
    saved, since, sums = time.monotonic(), time.monotonic(), {}
    while step < options.steps:
        with torch.autocast("cpu", torch.bfloat16):
            adversity = ADVERSITY * min(1.0, 2.0 * step / options.steps)
            total, parts = losses(network, crops.batch(BATCH), crops.voices(VOICES), adversity)
        optimiser.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        step += 1
        sums = {name: sums.get(name, 0.0) + value for name, value in parts.items()}
        if step % 50 == 0:
            text = " ".join(f"{name} {value / 50:.4f}" for name, value in sums.items())
            print(f"{step} {text} ({(time.monotonic() - since) / 50:.2f} s a step)", flush=True)
            since, sums = time.monotonic(), {}
        if time.monotonic() - saved > 90 or step == options.steps:
            state = {name: part.state_dict() for name, part in parts_of_state.items()}
            state |= {"step": step, "average": average.module.state_dict()}
            part = options.out.with_suffix(".part")
            torch.save(state, part)
            part.replace(options.out)
            saved = time.monotonic()


if __name__ == "__main__":
    main()
