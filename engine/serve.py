# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker: jobs come as JSON lines on stdin, answers go as JSON lines to stdout. See protocol.

One job runs at a time, on a thread of its own, while the main thread reads. A cancel is answered within half a second
even where the job sits in something that cannot be interrupted (a compile, an import): the job is then left to end by
itself, silently, at its next check, and the next job waits for it.
"""

import json
import logging
import logging.handlers
import os
import signal
import sys
import threading
import time

from .jobs import as_engine_error, run_job
from .protocol import PROTOCOL_VERSION, WarmUpJob, encode, read_job
from .report import Report

# Loading torch's libraries holds Python's lock for up to 0.25 s at a time; the answer is due within 0.5 s.
CANCEL_PATIENCE = 0.15
MAX_LINE = 64_000_000

log = logging.getLogger("emosplat")


class Worker:
    """Runs jobs and answers through `send`, a function that takes a message."""

    def __init__(self, send) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._current: str | None = None
        self._job: object = None
        self._report: Report | None = None
        self._thread: threading.Thread | None = None

    def start(self, job_id: str, verb: str, data: dict) -> None:
        """Start a job, or answer why not."""
        with self._lock:
            if isinstance(self._job, WarmUpJob) and self._current is not None:
                self._report.cancel_event.set()  # nobody waits for a warm-up; the new job waits for its thread
                self._send({**_cancelled_message(), "id": self._current})
                self._current = None
            if self._current is not None:
                self._answer_error(job_id, "busy", "Another job is running.", "Wait for it or cancel it.")
                return
            try:
                job = read_job(verb, data)
            except (TypeError, ValueError) as error:
                self._answer_error(job_id, "input", str(error), "Add-on and engine must be of the same version.")
                return
            report = Report(
                on_progress=lambda stage, done, total, eta: self._say(
                    job_id, "progress", stage=stage, done=done, total=total, eta=eta
                ),
                on_warning=lambda text: self._say(job_id, "warning", text=text),
            )
            before = self._thread
            self._current, self._job, self._report = job_id, job, report
            self._thread = threading.Thread(target=self._run, args=(job_id, job, report, before), daemon=True)
            self._thread.start()

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; answer for it if it does not listen in time."""
        with self._lock:
            if self._current != job_id:
                return
            self._report.cancel_event.set()
        threading.Timer(CANCEL_PATIENCE, self._end, (job_id, _cancelled_message())).start()

    def stop(self, patience: float = 2.0) -> None:
        """Cancel whatever runs and wait a little for it."""
        with self._lock:
            thread, report = self._thread, self._report
        if report is not None:
            report.cancel_event.set()
        if thread is not None:
            thread.join(patience)

    def _run(self, job_id: str, job, report: Report, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        log.info("job %s: %s", job_id, job)
        try:
            message = {"type": "result", "result": run_job(job, report)}
        except BaseException as error:  # a thread's last frame: whatever it is, the person must hear of it
            known = as_engine_error(error)
            level = logging.ERROR if known.code == "internal" else logging.INFO
            log.log(level, "job %s failed", job_id, exc_info=error)
            message = {"type": "error", "code": known.code, "what": known.what, "todo": known.todo}
        self._end(job_id, message)

    def _end(self, job_id: str, message: dict) -> None:
        with self._lock:
            if self._current != job_id:
                return
            self._current = None
            self._send({**message, "id": job_id})

    def _say(self, job_id: str, kind: str, **content) -> None:
        with self._lock:
            if self._current == job_id:
                self._send({"type": kind, "id": job_id, **content})

    def _answer_error(self, job_id: str, code: str, what: str, todo: str) -> None:
        self._send({"type": "error", "id": job_id, "code": code, "what": what, "todo": todo})


def serve(log_file: str = "") -> int:
    """Serve jobs until stdin ends or the parent dies."""
    _start_log(log_file)
    send = _take_stdout()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in Blender's terminal is Blender's to answer
    threading.Thread(target=_watch_parent, daemon=True).start()
    worker = Worker(send)
    send({"type": "ready", "protocol": PROTOCOL_VERSION, "pid": os.getpid()})
    log.info("ready: Python %s at %s", sys.version.split()[0], sys.executable)
    while line := sys.stdin.buffer.readline(MAX_LINE):
        try:
            message = json.loads(line)
            kind, job_id = message["type"], str(message["id"])
            if kind == "job":
                worker.start(job_id, message["verb"], message["job"])
            elif kind == "cancel":
                worker.cancel(job_id)
            else:
                raise ValueError(f"unknown type {kind!r}")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            log.error("a message could not be read: %r", error)
            send({"type": "error", "id": "", "code": "input", "what": f"A message could not be read ({error}).",
                  "todo": "Add-on and engine must be of the same version."})
    log.info("the caller went away")
    worker.stop()
    logging.shutdown()
    os._exit(0)  # a job that sits in native code would hold a normal exit up


def _take_stdout():
    """Keep stdout for messages alone: prints of Python and of native code go to stderr from now on."""
    sys.stdout.flush()
    channel = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    lock = threading.Lock()

    def send(message: dict) -> None:
        data = memoryview(encode(message))
        with lock:
            try:
                while data:
                    data = data[channel.write(data):]
            except OSError:
                os._exit(0)  # nobody listens any more

    return send


def _watch_parent() -> None:
    """End when the parent is gone although somebody else still holds stdin open. Windows has no re-parenting."""
    if os.name != "posix":
        return
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1.0)
    log.info("the parent died")
    os._exit(0)


def _start_log(log_file: str) -> None:
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if log_file:
        handlers.append(logging.handlers.RotatingFileHandler(log_file, maxBytes=1_000_000, backupCount=3,
                                                             encoding="utf-8"))
    logging.basicConfig(level=logging.INFO, handlers=handlers, format="%(asctime)s %(levelname)s %(message)s")


def _cancelled_message() -> dict:
    from .errors import Cancelled

    error = Cancelled()
    return {"type": "error", "code": error.code, "what": error.what, "todo": error.todo}
