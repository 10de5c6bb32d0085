// Sets the colours before the first paint: the reader's choice, else the system's.
(function () {
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage may be off; then the system decides.
  }
})();
