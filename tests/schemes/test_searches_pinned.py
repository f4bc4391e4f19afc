"""The published step searches against plain loops over one line: every point they try, and the step itself.

The loops follow the docstrings of the rules for one line, one formula and a list of outputs.  The functions
are made of operations that IEEE 754 rounds in one way, so points and steps agree to the last digits.
"""

import math
from fractions import Fraction

import numpy as np
import pytest

import calcml as cm
from calcml._function import Function
from calcml._lines import Directions, ElementwiseLines, PointLines, axes
from calcml._parameters import check_bounds, flatten
from calcml.schemes import Relative
from calcml.schemes._noise import measured_noise
from calcml.schemes._recipe import Plan
from calcml.schemes.curtis_reid import CurtisReid
from calcml.schemes.dumontet_vignes import DumontetVignes
from calcml.schemes.gill_murray import GillMurray
from calcml.schemes.more_wild import MoreWild
from calcml.schemes.shi import Shi
from calcml.schemes.stepleman_winarsky import SteplemanWinarsky

EPS = float(np.finfo(float).eps)
TINY = float(np.finfo(float).tiny)
INF, NAN = math.inf, math.nan
SHORT, RIGHT, LONG = -1, 0, 1
FORWARD, CENTRAL = Plan(1, 1, 1).formula, Plan(1, 2, 0).formula
FORMULAS = [FORWARD, CENTRAL, Plan(1, 2, -1).formula, Plan(1, 4, 0).formula, Plan(2, 2, 0).formula]


class Counted:
    """Remember every point at which f was evaluated, in order."""

    def __init__(self, f):
        self.f, self.points = f, []

    def __call__(self, x):
        self.points.extend(np.ravel(x).tolist())
        return self.f(x)


def lines_of(f, x, bounds=None):
    x = np.asarray(x)
    limits = None if bounds is None else check_bounds(bounds, *flatten(x))
    return ElementwiseLines(Function(f, None), x, limits)


def point_lines(f, x, directions=None):
    x = np.asarray(x, dtype=float)
    return PointLines(Function(f, flatten(x)[1]), x, directions or axes(x.size))


# The plain loops.


class Line:
    """f on one line through the number x: a list of outputs at x + t, for t within bounds."""

    def __init__(self, f, x, nodes, noise=None, bounds=None):
        self.f, self.x, self.nodes, self.given = f, float(x), nodes, noise
        self.bounds = bounds
        low, high = (-INF, INF) if bounds is None else (bounds[0] - self.x, bounds[1] - self.x)
        self.low, self.high = low, high
        self.origin = f(self.x)
        self.tried, self.last = [], {}
        self.unit = min(abs(self.x), 2.0**900) if abs(self.x) > 2.0**-960 else 1.0
        self.least = 4 * max(float(np.spacing(abs(self.x))), TINY)
        self.most = min((high - low) / (max(nodes) - min(nodes)), 2.0**30 * max(self.unit, 1.0))

    def at(self, h):
        """Outputs at the nodes, a list for each of them."""
        t = [(self.x + g * h) - self.x for g in self.nodes]
        if self.bounds:
            up = max(self.low - min(t), 0.0)
            t = [v + up for v in t]
            down = max(max(t) - self.high, 0.0)
            t = [v - down for v in t]
        known = {**self.last, 0.0: self.origin}
        self.tried += [self.x + v for v in t if v not in known]
        self.last = {v: known[v] if v in known else self.f(self.x + v) for v in t}
        return [self.last[v] for v in t]

    def usable(self):
        return [m for m, v in enumerate(self.origin) if math.isfinite(v)]

    def noise(self, values, m):
        if self.given is not None:
            return self.given
        return EPS * max(abs(v) for v in [*(row[m] for row in values), self.origin[m]])

    def strongest(self, signal, values, norm):
        """The largest signal over noise of all outputs; infinite where one is lost."""
        if any(not math.isfinite(row[m]) for m in self.usable() for row in values):
            return INF
        ratios = [0.0]
        for m in self.usable():
            s, noise = signal([row[m] for row in values]), norm * self.noise(values, m)
            ratios.append((s / noise if noise else INF) if s > 0 else 0.0)
        return max(ratios)


def weighed(weights):
    def total(column):
        sum_ = 0.0
        for w, v in zip(weights, column, strict=True):
            sum_ += w * (v - column[0])
        return abs(sum_)

    return total


