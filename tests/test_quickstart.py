"""The main job on real data: published answers, and one clear sentence for each way a file can be wrong."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
QUICKSTART = ROOT / "examples" / "quickstart.py"
DATA = ROOT / "examples" / "data"


@pytest.fixture(scope="module")
def quickstart():
    spec = importlib.util.spec_from_file_location("quickstart", QUICKSTART)
    module = importlib.util.module_from_spec(spec)
    sys.modules["quickstart"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["quickstart"]


@pytest.fixture
def run(quickstart, monkeypatch, capsys, tmp_path):
    """Run in this process; return what was printed, and what the program died of."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["quickstart.py", *map(str, arguments)])
        try:
            quickstart.main()
        except SystemExit as end:
            return capsys.readouterr().out, str(end)
        return capsys.readouterr().out, None

    return call


def command(folder, *arguments):
    """Run as a user does."""
    line = [sys.executable, "-W", "error", str(QUICKSTART), *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)


def numbers(text, name):
    """Return value and error that stand behind a parameter's name."""
    found = re.search(rf" {name} = (\S+) \+- (\S+) ", text)
    return float(found[1]), float(found[2])


def agreement(text):
    return [float(digits) for digits in re.findall(r"([\d.]+) digits agree", text)]


def test_hubble_is_the_default(tmp_path):
    done = command(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    # Six digits are printed of the value, four of the error; published: -40.784 +- 83.439, 454.158 +- 75.237.
    assert numbers(done.stdout, "intercept") == (pytest.approx(-40.784, abs=1e-3), pytest.approx(83.44))
    assert numbers(done.stdout, "slope") == (pytest.approx(454.158, abs=1e-3), pytest.approx(75.24))
    assert "24 points, no errors given" in done.stdout
    assert "there is no p-value" in done.stdout
    assert "It agrees: worst component" in done.stdout
    assert len(agreement(done.stdout)) == 2
    assert min(agreement(done.stdout)) > 8
    # Through the origin: slope = sum x y / sum x^2.
    assert " slope = 423.937\n" in done.stdout
    # The distance of the constraint is the intercept over its error, 40.784 / 83.439.
    assert "the data are 0.49 standard deviations away" in done.stdout
    assert tmp_path.joinpath("quickstart.png").read_bytes().startswith(b"\x89PNG")


def test_pearson_with_the_weights_of_york(run, tmp_path):
    text, died = run(DATA / "pearson_york.csv", "--output", tmp_path / "york.svg")
    assert died is None
    # York et al. (2004): 5.479910224 +- 0.294970735, -0.480533407 +- 0.0579850090, chi2/ndof 1.483294149.
    assert numbers(text, "intercept") == (5.47991, 0.295)
    assert numbers(text, "slope") == (-0.480533, 0.05799)
    assert "ndof = 8, chi2 / ndof = 1.483" in text
    assert "p-value = 0.157: the model describes the data" in text
    assert min(agreement(text)) > 6
    assert tmp_path.joinpath("york.svg").exists()


def test_puromycin(run):
    text, died = run(DATA / "puromycin.csv", "--model", "michaelis-menten")
    assert died is None
    # Bates and Watts: 212.68358 +- 6.947146, 0.06412103 +- 0.00828092, residual sum of squares 1195.448815,
    # whose last digits depend on where their iteration stopped.
    assert numbers(text, "Vm") == (pytest.approx(212.6836, abs=2e-3), pytest.approx(6.947))
    assert numbers(text, "K") == (pytest.approx(0.064121, abs=1e-6), pytest.approx(0.008281))
    assert "chi2 = 1195.45, ndof = 10" in text
    assert min(agreement(text)) > 6
    assert " Vm = 207\n" in text  # the constraint


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("x,z\n0,1\n", "has no column 'y'; its first line must name x and y, it names x, z"),
        ("", "has no column 'x'; its first line must name x and y, it names none"),
        ("# a comment\nx,y\n0,1\n1,nan\n", "line 4: y must be finite, got nan; drop the point"),
        ("x,y\n0,1\n\ninf,2\n", "line 4: x must be finite, got inf; drop the point"),
        (
            "x,y,sigma\n0,1,1\n1,2,0\n",
            "line 3: sigma must be positive, got 0; drop the point or give its error",
        ),
        ("x,y,sigma\n0,1,-1\n", "line 2: sigma must be positive, got -1"),
        ("x,y,sigma,sigma_x\n0,1,1,-1\n", "line 2: sigma_x must be positive, got -1"),
        ("x,y,sigma_x\n0,1,1\n", "has sigma_x but no sigma; errors of x need those of y beside them"),
        ("x,y\n0,one\n", "line 2: y must be a number, got 'one'"),
        ("x,y\n0\n", "line 2: y must be a number, got ''"),
        ("x,y\n0,1\n1,2\n", "has 2 points; 2 parameters and their errors need at least 3"),
        ("x,y\n", "has 0 points; 2 parameters and their errors need at least 3"),
        ('x,y\n"1,2\n2,3\n3,4\n', "line 2: x must be a number, got '1,2'"),
        ("x,y\n1e308,1\n-1e308,2\n3e307,4\n", "numbers too large or too small to calculate with: overflow"),
        ("x,y\n1,1\n1,2\n1,3\n", "all `x` are 1.0, so that no slope can be told"),
    ],
)
def test_a_bad_file_gets_one_sentence(run, tmp_path, content, sentence):
    file = tmp_path / "bad.csv"
    file.write_text(content)
    _, died = run(file)
    assert died.startswith("quickstart: ")
    assert sentence in died
    assert "\n" not in died


