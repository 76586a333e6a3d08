"""The roll-up: from readings, pods and plans to a verdict. Pure: no client, clock, logger or environment."""

from modelmonitor_operator.rollup.inputs import Index, RollupInput, index_nodes
from modelmonitor_operator.rollup.roll_up import RollupState, roll_up, seed_state
from modelmonitor_operator.rollup.write_policy import Written, should_write, written_from

__all__ = [
    "Index",
    "RollupInput",
    "RollupState",
    "Written",
    "index_nodes",
    "roll_up",
    "seed_state",
    "should_write",
    "written_from",
]