def judged(ratio, lower, upper):
    return SHORT if ratio < lower else LONG if ratio > upper else RIGHT


def law_of(ratio, wanted, power, least=2.0):
    return (wanted / ratio) ** (1 / power) if least < ratio < 1e6 else NAN


def bracketed(line, start, trial, factor, trials, *, leap=False):
    """The step that is right, and the ends of the bracket."""
    step, low, high = NAN, 0.0, INF
    h = max(min(start, line.most), line.least)
    if not line.usable() or line.most < line.least:
        return step, low, high
    for k in range(trials):
        exact = (line.x + h) - line.x
        h = exact if exact > 0 else h
        said, law = trial(h)
        if said == RIGHT:
            return h, low, high
        if said == SHORT:
            low = h
        else:
            high = h
        closed = low > 0 and high < INF
        new = h * law
        if not (new > low * 1.05 and new < high / 1.05 and (closed or leap)):
            patience = max(1, k + 1 - 3)
            new = math.sqrt(low) * math.sqrt(high) if closed else h * factor ** (-said * patience)
        new = max(min(new, line.most), line.least)
        if new == h or not high > 1.05 * low:
            break
        h = new
    return step, low, high


def settled(step, low, high):
    return step if step == step else low if low > 0 and high < INF else NAN


def used_of(formula):
    return [(float(g), float(w)) for g, w in zip(formula.offsets, formula.weights, strict=True) if w]


def central(order):
    """Nodes and weights of the central formula of order 2 for this derivative."""
    m = (order + 1) // 2
    used = used_of(cm.stencil(range(-m, m + 1), order))
    return [g for g, _ in used], [w for _, w in used]


def balance(formula):
    return float(sum(map(abs, formula.weights))) / abs(float(formula.error_constant))


def measured(f, x, formula, noise, window, factor, trials, bounds=None):
    """Gill and Murray, Dumontet and Vignes."""
    n, p = formula.n, formula.order
    m = n + p
    nodes, weights = central(m)
    norm = sum(map(abs, weights))
    line = Line(f, x, nodes, noise, bounds)
    lower, upper = window
    middle = math.sqrt(lower * upper)
    seen = {"signal": 0.0, "share": 0.0, "edge": 0.0}

    def trial(h):
        values = line.at(h)
        ratio = line.strongest(weighed(weights), values, norm)
        said = judged(ratio, 1 / upper, 1 / lower)
        if said == LONG:
            seen["edge"] = float(math.isinf(ratio))
        else:
            sizes = {k: max(abs(row[k]) for row in values) for k in line.usable()}
            shares = [line.noise(values, k) / size for k, size in sizes.items() if size > 0]
            seen["signal"], seen["share"] = ratio, max([*shares, EPS])
        return said, law_of(ratio, 1 / middle, m)

    start = (norm * EPS / middle) ** (1 / m) * line.unit
    step, low, high = bracketed(line, start, trial, factor, trials)
    if seen["edge"] > 0 and seen["signal"] < 1:
        end = low if low > 0 and high < INF else NAN
        return line, end * min(n * balance(formula) / p * seen["share"], 1.0) ** (1 / m)
    known = max(seen["signal"], 1.0)
    return line, settled(step, low, high) * (n * balance(formula) / (p * norm * known)) ** (1 / m)


def gill_murray(rule, f, x, formula, bounds=None):
    window = (rule.lower, rule.upper)
    return measured(f, x, formula, rule.noise, window, 10.0, rule.trials, bounds)


def dumontet_vignes(rule, f, x, formula, bounds=None):
    window = tuple((q - 1) / (q + 1) for q in (rule.lower, rule.upper))
    line, h = measured(f, x, formula, rule.noise, window, 4.0, rule.trials, bounds)
    return line, h * 0.56 ** (1 / (formula.n + formula.order))


