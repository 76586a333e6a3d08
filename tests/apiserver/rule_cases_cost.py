"""Cases of the alerts on cost. A budget of 720 EUR in 30 days lasts for exactly one EUR an hour.

The ledger is written every five minutes: what it shows are stairs, and `stairs` writes them in promtool's notation.
"""

from collections.abc import Iterator, Mapping

from modelmonitor_api.alert_names import AlertName
from tests.apiserver.rule_cases_base import OWN, Case, series

N = AlertName
EUR = {"currency": "EUR"}
WRITE_SECONDS = 300
MONTH = 30 * 86_400
BUDGET = series("modelmonitor_cost_budget", currency="EUR")
SPENT = series("modelmonitor_cost_budget_spent", currency="EUR")
START, END = (series(f"modelmonitor_cost_budget_period_{edge}_timestamp_seconds") for edge in ("start", "end"))
BEGAN = series("modelmonitor_cost_ledger_start_timestamp_seconds")
HELD = series("modelmonitor_gpus", state="held")


def stairs(step: float, count: int, first: float = 0.0) -> str:
    """A value that rises every five minutes, one sample a minute."""
    return " ".join(f"{first + step * number:.9f}x4" for number in range(count))


def hourly(amount: float, count: int, first: float = 0.0) -> str:
    """Money that is spent at an even rate an hour."""
    return stairs(amount / 12, count, first)


def spend(part: str = "idle", instance: str = "a") -> str:
    return series("modelmonitor_cost_spend_total", currency="EUR", part=part, instance=instance)


def written(instance: str = "a") -> str:
    return series("modelmonitor_cost_ledger_written_timestamp_seconds", instance=instance)


def clock(count: int, first: float = 0.0) -> str:
    return stairs(WRITE_SECONDS, count, first)


def period(spent: float = 0, start: int = 0, end: int = MONTH, minutes: int = 900) -> dict[str, str]:
    """A budget of one EUR an hour, and a ledger that is older than a day."""
    values = {BUDGET: 720, SPENT: spent, START: start, END: end, BEGAN: -86_400}
    return {name: f"{value}x{minutes}" for name, value in values.items()}


def cost_cases() -> Iterator[Case]:
    """Budget, burning, waste, and the ledger itself."""
    yield from _budget()
    yield from _burning()
    yield from _burning_through_faults()
    yield from _waste()
    yield from _ledger()


def _budget() -> Iterator[Case]:
    exceeded, will = N.BUDGET_EXCEEDED, N.BUDGET_WILL_BE_EXCEEDED
    page, ticket = {**EUR, "severity": "critical"}, {**EUR, "severity": "warning"}
    yield Case(exceeded, "fires where it is spent to the cent", period(720), 5, (page,))
    yield Case(exceeded, "is silent a cent before", period(719.99), 5)
    yield Case(exceeded, "is silent without a ledger", {}, 5)
    moved = {
        series("modelmonitor_cost_budget", currency="EUR", instance="a"): "720x10 stale",
        series("modelmonitor_cost_budget_spent", currency="EUR", instance="a"): "800x10 stale",
        series("modelmonitor_cost_budget", currency="EUR", instance="b"): "_x12 720x20",
        series("modelmonitor_cost_budget_spent", currency="EUR", instance="b"): "_x12 800x20",
    }
    for minute in (11, 30):
        yield Case(exceeded, f"is one alert while the leader changes, minute {minute}", moved, minute, (page,))
    anew = {**period(720), SPENT: "800x10 0x60"}
    yield Case(exceeded, "ends when a new period has begun", anew, 25)
    low, expected = (series("modelmonitor_cost_projected", currency="EUR", bound=one) for one in ("low", "expected"))
    yield Case(will, "fires where even the low end is more", {**period(100), low: "721x200"}, 90, (ticket,))
    yield Case(will, "is silent within the first hour", {**period(100), low: "721x200"}, 55)
    young = {**period(100), low: "721x200", BEGAN: "-70000x200"}
    yield Case(will, "is silent on the ledger's first day", young, 90)
    yield Case(will, "is silent where the range is on both sides", {**period(100), low: "500x200", expected: "900x200"})
    yield Case(will, "is silent once it is spent", {**period(720), low: "900x200"}, 90)
    yield Case(will, "is silent without a ledger", {}, 90)


