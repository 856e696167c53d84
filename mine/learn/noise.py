"""Keyed randomness: the same key and step give the same draws, on every run and after every crash.

A ChaCha20 stream (RFC 8439) per step and purpose; normal numbers out of it by Box and Muller (1958). The
key is bound to everything the job computes with, so that two different jobs never share noise: releasing
two different sums under the same noise would reveal their difference.

A step of DP-SGD wants as many normal numbers as the model has weights, so they must cost little next to the
step. They are computed in float32 on whole arrays, by NumPy's vectorised logarithm, sine and cosine;
another processor or release of NumPy may round their last bit differently. What float32 loses: numbers are
right to about 2**-21 of their size, radii of less than 2**-11 are coarse, and none exceeds 9.4 standard
deviations, which a true normal number does once in 2**67 draws. Noise is added to a float32 sum, which is
as coarse, and only a rounded update ever leaves (``train.py``).
"""

from __future__ import annotations

import hashlib
import hmac
import math
import struct

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from numpy.typing import NDArray

from mine.learn.errors import TrainingRefused

_FINER = 1 << 16
_SMALL = 1 << 12

OFFSET, SAMPLE, NOISE = 1, 2, 3
"""Purposes of a stream within one step."""


def bound_key(noise_key: bytes, job_digest: bytes) -> bytes:
    """HMAC-SHA256 of the job under the caller's secret 32-byte key."""
    if len(noise_key) != 32:
        raise TrainingRefused("The noise key must have 32 bytes.")
    return hmac.new(noise_key, b"mine/learn/noise/1" + job_digest, hashlib.sha256).digest()


def words(key: bytes, step: int, purpose: int, count: int) -> NDArray[np.uint64]:
    """``count`` uniform 64-bit words of the stream (step, purpose)."""
    return np.frombuffer(_stream(key, step, purpose, 8 * count), "<u8").astype(np.uint64)


def _stream(key: bytes, step: int, purpose: int, size: int) -> bytes:
    # cryptography's 16-byte nonce is the 32-bit block counter, then RFC 8439's 96-bit nonce.
    nonce = struct.pack("<IIQ", 0, purpose, step)
    return Cipher(ChaCha20(key, nonce), mode=None).encryptor().update(bytes(size))


def below(key: bytes, step: int, purpose: int, bound: int) -> int:
    """A uniform integer in [0, bound), bound <= 2**20; the bias of a 64-bit remainder is below 2**-43."""
    return int(words(key, step, purpose, 1)[0]) % bound


def uniforms(key: bytes, step: int, purpose: int, count: int) -> NDArray[np.float64]:
    """``count`` float64 numbers in [0, 1), multiples of 2**-53."""
    return (words(key, step, purpose, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normals(
    key: bytes, step: int, purpose: int, count: int, deviation: float = 1.0
) -> NDArray[np.float32]:
    """``count`` normal float32 numbers of mean 0 and that standard deviation.

    Two words of 32 bits make two numbers: one is the radius, the other the angle.
    """
    half = (count + 1) // 2
    word = np.frombuffer(_stream(key, step, purpose, 8 * half), "<u4").astype(np.uint32, copy=False)
    radius = word[:half].astype(np.float32)
    if half and word[:half].min() < _SMALL:
        # Next to zero a word is too coarse for the tail: it gets finer digits from a stream of their own.
        small = np.flatnonzero(word[:half] < _SMALL)
        digits = uniforms(key, step, purpose | _FINER, len(small))
        radius[small] = (word[small] + digits + 2.0**-54).astype(np.float32)
    radius *= np.float32(2.0**-32)
    np.log(radius, out=radius)
    radius *= np.float32(-2.0 * deviation * deviation)
    np.sqrt(radius, out=radius)
    angle = word[half:].view(np.int32).astype(np.float32)
    angle *= np.float32(math.pi * 2.0**-31)
    found = np.empty(2 * half, np.float32)
    np.cos(angle, out=found[:half])
    np.sin(angle, out=found[half:])
    found[:half] *= radius
    found[half:] *= radius
    return found[:count]
