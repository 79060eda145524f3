"""Faults in who may do what, and in how a store is sealed, rewritten, and told from one that somebody changed."""

from __future__ import annotations

from tests.mutations.fault import Fault

_SEAL = "sessionworker/stores/seal.py"
_FILES = "sessionworker/stores/files"
_CODEC = f"{_FILES}/codec.py"
_SEALING = f"{_FILES}/sealing.py"
_SEALS_SAID = "sessionworker/stores/seals.py"
_REWRITING = f"{_FILES}/rewriting.py"
_LONG_NAMES = f"{_FILES}/long_names.py"

_SEALS = ("tests/test_seal.py",)
_DISK = ("tests/files/test_sealed_disk.py", "tests/files/test_flipped_bits.py")
_REWRITES = ("tests/files/test_rewriting.py",)
_LEFT_BEHIND = ("tests/files/test_left_behind.py",)
_LONG = ("tests/files/test_long_names.py",)
_ROLES = ("tests/test_roles.py", "tests/test_tokens.py")

FAULTS: tuple[Fault, ...] = (
    # What is sealed, and to what
    Fault("a nonce comes twice", _SEAL, "nonce = os.urandom(_NONCE)", "nonce = bytes(_NONCE)", _SEALS),
    Fault("a salt serves for ever", _SEAL, "if count[0] >= MOST_OF_A_SALT:", "if False:", _SEALS),
    Fault(
        "a value is bound to no place",
        _SEAL,
        "sealing.encrypt(nonce, value, _join(head, *bound))",
        "sealing.encrypt(nonce, value, _join(head))",
        (*_SEALS, *_DISK),
    ),
    Fault(
        "two lists of what a value is bound to are taken for one",
        _SEAL,
        'b"".join(len(part).to_bytes(4, "big") + part for part in parts)',
        'b"".join(parts)',
        _SEALS,
    ),
    Fault(
        "a value is not bound to its instance",
        f"{_FILES}/folder.py",
        'return self.codec.seal(value, "value", self.id, key)',
        'return self.codec.seal(value, "value", "", key)',
        (*_DISK, *_REWRITES),
    ),
    Fault(
        "a version is bound to nothing but its instance",
        f"{_FILES}/version_files.py",
        'return "version", self._folder.id, version.file_name',
        'return "value", self._folder.id, "creds"',
        _DISK,
    ),
    Fault(
        "what is plain is taken for a value of any store",
        _CODEC,
        "if self._admits_plain and not is_sealed(data):",
        "if not is_sealed(data):",
        _REWRITES,
    ),
    Fault(
        "nobody asks for whom a folder was made",
        f"{_FILES}/catalogue.py",
        "if not Identity(folder).is_of(instance.group, instance.name):",
        "if False:",
        _DISK,
    ),
    Fault(
        "a name is sealed the same in every place",
        _SEAL,
        "return key.names.encrypt(name.encode(), [_join(*place)])",
        "return key.names.encrypt(name.encode(), [_join()])",
        (*_SEALS, *_DISK),
    ),
    # With which keys
    Fault("a key that is missing is not missed", _SEALS_SAID, "    if missing:\n", "    if False:\n", _REWRITES),
    Fault(
        "what a store says of itself is believed without a proof",
        _SEALS_SAID,
        "if not found.is_proven(ring):",
        "if False:",
        _REWRITES,
    ),
    Fault(
        "a store that says nothing of itself is taken for a plain one",
        _SEALING,
        'lambda: any(name.startswith(SEALED) for name in places.folders("."))',
        "lambda: False",
        _REWRITES,
    ),
    Fault(
        "a statement that is junk stops the start unforeseen",
        _SEALING,
        "except (msgspec.MsgspecError, UnicodeError, RecursionError):",
        "except ZeroDivisionError:",
        _REWRITES,
    ),
    # Rewriting
    Fault(
        "the versions of an instance are not rewritten",
        _REWRITING,
        "                    VersionFiles(folder).rewrite()\n",
        "",
        _REWRITES,
    ),
    Fault(
        "what was set aside is not rewritten",
        _REWRITING,
        "                    BrokenFiles(folder).rewrite()\n",
        "",
        _REWRITES,
    ),
    Fault(
        "the store says that all is rewritten while the journal holds more",
        _REWRITING,
        "if self._journal.has_older or self._places",
        "if self._places",
        _REWRITES,
    ),
    Fault(
        "the store says that all is rewritten while a group has its older name",
        f"{_FILES}/inventory.py",
        "for folder in [folder for folder in group.folders if folder != ours]:",
        "for folder in ():",
        _LEFT_BEHIND,
    ),
    Fault(
        "a dropped instance is taken for rewritten with its older name and proof",
        _REWRITING,
        "                instance = self._inventory.renew(instance)\n",
        "                pass\n",
        _LEFT_BEHIND,
    ),
    Fault(
        "a folder that is moved at last is moved back again",
        f"{_FILES}/drops.py",
        "        self._places.trust(drop.path, ours)",
        "        #",
        _LEFT_BEHIND,
    ),
    Fault(
        "a file that has its new name already keeps the old one, too",
        f"{_FILES}/folder.py",
        "        self._write(values)\n        self.sync()\n        self._remove(names)\n        self.sync()\n",
        "        self._write(values)\n        self.sync()\n",
        _REWRITES,
    ),
    # Long names
    Fault(
        "what a long name stands for is not written down",
        f"{_FILES}/folder.py",
        '        self.codec.keep_name(key, "key", self.id)\n',
        "",
        _LONG,
    ),
    Fault(
        "the paths of folders with long names cannot be decoded",
        f"{_FILES}/places.py",
        '            self.codec.keep_name(name, "instance", group)\n',
        "            pass\n",
        _LONG,
    ),
    Fault(
        "long names under another key are left",
        _LONG_NAMES,
        "        self._forget(self._older)\n",
        "        pass\n",
        _LONG,
    ),
    Fault(
        "a key whose long name cannot be told is taken for one that is not there",
        f"{_FILES}/reading.py",
        "if is_live and is_complete:",
        "if is_live:",
        _LONG,
    ),
    # Roles
    Fault(
        "a token for some groups opens all",
        "sessionworker/access.py",
        "if self.groups is not None and group not in self.groups:",
        "if False:",
        _ROLES,
    ),
    Fault(
        "whoever may look may change",
        "sessionworker/access.py",
        "Role.VIEW: frozenset({Right.LOOK}),",
        "Role.VIEW: frozenset({Right.LOOK, Right.CHANGE}),",
        _ROLES,
    ),
    Fault(
        "an API's token opens /admin although operators have one",
        "sessionworker/access.py",
        "if token.role is Role.API and token.groups is None and not has_admin:",
        "if token.role is Role.API and token.groups is None:",
        _ROLES,
    ),
    Fault(
        "a token for some groups opens /admin where operators have none",
        "sessionworker/access.py",
        "if token.role is Role.API and token.groups is None and not has_admin:",
        "if token.role is Role.API and not has_admin:",
        _ROLES,
    ),
)
