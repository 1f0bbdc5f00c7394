"""SVG as text: nothing that is shown can become markup."""

from xml.etree import ElementTree

from markupsafe import Markup

from simam_jax.reporting.page.svg import drawing, element, path, shortened, text

EVIL = "<script>alert(\"1\")</script> & 'x'"


def test_text_and_attributes_are_escaped():
    written = drawing(10, 20.5, text(1, 2, EVIL), element("circle", r=1.23456, stroke_width=2, class_="a"), label=EVIL)
    assert "<script>" not in written
    root = ElementTree.fromstring(written)
    assert root.attrib["aria-label"] == EVIL
    assert root.attrib["viewBox"] == "0 0 10 20.5"
    assert root[0].text == EVIL
    assert root[1].attrib == {"r": "1.23", "stroke-width": "2", "class": "a"}


def test_markup_is_kept_and_nothing_is_left_out_but_none():
    assert element("g", Markup("<a></a>"), id=None, x=0) == '<g x="0"><a></a></g>'


def test_path_and_shortened():
    assert path([(0.0, 1.0), (2.5, 3.333)]) == "M0 1L2.5 3.33"
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"
