"""`python -m modelmonitor_testbed.cost_simulation`: the long run; its figures come last."""

import argparse
import sys
import time

from modelmonitor_testbed.cost_simulation.report import judge, print_report
from modelmonitor_testbed.cost_simulation.run import Simulation


def main() -> None:
    """Run, print, and end with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="cost_simulation", description=__doc__)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--crashes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", metavar="FILE.png", help="draw what each monitor cost; needs matplotlib")
    options = parser.parse_args()
    began = time.process_time()
    simulation = Simulation(options.days, options.crashes, options.seed, lambda text: print(text, flush=True))
    simulation.run()
    goals = judge(simulation)
    print_report(simulation, goals, time.process_time() - began)
    if options.plot:
        from modelmonitor_testbed.cost_simulation.plot import draw  # noqa: PLC0415 - matplotlib is optional

        draw(simulation, options.plot)
    sys.exit(0 if all(goal.met for goal in goals) else 1)


if __name__ == "__main__":
    main()
