"""`dln flow` and `dln solve`: stable JSON keys, agreement with closed forms, and one line for every bad input."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import mpmath
import pytest

from analytic.cli import main
from analytic.integrate import flow_from_options, flow_report


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(words)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_flow_has_the_keys_that_other_tools_read(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(
        capsys, "flow", "2", "2", "2", "--sigma", "3,2", "--alpha", "1e-100", "--digits", "20", "--json"
    )
    found = json.loads(out)
    assert status == 0
    keys = {"status", "times", "loss", "events", "conservation_drift", "digits", "steps", "method", "final"}
    assert keys <= found.keys()
    assert found["status"] == "converged"
    assert {"loss", "rank", "singular_values"} <= found["final"].keys()
    learnt = [event["mode"] for event in found["events"] if event["kind"] == "learnt"]
    assert learnt == [1, 2]
    assert {"time", "kind", "mode"} == set(found["events"][0])
    assert len(found["loss_digits"]) == len(found["loss"]) and found["loss_digits"][-1] == found["final"]["loss_digits"]


def test_flow_of_a_scalar_network_learns_when_the_logistic_solution_says(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "flow", "1", "1", "1", "--sigma", "2", "--alpha", "1e-40", "--digits", "20", "--json")
    found = json.loads(out)
    (event,) = [event for event in found["events"] if event["kind"] == "learnt"]
    # ln(1/α)/σ to leading order; the start has random factors of order one
    assert float(event["time"]) == pytest.approx(40 * float(mpmath.log(10)) / 2, rel=0.1)


def test_flow_prints_a_summary_and_saves_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "flow.png"
    status, out, _ = run(
        capsys, "flow", "2", "2", "2", "--sigma", "3,2", "--alpha", "1e-9", "--digits", "10", "--plot", str(picture)
    )
    assert status == 0
    assert "learnt 1" in out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_picture_that_could_not_be_saved_is_refused_before_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytic.cli.flow.flow_from_options", lambda *_, **__: pytest.fail("ran"))
    monkeypatch.setattr("analytic.cli.atlas.network_atlas", lambda *_, **__: pytest.fail("ran"))
    for path in (tmp_path / "x.abc", tmp_path / "x", tmp_path / "no" / "x.png", tmp_path):
        for command in (["flow", "2", "2", "2", "--sigma", "3,2"], ["atlas", "2", "2", "2"]):
            status, out, err = run(capsys, *command, "--plot", str(path))
            assert (status, out, err.count("\n")) == (2, "", 1)
            assert "--plot" in err


@pytest.mark.parametrize(("until", "kind", "mode"), [("mode=1", "learnt", 1), ("loss=1/100", "loss level", None)])
def test_until_ends_the_run_at_its_event(
    until: str, kind: str, mode: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(
        capsys, "flow", "2", "2", "2", "--sigma", "3,2", "--alpha", "1e-9", "--digits", "10", "--until", until, "--json"
    )
    found = json.loads(out)
    assert found["status"] == "event"
    assert (found["events"][-1]["kind"], found["events"][-1]["mode"]) == (kind, mode)
    assert found["events"][-1]["time"] == found["times"][-1]


def test_plateaus_are_named_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["flow", "2", "2", "2", "--sigma", "3,2", "--alpha", "1e-20", "--digits", "10", "--name-plateaus"]
    _, out, _ = run(capsys, *words)
    assert "plateau left {}\n" in out
    assert "plateau entered {1}\n" in out
    _, out, _ = run(capsys, *words, "--json")
    assert [event["label"] for event in json.loads(out)["events"] if "label" in event] == ["{}", "{1}", "{1}"]


def test_what_was_checked_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    start = ["flow", "1", "1", "1", "--sigma", "2", "--time", "1", "--digits", "12"]
    _, out, _ = run(capsys, *start, "--verify")
    assert re.search(r"agrees to (1[2-9]|[2-9]\d) digits", out)
    _, out, _ = run(capsys, *start, "--rigorous")
    assert re.search(r"proved: .* within \d\.\d+e-", out)


def test_every_printed_digit_of_the_loss_is_right() -> None:
    run, fine = (flow_from_options([2, 2, 2], sigma=["3", "2"], alpha="1e-9", digits=n, t=40) for n in (12, 60))
    report = flow_report(run)
    with mpmath.workdps(80):
        for time, text in zip(run.exact_times, report["loss"], strict=True):
            shown, true = mpmath.mpf(text), fine.loss_at(time)
            figures = len(_mantissa(text))
            unit = mpmath.mpf(10) ** (mpmath.floor(mpmath.log10(shown)) - figures + 1)
            assert abs(shown - true) <= (unit if figures > 1 else 9 * shown)  # one figure may be the magnitude alone
    assert report["final"]["loss_digits"] < 12 == len(_mantissa(report["loss"][len(run.times) // 2]))
    assert flow_report(fine)["final"]["loss_digits"] > report["final"]["loss_digits"]


def _mantissa(text: str) -> str:
    return text.split("e")[0].replace(".", "").lstrip("0")


def test_what_rounding_hides_is_marked_and_what_a_run_waits_for_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "flow", "3", "3", "--sigma", "3,2,1", "--time", "126", "--digits", "20")
    assert re.search(r"loss ~\S+ \(no digit is certain\), rank 3 \(above 1e-10 of the largest\)", out)
    _, out, _ = run(
        capsys, "flow", "3", "3", "3", "--diagonal", "--sigma", "3,2,1e-6", "--alpha", "1e-20", "--max-steps", "99"
    )
    assert out.splitlines()[-1] == "not converged yet: entry 3 of the product is 1.0e-6 away from its target 1.0e-6"
    _, out, _ = run(capsys, "flow", "2", "2", "2", "--sigma", "2,1", "--until", "loss=100")
    assert out.splitlines()[-1] == "`until` is behind already: loss level 100"


def test_numbers_of_thousands_of_digits_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "flow", "2", "2", "2", "--sigma", "1e5000,1", "--digits", "8", "--time", "1e-5000")
    assert status == 0
    assert "loss 5.0e+9999" in out


def test_a_full_disk_ends_in_one_line_and_status_2() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", "from analytic.cli import main; raise SystemExit(main(['laws', '2', '2', '2']))"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1 and "No space left" in ended.stderr


def test_flow_from_the_origin_stays_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "flow", "2", "2", "2", "--sigma", "3,2", "--alpha", "0")
    assert status == 0
    assert "never move" in out


def test_solve_gives_the_logistic_half_time(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "solve", "1", "1", "1", "--sigma", "3", "--scale", "1e-50", "--digits", "20", "--json")
    found = json.loads(out)
    assert status == 0
    # u = s² from 1e-100 to 3/2: t = ln((σ − u₀)/u₀)/(2σ), THEORY 6.1
    with mpmath.workdps(60):
        expected = mpmath.log((3 - mpmath.mpf(10) ** -100) * mpmath.mpf(10) ** 100) / 6
        assert abs(mpmath.mpf(found["modes"][0]["half_time"]) - expected) < mpmath.mpf(10) ** -17


def test_solve_prints_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "solve", "2", "2", "2", "--sigma", "3,2", "--at", "1,2")
    assert "order of learning: 1, 2" in out
    assert out.count("t = ") >= 2


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["flow", "2", "2", "2", "--sigma", "3,2", "--digits", "3"], "digits"),
        (["flow", "2", "2", "2", "--sigma", "3,nan"], "nan"),
        (["flow", "2", "2", "2", "--sigma", "3,2", "--time", "nan"], "nan"),
        (["flow", "2", "2", "2", "--sigma", "3,2", "--time", "-1"], "-1"),
        (["flow", "2", "2", "2", "--sigma", "3,2,1"], "--sigma"),
        (["flow", "2", "2", "2", "--sigma", ""], "--sigma"),
        (["flow", "2", "2", "2", "--sigma", "3,"], "empty entry"),
        (["flow", "2", "2", "2", "--sigma", "3,2", "--alpha", "nan"], "--alpha"),
        (["flow", "2", "2", "2", "--sigma", "3,2", "--until", "loss=0"], "--until loss"),
        (["flow", "2", "0", "2", "--sigma", "3,2"], "d_1"),
        (["flow", "2", "2"], "--sigma"),
        (["flow", "2", "2", "2", "--sigma", "3,2", "--until", "mode"], "--until"),
        (["flow", "2", "2", "2", "--sigma", "3,2", "--until", "mode=3"], "2 modes"),
        (["flow", "2", "2", "2", "--sigma", "3,2", "--until", "loss=x"], "--until loss"),
        (["flow", "2", "2", "2", "--sigma", "3,2", "--max-seconds", "nan"], "--max-seconds"),
        (["flow", "2", "2", "2", "--sigma", "3,2", "--kernel", "fast"], "kernel"),
        (["flow", "2", "2", "--diagonal", "--sigma", "3,2", "--name-plateaus"], "dense"),
        (["solve", "2", "2", "2", "--sigma", "3,2", "--scale", "0"], "scale"),
        (["solve", "2", "2", "2", "--sigma", "3,2", "--scale", "-1"], "scale"),
        (["solve", "2", "2", "2", "2", "--sigma", "3,2", "--init", "balanced"], "balanced"),
        (["solve", "2", "2", "2", "--sigma", "3,2", "--at", "x"], "x"),
        (["solve", "2", "2", "2", "--sigma", "3,2", "--init", "none"], "--init"),
    ],
)
def test_bad_runs_end_in_one_line_and_status_2(words: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert hint in err


def test_digits_that_fail_their_check_end_in_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # two runs that never agree: every comparison says that 3 digits are common
    flows = importlib.import_module("analytic.integrate.flows")
    monkeypatch.setattr(flows, "agreement", lambda first, second: 3.0)
    status, out, err = run(capsys, "flow", "1", "1", "1", "--sigma", "2", "--digits", "10", "--time", "1", "--verify")
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert "digits" in err
