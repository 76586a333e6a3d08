"""`python -m benchmarks.moved_operator PORT --settings FILE`: the operator, listening on another port than it tells.

Two pods listen on the same port of two addresses; two processes of one machine cannot. Where the settings of both must
be the same, so that the one takes over what the other has written, only the port that is really bound differs.
"""

import sys
from unittest.mock import patch

from aiohttp import web

from modelmonitor_operator import __main__ as operator
from modelmonitor_operator import application
from modelmonitor_operator.adapters.http_server import serve


def main() -> None:
    """Run the operator until SIGTERM."""
    bound = int(sys.argv.pop(1))

    async def serve_elsewhere(app: web.Application, _told: int) -> web.AppRunner:
        return await serve(app, bound)

    with patch.object(application, "serve", serve_elsewhere):
        operator.main()


if __name__ == "__main__":
    main()
