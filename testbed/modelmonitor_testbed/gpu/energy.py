"""The energy that a simulated GPU has used, in the same arithmetic as the library's `device.c`.

The library integrates power since `energy_at`; before power changes, the total until then is written down.
"""

from math import cos, pi

from modelmonitor_testbed.gpu.state import State

WAVE_SPEED = 2 * pi / 120
WAVE_MIDDLE = 0.50
WAVE_SWING = 0.35


def settle_energy(state: State, now: float) -> None:
    """Write down each GPU's total in millijoules up to now."""
    for slot in range(int(state["gpus"])):
        key = f"gpu.{slot}.energy_millijoules"
        if state[key] != "unsupported":
            state[key] = f"{total_millijoules(state, slot, now):.3f}"
        state[f"gpu.{slot}.energy_at"] = f"{now:.3f}"


def reset_energy(state: State, now: float) -> None:
    """Begin each GPU's total anew, as loading the driver does."""
    for slot in range(int(state["gpus"])):
        state[f"gpu.{slot}.energy_millijoules"] = "0"
        state[f"gpu.{slot}.energy_at"] = f"{now:.3f}"


def total_millijoules(state: State, slot: int, now: float) -> float:
    """Return what one GPU has used since its driver was loaded."""
    since = float(state[f"gpu.{slot}.energy_at"])
    total = float(state[f"gpu.{slot}.energy_millijoules"])
    utilization = state[f"gpu.{slot}.utilization"]
    if utilization != "wave":
        busy = 0.0 if utilization == "unsupported" else float(utilization) / 100
        return total + _milliwatts(state, slot, busy) * (now - since)
    swing = (_milliwatts(state, slot, 1) - _milliwatts(state, slot, 0)) * WAVE_SWING / WAVE_SPEED
    total += swing * (cos(WAVE_SPEED * since) - cos(WAVE_SPEED * now))
    return total + _milliwatts(state, slot, WAVE_MIDDLE) * (now - since)


def _milliwatts(state: State, slot: int, busy: float) -> float:
    given = state.get(f"gpu.{slot}.power_watts", "unsupported")
    if given != "unsupported":
        return float(given) * 1000
    idle, limit = (_watts(state, slot, name, default) for name, default in (("idle_power", 50), ("power_limit", 300)))
    return 1000 * (idle + (limit - idle) * busy)


def _watts(state: State, slot: int, name: str, default: float) -> float:
    value = state.get(f"gpu.{slot}.{name}_watts", "unsupported")
    return default if value == "unsupported" else float(value)
