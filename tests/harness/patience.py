"""How long a test waits, and how it asks for what no event tells it.

    until("it is found", lambda: alice.get("/api/v1/search?q=cafe")["items"])
    until("it is taken back", lambda: anyone.send("GET", url).status, lambda status: status == 403)
"""
import os
import time

# Seconds. A wait ends when what it waits for is there, so this ends what hangs and nothing else: it is far beyond what the slowest
# machine needs, and the same for all, as none says by it how fast anything is. Whole films (KINOBUS_LONG) take longer.
PATIENCE = 1800 if os.environ.get("KINOBUS_LONG") else 600
PAUSE = 0.05        # between two questions


def until(what, ask, wanted=bool, despite=(), tell=None):
    """What ask() answers, once wanted(answer) holds; an exception of `despite` is an answer that is not wanted. tell(): what else is
    shown to who reads that it was in vain. Where something says that it happened, that is waited for instead: see tail.py."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            answer = ask()
            if wanted(answer):
                return answer
        except despite as error:
            answer = error
        if time.monotonic() > end:
            raise AssertionError(f"in vain for {PATIENCE} s: {what}; the last answer was {answer!r}" + ("\n" + tell() if tell else ""))
        time.sleep(PAUSE)
