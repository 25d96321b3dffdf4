// What the theme's scripts leave to the book. It waits until the page is there (`defer`).

// A frame that is wider than the page is moved with the keyboard as well. The theme looks at all of them as soon as the
// page is there, for which the whole page must be laid out; here each is looked at when it has its size.
{
  const frames = "pre, .cell_output > .output, .pst-scrollable-table-container, .katex-display";
  const sized = new Set();
  const mark = (target) => {
    const formula = target.matches(".katex-display");
    const wide = target.scrollWidth > target.clientWidth || (!formula && target.scrollHeight > target.clientHeight);
    const attributes = formula ? { tabindex: "0", role: "group", "aria-label": "A wide formula" } : { tabindex: "0" };
    for (const [name, value] of Object.entries(attributes)) {
      if (wide) target.setAttribute(name, value);
      else target.removeAttribute(name);
    }
  };
  const sizes = new ResizeObserver((changes) => {
    for (const { target } of changes) {
      sized.add(target);
      mark(target);
    }
  });
  document.querySelectorAll(frames).forEach((frame) => sizes.observe(frame));
  document.fonts.addEventListener("loadingdone", () => sized.forEach(mark)); // what is inside has another width now
}

// Of a long chapter what is on the screen is laid out first (book.css). The rest follows section by section when the
// reader begins to do something, and at once when a jump must know where it leads.
{
  const sections = [...document.querySelectorAll(".bd-article > section > section")];
  const show = (section) => section.style.setProperty("content-visibility", "visible");
  const showAll = () => sections.splice(0).forEach(show);
  const whenIdle = window.requestIdleCallback ?? setTimeout;
  const next = () => {
    if (sections.length) {
      show(sections.shift());
      whenIdle(next);
    }
  };
  const [visit] = performance.getEntriesByType("navigation");
  if (location.hash || visit?.type !== "navigate") showAll(); // a reload goes back to where the reader was
  addEventListener("click", ({ target }) => target.closest("a[href*='#']") && showAll(), true);
  for (const sign of ["pointerdown", "touchstart", "wheel", "keydown"]) {
    addEventListener(sign, () => whenIdle(next), { once: true, passive: true });
  }
}

// The search shows a few lines of each page that it finds, which it must fetch: from disk a browser forbids that.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// A page is printed in its light colours, whatever the reader sees.
{
  const { dataset } = document.documentElement;
  let seen;
  addEventListener("beforeprint", () => {
    seen = dataset.theme;
    dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    dataset.theme = seen;
  });
}
