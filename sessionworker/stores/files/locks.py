"""Who may do what at the same time: all rules of concurrency of the file store, in one place.

Four kinds of thread are in the store:

    committer     one at a time, in `commit`: judges batches, appends to the journal, applies; and moves folders
    checkpointer  one at a time: writes the files, in the folders where they lie, and lets go of the journal
    readers       any number: in everything else but `recall`
    the reactor   in `recall` alone, which takes no lock and asks no disk

Whoever holds a lock may take one that stands below it, never one above.

    checkpoint    one checkpoint at a time; it is held while files are written, so never by a committer
    changing      it changes which groups and instances there are, or somebody has to know all of them
    memory        what is remembered of the disk: known names and recent values
    state         what was committed, what of it waits, and the journal's end
    moves         a folder changes its place; held for the rename and the note of it alone
    reserve       room of the disk is taken for the reserve, or given back for what frees more
    room, probe, erasing, counting, events
                  each by itself

What is done without a lock:

* A dict's single operations (`get`, `in`, `[]=`, `pop`, `update`, `list`) are one step of the interpreter's for keys
  that are strings, so whoever looks may do so without a lock. What is known of groups and instances changes in the
  committer alone.
* A value moves in one direction: it is committed to `Instance.unsaved`, a checkpoint takes it into `saving`, then it is
  in its file, and then it is forgotten here. Who looks in the same direction does not miss it.
* `Instance.writes` goes up after each change, and when the instance is dropped. Who remembers what a file held notes it
  before, and remembers nothing if it went up.
* Who has an instance, and who wrote it (`Instance.tenure`, `peers`), is the committer's alone; others may look.
* `Instance.is_changing` says that a commit is about to be shown; who reads several keys asks afterwards for both.
* A folder is opened without a lock, and compared with the one that was seen before. If it is not there, or another one,
  it is looked for once more with `moves` held: then nobody moves it.
"""

from __future__ import annotations

import threading


class Locks:
    """The locks of one store. See the module for their order."""

    def __init__(self) -> None:
        """Make them."""
        self.checkpoint = threading.RLock()
        self.changing = threading.Lock()
        self.memory = threading.Lock()
        self.state = threading.Lock()
        self.moves = threading.Lock()
        self.reserve = threading.Lock()
        self.room = threading.Condition()
        """Notified when less waits."""
        self.probe = threading.Lock()
        """One health check writes at a time."""
        self.events = threading.Lock()
        """Of the events that are remembered; taken with any other held."""
        self.counting = threading.Lock()
        """One thread at a time counts what was not counted yet."""
        self.erasing = threading.Lock()
        """One thread at a time removes what was purged."""
