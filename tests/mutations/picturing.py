"""Faults in the figures of the last hours, and in the charts of them."""

from __future__ import annotations

from tests.mutations.fault import Fault

_SERIES, _CHARTS = "sessionworker/page/series.py", "sessionworker/page/charts.py"
_LOOKING, _TROUBLES = "sessionworker/page/looking.py", "sessionworker/page/troubles.py"
_SHOWN = ("tests/page/test_pages.py",)
_TOLD = ("tests/page/test_what_is_wrong.py",)
_HIDDEN = ("tests/page/test_hiding_names.py",)
_KEPT, _DRAWN = ("tests/page/test_series.py",), ("tests/page/test_charts.py",)

FAULTS: tuple[Fault, ...] = (
    Fault(
        "where no sample was taken, the one of six hours before is shown",
        _SERIES,
        "                figure[step % SAMPLES] = nan\n",
        "                pass\n",
        _KEPT,
    ),
    Fault(
        "no sample is kept while a clock that was set back catches up",
        _SERIES,
        "            self._set_back += self._newest - now\n",
        "",
        _KEPT,
    ),
    Fault(
        "the samples of a point are other ones at each look",
        _SERIES,
        "        newest = self._newest // wide\n",
        "        newest = (self._newest + 1) // wide\n",
        _KEPT,
    ),
    Fault(
        "a figure that could not be measured is nought", _SERIES, "nan if value is None", "0.0 if value is None", _KEPT
    ),
    Fault(
        "a chart's title is taken for tags",
        _CHARTS,
        "height=HEIGHT, title=title, drawn=drawn",
        "height=HEIGHT, title=Markup(title), drawn=drawn",
        _DRAWN,
    ),
    Fault("a gap is drawn as a line", _CHARTS, "        if is_known:\n", "        if True:\n", _DRAWN),
    Fault(
        "a disk that lost a thousandth of its room looks full",
        _CHARTS,
        "    more = max(0, abs(highest) * LEAST_SHARE - (highest - lowest)) / 2\n",
        "    more = 0.0\n",
        _DRAWN,
    ),
    Fault(
        "since when writes are refused is another time at each look",
        _LOOKING,
        "if abs(since - self._refused_since) > MOST_DRIFT:",
        "if True:",
        _TOLD,
    ),
    Fault(
        "the list is asked for all day, whether somebody is there or not",
        "sessionworker/page/build.py",
        "if len(self._signing_in.sessions):",
        "if True:",
        _SHOWN,
    ),
    Fault(
        "what is kept new is not shown while it is made anew",
        "sessionworker/page/known.py",
        "now - question.came_at < OF_USE_SECONDS",
        "now - question.came_at < LONGEST_SECONDS",
        _SHOWN,
    ),
    Fault(
        "an instance whose folder is gone has no page that says what to do",
        _LOOKING,
        "    with suppress(StoreUnavailable):\n        versions",
        "    if True:\n        versions",
        ("tests/page/test_problems.py",),
    ),
    Fault(
        "whatever is the matter, creds are to be put back",
        "sessionworker/page/problems.py",
        'FOLDER = "folder"',
        'FOLDER = "creds"',
        ("tests/page/test_problems.py",),
    ),
    Fault("one slow sync is a slow disk", _LOOKING, ">= SLOW_SECONDS", ">= 0", _TOLD),
    Fault("a disk is not full that has no inodes", _TROUBLES, "FULL) < FULL or not has_inodes", "FULL) < FULL", _TOLD),
    Fault(
        "a figure that was lower once counts as high since then",
        _SERIES,
        "            if value < least:\n                break\n",
        "",
        _TOLD,
    ),
    Fault(
        "a mark in the place of a name can be guessed",
        "sessionworker/page/rendering.py",
        ", key=key, digest_size",
        ", digest_size",
        _HIDDEN,
    ),
)
