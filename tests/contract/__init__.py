"""What every store promises, whatever it stands on: the same tests for each.

words           the small functions that the tests speak in; where a store lives, and what happens to it meanwhile
base, clock     what all promises are tested with
values, groups, instances, batches, judging, conditions, creds, odd_creds, versions, drops, restores, purges,
large_values, owners, overview, lifetime
                the promises, sorted by what they are about
story, story_parts
                anything that may happen, beside a store in memory
promises        all of them as one class: a kind of store keeps them by a subclass whose `place` says where it lives
memory_store    a store in dictionaries: the simplest that keeps them, and the story's model
file_place      where file stores live
postgres_place, on_postgres
                where stores on PostgreSQL live, and what their tests share
"""

import pytest

# Before they are imported: so a failure in them is shown in as much detail as one in a test's own module.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{module}"
        for module in (
            "words",
            "base",
            "clock",
            "values",
            "groups",
            "instances",
            "batches",
            "judging",
            "conditions",
            "creds",
            "odd_creds",
            "versions",
            "drops",
            "restores",
            "purges",
            "large_values",
            "owners",
            "overview",
            "lifetime",
            "story",
            "story_parts",
            "promises",
        )
    )
)
