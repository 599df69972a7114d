// Live pages: parts that have changed arrive over server-sent events and are put in place of the old ones, so that
// focus, scroll and what is unfolded stay. Without this script everything works, only not by itself.
"use strict";

const root = document.documentElement;
let stream = null;
let atBottom = new WeakMap();

// Makes `now` like `next`, touching only what differs.
function morph(now, next) {
  if (now.nodeType !== next.nodeType || now.nodeName !== next.nodeName || keyOf(now) !== keyOf(next)) {
    now.replaceWith(next.cloneNode(true));
    return;
  }
  if (now.nodeType !== Node.ELEMENT_NODE) {
    if (now.data !== next.data) now.data = next.data;
    return;
  }
  for (const { name } of [...now.attributes]) {
    if (!next.hasAttribute(name) && !(name === "open" && now.nodeName === "DETAILS")) now.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  if (now.nodeName === "TIME" && now.dataset.at) return tell(now);
  children(now, next);
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);

function children(now, next) {
  const known = new Map();
  for (const child of now.childNodes) {
    const key = keyOf(child);
    if (key !== null) known.set(key, child);
  }
  let here = now.firstChild;
  for (const want of next.childNodes) {
    const key = keyOf(want);
    const found = key === null ? null : known.get(key);
    if (found && found !== here) now.insertBefore(found, here);
    else if (!here || (key !== null && !found) || (key === null && keyOf(here) !== null)) {
      now.insertBefore(want.cloneNode(true), here);
      continue;
    }
    const same = found || here;
    here = same.nextSibling;
    morph(same, want);
  }
  while (here) {
    const gone = here;
    here = here.nextSibling;
    gone.remove();
  }
}

function put(id, text) {
  const old = document.getElementById(id);
  if (!old) return;
  const next = document.createElement("template");
  next.innerHTML = text;
  const part = next.content;
  const logs = [...old.querySelectorAll(".log")];
  for (const log of logs) atBottom.set(log, log.scrollHeight - log.scrollTop - log.clientHeight < 24);
  children(old, part);
  for (const log of old.querySelectorAll(".log")) {
    if (atBottom.get(log) !== false) log.scrollTop = log.scrollHeight;
  }
  tellAll(old);
}

function follow() {
  stream?.close();
  stream = null;
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  stream = new EventSource(main.dataset.live);
  stream.addEventListener("part", (event) => put(event.lastEventId, event.data));
  stream.addEventListener("open", () => (root.dataset.link = "live"));
  stream.addEventListener("error", () => {
    root.dataset.link = "lost";
    // The browser gives up when the answer is an error; a page that was open for long finds its way back by itself.
    if (stream?.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
  });
}

// Times as ages, which grow; and what is waited for, which shrinks.
function tell(element) {
  const seconds = Math.round((Date.now() - Number(element.dataset.at)) / 1000);
  const text = seconds >= 0 ? `${age(seconds)} ago` : `in ${age(-seconds)}`;
  if (element.textContent !== text) element.textContent = text;
}

function age(seconds) {
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

function tellAll(within) {
  for (const element of within.querySelectorAll("time[data-at]")) tell(element);
}

// One letter each, as the footer says; never while somebody writes.
const places = { h: "/console", m: "/console/map", p: "/console/pipelines", l: "/console/logs", a: "/console/alarms" };
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select")) return;
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  } else if (places[event.key]) {
    location.assign(places[event.key]);
  }
});

// What cannot be taken back is asked about once more.
addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.ask;
  if (question && !confirm(question)) event.preventDefault();
});

for (const log of document.querySelectorAll(".log")) log.scrollTop = log.scrollHeight;
tellAll(document);
setInterval(() => tellAll(document), 1000);
follow();
addEventListener("pagehide", () => stream?.close());
addEventListener("pageshow", (event) => event.persisted && follow());
