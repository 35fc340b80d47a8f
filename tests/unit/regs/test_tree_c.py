# SPDX-License-Identifier: BSD-3-Clause
"""What the reading of C finds: functions, tables and macros, and the words in them."""

import pytest

from device.regs.tree_c import words

SOURCE = r"""
/* R_COMMENT: a comment in the way { of braces */
#include "regs.h"
#define CAUSES (R_MACRO | \
                R_MORE)
static const uint32_t listed[2] = {
    R_LISTED, /* R_SAID */ 1, // R_SAID_TOO
};
struct thing { uint32_t word; };
static inline int __attribute__((noinline)) first(struct card *card, int (*call)(int))
{
    if (card) {
        log("R_STRING \" { ", '{', '\'');
        return card->word[R_FIRST / 4];
    }
    return 0;
}
int declared(int R_ARGUMENT);
uint32_t
second(void)
{
    struct thing here = { R_SECOND };
    return X_F;
}
"""


def test_words_belong_to_what_they_stand_in() -> None:
    found = {word: (name, line) for name, line, word in words(SOURCE) if word[:2] in {"R_", "X_"}}
    assert found == {
        "R_MACRO": ("CAUSES", 4),
        "R_MORE": ("CAUSES", 5),
        "R_LISTED": ("listed", 7),
        "R_FIRST": ("first", 14),
        "R_ARGUMENT": ("declared", 18),
        "R_SECOND": ("second", 22),
        "X_F": ("second", 23),
    }


@pytest.mark.parametrize("text", ["", "}", "{", "int x = R_X;", 'char *s = "', "/* never ends", "#define R_X \\"])
def test_text_that_is_hardly_c_does_no_harm(text: str) -> None:
    assert [word for _, _, word in words(text)] in ([], ["R_X"])


def test_a_function_after_one_that_does_not_end() -> None:
    assert list(words("int f(void) {\n R_A;\n")) == [("f", 2, "R_A")]
