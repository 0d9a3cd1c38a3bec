// Finds an element the way a user does: by what it is and what it is called. An exact name wins over
// one that only contains the words; what is not visible is
// not there. A third argument narrows what is looked at.
const [kind, words, among = "*"] = arguments;
const selector = {
  link: "a[href]",
  button: "button, [role=button], summary",
  field: "input:not([type=hidden]), select, textarea",
  heading: "h1, h2, h3",
  option: "[role=option]",
  image: "img",
  alert: "[role=alert], [role=status]",
}[kind];
const plain = (text) => (text ?? "").replace(/\s+/g, " ").trim().toLowerCase();
const labels = (element) => [...(element.labels ?? [])].map((label) => label.textContent).join(" ");
const name = (element) => plain(element.getAttribute("aria-label") || labels(element) || element.getAttribute("alt") || element.textContent);
const wanted = plain(words);
const visible = [...document.querySelectorAll(selector)].filter((element) => element.matches(among) && element.checkVisibility({ visibilityProperty: true }));
return visible.find((element) => name(element) === wanted) ?? visible.find((element) => name(element).includes(wanted)) ?? null;
