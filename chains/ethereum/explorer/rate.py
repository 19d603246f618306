"""No more requests in a second than a server allows: a bucket that fills with tokens."""

import threading
import time
from collections.abc import Callable


class TokenBucket:
    """Lets requests through, at most so many in a second. Safe to share between threads.

    A burst of one second's worth passes at once; after that requests are evenly spread.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a full bucket; `rate` is in requests a second, above 0."""
        self._rate = rate
        self._clock = clock
        self._tokens = max(rate, 1.0)
        self._filled = clock()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take a token; return the seconds until the request may go out."""
        with self._lock:
            now = self._clock()
            most = max(self._rate, 1.0)
            self._tokens = min(most, self._tokens + (now - self._filled) * self._rate)
            self._filled = now
            self._tokens -= 1
            return max(0.0, -self._tokens / self._rate)

    def slow_down(self) -> None:
        """Halve the rate, because the server says that it is asked too often."""
        with self._lock:
            self._rate = max(self._rate / 2, 0.2)
            self._tokens = min(self._tokens, 0.0)
