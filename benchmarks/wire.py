"""A peer's side of the wire; see `simam_jax/benchmarking/serve.py` for what is said over it. Needs nothing."""

import gc
import json
import os
import sys
import time


def serve(ready, jobs):
    """Answers the lines on standard input.

    Args:
        ready: facts of the process, said at once.
        jobs: by kind, functions from a spec to (run, facts); run(n) runs n times, waits for the end, and
            returns what to add to the answer, or None.
    """
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(answer):
        print(json.dumps(answer), file=answers, flush=True)

    say({"ready": ready})
    run = None
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if "prepare" in asked:
                run = None
                gc.collect()
                run, facts = jobs[asked["prepare"]["job"]](asked["prepare"])
                say({"ready": facts})
            else:
                start = time.perf_counter()
                more = run(asked["run"]) or {}
                say({"seconds": time.perf_counter() - start, **more})
        except Exception as error:
            say({"error": f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"})


def drawing(batches, spec):
    """A run that draws from an iterator of batches, once it has drawn what lies ready ahead.

    Args:
        batches: without an end.
        spec: of the input job, with "ahead" and "batches" (a run).
    """

    def draw(count):
        for _ in range(count):
            next(batches)

    def run(count):
        draw(spec["ahead"])
        start = time.perf_counter()
        draw(count * spec["batches"])
        return {"seconds": time.perf_counter() - start}

    draw(spec["ahead"])
    return run
