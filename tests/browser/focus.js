// Says whether the focus can be seen: the element is on the screen, nothing covers it, and it is drawn
// differently than without the focus.
const at = document.activeElement;
if (!at || at === document.body || at === document.documentElement || window.focusesSeen?.has(at)) return "around";
(window.focusesSeen ??= new Set()).add(at);
const name = at.outerHTML.slice(0, 160);
const style = (element, part) => {
  const { outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor } = getComputedStyle(element, part);
  return [outlineStyle !== "none" && parseFloat(outlineWidth) > 0 ? outlineWidth : "", boxShadow, borderColor, backgroundColor].join();
};
const drawn = (element) => style(element) + style(element, "::after");
// A whole card may be outlined for the link in it.
const around = [at, at.parentElement, at.closest("li"), at.closest("form")].filter(Boolean);
const focused = around.map(drawn).join("|");
const box = at.getBoundingClientRect();
if (box.width < 2 || box.height < 2) return "too small to be seen: " + name;
if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) return "not on the screen: " + name;
at.blur();
const plain = around.map(drawn).join("|");
at.focus({ preventScroll: true });
return focused === plain ? "drawn like without the focus: " + name : "seen";
