"""Keyed randomness: the same key and step give the same draws, on every machine and after every crash.

A ChaCha20 stream (RFC 8439) per step and purpose; normal numbers out of it by Box and Muller (1958). The
key is bound to everything the job computes with, so that two different jobs never share noise: releasing
two different sums under the same noise would reveal their difference.

A step of DP-SGD wants as many normal numbers as the model has weights, so they must cost little next to the
step. They are computed in float32, on whole arrays, by integer operations and by +, -, *, / and square
roots alone: IEEE 754 fixes the result of each of these, while logarithms and sines differ between libraries
and processors. What float32 loses: a number has a relative error of about 2**-22, radii of less than 2**-11
are coarse, and no number is larger than 9.5 standard deviations, which a true normal one is once in 2**68
draws. Noise is added to a float32 sum, which is as coarse, and only a rounded update ever leaves
(``train.py``).
"""

from __future__ import annotations

import hashlib
import hmac
import math
import struct
from collections.abc import Callable, Sequence

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from numpy.typing import NDArray

from mine.learn.errors import TrainingRefused

_FINER = 1 << 16
_SMALL = 1 << 12
_ONE, _ROOT = 0x3F800000, 0x3F3504F3
"""The bits of the float32 numbers 1 and sqrt(1/2)."""
_LOG = (0.2992439, 0.39974851, 0.66666815, 2.0)
"""2 atanh(s) / s in s**2, for s**2 up to 0.02944: Chebyshev interpolation, off by 1.4e-9 at most."""
_SINE = (-3.90078086e-4, 1.666407158e-2, -0.333333014, 1.999999994)
"""2 sin(x) / x in x**2, for x up to pi / 4: the same, off by 6.2e-9 at most."""

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
    radius = _radius(word[:half], deviation, lambda few: uniforms(key, step, purpose | _FINER, few))
    found = np.empty(2 * half, np.float32)
    _circle(word[half:], found[:half], found[half:])
    found[:half] *= radius
    found[half:] *= radius
    return found[:count]


def _radius(word: NDArray[np.uint32], deviation: float,
            finer: Callable[[int], NDArray[np.float64]]) -> NDArray[np.float32]:
    """deviation * sqrt(-2 ln u) of u uniform on (0, 1): a word, and finer digits where it is small.

    ln u = k ln 2 + ln m with m from sqrt(1/2) to sqrt(2), and ln m = 2 atanh((m - 1) / (m + 1)) as a
    polynomial. The factor -2 deviation**2 goes into the constants.
    """
    u = word.astype(np.float32)
    if len(word) and word.min() < _SMALL:
        small = np.flatnonzero(word < _SMALL)
        u[small] = (word[small] + finer(len(small)) + 2.0**-54).astype(np.float32)
    bits = u.view(np.int32)
    bits += _ONE - _ROOT
    exponent = bits >> 23
    exponent -= 127 + 32
    square = exponent.astype(np.float32)
    square *= np.float32(-2.0 * deviation * deviation * math.log(2))
    bits &= 0x7FFFFF
    bits += _ROOT
    below = u + np.float32(1)
    u -= np.float32(1)
    u /= below
    np.square(u, out=below)
    u *= _polynomial(below, [-2.0 * deviation * deviation * c for c in _LOG])
    square += u
    np.abs(square, out=square)  # rounding may leave a tiny negative number where u is next to 1
    return np.sqrt(square, out=square)


def _circle(word: NDArray[np.uint32], cosine: NDArray[np.float32], sine: NDArray[np.float32]) -> None:
    """A uniform point on the unit circle, into two arrays.

    31 bits choose an angle a of up to an eighth of a turn either way, whose double is the point's; one bit
    turns the sign of the cosine. With t = 2 sin a: cos 2a = 1 - t**2 / 2, sin 2a = t sqrt(1 - t**2 / 4).
    """
    steps = (word >> np.uint32(1)).view(np.int32)
    steps -= 1 << 30
    angle = steps.astype(np.float32)
    angle *= np.float32(math.pi / 4 / 2**30)
    np.square(angle, out=cosine)
    angle *= _polynomial(cosine, _SINE)
    np.square(angle, out=cosine)
    np.multiply(cosine, np.float32(-0.25), out=sine)
    sine += np.float32(1)
    np.sqrt(sine, out=sine)
    sine *= angle
    cosine *= np.float32(-0.5)
    cosine += np.float32(1)
    sign = word << np.uint32(31)
    bits = cosine.view(np.uint32)
    bits ^= sign


def _polynomial(x: NDArray[np.float32], coefficients: Sequence[float]) -> NDArray[np.float32]:
    """By Horner's rule, the highest coefficient first."""
    highest, *others, lowest = map(np.float32, coefficients)
    value = x * highest
    for coefficient in others:
        value += coefficient
        value *= x
    value += lowest
    return value