def test_a_missing_file(tmp_path):
    done = command(tmp_path, "nowhere.csv")
    assert done.returncode == 1
    assert done.stderr == "quickstart: nowhere.csv does not exist; give the path of a CSV file\n"


def test_a_folder_and_bytes_that_are_no_text(run, tmp_path):
    assert "cannot be read as a text file" in run(tmp_path)[1]
    tmp_path.joinpath("photo.csv").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read as a text file" in run("photo.csv")[1]


@pytest.mark.parametrize("output", ["nowhere/figure.png", "figure.unknown"])
def test_a_figure_that_cannot_be_written(run, output):
    assert f"quickstart: the figure cannot be written to {output}: " in run("--output", output)[1]


def test_columns_may_stand_in_any_order_with_blanks_and_others(quickstart, tmp_path):
    file = tmp_path / "data.csv"
    file.write_text("name, y ,sigma,x\nfirst,2,0.5,1\nsecond,4,0.25,3\n")
    data = quickstart.read(file)
    assert data.x.tolist() == [1, 3]
    assert data.y.tolist() == [2, 4]
    assert data.sigma.tolist() == [0.5, 0.25]
    assert data.sigma_x is None


def test_a_perfect_fit_is_no_accident(run, tmp_path):
    file = tmp_path / "perfect.csv"
    file.write_text("x,y\n0,1\n1,3\n2,5\n3,7\n")
    text, died = run(file)
    assert died is None
    assert numbers(text, "slope")[0] == 2


def test_without_matplotlib_there_is_no_figure_but_all_the_rest(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    text, died = run()
    assert died is None
    assert "No figure: drawing needs matplotlib; install it with `pip install calcml[plot]`" in text


def test_data_that_do_not_determine_the_curve(run, tmp_path):
    # A straight line through the origin is the beginning of every such curve.
    file = tmp_path / "line.csv"
    file.write_text("x,y\n1,2\n2,4\n3,6\n4,8\n")
    _, died = run(file, "--model", "michaelis-menten")
    assert died.startswith(
        "quickstart: the data do not fit michaelis_menten: The data do not determine `Vm` and"
    )


def test_files_of_spreadsheets(quickstart, tmp_path):
    file = tmp_path / "data.csv"
    file.write_bytes(b"\xef\xbb\xbfx,y\r\n  # a comment\r\n1,2\r\n3,4\r\n")
    data = quickstart.read(file)
    assert (data.x.tolist(), data.y.tolist()) == ([1, 3], [2, 4])
