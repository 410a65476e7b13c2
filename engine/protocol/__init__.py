# SPDX-License-Identifier: GPL-3.0-or-later
"""What crosses between Blender (addon/) and the engine: names, jobs, tracks and messages. Standard library only.

The add-on imports this one package of engine/.

Messages are JSON objects, one per line.
    to the engine    {"type": "job", "id": str, "verb": str, "job": {...}} | {"type": "cancel", "id": str}
    from the engine  {"type": "ready", "protocol": int, "pid": int}
                     {"type": "progress", "id", "stage": str, "done": int, "total": int, "eta": seconds | null}
                     {"type": "warning", "id", "text": str}
                     {"type": "result", "id", "result": {...}}
                     {"type": "error", "id", "code": str, "what": str, "todo": str}
A job ends with exactly one `result` or `error` (a cancelled one with the error code "cancelled").
"""

from .jobs import (
    JOBS, PROTOCOL_VERSION, BakeJob, CaptureJob, DoctorJob, EmotionJob, EvaluateJob, ExportJob, ExportTakeJob, FitJob,
    HeadsJob, ImportJob, PerformJob, SpeakJob, SyncJob, VerifyJob, WarmUpJob, encode, job_message, read_job,
)
from .names import DEFAULT_HEAD, EMOTION_NAMES, EXPRESSION_NAMES, MICRO_EXPRESSIONS, exact_fps
from .tracks import LARGEST, LARGEST_START, CameraTrack, Controls

__all__ = [
    "JOBS", "PROTOCOL_VERSION", "BakeJob", "CaptureJob", "DoctorJob", "EmotionJob", "EvaluateJob", "ExportJob",
    "ExportTakeJob", "FitJob", "HeadsJob", "ImportJob", "PerformJob", "SpeakJob", "SyncJob", "VerifyJob", "WarmUpJob",
    "encode", "job_message", "read_job", "DEFAULT_HEAD",
    "EMOTION_NAMES", "EXPRESSION_NAMES", "MICRO_EXPRESSIONS", "exact_fps", "LARGEST", "LARGEST_START", "CameraTrack",
    "Controls",
]
