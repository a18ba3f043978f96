// Keeps the parts of a page that are marked `data-live` true: asks for the same page every so often
// (meta `live-every`, in seconds) and takes those parts over. Without scripts a reload does the same.
"use strict";

(() => {
  const LONGEST = 60;
  let failures = 0;
  let timer;

  const every = (page) =>
    Number(page.querySelector('meta[name="live-every"]')?.content ?? 0);

  // What had the keyboard before a part was replaced has it afterwards.
  const nameOf = (element) =>
    element.id || element.getAttribute("href") || element.getAttribute("aria-label") || element.textContent;

  const replace = (old, fresh) => {
    if (old.outerHTML === fresh.outerHTML) return;
    if (old.dataset.live === "text") {  // a status line: screen readers tell what changes in it
      if (old.textContent !== fresh.textContent) old.textContent = fresh.textContent;
      return;
    }
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    if (active?.matches("input, select, textarea")) return;  // somebody is writing
    const open = new Set([...old.querySelectorAll("details[open][id]")].map((each) => each.id));
    old.replaceWith(fresh);
    for (const each of fresh.querySelectorAll("details[id]")) {
      if (open.has(each.id)) each.open = true;
    }
    if (active) {
      const same = [...fresh.querySelectorAll(active.tagName)];
      same.find((each) => nameOf(each) === nameOf(active))?.focus();
    }
  };

  const look = async () => {
    let pause = every(document);
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.status === 401 || answer.status === 404) {
        location.reload();
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(old.id);
        if (fresh) replace(old, document.importNode(fresh, true));
      }
      document.title = page.title;
      pause = every(page);
      failures = 0;
    } catch {
      failures += 1;  // the server is starting anew, or the network is gone: less and less often
    }
    document.documentElement.toggleAttribute("data-stale", failures > 2);
    wait(Math.min(pause * 2 ** failures, LONGEST));
  };

  const wait = (seconds) => {
    clearTimeout(timer);
    if (seconds > 0 && !document.hidden) timer = setTimeout(look, seconds * 1000);
  };

  document.addEventListener("visibilitychange", () => wait(document.hidden ? 0 : 0.1));
  wait(every(document));
})();
