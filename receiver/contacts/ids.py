"""What names and ids may look like: none that means everyone, none that breaks out of a mention."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator

from receiver.settings import shaped

PLATFORMS = ("wecom", "mobile", "feishu", "dingtalk", "email")
"""The ids a contact may have, by field."""

LONGEST_NAME = 64

_NAME = re.compile(rf"\w[\w.-]{{0,{LONGEST_NAME - 1}}}")
_USER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_FEISHU = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_OTHER_FEISHU = re.compile(r"o[nc]_[0-9A-Za-z]{16,}")
_PUNCTUATION = re.compile(r"[\s().-]")
_MAINLAND = re.compile(r"(?:(?:\+|00)?86)?(1[3-9][0-9]{9})", re.ASCII)
_E164 = re.compile(r"(?:\+|00)([1-9][0-9]{6,14})", re.ASCII)
_SHORTENED = re.compile(r"[0-9.]+[eE]\+?[0-9]+", re.ASCII)


def means_everyone(name: str) -> bool:
    """Whether a name, with or without its `@`, stands for all members of a group."""
    return bare(name).casefold() == "all"


def bare(name: str) -> str:
    """A name without the one `@` that may stand before it, in composed Unicode (NFC)."""
    return unicodedata.normalize("NFC", name[1:] if name[:1] in ("@", "＠") else name)


def contact_name(value: str) -> str:
    """A name for a person or a duty. ValueError otherwise."""
    value = unicodedata.normalize("NFC", value)
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"must be at most {LONGEST_NAME} letters, digits, dots, dashes or underscores, without an @, "
            "not beginning with a dot or dash"
        )
    if means_everyone(value):
        raise ValueError("is a word that mentions everyone, and cannot be one contact's name")
    return value


def mention_name(value: str) -> str:
    """What may be mentioned: the name of a contact or a duty, or `all`, each with or without `@`."""
    return "@all" if means_everyone(value) else contact_name(bare(value))


def mobile(value: str) -> str:
    """A mobile number as the platforms want it: 11 digits for the mainland, else E.164 with `+`. ValueError else."""
    number = _PUNCTUATION.sub("", value)
    if (mainland := _MAINLAND.fullmatch(number)) is not None:
        return mainland[1]
    if (foreign := _E164.fullmatch(number)) is not None and not foreign[1].startswith("86"):
        return f"+{foreign[1]}"
    if _SHORTENED.fullmatch(value.strip()):
        raise ValueError("was shortened by a spreadsheet; set the column to text and save the file again")
    raise ValueError("must be a mobile number like 13800001111 or +4915112345678")


def _user_id(value: str) -> str:
    """WeCom and DingTalk allow the same: 1 to 64 of letters, digits and `_-@.`, a letter or digit first."""
    if not _USER_ID.fullmatch(value) or means_everyone(value):
        raise ValueError("must be a user id: at most 64 of A-Z, a-z, 0-9 and _ - @ . with a letter or digit first")
    return value


def _feishu(value: str) -> str:
    if _OTHER_FEISHU.fullmatch(value):
        raise ValueError("must be an open_id (ou_...) or a user_id; bots cannot mention a union_id or a chat")
    if not _FEISHU.fullmatch(value) or means_everyone(value):
        raise ValueError("must be an open_id like ou_84aad35d084aa403a838cf73ee18467 or a user_id")
    return value


Name = Annotated[str, AfterValidator(contact_name)]
MentionName = Annotated[str, AfterValidator(mention_name)]
MemberName = Annotated[str, AfterValidator(lambda value: contact_name(bare(value)))]
UserId = Annotated[str, AfterValidator(_user_id)]
FeishuId = Annotated[str, AfterValidator(_feishu)]
Mobile = Annotated[str, AfterValidator(mobile)]
Email = Annotated[
    str,
    shaped(
        r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
        "must be an e-mail address like zhangsan@example.com",
    ),
]
