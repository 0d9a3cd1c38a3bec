// Completes what is typed into the search box. Everything works without it.
(() => {
  const box = document.getElementById("q");
  const list = document.getElementById("suggestions");
  if (!box || !list) return;
  let timer = 0;
  let asked = "";
  const ask = async () => {
    const text = box.value.trim();
    if (text.length < 2 || text === asked) return;
    asked = text;
    try {
      const answer = await fetch("/api/search/suggest?q=" + encodeURIComponent(text));
      if (!answer.ok || text !== asked) return;
      const { suggestions } = await answer.json();
      list.replaceChildren(...suggestions.map((value) => Object.assign(document.createElement("option"), { value })));
    } catch {
      // Without suggestions the box is still a box.
    }
  };
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 120);
  });
})();
