"""The page about oversight itself: reviewers, gates, the queue, and acts to be looked at again."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from pilothouse.handoff.reliability import Reliability
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.charts import reliability
from pilothouse.surfaces.console.pages import Posted, SignedIn, Text, go, page

router = APIRouter(include_in_schema=False)
DAYS = 30


@router.get("/oversight")
def oversight(request: Request, session: SignedIn, pilothouse: Pilothouse, said: str = "") -> Response:
    """The report over a month, and the spot checks that wait."""
    require(session.person, "read_ledger")
    report, waiting = pilothouse.oversight(DAYS), pilothouse.spot_checks.list()
    return page(
        request, "oversight.html", session, report=report, waiting=waiting, days=DAYS, said=said,
        calibration=[(each, published, _drawn(each)) for each, published in pilothouse.calibrating.report()],
    )  # fmt: skip


def _drawn(found: Reliability) -> Markup:
    rows = [{"stated": each.stated, "right": each.right, "n": each.n} for each in found.bins]
    told = "; ".join(f"stated {each.stated:.2f}, right {each.right:.2f} of {each.n}" for each in found.bins)
    return reliability(rows, f"Confidence of {found.agent} on {found.action_type}: {told}.")


@router.post("/oversight/{check}")
def judge(check: str, session: Posted, pilothouse: Pilothouse, found: Text = "", note: Text = "") -> Response:
    """Say whether an act was right."""
    done = pilothouse.spot_checks.decide(check, session.person.id, passed=found == "right", note=note)
    return go("/oversight", f"{done.subject}: {'right' if done.passed else 'wrong'}.")
