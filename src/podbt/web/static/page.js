/* What pages do beyond HTML: times in the reader's zone, Airflow's colours, sorting, finding, following a live run.
   Every page says all it has to say without this. */
"use strict";
(() => {
  const root = document.documentElement;
  const framed = window.parent !== window;
  const outside = () => { try { return framed ? window.parent.document : null; } catch { return null; } };

  /* Airflow marks its scheme on the document that has the frame. */
  const theme = () => {
    const airflow = outside();
    const marked = airflow && ["dark", "light"].find((name) => airflow.documentElement.classList.contains(name));
    if (marked) root.dataset.theme = marked;
  };
  theme();
  const airflow = outside();
  if (airflow) new MutationObserver(theme).observe(airflow.documentElement, { attributes: true, attributeFilter: ["class"] });

  const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
  const times = (within) => within.querySelectorAll("time[datetime]:not([title])").forEach((time) => {
    const when = new Date(time.dateTime);
    time.textContent = shown.format(when);
    time.title = exact.format(when);
  });

  const say = (text) => { document.getElementById("said").textContent = text; };

  const sortable = (within) => within.querySelectorAll("table.sortable thead th").forEach((head) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const body = head.closest("table").tBodies[0];
      const down = head.getAttribute("aria-sort") === "ascending";
      head.parentNode.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[head.cellIndex].dataset.value ?? row.cells[head.cellIndex].textContent.trim();
      const compare = new Intl.Collator(undefined, { numeric: true }).compare;
      const number = (a, b) => Number(a) - Number(b);
      const rows = [...body.rows];
      const by = rows.every((row) => row.cells[head.cellIndex].dataset.value !== undefined) ? number : compare;
      rows.sort((a, b) => by(value(a), value(b)) * (down ? -1 : 1));
      body.append(...rows);
    });
  });

  const narrow = (within) => within.querySelectorAll("[data-narrow]").forEach((box) => {
    box.hidden = false;
    const rows = [...box.nextElementSibling.querySelectorAll("tbody tr")];
    const find = box.querySelector("[data-find]");
    const apply = () => {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      rows.forEach((row) => {
        const fits = words.every((word) => row.textContent.toLowerCase().includes(word));
        row.hidden = !fits;
        count += fits;
      });
      box.querySelector("[data-count]").textContent = words.length ? `${count} of ${rows.length} nodes` : "";
    };
    find.addEventListener("input", apply);
  });

  /* A bar leads to its row. */
  const bars = (within) => within.addEventListener("click", (event) => {
    const bar = event.target.closest("svg[data-node]");
    if (!bar) return;
    const row = [...within.querySelectorAll("tr[data-node]")].find((one) => one.dataset.node === bar.dataset.node);
    if (!row) return;
    within.querySelectorAll("tr.lit").forEach((one) => one.classList.remove("lit"));
    row.hidden = false;
    row.classList.add("lit");
    row.scrollIntoView({ block: "center" });
    row.querySelector("a")?.focus({ preventScroll: true });
  });

  const queries = (within) => within.querySelectorAll("details[data-sql]").forEach((box) => {
    box.addEventListener("toggle", async () => {
      if (!box.open || box.dataset.loaded) return;
      box.dataset.loaded = "1";
      const answer = await fetch(box.dataset.sql, { credentials: "same-origin" }).catch(() => null);
      const text = document.createElement("pre");
      text.className = "sql";
      text.tabIndex = 0;
      text.textContent = answer?.ok ? await answer.text() : "It could not be loaded. Open it as text instead.";
      box.append(text);
    });
  });

  /* The frame may not open Airflow's own pages; a link of the document around it may. */
  const airflows = (within) => within.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-airflow]");
    const around = outside();
    if (!link || !around || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const other = around.createElement("a");
    other.href = link.href;
    around.body.append(other);
    other.click();
    other.remove();
  });

  const forms = (within) => within.querySelectorAll("form[data-auto] select").forEach((select) => {
    select.addEventListener("change", () => select.form.requestSubmit());
  });

  const ready = (main) => [times, sortable, narrow, queries, forms].forEach((make) => make(main));
  const main = document.getElementById("main");
  times(document);
  ready(main);
  bars(main);
  airflows(main);

  const copy = document.querySelector("[data-copy]");
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", () => navigator.clipboard.writeText(location.href)
      .then(() => say("The link is copied."), () => say(location.href)));
  }

  /* Follows what changes: the same page is fetched again, and what is open or typed stays. */
  const follow = () => {
    const pause = Number(main.dataset.live);
    if (!pause) return;
    setTimeout(async () => {
      const busy = document.activeElement && main.contains(document.activeElement)
        && ["INPUT", "SELECT"].includes(document.activeElement.tagName);
      if (!document.hidden && !busy) {
        const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
        if (answer?.ok) renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
      }
      follow();
    }, pause * 1000);
  };
  const renew = (page) => {
    const fresh = page.getElementById("main");
    if (!fresh) return;
    const open = [...main.querySelectorAll("details")].map((one) => one.open);
    const places = [...main.querySelectorAll(".scroll")].map((one) => [one.scrollLeft, one.scrollTop]);
    const focused = main.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const was = main.querySelector("h1")?.textContent;
    main.replaceChildren(...fresh.childNodes);
    main.dataset.live = fresh.dataset.live ?? "";
    ready(main);
    main.querySelectorAll("details").forEach((one, place) => { if (open[place]) one.open = true; });
    main.querySelectorAll(".scroll").forEach((one, place) => { if (places[place]) [one.scrollLeft, one.scrollTop] = places[place]; });
    if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    const state = page.querySelector(".freshly"), place = document.querySelector(".freshly");
    if (state && place && !place.contains(document.activeElement)) {
      [...place.childNodes].forEach((one) => { if (one !== copy) one.remove(); });
      place.prepend(...[...state.childNodes].filter((one) => !(one.dataset && "copy" in one.dataset)));
      times(place);
    }
    const is = main.querySelector("h1")?.textContent;
    if (is !== was) say(is);
  };
  follow();
})();