def _burning() -> Iterator[Case]:
    burn, page = N.BUDGET_BURN_FAST, {**EUR, "severity": "critical"}

    def case(what: str, amount: float, minute: int, *firing: Mapping[str, str], **times: int) -> Case:
        given = {spend(): hourly(amount, 40), written(): clock(40), **period(amount, **times)}
        return Case(burn, what, given, minute, firing)

    yield case("fires at four times the even rate", 4, 60, page)
    yield case("fires within half an hour of the ledger's beginning", 4, 25, page)
    yield case("is silent at two and a half times", 2.5, 150)
    yield case("is silent before a quarter of an hour is charged", 400, 12)
    late = {"start": 150 * 60 + 86_400 - MONTH, "end": 150 * 60 + 86_400}
    yield case("is silent where what is left lasts all the same", 4, 150, **late)
    parts = {spend(part): hourly(1, 40) for part in ("used", "idle", "gap", "energy")}
    yield Case(burn, "adds up the parts", {**parts, written(): clock(40), **period()}, 60, (page,))
    sudden = {spend(): f"{hourly(1, 24)} {hourly(60, 10, 2)}", written(): clock(40), **period()}
    yield Case(burn, "fires minutes after everything is scaled up sixtyfold", sudden, 131, (page,))
    spike = {spend(): f"{hourly(1, 24)} {hourly(1, 16, 3)}", written(): clock(40), **period()}
    yield Case(burn, "is silent on one write of twelve times as much", spike, 123)
    over = {spend(): f"{hourly(4, 12)} 4x100", written(): clock(40), **period()}
    yield Case(burn, "goes on for ten minutes after it has slowed down", over, 70, (page,))
    yield Case(burn, "ends soon after the spending", over, 100)
    spent = {spend(): hourly(1, 40), written(): clock(40), **period(800)}
    yield Case(burn, "is silent at the even rate once the budget is spent", spent, 90)
    no_money = {spend(): "5x200", written(): clock(40), **period()}
    yield Case(burn, "is silent where nothing is spent", no_money, 90)
    yield Case(burn, "is silent without a ledger", {}, 90)


def _burning_through_faults() -> Iterator[Case]:
    burn, page = N.BUDGET_BURN_FAST, {**EUR, "severity": "critical"}
    nothing = "stale " + "_x595 "
    away = {
        spend(): f"{hourly(1, 12)} {nothing}",
        written(): f"{clock(12)} {nothing}",
        spend(instance="b"): f"_x659 {11 / 12:.9f}x4 {hourly(1, 24, 12)}",
        written("b"): f"_x659 {11 * WRITE_SECONDS}x4 {clock(24, 39_900)}",
        **period(),
    }
    for minute in (666, 670, 680, 700, 720):
        yield Case(burn, f"is silent when ten hours are charged at once, minute {minute}", away, minute)
    for fast, firing in ((1, ()), (4, (page,))):
        moved = {
            spend(): f"{hourly(fast, 8)} stale",
            written(): f"{clock(8)} stale",
            spend(instance="b"): f"_x41 {hourly(fast, 24, fast * 8 / 12)}",
            written("b"): f"_x41 {clock(24, 8 * WRITE_SECONDS)}",
            **period(),
        }
        yield Case(burn, f"counts once while the leader changes, at {fast} EUR an hour", moved, 70, firing)
    both = {key: values for one in "ab" for key, values in ((spend(instance=one), hourly(2, 40)),)}
    yield Case(burn, "counts once where two leaders show the same", {**both, written(): clock(40), **period()}, 90)
    lost = {spend(): f"{hourly(1, 12, 500)} {hourly(1, 20)}", written(): clock(40), **period()}
    yield Case(burn, "is silent when a ledger begins anew", lost, 70)
    back = {spend(): hourly(1, 40), written(): f"{clock(12, 9000)} {clock(20)}", **period()}
    yield Case(burn, "is silent when the operator's clock is set back", back, 64)
    dollars = series("modelmonitor_cost_spend_total", currency="USD", part="idle")
    other = {dollars: hourly(9, 40), written(): clock(40), **period()}
    yield Case(burn, "is silent on money of another currency", other, 90)


