"""What the kernel has counted, looked at many times a second: whoever measures a minute looks when it gets to it, a little later
than the minute, and what is counted does not rise evenly."""

import threading
import time

LATE_SECONDS = 3


class Sampled(threading.Thread):
    """`read` gives a tuple of counts that only rise."""

    def __init__(self, read):
        super().__init__(daemon=True)
        self.read, self.seen, self.is_over = read, [], False
        self.start()

    def run(self):
        while not self.is_over:
            self.seen.append((time.time(), self.read()))
            time.sleep(0.05)

    def minute(self):
        """Waits for a whole minute that begins from now on; gives its start."""
        time.sleep(60 - time.time() % 60)
        return int(time.time())

    def rises(self, start):
        """Of the minute: for all spans that begin and end a little late, the seconds and how much each count rose."""
        time.sleep(max(0, start + 60 + LATE_SECONDS + 1 - time.time()))
        self.is_over = True

        def after(at):
            return [it for it in self.seen if at <= it[0] <= at + LATE_SECONDS]
        return [(b[0] - a[0], [y - x for x, y in zip(a[1], b[1])]) for a in after(start) for b in after(start + 60)]


def within(what, found, counted, part=0.02):
    """`counted` from the least to the most that it can have been."""
    least, most = min(counted), max(counted)
    assert least * (1 - part) <= found <= most * (1 + part), f"{what}: {found}, not {least} to {most}"
