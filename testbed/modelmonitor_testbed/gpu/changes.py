"""What can happen to simulated GPUs, each as a change of the state."""

from enum import Enum, IntEnum

from modelmonitor_testbed.gpu.energy import reset_energy, settle_energy
from modelmonitor_testbed.gpu.hardware import HEALTHY, LAYOUT, MIG_FIELDS, OPTIONAL_FIELDS
from modelmonitor_testbed.gpu.state import State

XIDS_KEPT = 64
ALL = "all"


class ReturnCode(IntEnum):
    """nvmlReturn_t, from nvml.h."""

    UNINITIALIZED = 1
    INVALID_ARGUMENT = 2
    NOT_SUPPORTED = 3
    NO_PERMISSION = 4
    ALREADY_INITIALIZED = 5
    NOT_FOUND = 6
    INSUFFICIENT_SIZE = 7
    INSUFFICIENT_POWER = 8
    DRIVER_NOT_LOADED = 9
    TIMEOUT = 10
    IRQ_ISSUE = 11
    LIBRARY_NOT_FOUND = 12
    FUNCTION_NOT_FOUND = 13
    CORRUPTED_INFOROM = 14
    GPU_IS_LOST = 15
    RESET_REQUIRED = 16
    OPERATING_SYSTEM = 17
    LIB_RM_VERSION_MISMATCH = 18
    IN_USE = 19
    MEMORY = 20
    NO_DATA = 21
    VGPU_ECC_NOT_SUPPORTED = 22
    INSUFFICIENT_RESOURCES = 23
    FREQ_NOT_SUPPORTED = 24
    ARGUMENT_VERSION_MISMATCH = 25
    DEPRECATED = 26
    NOT_READY = 27
    GPU_NOT_FOUND = 28
    INVALID_STATE = 29
    UNKNOWN = 999


class Driver(Enum):
    """What the driver is, seen by nvmlInit."""

    LOADED = "loaded"
    UNLOADED = "unloaded"
    MISMATCH = "mismatch"


def set_fields(state: State, target: str, fields: dict[str, str], now: float) -> None:
    """Set fields of a GPU (`0`), a MIG instance (`0/1`) or all GPUs; ValueError for what does not exist."""
    settle_energy(state, now)
    for prefix in _prefixes(state, target):
        known = MIG_FIELDS if ".mig." in prefix else HEALTHY.keys() | OPTIONAL_FIELDS
        for name, value in fields.items():
            if name not in known:
                raise ValueError(f"unknown field {name}; known: {', '.join(sorted(known))}")
            state[f"{prefix}.{name}"] = _checked(name, value)


def raise_xid(state: State, target: str, code: int) -> None:
    """Let a GPU (`0`), or all, report an Xid; the oldest events are forgotten."""
    for prefix in _prefixes(state, target):
        newest = int(state["xids"]) + 1
        state[f"xid.{newest}"] = f"{prefix.removeprefix('gpu.')} {code}"
        state["xids"] = str(newest)
        first = max(1, newest - XIDS_KEPT + 1)
        state["first_xid"] = str(first)
        state.pop(f"xid.{first - 1}", None)


def restore(state: State, now: float) -> None:
    """Make everything well again; identities, MIG layout, time-slicing, energy and past Xids stay."""
    settle_energy(state, now)
    for key in [key for key in state if key.startswith(("hang.", "fail."))]:
        del state[key]
    for slot in range(int(state["gpus"])):
        for name in OPTIONAL_FIELDS:
            state.pop(f"gpu.{slot}.{name}", None)
        state |= {f"gpu.{slot}.{name}": value for name, value in HEALTHY.items() if name not in LAYOUT}
    state["driver"] = Driver.LOADED.value


def set_driver(state: State, driver: Driver, now: float) -> None:
    """Load or unload the driver; energy totals begin anew with a load."""
    if driver is Driver.LOADED and state["driver"] != driver.value:
        reset_energy(state, now)
    state["driver"] = driver.value


def hang(state: State, function: str) -> None:
    """Let a function, or all of them, never return."""
    state[f"hang.{function}"] = "1"


def unhang(state: State) -> None:
    """Let every hanging call go on."""
    for key in [key for key in state if key.startswith("hang.")]:
        del state[key]


def fail(state: State, function: str, code: str, slot: str | None) -> None:
    """Let a function return a code, for one GPU or for all; ValueError for an unknown code or GPU."""
    if slot is not None:
        _prefixes(state, slot)
    state[f"fail.{function}" + ("" if slot is None else f".{slot}")] = str(int(_return_code(code)))


def unfail(state: State) -> None:
    """Take every injected return code away."""
    for key in [key for key in state if key.startswith("fail.")]:
        del state[key]


def _return_code(text: str) -> int:
    if text.isdecimal():
        return int(text)
    try:
        return ReturnCode[text.removeprefix("NVML_ERROR_")]
    except KeyError:
        raise ValueError(f"unknown return code {text}; known: {', '.join(ReturnCode.__members__)}") from None


def _prefixes(state: State, target: str) -> list[str]:
    if target == ALL:
        return [f"gpu.{slot}" for slot in range(int(state["gpus"]))]
    slot, _, instance = target.partition("/")
    prefix = f"gpu.{slot}.mig.{instance}" if instance else f"gpu.{slot}"
    if f"{prefix}.uuid" not in state:
        raise ValueError(f"no GPU {target}; there are {state['gpus']}, numbered from 0")
    return [prefix]


def _checked(name: str, value: str) -> str:
    free = {"name", "processes", "device_health"}
    if value == "unsupported" or name in free or (name, value) == ("utilization", "wave"):
        return value
    try:
        float(int(value, 16) if value.startswith("0x") else value)
    except ValueError:
        raise ValueError(f"{name}={value} is not a number") from None
    return value
