"""A served model does what its control file says, and modelctl writes only what makes sense."""

from pathlib import Path

import pytest

from modelmonitor_testbed.triton.control import Behaviour, BehaviourFile, Share, read_settings
from modelmonitor_testbed.triton.modelctl import act, stub_processes


@pytest.mark.parametrize(
    ("ratio", "expected"), [(0.0, 0), (0.01, 10), (0.1, 100), (1 / 3, 333), (0.5, 500), (1.0, 1000)]
)
def test_a_share_of_a_thousand_is_exact(ratio: float, expected: int) -> None:
    share = Share()
    assert sum(share.take(ratio) for _ in range(1000)) == expected


def test_a_model_keeps_its_defaults_until_its_file_says_otherwise(tmp_path: Path) -> None:
    behaviour = BehaviourFile("fast", Behaviour(delay_ms=5), tmp_path)
    assert behaviour.read() == Behaviour(delay_ms=5)
    act("fast", ["fail_ratio=0.5"], tmp_path)
    assert behaviour.read() == Behaviour(delay_ms=5, fail_ratio=0.5)
    act("fast", ["delay_ms=9"], tmp_path)
    assert behaviour.read() == Behaviour(delay_ms=9, fail_ratio=0.5)
    act("fast", ["reset"], tmp_path)
    assert behaviour.read() == Behaviour(delay_ms=5)


@pytest.mark.parametrize("word", ["fail_ration=1", "fail_ratio=often", "fail_ratio"])
def test_a_typing_error_is_refused_and_leaves_the_model_as_it_was(tmp_path: Path, word: str) -> None:
    act("fast", ["fail_ratio=0.5"], tmp_path)
    with pytest.raises(ValueError, match=word.split("=", maxsplit=1)[0] if word != "fail_ratio=often" else "often"):
        act("fast", [word], tmp_path)
    assert read_settings("fast", tmp_path) == {"fail_ratio": "0.5"}


def test_the_stubs_of_one_model_are_found_among_other_processes(tmp_path: Path) -> None:
    stub = "/opt/tritonserver/backends/python/triton_python_backend_stub"
    lines = {
        7: [stub, "/models/fast/1/model.py", "prefix"],
        8: [stub, "/models/slow/1/model.py", "prefix"],
        9: ["python", "/models/fast/1/model.py"],
        10: [stub, "/models/fast/1/model.py", "prefix"],
        11: [""],
    }
    for process, words in lines.items():
        (tmp_path / str(process)).mkdir()
        (tmp_path / str(process) / "cmdline").write_bytes("\0".join(words).encode())
    assert stub_processes("fast", tmp_path) == [7, 10]
