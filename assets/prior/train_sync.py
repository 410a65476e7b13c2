# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the sync expert on what prepare.py wrote, with the content of a trained network.

    python assets/prior/train_sync.py --data DIR --prior FILE.safetensors --out FILE.safetensors [--steps 600]

Windows of sound and of the teacher's motion at the same time attract each other; those of other times and of other
clips repel (InfoNCE, van den Oord et al. 2018). The motion is shaken as tracking shakes it.
"""

import argparse
import sys
import time
from pathlib import Path

import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior.data import Crops  # noqa: E402
from engine.prior.extract import shipped_network  # noqa: E402
from engine.prior.lips import lip_gap, mouth_width, to_arkit  # noqa: E402
from engine.prior.storage import save_network  # noqa: E402
from engine.prior.sync_expert import KIND, SHIPPED, SyncExpert, motion_of  # noqa: E402

SECONDS = 4
BATCH = 16
LEARNING_RATE = 1.5e-3
EDGE = 6  # windows at a crop's ends that do not see enough
ALIKE = 1  # windows beside the right one that are no fault


def seen(targets: torch.Tensor) -> torch.Tensor:
    """(B, 4, T) motion as tracking would give it, of articulators (B, 2T, 7): noise, smoothing, one of both missing."""
    mouth = to_arkit(targets[:, ::2])
    gap, width = lip_gap(mouth), mouth_width(mouth)
    shaken = []
    for curve in (gap, width):
        rough = curve + torch.randn_like(curve) * curve.std(1, keepdim=True) * (0.5 * torch.rand(len(curve), 1))
        slow = torch.cumsum(torch.randn_like(curve), 1) * curve.std(1, keepdim=True) * 0.05
        soft = F.avg_pool1d(rough[:, None], 3, 1, 1, count_include_pad=False)[:, 0]
        shaken.append(torch.where(torch.rand(len(curve), 1) < 0.5, rough, soft) + slow)
    width = torch.where(torch.rand(len(gap), 1) < 0.15, torch.randn_like(width), shaken[1])
    return motion_of(shaken[0], width)


def contrast(expert: SyncExpert, content: torch.Tensor, motion: torch.Tensor) -> torch.Tensor:
    sound, mouth = expert.embed_sound(content).float(), expert.embed_motion(motion).float()
    sound, mouth = sound[:, :, EDGE:-EDGE], mouth[:, :, EDGE:-EDGE]
    count = sound.shape[2]
    scale = expert.scale.exp()
    within = torch.einsum("bct,bcs->bts", sound, mouth) * scale
    near = (torch.arange(count)[:, None] - torch.arange(count)).abs()
    within = within.masked_fill((near > 0) & (near <= ALIKE), -1e4)
    other = torch.einsum("bct,bcs->bts", sound, mouth.roll(1, 0)) * scale
    logits = torch.cat([within, other], 2)
    truth = torch.arange(count).expand(len(sound), count)
    forward = F.cross_entropy(logits.reshape(-1, 2 * count), truth.reshape(-1))
    backward = F.cross_entropy(within.transpose(1, 2).reshape(-1, count), truth.reshape(-1))
    return forward + backward


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--prior", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    network = shipped_network(options.prior)
    crops = Crops(options.data, SECONDS * 50, options.seed)
    checkpoint = options.out.with_suffix(".pt")
    expert, step = SyncExpert(), 0
    optimiser = torch.optim.AdamW(expert.parameters(), LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, options.steps, pct_start=0.1)
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        step = state["step"]
        for module, name in ((expert, "expert"), (optimiser, "optimiser"), (schedule, "schedule")):
            module.load_state_dict(state[name])
        crops = Crops(options.data, SECONDS * 50, options.seed + step)
    saved, total = time.monotonic(), 0.0
    while step < options.steps:
        rows, targets, _ = crops.batch(BATCH)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                content = network.content(rows)
            loss = contrast(expert, content, seen(targets))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        step, total = step + 1, total + float(loss.detach())
        if step % 50 == 0:
            print(f"{step} contrast {total / 50:.4f}", flush=True)
            total = 0.0
        if time.monotonic() - saved > 90:
            torch.save({"step": step, "expert": expert.state_dict(), "optimiser": optimiser.state_dict(),
                        "schedule": schedule.state_dict()}, checkpoint)
            saved = time.monotonic()
    save_network(expert, KIND, {"steps": step}, options.out)
    checkpoint.unlink(missing_ok=True)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
