"""Fetch MathJax from the npm registry into _static, so that the built pages draw formulas without a network.

    python docs/vendor_mathjax.py

Does nothing if the file is there.  Without npm it says so and leaves the pages with the TeX source.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "mathjax@3.2.2"
# The full bundle: the smaller one loads \boldsymbol, \color and others from further files when they are met.
MEMBER = "package/es5/tex-svg-full.js"
TARGET = Path(__file__).parent / "_static" / "tex-svg-full.js"


def main() -> int:
    """Return the exit code."""
    if TARGET.exists():
        print(f"{TARGET.name} is in place")
        return 0
    npm = shutil.which("npm")
    if npm is None:
        print("npm was not found: the pages will show formulas as TeX source", file=sys.stderr)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as tar:
            source = tar.extractfile(MEMBER)
            if source is None:
                print(f"{archive.name} holds no {MEMBER}", file=sys.stderr)
                return 1
            TARGET.write_bytes(source.read())
    print(f"{TARGET.name} fetched from {PACKAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
