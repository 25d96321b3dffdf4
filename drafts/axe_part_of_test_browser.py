@pytest.mark.skipif(not (NPM / "axe-core").is_dir(), reason="no axe: npm install --prefix tests/npm --no-package-lock")
@pytest.mark.parametrize(("dark", "size"), [(False, WIDE), (True, PHONE)], ids=["light", "dark on a phone"])
def test_axe_finds_nothing(browser, site, dark, size):
    for path in site.pages():
        visit = browser.open(site.url(path), dark=dark, **size)
        if "<article" not in visit.page.content():
            continue  # the redirect
        visit.page.wait_for_function(LAID_OUT)
        visit.page.add_script_tag(path=NPM / "axe-core" / "axe.min.js")
        found = visit.page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        assert not found, (path, [(rule["id"], [node["html"][:300] for node in rule["nodes"]]) for rule in found])
        browser.close_all()


