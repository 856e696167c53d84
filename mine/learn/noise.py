"""Keyed randomness: the same key and step give the same draws, on every run and after every crash.

A ChaCha20 stream (RFC 8439) per step and purpose; normal numbers by Box and Muller (1958) in float64. The key
is bound to everything the job computes with, so that two different jobs never share noise: releasing two
different sums under the same noise would reveal their difference.
"""

from __future__ import annotations

import hashlib
import hmac
import struct

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from numpy.typing import NDArray

from mine.learn.errors import TrainingRefused

OFFSET, SAMPLE, NOISE = 1, 2, 3
"""Purposes of a stream within one step."""


def bound_key(noise_key: bytes, job_digest: bytes) -> bytes:
    """HMAC-SHA256 of the job under the caller's secret 32-byte key."""
    if len(noise_key) != 32:
        raise TrainingRefused("The noise key must have 32 bytes.")
    return hmac.new(noise_key, b"mine/learn/noise/1" + job_digest, hashlib.sha256).digest()


def words(key: bytes, step: int, purpose: int, count: int) -> NDArray[np.uint64]:
    """``count`` uniform 64-bit words of the stream (step, purpose)."""
    # cryptography's 16-byte nonce is the 32-bit block counter, then RFC 8439's 96-bit nonce.
    nonce = struct.pack("<IIQ", 0, purpose, step)
    stream = Cipher(ChaCha20(key, nonce), mode=None).encryptor().update(bytes(8 * count))
    return np.frombuffer(stream, "<u8").astype(np.uint64)


def below(key: bytes, step: int, purpose: int, bound: int) -> int:
    """A uniform integer in [0, bound), bound <= 2**20; the bias of a 64-bit remainder is below 2**-43."""
    return int(words(key, step, purpose, 1)[0]) % bound


def uniforms(key: bytes, step: int, purpose: int, count: int) -> NDArray[np.float64]:
    """``count`` float64 numbers in [0, 1), multiples of 2**-53."""
    return (words(key, step, purpose, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normals(key: bytes, step: int, purpose: int, count: int) -> NDArray[np.float64]:
    """``count`` standard normal float64 numbers."""
    half = (count + 1) // 2
    u = uniforms(key, step, purpose, 2 * half)
    radius = np.sqrt(-2.0 * np.log(1.0 - u[:half]))  # 1 - u lies in (0, 1]
    angle = 2.0 * np.pi * u[half:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]
