// A page is printed in its light colours, whatever the reader sees. Jupyter Book loads every script of this folder.
let before;

addEventListener("beforeprint", () => {
  before = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});

addEventListener("afterprint", () => {
  document.documentElement.dataset.theme = before;
});