def curtis_reid(rule, f, x, formula, bounds=None):
    if rule.original:
        nodes, weights, power, norm = [-1.0, 0.0, 1.0], [-0.5, 1.0, -0.5], 2, 1.0
    else:
        first, last = formula.offsets[0], formula.offsets[-1]
        row = range(int(first) - (first < 0), int(last) + (last > 0) + 1)
        better = cm.stencil(row, formula.n)
        own = dict(zip(formula.offsets, formula.weights, strict=True))
        nodes = [float(g) for g in row]
        weights = [float(w - own.get(g, 0)) for g, w in zip(better.offsets, better.weights, strict=True)]
        power, norm = formula.n + formula.order, float(sum(map(abs, formula.weights)))
    line = Line(f, x, nodes, rule.noise, bounds)
    last_ratio = [1.0]

    def trial(h):
        values = line.at(h)
        ratio = line.strongest(weighed(weights), values, norm)
        said = judged(ratio, rule.aim / rule.tolerance, rule.aim * rule.tolerance)
        if said != LONG:
            last_ratio[0] = ratio
        return said, max((rule.aim / ratio) ** (1 / power), 0.01) if ratio > 1 else NAN

    start = (rule.aim * norm * EPS / sum(map(abs, weights))) ** (1 / power) * line.unit
    end = bracketed(line, start, trial, rule.aim ** (1 / power), rule.trials, leap=True)
    h = settled(*end)
    if rule.original:
        return line, h
    return line, h * (formula.n / formula.order / max(last_ratio[0], 1.0)) ** (1 / power)


def shi(rule, f, x, formula, bounds=None):
    n, p = formula.n, formula.order
    alpha = 3 if formula.offsets[0] == -formula.offsets[-1] else 4
    table = {}
    for g, w in zip(formula.offsets, formula.weights, strict=True):
        table[g] = table.get(g, 0) + w
        table[alpha * g] = table.get(alpha * g, 0) - w / Fraction(alpha) ** n
    used = sorted((g, w) for g, w in table.items() if w)
    nodes, weights = [float(g) for g, _ in used], [float(w) for _, w in used]
    norm = sum(map(abs, weights))
    condition = float(sum(map(abs, formula.weights)))
    best = (alpha**p - 1) * n * condition / (p * norm)
    line = Line(f, x, nodes, rule.noise, bounds)

    def trial(h):
        ratio = line.strongest(weighed(weights), line.at(h), norm)
        return judged(ratio, best / 3 * rule.lower, best / 3 * rule.upper), law_of(ratio, best, n + p)

    start = (n * EPS / p * balance(formula)) ** (1 / (n + p)) * line.unit
    return line, settled(*bracketed(line, start, trial, float(alpha), rule.trials))


def stepleman_winarsky(rule, f, x, formula, bounds=None):
    used = used_of(formula)
    line = Line(f, x, [g for g, _ in used], None, bounds)
    weights = [w for _, w in used]
    least = rule.factor * EPS ** (1 / (formula.n + formula.order))
    moves = [False]

    def trial(h):
        values = line.at(h)
        if any(not math.isfinite(row[m]) for m in line.usable() for row in values):
            share = INF
        else:
            share = 0.0
            for m in line.usable():
                column = [row[m] for row in values]
                size = max(abs(v) for v in [*column, line.origin[m]])
                share = max(share, (max(column) - min(column)) / size if size else 0.0)
        moves[0] |= share > 0
        return judged(share, least, 1.0), NAN

    start = line.unit / rule.factor
    step, _, _ = bracketed(line, start, trial, rule.factor, rule.trials)
    if step != step and not moves[0]:
        return line, NAN
    h = step if step == step else max(min(start, line.most), line.least)
    outputs = line.usable()
    last, change, fell = {}, dict.fromkeys(outputs, INF), dict.fromkeys(outputs, 0)
    going, found = set(outputs), NAN
    for _ in range(rule.trials):
        exact = (line.x + h) - line.x
        h = exact if exact > 0 else h
        values = line.at(h)
        ended = False
        for m in outputs:
            column, total = [row[m] for row in values], 0.0
            for w, v in zip(weights, column, strict=True):
                total += w * (v - column[0])
            d = total / h**formula.n
            new = abs(d - last.get(m, NAN))
            if m in going and (new == 0 or (new >= change[m] and fell[m] >= 2)):
                going.discard(m)
                ended = True
            fell[m] = fell[m] + 1 if new < change[m] < INF else 0
            change[m], last[m] = new if math.isfinite(new) else INF, d
        if ended:
            found = h * rule.factor
        h = h / rule.factor
        if not going or not h > line.least:
            break
    return line, found


