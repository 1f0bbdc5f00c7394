"""The page in a real browser: Chromium without a window."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from simulated_files import CLASSES, make_images, write_study

from simam_jax.reporting.page import write_page

_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> Iterator:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium with its driver is here: Debian's packages are chromium and chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for switch in _SWITCHES:
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield opened
    finally:
        opened.quit()


def show(browser, folder: Path, *, width: int = 1400, scheme: str = "light") -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get((folder / "report.html").as_uri())


def column(browser, table, place: int) -> list[str]:
    script = "return Array.from(arguments[0].tBodies[0].rows, row => row.cells[arguments[1]].textContent)"
    return browser.execute_script(script, table, place)


def click(browser, button) -> None:
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", button)
    button.click()


@pytest.mark.parametrize("which", ["study", "run"])
def test_nothing_is_complained_of_and_nothing_fetched(browser, which, request):
    folder = request.getfixturevalue(which)
    browser.get_log("performance")
    show(browser, folder)
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    assert (folder / "report.html").as_uri() in asked
    assert [each for each in asked if not each.startswith(("data:", "file:"))] == []
    assert len([each for each in asked if each.startswith("file:")]) == 1
    undrawn = "return Array.from(document.images).filter(each => !each.naturalWidth).length"
    assert browser.execute_script(undrawn) == 0


@pytest.mark.parametrize("which", ["study", "run"])
@pytest.mark.parametrize("width", [320, 400, 1400])
def test_it_is_no_wider_than_the_window(browser, which, width, request):
    show(browser, request.getfixturevalue(which), width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_tables_sort_by_mouse(browser, study):
    show(browser, study)
    table = browser.find_element("css selector", "#results table.sortable")
    heads = table.find_elements("css selector", ".heads th")
    place = [head.text.split()[0] for head in heads].index("accuracy")
    first = column(browser, table, place)
    click(browser, heads[place].find_element("tag name", "button"))
    means = [float(each.split()[0]) for each in column(browser, table, place)]
    assert means == sorted(means, reverse=True)
    assert heads[place].get_attribute("aria-sort") == "descending"
    assert "descending" in browser.find_element("id", "said").get_attribute("textContent")
    click(browser, heads[place].find_element("tag name", "button"))
    means = [float(each.split()[0]) for each in column(browser, table, place)]
    assert means == sorted(means)
    assert sorted(column(browser, table, place)) == sorted(first)
    click(browser, heads[0].find_element("tag name", "button"))
    assert heads[place].get_attribute("aria-sort") == "none"
    names = column(browser, table, 0)
    assert names == sorted(names)


def test_tables_sort_by_keyboard_and_nothing_comes_last(browser, study):
    from selenium.webdriver import Keys

    show(browser, study)
    _, table = browser.find_elements("css selector", "#results table.sortable")[:2]
    heads = table.find_elements("css selector", ".heads th")
    place = [head.text for head in heads].index("over seeds and images")
    button = heads[place].find_element("tag name", "button")
    heads[place - 1].find_element("tag name", "button").send_keys(Keys.TAB)
    assert browser.switch_to.active_element == button
    for order in ("descending", "ascending"):
        browser.switch_to.active_element.send_keys(Keys.ENTER)
        assert heads[place].get_attribute("aria-sort") == order
        shown = column(browser, table, place)
        empty = [each == "–" for each in shown]
        assert any(empty)
        assert empty == sorted(empty)


def test_light_and_dark(browser, study):
    colours = []
    for scheme in ("light", "dark"):
        show(browser, study, scheme=scheme)
        colours.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(20, 23, 27)"]


def test_names_are_shown_as_they_are(browser, study):
    show(browser, study)
    heads = browser.execute_script(
        "return Array.from(document.querySelectorAll('.matrix tbody th'), each => each.textContent)"
    )
    assert tuple(heads[: len(CLASSES)]) == CLASSES


def test_on_paper_everything_is_unfolded_and_then_folded_again(browser, study):
    show(browser, study)
    opened = "return document.querySelectorAll('details[open]').length"
    count = "addEventListener('beforeprint', () => { window.seen = document.querySelectorAll('details[open]').length })"
    browser.execute_script(count)
    assert browser.execute_script(opened) == 0
    assert base64.b64decode(browser.print_page()).startswith(b"%PDF-")
    assert browser.execute_script("return window.seen") > 0
    assert browser.execute_script(opened) == 0


@pytest.fixture(scope="module")
def wide(data, tmp_path_factory) -> Path:
    """A study whose tables are as wide as they get: as many classes as a matrix has, and long names."""
    images = make_images(np.random.default_rng(0), [f"a rather long class name {n}" for n in range(32)], each=2)
    folder = tmp_path_factory.mktemp("wide") / "study"
    write_study(folder, images, data=data, effects={"simam": 1.0, "cbam:reduction=8,kernel_size=3": 0.5}, seeds=6)
    write_page(folder)
    return folder


@pytest.mark.parametrize("which", [pytest.param("study", marks=pytest.mark.slow), "run", "wide"])
def test_on_paper_nothing_runs_off_the_page(browser, which, request):
    """Between the margins of an A4 page there are 182 mm, which are 688 pixels."""
    show(browser, request.getfixturevalue(which), width=688)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_script("for (const each of document.querySelectorAll('details:not(.numbers)')) each.open = true")
    beyond = (
        "return Array.from(document.querySelectorAll('main *, header *'))"
        ".filter(each => !each.closest('.unseen') && each.getBoundingClientRect().right > 689)"
        ".map(each => each.tagName + ' ' + each.className + ' ' + each.textContent.slice(0, 40))"
    )
    assert browser.execute_script(beyond) == []
