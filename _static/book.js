// What the theme's scripts leave to the book. It waits until the page is there (`defer`).

// A formula that is wider than the page is moved with the keyboard as well.
{
  const formulas = [...document.querySelectorAll(".katex-display")];
  const attributes = { tabindex: "0", role: "group", "aria-label": "A wide formula" };
  const mark = (formula) => {
    const wide = formula.scrollWidth > formula.clientWidth;
    for (const [name, value] of Object.entries(attributes)) {
      wide ? formula.setAttribute(name, value) : formula.removeAttribute(name);
    }
  };
  const sizes = new ResizeObserver((changes) => changes.forEach((change) => mark(change.target)));
  formulas.forEach((formula) => sizes.observe(formula));
}

// Of a long chapter the sections on the screen are laid out first (book.css), the others when the browser has the time.
{
  const sections = [...document.querySelectorAll(".bd-article > section > section")];
  const whenIdle = window.requestIdleCallback ?? setTimeout;
  const show = (section) => section.style.setProperty("content-visibility", "visible");
  const next = () => {
    if (sections.length) {
      show(sections.shift());
      whenIdle(next);
    }
  };
  location.hash ? sections.forEach(show) : addEventListener("load", () => whenIdle(next));
}

// The search shows a few lines of each page that it finds, which it must fetch: from disk a browser forbids that.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