def more_wild(rule, f, x, formula, bounds=None, measured=None):
    """With the noise, slope and doubt that were measured, one each per output, or the noise that is given."""
    n, p = formula.n, formula.order
    order, ahead = n + p, formula.offsets[-1] > 0
    if formula.offsets[0] == -formula.offsets[-1]:
        nodes, weights = central(order)
    else:
        used = used_of(cm.stencil(range(order + 1) if ahead else range(-order, 1), order))
        nodes, weights = [g for g, _ in used], [w for _, w in used]
    norm = math.sqrt(sum(w * w for w in weights) / 6)
    line = Line(f, x, nodes, rule.noise, bounds)
    level = (lambda m: measured.level[0, m]) if measured else lambda m: rule.noise
    near = [j for j, g in enumerate(nodes) if abs(g) == 1]
    kept = {"step": NAN, "signal": 0.0, "share": EPS, "strict": True}

    def changes(values, h, m):
        """Whether f changes by more than a share of itself, other than by its slope and noise."""
        rows, origin = [values[j][m] for j in near], line.origin[m]
        size = max([abs(origin), *map(abs, rows)])
        allowed = rule.change * size + 4 * level(m)
        wide = max(abs(v - origin) for v in rows) > allowed
        if not measured:
            return wide and kept["strict"]
        doubt = 4 * measured.doubt[0, m] * h
        bends = max(
            abs(v - origin - measured.slope[0, m] * nodes[j] * h) for v, j in zip(rows, near, strict=True)
        )
        return bends > allowed + doubt or (wide and not doubt <= allowed and kept["strict"])

    def trial(h):
        values = line.at(h)
        sigmas, signals = {}, {}
        for m in range(len(line.origin)):
            size = max(abs(v) for v in [*(row[m] for row in values), line.origin[m]])
            sigmas[m] = max(level(m), EPS / 2 * size)
            signals[m] = weighed(weights)([row[m] for row in values])
        ratios = [signals[m] / (norm * sigmas[m]) if signals[m] > 0 else 0.0 for m in line.usable()]
        lost = any(not math.isfinite(row[m]) for m in line.usable() for row in values)
        ratio = INF if lost else max([0.0, *ratios])
        leader = max(signals, key=lambda m: signals[m] / sigmas[m] if signals[m] > 0 else 0.0)
        wide = lost or changes(values, h, leader)
        said = LONG if wide else SHORT if ratio < rule.signal else RIGHT
        step, signal = kept["step"], kept["signal"]
        strong = ratio >= rule.signal and not (signal >= rule.signal and step <= h)
        weak = ratio >= 10 and signal < rule.signal and not step <= h
        if ratio < INF and (strong or weak):
            kept["step"], kept["signal"] = h, ratio
        if said == SHORT:
            sizes = {m: max(abs(row[m]) for row in values) for m in line.usable()}
            kept["share"] = max([EPS, *(sigmas[m] / size for m, size in sizes.items() if size > 0)])
        return said, NAN if wide else law_of(ratio, 3 * rule.signal, order, 10.0)

    shares = [level(m) / abs(line.origin[m]) for m in line.usable() if line.origin[m]]
    first = min(max([EPS, *shares]), 0.01) ** (1 / (order + 2)) * line.unit
    end = bracketed(line, first, trial, 4.0, rule.trials, leap=True)
    if kept["signal"] < rule.signal and kept["step"] > end[2]:
        kept["step"] = NAN
    if kept["step"] != kept["step"]:
        kept["signal"] = 0.0
        if end[2] < INF:
            kept["strict"] = False
            bracketed(line, max(end[1], first), trial, 4.0, rule.trials, leap=True)
    if kept["step"] != kept["step"]:
        low = end[1] if end[1] > 0 and end[2] < INF else NAN
        return line, low * min(n / p * balance(formula) * kept["share"], 1.0) ** (1 / order)
    spread = math.sqrt(n / p * float(sum(w * w for w in formula.weights)))
    known = abs(float(formula.error_constant)) * kept["signal"] * norm
    return line, kept["step"] * (spread / known) ** (1 / order)


