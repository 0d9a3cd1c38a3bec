// Measures the load of this page: bytes of documents, styles and scripts as they were transferred, the
// number of documents it took, what came from elsewhere, and how much the layout shifted.
const done = arguments[arguments.length - 1];
const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
(async () => {
  await Promise.all([...document.images].filter((image) => image.loading !== "lazy").map((image) => image.decode().catch(() => {})));
  await document.fonts.ready;
  for (let frames = 0; frames < 10; frames += 1) await frame();
  let shift = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
  });
  observer.observe({ type: "layout-shift", buffered: true });
  await frame();
  await frame();
  for (const entry of observer.takeRecords()) if (!entry.hadRecentInput) shift += entry.value;
  const [page] = performance.getEntriesByType("navigation");
  const resources = performance.getEntriesByType("resource");
  const counted = resources.filter(({ initiatorType }) => initiatorType !== "img");
  done({
    bytes: [page, ...counted].reduce((sum, { transferSize }) => sum + transferSize, 0),
    documents: 1 + page.redirectCount + resources.filter(({ initiatorType }) => initiatorType === "iframe").length,
    foreign: resources.map(({ name }) => name).filter((name) => !name.startsWith(location.origin) && !name.startsWith("data:")),
    shift,
  });
})().catch((error) => done({ error: String(error) }));
