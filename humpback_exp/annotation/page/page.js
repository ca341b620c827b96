// Draws one item at a time. Texts only ever become text nodes. What is typed is kept in this browser until the server has it.
"use strict";

const link = location.pathname.replace(/\/+$/, "");
const part = id => document.getElementById(id);
const reason = part("reason");
const LIMIT = 10_000;  // milliseconds until a request counts as lost
const LONGEST_WAIT = 15;  // seconds between two tries
let at = null;  // what the server last told
let value = null;  // of the choice, as shown
let sending = false;
let spent = 0, since = performance.now();  // milliseconds this item has been in sight

function made(tag, text, name = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = name;
  return element;
}

const draftKey = () => `draft ${link} ${at.item.id} ${at.item.revision}`;

// Null where there is no storage here.
function stored(use) { try { return use(localStorage); } catch { return null; } }
const keepDraft = () => stored(kept => kept.setItem(draftKey(), JSON.stringify({value, reason: reason.value})));
const draft = () => stored(kept => JSON.parse(kept.getItem(draftKey())));
const dropDraft = () => stored(kept => kept.removeItem(draftKey()));

function say(text) { part("said").textContent = text; }

const ENDS = {
  failed: "Thank you. The test was not passed, so your work ends here.",
  end: "Thank you. Everything is judged, and you may close this page.",
};

function draw(state, message = "") {
  if (at?.phase === "test" && state.phase === "work") message = "The test is passed. Here begins the work.";
  at = state;
  const name = at.phase === "test" ? "Test: " : "";
  part("where").textContent = at.item ? `${name}${at.done} of ${at.total} judged` : "";
  part("fill").style.width = `${at.total ? 100 * at.done / at.total : 100}%`;
  part("guidelines").replaceChildren(...at.guidelines.map(line => made("p", line)));
  for (const id of ["main", "bar", "guide"]) part(id).hidden = !at.item;
  part("closing").hidden = Boolean(at.item);
  part("closing").textContent = at.item ? "" : ENDS[at.phase];
  if (at.item) drawItem();
  say(message);
}

function drawItem() {
  const {prompt, texts} = at.item, kept = draft();
  part("guide").open = at.done === 0;
  part("prompt").textContent = prompt;
  part("answers").replaceChildren(...texts.map((text, place) => {
    const article = document.createElement("article");
    const body = made("div", text, "text");
    body.dir = "auto";
    article.append(made("h2", texts.length > 1 ? "AB"[place] : "Answer"), body);
    return article;
  }));
  part("answers").classList.toggle("two", texts.length > 1);
  part("choices").replaceChildren(...at.choices.map(choice => {
    const button = made("button", choice.label);
    button.type = "button";
    if (choice.label !== choice.key) button.append(made("kbd", choice.key.toUpperCase()));
    button.onclick = () => choose(choice.value);
    return button;
  }));
  part("keys").textContent = `Keys: ${at.choices.map(one => one.key.toUpperCase()).join(", ")} choose, Enter sends, R goes to the `
    + "reason and Esc out of it, Z goes back.";
  reason.value = kept?.reason ?? at.item.reason;
  reason.placeholder = at.reasons ? "What decided it?" : "A reason, if you like";
  part("back").disabled = !at.previous;
  mark(kept?.value ?? at.item.value);
  reason.blur();
  scrollTo(0, 0);
  spent = 0;
  since = performance.now();
}

function mark(chosen) {
  value = chosen;
  [...part("choices").children].forEach((button, place) =>
    button.setAttribute("aria-pressed", at.choices[place].value === value));
  [...part("answers").children].forEach((article, place, all) =>
    article.classList.toggle("chosen", all.length > 1 && value === 1 - 2 * place));
}

function choose(chosen, byKey = false) {
  if (sending) return;
  mark(chosen);
  say("");
  keepDraft();
  if (byKey && at.reasons) reason.focus();
}

function lock(on) {
  sending = on;
  reason.readOnly = on;
  for (const button of part("bar").querySelectorAll("button")) button.disabled = on;
  if (!on && at) part("back").disabled = !at.previous;
}

// The answer of the server, or null where there is none and the request should be made again.
async function ask(path, body) {
  const options = {signal: AbortSignal.timeout(LIMIT), cache: "no-store"};
  if (body) Object.assign(options, {method: "POST", body, headers: {"Content-Type": "application/json"}});
  try {
    const response = await fetch(link + path, options);
    return response.status >= 500 ? null : {status: response.status, data: await response.json()};
  } catch {
    return null;
  }
}

function pause(seconds) {
  return new Promise(done => {
    setTimeout(done, 1000 * seconds);
    addEventListener("online", done, {once: true});
  });
}

async function insist(path, body, what) {
  for (let wait = 1; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    const answer = await ask(path, body);
    if (answer) return answer;
    say(`No connection. ${what} Trying again in ${wait} s.`);
    await pause(wait);
  }
}

async function load(item, message = "") {
  const {status, data} = await insist(item ? `/item/${item}` : "/item", null, "");
  if (status === 200) draw(data, message);
  else part("where").textContent = data.error;
}

async function send() {
  if (sending || !at?.item) return;
  if (value === null) return say("Choose first.");
  if (at.reasons && !reason.value.trim()) {
    say("Write in a sentence what decided it.");
    return reason.focus();
  }
  const seconds = (spent + (document.hidden ? 0 : performance.now() - since)) / 1000;
  const body = JSON.stringify({value, reason: reason.value, seconds: Math.min(seconds, 86400), revision: at.item.revision});
  keepDraft();
  lock(true);
  const {status, data} = await insist(`/item/${at.item.id}`, body, "Your judgement is kept here.");
  lock(false);
  if (status === 200) {
    dropDraft();
    draw(data);
  } else if (status === 409) {
    await load(null, data.error);
  } else {
    say(data.error);
  }
}

function pressed(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || !at?.item) return;
  const enter = event.key === "Enter" && !event.shiftKey;
  if (event.target === reason) {  // here letters are letters
    if (event.key === "Escape") reason.blur();
    if (enter) { event.preventDefault(); send(); }
    return;
  }
  if (event.target.closest("button, summary") && [" ", "Enter"].includes(event.key)) return;
  const key = event.key.toLowerCase(), choice = at.choices.find(one => one.key === key);
  if (event.repeat || !(choice || enter || key === "r" || key === "z")) return;
  event.preventDefault();
  if (choice) choose(choice.value, true);
  else if (enter) send();
  else if (key === "r") reason.focus();
  else if (at.previous && !sending) load(at.previous);
}

document.addEventListener("keydown", pressed);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) spent += performance.now() - since;
  since = performance.now();
});
reason.addEventListener("input", keepDraft);
part("send").onclick = send;
part("back").onclick = () => load(at.previous);
load();