LOOPS = {
    MoreWild: more_wild,
    GillMurray: gill_murray,
    DumontetVignes: dumontet_vignes,
    CurtisReid: curtis_reid,
    Shi: shi,
    SteplemanWinarsky: stepleman_winarsky,
}
RULES = [
    GillMurray(),
    GillMurray(noise=1e-9),
    GillMurray(lower=0.004, upper=0.02, noise=1e-7, trials=4),
    DumontetVignes(),
    DumontetVignes(noise=1e-9),
    DumontetVignes(lower=3.0, upper=4.0, trials=5),
    CurtisReid(),
    CurtisReid(noise=1e-9),
    CurtisReid(aim=50.0, tolerance=2.0, noise=1e-6, trials=6),
    Shi(),
    Shi(noise=1e-9),
    Shi(lower=2.5, upper=3.5, noise=1e-6, trials=6),
    MoreWild(noise=1e-9),
    MoreWild(noise=1e-4, signal=20.0, change=0.02, trials=7),
    MoreWild(noise=1e-16),
    SteplemanWinarsky(),
    SteplemanWinarsky(factor=3.0, trials=12),
]


def sqrt(x):
    return math.sqrt(x) if x >= 0 else NAN


# Functions of operations that are rounded correctly everywhere, and where to look.  Their derivatives of the
# orders that matter are not 0: where only rounding decides, a digit more or less in a step would count.
CASES = {
    "power": (lambda x: x * x * x * x * x, 1.5),
    "negative x": (lambda x: x / (1 + x * x), -3.0),
    "bell": (lambda x: 1 / (1 + x * x), 0.75),
    "steep bell": (lambda x: 1 / (1 + 2500 * x * x), 0.3125),
    "pole": (lambda x: 1 / x, 2.0**-10),
    "edge": (sqrt, 2.0**-30),
    "edge elsewhere": (lambda x: sqrt(x - 3), 3 + 2.0**-20),
    "offset": (lambda x: 4096 + 1 / (2 + x), 1.0),
    "tiny": (lambda x: 2.0**-600 / (2 + x), 1.0),
    "odd": (lambda x: x / (1 + x * x), 0.0),
    "small x": (lambda x: (1 + x) / (2 + x * x), 2.0**-40),
    "even": (lambda x: 1 / (1 + x * x), 0.0),
    "flat": (lambda x: 1 / (1 + x), 2.0**20),
    "far": (lambda x: 1 / (1 + x * 2.0**-30), 2.0**10),
    "constant": (lambda x: 2.5 + 0 * x, 2.0),
    "lost": (lambda x: 1.0 if x == 2.0 else NAN, 2.0),
    "nothing": (lambda x: NAN, 2.0),
}


def found_by(rule, f, x, formula, bounds=None):
    counted = Counted(f)
    h = float(rule.steps(lines_of(counted, x, bounds), formula)[0])
    return h, counted.points


def title(value):
    return type(value).__name__ if type(value) in LOOPS else value if isinstance(value, str) else None


def compare(rule, f, x, formula, bounds=None, own=None):
    """Hold a search against its loop."""
    h, points = found_by(rule, f, x, formula, bounds)
    line, expected = LOOPS[type(rule)](rule, lambda t: [f(t)], x, own or formula, bounds)
    if not (math.isfinite(expected) and expected > 0):
        expected = float(Relative().steps(lines_of(f, x, bounds), formula)[0])
    spacing = float(np.spacing(abs(x)))
    # Roots and powers are good to a unit or two in the last place, which differences of f magnify.
    assert h == pytest.approx(expected, rel=1e-9, abs=4 * spacing)
    # f(x) first, then what was not known from the trial before.
    np.testing.assert_allclose(points, [x, *line.tried], rtol=1e-9, atol=16 * spacing)


@pytest.mark.parametrize("rule", RULES, ids=title)
@pytest.mark.parametrize("case", CASES)
def test_searches_follow_their_loops(rule, case):
    f, x = CASES[case]
    for formula in FORMULAS:
        compare(rule, f, x, formula)


ROOMS = [((0.5, 2.0), 0), ((1.0, 2.0), 1), ((0.0, 1.0), -1), ((1 - 2.0**-30, 1 + 2.0**-28), 1)]


@pytest.mark.parametrize(
    ("rule", "bounds", "side"),
    [
        (rule, *room)
        for rule in RULES
        for room in ROOMS
        # In so small a room its differences are all rounding.
        if not (isinstance(rule, SteplemanWinarsky) and room is ROOMS[-1])
    ],
    ids=str,
)
def test_searches_follow_their_loops_between_bounds(rule, bounds, side):
    f = lambda x: 1 / (1 + x * x)
    for formula in (CENTRAL, Plan(2, 2, 0).formula):
        row = sorted(side * j for j in range(formula.n + formula.order))
        compare(rule, f, 1.0, formula, bounds, cm.stencil(row, formula.n) if side else formula)


