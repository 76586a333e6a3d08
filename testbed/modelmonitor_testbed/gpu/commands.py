"""The commands of gpusim: each is its help, its arguments and a change of the state."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass

from modelmonitor_testbed.gpu import changes
from modelmonitor_testbed.gpu.state import State

DRIVER_WORDS = {
    "load": changes.Driver.LOADED,
    "unload": changes.Driver.UNLOADED,
    "mismatch": changes.Driver.MISMATCH,
}


@dataclass(frozen=True)
class Command:
    """One command; an argument that ends in + takes many words, one that ends in ? may be left out."""

    text: str
    arguments: tuple[str, ...]
    act: Callable[[State, Namespace, float], None]


def _set(state: State, options: Namespace, now: float) -> None:
    fields = [field.partition("=") for field in options.fields]
    changes.set_fields(state, options.gpu, {name: value for name, _, value in fields}, now)


def _xid(state: State, options: Namespace, _: float) -> None:
    changes.raise_xid(state, options.gpu, int(options.code))


def _lose(state: State, options: Namespace, now: float) -> None:
    changes.set_fields(state, options.gpu, {"lost": "1"}, now)


def _remove(state: State, options: Namespace, now: float) -> None:
    changes.set_fields(state, options.gpu, {"missing": "1"}, now)


def _restore(state: State, _: Namespace, now: float) -> None:
    changes.restore(state, now)


def _hang(state: State, options: Namespace, _: float) -> None:
    changes.hang(state, options.function)


def _unhang(state: State, _: Namespace, __: float) -> None:
    changes.unhang(state)


def _fail(state: State, options: Namespace, _: float) -> None:
    changes.fail(state, options.function, options.code, options.gpu)


def _unfail(state: State, _: Namespace, __: float) -> None:
    changes.unfail(state)


def _driver(state: State, options: Namespace, now: float) -> None:
    if options.word not in DRIVER_WORDS:
        raise ValueError(f"driver {options.word}: say one of {', '.join(DRIVER_WORDS)}")
    changes.set_driver(state, DRIVER_WORDS[options.word], now)


COMMANDS = {
    "set": Command(
        "set 0 temperature=97; replicas=2; utilization=wave; pcie_replay=unsupported", ("gpu", "fields+"), _set
    ),
    "xid": Command("let a GPU report an Xid: xid 0 79", ("gpu", "code"), _xid),
    "lose": Command("let a GPU fall off the bus", ("gpu",), _lose),
    "remove": Command("let a GPU not be found at all", ("gpu",), _remove),
    "restore": Command("make everything well again", (), _restore),
    "hang": Command("let an NVML function, or all, never return", ("function",), _hang),
    "unhang": Command("let hanging calls go on", (), _unhang),
    "fail": Command("return a code: fail nvmlDeviceGetPowerUsage UNKNOWN 0", ("function", "code", "gpu?"), _fail),
    "unfail": Command("take injected codes away", (), _unfail),
    "driver": Command("load, unload or mismatch", ("word",), _driver),
}
