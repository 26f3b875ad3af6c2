# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many examples hypothesis tries, and from which seed.

The same ones each time, so that a failure is of the change and not of luck: MEDIATED_SEED=random takes others and
prints the number that repeats them, MEDIATED_EXAMPLES says how many."""

import os
import random

import hypothesis

FIXED_SEED = 1809


def seed():
    text = os.environ.get("MEDIATED_SEED", str(FIXED_SEED))
    number = random.randrange(1 << 32) if text == "random" else int(text)
    print(f"MEDIATED_SEED={number}", flush=True)
    return hypothesis.seed(number)


def settings(examples, **kwargs):
    """Nothing is kept from one run to the next, and a busy machine may take its time. Shrinking would take minutes; the
    seed and what is printed tell enough."""
    phases = [phase for phase in hypothesis.Phase if phase not in (hypothesis.Phase.shrink, hypothesis.Phase.explain)]
    return hypothesis.settings(max_examples=int(os.environ.get("MEDIATED_EXAMPLES", examples)), database=None,
                               deadline=None, suppress_health_check=list(hypothesis.HealthCheck), phases=phases,
                               print_blob=False, **kwargs)
