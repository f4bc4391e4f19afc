"""A pytest plugin for mutation tests: no result of another version of the code is left in a cache."""

import functools
import gc


def pytest_runtest_setup(item):
    for found in gc.get_objects():
        if isinstance(found, functools._lru_cache_wrapper) and found.__module__.startswith("calcml"):
            found.cache_clear()
