# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: every verb fills in a job of protocol/jobs.py and runs it here, without Blender."""

import argparse
import json
import sys
from pathlib import Path

from .errors import InputError
from .jobs import as_engine_error, run_job
from .protocol import (
    DEFAULT_HEAD, EMOTION_NAMES, BakeJob, CaptureJob, DoctorJob, EmotionJob, EvaluateJob, ExportJob, ExportTakeJob,
    FitJob, HeadsJob, ImportJob, PerformJob, SpeakJob, SyncJob, VerifyJob,
)
from .report import Report

PIPELINE_ALLOWED = "the speech model that --emotion-model listens to may be fetched, once"


def main(arguments: list[str] | None = None) -> int:
    """Run one verb. Returns the exit status: 0 well, 1 the job failed, 2 the arguments are wrong."""
    options = build_parser().parse_args(arguments)
    if options.verb == "serve":
        from .serve import serve

        return serve(options.log)
    warnings: list[str] = []
    report = Report(on_progress=_show_progress, on_warning=warnings.append)
    try:
        if options.verb == "bench":
            from .bench import run_bench

            result = run_bench(report, options.head)
        else:
            result = run_job(_job(options), report)
        result["warnings"] = [*result.get("warnings", []), *warnings]
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    except Exception as error:
        known = as_engine_error(error)
        if known.code == "internal":
            raise
        print(f"error: {known}", file=sys.stderr)
        if options.json:
            print(json.dumps({"error": {"code": known.code, "what": known.what, "todo": known.todo}}))
        return 1
    for warning in result["warnings"]:
        print(f"warning: {warning}", file=sys.stderr)
    if options.json:
        print(json.dumps(_for_programs(options.verb, result), allow_nan=False))
    else:
        _show_result(options.verb, result)
    return 0 if result.get("ok", True) else 1


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine", description="EmoSplat's engine.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        if name != "serve":
            added.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        return added

    speak = verb("speak", "Render a head speaking an audio file.")
    speak.add_argument("audio", metavar="AUDIO")
    speak.add_argument("--head", default=DEFAULT_HEAD, help=f"name of a head, or an .emohead file ({DEFAULT_HEAD})")
    speak.add_argument("--out", required=True, metavar="DIR", help="folder for frame_#####.png and take.json")
    _add_performance(speak, life=1.0)
    speak.add_argument("--size", type=int, default=512, help="side of the picture without --camera (512)")
    speak.add_argument("--camera", default="", metavar="FILE", help="camera file, see docs/formats.md")
    speak.add_argument("--frames", default="", metavar="A-B", help="draw only these frames, counted from 1")
    speak.add_argument("--depth", action="store_true", help="also write depth_#####.exr")
    speak.add_argument("--uncertainty", action="store_true", help="also write uncertainty_#####.exr of a fitted head")
    speak.add_argument("--backend", default="auto", choices=("auto", "gsplat", "numba", "torch"))
    speak.add_argument("--threads", type=int, default=0, help="0: all cores")

    perform = verb("perform", "Write the take of an audio file: ARKit curves, emotion, life.")
    perform.add_argument("audio", metavar="AUDIO")
    perform.add_argument("--out", required=True, metavar="FILE", help="take.json; an .emotake goes beside it")
    perform.add_argument("--head", default="", help="a head that was fitted to this voice and knows how it sounds")
    _add_performance(perform, life=0.0)

    bake = verb("bake", "Bake a take played by a head: splats, a basis of movements, weights per frame.")
    bake.add_argument("source", metavar="AUDIO|TAKE", help="audio, any take, or a PLY of splats (one still frame)")
    bake.add_argument("--head", default=DEFAULT_HEAD, help=f"name of a head, or an .emohead file ({DEFAULT_HEAD})")
    bake.add_argument("--out", required=True, metavar="FILE", help="the .emoclip")
    bake.add_argument("--error", type=float, default=0.2, metavar="MM", help="95 of 100 points stay within this (0.2)")
    _add_performance(bake, life=1.0)
    bake.add_argument("--frames", default="", metavar="A-B", help="bake only these frames, counted from 1")

    emotion = verb("emotion", "Hear the emotion in a voice: probabilities over time, valence, arousal.")
    emotion.add_argument("audio", metavar="AUDIO")
    emotion.add_argument("--plot", default="", metavar="FILE", help="also draw it, as .png, .svg or .pdf")
    _add_emotion_model(emotion)
    emotion.add_argument("--allow-download", action="store_true", help=PIPELINE_ALLOWED)

    imported = verb("import", "Write a take of another kind as take.json, such as a capture tool's CSV.")
    imported.add_argument("take", metavar="TAKE", help="a CSV in Live Link Face's layout, an .emotake or a take.json")
    imported.add_argument("--out", required=True, metavar="FILE", help="take.json; an .emotake goes beside it")
    imported.add_argument("--fps", default="", help="frames per second (the take's own)")
    imported.add_argument("--timecode-fps", default="", help="what a CSV's timecode counts in a second (found from it)")

    export = verb("export", "Write a head or a clip as PLY, or a take as a CSV, for other programs.")
    export.add_argument("source", metavar="HEAD|CLIP|TAKE", help="a head's name or .emohead; .emoclip; any take")
    kind = export.add_mutually_exclusive_group(required=True)
    kind.add_argument("--ply", metavar="FILE|DIR", help="the head at rest; of a clip every frame, into a folder")
    kind.add_argument("--csv", metavar="FILE", help="the take in Live Link Face's layout")

    capture = verb("capture", "Make a capture, from which a head can be fitted.")
    capture.add_argument("source", metavar="SOURCE", help="a film, a data set's folder, or a rendered character's")
    where = capture.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", metavar="DIR", help="the capture's folder; a broken-off try goes on")
    where.add_argument("--verify", action="store_true", help="SOURCE is a capture: open every file of it")
    capture.add_argument("--size", type=int, default=512, help="side of its square pictures (512)")
    capture.add_argument("--identity", default="", metavar="NAME", help="the person's name (the source's)")
    capture.add_argument("--fps", default="", help="frames per second (the source's own)")
    capture.add_argument("--emotion", default="", metavar="K=V,...", help="what is shown all through it, if known")
    capture.add_argument("--seed", type=int, default=0, help="chooses the pictures that are held out")
    capture.add_argument("--allow-download", action="store_true", help="models may be fetched from their makers")

    fit = verb("fit", "Fit a head to a capture; a broken-off try goes on.")
    fit.add_argument("capture", metavar="CAPTURE", help="a capture's folder")
    fit.add_argument("--out", required=True, metavar="FILE", help="NAME.emohead; its report goes into NAME.fit")
    length = fit.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=0.0, help="of fitting (10)")
    length.add_argument("--steps", type=int, default=0, help="instead of minutes: the same result every time")
    fit.add_argument("--size", type=int, default=0, help="the pictures' longer side (the capture's, at most 512)")
    fit.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    fit.add_argument("--consent", default="", metavar="TEXT", help="what the person agreed to, for the head's header")
    fit.add_argument("--hold-out", default="", metavar="A-B", help="seconds that are held out, too")
    fit.add_argument("--seed", type=int, default=0)
    fit.add_argument("--threads", type=int, default=0, help="0: all cores")
    _add_emotion_model(fit)
    fit.add_argument("--allow-download", action="store_true", help=PIPELINE_ALLOWED)

    evaluate = verb("evaluate", "Measure a head on pictures that it was not fitted to.")
    evaluate.add_argument("head", metavar="HEAD", help="name of a head, or an .emohead file")
    evaluate.add_argument("capture", metavar="CAPTURE", help="a capture's folder")
    evaluate.add_argument("--split", default="test", metavar="NAME", help="test, train, all, or seconds A-B (test)")
    evaluate.add_argument("--size", type=int, default=0, help="the pictures' longer side (as it was fitted)")
    _add_emotion_model(evaluate)
    sync = verb("sync", "Say how many frames a mouth is later than its sound.")
    sync.add_argument("source", metavar="VIDEO|RENDER_DIR")
    sync.add_argument("audio", metavar="AUDIO", nargs="?", default="", help="another sound than its own")

    heads = verb("heads", "List the heads at hand.")
    heads.add_argument("--folder", default="", help="a folder of .emohead files")
    doctor = verb("doctor", "Say what runs here, and what to do about what does not.")
    doctor.add_argument("--folder", default="", help="the heads folder")
    doctor.add_argument("--out", default="", help="a folder that frames will go to")
    bench = verb("bench", "Time the splat renderer, the deformation, and a head that speaks.")
    bench.add_argument("--head", default="", help="the head that speaks (a random one of 30,000 Gaussians)")
    serve = verb("serve", "Answer jobs on stdin, for Blender.")
    serve.add_argument("--log", default="", metavar="FILE", help="also log to this file, rotated")
    return parser


