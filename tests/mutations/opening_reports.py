"""Faults in how the report of an import is opened on the page."""

from __future__ import annotations

from tests.mutations.fault import Fault

_PAGE = "sessionworker/page"
_READ, _OPENED, _UPLOADS = f"{_PAGE}/reported.py", f"{_PAGE}/reporting.py", f"{_PAGE}/uploads.py"
_OF_READING, _OF_OPENING = ("tests/page/test_reported.py",), ("tests/page/test_reporting.py",)
_BOUNDS = ("tests/page/test_bounds.py",)

FAULTS = (
    Fault(
        "whoever comes may send a file",
        _UPLOADS,
        "        if not self._may_send(request):\n            return False\n",
        "",
        _BOUNDS,
    ),
    Fault(
        "a form of elsewhere may have a large file",
        f"{_PAGE}/signing_in.py",
        "return is_form and is_from_this_page(request) and",
        "return is_form and",
        _BOUNDS,
    ),
    Fault(
        "who is hung up on is looked at for each part that came with it",
        f"{_PAGE}/bounds.py",
        "            self._is_cut_off = True\n",
        "",
        _BOUNDS,
    ),
    Fault(
        "any number of files is in memory at once",
        _UPLOADS,
        "            oldest.channel.forceAbortClient()\n",
        "",
        _BOUNDS,
    ),
    Fault(
        "who has sent a file and gone still counts",
        _UPLOADS,
        "        request.notifyFinish().addBoth(lambda _: self.leave(request))\n",
        "",
        _BOUNDS,
    ),
    Fault(
        "what came of a file that is too large is kept",
        f"{_PAGE}/bounds.py",
        "            self.content = BytesIO()  # what came is let go of\n",
        "",
        _BOUNDS,
    ),
    Fault(
        "a file without end is taken without end",
        f"{_PAGE}/bounds.py",
        "elif not self._is_file or self._came > MOST_DROPPED:",
        "elif not self._is_file:",
        _BOUNDS,
    ),
    Fault(
        "a file lies on the disk",
        f"{_PAGE}/forms.py",
        "        begin,\n",
        "        None,\n",
        _OF_OPENING,
    ),
    Fault(
        "a report counts without the token of the form",
        _OPENED,
        'if not session.is_own(form.fields.get("csrf", "")):',
        "if False:",
        _OF_OPENING,
    ),
    Fault(
        "a report of another page's form is read",
        _OPENED,
        "if not is_from_this_page(request):",
        "if False:",
        _OF_OPENING,
    ),
    Fault(
        "a report whose sender has gone fails as it is read",
        _OPENED,
        "if told.called or request.content is None:",
        "if request.content is None:",
        _OF_OPENING,
    ),
    Fault(
        "notes that nobody knows fail",
        _READ,
        "one.code in TOLD and details",
        "details",
        _OF_READING,
    ),
    Fault(
        "notes without what stands in their text fail",
        _READ,
        " and details.keys() >= _needs(one.code)",
        "",
        _OF_READING,
    ),
    Fault(
        "a file of millions of things is read",
        _READ,
        'if whole.count(b",") > MOST_PARTS:',
        "if False:",
        _OF_READING,
    ),
    Fault(
        "a note has as many details as it likes",
        _READ,
        "if len(one.details) > LONGEST_DETAILS:",
        "if False:",
        _OF_READING,
    ),
    Fault(
        "a page of a report has all of it",
        _READ,
        "if rows and room < 0:",
        "if False:",
        _OF_READING,
    ),
    Fault(
        "what is no name leads to a page",
        _READ,
        "state in THERE and _are_names(one.group, one.instance)",
        "state in THERE",
        _OF_READING,
    ),
    Fault(
        "what failed has a link to where it is not",
        _READ,
        "state in THERE and _are_names(one.group, one.instance)",
        "_are_names(one.group, one.instance)",
        _OF_READING,
    ),
    Fault(
        "a text that is cut is as long as its signs are wide",
        _READ,
        "        shown = shown[: len(shown) * most // size]\n",
        "        break\n",
        _OF_READING,
    ),
)
