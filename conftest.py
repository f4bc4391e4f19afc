"""How doctests compare: numbers as numbers, texts as texts."""

from doctest import ELLIPSIS, NORMALIZE_WHITESPACE

from scipy_doctest.conftest import dt_config

# Printed arrays carry eight digits and one last digit may turn with the platform's libm.  The floor lets
# error estimates, which are rounding noise themselves, differ between machines.
dt_config.rtol = 1e-6
dt_config.atol = 1e-10

# Unlike the plugin's default this compares the text of exceptions too: messages are part of the interface.
dt_config.optionflags = NORMALIZE_WHITESPACE | ELLIPSIS
