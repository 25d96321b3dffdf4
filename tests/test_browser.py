"""Every built page in a real browser, from disk and from a server, with no other host to be found."""

import pytest


def test_what_goes_wrong_is_seen(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        "<link rel=icon href=data:,><img src=missing.png><img src=https://elsewhere.example/pixel.png>"
        "<script>console.error('said'); undefined_name</script><p id=handle>0"
        "<script>handle.onmousedown = () => onmousemove = e => handle.textContent = Math.round(e.movementX)</script>"
    )
    visit = browser.open(page, dark=True, width=320)
    assert visit.elsewhere() == ["https://elsewhere.example/pixel.png"]
    for complaint in ("missing.png", "elsewhere.example", "said", "undefined_name"):
        assert any(complaint in line for line in visit.complaints), complaint
    with pytest.raises(AssertionError, match="another host"):
        visit.assert_clean()
    assert visit.page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]") == [320, True]
    visit.drag("#handle", 40, 0, steps=4)
    assert visit.page.inner_text("#handle") == "10"
