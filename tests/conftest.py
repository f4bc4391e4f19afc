"""What every test stands on: a display without a screen and the three sizes of a property test."""

import os

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib, and inherited by subprocesses

from hypothesis import HealthCheck, settings

COMMON = {"deadline": None, "print_blob": True, "suppress_health_check": [HealthCheck.too_slow]}
# The everyday runs repeat the same examples, so that green stays green; the deep one looks for new ones.
settings.register_profile("dev", max_examples=25, derandomize=True, **COMMON)
settings.register_profile("ci", max_examples=100, derandomize=True, **COMMON)
settings.register_profile("deep", max_examples=2000, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))
