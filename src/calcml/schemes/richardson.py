"""Stand-in until the scheme lands."""

from calcml.schemes.central import Central


class Richardson(Central): ...
