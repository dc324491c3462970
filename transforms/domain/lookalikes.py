"""Texts that look like others: letters of one script that pass for those of another, and marks nobody sees.

A name in one script is a name, whatever the script. What is looked for are letters that pass for Latin ones
among Latin ones, and words that are Latin only to the eye. The data are the confusables of UTS #39, from the
package `confusable-homoglyphs`; which scripts go together in a word follows its level "highly restrictive".
"""

from __future__ import annotations

import functools
import re
import unicodedata

from confusable_homoglyphs import categories, confusables

_WORDS = re.compile(r"[^\W\d_]+", re.UNICODE)
_ANYWHERE = {"COMMON", "INHERITED", "Unknown"}
_WITH_LATIN = {
    "HAN",
    "HIRAGANA",
    "KATAKANA",
    "HANGUL",
    "BOPOMOFO",
}  # as people write Japanese, Korean, Chinese
_JOINERS = "\u200c\u200d"  # which some scripts and pictographs need


def why_deceptive(text: str) -> str | None:
    """What about ``text`` may deceive a reader, without its letters; None if nothing does."""
    if _holds_unseen(text):
        return "holds characters that nobody sees"
    words = [(word, _scripts(word)) for word in _WORDS.findall(text)]
    for _, scripts in words:
        if len(scripts) > 1 and not scripts <= {"LATIN", *_WITH_LATIN}:
            return f"mixes {' and '.join(sorted(name.capitalize() for name in scripts))} letters in a word"
    foreign = [word for word, scripts in words if scripts and "LATIN" not in scripts]
    # One letter that passes for no Latin one shows a reader what the script is.
    if foreign and all(_passes_for_ascii(letter) for word in foreign for letter in word):
        return "passes for Latin letters, which it is not"
    return None


@functools.cache
def _script(letter: str) -> str:
    return str(categories.alias(letter))


def _scripts(word: str) -> set[str]:
    return {_script(letter) for letter in word} - _ANYWHERE


@functools.cache
def _passes_for_ascii(letter: str) -> bool:
    found = confusables.confusables_data.get(letter, [])
    return any(len(glyph["c"]) == 1 and glyph["c"].isascii() for glyph in found)


def _holds_unseen(text: str) -> bool:
    for place, letter in enumerate(text):
        if letter in _JOINERS:
            around = text[place - 1 : place] + text[place + 1 : place + 2]
            if len(around) < 2 or around.isascii():
                return True
        elif unicodedata.category(letter) == "Cf" or letter in "\u115f\u1160\u3164\uffa0\u2800":
            return True
    return False
