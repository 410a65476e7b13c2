# SPDX-License-Identifier: GPL-3.0-or-later
"""What each part of the deformation is worth: the same fit with parts of it, measured on pictures that were held out.

    python assets/head/ablation.py CAPTURE --work build/ablation --steps 2500 --size 256 --hold-out 16-

Parts as in UA-3DTalk's table (arXiv 2601.19112): P, what Prior Extraction hears; E, the emotion; U, ten networks a
view, fused, where there is else one. Goes on where it was stopped; results lie in the work folder as JSON and as a
table.
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.deform.settings import DeformationSettings  # noqa: E402
from engine.errors import EngineError  # noqa: E402
from engine.files import make_folder, write_text  # noqa: E402
from engine.fit.evaluate import evaluate  # noqa: E402
from engine.fit.fit import fit  # noqa: E402
from engine.fit.settings import FitSettings  # noqa: E402
from engine.protocol import EvaluateJob, FitJob  # noqa: E402
from engine.report import Report  # noqa: E402

NODES = {"nodes": 1200, "mouth_nodes": 120}
ONE, TEN = (DeformationSettings(**NODES, members=members) for members in (1, 10))
VARIANTS = {
    "basis": FitSettings(deformation=DeformationSettings(), heard=()),
    "P": FitSettings(deformation=ONE, heard=("content", "style")),
    "E": FitSettings(deformation=ONE, heard=("emotion",)),
    "U": FitSettings(deformation=TEN, heard=()),
    "all": FitSettings(deformation=TEN),
    "all, appearance": FitSettings(deformation=DeformationSettings(**NODES, appearance=True)),
}
SHOWN = ("psnr", "psnr_head", "mouth_psnr", "ssim", "lmd", "e_fid", "uncertainty_ratio")
HEARD = ("mouth_psnr", "lmd", "sync_confidence")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "ablation")
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--hold-out", default="", metavar="SECONDS", help="held out as well, and what is measured then")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    options = parser.parse_args()
    make_folder(options.work)
    results = {}
    try:
        for name in options.variants:
            results[name] = measured(name, options)
            write_text(options.work / "ablation.md", table(results))
    except EngineError as error:
        sys.exit(f"error: {error}")
    print(table(results))


def measured(name: str, options: argparse.Namespace) -> dict:
    """What `evaluate` gives for a variant, and its steps' seconds; fitted and measured as far as it is not yet."""
    stem, settings = options.work / name.replace(", ", "_"), VARIANTS[name]
    head, result = stem.with_suffix(".emohead"), stem.with_suffix(".json")
    report = Report(on_warning=lambda text: print(f"{name}: {text}", file=sys.stderr, flush=True))
    if not head.exists():
        job = FitJob(str(options.capture), str(head), steps=options.steps, size=options.size, seed=options.seed,
                     hold_out=options.hold_out, threads=options.threads)  # fmt: skip
        print(name, json.dumps(fit(job, report, settings)), flush=True)
    if not result.exists():
        job = EvaluateJob(str(head), str(options.capture), split=options.hold_out or "test")
        write_text(result, json.dumps(evaluate(job, report, settings.heard), indent=1))
    return json.loads(result.read_text(encoding="utf-8"))


def table(results: dict[str, dict]) -> str:
    """Markdown, a row for each variant: driven by what was tracked, and by the sound alone."""
    columns = [("expression_driven", name) for name in SHOWN] + [("audio_driven", name) for name in HEARD]
    heads = [f"{name}, by sound" if way == "audio_driven" else name for way, name in columns]
    lines = ["| parts | " + " | ".join(heads) + " |", "|---" * (len(columns) + 1) + "|"]
    for variant, result in results.items():
        values = [(result[way] or {}).get(name) for way, name in columns]
        shown = ["" if value is None else f"{value:.3f}" if abs(value) < 10 else f"{value:.2f}" for value in values]
        lines.append(f"| {variant} | " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
