// Adds to pages that work without it: live state, countdown, local times, a copy button.
"use strict";

const main = () => document.querySelector("main");
let source;
let ticking;

// Local times: the server can only write its own.
function showLocalTimes() {
  const { lang } = document.documentElement;
  const locale = navigator.languages.find((language) => language.startsWith(lang)) ?? lang;
  const options = { dateStyle: "long", timeStyle: "short" };
  for (const time of document.querySelectorAll("time[data-local]")) {
    time.textContent = new Date(time.dateTime).toLocaleString(locale, options);
  }
}

// Counts from what the server said: the reader's clock may be wrong.
function countDown() {
  clearInterval(ticking);
  const shown = document.querySelector("[data-seconds]");
  if (!shown) return;
  const end = performance.now() + Number(shown.dataset.seconds) * 1000;
  ticking = setInterval(() => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    shown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (left === 0) {
      clearInterval(ticking);
      refresh();
    }
  }, 1000);
}

function offerCopying() {
  const button = document.querySelector("[data-copy]");
  if (!button || !navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = button.dataset.copied;
      announce(button.dataset.copied);
    } catch {
      getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
    }
  });
}

function announce(text) {
  document.getElementById("announcer").textContent = text;
}

// Puts the page's new state in place of the old one and says it aloud.
async function refresh() {
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.status === 429 || answer.status >= 500) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = main().contains(document.activeElement);
    main().replaceWith(page.querySelector("main"));
    document.title = page.title;
    start();
    if (focused) main().querySelector("h1").focus();
    announce(main().querySelector("[data-status]")?.textContent ?? document.title);
  } catch {
    setTimeout(refresh, 5000);
  }
}

function listen() {
  source?.close();
  const { events } = main().dataset;
  if (!events) return;
  source = new EventSource(events);
  source.onmessage = ({ data }) => {
    if (data !== main().dataset.state) refresh();
  };
}

function start() {
  showLocalTimes();
  countDown();
  offerCopying();
  listen();
}

// A page from the browser's memory may be out of date.
addEventListener("pageshow", (event) => {
  if (event.persisted && main().dataset.events) refresh();
});
start();