def _add_performance(parser: argparse.ArgumentParser, life: float) -> None:
    parser.add_argument("--fps", default="25", help="such as 25, 23.976 or 30000/1001 (25)")
    names = ", ".join(EMOTION_NAMES)
    parser.add_argument("--emotion", default="", metavar="K=V,...", help=f"weights 0 to 1 of {names}")
    parser.add_argument("--auto-emotion", type=float, default=0.0, metavar="X",
                        help="0 to 1: how much of the emotion heard in the voice is shown (0)")
    parser.add_argument("--controls", default="", metavar="FILE", help="sliders over time, see docs/formats.md")
    parser.add_argument("--life", type=float, default=life, help=f"blinks, gaze and head motion, 0 to 1 ({life:g})")
    parser.add_argument("--seed", type=int, default=0)
    said = parser.add_mutually_exclusive_group()
    said.add_argument("--text", default="", help="what is said, where that is known: sharpens the mouth's timing")
    said.add_argument("--text-file", default="", metavar="FILE", help="the same from a text file (UTF-8)")
    _add_emotion_model(parser)
    allowed = "a speech model that texts in other languages than English, or --emotion-model, need may be fetched, once"
    parser.add_argument("--allow-download", action="store_true", help=allowed)


def _add_emotion_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--emotion-model", default="", metavar="FILE",
                        help="what hears the voice's emotion, see docs/model_card.md (the one that ships)")


