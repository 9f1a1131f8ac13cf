"""The properties a Feishu card may have, per component (open.feishu.cn, card JSON 2.0 structure)."""

from __future__ import annotations


def _names(words: str) -> tuple[str, ...]:
    return tuple(words.split())


CARD = _names("schema config card_link header body")
CARD_1 = _names("schema config card_link header elements i18n_elements i18n_header fallback")
CONFIG = _names(
    "streaming_mode streaming_config summary locales enable_forward update_multi width_mode use_custom_translation"
    " enable_forward_interaction style"
)
HEADER = _names("title subtitle text_tag_list i18n_text_tag_list template icon padding")
BODY = _names("direction padding horizontal_spacing horizontal_align vertical_spacing vertical_align elements")
TEXT = _names("tag content i18n_content text_size text_color text_align lines element_id")
TEMPLATES = frozenset(_names("blue wathet turquoise green yellow orange red carmine violet purple indigo grey default"))
"""The colours of a header."""

_BOX = (*BODY, *_names("background_style background_color action behaviors"))

ANY = _names("tag element_id margin")
"""What every component may have."""

ELEMENTS: dict[str, tuple[str, ...]] = {
    "markdown": _names("content i18n_content text_size text_align icon"),
    "div": _names("text icon width fields"),
    "hr": (),
    "img": _names("img_key alt title corner_radius scale_type size transparent preview"),
    "column_set": ("columns", "flex_mode", *_BOX),
    "column": ("width", "weight", *_BOX),
    "collapsible_panel": ("expanded", "header", "border", *_BOX),
    "interactive_container": (
        *_names("width height border corner_radius disabled disabled_tips hover_tips has_border border_color confirm"),
        *_BOX,
    ),
    "button": _names(
        "type size width icon text hover_tips disabled disabled_tips confirm behaviors name required form_action_type"
    ),
    "table": _names("columns rows page_size row_height row_max_height freeze_first_column header_style"),
    "plain_text": TEXT,
    "lark_md": TEXT,
}
"""The components an alert may use, each with its properties."""

UNCHECKED = frozenset(
    _names(
        "person person_list chart img_combination form input select_static multi_select_static select_person"
        " multi_select_person date_picker picker_time picker_datetime overflow select_img checker"
    )
)
"""Components that exist, but whose properties are not checked here."""