def test_curtis_reid_to_the_letter_follows_its_loop():
    for case in CASES.values():
        for rule in (CurtisReid(original=True), CurtisReid(original=True, noise=1e-8, aim=30.0)):
            compare(rule, *case, CENTRAL)
            compare(rule, *case, FORWARD)
    with pytest.raises(ValueError) as caught:
        CurtisReid(original=True).check_formula(Plan(2, 2, 0).formula)
    assert str(caught.value) == (
        "`original=True` is made for the first derivative, got order 2; leave it out"
    )


@pytest.mark.parametrize("rule", RULES, ids=title)
def test_many_outputs_follow_the_loops(rule):
    outputs = [
        lambda x: 1 / (1 + x * x),
        lambda x: 1 / (1 + 900 * x * x),
        lambda x: 3 * x,
        lambda x: 0 * x,
        lambda x: NAN * x,
        lambda x: sqrt(x - 0.74),
    ]
    for chosen in (outputs[:3], outputs[1:5], outputs):
        f = lambda x, chosen=chosen: [float(g(float(x))) for g in chosen]
        for formula in (FORWARD, CENTRAL):
            h = float(rule.steps(point_lines(lambda v, f=f: np.array(f(v[0])), [0.75]), formula)[0])
            _, expected = LOOPS[type(rule)](rule, f, 0.75, formula)
            if not math.isfinite(expected):
                expected = float(Relative().steps(lines_of(math.sin, 0.75), formula)[0])
            assert h == pytest.approx(expected, rel=1e-12, abs=4 * EPS)


@pytest.mark.parametrize("rule", [*RULES[::3], MoreWild()], ids=title)
def test_lines_are_searched_each_by_itself(rule):
    f = lambda x: np.reciprocal(1 + 400 * x * x)
    x = np.array([0.75, 2.0**-6, 8.0, 0.0, 0.1])
    below, above = np.array([[0.0, 1e-9, 2e-9, 9.0, 9.0], [1e-9, 0.0, 1e-9, 9.0, 1e-3]])
    bounds = (x - below, x + above)
    for formula, limits in ((FORWARD, None), (CENTRAL, bounds)):
        together = rule.steps(lines_of(f, x, limits), formula)
        for k, one in enumerate(x):
            own = None if limits is None else (limits[0][k], limits[1][k])
            assert together[k] == rule.steps(lines_of(f, one, own), formula)[0]


MEASURED = [MoreWild(), MoreWild(signal=30.0, change=0.01, trials=8)]


@pytest.mark.parametrize("rule", MEASURED, ids=title)
@pytest.mark.parametrize("digits", [None, 12, 30], ids=["rounding", "2**-12", "2**-30"])
# The third difference of an even function at 0 is all rounding.
@pytest.mark.parametrize("case", [name for name in CASES if name != "even"])
def test_more_wild_goes_on_from_the_noise_that_was_measured(rule, digits, case):
    f, x = CASES[case]
    # Rounded to multiples of a power of two, f has the noise of rounding to it.
    g = f if digits is None else lambda t: f(t) if f(t) != f(t) else round(f(t) * 2.0**digits) / 2.0**digits
    for formula in (FORWARD, CENTRAL, Plan(1, 2, -1).formula):
        noise = measured_noise(lines_of(g, x))
        h, points = found_by(rule, g, x, formula)
        line, expected = more_wild(rule, lambda t, g=g: [g(t)], x, formula, measured=noise)
        if not (math.isfinite(expected) and expected > 0):
            expected = float(Relative().steps(lines_of(g, x), formula)[0])
        spacing = float(np.spacing(abs(x)))
        assert h == pytest.approx(expected, rel=1e-9, abs=4 * spacing)
        tail = points[len(points) - len(line.tried) :]
        np.testing.assert_allclose(tail, line.tried, rtol=1e-9, atol=16 * spacing)


