"""Other words for what scenes show than captions use, of wordings.toml: from these it is learned how prompts
are read."""

import tomllib
from functools import cache
from importlib import resources


def phrases(family: str, attribute: str, value: str) -> list[str]:
    """Return the phrases for a value; what any family may have, as times of day, is said alike in all, and of
    an attribute whose values are all colours by any name of the colour."""
    table = _wordings()
    own, colours = table.get(family, {}).get(attribute) or table["any"][attribute], table["any"]["colour"]
    said = own[value].split(", ")
    if own.keys() <= colours.keys():
        said += colours[value].split(", ")
    return list(dict.fromkeys(said))


def usual(family: str, attribute: str) -> str:
    """Return the value of an attribute that is meant where nothing is said of it."""
    return _wordings()["usual"][family][attribute]


@cache
def _wordings() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(resources.files(__package__).joinpath("wordings.toml").read_text("utf-8"))
