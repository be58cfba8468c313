"""Weights that learn from what people said: better on truth that is known, recorded, refused and taken back."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from benchmarks.judgements import asked, chicago, made
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.test_incremental import observe
from tests.world import World

from pilothouse.data.identity.learner import lessons
from pilothouse.data.identity.learning import fit
from pilothouse.data.identity.model import ACCOUNT_MODEL
from pilothouse.data.identity.weights import corrected, correction_of, shipped
from pilothouse.testing.companies import companies
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput

COMPARISONS = len(ACCOUNT_MODEL.comparisons)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(20, 60))
def test_what_was_learned_fits_the_answers_no_worse_than_before(seed: int, count: int) -> None:
    dice = np.random.default_rng(seed)
    sizes = [len(each.levels) for each in ACCOUNT_MODEL.comparisons]
    levels = np.array([[dice.integers(-1, size) for size in sizes] for _ in range(count)])
    bits, same = dice.normal(0, 6, count), dice.random(count) < 0.5
    found = fit(ACCOUNT_MODEL, levels, bits, same)
    after = bits + found.shift
    for number, each in enumerate(ACCOUNT_MODEL.comparisons):
        after = after + np.array([0 if at < 0 else found.bits[each.name][at] for at in levels[:, number]])

    def surprise(weight: np.ndarray) -> float:
        return float(np.logaddexp(0, np.where(same, -weight, weight) * np.log(2)).sum())

    assert surprise(after) <= surprise(bits) + 1e-6
    assert correction_of(found.as_json()) == found


def test_a_correction_moves_the_line_to_zero_and_nothing_else() -> None:
    base = shipped(ACCOUNT_MODEL, 500, {})
    none = {each.name: (0.0,) * len(each.levels) for each in ACCOUNT_MODEL.comparisons}
    body = {"bits": none, "shift": 0.0, "labels": 30, "before": 1.0, "after": 0.5, "error": 0.1}
    now = corrected(base, correction_of(body))
    assert (
        now.needed == 0 and now.prior == pytest.approx(base.prior - base.needed) and dict(now.bits) == dict(base.bits)
    )


def test_two_hundred_answers_make_made_up_companies_better() -> None:
    found = asked(made(1900, 5), rounds=4, each=50)
    assert found.correction is not None and found.correction.helps and found.after_model > found.before
    assert found.after_model >= 0.985


def test_two_hundred_answers_reach_the_goal_on_the_public_organisations() -> None:
    path = Path(__file__).parents[3] / "shared" / "data" / "dedupe_chicago_orgs" / "csv_example_input_with_true_ids.csv"
    if not path.exists():
        pytest.skip("the public sets are not beside this checkout")
    found = asked(chicago(list(csv.DictReader(path.open()))), rounds=4, each=50)
    assert found.after_model >= 0.95 > found.before


@pytest.fixture
def judged(world: World) -> World:
    """Made-up companies, resolved, with answers of somebody who knows."""
    told = companies(400, 3)
    truth = {f"{each.source}/account/m{number:04}": each.truth for number, each in enumerate(told)}
    fields = ("name", "domain", "country", "city", "phone")
    rows = {
        ref: {name: getattr(each, name) for name in fields if getattr(each, name)}
        for ref, each in zip(truth, told, strict=True)
    }
    observe(world, rows)
    world.app.resolver.resolve("account", 0)
    for pair in world.app.resolver.pairs("account", 150):
        one, other = str(pair.one), str(pair.other)
        if one in truth and other in truth:
            world.app.resolver.judge(
                pair.one, pair.other, same=truth[one] == truth[other], by="gita", why="I know them"
            )
    return world


def test_answers_become_weights_that_are_recorded_and_can_be_taken_back(judged: World) -> None:
    world = judged
    world.app.resolver.resolve("account", 0)
    before = {key: sorted(refs) for key, refs in world.app.entities.current("account").items()}
    found = world.app.learner.learn("account", "gita")
    assert found.after < found.before and found.labels >= 20
    [entry] = world.app.ledger.entries(kinds={"identity.learned"})
    assert entry.actor.person == "gita" and entry.body["correction"]["labels"] == found.labels
    assert all(abs(each.more) >= 0.5 and each.says for each in lessons("account", found))
    done = world.app.resolver.resolve("account", 0)
    assert done.needed == 0 and done.looked_at == done.records
    assert world.app.resolver.resolve("account", 0).looked_at == 0
    assert not world.app.resolver.pending("account")  # what was said holds, whatever the weights
    world.app.learner.unlearn("account", "noah", "a drill")
    world.app.resolver.resolve("account", 0)
    assert {key: sorted(refs) for key, refs in world.app.entities.current("account").items()} == before
    with pytest.raises(Conflict, match="no correction"):
        world.app.learner.unlearn("account", "noah", "again")


def test_what_does_not_help_is_refused(judged: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights were right at every answer already."""
    world = judged
    from pilothouse.data.identity import learner

    examples = learner.Learner._examples  # pyright: ignore[reportPrivateUsage]

    def tossed(self: learner.Learner, index: object) -> object:
        levels, _, same = examples(self, index)  # pyright: ignore[reportArgumentType]
        agreeing = np.where(same, 30.0, -30.0)
        return levels, agreeing, same

    monkeypatch.setattr(learner.Learner, "_examples", tossed)
    with pytest.raises(Conflict, match="do not make better weights"):
        world.app.learner.learn("account", "gita")
    assert not list(world.app.ledger.entries(kinds={"identity.learned"}))


def test_few_answers_teach_nothing_and_not_everybody_teaches(world: World) -> None:
    with pytest.raises(InvalidInput, match="too few"):
        world.app.learner.learn("account", "gita")
    for who in ("rosa", "iris"):
        with pytest.raises(Forbidden):
            world.app.learner.learn("account", who)
