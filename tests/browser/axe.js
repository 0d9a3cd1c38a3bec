// Runs axe-core, which was put into the page before, and gives what is serious in lines to read.
const done = arguments[arguments.length - 1];
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] }).then(
  ({ violations }) => done(violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, impact, help, nodes }) => nodes.map(({ target, failureSummary }) =>
      `${impact} ${id}: ${help}\n  at ${target.join(" ")}\n  ${(failureSummary ?? "").replace(/\n\s*/g, "\n    ")}`))),
  (error) => done(["axe failed: " + error]),
);