def _held(part: str, instance: str = "a", labels: Mapping[str, str] = OWN) -> str:
    return series("modelmonitor_cost_gpu_seconds_total", labels, part=part, instance=instance)


def _gpus(idle: float, used: float, count: int = 100) -> dict[str, str]:
    """GPUs by what they do, as many as are said."""
    return {
        _held("idle"): stairs(idle * WRITE_SECONDS, count),
        _held("used"): stairs(used * WRITE_SECONDS, count),
        _held("other"): stairs(0, count),
    }


def _waste() -> Iterator[Case]:
    waste, ticket = N.GPU_IDLE_WASTE, {"severity": "info"}
    yield Case(waste, "fires where nine tenths of a GPU are idle", _gpus(0.9, 0.1), 420, (ticket,))
    yield Case(waste, "fires where many GPUs have idled for an hour since they came", _gpus(8, 0), 85, (ticket,))
    yield Case(waste, "is silent where a quarter is used", _gpus(0.75, 0.25), 420)
    yield Case(waste, "is silent where a quarter of a GPU is idle, which is little", _gpus(0.25, 0), 420)
    yield Case(waste, "is silent in the first two hours of one GPU", _gpus(1, 0), 170)
    night = {
        _held("idle"): f"{stairs(0, 60)} {stairs(300, 36)}",
        _held("used"): f"{stairs(300, 60)} {stairs(0, 36, 17_700)}",
    }
    yield Case(waste, "is silent where it was busy three hours ago", night, 470)
    awake = {
        _held("idle"): f"{stairs(300, 84)} {stairs(0, 16, 24_900)}",
        _held("used"): f"{stairs(0, 84)} {stairs(300, 16)}",
    }
    yield Case(waste, "ends soon after work has begun", awake, 460)
    moved = {
        _held("idle"): f"{stairs(300, 40)} stale",
        _held("idle", "b"): f"_x201 {stairs(300, 60, 12_000)}",
    }
    yield Case(waste, "goes on while the leader changes", moved, 202, (ticket,))
    yield Case(waste, "is one alert after the leader has changed", moved, 420, (ticket,))
    yield Case(waste, "is silent where nothing is held", _gpus(0, 0), 420)
    theirs = {_held("idle", labels={**OWN, "modelmonitor": "else"}): stairs(300, 100)}
    yield Case(waste, "is silent on another monitor's", theirs, 420)
    yield Case(waste, "is silent without a ledger", {}, 420)


def _ledger() -> Iterator[Case]:
    name, ticket = N.LEDGER_NOT_WRITTEN, {"severity": "warning"}
    held, old = {HELD: "2x100"}, {written(): "60x100"}
    yield Case(name, "fires where it is old and GPUs are held", {**held, **old}, 60, (ticket,))
    yield Case(name, "is silent on a ledger that is written", {**held, written(): clock(20)}, 60)
    yield Case(name, "is silent where no GPU is held", {HELD: "0x100", **old}, 60)
    yield Case(name, "is silent where nothing is known of GPUs", old, 60)
    for state in ("LedgerPending", "LedgerRefused", "LedgerUnwritable"):
        given = series("modelmonitor_cost_ledger_state", state=state)
        well = series("modelmonitor_cost_ledger_state", state="LedgerCommitted")
        yield Case(name, f"fires on {state}", {**held, given: "1x100", well: "0x100"}, 30, (ticket,))
    yield Case(name, "is silent while a new leader reads it", {**held, given: "1x9 0x90", well: "0x9 1x90"}, 30)
    back = {**held, written(): f"0x5 stale _x600 0x6 {clock(20, 36_900)}"}
    yield Case(name, "is silent when the operator was away and charges now", back, 640)
    shared = series("modelmonitor_finding", code="SharedTarget", severity="Info", kind="Pod", object="t1")
    pods = series("modelmonitor_cost_charged_pods")
    theirs = {**held, **old, shared: "1x100", pods: "0x100"}
    yield Case(name, "is silent where another monitor pays for every pod", theirs, 60)
    yield Case(name, "fires where it pays for some", {**theirs, pods: "1x100"}, 60, (ticket,))
    yield Case(name, "is silent without a ledger", {}, 60)
