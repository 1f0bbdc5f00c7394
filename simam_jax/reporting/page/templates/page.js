"use strict";
{
  const said = document.getElementById("said");
  const collator = new Intl.Collator(undefined, { numeric: true });

  function keyOf(row, column) {
    const key = row.cells[column].dataset.key;
    if (key === undefined) return null;
    const number = Number(key);
    return key !== "" && Number.isFinite(number) ? number : key;
  }

  function compare(a, b) {
    return typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));
  }

  function sort(table, head, column) {
    const descending = head.getAttribute("aria-sort") === "ascending" ||
      (head.getAttribute("aria-sort") === "none" && head.classList.contains("number"));
    for (const other of head.parentNode.children) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const rows = Array.from(table.tBodies[0].rows, (row) => [keyOf(row, column), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null); // nothing comes last either way
      return descending ? compare(b, a) : compare(a, b);
    });
    table.tBodies[0].append(...rows.map(([, row]) => row));
    said.textContent = `${table.caption.textContent}, sorted by ${head.textContent}, ${descending ? "descending" : "ascending"}`;
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = Array.from(table.tHead.rows).at(-1).cells;
    Array.from(heads).forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(table, head, column));
      head.replaceChildren(button);
      head.setAttribute("aria-sort", "none");
    });
  }

  // On paper nothing can be unfolded.
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = Array.from(document.querySelectorAll("details:not([open], .numbers)"));
    for (const each of unfolded) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of unfolded) each.open = false;
  });
}
