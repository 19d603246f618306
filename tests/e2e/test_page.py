"""The page of a trace in a real browser: draws, opens nodes without moving any, and says the same.

Needs Playwright and a Chromium; looks for one on the path.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import served_chain
