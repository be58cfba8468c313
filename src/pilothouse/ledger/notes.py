"""Checkpoints as signed notes (C2SP tlog-checkpoint and signed-note, Ed25519).

<origin>
<size>
<base64 root hash>

— <key name> <base64 of key id and signature>
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pilothouse.vocabulary.errors import InvalidInput

ED25519 = b"\x01"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of the tree at one size, as somebody signed it."""

    origin: str
    size: int
    root: bytes
    note: str = ""

    @property
    def text(self) -> str:
        """The signed part."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A verifier's key in the form `name+keyid+base64`, given to verifiers out of band."""

    name: str
    raw: bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of the hash over name, algorithm and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.raw).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(ED25519 + self.raw).decode()}"

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read a verifier's key; raises `InvalidInput`."""
        name, _, rest = text.strip().partition("+")
        _, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raw = b""
        if not name or len(raw) != 33 or raw[:1] != ED25519:
            raise InvalidInput("this is not a verifier's key.", hint="It reads name+keyid+base64, on one line.")
        key = cls(name, raw[1:])
        if str(key) != text.strip():
            raise InvalidInput("the key's identifier does not belong to the key.", hint="Copy the whole line again.")
        return key


class Signer:
    """Signs checkpoints. The private key lies outside the database, readable by its owner only."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(name, key.public_key().public_bytes_raw())

    @classmethod
    def load_or_make(cls, folder: Path, name: str) -> Signer:
        """Read the key in a folder, or make one there together with the public key file."""
        path = folder / "ledger-signing.key"
        if path.exists():
            return cls(name, Ed25519PrivateKey.from_private_bytes(path.read_bytes()))
        folder.mkdir(parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes_raw())
        signer = cls(name, key)
        (folder / "ledger-public.key").write_text(f"{signer.public}\n")
        return signer

    def sign(self, size: int, root: bytes) -> Checkpoint:
        """Return a signed checkpoint."""
        bare = Checkpoint(self.public.name, size, root)
        signature = self._key.sign(bare.text.encode())
        encoded = base64.b64encode(self.public.id + signature).decode()
        return Checkpoint(bare.origin, size, root, f"{bare.text}\n— {self.public.name} {encoded}\n")


def open_note(note: str, key: PublicKey) -> Checkpoint:
    """Return the checkpoint of a note signed by this key; raises `InvalidInput` for any other."""
    text, _, signatures = note.partition("\n\n")
    lines = text.split("\n")
    try:
        origin, size, root = lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
        _, name, encoded = signatures.strip().split(" ")
        signed = base64.b64decode(encoded, validate=True)
    except (ValueError, IndexError, binascii.Error):
        raise InvalidInput("a checkpoint is malformed.") from None
    if name != key.name or signed[:4] != key.id or origin != key.name:
        raise InvalidInput(f"the checkpoint of size {size} is signed by another key than the one given.")
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signed[4:], (text + "\n").encode())
    except InvalidSignature:
        raise InvalidInput(f"the signature of the checkpoint of size {size} is wrong.") from None
    return Checkpoint(origin, size, root, note)
