"""What the demo tells people to try does what it says."""

import shlex
import time
from pathlib import Path

from modelmonitor_testbed.demo.run import render_trials
from modelmonitor_testbed.gpu.__main__ import main as gpusim
from modelmonitor_testbed.gpu.hardware import Node, build_state
from modelmonitor_testbed.gpu.state import read_state, write_state
from modelmonitor_testbed.triton.modelctl import change


def trials(program: str) -> list[list[str]]:
    """The arguments of each command of the demo that runs this program in a pod."""
    lines = render_trials(Path("/bin/kubectl"), Path("kubeconfig")).splitlines()
    words = [shlex.split(line, comments=True) for line in lines if f"-- {program} " in line]
    return [each[each.index(program) + 1 :] for each in words]


def test_the_trials_reach_every_gpu_whichever_the_pod_holds_and_the_undo_takes_them_back(tmp_path: Path) -> None:
    state = tmp_path / "state"
    write_state(state, build_state(Node("node-a", 2, {}), time.time()))
    heat, xid, undo = trials("gpusim")
    for words in (heat, xid):
        assert gpusim(["--state", str(state), *words]) == 0
    seen = read_state(state)
    assert [seen[f"gpu.{slot}.temperature"] for slot in (0, 1)] == ["97", "97"]
    assert {seen["xid.1"].split()[0], seen["xid.2"].split()[0]} == {"0", "1"}
    assert gpusim(["--state", str(state), *undo]) == 0
    assert [read_state(state)[f"gpu.{slot}.temperature"] for slot in (0, 1)] == ["45", "45"]


def test_the_trials_break_a_model_and_mend_it(tmp_path: Path) -> None:
    broken, mended = trials("modelctl")
    assert change(broken[0], broken[1:], tmp_path) == {"fail_ratio": "1"}
    assert change(mended[0], mended[1:], tmp_path) == {"fail_ratio": "0"}