def _job(options: argparse.Namespace):
    if options.verb == "export":
        if options.csv is not None:
            return ExportTakeJob(options.source, options.csv)
        return ExportJob(options.source, options.ply)
    if options.verb == "emotion":
        return EmotionJob(options.audio, options.plot, options.emotion_model, options.allow_download)
    if options.verb == "import":
        return ImportJob(options.take, options.out, options.fps, options.timecode_fps)
    if options.verb == "capture":
        if options.verify:
            return VerifyJob(options.source)
        rest = {name: getattr(options, name) for name in ("size", "identity", "fps", "seed", "allow_download")}
        return CaptureJob(options.source, options.out, emotion=parse_emotion(options.emotion), **rest)
    if options.verb == "fit":
        names = ("minutes", "steps", "size", "device", "consent", "hold_out", "seed", "threads", "emotion_model",
                 "allow_download")
        return FitJob(options.capture, options.out, **{name: getattr(options, name) for name in names})
    if options.verb == "evaluate":
        return EvaluateJob(options.head, options.capture, options.split, options.size, options.emotion_model)
    if options.verb == "sync":
        return SyncJob(options.source, options.audio)
    if options.verb == "heads":
        return HeadsJob(options.folder)
    if options.verb == "doctor":
        return DoctorJob(options.folder, options.out)
    names = ("fps", "auto_emotion", "controls", "life", "seed", "out", "allow_download", "emotion_model")
    performance = {name: getattr(options, name) for name in names}
    performance |= {"emotion": parse_emotion(options.emotion), "text": options.text or read_text(options.text_file)}
    if options.verb == "perform":
        return PerformJob(options.audio, head=options.head, **performance)
    first, last = parse_frames(options.frames)
    if options.verb == "bake":
        return BakeJob(options.source, head=options.head, error=options.error, first=first, last=last, **performance)
    names = ("head", "size", "camera", "depth", "uncertainty", "backend", "threads")
    rest = {name: getattr(options, name) for name in names}
    return SpeakJob(options.audio, **performance, **rest, first=first, last=last)


def parse_emotion(text: str) -> dict[str, float]:
    """"happy=0.8,sad=0.1" as a dict. Raises InputError."""
    weights = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = part.partition("=")
        try:
            weights[name.strip()] = float(value)
        except ValueError:
            todo = "Write, for example, happy=0.8,sad=0.1."
            raise InputError(f"--emotion {part!r} is not NAME=WEIGHT.", todo) from None
    return weights