@pytest.mark.parametrize("rule", [rule for rule in RULES if getattr(rule, "noise", None) is None], ids=title)
def test_each_line_has_its_own_unit_of_f(rule):
    x, unit = np.array([0.75, -3.0, 8.0]), np.array([1.0, 2.0**-60, 2.0**30])
    f = lambda x: np.reciprocal(1 + x * x)
    steps = rule.steps(lines_of(f, x), CENTRAL)
    assert rule.steps(lines_of(lambda x: unit * f(x), x), CENTRAL).tolist() == steps.tolist()


def test_lines_that_are_settled_are_not_evaluated():
    f = lambda v: 1 / (1 + 2500 * v[0] * v[0]) + v[1] ** 3 + 1 / (2 + v[2])
    x, rule = [0.3125, 2.0, 0.125], SteplemanWinarsky()
    alone = []
    for k in range(3):
        line = point_lines(f, x, Directions(np.array([0, 1]), np.array([k]), np.ones(1), 3))
        rule.steps(line, CENTRAL)
        alone.append(line.function.nfev - 1)
    together = point_lines(f, x)
    rule.steps(together, CENTRAL)
    assert len(set(alone)) > 1
    assert together.function.nfev == 1 + sum(alone)


@np.errstate(all="ignore")
@pytest.mark.parametrize("rule", [*RULES, MoreWild()], ids=title)
def test_searches_return_numbers(rule):
    found = rule.search(lines_of(lambda x: 1 / (1 + x * x), [0.75, 3.0]), np.arange(2), CENTRAL)
    assert (found.dtype, found.shape) == (float, (2,))


def test_curtis_reid_takes_a_ratio_of_one_for_noise():
    # The fifth step meets it: from there on steps grow by the square of the factor, and not by the law.
    noise = 2.0**-20
    compare(CurtisReid(original=True, noise=noise), lambda x: noise * (abs(x - 1) > 5e-4), 1.0, CENTRAL)


def powers(slopes):
    """An odd f with the central difference slopes[k] at the step 2^-k, and the last of them below."""
    return lambda t: float(t) * slopes[min(1 - math.frexp(t)[1], len(slopes) - 1)] if t else 0.0


def test_stepleman_winarsky_starts_where_f_has_moved_once():
    # It moves at 1/8 and beyond: slopes are 4 at 1/4, 0 at 1/16 and at 1/64, where nothing is left to fall.
    f = lambda x: float(np.sign(x - 1)) * (abs(x - 1) >= 0.125)
    assert found_by(SteplemanWinarsky(), f, 1.0, CENTRAL)[0] == 1 / 16


def test_differences_that_rest_have_not_fallen():
    # Changes 8, 4, 4 and 2 have fallen once in a row before 3 is more; 1 and 1/2 fall twice before 3/4.
    f = powers([0, 1, 9, 13, 17, 19, 22, 23, 23.5, 24.25])
    assert found_by(SteplemanWinarsky(factor=2.0), f, 0.0, CENTRAL)[0] == 2.0**-8


def test_the_last_step_is_one_that_x_can_take():
    # Slopes fall down to the least number in single precision, 2^-149, of which 2^-154 is no multiple.
    f = powers([1 / (1 + k) for k in range(200)])
    found = SteplemanWinarsky(factor=128.0).steps(lines_of(f, np.float32(0)), CENTRAL)
    assert found.tolist() == [2.0**-147]


@pytest.mark.parametrize("rule", [GillMurray(), DumontetVignes()], ids=title)
@pytest.mark.parametrize("room", [0.3, 0.5, 0.9])
def test_an_end_of_the_domain_counts_even_if_the_last_step_is_within(rule, room):
    # A constant: its length is all that is known.
    compare(rule, lambda x: 2.5 if abs(x - 2) < room else NAN, 2.0, CENTRAL)


@pytest.mark.parametrize("rule", [GillMurray(noise=2.0**-20), DumontetVignes(noise=2.0**-20)], ids=title)
def test_a_difference_as_large_as_its_noise_is_known(rule):
    # Noise of 2^-20 makes 2^-18 of three values with the weights 1, -2, 1.
    compare(rule, lambda x: 1 + 2.0**-19 * (x != 1) if abs(x - 1) < 0.5 else NAN, 1.0, FORWARD)


def test_searches_refuse_a_formula_before_they_look():
    with pytest.raises(ValueError, match="`original=True` is made for the first derivative, got order 2"):
        CurtisReid(original=True).steps(lines_of(math.sin, 0.75), Plan(2, 2, 0).formula)
