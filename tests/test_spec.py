"""The grammar of specs."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salzoo.interfaces import SalzooError
from salzoo.spec import MAX_LENGTH, Component, Placed, Spec, parse_spec

names = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,12}", fullmatch=True)
keys = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
numbers = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,12}", fullmatch=True)
positions = st.integers(-99, 99) | st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)


@st.composite
def spec_texts(draw: st.DrawFn) -> str:
    def component() -> str:
        params = draw(st.dictionaries(keys, numbers | words | st.booleans(), max_size=3))
        written = ",".join(f"{key}={_write(draw, value)}" for key, value in params.items())
        return draw(names) + (f":{written}" if written else "")

    placed = draw(st.lists(positions, unique=True, max_size=3))
    return "+".join([component(), *(f"{component()}@{position}" for position in placed)])


def _write(draw: st.DrawFn, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return draw(st.sampled_from([f"{value!r}", f"{value:.17g}"])).replace("+", "")
    return str(value)


@given(spec_texts())
def test_the_canonical_form_reads_back_as_the_same_spec(text: str) -> None:
    spec = parse_spec(text)
    assert parse_spec(str(spec)) == spec
    assert str(parse_spec(str(spec))) == str(spec)


@given(spec_texts())
def test_no_character_of_a_spec_needs_quoting(text: str) -> None:
    assert set(str(parse_spec(text))) <= set(string.ascii_letters + string.digits + "_.-:=,+@")


@given(st.text(max_size=40) | st.text("abz09._-:=,+@", max_size=40))
def test_any_text_is_a_spec_or_a_clear_error(text: str) -> None:
    spec: Spec | None = None
    error = ""
    try:
        spec = parse_spec(text)
    except SalzooError as caught:
        error = str(caught)
    assert parse_spec(str(spec)) == spec if spec else error.startswith("malformed spec")
    assert "\n" not in error


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("salgan", "salgan"),
        ("salgan:width=0.250", "salgan:width=0.25"),
        ("salgan:width=1.0", "salgan:width=1"),
        ("salgan:width=1e-2", "salgan:width=0.01"),
        ("a:x=1e22", "a:x=1e22"),
        ("a:x=-0.0", "a:x=0"),
        ("a:x=0.00001", "a:x=1e-5"),
        ("a:x=007", "a:x=007"),
        ("a:x=.5", "a:x=0.5"),
        ("a:x=e5", "a:x=e5"),
        ("a+ema:learn=true,alpha=0.3@54", "a+ema:alpha=0.3,learn=true@54"),
        ("a+b@-1+c@output", "a+b@-1+c@output"),
    ],
)
def test_canonical_forms(text: str, canonical: str) -> None:
    assert str(parse_spec(text)) == canonical


def test_the_parts_of_a_spec() -> None:
    spec = parse_spec("salgan:width=0.25+ema@30+ema:alpha=0.3@bottleneck")
    assert spec == Spec(
        Component("salgan", (("width", 0.25),)),
        (Placed(Component("ema"), 30), Placed(Component("ema", (("alpha", 0.3),)), "bottleneck")),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a backbone's name at its end"),
        ("salgan++ema@61", "expected a temporal module's name at character 8 ('+')"),
        ("salgan+ema", "expected '@' and a position at its end"),
        ("salgan+ema@", "expected a position: an index or a landmark at its end"),
        ("salgan+ema@61x", "expected '+' and a temporal module at character 14 ('x')"),
        ("salgan ema", "expected '+' and a temporal module at character 7 (' ')"),
        ("salgan:width", "expected '=' at its end"),
        ("salgan:width=", "expected a value (letters, digits, '_', '.', '-') at its end"),
        ("salgan:width=1,width=2", "expected a parameter other than 'width', which is given already at character 16"),
        ("salgan:width=1e999", "expected a number within range at character 14"),
        (f"salgan+convlstm:hidden={2**70}@30", "expected a number within range at character 24"),
        (f"salgan:width={'9' * 400}", "expected a number within range at character 14"),
        ("salgan+ema@61+ema@61", "expected a position that no other module has at character 19"),
        ("a" * (MAX_LENGTH + 1), f"longer than {MAX_LENGTH} characters"),
    ],
)
def test_errors_point_at_the_character(text: str, message: str) -> None:
    with pytest.raises(SalzooError) as caught:
        parse_spec(text)
    assert message in str(caught.value)