def read_text(path: str) -> str:
    """A text file's content; "" of no path. Raises InputError."""
    try:
        return Path(path).read_text(encoding="utf-8-sig") if path else ""
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror}).", "Choose a file that exists.") from None
    except ValueError:
        raise InputError(f"{path} is no text in UTF-8.", "Save it as plain text in UTF-8.") from None


def parse_frames(text: str) -> tuple[int, int]:
    """"10-20" as (10, 20), "10-" as (10, 0), "10" as (10, 10), "" as (1, 0). Raises InputError."""
    if not text:
        return 1, 0
    first, dash, last = text.partition("-")
    try:
        if dash and not last:
            return int(first), 0
        if (end := int(last or first)) < 1:
            raise ValueError
        return int(first), end
    except ValueError:
        raise InputError(f"--frames {text!r} is not A-B.", "Write, for example, 1-250.") from None


def _show_progress(stage: str, done: int, total: int, eta: float | None) -> None:
    if sys.stderr.isatty():
        rest = f", {eta:.0f} s left" if eta else ""
        end = "\n" if done >= total else ""
        print(f"\r\033[K{stage} {done}/{total}{rest}", end=end, file=sys.stderr, flush=True)


def _for_programs(verb: str, result: dict) -> dict:
    """What --json prints: of an emotion what was heard and nothing else, of other jobs all."""
    return {key: value for key, value in result.items() if verb != "emotion" or key not in ("seconds", "warnings")}


def _show_emotion(result: dict) -> None:
    names = list(result["probabilities"])
    print("seconds  " + " ".join(f"{name:>9}" for name in names) + "  valence  arousal")
    for k, time in enumerate(result["times"]):
        row = " ".join(f"{result['probabilities'][name][k]:9.2f}" for name in names)
        print(f"{time:7.1f}  {row}  {result['valence'][k]:7.2f}  {result['arousal'][k]:7.2f}")
    print(f"Overall {result['label']}: " + ", ".join(f"{n} {p:.2f}" for n, p in result["overall"].items()) + ".")


def _show_result(verb: str, result: dict) -> None:
    if verb == "speak":
        seconds = result["seconds"]["total"]
        print(f"{result['frames']} frames in {result['out']} ({seconds:.1f} s, {result['backend']}).")
    elif verb == "emotion":
        _show_emotion(result)
    elif verb in ("perform", "import"):
        print(f"{result['frames']} frames in {result['take']}.")
    elif verb == "export" and "csv" in result:
        print(f"{result['frames']} frames in {result['csv']}.")
    elif verb == "bake":
        error, size = result["error_mm"], f"{result['megabytes']:g} MB in {result['seconds']:.1f} s"
        print(f"{result['points']} points, {result['frames']} frames, {result['basis']} shapes in {result['clip']}.")
        print(f"95% within {error['p95']:.3f} mm, all within {error['max']:.2f} mm; {size}.")
    elif verb == "export":
        print(f"{result['gaussians']} Gaussians in {result['ply']}.")
    elif verb == "capture" and "findings" in result:
        print("\n".join(result["findings"]) or f"{result['folder']} is whole.")
    elif verb == "capture":
        print(f"{result['used']} of {result['frames']} pictures in {result['out']} ({result['seconds']:.1f} s).")
        print(f"See {result['report']}.")
    elif verb == "fit":
        print(f"{result['points']} Gaussians in {result['out']}, {result['steps']} steps ({result['seconds']:.0f} s).")
        print(f"See {result['report']}.")
    elif verb == "sync":
        late = result["offset_frames"]
        how = f"{abs(late)} frames {'late' if late > 0 else 'early'}" if late else "in sync"
        print(f"The mouth is {how}, confidence {result['confidence']:.2f}.")
    elif verb == "heads":
        for head in result["heads"]:
            print(f"{head['name']:20} {head['error'] or head['path'] or 'built in'}")
    elif verb == "doctor":
        from .doctor import as_text

        print(as_text(result))
    else:
        print(json.dumps(result, indent=2))
